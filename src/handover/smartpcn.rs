//! smartPCN: a ZIP container whose `PCNbody.xml` holds master data, difference, life cycle and items (VDMA 24903:2017, COGD smartPCN 3.01).
//!
//! Of its elements only those are written whose names are confirmed by another implementation that reads them. The last day to order is the end of sale (`pcnEOS`), the
//! last shipment the last time of delivery (`pcnLTD`), in the sense of IEC 62890. For dates of single parts and for replacements no name could be confirmed: they stand
//! in the item in a namespace of our own, which other readers skip and our reader knows, and replacements in words in `pcnChangeDetail` as well. `Attachments.xml` is
//! not written, because nothing is attached.

use std::io::{self, Cursor, Write as _};

use jiff::civil::Date;
use quick_xml::{
    Writer,
    events::{BytesDecl, BytesText, Event},
};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::{HandoverError, Told};
use crate::domain::case::{CasePart, NamedReplacement};

const NAMESPACE: &str = "http://www.smartpcn.org/images/files/VDMA24903Schema/PCNbody";
const OWN_NAMESPACE: &str = "urn:lastbuy:smartpcn:1";

type Xml = Writer<Vec<u8>>;

pub(super) fn container(told: &Told<'_>) -> Result<Vec<u8>, HandoverError> {
    let broken = |error: &dyn std::fmt::Display| HandoverError(format!("the smartPCN container cannot be made: {error}"));
    let body = body(told).map_err(|error| broken(&error))?;
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("PCNbody.xml", SimpleFileOptions::default().compression_method(CompressionMethod::Deflated)).map_err(|error| broken(&error))?;
    zip.write_all(&body).map_err(|error| broken(&error))?;
    zip.finish().map(Cursor::into_inner).map_err(|error| broken(&error))
}

fn body(told: &Told<'_>) -> io::Result<Vec<u8>> {
    let case = told.case;
    let mut xml = Writer::new_with_indent(Vec::new(), b' ', 2);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    xml.create_element("PCNbody").with_attributes([("xmlns", NAMESPACE), ("xmlns:lastbuy", OWN_NAMESPACE)]).write_inner_content(|xml| {
        xml.create_element("masterData").write_inner_content(|xml| {
            text(xml, "pcnMfrName", told.maker)?;
            text(xml, "pcnNumber", told.number)?;
            text(xml, "pcnType", told.kind)?;
            text(xml, "pcnTitle", &case.title())?;
            day(xml, "pcnIssueDate", case.issue_date)
        })?;
        xml.create_element("difference").write_inner_content(|xml| {
            text(xml, "pcnChangeTitle", &case.title())?;
            text(xml, "pcnChangeDetail", &told.detail())
        })?;
        let [buy, ship] = told.days(case.last_time_buy, case.last_time_ship);
        xml.create_element("pcnLifeCycleData").write_inner_content(|xml| {
            day(xml, "pcnEOS", buy)?;
            day(xml, "pcnLTD", ship)
        })?;
        xml.create_element("ItemNumbers").write_inner_content(|xml| case.parts.iter().try_for_each(|part| item(xml, told, part)))?;
        Ok(())
    })?;
    Ok(xml.into_inner())
}

fn item(xml: &mut Xml, told: &Told<'_>, part: &CasePart) -> io::Result<()> {
    xml.create_element("ItemNumber").write_inner_content(|xml| {
        // The name of an electronic component's type is its part number.
        text(xml, "itemMfrTypeIdent", &part.mpn)?;
        text(xml, "itemMfrNumber", &part.mpn)?;
        let [buy, ship] = told.days(part.last_time_buy, part.last_time_ship);
        day(xml, "lastbuy:itemLastTimeBuy", buy)?;
        day(xml, "lastbuy:itemLastTimeShip", ship)?;
        match &part.replacement {
            NamedReplacement::Unsaid => Ok(()),
            NamedReplacement::None => text(xml, "lastbuy:itemNoReplacement", "true"),
            NamedReplacement::Named(names) => names.iter().try_for_each(|name| text(xml, "lastbuy:itemReplacement", name)),
        }
    })?;
    Ok(())
}

fn day(xml: &mut Xml, name: &str, day: Option<Date>) -> io::Result<()> {
    day.map_or(Ok(()), |day| text(xml, name, &day.to_string()))
}

/// An element with a text, without the characters that no XML 1.0 document can hold, not even escaped.
fn text(xml: &mut Xml, name: &str, value: &str) -> io::Result<()> {
    let value: String = value.chars().filter(|c| super::is_xml(*c)).collect();
    xml.create_element(name).write_text_content(BytesText::new(&value)).map(|_| ())
}

//! `siliconexpert`: answers of its pull API, handed on by whoever pulls: `pcn` (`Result.PCNData.PCNDto`) and `partDetail` (`Results.ResultDto`), or their records
//! alone. An array of one record arrives as the record itself, because its JSON is made from XML; XML itself is taken and kept as that JSON. More keys than are known are fine.

use bytes::Bytes;

use super::{Delivery, Refusal, Settings, Taken, few, json, json::Node, media_type::MediaType, xml};

/// Objects that only wrap records, and those that hold them.
const WRAPPERS: [&str; 6] = ["Result", "Results", "PCNData", "PCNDetails", "PCNDto", "ResultDto"];
/// A change record has one of these, a part detail one of those below.
const PCN_IDS: [&str; 4] = ["PCNNumber", "PCNId", "LastPCNNumber", "LastEOLNumber"];
const PART_IDS: [&str; 2] = ["RequestedComID", "PartNumber"];
/// What the reading needs as text. The feed writes empty values as "".
const TEXTS: [&str; 14] = [
    "PCNNumber",
    "Manufacturer",
    "TypeOfChange",
    "DescriptionOfChange",
    "AffectedProductName",
    "Source",
    "PcnSource",
    "NotificationDate",
    "EffectiveDate",
    "LastTimeBuyDate",
    "LastShipDate",
    "PartNumber",
    "ReqPartNumber",
    "PartStatus",
];

pub(super) fn check(delivery: &Delivery, _: &Settings) -> Result<Vec<Taken>, Refusal> {
    let is_xml = MediaType::of(delivery)?.is_some_and(|of| of.is_xml()) || delivery.body.trim_ascii_start().first() == Some(&b'<');
    if is_xml {
        let value = xml::parse(&delivery.body)?;
        records(&Node::root(&value))?;
        return Ok(vec![Taken { body: Some(Bytes::from(value.to_string())), ..Taken::whole(MediaType::plain_json(), None) }]);
    }
    let media_type = MediaType::json(delivery)?;
    let value = json::parse(&delivery.body)?;
    records(&Node::root(&value))?;
    Ok(vec![Taken::whole(media_type, None)])
}

/// Refuses what holds no record.
pub(super) fn records(root: &Node<'_>) -> Result<(), Refusal> {
    let mut records = 0;
    for top in root.one_or_more()? {
        if let Some(status) = top.get("Status") {
            refuse_failure(&status)?;
        }
        records += count(&top)?;
    }
    if records == 0 {
        return Err(root.refuse("holds no record: neither Result.PCNData.PCNDto nor Results.ResultDto with a PCNNumber or a PartNumber"));
    }
    Ok(())
}

/// An answer that says it failed is no notice.
fn refuse_failure(status: &Node<'_>) -> Result<(), Refusal> {
    let failed = status.get("Success").is_some_and(|success| match success.value() {
        serde_json::Value::Bool(success) => !success,
        other => other.as_str().is_some_and(|text| text.eq_ignore_ascii_case("false")),
    });
    if !failed {
        return Ok(());
    }
    let code = status.get("Code").and_then(|code| code.value().as_str().map(few)).unwrap_or_else(|| "none".to_owned());
    Err(status.refuse(&format!("says that the query failed (code {code}): there is no notice in it")))
}

/// Records in an object: itself, or those in its wrappers. Depth is bounded by the parser.
fn count(node: &Node<'_>) -> Result<usize, Refusal> {
    let mut records = 0;
    for wrapper in WRAPPERS {
        if let Some(inner) = node.get(wrapper) {
            for record in inner.one_or_more()? {
                records += count(&record)?;
            }
        }
    }
    for key in TEXTS {
        node.get(key).map(|text| text.text()).transpose()?;
    }
    let summary = node.get("SummaryData").map(Node::object).transpose()?;
    let has = |of: &Node<'_>, keys: &[&str]| keys.iter().any(|key| of.get(key).is_some_and(|id| is_id(&id)));
    let is_record = has(node, &PCN_IDS) || has(node, &PART_IDS) || summary.is_some_and(|summary| has(&summary, &PART_IDS));
    Ok(records + usize::from(is_record))
}

/// Ids are strings in all documentation, numbers in one client.
fn is_id(node: &Node<'_>) -> bool {
    node.value().is_number() || node.value().as_str().is_some_and(|text| !text.trim().is_empty())
}

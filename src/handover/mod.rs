//! What was read of a case, in the forms in which others take it over: smartPCN (VDMA 24903) and the IDTA's submodel for product change notifications.
//!
//! What a form has no place for is left out, and what a form demands and no notice said stands there without a value: nothing is made up to fill a field. A case that a
//! form cannot tell at all is refused with a sentence.

mod idta02036;
mod smartpcn;

use jiff::civil::Date;

use crate::{
    domain::{
        case::{Case, NamedReplacement},
        notice::NoticeKind,
    },
    limits,
};

/// A form to hand over in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A smartPCN container: ZIP with `PCNbody.xml`.
    SmartPcn,
    /// An environment of the asset administration shell (JSON) with one submodel IDTA 02036-1-1.
    Idta02036,
}

impl Format {
    pub const ALL: [Format; 2] = [Format::SmartPcn, Format::Idta02036];

    pub fn as_str(self) -> &'static str {
        match self {
            Format::SmartPcn => "smartpcn",
            Format::Idta02036 => "idta02036",
        }
    }

    pub fn media_type(self) -> &'static str {
        match self {
            Format::SmartPcn => "application/zip",
            Format::Idta02036 => "application/json",
        }
    }

    /// What a file of it is called after the case's number.
    pub fn ending(self) -> &'static str {
        match self {
            Format::SmartPcn => "smartpcn.zip",
            Format::Idta02036 => "aas.json",
        }
    }
}

impl std::str::FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Format, String> {
        let names = || Format::ALL.map(Format::as_str).join(", ");
        Format::ALL
            .into_iter()
            .find(|format| format.as_str() == text)
            .ok_or_else(|| format!("'{text}' is not a form to hand over in: one of {}", names()))
    }
}

/// Why a case cannot be told in a form; a sentence.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub struct HandoverError(String);

/// The case in a form, as the bytes of a file.
pub fn export(case: &Case, format: Format) -> Result<Vec<u8>, HandoverError> {
    let told = Told::of(case)?;
    match format {
        Format::SmartPcn => smartpcn::container(&told),
        Format::Idta02036 => idta02036::environment(&told),
    }
}

/// Whether both forms can tell the case.
pub fn is_told(case: &Case) -> bool {
    Told::of(case).is_ok()
}

/// What both forms demand of a case, and have.
struct Told<'a> {
    case: &'a Case,
    /// `PDN` or `PCN`.
    kind: &'static str,
    maker: &'a str,
    number: &'a str,
}

impl<'a> Told<'a> {
    fn of(case: &'a Case) -> Result<Told<'a>, HandoverError> {
        if !matches!(case.kind, NoticeKind::Pdn | NoticeKind::Pcn) {
            let kind = case.kind.as_str();
            return Err(HandoverError(format!(
                "{} is a notice of kind {kind}: the forms know discontinuations (PDN) and changes (PCN) only",
                case.id
            )));
        }
        let named = |what: &str, value: &'a Option<String>| {
            let missing = || HandoverError(format!("{} names no {what}, which the forms demand: correct the reading in its review", case.id));
            value.as_deref().map(str::trim).filter(|value| !value.is_empty()).ok_or_else(missing)
        };
        let (maker, number) = (named("maker", &case.maker)?, named("notice number", &case.notice_id)?);
        if case.parts.is_empty() {
            return Err(HandoverError(format!("{} names no part, which the forms demand: correct the reading in its review", case.id)));
        }
        Ok(Told { case, kind: case.kind.as_str(), maker, number })
    }

    /// Last day to order and last day of shipment. A change keeps the part, so it has none.
    fn days(&self, buy: Option<Date>, ship: Option<Date>) -> [Option<Date>; 2] {
        if self.case.kind == NoticeKind::Pdn { [buy, ship] } else { [None, None] }
    }

    /// What the forms have no field for, in one text for people.
    fn detail(&self) -> String {
        let does = if self.case.kind == NoticeKind::Pdn { "discontinues" } else { "changes" };
        let what = if self.case.parts.len() == 1 { "1 part".to_owned() } else { format!("{} parts", self.case.parts.len()) };
        let mut detail = format!("Read by Lastbuy {} in the maker's notice, which {does} {what}.", env!("CARGO_PKG_VERSION"));
        for part in &self.case.parts {
            let sentence = match &part.replacement {
                NamedReplacement::Unsaid => continue,
                NamedReplacement::None => format!(" No replacement for {}.", part.mpn),
                NamedReplacement::Named(names) => format!(" Replacement for {}: {}.", part.mpn, names.join(", ")),
            };
            if detail.len() + sentence.len() > limits::HANDOVER_DETAIL_BYTES_MAX {
                detail.push_str(" The replacements of further parts stand with the parts.");
                break;
            }
            detail.push_str(&sentence);
        }
        detail
    }
}

/// Whether a document of XML 1.0 can hold a character, escaped or not.
fn is_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

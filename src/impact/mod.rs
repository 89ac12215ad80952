//! STUB of the impact layer's public face. See the brief.
use jiff::civil::Date;

use crate::{
    domain::{
        case::{Case, Headline},
        id::DatasetId,
        part::PartName,
    },
    factory::{Factory, PartMatch},
};

/// All an assessment depends on. The same input gives the same assessment, to the bit.
pub struct Input<'a> {
    pub factory: &'a Factory,
    pub dataset: DatasetId,
    pub case: &'a Case,
    /// In the order of `case.parts`.
    pub matches: &'a [PartMatch],
    pub as_of: Date,
    /// Parts of other open cases: an alternate among them does not count as active.
    pub other_open_parts: &'a [PartName],
}

/// The assessment; helper H3 defines its fields. Serialised as JSON, stored, shown.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Assessment {
    pub headline: Headline,
}

pub fn assess(_input: &Input<'_>) -> Result<Assessment, String> {
    todo!()
}

//! STUB of the reading layer's public face. See the brief.
use std::sync::Arc;

use crate::{
    domain::{document::Document, maker::MakerAliases, notice::Reading},
    llm::Engine,
};

/// What the site knows that helps to read: makers and part numbers of its AML. Never changes what may come out, only how sure a candidate is.
#[derive(Debug, Clone, Default)]
pub struct SiteKnowledge {
    pub makers: Vec<String>,
    pub mpns: std::collections::HashSet<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The model's child failed: worth another attempt.
    #[error("{0}")]
    Model(String),
    /// The structured feed is not what its source sends.
    #[error("{0}")]
    Feed(String),
}

pub struct Reader;

impl Reader {
    pub fn new(_engine: Option<Arc<Engine>>, _aliases: MakerAliases) -> Reader {
        todo!()
    }
    /// `source` is the event's source name: structured feeds bypass the model.
    pub fn read(&self, _source: &str, _document: &Document, _site: &SiteKnowledge) -> Result<Reading, ReadError> {
        todo!()
    }
}
pub fn flat(_: &Reading) -> serde_json::Value {
    todo!()
}

//! Text to notices. Candidates (dates, part numbers, notice numbers, makers) are found by code in the text (`dates`, `parts`, `ids`, `makers`), each with its place.
//! What role a candidate has is decided from the words around it (`cues`) together with the model, which compares the few answers that this document allows
//! (`questions`). A value that is not in the text cannot come out: there is no step that writes one. What stays unsure becomes a doubt, and a reading with a doubt
//! waits for a person (`prose`).
//!
//! Structured feeds are read by code alone (`feed`), and so are exports of BOM tools as workbooks (`export`).

mod cues;
mod date_roles;
mod dates;
mod export;
mod feed;
mod flat;
mod hostile;
mod ids;
mod kind;
mod language;
mod layout;
mod lessons;
mod links;
mod maker_words;
mod makers;
pub mod measure;
mod notice_dates;
mod pairs;
mod part_roles;
mod parts;
mod prose;
mod questions;
mod review;
mod several;
mod torn;
pub mod trial;
mod unseen;
mod weights;

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

pub use flat::flat;
pub use lessons::Lesson;
pub use questions::PROMPT_VERSION;
pub use review::{Answer, Choice, Corrected, Field, correct, fields};

use prose::Read;
use several::Several;

use crate::{
    domain::{
        document::{Document, Format},
        export::Columns,
        maker::MakerAliases,
        notice::{Doubt, Provenance, Reading},
    },
    llm::Engine,
};

/// What the site knows that helps to read: makers and part numbers of its AML. Never changes what may come out, only how sure a candidate is.
#[derive(Debug, Clone, Default)]
pub struct SiteKnowledge {
    pub makers: Vec<String>,
    /// In normal form.
    pub mpns: HashSet<String>,
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

pub struct Reader {
    engine: Option<Arc<Engine>>,
    aliases: MakerAliases,
    /// By source.
    exports: BTreeMap<String, Columns>,
    leaves_answers_out: bool,
}

impl Reader {
    /// Without an engine only structured feeds are read.
    pub fn new(engine: Option<Arc<Engine>>, aliases: MakerAliases) -> Reader {
        Reader { engine, aliases, exports: BTreeMap::new(), leaves_answers_out: false }
    }

    /// The same, for exports whose columns are named so, by source.
    pub fn with_exports(self, exports: BTreeMap<String, Columns>) -> Reader {
        Reader { exports, ..self }
    }

    /// The same, with another model behind it.
    pub fn behind(&self, engine: Option<Arc<Engine>>) -> Reader {
        Reader { engine, aliases: self.aliases.clone(), exports: self.exports.clone(), leaves_answers_out: self.leaves_answers_out }
    }

    /// Reads by code's evidence alone, as if the model found every answer equally likely: what the model is worth is the difference.
    pub fn leaving_answers_out(self) -> Reader {
        Reader { leaves_answers_out: true, ..self }
    }

    /// The questions this document puts, with the answers that its label makes right: what an adapter is trained on.
    pub fn lessons(&self, document: &Document, label: &serde_json::Value) -> Result<Vec<Lesson>, ReadError> {
        let engine = self.engine.as_deref().ok_or_else(|| ReadError::Model("no model is loaded, so there are no tokens to learn".to_owned()))?;
        lessons::of(engine, &self.aliases, document, label).map_err(|error| ReadError::Model(error.to_string()))
    }

    /// SHA-256 of the model behind it.
    pub fn model_sha256(&self) -> Option<&str> {
        self.engine.as_ref().map(|engine| engine.info().sha256.as_str())
    }

    /// Whether reading this document of that source asks the model; structured feeds and exports are read by code.
    pub fn asks_the_model(&self, source: &str, document: &Document) -> bool {
        document.format != Format::Json && !self.exports.contains_key(source)
    }

    /// `source` is the event's source name, which tells the shape of a structured feed.
    pub fn read(&self, source: &str, document: &Document, site: &SiteKnowledge) -> Result<Reading, ReadError> {
        if let Some(columns) = self.exports.get(source).filter(|_| document.format != Format::Json) {
            let (notices, doubts) = export::read(source, columns, document)?;
            return Ok(Reading { notices, provenance: provenance("structured", None, 0), doubts });
        }
        if !self.asks_the_model(source, document) {
            let notices = feed::read(source, document)?;
            return Ok(Reading { notices, provenance: provenance("structured", None, 0), doubts: Vec::new() });
        }
        let engine = self.engine.as_deref().ok_or_else(|| ReadError::Model("no model is loaded, so prose cannot be read".to_owned()))?;
        let ask = |questions: &questions::Questions| if self.leaves_answers_out { Ok(questions::Answers::default()) } else { questions.ask(engine) };
        let one = |document: &Document| prose::read(ask, &self.aliases, document, site).map_err(|error| ReadError::Model(error.to_string()));
        let read = match several::find(document) {
            Several::One => vec![one(document)?],
            Several::Sure(alone) => match each(&alone, one)? {
                Some(read) => read,
                None => vec![doubted(one(document)?, alone.into_iter().map(|(number, _)| number).collect())],
            },
            Several::Unsure(numbers) => vec![doubted(one(document)?, numbers)],
        };
        let model = engine.info();
        let mut doubts: Vec<Doubt> = Vec::new();
        for doubt in read.iter().flat_map(|read| &read.doubts) {
            if !doubts.contains(doubt) {
                doubts.push(doubt.clone());
            }
        }
        let tokens = read.iter().map(|read| read.tokens).sum();
        Ok(Reading {
            notices: read.into_iter().map(|read| read.notice).collect(),
            provenance: Provenance {
                adapter_sha256: model.adapter.as_ref().map(|adapter| adapter.sha256.clone()),
                ..provenance(&model.weights(), Some(model.sha256.clone()), tokens)
            },
            doubts,
        })
    }
}

/// Every notice of a document that holds several; `None` where one comes out under another number than the one by which it was told apart.
fn each(alone: &[(String, Document)], one: impl Fn(&Document) -> Result<Read, ReadError>) -> Result<Option<Vec<Read>>, ReadError> {
    let mut read = Vec::new();
    for (number, document) in alone {
        let found = one(document)?;
        let is_its_own = found.notice.notice_id.as_ref().is_some_and(|id| {
            let (id, number) = (ids::fold(&id.value), ids::fold(number));
            id.ends_with(&number) || number.ends_with(&id)
        });
        if !is_its_own {
            return Ok(None);
        }
        read.push(found);
    }
    Ok(Some(read))
}

fn doubted(mut read: Read, numbers: Vec<String>) -> Read {
    let reason = format!("it seems to hold several notices ({}), which could not be told apart with certainty", numbers.join(", "));
    read.doubts.push(Doubt { field: "document".to_owned(), reason });
    read
}

fn provenance(reader: &str, model_sha256: Option<String>, tokens: u32) -> Provenance {
    Provenance {
        reader: reader.to_owned(),
        model_sha256,
        adapter_sha256: None,
        prompt_version: PROMPT_VERSION,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        tokens,
    }
}

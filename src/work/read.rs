//! Step 2: text to notices. A reading with a doubt waits for a person.

use std::sync::{Arc, Mutex, PoisonError};

use super::{Done, Worker, json, now};
use crate::{
    domain::{
        document::Document,
        id::DatasetId,
        job::{Job, Step},
        part::normal_mpn,
    },
    factory::Factory,
    limits,
    reading::{ReadError, SiteKnowledge},
    store::{Effects, Outcome},
};

/// What the site's AML tells the reader, made once per dataset.
#[derive(Default)]
pub struct Knowledge(Mutex<Option<(DatasetId, Arc<SiteKnowledge>)>>);

impl Knowledge {
    fn of(&self, id: DatasetId, factory: &Factory) -> Arc<SiteKnowledge> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, knowledge)) = kept.as_ref()
            && *of == id
        {
            return Arc::clone(knowledge);
        }
        let knowledge = Arc::new(site_knowledge(factory));
        *kept = Some((id, Arc::clone(&knowledge)));
        knowledge
    }
}

/// Makers and part numbers of the AML.
pub fn site_knowledge(factory: &Factory) -> SiteKnowledge {
    let mut makers: Vec<String> = factory.data.aml.iter().map(|entry| entry.maker.clone()).collect();
    makers.sort();
    makers.dedup();
    SiteKnowledge { makers, mpns: factory.data.aml.iter().map(|entry| normal_mpn(&entry.mpn)).collect() }
}

impl Worker {
    pub(super) fn reading_step(&self, job: &Job) -> Result<Done, String> {
        let event = self.event(job)?;
        let document: Document = self.earlier(job, Step::Document)?;
        let knowledge = match self.dataset(job)? {
            Some(opened) => self.knowledge.of(opened.row.id, &opened.factory),
            None => Arc::default(),
        };
        let usual = self.models.usual();
        let pinned = match &job.pins.model {
            Some(sha256) if usual.asks_the_model(event.source.as_str(), &document) && usual.model_sha256() != Some(sha256) => {
                match self.models.pinned(&usual, sha256, now())? {
                    Some(reader) => Some(reader),
                    None => return Ok(Done::wait(limits::PINNED_MODEL_WAIT_MS, "another pinned model is at work")),
                }
            }
            _ => None,
        };
        let reading = match pinned.as_ref().unwrap_or(&usual).read(event.source.as_str(), &document, &knowledge) {
            Ok(reading) => reading,
            Err(ReadError::Feed(why)) => return Ok(Done::dead(why)),
            Err(error @ ReadError::Model(_)) => return Err(error.to_string()),
        };
        let effects = Effects { result: Some(json(&reading)?), ..Effects::default() };
        if reading.passes() {
            return Ok(Done::advance(effects));
        }
        let mut reason = reading.all_doubts().map(|doubt| format!("{}: {}", doubt.field, doubt.reason)).collect::<Vec<_>>().join("; ");
        reason.truncate(reason.floor_char_boundary(limits::ERROR_BYTES_MAX));
        Ok(Done { outcome: Outcome::Review { reason }, effects })
    }
}

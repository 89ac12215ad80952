//! Step 1: bytes to text with layout, in the sandboxed child.

use super::{Done, Worker, json};
use crate::{
    document::{ExtractError, Input},
    domain::job::Job,
};

impl Worker {
    pub(super) fn document_step(&self, job: &Job) -> Result<Done, String> {
        let event = self.event(job)?;
        let bytes = self.store.blob(event.body).map_err(|error| error.to_string())?.ok_or_else(|| format!("the body of {} is missing", event.id))?;
        let input = Input { source: event.source.as_str(), content_type: &event.content_type, file_name: event.file_name.as_deref(), bytes: &bytes };
        match self.extractor.extract(&input) {
            Ok(document) => Ok(Done::result(json(&document)?)),
            Err(ExtractError::Unreadable(why)) => Ok(Done::dead(why)),
            Err(ExtractError::Spent(why)) if job.attempts > 0 => Ok(Done::dead(format!("{why} (tried twice)"))),
            Err(ExtractError::Spent(why) | ExtractError::Failed(why)) => Err(why),
        }
    }
}

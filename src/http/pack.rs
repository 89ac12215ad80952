//! Gathers what a case rests on: its notices as they came, their text and readings, corrections, dataset, statements, decisions, and its lines of the audit trail.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Service, now, problem::Problem};
use crate::{
    domain::{
        document::Document,
        id::{CaseId, EventId},
        job::{Step, Subject},
    },
    evidence::{self, AUDIT, Manifest},
    limits,
    store::{Actor, AuditFilter, AuditFrom, JobFilter},
};

struct Pack<'a> {
    service: &'a Service,
    files: Vec<(String, Vec<u8>)>,
    missing: Vec<String>,
    models: BTreeSet<String>,
    adapters: BTreeSet<String>,
    /// What the audit lines are about.
    objects: BTreeSet<String>,
}

fn text(value: &Value) -> Vec<u8> {
    format!("{value:#}\n").into_bytes()
}

/// The pack of a case, and a line in the log that it was made.
pub fn of_case(service: &Service, id: CaseId, by: &Actor) -> Result<Vec<u8>, Problem> {
    let case = service.store.case(id)?.ok_or_else(|| Problem::not_found(format!("there is no case {id}")))?;
    let key = service.evidence.as_ref().ok_or_else(|| Problem::internal("this server has no key to sign with"))?;
    service.store.note("evidence.made", &id.to_string(), "one archive with its manifest", by, now())?;
    let mut pack = Pack {
        service,
        files: vec![("case.json".to_owned(), text(&json!(case)))],
        missing: Vec::new(),
        models: BTreeSet::new(),
        adapters: BTreeSet::new(),
        objects: BTreeSet::from([id.to_string()]),
    };
    pack.files.push(("decisions.json".to_owned(), text(&json!(service.store.decisions(id)?))));
    for event in &case.events {
        pack.notice(*event)?;
    }
    let dataset = pack.statements(id)?;
    let (log_record, log_link) = pack.audit()?;
    let Pack { files, missing, models, adapters, .. } = pack;
    let manifest = Manifest {
        format: 0,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        case: id,
        made_at: now(),
        made_by: by.0.clone(),
        dataset: dataset.as_ref().map(|(id, _)| id.clone()),
        dataset_checksum: dataset.map(|(_, checksum)| checksum),
        model_sha256: models.into_iter().collect(),
        adapter_sha256: adapters.into_iter().collect(),
        log_record,
        log_link,
        missing,
        public_key: String::new(),
        files: Vec::new(),
    };
    evidence::pack(manifest, &files, key).map_err(|error| Problem::unfit(error.to_string()))
}

impl Pack<'_> {
    /// A notice as it came, its text, what was read in it, and what people corrected.
    fn notice(&mut self, id: EventId) -> Result<(), Problem> {
        let store = &self.service.store;
        let Some(event) = store.event(id)? else { return Ok(()) };
        self.objects.insert(id.to_string());
        self.files.push((format!("notices/{id}/event.json"), text(&json!(event))));
        if let Some(at) = store.kept(id)?.expired_at {
            self.missing.push(format!("the bytes of {id} and what was read in them were given up by retention at {at}"));
            return Ok(());
        }
        match store.blob(event.body)? {
            Some(bytes) => self.files.push((format!("notices/{id}/raw"), bytes)),
            None => self.missing.push(format!("the bytes of {id} are not there: run lastbuy doctor --deep")),
        }
        if let Some(bytes) = store.standing_result(id, Step::Document)?.map(|digest| store.blob(digest)).transpose()?.flatten() {
            if let Ok(document) = serde_json::from_slice::<Document>(&bytes) {
                self.files.push((format!("notices/{id}/text.txt"), document.text.into_bytes()));
            }
            self.files.push((format!("notices/{id}/document.json"), bytes));
        }
        if let Some(bytes) = store.standing_result(id, Step::Reading)?.map(|digest| store.blob(digest)).transpose()?.flatten() {
            let reading: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
            let sum = |name: &str| reading.pointer(&format!("/provenance/{name}")).and_then(Value::as_str).map(str::to_owned);
            self.models.extend(sum("model_sha256"));
            self.adapters.extend(sum("adapter_sha256"));
            self.files.push((format!("notices/{id}/reading.json"), bytes));
        }
        let about = JobFilter { subject: Some(Subject::Event(id)), ..JobFilter::default() };
        for job in store.jobs(&about, None, limits::LIST_ROWS_MAX)? {
            self.objects.insert(job.id.to_string());
            let Some((correction, by, at)) = store.correction(job.id)? else { continue };
            if let Some(bytes) = store.blob(correction.before)? {
                self.files.push((format!("notices/{id}/{}-reading-before.json", job.id), bytes));
            }
            self.files.push((format!("notices/{id}/{}-correction.json", job.id), text(&json!({ "correction": correction, "by": by, "at": at }))));
        }
        Ok(())
    }

    /// Every statement with its row; the newest one's dataset, with its checksum.
    fn statements(&mut self, case: CaseId) -> Result<Option<(String, String)>, Problem> {
        let store = &self.service.store;
        let rows = store.assessments(Some(case), None, limits::EVIDENCE_STATEMENTS_MAX)?;
        if rows.len() == limits::EVIDENCE_STATEMENTS_MAX {
            self.missing.push(format!("only the newest {} statements are here", limits::EVIDENCE_STATEMENTS_MAX));
        }
        let datasets = store.datasets()?;
        let mut used = BTreeSet::new();
        for row in &rows {
            self.objects.insert(row.id.to_string());
            used.insert(row.dataset);
            self.files.push((format!("assessments/{}.row.json", row.id), text(&json!(row))));
            match store.blob(row.body)? {
                Some(bytes) => self.files.push((format!("assessments/{}.json", row.id), bytes)),
                None => self.missing.push(format!("the statement of {} is not there: run lastbuy doctor --deep", row.id)),
            }
        }
        for dataset in datasets.iter().filter(|dataset| used.contains(&dataset.id)) {
            self.files.push((format!("datasets/{}.json", dataset.id), text(&json!(dataset))));
        }
        let newest = rows.iter().find(|row| row.pins.is_empty());
        let of = newest.and_then(|row| datasets.iter().find(|dataset| dataset.id == row.dataset));
        Ok(of.map(|dataset| (dataset.id.to_string(), dataset.checksum.to_string())))
    }

    /// The lines of the trail that are about anything in the pack, sealed, oldest first; the last record looked at with its link.
    fn audit(&mut self) -> Result<(u64, String), Problem> {
        let (mut lines, mut after, mut last) = (Vec::new(), 0, (0, String::new()));
        loop {
            let page = self.service.store.audit(&AuditFilter::default(), AuditFrom::After(after), limits::LIST_ROWS_MAX)?;
            for sealed in &page.entries {
                last = (sealed.entry.record, sealed.entry.link.to_string());
                let entry = &sealed.entry;
                if self.objects.contains(&entry.object) || entry.about.as_ref().is_some_and(|about| self.objects.contains(about)) {
                    lines.extend(serde_json::to_vec(sealed).map_err(|error| Problem::internal(error.to_string()))?);
                    lines.push(b'\n');
                }
                if lines.len() > limits::EVIDENCE_BYTES_MAX {
                    return Err(Problem::unfit("the case has more lines in the audit trail than a pack holds"));
                }
            }
            match page.next {
                Some(next) => after = next,
                None => break,
            }
        }
        self.files.push((AUDIT.to_owned(), lines));
        Ok(last)
    }
}

//! What a store acknowledged over all the processes that had it, and whether it still holds it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{Arc, PoisonError},
};

use lastbuy::{
    clock,
    domain::{
        event::{Digest, Event},
        id::{AssessmentId, CaseId, EventId, JobId},
        job::{Job, JobState, Step},
        time::At,
    },
    store::{Effects, JobFilter, Lease, Outcome, Store, WriteError},
};

use crate::victim::{FORKING, SENDERS, arrival, body, case_key};

/// Rows of one page; the store gives at most 1000.
const PAGE: usize = 1000;

#[derive(Default, Clone)]
pub struct History {
    /// Sender and number → event.
    took: BTreeMap<(usize, u64), u64>,
    /// Job → its newest epoch that was told.
    claimed: BTreeMap<u64, u64>,
    /// Job → its newest step that was told to be finished.
    steps: BTreeMap<u64, Step>,
    done: BTreeSet<u64>,
    /// Source → newest job claimed for the first time; only with one worker, which claims in order.
    first_claims: BTreeMap<String, u64>,
    in_order: bool,
    /// Why the store took no more writes, when a victim said so.
    pub poisoned: Option<String>,
    /// Acknowledgements of each sender that were told after the poison was: one may have been given before and told late.
    took_after_poison: [u64; SENDERS],
    /// Why the store could not be opened, when a victim said so.
    pub shut: Option<String>,
    pub opened: u64,
}

impl History {
    pub fn new() -> History {
        History { in_order: true, ..History::default() }
    }

    pub fn acknowledged(&self) -> usize {
        self.took.len()
    }

    pub fn finished(&self) -> usize {
        self.done.len()
    }

    /// Several workers print their claims in another order than they made them.
    pub fn begin_process(&mut self, workers: usize) {
        self.in_order = workers == 1;
        self.first_claims.clear();
        self.poisoned = None;
        self.took_after_poison = [0; SENDERS];
        self.shut = None;
    }

    /// Where each sender goes on: with the delivery that was not acknowledged, as a real one does.
    pub fn next_numbers(&self) -> [u64; SENDERS] {
        std::array::from_fn(|sender| self.took.range((sender, 0)..=(sender, u64::MAX)).next_back().map_or(0, |((_, number), _)| number + 1))
    }

    /// One line of a victim. An error is a broken promise.
    pub fn hear(&mut self, line: &str) -> Result<(), String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let number = |at: usize| words.get(at).and_then(|word| word.parse::<u64>().ok()).ok_or_else(|| format!("'{line}' was not understood"));
        match words.first().copied() {
            Some("took") => {
                let (sender, sent, event) = (number(1)? as usize, number(2)?, number(3)?);
                if let Some(before) = self.took.insert((sender, sent), event) {
                    return Err(format!("delivery {sent} of sender {sender} was acknowledged as event {before} and as {event}"));
                }
                self.took_after_poison[sender] += u64::from(self.poisoned.is_some());
                if self.took_after_poison[sender] > 1 {
                    return Err(format!("sender {sender} was given acknowledgements after the store had failed"));
                }
            }
            Some("claimed") => {
                let (job, epoch) = (number(1)?, number(2)?);
                if self.claimed.insert(job, epoch).is_some_and(|before| before >= epoch) {
                    return Err(format!("job {job} was given out again under epoch {epoch}"));
                }
                if self.done.contains(&job) {
                    return Err(format!("job {job} was given out after it was done"));
                }
                if epoch == 1 && self.in_order {
                    let before = self.first_claims.insert(words[3].to_owned(), job).unwrap_or(0);
                    if before > job {
                        return Err(format!("job {job} of {} came after job {before}", words[3]));
                    }
                }
            }
            Some("step") => {
                let step: Step = words[2].parse()?;
                if self.steps.insert(number(1)?, step).is_some_and(|before| before >= step) {
                    return Err(format!("step {} of job {} was finished twice", words[2], words[1]));
                }
            }
            Some("done") if !self.done.insert(number(1)?) => return Err(format!("job {} was done twice", words[1])),
            Some("poisoned") => self.poisoned = Some(line.to_owned()),
            Some("shut") => self.shut = Some(line.to_owned()),
            Some("open") => self.opened += 1,
            // The test program's own lines.
            _ => {}
        }
        Ok(())
    }

    /// Opens the store as the next process would, and compares all of it with what was acknowledged.
    pub fn verify(&self, dir: &Path) -> Result<(), String> {
        let _open = FORKING.read().unwrap_or_else(PoisonError::into_inner);
        let store = Store::open(dir).map_err(|error| format!("the store does not open: {error}"))?;
        let held = self.compare(&store);
        let closed = store.close().map_err(|error| error.to_string());
        held.and(closed)
    }

    fn compare(&self, store: &Arc<Store>) -> Result<(), String> {
        let check = store.check(true).map_err(|error| error.to_string())?;
        if !check.problems.is_empty() {
            return Err(format!("the store finds problems: {}", check.problems[..check.problems.len().min(3)].join("; ")));
        }
        let events = self.events(store)?;
        let jobs = all(|before| store.jobs(&JobFilter::default(), before.map(JobId), PAGE).map_err(|error| error.to_string()), |job: &Job| job.id.0)?;
        if jobs.len() != events.len() {
            return Err(format!("{} events have {} jobs", events.len(), jobs.len()));
        }
        self.effects(store, &jobs)?;
        self.stale(store, &jobs)?;
        self.repeat(store)
    }

    fn events(&self, store: &Store) -> Result<BTreeMap<u64, Event>, String> {
        let events = all(|before| store.events(before.map(EventId), PAGE).map_err(|error| error.to_string()), |event: &Event| event.id.0)?;
        for ((sender, number), id) in &self.took {
            let event = events.get(id).ok_or_else(|| format!("event {id}, acknowledged to sender {sender}, is gone"))?;
            if event.source.as_str() != format!("s{sender}") || event.dedupe_key != arrival(*sender, *number).dedupe_key {
                return Err(format!("event {id} is not what sender {sender} delivered"));
            }
            let expected = body(*sender, *number);
            if event.body != Digest::of(&expected) {
                return Err(format!("event {id} names another body than was delivered"));
            }
            match store.blob(event.body) {
                Ok(Some(bytes)) if bytes == expected => {}
                Ok(Some(_)) => return Err(format!("event {id} has other bytes than were delivered")),
                Ok(None) => return Err(format!("the body of event {id} is gone")),
                Err(error) => return Err(format!("the body of event {id}: {error}")),
            }
        }
        // Each sender waits for its answer, so at most one delivery of each was on its way.
        if events.len() > self.took.len() + SENDERS {
            return Err(format!("{} events where {} were acknowledged", events.len(), self.took.len()));
        }
        let keys: BTreeSet<Digest> = events.values().map(|event| event.dedupe_key).collect();
        if keys.len() != events.len() {
            return Err("a delivery is there as two events".to_owned());
        }
        for sender in 0..SENDERS {
            let ids: Vec<u64> = self.took.range((sender, 0)..=(sender, u64::MAX)).map(|(_, id)| *id).collect();
            if !ids.is_sorted() {
                return Err(format!("deliveries of sender {sender} changed their order"));
            }
        }
        Ok(events)
    }

    /// Every step's effects are there exactly once, and those of no step that was not finished.
    fn effects(&self, store: &Store, jobs: &BTreeMap<u64, Job>) -> Result<(), String> {
        let mut cases = 0;
        let mut assessments = 0;
        for job in jobs.values() {
            let id = job.id.0;
            let is_done = job.state == JobState::Done;
            let finished = |step: Step| is_done || job.step > step;
            if self.done.contains(&id) && !is_done {
                return Err(format!("job {id} was done and is {}", job.state.name()));
            }
            if let Some(step) = self.steps.get(&id).filter(|step| !finished(**step)) {
                return Err(format!("job {id} had finished {} and stands at {}", step.as_str(), job.step.as_str()));
            }
            if self.claimed.get(&id).is_some_and(|epoch| job.epoch < *epoch) {
                return Err(format!("job {id} is in epoch {}, under which it was given out before", job.epoch));
            }
            for step in Step::ALL {
                match (finished(step), job.result(step)) {
                    (true, Some(digest)) if store.blob(digest).is_ok_and(|bytes| bytes.is_some()) => {}
                    (true, _) => return Err(format!("the result of {} of job {id} is gone", step.as_str())),
                    (false, None) => {}
                    (false, Some(_)) => return Err(format!("job {id} has a result of {} without having finished it", step.as_str())),
                }
            }
            let key = store.case_by_key(&case_key(id)).map_err(|error| error.to_string())?;
            if key.into_iter().collect::<Vec<_>>() != job.cases || finished(Step::Case) != (job.cases.len() == 1) {
                return Err(format!("job {id} at {} has the cases {:?}, its key leads to {key:?}", job.step.as_str(), job.cases));
            }
            if job.assessments.len() != usize::from(is_done) {
                return Err(format!("job {id}, {}, has {} assessments", job.state.name(), job.assessments.len()));
            }
            cases += job.cases.len();
            assessments += job.assessments.len();
        }
        let stored = all(|before| store.cases(before.map(CaseId), PAGE).map_err(|error| error.to_string()), |case| case.id.0)?.len();
        let rows = all(|before| store.assessments(None, before.map(AssessmentId), PAGE).map_err(|error| error.to_string()), |row| row.id.0)?.len();
        if (stored, rows) != (cases, assessments) {
            return Err(format!("{stored} cases and {rows} assessments are there, jobs brought {cases} and {assessments}"));
        }
        Ok(())
    }

    /// A worker of a process that is gone, were it still there, could not finish anything.
    fn stale(&self, store: &Store, jobs: &BTreeMap<u64, Job>) -> Result<(), String> {
        let now = At(clock::now_ms());
        for (id, epoch) in self.claimed.iter().filter(|(id, _)| !self.done.contains(id)).take(8) {
            let job = jobs.get(id).ok_or_else(|| format!("job {id} is gone"))?;
            let lease = Lease { job: job.clone(), epoch: *epoch, worker: "gone".to_owned() };
            match store.finish(&lease, Outcome::Dead { reason: "stale".to_owned() }, Effects::default(), now) {
                Err(WriteError::Stale(_)) => {}
                other => return Err(format!("a lease on job {id} from before was not refused as stale: {other:?}")),
            }
        }
        Ok(())
    }

    /// The last acknowledged delivery, sent again, is known.
    fn repeat(&self, store: &Store) -> Result<(), String> {
        let Some(((sender, number), event)) = self.took.iter().next_back() else { return Ok(()) };
        match store.accept(arrival(*sender, *number), At(clock::now_ms())) {
            Ok(again) if again.duplicate && again.event.0 == *event => Ok(()),
            other => Err(format!("event {event}, sent again, became {other:?}")),
        }
    }
}

/// All rows of a list, page by page.
fn all<T>(page: impl Fn(Option<u64>) -> Result<Vec<T>, String>, id: impl Fn(&T) -> u64) -> Result<BTreeMap<u64, T>, String> {
    let mut rows = BTreeMap::new();
    loop {
        let more = page(rows.keys().next().copied())?;
        if more.is_empty() {
            return Ok(rows);
        }
        rows.extend(more.into_iter().map(|row| (id(&row), row)));
    }
}

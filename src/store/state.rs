//! What the projections hold beside rows: how far the log is applied, the numbers given out, and what the queue counts. One row in sled, the last of every batch.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    log::{Log, Position},
    record::{FIRST_LINK, Stood},
};
use crate::domain::{
    event::{Digest, Source},
    id::{AssessmentId, CaseId, DatasetId, EventId, JobId, MessageId, TokenId},
    job::{Job, JobState, Priority, Step},
    message::MessageState,
};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    /// Of the log.
    pub log: [u8; 16],
    /// The last record that is applied, its link, and where the group after it begins.
    pub record: u64,
    pub link: Digest,
    pub position: Position,
    /// The group that has the newest row in `Which::Log`.
    pub indexed: Position,
    /// The last number given out of each kind.
    pub event: EventId,
    pub job: JobId,
    pub case: CaseId,
    pub assessment: AssessmentId,
    pub dataset: DatasetId,
    pub message: MessageId,
    /// The dataset in force.
    pub active: Option<DatasetId>,
    /// The last event whose key was forgotten.
    pub forgotten: EventId,
    /// Jobs by the name of their state.
    counts: BTreeMap<String, i64>,
    /// Jobs held, by step.
    held: BTreeMap<Step, i64>,
    /// The source that was last served, by priority.
    turns: BTreeMap<Priority, Source>,
    /// Messages by the name of their state.
    messages: BTreeMap<String, i64>,
    /// The last number given out.
    pub token: TokenId,
    /// How many users there are.
    pub users: u64,
}

impl State {
    /// Before the first record of a log.
    pub fn before(log: [u8; 16]) -> State {
        State {
            log,
            record: 0,
            link: FIRST_LINK,
            position: Position::START,
            indexed: Position::default(),
            event: EventId(0),
            job: JobId(0),
            case: CaseId(0),
            assessment: AssessmentId(0),
            dataset: DatasetId(0),
            message: MessageId(0),
            active: None,
            forgotten: EventId(0),
            counts: BTreeMap::new(),
            held: BTreeMap::new(),
            turns: BTreeMap::new(),
            messages: BTreeMap::new(),
            token: TokenId(0),
            users: 0,
        }
    }

    /// Whether everything in a log is applied.
    pub fn is_at_end_of(&self, log: &Log) -> bool {
        (self.record + 1, self.link) == (log.next(), log.link())
    }

    pub fn held(&self, step: Step) -> i64 {
        self.held.get(&step).copied().unwrap_or(0)
    }

    pub fn turn(&self, priority: Priority) -> Option<&Source> {
        self.turns.get(&priority)
    }

    /// Jobs by state name; states without jobs are absent.
    pub fn counts(&self) -> BTreeMap<String, u64> {
        told(&self.counts)
    }

    /// Messages by state name; states without any are absent.
    pub fn message_counts(&self) -> BTreeMap<String, u64> {
        told(&self.messages)
    }

    /// Messages that are neither delivered nor dead.
    pub fn messages_waiting(&self) -> u64 {
        self.messages
            .iter()
            .filter(|(state, _)| !matches!(state.as_str(), "delivered" | "dead" | "gathered"))
            .map(|(_, count)| count.unsigned_abs())
            .sum()
    }

    /// Counts a message where it is now, and no longer where it was.
    pub fn count_message(&mut self, before: Option<&MessageState>, now: &MessageState) {
        if let Some(before) = before {
            *self.messages.entry(before.name().to_owned()).or_default() -= 1;
        }
        *self.messages.entry(now.name().to_owned()).or_default() += 1;
    }

    pub fn serve(&mut self, job: &Job) {
        self.turns.insert(job.priority, job.source.clone());
    }

    /// Counts a job where it is now, and no longer where it stood.
    pub fn count(&mut self, before: Option<&Stood>, job: &Job) {
        for (step, state, by) in before.map(|before| (before.step, &before.state, -1)).into_iter().chain([(job.step, &job.state, 1)]) {
            *self.counts.entry(state.name().to_owned()).or_default() += by;
            if matches!(state, JobState::Leased { .. }) {
                *self.held.entry(step).or_default() += by;
            }
        }
    }
}

fn told(counts: &BTreeMap<String, i64>) -> BTreeMap<String, u64> {
    counts.iter().filter(|(_, count)| **count != 0).map(|(state, count)| (state.clone(), count.unsigned_abs())).collect()
}

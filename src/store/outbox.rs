//! The outbox: what the site's rules want told of a record is appended in the record's own group, so that neither is there without the other, and is then
//! delivered by whoever claims it. `domain::message` draws the states. Sending is not the store's business.

use std::collections::BTreeMap;

use super::{
    Actor, ReadError, Store, WriteError,
    act::{Done, bounded, mark, refused, stale},
    digest,
    draft::{Draft, state_prefix},
    failpoint,
    record::{MessageAct, Record},
    told::about,
    trees::Which,
};
use crate::{
    domain::{
        case::CaseState,
        id::{CaseId, MessageId},
        job::AfterError,
        message::{Attempt, Happened, Message, MessageState, after_failure},
        time::At,
    },
    limits,
};

/// A message in hand.
#[derive(Debug, Clone)]
pub struct MessageLease {
    pub message: Message,
    pub epoch: u64,
}

/// What an attempt at a message came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    Taken,
    /// Again later, and not before `wait_ms` where the receiver said so.
    Failed {
        error: String,
        wait_ms: Option<i64>,
    },
    /// It can never succeed.
    Hopeless {
        error: String,
    },
    /// The receiver wants nothing more: the destination is disabled until a person tests it, or retries a message for it.
    Gone {
        error: String,
    },
    /// Handed back unharmed (shutdown).
    Release,
}

#[derive(Debug, Clone, Default)]
pub struct MessageFilter {
    /// One of `MessageState::NAMES`.
    pub state: Option<String>,
    pub destination: Option<String>,
}

/// Whether it may go out now.
fn is_ready(state: &MessageState, now: At) -> bool {
    match state {
        MessageState::Pending => true,
        MessageState::Scheduled { due } => *due <= now,
        // Its holder let the lease lapse.
        MessageState::Sending { until, .. } => *until <= now,
        MessageState::Deferred { .. } | MessageState::Delivered { .. } | MessageState::Dead { .. } | MessageState::Gathered { .. } => false,
    }
}

// ---- acts ----

/// The one way a message changes.
pub(super) fn append(draft: &mut Draft<'_>, mut message: Message, act: MessageAct, by: &str, now: At) -> Done<()> {
    let before = draft.message(message.id)?.map(|before| before.state);
    message.changed_at = now;
    Ok(draft.append(&Record::Message { message: Box::new(message), before, act, mark: mark(by, now) })?)
}

fn claim(draft: &mut Draft<'_>, destination: &str, now: At) -> Done<Option<MessageLease>> {
    const BY: &str = "system: outbox";
    for _ in 0..limits::PROMOTED_PER_CLAIM_MAX {
        let Some(id) = draft.deferred_and_due(now)? else { break };
        let Some(mut message) = draft.message(id)? else {
            return refused(format!("{id} is deferred but not in the store: run lastbuy doctor --deep"));
        };
        if draft.rules.is_some_and(|rules| rules.digests.contains_key(&message.destination)) {
            digest::gather(draft, &message.destination, BY, now)?;
            continue;
        }
        message.state = MessageState::Pending;
        append(draft, message, MessageAct::Due, BY, now)?;
    }
    for _ in 0..limits::PROMOTED_PER_CLAIM_MAX {
        let Some(mut message) = draft.first_in_line(destination)?.filter(|message| is_ready(&message.state, now)) else { return Ok(None) };
        if let Some(by) = draft.disabled(destination)? {
            let said = by.errors.last().map_or("", |attempt| attempt.error.as_str());
            let reason =
                format!("nothing is sent to '{destination}' since {}: {said}. `lastbuy notify test {destination}` enables it again", by.changed_at);
            message.state = MessageState::Dead { reason: bounded(reason) };
            append(draft, message, MessageAct::GivenUp, BY, now)?;
            continue;
        }
        message.epoch += 1;
        message.state = MessageState::Sending { epoch: message.epoch, until: now.plus_ms(limits::MESSAGE_LEASE_MS) };
        append(draft, message.clone(), MessageAct::Claimed, BY, now)?;
        return Ok(Some(MessageLease { epoch: message.epoch, message }));
    }
    Ok(None)
}

fn settle(draft: &mut Draft<'_>, lease: &MessageLease, delivery: Delivery, now: At) -> Done<Message> {
    let mut message = match draft.message(lease.message.id)? {
        Some(message) if message.epoch == lease.epoch && matches!(message.state, MessageState::Sending { .. }) => message,
        _ => return stale(format!("the lease on {} (epoch {}) is over", lease.message.id, lease.epoch)),
    };
    let act = match delivery {
        Delivery::Taken => {
            message.state = MessageState::Delivered { at: now };
            MessageAct::Delivered
        }
        Delivery::Release => {
            message.state = MessageState::Pending;
            MessageAct::Released
        }
        Delivery::Failed { error, wait_ms } => {
            let error = failed(&mut message, error, now);
            match after_failure(now, message.id, message.attempts, wait_ms) {
                AfterError::RetryAt(due) => {
                    message.state = MessageState::Scheduled { due };
                    MessageAct::Failed
                }
                AfterError::GiveUp => {
                    let reason = format!("given up after {} attempts; the last error: {error}", message.attempts);
                    message.state = MessageState::Dead { reason: bounded(reason) };
                    MessageAct::GivenUp
                }
            }
        }
        Delivery::Hopeless { error } => {
            let reason = failed(&mut message, error, now);
            message.state = MessageState::Dead { reason };
            MessageAct::GivenUp
        }
        Delivery::Gone { error } => {
            let reason = failed(&mut message, error, now);
            message.state = MessageState::Dead { reason };
            MessageAct::Disabled
        }
    };
    append(draft, message.clone(), act, "system: outbox", now)?;
    Ok(message)
}

/// Keeps the error of an attempt.
fn failed(message: &mut Message, error: String, now: At) -> String {
    let error = bounded(error);
    message.attempts += 1;
    message.errors.push(Attempt { at: now, attempt: message.attempts, error: error.clone() });
    if message.errors.len() > limits::MESSAGE_ERRORS_KEPT_MAX {
        message.errors.remove(0);
    }
    error
}

fn retry(draft: &mut Draft<'_>, id: MessageId, by: &Actor, now: At) -> Done<Message> {
    let Some(mut message) = draft.message(id)? else { return refused(format!("message {id} is not in the store")) };
    if let MessageState::Gathered { into } = message.state {
        return refused(format!("message {id} is told in the digest {into}: retry that one"));
    }
    if matches!(message.state, MessageState::Delivered { .. } | MessageState::Sending { .. } | MessageState::Pending) {
        return refused(format!("message {id} is {} and is not sent again by a person's act", message.state.name()));
    }
    message.attempts = 0;
    message.state = MessageState::Pending;
    append(draft, message.clone(), MessageAct::Retried, &by.0, now)?;
    Ok(message)
}

fn remind(draft: &mut Draft<'_>, id: CaseId, step: u32, days: i32, now: At) -> Done<Vec<MessageId>> {
    let Some(case) = draft.case(id)? else { return Ok(Vec::new()) };
    let about = about(&case);
    let (CaseState::Open, Some(last_time_buy)) = (&case.state, about.last_time_buy) else { return Ok(Vec::new()) };
    let margin_at_risk = case.headline.and_then(|headline| headline.margin_at_risk);
    let happened = Happened::LastTimeBuyNears { about, last_time_buy, step, days, margin_at_risk };
    Ok(draft.tell(&happened, &mark("system: outbox", now))?)
}

/// Makes dead what waits for a destination that is no more.
fn bury_others(draft: &mut Draft<'_>, ids: Vec<MessageId>, now: At) -> Done<()> {
    for id in ids {
        let Some(mut message) = draft.message(id)?.filter(|message| !message.state.is_settled()) else { continue };
        message.state = MessageState::Dead { reason: format!("the configuration names no destination '{}' any more", message.destination) };
        append(draft, message, MessageAct::GivenUp, "system: start", now)?;
    }
    Ok(())
}

fn rescue(draft: &mut Draft<'_>, ids: Vec<MessageId>, now: At) -> Done<()> {
    for id in ids {
        let Some(mut message) = draft.message(id)?.filter(|message| matches!(message.state, MessageState::Sending { .. })) else { continue };
        message.state = MessageState::Pending;
        append(draft, message, MessageAct::Rescued, "system: start", now)?;
    }
    Ok(())
}

impl Store {
    /// The next message for a destination, held for `limits::MESSAGE_LEASE_MS`; `None`: there is none, or the first in line has to wait.
    pub fn claim_message(&self, destination: &str, now: At) -> Result<Option<MessageLease>, WriteError> {
        // Looked at here first, so that idle senders do not keep the writer busy.
        let draft = self.shared.draft();
        let ready = draft.first_in_line(destination).map(|first| first.is_some_and(|first| is_ready(&first.state, now)));
        let due = draft.deferred_and_due(now).map(|due| due.is_some());
        match (ready, due) {
            (Ok(false), Ok(false)) => return Ok(None),
            (Err(error), _) | (_, Err(error)) => return Err(WriteError::Busy(error.to_string())),
            _ => {}
        }
        let destination = destination.to_owned();
        let claimed = self.write(0, move |draft| claim(draft, &destination, now));
        failpoint::pass("message-claimed");
        claimed
    }

    /// Ends an attempt. Refused as stale when the lease is over.
    pub fn settle_message(&self, lease: &MessageLease, delivery: Delivery, now: At) -> Result<Message, WriteError> {
        failpoint::pass("message-settling");
        let lease = lease.clone();
        self.write(0, move |draft| settle(draft, &lease, delivery, now))
    }

    /// A person's act: a dead message, or one that waits for its time, goes out again under its own id. Its destination is enabled again.
    pub fn retry_message(&self, id: MessageId, by: &Actor, now: At) -> Result<Message, WriteError> {
        let by = by.clone();
        self.write(0, move |draft| retry(draft, id, &by, now))
    }

    /// A message that says that it is a test. Its destination is enabled again.
    pub fn test_message(&self, destination: &str, by: &Actor, now: At) -> Result<MessageId, WriteError> {
        let (destination, by) = (destination.to_owned(), by.clone());
        self.write(0, move |draft| {
            let (happened, mark) = (Happened::Test { by: by.0.clone() }, mark(&by.0, now));
            match draft.make_message("test", &destination, &happened, MessageState::Pending, &mark)? {
                Some(id) => Ok(id),
                None => refused("this test was made already"),
            }
        })
    }

    /// Tells those whom it concerns that a case is still open so many days before its last-time buy, once for each step and date.
    pub fn remind(&self, case: CaseId, step: u32, days: i32, now: At) -> Result<Vec<MessageId>, WriteError> {
        self.write(0, move |draft| remind(draft, case, step, days, now))
    }

    /// Makes dead what waits for a destination that the site has no longer.
    pub fn bury_messages_except(&self, destinations: &[String], now: At) -> Result<usize, WriteError> {
        let mut ids = Vec::new();
        for state in ["pending", "deferred", "scheduled"] {
            let filter = MessageFilter { state: Some(state.to_owned()), destination: None };
            let mut before = None;
            loop {
                let page = self.messages(&filter, before, limits::LIST_ROWS_MAX).map_err(|error| WriteError::Busy(error.to_string()))?;
                let Some(last) = page.last() else { break };
                before = Some(last.id);
                ids.extend(page.iter().filter(|message| !destinations.contains(&message.destination)).map(|message| message.id));
            }
        }
        for some in ids.chunks(limits::ORDERS_PER_WRITE_MAX) {
            let some = some.to_vec();
            self.write(0, move |draft| bury_others(draft, some, now))?;
        }
        Ok(ids.len())
    }

    /// At the opening nobody can be sending.
    pub(super) fn rescue_messages(&self, now: At) -> Result<(), String> {
        let filter = MessageFilter { state: Some("sending".to_owned()), destination: None };
        loop {
            let held = self.messages(&filter, None, limits::LIST_ROWS_MAX).map_err(|error| error.to_string())?;
            if held.is_empty() {
                return Ok(());
            }
            let ids: Vec<MessageId> = held.iter().map(|message| message.id).collect();
            tracing::info!(messages = ids.len(), "messages that were going out when the last process ended go out again");
            self.write(0, move |draft| rescue(draft, ids, now)).map_err(|error| error.to_string())?;
        }
    }

    // ---- reads ----

    pub fn message(&self, id: MessageId) -> Result<Option<Message>, ReadError> {
        Ok(self.shared.draft().message(id)?)
    }

    /// Newest first, from `before` (exclusive) on. `filter.state` is one of `MessageState::NAMES`.
    pub fn messages(&self, filter: &MessageFilter, before: Option<MessageId>, limit: usize) -> Result<Vec<Message>, ReadError> {
        let (tree, prefix) = match &filter.state {
            Some(state) => (Which::MessageStates, state_prefix(state)),
            None => (Which::Messages, Vec::new()),
        };
        let mut found = Vec::new();
        for id in self.numbers(tree, &prefix, before.map(|id| id.0)) {
            if found.len() == limit.min(limits::LIST_ROWS_MAX) {
                break;
            }
            let Some(message) = self.message(MessageId(id?))? else { continue };
            let state = filter.state.as_ref().is_none_or(|state| state == message.state.name());
            if state && filter.destination.as_ref().is_none_or(|destination| *destination == message.destination) {
                found.push(message);
            }
        }
        Ok(found)
    }

    /// Messages by state name; states without any are absent.
    pub fn message_counts(&self) -> BTreeMap<String, u64> {
        self.shared.state().message_counts()
    }

    /// Destinations to which nothing is sent because the receiver said so, with the message that was answered so.
    pub fn disabled_destinations(&self) -> Result<Vec<Message>, ReadError> {
        let rows = self.shared.view.all(Which::Disabled);
        let messages = rows.map(|row| {
            let (_, raw) = row.map_err(|error| ReadError(error.to_string()))?;
            match self.shared.record_at(&raw).map_err(ReadError)? {
                Record::Message { message, .. } => Ok(*message),
                _ => Err(ReadError("what disabled a destination is no message: run lastbuy doctor --deep".to_owned())),
            }
        });
        messages.collect()
    }
}

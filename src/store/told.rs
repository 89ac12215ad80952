//! What people are told of a record, and the rows of messages. What the site's rules ask for is appended in the record's own group, so that neither is there
//! without the other; a message that was made for a cause is not made for it again, because its row of `Which::MessageCauses` follows from the log.

use super::{
    draft::{Draft, DraftError, elsewhere, hashed, key, number, state_prefix, time, time_key},
    log::Place,
    record::{Act, CaseAct, Mark, MessageAct, Record},
    trees::Which,
};
use crate::{
    domain::{
        case::{Case, CaseState, Headline, WITHDRAWN},
        decision::Proposal,
        event::Digest,
        id::MessageId,
        job::JobState,
        message::{About, Figures, Happened, Message, MessageState, On},
        time::At,
    },
    limits,
};

type Result<T> = std::result::Result<T, DraftError>;

impl Draft<'_> {
    /// What people may be told of a record that is about to be appended.
    pub(super) fn happened(&self, record: &Record) -> Result<Option<(Happened, Mark)>> {
        Ok(match record {
            Record::Case { case, act: CaseAct::Opened, mark } => Some((Happened::CaseOpened { about: about(case) }, mark.clone())),
            Record::Assessed { row, mark } if row.pins.is_empty() => {
                let Some(case) = self.case(row.case)? else { return Ok(None) };
                let (before, now) = (case.headline.as_ref().map(figures), figures(&row.headline));
                let changed = Happened::AssessmentChanged { about: about(&case), assessment: row.id, before: before.clone(), now: now.clone() };
                (before.as_ref() != Some(&now)).then(|| (changed, mark.clone()))
            }
            Record::Job { job, act: Act::Reviewed, mark, .. } => match &job.state {
                JobState::Review { reason } => {
                    let (job, subject, epoch) = (job.id, job.subject, job.epoch);
                    Some((Happened::WaitsForReview { job, subject, epoch, reason: reason.clone() }, mark.clone()))
                }
                _ => None,
            },
            Record::Job { job, act: Act::GivenUp, mark, .. } => match &job.state {
                JobState::Dead { reason } => {
                    let (job, subject, epoch, step) = (job.id, job.subject, job.epoch, job.step.as_str().to_owned());
                    Some((Happened::DeadLetter { job, subject, epoch, step, reason: reason.clone() }, mark.clone()))
                }
                _ => None,
            },
            Record::Case { case, act: CaseAct::Closed, mark } => match (&case.state, self.case(case.id)?) {
                (CaseState::Closed { reason, .. }, Some(before))
                    if reason.starts_with(WITHDRAWN) && !matches!(before.state, CaseState::Closed { .. }) =>
                {
                    let decided = matches!(before.state, CaseState::Decided { .. });
                    Some((Happened::CaseWithdrawn { about: about(case), reason: reason.clone(), decided }, mark.clone()))
                }
                _ => None,
            },
            Record::Decision { decision, mark } => {
                let Some(case) = self.case(decision.case)? else { return Ok(None) };
                let Proposal { answer, owner, due, .. } = decision.proposal.clone();
                let (number, stage, by) = (decision.number, decision.stage, mark.by.clone());
                Some((Happened::DecisionChanged { about: about(&case), number, stage, answer, by, owner, due }, mark.clone()))
            }
            _ => None,
        })
    }

    /// Appends the messages that the site's rules ask for. One that was made for the same cause before is not made again.
    pub(super) fn tell(&mut self, happened: &Happened, mark: &Mark) -> Result<Vec<MessageId>> {
        let Some(rules) = self.rules else { return Ok(Vec::new()) };
        let mut made = Vec::new();
        for asked in rules.asked(happened, mark.at) {
            let state = asked.due.map_or(MessageState::Pending, |due| MessageState::Deferred { due });
            made.extend(self.make_message(asked.rule, asked.destination, happened, state, mark)?);
        }
        Ok(made)
    }

    pub(super) fn make_message(
        &mut self,
        rule: &str,
        destination: &str,
        happened: &Happened,
        state: MessageState,
        mark: &Mark,
    ) -> Result<Option<MessageId>> {
        let id = MessageId(self.state.message.0 + 1);
        // Zero bytes keep the three apart, whatever they hold.
        let cause = match happened {
            Happened::Test { .. } => format!("{rule}\0{destination}\0{} {id}", happened.cause()),
            _ => format!("{rule}\0{destination}\0{}", happened.cause()),
        };
        if self.message_by_cause(&cause)?.is_some() {
            return Ok(None);
        }
        let full = self.state.messages_waiting() >= limits::MESSAGES_WAITING_MAX;
        let state = if full {
            MessageState::Dead { reason: format!("{} messages were waiting already when this one was made", limits::MESSAGES_WAITING_MAX) }
        } else {
            state
        };
        let own = Digest::of(&[&self.state.log[..], cause.as_bytes(), &key(id.0)].concat()).to_string();
        let message = Message {
            id,
            stable_id: format!("msg_{}", &own[..32]),
            key: Digest(hashed(&cause)),
            rule: rule.to_owned(),
            destination: destination.to_owned(),
            severity: happened.severity(),
            happened: happened.clone(),
            state,
            epoch: 0,
            attempts: 0,
            made_at: mark.at,
            changed_at: mark.at,
            errors: Vec::new(),
        };
        self.append(&Record::Message { message: Box::new(message), before: None, act: MessageAct::Made, mark: mark.clone() })?;
        Ok(Some(id))
    }

    fn message_by_cause(&self, cause: &str) -> Result<Option<MessageId>> {
        Ok(self.number(Which::MessageCauses, &hashed(cause))?.map(MessageId))
    }

    /// A deferred message whose time came.
    pub(super) fn deferred_and_due(&self, now: At) -> Result<Option<MessageId>> {
        let first = self.first_from(Which::MessagesDeferred, &[])?;
        Ok(first.filter(|found| time(found) <= now.0).map(|found| MessageId(number(&found[8..]))))
    }

    /// The first in a destination's line.
    pub(super) fn first_in_line(&self, destination: &str) -> Result<Option<Message>> {
        let line = line(destination);
        let Some(found) = self.first_from(Which::MessageLines, &line)? else { return Ok(None) };
        let Some(id) = found.strip_prefix(line.as_slice()).map(number) else { return Ok(None) };
        match self.message(MessageId(id))? {
            Some(message) => Ok(Some(message)),
            None => Err(DraftError::Log(format!("{} stands in a line but is not in the store", MessageId(id)))),
        }
    }

    /// Why nothing is sent to a destination.
    pub(super) fn disabled(&self, destination: &str) -> Result<Option<Message>> {
        self.record(Which::Disabled, destination.as_bytes())?
            .map(|record| match record {
                Record::Message { message, .. } => Ok(*message),
                _ => Err(DraftError::Log(format!("what disabled {destination} is no message"))),
            })
            .transpose()
    }

    pub(super) fn message(&self, id: MessageId) -> Result<Option<Message>> {
        self.record(Which::Messages, &key(id.0))?.map(|record| of_message(id, record)).transpose()
    }

    /// What a message's record does to the projections; part of `Draft::apply`.
    pub(super) fn apply_message(&mut self, message: &Message, before: Option<&MessageState>, act: MessageAct, place: [u8; Place::BYTES]) {
        self.state.message = self.state.message.max(message.id);
        self.state.count_message(before, &message.state);
        match before {
            Some(before) => {
                if let Some((tree, row)) = message_line(message, before) {
                    self.remove(tree, row);
                }
                self.remove(Which::MessageStates, [state_prefix(before.name()), key(message.id.0).to_vec()].concat());
            }
            None => self.put(Which::MessageCauses, message.key.0, key(message.id.0)),
        }
        if let Some((tree, row)) = message_line(message, &message.state) {
            self.put(tree, row, []);
        }
        self.put(Which::MessageStates, [state_prefix(message.state.name()), key(message.id.0).to_vec()].concat(), []);
        let destination = message.destination.as_bytes();
        match (act, message.happened.on()) {
            (MessageAct::Disabled, _) => self.put(Which::Disabled, destination, place),
            // By a person, who knows better.
            (MessageAct::Retried, _) | (MessageAct::Made, On::Test) => self.remove(Which::Disabled, destination),
            _ => {}
        }
    }
}

pub(super) fn about(case: &Case) -> About {
    About {
        case: case.id,
        title: case.title(),
        maker: case.maker.clone(),
        mpns: case.parts.iter().take(limits::MESSAGE_PARTS_MAX).map(|part| part.mpn.clone()).collect(),
        parts: u32::try_from(case.parts.len()).unwrap_or(u32::MAX),
        last_time_buy: case.last_time_buy(),
    }
}

fn figures(headline: &Headline) -> Figures {
    Figures {
        margin_at_risk: headline.margin_at_risk,
        runs_out: headline.runs_out,
        best_answer: headline.best_answer.clone(),
        best_cost: headline.best_cost,
        unknown_parts: headline.unknown_parts,
    }
}

fn of_message(id: MessageId, record: Record) -> Result<Message> {
    match record {
        Record::Message { message, .. } if message.id == id => Ok(*message),
        _ => elsewhere(&id),
    }
}

/// Beginning of the keys of a destination's line; the number follows.
fn line(destination: &str) -> Vec<u8> {
    [destination.as_bytes(), &[0]].concat()
}

/// Where a message in a state stands.
fn message_line(message: &Message, state: &MessageState) -> Option<(Which, Vec<u8>)> {
    let id = key(message.id.0);
    match state {
        MessageState::Deferred { due } => Some((Which::MessagesDeferred, [time_key(*due), id].concat())),
        state if state.in_line() => Some((Which::MessageLines, [line(&message.destination), id.to_vec()].concat())),
        _ => None,
    }
}

//! What people are told: one message a destination, from the record that caused it to its delivery.
//!
//! ```text
//!               ┌────────── quiet hours are over ─────────┐
//!               ▼                                         │
//!   cause ──▶ pending ──claim──▶ sending ──error──▶ scheduled      deferred ◀── made in quiet hours, or for a digest
//!               ▲                 │ │  ▲                │
//!               │   lease lapsed, │ │  └── it is due ───┘
//!               ├── or rescued ───┘ ├─ taken ──▶ delivered
//!               │                   └─ too many errors, hopeless, or disabled ──▶ dead
//!               └──────────────────────── retried by a person ◀───────────────────┘
//! ```
//! What waited for the hour of a digest is gathered then: one new message tells of all, and each of them is settled as `gathered` into it.
//!
//! A destination's messages go out one after another in the order they were made: one that waits for its next attempt holds back the later ones. One that was
//! deferred is no longer in that line until its time comes. Delivery is at least once: killed between the receiver's answer and its record, the same message
//! goes out again under the same id.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{
    decision::Stage,
    event::Digest,
    id::{AssessmentId, CaseId, JobId, MessageId},
    job::{AfterError, Subject},
    money::Money,
    time::At,
};
use crate::limits;

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Info,
    Warning,
    /// Goes out in quiet hours too.
    Critical,
}

impl Severity {
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Critical => "critical",
        }
    }
}

/// What an assessment comes to, as a message tells it. `None` is unknown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    pub margin_at_risk: Option<Money>,
    pub runs_out: Option<Date>,
    pub best_answer: Option<String>,
    pub best_cost: Option<Money>,
    pub unknown_parts: u32,
}

/// The case a message is about, as it was then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    pub case: CaseId,
    pub title: String,
    pub maker: Option<String>,
    /// The first `limits::MESSAGE_PARTS_MAX`.
    pub mpns: Vec<String>,
    pub parts: u32,
    /// The earliest that the case knows.
    pub last_time_buy: Option<Date>,
}

/// What happened, with every figure and date that is told of it. A message's text is made from this alone, so that it is the same at every attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Happened {
    CaseOpened {
        about: About,
    },
    /// The case's newest assessment comes to something else than the one before, or is its first.
    AssessmentChanged {
        about: About,
        assessment: AssessmentId,
        before: Option<Figures>,
        now: Figures,
    },
    WaitsForReview {
        job: JobId,
        subject: Subject,
        epoch: u64,
        reason: String,
    },
    /// The work on something was given up.
    DeadLetter {
        job: JobId,
        subject: Subject,
        epoch: u64,
        step: String,
        reason: String,
    },
    /// Nobody decided, and the date comes nearer. `step` is the number of days before it at which this is told, `days` those that are left.
    LastTimeBuyNears {
        about: About,
        last_time_buy: Date,
        step: u32,
        days: i32,
        margin_at_risk: Option<Money>,
    },
    /// A person asked for it.
    Test {
        by: String,
    },
    /// A decision was proposed, or went a step on.
    DecisionChanged {
        about: About,
        number: u32,
        stage: Stage,
        answer: String,
        by: String,
        owner: Option<String>,
        due: Option<Date>,
    },
    /// The maker took a notice back, and with it the case. `decided` says that somebody had decided, so that an order may be out.
    CaseWithdrawn {
        about: About,
        reason: String,
        decided: bool,
    },
    /// What waited for the hour at which a destination wants to be told of everything at once, the oldest first; at least two.
    Digest {
        of: Vec<Gathered>,
    },
}

/// A message that a digest tells of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gathered {
    pub message: MessageId,
    /// Never a digest itself.
    pub happened: Happened,
}

/// What rules are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum On {
    CaseOpened,
    AssessmentChanged,
    WaitsForReview,
    DeadLetter,
    LastTimeBuyNears,
    Test,
    DecisionChanged,
    CaseWithdrawn,
    Digest,
}

impl On {
    pub const RULED: [On; 7] =
        [On::CaseOpened, On::AssessmentChanged, On::WaitsForReview, On::DeadLetter, On::LastTimeBuyNears, On::DecisionChanged, On::CaseWithdrawn];

    pub fn as_str(self) -> &'static str {
        match self {
            On::CaseOpened => "case_opened",
            On::AssessmentChanged => "assessment_changed",
            On::WaitsForReview => "waits_for_review",
            On::DeadLetter => "dead_letter",
            On::LastTimeBuyNears => "last_time_buy_nears",
            On::Test => "test",
            On::DecisionChanged => "decision_changed",
            On::CaseWithdrawn => "case_withdrawn",
            On::Digest => "digest",
        }
    }
}

impl Happened {
    pub fn on(&self) -> On {
        match self {
            Happened::CaseOpened { .. } => On::CaseOpened,
            Happened::AssessmentChanged { .. } => On::AssessmentChanged,
            Happened::WaitsForReview { .. } => On::WaitsForReview,
            Happened::DeadLetter { .. } => On::DeadLetter,
            Happened::LastTimeBuyNears { .. } => On::LastTimeBuyNears,
            Happened::Test { .. } => On::Test,
            Happened::DecisionChanged { .. } => On::DecisionChanged,
            Happened::CaseWithdrawn { .. } => On::CaseWithdrawn,
            Happened::Digest { .. } => On::Digest,
        }
    }

    /// The id of what it is about.
    pub fn object(&self) -> String {
        match self {
            Happened::CaseOpened { about }
            | Happened::AssessmentChanged { about, .. }
            | Happened::LastTimeBuyNears { about, .. }
            | Happened::DecisionChanged { about, .. }
            | Happened::CaseWithdrawn { about, .. } => about.case.to_string(),
            Happened::WaitsForReview { job, .. } | Happened::DeadLetter { job, .. } => job.to_string(),
            Happened::Test { .. } => "test".to_owned(),
            Happened::Digest { of } => of.first().map_or_else(String::new, |first| first.message.to_string()),
        }
    }

    /// Names this one occurrence among all; a rule tells it once.
    pub fn cause(&self) -> String {
        let (on, object) = (self.on().as_str(), self.object());
        match self {
            // A message is gathered once, so its first one names a digest.
            Happened::CaseOpened { .. } | Happened::Test { .. } | Happened::Digest { .. } => format!("{on} {object}"),
            Happened::AssessmentChanged { assessment, .. } => format!("{on} {object} {assessment}"),
            // Back at work and stuck again is another occurrence, under another lease.
            Happened::WaitsForReview { epoch, .. } | Happened::DeadLetter { epoch, .. } => format!("{on} {object} {epoch}"),
            Happened::DecisionChanged { number, stage, .. } => format!("{on} {object} {number} {}", stage.as_str()),
            // The reason names the event that took it back.
            Happened::CaseWithdrawn { reason, .. } => format!("{on} {object} {reason}"),
            Happened::LastTimeBuyNears { last_time_buy, step, .. } => format!("{on} {object} {last_time_buy} {step}"),
        }
    }

    /// Margin at risk, where it is known.
    pub fn margin_at_risk(&self) -> Option<Money> {
        match self {
            Happened::AssessmentChanged { now, .. } => now.margin_at_risk,
            Happened::LastTimeBuyNears { margin_at_risk, .. } => *margin_at_risk,
            Happened::CaseOpened { .. }
            | Happened::WaitsForReview { .. }
            | Happened::DeadLetter { .. }
            | Happened::Test { .. }
            | Happened::DecisionChanged { .. }
            | Happened::CaseWithdrawn { .. }
            | Happened::Digest { .. } => None,
        }
    }

    /// What is unknown may be large, so it is no less severe than what is.
    pub fn severity(&self) -> Severity {
        match self {
            // A second person is waited for.
            Happened::DecisionChanged { stage: Stage::Proposed, .. } => Severity::Warning,
            Happened::CaseOpened { .. } | Happened::Test { .. } | Happened::DecisionChanged { .. } => Severity::Info,
            Happened::AssessmentChanged { now, .. } if now.margin_at_risk.is_some_and(Money::is_zero) => Severity::Info,
            Happened::AssessmentChanged { .. } | Happened::WaitsForReview { .. } | Happened::DeadLetter { .. } => Severity::Warning,
            Happened::LastTimeBuyNears { days, .. } if *days <= limits::CRITICAL_DAYS => Severity::Critical,
            Happened::LastTimeBuyNears { .. } => Severity::Warning,
            Happened::CaseWithdrawn { decided, .. } => {
                if *decided {
                    Severity::Critical
                } else {
                    Severity::Info
                }
            }
            Happened::Digest { of } => of.iter().map(|gathered| gathered.happened.severity()).max().unwrap_or(Severity::Info),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageState {
    /// In its destination's line.
    Pending,
    /// Held back by quiet hours, or until a digest; in no line.
    Deferred {
        due: At,
    },
    /// In line, and not before `due` because an attempt failed.
    Scheduled {
        due: At,
    },
    Sending {
        epoch: u64,
        until: At,
    },
    Delivered {
        at: At,
    },
    Dead {
        reason: String,
    },
    /// Told in a digest.
    Gathered {
        into: MessageId,
    },
}

impl MessageState {
    pub const NAMES: [&str; 7] = ["pending", "deferred", "scheduled", "sending", "delivered", "dead", "gathered"];

    pub fn name(&self) -> &'static str {
        match self {
            MessageState::Pending => "pending",
            MessageState::Deferred { .. } => "deferred",
            MessageState::Scheduled { .. } => "scheduled",
            MessageState::Sending { .. } => "sending",
            MessageState::Delivered { .. } => "delivered",
            MessageState::Dead { .. } => "dead",
            MessageState::Gathered { .. } => "gathered",
        }
    }

    /// Whether the message stands in its destination's line.
    pub fn in_line(&self) -> bool {
        matches!(self, MessageState::Pending | MessageState::Scheduled { .. } | MessageState::Sending { .. })
    }

    /// Nothing follows by itself.
    pub fn is_settled(&self) -> bool {
        matches!(self, MessageState::Delivered { .. } | MessageState::Dead { .. } | MessageState::Gathered { .. })
    }
}

/// One attempt that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    pub at: At,
    /// From 1; begins again when a person retries.
    pub attempt: u32,
    pub error: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    pub id: MessageId,
    /// What the receiver knows it by at every attempt: `msg_` and 32 hexadecimal digits. No other installation gives the same.
    pub stable_id: String,
    /// Digest of rule, destination and cause.
    pub key: Digest,
    /// Name of the rule that asked for it.
    pub rule: String,
    /// Name of the destination.
    pub destination: String,
    pub severity: Severity,
    pub happened: Happened,
    pub state: MessageState,
    /// Raised by every claim.
    pub epoch: u64,
    /// Failed attempts since it was made or retried.
    pub attempts: u32,
    pub made_at: At,
    pub changed_at: At,
    /// Oldest first, at most `limits::MESSAGE_ERRORS_KEPT_MAX`; the audit trail has every one.
    pub errors: Vec<Attempt>,
}

/// Retry as a pure function: the schedule of Standard Webhooks, lengthened by up to a quarter by message and attempt, and never before the receiver wants to be
/// asked again (`wait_ms`, bounded by `limits::RETRY_AFTER_MS_MAX`). `attempts` counts the failed one.
pub fn after_failure(now: At, id: MessageId, attempts: u32, wait_ms: Option<i64>) -> AfterError {
    let Some(delay) = attempts.checked_sub(1).and_then(|done| limits::MESSAGE_RETRIES_MS.get(done as usize)) else { return AfterError::GiveUp };
    // Fibonacci hashing, as for jobs.
    let mixed = (id.0 ^ (u64::from(attempts) << 32)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let spread = (mixed >> 33).cast_signed() % (delay / 4 + 1);
    let wanted = wait_ms.unwrap_or(0).clamp(0, limits::RETRY_AFTER_MS_MAX);
    AfterError::RetryAt(now.plus_ms((delay + spread).max(wanted)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delay(attempts: u32, wait_ms: Option<i64>) -> Option<i64> {
        match after_failure(At(0), MessageId(3), attempts, wait_ms) {
            AfterError::RetryAt(at) => Some(at.0),
            AfterError::GiveUp => None,
        }
    }

    #[test]
    fn attempts_spread_over_days_and_end() {
        let tries = u32::try_from(limits::MESSAGE_RETRIES_MS.len()).expect("few");
        let delays: Vec<i64> = (1..=tries).map(|attempts| delay(attempts, None).expect("again")).collect();
        assert!(delays.windows(2).all(|pair| pair[0] < pair[1]), "{delays:?}");
        assert!((5_000..=6_250).contains(&delays[0]), "{delays:?}");
        assert_eq!(delay(tries + 1, None), None);
    }

    #[test]
    fn the_receiver_says_when_at_the_earliest() {
        assert_eq!(delay(1, Some(600_000)), Some(600_000));
        assert!(delay(2, Some(1000)).is_some_and(|at| at >= 300_000), "an earlier wish does not hurry us");
        assert_eq!(delay(1, Some(i64::MAX)), Some(limits::RETRY_AFTER_MS_MAX), "nobody can put a message out of sight");
        assert!(delay(1, Some(-5)).is_some_and(|at| at >= 5_000));
    }
}

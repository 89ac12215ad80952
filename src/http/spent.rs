//! Tokens that are good for one mail only. Mailgun signs a time and a token and not the mail, so whoever saw one delivery could send another mail with its token;
//! a repeat of the same mail is fine. What was spent is kept with its event, so a restarted server knows it too.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use crate::{
    domain::event::Digest,
    intake::Refusal,
    limits,
    store::{ReadError, Store},
};

/// The header under which an event keeps its token.
const KEPT_AS: &str = "mailgun-token";
/// How long a token could be used again, in milliseconds: as long as its signed time is taken, before and after now, and as long for clocks.
const SPENT_MS: i64 = 4 * limits::MAILGUN_AGE_SECONDS_MAX * 1000;

#[derive(Default)]
pub struct Spent {
    /// By token, the key of its mail and when it was spent.
    by_token: Mutex<HashMap<String, (Digest, i64)>>,
}

impl Spent {
    /// The tokens of the newest events.
    pub fn of(store: &Store, now_ms: i64) -> Result<Spent, ReadError> {
        let (spent, mut before) = (Spent::default(), None);
        for _ in 0..limits::TOKENS_KEPT_MAX / limits::LIST_ROWS_MAX {
            let events = store.events(before, limits::LIST_ROWS_MAX)?;
            let Some(oldest) = events.last() else { break };
            let is_over = oldest.received_at.0 < now_ms - SPENT_MS;
            before = Some(oldest.id);
            for event in events {
                if let Some((_, token)) = event.headers.iter().find(|(name, _)| event.source.as_str() == "mailgun" && name == KEPT_AS) {
                    // The first mail of a token is its mail; events come newest first, and tokens once.
                    let _ = spent.spend(token.clone(), event.dedupe_key, event.received_at.0);
                }
            }
            if is_over {
                break;
            }
        }
        Ok(spent)
    }

    /// Spends a token on the mail with this key; refused where it was spent on another. Before the mail is kept, so that two at once do not both pass; the same mail
    /// again, after a failure, has the same key.
    pub fn spend(&self, token: String, key: Digest, now_ms: i64) -> Result<(), Refusal> {
        let mut by_token = self.by_token.lock().unwrap_or_else(PoisonError::into_inner);
        if by_token.len() >= limits::TOKENS_KEPT_MAX {
            by_token.retain(|_, (_, at)| *at >= now_ms - SPENT_MS);
            // Still full: the oldest go.
            while by_token.len() >= limits::TOKENS_KEPT_MAX {
                let Some(oldest) = by_token.iter().min_by_key(|(_, (_, at))| *at).map(|(token, _)| token.clone()) else { break };
                by_token.remove(&oldest);
            }
        }
        match by_token.entry(token).or_insert((key, now_ms)) {
            (of, _) if *of == key => Ok(()),
            _ => Err(Refusal::Replayed("the token of this delivery was used for another mail".to_owned())),
        }
    }
}

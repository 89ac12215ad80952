//! Sessions: a random cookie of which only a hash is kept, in memory. It ends after silence, after a shift, and with every change of its user.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use super::{hashed, secret};
use crate::{
    domain::{access::User, time::At},
    http::problem::Problem,
    limits,
};

pub(super) struct Session {
    pub user: String,
    /// The user's count of changes when it began.
    version: u32,
    pub csrf: String,
    began: At,
    seen: At,
}

#[derive(Default)]
pub(super) struct Sessions(Mutex<HashMap<[u8; 32], Session>>);

/// A session as it begins: its cookie's value.
pub(super) struct Begun {
    pub cookie: String,
}

impl Sessions {
    fn all(&self) -> std::sync::MutexGuard<'_, HashMap<[u8; 32], Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new one with a cookie that nobody knew before; `old` is the session it takes the place of.
    pub fn begin(&self, user: &User, old: Option<[u8; 32]>, now: At) -> Result<Begun, Problem> {
        let (cookie, csrf) = (secret::<32>()?, secret::<32>()?);
        let mut all = self.all();
        if let Some(old) = old {
            all.remove(&old);
        }
        all.retain(|_, session| session.lives(now));
        let silent_longest = |all: &HashMap<[u8; 32], Session>, of: Option<&str>| {
            let those = all.iter().filter(|(_, session)| of.is_none_or(|of| session.user == of));
            those.min_by_key(|(_, session)| session.seen).map(|(key, _)| *key)
        };
        let own = all.values().filter(|session| session.user == user.name).count();
        let goes = if own >= limits::SESSIONS_A_USER_MAX {
            silent_longest(&all, Some(&user.name))
        } else if all.len() >= limits::SESSIONS_MAX {
            silent_longest(&all, None)
        } else {
            None
        };
        if let Some(goes) = goes {
            all.remove(&goes);
        }
        all.insert(hashed(&cookie), Session { user: user.name.clone(), version: user.version, csrf, began: now, seen: now });
        Ok(Begun { cookie })
    }

    /// The user's name and the CSRF token of a session that lives. `seen`: a person did something, which a page that only listens did not.
    pub fn find(&self, key: [u8; 32], seen: bool, now: At) -> Option<(String, String)> {
        let mut all = self.all();
        let session = all.get_mut(&key)?;
        if !session.lives(now) {
            all.remove(&key);
            return None;
        }
        if seen {
            session.seen = now;
        }
        Some((session.user.clone(), session.csrf.clone()))
    }

    /// Whether it began with the user as the user is now; one that did not is over.
    pub fn is_of(&self, key: [u8; 32], user: &User) -> bool {
        let mut all = self.all();
        let same = all.get(&key).is_some_and(|session| session.version == user.version && session.user == user.name);
        if !same {
            all.remove(&key);
        }
        same
    }

    pub fn end(&self, key: [u8; 32]) {
        self.all().remove(&key);
    }
}

impl Session {
    fn lives(&self, now: At) -> bool {
        now.0 - self.seen.0 < limits::SESSION_IDLE_MS && now.0 - self.began.0 < limits::SESSION_MS_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::access::Role;

    fn user(name: &str, version: u32) -> User {
        let at = At(0);
        User { name: name.to_owned(), role: Role::Viewer, password: None, disabled: false, expires: None, version, made_at: at, changed_at: at }
    }

    #[test]
    fn a_session_ends_by_silence_by_age_by_change_and_by_a_new_one_in_its_place() {
        let sessions = Sessions::default();
        let anna = user("anna", 1);
        let key = |begun: &Begun| hashed(&begun.cookie);
        let first = sessions.begin(&anna, None, At(0)).expect("session");
        assert!(sessions.find(key(&first), true, At(limits::SESSION_IDLE_MS - 1)).is_some());
        assert!(sessions.find(key(&first), true, At(2 * limits::SESSION_IDLE_MS)).is_none(), "silent");
        let busy = sessions.begin(&anna, None, At(0)).expect("session");
        let mut at = 0;
        while at + limits::SESSION_IDLE_MS / 2 < limits::SESSION_MS_MAX {
            at += limits::SESSION_IDLE_MS / 2;
            assert_eq!(sessions.find(key(&busy), true, At(at)).is_some(), at < limits::SESSION_MS_MAX, "{at}");
        }
        assert!(sessions.find(key(&busy), true, At(limits::SESSION_MS_MAX)).is_none(), "too old");
        let old = sessions.begin(&anna, None, At(0)).expect("session");
        let new = sessions.begin(&anna, Some(key(&old)), At(0)).expect("session");
        assert_ne!(old.cookie, new.cookie);
        assert!(sessions.find(key(&old), true, At(0)).is_none() && sessions.find(key(&new), true, At(0)).is_some());
        assert!(!sessions.is_of(key(&new), &user("anna", 2)), "the user was changed");
        assert!(sessions.find(key(&new), true, At(0)).is_none());
    }

    #[test]
    fn there_are_never_too_many_of_one_user() {
        let sessions = Sessions::default();
        let begun: Vec<Begun> =
            (0..=limits::SESSIONS_A_USER_MAX as i64).map(|at| sessions.begin(&user("anna", 1), None, At(at)).expect("session")).collect();
        let alive = begun.iter().filter(|begun| sessions.find(hashed(&begun.cookie), true, At(20)).is_some()).count();
        assert_eq!(alive, limits::SESSIONS_A_USER_MAX);
        assert!(sessions.find(hashed(&begun[0].cookie), true, At(20)).is_none(), "the oldest went");
    }
}

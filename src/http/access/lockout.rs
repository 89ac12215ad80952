//! Wrong attempts to sign in: counted by user and machine together, by user, and by machine; past a number of them each further one waits twice as long.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use crate::{domain::time::At, limits};

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    last: At,
    until: At,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Of {
    Pair(String, IpAddr),
    User(String),
    Peer(IpAddr),
}

impl Of {
    /// Attempts before the first pause, and the longest pause in milliseconds.
    fn bounds(&self) -> (u32, i64) {
        match self {
            Of::Pair(..) => (limits::ATTEMPTS_FREE_PAIR, limits::LOCKED_MS_MAX),
            Of::User(_) => (limits::ATTEMPTS_FREE_USER, limits::LOCKED_USER_MS_MAX),
            Of::Peer(_) => (limits::ATTEMPTS_FREE_PEER, limits::LOCKED_MS_MAX),
        }
    }
}

#[derive(Default)]
pub(super) struct Lockout(Mutex<HashMap<Of, Failures>>);

fn counted(name: &str, peer: IpAddr) -> [Of; 3] {
    [Of::Pair(name.to_owned(), peer), Of::User(name.to_owned()), Of::Peer(peer)]
}

impl Lockout {
    fn all(&self) -> std::sync::MutexGuard<'_, HashMap<Of, Failures>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether an attempt may be made now, counting it as wrong until `succeeded` says otherwise, so that many at once are counted too; otherwise seconds to wait.
    pub fn attempt(&self, name: &str, peer: IpAddr, now: At) -> Result<(), u64> {
        let mut all = self.all();
        all.retain(|_, failures| now.0 - failures.last.0 < limits::ATTEMPTS_FORGOTTEN_MS);
        let keys = counted(name, peer);
        let until = keys.iter().filter_map(|key| all.get(key)).map(|failures| failures.until.0).max().unwrap_or(i64::MIN);
        if until > now.0 {
            return Err((until - now.0).unsigned_abs().div_ceil(1000));
        }
        for key in keys {
            if all.len() >= limits::ATTEMPTS_KEPT_MAX && !all.contains_key(&key) {
                let oldest = all.iter().min_by_key(|(_, failures)| failures.last).map(|(key, _)| key.clone());
                oldest.map(|oldest| all.remove(&oldest));
            }
            let (free, cap) = key.bounds();
            let failures = all.entry(key).or_insert(Failures { count: 0, last: now, until: At(i64::MIN) });
            (failures.count, failures.last) = (failures.count.saturating_add(1), now);
            if failures.count >= free {
                let doubled = 1000_i64.saturating_mul(1 << (failures.count - free).min(20));
                failures.until = now.plus_ms(doubled.min(cap));
            }
        }
        Ok(())
    }

    /// The attempt was right: it is not counted, and what this user did wrong from this machine is forgotten.
    pub fn succeeded(&self, name: &str, peer: IpAddr) {
        let mut all = self.all();
        let [pair, user, machine] = counted(name, peer);
        all.remove(&pair);
        for key in [user, machine] {
            if let Some(failures) = all.get_mut(&key) {
                failures.count = failures.count.saturating_sub(1);
                failures.until = At(i64::MIN);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn peer(last: u8) -> IpAddr {
        IpAddr::V4(Ipv4Addr::new(10, 0, 0, last))
    }

    #[test]
    fn pauses_double_and_are_forgotten() {
        let lockout = Lockout::default();
        let mut at = 0;
        for _ in 0..limits::ATTEMPTS_FREE_PAIR {
            assert_eq!(lockout.attempt("anna", peer(1), At(at)), Ok(()));
        }
        for pause in [1, 2, 4, 8] {
            assert_eq!(lockout.attempt("anna", peer(1), At(at)), Err(pause));
            assert_eq!(lockout.attempt("berta", peer(1), At(at)), Ok(()), "another user");
            lockout.succeeded("berta", peer(1));
            at += pause.cast_signed() * 1000;
            assert_eq!(lockout.attempt("anna", peer(1), At(at)), Ok(()));
        }
        assert_eq!(lockout.attempt("anna", peer(2), At(at)), Ok(()), "anna herself, at another machine");
        at += limits::ATTEMPTS_FORGOTTEN_MS;
        for _ in 0..limits::ATTEMPTS_FREE_PAIR {
            assert_eq!(lockout.attempt("anna", peer(1), At(at)), Ok(()));
        }
    }

    #[test]
    fn many_machines_cannot_try_one_user_nor_one_machine_many_users() {
        let lockout = Lockout::default();
        let tried = (0..=255).filter(|machine| lockout.attempt("anna", peer(*machine), At(0)).is_ok()).count();
        assert_eq!(tried, limits::ATTEMPTS_FREE_USER as usize);
        let lockout = Lockout::default();
        let tried = (0..200).filter(|number| lockout.attempt(&format!("u{number}"), peer(1), At(0)).is_ok()).count();
        assert_eq!(tried, limits::ATTEMPTS_FREE_PEER as usize);
        let until = (0..1000).map(|minute| lockout.attempt("anna", peer(1), At(minute * 60_000))).filter_map(Result::err).max();
        assert!(until.is_some_and(|seconds| seconds.cast_signed() * 1000 <= limits::LOCKED_MS_MAX), "{until:?}");
    }
}

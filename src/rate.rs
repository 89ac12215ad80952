//! How much one sender may send: a bucket a sender, filled evenly, as large as one minute's share. Pure; time is an argument.

use std::{collections::HashMap, hash::Hash, net::IpAddr};

use crate::limits;

const MINUTE_MS: i64 = 60_000;

/// What each key may do a minute.
#[derive(Debug)]
pub struct Rate<K> {
    per_minute: u32,
    /// By key, the moment at which its bucket is full again, in microseconds (the generic cell rate algorithm: one number a key).
    full_at: HashMap<K, i64>,
}

impl<K: Eq + Hash + Clone> Rate<K> {
    /// `per_minute` 0: no limit.
    pub fn new(per_minute: u32) -> Rate<K> {
        Rate { per_minute, full_at: HashMap::new() }
    }

    /// Takes one from the bucket of `key`; otherwise says after how many whole seconds there is one again.
    pub fn take(&mut self, key: &K, now_ms: i64) -> Result<(), u64> {
        if self.per_minute == 0 {
            return Ok(());
        }
        let (now, minute) = (now_ms.saturating_mul(1000), MINUTE_MS * 1000);
        let each = minute / i64::from(self.per_minute);
        if self.full_at.len() >= limits::RATE_KEYS_MAX && !self.full_at.contains_key(key) {
            self.full_at.retain(|_, full_at| *full_at > now);
            if self.full_at.len() >= limits::RATE_KEYS_MAX {
                return Err(MINUTE_MS.unsigned_abs() / 1000);
            }
        }
        // A clock that was set back must not lock anybody out.
        let full_at = self.full_at.get(key).copied().filter(|full_at| *full_at <= now.saturating_add(minute)).unwrap_or(now).max(now);
        let after = full_at.saturating_add(each);
        if after - now > minute {
            return Err((after - now - minute).unsigned_abs().div_ceil(1_000_000).max(1));
        }
        self.full_at.insert(key.clone(), after);
        Ok(())
    }
}

/// The address under which a machine is counted: it has a whole /64 of IPv6 addresses to choose from.
pub fn counted_as(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & !u128::from(u64::MAX)).into()),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minutes_share_at_once_and_then_evenly() {
        let mut rate = Rate::new(60);
        let taken = (0..100).filter(|_| rate.take(&"a", 0).is_ok()).count();
        assert_eq!(taken, 60);
        assert_eq!(rate.take(&"a", 0), Err(1));
        assert_eq!(rate.take(&"b", 0), Ok(()), "another sender has a bucket of its own");
        assert_eq!((rate.take(&"a", 1000), rate.take(&"a", 1000)), (Ok(()), Err(1)));
        assert_eq!((0..100).filter(|_| rate.take(&"a", 10_000_000).is_ok()).count(), 60, "a bucket holds one minute, however long nothing came");
    }

    #[test]
    fn a_machine_is_counted_once() {
        let counted = |text: &str| counted_as(text.parse().expect("address")).to_string();
        assert_eq!(counted("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!((counted("::ffff:10.1.2.3"), counted("10.1.2.3")), ("10.1.2.3".to_owned(), "10.1.2.3".to_owned()));
    }

    #[test]
    fn no_limit_no_lock_out_and_no_growth() {
        let mut none = Rate::new(0);
        assert!((0..10_000).all(|_| none.take(&1, 0) == Ok(())));
        let mut rate = Rate::new(1);
        assert_eq!((rate.take(&0, 1 << 40), rate.take(&0, 0)), (Ok(()), Ok(())), "the clock was set back");
        let mut rate = Rate::new(1);
        let taken = (0..limits::RATE_KEYS_MAX + 10).filter(|key| rate.take(key, 0).is_ok()).count();
        assert_eq!(taken, limits::RATE_KEYS_MAX);
        assert_eq!(rate.take(&usize::MAX, 61_000), Ok(()), "old senders are forgotten");
        assert!(rate.full_at.len() <= 1);
    }
}

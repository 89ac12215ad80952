//! The room on the disk: how much is free, how fast the store grows, and when it will be full.

use super::{Store, log};
use crate::{domain::time::At, limits};

const DAY_MS: i64 = 24 * 3600 * 1000;

/// How the store grew of late.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Growth {
    /// Bytes that may still be written before the reserve is reached.
    pub room: Option<u64>,
    /// `None`: less than a day is known.
    pub bytes_per_day: Option<f64>,
}

impl Growth {
    /// Of files of the log, each with its size and when it was last written to, oldest first, since the store began.
    fn of(files: &[(u64, At)], began: At, now: At, room: Option<u64>) -> Growth {
        let window = now.plus_ms(-limits::GROWTH_DAYS * DAY_MS);
        let known = now.0.saturating_sub(began.max(window).0);
        if known < DAY_MS {
            return Growth { room, bytes_per_day: None };
        }
        let grown: u64 = files.iter().filter(|(_, written)| *written >= window).map(|(bytes, _)| bytes).sum();
        #[allow(clippy::cast_precision_loss, reason = "a forecast, not an amount")]
        let bytes_per_day = Some(grown as f64 / (known as f64 / DAY_MS as f64));
        Growth { room, bytes_per_day }
    }

    /// Days until the reserve is reached if it goes on so; `None`: not known, or never.
    pub fn days_left(&self) -> Option<f64> {
        match (self.room, self.bytes_per_day) {
            #[allow(clippy::cast_precision_loss, reason = "a forecast, not an amount")]
            (Some(room), Some(rate)) if rate > 0.0 => Some(room as f64 / rate),
            _ => None,
        }
    }
}

impl Store {
    /// Bytes that may still be written to the data directory.
    pub fn free_bytes(&self) -> std::io::Result<u64> {
        let stat = rustix::fs::statvfs(&self.dir)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    /// How the log grew in the last `limits::GROWTH_DAYS`; by its files, which are only ever appended to.
    pub fn growth(&self, now: At) -> Growth {
        let room = self.free_bytes().ok().map(|free| free.saturating_sub(limits::DISK_RESERVE_BYTES));
        let mut files: Vec<(u64, At, At)> = std::fs::read_dir(self.shared.reader.dir())
            .into_iter()
            .flatten()
            .flatten()
            .filter(|entry| entry.file_name().to_str().and_then(log::number).is_some())
            .filter_map(|entry| {
                let metadata = entry.metadata().ok()?;
                let written = at(metadata.modified().ok()?);
                Some((metadata.len(), written, metadata.created().map_or(written, at)))
            })
            .collect();
        files.sort_by_key(|(_, written, _)| *written);
        let began = files.iter().map(|(_, _, began)| *began).min().unwrap_or(now);
        let files: Vec<(u64, At)> = files.into_iter().map(|(bytes, written, _)| (bytes, written)).collect();
        Growth::of(&files, began, now, room)
    }
}

fn at(time: std::time::SystemTime) -> At {
    At(time.duration_since(std::time::UNIX_EPOCH).ok().and_then(|since| i64::try_from(since.as_millis()).ok()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_it_is_full_follows_from_the_last_month() {
        let now = At(1000 * DAY_MS);
        let day = |day: i64| At(day * DAY_MS);
        // An old file does not count; two within 30 days do.
        let files = [(1 << 30, day(900)), (100 << 20, day(980)), (200 << 20, day(999))];
        let growth = Growth::of(&files, day(1), now, Some(1000 << 20));
        assert_eq!(growth.bytes_per_day, Some(f64::from(300 << 20) / 30.0));
        assert_eq!(growth.days_left(), Some(100.0));
        // A store of ten days is measured over ten.
        let young = Growth::of(&files[2..], day(990), now, Some(100 << 20));
        assert_eq!(young.days_left(), Some(5.0));
        // Nothing is said of a store of an hour, nor of one that does not grow.
        assert_eq!(Growth::of(&files, At(now.0 - 3_600_000), now, Some(1)).days_left(), None);
        assert_eq!(Growth::of(&files[..1], day(1), now, Some(1)).days_left(), None);
    }
}

//! The log's groups and records in order, as readers walk them.

use std::ops::Bound;

use super::{
    codec,
    draft::key,
    log::{Found, Position, Stored},
    trees::Which,
    writer::Shared,
};

type Result<T> = std::result::Result<T, String>;

impl Shared {
    /// Every group, to the end that was committed when this was called.
    pub fn groups(&self) -> impl Iterator<Item = Result<Found>> + '_ {
        let state = self.state();
        self.reader.groups(state.log, Position::START, state.position)
    }

    /// The groups from one at or before that of record `from` on; of what comes before it, no record is missing, but bodies may be.
    fn groups_from(&self, from: u64) -> Result<impl Iterator<Item = Result<Found>> + '_> {
        let state = self.state();
        let rows = self.view.range_back(Which::Log, (Bound::Unbounded, Bound::Included(key(from).to_vec()))).next();
        let at = match rows.transpose().map_err(|error| error.to_string())? {
            Some((_, raw)) => codec::decode(&raw).map_err(|error| error.to_string())?,
            None => Position::START,
        };
        Ok(self.reader.groups(state.log, at, state.position))
    }

    /// Every record from number `from` on.
    pub fn records(&self, from: u64) -> Result<impl Iterator<Item = Result<Stored>> + '_> {
        let records = self.groups_from(from)?.flat_map(|group| match group {
            Ok(group) => self.reader.records(&group).collect(),
            Err(error) => vec![Err(error)],
        });
        Ok(records.filter(move |stored| stored.as_ref().map_or(true, |stored| stored.number >= from)))
    }

    /// Every record below number `before`, the newest first.
    pub fn records_back(&self, before: Option<u64>) -> Back<'_> {
        Back { shared: self, before: before.unwrap_or(u64::MAX), block: Vec::new() }
    }
}

/// See `Shared::records_back`. Reads from one row of the index of the log to the next at once.
pub(super) struct Back<'a> {
    shared: &'a Shared,
    before: u64,
    /// Oldest first.
    block: Vec<Stored>,
}

impl Iterator for Back<'_> {
    type Item = Result<Stored>;

    fn next(&mut self) -> Option<Result<Stored>> {
        if self.block.is_empty()
            && let Err(error) = self.fill()
        {
            self.before = 0;
            return Some(Err(error));
        }
        let stored = self.block.pop()?;
        self.before = stored.number;
        Some(Ok(stored))
    }
}

impl Back<'_> {
    fn fill(&mut self) -> Result<()> {
        if self.before <= 1 {
            return Ok(());
        }
        for group in self.shared.groups_from(self.before - 1)? {
            let group = group?;
            if group.first >= self.before {
                break;
            }
            for stored in self.shared.reader.records(&group) {
                self.block.push(stored?);
            }
        }
        let before = self.before;
        self.block.retain(|stored| stored.number < before);
        Ok(())
    }
}

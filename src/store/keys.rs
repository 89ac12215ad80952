//! How long a delivery is known again: its key is kept for the days the site says, then forgotten in the background, a few at a time. The same delivery is
//! then a new event.

use super::{
    Store, WriteError,
    act::{Done, mark},
    draft::{Draft, DraftError},
    record::Record,
};
use crate::{
    domain::{id::EventId, time::At},
    limits,
};

impl Store {
    /// One round of the sweep that forgets the keys of deliveries older than the site keeps them; `true` while there are more.
    pub fn forget_keys(&self, now: At) -> Result<bool, WriteError> {
        let older_than = now.plus_ms(-i64::from(self.options.keys_kept_days) * 24 * 3600 * 1000);
        match forgettable(&self.shared.draft(), older_than) {
            Ok(None) => Ok(false),
            Ok(Some(_)) => self.write(0, move |draft| forget_keys(draft, older_than, now)),
            Err(error) => Err(WriteError::Busy(error.to_string())),
        }
    }
}

/// The deliveries among the next ones whose keys were kept long enough; the last of them, or `None`. Ends at the first that is too young, so a clock that was
/// once set wrong only delays.
fn forgettable(draft: &Draft<'_>, older_than: At) -> Result<Option<EventId>, DraftError> {
    let (from, newest) = (draft.state.forgotten.0, draft.state.event.0);
    let mut through = None;
    for id in from + 1..=newest.min(from + limits::KEYS_FORGOTTEN_MAX as u64) {
        if draft.event(EventId(id))?.is_some_and(|event| event.received_at >= older_than) {
            break;
        }
        through = Some(EventId(id));
    }
    Ok(through)
}

fn forget_keys(draft: &mut Draft<'_>, older_than: At, now: At) -> Done<bool> {
    let Some(through) = forgettable(draft, older_than)? else { return Ok(false) };
    draft.append(&Record::KeysForgotten { through, mark: mark("system: keys kept long enough", now) })?;
    Ok(true)
}

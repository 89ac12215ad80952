//! What the projections hold: the rows that were committed and are not in their tables yet, over those that are. Readers see every group as soon as it is committed,
//! whatever the thread that writes to sled has got to.

use std::{
    ops::Bound,
    sync::{
        Arc, Condvar, Mutex, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use super::trees::{Changes, Rows, Trees, Which};
use crate::limits;

pub(super) struct View {
    trees: Trees,
    pending: RwLock<Pending>,
    /// Told whenever `pending` changes.
    moved: (Mutex<()>, Condvar),
    /// Groups that changed a case; see `cases_changed`.
    cases: AtomicU64,
}

#[derive(Default)]
struct Pending {
    fresh: Changes,
    /// On its way into sled.
    applying: Arc<Changes>,
    /// Nothing more is applied: the thread that did is gone.
    stopped: bool,
}

impl Pending {
    fn layers(&self) -> [&Changes; 2] {
        [&self.fresh, &self.applying]
    }

    /// Rows between two keys, the newest of each.
    fn range(&self, which: Which, range: &(Bound<Vec<u8>>, Bound<Vec<u8>>)) -> Rows {
        let mut rows = Rows::new();
        for layer in [&*self.applying, &self.fresh] {
            rows.extend(layer.of(which).range(range.clone()).map(|(key, value)| (key.clone(), value.clone())));
        }
        rows
    }
}

/// A key with its value.
pub(super) type Row = (Vec<u8>, Vec<u8>);

impl View {
    pub fn new(trees: Trees) -> View {
        View { trees, pending: RwLock::default(), moved: (Mutex::new(()), Condvar::new()), cases: AtomicU64::new(0) }
    }

    /// sled's own rows, for who knows that nothing is pending.
    pub fn trees(&self) -> &Trees {
        &self.trees
    }

    fn pending(&self) -> std::sync::RwLockReadGuard<'_, Pending> {
        self.pending.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, work: impl FnOnce(&mut Pending) -> T) -> T {
        let done = work(&mut self.pending.write().unwrap_or_else(PoisonError::into_inner));
        let _told = self.moved.0.lock().unwrap_or_else(PoisonError::into_inner);
        self.moved.1.notify_all();
        done
    }

    fn wait_until(&self, done: impl Fn(&Pending) -> bool) {
        let mut guard = self.moved.0.lock().unwrap_or_else(PoisonError::into_inner);
        while !done(&self.pending()) {
            guard = self.moved.1.wait(guard).unwrap_or_else(PoisonError::into_inner);
        }
    }

    pub fn get(&self, which: Which, key: &[u8]) -> sled::Result<Option<Vec<u8>>> {
        let pending = self.pending();
        for layer in pending.layers() {
            if let Some(change) = layer.of(which).get(key) {
                return Ok(change.clone());
            }
        }
        drop(pending);
        self.trees.get(which, key)
    }

    /// The first key at or after `from` that `hides` does not take out.
    pub fn first_from(&self, which: Which, from: &[u8], hides: impl Fn(&[u8]) -> bool) -> sled::Result<Option<Vec<u8>>> {
        let pending = self.pending();
        let first = |rows: &Rows, over: Option<&Rows>| {
            let rows = rows
                .range::<[u8], _>((Bound::Included(from), Bound::Unbounded))
                .filter(|(key, value)| value.is_some() && !hides(key) && over.is_none_or(|over| !over.contains_key(*key)));
            rows.map(|(key, _)| key.clone()).next()
        };
        let [fresh, applying] = pending.layers().map(|layer| layer.of(which));
        let mut least = [first(fresh, None), first(applying, Some(fresh))].into_iter().flatten().min();
        for row in self.trees.range(which, (Bound::Included(from.to_vec()), Bound::Unbounded)) {
            let (key, _) = row?;
            if least.as_ref().is_some_and(|least| key >= *least) {
                break;
            }
            if !hides(&key) && !fresh.contains_key(&key) && !applying.contains_key(&key) {
                least = Some(key);
                break;
            }
        }
        Ok(least)
    }

    /// Rows between two keys in order. What is committed while they are read may be among them or not.
    pub fn range(&self, which: Which, range: (Bound<Vec<u8>>, Bound<Vec<u8>>)) -> Merged<impl Iterator<Item = sled::Result<Row>> + use<>> {
        let over = self.pending().range(which, &range);
        Merged::new(over.into_iter(), self.trees.range(which, range), false)
    }

    /// The same from the last to the first.
    pub fn range_back(&self, which: Which, range: (Bound<Vec<u8>>, Bound<Vec<u8>>)) -> Merged<impl Iterator<Item = sled::Result<Row>> + use<>> {
        let over = self.pending().range(which, &range);
        Merged::new(over.into_iter().rev(), self.trees.range(which, range).rev(), true)
    }

    /// Keys that begin with a prefix.
    pub fn with_prefix(&self, which: Which, prefix: &[u8]) -> Merged<impl Iterator<Item = sled::Result<Row>> + use<>> {
        self.range(which, (Bound::Included(prefix.to_vec()), after_prefix(prefix)))
    }

    pub fn all(&self, which: Which) -> Merged<impl Iterator<Item = sled::Result<Row>> + use<>> {
        self.range(which, (Bound::Unbounded, Bound::Unbounded))
    }

    // ---- between the writer and the thread that applies ----

    /// Shows committed rows to every reader, to be applied soon.
    pub fn commit(&self, changes: Changes) {
        let of_cases = !changes.of(Which::Cases).is_empty();
        self.change(|pending| pending.fresh.extend(changes));
        if of_cases {
            self.cases.fetch_add(1, Ordering::Release);
        }
    }

    /// As long as it stays the same, so do the rows of cases that were read after it was asked for.
    pub fn cases_changed(&self) -> u64 {
        self.cases.load(Ordering::Acquire)
    }

    /// Waits while too many rows are not applied yet.
    pub fn wait_for_room(&self) {
        self.wait_until(|pending| pending.stopped || pending.fresh.len() < limits::PENDING_ROWS_MAX);
    }

    /// The rows to apply next; `None` when `closing` says so and nothing is left.
    pub fn take(&self, closing: impl Fn() -> bool) -> Option<Arc<Changes>> {
        self.wait_until(|pending| !pending.fresh.is_empty() || closing());
        self.change(|pending| {
            pending.applying = Arc::new(std::mem::take(&mut pending.fresh));
            (!pending.applying.is_empty()).then(|| Arc::clone(&pending.applying))
        })
    }

    /// What was taken is in sled.
    pub fn applied(&self) {
        self.change(|pending| pending.applying = Arc::default());
    }

    pub fn stop(&self) {
        self.change(|pending| pending.stopped = true);
    }

    /// Wakes whoever waits, to look again.
    pub fn nudge(&self) {
        self.change(|_| ());
    }

    /// Waits until sled holds everything that was committed.
    pub fn settle(&self) {
        self.wait_until(|pending| pending.stopped || pending.layers().iter().all(|layer| layer.is_empty()));
    }
}

fn after_prefix(prefix: &[u8]) -> Bound<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return Bound::Excluded(end);
        }
    }
    Bound::Unbounded
}

/// A key with what it becomes; `None`: nothing.
type Change = (Vec<u8>, Option<Vec<u8>>);

/// Rows of the tables with newer ones over them.
pub(super) struct Merged<I: Iterator<Item = sled::Result<Row>>> {
    over: std::iter::Peekable<std::vec::IntoIter<Change>>,
    under: std::iter::Peekable<I>,
    back: bool,
}

impl<I: Iterator<Item = sled::Result<Row>>> Merged<I> {
    fn new(over: impl Iterator<Item = Change>, under: I, back: bool) -> Merged<I> {
        Merged { over: over.collect::<Vec<_>>().into_iter().peekable(), under: under.peekable(), back }
    }
}

impl<I: Iterator<Item = sled::Result<Row>>> Iterator for Merged<I> {
    type Item = sled::Result<Row>;

    fn next(&mut self) -> Option<sled::Result<Row>> {
        loop {
            let order = match (self.over.peek(), self.under.peek()) {
                (None, _) | (_, Some(Err(_))) => return self.under.next(),
                (Some(_), None) => std::cmp::Ordering::Less,
                (Some((over, _)), Some(Ok((under, _)))) if self.back => under.cmp(over),
                (Some((over, _)), Some(Ok((under, _)))) => over.cmp(under),
            };
            if order == std::cmp::Ordering::Greater {
                return self.under.next();
            }
            if order == std::cmp::Ordering::Equal {
                drop(self.under.next());
            }
            // A row that was removed is passed over.
            if let Some((key, Some(value))) = self.over.next() {
                return Some(Ok((key, value)));
            }
        }
    }
}

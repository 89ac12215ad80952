//! How deep a part stands within others, and what the whole document may still unpack: shared by mails, archives and whatever they hold, so that no mixture of
//! them gets past the bounds.

use std::cell::Cell;

use crate::limits;

/// What is left for one document.
pub(super) struct Budget {
    bytes: Cell<usize>,
    entries: Cell<usize>,
}

impl Default for Budget {
    fn default() -> Budget {
        Budget { bytes: Cell::new(limits::UNPACKED_BYTES_MAX), entries: Cell::new(limits::UNPACKED_ENTRIES_MAX) }
    }
}

/// A place among the parts of a document.
#[derive(Clone, Copy)]
pub(super) struct Nesting<'a> {
    depth: usize,
    budget: &'a Budget,
}

impl<'a> Nesting<'a> {
    pub(super) fn outermost(budget: &'a Budget) -> Nesting<'a> {
        Nesting { depth: 0, budget }
    }

    pub(super) fn deeper(self) -> Nesting<'a> {
        Nesting { depth: self.depth + 1, ..self }
    }

    pub(super) fn is_too_deep(self) -> bool {
        self.depth >= limits::NESTING_MAX
    }

    /// Most bytes that one more part may unpack to.
    pub(super) fn bytes_left(self) -> usize {
        self.budget.bytes.get().min(limits::BODY_BYTES_MAX)
    }

    pub(super) fn unpacked(self, bytes: usize) {
        self.budget.bytes.set(self.budget.bytes.get().saturating_sub(bytes));
    }

    /// Takes one more part; false where the document has had its number.
    pub(super) fn take_entry(self) -> bool {
        let left = self.budget.entries.get();
        self.budget.entries.set(left.saturating_sub(1));
        left > 0
    }
}

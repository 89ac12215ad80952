//! From an item up to everything that takes it, each node and each line once.
//!
//! Ranks fall along every way up. So a set of ranks as bits, taken from its highest bit down, is the walk in topological order: what is needed of a node is
//! complete when its bit is reached, and whatever it adds lies at lower bits. Nothing is listed, sorted or allocated on the way.

use std::cell::RefCell;

use super::bom::{Bom, View};

/// Bits in a word of the set.
const WORD: usize = u64::BITS as usize;

/// Room to walk in, by rank; nothing in it is set between two walks.
#[derive(Default)]
struct Room {
    reached: Vec<u64>,
    needed: Vec<f64>,
}

thread_local! {
    /// Kept, so that one question in a large factory needs no large tables of its own. A walk takes it and puts it back: a panic leaves an empty one.
    static ROOM: RefCell<Room> = const { RefCell::new(Room { reached: Vec::new(), needed: Vec::new() }) };
}

/// The lines by which a node is taken on a day, with what takes it.
pub(super) fn uses<'a>(view: View<'a>, node: u32, on: u32) -> impl Iterator<Item = (u32, u32)> + 'a {
    let rank = view.rank(node);
    // The import refuses loops; should one be there all the same, its nodes share the last rank, no walk passes between them, and every walk ends.
    view.up(node)
        .filter(move |line| view.is_in_force(*line, on))
        .map(move |line| (line, view.parent(line)))
        .filter(move |(_, parent)| view.rank(*parent) < rank)
}

/// Visits a node and everything above it on a day, each after everything it takes, with the pieces of the first to be started for one good unit of it. The order of
/// visits and of additions, and so rounding, is always the same.
pub(super) fn climb(bom: &Bom, yields: &[f64], start: u32, on: u32, mut visit: impl FnMut(u32, f64)) {
    let view = bom.view();
    let mut room = ROOM.take();
    let words = bom.nodes().div_ceil(WORD);
    room.reached.resize(words.max(room.reached.len()), 0);
    room.needed.resize(bom.nodes().max(room.needed.len()), 0.0);
    let Room { reached, needed } = &mut room;
    let mut pass = |node: u32, pieces: f64, reached: &mut [u64], needed: &mut [f64]| {
        // More of a node must be started than is needed of it where some turn out bad.
        let good = pieces / view.item(node).and_then(|item| yields.get(item)).unwrap_or(&1.0);
        visit(node, good);
        for (line, parent) in uses(view, node, on) {
            let rank = view.rank(parent) as usize;
            needed[rank] += good * view.quantity(line) * (1.0 + view.scrap(line));
            reached[rank / WORD] |= 1 << (rank % WORD);
        }
    };
    pass(start, 1.0, reached, needed);
    let highest = (view.rank(start) as usize / WORD).min(words.saturating_sub(1));
    for word in (0..=highest).rev() {
        while let Some(bit) = reached.get(word).and_then(|bits| bits.checked_ilog2()) {
            reached[word] &= !(1 << bit);
            let rank = word * WORD + bit as usize;
            let pieces = std::mem::take(&mut needed[rank]);
            if let Some(node) = view.at_rank(rank) {
                pass(node, pieces, reached, needed);
            }
        }
    }
    ROOM.set(room);
}

//! What the simulation plays through of an answer: which pieces are ordered, when something else takes over, and what the rest costs whatever comes.

use super::timing::{Flows, When};

/// When pieces from elsewhere serve all that is needed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Takeover {
    Never,
    /// So many weeks after the statement's day.
    After(f64),
    /// In time, so that nothing is lost.
    InTime,
}

/// One item under an answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Leg {
    /// Index of the item in the factory's file.
    pub item: usize,
    /// Pieces ordered now.
    pub order: f64,
    /// Month in which the order is used up, or what is left of it is written down.
    pub order_last: usize,
    /// Whether missing pieces that are worth more than the spot price are bought there.
    pub spot: bool,
    pub takeover: Takeover,
    /// What a piece costs more than the ending part's once something else has taken over, and when that is paid.
    pub difference: f64,
    pub difference_when: When,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Course {
    /// Costs and payments that no draw moves.
    pub costs: Flows,
    pub payments: Flows,
    pub legs: Vec<Leg>,
    /// Whether what may fail is the order itself; otherwise it is what takes over.
    pub order_fails: bool,
}

impl Course {
    /// The leg of an item, begun as one that only its cover serves.
    pub fn leg(&mut self, item: usize) -> &mut Leg {
        let at = self.legs.iter().position(|leg| leg.item == item).unwrap_or_else(|| {
            self.legs.push(Leg {
                item,
                order: 0.0,
                order_last: 0,
                spot: false,
                takeover: Takeover::Never,
                difference: 0.0,
                difference_when: When::At(0),
            });
            self.legs.len() - 1
        });
        &mut self.legs[at]
    }
}

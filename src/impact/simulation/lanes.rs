//! Sixteen trials side by side, so that the compiler can use the processor's vectors. Only sums, products and minima: no result depends on the machine.

#![allow(clippy::needless_range_loop, reason = "one number walks several arrays of lanes abreast, which reads better and vectorises")]

/// Trials side by side.
pub(super) const LANES: usize = 16;

pub(super) type Lanes = [f64; LANES];
pub(super) const ZERO: Lanes = [0.0; LANES];

/// How far the trials have come in the months of the calendar when something takes over.
#[derive(Debug, Clone)]
pub(super) struct Place {
    month: [usize; LANES],
    part: Lanes,
}

impl Place {
    /// `ready` in months and parts of them; past the last month is the end.
    pub fn new(ready: &Lanes, months: usize) -> Place {
        let mut place = Place { month: [months; LANES], part: ZERO };
        for lane in 0..LANES {
            if ready[lane] < months as f64 {
                place.month[lane] = ready[lane] as usize;
                place.part[lane] = ready[lane] - place.month[lane] as f64;
            }
        }
        place
    }

    /// What a sum has come to by then. It has an entry for the beginning of each month, and the last one twice.
    pub fn of(&self, sum: &[f64]) -> Lanes {
        std::array::from_fn(|lane| {
            let at = self.month[lane];
            sum[at] + self.part[lane] * (sum[at + 1] - sum[at])
        })
    }
}

/// Takes what is wanted from the latest of the supplies that may serve it, then from earlier ones; what is left is not served.
pub(super) fn take(left: &mut Lanes, supplies: &mut [Lanes]) {
    for there in supplies.iter_mut().rev() {
        for lane in 0..LANES {
            let taken = left[lane].min(there[lane]);
            left[lane] -= taken;
            there[lane] -= taken;
        }
    }
}

pub(super) fn is_nothing(lanes: &Lanes) -> bool {
    lanes.iter().all(|lane| *lane == 0.0)
}

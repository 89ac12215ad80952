//! How one item serves what is needed of it in sixteen trials: those worth most per piece first, each from the latest supply that is early enough.

#![allow(clippy::needless_range_loop, reason = "one number walks several arrays of lanes abreast, which reads better and vectorises")]

use super::{
    lanes::{LANES, Lanes, Place, ZERO, is_nothing, take},
    model::{ItemModel, LegModel, Model},
    play::Outcome,
    runs::{ItemShape, Run, Shape},
};

/// One item under a course, as it stands in these trials.
#[derive(Debug, Clone)]
pub(super) struct Serving {
    /// Month, with its part, in which something else takes over; 0 is in time.
    pub ready: Lanes,
    pub order: Lanes,
    pub in_time: bool,
    /// Whether nothing takes over in any of the trials.
    pub uncut: bool,
    place: Place,
    /// Share of each month in which the item is needed, where something takes over.
    share: Vec<Lanes>,
    /// By month: needed until something takes over; of that not served from supplies; and of that bought on the spot market.
    pub needed: Vec<Lanes>,
    pub left: Vec<Lanes>,
    pub bought: Vec<Lanes>,
    pub is_short: bool,
    there: Vec<Lanes>,
    trial: Vec<Lanes>,
}

impl Serving {
    pub fn new(months: usize) -> Serving {
        let by_month = || vec![ZERO; months];
        Serving {
            ready: ZERO,
            order: ZERO,
            in_time: false,
            uncut: true,
            place: Place::new(&ZERO, months),
            share: by_month(),
            needed: by_month(),
            left: by_month(),
            bought: by_month(),
            is_short: false,
            there: Vec::new(),
            trial: Vec::new(),
        }
    }

    /// Begins with what the trials say of time and order, and what is needed by month as if nothing took over.
    pub fn begin(&mut self, ready: Lanes, order: Lanes, needed: &[Lanes]) {
        self.in_time = is_nothing(&ready);
        self.uncut = ready.iter().all(|ready| ready.is_infinite());
        (self.ready, self.order, self.is_short) = (ready, order, false);
        self.left.fill(ZERO);
        self.bought.fill(ZERO);
        if self.in_time {
            self.needed.fill(ZERO);
            return;
        }
        self.needed.copy_from_slice(needed);
        if self.uncut {
            self.place = Place::new(&ready, self.needed.len());
            return;
        }
        self.place = Place::new(&ready, self.needed.len());
        for (month, (share, needed)) in self.share.iter_mut().zip(&mut self.needed).enumerate() {
            for lane in 0..LANES {
                share[lane] = (ready[lane] - month as f64).clamp(0.0, 1.0);
                needed[lane] *= share[lane];
            }
        }
    }

    /// The stock and the orders of the item, with what is ordered now.
    pub fn stock(&self, item: &ItemModel, there: &mut Vec<Lanes>) {
        there.clear();
        there.extend(item.supplies.iter().map(|(_, pieces)| [*pieces; LANES]));
        for lane in 0..LANES {
            there[0][lane] += self.order[lane];
        }
    }

    /// Pieces of a month times a factor, until something takes over.
    pub fn wanted(&self, pieces: f64, factor: &Lanes, month: usize) -> Lanes {
        let mut wanted = ZERO;
        for lane in 0..LANES {
            wanted[lane] = pieces * factor[lane];
        }
        if !self.uncut {
            for lane in 0..LANES {
                wanted[lane] *= self.share[month][lane];
            }
        }
        wanted
    }

    /// Serves the item alone. Units of which several items are needed go to `lost_units`, what is lost of others and bought at once to the outcome.
    pub fn serve(&mut self, model: &Model, shape: &Shape, leg: &LegModel, factors: &[Lanes], lost_units: &mut [Lanes], outcome: &mut Outcome) {
        let (item, of_item) = (&model.items[leg.item], &shape.items[leg.item]);
        let mut there = std::mem::take(&mut self.there);
        self.stock(item, &mut there);
        let last = self.ready.iter().fold(0.0_f64, |last, ready| last.max(*ready));
        for (run, factor) in of_item.runs.iter().zip(factors) {
            if run.months.start as f64 >= last || (run.in_sums && self.served_whole(run, of_item, factor, &mut there)) {
                continue;
            }
            if run.in_sums && there.iter().all(is_nothing) {
                self.lose_whole(run, leg, item, factor, outcome);
                continue;
            }
            for slice in item.slices[run.slices.clone()].iter().filter(|slice| f64::from(slice.month) < last) {
                let month = slice.month as usize;
                let mut left = self.wanted(slice.pieces, factor, month);
                take(&mut left, early_enough(item, &mut there, slice.waits, slice.month));
                if is_nothing(&left) {
                    continue;
                }
                self.is_short = true;
                add(&mut self.left[month], &left);
                let discount = model.discount[month];
                if leg.spot && slice.on_spot {
                    add(&mut self.bought[month], &left);
                    outcome.buy(&left, item.spot_premium, discount);
                } else {
                    let per_piece = 1.0 / slice.per_unit;
                    match shape.shared[slice.key as usize] {
                        Some(shared) => {
                            let units = &mut lost_units[shared];
                            for lane in 0..LANES {
                                units[lane] = units[lane].max(left[lane] * per_piece);
                            }
                        }
                        None => outcome.lose(&left, per_piece * model.keys[slice.key as usize].value, discount),
                    }
                }
            }
        }
        self.there = there;
    }

    /// Whether the supplies serve all of a run in every trial; then they have.
    fn served_whole(&mut self, run: &Run, of_item: &ItemShape, factor: &Lanes, there: &mut Vec<Lanes>) -> bool {
        let reached = self.place.of(&run.needed);
        self.trial.clone_from(there);
        for (supply, span) in of_item.spans.iter().enumerate() {
            let (from, to) = (run.needed[span.start], run.needed[span.end]);
            let mut left = ZERO;
            for lane in 0..LANES {
                left[lane] = (reached[lane].min(to) - reached[lane].min(from)) * factor[lane];
            }
            take(&mut left, &mut self.trial[..=supply]);
            if !is_nothing(&left) {
                return false;
            }
        }
        std::mem::swap(there, &mut self.trial);
        true
    }

    fn lose_whole(&mut self, run: &Run, leg: &LegModel, item: &ItemModel, factor: &Lanes, outcome: &mut Outcome) {
        self.is_short = true;
        let on_spot = leg.spot && run.on_spot;
        for month in run.months.clone() {
            let left = self.wanted(run.pieces[month], factor, month);
            add(&mut self.left[month], &left);
            if on_spot {
                add(&mut self.bought[month], &left);
            }
        }
        let (amount, value, times) = if on_spot { (&run.needed, &run.needed_value, item.spot_premium) } else { (&run.lost, &run.lost_value, 1.0) };
        let (amount, value) = (self.place.of(amount), self.place.of(value));
        for lane in 0..LANES {
            let sum = if on_spot { &mut outcome.cost[lane] } else { &mut outcome.lost[lane] };
            *sum += amount[lane] * times * factor[lane];
            outcome.value[lane] += value[lane] * times * factor[lane];
        }
    }
}

/// The supplies that serve a month: what waits, waits for the last of them.
pub(super) fn early_enough<'a>(item: &ItemModel, there: &'a mut [Lanes], waits: bool, month: u32) -> &'a mut [Lanes] {
    let count = if waits { there.len() } else { item.supplies.partition_point(|(from, _)| *from <= month) };
    &mut there[..count]
}

pub(super) fn add(sum: &mut Lanes, amount: &Lanes) {
    for lane in 0..LANES {
        sum[lane] += amount[lane];
    }
}

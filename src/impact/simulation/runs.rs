//! What is the same in all trials, worked out once. The slices of an item that one random number moves alike are one run: where a run is served as a whole, or is
//! lost as a whole, sums over its months say all, and the months are not gone through. In a trial that is so for nearly every run.

use std::ops::Range;

use super::model::{ItemModel, Model};

pub(super) struct Shape {
    pub items: Vec<ItemShape>,
    /// By key: its place among the keys that several items are needed for. A unit of these may be lost through either.
    pub shared: Vec<Option<usize>>,
    pub shared_keys: Vec<usize>,
}

pub(super) struct ItemShape {
    pub runs: Vec<Run>,
    /// The months that each supply is the latest one for.
    pub spans: Vec<Range<usize>>,
    pub cover: f64,
}

/// Consecutive slices with one random number and one coefficient of variation.
pub(super) struct Run {
    pub slices: Range<usize>,
    pub stream: usize,
    pub cv: f64,
    pub on_spot: bool,
    /// Whether its sums say all: none of its units is shared with another item, and none waits for a later supply.
    pub in_sums: bool,
    pub months: Range<usize>,
    /// At the forecast, by month.
    pub pieces: Vec<f64>,
    /// Sums up to the beginning of each month, the last one twice: pieces, these discounted, what is lost with them, and that discounted.
    pub needed: Vec<f64>,
    pub needed_value: Vec<f64>,
    pub lost: Vec<f64>,
    pub lost_value: Vec<f64>,
}

impl ItemShape {
    /// The run of a slice.
    pub fn run_of(&self, slice: usize) -> usize {
        self.runs.partition_point(|run| run.slices.end <= slice)
    }
}

impl Shape {
    pub fn of(model: &Model) -> Shape {
        let mut users = vec![0_usize; model.keys.len()];
        for item in &model.items {
            let mut keys: Vec<u32> = item.slices.iter().map(|slice| slice.key).collect();
            keys.sort_unstable();
            keys.dedup();
            keys.iter().for_each(|key| users[*key as usize] += 1);
        }
        let shared_keys: Vec<usize> = (0..users.len()).filter(|key| users[*key] > 1).collect();
        let mut shared = vec![None; users.len()];
        shared_keys.iter().enumerate().for_each(|(at, key)| shared[*key] = Some(at));
        let items = model.items.iter().map(|item| of_item(model, item, &shared)).collect();
        Shape { items, shared, shared_keys }
    }
}

fn of_item(model: &Model, item: &ItemModel, shared: &[Option<usize>]) -> ItemShape {
    let months = model.discount.len();
    let first = |supply: usize| item.supplies.get(supply).map_or(months, |(month, _)| (*month as usize).min(months));
    let spans: Vec<Range<usize>> = (0..item.supplies.len()).map(|supply| first(supply)..first(supply + 1)).collect();
    let mut runs = Vec::new();
    let mut at = 0;
    while at < item.slices.len() {
        let start = &item.slices[at];
        let alike = item.slices[at..].iter().take_while(|slice| {
            (slice.stream, slice.cv.to_bits(), slice.on_spot, slice.waits, shared[slice.key as usize].is_some())
                == (start.stream, start.cv.to_bits(), start.on_spot, start.waits, shared[start.key as usize].is_some())
        });
        let end = at + alike.count();
        let is_shared = shared[start.key as usize].is_some();
        runs.push(of_run(model, item, at..end, !is_shared && (!start.waits || item.supplies.len() == 1)));
        at = end;
    }
    ItemShape { runs, spans, cover: item.supplies.iter().map(|(_, pieces)| pieces).sum() }
}

fn of_run(model: &Model, item: &ItemModel, range: Range<usize>, in_sums: bool) -> Run {
    let slices = &item.slices[range.clone()];
    let count = model.discount.len();
    let (mut pieces, mut lost) = (vec![0.0; count], vec![0.0; count]);
    for slice in slices {
        pieces[slice.month as usize] += slice.pieces;
        lost[slice.month as usize] += slice.pieces / slice.per_unit * model.keys[slice.key as usize].value;
    }
    let sums = |of: &dyn Fn(usize) -> f64| {
        let mut sums = Vec::with_capacity(count + 2);
        let mut sum = 0.0;
        sums.push(sum);
        for month in 0..count {
            sum += of(month);
            sums.push(sum);
        }
        sums.push(sum);
        sums
    };
    let discount = &model.discount;
    let months = slices.iter().map(|slice| slice.month as usize);
    Run {
        stream: slices[0].stream as usize,
        cv: slices[0].cv,
        on_spot: slices[0].on_spot,
        in_sums,
        months: months.clone().min().unwrap_or(0)..months.max().map_or(0, |last| last + 1),
        needed: sums(&|month| pieces[month]),
        needed_value: sums(&|month| pieces[month] * discount[month]),
        lost: sums(&|month| lost[month]),
        lost_value: sums(&|month| lost[month] * discount[month]),
        slices: range,
        pieces,
    }
}

//! The trials themselves. Sixteen run side by side through every array, so that the compiler can use the processor's vectors; chunks go to threads by number and
//! come back in their order. Only sums, products, minima and our own functions are used: no result depends on machine or thread.

#![allow(clippy::needless_range_loop, reason = "one number walks several arrays of lanes abreast, which reads better and vectorises")]

use super::model::{Carried, CourseModel, ItemModel, LegModel, Model};
use crate::impact::random::{Kind, Random};

/// Trials side by side.
const LANES: usize = 16;
/// Trials that one thread takes at a time; a multiple of `LANES`.
const CHUNK: u32 = 256;

type Lanes = [f64; LANES];
const ZERO: Lanes = [0.0; LANES];

/// One course over all trials, in their order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Trials {
    pub cost: Vec<f64>,
    /// Present value of what is paid beyond the plan.
    pub value: Vec<f64>,
    /// Contribution and penalties of units not served.
    pub lost: Vec<f64>,
    /// Weeks of full need that are not served.
    pub weeks: Vec<f64>,
}

/// Plays every course of the model, in their order.
pub fn play(model: &Model, threads: usize) -> Vec<Trials> {
    let chunks = model.trials.div_ceil(CHUNK) as usize;
    let threads = threads.clamp(1, chunks.max(1));
    let mut parts: Vec<Vec<Trials>> = Vec::new();
    std::thread::scope(|scope| {
        let work = |thread: usize| (thread..chunks).step_by(threads).map(|chunk| (chunk, of_chunk(model, chunk as u32))).collect::<Vec<_>>();
        let others: Vec<_> = (1..threads).map(|thread| scope.spawn(move || work(thread))).collect();
        let mut all = work(0);
        for other in others {
            // A panic in a thread is a defect of ours: it goes on here, where it is caught as one.
            all.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        all.sort_by_key(|(chunk, _)| *chunk);
        parts = all.into_iter().map(|(_, part)| part).collect();
    });
    let mut played = vec![Trials::default(); model.courses.len()];
    for part in parts {
        for (sum, part) in played.iter_mut().zip(part) {
            sum.cost.extend(part.cost);
            sum.value.extend(part.value);
            sum.lost.extend(part.lost);
            sum.weeks.extend(part.weeks);
        }
    }
    for trials in &mut played {
        for of in [&mut trials.cost, &mut trials.value, &mut trials.lost, &mut trials.weeks] {
            of.truncate(model.trials as usize);
        }
    }
    played
}

fn of_chunk(model: &Model, chunk: u32) -> Vec<Trials> {
    let mut block = Block::new(model);
    let mut played = vec![Trials::default(); model.courses.len()];
    for first in (chunk * CHUNK..(chunk + 1) * CHUNK).step_by(LANES).take_while(|first| *first < model.trials) {
        block.draw(first);
        for (course, trials) in model.courses.iter().zip(&mut played) {
            let result = block.course(course);
            trials.cost.extend(result.cost);
            trials.value.extend(result.value);
            trials.lost.extend(result.lost);
            trials.weeks.extend(result.weeks);
        }
    }
    played
}

struct Outcome {
    cost: Lanes,
    value: Lanes,
    lost: Lanes,
    weeks: Lanes,
}

/// Sixteen trials, and room to work.
struct Block<'a> {
    model: &'a Model,
    demand: Vec<Lanes>,
    /// Pieces by item and slice, and their sum by item.
    need: Vec<Vec<Lanes>>,
    total: Vec<Lanes>,
    luck: Lanes,
    /// Factor of the time that projects take.
    time: Lanes,
    lost_units: Vec<Lanes>,
    /// By month, of the leg in hand: needed, not served, served.
    needed: Vec<Lanes>,
    missing: Vec<Lanes>,
    served: Vec<Lanes>,
    /// Share of a month's need that is not served, the largest of the legs.
    stopped: Vec<Lanes>,
    there: Vec<Lanes>,
}

impl<'a> Block<'a> {
    fn new(model: &'a Model) -> Block<'a> {
        let months = model.discount.len();
        Block {
            model,
            demand: vec![ZERO; model.streams.next_multiple_of(2) as usize],
            need: model.items.iter().map(|item| vec![ZERO; item.slices.len()]).collect(),
            total: vec![ZERO; model.items.len()],
            luck: ZERO,
            time: ZERO,
            lost_units: vec![ZERO; model.keys.len()],
            needed: vec![ZERO; months],
            missing: vec![ZERO; months],
            served: vec![ZERO; months],
            stopped: vec![ZERO; months],
            there: Vec::new(),
        }
    }

    fn draw(&mut self, first: u32) {
        let random = Random { seed: self.model.seed };
        for lane in 0..LANES {
            let trial = first + lane as u32;
            for pair in 0..self.demand.len() / 2 {
                let [even, odd] = random.normals(trial, pair as u32, Kind::Demand);
                self.demand[2 * pair][lane] = even;
                self.demand[2 * pair + 1][lane] = odd;
            }
            self.luck[lane] = random.uniform(trial, 0, Kind::Luck);
            let [time, _] = random.normals(trial, 0, Kind::Time);
            // Lognormal with mean 1 and the given coefficient of variation.
            let variance = libm::log1p(self.model.weeks_cv * self.model.weeks_cv);
            self.time[lane] = if variance > 0.0 { libm::exp(libm::sqrt(variance) * time - variance / 2.0) } else { 1.0 };
        }
        for ((item, need), total) in self.model.items.iter().zip(&mut self.need).zip(&mut self.total) {
            *total = ZERO;
            for (slice, need) in item.slices.iter().zip(need) {
                let z = &self.demand[slice.stream as usize];
                for lane in 0..LANES {
                    need[lane] = slice.pieces * (1.0 + slice.cv * z[lane]).max(0.0);
                    total[lane] += need[lane];
                }
            }
        }
    }

    fn course(&mut self, course: &CourseModel) -> Outcome {
        let mut outcome = Outcome { cost: [course.cost; LANES], value: [course.value; LANES], lost: ZERO, weeks: ZERO };
        let probability = course.probability.unwrap_or(1.0);
        let fails: [bool; LANES] = std::array::from_fn(|lane| self.luck[lane] >= probability);
        let mut loses = false;
        for leg in &course.legs {
            loses |= self.leg(leg, &fails, course.order_fails, &mut outcome);
        }
        if loses {
            self.settle(&mut outcome);
        }
        outcome
    }

    /// What is lost, once a unit, and the weeks that stood still; clears both for the next course.
    fn settle(&mut self, outcome: &mut Outcome) {
        for (key, units) in self.model.keys.iter().zip(&mut self.lost_units) {
            let discount = self.model.discount[key.month as usize];
            for lane in 0..LANES {
                let lost = units[lane] * key.value;
                outcome.lost[lane] += lost;
                outcome.value[lane] += lost * discount;
            }
            *units = ZERO;
        }
        for (month, stopped) in self.stopped.iter_mut().enumerate() {
            let weeks = (self.model.starts[month + 1] - self.model.starts[month]) / 7.0;
            for lane in 0..LANES {
                outcome.weeks[lane] += stopped[lane] * weeks;
            }
            *stopped = ZERO;
        }
        for lane in 0..LANES {
            outcome.cost[lane] += outcome.lost[lane];
        }
    }

    /// Adds one item; whether something may be lost of it.
    fn leg(&mut self, leg: &LegModel, fails: &[bool; LANES], order_fails: bool, outcome: &mut Outcome) -> bool {
        let item = &self.model.items[leg.item];
        let ready: Lanes = std::array::from_fn(|lane| match leg.takeover {
            Some(days) if order_fails || !fails[lane] => self.position(days, self.time[lane]),
            _ => f64::INFINITY,
        });
        let order: Lanes = std::array::from_fn(|lane| if order_fails && fails[lane] { 0.0 } else { leg.order });
        let in_time = ready.iter().all(|ready| *ready == 0.0);
        if !in_time {
            self.serve(leg, item, &ready, &order, outcome);
        }
        if leg.order > 0.0 {
            self.hold(leg, item, &order, outcome);
        }
        if leg.difference != 0.0 {
            let cover: f64 = item.supplies.iter().map(|(_, pieces)| pieces).sum();
            for lane in 0..LANES {
                let before: f64 = if in_time { 0.0 } else { self.needed.iter().map(|needed| needed[lane]).sum() };
                let pieces = if ready[lane].is_finite() { (self.total[leg.item][lane] - before.max(cover)).max(0.0) } else { 0.0 };
                outcome.cost[lane] += leg.difference * pieces;
                outcome.value[lane] += leg.difference * leg.difference_discount * pieces;
            }
        }
        !in_time
    }

    /// Days in months of the calendar and parts of them; 0 is in time.
    fn position(&self, days: f64, factor: f64) -> f64 {
        let starts = &self.model.starts;
        let days = days * factor;
        let month = starts.partition_point(|start| *start <= days).saturating_sub(1);
        match starts.get(month + 1) {
            Some(next) => month as f64 + (days - starts[month]) / (next - starts[month]),
            None => starts.len() as f64,
        }
    }

    /// Serves what is needed before something takes over, those worth most first, each from the latest supply that is early enough.
    fn serve(&mut self, leg: &LegModel, item: &ItemModel, ready: &Lanes, order: &Lanes, outcome: &mut Outcome) {
        for months in [&mut self.needed, &mut self.missing, &mut self.served] {
            months.fill(ZERO);
        }
        self.there.clear();
        self.there.extend(item.supplies.iter().map(|(_, pieces)| [*pieces; LANES]));
        for lane in 0..LANES {
            self.there[0][lane] += order[lane];
        }
        let last = ready.iter().fold(0.0_f64, |last, ready| last.max(*ready));
        let uncut = ready.iter().all(|ready| ready.is_infinite());
        for (slice, need) in item.slices.iter().zip(&self.need[leg.item]) {
            let month = slice.month as usize;
            if month as f64 >= last {
                continue;
            }
            let mut left = *need;
            if !uncut {
                for lane in 0..LANES {
                    left[lane] *= (ready[lane] - month as f64).clamp(0.0, 1.0);
                }
            }
            let wanted = left;
            for ((from, _), there) in item.supplies.iter().zip(&mut self.there).rev() {
                if !slice.waits && *from > slice.month {
                    continue;
                }
                for lane in 0..LANES {
                    let taken = left[lane].min(there[lane]);
                    left[lane] -= taken;
                    there[lane] -= taken;
                }
            }
            let (needed, served) = (&mut self.needed[month], &mut self.served[month]);
            for lane in 0..LANES {
                needed[lane] += wanted[lane];
                served[lane] += wanted[lane] - left[lane];
            }
            if leg.spot && slice.on_spot {
                let discount = self.model.discount[month];
                for lane in 0..LANES {
                    outcome.cost[lane] += left[lane] * item.spot_premium;
                    outcome.value[lane] += left[lane] * item.spot_premium * discount;
                }
            } else {
                let (units, missing, per_piece) = (&mut self.lost_units[slice.key as usize], &mut self.missing[month], 1.0 / slice.per_unit);
                for lane in 0..LANES {
                    units[lane] = units[lane].max(left[lane] * per_piece);
                    missing[lane] += left[lane];
                }
            }
        }
        for ((stopped, missing), needed) in self.stopped.iter_mut().zip(&self.missing).zip(&self.needed) {
            for lane in 0..LANES {
                // Below a millionth nothing is missing: it is the rounding of sums.
                if missing[lane] > 1e-6 * needed[lane] {
                    stopped[lane] = stopped[lane].max(missing[lane] / needed[lane]);
                }
            }
        }
    }

    /// What an order costs until it is used, and what is left of it.
    fn hold(&mut self, leg: &LegModel, item: &ItemModel, order: &Lanes, outcome: &mut Outcome) {
        let model = self.model;
        let cover: f64 = item.supplies.iter().map(|(_, pieces)| pieces).sum();
        let end = leg.order_end as usize;
        let (mut served, mut used) = (ZERO, ZERO);
        for (month, of_month) in self.served.iter().enumerate() {
            let years = (model.starts[month + 1] - model.starts[month]) / 365.25;
            let discount = model.discount[month];
            for lane in 0..LANES {
                served[lane] += of_month[lane];
                let by_then = (served[lane] - cover).clamp(0.0, order[lane]);
                let taken = by_then - used[lane];
                outcome.value[lane] -= item.price * taken * discount;
                match model.carried {
                    Carried::Held { rate, paid } if month <= end => {
                        let held = item.price * rate * years * (order[lane] - (used[lane] + by_then) / 2.0);
                        outcome.cost[lane] += held;
                        outcome.value[lane] += held * paid * discount;
                    }
                    Carried::Discounted => outcome.cost[lane] += item.price * taken * (1.0 - discount),
                    Carried::Held { .. } | Carried::Unknown => {}
                }
                used[lane] = by_then;
            }
        }
        let discount = model.discount[end];
        for lane in 0..LANES {
            let left = order[lane] - used[lane];
            outcome.cost[lane] += left * (item.price - item.salvage);
            outcome.value[lane] += item.price * order[lane] - item.salvage * left * discount;
            if model.carried == Carried::Discounted {
                outcome.cost[lane] += left * item.price * (1.0 - discount);
            }
        }
    }
}

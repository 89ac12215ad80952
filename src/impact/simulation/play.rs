//! The trials themselves. Sixteen run side by side through every array; chunks go to threads by number and come back in their order. Only sums, products, minima and
//! our own functions are used: no result depends on machine or thread.

#![allow(clippy::needless_range_loop, reason = "one number walks several arrays of lanes abreast, which reads better and vectorises")]

use super::{
    lanes::{LANES, Lanes, ZERO},
    model::{Carried, CourseModel, LegModel, Model},
    runs::Shape,
    serve::Serving,
    together::Together,
};
use crate::impact::random::{Kind, Random};

/// Trials that one thread takes at a time; a multiple of `LANES`.
const CHUNK: u32 = 256;

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
    let together: Vec<Option<Together>> = model.courses.iter().map(|course| Together::of(model, course)).collect();
    played(model, &together, threads)
}

/// By course: how its items are weighed together.
pub(super) fn played(model: &Model, together: &[Option<Together>], threads: usize) -> Vec<Trials> {
    let shape = Shape::of(model);
    let chunks = model.trials.div_ceil(CHUNK) as usize;
    let threads = threads.clamp(1, chunks.max(1));
    let mut parts: Vec<Vec<Trials>> = Vec::new();
    std::thread::scope(|scope| {
        let work = |thread: usize| {
            (thread..chunks).step_by(threads).map(|chunk| (chunk, of_chunk(model, &shape, together, chunk as u32))).collect::<Vec<_>>()
        };
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

fn of_chunk(model: &Model, shape: &Shape, together: &[Option<Together>], chunk: u32) -> Vec<Trials> {
    let mut block = Block::new(model, shape);
    let mut played = vec![Trials::default(); model.courses.len()];
    for first in (chunk * CHUNK..(chunk + 1) * CHUNK).step_by(LANES).take_while(|first| *first < model.trials) {
        block.draw(first);
        for ((course, together), trials) in model.courses.iter().zip(together).zip(&mut played) {
            let result = block.course(course, together.as_ref());
            trials.cost.extend(result.cost);
            trials.value.extend(result.value);
            trials.lost.extend(result.lost);
            trials.weeks.extend(result.weeks);
        }
    }
    played
}

#[derive(Debug, Clone)]
pub(super) struct Outcome {
    pub cost: Lanes,
    pub value: Lanes,
    pub lost: Lanes,
    pub weeks: Lanes,
}

impl Outcome {
    pub fn of(cost: f64, value: f64) -> Outcome {
        Outcome { cost: [cost; LANES], value: [value; LANES], lost: ZERO, weeks: ZERO }
    }

    pub fn buy(&mut self, pieces: &Lanes, premium: f64, discount: f64) {
        for lane in 0..LANES {
            let cost = pieces[lane] * premium;
            self.cost[lane] += cost;
            self.value[lane] += cost * discount;
        }
    }

    pub fn lose(&mut self, units: &Lanes, each: f64, discount: f64) {
        for lane in 0..LANES {
            let lost = units[lane] * each;
            self.lost[lane] += lost;
            self.value[lane] += lost * discount;
        }
    }

    fn add(&mut self, other: &Outcome) {
        for lane in 0..LANES {
            self.cost[lane] += other.cost[lane];
            self.value[lane] += other.value[lane];
            self.lost[lane] += other.lost[lane];
        }
    }
}

/// Sixteen trials, and room to work.
struct Block<'a> {
    model: &'a Model,
    shape: &'a Shape,
    demand: Vec<Lanes>,
    /// By item and run, of the forecast.
    factors: Vec<Vec<Lanes>>,
    /// Pieces by item and month, and their sum by item.
    needed: Vec<Vec<Lanes>>,
    total: Vec<Lanes>,
    luck: Lanes,
    /// Factor of the time that projects take.
    time: Lanes,
    lost_units: Vec<Lanes>,
    /// By leg of the course in hand, and of another try at it.
    legs: Vec<Serving>,
    tries: Vec<Serving>,
    /// Share of a month's need that is not served, the largest of the legs.
    stopped: Vec<Lanes>,
}

impl<'a> Block<'a> {
    fn new(model: &'a Model, shape: &'a Shape) -> Block<'a> {
        let months = model.discount.len();
        let legs = model.courses.iter().map(|course| course.legs.len()).max().unwrap_or(0);
        Block {
            model,
            shape,
            demand: vec![ZERO; model.streams.next_multiple_of(2) as usize],
            factors: shape.items.iter().map(|item| vec![ZERO; item.runs.len()]).collect(),
            needed: vec![vec![ZERO; months]; model.items.len()],
            total: vec![ZERO; model.items.len()],
            luck: ZERO,
            time: ZERO,
            lost_units: vec![ZERO; shape.shared_keys.len()],
            legs: vec![Serving::new(months); legs],
            tries: vec![Serving::new(months); legs],
            stopped: vec![ZERO; months],
        }
    }

    fn draw(&mut self, first: u32) {
        let random = Random { seed: self.model.seed };
        // Lognormal with mean 1 and the given coefficient of variation.
        let variance = libm::log1p(self.model.weeks_cv * self.model.weeks_cv);
        for lane in 0..LANES {
            let trial = first + lane as u32;
            for pair in 0..self.demand.len() / 2 {
                let [even, odd] = random.normals(trial, pair as u32, Kind::Demand);
                self.demand[2 * pair][lane] = even;
                self.demand[2 * pair + 1][lane] = odd;
            }
            self.luck[lane] = random.uniform(trial, 0, Kind::Luck);
            let [time, _] = random.normals(trial, 0, Kind::Time);
            self.time[lane] = if variance > 0.0 { libm::exp(libm::sqrt(variance) * time - variance / 2.0) } else { 1.0 };
        }
        for (index, item) in self.shape.items.iter().enumerate() {
            let (needed, total) = (&mut self.needed[index], &mut self.total[index]);
            needed.fill(ZERO);
            *total = ZERO;
            for (run, factor) in item.runs.iter().zip(&mut self.factors[index]) {
                let z = &self.demand[run.stream];
                let all = run.needed[run.months.end];
                for lane in 0..LANES {
                    factor[lane] = (1.0 + run.cv * z[lane]).max(0.0);
                    total[lane] += all * factor[lane];
                }
                for month in run.months.clone() {
                    for lane in 0..LANES {
                        needed[month][lane] += run.pieces[month] * factor[lane];
                    }
                }
            }
        }
    }

    fn course(&mut self, course: &CourseModel, together: Option<&Together>) -> Outcome {
        let mut outcome = Outcome::of(course.cost, course.value);
        let mut of_supplies = Outcome::of(0.0, 0.0);
        for (at, leg) in course.legs.iter().enumerate() {
            self.begin(at, leg);
            let serving = &mut self.legs[at];
            if !serving.in_time {
                serving.serve(self.model, self.shape, leg, &self.factors[leg.item], &mut self.lost_units, &mut of_supplies);
            }
        }
        // A unit that waits for several items is lost once.
        for (key, units) in self.shape.shared_keys.iter().zip(&mut self.lost_units) {
            let row = &self.model.keys[*key];
            of_supplies.lose(units, row.value, self.model.discount[row.month as usize]);
            *units = ZERO;
        }
        if let Some(together) = together {
            together.improve(self.model, self.shape, &course.legs, &self.factors, &mut self.legs, &mut self.tries, &mut of_supplies);
        }
        outcome.add(&of_supplies);
        for (at, leg) in course.legs.iter().enumerate() {
            if leg.order > 0.0 {
                self.hold(at, leg, &mut outcome);
            }
            if leg.difference != 0.0 {
                self.replace(at, leg, &mut outcome);
            }
            self.stop(at);
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
        outcome
    }

    fn begin(&mut self, at: usize, leg: &LegModel) {
        let probability = leg.probability.unwrap_or(1.0);
        let fails: [bool; LANES] = std::array::from_fn(|lane| self.luck[lane] >= probability);
        let ready: Lanes = std::array::from_fn(|lane| match leg.takeover {
            Some(days) if leg.order_fails || !fails[lane] => self.position(days, self.time[lane]),
            _ => f64::INFINITY,
        });
        let order: Lanes = std::array::from_fn(|lane| if leg.order_fails && fails[lane] { 0.0 } else { leg.order });
        self.legs[at].begin(ready, order, &self.needed[leg.item]);
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

    /// What the pieces of something else cost more once it has taken over.
    fn replace(&self, at: usize, leg: &LegModel, outcome: &mut Outcome) {
        let (serving, cover) = (&self.legs[at], self.shape.items[leg.item].cover);
        for lane in 0..LANES {
            let before: f64 = serving.needed.iter().map(|needed| needed[lane]).sum();
            let pieces = if serving.ready[lane].is_finite() { (self.total[leg.item][lane] - before.max(cover)).max(0.0) } else { 0.0 };
            outcome.cost[lane] += leg.difference * pieces;
            outcome.value[lane] += leg.difference * leg.difference_discount * pieces;
        }
    }

    fn stop(&mut self, at: usize) {
        let serving = &self.legs[at];
        if !serving.is_short {
            return;
        }
        for (month, stopped) in self.stopped.iter_mut().enumerate() {
            let (needed, left, bought) = (&serving.needed[month], &serving.left[month], &serving.bought[month]);
            for lane in 0..LANES {
                let missing = left[lane] - bought[lane];
                // Below a millionth nothing is missing: it is the rounding of sums.
                if missing > 1e-6 * needed[lane] {
                    stopped[lane] = stopped[lane].max((missing / needed[lane]).min(1.0));
                }
            }
        }
    }

    /// What an order costs until it is used, and what is left of it.
    fn hold(&self, at: usize, leg: &LegModel, outcome: &mut Outcome) {
        let (model, serving) = (self.model, &self.legs[at]);
        let (item, cover, order) = (&model.items[leg.item], self.shape.items[leg.item].cover, &serving.order);
        let end = leg.order_end as usize;
        let (mut served, mut used) = (ZERO, ZERO);
        for month in 0..model.discount.len() {
            let years = (model.starts[month + 1] - model.starts[month]) / 365.25;
            let discount = model.discount[month];
            let (needed, left) = (&serving.needed[month], &serving.left[month]);
            for lane in 0..LANES {
                served[lane] += needed[lane] - left[lane];
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

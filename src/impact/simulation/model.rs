//! The case as arrays: everything a trial needs and nothing else. Serialisable, so that the same model can be played by another programme.

use std::collections::BTreeMap;

use serde::Serialize;

use super::together::Together;
use crate::{
    domain::factory::DemandKind,
    impact::{
        Exposed, World,
        course::{Course, Leg, Takeover},
        draft::Finished,
        exposure::Key,
        last_time_buy::Carrying,
        reporting::{Margin, carrying, decimal, float},
        requirement::{rank, weeks_after},
        timing::{Flows, When, not_capital},
    },
};

/// How the time a piece waits is paid for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub enum Carried {
    /// A year's share of the price, and the part of it that is paid and no cost of capital.
    Held { rate: f64, paid: f64 },
    /// By the discount of `Model::discount`.
    Discounted,
    /// Nobody says; orders then have no known cost and are not played.
    Unknown,
}

/// Pieces of an item for one product, month and kind of demand.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SliceModel {
    /// Which random number moves it.
    pub stream: u32,
    pub month: u32,
    /// Which unit of which product waits for it: index in `Model::keys`.
    pub key: u32,
    pub pieces: f64,
    pub cv: f64,
    pub per_unit: f64,
    /// A committed order waits for a later supply.
    pub waits: bool,
    /// Whether a missing piece is worth more than the spot price.
    pub on_spot: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ItemModel {
    pub item: String,
    /// Month and pieces, in order; the first is in month 0.
    pub supplies: Vec<(u32, f64)>,
    /// Those worth most per piece first: they are served first.
    pub slices: Vec<SliceModel>,
    pub price: f64,
    pub salvage: f64,
    /// What the spot market asks more than the price.
    pub spot_premium: f64,
}

/// Units of one product, month and kind.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KeyModel {
    pub month: u32,
    /// Contribution, never under 0, and penalty.
    pub value: f64,
}

/// One item under an answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LegModel {
    /// Index in `Model::items`.
    pub item: usize,
    /// Of success; `None` is unknown and counts as 1. What fails is the order where `order_fails`, otherwise what takes over.
    pub probability: Option<f64>,
    pub order_fails: bool,
    pub order: f64,
    /// Month in which what is left of the order is written down.
    pub order_end: u32,
    pub spot: bool,
    /// Days until something else takes over; `None`: never; 0: in time, nothing is lost.
    pub takeover: Option<f64>,
    /// Of a piece that something else delivers, and its mean discount factor.
    pub difference: f64,
    pub difference_discount: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CourseModel {
    /// Index of the answer.
    #[serde(skip)]
    pub answer: usize,
    pub name: String,
    /// `None` is unknown and counts as 1.
    pub probability: Option<f64>,
    /// Whether a failure would change anything.
    pub can_fail: bool,
    /// What no draw moves: cost, and present value of its payments.
    pub cost: f64,
    pub value: f64,
    pub legs: Vec<LegModel>,
}

/// All of it. Amounts in the reporting currency.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Model {
    pub trials: u32,
    pub seed: u32,
    /// Number of random numbers of demand in a trial.
    pub streams: u32,
    pub weeks_cv: f64,
    /// First day of each month, counted from the statement's, and the day after the last.
    pub starts: Vec<f64>,
    /// By month.
    pub discount: Vec<f64>,
    pub carried: Carried,
    pub items: Vec<ItemModel>,
    pub keys: Vec<KeyModel>,
    pub courses: Vec<CourseModel>,
}

impl Model {
    /// `None` where the loss of a product is unknown, or nothing is at risk.
    pub(in crate::impact) fn new(world: &World<'_>, items: &[Exposed], all: &[Finished]) -> Option<Model> {
        let at_risk: Vec<&Exposed> = items.iter().filter(|exposed| exposed.at_risk()).collect();
        let mut model = Model::without_courses(world, &at_risk)?;
        for (answer, finished) in all.iter().enumerate().filter(|(_, finished)| finished.answer.total_cost.is_some()) {
            model.courses.push(course(world, &at_risk, answer, finished, &model.discount));
        }
        Some(model)
    }

    /// Items, months and demand, and nothing yet that could be done.
    pub(in crate::impact) fn without_courses(world: &World<'_>, at_risk: &[&Exposed]) -> Option<Model> {
        let mut keys: BTreeMap<Key, usize> = BTreeMap::new();
        for slice in at_risk.iter().flat_map(|exposed| &exposed.requirement.slices) {
            let next = keys.len();
            keys.entry((slice.product, slice.month, rank(slice.kind))).or_insert(next);
        }
        let months = keys.keys().map(|(_, month, _)| month + 1).max()?;
        let mut rows = vec![KeyModel { month: 0, value: 0.0 }; keys.len()];
        for ((product, month, _), at) in &keys {
            let margin = world.margins.get(product)?;
            rows[*at] = KeyModel { month: *month as u32, value: float(margin.lost_per_unit()?) + float(margin.penalty) };
        }
        let rate = rate(world);
        let rules = &world.site().risk;
        let mut model = Model {
            trials: rules.trials,
            seed: rules.seed,
            streams: 0,
            weeks_cv: rules.weeks_cv.map_or(0.0, float),
            starts: (0..=months).map(|month| day(world, month)).collect(),
            discount: (0..months).map(|month| libm::exp(-rate * month as f64 / 12.0)).collect(),
            carried: match carrying(world.site()) {
                Some((Carrying::Holding(rate), _)) => Carried::Held { rate, paid: not_capital(world.site()) },
                Some((Carrying::Discount(_), _)) => Carried::Discounted,
                None => Carried::Unknown,
            },
            items: Vec::new(),
            keys: rows,
            courses: Vec::new(),
        };
        let mut streams: BTreeMap<(usize, usize), u32> = BTreeMap::new();
        model.items = at_risk.iter().map(|exposed| item(world, exposed, &keys, &mut streams)).collect();
        model.streams = streams.len() as u32;
        Some(model)
    }

    /// Operations of one trial, about.
    pub fn steps(&self) -> u64 {
        let plays = |leg: &LegModel| if leg.takeover == Some(0.0) { 0 } else { self.items.get(leg.item).map_or(0, |item| item.slices.len() as u64) };
        let tries = |course: &CourseModel| Together::tries_most(self, course) as u64;
        self.courses.iter().map(|course| (1 + tries(course)) * course.legs.iter().map(plays).sum::<u64>()).sum()
    }
}

/// First day of a month, counted from the statement's.
fn day(world: &World<'_>, month: usize) -> f64 {
    let calendar = world.plan.calendar;
    crate::impact::requirement::days_between(calendar.as_of, calendar.days(month).0)
}

fn item(world: &World<'_>, exposed: &Exposed, keys: &BTreeMap<Key, usize>, streams: &mut BTreeMap<(usize, usize), u32>) -> ItemModel {
    let calendar = world.plan.calendar;
    let mut supplies: Vec<(u32, f64)> = vec![(0, 0.0)];
    for supply in &exposed.cover.supplies {
        let month = calendar.index(supply.day) as u32;
        match supplies.last_mut() {
            Some((last, pieces)) if *last == month => *pieces += supply.pieces,
            _ => supplies.push((month, supply.pieces)),
        }
    }
    let price = exposed.price.as_ref().map_or(0.0, |price| float(price.amount));
    let spot_premium = world.spot_price(exposed).map(|spot| float(spot) - price);
    let mut slices: Vec<(f64, SliceModel)> = Vec::with_capacity(exposed.requirement.slices.len());
    for slice in exposed.requirement.slices.iter().filter(|slice| slice.pieces > 0.0) {
        let year = if world.site().demand_years_independent { slice.month / 12 } else { 0 };
        let next = streams.len() as u32;
        let stream = *streams.entry((slice.product, year)).or_insert(next);
        let margin = world.margins.get(&slice.product);
        let lost = margin.and_then(Margin::lost_per_unit).map_or(0.0, float);
        // As the order was reckoned: a product is bought for on the spot market where that loses less than the unit.
        let worth = margin.and_then(|margin| margin.contribution).map_or(0.0, float) + margin.map_or(0.0, |margin| float(margin.penalty));
        let row = SliceModel {
            stream,
            month: slice.month as u32,
            key: keys.get(&(slice.product, slice.month, rank(slice.kind))).map_or(0, |key| *key as u32),
            pieces: slice.pieces,
            cv: slice.sd.map_or(0.0, |sd| sd / slice.pieces),
            per_unit: slice.per_unit,
            waits: slice.kind == DemandKind::Committed,
            on_spot: spot_premium.is_some_and(|premium| worth / slice.per_unit > premium),
        };
        slices.push((lost / slice.per_unit, row));
    }
    // A stable sort: equal ones stay in the order of product, month and kind.
    slices.sort_by(|left, right| right.0.total_cmp(&left.0));
    ItemModel {
        item: world.item(exposed).to_owned(),
        supplies,
        slices: slices.into_iter().map(|(_, slice)| slice).collect(),
        price,
        salvage: price * world.site().salvage_ratio.map_or(0.0, float),
        spot_premium: spot_premium.unwrap_or(0.0),
    }
}

fn rate(world: &World<'_>) -> f64 {
    world.site().discount_rate.map_or(0.0, float)
}

fn course(world: &World<'_>, at_risk: &[&Exposed], answer: usize, finished: &Finished, discount: &[f64]) -> CourseModel {
    let (course, probability) = (&finished.course, finished.answer.probability);
    let legs: Vec<LegModel> =
        at_risk.iter().enumerate().map(|(index, exposed)| LegModel::of(world, index, exposed, course, probability, discount)).collect();
    let takes_over = legs.iter().any(|leg| leg.takeover.is_some());
    let orders = legs.iter().any(|leg| leg.order > 0.0);
    CourseModel {
        answer,
        name: finished.answer.name.clone(),
        probability,
        can_fail: if course.order_fails { orders } else { takes_over },
        ..CourseModel::joint(&course.costs, &course.payments, legs, world)
    }
}

impl CourseModel {
    /// Several items, each by an answer of its own.
    pub(in crate::impact) fn joint(costs: &Flows, payments: &Flows, legs: Vec<LegModel>, world: &World<'_>) -> CourseModel {
        let (cost, _) = costs.floating(rate(world));
        let (_, value) = payments.floating(rate(world));
        CourseModel { answer: 0, name: String::new(), probability: None, can_fail: false, cost, value, legs }
    }
}

impl LegModel {
    /// What a course does about an item.
    pub(in crate::impact) fn of(
        world: &World<'_>,
        index: usize,
        exposed: &Exposed,
        course: &Course,
        probability: Option<f64>,
        discount: &[f64],
    ) -> LegModel {
        let order_fails = course.order_fails;
        let leg = course.legs.iter().find(|leg| leg.item == exposed.affected.item);
        // An item that the forecast serves: an alternate carries what it may still lack, otherwise only what is there serves.
        let none = || LegModel {
            item: index,
            probability,
            order_fails,
            order: 0.0,
            order_end: 0,
            spot: false,
            takeover: exposed.affected.alternate.filter(|_| exposed.orderable(world)).map(|_| 0.0),
            difference: 0.0,
            difference_discount: 1.0,
        };
        leg.map_or_else(none, |leg| LegModel { probability, order_fails, ..of_leg(world, index, leg, discount) })
    }

    /// The same when nothing of the item is needed after some weeks, and what is left of an order is written down then.
    pub(in crate::impact) fn until(self, world: &World<'_>, weeks: f64, month: usize) -> LegModel {
        let days = after(world, weeks);
        let earlier = self.takeover.is_none_or(|takeover| takeover > days);
        LegModel {
            takeover: if earlier { Some(days) } else { self.takeover },
            order_end: self.order_end.min(u32::try_from(month).unwrap_or(u32::MAX)),
            difference: if earlier { 0.0 } else { self.difference },
            ..self
        }
    }
}

/// Days until what takes some weeks is in place; at least one.
fn after(world: &World<'_>, weeks: f64) -> f64 {
    let as_of = world.input.as_of;
    crate::impact::requirement::days_between(as_of, weeks_after(as_of, weeks)).max(1.0)
}

fn of_leg(world: &World<'_>, index: usize, leg: &Leg, discount: &[f64]) -> LegModel {
    let last = discount.len() - 1;
    let (from, to) = match leg.difference_when {
        When::At(month) => (month.min(last), month.min(last)),
        When::Over(first, to) => (first.min(last), to.max(first).min(last)),
    };
    let span = &discount[from..=to];
    LegModel {
        item: index,
        probability: None,
        order_fails: false,
        order: leg.order,
        order_end: leg.order_last.min(last) as u32,
        spot: leg.spot,
        takeover: match leg.takeover {
            Takeover::Never => None,
            Takeover::InTime => Some(0.0),
            Takeover::After(weeks) => Some(after(world, weeks)),
        },
        // The price as it meets quantities elsewhere: with nine places.
        difference: decimal(leg.difference).map_or(leg.difference, float),
        difference_discount: span.iter().sum::<f64>() / span.len() as f64,
    }
}

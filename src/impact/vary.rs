//! One input of an assessment taken at another value: what is then lost, and which answer is then the best, at the forecast and without a simulation.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::{
    Exposed, World,
    answers::{Answer, answers},
    bridged::PROJECTS,
    buying, choice,
    reporting::{decimal, float},
    survey::{self, Row},
    why,
};
use crate::domain::{
    factory::{AnswerCost, Site},
    money::{Currency, Money},
};

/// An input that can be varied. Products and items by their index in the factory's files; items here are indexes among the affected ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Vary {
    /// Units to the horizon.
    Demand(usize),
    /// Units of all products together.
    AllDemand,
    Contribution(usize),
    /// Coefficient of variation.
    Spread(usize),
    Price(usize),
    /// Pieces in stock and on order.
    Cover(usize),
    HoldingRate,
    DiscountRate,
    Salvage,
    SpotFactor,
    /// Of an answer, by its key in `site.toml`.
    Cost(&'static str),
    Weeks(&'static str),
    PriceFactor(&'static str),
}

/// What a computation comes to.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Outcome {
    pub loss: Option<Money>,
    pub loss_known: Option<Money>,
    pub best: Option<(String, Money)>,
    pub costs: BTreeMap<String, Option<Money>>,
}

impl Outcome {
    pub fn best_name(&self) -> Option<&str> {
        self.best.as_ref().map(|(name, _)| name.as_str())
    }

    pub fn cost_of(&self, answer: &str) -> Option<Money> {
        self.costs.get(answer).copied().flatten()
    }
}

/// Survey row of an answer, where the survey has one.
fn row(key: &str) -> Option<Row> {
    match key {
        "approved_alternate" => Some(survey::ADMINISTRATIVE_SUBSTITUTE),
        _ => PROJECTS.iter().find(|project| project.key == key).and_then(|project| project.row),
    }
}

/// The site's entry of an answer, or the survey's in its place.
fn own(site: &Site, key: &str) -> Option<AnswerCost> {
    let of_survey = |row: Row| AnswerCost {
        cost: Decimal::from(row.usd),
        currency: Currency::USD,
        weeks: Decimal::from(row.weeks.unwrap_or_default()),
        probability: None,
        price_factor: None,
    };
    site.answers.get(key).cloned().or_else(|| row(key).filter(|row| row.weeks.is_some()).map(of_survey))
}

impl Vary {
    /// For people, and where it comes from.
    pub fn name(&self, world: &World<'_>, items: &[Exposed]) -> (String, String) {
        let sku = |product: usize| world.input.factory.data.products[product].sku.clone();
        let site = |key: &str| (key.to_owned(), "site.toml".to_owned());
        let of_answer = |what: &str, key: &str| {
            let from = if world.site().answers.contains_key(key) {
                format!("site.toml [answers.{key}]")
            } else {
                row(key).map_or_else(String::new, |row| format!("{}, row '{}'", survey::SURVEY, row.name))
            };
            (format!("{what} of {}", key.replace('_', " ")), from)
        };
        match self {
            Vary::Demand(product) => {
                let lines = world.plan.demand(*product).map(|demand| why::at_lines(demand.lines.iter())).unwrap_or_default();
                (format!("demand of {}", sku(*product)), lines)
            }
            Vary::AllDemand => ("demand of all products together".to_owned(), "demand.csv".to_owned()),
            Vary::Contribution(product) => {
                (format!("contribution of one {}", sku(*product)), why::at(&world.input.factory.data.products[*product].at))
            }
            Vary::Spread(product) => (format!("cv of the demand of {}", sku(*product)), "demand.csv".to_owned()),
            Vary::Price(item) => {
                let from = items[*item].price.as_ref().map_or_else(String::new, |price| price.input.from.clone());
                (format!("price of one {}", world.item(&items[*item])), from)
            }
            Vary::Cover(item) => (format!("stock and open orders of {}", world.item(&items[*item])), "stock.csv".to_owned()),
            Vary::HoldingRate => site("holding_rate"),
            Vary::DiscountRate => site("discount_rate"),
            Vary::Salvage => site("salvage_ratio"),
            Vary::SpotFactor => site("spot_price_factor"),
            Vary::Cost(key) => of_answer("cost", key),
            Vary::Weeks(key) => of_answer("weeks", key),
            Vary::PriceFactor(key) => of_answer("price factor", key),
        }
    }

    pub fn unit(&self, world: &World<'_>) -> String {
        match self {
            Vary::Demand(_) | Vary::AllDemand => "units".to_owned(),
            Vary::Contribution(_) | Vary::Price(_) => world.reporting.currency.to_string(),
            Vary::Cover(_) => "pieces".to_owned(),
            Vary::HoldingRate | Vary::DiscountRate => "a year".to_owned(),
            Vary::Salvage => "of the price".to_owned(),
            Vary::Spread(_) => String::new(),
            Vary::SpotFactor | Vary::PriceFactor(_) => "times the price".to_owned(),
            Vary::Cost(key) => own(world.site(), key).map_or_else(String::new, |own| own.currency.to_string()),
            Vary::Weeks(_) => "weeks".to_owned(),
        }
    }

    /// Its value now; `None` where it is unknown or there is nothing to vary.
    pub fn now(&self, world: &World<'_>, items: &[Exposed]) -> Option<f64> {
        let site = world.site();
        let units = |product: usize| world.plan.demand(product).filter(|demand| demand.missing.is_none()).map_or(0.0, |demand| demand.units());
        let known = match self {
            Vary::Demand(product) => Some(units(*product)),
            Vary::AllDemand => Some(products(items).into_iter().map(units).sum()),
            Vary::Contribution(product) => world.margins.get(product)?.contribution.map(float),
            Vary::Spread(_) => None,
            Vary::Price(item) => items[*item].price.as_ref().map(|price| float(price.amount)),
            Vary::Cover(item) => Some(items[*item].cover.pieces()),
            Vary::HoldingRate => site.holding_rate.map(float),
            Vary::DiscountRate => site.discount_rate.map(float),
            Vary::Salvage => site.salvage_ratio.map(float),
            Vary::SpotFactor => site.spot_price_factor.map(float),
            Vary::Cost(key) => own(site, key).map(|own| float(own.cost)),
            Vary::Weeks(key) => own(site, key).map(|own| float(own.weeks)),
            Vary::PriceFactor(key) => own(site, key)?.price_factor.map(float),
        };
        known.filter(|value| *value != 0.0)
    }

    /// What a value may be at most.
    pub fn most(&self) -> f64 {
        match self {
            Vary::HoldingRate | Vary::DiscountRate | Vary::Salvage => 1.0,
            Vary::Weeks(_) => 520.0,
            _ => f64::INFINITY,
        }
    }

    fn apply(&self, world: &mut World<'_>, items: &mut [Exposed], value: f64, now: Option<f64>) -> Result<(), String> {
        let amount = decimal(value)?;
        let factor = now.map_or(1.0, |now| value / now);
        match self {
            Vary::Demand(product) => scale(world, items, *product, factor),
            Vary::AllDemand => products(items).into_iter().for_each(|product| scale(world, items, product, factor)),
            Vary::Contribution(product) => {
                if let Some(margin) = world.margins.get_mut(product) {
                    margin.contribution = Some(amount);
                    margin.missing = None;
                }
            }
            Vary::Spread(product) => {
                for slice in items.iter_mut().flat_map(|exposed| &mut exposed.requirement.slices).filter(|slice| slice.product == *product) {
                    slice.sd = slice.sd.or(Some(slice.pieces * value));
                }
            }
            Vary::Price(item) => {
                if let Some(price) = &mut items[*item].price {
                    price.amount = amount;
                }
            }
            Vary::Cover(item) => {
                let calendar = world.plan.calendar;
                let exposed = &mut items[*item];
                exposed.cover.supplies.iter_mut().for_each(|supply| supply.pieces *= factor);
                exposed.runs_out = exposed.cover.runs_out(&exposed.requirement, calendar);
            }
            Vary::HoldingRate => world.site.holding_rate = Some(amount),
            Vary::DiscountRate => world.site.discount_rate = Some(amount),
            Vary::Salvage => world.site.salvage_ratio = Some(amount),
            Vary::SpotFactor => world.site.spot_price_factor = Some(amount),
            Vary::Cost(key) | Vary::Weeks(key) | Vary::PriceFactor(key) => {
                if let Some(mut entry) = own(&world.site, key) {
                    match self {
                        Vary::Cost(_) => entry.cost = amount,
                        Vary::Weeks(_) => entry.weeks = amount,
                        _ => entry.price_factor = Some(amount),
                    }
                    world.site.answers.insert((*key).to_owned(), entry);
                }
            }
        }
        Ok(())
    }
}

/// Products that the affected items go into, each once.
pub(super) fn products(items: &[Exposed]) -> Vec<usize> {
    let mut products: Vec<usize> = items.iter().flat_map(|exposed| exposed.users.iter().copied()).collect();
    products.sort_unstable();
    products.dedup();
    products
}

fn scale(world: &mut World<'_>, items: &mut [Exposed], product: usize, factor: f64) {
    world.plan.scale(product, factor);
    let calendar = world.plan.calendar;
    for exposed in items.iter_mut().filter(|exposed| exposed.users.contains(&product)) {
        exposed.requirement.scale(product, factor);
        exposed.runs_out = exposed.cover.runs_out(&exposed.requirement, calendar);
    }
}

/// The computation with some inputs at other values. The world is left as it was.
pub(super) fn outcome(world: &mut World<'_>, items: &[Exposed], at: &[(Vary, f64)]) -> Result<Outcome, String> {
    let mut varied = items.to_vec();
    let notes = std::mem::take(&mut world.notes);
    let (site, margins) = (world.site.clone(), world.margins.clone());
    let demand: Vec<_> = products(items).into_iter().filter_map(|product| Some((product, world.plan.demand(product)?.clone()))).collect();
    let result = at
        .iter()
        .try_for_each(|(input, value)| {
            let now = input.now(world, items);
            input.apply(world, &mut varied, *value, now)
        })
        .and_then(|()| compute(world, &varied));
    demand.into_iter().for_each(|(product, demand)| world.plan.restore(product, demand));
    (world.site, world.margins, world.notes) = (site, margins, notes);
    result
}

fn compute(world: &mut World<'_>, items: &[Exposed]) -> Result<Outcome, String> {
    let orders = items.iter().map(|exposed| buying::buy(world, exposed, None)).collect::<Result<Vec<_>, String>>()?;
    let finished = answers(world, items, &orders)?;
    let (loss, loss_known) = finished.last().map_or((None, None), |nothing| (nothing.loss.margin, Some(nothing.loss.margin_known)));
    let answers: Vec<Answer> = finished.into_iter().map(|finished| finished.answer).collect();
    let best = choice::choose(world, &answers).map(|best| (best.answer, best.cost));
    Ok(Outcome { loss, loss_known, best, costs: answers.into_iter().map(|answer| (answer.name, answer.total_cost)).collect() })
}

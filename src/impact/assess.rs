//! The steps in their order, from matches to a statement.

use std::collections::HashMap;

use super::{
    Assessment, Exposed, Input, OpenCase, WhatIf, World,
    affected::{self, Affected, name},
    answers::{Answer, answers, first_unserved},
    buying::{self, Buy},
    choice,
    compose::{Computed, compose},
    cover::Cover,
    exposure::Loss,
    joint::joint,
    ledger::{accounting, explain},
    missing::{Ranges, ranges},
    needs, prior,
    reporting::{Margin, Price, Reporting},
    risk::financial_risk,
    sensitivity::sensitivities,
    simulation::{Model, simulate},
    why::{self, FigureInput, grouped, pieces},
};
use crate::{domain::notice::NoticeKind, factory::PartMatch};

/// Computes the statement of a case. The error is a sentence: an amount too large to be held exactly, or matches that do not belong to the case.
pub fn assess(input: &Input<'_>) -> Result<Assessment, String> {
    assess_beside(input, &[])
}

/// The same, with the choice for several parts together where other open cases hit the same boards or products.
pub fn assess_beside(input: &Input<'_>, others: &[OpenCase<'_>]) -> Result<Assessment, String> {
    statement(input, others, &WhatIf::default())
}

/// The same with a few inputs held elsewhere. It is no statement of the case: it is shown, and not stored.
pub fn assess_what_if(input: &Input<'_>, what_if: &WhatIf) -> Result<Assessment, String> {
    statement(input, &[], what_if)
}

fn statement(input: &Input<'_>, others: &[OpenCase<'_>], what_if: &WhatIf) -> Result<Assessment, String> {
    if input.matches.len() != input.case.parts.len() {
        return Err(format!("{} parts were matched and the case has {}: match it again", input.matches.len(), input.case.parts.len()));
    }
    let mut world = World::new(input, what_if);
    let items = exposed_items(&mut world);
    let orders = items.iter().map(|exposed| buying::buy(&world, exposed, None)).collect::<Result<Vec<Buy>, String>>()?;
    for (exposed, order) in items.iter().zip(&orders) {
        figures_of_item(&mut world, exposed, order);
    }
    let mut finished = answers(&mut world, &items, &orders)?;
    let simulation = if input.case.kind == NoticeKind::Pdn { simulate(&mut world, &items, &mut finished)? } else { None };
    if input.case.kind == NoticeKind::Pdn {
        finished.iter_mut().try_for_each(|of| prior::enter(&mut world, &items, of))?;
    }
    let accounting = finished.iter().map(|of| accounting(&world, of)).filter_map(Result::transpose).collect::<Result<Vec<_>, String>>()?;
    accounting.iter().for_each(|of| explain(&mut world, of));
    let loss = finished.last().map(|nothing| nothing.loss.clone()).ok_or("no answer was drafted")?;
    let answers: Vec<Answer> = finished.into_iter().map(|of| of.answer).collect();
    let choice = choice::choose(&mut world, &answers);
    let ends = input.case.kind == NoticeKind::Pdn;
    let sensitivities = if ends { sensitivities(&mut world, &items)? } else { Vec::new() };
    let ranges = if ends { ranges(&mut world, &items)? } else { Ranges::default() };
    let joint = if ends { joint(&mut world, &items, others)? } else { None };
    let runs_out = items.iter().filter_map(|exposed| first_unserved(&world, exposed)).min();
    let risk = financial_risk(&mut world, &answers, runs_out)?;
    margin_figure(&mut world, &items, &loss);
    needs::of_case(&mut world, &items, &orders, &loss);
    compose(world, Computed { items, orders, answers, loss, runs_out, risk, choice, simulation, accounting, sensitivities, ranges, joint })
}

/// The case as arrays, for another programme to play; `None` where it cannot be simulated.
pub fn simulation_model(input: &Input<'_>) -> Result<Option<Model>, String> {
    let mut world = World::new(input, &WhatIf::default());
    let items = exposed_items(&mut world);
    let orders = items.iter().map(|exposed| buying::buy(&world, exposed, None)).collect::<Result<Vec<Buy>, String>>()?;
    let finished = answers(&mut world, &items, &orders)?;
    Ok(Model::new(&world, &items, &finished))
}

/// Every affected item with its requirement, cover, price and run-out.
pub(super) fn exposed_items(world: &mut World<'_>) -> Vec<Exposed> {
    let input = world.input;
    let affected = affected::affected(input, &mut world.notes);
    let parents = parents(input, &affected);
    affected.into_iter().map(|one| expose(world, one, &parents)).collect()
}

/// Requirement, cover, price and run-out of one item.
fn expose(world: &mut World<'_>, affected: Affected, parents: &HashMap<&str, Vec<&str>>) -> Exposed {
    let input = world.input;
    let (requirement, users) = world.plan.requirement(affected.item, affected.share, &mut world.notes);
    for product in &users {
        let margin = Margin::of(&input.factory.data.products[*product], &world.reporting);
        world.margins.entry(*product).or_insert(margin);
    }
    let number = input.factory.data.items[affected.item].item.as_str();
    let rows = world.stock.get(number).map(Vec::as_slice).unwrap_or_default();
    let cover = Cover::of(input, &affected, rows, &mut world.notes);
    let (price, price_error) = match price(input, &affected, &world.reporting) {
        None => (None, None),
        Some(Ok(price)) => (Some(price), None),
        Some(Err(error)) => (None, Some(error)),
    };
    let unknown = |product: &usize| affected.share > 0.0 && world.plan.demand(*product).is_some_and(|demand| demand.missing.is_some());
    Exposed {
        runs_out: cover.runs_out(&requirement, world.plan.calendar),
        products_without_demand: users.iter().copied().filter(unknown).collect(),
        assemblies: parents.get(number).into_iter().flatten().map(|parent| (*parent).to_owned()).collect(),
        affected,
        requirement,
        users,
        cover,
        price,
        price_error,
    }
}

/// Price of a piece from the ending source: the AML's of the first choice, else the item's.
fn price(input: &Input<'_>, affected: &Affected, reporting: &Reporting<'_>) -> Option<Result<Price, String>> {
    let data = &input.factory.data;
    let priced = affected.sources.iter().map(|source| &data.aml[*source]).find(|entry| entry.unit_price.is_some());
    if let Some((entry, amount)) = priced.and_then(|entry| Some((entry, entry.unit_price?))) {
        return Some(reporting.price(&format!("price of one {}", name(entry)), amount, entry.currency, &why::at(&entry.at)));
    }
    let item = &data.items[affected.item];
    item.unit_cost.map(|cost| reporting.price(&format!("unit cost of {}", item.item), cost, item.currency, &why::at(&item.at)))
}

/// What each affected item stands on directly on the statement's day, where that goes into a product.
fn parents<'a>(input: &Input<'a>, affected: &[Affected]) -> HashMap<&'a str, Vec<&'a str>> {
    let (factory, on) = (input.factory, input.as_of);
    let number = |one: &Affected| factory.data.items[one.item].item.as_str();
    let mut parents: HashMap<&str, Vec<&str>> = affected.iter().map(|one| (number(one), factory.parents(one.item, on))).collect();
    let is_product = |number: &str| factory.data.products.iter().any(|product| product.sku == number);
    for of_item in parents.values_mut() {
        of_item.retain(|parent| match factory.item(parent) {
            Some(item) => is_product(parent) || !factory.pieces_per_product(item, on).is_empty(),
            None => true,
        });
    }
    parents
}

fn figures_of_item(world: &mut World<'_>, exposed: &Exposed, order: &Buy) {
    let item = world.item(exposed).to_owned();
    let factory = world.input.factory;
    let known = exposed.products_without_demand.is_empty();
    let mut inputs = exposed.affected.share_inputs.clone();
    inputs.extend(exposed.requirement.inputs(factory, &world.plan));
    inputs.extend(exposed.unknown_demand(world).into_iter().map(|sentence| FigureInput::new("missing", "unknown", sentence)));
    let needed = if known { format!("{} pieces", pieces(exposed.requirement.pieces())) } else { "unknown".to_owned() };
    world.notes.figure(
        format!("requirement:{item}"),
        needed.clone(),
        "share of the ending source × Σ over products and months of demand × pieces per product (quantity × (1 + scrap) ÷ yield, every way)",
        inputs,
    );
    world.notes.figure(
        format!("cover:{item}"),
        format!("{} pieces", pieces(exposed.cover.pieces())),
        "usable stock on hand + open orders that will ship",
        exposed.cover.inputs.clone(),
    );
    world.notes.figure(
        format!("runs_out:{item}"),
        exposed.runs_out.map_or_else(|| if known { "not before the horizon".to_owned() } else { "unknown".to_owned() }, |day| day.to_string()),
        "first day on which the requirement so far, each month at a steady rate, is more than what is there by that day",
        vec![
            FigureInput::new("requirement", needed, format!("figure requirement:{item}")),
            FigureInput::new("cover", pieces(exposed.cover.pieces()), format!("figure cover:{item}")),
            FigureInput::new("counted from", world.input.as_of.to_string(), "day of the statement"),
        ],
    );
    let currency = world.reporting.currency;
    let value = order.shortage_value.map_or_else(
        || "unknown".to_owned(),
        |value| format!("{} {currency}{}", grouped(&value.round_dp(6).to_string()), if order.capped { ", the spot price" } else { "" }),
    );
    world.notes.figure(
        format!("shortage_value:{item}"),
        value,
        "lowest over the products worth buying for of (contribution + penalty) ÷ pieces + this part's own cost, at most the spot price",
        order.shortage_inputs.clone(),
    );
    let mut inputs = order.inputs.clone();
    inputs.extend(order.missing.iter().map(|sentence| FigureInput::new("missing", "unknown", sentence)));
    let both = |quantity: Option<f64>| quantity.map_or_else(|| "unknown".to_owned(), |quantity| format!("{} pieces", pieces(quantity)));
    world.notes.figure(
        format!("last_time_buy_quantity:{item}"),
        both(order.quantity),
        "F⁻¹((π − k) ÷ (π − s)) − cover, in whole pieces, rounded up to minimum and multiple; k = c(1 + iT), or c·e^(rT) with a discount rate; F normal",
        inputs.clone(),
    );
    world.notes.figure(
        format!("deterministic_quantity:{item}"),
        both(order.deterministic),
        "requirement − cover, rounded up to minimum and multiple",
        inputs,
    );
}

fn margin_figure(world: &mut World<'_>, items: &[Exposed], loss: &Loss) {
    let mut inputs = Vec::new();
    for (product, units, margin, _) in &loss.products {
        let sku = world.input.factory.data.products[*product].sku.clone();
        inputs.push(FigureInput::new(format!("units of {sku} not served"), pieces(*units), "requirement less cover, see the figures of the items"));
        if let Some(of_product) = world.margins.get(product) {
            inputs.extend(of_product.inputs.iter().filter(|input| input.what.starts_with("contribution")).cloned());
            inputs.extend(of_product.missing.iter().map(|missing| FigureInput::new(format!("contribution of one {sku}"), "unknown", missing)));
        }
        inputs.push(FigureInput::new(format!("margin lost through {sku}"), world.shown(*margin), "units × contribution"));
    }
    for exposed in items {
        let item = world.item(exposed);
        let numbers = [
            ("requirement", pieces(exposed.requirement.pieces())),
            ("cover", pieces(exposed.cover.pieces())),
            ("runs_out", exposed.runs_out.map_or_else(|| "not before the horizon".to_owned(), |day| day.to_string())),
        ];
        inputs.extend(numbers.map(|(what, value)| FigureInput::new(format!("{what} of {item}"), value, format!("figure {what}:{item}"))));
        inputs.extend(exposed.requirement.inputs(world.input.factory, &world.plan));
        inputs.extend(exposed.cover.inputs.iter().cloned());
        if let Some(alternate) = exposed.affected.alternate {
            let entry = &world.input.factory.data.aml[alternate];
            inputs.push(FigureInput::new(format!("{item} is carried by"), name(entry), why::at(&entry.at)));
        }
    }
    let shown = if items.is_empty() { "unknown".to_owned() } else { world.shown(loss.margin) };
    let formula = "Σ over products of units not served to the horizon when nothing is done × contribution per unit; a unit is lost once";
    if world.input.case.kind == NoticeKind::Pdn {
        world.notes.figure("margin_at_risk", shown, formula, inputs);
        return;
    }
    let kind = FigureInput::new("kind of notice", world.input.case.kind.as_str(), "the case");
    let known = world.input.matches.iter().all(|found| matches!(found, PartMatch::Known(hits) if !hits.is_empty()));
    let nothing = if known { world.reporting.zero().grouped() } else { "unknown".to_owned() };
    world.notes.figure(
        "margin_at_risk",
        nothing,
        "0: the notice ends no part, so nothing runs out by it; unknown where a part is not known here",
        vec![kind],
    );
    world.notes.figure("margin_if_it_ends", shown, formula, inputs);
}

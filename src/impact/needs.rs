//! What a person must supply or decide, in sentences, the most pressing first.

use super::{Exposed, World, buying::Buy, exposure::Loss, why::some_of};
use crate::{domain::notice::NoticeKind, factory::PartMatch, limits};

/// Adds what the case as a whole needs. What single rows need was told where they were read; where nothing ends, nobody has to mend them for it.
pub(super) fn of_case(world: &mut World<'_>, items: &[Exposed], orders: &[Buy], loss: &Loss) {
    let told = std::mem::take(&mut world.notes.needs);
    unknown_parts(world);
    if world.input.case.kind == NoticeKind::Pdn {
        dates(world, items);
        missing(world, items, orders, loss);
        told.into_iter().for_each(|sentence| world.notes.need(sentence));
    }
    assumptions(world, items);
}

fn unknown_parts(world: &mut World<'_>) {
    let case = world.input.case;
    let maker = case.maker.as_deref().map_or_else(String::new, |maker| format!(" of {maker}"));
    if case.parts.is_empty() && case.kind == NoticeKind::Pdn {
        world.notes.need("The notice names no part: add the parts it ends, or nothing can be computed");
    }
    let mut without: Vec<String> = Vec::new();
    for (part, found) in case.parts.iter().zip(world.input.matches) {
        match found {
            PartMatch::Known(hits) if !hits.is_empty() => {}
            PartMatch::Unknown(suggestions) if !suggestions.is_empty() => {
                let near: Vec<String> = suggestions.iter().map(|near| format!("{} {} ({}, {})", near.maker, near.mpn, near.item, near.why)).collect();
                world.notes.need(format!(
                    "{}{maker} is in no approved manufacturer list, so what it means is unknown; is it {}?",
                    part.mpn,
                    some_of(&near)
                ));
            }
            _ => without.push(part.mpn.clone()),
        }
    }
    match without.as_slice() {
        [] => {}
        [only] => world.notes.need(format!("{only}{maker} is in no approved manufacturer list and nothing there is like it: what it means is unknown, add it to aml.csv if it is bought")),
        many => world.notes.need(format!(
            "{} parts{maker} are in no approved manufacturer list and nothing there is like them ({}): what they mean is unknown, add those that are bought to aml.csv",
            many.len(),
            some_of(many)
        )),
    }
}

fn dates(world: &mut World<'_>, items: &[Exposed]) {
    for exposed in items.iter().filter(|exposed| exposed.short()) {
        let item = world.item(exposed);
        match exposed.affected.last_time_buy {
            None => world
                .notes
                .need(format!("The notice gives no last-time-buy date for {item}: ask the maker; until then the order counts as still possible")),
            Some(date) if date < world.input.as_of => world.notes.need(format!(
                "The last-time-buy date of {item} ({date}) has passed: ask the maker and authorised distributors what is still to be had"
            )),
            Some(_) => {}
        }
    }
}

fn missing(world: &mut World<'_>, items: &[Exposed], orders: &[Buy], loss: &Loss) {
    // Margins first: without them there is no figure at all.
    for (product, _, margin, _) in &loss.products {
        if margin.is_none()
            && let Some(sentence) = world.margins.get(product).and_then(|margin| margin.missing.clone())
        {
            world.notes.need(sentence);
        }
    }
    for exposed in items {
        exposed.unknown_demand(world).into_iter().for_each(|sentence| world.notes.need(sentence));
    }
    for (exposed, order) in items.iter().zip(orders).filter(|(exposed, _)| exposed.short()) {
        order.missing.iter().for_each(|sentence| world.notes.need(sentence));
        if exposed.price.is_none() {
            world.notes.need(exposed.no_price(world));
        }
        let item = &world.input.factory.data.items[exposed.affected.item];
        if let Some(months) =
            item.shelf_life_months.filter(|months| f64::from(*months) < order.last * 12.0 && order.planned().is_some_and(|quantity| quantity > 0.0))
        {
            world.notes.need(format!(
                "{} keeps {months} months and the order must last {:.0}: ask the maker about storage, or buy less and redesign",
                item.item,
                order.last * 12.0
            ));
        }
    }
    let redesign = super::survey::cost_of(world.site(), &world.reporting, "redesign_assembly", Some(super::survey::REDESIGN_NEXT_HIGHER_ASSEMBLY));
    if items.iter().any(Exposed::short)
        && let Err(error) = redesign.cost
    {
        world.notes.need(format!("{error}, or give the site's own cost in site.toml [answers.redesign_assembly]"));
    }
}

/// What was taken for granted for the whole statement.
fn assumptions(world: &mut World<'_>, items: &[Exposed]) {
    if items.is_empty() {
        return;
    }
    let site = world.site().clone();
    let notes = &mut world.notes;
    notes.assume("forecast, committed orders and spares are added: the forecast counts as net of committed orders");
    notes.assume("nothing is extrapolated: what demand.csv does not say is not counted");
    if site.holding_rate.is_some() && site.discount_rate.is_some() {
        notes.assume(
            "waiting is paid for by holding_rate, which holds the cost of capital; discount_rate is for present values alone, and capital is taken out of holding there",
        );
    }
    if items.iter().any(|exposed| exposed.runs_out.is_some()) {
        notes.assume(
            "a committed order waits for a delivery that comes within the horizon; forecast and spares that cannot be served in their month are lost",
        );
        notes.assume("doing nothing is valued at the forecast; a last-time buy with the uncertainty of the demand, so that a little is lost and left over in expectation");
        notes.assume(if site.demand_years_independent {
            "the years of a product's demand are independent (site.toml demand_years_independent), products are independent of each other"
        } else {
            "an error in a product's forecast persists over its whole horizon; products are independent of each other"
        });
        if !site.answers.contains_key("redesign_assembly") || !site.answers.contains_key("approved_alternate") {
            notes.assume(format!("answers without a cost in site.toml cost what the survey says ({}), not inflated to today", super::survey::SURVEY));
        }
        if site.redesign_reuse_ratio.is_none() {
            notes
                .assume("a redesigned assembly uses none of the stock of its other parts any more: set site.toml redesign_reuse_ratio where it does");
        }
        if !site.answers.contains_key("last_time_buy") {
            notes.assume("placing a last-time buy costs nothing of its own: the survey used has no row for it, set site.toml [answers.last_time_buy] where it does");
        }
    }
    if items.iter().any(|exposed| exposed.affected.alternate.is_some()) {
        notes.assume("an approved alternate can deliver as much as is needed");
    }
    let scarce: Vec<&Exposed> = items.iter().filter(|exposed| exposed.runs_out.is_some()).collect();
    if scarce.len() > 1 {
        notes
            .assume("several parts are scarce at once: a linear programme shares them among the products so that the least contribution is lost; within other answers each goes to the highest contribution per piece");
    }
    let mut below: Vec<String> = Vec::new();
    for (product, margin) in &world.margins {
        if margin.contribution.is_some_and(|contribution| contribution.is_sign_negative() && !contribution.is_zero()) {
            below.push(world.input.factory.data.products[*product].sku.clone());
        }
    }
    if !below.is_empty() {
        world.notes.assume(format!("{} earn less than nothing a unit: not making them is not counted as a loss", some_of(&below)));
    }
    for exposed in items {
        let item = world.item(exposed);
        if exposed.users.is_empty() {
            world.notes.assume(format!("{item} goes into no product by the bills of materials in force: nothing is needed of it"));
        } else if exposed.affected.share == 0.0 {
            let sources = world.input.factory.data.aml.iter().filter(|entry| entry.item == item && entry.qualified).count();
            world.notes.assume(format!("{item}: the ending source carries no share of the use, so it loses a second source and no supply ({sources} qualified sources in aml.csv)"));
        }
    }
}

/// The first sentences, short enough for the lists, and how many more there are.
pub(super) fn for_headline(needs: &[String]) -> Vec<String> {
    let mut shown: Vec<String> = needs.iter().take(limits::HEADLINE_NEEDS_MAX).map(|need| cut(need)).collect();
    if needs.len() > limits::HEADLINE_NEEDS_MAX {
        shown.push(format!("and {} more in the statement", needs.len() - limits::HEADLINE_NEEDS_MAX));
    }
    shown
}

fn cut(sentence: &str) -> String {
    if sentence.len() <= limits::HEADLINE_NEED_BYTES_MAX {
        return sentence.to_owned();
    }
    let end = sentence.char_indices().map(|(at, _)| at).take_while(|at| *at < limits::HEADLINE_NEED_BYTES_MAX).last().unwrap_or(0);
    format!("{}…", &sentence[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_headline_says_how_many_more() {
        let needs: Vec<String> = (0..limits::HEADLINE_NEEDS_MAX + 4).map(|number| format!("{number} {}", "ü".repeat(400))).collect();
        let shown = for_headline(&needs);
        assert_eq!(shown.len(), limits::HEADLINE_NEEDS_MAX + 1);
        assert_eq!(shown.last().map(String::as_str), Some("and 4 more in the statement"));
        assert!(shown.iter().all(|need| need.len() <= limits::HEADLINE_NEED_BYTES_MAX + 4));
    }
}

//! The order that carries one item to a day: the last-time buy (to the horizon) or the bridge buy (until a redesign is in place). The newsvendor in its form
//! for an order used up over years, with the planner's quantity beside it (domain.md, sections 4 and 5).

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::{
    Exposed, World,
    distribution::Distribution,
    exposure::{Key, Lost},
    last_time_buy::{Carrying, Optimum, Terms, holding_share, orderable, present_share},
    reporting::{Price, carrying, decimal, float},
    requirement::{Requirement, rank},
    why::{self, FigureInput},
};
use crate::domain::{factory::DemandKind, money::Money};

/// An order of one item and what is expected of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Buy {
    /// Requirement beyond cover, rounded up to what can be ordered: as if the forecast were certain. `None` where the requirement is unknown.
    pub deterministic: Option<f64>,
    /// The newsvendor's order, rounded up; `None` where an input is missing.
    pub quantity: Option<f64>,
    pub optimum: Option<Optimum>,
    /// What the newsvendor lacks, in sentences.
    pub missing: Vec<String>,
    /// Of one missing piece, at the margin; and whether the spot price caps it.
    pub shortage_value: Option<Decimal>,
    pub shortage_inputs: Vec<FigureInput>,
    pub capped: bool,
    /// Products that earn too little to be bought for.
    pub not_worth: Vec<usize>,
    pub inputs: Vec<FigureInput>,
    /// Expected pieces left over of the planned order.
    pub leftover: Option<f64>,
    /// Expected units lost all the same, by product.
    pub lost: Lost,
    /// Expected pieces short that are bought on the spot market instead, because that loses less.
    pub spot: f64,
    /// Pieces of the planned order beyond what the forecast needs of it.
    pub excess: f64,
    /// Years until the order begins to be used, and until it is used up.
    pub first: f64,
    pub last: f64,
    /// The same by the calendar: the month its use begins in, and the last one.
    pub months: (usize, usize),
}

impl Buy {
    /// The quantity that is costed: the newsvendor's, or where its inputs are missing the deterministic one.
    pub fn planned(&self) -> Option<f64> {
        self.quantity.or(self.deterministic)
    }

    /// What the order holds beyond the forecast, at cost and at salvage.
    pub fn excess_amounts(&self, world: &World<'_>, price: Option<&Price>) -> Result<(Money, Money), String> {
        let (Some(price), Some(ratio)) = (price, world.site().salvage_ratio) else { return Ok((world.reporting.zero(), world.reporting.zero())) };
        let brings = price.amount.checked_mul(ratio).ok_or("a salvage value is too large")?;
        Ok((world.reporting.extended(self.excess, price.amount)?, world.reporting.extended(self.excess, brings)?))
    }

    /// Price of the order, and what holding it costs (or what paying for it early does); `None` where price or rate is unknown.
    pub fn amounts(&self, world: &World<'_>, price: Option<&Price>) -> Result<(Option<Money>, Option<Money>), String> {
        let (Some(quantity), Some(price)) = (self.planned(), price) else { return Ok((None, None)) };
        let order = world.reporting.extended(quantity, price.amount)?;
        if quantity == 0.0 {
            return Ok((Some(order), Some(world.reporting.zero())));
        }
        let held = match carrying(world.site()) {
            None => None,
            Some((Carrying::Holding(rate), _)) => Some(holding_share(rate, self.first, self.last)),
            Some((Carrying::Discount(rate), _)) => Some(1.0 - present_share(rate, self.first, self.last)),
        };
        let held =
            held.map(|share| world.reporting.money(order.amount().checked_mul(decimal(share)?).ok_or("holding cost is too large")?)).transpose()?;
        Ok((Some(order), held))
    }
}

/// The order for what is needed before the end of `until`, or to the horizon.
pub(super) fn buy(world: &World<'_>, exposed: &Exposed, until: Option<Date>) -> Result<Buy, String> {
    let calendar = world.plan.calendar;
    let requirement = match until {
        Some(day) => exposed.requirement.before(calendar, day),
        None => exposed.requirement.clone(),
    };
    let item = &world.input.factory.data.items[exposed.affected.item];
    let end = requirement.last_day(calendar).map_or(calendar.as_of, |last| until.map_or(last, |until| until.min(last)));
    let last = calendar.years_to_end_of(end);
    let runs_out = exposed.cover.runs_out(&requirement, calendar);
    let first = runs_out.map_or(last, |day| calendar.years_to_end_of(day) - 1.0 / 365.25);
    let last_month = calendar.index(end);
    let cover = exposed.cover.until(end);
    let (minimum, multiple) = (item.moq.map(float), item.order_multiple.map(float));
    let beyond = (requirement.pieces() - cover).max(0.0);
    let unknown = exposed.unknown_demand(world);
    let mut buy = Buy {
        deterministic: unknown.is_empty().then(|| orderable(beyond, minimum, multiple)),
        quantity: None,
        optimum: None,
        missing: unknown,
        shortage_value: None,
        shortage_inputs: Vec::new(),
        capped: false,
        not_worth: Vec::new(),
        inputs: Vec::new(),
        leftover: None,
        lost: Lost::default(),
        spot: 0.0,
        excess: 0.0,
        first,
        last,
        months: (runs_out.map_or(last_month, |day| calendar.index(day)), last_month),
    };
    buy.inputs.push(FigureInput::new("requirement", why::pieces(requirement.pieces()), format!("figure requirement:{}", item.item)));
    buy.inputs.push(FigureInput::new("cover", why::pieces(cover), format!("figure cover:{}", item.item)));
    if let Some(minimum) = item.moq {
        buy.inputs.push(FigureInput::new("minimum order", why::grouped(&minimum.to_string()), why::at(&item.at)));
    }
    if let Some(multiple) = item.order_multiple {
        buy.inputs.push(FigureInput::new("order multiple", why::grouped(&multiple.to_string()), why::at(&item.at)));
    }
    newsvendor(world, exposed, &requirement, cover, &mut buy)?;
    buy.excess = buy.planned().map_or(0.0, |quantity| quantity - beyond.min(quantity));
    Ok(buy)
}

/// Fills in the optimum and what is expected of the order, or what is missing for it.
fn newsvendor(world: &World<'_>, exposed: &Exposed, requirement: &Requirement, cover: f64, buy: &mut Buy) -> Result<(), String> {
    let item = &world.input.factory.data.items[exposed.affected.item];
    let (minimum, multiple) = (item.moq.map(float), item.order_multiple.map(float));
    let Some((terms, values)) = terms(world, exposed, requirement, buy)? else {
        // Without the newsvendor the forecast is taken as certain.
        buy.leftover = buy.deterministic.map(|quantity| (cover + quantity - requirement.pieces()).max(0.0));
        return Ok(());
    };
    // Products whose piece is not worth its cost at the end are not bought for; they get what the others leave.
    let k = terms.cost_at_end();
    buy.not_worth = values.iter().filter(|(_, value)| float(*value) <= k).map(|(product, _)| *product).collect();
    let worth: Vec<usize> = requirement.products().into_iter().filter(|product| !buy.not_worth.contains(product)).collect();
    let wanted = requirement.only(&worth);
    let sd = match wanted.sd(world.site().demand_years_independent) {
        Ok(sd) => sd,
        Err(products) => {
            buy.missing.push(format!(
                "demand.csv gives no cv for {}: its uncertainty decides how much more than the forecast to buy",
                why::some_of(&world.skus(&products))
            ));
            buy.leftover = buy.deterministic.map(|quantity| (cover + quantity - requirement.pieces()).max(0.0));
            return Ok(());
        }
    };
    if !buy.missing.is_empty() {
        return Ok(());
    }
    let demand = Distribution::normal(wanted.pieces(), sd)?;
    buy.inputs.push(FigureInput::new("mean demand", why::pieces(wanted.pieces()), "demand.csv, times pieces per product"));
    let basis =
        if world.site().demand_years_independent { "cv of demand.csv, years independent" } else { "cv of demand.csv, bias persists over the years" };
    buy.inputs.push(FigureInput::new("standard deviation", why::pieces(sd), basis));
    buy.inputs.push(FigureInput::new("k, cost of a piece at the end", why::pieces(k), "unit price with its carrying cost"));
    buy.optimum = if worth.is_empty() { None } else { terms.newsvendor().optimum(&demand, cover) };
    if let Some(optimum) = buy.optimum {
        buy.inputs.push(FigureInput::new(
            "critical ratio",
            format!("{:.6}", optimum.critical_ratio),
            "(shortage value − k) ÷ (shortage value − salvage)",
        ));
        buy.inputs.push(FigureInput::new("optimum, unrounded", why::pieces(optimum.exact), "F⁻¹(critical ratio) − cover"));
    }
    let wanted_whole = match world.service_level {
        Some(level) => {
            buy.inputs.push(FigureInput::new("service level", format!("{level}"), "asked for, in place of the critical ratio"));
            libm::ceil(demand.quantile(level) - cover).max(0.0)
        }
        None => buy.optimum.map_or(0.0, |optimum| optimum.whole),
    };
    let quantity = orderable(wanted_whole, minimum, multiple);
    buy.quantity = Some(quantity);
    buy.leftover = Some((demand.leftover(cover + quantity) - demand.leftover(cover)).max(0.0));
    let short = demand.lost(cover + quantity) + (requirement.pieces() - wanted.pieces() - (cover - wanted.pieces()).max(0.0)).max(0.0);
    let spot = world.spot_price(exposed);
    (buy.lost, buy.spot) = lost_from_the_bottom(requirement, &values, short, spot);
    Ok(())
}

/// Value of a missing piece by product: (contribution + penalty) ÷ pieces + the part's own cost, lowest first.
type Values = Vec<(usize, Decimal)>;

/// Everything the newsvendor needs but the demand, or `None` after telling what is missing.
fn terms(world: &World<'_>, exposed: &Exposed, requirement: &Requirement, buy: &mut Buy) -> Result<Option<(Terms, Values)>, String> {
    let item = &world.input.factory.data.items[exposed.affected.item];
    let site = world.site();
    let Some(price) = &exposed.price else {
        buy.missing.push(exposed.no_price(world));
        return Ok(None);
    };
    buy.inputs.push(price.input.clone());
    let values = values(world, requirement, price, buy)?;
    let rate = carrying(site);
    if rate.is_none() {
        buy.missing.push("site.toml gives neither holding_rate nor discount_rate: without one, buying for years looks free".to_owned());
    }
    if site.salvage_ratio.is_none() {
        buy.missing.push("site.toml gives no salvage_ratio: what a left-over piece still brings, 0 where nothing".to_owned());
    }
    let (Some(values), Some((carrying, rate)), Some(salvage)) = (values, rate, site.salvage_ratio) else { return Ok(None) };
    let salvage = price.amount.checked_mul(salvage).ok_or("a salvage value is too large")?;
    buy.inputs.push(rate);
    buy.inputs.push(FigureInput::new("years to the end", format!("{:.3}", buy.last), "horizon"));
    buy.inputs.push(FigureInput::new(
        "salvage of a left-over piece",
        why::grouped(&salvage.round_dp(6).to_string()),
        "site.toml salvage_ratio × unit price",
    ));
    let mut terms = Terms { unit_cost: float(price.amount), years: buy.last, carrying, salvage: float(salvage), shortage_value: 0.0 };
    let spot = world.spot_price(exposed);
    let k = terms.cost_at_end();
    // At the margin: the lowest value among the products worth buying for; the first unit that would go unserved.
    let margin = values.iter().map(|(_, value)| *value).filter(|value| float(*value) > k).min().or_else(|| values.first().map(|(_, value)| *value));
    buy.shortage_value = margin.map(|value| spot.map_or(value, |spot| value.min(spot)));
    buy.capped = margin.zip(spot).is_some_and(|(value, spot)| spot < value);
    if let Some(spot) = spot {
        let from = format!("site.toml spot_price_factor {} × unit price", site.spot_price_factor.unwrap_or_default());
        buy.shortage_inputs.push(FigureInput::new("spot price", why::grouped(&spot.round_dp(6).to_string()), from));
    }
    terms.shortage_value = buy.shortage_value.map_or(0.0, float);
    buy.inputs.push(FigureInput::new("shortage value", why::pieces(terms.shortage_value), format!("figure shortage_value:{}", item.item)));
    Ok(Some((terms, values)))
}

fn values(world: &World<'_>, requirement: &Requirement, price: &Price, buy: &mut Buy) -> Result<Option<Values>, String> {
    let mut values = Values::new();
    let mut complete = true;
    for product in requirement.products() {
        let (units, needed) = requirement.of_product(product);
        let Some(margin) = world.margins.get(&product).filter(|_| needed > 0.0) else { continue };
        let Some(contribution) = margin.contribution else {
            buy.missing.extend(margin.missing.clone());
            complete = false;
            continue;
        };
        let per_unit = decimal(needed / units)?;
        let earned = contribution.checked_add(margin.penalty).and_then(|earned| earned.checked_div(per_unit));
        let value = earned.and_then(|value| value.checked_add(price.amount));
        let value = value.ok_or("a shortage value is too large to be held exactly")?;
        buy.shortage_inputs.extend(margin.inputs.clone());
        let sku = &world.input.factory.data.products[product].sku;
        buy.shortage_inputs.push(FigureInput::new(
            format!("of one piece through {sku}"),
            why::grouped(&value.round_dp(6).to_string()),
            format!("(contribution + penalty) ÷ {} pieces + the part's own cost", why::pieces(needed / units)),
        ));
        values.push((product, value));
    }
    values.sort_by_key(|(product, value)| (*value, *product));
    Ok(complete.then_some(values))
}

/// Missing pieces as units of the products, those worth least per piece first; pieces worth more than the spot price are bought there instead.
fn lost_from_the_bottom(requirement: &Requirement, values: &Values, short: f64, spot: Option<Decimal>) -> (Lost, f64) {
    let (mut lost, mut on_spot, mut left) = (Lost::default(), 0.0, short);
    for (product, value) in values {
        let (units, needed) = requirement.of_product(*product);
        let pieces = left.min(needed);
        left -= pieces;
        if spot.is_some_and(|spot| *value > spot) {
            on_spot += pieces;
        } else if needed > 0.0 {
            // Shortage shows at the end of the period that the order serves.
            let month = requirement.slices.iter().filter(|slice| slice.product == *product).map(|slice| slice.month).max().unwrap_or(0);
            let key: Key = (*product, month, rank(DemandKind::Forecast));
            lost.add(key, pieces * units / needed);
        }
    }
    (lost, on_spot)
}

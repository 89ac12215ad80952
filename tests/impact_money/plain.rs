//! The assessment of one ending item computed a second time: plainly, slowly, from the formulas of the field alone (requirement by listing every path, cover day by day,
//! scarce stock to the highest contribution per piece, the newsvendor in its last-time-buy form), and without a line of the program's own arithmetic.

use std::collections::BTreeMap;

use jiff::civil::Date;
use lastbuy::domain::{
    factory::{DemandKind, FactoryData},
    money::{Currency, Money},
};
use rust_decimal::{Decimal, prelude::ToPrimitive};

use super::tiny::Tiny;

pub struct Plain {
    pub requirement: f64,
    pub runs_out: Option<Date>,
    pub margin: i64,
    pub nothing: i64,
    pub spot: i64,
    pub deterministic: f64,
    pub quantity: f64,
    pub order_price: i64,
    pub last_time_buy: i64,
}

/// Pieces wanted by one product in one month.
struct Want {
    product: usize,
    month: usize,
    waits: bool,
    rank: u8,
    units: f64,
    per_unit: f64,
    sd: f64,
}

fn number(decimal: Decimal) -> f64 {
    decimal.to_f64().expect("number")
}

fn days(from: Date, to: Date) -> f64 {
    f64::from(from.until(to).expect("days").get_days())
}

/// A quantity times a price, rounded once to cents, half to even.
fn cents(quantity: f64, price: Decimal) -> i64 {
    let quantity: Decimal = format!("{quantity:.9}").parse().expect("decimal");
    Money::round(quantity * price, Currency::EUR).expect("money").minor()
}

/// Pieces of the item in one node, over every path below it.
fn pieces(data: &FactoryData, node: &str, item: &str) -> f64 {
    let own = |number_of: &str| data.items.iter().find(|row| row.item == number_of).and_then(|row| row.yield_ratio).map_or(1.0, number);
    if node == item {
        return 1.0 / own(item);
    }
    let below = data.bom.iter().filter(|line| line.parent == node).map(|line| {
        let scrap = line.scrap.map_or(0.0, number);
        number(line.quantity) * (1.0 + scrap) * pieces(data, &line.child, item)
    });
    below.sum::<f64>() / own(node)
}

/// First and last day of a month counted from that of `as_of`.
fn month(as_of: Date, index: usize) -> (Date, Date) {
    let (year, month) = (as_of.year() + (index / 12) as i16, 1 + (index % 12) as i8);
    let first = jiff::civil::date(year, month, 1);
    (first.max(as_of), first.last_of_month())
}

fn wants(tiny: &Tiny, item: &str) -> Vec<Want> {
    let data = &tiny.data;
    let mut found: BTreeMap<(usize, usize, u8), Want> = BTreeMap::new();
    for (product, row) in data.products.iter().enumerate() {
        let per_unit = pieces(data, &row.sku, item);
        if per_unit == 0.0 {
            continue;
        }
        for demand in data.demand.iter().filter(|demand| demand.sku == row.sku) {
            let index = usize::from(demand.period.year.unsigned_abs() - 2027) * 12 + demand.period.month as usize - 1;
            let waits = demand.kind == DemandKind::Committed;
            let (first, last) = month(tiny.as_of, index);
            let left = if index == 0 && !waits { (days(first, last) + 1.0) / f64::from(last.day()) } else { 1.0 };
            let units = number(demand.quantity) * left;
            let rank = match demand.kind {
                DemandKind::Committed => 0,
                DemandKind::Forecast => 1,
                DemandKind::Spares => 2,
            };
            let sd = units * per_unit * demand.cv.map_or(0.0, number);
            let want = found.entry((product, index, rank)).or_insert(Want { product, month: index, waits, rank, units: 0.0, per_unit, sd: 0.0 });
            want.units += units;
            want.sd += sd;
        }
    }
    found.into_values().collect()
}

/// Standard normal: density, share below by its series, quantile by halving.
fn density(z: f64) -> f64 {
    (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt()
}

fn below(z: f64) -> f64 {
    if z.abs() > 7.5 {
        return if z > 0.0 { 1.0 } else { 0.0 };
    }
    let (mut term, mut sum, mut odd) = (z, z, 1.0);
    while term.abs() > 1e-18 {
        odd += 2.0;
        term *= z * z / odd;
        sum += term;
    }
    0.5 + density(z) * sum
}

fn quantile(share: f64) -> f64 {
    let (mut low, mut high) = (-9.0, 9.0);
    for _ in 0..200 {
        let middle = (low + high) / 2.0;
        if below(middle) < share { low = middle } else { high = middle }
    }
    (low + high) / 2.0
}

/// Expected demand above a quantity.
fn lost(mean: f64, sd: f64, quantity: f64) -> f64 {
    if sd == 0.0 {
        return (mean - quantity).max(0.0);
    }
    let z = (quantity - mean) / sd;
    sd * (density(z) - z * (1.0 - below(z))).max(0.0)
}

fn leftover(mean: f64, sd: f64, quantity: f64) -> f64 {
    quantity - mean + lost(mean, sd, quantity)
}

/// Lost units by product and month, in money: once a product and fiscal year. Contribution and penalties.
fn value(tiny: &Tiny, lost: &BTreeMap<(usize, usize), f64>) -> (i64, i64) {
    let (mut years, mut all): (BTreeMap<(usize, i16), f64>, BTreeMap<usize, f64>) = (BTreeMap::new(), BTreeMap::new());
    for ((product, index), units) in lost {
        let day = month(tiny.as_of, *index).0;
        let starts = tiny.data.site.fiscal_year_starts;
        let year = if starts > 1 && day.month() >= starts { day.year() + 1 } else { day.year() };
        *years.entry((*product, year)).or_default() += units;
        *all.entry(*product).or_default() += units;
    }
    let contribution = |product: usize| tiny.data.products[product].contribution.expect("contribution");
    let penalty = |product: usize| tiny.data.products[product].penalty_per_unit.unwrap_or_default();
    (
        years.iter().map(|((product, _), units)| cents(*units, contribution(*product))).sum(),
        all.iter().map(|(product, units)| cents(*units, penalty(*product))).sum(),
    )
}

/// What is lost when only stock and open orders serve. A set of demand can be served if what cannot wait until each month fits what is there by then, and all fits
/// all; so whoever earns most per piece gets as much as fits beside those before him.
fn unserved(tiny: &Tiny, wants: &[Want], supplies: &[(usize, f64)]) -> BTreeMap<(usize, usize), f64> {
    let months = wants.iter().map(|want| want.month + 1).chain(supplies.iter().map(|supply| supply.0 + 1)).max().unwrap_or(1);
    let there: Vec<f64> = (0..months).map(|month| supplies.iter().filter(|supply| supply.0 <= month).map(|supply| supply.1).sum()).collect();
    let mut served = vec![0.0; months];
    let mut waiting = 0.0;
    let worth = |want: &Want| number(tiny.data.products[want.product].contribution.expect("contribution")) / want.per_unit;
    let mut order: Vec<&Want> = wants.iter().collect();
    order.sort_by(|a, b| worth(b).total_cmp(&worth(a)).then((a.product, a.month, a.rank).cmp(&(b.product, b.month, b.rank))));
    let mut lost = BTreeMap::new();
    for want in order {
        let needed = want.units * want.per_unit;
        let all = there[months - 1] - served.iter().sum::<f64>() - waiting;
        let mut fits = needed.min(all);
        if !want.waits {
            for month in want.month..months {
                fits = fits.min(there[month] - served[..=month].iter().sum::<f64>());
            }
        }
        let fits = fits.max(0.0);
        if want.waits {
            waiting += fits;
        } else {
            served[want.month] += fits;
        }
        if needed - fits > 1e-9 * needed {
            *lost.entry((want.product, want.month)).or_default() += (needed - fits) / want.per_unit;
        }
    }
    lost
}

/// Rounded up to minimum and multiple; nothing stays nothing.
fn orderable(quantity: f64, minimum: Option<Decimal>, multiple: Option<Decimal>) -> f64 {
    if quantity <= 1e-9 {
        return 0.0;
    }
    let least = quantity.max(minimum.map_or(0.0, number));
    let step = multiple.map_or(1.0, number);
    // What is a whole number of steps but for the last digits is one.
    (least / step - 1e-9).ceil() * step
}

pub fn recompute(tiny: &Tiny, item: &str) -> Plain {
    let (data, site) = (&tiny.data, &tiny.data.site);
    let row = data.items.iter().find(|row| row.item == item).expect("item");
    let wants = wants(tiny, item);
    let mut supplies: Vec<(Date, f64)> = Vec::new();
    for stock in data.stock.iter().filter(|stock| stock.item == item) {
        supplies.push((tiny.as_of, number(stock.on_hand)));
        if !stock.on_order.is_zero() {
            supplies.push((stock.due.expect("due"), number(stock.on_order)));
        }
    }
    let index = |day: Date| usize::from(day.year().unsigned_abs() - 2027) * 12 + day.month() as usize - 1;
    let by_month: Vec<(usize, f64)> = supplies.iter().map(|(day, pieces)| (index(*day), *pieces)).collect();
    let needed: f64 = wants.iter().map(|want| want.units * want.per_unit).sum();
    let cover: f64 = supplies.iter().map(|supply| supply.1).sum();
    let end = wants.iter().filter(|want| want.units > 0.0).map(|want| month(tiny.as_of, want.month).1).max().unwrap_or(tiny.as_of);

    // Day by day, each month at a steady rate.
    let (mut so_far, mut runs_out, mut day) = (0.0, None, tiny.as_of);
    while day <= end && runs_out.is_none() {
        let here = index(day);
        let (first, last) = month(tiny.as_of, here);
        let of_month: f64 = wants.iter().filter(|want| want.month == here).map(|want| want.units * want.per_unit).sum();
        so_far += of_month / (days(first, last) + 1.0);
        let there: f64 = supplies.iter().filter(|supply| supply.0 <= day).map(|supply| supply.1).sum();
        if so_far > there + 1e-7 * so_far.max(1.0) {
            runs_out = Some(day);
        }
        day = day.tomorrow().expect("day");
    }

    let (margin, penalties) = value(tiny, &unserved(tiny, &wants, &by_month));
    let price = row.unit_cost.expect("price");
    let spot = price * site.spot_price_factor.expect("factor");
    let beyond = (needed - cover).max(0.0);

    // Last-time buy.
    let years = (days(tiny.as_of, end) + 1.0) / 365.25;
    let first = runs_out.map_or(years, |day| days(tiny.as_of, day) / 365.25);
    let (c, rate, ratio) = (number(price), number(site.holding_rate.expect("rate")), site.salvage_ratio.expect("ratio"));
    let k = c * (1.0 + rate * years);
    let there_by_end: f64 = supplies.iter().filter(|supply| supply.0 <= end).map(|supply| supply.1).sum();
    // By product: pieces, units, standard deviation, value of a missing piece.
    let mut products: BTreeMap<usize, (f64, f64, f64)> = BTreeMap::new();
    for want in &wants {
        let of = products.entry(want.product).or_default();
        *of = (of.0 + want.units * want.per_unit, of.1 + want.units, of.2 + want.sd);
    }
    products.retain(|_, of| of.0 > 0.0);
    let mut worth: Vec<(Decimal, usize)> = products
        .iter()
        .map(|(product, (pieces, units, _))| {
            let product_row = &data.products[*product];
            let earned = product_row.contribution.expect("contribution") + product_row.penalty_per_unit.unwrap_or_default();
            let per_unit: Decimal = format!("{:.9}", pieces / units).parse().expect("decimal");
            (earned / per_unit + price, *product)
        })
        .collect();
    worth.sort();
    let bought_for: Vec<(Decimal, usize)> = worth.iter().copied().filter(|(value, _)| number(*value) > k).collect();
    let margin_piece = bought_for.first().or(worth.first()).map_or(Decimal::ZERO, |(value, _)| *value).min(spot);
    let (mean, variance) = bought_for.iter().fold((0.0, 0.0), |sum, (_, product)| (sum.0 + products[product].0, sum.1 + products[product].2.powi(2)));
    let sd = variance.sqrt();
    let (pi, salvage) = (number(margin_piece), number(price * ratio));
    let (under, over) = (pi - k, k - salvage);
    let whole = if bought_for.is_empty() || under <= 0.0 || over <= 0.0 {
        0.0
    } else {
        let share = under / (under + over);
        let exact = if sd == 0.0 { mean } else { mean + sd * quantile(share) } - there_by_end;
        let expected = |quantity: f64| {
            let quantity = there_by_end + quantity;
            under * lost(mean, sd, quantity) + over * leftover(mean, sd, quantity).max(0.0)
        };
        let (low, high) = (exact.floor().max(0.0), exact.ceil().max(0.0));
        if expected(high) < expected(low) { high } else { low }
    };
    let quantity = orderable(whole, row.moq, row.order_multiple);
    let order_price = cents(quantity, price);
    let share: Decimal = format!("{:.9}", rate * (first + years) / 2.0).parse().expect("decimal");
    let holding = if quantity > 0.0 { Money::round(Decimal::new(order_price, 2) * share, Currency::EUR).expect("money").minor() } else { 0 };
    let left = (leftover(mean, sd, there_by_end + quantity).max(0.0) - leftover(mean, sd, there_by_end).max(0.0)).max(0.0);
    let written_down = cents(left, (Decimal::ONE - ratio) * price);
    let mut short = lost(mean, sd, there_by_end + quantity) + (needed - mean - (there_by_end - mean).max(0.0)).max(0.0);
    let (mut on_spot, mut units_lost) = (0.0, BTreeMap::new());
    for (value_of_piece, product) in &worth {
        let (pieces, units, _) = products[product];
        let of_product = short.min(pieces);
        short -= of_product;
        if *value_of_piece > spot {
            on_spot += of_product;
        } else if of_product * units / pieces > 1e-9 {
            let last = wants.iter().filter(|want| want.product == *product && want.units > 0.0).map(|want| want.month).max().expect("a month");
            units_lost.insert((*product, last), of_product * units / pieces);
        }
    }
    let (still_lost, still_penalties) = value(tiny, &units_lost);
    let premium = cents(on_spot, spot - price);
    Plain {
        requirement: needed,
        runs_out,
        margin,
        nothing: margin + penalties,
        spot: cents(beyond, spot - price) + if runs_out.is_some() { 10_000 } else { 0 },
        deterministic: orderable((needed - there_by_end).max(0.0), row.moq, row.order_multiple),
        quantity,
        order_price,
        last_time_buy: holding + written_down + premium + still_lost + still_penalties,
    }
}

//! How many pieces of an item are needed, when and for which product: demand of each product times the pieces a unit takes, through every way of the bill of
//! materials that is in force (domain.md, section 4). No extrapolation: what the demand file does not say is not counted, and that is told.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::civil::Date;

use super::{
    reporting::float,
    why::{self, FigureInput, Notes},
};
use crate::{
    domain::factory::{DemandKind, Line, Month},
    factory::Factory,
    limits,
};

/// Months counted from that of the statement's day.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Calendar {
    pub as_of: Date,
    pub first: Month,
}

impl Calendar {
    pub fn new(as_of: Date) -> Calendar {
        Calendar { as_of, first: Month::of(as_of) }
    }

    pub fn month(&self, index: usize) -> Month {
        let months = i32::from(self.first.year) * 12 + i32::from(self.first.month) - 1 + i32::try_from(index).unwrap_or(0);
        Month { year: i16::try_from(months / 12).unwrap_or(i16::MAX), month: (months % 12) as i8 + 1 }
    }

    /// First and last day of a month that lie on or after the statement's day.
    pub fn days(&self, index: usize) -> (Date, Date) {
        let month = self.month(index);
        (month.first_day().max(self.as_of), month.last_day())
    }

    /// Index of the month of a day; the first one for earlier days.
    pub fn index(&self, day: Date) -> usize {
        usize::try_from(Month::of(day).since(self.first)).unwrap_or(0)
    }

    /// Index of the month of a day, and the share of that month's days, from the statement's day on, that have passed when it begins.
    pub fn place(&self, day: Date) -> (usize, f64) {
        let month = self.index(day);
        let (first, last) = self.days(month);
        (month, (days_between(first, day) / (days_between(first, last) + 1.0)).clamp(0.0, 1.0))
    }

    /// Years from the statement's day to the end of a day.
    pub fn years_to_end_of(&self, day: Date) -> f64 {
        (days_between(self.as_of, day) + 1.0) / 365.25
    }
}

/// Days from one date to another; negative when the second is earlier.
pub(super) fn days_between(from: Date, to: Date) -> f64 {
    (from.duration_until(to).as_hours() / 24) as f64
}

/// A day some weeks later.
pub(super) fn weeks_after(from: Date, weeks: f64) -> Date {
    let days = libm::ceil(weeks * 7.0).clamp(0.0, 366.0 * 200.0) as i64;
    from.saturating_add(jiff::SignedDuration::from_hours(days * 24))
}

/// A day some weeks earlier, the last one on which something that takes them can begin.
pub(super) fn weeks_before(day: Date, weeks: f64) -> Date {
    let days = libm::ceil(weeks * 7.0).clamp(0.0, 366.0 * 200.0) as i64;
    day.saturating_sub(jiff::SignedDuration::from_hours(days * 24))
}

/// Demand for one product in one month, in units of the product.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Planned {
    month: usize,
    kind: DemandKind,
    units: f64,
    sd: Option<f64>,
}

/// The demand for one product from the statement's day on.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct ProductDemand {
    planned: Vec<Planned>,
    pub lines: Vec<Line>,
    /// Last day its production or its demand reaches, whichever counts (end of production, else the last period).
    pub horizon: Option<Date>,
    /// The file says nothing about it: unknown, never zero. A sentence.
    pub missing: Option<String>,
}

/// Pieces of an item for one product in one month.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Slice {
    pub product: usize,
    pub month: usize,
    pub kind: DemandKind,
    /// Units of the product that need the ending source.
    pub units: f64,
    /// Pieces of the item in one unit.
    pub per_unit: f64,
    pub pieces: f64,
    /// Standard deviation of `pieces`; `None` is unknown.
    pub sd: Option<f64>,
}

/// All that is needed of an item from the ending sources, by product, month and kind.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Requirement {
    pub slices: Vec<Slice>,
}

/// Committed before forecast before spares.
pub(super) fn rank(kind: DemandKind) -> u8 {
    match kind {
        DemandKind::Committed => 0,
        DemandKind::Forecast => 1,
        DemandKind::Spares => 2,
    }
}

/// Demand of every product, and the days on which the bill of materials changes.
pub(super) struct Plan<'a> {
    factory: &'a Factory,
    pub calendar: Calendar,
    by_sku: HashMap<&'a str, Vec<usize>>,
    demand: BTreeMap<usize, ProductDemand>,
    changes: Vec<Date>,
    /// Months that are looked at; fewer than `limits::HORIZON_MONTHS_MAX` where a person asked for fewer.
    months: usize,
}

impl<'a> Plan<'a> {
    pub fn new(factory: &'a Factory, as_of: Date, months: usize) -> Plan<'a> {
        let mut by_sku: HashMap<&str, Vec<usize>> = HashMap::new();
        for (index, row) in factory.data.demand.iter().enumerate() {
            by_sku.entry(&row.sku).or_default().push(index);
        }
        let changes = factory.data.bom.changes();
        Plan { factory, calendar: Calendar::new(as_of), by_sku, demand: BTreeMap::new(), changes, months }
    }

    pub fn demand(&self, product: usize) -> Option<&ProductDemand> {
        self.demand.get(&product)
    }

    /// Takes a product's demand `factor` times over; `restore` puts back what it was.
    pub fn scale(&mut self, product: usize, factor: f64) {
        for planned in self.demand.get_mut(&product).into_iter().flat_map(|demand| &mut demand.planned) {
            planned.units *= factor;
            planned.sd = planned.sd.map(|sd| sd * factor);
        }
    }

    pub fn restore(&mut self, product: usize, demand: ProductDemand) {
        self.demand.insert(product, demand);
    }

    /// Requirement of `share` of an item. Each month uses the bill of materials in force on its first day (the first month: on the statement's day).
    /// With it, the products that use the item within the horizon, whether or not their demand is known.
    pub fn requirement(&mut self, item: usize, share: f64, notes: &mut Notes) -> (Requirement, Vec<usize>) {
        let mut by_epoch: BTreeMap<usize, Vec<(usize, f64)>> = BTreeMap::new();
        let (mut slices, mut users) = (Vec::new(), BTreeSet::new());
        for month in 0..self.months {
            let on = self.calendar.days(month).0;
            let epoch = self.changes.partition_point(|change| *change <= on);
            let factory = self.factory;
            let uses = by_epoch.entry(epoch).or_insert_with(|| factory.pieces_per_product(item, on));
            for (product, per_unit) in uses.clone() {
                users.insert(product);
                self.read(product, notes);
                for planned in self.demand.get(&product).map_or(&[][..], |demand| demand.of_month(month)) {
                    let units = planned.units * share;
                    let sd = planned.sd.map(|sd| sd * share * per_unit);
                    slices.push(Slice { product, month, kind: planned.kind, units, per_unit, pieces: units * per_unit, sd });
                }
            }
        }
        slices.sort_by_key(|slice| (slice.product, slice.month, rank(slice.kind)));
        (Requirement { slices }, users.into_iter().collect())
    }

    /// Reads the demand of a product once.
    fn read(&mut self, product: usize, notes: &mut Notes) {
        if self.demand.contains_key(&product) {
            return;
        }
        let rows = self.by_sku.get(self.factory.data.products[product].sku.as_str()).cloned().unwrap_or_default();
        let demand = of_product(self.factory, self.calendar, self.months, product, &rows, notes);
        self.demand.insert(product, demand);
    }
}

impl ProductDemand {
    /// From the statement's day to the horizon.
    pub fn units(&self) -> f64 {
        self.planned.iter().map(|planned| planned.units).sum()
    }

    /// Before a day, by the day at a steady rate within its month.
    pub fn units_before(&self, calendar: Calendar, day: Date) -> f64 {
        let (month, part) = calendar.place(day);
        self.planned
            .iter()
            .map(|planned| {
                if planned.month < month {
                    planned.units
                } else if planned.month == month {
                    planned.units * part
                } else {
                    0.0
                }
            })
            .sum()
    }

    fn of_month(&self, month: usize) -> &[Planned] {
        let from = self.planned.partition_point(|planned| planned.month < month);
        let to = self.planned.partition_point(|planned| planned.month <= month);
        &self.planned[from..to]
    }
}

fn of_product(factory: &Factory, calendar: Calendar, months: usize, product: usize, rows: &[usize], notes: &mut Notes) -> ProductDemand {
    let data = &factory.data;
    let sku = &data.products[product].sku;
    let end = data.products[product].end_of_production;
    let mut found: BTreeMap<(usize, u8), Planned> = BTreeMap::new();
    let mut demand = ProductDemand::default();
    let (mut current, mut after_end, mut past_horizon, mut consumed) = (false, 0_u32, 0_u32, 0_u32);
    for row in rows.iter().map(|row| &data.demand[*row]) {
        let since = row.period.since(calendar.first);
        if since < 0 && row.kind != DemandKind::Committed {
            consumed += 1;
            continue;
        }
        current = true;
        demand.lines.push(row.at.clone());
        let month = usize::try_from(since).unwrap_or(0);
        if row.kind == DemandKind::Forecast && end.is_some_and(|end| row.period.first_day() > end) {
            after_end += 1;
            continue;
        }
        if month >= limits::HORIZON_MONTHS_MAX {
            past_horizon += 1;
            continue;
        }
        if month >= months {
            continue;
        }
        // A backlog is what is still owed, so all of it counts; of a forecast for a month that has begun, the days that are left.
        let left = if since == 0 && row.kind != DemandKind::Committed {
            let (first, last) = calendar.days(0);
            (days_between(first, last) + 1.0) / f64::from(last.day())
        } else {
            1.0
        };
        let units = float(row.quantity).max(0.0) * left;
        // An order that is placed is certain unless the file says otherwise; a forecast without a coefficient of variation is of unknown certainty.
        let cv = row.cv.map(float).or((row.kind == DemandKind::Committed).then_some(0.0));
        let sd = cv.map(|cv| units * cv);
        found
            .entry((month, rank(row.kind)))
            .and_modify(|planned| {
                planned.units += units;
                planned.sd = planned.sd.zip(sd).map(|(left, right)| left + right);
            })
            .or_insert(Planned { month, kind: row.kind, units, sd });
    }
    demand.planned = found.into_values().collect();
    let last_period = demand.planned.last().map(|planned| calendar.month(planned.month).last_day());
    let ended = end.is_some_and(|end| end < calendar.as_of);
    demand.horizon = match end {
        Some(end) if !ended => Some(end),
        _ => last_period,
    };
    let asked_end = (months < limits::HORIZON_MONTHS_MAX).then(|| calendar.month(months.saturating_sub(1)).last_day());
    demand.horizon = demand.horizon.map(|horizon| asked_end.map_or(horizon, |end| horizon.min(end)));
    let end = end.filter(|_| asked_end.is_none());
    if !current && !ended {
        demand.missing = Some(format!(
            "{sku} has no demand from {} on in demand.csv: what it needs is unknown; add its forecast, 0 where none is built",
            calendar.first
        ));
    }
    if consumed > 0 {
        notes.assume(format!("forecast and spares of months before {} count as delivered", calendar.first));
    }
    if after_end > 0 {
        notes.assume(format!("forecast of {sku} after its end of production is not counted ({after_end} lines of demand.csv)"));
    }
    if past_horizon > 0 {
        notes.need(format!(
            "{past_horizon} lines of demand.csv for {sku} lie more than {} months ahead and are not counted",
            limits::HORIZON_MONTHS_MAX
        ));
    }
    if let (Some(end), Some(last), false) = (end, last_period, ended)
        && Month::of(end).since(Month::of(last)) > 0
    {
        notes.need(format!(
            "{sku} is built until {end} but its demand ends with {}: what is lost after that is not counted; add its demand",
            Month::of(last)
        ));
    }
    demand
}

impl Requirement {
    pub fn pieces(&self) -> f64 {
        self.slices.iter().map(|slice| slice.pieces).sum()
    }

    pub fn of_kind(&self, kind: DemandKind) -> f64 {
        self.slices.iter().filter(|slice| slice.kind == kind).map(|slice| slice.pieces).sum()
    }

    /// Products in order, each once.
    pub fn products(&self) -> Vec<usize> {
        let mut products: Vec<usize> = self.slices.iter().map(|slice| slice.product).collect();
        products.dedup();
        products
    }

    /// Takes what one product needs `factor` times over.
    pub fn scale(&mut self, product: usize, factor: f64) {
        for slice in self.slices.iter_mut().filter(|slice| slice.product == product) {
            slice.units *= factor;
            slice.pieces *= factor;
            slice.sd = slice.sd.map(|sd| sd * factor);
        }
    }

    pub fn only(&self, products: &[usize]) -> Requirement {
        Requirement { slices: self.slices.iter().filter(|slice| products.contains(&slice.product)).copied().collect() }
    }

    /// Units and pieces of one product.
    pub fn of_product(&self, product: usize) -> (f64, f64) {
        self.slices.iter().filter(|slice| slice.product == product).fold((0.0, 0.0), |sum, slice| (sum.0 + slice.units, sum.1 + slice.pieces))
    }

    /// What is needed before a day, by the day at a steady rate within its month.
    pub fn before(&self, calendar: Calendar, day: Date) -> Requirement {
        let (month, part) = calendar.place(day);
        let slices = self.slices.iter().filter(|slice| slice.month <= month).map(|slice| {
            let kept = if slice.month < month { 1.0 } else { part };
            Slice { units: slice.units * kept, pieces: slice.pieces * kept, sd: slice.sd.map(|sd| sd * kept), ..*slice }
        });
        Requirement { slices: slices.filter(|slice| slice.pieces > 0.0).collect() }
    }

    /// The last day anything is needed.
    pub fn last_day(&self, calendar: Calendar) -> Option<Date> {
        let month = self.slices.iter().filter(|slice| slice.pieces > 0.0).map(|slice| slice.month).max()?;
        Some(calendar.month(month).last_day())
    }

    /// Standard deviation of the whole. Within a product a forecast bias persists, so its months add up, or its years are independent where the site says so;
    /// products are independent of each other. The error names the products whose uncertainty is unknown.
    pub fn sd(&self, years_independent: bool) -> Result<f64, Vec<usize>> {
        let mut unknown: Vec<usize> =
            self.slices.iter().filter(|slice| slice.pieces > 0.0 && slice.sd.is_none()).map(|slice| slice.product).collect();
        unknown.dedup();
        if !unknown.is_empty() {
            return Err(unknown);
        }
        let mut by_year: BTreeMap<(usize, usize), f64> = BTreeMap::new();
        for slice in &self.slices {
            let year = if years_independent { slice.month / 12 } else { 0 };
            *by_year.entry((slice.product, year)).or_default() += slice.sd.unwrap_or(0.0);
        }
        Ok(libm::sqrt(by_year.values().map(|sd| sd * sd).sum()))
    }

    /// Pieces by month, up to the last one needed, as (committed, forecast, spares).
    pub fn months(&self) -> Vec<[f64; 3]> {
        let mut months = vec![[0.0; 3]; self.slices.iter().map(|slice| slice.month + 1).max().unwrap_or(0)];
        for slice in &self.slices {
            months[slice.month][usize::from(rank(slice.kind))] += slice.pieces;
        }
        months
    }

    /// What made it, product by product.
    pub fn inputs(&self, factory: &Factory, plan: &Plan<'_>) -> Vec<FigureInput> {
        let mut inputs = Vec::new();
        for product in self.products() {
            let sku = &factory.data.products[product].sku;
            let (units, needed) = self.of_product(product);
            let lines = plan.demand(product).map(|demand| why::at_lines(demand.lines.iter())).unwrap_or_default();
            inputs.push(FigureInput::new(format!("units of {sku} to the horizon"), why::pieces(units), lines));
            let per_unit = if units > 0.0 { why::pieces(needed / units) } else { "0".to_owned() };
            inputs.push(FigureInput::new(format!("pieces in one {sku}"), per_unit, "bom.csv, every way, with scrap and yield"));
        }
        inputs
    }
}

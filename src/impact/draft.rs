//! An answer while it is put together: its lines, the months they fall in, the cash beside them, and what is lost all the same.

use super::{
    World,
    answers::{Answer, CostLine},
    course::Course,
    exposure::{Loss, Lost},
    ledger::{Books, Class, negated},
    reporting::{Price, decimal, float},
    stranded::Stranded,
    timing::{Flows, When, not_capital},
    why::{FigureInput, rounded},
};
use crate::domain::money::Money;

pub(super) struct Draft {
    pub answer: Answer,
    pub lost: Lost,
    pub course: Course,
    pub books: Books,
    costs: Flows,
    payments: Flows,
    /// Whether a payment is not known; an unknown line is seen in the lines.
    payments_unknown: bool,
}

/// An answer with what else is made from its draft.
pub(super) struct Finished {
    pub answer: Answer,
    pub loss: Loss,
    pub lost: Lost,
    pub course: Course,
    pub books: Books,
    /// By month; `None` where one is unknown.
    pub payments: Option<Flows>,
}

impl Draft {
    /// `key` is the answer's name in `site.toml`.
    pub fn new(world: &World<'_>, name: &str, key: &str, cash: Option<Money>) -> Draft {
        let own = world.site().answers.get(key).and_then(|own| own.probability);
        let probability_from = match own {
            Some(_) => format!("site.toml [answers.{key}] probability"),
            None => format!("unknown: site.toml gives no probability under [answers.{key}]"),
        };
        let answer = Answer {
            name: name.to_owned(),
            feasible: true,
            total_cost: None,
            weeks: Some(0.0),
            why: String::new(),
            margin_lost: None,
            cash,
            lines: Vec::new(),
            probability: own.map(float),
            probability_from,
            last_day: None,
            last_day_from: String::new(),
            profit_by_year: None,
            npv: None,
            peak_cash: None,
            risk: None,
        };
        Draft {
            answer,
            lost: Lost::default(),
            course: Course::default(),
            books: Books::default(),
            costs: Flows::default(),
            payments: Flows::default(),
            payments_unknown: false,
        }
    }

    pub fn say(&mut self, sentence: &str) {
        if !self.answer.why.is_empty() {
            self.answer.why.push(' ');
        }
        self.answer.why.push_str(sentence);
    }

    /// A cost that is paid when it is booked.
    pub fn line(&mut self, class: Class, name: &str, amount: Option<Money>, from: impl Into<String>, when: When) -> Result<(), String> {
        self.pay(amount, when)?;
        self.book(class, name, amount, from, when)
    }

    /// A cost of the profit-and-loss statement alone; what is paid for it is told by `pay`.
    pub fn book(&mut self, class: Class, name: &str, amount: Option<Money>, from: impl Into<String>, when: When) -> Result<(), String> {
        if let Some(amount) = amount {
            self.costs.add(amount, when)?;
            self.books.add(class, amount, when)?;
        }
        // A cost of nothing is said where it is a result, not where it is a matter of course.
        if amount.is_none_or(|amount| !amount.is_zero()) {
            self.answer.lines.push(CostLine { name: name.to_owned(), amount, from: from.into() });
        }
        Ok(())
    }

    pub fn pay(&mut self, amount: Option<Money>, when: When) -> Result<(), String> {
        match amount {
            Some(amount) => self.payments.add(amount, when)?,
            None => self.payments_unknown = true,
        }
        Ok(())
    }

    /// The part of a carrying cost that is paid: not the capital, which the present value charges.
    pub fn pay_carrying(&mut self, world: &World<'_>, held: Option<Money>, when: When) -> Result<(), String> {
        let share = decimal(not_capital(world.site()))?;
        let paid = held.map(|held| world.reporting.money(held.amount().checked_mul(share).ok_or("a carrying cost is too large")?)).transpose()?;
        if let (Some(held), Some(paid)) = (held, paid) {
            self.books.carrying(held, paid, when)?;
        }
        self.pay(paid, when)
    }

    /// Stock of other parts that is of no use from a month on: written down, and what it still brings comes in.
    pub fn strand(&mut self, stranded: Stranded, what: &str, month: usize) -> Result<(), String> {
        let when = When::At(month);
        if let Some(written_down) = stranded.written_down {
            self.course.costs.add(written_down, when)?;
        }
        let brings = stranded.salvage.map(negated).transpose()?;
        if let Some(brings) = brings {
            self.course.payments.add(brings, when)?;
            self.books.salvage(stranded.written_down, brings, when)?;
        }
        self.book(Class::Stranded, what, stranded.written_down, stranded.from, when)?;
        self.pay(brings, when)
    }

    pub fn weeks(&mut self, weeks: Option<f64>) {
        self.answer.weeks = self.answer.weeks.zip(weeks).map(|(left, right)| rounded(left.max(right)));
    }

    /// What the answer costs once.
    pub fn once(&mut self, world: &World<'_>, what: &str, cost: Result<Price, String>, from: &str, when: When) -> Result<(), String> {
        match cost {
            Ok(price) => {
                let amount = world.reporting.money(price.amount)?;
                self.course.costs.add(amount, when)?;
                self.course.payments.add(amount, when)?;
                self.line(Class::Project, what, Some(amount), price.input.from, when)
            }
            Err(error) => {
                self.line(Class::Project, what, None, from, when)?;
                self.say(&format!("Its cost is unknown: {error}."));
                Ok(())
            }
        }
    }

    /// The earliest of the days named is the last one for all items together.
    pub fn last_day(&mut self, day: Option<jiff::civil::Date>, from: impl Into<String>) {
        match (self.answer.last_day, day) {
            (Some(earliest), Some(day)) if day >= earliest => {}
            (Some(_), None) => {}
            _ => {
                self.answer.last_day = day;
                self.answer.last_day_from = from.into();
            }
        }
    }

    /// Adds what is lost, sums up and leaves the figure that explains it.
    pub fn finish(mut self, world: &mut World<'_>) -> Result<Finished, String> {
        let loss = world.value(&self.lost)?;
        self.answer.margin_lost = loss.margin;
        self.answer.lines.push(CostLine {
            name: "margin still lost".to_owned(),
            amount: loss.margin,
            from: "contribution of units not served".to_owned(),
        });
        if self.lost.products().iter().any(|product| world.margins.get(product).is_some_and(|margin| !margin.penalty.is_zero()))
            && loss.penalties.is_none_or(|penalties| !penalties.is_zero())
        {
            let from = "penalty_per_unit of products.csv, units not served".to_owned();
            self.answer.lines.push(CostLine { name: "penalties".to_owned(), amount: loss.penalties, from });
        }
        self.costs.merge(&loss.by_month)?;
        self.payments.merge(&loss.by_month)?;
        self.books.lost(&loss)?;
        let mut total = Some(world.reporting.zero());
        for line in &self.answer.lines {
            total = match (total, line.amount) {
                (Some(total), Some(amount)) => Some(total.plus(amount).map_err(|error| error.to_string())?),
                _ => None,
            };
        }
        self.answer.total_cost = total;
        if total.is_some() {
            self.answer.profit_by_year = Some(self.costs.profit_by_year(&world.reporting, world.plan.calendar, world.site().fiscal_year_starts)?);
            if !self.payments_unknown {
                self.answer.peak_cash = Some(self.payments.peak(&world.reporting)?);
                self.answer.npv = world.site().discount_rate.map(|rate| self.payments.present_value(&world.reporting, float(rate))).transpose()?;
            }
        }
        let inputs = self.answer.lines.iter().map(|line| FigureInput::new(&line.name, world.shown(line.amount), &line.from)).collect();
        let name = self.answer.name.to_lowercase().replace([' ', '-'], "_");
        world.notes.figure(format!("answer_cost:{name}"), world.shown(total), "sum of the lines, against the plan before the notice", inputs);
        self.explain_npv(world, &name);
        let payments = (!self.payments_unknown).then_some(self.payments);
        Ok(Finished { answer: self.answer, loss, lost: self.lost, course: self.course, books: self.books, payments })
    }

    fn explain_npv(&self, world: &mut World<'_>, name: &str) {
        let rate = match world.site().discount_rate {
            Some(rate) => FigureInput::new("discount_rate", format!("{} a year", super::why::grouped(&rate.to_string())), "site.toml"),
            None => FigureInput::new("discount_rate", "unknown", "site.toml gives none: without it there is no present value"),
        };
        let capital = FigureInput::new(
            "share of holding that is paid, without capital",
            super::why::pieces(not_capital(world.site())),
            "site.toml: (holding_rate − discount_rate) ÷ holding_rate",
        );
        let formula = "−Σ over months of payments beyond the plan × e^(−discount_rate × months ÷ 12)";
        let shown = world.shown(self.answer.npv);
        world.notes.figure(format!("npv:{name}"), shown, formula, vec![rate, capital]);
    }
}

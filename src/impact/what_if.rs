//! What a person moves to see what it changes: the same computation with a few inputs held elsewhere than the factory's data has them.

use rust_decimal::Decimal;

use super::survey;
use crate::{
    domain::factory::{AnswerCost, Site},
    limits,
};

/// `None`: as in the factory's data.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WhatIf {
    /// Months looked ahead, from that of the statement's day; what is needed later is left out.
    pub horizon_months: Option<usize>,
    /// Share of the horizon's demand, 0 to 1, that a last-time or bridge buy is to cover with certainty, in place of the newsvendor's critical ratio.
    pub service_level: Option<f64>,
    /// A year's share.
    pub holding_rate: Option<Decimal>,
    /// Of redesigning one assembly, in the reporting currency.
    pub redesign_cost: Option<Decimal>,
}

impl WhatIf {
    pub(super) fn months(&self) -> usize {
        self.horizon_months.unwrap_or(limits::HORIZON_MONTHS_MAX).clamp(1, limits::HORIZON_MONTHS_MAX)
    }

    /// The site with what was moved. Who moves something waits for the answer: what is computed some hundred times over is left out.
    pub(super) fn site(&self, site: &Site) -> Site {
        let mut site = site.clone();
        if *self == WhatIf::default() {
            return site;
        }
        site.risk.sensitivities = false;
        site.risk.trials = 0;
        if let Some(rate) = self.holding_rate {
            site.holding_rate = Some(rate);
        }
        if let Some(cost) = self.redesign_cost {
            let weeks = Decimal::from(survey::REDESIGN_NEXT_HIGHER_ASSEMBLY.weeks.unwrap_or(0));
            let currency = site.reporting_currency;
            let own = site.answers.entry("redesign_assembly".to_owned());
            let own = own.or_insert(AnswerCost { cost, currency, weeks, probability: None, price_factor: None });
            (own.cost, own.currency) = (cost, currency);
        }
        site
    }
}

//! Amounts in the reporting currency. The one place where a quantity in floating point becomes a decimal to be multiplied by a price.

use jiff::civil::Date;
use rust_decimal::{Decimal, prelude::ToPrimitive};

use super::why::{self, FigureInput, grouped};
use crate::domain::{
    factory::{Product, Site},
    money::{Currency, Money, Rates},
};

/// Rates and the day they are read for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reporting<'a> {
    pub rates: &'a Rates,
    pub currency: Currency,
    pub as_of: Date,
}

/// A price of one piece or unit in the reporting currency, unrounded, and what made it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Price {
    pub amount: Decimal,
    pub input: FigureInput,
}

impl Reporting<'_> {
    /// Converts at the newest rate on or before the day of the statement. The error is a sentence.
    pub fn price(&self, what: &str, amount: Decimal, from: Currency, place: &str) -> Result<Price, String> {
        let (converted, rate) = self.rates.convert(amount, from, self.currency, self.as_of).map_err(|error| format!("{what}: {error}"))?;
        let written = format!("{} {from}", grouped(&amount.to_string()));
        let input = match rate {
            None => FigureInput::new(what, written, place),
            Some(rate) => {
                let own = format!("{written} = {} {}", grouped(&converted.round_dp(6).to_string()), self.currency);
                FigureInput::new(
                    what,
                    own,
                    format!("{place}; rates.csv {}: 1 {} = {} {}", rate.date, rate.from, grouped(&rate.rate.to_string()), rate.to),
                )
            }
        };
        Ok(Price { amount: converted, input })
    }

    pub fn zero(&self) -> Money {
        Money::zero(self.currency)
    }

    /// `quantity` times `price`, rounded once to minor units.
    pub fn extended(&self, quantity: f64, price: Decimal) -> Result<Money, String> {
        let amount = decimal(quantity)?.checked_mul(price).ok_or_else(|| too_large(quantity))?;
        self.money(amount)
    }

    pub fn money(&self, amount: Decimal) -> Result<Money, String> {
        Money::round(amount, self.currency).map_err(|error| error.to_string())
    }
}

/// A quantity, share or rate as a decimal with nine places.
pub(super) fn decimal(value: f64) -> Result<Decimal, String> {
    let exact = Decimal::from_f64_retain(value).ok_or_else(|| too_large(value))?;
    Ok(exact.round_dp(9))
}

/// A decimal from the factory's files as a quantity or a share.
pub(super) fn float(value: Decimal) -> f64 {
    // Every decimal has a nearest double.
    value.to_f64().unwrap_or(0.0)
}

fn too_large(value: f64) -> String {
    format!("a quantity of {value} is too large to be computed with: check bom.csv and demand.csv")
}

/// What one unit of a product earns, in the reporting currency.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Margin {
    /// `None`: unknown, and `missing` says why.
    pub contribution: Option<Decimal>,
    /// Agreed penalty for a unit that is not delivered; none stated is none agreed.
    pub penalty: Decimal,
    pub inputs: Vec<FigureInput>,
    pub missing: Option<String>,
}

impl Margin {
    pub fn of(product: &Product, reporting: &Reporting<'_>) -> Margin {
        let sku = &product.sku;
        let place = why::at(&product.at);
        let mut margin = Margin { contribution: None, penalty: Decimal::ZERO, inputs: Vec::new(), missing: None };
        match product.contribution_per_unit() {
            None => {
                margin.missing = Some(format!(
                    "{sku} has no contribution ({place}): give contribution, or price and variable_cost, or price and contribution_ratio; revenue alone is not the loss"
                ));
            }
            Some(amount) => match reporting.price(&format!("contribution of one {sku}"), amount, product.currency, &place) {
                Ok(price) => {
                    margin.contribution = Some(price.amount);
                    margin.inputs.push(price.input);
                }
                Err(error) => margin.missing = Some(error),
            },
        }
        if let Some(penalty) = product.penalty_per_unit.filter(|penalty| !penalty.is_zero()) {
            match reporting.price(&format!("penalty for one {sku} not delivered"), penalty, product.currency, &place) {
                Ok(price) => {
                    margin.penalty = price.amount;
                    margin.inputs.push(price.input);
                }
                Err(error) => {
                    margin.contribution = None;
                    margin.missing = Some(error);
                }
            }
        }
        margin
    }

    /// What a missing unit loses: a product that earns less than nothing loses nothing by not being made.
    pub fn lost_per_unit(&self) -> Option<Decimal> {
        self.contribution.map(|contribution| contribution.max(Decimal::ZERO))
    }
}

/// Holding rate where the site gives one, else the discount rate; `None` where it gives neither. Never both: that counts the capital twice.
pub(super) fn carrying(site: &Site) -> Option<(super::last_time_buy::Carrying, FigureInput)> {
    use super::last_time_buy::Carrying;
    let input = |what, rate: Decimal| FigureInput::new(what, format!("{} a year", grouped(&rate.to_string())), "site.toml");
    match (site.holding_rate, site.discount_rate) {
        (Some(rate), _) => Some((Carrying::Holding(float(rate)), input("holding_rate", rate))),
        (None, Some(rate)) => Some((Carrying::Discount(float(rate)), input("discount_rate", rate))),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantity_becomes_the_decimal_a_person_would_write() {
        assert_eq!(decimal(0.1).map(|value| value.normalize().to_string()).as_deref(), Ok("0.1"));
        assert_eq!(decimal(12_178.8).map(|value| value.normalize().to_string()).as_deref(), Ok("12178.8"));
        assert!(decimal(1e40).is_err_and(|error| error.contains("too large")));
        assert!(decimal(f64::NAN).is_err());
    }
}

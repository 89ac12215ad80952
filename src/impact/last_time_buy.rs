//! How much to buy for the last time: the newsvendor's optimum, its form for an order used up over years, and the planner's sum (domain.md, section 5).

use super::distribution::Distribution;

/// What one piece too few and one piece too many cost, in one currency.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Newsvendor {
    pub underage: f64,
    pub overage: f64,
}

/// The order that costs least in expectation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Optimum {
    /// Cu ÷ (Cu + Co).
    pub critical_ratio: f64,
    /// F⁻¹(critical ratio), unrounded, less what is there already; may be negative where more is there than is worth having.
    pub exact: f64,
    /// The whole number next to it that costs less in expectation, at least 0.
    pub whole: f64,
}

impl Newsvendor {
    /// Cost against knowing the demand: underage · E[lost] + overage · E[leftover], at `quantity` pieces in all.
    pub fn expected_cost(self, demand: &Distribution, quantity: f64) -> f64 {
        self.underage * demand.lost(quantity) + self.overage * demand.leftover(quantity)
    }

    /// The best order where `there` pieces are in stock or on order. `None` where a piece too few costs nothing (do not buy the marginal unit) or a piece
    /// too many costs nothing (no order is large enough).
    pub fn optimum(self, demand: &Distribution, there: f64) -> Option<Optimum> {
        if !(self.underage > 0.0 && self.overage > 0.0) {
            return None;
        }
        let critical_ratio = self.underage / (self.underage + self.overage);
        let exact = demand.quantile(critical_ratio) - there;
        let (below, above) = (libm::floor(exact).max(0.0), libm::ceil(exact).max(0.0));
        let better = self.expected_cost(demand, there + above) < self.expected_cost(demand, there + below);
        Some(Optimum { critical_ratio, exact, whole: if better { above } else { below } })
    }
}

/// How the time a piece waits is paid for; never both, that would count the capital twice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Carrying {
    /// A year's share of the price: capital, storage, insurance, shrink.
    Holding(f64),
    /// A year's cost of capital, continuously.
    Discount(f64),
}

/// A last-time buy that is used up at a steady rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Terms {
    pub unit_cost: f64,
    pub years: f64,
    pub carrying: Carrying,
    /// What a left-over piece still brings, net of disposal.
    pub salvage: f64,
    /// Contribution before this part's own cost that one missing piece loses.
    pub shortage_value: f64,
}

impl Terms {
    /// What a piece has cost by the end: k = c(1 + iT), or c·e^(rT).
    pub fn cost_at_end(&self) -> f64 {
        match self.carrying {
            Carrying::Holding(rate) => self.unit_cost * (1.0 + rate * self.years),
            Carrying::Discount(rate) => self.unit_cost * libm::exp(rate * self.years),
        }
    }

    /// Critical ratio (π − k) ÷ (π − s).
    pub fn newsvendor(&self) -> Newsvendor {
        let k = self.cost_at_end();
        Newsvendor { underage: self.shortage_value - k, overage: k - self.salvage }
    }
}

/// Share of the price that holding adds to an order bought now, of which nothing is used until `first` and the rest at a steady rate until `last` (years):
/// i·(first + last)/2. With `first` 0 it is i·T/2.
pub fn holding_share(rate: f64, first: f64, last: f64) -> f64 {
    rate * (first + last) / 2.0
}

/// Present value of paying 1 at a steady rate between `first` and `last` (years): (e^(−r·first) − e^(−r·last)) ÷ (r·(last − first)). With `first` 0, times
/// c·d·T, it is c·d·(1 − e^(−rT)) ÷ r.
pub fn present_share(rate: f64, first: f64, last: f64) -> f64 {
    let span = rate * (last - first);
    if span.abs() < 1e-12 {
        return libm::exp(-rate * first);
    }
    // expm1 keeps its digits where the span is short.
    libm::exp(-rate * first) * -libm::expm1(-span) / span
}

/// Rounded up to what can be ordered: whole pieces, at least the minimum, in whole multiples. 0 stays 0: no order.
pub fn orderable(quantity: f64, minimum: Option<f64>, multiple: Option<f64>) -> f64 {
    // What is a whole number but for the rounding of its parts is that number.
    let whole = libm::ceil(quantity - 1e-9 * quantity.abs().max(1.0)).max(0.0);
    if whole == 0.0 {
        return 0.0;
    }
    let at_least = whole.max(libm::ceil(minimum.unwrap_or(0.0)));
    match multiple.filter(|multiple| *multiple > 0.0) {
        Some(multiple) => libm::ceil(at_least / multiple - 1e-9) * multiple,
        None => at_least,
    }
}

/// Stock of one age, and the share of its cost that is reserved.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AgeTier {
    pub units: f64,
    pub share: f64,
}

/// Cost of a stock in tiers of age, and what is reserved of it. For stock that waits without a plan; a last-time buy waits by plan, so that its age says nothing and
/// only its excess over forecast is written down (domain.md, section 7).
pub fn aged_reserve(unit_cost: f64, tiers: &[AgeTier]) -> (f64, f64) {
    tiers.iter().fold((0.0, 0.0), |(cost, reserve), tier| {
        let of_tier = tier.units * unit_cost;
        (cost + of_tier, reserve + of_tier * tier.share)
    })
}

/// The planner's sum: every need, times a factor for what is not known, less what is there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Deterministic {
    pub per_year: f64,
    pub years: f64,
    pub fleet: f64,
    /// A year's share of the fleet that needs the part.
    pub failure_rate: f64,
    pub support_years: f64,
    /// Share of production lost in making.
    pub yield_loss: f64,
    /// Pieces for engineering and everything else.
    pub engineering: f64,
    /// Share of all the above lost in store.
    pub attrition: f64,
    pub factor: f64,
    pub stock: f64,
    pub on_order: f64,
    pub minimum: Option<f64>,
    pub multiple: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sum {
    pub production: f64,
    pub spares: f64,
    pub yield_loss: f64,
    pub engineering: f64,
    pub attrition: f64,
    pub subtotal: f64,
    pub with_factor: f64,
    /// Less stock and open orders, unrounded, at least 0.
    pub exact: f64,
    pub quantity: f64,
}

impl Deterministic {
    pub fn sum(&self) -> Sum {
        let production = self.per_year * self.years;
        let spares = self.fleet * self.failure_rate * self.support_years;
        let yield_loss = production * self.yield_loss;
        let gross = production + spares + yield_loss + self.engineering;
        let attrition = gross * self.attrition;
        let subtotal = gross + attrition;
        let with_factor = subtotal * self.factor;
        let exact = (with_factor - self.stock - self.on_order).max(0.0);
        let quantity = orderable(exact, self.minimum, self.multiple);
        Sum { production, spares, yield_loss, engineering: self.engineering, attrition, subtotal, with_factor, exact, quantity }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn orders_are_rounded_up_to_what_can_be_ordered() {
        assert_eq!(orderable(15_223.5, None, Some(500.0)), 15_500.0);
        assert_eq!(orderable(0.2, Some(1000.0), Some(300.0)), 1200.0);
        assert_eq!(orderable(600.000_000_000_1, None, Some(300.0)), 600.0);
        assert_eq!(orderable(-3.0, Some(1000.0), None), 0.0);
    }

    #[test]
    fn waiting_costs_what_the_formulas_say() {
        // V2: 30,000 pieces at 2 over 3 years: 0.25 · 3 / 2 · 60,000 = 22,500; PV 51,836.36.
        assert_eq!(holding_share(0.25, 0.0, 3.0) * 60_000.0, 22_500.0);
        assert!((present_share(0.10, 0.0, 3.0) * 60_000.0 - 51_836.36).abs() < 0.005);
        assert_eq!(present_share(0.0, 0.0, 3.0), 1.0);
        assert!((present_share(0.1, 2.0, 2.0) - libm::exp(-0.2)).abs() < 1e-15);
    }

    #[test]
    fn a_piece_not_worth_its_cost_is_not_bought() {
        let demand = Distribution::normal(100.0, 10.0).expect("normal");
        assert_eq!(Newsvendor { underage: 0.0, overage: 1.0 }.optimum(&demand, 0.0), None);
        assert_eq!(Newsvendor { underage: 1.0, overage: 0.0 }.optimum(&demand, 0.0), None);
        let much_there = Newsvendor { underage: 1.0, overage: 1.0 }.optimum(&demand, 500.0).expect("optimum");
        assert_eq!((much_there.exact, much_there.whole), (-400.0, 0.0));
    }

    proptest! {
        #[test]
        fn discrete_optimum_is_the_best_of_all(
            weights in prop::collection::vec(0.01_f64..1.0, 1..15), underage in 0.1_f64..50.0, overage in 0.1_f64..50.0,
        ) {
            let sum: f64 = weights.iter().sum();
            let demand = Distribution::discrete(weights.iter().enumerate().map(|(value, weight)| (value as f64, weight / sum)).collect()).expect("discrete");
            let newsvendor = Newsvendor { underage, overage };
            let best = newsvendor.optimum(&demand, 0.0).expect("optimum");
            let least = (0..20).map(|quantity| newsvendor.expected_cost(&demand, f64::from(quantity))).fold(f64::INFINITY, f64::min);
            prop_assert!(newsvendor.expected_cost(&demand, best.whole) <= least + 1e-9);
        }

        #[test]
        fn whole_optimum_beats_its_neighbours(mean in 10.0_f64..5000.0, cv in 0.01_f64..0.5, underage in 0.1_f64..50.0, overage in 0.1_f64..50.0) {
            let demand = Distribution::normal(mean, mean * cv).expect("normal");
            let newsvendor = Newsvendor { underage, overage };
            let best = newsvendor.optimum(&demand, 0.0).expect("optimum").whole;
            let here = newsvendor.expected_cost(&demand, best);
            for other in [best - 1.0, best + 1.0] {
                prop_assert!(other < 0.0 || newsvendor.expected_cost(&demand, other) >= here - 1e-9 * here);
            }
        }
    }
}

//! A tiny factory in code, whose figures can be computed by hand, and a case about it. Dated 2027-01-01, in EUR.

#![allow(dead_code, reason = "each test file uses its own part of this module")]

use jiff::civil::{Date, date};
use lastbuy::{
    domain::{
        case::{Case, CasePart, CaseState, NamedReplacement},
        factory::{AmlEntry, BomLine, Demand, DemandKind, FactoryData, Item, Line, Product, RiskRules, Site, Standard, Stock},
        id::{CaseId, DatasetId},
        maker::MakerAliases,
        money::{Currency, Rates},
        notice::NoticeKind,
        part::PartName,
        time::At,
    },
    factory::{Factory, PartMatch},
    impact::{Assessment, Input, assess},
};
use rust_decimal::Decimal;

pub const AS_OF: Date = date(2027, 1, 1);

pub fn decimal(text: &str) -> Decimal {
    text.parse().expect("decimal")
}

fn some(text: &str) -> Option<Decimal> {
    (!text.is_empty()).then(|| decimal(text))
}

/// The factory, the case and what else an assessment depends on.
pub struct Tiny {
    pub data: FactoryData,
    pub case: Case,
    pub other_open: Vec<PartName>,
    pub as_of: Date,
}

impl Tiny {
    /// No product, no item, a site with every rate; a discontinuance by TI with a last-time-buy date in half a year.
    pub fn empty() -> Tiny {
        let site = Site {
            name: "Tiny".to_owned(),
            reporting_currency: Currency::EUR,
            fiscal_year_starts: 1,
            holding_rate: some("0.25"),
            discount_rate: None,
            salvage_ratio: some("0.1"),
            spot_price_factor: None,
            downtime_cost_per_week: None,
            demand_years_independent: false,
            answers: std::collections::BTreeMap::new(),
            probability_of_end: std::collections::BTreeMap::new(),
            accounting: Standard::Ifrs,
            redesign_reuse_ratio: None,
            order_budget: None,
            risk: RiskRules { trials: 0, sensitivities: false, ..RiskRules::default() },
        };
        let case = Case {
            id: CaseId(1),
            keys: vec!["notice TI 1".to_owned()],
            kind: NoticeKind::Pdn,
            maker: Some("TI".to_owned()),
            notice_id: Some("1".to_owned()),
            issue_date: Some(date(2026, 12, 1)),
            last_time_buy: Some(date(2027, 6, 30)),
            last_time_ship: Some(date(2027, 12, 31)),
            parts: Vec::new(),
            events: Vec::new(),
            made_by: None,
            state: CaseState::Open,
            opened_at: At(0),
            changed_at: At(0),
            latest: None,
            headline: None,
        };
        let data = FactoryData {
            products: Vec::new(),
            items: Vec::new(),
            bom: Vec::new(),
            aml: Vec::new(),
            demand: Vec::new(),
            stock: Vec::new(),
            rates: Rates::default(),
            site,
        };
        Tiny { data, case, other_open: Vec::new(), as_of: AS_OF }
    }

    /// Product P earns 10 a unit; it takes one board B, which takes two pieces of item I, bought from TI as X1 at 2.00. 100 P a month through 2027, cv 0.2;
    /// 1,000 pieces in stock: 2,400 are needed.
    pub fn simple() -> Tiny {
        Tiny::empty()
            .product("P", "10")
            .item("B", "")
            .item("I", "2")
            .line("P", "B", "1")
            .line("B", "I", "2")
            .source("I", "TI", "X1", "active", "")
            .year("P", "100")
            .stock("I", "1000")
            .ends("X1")
    }

    fn at(file: &str, rows: usize) -> Line {
        Line { file: file.to_owned(), line: u32::try_from(rows).expect("line") + 2 }
    }

    pub fn product(mut self, sku: &str, contribution: &str) -> Tiny {
        let at = Tiny::at("products.csv", self.data.products.len());
        self.data.products.push(Product {
            sku: sku.to_owned(),
            name: format!("Product {sku}"),
            price: some("100"),
            variable_cost: None,
            contribution: some(contribution),
            contribution_ratio: None,
            currency: Currency::EUR,
            end_of_production: None,
            penalty_per_unit: None,
            at,
        });
        self
    }

    pub fn item(mut self, item: &str, unit_cost: &str) -> Tiny {
        let at = Tiny::at("items.csv", self.data.items.len());
        self.data.items.push(Item {
            item: item.to_owned(),
            description: format!("Item {item}"),
            kind: "purchased".to_owned(),
            unit_cost: some(unit_cost),
            currency: Currency::EUR,
            lead_time_weeks: some("8"),
            moq: None,
            order_multiple: None,
            yield_ratio: None,
            shelf_life_months: None,
            at,
        });
        self
    }

    pub fn line(mut self, parent: &str, child: &str, quantity: &str) -> Tiny {
        let at = Tiny::at("bom.csv", self.data.bom.len());
        self.data.bom.push(BomLine {
            parent: parent.to_owned(),
            child: child.to_owned(),
            quantity: decimal(quantity),
            scrap: None,
            valid_from: None,
            valid_to: None,
            at,
        });
        self
    }

    /// Qualified, of the next preference.
    pub fn source(mut self, item: &str, maker: &str, mpn: &str, lifecycle: &str, unit_price: &str) -> Tiny {
        let at = Tiny::at("aml.csv", self.data.aml.len());
        let preference = u32::try_from(self.data.aml.iter().filter(|entry| entry.item == item).count()).expect("few") + 1;
        self.data.aml.push(AmlEntry {
            item: item.to_owned(),
            maker: maker.to_owned(),
            mpn: mpn.to_owned(),
            preference: Some(preference),
            qualified: true,
            lifecycle: (!lifecycle.is_empty()).then(|| lifecycle.to_owned()),
            share: None,
            unit_price: some(unit_price),
            currency: Currency::EUR,
            at,
        });
        self
    }

    pub fn demand(mut self, sku: &str, period: &str, quantity: &str, kind: DemandKind) -> Tiny {
        let at = Tiny::at("demand.csv", self.data.demand.len());
        let cv = (kind != DemandKind::Committed).then(|| decimal("0.2"));
        self.data.demand.push(Demand { sku: sku.to_owned(), period: period.parse().expect("month"), quantity: decimal(quantity), cv, kind, at });
        self
    }

    /// The same forecast in each month of 2027.
    pub fn year(self, sku: &str, quantity: &str) -> Tiny {
        (1..=12).fold(self, |tiny, month| tiny.demand(sku, &format!("2027-{month:02}"), quantity, DemandKind::Forecast))
    }

    /// On hand, of no source in particular.
    pub fn stock(mut self, item: &str, on_hand: &str) -> Tiny {
        let at = Tiny::at("stock.csv", self.data.stock.len());
        self.data.stock.push(Stock {
            item: item.to_owned(),
            maker: None,
            mpn: None,
            on_hand: decimal(on_hand),
            on_order: Decimal::ZERO,
            due: None,
            location: None,
            written_down: None,
            at,
        });
        self
    }

    pub fn order(mut self, item: &str, on_order: &str, due: Option<Date>) -> Tiny {
        self = self.stock(item, "0");
        let row = self.data.stock.last_mut().expect("row");
        (row.on_order, row.due) = (decimal(on_order), due);
        self
    }

    pub fn ends(mut self, mpn: &str) -> Tiny {
        self.case.parts.push(CasePart { mpn: mpn.to_owned(), replacement: NamedReplacement::Unsaid, last_time_buy: None, last_time_ship: None });
        self
    }

    /// With a simulation, and with what each input does to the result; both are off unless a test is about them.
    pub fn risks(mut self, trials: u32) -> Tiny {
        self.data.site.risk.trials = trials;
        self
    }

    pub fn sensitivities(mut self) -> Tiny {
        self.data.site.risk.sensitivities = true;
        self
    }

    /// Anything else.
    pub fn with(mut self, change: impl FnOnce(&mut Tiny)) -> Tiny {
        change(&mut self);
        self
    }

    pub fn assess(&self) -> Assessment {
        self.try_assess().expect("an assessment")
    }

    pub fn try_assess(&self) -> Result<Assessment, String> {
        let factory = Factory::new(self.data.clone(), MakerAliases::default());
        let matches: Vec<PartMatch> = self.case.parts.iter().map(|part| factory.find_part(self.case.maker.as_deref(), &part.mpn)).collect();
        assess(&Input {
            factory: &factory,
            dataset: DatasetId(1),
            case: &self.case,
            matches: &matches,
            as_of: self.as_of,
            other_open_parts: &self.other_open,
        })
    }
}

//! What if: a few inputs of a case's statement moved, and the statement computed again on the stored inputs. Nothing is stored until a person
//! keeps it as a scenario (`scenarios`).
//!
//! The page is a form; where the script runs, each slider asks for the page again and takes the table out of it. `GET /v1/cases/{id}/what-if` is the same as JSON.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Semaphore;

use super::{Shell, board, language::Language, page, statement, visible};
use crate::{
    domain::{
        case::{AssessmentRow, Case},
        factory::Site,
        id::CaseId,
        money::Money,
        part::PartName,
    },
    http::{Service, problem::Problem},
    impact::{self, Answer, Assessment, LAST_TIME_BUY, REDESIGN, WhatIf},
    limits,
};

static AT_ONCE: Semaphore = Semaphore::const_new(limits::WHAT_IFS_AT_ONCE_MAX);

/// What was moved, as a form or a program sends it; empty is "as it is".
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    pub horizon: String,
    #[serde(default)]
    pub service: String,
    #[serde(default)]
    pub holding: String,
    #[serde(default)]
    pub redesign: String,
}

impl Asked {
    /// Those inputs that were moved, by the names under which they are asked for.
    pub fn moved(&self, moved: &WhatIf) -> Vec<(String, String)> {
        let inputs = [
            ("horizon", moved.horizon_months.is_some(), &self.horizon),
            ("service", moved.service_level.is_some(), &self.service),
            ("holding", moved.holding_rate.is_some(), &self.holding),
            ("redesign", moved.redesign_cost.is_some(), &self.redesign),
        ];
        inputs.into_iter().filter(|(_, is_moved, _)| *is_moved).map(|(name, _, to)| (name.to_owned(), to.trim().to_owned())).collect()
    }
}

/// A slider: where it may go, and where it stands in the statement.
pub struct Slider {
    pub name: &'static str,
    pub label: String,
    pub least: String,
    pub most: String,
    pub step: &'static str,
    pub value: String,
    pub unit: String,
    pub as_is: String,
}

/// Where the sliders stand while nothing is moved: months, per cent, per cent a year, whole units of money.
struct Base {
    horizon: usize,
    service: Option<u32>,
    holding: Option<Decimal>,
    redesign: Option<Decimal>,
}

/// Months from the statement's day to the last one in which anything is needed.
fn base(assessment: &Assessment, site: &Site) -> Base {
    let ratio = assessment.items.iter().find_map(|item| item.last_time_buy.critical_ratio);
    Base {
        horizon: assessment.items.iter().map(|item| item.months.len()).max().unwrap_or(0).max(1),
        service: ratio.map(|ratio| (ratio * 100.0).round().clamp(50.0, 99.0) as u32),
        holding: site.holding_rate.map(|rate| (rate * Decimal::ONE_HUNDRED).normalize()),
        redesign: site.answers.get("redesign_assembly").filter(|own| own.currency == site.reporting_currency).map(|own| own.cost.normalize()),
    }
}

pub fn sliders(assessment: &Assessment, site: &Site, asked: &Asked, language: Language) -> Vec<Slider> {
    let base = base(assessment, site);
    let slider = |name, label: &str, least: String, most: String, step, as_is: String, asked: &str, unit: &str| Slider {
        name,
        label: language.t(label).to_owned(),
        least,
        most,
        step,
        value: if asked.trim().is_empty() { as_is.clone() } else { visible::line(asked.trim()) },
        unit: unit.to_owned(),
        as_is,
    };
    let mut sliders =
        vec![slider("horizon", "what_if.horizon", "1".to_owned(), base.horizon.to_string(), "1", base.horizon.to_string(), &asked.horizon, "")];
    if let Some(service) = base.service {
        sliders.push(slider("service", "what_if.service_level", "50".to_owned(), "99".to_owned(), "1", service.to_string(), &asked.service, "%"));
    }
    if let Some(holding) = base.holding {
        sliders.push(slider("holding", "what_if.holding_rate", "0".to_owned(), "60".to_owned(), "1", holding.to_string(), &asked.holding, "%"));
    }
    if let Some(redesign) = base.redesign {
        let most = (redesign * Decimal::from(4)).max(Decimal::from(100_000)).round();
        sliders.push(slider(
            "redesign",
            "what_if.redesign_cost",
            "0".to_owned(),
            most.to_string(),
            "1000",
            redesign.to_string(),
            &asked.redesign,
            &site.reporting_currency.to_string(),
        ));
    }
    sliders
}

fn number(text: &str, what: &str, least: Decimal, most: Decimal) -> Result<Option<Decimal>, Problem> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let parsed: Option<Decimal> = text.parse().ok().filter(|number| *number >= least && *number <= most);
    parsed.map(Some).ok_or_else(|| Problem::bad_request(format!("{what} is a number from {least} to {most}")))
}

/// What differs from where the sliders stand.
fn moved(asked: &Asked, base: &Base) -> Result<WhatIf, Problem> {
    use rust_decimal::prelude::ToPrimitive;
    let hundred = Decimal::ONE_HUNDRED;
    let months = number(&asked.horizon, "horizon", Decimal::ONE, Decimal::from(limits::HORIZON_MONTHS_MAX))?.and_then(|months| months.to_usize());
    let service = number(&asked.service, "service", Decimal::ONE, Decimal::new(999, 1))?;
    let holding = number(&asked.holding, "holding", Decimal::ZERO, hundred)?;
    let redesign = number(&asked.redesign, "redesign", Decimal::ZERO, Decimal::from(1_000_000_000))?;
    Ok(WhatIf {
        horizon_months: months.filter(|months| *months != base.horizon),
        service_level: service.filter(|level| base.service.map(Decimal::from) != Some(*level)).and_then(|level| (level / hundred).to_f64()),
        holding_rate: holding.filter(|rate| base.holding != Some(*rate)).map(|rate| rate / hundred),
        redesign_cost: redesign.filter(|cost| base.redesign != Some(*cost)),
    })
}

/// A statement before and after.
pub struct Computed {
    pub case: Case,
    pub row: AssessmentRow,
    pub site: Site,
    pub before: Assessment,
    pub after: Assessment,
    pub moved: WhatIf,
}

pub fn compute(service: &Service, id: CaseId, asked: &Asked) -> Result<Computed, Problem> {
    let case = service.store.case(id)?.ok_or_else(|| Problem::not_found(format!("there is no case {id}")))?;
    let nothing = || Problem::not_found(format!("{id} has no statement that can be computed again"));
    let row = service.store.assessment(case.latest.ok_or_else(nothing)?)?.ok_or_else(nothing)?;
    let opened = service.datasets.get(row.dataset)?.ok_or_else(nothing)?;
    let before = statement::stored(service, &row)?.ok_or_else(nothing)?;
    let site = opened.factory.data.site.clone();
    let moved = moved(asked, &base(&before, &site))?;
    if moved == WhatIf::default() {
        return Ok(Computed { after: before.clone(), case, row, site, before, moved });
    }
    let _turn = AT_ONCE.try_acquire().map_err(|_| Problem::busy("too many what-ifs are being computed at the moment; try again"))?;
    let matches: Vec<_> = case.parts.iter().map(|part| opened.factory.find_part(case.maker.as_deref(), &part.mpn)).collect();
    let other_open_parts = other_open_parts(service, id)?;
    let input = impact::Input {
        factory: &opened.factory,
        dataset: row.dataset,
        case: &case,
        matches: &matches,
        as_of: row.as_of,
        other_open_parts: &other_open_parts,
    };
    let after = impact::assess_what_if(&input, &moved).map_err(Problem::internal)?;
    Ok(Computed { case, row, site, before, after, moved })
}

/// Parts that other open cases end.
fn other_open_parts(service: &Service, except: CaseId) -> Result<Vec<PartName>, Problem> {
    let cases = board::cases(service)?;
    let mut parts: Vec<PartName> = cases.iter().filter(|case| case.id != except).flat_map(|case| case.ended_parts()).collect();
    parts.sort();
    parts.dedup();
    Ok(parts)
}

struct Line {
    name: String,
    before: String,
    after: String,
    difference: String,
    changed: bool,
}

#[derive(Template)]
#[template(path = "what_if.html")]
struct Page {
    p: Shell,
    id: String,
    title: String,
    sliders: Vec<Slider>,
    lines: Vec<Line>,
    is_moved: bool,
    /// What was moved, for the form that keeps it.
    moved: Vec<(String, String)>,
    assessment: String,
}

pub async fn what_if(service: web::Data<Service>, request: HttpRequest, id: web::Path<String>, asked: web::Query<Asked>) -> HttpResponse {
    page(service, request, "cases", move |service, p| {
        let computed = compute(service, id.parse()?, &asked)?;
        Ok(Page {
            id: computed.case.id.to_string(),
            title: visible::short(&computed.case.title(), limits::PAGE_TITLE_CHARS_MAX),
            sliders: sliders(&computed.before, &computed.site, &asked, p.language),
            lines: lines(&computed.before, &computed.after, p.language),
            is_moved: computed.moved != WhatIf::default(),
            moved: asked.moved(&computed.moved),
            assessment: computed.row.id.to_string(),
            p,
        })
    })
    .await
}

fn lines(before: &Assessment, after: &Assessment, language: Language) -> Vec<Line> {
    let unknown = || language.t("words.unknown").to_owned();
    let line = |name: String, before: String, after: String, difference: String| Line { changed: before != after, name, before, after, difference };
    let money = |name: String, before: Option<Money>, after: Option<Money>| {
        let shown = |money: Option<Money>| money.map_or_else(unknown, |money| language.whole_money(money));
        let difference = before.zip(after).and_then(|(before, after)| after.minus(before).ok()).filter(|difference| !difference.is_zero());
        line(name, shown(before), shown(after), difference.map_or_else(String::new, |difference| signed(language.whole_money(difference))))
    };
    let mut lines = vec![money(language.t("case.margin").to_owned(), before.headline.margin_at_risk, after.headline.margin_at_risk)];
    let day = |assessment: &Assessment| {
        assessment.headline.runs_out.map_or_else(|| language.t("stock.not_before_horizon").to_owned(), |day| language.date(day))
    };
    lines.push(line(language.t("cases.runs_out").to_owned(), day(before), day(after), String::new()));
    let best = |assessment: &Assessment| assessment.headline.best_answer.as_deref().map_or_else(unknown, |name| board::answer_name(language, name));
    lines.push(line(language.t("case.best_answer").to_owned(), best(before), best(after), String::new()));
    lines.push(money(language.t("cases.cost").to_owned(), before.headline.best_cost, after.headline.best_cost));
    for item in &before.items {
        let pieces = |assessment: &Assessment| {
            let same = assessment.items.iter().find(|other| other.item == item.item)?;
            same.last_time_buy.quantity.or(same.last_time_buy.deterministic)
        };
        let (then, now) = (pieces(before), pieces(after));
        let shown = |pieces: Option<f64>| pieces.map_or_else(unknown, |pieces| language.pieces(pieces));
        let difference = then.zip(now).map(|(then, now)| now - then).filter(|difference| difference.abs() > 0.0);
        let name = language.fill("what_if.pieces", &[("item", &visible::line(&item.item))]);
        lines.push(line(name, shown(then), shown(now), difference.map_or_else(String::new, |difference| signed(language.pieces(difference)))));
    }
    for name in [LAST_TIME_BUY, REDESIGN] {
        let of =
            |assessment: &Assessment, what: fn(&Answer) -> Option<Money>| assessment.answers.iter().find(|answer| answer.name == name).and_then(what);
        let words = board::answer_name(language, name);
        for (key, what) in
            [("answers.cost", (|answer: &Answer| answer.total_cost) as fn(&Answer) -> Option<Money>), ("answers.peak", |answer| answer.peak_cash)]
        {
            lines.push(money(format!("{words}: {}", language.t(key)), of(before, what), of(after, what)));
        }
    }
    lines
}

pub fn signed(shown: String) -> String {
    if shown.starts_with('\u{2212}') { shown } else { format!("+{shown}") }
}

/// As JSON: what was moved, and the whole statement as it would be.
pub async fn api(service: web::Data<Service>, id: web::Path<String>, asked: web::Query<Asked>) -> Result<HttpResponse, Problem> {
    let computed = web::block(move || compute(&service, id.parse()?, &asked)).await??;
    let moved = &computed.moved;
    Ok(HttpResponse::Ok().json(json!({
        "case": computed.case.id, "compared_with": computed.row.id,
        "what_if": {
            "horizon_months": moved.horizon_months, "service_level": moved.service_level,
            "holding_rate": moved.holding_rate.map(|rate| rate.to_string()), "redesign_cost": moved.redesign_cost.map(|cost| cost.to_string()),
        },
        "assessment": computed.after,
    })))
}

//! A statement as people compare it: what to order, the answers side by side, how stock runs out, and why each figure is what it is.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use jiff::civil::Date;
use serde::Deserialize;

use super::{
    Shell,
    board::{answer_name, slug},
    chart::{self, RunOut, Waterfall},
    language::Language,
    page, visible,
};
use crate::{
    domain::{
        case::AssessmentRow,
        id::{AssessmentId, CaseId},
        money::Money,
    },
    http::{Service, problem::Problem},
    impact::{Accounting, Answer, Assessment, FigureInput, ItemStatement, LAST_TIME_BUY, Spread},
};

/// The stored statement behind a row. `None` where its bytes are gone or another version wrote what this one cannot read.
pub fn stored(service: &Service, row: &AssessmentRow) -> Result<Option<Assessment>, Problem> {
    let Some(bytes) = service.store.blob(row.body)? else { return Ok(None) };
    match serde_json::from_slice(&bytes) {
        Ok(assessment) => Ok(Some(assessment)),
        Err(error) => {
            tracing::warn!(assessment = %row.id, %error, "a stored statement cannot be shown by this version");
            Ok(None)
        }
    }
}

/// One line of what to order.
pub struct Order {
    pub item: String,
    pub text: String,
    pub parts: String,
    /// `None`: unknown, and why is told.
    pub pieces: Option<String>,
    pub none_needed: bool,
    pub by: String,
    pub urgency: &'static str,
    pub days: String,
    pub cost: String,
    pub missing: Vec<String>,
    pub why: String,
}

/// The earliest last-time buy of the parts that end for an item.
fn buy_by(assessment: &Assessment, item: &str) -> Option<Date> {
    let parts = assessment.parts.iter().filter(|part| part.items.iter().any(|of| of == item));
    parts.filter_map(|part| part.last_time_buy).min()
}

pub fn orders(assessment: &Assessment, p: &Shell) -> Vec<Order> {
    let language = p.language;
    let row = |item: &ItemStatement| {
        let buy = &item.last_time_buy;
        let quantity = buy.quantity.or(buy.deterministic);
        let by = buy_by(assessment, &item.item);
        let days = by.and_then(|date| p.today.until(date).ok()).map(|span| span.get_days());
        Order {
            item: visible::line(&item.item),
            text: visible::line(&item.description),
            parts: item.sources.iter().map(|source| visible::line(source)).collect::<Vec<_>>().join(", "),
            none_needed: quantity == Some(0.0),
            pieces: quantity.map(|quantity| language.pieces(quantity)),
            by: by.map_or_else(|| language.t("words.unknown").to_owned(), |date| language.date(date)),
            urgency: super::board::urgency(days),
            days: days.map_or_else(String::new, |days| language.days(days)),
            cost: buy.cost.map_or_else(|| language.t("words.unknown").to_owned(), |cost| language.whole_money(cost)),
            missing: buy.missing.iter().map(|sentence| visible::line(sentence)).collect(),
            why: format!("{}:{}", if buy.quantity.is_some() { "last_time_buy_quantity" } else { "deterministic_quantity" }, item.item),
        }
    };
    assessment.items.iter().filter(|_| assessment.ends).map(row).collect()
}

/// An answer beside the others.
pub struct AnswerRow {
    pub slug: String,
    pub name: String,
    pub best: bool,
    pub feasible: bool,
    pub cost: Option<String>,
    /// Width of its bar, of 100.
    pub share: String,
    /// From the tenth to the ninetieth of a hundred trials.
    pub cost_range: Option<(String, String)>,
    pub npv_range: Option<(String, String)>,
    pub line_down: Option<String>,
    pub books: Option<Books>,
    pub npv: Option<String>,
    pub peak_cash: Option<String>,
    pub cash: Option<String>,
    pub last_day: String,
    pub last_day_from: String,
    pub weeks: Option<String>,
    pub probability: Option<String>,
    pub probability_from: String,
    pub why: String,
    pub lines: Vec<Line>,
    pub years: Vec<(String, String)>,
    pub waterfall: Option<Waterfall>,
}

pub struct Line {
    pub name: String,
    pub amount: Option<String>,
    pub from: String,
}

/// `holding, CAP-0310` in the reader's language, where the table has the first words.
fn line_name(language: Language, name: &str) -> String {
    let (what, of) = name.split_once(", ").map_or((name, None), |(what, of)| (what, Some(of)));
    let what = language.found(&format!("line.{}", slug(what))).map_or_else(|| visible::line(what), str::to_owned);
    of.map_or(what.clone(), |of| format!("{what}, {}", visible::line(of)))
}

/// Those that can be chosen first, the cheapest first; then those whose cost is unknown; then those that cannot be chosen.
pub fn answers(assessment: &Assessment, language: Language) -> Vec<AnswerRow> {
    let mut ordered: Vec<&Answer> = assessment.answers.iter().collect();
    ordered.sort_by_key(|answer| (!answer.feasible, answer.total_cost.is_none(), answer.total_cost.map_or(0, Money::minor)));
    let largest = ordered.iter().filter_map(|answer| answer.total_cost).max_by_key(|cost| cost.minor());
    let best = assessment.headline.best_answer.as_deref();
    let row = |answer: &&Answer| AnswerRow {
        slug: slug(&answer.name),
        name: answer_name(language, &answer.name),
        best: best == Some(answer.name.as_str()),
        feasible: answer.feasible,
        cost: answer.total_cost.map(|cost| language.whole_money(cost)),
        share: answer.total_cost.zip(largest).map_or_else(|| "0".to_owned(), |(cost, largest)| chart::share(cost, largest)),
        cost_range: answer.risk.as_ref().map(|risk| spread(&risk.cost, language)),
        npv_range: answer.risk.as_ref().map(|risk| spread(&risk.npv, language)),
        line_down: answer.risk.as_ref().map(|risk| language.percent(risk.line_down_probability)),
        books: assessment.accounting.iter().find(|books| books.answer == answer.name).map(|books| of_books(books, language)),
        npv: answer.npv.map(|npv| language.whole_money(npv)),
        peak_cash: answer.peak_cash.map(|cash| language.whole_money(cash)),
        cash: answer.cash.map(|cash| language.whole_money(cash)),
        last_day: answer.last_day.map_or_else(|| "–".to_owned(), |date| language.date(date)),
        last_day_from: visible::line(&answer.last_day_from),
        weeks: answer.weeks.map(|weeks| language.pieces(weeks)),
        probability: answer.probability.map(|share| language.percent(share)),
        probability_from: visible::line(&answer.probability_from),
        why: visible::line(&answer.why),
        lines: answer
            .lines
            .iter()
            .map(|line| Line {
                name: line_name(language, &line.name),
                amount: line.amount.map(|amount| language.money(amount)),
                from: visible::line(&line.from),
            })
            .collect(),
        years: answer.profit_by_year.iter().flatten().map(|year| (visible::line(&year.year), language.money(year.profit))).collect(),
        waterfall: answer.profit_by_year.as_deref().and_then(|years| chart::waterfall(years, language)),
    };
    ordered.iter().map(row).collect()
}

fn spread(spread: &Spread, language: Language) -> (String, String) {
    (language.whole_money(spread.p10), language.whole_money(spread.p90))
}

/// What doing nothing loses, contribution and penalties, in eighty of a hundred trials.
pub fn loss_range(assessment: &Assessment, language: Language) -> Option<(String, String)> {
    assessment.simulation.as_ref().map(|simulation| spread(&simulation.loss, language))
}

/// An answer in the site's books by fiscal quarter.
pub struct Books {
    pub standard: String,
    pub quarters: Vec<String>,
    /// Name, an amount a quarter, the total.
    pub rows: Vec<(String, Vec<String>, String)>,
}

fn of_books(books: &Accounting, language: Language) -> Books {
    let beside = [Some(&books.profit), Some(&books.capital), books.cash.as_ref(), Some(&books.inventory), Some(&books.accrued)];
    let rows = books.lines.iter().chain(beside.into_iter().flatten()).map(|line| {
        let amounts = line.amounts.iter().map(|amount| language.whole_money(*amount)).collect();
        (visible::line(&line.name), amounts, language.whole_money(line.total))
    });
    Books {
        standard: books.standard.to_string(),
        quarters: books.quarters.iter().map(|quarter| visible::line(quarter)).collect(),
        rows: rows.collect(),
    }
}

/// Which inputs matter.
pub fn tornado(assessment: &Assessment, language: Language) -> Option<chart::Tornado> {
    chart::tornado(&assessment.sensitivities, assessment.headline.best_cost?, language)
}

/// Whether the answer that costs least is to buy: then what to order is what to do.
pub fn is_buying(assessment: &Assessment) -> bool {
    assessment.headline.best_answer.as_deref() == Some(LAST_TIME_BUY)
}

/// How one item's stock runs out.
pub struct Stock {
    pub item: String,
    pub text: String,
    pub runs_out: String,
    pub horizon: String,
    pub requirement: String,
    pub stock: String,
    pub orders: String,
    pub alternate: Option<String>,
    pub no_alternate: Vec<String>,
    pub chart: Option<RunOut>,
}

pub fn stocks(assessment: &Assessment, language: Language) -> Vec<Stock> {
    let date = |date: Option<Date>, otherwise: &str| date.map_or_else(|| language.t(otherwise).to_owned(), |date| language.date(date));
    let one = |item: &ItemStatement| Stock {
        item: visible::line(&item.item),
        text: visible::line(&item.description),
        runs_out: date(item.runs_out, if item.requirement.is_some() { "stock.not_before_horizon" } else { "words.unknown" }),
        horizon: date(item.horizon, "words.unknown"),
        requirement: item.requirement.map_or_else(|| language.t("words.unknown").to_owned(), |pieces| language.pieces(pieces)),
        stock: language.pieces(item.stock),
        orders: language.pieces(item.orders),
        alternate: item.alternate.as_deref().map(visible::line),
        no_alternate: item.no_alternate.iter().map(|sentence| visible::line(sentence)).collect(),
        chart: chart::run_out(&item.months, item.runs_out, buy_by(assessment, &item.item), language),
    };
    assessment.items.iter().map(one).collect()
}

/// What doing nothing costs, product by product.
pub struct Product {
    pub sku: String,
    pub name: String,
    pub units: String,
    pub lost: String,
    pub margin: String,
    pub penalties: String,
}

pub fn products(assessment: &Assessment, language: Language) -> Vec<Product> {
    let unknown = || language.t("words.unknown").to_owned();
    let money = |money: Option<Money>| money.map_or_else(unknown, |money| language.whole_money(money));
    let pieces = |pieces: Option<f64>| pieces.map_or_else(unknown, |pieces| language.pieces(pieces));
    let rows = assessment.products.iter().map(|product| Product {
        sku: visible::line(&product.sku),
        name: visible::line(&product.name),
        units: pieces(product.units),
        lost: pieces(product.units_lost),
        margin: money(product.margin_lost),
        penalties: money(product.penalties),
    });
    rows.collect()
}

#[derive(Template)]
#[template(path = "why.html")]
struct Why {
    p: Shell,
    case: String,
    assessment: String,
    title: String,
    value: String,
    formula: String,
    inputs: Vec<Input>,
    left_out: u32,
}

struct Input {
    what: String,
    value: String,
    from: String,
    /// Another figure that it is.
    figure: Option<String>,
}

#[derive(Deserialize)]
pub struct Asked {
    figure: String,
    assessment: Option<String>,
}

/// One figure: its formula and its inputs with where each comes from.
pub async fn why(service: web::Data<Service>, request: HttpRequest, id: web::Path<String>, asked: web::Query<Asked>) -> HttpResponse {
    let asked = asked.into_inner();
    page(service, request, "cases", move |service, p| {
        let id: CaseId = id.parse()?;
        let case = service.store.case(id)?.ok_or_else(|| Problem::not_found(format!("there is no case {id}")))?;
        let wanted: Option<AssessmentId> = asked.assessment.as_deref().map(str::parse).transpose()?;
        let row = match wanted.or(case.latest) {
            Some(latest) => service.store.assessment(latest)?,
            None => None,
        };
        let row = row.filter(|row| row.case == id).ok_or_else(|| Problem::not_found(format!("{id} has no such assessment")))?;
        let assessment = stored(service, &row)?.ok_or_else(|| Problem::not_found(format!("the statement of {} cannot be shown", row.id)))?;
        let figure = assessment.figures.iter().find(|figure| figure.name == asked.figure);
        let figure = figure.ok_or_else(|| Problem::not_found(format!("{} has no figure '{}'", row.id, asked.figure)))?;
        Ok(Why {
            case: id.to_string(),
            assessment: row.id.to_string(),
            title: figure_title(p.language, &figure.name),
            value: visible::line(&figure.value),
            formula: visible::line(&figure.formula),
            inputs: figure.inputs.iter().map(input).collect(),
            left_out: figure.inputs_left_out,
            p,
        })
    })
    .await
}

fn input(input: &FigureInput) -> Input {
    Input {
        what: visible::line(&input.what),
        value: visible::line(&input.value),
        from: visible::line(&input.from),
        figure: input.from.strip_prefix("figure ").map(str::to_owned),
    }
}

/// `last_time_buy_quantity:R-4711` in words.
fn figure_title(language: Language, name: &str) -> String {
    let (what, of) = name.split_once(':').map_or((name, None), |(what, of)| (what, Some(of)));
    let what = language.found(&format!("figure.{what}")).map_or_else(|| what.replace('_', " "), str::to_owned);
    of.map_or(what.clone(), |of| format!("{what}: {}", visible::line(of)))
}

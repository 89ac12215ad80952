//! The factory's own parts: found by item, part number or words, with sources, stock, where each is used, and which cases touch it.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::{
    Shell, board,
    language::Language,
    page,
    used::{self, Tree, Twig},
    visible,
};
use crate::{
    domain::{factory::AmlEntry, part::normal_mpn},
    factory::{Factory, PartMatch},
    http::{Service, problem::Problem},
    limits,
};

/// Items a search shows.
const FOUND_MAX: usize = 100;

struct Found {
    item: String,
    text: String,
    sources: String,
}

#[derive(Template)]
#[template(path = "parts.html")]
struct Parts {
    p: Shell,
    q: String,
    has_data: bool,
    found: Vec<Found>,
    cut: bool,
    /// Names that are near, where nothing was found.
    near: Vec<String>,
    item: Option<Item>,
}

struct Item {
    item: String,
    text: String,
    facts: Vec<(String, String)>,
    sources: Vec<Source>,
    stock: Vec<StockRow>,
    tree: Tree,
    cases: Vec<(String, String)>,
}

struct Source {
    maker: String,
    mpn: String,
    qualified: bool,
    lifecycle: String,
    share: String,
    price: String,
}

struct StockRow {
    of: String,
    location: String,
    on_hand: String,
    on_order: String,
    due: String,
}

#[derive(Deserialize)]
pub struct Asked {
    q: Option<String>,
    item: Option<String>,
}

pub async fn parts(service: web::Data<Service>, request: HttpRequest, asked: web::Query<Asked>) -> HttpResponse {
    let asked = asked.into_inner();
    page(service, request, "parts", move |service, p| {
        let q = asked.q.unwrap_or_default().trim().to_owned();
        let opened = service.datasets.active()?;
        let mut made = Parts { q, has_data: opened.is_some(), found: Vec::new(), cut: false, near: Vec::new(), item: None, p };
        let Some(opened) = opened else { return Ok(made) };
        let factory = &opened.factory;
        if let Some(number) = asked.item {
            let index = factory
                .item(&number)
                .ok_or_else(|| Problem::not_found(format!("item {} is not in dataset {}", visible::line(&number), opened.row.id)))?;
            made.item = Some(item(service, factory, index, &made.p)?);
        } else if !made.q.is_empty() {
            let mut items = find(factory, &made.q);
            made.cut = items.len() > FOUND_MAX;
            items.truncate(FOUND_MAX);
            made.found = items.into_iter().map(|index| found(factory, index)).collect();
            if let (true, PartMatch::Unknown(near)) = (made.found.is_empty(), factory.find_part(None, &made.q)) {
                made.near = near.iter().map(|near| visible::line(&format!("{} {} ({})", near.maker, near.mpn, near.item))).collect();
            }
        }
        Ok(made)
    })
    .await
}

/// Items that match as a notice's part would, then those that hold the words; at most one more than are shown.
fn find(factory: &Factory, q: &str) -> Vec<usize> {
    let mut items = match factory.find_part(None, q) {
        PartMatch::Known(hits) => hits.iter().map(|hit| hit.item).collect(),
        PartMatch::Unknown(_) => Vec::new(),
    };
    let wanted = q.to_lowercase();
    let has = |text: &str| text.to_lowercase().contains(&wanted);
    let data = &factory.data;
    let by_name = data.items.iter().enumerate().filter(|(_, item)| has(&item.item) || has(&item.description)).map(|(index, _)| index);
    let by_source = data.aml.iter().filter(|entry| has(&entry.mpn) || has(&entry.maker)).filter_map(|entry| factory.item(&entry.item));
    for index in by_name.chain(by_source) {
        if items.len() > FOUND_MAX {
            break;
        }
        if !items.contains(&index) {
            items.push(index);
        }
    }
    items
}

fn source_name(entry: &AmlEntry) -> String {
    visible::line(&format!("{} {}", entry.maker, entry.mpn))
}

fn found(factory: &Factory, index: usize) -> Found {
    let item = &factory.data.items[index];
    let sources: Vec<String> = factory.sources(index).into_iter().map(|source| source_name(&factory.data.aml[source])).collect();
    Found { item: visible::line(&item.item), text: visible::line(&item.description), sources: sources.join(", ") }
}

fn item(service: &Service, factory: &Factory, index: usize, p: &Shell) -> Result<Item, Problem> {
    let language = p.language;
    let row = &factory.data.items[index];
    let sources: Vec<&AmlEntry> = factory.sources(index).into_iter().map(|source| &factory.data.aml[source]).collect();
    let number = |value: &rust_decimal::Decimal| language.number(&value.normalize().to_string());
    let facts = [
        ("parts.type", Some(visible::line(&row.kind)).filter(|kind| !kind.is_empty())),
        ("parts.unit_cost", row.unit_cost.map(|cost| format!("{} {}", number(&cost), row.currency))),
        ("parts.lead_time", row.lead_time_weeks.as_ref().map(number)),
        ("parts.minimum", row.moq.as_ref().map(number)),
        ("parts.multiple", row.order_multiple.as_ref().map(number)),
    ];
    let touched = board::cases(service)?;
    let own: Vec<String> = sources.iter().map(|entry| normal_mpn(&entry.mpn)).collect();
    let cases = touched.iter().filter(|case| case.parts.iter().any(|part| own.contains(&normal_mpn(&part.mpn))));
    Ok(Item {
        item: visible::line(&row.item),
        text: visible::line(&row.description),
        facts: facts
            .into_iter()
            .map(|(key, value)| (language.t(key).to_owned(), value.unwrap_or_else(|| language.t("words.unknown").to_owned())))
            .collect(),
        sources: sources.iter().map(|entry| source(entry, language)).collect(),
        stock: factory
            .data
            .stock
            .iter()
            .filter(|stock| stock.item == row.item)
            .map(|stock| StockRow {
                of: stock.mpn.as_deref().map_or_else(|| "–".to_owned(), visible::line),
                location: stock.location.as_deref().map_or_else(|| "–".to_owned(), visible::line),
                on_hand: number(&stock.on_hand),
                on_order: number(&stock.on_order),
                due: stock.due.map_or_else(|| "–".to_owned(), |due| language.date(due)),
            })
            .collect(),
        tree: used::tree(factory, index, p.today, language),
        cases: cases.take(FOUND_MAX).map(|case| (case.id.to_string(), visible::short(&case.title(), limits::PAGE_TITLE_CHARS_MAX))).collect(),
    })
}

fn source(entry: &AmlEntry, language: Language) -> Source {
    let unknown = || language.t("words.unknown").to_owned();
    Source {
        maker: visible::line(&entry.maker),
        mpn: visible::line(&entry.mpn),
        qualified: entry.qualified,
        lifecycle: entry.lifecycle.as_deref().map_or_else(unknown, visible::line),
        share: entry.share.map_or_else(
            || "–".to_owned(),
            |share| format!("{} %", language.number(&(share * rust_decimal::Decimal::ONE_HUNDRED).normalize().to_string())),
        ),
        price: entry.unit_price.map_or_else(unknown, |price| format!("{} {}", language.number(&price.normalize().to_string()), entry.currency)),
    }
}

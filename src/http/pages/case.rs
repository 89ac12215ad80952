//! One case, from the sentence a manager needs to the evidence an auditor wants.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::{
    Shell, board,
    board::Row,
    chart::Tornado,
    decision::{self, Acts, Shown},
    history::{self, Entry},
    notice::{self, Conflict, Side},
    page,
    progress::{self, Station},
    scenarios,
    statement::{self, AnswerRow, Order, Product, Stock},
    used::{self, Tree, Twig},
    visible,
    visible::Run,
    what_if::{self, Slider},
};
use crate::{
    domain::{
        case::{Case, CaseState, NamedReplacement},
        event::Event,
        id::{AssessmentId, CaseId, EventId},
        job::Step,
        notice::{Notice, NoticeKind, Reading},
        part::normal_mpn,
    },
    handover,
    http::{Service, history as told, problem::Problem},
    impact::Assessment,
    limits,
};

#[derive(Template)]
#[template(path = "case.html")]
struct CasePage {
    p: Shell,
    row: Row,
    kind: String,
    /// What it is about, in plain words.
    sentences: Vec<String>,
    decided: Option<String>,
    stations: Vec<Station>,
    decisions: Vec<Shown>,
    acts: Acts,
    assessment: Option<String>,
    /// An older one than the newest was asked for.
    older: bool,
    as_of: String,
    dataset: String,
    margin_figure: Option<&'static str>,
    buying: bool,
    orders: Vec<Order>,
    needs: Vec<String>,
    parts: Vec<PartRow>,
    more_parts: usize,
    trees: Vec<Tree>,
    stocks: Vec<Stock>,
    products: Vec<Product>,
    years: Vec<(String, String)>,
    answers: Vec<AnswerRow>,
    loss_range: Option<(String, String)>,
    choice: Option<String>,
    tornado: Option<Tornado>,
    assumptions: Vec<String>,
    copies: Vec<Copy>,
    side: Option<Side>,
    conflicts: Vec<Conflict>,
    /// What each notice of the case did to it, oldest first.
    notices: Vec<NoticeRow>,
    history: Vec<Entry>,
    /// Forms in which others take the case over: name and words; empty where none can tell it.
    handover: Vec<(&'static str, String)>,
    /// Of the newest statement; empty for an older one.
    sliders: Vec<Slider>,
    /// What-ifs that people kept, newest first.
    scenarios: Vec<scenarios::Row>,
}

struct NoticeRow {
    event: String,
    received: String,
    source: String,
    what: String,
    changes: Vec<String>,
}

struct PartRow {
    mpn: String,
    items: Vec<String>,
    found_by: Option<String>,
    suggestions: Vec<String>,
    last_time_buy: String,
    last_time_ship: String,
    replacement: String,
}

/// A notice of the case, to be chosen.
struct Copy {
    event: String,
    name: String,
    shown: bool,
}

#[derive(Deserialize)]
pub struct Asked {
    assessment: Option<String>,
    event: Option<String>,
}

pub async fn case(service: web::Data<Service>, request: HttpRequest, id: web::Path<String>, asked: web::Query<Asked>) -> HttpResponse {
    let asked = asked.into_inner();
    page(service, request, "cases", move |service, p| make(service, p, id.parse()?, &asked)).await
}

fn make(service: &Service, p: Shell, id: CaseId, asked: &Asked) -> Result<CasePage, Problem> {
    let case = service.store.case(id)?.ok_or_else(|| Problem::not_found(format!("there is no case {id}")))?;
    let language = p.language;
    let wanted: Option<AssessmentId> = asked.assessment.as_deref().map(str::parse).transpose()?;
    let shown = wanted.or(case.latest);
    let assessment_row = shown.map(|shown| service.store.assessment(shown)).transpose()?.flatten().filter(|row| row.case == id);
    if let (Some(wanted), None) = (wanted, &assessment_row) {
        return Err(Problem::not_found(format!("{id} has no assessment {wanted}")));
    }
    let assessment = assessment_row.as_ref().map(|row| statement::stored(service, row)).transpose()?.flatten();
    let events = events(service, &case)?;
    let decisions = service.store.decisions(id)?;
    let chosen: Option<EventId> = asked.event.as_deref().map(str::parse).transpose()?;
    let chosen = events.iter().find(|event| Some(event.id) == chosen).or(events.last());
    let side = chosen.map(|event| notice::side(service, event, &p)).transpose()?;
    let opened = service.datasets.active()?;
    let items: Vec<&str> = assessment.iter().flat_map(|assessment| &assessment.items).map(|item| item.item.as_str()).collect();
    let trees = opened.iter().flat_map(|opened| {
        let found = items.iter().filter_map(|item| opened.factory.item(item));
        found.map(|item| used::tree(&opened.factory, item, p.today, language)).collect::<Vec<_>>()
    });
    let parts = parts(&case, assessment.as_ref(), &p);
    let of_row = match &assessment_row {
        Some(row) if Some(row.id) == case.latest => service.datasets.get(row.dataset)?,
        _ => None,
    };
    let sliders = assessment.as_ref().zip(of_row).filter(|(assessment, _)| !assessment.items.is_empty());
    let sliders = sliders
        .map_or_else(Vec::new, |(assessment, opened)| what_if::sliders(assessment, &opened.factory.data.site, &what_if::Asked::default(), language));
    Ok(CasePage {
        row: board::row(&case, &p),
        kind: notice::kind(language, case.kind),
        sentences: sentences(&case, assessment.as_ref(), &p),
        decided: match &case.state {
            CaseState::Open => None,
            CaseState::Decided { answer, by, at } => Some(
                language.fill("case.decided_by", &[("answer", &visible::line(answer)), ("by", &visible::line(by)), ("at", &language.moment(*at))]),
            ),
            CaseState::Closed { reason, at } => {
                Some(language.fill("case.closed_at", &[("reason", &visible::line(reason)), ("at", &language.moment(*at))]))
            }
        },
        older: assessment_row.as_ref().is_some_and(|row| Some(row.id) != case.latest),
        as_of: assessment_row.as_ref().map_or_else(String::new, |row| language.date(row.as_of)),
        dataset: assessment_row.as_ref().map_or_else(String::new, |row| row.dataset.to_string()),
        assessment: assessment_row.as_ref().map(|row| row.id.to_string()),
        margin_figure: assessment.as_ref().and_then(|assessment| {
            let there = |name: &&str| assessment.figures.iter().any(|figure| figure.name == **name);
            ["margin_at_risk", "margin_if_it_ends"].into_iter().find(there)
        }),
        buying: assessment.as_ref().is_some_and(statement::is_buying),
        orders: assessment.as_ref().map_or_else(Vec::new, |assessment| statement::orders(assessment, &p)),
        needs: assessment.iter().flat_map(|assessment| &assessment.needs).map(|need| visible::line(need)).collect(),
        more_parts: case.parts.len().saturating_sub(parts.len()),
        parts,
        trees: trees.collect(),
        stocks: assessment.as_ref().map_or_else(Vec::new, |assessment| statement::stocks(assessment, language)),
        products: assessment.as_ref().map_or_else(Vec::new, |assessment| statement::products(assessment, language)),
        years: assessment
            .iter()
            .flat_map(|assessment| &assessment.margin_lost_by_year)
            .map(|year| (visible::line(&year.year), language.whole_money(year.margin_lost)))
            .collect(),
        answers: assessment.as_ref().map_or_else(Vec::new, |assessment| statement::answers(assessment, language)),
        loss_range: assessment.as_ref().and_then(|assessment| statement::loss_range(assessment, language)),
        choice: assessment.as_ref().and_then(|assessment| assessment.choice.as_deref()).map(visible::line),
        tornado: assessment.as_ref().and_then(|assessment| statement::tornado(assessment, language)),
        assumptions: assessment.iter().flat_map(|assessment| &assessment.assumptions).map(|sentence| visible::line(sentence)).collect(),
        copies: events
            .iter()
            .map(|event| Copy {
                event: event.id.to_string(),
                name: super::event_name(event),
                shown: chosen.is_some_and(|chosen| chosen.id == event.id),
            })
            .collect(),
        side,
        conflicts: conflicts(service, &case, &events, &p)?,
        notices: notices(service, &case, &p)?,
        history: history::history(service, &case, shown, &p)?,
        handover: if handover::is_told(&case) {
            handover::Format::ALL.map(|format| (format.as_str(), p.words("handover", format.as_str()))).to_vec()
        } else {
            Vec::new()
        },
        sliders,
        scenarios: scenarios::rows(service, &case, &p)?,
        stations: progress::stations(service, &case, &decisions, &p)?,
        acts: decision::acts(service, &decisions, assessment.as_ref(), &p),
        decisions: decisions.iter().map(|decision| decision::shown(decision, &p)).collect(),
        p,
    })
}

/// The events of a case that are shown, oldest first.
fn events(service: &Service, case: &Case) -> Result<Vec<Event>, Problem> {
    let newest = case.events.iter().rev().take(limits::PAGE_COPIES_MAX).rev();
    let mut events = Vec::new();
    for id in newest {
        events.extend(service.store.event(*id)?);
    }
    Ok(events)
}

fn conflicts(service: &Service, case: &Case, events: &[Event], p: &Shell) -> Result<Vec<Conflict>, Problem> {
    if events.len() < 2 {
        return Ok(Vec::new());
    }
    let mut readings = Vec::new();
    for event in events {
        if service.store.kept(event.id)?.expired_at.is_some() {
            continue;
        }
        let reading: Option<Reading> = notice::result(service, event.id, Step::Reading)?;
        readings.extend(reading.and_then(|reading| of_case(reading, case)).map(|notice| (event.id, notice)));
    }
    Ok(notice::conflicts(&readings, p.language))
}

fn notices(service: &Service, case: &Case, p: &Shell) -> Result<Vec<NoticeRow>, Problem> {
    let row = |row: told::Row| NoticeRow {
        event: row.event.to_string(),
        received: p.language.moment(row.received_at),
        source: visible::line(&row.source),
        what: visible::line(&row.is),
        changes: row.told.iter().flat_map(|told| &told.changes).map(|change| visible::line(&told::sentence(change))).collect(),
    };
    Ok(told::of(&service.store, case)?.into_iter().map(row).collect())
}

/// The notice among those of one document that a case gathers: of its number, otherwise the one that shares most of its parts.
fn of_case(reading: Reading, case: &Case) -> Option<Notice> {
    let shared = |notice: &Notice| {
        let number = notice.notice_id.as_ref().map(|id| normal_mpn(&id.value));
        let same = number.is_some() && number == case.notice_id.as_deref().map(normal_mpn);
        let parts = notice.parts.iter().filter(|part| case.parts.iter().any(|of| normal_mpn(&of.mpn) == normal_mpn(&part.mpn.value)));
        (same, parts.count())
    };
    reading.notices.into_iter().max_by_key(shared)
}

/// What ends, when stock runs out, how much is at stake, and what to do: each in one sentence.
fn sentences(case: &Case, assessment: Option<&Assessment>, p: &Shell) -> Vec<String> {
    let language = p.language;
    let maker = case.maker.as_deref().map_or_else(|| language.t("case.some_maker").to_owned(), visible::line);
    let parts = language.count("case.parts", case.parts.len());
    let what = match case.kind {
        NoticeKind::Pdn => "case.says_ends",
        NoticeKind::Nrnd => "case.says_nrnd",
        NoticeKind::Pcn => "case.says_changes",
        NoticeKind::Retraction => "case.says_withdraws",
        NoticeKind::Other => "case.says_other",
    };
    let mut sentences = vec![language.fill(what, &[("maker", &maker), ("parts", &parts)])];
    let Some(assessment) = assessment else {
        sentences.push(language.t("case.no_statement").to_owned());
        return sentences;
    };
    let known = assessment.headline.known_parts as usize;
    let skus: Vec<String> = assessment.products.iter().map(|product| visible::line(&product.sku)).collect();
    sentences.push(match (known, skus.is_empty()) {
        (0, _) => language.t("case.none_known").to_owned(),
        (_, true) => language.count("case.known_unused", known),
        (_, false) => language.fill("case.known_used", &[("n", &language.count("case.of_them", known)), ("products", &some(&skus, language))]),
    });
    if !assessment.ends || known == 0 {
        return sentences;
    }
    if let Some(day) = assessment.headline.runs_out {
        let days = p.today.until(day).map_or(0, |span| span.get_days());
        sentences.push(language.fill("case.runs_out_on", &[("date", &language.date(day)), ("days", &language.days(days))]));
    } else {
        sentences.push(language.t("case.never_runs_out").to_owned());
    }
    match assessment.headline.margin_at_risk {
        Some(margin) if margin.is_zero() => sentences.push(language.t("case.nothing_at_risk").to_owned()),
        Some(margin) => sentences.push(language.fill("case.at_risk", &[("margin", &language.whole_money(margin))])),
        None => sentences.push(language.t("case.risk_unknown").to_owned()),
    }
    if let (Some(answer), Some(cost)) = (&assessment.headline.best_answer, assessment.headline.best_cost) {
        let answer = board::answer_name(language, answer);
        sentences.push(language.fill("case.best", &[("answer", &answer), ("cost", &language.whole_money(cost))]));
    }
    sentences
}

/// `A, B and 3 more`.
fn some(names: &[String], language: super::language::Language) -> String {
    const SHOWN: usize = 4;
    let shown = names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => language.fill("words.and_more", &[("first", &shown), ("n", &more.to_string())]),
    }
}

fn parts(case: &Case, assessment: Option<&Assessment>, p: &Shell) -> Vec<PartRow> {
    let language = p.language;
    let date = |date: Option<jiff::civil::Date>| date.map_or_else(|| "–".to_owned(), |date| language.date(date));
    let rows = case.parts.iter().enumerate().take(limits::PAGE_VALUES_MAX).map(|(index, part)| {
        let told = assessment.and_then(|assessment| assessment.parts.get(index)).filter(|told| told.mpn == part.mpn);
        PartRow {
            mpn: visible::line(&part.mpn),
            items: told.iter().flat_map(|told| &told.items).map(|item| visible::line(item)).collect(),
            found_by: told.and_then(|told| told.found_by.as_deref()).map(|kind| language.found(&format!("match.{kind}")).unwrap_or("").to_owned()),
            suggestions: told.iter().flat_map(|told| &told.suggestions).map(|sentence| visible::line(sentence)).collect(),
            last_time_buy: date(part.last_time_buy.or(case.last_time_buy)),
            last_time_ship: date(part.last_time_ship.or(case.last_time_ship)),
            replacement: match &part.replacement {
                NamedReplacement::Unsaid => "–".to_owned(),
                NamedReplacement::None => language.t("words.none").to_owned(),
                NamedReplacement::Named(names) => names.iter().map(|name| visible::line(name)).collect::<Vec<_>>().join(", "),
            },
        }
    });
    rows.collect()
}

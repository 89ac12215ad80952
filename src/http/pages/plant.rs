//! What the installation runs on: models, and the settings in force, read-only here.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::{Shell, page, visible};
use crate::{
    http::{
        Service,
        models::{Known, known},
        problem::Problem,
    },
    reading::{
        PROMPT_VERSION,
        trial::{Report, Trial, Values},
    },
};

struct Model {
    name: String,
    file: String,
    size: String,
    /// Architecture, parameters and how they are stored, as far as the file says.
    made: String,
    sha256: String,
    licence: String,
    is_default: bool,
    in_use: bool,
    adapter: Option<String>,
    trial: Option<Tried>,
}

/// A trial in sentences, and a line a field in which something changed.
struct Tried {
    when: String,
    beside: String,
    passes: String,
    rows: Vec<TriedField>,
}

struct TriedField {
    field: String,
    labelled: String,
    in_use: String,
    tried: String,
    better: usize,
    worse: usize,
}

#[derive(Template)]
#[template(path = "models.html")]
struct Models {
    p: Shell,
    prompt: String,
    rows: Vec<Model>,
}

pub async fn models(service: web::Data<Service>, request: HttpRequest) -> HttpResponse {
    page(service, request, "models", |service, p| {
        let rows = known(&service.shelf)?.into_iter().map(|known| model(known, &p)).collect();
        Ok(Models { prompt: PROMPT_VERSION.to_string(), rows, p })
    })
    .await
}

fn model(known: Known, p: &Shell) -> Model {
    let Known { model, is_in_use, trial, .. } = known;
    let parameters = model
        .parameters
        .map(|parameters| p.language.fill("models.parameters", &[("count", &p.language.number(&(parameters / 1_000_000).to_string()))]));
    let made: Vec<String> = [model.architecture, parameters, model.quantisation].into_iter().flatten().map(|part| visible::line(&part)).collect();
    Model {
        name: visible::line(&model.name),
        file: model.path.file_name().map_or_else(String::new, |name| visible::line(&name.to_string_lossy())),
        size: p.language.bytes(model.bytes),
        made: made.join(", "),
        sha256: model.sha256,
        licence: model.licence.map_or_else(|| p.t("words.unknown").to_owned(), |licence| visible::line(&licence)),
        is_default: model.is_default,
        in_use: is_in_use,
        adapter: model.adapter.map(|adapter| adapter.sha256),
        trial: trial.map(|trial| tried(&trial, p)),
    }
}

fn tried(trial: &Trial, p: &Shell) -> Tried {
    let number = |count: usize| p.language.number(&count.to_string());
    let Report { cases, in_use, tried, fields } = &trial.report;
    let share = |values: &Values| format!("{} / {}", number(values.right), number(values.read));
    let rows = fields.iter().filter(|field| field.better_count + field.worse_count > 0).map(|field| TriedField {
        field: p.words("field", &field.field),
        labelled: number(field.labelled),
        in_use: share(&field.in_use),
        tried: share(&field.tried),
        better: field.better_count,
        worse: field.worse_count,
    });
    Tried {
        when: p.language.fill("models.tried", &[("at", &p.language.moment(trial.at)), ("cases", &number(*cases))]),
        beside: p.language.fill("models.beside", &[("model", &visible::line(&trial.beside.name))]),
        passes: p.language.fill(
            "models.passes",
            &[
                ("right", &number(tried.right)),
                ("right_now", &number(in_use.right)),
                ("passed", &number(tried.passed)),
                ("passed_now", &number(in_use.passed)),
                ("wrong", &number(tried.passed_wrong)),
                ("wrong_now", &number(in_use.passed_wrong)),
            ],
        ),
        rows: rows.collect(),
    }
}

#[derive(Template)]
#[template(path = "settings.html")]
struct Settings {
    p: Shell,
    groups: Vec<Group>,
}

pub async fn settings(service: web::Data<Service>, request: HttpRequest) -> HttpResponse {
    page(service, request, "settings", |service, p| Ok(Settings { groups: groups(service, &p)?, p })).await
}

/// A heading, and under it names with their values.
type Group = (String, Vec<(String, String)>);

fn groups(service: &Service, p: &Shell) -> Result<Vec<Group>, Problem> {
    let language = p.language;
    let words = |key: &str| language.t(key).to_owned();
    let names = |names: &[String]| {
        if names.is_empty() { words("words.none") } else { names.iter().map(|name| visible::line(name)).collect::<Vec<_>>().join(", ") }
    };
    let retention = service.retention;
    let mut groups = vec![(
        words("settings.installation"),
        vec![
            (words("settings.version"), env!("CARGO_PKG_VERSION").to_owned()),
            (words("settings.stored"), language.bytes(service.store.stored_bytes())),
            (words("settings.days_kept"), retention.days.map_or_else(|| words("settings.for_ever"), |days| language.number(&days.to_string()))),
            (words("settings.bytes_kept"), retention.bytes.map_or_else(|| words("settings.no_limit"), |bytes| language.bytes(bytes))),
            (words("settings.sources"), names(&service.sources)),
            (
                words("settings.per_minute"),
                if service.per_minute == 0 { words("settings.no_limit") } else { language.number(&service.per_minute.to_string()) },
            ),
            (words("settings.destinations"), names(&service.destinations)),
            (words("settings.four_eyes"), words(if service.four_eyes { "words.yes" } else { "words.no" })),
        ],
    )];
    if let Some(opened) = service.datasets.active()? {
        let site = &opened.factory.data.site;
        let rate =
            |rate: Option<rust_decimal::Decimal>| rate.map_or_else(|| words("words.unknown"), |rate| language.number(&rate.normalize().to_string()));
        let mut rows = vec![
            (words("settings.site"), visible::line(&site.name)),
            (words("settings.currency"), site.reporting_currency.to_string()),
            (words("settings.fiscal_year"), site.fiscal_year_starts.to_string()),
            (words("settings.holding_rate"), rate(site.holding_rate)),
            (words("settings.discount_rate"), rate(site.discount_rate)),
            (words("settings.salvage_ratio"), rate(site.salvage_ratio)),
            (words("settings.spot_factor"), rate(site.spot_price_factor)),
            (words("settings.downtime"), rate(site.downtime_cost_per_week)),
        ];
        rows.extend(site.answers.iter().map(|(name, own)| {
            let value = language.fill(
                "settings.answer_cost",
                &[
                    ("cost", &language.number(&own.cost.to_string())),
                    ("currency", &own.currency.to_string()),
                    ("weeks", &own.weeks.normalize().to_string()),
                ],
            );
            (visible::line(name), value)
        }));
        groups.push((language.fill("settings.of_dataset", &[("id", &opened.row.id.to_string())]), rows));
    }
    Ok(groups)
}

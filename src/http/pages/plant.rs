//! What the installation runs on: models, and the settings in force, read-only here.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::{Shell, page, visible};
use crate::{
    http::{Service, problem::Problem},
    llm,
};

struct Model {
    name: String,
    file: String,
    size: String,
    sha256: String,
    licence: String,
    is_default: bool,
    adapter: Option<String>,
}

#[derive(Template)]
#[template(path = "models.html")]
struct Models {
    p: Shell,
    rows: Vec<Model>,
}

pub async fn models(service: web::Data<Service>, request: HttpRequest) -> HttpResponse {
    page(service, request, "models", |service, p| {
        let rows = llm::find_models(&service.model_dirs).into_iter().map(|model| Model {
            name: visible::line(&model.name),
            file: model.path.file_name().map_or_else(String::new, |name| visible::line(&name.to_string_lossy())),
            size: p.language.bytes(model.bytes),
            sha256: model.sha256,
            licence: model.licence.map_or_else(|| p.t("words.unknown").to_owned(), |licence| visible::line(&licence)),
            is_default: model.is_default,
            adapter: model.adapter.map(|adapter| adapter.sha256),
        });
        Ok(Models { rows: rows.collect(), p })
    })
    .await
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

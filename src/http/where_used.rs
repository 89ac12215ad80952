//! `GET /v1/where-used`: the products a part goes into, every path.

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Service, now, problem::Problem};
use crate::factory::{Factory, Hit, PartMatch};

#[derive(Deserialize)]
struct Asked {
    maker: Option<String>,
    mpn: Option<String>,
    item: Option<String>,
}

pub fn routes(config: &mut web::ServiceConfig) {
    config.route("/v1/where-used", web::get().to(where_used));
}

async fn where_used(service: web::Data<Service>, asked: web::Query<Asked>) -> Result<HttpResponse, Problem> {
    let asked = asked.into_inner();
    let found = web::block(move || look(&service, &asked)).await??;
    Ok(HttpResponse::Ok().json(found))
}

fn look(service: &Service, asked: &Asked) -> Result<Value, Problem> {
    let opened = service.datasets.active()?;
    let opened = opened.ok_or_else(|| Problem::not_found("there is no factory data yet: `lastbuy data import DIR` reads it"))?;
    let factory = &opened.factory;
    let items = match (&asked.mpn, &asked.item) {
        (Some(mpn), _) => match factory.find_part(asked.maker.as_deref(), mpn) {
            PartMatch::Known(hits) => hits.iter().map(|hit| used(factory, hit.item, Some(hit))).collect::<Vec<_>>(),
            PartMatch::Unknown(suggestions) => {
                let maker = asked.maker.as_deref().map(|maker| format!("{maker} ")).unwrap_or_default();
                let detail = format!(
                    "{maker}{mpn} is not in the approved manufacturer list of dataset {}: unknown, which is not the same as unused",
                    opened.row.id
                );
                return Err(Problem::not_found(detail).with("suggestions", json!(suggestions)));
            }
        },
        (None, Some(item)) => match factory.item(item) {
            Some(index) => vec![used(factory, index, None)],
            None => return Err(Problem::not_found(format!("item {item} is not in dataset {}", opened.row.id))),
        },
        (None, None) => return Err(Problem::bad_request("say which part: ?mpn= with ?maker= where it is known, or ?item=")),
    };
    Ok(json!({ "dataset": opened.row.id, "items": items }))
}

fn used(factory: &Factory, item: usize, hit: Option<&Hit>) -> Value {
    let row = &factory.data.items[item];
    let uses = factory.where_used(item, now().date());
    let aml = hit.map(|hit| &factory.data.aml[hit.aml]);
    let sources: Vec<_> = factory.sources(item).into_iter().map(|aml| json!(&factory.data.aml[aml])).collect();
    json!({
        "item": row.item, "description": row.description, "match": hit.map(|hit| hit.kind),
        "maker": aml.map(|entry| &entry.maker), "mpn": aml.map(|entry| &entry.mpn),
        "products": uses.products, "paths": uses.paths, "paths_in_all": uses.paths_in_all, "sources": sources,
    })
}

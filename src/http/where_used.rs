//! `GET /v1/where-used`: the products a part goes into, every path.

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Service, now, problem::Problem};
use crate::factory::{Factory, Hit, PartMatch, ProductUse};

#[derive(Deserialize)]
struct Asked {
    maker: Option<String>,
    mpn: Option<String>,
    item: Option<String>,
    /// `1` adds everything above each item as a tree.
    tree: Option<String>,
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
            PartMatch::Known(hits) => hits.iter().map(|hit| used(factory, asked, hit.item, Some(hit))).collect::<Vec<_>>(),
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
            Some(index) => vec![used(factory, asked, index, None)],
            None => return Err(Problem::not_found(format!("item {item} is not in dataset {}", opened.row.id))),
        },
        (None, None) => return Err(Problem::bad_request("say which part: ?mpn= with ?maker= where it is known, or ?item=")),
    };
    Ok(json!({ "dataset": opened.row.id, "items": items }))
}

fn used(factory: &Factory, asked: &Asked, item: usize, hit: Option<&Hit>) -> Value {
    let (row, on) = (&factory.data.items[item], now().date());
    let uses = factory.where_used(item, on);
    let aml = hit.map(|hit| &factory.data.aml[hit.aml]);
    let sources: Vec<_> = factory.sources(item).into_iter().map(|aml| json!(&factory.data.aml[aml])).collect();
    let product = |used: &ProductUse| {
        let row = &factory.data.products[used.product];
        json!({
            "product": used.product, "sku": used.sku, "name": row.name, "pieces": used.pieces, "contribution": row.contribution_per_unit(),
            "currency": row.currency, "end_of_production": row.end_of_production,
        })
    };
    let tree = asked.tree.as_deref().is_some_and(|tree| tree == "1").then(|| factory.where_used_tree(item, on));
    json!({
        "item": row.item, "description": row.description, "match": hit.map(|hit| hit.kind),
        "maker": aml.map(|entry| &entry.maker), "mpn": aml.map(|entry| &entry.mpn),
        "products": uses.products.iter().map(product).collect::<Vec<_>>(), "paths": uses.paths, "paths_in_all": uses.paths_in_all,
        "sources": sources, "tree": tree,
    })
}

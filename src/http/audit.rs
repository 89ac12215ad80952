//! `GET /v1/audit`: the audit trail, on the admin face. Newest first from `before`, or oldest first from `after`; `sealed` adds what is needed to check it.

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

use super::{Service, problem::Problem, reads::Rows, replay::moment};
use crate::{
    limits,
    store::{AuditFilter, AuditFrom},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    by: Option<String>,
    act: Option<String>,
    object: Option<String>,
    since: Option<String>,
    until: Option<String>,
    before: Option<u64>,
    after: Option<u64>,
    #[serde(default)]
    sealed: bool,
    limit: Option<Rows>,
}

pub async fn audit(service: web::Data<Service>, asked: web::Query<Asked>) -> Result<HttpResponse, Problem> {
    let asked = asked.into_inner();
    let filter = AuditFilter {
        by: asked.by,
        act: asked.act,
        object: asked.object,
        since: asked.since.as_deref().map(moment).transpose()?,
        until: asked.until.as_deref().map(moment).transpose()?,
    };
    let from = match (asked.before, asked.after) {
        (Some(_), Some(_)) => return Err(Problem::bad_request("a page begins before a record or after one, not both")),
        (before, None) => AuditFrom::Before(before),
        (None, Some(after)) => AuditFrom::After(after),
    };
    let limit = asked.limit.map_or(limits::LIST_ROWS_MAX, |rows| rows.0);
    let page = web::block(move || service.store.audit(&filter, from, limit)).await??;
    // A number in words, as the ids of the other lists: `next` is the `before` or `after` of the next page.
    let next = page.next.map(|next| next.to_string());
    Ok(HttpResponse::Ok().json(if asked.sealed {
        json!({ "items": page.entries, "next": next })
    } else {
        json!({ "items": page.entries.into_iter().map(|sealed| sealed.entry).collect::<Vec<_>>(), "next": next })
    }))
}

//! The published shapes of an event and a notice, as they are in `assets/schema`.

use actix_web::{HttpResponse, web};

pub fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/v1/schema/event.v1.json", web::get().to(|| async { schema(include_str!("../../assets/schema/event.v1.json")) }))
        .route("/v1/schema/notice.v1.json", web::get().to(|| async { schema(include_str!("../../assets/schema/notice.v1.json")) }));
}

fn schema(text: &'static str) -> HttpResponse {
    HttpResponse::Ok().content_type("application/schema+json").body(text)
}

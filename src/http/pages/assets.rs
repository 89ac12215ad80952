//! Stylesheet, script and icon, out of the binary. Their addresses hold a digest of what they say, so a browser may keep them for ever.

use std::sync::LazyLock;

use actix_web::{HttpResponse, http::header, web};

use crate::{domain::event::Digest, http::problem::Problem};

struct Asset {
    name: &'static str,
    media_type: &'static str,
    bytes: &'static [u8],
    digest: String,
}

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    let asset = |name, media_type, bytes: &'static [u8]| {
        let digest = Digest::of(bytes).to_string().chars().take(16).collect();
        Asset { name, media_type, bytes, digest }
    };
    vec![
        asset("style.css", "text/css; charset=utf-8", include_bytes!("../../../assets/web/style.css")),
        asset("app.js", "text/javascript; charset=utf-8", include_bytes!("../../../assets/web/app.js")),
        asset("icon.svg", "image/svg+xml", include_bytes!("../../../assets/web/icon.svg")),
    ]
});

pub fn routes(config: &mut web::ServiceConfig) {
    config.route("/assets/{digest}/{name}", web::get().to(one)).route("/favicon.ico", web::get().to(icon));
}

/// Where an asset is.
pub fn address(name: &str) -> String {
    let digest = ASSETS.iter().find(|asset| asset.name == name).map_or("", |asset| asset.digest.as_str());
    format!("/assets/{digest}/{name}")
}

async fn one(path: web::Path<(String, String)>) -> Result<HttpResponse, Problem> {
    let (digest, name) = path.into_inner();
    let asset = ASSETS.iter().find(|asset| asset.name == name && asset.digest == digest);
    let asset = asset.ok_or_else(|| Problem::not_found(format!("there is no {name} of that version: load the page again")))?;
    Ok(HttpResponse::Ok()
        .content_type(asset.media_type)
        .insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .body(asset.bytes))
}

/// Where browsers look for an icon that no page names, as beside a page of JSON.
async fn icon() -> HttpResponse {
    HttpResponse::Ok().content_type("image/svg+xml").body(include_str!("../../../assets/web/icon.svg"))
}

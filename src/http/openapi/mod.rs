//! `GET /openapi.json`: the API's description (OpenAPI 3.1), made from the table of routes (`routes`), what each is for (`described`) and the schemas in `assets/schema/api.v1.json`.

mod described;
mod parameters;

use std::sync::LazyLock;

use actix_web::{HttpResponse, web};
use serde_json::{Map, Value, json};

use self::described::{DESCRIBED, Described};
use super::routes::{API, Needs, Route};
use crate::http::once;

pub fn routes(config: &mut web::ServiceConfig) {
    config.route("/openapi.json", web::get().to(|| async { HttpResponse::Ok().content_type("application/json").body(TEXT.as_str()) }));
}

static TEXT: LazyLock<String> = LazyLock::new(|| document().to_string());

/// The whole description.
pub fn document() -> Value {
    // Checked by a test; a file that is no JSON would describe nothing.
    let schemas: Value = serde_json::from_str(include_str!("../../../assets/schema/api.v1.json")).unwrap_or(Value::Null);
    let mut paths: Map<String, Value> = Map::new();
    for route in API {
        let path = paths.entry(route.path.to_owned()).or_insert_with(|| json!({}));
        path[route.method.to_ascii_lowercase()] = operation(route, described(route));
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Lastbuy", "version": env!("CARGO_PKG_VERSION"), "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
            "description": "What a discontinued component means for this factory. Lists are {items, next}: `next` is the `before` of the next page. Reads carry an ETag. \
                Acts take an Idempotency-Key. Errors are application/problem+json with a stable `code`.",
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer", "description": "`lastbuy token add`" },
                "session": { "type": "apiKey", "in": "cookie", "name": "lastbuy", "description": "acts need the session's token in X-CSRF-Token as well" },
            },
        },
    })
}

fn content(name: &str) -> Value {
    match name.strip_prefix('!') {
        Some(media) => media.split(' ').map(|media| (media.to_owned(), json!({}))).collect::<Map<String, Value>>().into(),
        None => json!({ "application/json": { "schema": { "$ref": format!("#/components/schemas/{name}") } } }),
    }
}

/// What is said of a route. One that nobody described is told by its path; the tests refuse it.
fn described(route: &Route) -> &'static Described {
    const UNTOLD: Described = Described { method: "", path: "", about: "", query: &[], body: None, status: 200, answer: "" };
    DESCRIBED.iter().find(|described| described.method == route.method && described.path == route.path).unwrap_or(&UNTOLD)
}

fn operation(route: &Route, told: &Described) -> Value {
    let in_path = route.path.split(['{', '}']).skip(1).step_by(2);
    let parameter = |name: &str, place: &str| {
        let (required, schema) = (parameters::is_required(route.path, name, place), parameters::schema(route.path, name));
        json!({ "name": name, "in": place, "required": required, "schema": schema })
    };
    let mut parameters: Vec<Value> = in_path.map(|name| parameter(name, "path")).collect();
    parameters.extend(told.query.iter().map(|name| parameter(name, "query")));
    let is_act = route.method == "POST" && matches!(route.needs, Needs::Act(_));
    if is_act && once::takes_key(route.path) {
        parameters.push(parameters::idempotency_key());
    }
    let mut answer = json!({ "description": told.about });
    if !told.answer.is_empty() {
        answer["content"] = content(told.answer);
    }
    let mut responses = problems(route);
    for also in also_answered(route) {
        responses.insert(also.to_string(), answer.clone());
    }
    responses.insert(told.status.to_string(), answer);
    let mut operation = json!({
        "operationId": id(route), "summary": told.about, "tags": [tag(route.path)], "parameters": parameters, "responses": responses,
    });
    match route.needs {
        Needs::Act(act) => {
            operation["security"] = json!([{ "token": [] }, { "session": [] }]);
            operation["x-act"] = json!(act.as_str());
            operation["x-roles"] = json!(act.roles());
        }
        Needs::Nothing | Needs::Entrance => operation["security"] = json!([]),
    }
    if let Some(body) = told.body {
        operation["requestBody"] = json!({ "required": true, "content": content(body) });
    }
    operation
}

/// Every other status there may be, each with a problem; no answer to HEAD and OPTIONS has a body.
fn problems(route: &Route) -> Map<String, Value> {
    let mut statuses = vec![400, 404, 500, 503];
    match (route.method, route.needs) {
        ("HEAD", _) => statuses = vec![404],
        ("OPTIONS", _) => statuses = vec![405],
        ("GET", Needs::Act(_)) => statuses.extend([304, 401, 403, 409, 410, 413, 422]),
        ("GET", _) => statuses.extend([304, 403]),
        (_, Needs::Act(_)) => statuses.extend([401, 403, 408, 409, 410, 413, 415, 422]),
        // What a sender takes for an end is its own.
        (..) => statuses.extend([401, 403, 406, 408, 413, 415, 429]),
    }
    let problem = json!({ "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } });
    let mut unfit = problem.clone();
    if route.path == "/v1/datasets" {
        // Files of no use are told by the same report as good ones.
        unfit["application/json"] = content("Object")["application/json"].clone();
    }
    let told = |status: u16| match status {
        304 => json!({ "description": "It is what If-None-Match names." }),
        404 | 405 if matches!(route.method, "HEAD" | "OPTIONS") => json!({ "description": "It is not taken." }),
        // Whoever watches is told why by the same answer.
        503 if matches!(route.path, "/healthz" | "/readyz") => json!({ "description": "What is wrong.", "content": content("Object") }),
        422 => json!({ "description": "It is understood, and cannot be.", "content": unfit }),
        _ => json!({ "description": "What is wrong, and what to do.", "content": problem }),
    };
    statuses.into_iter().map(|status| (status.to_string(), told(status))).collect()
}

/// Other statuses of what is done.
fn also_answered(route: &Route) -> &'static [u16] {
    match (route.method, route.path) {
        ("POST", "/v1/hooks/{source}" | "/v1/replay") => &[200],
        ("POST", "/v1/datasets") => &[200],
        _ => &[],
    }
}

/// `postCasesIdDecision`: unique, because method and path are.
fn id(route: &Route) -> String {
    let words = route.path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty() && *word != "v1");
    let capital = |word: &str| word[..1].to_ascii_uppercase() + &word[1..];
    words.fold(route.method.to_ascii_lowercase(), |id, word| id + &capital(word))
}

/// The first word of the path that says what it is about.
fn tag(path: &str) -> &str {
    path.split('/').find(|word| !word.is_empty() && !matches!(*word, "v1" | "api")).unwrap_or("lastbuy")
}

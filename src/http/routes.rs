//! Every route of the network face and what it needs: the one table that the guard enforces and that `/openapi.json` is made from. A route that is not here is refused.

use actix_web::http::Method;

use crate::domain::access::Act;

/// What must be so before a route is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: deliveries show by themselves who sent them, and health and looks are no secret.
    Nothing,
    /// Nobody need have signed in, but no page of another site may send it.
    Entrance,
    Act(Act),
}

pub struct Route {
    pub method: &'static str,
    pub path: &'static str,
    pub needs: Needs,
}

const fn open(method: &'static str, path: &'static str) -> Route {
    Route { method, path, needs: Needs::Nothing }
}

const fn entrance(method: &'static str, path: &'static str) -> Route {
    Route { method, path, needs: Needs::Entrance }
}

const fn get(path: &'static str) -> Route {
    Route { method: "GET", path, needs: Needs::Act(Act::Read) }
}

const fn get_as(act: Act, path: &'static str) -> Route {
    Route { method: "GET", path, needs: Needs::Act(act) }
}

const fn post(act: Act, path: &'static str) -> Route {
    Route { method: "POST", path, needs: Needs::Act(act) }
}

/// Pages: what a browser shows. They are no part of `/openapi.json`.
const PAGES: &[Route] = &[
    get("/"),
    get("/cases"),
    get("/cases/{id}"),
    get("/cases/{id}/why"),
    get("/cases/{id}/what-if"),
    post(Act::Decide, "/cases/{id}/scenarios"),
    post(Act::Decide, "/cases/{id}/decision"),
    get("/review"),
    get("/review/{job}"),
    post(Act::Review, "/review/{job}"),
    get("/events"),
    // Notices as files.
    post(Act::Ingest, "/events"),
    get("/events/{id}"),
    post(Act::Work, "/events/{id}/retry"),
    post(Act::Work, "/events/{id}/release"),
    post(Act::Work, "/events/{id}/drop"),
    get("/parts"),
    get("/datasets"),
    post(Act::Data, "/datasets"),
    post(Act::Data, "/datasets/{id}/use"),
    get("/models"),
    get_as(Act::Notify, "/messages"),
    post(Act::Notify, "/messages/{id}/retry"),
    get_as(Act::Audit, "/audit"),
    get("/settings"),
    entrance("POST", "/preferences"),
    open("GET", "/favicon.ico"),
    entrance("GET", "/sign-in"),
    entrance("POST", "/sign-in"),
    entrance("GET", "/setup"),
    entrance("POST", "/setup"),
    post(Act::Account, "/sign-out"),
    get_as(Act::Account, "/account"),
    post(Act::Account, "/account"),
];

/// The API.
pub const API: &[Route] = &[
    open("POST", "/v1/hooks/{source}"),
    open("HEAD", "/v1/hooks/{source}"),
    open("OPTIONS", "/v1/hooks/{source}"),
    open("POST", "/api/v1/webhooks/commercial-radar"),
    open("POST", "/api/v1/webhooks/inbound-email"),
    open("POST", "/v1/ingest/component-alert"),
    open("POST", "/v1/ingest/email-forward"),
    open("GET", "/healthz"),
    open("GET", "/readyz"),
    // For the machines and networks in server.metrics_from.
    open("GET", "/metrics"),
    open("GET", "/openapi.json"),
    open("GET", "/v1/schema/event.v1.json"),
    open("GET", "/v1/schema/notice.v1.json"),
    get("/api/v1/dashboard/risk-metrics"),
    get("/v1/events"),
    get("/v1/events/{id}"),
    get("/v1/events/{id}/raw"),
    get("/v1/jobs"),
    get("/v1/jobs/counts"),
    get("/v1/jobs/{id}"),
    get("/v1/jobs/{id}/results/{step}"),
    get("/v1/cases"),
    get("/v1/cases/{id}"),
    get("/v1/assessments"),
    get("/v1/assessments/{id}"),
    get("/v1/assessments/{id}/row"),
    get("/v1/datasets"),
    get("/v1/where-used"),
    get("/v1/stream"),
    get("/v1/calendar.ics"),
    get("/v1/cases/{id}/what-if"),
    get("/v1/cases/{id}/scenarios"),
    post(Act::Decide, "/v1/cases/{id}/scenarios"),
    get("/v1/cases/{id}/scenarios/{number}"),
    post(Act::Ingest, "/v1/ingest"),
    post(Act::Work, "/v1/replay"),
    post(Act::Work, "/v1/jobs/{id}/retry"),
    post(Act::Work, "/v1/jobs/{id}/cancel"),
    get_as(Act::Work, "/v1/quarantine"),
    post(Act::Work, "/v1/quarantine/{id}/release"),
    post(Act::Work, "/v1/quarantine/{id}/drop"),
    post(Act::Decide, "/v1/cases"),
    post(Act::Decide, "/v1/cases/{id}/decide"),
    get("/v1/cases/{id}/decision"),
    post(Act::Decide, "/v1/cases/{id}/decision"),
    post(Act::Approve, "/v1/cases/{id}/decision/approve"),
    post(Act::Approve, "/v1/cases/{id}/decision/refuse"),
    post(Act::Decide, "/v1/cases/{id}/decision/done"),
    post(Act::Decide, "/v1/cases/{id}/decision/reopen"),
    get_as(Act::Audit, "/v1/cases/{id}/evidence"),
    get("/v1/cases/{id}/export"),
    get("/v1/evidence-key"),
    get("/v1/reviews"),
    get("/v1/reviews/{job}"),
    post(Act::Review, "/v1/reviews/{job}"),
    get("/v1/corrections"),
    // Files as a form; what names files of this machine is on the admin socket.
    post(Act::Data, "/v1/datasets"),
    get("/v1/datasets/{id}/turned"),
    post(Act::Data, "/v1/datasets/{id}/use"),
    get_as(Act::Audit, "/v1/audit"),
    get("/v1/models"),
    post(Act::Upkeep, "/v1/models/{name}/use"),
    post(Act::Upkeep, "/v1/models/{name}/remove"),
    get_as(Act::Notify, "/v1/messages"),
    get_as(Act::Notify, "/v1/messages/counts"),
    get_as(Act::Notify, "/v1/messages/{id}"),
    post(Act::Notify, "/v1/messages/{id}/retry"),
    get_as(Act::Notify, "/v1/destinations"),
    post(Act::Notify, "/v1/destinations/{name}/test"),
    get_as(Act::Upkeep, "/v1/holds"),
    post(Act::Upkeep, "/v1/events/{id}/hold"),
    post(Act::Upkeep, "/v1/events/{id}/release"),
    post(Act::Upkeep, "/v1/retention"),
    get_as(Act::Upkeep, "/v1/space"),
    get("/v1/me"),
    get_as(Act::Users, "/v1/users"),
    post(Act::Users, "/v1/users"),
    post(Act::Users, "/v1/users/{name}/role"),
    post(Act::Users, "/v1/users/{name}/password"),
    post(Act::Users, "/v1/users/{name}/disable"),
    post(Act::Users, "/v1/users/{name}/enable"),
    get_as(Act::Account, "/v1/tokens"),
    post(Act::Account, "/v1/tokens"),
    post(Act::Account, "/v1/tokens/{id}/revoke"),
];

/// What a route needs; `None`: it is in no table.
pub fn needs(method: &Method, path: &str) -> Option<Needs> {
    let found = API.iter().chain(PAGES).find(|route| route.path == path && route.method == method.as_str());
    // Looks are no secret: stylesheets, scripts and pictures lie in one folder.
    let looks = *method == Method::GET && path.starts_with("/assets/");
    found.map(|route| route.needs).or(looks.then_some(Needs::Nothing))
}

/// The methods that a path takes, for `Allow`.
pub fn methods(path: &str) -> String {
    let of: Vec<&str> = API.iter().chain(PAGES).filter(|route| route.path == path).map(|route| route.method).collect();
    of.join(", ")
}

/// What a browser shows.
pub fn pages() -> &'static [Route] {
    PAGES
}

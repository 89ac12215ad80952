//! The pages people use: rendered here, one file a page, with one stylesheet and one small script of our own. Every page works without the script.
//!
//! A page is made beside the event loop (`page`), from the store and the dataset in force, by a template that escapes everything. What came from outside
//! passes `visible` first. The words are in `assets/web/en.toml` and `de.toml`.

mod assets;
mod board;
mod case;
mod chart;
mod datasets;
mod decision;
pub mod entrance;
mod events;
mod handed_in;
mod history;
mod language;
mod notice;
mod overview;
mod parts;
mod plant;
mod preferences;
mod progress;
mod records;
mod review;
mod scenarios;
mod statement;
mod used;
mod visible;
mod what_if;

use actix_web::{
    HttpRequest, HttpResponse, ResponseError,
    http::{StatusCode, header},
    web,
};
use askama::Template;
use jiff::civil::Date;

pub use self::{
    board::{Board, cases as known_cases},
    visible::is_hidden,
};
use self::{
    language::Language,
    preferences::{Preferences, Theme},
};
use super::{Caller, Service, now, problem::Problem};
use crate::{
    domain::{access::Act, event::Event},
    limits,
};

pub fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/", web::get().to(overview::overview))
        .route("/cases", web::get().to(overview::cases))
        .route("/cases/{id}", web::get().to(case::case))
        .route("/cases/{id}/why", web::get().to(statement::why))
        .route("/cases/{id}/what-if", web::get().to(what_if::what_if))
        .route("/v1/cases/{id}/what-if", web::get().to(what_if::api))
        .route("/cases/{id}/scenarios", web::post().to(scenarios::keep))
        .route("/v1/cases/{id}/scenarios", web::get().to(scenarios::list))
        .route("/v1/cases/{id}/scenarios", web::post().to(scenarios::add))
        .route("/v1/cases/{id}/scenarios/{number}", web::get().to(scenarios::statement))
        .route("/cases/{id}/decision", web::post().to(decision::decide))
        .route("/review", web::get().to(review::queue))
        .route("/review/{job}", web::get().to(review::one))
        .route("/review/{job}", web::post().to(review::resolve))
        .route("/events", web::get().to(events::events))
        .route("/events", web::post().to(handed_in::take))
        .route("/events/{id}", web::get().to(events::event))
        .route("/events/{id}/retry", web::post().to(events::retry))
        .route("/events/{id}/release", web::post().to(events::release))
        .route("/events/{id}/drop", web::post().to(events::drop))
        .route("/parts", web::get().to(parts::parts))
        .route("/datasets", web::get().to(datasets::datasets))
        .route("/datasets", web::post().to(datasets::upload))
        .route("/datasets/{id}/use", web::post().to(datasets::put_in_force))
        .route("/models", web::get().to(plant::models))
        .route("/messages", web::get().to(records::messages))
        .route("/messages/{id}/retry", web::post().to(records::retry))
        .route("/audit", web::get().to(records::audit))
        .route("/settings", web::get().to(plant::settings))
        .route("/preferences", web::post().to(preferences::keep))
        .configure(assets::routes);
}

/// What every page has around it.
pub struct Shell {
    pub language: Language,
    pub theme: Theme,
    /// Key of the entry of the navigation that is open.
    pub here: &'static str,
    /// Path and query of this page, for the switches that come back to it.
    pub path: String,
    /// The site's name, where a dataset is in force.
    pub site: String,
    /// How many wait for a person to read them.
    pub review: u64,
    pub today: Date,
    /// Whoever reads it is not in yet: there is nothing to go to and nothing to find.
    pub is_outside: bool,
    caller: Caller,
}

/// Who asks for a page, and how they want to see it.
#[derive(Clone)]
struct Asked {
    preferences: Preferences,
    caller: Caller,
}

impl Asked {
    fn of(request: &HttpRequest) -> Asked {
        Asked { preferences: Preferences::of(request), caller: Caller::of(request) }
    }
}

impl Shell {
    fn of(service: &Service, asked: Asked, here: &'static str) -> Result<Shell, Problem> {
        let site = service.datasets.active()?.map_or_else(String::new, |opened| opened.factory.data.site.name.clone());
        let review = service.store.job_counts()?.get("review").copied().unwrap_or(0);
        Ok(Shell { site, review, ..Shell::bare(asked, here) })
    }

    /// Of a page that asks the store nothing.
    fn bare(asked: Asked, here: &'static str) -> Shell {
        let Asked { preferences: Preferences { language, theme, path }, caller } = asked;
        Shell { language, theme, here, path, site: String::new(), review: 0, today: now().date(), is_outside: false, caller }
    }

    /// Of a page for who is not in yet.
    fn outside(request: &HttpRequest) -> Shell {
        Shell { is_outside: true, ..Shell::bare(Asked::of(request), "") }
    }

    pub fn may_work(&self) -> bool {
        self.caller.may(Act::Work)
    }

    pub fn may_review(&self) -> bool {
        self.caller.may(Act::Review)
    }

    pub fn may_decide(&self) -> bool {
        self.caller.may(Act::Decide)
    }

    pub fn may_audit(&self) -> bool {
        self.caller.may(Act::Audit)
    }

    pub fn may_hand_in(&self) -> bool {
        self.caller.may(Act::Ingest)
    }

    pub fn may_data(&self) -> bool {
        self.caller.may(Act::Data)
    }

    pub fn may_notify(&self) -> bool {
        self.caller.may(Act::Notify)
    }

    /// What forms of this session carry.
    pub fn csrf(&self) -> &str {
        self.caller.csrf.as_deref().unwrap_or_default()
    }

    /// Who signed in.
    pub fn who(&self) -> Option<&str> {
        self.caller.is_signed_in().then_some(self.caller.name.as_str())
    }

    /// The words under a key.
    pub fn t<'k>(&self, key: &'k str) -> &'k str {
        self.language.t(key)
    }

    /// The words under a key that is put together; the key's own end where the table has none.
    pub fn words(&self, section: &str, key: &str) -> String {
        self.language.found(&format!("{section}.{key}")).unwrap_or(key).to_owned()
    }

    /// What the caller may open, with its address.
    pub fn nav(&self) -> Vec<(&'static str, &'static str)> {
        let all = [
            ("overview", "/", Act::Read),
            ("cases", "/cases", Act::Read),
            ("review", "/review", Act::Read),
            ("events", "/events", Act::Read),
            ("parts", "/parts", Act::Read),
            ("datasets", "/datasets", Act::Read),
            ("models", "/models", Act::Read),
            ("messages", "/messages", Act::Notify),
            ("audit", "/audit", Act::Audit),
            ("settings", "/settings", Act::Read),
        ];
        all.into_iter().filter(|(_, _, act)| self.caller.may(*act)).map(|(key, address, _)| (key, address)).collect()
    }

    /// What an entry of the navigation is called.
    pub fn nav_words(&self, key: &str) -> &str {
        self.language.found(&format!("nav.{key}")).unwrap_or_default()
    }

    pub fn themes(&self) -> [Theme; 3] {
        Theme::ALL
    }

    pub fn theme_words(&self, theme: &Theme) -> &str {
        self.language.found(&format!("theme.{}", theme.name())).unwrap_or_default()
    }

    pub fn asset(&self, name: &str) -> String {
        assets::address(name)
    }
}

/// Sends a browser to another page.
fn see(path: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, path)).finish()
}

/// Makes a page from what is stored, beside the event loop. What goes wrong is a page as well.
async fn page<T, M>(service: web::Data<Service>, request: HttpRequest, here: &'static str, make: M) -> HttpResponse
where
    T: Template + Send + 'static,
    M: FnOnce(&Service, Shell) -> Result<T, Problem> + Send + 'static,
{
    let asked = Asked::of(&request);
    let again = asked.clone();
    let rendered = web::block(move || Shell::of(&service, asked, here).and_then(|shell| make(&service, shell)).and_then(|page| text(&page)));
    match rendered.await.unwrap_or_else(|error| Err(error.into())) {
        Ok(text) => html(StatusCode::OK, text),
        Err(problem) => failed(&problem, again, here),
    }
}

fn text(page: &impl Template) -> Result<String, Problem> {
    page.render().map_err(|error| Problem::internal(format!("the page cannot be rendered: {error}")))
}

fn html(status: StatusCode, text: String) -> HttpResponse {
    HttpResponse::build(status).insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8")).body(text)
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage {
    p: Shell,
    heading: String,
    sentence: String,
}

fn failed(problem: &Problem, asked: Asked, here: &'static str) -> HttpResponse {
    let status = problem.status_code();
    let p = Shell::bare(asked, here);
    let heading = match status.as_u16() {
        401 | 403 => p.t("problem.not_allowed"),
        404 | 410 => p.t("problem.not_found"),
        409 => p.t("problem.changed"),
        503 => p.t("problem.busy"),
        ..500 => p.t("problem.not_understood"),
        500.. => p.t("problem.failed"),
    };
    let page = ProblemPage { heading: heading.to_owned(), sentence: visible::line(&problem.to_string()), p };
    page.render().map_or_else(|_| problem.error_response(), |text| html(status, text))
}

/// What went wrong, as a page for whoever asked for one.
pub fn refused(request: &HttpRequest, problem: &Problem) -> HttpResponse {
    failed(problem, Asked::of(request), "")
}

/// What a delivery is called: its subject, else its file, else its number.
fn event_name(event: &Event) -> String {
    let subject = event.headers.iter().find(|(name, _)| name == "subject").map(|(_, value)| value.as_str());
    let name = subject.or(event.file_name.as_deref()).filter(|name| !name.trim().is_empty());
    name.map_or_else(|| event.id.to_string(), |name| visible::short(name, limits::PAGE_TITLE_CHARS_MAX))
}

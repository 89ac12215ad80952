//! Signing in and out, the first admin, and the own password: plain forms that need no script.

use actix_web::{
    HttpRequest, HttpResponse, ResponseError as _,
    http::{StatusCode, header},
    web,
};
use serde::Deserialize;

use super::{Caller, Kind, guard::is_page, hashed, peer};
use crate::{
    domain::{access::User, event::Digest},
    http::{
        Service,
        admin::blocking,
        now,
        pages::{
            self,
            entrance::{self, Wrong},
        },
        problem::Problem,
    },
    store::{Actor, UserChange},
};

type Answer = Result<HttpResponse, Problem>;

pub fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/sign-in", web::get().to(sign_in_page))
        .route("/sign-in", web::post().to(sign_in))
        .route("/sign-out", web::post().to(sign_out))
        .route("/setup", web::get().to(setup_page))
        .route("/setup", web::post().to(setup))
        .route("/account", web::get().to(account_page))
        .route("/account", web::post().to(change_password));
}

/// A refusal as a page for who asked for one, otherwise as a problem.
pub(super) fn refused(request: &HttpRequest, problem: Problem) -> HttpResponse {
    if !is_page(request) {
        return problem.error_response();
    }
    pages::refused(request, &problem)
}

/// Sends a browser to another page.
pub(super) fn see(path: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, path)).finish()
}

/// A text for use in a query.
pub(super) fn escaped(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// Where to go after signing in: a path here, or the first page. What a browser would take for another site is none.
fn local(next: &str) -> &str {
    let plain = next.starts_with('/') && !next.starts_with("//") && !next.contains('\\') && next.chars().all(|c| c.is_ascii_graphic());
    if plain && !next.starts_with("/sign-") { next } else { "/" }
}

/// Whether cookies go over TLS only.
fn is_secure(request: &HttpRequest, service: &Service) -> bool {
    service.access.settings.secure_cookies || request.app_config().secure()
}

/// With the prefix a browser takes the cookie from this very host over TLS and from nobody else.
fn cookie_name(secure: bool) -> &'static str {
    if secure { "__Host-lastbuy" } else { "lastbuy" }
}

/// The hash of the session's cookie, where there is one.
pub(super) fn cookie(request: &HttpRequest, service: &Service) -> Option<[u8; 32]> {
    let name = cookie_name(is_secure(request, service));
    let mut cookies = request.headers().get_all(header::COOKIE).filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(';'));
    cookies.find_map(|cookie| cookie.trim().split_once('=').filter(|(found, _)| *found == name).map(|(_, value)| hashed(value)))
}

fn set_cookie(request: &HttpRequest, service: &Service, value: &str, age_seconds: i64) -> (header::HeaderName, String) {
    let secure = is_secure(request, service);
    let flag = if secure { "; Secure" } else { "" };
    (header::SET_COOKIE, format!("{}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={age_seconds}{flag}", cookie_name(secure)))
}

/// Begins a session for a user who proved to be one, and sends the browser on.
fn begin(service: &Service, request: &HttpRequest, user: &User, next: &str) -> Answer {
    let begun = service.access.sessions.begin(user, cookie(request, service), now())?;
    let mut response = see(next);
    let (name, value) = set_cookie(request, service, &begun.cookie, crate::limits::SESSION_MS_MAX / 1000);
    let value = header::HeaderValue::from_str(&value).map_err(|error| Problem::internal(format!("a cookie cannot be written: {error}")))?;
    response.headers_mut().append(name, value);
    Ok(response)
}

/// Puts on record that somebody signed in, or tried.
async fn told(service: &web::Data<Service>, act: &'static str, object: String, detail: String, by: Actor) -> Result<(), Problem> {
    let service = service.clone();
    blocking(move || service.store.note(act, &object, &detail, &by, now())).await
}

#[derive(Deserialize)]
struct Next {
    #[serde(default)]
    next: String,
}

async fn sign_in_page(service: web::Data<Service>, request: HttpRequest, caller: Caller, asked: web::Query<Next>) -> Answer {
    if !service.store.has_users()? {
        return Ok(see("/setup"));
    }
    if caller.is_signed_in() {
        return Ok(see(local(&asked.next)));
    }
    Ok(entrance::sign_in(&request, StatusCode::OK, None, "", local(&asked.next)))
}

#[derive(Deserialize)]
struct SignIn {
    name: String,
    password: String,
    #[serde(default)]
    next: String,
}

async fn sign_in(service: web::Data<Service>, request: HttpRequest, form: web::Form<SignIn>) -> Answer {
    let SignIn { name, password, next } = form.into_inner();
    let (name, peer, next) = (name.trim().to_lowercase(), peer(&request), local(&next).to_owned());
    let again = |status, wrong| Ok(entrance::sign_in(&request, status, Some(wrong), &name, &next));
    match check(&service, &name, &password, peer).await? {
        Checked::Right(user) => {
            told(&service, "access.signed_in", name.clone(), format!("from {peer}"), Actor(format!("user:{name}"))).await?;
            begin(&service, &request, &user, &next)
        }
        Checked::Wrong => again(StatusCode::UNAUTHORIZED, Wrong::Pair),
        Checked::Wait(seconds) => again(StatusCode::TOO_MANY_REQUESTS, Wrong::Wait(seconds)),
    }
}

enum Checked {
    Right(User),
    Wrong,
    Wait(u64),
}

/// Whether a password is that of a user who may sign in; a wrong one is on record. A name that is not known takes as long as one that is.
async fn check(service: &web::Data<Service>, name: &str, password: &str, peer: std::net::IpAddr) -> Result<Checked, Problem> {
    if let Err(seconds) = service.access.lockout.attempt(name, peer, now()) {
        return Ok(Checked::Wait(seconds));
    }
    let user = service.store.user(name)?;
    let kept = user.as_ref().map(|user| service.store.password_of(user)).transpose()?.flatten();
    let right = service.access.passwords.is(password.to_owned(), kept).await?;
    match user {
        Some(user) if right && user.is_active(now()) => {
            service.access.lockout.succeeded(name, peer);
            Ok(Checked::Right(user))
        }
        known => {
            // A name that is none may be a password in the wrong field, and stays out of the record.
            let (object, why) = match &known {
                Some(user) if !user.is_active(now()) => (user.name.clone(), "the user is disabled or expired"),
                Some(user) => (user.name.clone(), "wrong password"),
                None => ("unknown".to_owned(), "no such user"),
            };
            told(service, "access.refused", object, format!("{why}, from {peer}"), Actor(format!("peer:{peer}"))).await?;
            Ok(Checked::Wrong)
        }
    }
}

async fn sign_out(service: web::Data<Service>, request: HttpRequest, caller: Caller) -> Answer {
    if let Kind::Session(key) = caller.kind {
        service.access.sessions.end(key);
        told(&service, "access.signed_out", caller.name.clone(), String::new(), caller.actor()).await?;
    }
    let mut response = see("/sign-in");
    let (name, value) = set_cookie(&request, &service, "", 0);
    let value = header::HeaderValue::from_str(&value).map_err(|error| Problem::internal(format!("a cookie cannot be written: {error}")))?;
    response.headers_mut().append(name, value);
    Ok(response)
}

#[derive(Deserialize)]
struct Code {
    #[serde(default)]
    code: String,
}

async fn setup_page(service: web::Data<Service>, request: HttpRequest, asked: web::Query<Code>) -> Answer {
    if service.store.has_users()? {
        return Ok(see("/sign-in"));
    }
    Ok(entrance::setup(&request, StatusCode::OK, None, "", &asked.code))
}

#[derive(Deserialize)]
struct Setup {
    code: String,
    name: String,
    password: String,
    again: String,
}

async fn setup(service: web::Data<Service>, request: HttpRequest, form: web::Form<Setup>) -> Answer {
    let Setup { code, name, password, again } = form.into_inner();
    let (name, peer) = (name.trim().to_lowercase(), peer(&request));
    if service.store.has_users()? {
        return Ok(see("/sign-in"));
    }
    let fails = |status, wrong| Ok(entrance::setup(&request, status, Some(wrong), &name, &code));
    if let Err(seconds) = service.access.lockout.attempt("", peer, now()) {
        return fails(StatusCode::TOO_MANY_REQUESTS, Wrong::Wait(seconds));
    }
    let expected = *service.access.setup_code.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if expected.is_none() || expected != Some(Digest::of(code.trim().as_bytes())) {
        told(&service, "access.refused", "setup".to_owned(), format!("wrong code, from {peer}"), Actor(format!("peer:{peer}"))).await?;
        return fails(StatusCode::FORBIDDEN, Wrong::Code);
    }
    service.access.lockout.succeeded("", peer);
    if let Some(wrong) = Wrong::with(&name, &password, &again) {
        return fails(StatusCode::UNPROCESSABLE_ENTITY, wrong);
    }
    let hash = service.access.passwords.hash(password).await?;
    let (store, own) = (service.clone(), name.clone());
    let by = Actor(format!("user:{name}"));
    let user = blocking(move || store.store.change_user(&own, UserChange::First { password: hash }, &by, now())).await?;
    service.access.setup_code.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
    told(&service, "access.signed_in", name.clone(), format!("from {peer}, with the code of the first start"), Actor(format!("user:{name}"))).await?;
    begin(&service, &request, &user, "/")
}

#[derive(Deserialize)]
struct Done {
    #[serde(default)]
    done: bool,
}

async fn account_page(request: HttpRequest, caller: Caller, asked: web::Query<Done>) -> HttpResponse {
    entrance::account(&request, StatusCode::OK, None, &caller, asked.done)
}

#[derive(Deserialize)]
struct NewPassword {
    old: String,
    password: String,
    again: String,
}

async fn change_password(service: web::Data<Service>, request: HttpRequest, caller: Caller, form: web::Form<NewPassword>) -> Answer {
    let NewPassword { old, password, again } = form.into_inner();
    if !caller.is_signed_in() {
        return Err(Problem::forbidden("a password is changed by who signed in with it"));
    }
    let name = caller.name.clone();
    let fails = |status, wrong| Ok(entrance::account(&request, status, Some(wrong), &caller, false));
    match check(&service, &name, &old, peer(&request)).await? {
        Checked::Right(_) => {}
        Checked::Wrong => return fails(StatusCode::FORBIDDEN, Wrong::Present),
        Checked::Wait(seconds) => return fails(StatusCode::TOO_MANY_REQUESTS, Wrong::Wait(seconds)),
    }
    if let Some(wrong) = Wrong::with_password(&name, &password, &again) {
        return fails(StatusCode::UNPROCESSABLE_ENTITY, wrong);
    }
    let hash = service.access.passwords.hash(password).await?;
    let (store, by) = (service.clone(), caller.actor());
    let user = blocking(move || store.store.change_user(&name, UserChange::Password(hash), &by, now())).await?;
    // Every session of before is over; this one goes on under a new cookie.
    begin(&service, &request, &user, "/account?done=true")
}

#[cfg(test)]
mod tests {
    use super::local;

    #[test]
    fn nobody_is_sent_to_another_site() {
        for good in ["/", "/cases/C-1", "/events?state=dead&before=E-12"] {
            assert_eq!(local(good), good);
        }
        for bad in [
            "",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil",
            "https://evil.example",
            "javascript:alert(1)",
            "/a\r\nset-cookie: x",
            "/\t/evil",
            "/sign-out",
            "/sign-in",
        ] {
            assert_eq!(local(bad), "/", "{bad}");
        }
    }
}

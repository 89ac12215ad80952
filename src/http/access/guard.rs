//! Stands before every route of the network face: who calls, what the route needs, and whether a browser was made to call by somebody else's page.

use actix_web::{
    Error, HttpMessage as _, HttpRequest, HttpResponse, ResponseError as _,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method,
        header::{self, HeaderValue},
    },
    middleware::Next,
    web,
};
use serde::Deserialize;

use super::{Caller, Kind, account, hashed};
use crate::{
    domain::{access::Token, event::Digest, time::At},
    http::{
        Service, body, now,
        problem::Problem,
        routes::{self, Needs},
    },
    limits,
};

/// How a token begins, so that one that was lost is found by those who look for such.
pub(super) const TOKEN_MARK: &str = "lbt_";

pub async fn guard(mut request: ServiceRequest, next: Next<impl MessageBody + 'static>) -> Result<ServiceResponse<BoxBody>, Error> {
    match admit(&mut request).await {
        Ok(()) => Ok(next.call(request).await?.map_into_boxed_body()),
        Err(refused) => Ok(request.into_response(refused)),
    }
}

async fn admit(request: &mut ServiceRequest) -> Result<(), HttpResponse> {
    // The path as it is routed, which is not the path as it is written.
    let Some(pattern) = request.resource_map().match_pattern(request.match_info().as_str()) else { return Ok(()) };
    let Some(needs) = routes::needs(request.method(), &pattern) else {
        let mut refused = Problem::method_not_allowed(format!("{} is not what {} takes", request.method(), request.path())).error_response();
        if let Ok(taken) = HeaderValue::from_str(&routes::methods(&pattern)) {
            refused.headers_mut().insert(header::ALLOW, taken);
        }
        return Err(refused);
    };
    if needs == Needs::Nothing {
        return Ok(());
    }
    let Some(service) = request.app_data::<web::Data<Service>>().cloned() else {
        return Err(Problem::internal("the server has no store").error_response());
    };
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let caller = find(request.request(), &service).await.map_err(|problem| problem.error_response())?;
    if changes && by_another_page(request) {
        return Err(Problem::forbidden("a page of another site sent this; open it here and send it again").error_response());
    }
    match (caller, needs) {
        (Some(caller), Needs::Act(act)) => {
            // Also where it is refused: the page that says so is the caller's.
            request.extensions_mut().insert(caller.clone());
            if let Err(problem) = caller.must(act) {
                let open_to_sign_in = caller.kind == Kind::Anonymous;
                return Err(if open_to_sign_in { unknown(request.request(), &service) } else { account::refused(request.request(), problem) });
            }
            if changes && caller.csrf.is_some() {
                check_csrf(&service, request, &caller).await.map_err(|problem| account::refused(request.request(), problem))?;
            }
            Ok(())
        }
        (None, Needs::Act(_)) => Err(unknown(request.request(), &service)),
        (caller, Needs::Entrance | Needs::Nothing) => {
            if let Some(caller) = caller {
                request.extensions_mut().insert(caller);
            }
            Ok(())
        }
    }
}

/// Who calls; `None`: nobody who is known. A token that is not good is an error, and nobody falls back to less.
async fn find(request: &HttpRequest, service: &Service) -> Result<Option<Caller>, Problem> {
    let bearer = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
    });
    if let Some(bearer) = bearer {
        return by_token(service, &bearer).map(Some);
    }
    if let Some(key) = account::cookie(request, service) {
        let now = now();
        if let Some((name, csrf)) = service.access.sessions.find(key, request.path() != "/v1/stream", now)
            && let Some(user) = service.store.user(&name)?
            && user.is_active(now)
            && service.access.sessions.is_of(key, &user)
        {
            return Ok(Some(Caller { name, role: user.role, csrf: Some(csrf), kind: Kind::Session(key) }));
        }
    }
    Ok(service.access.is_open(&service.store)?.then(Caller::anonymous))
}

fn by_token(service: &Service, text: &str) -> Result<Caller, Problem> {
    let refused = || Problem::unknown_caller("this token is not known, or was revoked, or is over");
    if !text.starts_with(TOKEN_MARK) {
        return Err(refused());
    }
    let (now, token) = (now(), service.store.token_by_hash(Digest(hashed(text)))?.ok_or_else(refused)?);
    let user = service.store.user(&token.user)?.filter(|user| user.is_active(now)).ok_or_else(refused)?;
    if !token.is_active(now) {
        return Err(refused());
    }
    let Token { id, scopes, used_at, .. } = token;
    let caller = Caller { name: user.name, role: user.role, csrf: None, kind: Kind::Token { id, scopes } };
    if used_at.is_none_or(|used: At| now.0 - used.0 >= limits::TOKEN_USE_TOLD_MS) {
        let (store, by) = (std::sync::Arc::clone(&service.store), caller.actor());
        // Not waited for: the request does not hang on its own note, and the next one makes up for one that failed.
        drop(web::block(move || store.token_used(id, &by, now)));
    }
    Ok(caller)
}

/// What somebody unknown is told: a browser is sent to sign in, a program that it must.
fn unknown(request: &HttpRequest, service: &Service) -> HttpResponse {
    let has_users = match service.store.has_users() {
        Ok(has_users) => has_users,
        Err(error) => return Problem::from(error).error_response(),
    };
    if is_page(request) {
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        let next = if request.method() == Method::GET { path } else { "/" };
        let to = if has_users { format!("/sign-in?next={}", account::escaped(next)) } else { "/setup".to_owned() };
        return account::see(&to);
    }
    let what = if has_users {
        "sign in, or send a token: `lastbuy token add` makes one"
    } else {
        "there is no user yet: `lastbuy user add`, or /setup with the code that the server printed when it started, makes the first"
    };
    Problem::unknown_caller(what).error_response()
}

/// Whether a person with a browser asks for a page.
pub fn is_page(request: &HttpRequest) -> bool {
    let html = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).is_some_and(|accept| accept.contains("text/html"));
    html && !request.path().starts_with("/v1/") && !request.path().starts_with("/api/")
}

/// Whether a browser says that another site's page made it send this. Programs say nothing of the kind.
fn by_another_page(request: &ServiceRequest) -> bool {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = header("sec-fetch-site") {
        return !matches!(site, "same-origin" | "none");
    }
    match header("origin") {
        None => false,
        // By HTTP/2 the host is no header, and a proxy may tell it in one of its own; a page of another site sets neither.
        Some(origin) => origin.split_once("://").is_none_or(|(_, from)| !from.eq_ignore_ascii_case(request.connection_info().host())),
    }
}

#[derive(Deserialize)]
struct Csrf {
    csrf: String,
}

/// The session's token must come along: in a header, in a field of a form, or, where the body is files, in the address.
async fn check_csrf(service: &Service, request: &mut ServiceRequest, caller: &Caller) -> Result<(), Problem> {
    let media = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default().to_ascii_lowercase();
    let in_query = |query: &str| web::Query::<Csrf>::from_query(query).ok().map(|found| found.into_inner().csrf);
    let sent = if let Some(header) = request.headers().get("x-csrf-token").and_then(|value| value.to_str().ok()) {
        Some(header.to_owned())
    } else if media.starts_with("application/x-www-form-urlencoded") {
        let form = body::peek(service, request, limits::FORM_BYTES_MAX).await?;
        std::str::from_utf8(&form).ok().and_then(in_query)
    } else if media.starts_with("multipart/form-data") {
        in_query(request.query_string())
    } else {
        None
    };
    let expected = caller.csrf.as_deref().map(hashed);
    // Hashes are compared, so the time tells nothing of the token.
    if sent.is_some_and(|sent| expected == Some(hashed(&sent))) {
        return Ok(());
    }
    Err(Problem::forbidden("the form is not one of this session: go back, load the page again, and send it once more"))
}

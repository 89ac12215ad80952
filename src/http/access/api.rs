//! Users and tokens under `/v1`. A token's text, and a password that is made here, are in one answer and nowhere else.

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Caller, Unfit, guard::TOKEN_MARK, hashed, secret};
use crate::{
    domain::{
        access::{Act, Role, Token, User},
        event::Digest,
        id::TokenId,
    },
    http::{Service, admin::blocking, now, problem::Problem, replay::moment},
    store::{NewToken, UserChange},
};

type Answer = Result<HttpResponse, Problem>;

pub fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/v1/me", web::get().to(me))
        .route("/v1/users", web::get().to(users))
        .route("/v1/users", web::post().to(add_user))
        .route("/v1/users/{name}/role", web::post().to(change_role))
        .route("/v1/users/{name}/password", web::post().to(change_password))
        .route("/v1/users/{name}/disable", web::post().to(disable))
        .route("/v1/users/{name}/enable", web::post().to(enable))
        .route("/v1/tokens", web::get().to(tokens))
        .route("/v1/tokens", web::post().to(add_token))
        .route("/v1/tokens/{id}/revoke", web::post().to(revoke));
}

/// What is told of a user: nothing of the password but whether there is one.
fn shown(user: &User) -> Value {
    json!({
        "name": user.name, "role": user.role, "has_password": user.password.is_some(), "disabled": user.disabled, "expires": user.expires,
        "active": user.is_active(now()), "made_at": user.made_at, "changed_at": user.changed_at,
    })
}

fn shown_token(token: &Token) -> Value {
    json!({
        "id": token.id, "name": token.name, "user": token.user, "scopes": token.scopes, "made_at": token.made_at, "made_by": token.made_by,
        "expires": token.expires, "revoked": token.revoked, "active": token.is_active(now()), "used_at": token.used_at,
    })
}

/// Who calls, and what they may do.
async fn me(caller: Caller) -> HttpResponse {
    let acts: Vec<&str> = Act::ALL.iter().filter(|act| caller.may(**act)).map(|act| act.as_str()).collect();
    HttpResponse::Ok().json(json!({ "name": caller.name, "role": caller.role, "may": acts }))
}

async fn users(service: web::Data<Service>) -> Answer {
    Ok(HttpResponse::Ok().json(json!({ "items": service.store.users()?.iter().map(shown).collect::<Vec<_>>(), "next": None::<String> })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewUser {
    name: String,
    role: String,
    /// Left out: one is made and told once.
    password: Option<String>,
    /// No password at all: only tokens act for it.
    #[serde(default)]
    machine: bool,
    expires: Option<String>,
}

fn role(text: &str) -> Result<Role, Problem> {
    text.parse().map_err(Problem::bad_request)
}

/// A password to keep, and the one to tell where it was made here.
async fn chosen(service: &Service, given: Option<String>, name: &str) -> Result<(String, Option<String>), Problem> {
    let (password, made) = match given {
        Some(given) => match Unfit::found(&given, name) {
            Some(why) => return Err(Problem::bad_request(why.to_string())),
            None => (given, None),
        },
        None => {
            let made = secret::<15>()?;
            (made.clone(), Some(made))
        }
    };
    Ok((service.access.passwords.hash(password).await?, made))
}

async fn add_user(service: web::Data<Service>, caller: Caller, new: web::Json<NewUser>) -> Answer {
    let NewUser { name, role: asked, password, machine, expires } = new.into_inner();
    let role = role(&asked)?;
    let expires = expires.as_deref().map(moment).transpose()?;
    if machine && password.is_some() {
        return Err(Problem::bad_request("a user without a password has none: leave one of the two away"));
    }
    let (hash, made) = if machine { (None, None) } else { chosen(&service, password, &name).await.map(|(hash, made)| (Some(hash), made))? };
    let by = caller.actor();
    let user = blocking(move || service.store.change_user(&name, UserChange::Add { role, password: hash, expires }, &by, now())).await?;
    let mut shown = shown(&user);
    if let Some(made) = made {
        shown["password"] = Value::String(made);
    }
    Ok(HttpResponse::Created().json(shown))
}

async fn change(service: web::Data<Service>, caller: &Caller, name: String, change: UserChange) -> Result<User, Problem> {
    if service.store.user(&name)?.is_none() {
        return Err(Problem::not_found(format!("there is no user {name}: `lastbuy user list` shows which are")));
    }
    let by = caller.actor();
    blocking(move || service.store.change_user(&name, change, &by, now())).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewRole {
    role: String,
}

async fn change_role(service: web::Data<Service>, caller: Caller, name: web::Path<String>, new: web::Json<NewRole>) -> Answer {
    let user = change(service, &caller, name.into_inner(), UserChange::Role(role(&new.role)?)).await?;
    Ok(HttpResponse::Ok().json(shown(&user)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewPassword {
    password: Option<String>,
}

async fn change_password(service: web::Data<Service>, caller: Caller, name: web::Path<String>, new: web::Json<NewPassword>) -> Answer {
    let (hash, made) = chosen(&service, new.into_inner().password, &name).await?;
    let mut shown = shown(&change(service, &caller, name.into_inner(), UserChange::Password(hash)).await?);
    if let Some(made) = made {
        shown["password"] = Value::String(made);
    }
    Ok(HttpResponse::Ok().json(shown))
}

async fn disable(service: web::Data<Service>, caller: Caller, name: web::Path<String>) -> Answer {
    Ok(HttpResponse::Ok().json(shown(&change(service, &caller, name.into_inner(), UserChange::Disable).await?)))
}

async fn enable(service: web::Data<Service>, caller: Caller, name: web::Path<String>) -> Answer {
    Ok(HttpResponse::Ok().json(shown(&change(service, &caller, name.into_inner(), UserChange::Enable).await?)))
}

/// Everybody's for an admin, otherwise the own ones.
async fn tokens(service: web::Data<Service>, caller: Caller) -> Answer {
    let all = service.store.tokens()?;
    let seen = all.iter().filter(|token| caller.may(Act::Users) || token.user == caller.name).map(shown_token);
    Ok(HttpResponse::Ok().json(json!({ "items": seen.collect::<Vec<_>>(), "next": None::<TokenId> })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewTokenAsked {
    /// What it is for.
    name: String,
    /// Whose; left out: the caller's own.
    user: Option<String>,
    scopes: Vec<String>,
    expires: Option<String>,
}

async fn add_token(service: web::Data<Service>, caller: Caller, new: web::Json<NewTokenAsked>) -> Answer {
    let NewTokenAsked { name, user, scopes, expires } = new.into_inner();
    let user = user.unwrap_or_else(|| caller.name.clone());
    if user != caller.name {
        caller.must(Act::Users)?;
    }
    let mut scopes = scopes.iter().map(|scope| scope.parse()).collect::<Result<Vec<Act>, String>>().map_err(Problem::bad_request)?;
    scopes.sort();
    scopes.dedup();
    let expires = expires.as_deref().map(moment).transpose()?;
    let text = format!("{TOKEN_MARK}{}", secret::<32>()?);
    let new = NewToken { name, user, scopes, hash: Digest(hashed(&text)), expires };
    let by = caller.actor();
    let token = blocking(move || service.store.add_token(new, &by, now())).await?;
    let mut shown = shown_token(&token);
    shown["token"] = Value::String(text);
    Ok(HttpResponse::Created().json(shown))
}

async fn revoke(service: web::Data<Service>, caller: Caller, id: web::Path<String>) -> Answer {
    let id: TokenId = id.parse()?;
    let there = service.store.token(id)?.filter(|token| caller.may(Act::Users) || token.user == caller.name);
    if there.is_none() {
        return Err(Problem::not_found(format!("there is no token {id}")));
    }
    let by = caller.actor();
    let token = blocking(move || service.store.revoke_token(id, &by, now())).await?;
    Ok(HttpResponse::Ok().json(shown_token(&token)))
}

//! Who calls, and what they may do: users with passwords, sessions in a cookie, tokens of programs.
//!
//! Every request over the network passes `guard` before it is routed: it finds who calls, looks up what the route needs (`routes`), and refuses what is not allowed. A
//! route that is in no table is refused. Handlers take `Caller`, which says who it is and what else they may do (`caller.may(Act::Decide)`), and pages ask it
//! which buttons to show. On the admin socket the caller is the user of the machine at its other end, who may do everything but approve.
//!
//! What a caller in a browser changes carries the session's CSRF token: a form in a field named `csrf`, a script in the header `X-CSRF-Token`, a form with files
//! in `?csrf=` of its action. `Caller::csrf` is its value.

mod account;
mod api;
mod guard;
mod lockout;
mod password;
mod session;

use std::{
    future::{Ready, ready},
    net::{IpAddr, Ipv4Addr},
    sync::{Mutex, PoisonError},
};

use actix_web::{FromRequest, HttpMessage as _, HttpRequest, dev::Payload, web};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::rand::{SecureRandom as _, SystemRandom};

pub use self::{
    guard::{guard, is_page},
    password::Unfit,
};
use self::{lockout::Lockout, password::Passwords, session::Sessions};
use super::{Service, problem::Problem, start::Peer};
use crate::{
    domain::{
        access::{ANONYMOUS, Act, Role},
        event::Digest,
    },
    rate::counted_as,
    store::{Actor, ReadError, Store},
};

/// What the site decides about signing in.
#[derive(Debug, Clone, Copy)]
pub struct AccessSettings {
    /// Everybody signs in; otherwise whoever reaches a loopback address may read until there is a user.
    pub always: bool,
    /// The network face listens on loopback only.
    pub loopback: bool,
    /// Cookies go over TLS only, because a proxy before this server speaks it.
    pub secure_cookies: bool,
}

impl Default for AccessSettings {
    /// What suits a server without a network face.
    fn default() -> AccessSettings {
        AccessSettings { always: true, loopback: true, secure_cookies: false }
    }
}

/// What the server knows of those who sign in, in memory.
pub(super) struct Access {
    settings: AccessSettings,
    sessions: Sessions,
    lockout: Lockout,
    passwords: Passwords,
    /// Opens `/setup` once, while there is no user.
    setup_code: Mutex<Option<Digest>>,
}

impl Access {
    pub fn new(settings: AccessSettings) -> Access {
        let (sessions, lockout) = (Sessions::default(), Lockout::default());
        Access { settings, sessions, lockout, passwords: Passwords::default(), setup_code: Mutex::new(None) }
    }

    /// Whether everybody may read without signing in.
    fn is_open(&self, store: &Store) -> Result<bool, ReadError> {
        Ok(!self.settings.always && self.settings.loopback && !store.has_users()?)
    }

    /// A code that makes the first admin, for the console; `None`: there are users.
    pub fn make_setup_code(&self, store: &Store) -> Result<Option<String>, ReadError> {
        if store.has_users()? {
            return Ok(None);
        }
        let Ok(code) = secret::<15>() else { return Ok(None) };
        *self.setup_code.lock().unwrap_or_else(PoisonError::into_inner) = Some(Digest::of(code.as_bytes()));
        Ok(Some(code))
    }
}

/// So many random bytes, as text for addresses and cookies.
fn secret<const BYTES: usize>() -> Result<String, Problem> {
    let mut bytes = [0; BYTES];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Problem::internal("the machine gives no random numbers"))?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

/// Who calls.
#[derive(Debug, Clone)]
pub struct Caller {
    /// User's name; `anonymous` while nobody needs to sign in; `uid:1000` on the admin socket.
    pub name: String,
    pub role: Role,
    /// Of a session: what every form and script sends along. `None`: the caller is no browser, or did not sign in.
    pub csrf: Option<String>,
    kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Anonymous,
    /// With the hash of the session's cookie.
    Session([u8; 32]),
    Token {
        id: crate::domain::id::TokenId,
        scopes: Vec<Act>,
    },
    Socket,
}

impl Caller {
    pub fn may(&self, act: Act) -> bool {
        match &self.kind {
            Kind::Anonymous => act == Act::Read,
            Kind::Session(_) => self.role.may(act),
            Kind::Token { scopes, .. } => self.role.may(act) && scopes.contains(&act),
            // Whoever reads the socket owns the data; but a second pair of eyes is a person's.
            Kind::Socket => act != Act::Approve,
        }
    }

    /// The same, as an error for who may not.
    pub fn must(&self, act: Act) -> Result<(), Problem> {
        if self.may(act) {
            return Ok(());
        }
        let who = match &self.kind {
            Kind::Anonymous => "who has not signed in".to_owned(),
            Kind::Token { id, .. } => format!("token {id} of {} ({})", self.name, self.role.as_str()),
            Kind::Session(_) | Kind::Socket => format!("{} ({})", self.name, self.role.as_str()),
        };
        let roles = act.roles().iter().map(|role| role.as_str()).collect::<Vec<_>>().join(", ");
        Err(Problem::forbidden(format!("{who} may not do this: it takes '{}', which have {roles}", act.as_str())))
    }

    pub fn is_signed_in(&self) -> bool {
        matches!(self.kind, Kind::Session(_))
    }

    /// How the log names it: `user:anna`, `user:erp token:T-3`, `uid:1000`.
    pub fn actor(&self) -> Actor {
        Actor(match &self.kind {
            Kind::Session(_) => format!("user:{}", self.name),
            Kind::Token { id, .. } => format!("user:{} token:{id}", self.name),
            Kind::Anonymous | Kind::Socket => self.name.clone(),
        })
    }

    fn anonymous() -> Caller {
        Caller { name: ANONYMOUS.to_owned(), role: Role::Viewer, csrf: None, kind: Kind::Anonymous }
    }

    /// Who called: what the guard found, or who is at the other end of the socket.
    pub(super) fn of(request: &HttpRequest) -> Caller {
        if let Some(peer) = request.conn_data::<Peer>() {
            return Caller { name: format!("uid:{}", peer.uid), role: Role::Admin, csrf: None, kind: Kind::Socket };
        }
        request.extensions().get::<Caller>().cloned().unwrap_or_else(Caller::anonymous)
    }
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Ready<Result<Caller, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Caller::of(request)))
    }
}

/// The machine a request comes from, as it is counted.
fn peer(request: &HttpRequest) -> IpAddr {
    counted_as(request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip()))
}

/// Pages for signing in and the own account, and users and tokens under `/v1`.
pub fn routes(config: &mut web::ServiceConfig) {
    config.configure(account::routes).configure(api::routes);
}

/// A hash of what is random enough that only its equality tells anything.
fn hashed(secret: &str) -> [u8; 32] {
    Digest::of(secret.as_bytes()).0
}

impl Service {
    /// A code for the console that makes the first admin; `None` where there are users.
    pub fn setup_code(&self) -> Result<Option<String>, ReadError> {
        self.access.make_setup_code(&self.store)
    }
}

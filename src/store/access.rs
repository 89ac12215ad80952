//! Users and tokens. What is kept of a password is a body that its user's record names by digest.

use super::{
    Actor, ReadError, Store, WriteError,
    act::{Done, mark, refused},
    draft::{Draft, DraftError, elsewhere, key},
    record::{Record, TokenAct, UserAct},
    trees::Which,
};
use crate::{
    domain::{
        access::{Act, Role, Token, User, bad_name},
        event::Digest,
        id::TokenId,
        time::At,
    },
    limits,
};

/// What changes about a user.
#[derive(Debug, Clone)]
pub enum UserChange {
    /// There must be none of this name. `password` is its hash in PHC form.
    Add {
        role: Role,
        password: Option<String>,
        expires: Option<At>,
    },
    /// The same, and only while there is no user at all.
    First {
        password: String,
    },
    Role(Role),
    Password(String),
    Disable,
    Enable,
}

/// What a new token is.
#[derive(Debug, Clone)]
pub struct NewToken {
    pub name: String,
    pub user: String,
    pub scopes: Vec<Act>,
    pub hash: Digest,
    pub expires: Option<At>,
}

impl Store {
    pub fn change_user(&self, name: &str, change: UserChange, by: &Actor, now: At) -> Result<User, WriteError> {
        let (name, by) = (name.to_owned(), by.clone());
        self.write(0, move |draft| change_user(draft, &name, change, &by, now))
    }

    pub fn add_token(&self, new: NewToken, by: &Actor, now: At) -> Result<Token, WriteError> {
        let by = by.clone();
        self.write(0, move |draft| add_token(draft, new, &by, now))
    }

    pub fn revoke_token(&self, id: TokenId, by: &Actor, now: At) -> Result<Token, WriteError> {
        let by = by.clone();
        self.write(0, move |draft| {
            let Some(token) = draft.token(id)? else { return refused(format!("there is no token {id}")) };
            if token.revoked {
                return refused(format!("{id} is revoked already"));
            }
            append_token(draft, Token { revoked: true, ..token }, TokenAct::Revoked, &by, now)
        })
    }

    /// Puts on record that a token is in use, once in `limits::TOKEN_USE_TOLD_MS`.
    pub fn token_used(&self, id: TokenId, by: &Actor, now: At) -> Result<(), WriteError> {
        let by = by.clone();
        self.write(0, move |draft| match draft.token(id)? {
            Some(token) if token.used_at.is_none_or(|used| now.0 - used.0 >= limits::TOKEN_USE_TOLD_MS) => {
                append_token(draft, Token { used_at: Some(now), ..token }, TokenAct::Used, &by, now).map(drop)
            }
            _ => Ok(()),
        })
    }

    pub fn user(&self, name: &str) -> Result<Option<User>, ReadError> {
        Ok(self.shared.draft().user(name)?)
    }

    /// By name.
    pub fn users(&self) -> Result<Vec<User>, ReadError> {
        let names: Vec<Vec<u8>> =
            self.shared.view.all(Which::Users).map(|row| row.map(|(name, _)| name)).collect::<Result<_, _>>().map_err(broken)?;
        let draft = self.shared.draft();
        names
            .iter()
            .map(|name| draft.user(&String::from_utf8_lossy(name)))
            .filter_map(Result::transpose)
            .collect::<Result<_, DraftError>>()
            .map_err(broken)
    }

    /// Whether anybody could sign in or be acted for.
    pub fn has_users(&self) -> Result<bool, ReadError> {
        Ok(self.shared.draft().first_from(Which::Users, &[])?.is_some())
    }

    /// The hash of a user's password, in PHC form.
    pub fn password_of(&self, user: &User) -> Result<Option<String>, ReadError> {
        let Some(digest) = user.password else { return Ok(None) };
        let bytes = self.blob(digest)?.ok_or_else(|| ReadError(format!("what is kept of the password of {} is missing", user.name)))?;
        String::from_utf8(bytes).map(Some).map_err(broken)
    }

    pub fn token_by_hash(&self, hash: Digest) -> Result<Option<Token>, ReadError> {
        let draft = self.shared.draft();
        match draft.number(Which::TokenHashes, &hash.0)? {
            Some(id) => Ok(draft.token(TokenId(id))?),
            None => Ok(None),
        }
    }

    pub fn token(&self, id: TokenId) -> Result<Option<Token>, ReadError> {
        Ok(self.shared.draft().token(id)?)
    }

    /// Newest first.
    pub fn tokens(&self) -> Result<Vec<Token>, ReadError> {
        let draft = self.shared.draft();
        let newest = draft.state.token.0;
        let ids = (1..=newest).rev().take(limits::LIST_ROWS_MAX);
        ids.map(|id| draft.token(TokenId(id))).filter_map(Result::transpose).collect::<Result<_, DraftError>>().map_err(broken)
    }
}

fn broken(error: impl std::fmt::Display) -> ReadError {
    ReadError(error.to_string())
}

fn change_user(draft: &mut Draft<'_>, name: &str, change: UserChange, by: &Actor, now: At) -> Done<User> {
    let there = draft.user(name)?;
    let (act, password, mut user) = match (there, change) {
        (Some(_), UserChange::Add { .. } | UserChange::First { .. }) => return refused(format!("there is a user {name} already")),
        (None, UserChange::Add { role, password, expires }) => (UserAct::Added, password, new_user(name, role, expires, now)),
        (None, UserChange::First { password }) => {
            if draft.first_from(Which::Users, &[])?.is_some() {
                return refused("there are users already: an admin adds further ones");
            }
            (UserAct::Added, Some(password), new_user(name, Role::Admin, None, now))
        }
        (None, _) => return refused(format!("there is no user {name}")),
        (Some(user), UserChange::Role(role)) => (UserAct::Role, None, User { role, ..user }),
        (Some(user), UserChange::Password(hash)) => (UserAct::Password, Some(hash), user),
        (Some(user), UserChange::Disable) => (UserAct::Disabled, None, User { disabled: true, ..user }),
        (Some(user), UserChange::Enable) => (UserAct::Enabled, None, User { disabled: false, ..user }),
    };
    if let Some(why) = bad_name(name) {
        return refused(why);
    }
    if act == UserAct::Added && draft.state.users >= limits::USERS_MAX {
        return refused(format!("there are {} users, which is as many as there may be", limits::USERS_MAX));
    }
    if matches!(act, UserAct::Disabled | UserAct::Role) && (user.role != Role::Admin || user.disabled) && last_admin(draft, name, now)? {
        return refused(format!("{name} is the last admin: make another one first"));
    }
    if let Some(hash) = password {
        let digest = Digest::of(hash.as_bytes());
        draft.keep(digest, hash.as_bytes())?;
        user.password = Some(digest);
    }
    user.version += 1;
    user.changed_at = now;
    draft.append(&Record::User { user: Box::new(user.clone()), act, mark: mark(&by.0, now) })?;
    Ok(user)
}

fn new_user(name: &str, role: Role, expires: Option<At>, now: At) -> User {
    User { name: name.to_owned(), role, password: None, disabled: false, expires, version: 0, made_at: now, changed_at: now }
}

/// Whether nobody else could manage users.
fn last_admin(draft: &Draft<'_>, name: &str, now: At) -> Result<bool, DraftError> {
    let is_admin = |user: &User| user.role == Role::Admin && user.is_active(now) && user.password.is_some();
    if !draft.user(name)?.is_some_and(|user| is_admin(&user)) {
        return Ok(false);
    }
    let mut from: Vec<u8> = Vec::new();
    while let Some(found) = draft.first_from(Which::Users, &from)? {
        let other = draft.user(&String::from_utf8_lossy(&found))?;
        if other.is_some_and(|other| other.name != name && is_admin(&other)) {
            return Ok(false);
        }
        from = [found.as_slice(), &[0]].concat();
    }
    Ok(true)
}

fn add_token(draft: &mut Draft<'_>, new: NewToken, by: &Actor, now: At) -> Done<Token> {
    let NewToken { name, user, scopes, hash, expires } = new;
    let Some(owner) = draft.user(&user)? else { return refused(format!("there is no user {user}")) };
    if let Some(beyond) = scopes.iter().find(|act| !owner.role.may(**act) || !act.is_scope()) {
        return refused(format!("{user} is {} and may not {} by a token", owner.role.as_str(), beyond.as_str()));
    }
    if scopes.is_empty() || name.trim().is_empty() || name.len() > limits::TOKEN_NAME_BYTES_MAX {
        return refused(format!("a token has a scope, and a name of at most {} bytes that says what it is for", limits::TOKEN_NAME_BYTES_MAX));
    }
    if draft.state.token.0 >= limits::TOKENS_MAX {
        return refused(format!("{} tokens were made, which is as many as there may be", limits::TOKENS_MAX));
    }
    let id = TokenId(draft.state.token.0 + 1);
    let token = Token { id, name, user, scopes, hash, made_at: now, made_by: by.0.clone(), expires, revoked: false, used_at: None };
    append_token(draft, token, TokenAct::Added, by, now)
}

fn append_token(draft: &mut Draft<'_>, token: Token, act: TokenAct, by: &Actor, now: At) -> Done<Token> {
    draft.append(&Record::Token { token: Box::new(token.clone()), act, mark: mark(&by.0, now) })?;
    Ok(token)
}

impl Draft<'_> {
    pub(super) fn user(&self, name: &str) -> Result<Option<User>, DraftError> {
        let told = |record| match record {
            Record::User { user, .. } if user.name == name => Ok(*user),
            _ => elsewhere(&name),
        };
        self.record(Which::Users, name.as_bytes())?.map(told).transpose()
    }

    pub(super) fn token(&self, id: TokenId) -> Result<Option<Token>, DraftError> {
        let told = |record| match record {
            Record::Token { token, .. } if token.id == id => Ok(*token),
            _ => elsewhere(&id),
        };
        self.record(Which::Tokens, &key(id.0))?.map(told).transpose()
    }

    /// What the record of a user does to the projections; part of `Draft::apply`.
    pub(super) fn apply_user(&mut self, user: &User, act: UserAct, place: [u8; super::log::Place::BYTES]) {
        if act == UserAct::Added {
            self.state.users += 1;
        }
        self.put(Which::Users, user.name.as_bytes(), place);
    }

    pub(super) fn apply_token(&mut self, token: &Token, place: [u8; super::log::Place::BYTES]) {
        self.state.token = self.state.token.max(token.id);
        self.put(Which::Tokens, key(token.id.0), place);
        self.put(Which::TokenHashes, token.hash.0, key(token.id.0));
    }
}

//! Who may do what: roles, acts, and the one table that joins them. Routes, pages and documentation read it here.

use serde::{Deserialize, Serialize};

use super::{event::Digest, id::TokenId, time::At};
use crate::limits;

/// What a person is to the site. One person has one role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Viewer,
    /// Component engineer: is the reading right, which answer.
    Engineer,
    /// What hits which quarter; the factory's data.
    Controller,
    /// The second pair of eyes on a decision.
    Approver,
    /// Plant IT: users and care of the installation. Does not approve, so that who runs the machine cannot decide alone.
    Admin,
}

impl Role {
    pub const ALL: [Role; 5] = [Role::Viewer, Role::Engineer, Role::Controller, Role::Approver, Role::Admin];

    pub fn as_str(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Engineer => "engineer",
            Role::Controller => "controller",
            Role::Approver => "approver",
            Role::Admin => "admin",
        }
    }

    pub fn may(self, act: Act) -> bool {
        act.roles().contains(&self)
    }
}

impl std::str::FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Role, String> {
        let names = || Role::ALL.map(Role::as_str).join(", ");
        Role::ALL.into_iter().find(|role| role.as_str() == text).ok_or_else(|| format!("'{text}' is not a role: one of {}", names()))
    }
}

/// What can be done, as far as somebody may be kept from it. A token's scopes are acts by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Act {
    /// See cases, events, statements, the factory's data.
    Read,
    /// Hand in a notice by hand.
    Ingest,
    /// Retry, cancel and replay work; quarantine.
    Work,
    /// Confirm or correct a reading.
    Review,
    /// Make a case by hand, propose an answer, see it through.
    Decide,
    /// Approve or refuse what another proposed.
    Approve,
    /// Take in the factory's data and put it in force.
    Data,
    /// Messages: see, send again, try a destination.
    Notify,
    /// Read the audit trail.
    Audit,
    /// Retention and holds.
    Upkeep,
    /// Users and everybody's tokens.
    Users,
    /// The own password.
    Account,
}

impl Act {
    pub const ALL: [Act; 12] = [
        Act::Read,
        Act::Ingest,
        Act::Work,
        Act::Review,
        Act::Decide,
        Act::Approve,
        Act::Data,
        Act::Notify,
        Act::Audit,
        Act::Upkeep,
        Act::Users,
        Act::Account,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Act::Read => "read",
            Act::Ingest => "ingest",
            Act::Work => "work",
            Act::Review => "review",
            Act::Decide => "decide",
            Act::Approve => "approve",
            Act::Data => "data",
            Act::Notify => "notify",
            Act::Audit => "audit",
            Act::Upkeep => "upkeep",
            Act::Users => "users",
            Act::Account => "account",
        }
    }

    /// The table: who may do it.
    pub fn roles(self) -> &'static [Role] {
        use Role::{Admin, Approver, Controller, Engineer, Viewer};
        match self {
            Act::Read | Act::Account => &[Viewer, Engineer, Controller, Approver, Admin],
            Act::Ingest => &[Engineer, Controller, Admin],
            Act::Work | Act::Review => &[Engineer, Admin],
            Act::Decide => &[Engineer, Controller, Approver, Admin],
            Act::Approve => &[Approver],
            Act::Data => &[Engineer, Controller, Admin],
            Act::Notify => &[Engineer, Admin],
            Act::Audit => &[Controller, Approver, Admin],
            Act::Upkeep | Act::Users => &[Admin],
        }
    }

    /// Whether a token can be given it. What proves that a person was there, or makes more rights, takes a person.
    pub fn is_scope(self) -> bool {
        !matches!(self, Act::Approve | Act::Users | Act::Account)
    }
}

impl std::str::FromStr for Act {
    type Err = String;

    fn from_str(text: &str) -> Result<Act, String> {
        let names = || Act::ALL.iter().filter(|act| act.is_scope()).map(|act| act.as_str()).collect::<Vec<_>>().join(", ");
        let found = Act::ALL.into_iter().find(|act| act.is_scope() && act.as_str() == text);
        found.ok_or_else(|| format!("'{text}' is not a scope: one of {}", names()))
    }
}

/// Somebody who may sign in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    pub name: String,
    pub role: Role,
    /// Body that holds the hash of the password (PHC form of argon2id). The log names it by digest only, so an exported audit trail holds nothing to try
    /// passwords against. `None`: only tokens act for this user.
    pub password: Option<Digest>,
    pub disabled: bool,
    /// After this moment the user may do nothing.
    pub expires: Option<At>,
    /// Counts changes. A session of an older count is over.
    pub version: u32,
    pub made_at: At,
    pub changed_at: At,
}

impl User {
    pub fn is_active(&self, now: At) -> bool {
        !self.disabled && self.expires.is_none_or(|expires| now < expires)
    }
}

/// Why a text cannot be a user's name; `None`: it can.
pub fn bad_name(name: &str) -> Option<String> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | '_');
    let sound =
        (1..=limits::USER_NAME_BYTES_MAX).contains(&name.len()) && name.chars().all(fits) && name.starts_with(|c: char| c.is_ascii_alphanumeric());
    if !sound {
        let most = limits::USER_NAME_BYTES_MAX;
        return Some(format!("a user's name is 1 to {most} of a to z, 0 to 9, '.', '-' and '_', and begins with a letter or a digit"));
    }
    (name == ANONYMOUS).then(|| format!("'{ANONYMOUS}' stands for nobody and cannot be a user's name"))
}

/// Who reads while nobody needs to sign in.
pub const ANONYMOUS: &str = "anonymous";

/// A key by which a program acts for a user, within its scopes and never beyond the user's role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    pub id: TokenId,
    /// What it is for.
    pub name: String,
    pub user: String,
    pub scopes: Vec<Act>,
    /// BLAKE3 of the token's text, which is 256 random bits and kept nowhere.
    pub hash: Digest,
    pub made_at: At,
    pub made_by: String,
    pub expires: Option<At>,
    pub revoked: bool,
    /// To the day: what uses it often must not fill the log.
    pub used_at: Option<At>,
}

impl Token {
    pub fn is_active(&self, now: At) -> bool {
        !self.revoked && self.expires.is_none_or(|expires| now < expires)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_keeps_who_runs_the_machine_from_approving_and_tokens_from_persons_acts() {
        for act in Act::ALL {
            assert!(!act.roles().is_empty(), "nobody may {}", act.as_str());
            assert_eq!(act.as_str().parse::<Act>().is_ok(), act.is_scope());
        }
        assert!(!Role::Admin.may(Act::Approve));
        assert!(Role::ALL.iter().all(|role| role.may(Act::Read)));
        let of_a_viewer: Vec<&str> = Act::ALL.iter().filter(|act| Role::Viewer.may(**act)).map(|act| act.as_str()).collect();
        assert_eq!(of_a_viewer, ["read", "account"]);
    }

    #[test]
    fn names_are_plain() {
        for good in ["anna", "a.b-c_1", "7up"] {
            assert_eq!(bad_name(good), None, "{good}");
        }
        for bad in ["", "Anna", "an na", "-a", "ann\n", "ä", "anonymous", "user:x", &"a".repeat(65)] {
            assert!(bad_name(bad).is_some(), "{bad}");
        }
    }
}

//! Pages of those who are not in yet, and of the own account: plain forms that need no script. What they lead to is `access::account`'s.

use actix_web::{HttpRequest, HttpResponse, ResponseError, http::StatusCode};
use askama::Template;

use super::{Asked, Shell, html, language::Language};
use crate::{
    domain::access::{Act, bad_name},
    http::{Caller, access::Unfit},
    limits,
};

/// What was wrong with a form.
#[derive(Debug, Clone, Copy)]
pub enum Wrong {
    /// Name and password do not belong together.
    Pair,
    /// Too many wrong attempts; seconds until the next one is looked at.
    Wait(u64),
    /// Not the code of the first start.
    Code,
    /// Not the present password.
    Present,
    /// The two new passwords differ.
    Differ,
    Name,
    Password(Unfit),
}

impl Wrong {
    /// A new user's name and password, the latter typed twice.
    pub fn with(name: &str, password: &str, again: &str) -> Option<Wrong> {
        if bad_name(name).is_some() { Some(Wrong::Name) } else { Wrong::with_password(name, password, again) }
    }

    pub fn with_password(name: &str, password: &str, again: &str) -> Option<Wrong> {
        if password != again { Some(Wrong::Differ) } else { Unfit::found(password, name).map(Wrong::Password) }
    }

    fn sentence(self, language: Language) -> String {
        let number = |count: usize| language.number(&count.to_string());
        let (key, value) = match self {
            Wrong::Pair => ("entrance.wrong_pair", String::new()),
            Wrong::Wait(seconds) => ("entrance.wait", language.number(&seconds.to_string())),
            Wrong::Code => ("entrance.wrong_code", String::new()),
            Wrong::Present => ("entrance.wrong_present", String::new()),
            Wrong::Differ => ("entrance.differ", String::new()),
            Wrong::Name => ("entrance.bad_name", number(limits::USER_NAME_BYTES_MAX)),
            Wrong::Password(Unfit::Short(chars)) => ("entrance.password_short", number(chars)),
            Wrong::Password(Unfit::Long) => ("entrance.password_long", number(limits::PASSWORD_BYTES_MAX)),
            Wrong::Password(Unfit::Unprintable) => ("entrance.password_unprintable", String::new()),
            Wrong::Password(Unfit::Own) => ("entrance.password_own", String::new()),
            Wrong::Password(Unfit::Common) => ("entrance.password_common", String::new()),
        };
        language.fill(key, &[("n", &value), ("least", &number(limits::PASSWORD_CHARS_MIN))])
    }
}

#[derive(Template)]
#[template(path = "sign-in.html")]
struct SignIn<'a> {
    p: Shell,
    error: Option<String>,
    name: &'a str,
    next: &'a str,
}

#[derive(Template)]
#[template(path = "setup.html")]
struct Setup<'a> {
    p: Shell,
    error: Option<String>,
    name: &'a str,
    code: &'a str,
    least: usize,
}

#[derive(Template)]
#[template(path = "account.html")]
struct Account {
    p: Shell,
    error: Option<String>,
    done: bool,
    name: String,
    role: String,
    acts: String,
    is_signed_in: bool,
    least: usize,
}

/// The form for name and password; `next` is where one goes after it.
pub fn sign_in(request: &HttpRequest, status: StatusCode, wrong: Option<Wrong>, name: &str, next: &str) -> HttpResponse {
    let p = Shell::outside(request);
    rendered(status, &SignIn { error: wrong.map(|wrong| wrong.sentence(p.language)), p, name, next })
}

/// The form that makes the first user.
pub fn setup(request: &HttpRequest, status: StatusCode, wrong: Option<Wrong>, name: &str, code: &str) -> HttpResponse {
    let p = Shell::outside(request);
    rendered(status, &Setup { error: wrong.map(|wrong| wrong.sentence(p.language)), p, name, code, least: limits::PASSWORD_CHARS_MIN })
}

/// Who one is, what one may do, and the own password; `done`: it was changed just now.
pub fn account(request: &HttpRequest, status: StatusCode, wrong: Option<Wrong>, caller: &Caller, done: bool) -> HttpResponse {
    let p = Shell::bare(Asked::of(request), "account");
    let acts: Vec<String> = Act::ALL.into_iter().filter(|act| caller.may(*act)).map(|act| p.words("act", act.as_str())).collect();
    rendered(
        status,
        &Account {
            error: wrong.map(|wrong| wrong.sentence(p.language)),
            done,
            name: caller.name.clone(),
            role: p.words("role", caller.role.as_str()),
            acts: acts.join(", "),
            is_signed_in: caller.is_signed_in(),
            least: limits::PASSWORD_CHARS_MIN,
            p,
        },
    )
}

fn rendered(status: StatusCode, page: &impl Template) -> HttpResponse {
    super::text(page).map_or_else(|problem| problem.error_response(), |text| html(status, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_was_wrong_is_told_in_every_language_with_its_numbers() {
        let password = [Unfit::Short(5), Unfit::Long, Unfit::Unprintable, Unfit::Own, Unfit::Common].map(Wrong::Password);
        let others = [Wrong::Pair, Wrong::Wait(7), Wrong::Code, Wrong::Present, Wrong::Differ, Wrong::Name];
        for language in Language::ALL {
            let told: std::collections::BTreeSet<String> = password.into_iter().chain(others).map(|wrong| wrong.sentence(language)).collect();
            assert_eq!(told.len(), password.len() + others.len(), "two are told alike: {told:?}");
            assert!(told.iter().all(|sentence| !sentence.contains("entrance.") && sentence.ends_with('.')), "{told:?}");
            assert!(Wrong::Wait(7).sentence(language).contains(" 7 ") && password[0].sentence(language).contains(" 12 "));
        }
        for act in Act::ALL {
            assert!(Language::ALL.iter().all(|language| language.found(&format!("act.{}", act.as_str())).is_some()), "{act:?}");
        }
    }

    #[test]
    fn a_new_user_needs_a_name_and_one_password_twice() {
        let good = "correct horse battery";
        assert!(Wrong::with("anna", good, good).is_none());
        assert!(matches!(Wrong::with("An na", good, good), Some(Wrong::Name)));
        assert!(matches!(Wrong::with("anna", good, "correct horse"), Some(Wrong::Differ)));
        assert!(matches!(Wrong::with("anna", "short", "short"), Some(Wrong::Password(Unfit::Short(5)))));
    }
}

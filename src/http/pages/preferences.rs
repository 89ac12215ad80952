//! How a reader wants to see pages: language and theme, kept in two cookies that hold nothing else.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, header},
    web,
};
use serde::Deserialize;

use super::language::Language;

const LANGUAGE: &str = "lastbuy_language";
const THEME: &str = "lastbuy_theme";
/// A year.
const KEPT_SECONDS: u32 = 365 * 24 * 3600;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// As the system wants it.
    System,
    Light,
    Dark,
}

impl Theme {
    pub const ALL: [Theme; 3] = [Theme::System, Theme::Light, Theme::Dark];

    pub fn name(self) -> &'static str {
        match self {
            Theme::System => "system",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }

    fn of_name(name: &str) -> Option<Theme> {
        Theme::ALL.into_iter().find(|theme| theme.name() == name)
    }
}

#[derive(Debug, Clone)]
pub struct Preferences {
    pub language: Language,
    pub theme: Theme,
    pub path: String,
}

impl Preferences {
    pub fn of(request: &HttpRequest) -> Preferences {
        let accepted =
            request.headers().get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).map_or(Language::English, Language::accepted);
        Preferences {
            language: cookie(request, LANGUAGE).and_then(Language::of_code).unwrap_or(accepted),
            theme: cookie(request, THEME).and_then(Theme::of_name).unwrap_or(Theme::System),
            path: match request.uri().path_and_query() {
                Some(whole) if *request.method() == Method::GET => whole.to_string(),
                // What was sent stays sent: one comes back to the page that the form stood on, without what its address carried.
                _ => request.path().to_owned(),
            },
        }
    }
}

fn cookie<'r>(request: &'r HttpRequest, name: &str) -> Option<&'r str> {
    let pairs = request.headers().get_all(header::COOKIE).filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(';'));
    pairs.filter_map(|pair| pair.trim().split_once('=')).find(|(of, _)| *of == name).map(|(_, value)| value)
}

#[derive(Deserialize)]
pub struct Asked {
    language: Option<String>,
    theme: Option<String>,
    back: Option<String>,
}

/// Remembers what was chosen and goes back to the page it was chosen on. It changes nothing but the reader's own view.
pub async fn keep(asked: web::Form<Asked>) -> HttpResponse {
    let mut answer = HttpResponse::SeeOther();
    let mut set = |name: &str, value: &str| {
        answer.append_header((header::SET_COOKIE, format!("{name}={value}; Path=/; Max-Age={KEPT_SECONDS}; SameSite=Lax; HttpOnly")));
    };
    if let Some(language) = asked.language.as_deref().and_then(Language::of_code) {
        set(LANGUAGE, language.code());
    }
    if let Some(theme) = asked.theme.as_deref().and_then(Theme::of_name) {
        set(THEME, theme.name());
    }
    answer.insert_header((header::LOCATION, back(asked.back.as_deref()))).finish()
}

/// Only a place on this server: a path, and neither `//host` nor `/\host`, which browsers take for another one.
fn back(asked: Option<&str>) -> &str {
    let here =
        |path: &&str| path.starts_with('/') && !path.starts_with("//") && !path.contains('\\') && path.bytes().all(|byte| byte.is_ascii_graphic());
    asked.filter(here).unwrap_or("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_goes_back_to_this_server_only() {
        for elsewhere in ["//evil.example", "https://evil.example", "/\\evil.example", "evil", "/a\r\nSet-Cookie: x=y", "/\t/evil.example", ""] {
            assert_eq!(back(Some(elsewhere)), "/", "{elsewhere:?}");
        }
        assert_eq!(back(Some("/cases/C-1?event=E-2")), "/cases/C-1?event=E-2");
    }
}

//! What pages say, in the reader's language: one table of words a language, and how it writes numbers, dates and money.
//!
//! A crate of message formats (Fluent) would bring plural rules for a hundred languages; two languages with the same two forms need a table and `{name}`.

use std::{collections::HashMap, sync::LazyLock};

use jiff::civil::Date;
use toml::{Table, Value};

use crate::domain::{factory::Month, money::Money, time::At};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    English,
    German,
}

type Words = HashMap<String, String>;

static ENGLISH: LazyLock<Words> = LazyLock::new(|| words(include_str!("../../../assets/web/en.toml")));
static GERMAN: LazyLock<Words> = LazyLock::new(|| words(include_str!("../../../assets/web/de.toml")));

/// `[overview] title = "…"` is `overview.title`.
fn words(text: &str) -> Words {
    let table: Table = toml::from_str(text).unwrap_or_default();
    let entries = table.into_iter().filter_map(|(section, words)| match words {
        Value::Table(words) => Some((section, words)),
        _ => None,
    });
    entries
        .flat_map(|(section, words)| words.into_iter().filter_map(move |(key, value)| Some((format!("{section}.{key}"), value.as_str()?.to_owned()))))
        .collect()
}

impl Language {
    pub const ALL: [Language; 2] = [Language::English, Language::German];

    /// ISO 639-1, as in `<html lang>`.
    pub fn code(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::German => "de",
        }
    }

    pub fn of_code(code: &str) -> Option<Language> {
        Language::ALL.into_iter().find(|language| language.code() == code)
    }

    /// The one that `Accept-Language` likes best among ours (RFC 9110, 12.5.4); English where it names none of them.
    pub fn accepted(header: &str) -> Language {
        let mut best = (Language::English, 0.0);
        for range in header.split(',') {
            let mut pieces = range.split(';').map(str::trim);
            let tag = pieces.next().unwrap_or_default().to_ascii_lowercase();
            let weight = pieces.find_map(|piece| piece.strip_prefix("q=")).map_or(1.0, |weight| weight.parse::<f64>().unwrap_or(0.0));
            let named = Language::of_code(tag.split('-').next().unwrap_or_default());
            if let Some(language) = named.filter(|_| weight > best.1) {
                best = (language, weight);
            }
        }
        best.0
    }

    fn table(self) -> &'static Words {
        match self {
            Language::English => &ENGLISH,
            Language::German => &GERMAN,
        }
    }

    /// The words under a key. Tests hold the tables to the keys that are used, so an unknown one shows itself only to who writes it.
    pub fn t(self, key: &str) -> &str {
        self.table().get(key).map_or(key, String::as_str)
    }

    /// The words under a key that is put together, where there are any: `state.review`.
    pub fn found(self, key: &str) -> Option<&'static str> {
        self.table().get(key).map(String::as_str)
    }

    /// The words under a key with `{name}` filled in.
    pub fn fill(self, key: &str, values: &[(&str, &str)]) -> String {
        let mut text = String::new();
        let mut rest = self.t(key);
        while let Some((before, after)) = rest.split_once('{') {
            text.push_str(before);
            let Some((name, after)) = after.split_once('}') else {
                rest = after;
                break;
            };
            text.push_str(values.iter().find(|(of, _)| *of == name).map_or("", |(_, value)| value));
            rest = after;
        }
        text.push_str(rest);
        text
    }

    /// `KEY_one` for one of it, `KEY` for any other number; `{n}` is the number.
    pub fn count(self, key: &str, n: impl std::borrow::Borrow<usize>) -> String {
        let n = *n.borrow();
        let one = format!("{key}_one");
        let number = self.number(&n.to_string());
        self.fill(if n == 1 { &one } else { key }, &[("n", &number)])
    }

    /// A number as text, `1234.5` or `1,234.5`, the way this language writes it.
    pub fn number(self, plain: &str) -> String {
        let plain = plain.replace(',', "");
        let grouped = crate::impact::grouped(&plain);
        // `grouped` drops zeros after the point; an amount keeps its cents.
        let fraction = plain.split_once('.').map_or("", |(_, fraction)| fraction);
        let whole = grouped.split_once('.').map_or(grouped.as_str(), |(whole, _)| whole);
        self.separated(whole, fraction)
    }

    fn separated(self, whole: &str, fraction: &str) -> String {
        let (group, point) = match self {
            Language::English => (",", "."),
            Language::German => (".", ","),
        };
        let whole = whole.replace(',', group).replace('-', "\u{2212}");
        if fraction.is_empty() { whole } else { format!("{whole}{point}{fraction}") }
    }

    /// A quantity, in whole pieces where it is a hundred or more.
    pub fn pieces(self, quantity: f64) -> String {
        let quantity = if quantity.abs() >= 100.0 { quantity.round() } else { (quantity * 100.0).round() / 100.0 };
        let text = crate::impact::pieces(quantity);
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        self.separated(whole, fraction)
    }

    /// To the cent, with its currency.
    pub fn money(self, money: Money) -> String {
        format!("{}\u{a0}{}", self.number(&money.amount().to_string()), money.currency())
    }

    /// Without cents, for tables that are compared at a glance.
    pub fn whole_money(self, money: Money) -> String {
        format!("{}\u{a0}{}", self.number(&money.amount().round().to_string()), money.currency())
    }

    /// `97 %`, of a share from 0 to 1. Below one it never says 100.
    pub fn percent(self, share: f64) -> String {
        let percent = if share < 1.0 { (share * 100.0).floor() } else { 100.0 };
        format!("{percent}\u{a0}%")
    }

    pub fn date(self, date: Date) -> String {
        match self {
            Language::English => format!("{}\u{a0}{}\u{a0}{}", date.day(), self.month_name(date.month()), date.year()),
            Language::German => format!("{:02}.{:02}.{}", date.day(), date.month(), date.year()),
        }
    }

    fn month_name(self, month: i8) -> &'static str {
        let names = match self {
            Language::English => ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
            Language::German => ["Jan", "Feb", "Mär", "Apr", "Mai", "Jun", "Jul", "Aug", "Sep", "Okt", "Nov", "Dez"],
        };
        usize::try_from(month - 1).ok().and_then(|at| names.get(at)).copied().unwrap_or("?")
    }

    pub fn month(self, month: Month) -> String {
        format!("{}\u{a0}{}", self.month_name(month.month), month.year)
    }

    /// Day and minute, in UTC, as everything that is on record.
    pub fn moment(self, at: At) -> String {
        let local = at.local(&jiff::tz::TimeZone::UTC);
        format!("{} {:02}:{:02}\u{a0}UTC", self.date(local.date()), local.hour(), local.minute())
    }

    /// `in 97 days`, `today`, `12 days ago`.
    pub fn days(self, days: i32) -> String {
        match days {
            0 => self.t("days.today").to_owned(),
            1.. => self.count("days.left", usize::try_from(days).unwrap_or(0)),
            _ => self.count("days.ago", usize::try_from(-i64::from(days)).unwrap_or(0)),
        }
    }

    /// Sizes as people say them.
    pub fn bytes(self, bytes: u64) -> String {
        const KIB: u64 = 1024;
        match bytes {
            0..KIB => format!("{bytes}\u{a0}B"),
            KIB..0x10_0000 => format!("{}\u{a0}KiB", self.number(&bytes.div_ceil(KIB).to_string())),
            _ => format!("{}\u{a0}MiB", self.number(&bytes.div_ceil(KIB * KIB).to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use jiff::civil::date;

    use super::*;

    #[test]
    fn both_tables_say_the_same_things() {
        let keys = |language: Language| language.table().keys().cloned().collect::<BTreeSet<_>>();
        let (english, german) = (keys(Language::English), keys(Language::German));
        assert!(english.len() > 100, "the table of English words was not read");
        assert_eq!(english.symmetric_difference(&german).collect::<Vec<_>>(), Vec::<&String>::new());
        for key in &english {
            let names = |language: Language| {
                let text = language.t(key);
                text.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name)).collect::<BTreeSet<_>>()
            };
            assert_eq!(names(Language::English), names(Language::German), "{key} is filled in differently");
        }
    }

    /// Every key that a template or a source file of the pages names is in the tables.
    #[test]
    fn every_key_that_is_used_is_there() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let call = regex::Regex::new(r#"\b(?:t|fill|count)\(\s*"([a-z_]+\.[a-z_]+)""#).expect("pattern");
        let mut used = 0;
        for (folder, extension) in [("assets/web", "html"), ("src/http/pages", "rs")] {
            for entry in std::fs::read_dir(root.join(folder)).expect("folder") {
                let path = entry.expect("entry").path();
                if path.extension().is_none_or(|found| found != extension) {
                    continue;
                }
                let text = std::fs::read_to_string(&path).expect("text");
                for found in call.captures_iter(&text) {
                    used += 1;
                    let plural = found[0].contains("count(");
                    for key in if plural { vec![found[1].to_owned(), format!("{}_one", &found[1])] } else { vec![found[1].to_owned()] } {
                        assert!(Language::English.found(&key).is_some(), "{} uses {key}, which is in no table", path.display());
                    }
                }
            }
        }
        assert!(used > 100, "only {used} uses were found");
    }

    #[test]
    fn the_reader_is_understood() {
        assert_eq!(Language::accepted("de-DE,de;q=0.9,en;q=0.8"), Language::German);
        assert_eq!(Language::accepted("fr, en-GB;q=0.7, de;q=0.3"), Language::English);
        assert_eq!(Language::accepted("fr, de;q=0.1"), Language::German);
        assert_eq!(Language::accepted("de;q=0, *"), Language::English);
        assert_eq!(Language::accepted(""), Language::English);
    }

    #[test]
    fn numbers_and_dates_are_written_as_the_reader_writes_them() {
        let money: Money = serde_json::from_str(r#"{"amount":"-1234567.80","currency":"EUR"}"#).expect("money");
        assert_eq!(Language::English.money(money), "\u{2212}1,234,567.80\u{a0}EUR");
        assert_eq!(Language::German.money(money), "\u{2212}1.234.567,80\u{a0}EUR");
        assert_eq!(Language::German.whole_money(money), "\u{2212}1.234.568\u{a0}EUR");
        assert_eq!(Language::English.date(date(2027, 6, 30)), "30\u{a0}Jun\u{a0}2027");
        assert_eq!(Language::German.date(date(2027, 6, 3)), "03.06.2027");
        assert_eq!(Language::German.pieces(12_178.8), "12.179");
        assert_eq!(Language::English.pieces(0.25), "0.25");
        assert_eq!(Language::English.percent(0.9999), "99\u{a0}%");
    }
}

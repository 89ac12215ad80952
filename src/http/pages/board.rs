//! Every case there is, to be counted, ordered and searched; and a case as a row of a table.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::civil::Date;

use super::{Shell, language::Language, visible};
use crate::{
    domain::{
        case::{Case, CaseState},
        money::Money,
        notice::NoticeKind,
    },
    http::{Service, problem::Problem},
    limits,
    store::KnownCases,
};

/// The cases as the pages saw them last: of ten thousand few change between two looks.
#[derive(Default)]
pub struct Board(Mutex<KnownCases>);

/// All cases, newest first, up to `limits::BOARD_CASES_MAX`.
pub fn cases(service: &Service) -> Result<Arc<[Arc<Case>]>, Problem> {
    let mut known = service.board.0.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(service.store.all_cases(&mut known, limits::BOARD_CASES_MAX)?)
}

/// A change notice, and whatever else leaves the part in production, puts no margin at risk by itself.
pub fn ends_something(case: &Case) -> bool {
    matches!(case.kind, NoticeKind::Pdn | NoticeKind::Nrnd)
}

pub fn margin(case: &Case) -> Option<Money> {
    case.headline.as_ref().and_then(|headline| headline.margin_at_risk)
}

pub fn days_left(case: &Case, today: Date) -> Option<i32> {
    case.last_time_buy().and_then(|date| today.until(date).ok()).map(|span| span.get_days())
}

/// What is at risk in the open cases: one sum a currency, and how many cases of which it is not known.
pub struct Total {
    pub sums: Vec<Money>,
    pub unknown: usize,
}

impl Total {
    pub fn of<'a>(open: impl Iterator<Item = &'a Case>) -> Result<Total, Problem> {
        let mut total = Total { sums: Vec::new(), unknown: 0 };
        for case in open.filter(|case| ends_something(case)) {
            let Some(margin) = margin(case) else {
                total.unknown += 1;
                continue;
            };
            match total.sums.iter_mut().find(|sum| sum.currency() == margin.currency()) {
                Some(sum) => *sum = sum.plus(margin).map_err(|error| Problem::internal(error.to_string()))?,
                None => total.sums.push(margin),
            }
        }
        total.sums.sort_by_key(|sum| std::cmp::Reverse(sum.minor()));
        Ok(total)
    }
}

/// What the list is ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The nearest last-time buy first; those without one last.
    Due,
    /// The most at risk first; what is unknown before what is nothing.
    Risk,
    RunsOut,
    Newest,
}

impl Order {
    pub const ALL: [Order; 4] = [Order::Due, Order::Risk, Order::RunsOut, Order::Newest];

    pub fn name(self) -> &'static str {
        match self {
            Order::Due => "due",
            Order::Risk => "risk",
            Order::RunsOut => "runs_out",
            Order::Newest => "newest",
        }
    }

    pub fn of_name(name: &str) -> Option<Order> {
        Order::ALL.into_iter().find(|order| order.name() == name)
    }

    pub fn sort(self, cases: &mut [&Case]) {
        match self {
            Order::Due => cases.sort_by_cached_key(|case| (case.last_time_buy().is_none(), case.last_time_buy(), std::cmp::Reverse(case.id))),
            Order::Risk => cases.sort_by_cached_key(|case| {
                let known = margin(case).map(Money::minor);
                (std::cmp::Reverse(if ends_something(case) { known.unwrap_or(i64::MAX) } else { -1 }), std::cmp::Reverse(case.id))
            }),
            Order::RunsOut => {
                let day = |case: &Case| case.headline.as_ref().and_then(|headline| headline.runs_out);
                cases.sort_by_key(|case| (day(case).is_none(), day(case), std::cmp::Reverse(case.id)));
            }
            Order::Newest => cases.sort_by_key(|case| std::cmp::Reverse(case.id)),
        }
    }
}

/// Whether a case holds the words somebody looks for: in its number, maker, notice number, or a part.
pub fn has(case: &Case, wanted: &str) -> bool {
    let wanted = wanted.to_lowercase();
    let holds = |text: &str| text.to_lowercase().contains(&wanted);
    holds(&case.id.to_string())
        || case.maker.as_deref().is_some_and(holds)
        || case.notice_id.as_deref().is_some_and(holds)
        || case.parts.iter().any(|part| holds(&part.mpn))
}

pub fn state_name(case: &Case) -> &'static str {
    match case.state {
        CaseState::Open => "open",
        CaseState::Decided { .. } => "decided",
        CaseState::Closed { .. } => "closed",
    }
}

/// A case as a table shows it; every cell is text already.
pub struct Row {
    pub id: String,
    pub title: String,
    pub maker: String,
    pub parts: String,
    pub state: &'static str,
    pub state_words: String,
    pub buy_by: String,
    pub days: String,
    /// `late`, `soon` or nothing.
    pub urgency: &'static str,
    pub runs_out: String,
    pub margin: String,
    pub answer: String,
    pub cost: String,
    pub needs: usize,
}

pub fn row(case: &Case, p: &Shell) -> Row {
    let language = p.language;
    let headline = case.headline.as_ref();
    let assessed = |text: String| if headline.is_some() { text } else { language.t("case.not_assessed").to_owned() };
    let days = days_left(case, p.today);
    Row {
        id: case.id.to_string(),
        title: visible::short(&case.title(), limits::PAGE_TITLE_CHARS_MAX),
        maker: case.maker.as_deref().map_or_else(|| "–".to_owned(), |maker| visible::short(maker, limits::PAGE_TITLE_CHARS_MAX)),
        parts: parts(case, language),
        state: state_name(case),
        state_words: p.words("state", state_name(case)),
        buy_by: case.last_time_buy().map_or_else(|| "–".to_owned(), |date| language.date(date)),
        days: days.map_or_else(String::new, |days| language.days(days)),
        urgency: urgency(days),
        runs_out: assessed(match headline.and_then(|headline| headline.runs_out) {
            Some(date) => language.date(date),
            None => "–".to_owned(),
        }),
        margin: margin_words(case, language),
        answer: headline.and_then(|headline| headline.best_answer.as_deref()).map_or_else(|| "–".to_owned(), |name| answer_name(language, name)),
        cost: headline.filter(|headline| headline.best_answer.is_some()).map_or_else(String::new, |headline| {
            headline.best_cost.map_or_else(|| language.t("words.unknown").to_owned(), |cost| language.whole_money(cost))
        }),
        needs: headline.map_or(0, |headline| headline.needs.len()),
    }
}

/// Days in which whoever decides must hurry.
const SOON_DAYS: i32 = 60;

pub fn urgency(days: Option<i32>) -> &'static str {
    match days {
        Some(days) if days < 0 => "late",
        Some(days) if days <= SOON_DAYS => "soon",
        _ => "",
    }
}

fn parts(case: &Case, language: Language) -> String {
    match case.parts.as_slice() {
        [] => "–".to_owned(),
        [only] => visible::short(&only.mpn, limits::PAGE_TITLE_CHARS_MAX),
        [first, rest @ ..] => {
            let more = rest.len().to_string();
            language.fill("words.and_more", &[("first", &visible::short(&first.mpn, limits::PAGE_TITLE_CHARS_MAX)), ("n", &more)])
        }
    }
}

pub fn margin_words(case: &Case, language: Language) -> String {
    if !ends_something(case) {
        return language.t("case.ends_nothing").to_owned();
    }
    match (&case.headline, margin(case)) {
        (None, _) => language.t("case.not_assessed").to_owned(),
        (Some(_), None) => language.t("words.unknown").to_owned(),
        (Some(_), Some(margin)) => language.whole_money(margin),
    }
}

/// `Last-time buy` is `last_time_buy`, as in the names of figures.
pub fn slug(name: &str) -> String {
    name.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '_' }).collect()
}

/// An answer in the reader's language; one that we do not know keeps its own name.
pub fn answer_name(language: Language, name: &str) -> String {
    language.found(&format!("answer.{}", slug(name))).map_or_else(|| visible::line(name), str::to_owned)
}

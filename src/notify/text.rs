//! The words of a message in its reader's language, made from the message's own data: every figure and date in it is one of the data's.

use jiff::civil::Date;

use crate::{
    domain::{
        decision::Stage,
        destination::Language,
        message::{About, Figures, Happened, Message, Severity},
        money::Money,
    },
    limits,
};

/// A message as people read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// One line.
    pub title: String,
    /// Name and value, in the order they are shown.
    pub facts: Vec<(String, String)>,
    /// What to do.
    pub advice: String,
}

impl Text {
    pub fn of(message: &Message, language: Language) -> Text {
        let mut text = Text::told(&message.happened, language);
        let words = Words(language);
        text.facts.push((words.say("Severity", "Stufe").to_owned(), words.severity(message.severity).to_owned()));
        text
    }

    fn told(happened: &Happened, language: Language) -> Text {
        let words = Words(language);
        let mut facts = Vec::new();
        let mut fact = |en: &str, de: &str, value: String| facts.push((words.say(en, de).to_owned(), value));
        let (title, advice) = match happened {
            Happened::CaseOpened { about } => {
                words.about(about, &mut fact);
                (
                    words.titled("New case", "Neuer Fall", about),
                    words.say("See what it costs with", "Was er kostet, zeigt").to_owned() + &show("impact list"),
                )
            }
            Happened::AssessmentChanged { about, assessment, before, now } => {
                words.about(about, &mut fact);
                words.figures(before.as_ref(), now, &mut fact);
                let (en, de) = if before.is_some() { ("Assessment changed", "Bewertung geändert") } else { ("Assessed", "Bewertet") };
                (
                    words.titled(en, de, about),
                    words.say("See how it came about with", "Wie es dazu kommt, zeigt").to_owned() + &show(&format!("impact show {assessment}")),
                )
            }
            Happened::LastTimeBuyNears { about, last_time_buy, days, margin_at_risk, .. } => {
                words.about(&About { last_time_buy: Some(*last_time_buy), ..about.clone() }, &mut fact);
                fact("Days left", "Verbleibende Tage", days.to_string());
                fact("Margin at risk", "Gefährdete Marge", words.money(*margin_at_risk));
                let (en, de) = if *days < 0 {
                    ("Last-time buy is over and nobody decided", "Letzte Bestellmöglichkeit verstrichen, und niemand hat entschieden")
                } else {
                    ("Last-time buy comes near and nobody decided", "Letzte Bestellmöglichkeit naht, und niemand hat entschieden")
                };
                (words.titled(en, de, about), words.say("Decide with", "Entscheiden mit").to_owned() + &show(&format!("cases decide {}", about.case)))
            }
            Happened::WaitsForReview { job, subject, reason, .. } => {
                fact("Job", "Auftrag", job.to_string());
                fact("About", "Betrifft", subject.to_string());
                fact("Reason", "Grund", reason.clone());
                let title = words.say("A notice waits for a person", "Eine Meldung wartet auf einen Menschen").to_owned();
                (format!("{title}: {subject}"), words.say("Look at it with", "Ansehen mit").to_owned() + &show(&format!("jobs show {job}")))
            }
            Happened::DeadLetter { job, subject, step, reason, .. } => {
                fact("Job", "Auftrag", job.to_string());
                fact("About", "Betrifft", subject.to_string());
                fact("Step", "Schritt", step.clone());
                fact("Reason", "Grund", reason.clone());
                let title = words.say("The work on a notice was given up", "Die Bearbeitung einer Meldung wurde aufgegeben").to_owned();
                (format!("{title}: {subject}"), words.say("Try again with", "Erneut versuchen mit").to_owned() + &show(&format!("jobs retry {job}")))
            }
            Happened::DecisionChanged { about, stage, answer, by, owner, due, .. } => {
                words.about(about, &mut fact);
                fact("Answer", "Antwort", answer.clone());
                fact("By", "Von", by.clone());
                fact("Owner", "Verantwortlich", owner.clone().unwrap_or_else(|| words.unknown()));
                fact("Due", "Fällig", due.map_or_else(|| words.unknown(), |due| words.date(due)));
                let (en, de) = words.stage(*stage);
                (words.titled(en, de, about), words.say("See it with", "Ansehen mit").to_owned() + &show(&format!("cases show {}", about.case)))
            }
            Happened::CaseWithdrawn { about, reason, decided } => {
                words.about(about, &mut fact);
                fact("Reason", "Grund", reason.clone());
                let (en, de) = if *decided {
                    ("See what was ordered, and cancel what can be:", "Prüfen, was bestellt ist, und stornieren, was geht:")
                } else {
                    ("See it with", "Ansehen mit")
                };
                let advice = words.say(en, de).to_owned() + &show(&format!("cases show {}", about.case));
                (words.titled("Notice withdrawn", "Meldung zurückgezogen", about), advice)
            }
            Happened::Test { by } => {
                fact("Asked for by", "Angefordert von", by.clone());
                let advice = words.say("Nothing is to be done.", "Es ist nichts zu tun.").to_owned();
                (words.say("Lastbuy: a test", "Lastbuy: ein Test").to_owned(), advice)
            }
            Happened::Digest { of } => {
                for gathered in of {
                    let Text { title, facts, .. } = Text::told(&gathered.happened, language);
                    let said: Vec<String> = facts.into_iter().map(|(name, value)| format!("{name} {value}")).collect();
                    fact(&title, &title, cut(&one_line(&said.join("; "))));
                }
                let title = format!("Lastbuy: {} {}", of.len(), words.say("things happened", "Ereignisse"));
                (title, words.say("See all cases with", "Alle Fälle zeigt").to_owned() + &show("cases list"))
            }
        };
        Text { title: one_line(&title), facts, advice }
    }

    /// As plain text, the title not among it.
    pub fn plain(&self) -> String {
        let mut plain = String::new();
        for (name, value) in &self.facts {
            plain.push_str(&format!("{name}: {value}\n"));
        }
        plain.push_str(&format!("\n{}\n", self.advice));
        plain
    }
}

/// A command of the program.
fn show(command: &str) -> String {
    format!(": lastbuy {command}")
}

/// What a notice says may hold line breaks; a subject may not.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// What one message of a digest may take.
fn cut(text: &str) -> String {
    match text.char_indices().nth(limits::DIGEST_VALUE_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

struct Words(Language);

impl Words {
    fn say<'a>(&self, en: &'a str, de: &'a str) -> &'a str {
        match self.0 {
            Language::En => en,
            Language::De => de,
        }
    }

    fn titled(&self, en: &str, de: &str, about: &About) -> String {
        let maker = about.maker.as_ref().map(|maker| format!(", {maker}")).unwrap_or_default();
        format!("{}: {} {}{maker}", self.say(en, de), about.case, about.title)
    }

    fn stage(&self, stage: Stage) -> (&'static str, &'static str) {
        match stage {
            Stage::Proposed => ("A decision waits for a second person", "Eine Entscheidung wartet auf eine zweite Person"),
            Stage::Approved => ("Decided", "Entschieden"),
            Stage::Refused => ("A proposal was refused", "Ein Vorschlag wurde abgelehnt"),
            Stage::Done => ("A decision was carried out", "Eine Entscheidung wurde umgesetzt"),
            Stage::Reopened => ("A decision was taken back", "Eine Entscheidung wurde zurückgenommen"),
        }
    }

    fn unknown(&self) -> String {
        self.say("not known", "nicht bekannt").to_owned()
    }

    fn about(&self, about: &About, fact: &mut impl FnMut(&str, &str, String)) {
        fact("Maker", "Hersteller", about.maker.clone().unwrap_or_else(|| self.unknown()));
        let more = (about.parts as usize).saturating_sub(about.mpns.len());
        let more = if more > 0 { format!(" {} {more}", self.say("and further", "und weitere")) } else { String::new() };
        fact("Parts", "Teile", about.mpns.join(", ") + &more);
        fact("Last-time buy", "Letzte Bestellmöglichkeit", about.last_time_buy.map_or_else(|| self.unknown(), |date| self.date(date)));
    }

    fn figures(&self, before: Option<&Figures>, now: &Figures, fact: &mut impl FnMut(&str, &str, String)) {
        // What it was before stands behind what it is, where the two differ.
        let changed = |value: fn(&Words, &Figures) -> String| {
            let present = value(self, now);
            match before.map(|before| value(self, before)) {
                Some(before) if before != present => format!("{present} ({}: {before})", self.say("before", "vorher")),
                _ => present,
            }
        };
        fact("Margin at risk", "Gefährdete Marge", changed(|words, figures| words.money(figures.margin_at_risk)));
        fact("Stock runs out", "Bestand reicht bis", changed(|words, figures| words.runs_out(figures)));
        fact("Best answer", "Beste Antwort", changed(|words, figures| figures.best_answer.clone().unwrap_or_else(|| words.unknown())));
        fact("Its cost", "Deren Kosten", changed(|words, figures| words.money(figures.best_cost)));
        if now.unknown_parts > 0 {
            fact("Parts not found in the factory's data", "In den Werksdaten nicht gefundene Teile", now.unknown_parts.to_string());
        }
    }

    fn runs_out(&self, figures: &Figures) -> String {
        figures.runs_out.map_or_else(
            || self.say("not before the horizon, or not known", "nicht im Zeitraum, oder nicht bekannt").to_owned(),
            |date| self.date(date),
        )
    }

    fn date(&self, date: Date) -> String {
        match self.0 {
            Language::En => date.to_string(),
            Language::De => format!("{:02}.{:02}.{:04}", date.day(), date.month(), date.year()),
        }
    }

    fn money(&self, money: Option<Money>) -> String {
        let Some(money) = money else { return self.unknown() };
        let grouped = money.grouped();
        match self.0 {
            Language::En => grouped,
            Language::De => grouped
                .chars()
                .map(|c| {
                    if c == ',' {
                        '.'
                    } else if c == '.' {
                        ','
                    } else {
                        c
                    }
                })
                .collect(),
        }
    }

    fn severity(&self, severity: Severity) -> &'static str {
        match (self.0, severity) {
            (Language::En, severity) => severity.as_str(),
            (Language::De, Severity::Info) => "Hinweis",
            (Language::De, Severity::Warning) => "Warnung",
            (Language::De, Severity::Critical) => "kritisch",
        }
    }
}

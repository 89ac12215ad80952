//! Who is told of what: the site's rules, and the hours in which a destination wants quiet.

use std::collections::BTreeMap;

use jiff::{
    civil::{Time, Weekday},
    tz::TimeZone,
};

use super::{
    message::{Happened, On, Severity},
    money::Money,
    time::At,
};

/// One rule of the site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    pub name: String,
    pub on: Vec<On>,
    pub min_severity: Severity,
    /// Not told when less than this is known to be at risk. What is not known, or is in another currency, is told.
    pub min_at_risk: Option<Money>,
    /// Days before the last-time buy at which an open case is told of, each once.
    pub escalate_days: Vec<u32>,
    /// Names of destinations.
    pub to: Vec<String>,
}

impl Rule {
    fn takes(&self, happened: &Happened) -> bool {
        let step = match happened {
            Happened::LastTimeBuyNears { step, .. } => self.escalate_days.contains(step),
            _ => true,
        };
        step && self.on.contains(&happened.on())
            && happened.severity() >= self.min_severity
            && match (self.min_at_risk, happened.margin_at_risk()) {
                (Some(least), Some(margin)) if least.currency() == margin.currency() => margin.minor() >= least.minor(),
                _ => true,
            }
    }

    /// The step that is due with so many days left: the smallest one not yet passed. Earlier ones that nobody was told of are not made up for.
    pub fn step(&self, days: i32) -> Option<u32> {
        if !self.on.contains(&On::LastTimeBuyNears) {
            return None;
        }
        self.escalate_days.iter().copied().filter(|step| i64::from(days) <= i64::from(*step)).min()
    }
}

/// When a destination wants quiet, by its own clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quiet {
    pub from: Time,
    /// Before `from`: on the next morning.
    pub to: Time,
    /// Saturday and Sunday as a whole.
    pub weekends: bool,
    pub zone: TimeZone,
}

impl Quiet {
    /// Whether this hour is quiet on every day.
    pub fn covers(&self, hour: Time) -> bool {
        if self.from <= self.to { self.from <= hour && hour < self.to } else { hour >= self.from || hour < self.to }
    }

    /// The first moment at or after `at` that is not quiet.
    pub fn over(&self, mut at: At) -> At {
        // A weekend between two nights is three steps; what is quiet all day long ends after a week, so that nothing is held for good.
        for _ in 0..8 {
            let local = at.local(&self.zone);
            let (date, time) = (local.date(), local.time());
            let ends = if self.weekends && matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday) {
                date.tomorrow().map(|next| next.to_datetime(Time::midnight()))
            } else if self.from <= self.to && self.from <= time && time < self.to {
                Ok(date.to_datetime(self.to))
            } else if self.from > self.to && time >= self.from {
                date.tomorrow().map(|next| next.to_datetime(self.to))
            } else if self.from > self.to && time < self.to {
                Ok(date.to_datetime(self.to))
            } else {
                return at;
            };
            match ends.ok().and_then(|ends| At::of_local(ends, &self.zone)) {
                Some(ends) => at = ends,
                None => return at,
            }
        }
        at
    }
}

/// The hour of each day at which a destination wants to be told of what is not critical, all at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    pub hour: Time,
    pub zone: TimeZone,
}

impl Digest {
    /// The first such moment after `at` that is not in quiet hours. Where these leave none within days, the end of the quiet hours, so that nothing is held for good; the
    /// configuration refuses an hour that is always quiet.
    fn next(&self, at: At, quiet: Option<&Quiet>) -> At {
        let mut day = at.local(&self.zone).date();
        let mut held = at;
        for _ in 0..8 {
            if let Some(moment) = At::of_local(day.to_datetime(self.hour), &self.zone).filter(|moment| *moment > at) {
                held = quiet.map_or(moment, |quiet| quiet.over(moment));
                if held == moment {
                    return moment;
                }
            }
            let Ok(next) = day.tomorrow() else { break };
            day = next;
        }
        held
    }
}

/// What a rule asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked<'a> {
    pub rule: &'a str,
    pub destination: &'a str,
    /// Not before; `None`: at once.
    pub due: Option<At>,
}

/// All rules of a site. None of them by default: nothing is told that nobody asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    pub rules: Vec<Rule>,
    /// By destination.
    pub quiet: BTreeMap<String, Quiet>,
    /// By destination; what is not named here is told of each thing by itself.
    pub digests: BTreeMap<String, Digest>,
}

impl Rules {
    /// Who is to be told of it, and when.
    pub fn asked(&self, happened: &Happened, now: At) -> Vec<Asked<'_>> {
        let rules = self.rules.iter().filter(|rule| rule.takes(happened));
        let asked = rules.flat_map(|rule| rule.to.iter().map(move |destination| (rule, destination)));
        let due = |destination: &String| match (self.digests.get(destination), self.quiet.get(destination)) {
            _ if happened.severity() >= Severity::Critical => None,
            (Some(digest), quiet) => Some(digest.next(now, quiet)).filter(|due| *due > now),
            (None, Some(quiet)) => Some(quiet.over(now)).filter(|due| *due > now),
            (None, None) => None,
        };
        asked.map(|(rule, destination)| Asked { rule: &rule.name, destination, due: due(destination) }).collect()
    }

    /// Whether anybody wants to be told before a last-time buy.
    pub fn escalates(&self) -> bool {
        self.rules.iter().any(|rule| rule.on.contains(&On::LastTimeBuyNears))
    }

    /// Steps due with so many days left to a last-time buy, of all rules.
    pub fn steps(&self, days: i32) -> Vec<u32> {
        let mut steps: Vec<u32> = self.rules.iter().filter_map(|rule| rule.step(days)).collect();
        steps.sort_unstable();
        steps.dedup();
        steps
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::{date, time};

    use super::*;
    use crate::domain::{id::CaseId, message::About, money::Currency};

    fn berlin() -> TimeZone {
        TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").expect("zone")
    }

    fn at(year: i16, month: i8, day: i8, hour: i8, minute: i8) -> At {
        At::of_local(date(year, month, day).at(hour, minute, 0, 0), &berlin()).expect("moment")
    }

    fn quiet() -> Quiet {
        Quiet { from: time(20, 0, 0, 0), to: time(6, 30, 0, 0), weekends: true, zone: berlin() }
    }

    #[test]
    fn quiet_hours_end_in_the_morning_and_weekends_on_monday() {
        for (made, due) in [
            (at(2026, 11, 24, 12, 0), at(2026, 11, 24, 12, 0)),
            (at(2026, 11, 24, 20, 0), at(2026, 11, 25, 6, 30)),
            (at(2026, 11, 25, 6, 29), at(2026, 11, 25, 6, 30)),
            (at(2026, 11, 25, 6, 30), at(2026, 11, 25, 6, 30)),
            // Friday evening to Monday morning.
            (at(2026, 11, 27, 21, 0), at(2026, 11, 30, 6, 30)),
            (at(2026, 11, 28, 12, 0), at(2026, 11, 30, 6, 30)),
            // The night in which the clocks go forward.
            (at(2027, 3, 27, 23, 0), at(2027, 3, 29, 6, 30)),
        ] {
            assert_eq!(quiet().over(made), due, "{made}");
        }
        let always = Quiet { from: time(0, 0, 0, 0), to: time(23, 59, 59, 0), ..quiet() };
        assert!(always.over(at(2026, 11, 24, 12, 0)) < at(2026, 12, 3, 0, 0));
    }

    fn nears(days: i32, step: u32, margin: Option<&str>) -> Happened {
        let about = About { case: CaseId(1), title: "PDN 1".to_owned(), maker: None, mpns: Vec::new(), parts: 0, last_time_buy: None };
        let money = |text: &str| Money::round(text.parse().expect("decimal"), Currency::EUR).expect("money");
        Happened::LastTimeBuyNears { about, last_time_buy: date(2027, 3, 31), step, days, margin_at_risk: margin.map(money) }
    }

    fn rule() -> Rule {
        Rule {
            name: "late".to_owned(),
            on: vec![On::LastTimeBuyNears],
            min_severity: Severity::Warning,
            min_at_risk: Some(Money::round(1000.into(), Currency::EUR).expect("money")),
            escalate_days: vec![60, 30, 7],
            to: vec!["ops".to_owned(), "boss".to_owned()],
        }
    }

    #[test]
    fn only_the_nearest_step_is_due() {
        assert_eq!(
            [61, 60, 31, 30, 8, 7, 0, -3].map(|days| rule().step(days)),
            [None, Some(60), Some(60), Some(30), Some(30), Some(7), Some(7), Some(7)]
        );
        assert_eq!(Rule { on: vec![On::CaseOpened], ..rule() }.step(5), None);
    }

    #[test]
    fn a_digest_is_due_at_its_next_hour_that_is_not_quiet() {
        let digest = |hour: i8| Digest { hour: time(hour, 0, 0, 0), zone: berlin() };
        for (made, hour, quiet, due) in [
            (at(2026, 11, 24, 6, 59), 7, None, at(2026, 11, 24, 7, 0)),
            (at(2026, 11, 24, 7, 0), 7, None, at(2026, 11, 25, 7, 0)),
            (at(2026, 11, 24, 23, 0), 7, Some(quiet()), at(2026, 11, 25, 7, 0)),
            // Over the weekend.
            (at(2026, 11, 27, 8, 0), 7, Some(quiet()), at(2026, 11, 30, 7, 0)),
            // There is no 02:30 in the night in which the clocks go forward, and two in the one in which they go back.
            (at(2027, 3, 27, 12, 0), 2, None, At::of_local(date(2027, 3, 28).at(2, 0, 0, 0), &berlin()).expect("moment")),
        ] {
            assert_eq!(digest(hour).next(made, quiet.as_ref()), due, "{made} {hour}");
        }
        assert_eq!([0, 6, 7, 19, 20, 23].map(|hour| quiet().covers(time(hour, 0, 0, 0))), [true, true, false, false, true, true]);
        let noon = Quiet { from: time(12, 0, 0, 0), to: time(13, 0, 0, 0), ..quiet() };
        assert_eq!([11, 12, 13].map(|hour| noon.covers(time(hour, 0, 0, 0))), [false, true, false]);
        let rules = Rules { rules: vec![rule()], digests: BTreeMap::from([("ops".to_owned(), digest(7))]), ..Rules::default() };
        let noon = at(2026, 11, 24, 12, 0);
        let told = |happened: &Happened| rules.asked(happened, noon).iter().map(|asked| asked.due).collect::<Vec<_>>();
        assert_eq!(told(&nears(30, 30, None)), [Some(at(2026, 11, 25, 7, 0)), None], "the other destination wants none");
        assert_eq!(told(&nears(3, 7, None)), [None, None], "what is critical waits for no hour");
    }

    #[test]
    fn unknown_money_is_told_and_little_money_is_not() {
        let rules = Rules { rules: vec![rule()], quiet: BTreeMap::from([("ops".to_owned(), quiet())]), ..Rules::default() };
        let night = at(2026, 11, 24, 23, 0);
        let told =
            |happened: &Happened| rules.asked(happened, night).iter().map(|asked| (asked.destination.to_owned(), asked.due)).collect::<Vec<_>>();
        let both = vec![("ops".to_owned(), Some(at(2026, 11, 25, 6, 30))), ("boss".to_owned(), None)];
        assert_eq!(told(&nears(30, 30, None)), both);
        assert_eq!(told(&nears(30, 30, Some("1000"))), both);
        assert_eq!(told(&nears(30, 30, Some("999.99"))), Vec::new());
        assert_eq!(told(&nears(30, 14, None)), Vec::new(), "another rule's step");
        assert_eq!(
            told(&nears(3, 7, None)),
            vec![("ops".to_owned(), None), ("boss".to_owned(), None)],
            "what is critical does not wait for the morning"
        );
    }
}

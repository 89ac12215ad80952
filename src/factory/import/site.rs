//! `site.toml`: reporting currency, calendar, rates, the site's own costs of answers.

use std::fs;

use super::{
    ImportError,
    files::{Kind, Sources},
    number::{self, Range},
};
use crate::{domain::factory::Site, limits};

/// The site file, checked. It is read before the tables, for they need the reporting currency.
pub(super) fn read(sources: &Sources) -> Result<Site, ImportError> {
    let Some(source) = sources.of(Kind::Site).first() else { return Err(ImportError::Missing(vec![Kind::Site.file_name()], String::new())) };
    if source.bytes > limits::SITE_BYTES_MAX {
        return Err(ImportError::Site(format!("{} is larger than {} bytes: it is no site file", source.name, limits::SITE_BYTES_MAX)));
    }
    let bytes = fs::read(&source.path).map_err(|error| ImportError::Unreadable { path: source.path.clone(), source: error })?;
    let text = std::str::from_utf8(&bytes).map_err(|_| ImportError::Site(format!("{} is not UTF-8: save it as UTF-8", source.name)))?;
    parse(text.strip_prefix('\u{FEFF}').unwrap_or(text), &source.name).map_err(ImportError::Site)
}

fn parse(text: &str, name: &str) -> Result<Site, String> {
    let site: Site = toml::from_str(text).map_err(|error| {
        let line = error.span().and_then(|span| text.get(..span.start)).map(|before| format!(" line {}", before.matches('\n').count() + 1));
        format!("{name}{}: {}", line.unwrap_or_default(), error.message().trim().replace('\n', ", "))
    })?;
    check(&site).map_err(|what| format!("{name}: {what}"))?;
    Ok(site)
}

fn check(site: &Site) -> Result<(), String> {
    if !(1..=12).contains(&site.fiscal_year_starts) {
        return Err(format!("fiscal_year_starts is {}: expected a month from 1 to 12", site.fiscal_year_starts));
    }
    let listed = |key: &str, currency: crate::domain::money::Currency| {
        if currency.is_listed() {
            Ok(())
        } else {
            Err(format!("{key} is {currency}, which is not a currency of ISO 4217: expected a code such as EUR or USD"))
        }
    };
    listed("reporting_currency", site.reporting_currency)?;
    let mut values: Vec<(String, rust_decimal::Decimal, Range)> = Vec::new();
    for (key, value, range) in [
        ("holding_rate", site.holding_rate, number::SHARE),
        ("discount_rate", site.discount_rate, number::SHARE),
        ("salvage_ratio", site.salvage_ratio, number::SHARE),
        ("spot_price_factor", site.spot_price_factor, number::RATE),
        ("downtime_cost_per_week", site.downtime_cost_per_week, number::AMOUNT),
        ("redesign_reuse_ratio", site.redesign_reuse_ratio, number::SHARE),
        ("order_budget", site.order_budget, number::AMOUNT),
        ("risk.cvar_level", Some(site.risk.cvar_level), number::SHARE),
        ("risk.cvar_limit", site.risk.cvar_limit, number::AMOUNT),
        ("risk.weeks_cv", site.risk.weeks_cv, number::SHARE),
    ] {
        values.extend(value.map(|value| (key.to_owned(), value, range)));
    }
    for (answer, cost) in &site.answers {
        listed(&format!("answers.{answer}.currency"), cost.currency)?;
        values.push((format!("answers.{answer}.cost"), cost.cost, number::AMOUNT));
        values.push((format!("answers.{answer}.weeks"), cost.weeks, number::WEEKS));
        values.extend(cost.probability.map(|value| (format!("answers.{answer}.probability"), value, number::SHARE)));
        values.extend(cost.price_factor.map(|value| (format!("answers.{answer}.price_factor"), value, number::RATE)));
    }
    values.extend(site.probability_of_end.iter().map(|(grade, value)| (format!("probability_of_end.{grade}"), *value, number::SHARE)));
    if site.risk.trials > limits::SIMULATION_TRIALS_MAX {
        return Err(format!("risk.trials is {}: expected at most {}; 0 leaves the simulation out", site.risk.trials, limits::SIMULATION_TRIALS_MAX));
    }
    if site.risk.cvar_level == rust_decimal::Decimal::ONE {
        return Err("risk.cvar_level is 1: no trial lies beyond it; expected a share such as 0.95".to_owned());
    }
    match values.into_iter().find(|(_, value, range)| !range.contains(*value)) {
        Some((key, value, range)) => Err(format!("{key} is {value}: expected {}", range.expected())),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_exact_as_written() {
        let site = parse(
            "name = \"Plant\"\nreporting_currency = \"EUR\"\nholding_rate = 0.24\ndiscount_rate = \"0.085\"\ndowntime_cost_per_week = 84000\n",
            "site.toml",
        )
        .expect("site");
        let shown = |value: Option<rust_decimal::Decimal>| value.map(|value| value.to_string());
        assert_eq!(shown(site.holding_rate).as_deref(), Some("0.24"));
        assert_eq!(shown(site.discount_rate).as_deref(), Some("0.085"));
        assert_eq!(shown(site.downtime_cost_per_week).as_deref(), Some("84000"));
        assert_eq!((site.fiscal_year_starts, site.salvage_ratio), (1, None));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line_or_key() {
        let head = "name = \"Plant\"\nreporting_currency = \"EUR\"\n";
        for (text, said) in [
            ("name = \"Plant\"\n".to_owned(), "reporting_currency"),
            (format!("{head}holding_rat = 0.2\n"), "site.toml line 3: unknown field `holding_rat`"),
            (format!("{head}holding_rate = 24\n"), "holding_rate is 24: expected a share"),
            (format!("{head}fiscal_year_starts = 13\n"), "month from 1 to 12"),
            (format!("{head}spot_price_factor = 0\n"), "spot_price_factor is 0"),
            ("name = \"Plant\"\nreporting_currency = \"EUO\"\n".to_owned(), "ISO 4217"),
            ("name = \"Plant\"\nreporting_currency = \"Euro\"\n".to_owned(), "line 2"),
            (format!("{head}[answers.redesign_assembly]\ncost = -1\ncurrency = \"EUR\"\nweeks = 30\n"), "answers.redesign_assembly.cost"),
            (format!("{head}[answers.redesign_assembly]\ncost = 5\ncurrency = \"EUR\"\n"), "weeks"),
            (format!("{head}[answers.spot]\ncost = 5\ncurrency = \"EUR\"\nweeks = 1\nprobability = 70\n"), "answers.spot.probability is 70"),
            (format!("{head}[answers.spot]\ncost = 5\ncurrency = \"EUR\"\nweeks = 1\nprice_factor = 0\n"), "answers.spot.price_factor is 0"),
            (format!("{head}[probability_of_end]\nNRND = 50\n"), "probability_of_end.NRND is 50"),
            (format!("{head}accounting = \"HGB\"\n"), "IFRS"),
            (format!("{head}[risk]\ncvar_level = 95\n"), "risk.cvar_level is 95"),
            (format!("{head}[risk]\ncvar_level = 1\n"), "risk.cvar_level is 1"),
            (format!("{head}[risk]\ntrials = 100000000\n"), "risk.trials is 100000000"),
            ("name = \n".to_owned(), "line 1"),
        ] {
            let error = parse(&text, "site.toml").expect_err(&text);
            assert!(error.contains(said) && !error.contains('\n'), "{text}: {error}");
        }
    }
}

//! Exact money. Unit prices are decimals of any places (a resistor costs 0.000213); an extended amount is rounded to minor units once, half to even, in
//! `Money::round`, and nowhere else.

use std::{fmt, str::FromStr};

use jiff::civil::Date;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

/// An ISO 4217 code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum MoneyError {
    #[error("'{0}' is not a currency: three letters as in ISO 4217, for example EUR")]
    Currency(String),
    #[error("no rate from {from} to {to} on or before {date}: add one to rates.csv")]
    NoRate { from: Currency, to: Currency, date: Date },
    #[error("{left} and {right} cannot be added: convert one with a dated rate first")]
    Mixed { left: Currency, right: Currency },
    #[error("an amount is too large to be held exactly")]
    Overflow,
}

impl Currency {
    pub const EUR: Currency = Currency(*b"EUR");
    pub const USD: Currency = Currency(*b"USD");

    /// Decimal places of the minor unit (ISO 4217).
    pub fn places(self) -> u32 {
        match &self.0 {
            b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG" | b"RWF" | b"UGX" | b"VND" | b"VUV" | b"XAF" | b"XOF"
            | b"XPF" => 0,
            b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
            _ => 2,
        }
    }

    /// Whether it is an active code of ISO 4217; any three letters parse.
    pub fn is_listed(self) -> bool {
        LISTED.split_ascii_whitespace().any(|code| code.as_bytes() == self.0)
    }
}

/// Active codes of ISO 4217 for money that is paid with, without funds, metals and test codes.
const LISTED: &str = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK \
    DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP \
    LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR \
    SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG";

impl FromStr for Currency {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Currency, MoneyError> {
        let upper = text.trim().to_ascii_uppercase();
        match <[u8; 3]>::try_from(upper.as_bytes()) {
            Ok(code) if code.iter().all(u8::is_ascii_uppercase) => Ok(Currency(code)),
            _ => Err(MoneyError::Currency(text.chars().take(20).collect())),
        }
    }
}

impl TryFrom<String> for Currency {
    type Error = MoneyError;

    fn try_from(text: String) -> Result<Currency, MoneyError> {
        text.parse()
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> String {
        currency.to_string()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.0).map_err(|_| fmt::Error)?)
    }
}

/// An amount in whole minor units. In JSON `{"amount": "1234.56", "currency": "EUR"}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Money {
    minor: i64,
    currency: Currency,
}

#[derive(Serialize, Deserialize)]
struct Written {
    #[serde(with = "rust_decimal::serde::str")]
    amount: Decimal,
    currency: Currency,
}

impl From<Money> for Written {
    fn from(money: Money) -> Written {
        Written { amount: money.amount(), currency: money.currency }
    }
}

impl TryFrom<Written> for Money {
    type Error = MoneyError;

    fn try_from(written: Written) -> Result<Money, MoneyError> {
        Money::round(written.amount, written.currency)
    }
}

impl Money {
    pub fn zero(currency: Currency) -> Money {
        Money { minor: 0, currency }
    }

    /// The one rounding place: to minor units, half to even.
    pub fn round(amount: Decimal, currency: Currency) -> Result<Money, MoneyError> {
        let rounded = amount.round_dp_with_strategy(currency.places(), RoundingStrategy::MidpointNearestEven);
        let scaled = rounded.checked_mul(Decimal::from(10_i64.pow(currency.places()))).ok_or(MoneyError::Overflow)?;
        let minor = i64::try_from(scaled.trunc()).map_err(|_| MoneyError::Overflow)?;
        Ok(Money { minor, currency })
    }

    pub fn minor(self) -> i64 {
        self.minor
    }

    pub fn currency(self) -> Currency {
        self.currency
    }

    /// Exact, with the currency's places.
    pub fn amount(self) -> Decimal {
        Decimal::new(self.minor, self.currency.places())
    }

    pub fn is_zero(self) -> bool {
        self.minor == 0
    }

    pub fn plus(self, other: Money) -> Result<Money, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::Mixed { left: self.currency, right: other.currency });
        }
        let minor = self.minor.checked_add(other.minor).ok_or(MoneyError::Overflow)?;
        Ok(Money { minor, currency: self.currency })
    }

    pub fn minus(self, other: Money) -> Result<Money, MoneyError> {
        self.plus(Money { minor: other.minor.checked_neg().ok_or(MoneyError::Overflow)?, currency: other.currency })
    }
}

/// `1234567.89 EUR`, no grouping: for machines and logs. People see `grouped`.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount(), self.currency)
    }
}

impl Money {
    /// `1,234,567.89 EUR`.
    pub fn grouped(self) -> String {
        let plain = self.amount().to_string();
        let (sign, digits) = plain.strip_prefix('-').map_or(("", plain.as_str()), |rest| ("-", rest));
        let (whole, fraction) = digits.split_once('.').map_or((digits, ""), |(whole, fraction)| (whole, fraction));
        let mut grouped = String::new();
        for (at, digit) in whole.chars().enumerate() {
            if at > 0 && (whole.len() - at) % 3 == 0 {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        let point = if fraction.is_empty() { "" } else { "." };
        format!("{sign}{grouped}{point}{fraction} {}", self.currency)
    }
}

/// One unit of `from` is `rate` units of `to`, from `date` on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    pub date: Date,
    pub from: Currency,
    pub to: Currency,
    #[serde(with = "rust_decimal::serde::str")]
    pub rate: Decimal,
}

/// Dated rates; the newest one on or before the date counts, the inverse only where no direct one exists.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rates(pub Vec<Rate>);

impl Rates {
    /// An unrounded amount in another currency, and the rate that was used (`None` where the currencies are the same).
    pub fn convert(&self, amount: Decimal, from: Currency, to: Currency, date: Date) -> Result<(Decimal, Option<&Rate>), MoneyError> {
        if from == to {
            return Ok((amount, None));
        }
        let newest = |a: Currency, b: Currency| {
            self.0.iter().filter(|rate| rate.from == a && rate.to == b && rate.date <= date && rate.rate > Decimal::ZERO).max_by_key(|rate| rate.date)
        };
        if let Some(rate) = newest(from, to) {
            let converted = amount.checked_mul(rate.rate).ok_or(MoneyError::Overflow)?;
            return Ok((converted, Some(rate)));
        }
        if let Some(rate) = newest(to, from) {
            let converted = amount.checked_div(rate.rate).ok_or(MoneyError::Overflow)?;
            return Ok((converted, Some(rate)));
        }
        Err(MoneyError::NoRate { from, to, date })
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().expect("decimal")
    }

    #[test]
    fn rounds_once_half_to_even() {
        assert_eq!(Money::round(decimal("0.125"), Currency::EUR).map(Money::minor), Ok(12));
        assert_eq!(Money::round(decimal("0.135"), Currency::EUR).map(Money::minor), Ok(14));
        let yen: Currency = "jpy".parse().expect("currency");
        assert_eq!(Money::round(decimal("1499.5"), yen).map(Money::minor), Ok(1500));
        assert_eq!(Money::round(decimal("1e25"), Currency::EUR), Err(MoneyError::Overflow));
    }

    #[test]
    fn three_letters_are_not_yet_a_currency() {
        let listed = |code: &str| code.parse::<Currency>().expect("three letters").is_listed();
        assert!(listed("EUR") && listed("jpy") && listed("ZWG") && listed("KWD"));
        assert!(!listed("EUO") && !listed("XAU") && !listed("DEM"));
    }

    #[test]
    fn shows_and_reads_back() {
        let money = Money::round(decimal("-1234567.891"), Currency::EUR).expect("money");
        assert_eq!(money.to_string(), "-1234567.89 EUR");
        assert_eq!(money.grouped(), "-1,234,567.89 EUR");
        let json = serde_json::to_string(&money).expect("json");
        assert_eq!(json, r#"{"amount":"-1234567.89","currency":"EUR"}"#);
        assert_eq!(serde_json::from_str::<Money>(&json).expect("back"), money);
    }

    #[test]
    fn converts_by_the_newest_rate_of_the_day() {
        let rate = |day, rate| Rate { date: day, from: Currency::USD, to: Currency::EUR, rate: decimal(rate) };
        let rates = Rates(vec![rate(date(2026, 1, 1), "0.90"), rate(date(2026, 6, 1), "0.80"), rate(date(2027, 1, 1), "0.70")]);
        let there = rates.convert(decimal("100"), Currency::USD, Currency::EUR, date(2026, 11, 1)).expect("rate");
        assert_eq!(there.0, decimal("80"));
        let back = rates.convert(decimal("80"), Currency::EUR, Currency::USD, date(2026, 11, 1)).expect("inverse");
        assert_eq!(back.0, decimal("100"));
        assert!(matches!(rates.convert(decimal("1"), Currency::USD, Currency::EUR, date(2025, 1, 1)), Err(MoneyError::NoRate { .. })));
    }
}

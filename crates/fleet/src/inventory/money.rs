//! Amounts of money.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An amount, in thousandths of a currency's unit: `1.5 EUR`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Money {
    thousandths: u32,
    currency: [u8; 3],
}

/// A text that is no amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no amount: give a number with three decimals at most and a currency, `1.50 EUR`")]
pub struct BadMoney;

impl Money {
    /// The amount in thousandths of the currency's unit.
    pub fn thousandths(&self) -> u32 {
        self.thousandths
    }

    /// The currency by its three letters (ISO 4217).
    pub fn currency(&self) -> &str {
        std::str::from_utf8(&self.currency).unwrap_or_default()
    }
}

impl FromStr for Money {
    type Err = BadMoney;

    fn from_str(text: &str) -> Result<Self, BadMoney> {
        let (amount, currency) = text.trim().split_once(' ').ok_or(BadMoney)?;
        let thousandths = thousandths(amount).ok_or(BadMoney)?;
        let currency = currency.trim().to_ascii_uppercase();
        let letters = <[u8; 3]>::try_from(currency.as_bytes()).map_err(|_| BadMoney)?;
        match letters.iter().all(u8::is_ascii_uppercase) {
            true => Ok(Money {
                thousandths: u32::try_from(thousandths).map_err(|_| BadMoney)?,
                currency: letters,
            }),
            false => Err(BadMoney),
        }
    }
}

/// A number with three decimals at most, times 1000.
pub(crate) fn thousandths(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_number = |text: &str, longest: usize| {
        (1..=longest).contains(&text.len()) && text.bytes().all(|octet| octet.is_ascii_digit())
    };
    if !is_number(whole, 12) || !is_number(part, 3) {
        return None;
    }
    let whole: i64 = whole.parse().ok()?;
    let part: i64 = format!("{part:0<3}").parse().ok()?;
    Some(sign * (whole * 1000 + part))
}

/// The other way round, as short as it can be.
pub(crate) fn of_thousandths(value: i64) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let (whole, part) = (value.unsigned_abs() / 1000, value.unsigned_abs() % 1000);
    match part {
        0 => format!("{sign}{whole}"),
        part => {
            let part = format!("{part:03}");
            format!("{sign}{whole}.{}", part.trim_end_matches('0'))
        }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let amount = of_thousandths(i64::from(self.thousandths));
        write!(f, "{amount} {}", self.currency())
    }
}

impl TryFrom<String> for Money {
    type Error = BadMoney;

    fn try_from(text: String) -> Result<Self, BadMoney> {
        text.parse()
    }
}

impl From<Money> for String {
    fn from(money: Money) -> String {
        money.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts() {
        let money: Money = "1.50 eur".parse().unwrap();
        assert_eq!((money.thousandths(), money.currency()), (1500, "EUR"));
        assert_eq!(money.to_string(), "1.5 EUR");
        for wrong in [
            "",
            "1.5",
            "EUR",
            "1,5 EUR",
            "-1 EUR",
            "1. EUR",
            "1.2345 EUR",
            "1 EURO",
        ] {
            assert_eq!(wrong.parse::<Money>(), Err(BadMoney), "{wrong}");
        }
        for value in [0, 1, -1, 10, 999, 1000, -1001, 123_450] {
            assert_eq!(thousandths(&of_thousandths(value)), Some(value));
        }
    }
}

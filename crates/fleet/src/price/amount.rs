//! Small amounts of money.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::decimal::{self, MILLIONTHS};

/// The greatest that can be given: below a thousand million units.
const MOST: u64 = 999_999_999_999_999;

/// An amount, in millionths of a currency's unit: `0.000125 EUR`. What a device moves
/// for one operation costs less than the thousandths that
/// [`Money`](crate::inventory::Money) has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Amount {
    micros: u64,
    currency: [u8; 3],
}

/// A text that is no amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no amount: give a number with six decimals at most and a currency, `0.05 EUR`")]
pub struct BadAmount;

impl Amount {
    /// Millionths of the currency's unit.
    pub const fn micros(&self) -> u64 {
        self.micros
    }

    /// The currency by its three letters (ISO 4217).
    pub fn currency(&self) -> &str {
        std::str::from_utf8(&self.currency).unwrap_or_default()
    }

    /// So many millionths of the same currency.
    #[must_use]
    pub const fn of(self, micros: u64) -> Self {
        Amount { micros, ..self }
    }

    /// So many millionths more.
    #[must_use]
    pub const fn plus(self, micros: u64) -> Self {
        self.of(self.micros.saturating_add(micros))
    }
}

impl FromStr for Amount {
    type Err = BadAmount;

    fn from_str(text: &str) -> Result<Self, BadAmount> {
        let (micros, currency) = decimal::read_money(text, MILLIONTHS).ok_or(BadAmount)?;
        match micros <= MOST {
            true => Ok(Amount { micros, currency }),
            false => Err(BadAmount),
        }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = i64::try_from(self.micros).unwrap_or(i64::MAX);
        let amount = decimal::written(micros, MILLIONTHS);
        write!(f, "{amount} {}", self.currency())
    }
}

impl TryFrom<String> for Amount {
    type Error = BadAmount;

    fn try_from(text: String) -> Result<Self, BadAmount> {
        text.parse()
    }
}

impl From<Amount> for String {
    fn from(amount: Amount) -> String {
        amount.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts() {
        for (text, micros, shown) in [
            ("0.05 eur", 50_000, "0.05 EUR"),
            ("0.000001 EUR", 1, "0.000001 EUR"),
            ("12 CHF", 12_000_000, "12 CHF"),
            ("0 EUR", 0, "0 EUR"),
        ] {
            let amount: Amount = text.parse().unwrap();
            assert_eq!(
                (amount.micros(), amount.to_string().as_str()),
                (micros, shown)
            );
        }
        for wrong in [
            "",
            "0.05",
            "EUR",
            "0,05 EUR",
            "-1 EUR",
            "1. EUR",
            "0.0000001 EUR",
            "1 EURO",
            "1e3 EUR",
            "1000000000 EUR",
        ] {
            assert_eq!(wrong.parse::<Amount>(), Err(BadAmount), "{wrong}");
        }
    }
}

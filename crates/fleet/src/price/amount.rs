//! Small amounts of money.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Millionths in a unit.
const MICROS: u64 = 1_000_000;

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
        let (amount, currency) = text.trim().split_once(' ').ok_or(BadAmount)?;
        let (whole, part) = amount.split_once('.').unwrap_or((amount, "0"));
        let is_number = |text: &str, longest: usize| {
            (1..=longest).contains(&text.len()) && text.bytes().all(|octet| octet.is_ascii_digit())
        };
        let currency = currency.trim().to_ascii_uppercase();
        let letters = <[u8; 3]>::try_from(currency.as_bytes()).map_err(|_| BadAmount)?;
        if !is_number(whole, 9)
            || !is_number(part, 6)
            || !letters.iter().all(u8::is_ascii_uppercase)
        {
            return Err(BadAmount);
        }
        let number = |text: &str| text.parse::<u64>().map_err(|_| BadAmount);
        Ok(Amount {
            micros: number(whole)? * MICROS + number(&format!("{part:0<6}"))?,
            currency: letters,
        })
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.micros / MICROS, self.micros % MICROS);
        let currency = self.currency();
        match part {
            0 => write!(f, "{whole} {currency}"),
            part => {
                let part = format!("{part:06}");
                write!(f, "{whole}.{} {currency}", part.trim_end_matches('0'))
            }
        }
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
        ] {
            assert_eq!(wrong.parse::<Amount>(), Err(BadAmount), "{wrong}");
        }
    }
}

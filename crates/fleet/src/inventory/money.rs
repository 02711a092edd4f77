//! Amounts of money.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::decimal::{self, THOUSANDTHS};

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
        let (amount, currency) = decimal::read_money(text, THOUSANDTHS).ok_or(BadMoney)?;
        let thousandths = u32::try_from(amount).map_err(|_| BadMoney)?;
        Ok(Money {
            thousandths,
            currency,
        })
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let amount = decimal::written(i64::from(self.thousandths), THOUSANDTHS);
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
    }
}

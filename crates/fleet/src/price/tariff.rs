//! What an operator bills for octets.

use serde::{Deserialize, Serialize};

use super::Amount;
use crate::inventory::named;

/// Octets of a megabyte as tariffs have it.
const MEGABYTE: u64 = 1_000_000;

/// The largest volume that a month includes: a petabyte.
const LARGEST_VOLUME: u64 = 1_000_000_000_000_000;

/// The largest step in which anybody bills: a gigabyte.
const LARGEST_STEP: u64 = 1_000_000_000;

named! {
    /// When octets are rounded up to the step in which they are billed.
    Rounded, "time of rounding";
    /// At the end of each session.
    Session = "session",
    /// At the end of each day.
    Day = "day",
}

/// A tariff: what octets cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tariff {
    /// What a megabyte costs beyond the included volume, 1 000 000 octets; absent if
    /// there is nothing beyond it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_megabyte: Option<Amount>,
    /// Octets in a month that are paid with the basic fee.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub included: Option<u64>,
    /// Octets up to whole multiples of which is rounded.
    #[serde(default = "one")]
    pub step: u64,
    /// When is rounded.
    #[serde(default = "session")]
    pub rounded: Rounded,
}

const fn one() -> u64 {
    1
}

const fn session() -> Rounded {
    Rounded::Session
}

/// What is wrong with a tariff.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadTariff {
    /// `step`.
    #[error("`step` is from 1 to 1000000000 octets")]
    Step,
    /// `included`.
    #[error("`included` is from 1 to 1000000000000000 octets; leave it out if nothing is")]
    Included,
    /// Neither a price nor a volume.
    #[error("a tariff has `per_megabyte`, `included` or both")]
    Empty,
}

/// Octets as they are billed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Billed {
    /// How many.
    pub octets: u64,
    /// Whether it may be fewer, because it is not known how they were spread over
    /// sessions.
    pub at_most: bool,
}

/// What octets cost by a tariff.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// As they are billed.
    pub billed: Billed,
    /// What that costs beyond the included volume. How much of that is left is the
    /// operator's to know: as long as there is some, it costs a part of that.
    pub amount: Amount,
    /// The included volume, in octets.
    pub included: Option<u64>,
}

impl Tariff {
    /// Whether it can be kept.
    ///
    /// # Errors
    /// What is wrong.
    pub fn check(&self) -> Result<(), BadTariff> {
        match (self.step, self.included, &self.per_megabyte) {
            (0, ..) => Err(BadTariff::Step),
            (step, ..) if step > LARGEST_STEP => Err(BadTariff::Step),
            (_, Some(volume), _) if !(1..=LARGEST_VOLUME).contains(&volume) => {
                Err(BadTariff::Included)
            }
            (_, None, None) => Err(BadTariff::Empty),
            _ => Ok(()),
        }
    }

    /// What so many octets cost that were moved in so many contacts. Rounded up to a
    /// millionth of the currency. `None` if the tariff has no price.
    pub fn cost(&self, octets: u64, contacts: u32) -> Option<Cost> {
        let billed = self.billed(octets, contacts);
        let price = self.per_megabyte?;
        let micros = u128::from(billed.octets) * u128::from(price.micros());
        let micros = micros.div_ceil(u128::from(MEGABYTE));
        Some(Cost {
            billed,
            amount: price.of(u64::try_from(micros).unwrap_or(u64::MAX)),
            included: self.included,
        })
    }

    /// Octets as they are billed. A contact is a session, and a day has one contact as
    /// far as one operation is concerned. Of several sessions it is known what they
    /// moved together: n of them are rounded up by n times one octet less than a step at
    /// most. What travelled along in the contact of another operation is rounded with
    /// that.
    fn billed(&self, octets: u64, contacts: u32) -> Billed {
        let sessions = match self.rounded {
            Rounded::Session => u64::from(contacts),
            Rounded::Day => u64::from(contacts.min(1)),
        };
        if sessions == 0 {
            return Billed {
                octets,
                at_most: false,
            };
        }
        let most = octets.saturating_add(sessions.saturating_mul(self.step - self.step.min(1)));
        let step = self.step.max(1);
        Billed {
            octets: most / step * step,
            at_most: sessions > 1 && step > 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tariff(json: &str) -> Tariff {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn octets_are_rounded_as_they_are_billed() {
        let by_the_kilobyte = tariff(r#"{"per_megabyte": "0.05 EUR", "step": 1000}"#);
        let cost = |octets, contacts| {
            let cost = by_the_kilobyte.cost(octets, contacts).unwrap();
            (
                cost.billed.octets,
                cost.billed.at_most,
                cost.amount.to_string(),
            )
        };
        assert_eq!(cost(4_001, 1), (5_000, false, "0.00025 EUR".to_string()));
        assert_eq!(cost(4_000, 1), (4_000, false, "0.0002 EUR".to_string()));
        assert_eq!(cost(4_000, 2), (5_000, true, "0.00025 EUR".to_string()));
        assert_eq!(cost(4_001, 0), (4_001, false, "0.000201 EUR".to_string()));
        let by_day = Tariff {
            rounded: Rounded::Day,
            ..by_the_kilobyte.clone()
        };
        assert_eq!(by_day.cost(4_001, 7).unwrap().billed.octets, 5_000);
        let exact = tariff(r#"{"per_megabyte": "0.05 EUR"}"#);
        assert_eq!(exact.cost(4_001, 7).unwrap().billed.octets, 4_001);
        // Nothing overflows.
        let dear = tariff(r#"{"per_megabyte": "999999999 EUR", "step": 1000000000}"#);
        assert_eq!(
            dear.cost(u64::MAX, u32::MAX).unwrap().amount.micros(),
            u64::MAX
        );
    }

    /// However octets are spread over sessions, no more is billed than is said.
    #[test]
    fn several_sessions_cost_what_is_said_at_most() {
        let tariff = tariff(r#"{"per_megabyte": "1 EUR", "step": 100}"#);
        for first in 0..400_u64 {
            for second in [0_u64, 1, 99, 100, 101, 250] {
                let real = first.div_ceil(100) * 100 + second.div_ceil(100) * 100;
                let said = tariff.billed(first + second, 2).octets;
                assert!(
                    (real..real + 200).contains(&said),
                    "{first} {second} {said}"
                );
            }
        }
    }

    #[test]
    fn tariffs_that_are_none() {
        assert_eq!(tariff(r#"{}"#).check(), Err(BadTariff::Empty));
        let step = |step: u64| tariff(&format!(r#"{{"included": 5000000, "step": {step}}}"#));
        assert_eq!(step(0).check(), Err(BadTariff::Step));
        assert_eq!(step(1_000_000_001).check(), Err(BadTariff::Step));
        assert_eq!(step(1024).check(), Ok(()));
        assert_eq!(step(1024).cost(1, 1), None);
        assert_eq!(
            tariff(r#"{"included": 0}"#).check(),
            Err(BadTariff::Included)
        );
        assert!(serde_json::from_str::<Tariff>(r#"{"per_megabyte": "5"}"#).is_err());
        assert!(serde_json::from_str::<Tariff>(r#"{"price": "5 EUR"}"#).is_err());
    }
}

//! The EIDs of the eUICCs that a suite makes.

use rsp_asn1::ids::Eid;

use super::case::{Check, fail};

/// First digits where nobody has said which: an EUM of a test system.
const PREFIX: &str = "89049032";

/// Digits of an EID that identify the eUICC at its EUM.
const OWN_DIGITS: u32 = 22;

/// EIDs one after the other, from the one that somebody wants or from a number
/// of the run.
#[derive(Clone, Debug)]
pub(super) struct Eids {
    first: Option<Eid>,
    prefix: String,
    base: u128,
}

impl Eids {
    /// From this EID on; without, from a number that another run has not.
    pub(super) fn new(first: Option<Eid>, run: u64) -> Check<Eids> {
        let Some(eid) = first else {
            return Ok(Eids {
                first,
                prefix: PREFIX.into(),
                base: u128::from(run),
            });
        };
        let digits = eid.to_string();
        let (prefix, own) = (digits.get(..8), digits.get(8..30));
        match (prefix, own.and_then(|own| own.parse().ok())) {
            (Some(prefix), Some(base)) => Ok(Eids {
                first,
                prefix: prefix.into(),
                base,
            }),
            _ => fail(format!(
                "{digits} is no EID that others can be counted from"
            )),
        }
    }

    /// First eight digits, which are the EUM's.
    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The EID with this number; the first is 0.
    pub(super) fn nth(&self, number: u32) -> Check<Eid> {
        if let (Some(first), 0) = (self.first, number) {
            return Ok(first);
        }
        let own = (self.base + u128::from(number)) % 10_u128.pow(OWN_DIGITS);
        let digits = format!("{}{own:0width$}", self.prefix, width = OWN_DIGITS as usize);
        Ok(Eid::with_check_digits(&digits)?)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    #[test]
    fn eids_count_on_from_the_one_that_is_wanted() {
        // Whatever its check digits are.
        let wanted: Eid = "89882119900000000000000000000005".parse().unwrap();
        let eids = Eids::new(Some(wanted), 7).unwrap();
        assert_eq!(eids.nth(0).unwrap(), wanted);
        assert_eq!(eids.prefix(), "89882119");
        let next = eids.nth(1).unwrap().to_string();
        assert_eq!(&next[..30], "898821199000000000000000000001");
        assert!(eids.nth(1).unwrap().has_valid_check_digits());
        let last: Eid = "89882119999999999999999999999900".parse().unwrap();
        let eids = Eids::new(Some(last), 0).unwrap();
        let next = eids.nth(1).unwrap().to_string();
        assert_eq!(&next[..30], "898821190000000000000000000000");
    }

    #[test]
    fn runs_do_not_share_eids() {
        let [one, other] = [4, 5].map(|run| Eids::new(None, run * 10_000).unwrap());
        assert_ne!(one.nth(1).unwrap(), other.nth(1).unwrap());
        assert_eq!(one.prefix(), PREFIX);
    }
}

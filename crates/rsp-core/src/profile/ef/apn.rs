//! Access point names: EF.ACL (3GPP TS 31.102 4.2.48, TS 23.003 9.1).

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use super::{InvalidValue, as_text, invalid};

/// An access point name: labels of letters, digits and hyphens with points
/// between them, at most 100 characters.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Apn(String);

const FORM: InvalidValue = invalid(
    "an access point name",
    "labels of 1 to 63 letters, digits and hyphens, at most 100 characters in all",
);

impl FromStr for Apn {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let label = |label: &str| {
            let known = |c: u8| c.is_ascii_alphanumeric() || c == b'-';
            (1..=63).contains(&label.len()) && label.bytes().all(known)
        };
        match text.len() <= 100 && text.split('.').all(label) {
            true => Ok(Apn(text.into())),
            false => Err(FORM),
        }
    }
}

impl fmt::Display for Apn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Apn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

as_text!(Apn);

/// Tag of an APN in EF.ACL.
const TAG: u8 = 0xDD;

impl Apn {
    /// Contents of EF.ACL: how many, then one TLV each.
    pub(in crate::profile) fn list(apns: &[Apn]) -> Vec<u8> {
        let mut contents = alloc::vec![apns.len() as u8];
        for apn in apns {
            contents.extend([TAG, apn.0.len() as u8 + 1]);
            for label in apn.0.split('.') {
                contents.push(label.len() as u8);
                contents.extend(label.bytes());
            }
        }
        contents
    }
}

/// The names in EF.ACL, as far as they can be read.
pub(in crate::profile) fn access_point_names(contents: &[u8]) -> Vec<Apn> {
    let mut apns = Vec::new();
    let mut rest = contents.get(1..).unwrap_or_default();
    while let [TAG, length, value @ ..] = rest {
        let Some((coded, after)) = value.split_at_checked(usize::from(*length)) else {
            break;
        };
        apns.extend(read(coded));
        rest = after;
    }
    apns
}

fn read(mut coded: &[u8]) -> Option<Apn> {
    let mut labels: Vec<&str> = Vec::new();
    while let [length, rest @ ..] = coded {
        let (label, after) = rest.split_at_checked(usize::from(*length))?;
        labels.push(core::str::from_utf8(label).ok()?);
        coded = after;
    }
    labels.join(".").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_coded_and_read() {
        let apns: [Apn; 2] = ["iot.example".parse().unwrap(), "m2m".parse().unwrap()];
        let contents = Apn::list(&apns);
        assert_eq!(contents, b"\x02\xDD\x0C\x03iot\x07example\xDD\x04\x03m2m");
        assert_eq!(access_point_names(&contents), apns);
        assert_eq!(access_point_names(&[1, TAG, 9, 1]), []);
        for wrong in ["", "a..b", "a b", "-.é"] {
            assert!(wrong.parse::<Apn>().is_err(), "{wrong}");
        }
    }
}

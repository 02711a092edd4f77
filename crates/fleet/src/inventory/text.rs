//! Texts that people give: names of models, sites, owners, tags.

use std::fmt;
use std::str::FromStr;

use rsp_asn1::ids::Eid;
use serde::{Deserialize, Serialize};

/// The longest text, in characters.
pub const LONGEST: usize = 128;

/// A text that is no [`Text`], or no [`DeviceId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadText {
    /// Nothing but spaces, or too long.
    #[error("it has 1 to 128 characters")]
    Length,
    /// A line break, a tabulator or another control character.
    #[error("it has no control characters")]
    Control,
    /// An identifier of a device with other characters.
    #[error("it has 1 to 64 characters of A-Z, a-z, 0-9 and . _ : -")]
    Id,
}

/// 1 to 128 characters, none of them a control character, without spaces around.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Text(String);

impl Text {
    /// The characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Text {
    type Err = BadText;

    fn from_str(text: &str) -> Result<Self, BadText> {
        let text = text.trim();
        if text.chars().any(char::is_control) {
            return Err(BadText::Control);
        }
        match (1..=LONGEST).contains(&text.chars().count()) {
            true => Ok(Text(text.to_string())),
            false => Err(BadText::Length),
        }
    }
}

/// What a device is called in the inventory; the EID of its eUICC if nobody says
/// otherwise.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeviceId(String);

impl DeviceId {
    /// The characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DeviceId {
    type Err = BadText;

    fn from_str(text: &str) -> Result<Self, BadText> {
        let text = text.trim();
        let fits = |c: char| c.is_ascii_alphanumeric() || "._:-".contains(c);
        match (1..=64).contains(&text.len()) && text.chars().all(fits) {
            true => Ok(DeviceId(text.to_string())),
            false => Err(BadText::Id),
        }
    }
}

/// What a device is called of which only its eUICC is known.
impl From<Eid> for DeviceId {
    fn from(eid: Eid) -> Self {
        DeviceId(eid.to_string())
    }
}

macro_rules! as_text {
    ($type:ident) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $type {
            type Error = BadText;

            fn try_from(text: String) -> Result<Self, BadText> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(text: $type) -> String {
                text.0
            }
        }
    };
}
as_text!(Text);
as_text!(DeviceId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_trimmed_and_bounded() {
        assert_eq!(" Köln 3 ".parse::<Text>().unwrap().as_str(), "Köln 3");
        assert_eq!(" ".parse::<Text>(), Err(BadText::Length));
        assert_eq!("ä".repeat(129).parse::<Text>(), Err(BadText::Length));
        assert!("ä".repeat(128).parse::<Text>().is_ok());
        assert_eq!("a\u{1f}b".parse::<Text>(), Err(BadText::Control));
        assert!("router-7.a:b_C".parse::<DeviceId>().is_ok());
        for wrong in ["", "a b", "ä", "a/b", &"a".repeat(65)] {
            assert_eq!(wrong.parse::<DeviceId>(), Err(BadText::Id), "{wrong}");
        }
    }
}

//! Countries.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The officially assigned codes of ISO 3166-1 alpha-2.
const CODES: &str = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI \
    BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX \
    CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL \
    GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP \
    KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK \
    ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE \
    PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM \
    SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY \
    UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW";

/// A country by its code of ISO 3166-1 alpha-2; `XK` (Kosovo), which users of the
/// standard have agreed on, is taken, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Country([u8; 2]);

/// A text that is no code of a country.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no country: give two letters of ISO 3166-1, such as DE")]
pub struct BadCountry;

impl Country {
    /// Its two letters.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl FromStr for Country {
    type Err = BadCountry;

    /// Case does not matter.
    fn from_str(text: &str) -> Result<Self, BadCountry> {
        let code = text.trim().to_ascii_uppercase();
        let is_known = code == "XK" || CODES.split_ascii_whitespace().any(|known| known == code);
        match <[u8; 2]>::try_from(code.as_bytes()) {
            Ok(letters) if is_known => Ok(Country(letters)),
            _ => Err(BadCountry),
        }
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl TryFrom<String> for Country {
    type Error = BadCountry;

    fn try_from(text: String) -> Result<Self, BadCountry> {
        text.parse()
    }
}

impl From<Country> for String {
    fn from(country: Country) -> String {
        country.code().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn countries() {
        assert_eq!(CODES.split_ascii_whitespace().count(), 249);
        assert_eq!(" de ".parse::<Country>().unwrap().code(), "DE");
        for wrong in ["", "D", "DEU", "UK", "EU", "ÄÖ", "D E"] {
            assert_eq!(wrong.parse::<Country>(), Err(BadCountry), "{wrong}");
        }
    }
}

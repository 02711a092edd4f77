//! PIN, PUK and ADM of a subscription (SAIP 8.4; ETSI TS 102 221 9.5).

use alloc::string::String;
use core::fmt;

use rsp_asn1::saip::{PinCodes, PinCodesChoice, PinConfiguration, PukCodes, Secret};

/// A PIN, PUK or ADM: eight octets as in VERIFY PIN, the text of decimal
/// digits filled with 'FF', or sixteen hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Code([u8; 8]);

/// A text that is no code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a code has 4 to 8 decimal or 16 hexadecimal digits")]
pub struct InvalidCode;

impl Code {
    /// From the octets of VERIFY PIN.
    pub const fn from_bytes(octets: [u8; 8]) -> Self {
        Code(octets)
    }

    /// The octets of VERIFY PIN.
    pub const fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }

    /// The digits, if it is decimal digits filled with 'FF'.
    pub fn digits(&self) -> Option<String> {
        let end = self.0.iter().position(|octet| *octet == 0xFF).unwrap_or(8);
        let (digits, rest) = self.0.split_at_checked(end)?;
        let decimal = digits.len() >= 4 && digits.iter().all(u8::is_ascii_digit);
        let padded = rest.iter().all(|octet| *octet == 0xFF);
        (decimal && padded).then(|| digits.iter().map(|digit| char::from(*digit)).collect())
    }
}

impl core::str::FromStr for Code {
    type Err = InvalidCode;

    fn from_str(text: &str) -> Result<Self, InvalidCode> {
        let mut code = [0xFF; 8];
        if text.len() == 16 {
            return super::hex::decode(text)
                .and_then(|octets| octets.try_into().ok())
                .map(Code)
                .ok_or(InvalidCode);
        }
        let decimal = text.bytes().all(|digit| digit.is_ascii_digit());
        if !decimal || !(4..=8).contains(&text.len()) {
            return Err(InvalidCode);
        }
        for (to, from) in code.iter_mut().zip(text.bytes()) {
            *to = from;
        }
        Ok(Code(code))
    }
}

impl TryFrom<String> for Code {
    type Error = InvalidCode;

    fn try_from(text: String) -> Result<Self, InvalidCode> {
        text.parse()
    }
}

impl From<Code> for String {
    fn from(code: Code) -> String {
        code.digits()
            .unwrap_or_else(|| super::hex::encode(code.as_bytes()))
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// The codes that an order sets. `None` leaves what the package has.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Codes {
    /// PIN1, key reference 01.
    pub pin1: Option<Code>,
    /// Whether PIN1 is asked for.
    pub pin1_enabled: Option<bool>,
    /// PIN2, key reference 81.
    pub pin2: Option<Code>,
    /// PUK that unblocks PIN1.
    pub puk1: Option<Code>,
    /// PUK that unblocks PIN2.
    pub puk2: Option<Code>,
    /// ADM1, key reference 0A.
    pub adm1: Option<Code>,
    /// ADM2, key reference 0B.
    pub adm2: Option<Code>,
}

/// Key references (ETSI TS 102 221 9.5.1).
pub(super) mod reference {
    pub(crate) const PIN1: i64 = 0x01;
    pub(crate) const PIN2: i64 = 0x81;
    pub(crate) const ADM1: i64 = 0x0A;
    pub(crate) const ADM2: i64 = 0x0B;
}

/// Bit of `pinAttributes` that says that the PIN is enabled.
pub(super) const PIN_ENABLED: i64 = 0x01;

impl Codes {
    /// What an order sets, by name, key reference, and whether it is a PUK.
    pub(super) fn entries(&self) -> [(&'static str, i64, bool, Option<Code>); 6] {
        use reference::{ADM1, ADM2, PIN1, PIN2};
        [
            ("pinCodes with PIN1", PIN1, false, self.pin1),
            ("pinCodes with PIN2", PIN2, false, self.pin2),
            ("pukCodes with PUK1", PIN1, true, self.puk1),
            ("pukCodes with PUK2", PIN2, true, self.puk2),
            ("pinCodes with ADM1", ADM1, false, self.adm1),
            ("pinCodes with ADM2", ADM2, false, self.adm2),
        ]
    }

    /// Sets the PINs of an element; gives the bits of the entries that it had.
    pub(super) fn set_pins(&self, codes: &mut PinCodes) -> u8 {
        let PinCodesChoice::PinConfig(list) = &mut codes.pin_codes else {
            return 0;
        };
        if let Some(enabled) = self.pin1_enabled {
            for pin in list.iter_mut() {
                enable(pin, enabled);
            }
        }
        let mut found = 0;
        for (index, (_, reference, puk, code)) in self.entries().into_iter().enumerate() {
            let Some(code) = code.filter(|_| !puk) else {
                continue;
            };
            for pin in list.iter_mut().filter(|pin| pin.key_reference == reference) {
                pin.pin_value = Secret(code.0.to_vec());
                unblock(&mut pin.max_num_of_attemps_retry_num_left);
                found |= 1 << index;
            }
        }
        found
    }

    /// Sets the PUKs of an element; gives the bits of the entries that it had.
    pub(super) fn set_puks(&self, codes: &mut PukCodes) -> u8 {
        let mut found = 0;
        for (index, (_, reference, puk, code)) in self.entries().into_iter().enumerate() {
            let Some(code) = code.filter(|_| puk) else {
                continue;
            };
            let list = codes.puk_codes.iter_mut();
            for puk in list.filter(|puk| puk.key_reference == reference) {
                puk.puk_value = Secret(code.0.to_vec());
                unblock(&mut puk.max_num_of_attemps_retry_num_left);
                found |= 1 << index;
            }
        }
        found
    }
}

fn enable(pin: &mut PinConfiguration, enabled: bool) {
    if pin.key_reference == reference::PIN1 {
        match enabled {
            true => pin.pin_attributes |= PIN_ENABLED,
            false => pin.pin_attributes &= !PIN_ENABLED,
        }
    }
}

/// Gives a blocked code its tries back: the maximum stands in the high nibble,
/// what is left in the low one.
fn unblock(counter: &mut i64) {
    if *counter & 0x0F == 0 {
        *counter |= *counter >> 4 & 0x0F;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::ToString;

    #[test]
    fn codes_are_digits_or_octets() {
        let pin: Code = "0000".parse().unwrap();
        assert_eq!(pin.as_bytes(), b"0000\xFF\xFF\xFF\xFF");
        assert_eq!(String::from(pin), "0000");
        let adm: Code = "0102030405060708".parse().unwrap();
        assert_eq!(adm.as_bytes(), &[1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(String::from(adm), "0102030405060708");
        for wrong in ["", "123", "123456789", "12a4", "010203040506070g"] {
            assert_eq!(wrong.parse::<Code>(), Err(InvalidCode), "{wrong}");
        }
        assert_eq!(format!("{pin:?}"), "[redacted]");
        assert_eq!(Code([0x30, 0x30, 0xFF, 0x30, 0, 0, 0, 0]).digits(), None);
        assert!(InvalidCode.to_string().contains("4 to 8"));
    }
}

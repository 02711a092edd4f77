//! Telephone numbers: EF.MSISDN and EF.SMSP (3GPP TS 31.102 4.2.26, 4.2.27).

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use super::{InvalidValue, as_text, invalid};

/// A telephone number: `+` for an international one, then up to 20 digits.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PhoneNumber {
    international: bool,
    digits: String,
}

const FORM: InvalidValue = invalid("a telephone number", "an optional + and 1 to 20 digits");

/// TON and NPI: international or unknown, numbering plan of ISDN.
const INTERNATIONAL: u8 = 0x91;
const UNKNOWN: u8 = 0x81;

/// Digits of the BCD coding; `E` is not used.
const DIGITS: &[u8; 13] = b"0123456789*#a";

impl FromStr for PhoneNumber {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let (international, digits) = match text.strip_prefix('+') {
            Some(digits) => (true, digits),
            None => (false, text),
        };
        let valid = digits.bytes().all(|digit| DIGITS.contains(&digit));
        match valid && (1..=20).contains(&digits.len()) {
            true => Ok(PhoneNumber {
                international,
                digits: digits.into(),
            }),
            false => Err(FORM),
        }
    }
}

impl fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plus = if self.international { "+" } else { "" };
        write!(f, "{plus}{}", self.digits)
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

as_text!(PhoneNumber);

impl PhoneNumber {
    /// TON and NPI and the digits, two an octet, the first one low.
    fn coded(&self) -> Vec<u8> {
        let mut coded = alloc::vec![match self.international {
            true => INTERNATIONAL,
            false => UNKNOWN,
        }];
        let value = |digit: &u8| DIGITS.iter().position(|d| d == digit).unwrap_or(15) as u8;
        for pair in self.digits.as_bytes().chunks(2) {
            let low = pair.first().map_or(15, value);
            let high = pair.get(1).map_or(15, value);
            coded.push(high << 4 | low);
        }
        coded
    }

    /// From the octets behind the length, `None` if they are no number.
    fn read(coded: &[u8]) -> Option<Self> {
        let (type_of_number, digits) = coded.split_first()?;
        let text: String = digits
            .iter()
            .flat_map(|octet| [octet & 15, octet >> 4])
            .map_while(|nibble| DIGITS.get(usize::from(nibble)))
            .map(|digit| char::from(*digit))
            .collect();
        let plus = if type_of_number & 0x70 == 0x10 {
            "+"
        } else {
            ""
        };
        alloc::format!("{plus}{text}").parse().ok()
    }
}

/// Octets behind the alpha identifier in a record of EF.MSISDN.
const MSISDN_TAIL: usize = 14;

/// A record of EF.MSISDN without a name; `None` if records are too short.
pub(in crate::profile) fn msisdn_record(number: &PhoneNumber, length: usize) -> Option<Vec<u8>> {
    let mut record = alloc::vec![0xFF; length.checked_sub(MSISDN_TAIL)?];
    let coded = number.coded();
    record.push(coded.len() as u8);
    record.extend(coded);
    record.resize(length, 0xFF);
    Some(record)
}

/// The number of a record of EF.MSISDN or EF.ADN.
pub(in crate::profile) fn number_of_record(record: &[u8]) -> Option<PhoneNumber> {
    let tail = record.get(record.len().checked_sub(MSISDN_TAIL)?..)?;
    let (length, rest) = tail.split_first()?;
    PhoneNumber::read(rest.get(..usize::from(*length))?)
}

/// Octets behind the alpha identifier in a record of EF.SMSP.
const SMSP_TAIL: usize = 28;

/// A record of EF.SMSP with the service centre's address alone; `None` if
/// records are too short.
pub(in crate::profile) fn smsp_record(centre: &PhoneNumber, length: usize) -> Option<Vec<u8>> {
    let mut record = alloc::vec![0xFF; length.checked_sub(SMSP_TAIL)?];
    // A bit that is 0 says that the parameter is present; 2 is the address.
    record.push(0xFD);
    record.extend([0xFF; 12]);
    let coded = centre.coded();
    record.push(coded.len() as u8);
    record.extend(coded);
    record.resize(length, 0xFF);
    Some(record)
}

/// The service centre of a record of EF.SMSP.
pub(super) fn centre_of_record(record: &[u8]) -> Option<PhoneNumber> {
    let tail = record.get(record.len().checked_sub(SMSP_TAIL)?..)?;
    let (indicators, tail) = tail.split_first()?;
    if indicators & 0x02 != 0 {
        return None;
    }
    let (length, rest) = tail.get(12..)?.split_first()?;
    PhoneNumber::read(rest.get(..usize::from(*length))?)
}

impl PhoneNumber {
    /// The service centre that a record of EF.SMSP names.
    pub fn from_smsp_record(record: &[u8]) -> Option<Self> {
        centre_of_record(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn numbers_are_coded_and_read() {
        let number: PhoneNumber = "+491710760000".parse().unwrap();
        let coded = [0x91, 0x94, 0x71, 0x01, 0x67, 0x00, 0x00];
        assert_eq!(number.coded(), coded);
        let record = msisdn_record(&number, 24).unwrap();
        assert_eq!(record.len(), 24);
        assert_eq!(&record[10..18], &[7, 0x91, 0x94, 0x71, 0x01, 0x67, 0, 0]);
        assert_eq!(number_of_record(&record), Some(number.clone()));
        let record = smsp_record(&number, 40).unwrap();
        assert_eq!(record.len(), 40);
        assert_eq!(record[12], 0xFD);
        assert_eq!(&record[25..27], &[7, 0x91]);
        assert_eq!(centre_of_record(&record), Some(number));
        let short: PhoneNumber = "555".parse().unwrap();
        assert_eq!(short.coded(), [0x81, 0x55, 0xF5]);
        assert_eq!(short.to_string(), "555");
        assert_eq!(msisdn_record(&short, 13), None);
        assert_eq!(centre_of_record(&[0xFF; 38]), None);
        for wrong in ["", "+", "12x", "123456789012345678901"] {
            assert!(wrong.parse::<PhoneNumber>().is_err());
        }
    }
}

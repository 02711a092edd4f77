//! Lists of networks (3GPP TS 31.102 4.2.5, 4.2.16, 4.2.53, 4.2.84).

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use rsp_asn1::ids::Plmn;

use super::{InvalidValue, as_text, invalid};

/// A network and the radio access technologies that it is wanted with, as
/// `262-01:eutran+ngran`; without technologies, all of 2G to 5G.
#[derive(Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PlmnWithAct {
    /// The network.
    pub plmn: Plmn,
    /// The access technology identifier, two octets.
    pub act: u16,
}

const FORM: InvalidValue = invalid(
    "a network with access technologies",
    "the form 262-01:eutran+ngran, of utran, eutran, nb-iot, wb-eutran, ngran, gsm, \
     gsm-compact, cdma-hrpd, cdma-1xrtt and ec-gsm-iot",
);

/// UTRAN, E-UTRAN, NG-RAN and GSM.
const ALL: u16 = 0xC880;
/// The bits that say which E-UTRAN; 4000 alone is both of its modes.
const EUTRAN: u16 = 0x7000;

/// Names and bits (3GPP TS 31.102 4.2.5).
const NAMES: [(&str, u16); 8] = [
    ("utran", 0x8000),
    ("ngran", 0x0800),
    ("gsm", 0x0080),
    ("gsm-compact", 0x0040),
    ("cdma-hrpd", 0x0020),
    ("cdma-1xrtt", 0x0010),
    ("ec-gsm-iot", 0x0008),
    ("satellite-ngran", 0x0400),
];
const EUTRAN_NAMES: [(&str, u16); 4] = [
    ("eutran", 0x4000),
    ("nb-iot", 0x5000),
    ("wb-eutran", 0x6000),
    ("eutran", 0x7000),
];

impl FromStr for PlmnWithAct {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let (plmn, names) = match text.split_once(':') {
            Some((plmn, names)) => (plmn, Some(names)),
            None => (text, None),
        };
        let plmn = plmn.parse().map_err(|_| FORM)?;
        let Some(names) = names else {
            return Ok(PlmnWithAct { plmn, act: ALL });
        };
        let mut act = 0;
        for name in names.split('+') {
            let mut known = NAMES.iter().chain(&EUTRAN_NAMES);
            act |= known.find(|(known, _)| *known == name).ok_or(FORM)?.1;
        }
        Ok(PlmnWithAct { plmn, act })
    }
}

impl fmt::Display for PlmnWithAct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let eutran = EUTRAN_NAMES
            .iter()
            .find(|(_, bits)| *bits == self.act & EUTRAN);
        let others = NAMES.iter().filter(|(_, bit)| self.act & bit != 0);
        write!(f, "{}", self.plmn)?;
        for (index, (name, _)) in eutran.into_iter().chain(others).enumerate() {
            f.write_str(if index == 0 { ":" } else { "+" })?;
            f.write_str(name)?;
        }
        Ok(())
    }
}

impl fmt::Debug for PlmnWithAct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

as_text!(PlmnWithAct);

/// An entry that names no network.
const EMPTY: [u8; 3] = [0xFF; 3];

/// Contents of EF.FPLMN and EF.EHPLMN.
pub(in crate::profile) fn plmn_list(list: &[Plmn]) -> Vec<u8> {
    list.iter().flat_map(|plmn| *plmn.as_bytes()).collect()
}

/// The networks of EF.FPLMN and EF.EHPLMN.
pub(in crate::profile) fn plmns(contents: &[u8]) -> Vec<Plmn> {
    let (entries, _) = contents.as_chunks::<3>();
    let used = entries.iter().filter(|entry| **entry != EMPTY);
    used.map(|entry| Plmn::from_bytes(*entry)).collect()
}

/// Contents of EF.PLMNwAcT and its relatives, `entries` entries at least.
pub(in crate::profile) fn plmn_list_with_act(list: &[PlmnWithAct], entries: usize) -> Vec<u8> {
    let mut contents = Vec::new();
    for entry in list {
        contents.extend(entry.plmn.as_bytes());
        contents.extend(entry.act.to_be_bytes());
    }
    for _ in list.len()..entries {
        contents.extend(EMPTY);
        contents.extend([0, 0]);
    }
    contents
}

/// The networks of EF.PLMNwAcT and its relatives.
pub(in crate::profile) fn plmns_with_act(contents: &[u8]) -> Vec<PlmnWithAct> {
    let (entries, _) = contents.as_chunks::<5>();
    let read = |[a, b, c, high, low]: &[u8; 5]| PlmnWithAct {
        plmn: Plmn::from_bytes([*a, *b, *c]),
        act: u16::from_be_bytes([*high, *low]),
    };
    let all = entries.iter().map(read);
    all.filter(|entry| *entry.plmn.as_bytes() != EMPTY)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn networks_with_technologies() {
        for (text, act) in [
            ("262-01:eutran+ngran", 0x4800),
            ("310-260:nb-iot", 0x5000),
            ("999-70:wb-eutran+utran+gsm", 0xE080),
        ] {
            let entry: PlmnWithAct = text.parse().unwrap();
            assert_eq!(entry.act, act, "{text}");
            assert_eq!(entry.to_string().parse(), Ok(entry));
        }
        let all: PlmnWithAct = "26201".parse().unwrap();
        assert_eq!(all.act, 0xC880);
        assert_eq!(all.to_string(), "262-01:eutran+utran+ngran+gsm");
        for wrong in ["262", "26201:5g", "26201:"] {
            assert!(wrong.parse::<PlmnWithAct>().is_err(), "{wrong}");
        }
        let list = plmn_list_with_act(&[all], 2);
        assert_eq!(list, [0x62, 0xF2, 0x10, 0xC8, 0x80, 255, 255, 255, 0, 0]);
        assert_eq!(plmns_with_act(&list), [all]);
        assert_eq!(plmns(&[0x62, 0xF2, 0x10, 255, 255, 255]), [all.plmn]);
        assert_eq!(plmn_list(&[all.plmn]), [0x62, 0xF2, 0x10]);
    }
}

//! Files and what is in them.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Display;

use rsp_asn1::ids::{Iccid, Imsi};

use crate::profile::catalogue::Shape;
use crate::profile::ef::{
    PhoneNumber, RoutingIndicator, ServiceProviderName, SuciCalcInfo, Supi, access_point_names,
    alpha, number_of_record, plmns, plmns_with_act,
};
use crate::profile::hex;
use crate::profile::tree::Node;

/// A file.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct FileReport {
    /// Identifiers from the MF on; that of an ADF is temporary.
    pub path: String,
    /// Directories above it.
    pub depth: usize,
    /// What the standards call it.
    pub name: Option<&'static str>,
    /// `directory`, `application`, `transparent`, `linear`, `cyclic`, `ber-tlv`.
    pub structure: &'static str,
    /// Octets of its contents.
    pub size: usize,
    /// Records and octets in each.
    pub records: Option<(usize, usize)>,
    /// AID of an application.
    pub aid: Option<String>,
    /// Short file identifier, if the package gives one.
    pub sfi: Option<u8>,
    /// The file that it is a link to.
    pub link: Option<String>,
    /// Whether the package mentions it: the template creates it if not.
    pub given: bool,
    /// What it says, if that is known.
    pub says: Option<String>,
}

pub(super) fn files(nodes: &[Node<'_>]) -> Vec<FileReport> {
    nodes.iter().map(file).collect()
}

fn path(path: &[u16]) -> String {
    let names: Vec<String> = path.iter().map(|fid| alloc::format!("{fid:04X}")).collect();
    names.join("/")
}

fn file(node: &Node<'_>) -> FileReport {
    let (structure, records) = match node.shape {
        Shape::Directory => ("directory", None),
        Shape::Application => ("application", None),
        Shape::Transparent(_) => ("transparent", None),
        Shape::Linear(count, length) => ("linear", Some((count, length))),
        Shape::Cyclic(count, length) => ("cyclic", Some((count, length))),
        Shape::BerTlv => ("ber-tlv", None),
    };
    let aid = node.fcp.and_then(|fcp| fcp.df_name.as_deref());
    let sfi = node.fcp.and_then(|fcp| fcp.short_efid.as_deref());
    FileReport {
        path: path(&node.path),
        depth: node.path.len().saturating_sub(1),
        name: node.name,
        structure,
        size: node.size(),
        records,
        aid: aid.map(hex::encode),
        sfi: sfi.and_then(|sfi| sfi.first()).map(|sfi| sfi >> 3),
        link: node.link().map(|link| path(&link)),
        given: node.given,
        says: says(node),
    }
}

/// What a file says, in words.
fn says(node: &Node<'_>) -> Option<String> {
    let name = node.name?;
    let image = node.image().ok().filter(|image| !image.is_empty())?;
    let record = match node.shape {
        Shape::Linear(_, length) if length > 0 => image.chunks(length).next()?,
        _ => &[],
    };
    match name {
        "EF.ICCID" => {
            let swapped: [u8; 10] = image.as_slice().try_into().ok()?;
            Some(Iccid::from_swapped(swapped).to_string())
        }
        "EF.IMSI" => Imsi::from_ef(&image).ok().map(|imsi| imsi.to_string()),
        "EF.SPN" => ServiceProviderName::from_ef(&image).map(|spn| spn.name),
        "EF.MSISDN" => shown(number_of_record(record)),
        "EF.SMSP" => shown(PhoneNumber::from_smsp_record(record)),
        "EF.ACC" => Some(alloc::format!("class {}", hex::encode(&image))),
        "EF.AD" => {
            let digits = image.get(3)? & 15;
            Some(alloc::format!("MNC of {digits} digits"))
        }
        "EF.ACL" => list(&access_point_names(&image)),
        "EF.PLMNwAcT" | "EF.OPLMNwAcT" | "EF.HPLMNwAcT" => list(&plmns_with_act(&image)),
        "EF.EHPLMN" | "EF.FPLMN" => list(&plmns(&image)),
        "EF.UST" | "EF.IST" => Some(services(&image)),
        "EF.Routing_Indicator" => shown(RoutingIndicator::from_ef(&image)),
        "EF.SUPI_NAI" => Supi::from_ef(&image),
        "EF.SUCI_Calc_Info" | "EF.SUCI_Calc_Info_USIM" => {
            SuciCalcInfo::from_ef(&image).map(|info| suci(&info))
        }
        "EF.UAC_AIC" => Some(access_identities(*image.first()?)),
        "EF.DIR" => {
            let Shape::Linear(_, length) = node.shape else {
                return None;
            };
            Some(directory(&image, length))
        }
        "EF.IMPI" | "EF.DOMAIN" | "EF.IMPU" => uri(&image),
        "EF.PNN" => network_name(record),
        _ => None,
    }
}

fn shown<T: Display>(value: Option<T>) -> Option<String> {
    value.map(|value| value.to_string())
}

fn list<T: Display>(values: &[T]) -> Option<String> {
    let values: Vec<String> = values.iter().map(ToString::to_string).collect();
    (!values.is_empty()).then(|| values.join(" "))
}

/// The services of a table, by their numbers.
fn services(table: &[u8]) -> String {
    let mut numbers = Vec::new();
    for (octet, first) in table.iter().zip((1usize..).step_by(8)) {
        let set = (0..8).filter(|bit| octet & 1 << bit != 0);
        numbers.extend(set.map(|bit| (first + bit as usize).to_string()));
    }
    alloc::format!("services {}", numbers.join(" "))
}

fn suci(info: &SuciCalcInfo) -> String {
    let mut schemes = Vec::new();
    for (scheme, index) in &info.schemes {
        let scheme = match scheme {
            0 => "null".to_string(),
            1 => "profile-a".to_string(),
            2 => "profile-b".to_string(),
            other => alloc::format!("scheme {other}"),
        };
        let key = usize::from(*index)
            .checked_sub(1)
            .and_then(|index| info.keys.get(index));
        schemes.push(match key {
            Some((id, key)) => alloc::format!("{scheme} with key {id} of {} octets", key.len()),
            None => scheme,
        });
    }
    schemes.join(", then ")
}

fn access_identities(octet: u8) -> String {
    let names = [(1, "1 (multimedia priority)"), (2, "2 (mission critical)")];
    let set = names.iter().filter(|(bit, _)| octet & bit != 0);
    let names: Vec<&str> = set.map(|(_, name)| *name).collect();
    match names.is_empty() {
        true => "no access identity".to_string(),
        false => alloc::format!("access identities {}", names.join(", ")),
    }
}

/// Labels and AIDs of the records of EF.DIR.
fn directory(image: &[u8], length: usize) -> String {
    let mut entries = Vec::new();
    for record in image.chunks(length.max(1)) {
        let Ok(entry) = rsp_asn1::Reader::new(record).tlv() else {
            continue;
        };
        let mut reader = entry.reader();
        let (mut aid, mut label) = (String::new(), String::new());
        while let Ok(tlv) = reader.tlv() {
            match tlv.tag.get() {
                0x4F => aid = hex::encode(tlv.value),
                0x50 => label = alpha(tlv.value).unwrap_or_default(),
                _ => {}
            }
        }
        if entry.tag.get() == 0x61 {
            entries.push(alloc::format!("{label} {aid}"));
        }
    }
    entries.join("; ")
}

/// The text of an identity of the ISIM (tag '80').
fn uri(image: &[u8]) -> Option<String> {
    let tlv = rsp_asn1::Reader::new(image).tlv().ok()?;
    let text = core::str::from_utf8(tlv.value).ok()?;
    (tlv.tag.get() == 0x80 && !text.is_empty()).then(|| text.to_string())
}

/// The full name in a record of EF.PNN (3GPP TS 24.008 10.5.3.5a), if it is in
/// UCS2 or of seven bits.
fn network_name(record: &[u8]) -> Option<String> {
    let tlv = rsp_asn1::Reader::new(record).tlv().ok()?;
    let (coding, name) = tlv.value.split_first()?;
    if tlv.tag.get() != 0x43 {
        return None;
    }
    match coding >> 4 & 7 {
        0 => Some(unpack(name, coding & 7)),
        1 => {
            let mut coded = alloc::vec![0x80];
            coded.extend_from_slice(name);
            alpha(&coded)
        }
        _ => None,
    }
}

/// Seven bits a character, the first one lowest.
fn unpack(octets: &[u8], spare_bits: u8) -> String {
    let bits = (octets.len() * 8).saturating_sub(usize::from(spare_bits));
    let bit = |at: usize| octets.get(at / 8).map_or(0, |octet| octet >> (at % 8) & 1);
    let septets = (0..bits / 7).map(|index| {
        let start = index * 7;
        (0..7).fold(0u8, |septet, at| septet | bit(start + at) << at)
    });
    alpha(&septets.collect::<Vec<u8>>()).unwrap_or_default()
}

//! Rules on files: that each can be created, holds what is written into it,
//! and has the size that the standards give it.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;

use rsp_asn1::saip::{PinCodesChoice, ProfileElement};

use super::Rule;
use super::catalogue::{Shape, fid};
use super::check::Findings;
use super::contents::{number, record_length};
use super::tree::{Node, Path};

/// Checks every file of a package.
pub(super) fn check(elements: &[ProfileElement], nodes: &[Node<'_>], out: &mut Findings) {
    let mut created: BTreeSet<&Path> = BTreeSet::new();
    for node in nodes {
        let file = File {
            node,
            element: elements.get(node.element),
        };
        if !created.insert(&node.path) {
            file.add(Rule::DuplicateFile, "exists already", "create it once", out);
        }
        let parent = node.path.get(..node.path.len().saturating_sub(1));
        let parent = parent.filter(|parent| !parent.is_empty());
        if parent.is_some_and(|parent| !created.contains(&parent.to_vec())) {
            file.add(
                Rule::Directory,
                "is created in a directory that does not exist",
                "create the directory first",
                out,
            );
        }
        file.check_size(out);
        file.check_format(nodes, out);
    }
    check_pins(elements, out);
}

/// A file and the element that creates it.
struct File<'a> {
    node: &'a Node<'a>,
    element: Option<&'a ProfileElement>,
}

/// Name and path, for people.
pub(super) fn shown(node: &Node<'_>) -> String {
    let path: alloc::vec::Vec<String> = node.path.iter().map(|fid| format!("{fid:04X}")).collect();
    let path = path.join("/");
    match node.name {
        Some(name) => format!("{name} ({path})"),
        None => path,
    }
}

impl File<'_> {
    fn add(&self, rule: Rule, problem: &str, remedy: &str, out: &mut Findings) {
        let problem = format!("{} {problem}", shown(self.node));
        out.add(rule, self.element, problem, remedy);
    }

    /// Its size, its records, and what is written.
    fn check_size(&self, out: &mut Findings) {
        let node = self.node;
        let link = node.fcp.is_some_and(|fcp| fcp.link_path.is_some());
        if node.shape.is_directory() || link || !node.given {
            return;
        }
        let size = node.size();
        if size == 0 && node.shape != Shape::BerTlv {
            self.add(
                Rule::FileSize,
                "has no size, and its template gives none",
                "give it an efFileSize, and a record length if it has records",
                out,
            );
        }
        let length = node.fcp.and_then(record_length);
        let given = node.fcp.and_then(|fcp| fcp.ef_file_size.as_deref());
        if let (Some(length), Some(given)) = (length, given.map(number))
            && given % length != 0
        {
            self.add(
                Rule::FileSize,
                &format!("is of {given} octets, which are no whole records of {length}"),
                "make efFileSize a multiple of the record length",
                out,
            );
        }
        match node.written() {
            None => self.add(
                Rule::FileContents,
                "is filled before its first or beyond any file's last octet",
                "correct the fill commands",
                out,
            ),
            Some(written) if written > size && size > 0 => self.add(
                Rule::FileContents,
                &format!("is of {size} octets and is filled with {written}"),
                "make it larger or write less",
                out,
            ),
            Some(_) => {}
        }
    }

    /// The size that 3GPP TS 31.102 gives it.
    fn check_format(&self, nodes: &[Node<'_>], out: &mut Findings) {
        let node = self.node;
        let Some(format) = node.name.and_then(|name| self.format(name, nodes)) else {
            return;
        };
        let link = node.fcp.is_some_and(|fcp| fcp.link_path.is_some());
        let fits = match (format, node.shape) {
            (Format::Octets(wanted), Shape::Transparent(size)) => size == wanted,
            (Format::AtLeast(wanted), Shape::Transparent(size)) => size >= wanted,
            (Format::Entries(wanted, entry), Shape::Transparent(size)) => {
                size >= wanted * entry && size % entry == 0
            }
            (Format::Records(wanted), Shape::Linear(_, length) | Shape::Cyclic(_, length)) => {
                length == wanted
            }
            (Format::RecordsAtLeast(wanted), Shape::Linear(_, length)) => length >= wanted,
            _ => false,
        };
        if !fits && !link {
            self.add(
                Rule::FileFormat,
                &format!("is not {}", format.described()),
                "give it the structure and size of the standard",
                out,
            );
        }
    }

    /// The format of a file by its name, where it is in a USIM or in the MF.
    fn format(&self, name: &str, nodes: &[Node<'_>]) -> Option<Format> {
        let parent = self.node.path.split_last()?.1;
        let parent = nodes.iter().find(|node| node.path == parent)?.name?;
        let mut formats = FORMATS.iter();
        let found = formats.find(|(place, file, _)| *place == parent && *file == name);
        found.map(|(_, _, format)| *format)
    }
}

/// Structure and size of a file.
#[derive(Clone, Copy)]
enum Format {
    Octets(usize),
    AtLeast(usize),
    /// This many entries at least, and octets in each.
    Entries(usize, usize),
    Records(usize),
    RecordsAtLeast(usize),
}

impl Format {
    fn described(self) -> String {
        match self {
            Format::Octets(size) => format!("transparent with {size} octets"),
            Format::AtLeast(size) => format!("transparent with {size} octets or more"),
            Format::Entries(count, size) => {
                format!("transparent with {count} or more entries of {size} octets")
            }
            Format::Records(length) => format!("of records with {length} octets"),
            Format::RecordsAtLeast(length) => {
                format!("linear fixed with records of {length} octets or more")
            }
        }
    }
}

const USIM: &str = "ADF.USIM";
const DF_5GS: &str = "DF.5GS";

/// 3GPP TS 31.102 4.2 and 4.4.11, ETSI TS 102 221 13.
const FORMATS: [(&str, &str, Format); 38] = [
    ("MF", "EF.ICCID", Format::Octets(10)),
    ("MF", "EF.PL", Format::Entries(1, 2)),
    ("MF", "EF.UMPC", Format::AtLeast(5)),
    (USIM, "EF.IMSI", Format::Octets(9)),
    (USIM, "EF.Keys", Format::Octets(33)),
    (USIM, "EF.KeysPS", Format::Octets(33)),
    (USIM, "EF.HPPLMN", Format::Octets(1)),
    (USIM, "EF.UST", Format::AtLeast(1)),
    (USIM, "EF.FDN", Format::RecordsAtLeast(14)),
    (USIM, "EF.SMS", Format::Records(176)),
    (USIM, "EF.SMSP", Format::RecordsAtLeast(28)),
    (USIM, "EF.SMSS", Format::AtLeast(2)),
    (USIM, "EF.SPN", Format::Octets(17)),
    (USIM, "EF.EST", Format::AtLeast(1)),
    (USIM, "EF.START-HFN", Format::Octets(6)),
    (USIM, "EF.THRESHOLD", Format::Octets(3)),
    (USIM, "EF.PSLOCI", Format::Octets(14)),
    (USIM, "EF.ACC", Format::Octets(2)),
    (USIM, "EF.FPLMN", Format::Entries(4, 3)),
    (USIM, "EF.LOCI", Format::Octets(11)),
    (USIM, "EF.AD", Format::AtLeast(4)),
    (USIM, "EF.ECC", Format::RecordsAtLeast(4)),
    (USIM, "EF.NETPAR", Format::AtLeast(46)),
    (USIM, "EF.EPSLOCI", Format::Octets(18)),
    (USIM, "EF.EPSNSC", Format::RecordsAtLeast(54)),
    (USIM, "EF.MSISDN", Format::RecordsAtLeast(14)),
    (USIM, "EF.PLMNwAcT", Format::Entries(8, 5)),
    (USIM, "EF.OPLMNwAcT", Format::Entries(8, 5)),
    (USIM, "EF.HPLMNwAcT", Format::Entries(1, 5)),
    (USIM, "EF.EHPLMN", Format::Entries(1, 3)),
    (USIM, "EF.OPL", Format::Records(8)),
    (USIM, "EF.SMSR", Format::Records(30)),
    (DF_5GS, "EF.5GS3GPPLOCI", Format::Octets(20)),
    (DF_5GS, "EF.5GSN3GPPLOCI", Format::Octets(20)),
    (DF_5GS, "EF.5GAUTHKEYS", Format::AtLeast(68)),
    (DF_5GS, "EF.UAC_AIC", Format::Octets(4)),
    (DF_5GS, "EF.OPL5G", Format::RecordsAtLeast(10)),
    (DF_5GS, "EF.Routing_Indicator", Format::Octets(4)),
];

/// References of PINs that are decimal digits: not those of administrators.
const USER_PINS: [core::ops::RangeInclusive<i64>; 2] = [0x01..=0x08, 0x81..=0x88];

/// A PIN that cannot be typed locks its user out.
fn check_pins(elements: &[ProfileElement], out: &mut Findings) {
    for element in elements {
        let ProfileElement::PinCodes(pe) = element else {
            continue;
        };
        let PinCodesChoice::PinConfig(pins) = &pe.pin_codes else {
            continue;
        };
        for pin in pins {
            let user = USER_PINS
                .iter()
                .any(|range| range.contains(&pin.key_reference));
            let value: Option<[u8; 8]> = pin.pin_value.0.as_slice().try_into().ok();
            let digits = value.and_then(|value| super::Code::from_bytes(value).digits());
            if user && digits.is_none() {
                out.add(
                    Rule::PinCoding,
                    Some(element),
                    format!("the value of PIN {} cannot be typed", pin.key_reference),
                    "4 to 8 decimal digits, padded with 'FF' to eight octets",
                );
            }
        }
    }
}

/// The file of an application: directly in it, or in a directory of it.
pub(super) fn find<'a, 'b>(
    nodes: &'a [Node<'b>],
    application: &[u16],
    rest: &[u16],
) -> Option<&'a Node<'b>> {
    nodes.iter().find(|node| {
        let inner = node.path.strip_prefix(application);
        inner.is_some_and(|inner| inner == rest)
    })
}

/// The file in the MF.
pub(super) fn in_mf<'a, 'b>(nodes: &'a [Node<'b>], file: u16) -> Option<&'a Node<'b>> {
    find(nodes, &[fid::MF], &[file])
}

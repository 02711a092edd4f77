//! The files of the templates (SAIP Annex A; identifiers and sizes of ETSI TS
//! 102 221, 3GPP TS 31.102 and 31.103, 3GPP2 C.S0065).

mod common;
mod csim;
mod isim;
mod usim;

use rsp_asn1::Oid;

/// 2.23.143.1.2: the arc of the templates.
const ARC: &[u8] = &[0x67, 0x81, 0x0F, 0x01, 0x02];

/// A template: its files in the order of the members of the element, of which
/// the first has the number [`FIRST_MEMBER`].
pub(super) struct Template {
    pub(super) entries: &'static [Entry],
    /// Whether files that the element does not mention are created.
    pub(super) by_default: bool,
    /// Version of the template, the last arc of its identifier; 1 without one.
    version: u8,
    number: u8,
}

/// Member number of the first file of an element.
pub(super) const FIRST_MEMBER: u8 = 2;

/// A file of a template.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    /// File identifier; 0 where the element must give it.
    pub(super) fid: u16,
    pub(super) shape: Shape,
    /// Number of the access rule.
    pub(super) rule: u8,
    /// Short file identifier, 0 if there is none.
    pub(super) sfi: u8,
    pub(super) fill: Fill,
}

/// Structure and default size; 0 where the element must give it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// MF or DF.
    Directory,
    /// ADF.
    Application,
    Transparent(u16),
    /// Records and octets in each.
    Linear(u8, u8),
    Cyclic(u8, u8),
    BerTlv,
}

/// Default contents, of every record alike.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fill {
    /// This octet throughout.
    Pad(u8),
    /// These first, then 'FF'.
    Head(&'static [u8]),
    /// 'FF', and these last.
    Tail(&'static [u8]),
    /// These again and again.
    Repeat(&'static [u8]),
    /// There is no default: the element must have the file.
    Given,
}

const FF: Fill = Fill::Pad(0xFF);
const ZERO: Fill = Fill::Pad(0x00);
/// A record that is free, or ends a chain.
const FREE: Fill = Fill::Head(&[0x00]);

const fn df(fid: u16) -> Entry {
    entry(fid, Shape::Directory, 14, 0, Fill::Given)
}

const fn adf() -> Entry {
    entry(0, Shape::Application, 14, 0, Fill::Given)
}

const fn tr(fid: u16, size: u16, rule: u8, sfi: u8, fill: Fill) -> Entry {
    entry(fid, Shape::Transparent(size), rule, sfi, fill)
}

const fn lf(fid: u16, (records, length): (u8, u8), rule: u8, sfi: u8, fill: Fill) -> Entry {
    entry(fid, Shape::Linear(records, length), rule, sfi, fill)
}

const fn cy(fid: u16, (records, length): (u8, u8), rule: u8, sfi: u8, fill: Fill) -> Entry {
    entry(fid, Shape::Cyclic(records, length), rule, sfi, fill)
}

const fn bt(fid: u16, rule: u8) -> Entry {
    entry(fid, Shape::BerTlv, rule, 0, FF)
}

const fn entry(fid: u16, shape: Shape, rule: u8, sfi: u8, fill: Fill) -> Entry {
    Entry {
        fid,
        shape,
        rule,
        sfi,
        fill,
    }
}

/// Number of a template in its identifier.
pub(super) mod number {
    pub(in super::super) const MF: u8 = 1;
    pub(in super::super) const CD: u8 = 2;
    pub(in super::super) const TELECOM: u8 = 3;
    pub(in super::super) const USIM: u8 = 4;
    pub(in super::super) const OPT_USIM: u8 = 5;
    pub(in super::super) const PHONEBOOK: u8 = 6;
    pub(in super::super) const GSM_ACCESS: u8 = 7;
    pub(in super::super) const ISIM: u8 = 8;
    pub(in super::super) const OPT_ISIM: u8 = 9;
    pub(in super::super) const CSIM: u8 = 10;
    pub(in super::super) const OPT_CSIM: u8 = 11;
    pub(in super::super) const EAP: u8 = 12;
    pub(in super::super) const DF_5GS: u8 = 13;
    pub(in super::super) const DF_SAIP: u8 = 14;
}

impl Template {
    /// The template with this identifier, `None` if it is not supported.
    pub(super) fn find(oid: &Oid) -> Option<Template> {
        let (number, version) = match oid.as_bytes().strip_prefix(ARC)? {
            [number] => (*number, 1),
            [number, version] => (*number, *version),
            _ => return None,
        };
        let (entries, by_default) = entries(number)?;
        Some(Template {
            entries,
            by_default,
            version,
            number,
        })
    }

    /// Its number in the identifier.
    pub(super) fn number(&self) -> u8 {
        self.number
    }

    /// An entry by position, as this version of the template has it.
    pub(super) fn entry(&self, index: usize) -> Option<Entry> {
        let mut entry = *self.entries.get(index)?;
        entry.shape = match (self.number, self.version, entry.fid) {
            (number::USIM, 2.., usim::EF_UST) => Shape::Transparent(17),
            (number::DF_5GS, 3.., usim::EF_5GS3GPPNSC | usim::EF_5GSN3GPPNSC) => {
                Shape::Linear(2, 62)
            }
            _ => entry.shape,
        };
        Some(entry)
    }
}

fn entries(number: u8) -> Option<(&'static [Entry], bool)> {
    Some(match number {
        number::MF => (common::MF, true),
        number::CD => (common::CD, false),
        number::TELECOM => (common::TELECOM, false),
        number::USIM => (usim::USIM, true),
        number::OPT_USIM => (usim::OPT_USIM, false),
        number::PHONEBOOK => (common::PHONEBOOK, false),
        number::GSM_ACCESS => (usim::GSM_ACCESS, false),
        number::ISIM => (isim::ISIM, true),
        number::OPT_ISIM => (isim::OPT_ISIM, false),
        number::CSIM => (csim::CSIM, true),
        number::OPT_CSIM => (csim::OPT_CSIM, false),
        number::EAP => (common::EAP, false),
        number::DF_5GS => (usim::DF_5GS, false),
        number::DF_SAIP => (usim::DF_SAIP, false),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(dotted: &str) -> Option<Template> {
        Template::find(&dotted.parse().unwrap())
    }

    /// Member numbers of the module for some files of each template.
    #[test]
    fn entries_stand_where_the_module_has_them() {
        let expected: &[(u8, u8, u16)] = &[
            (1, 7, 0x2F08),
            (2, 4, 0x6F40),
            (3, 15, 0x5F3A),
            (3, 32, 0x4F98),
            (3, 47, 0x4F04),
            (4, 25, 0x6FE4),
            (5, 67, 0x6FE8),
            (5, 87, 0x6F01),
            (6, 19, 0x4F98),
            (7, 6, 0x4F64),
            (8, 8, 0x6F06),
            (9, 15, 0x6FFE),
            (10, 36, 0x6F73),
            (11, 57, 0x6F81),
            (11, 68, 0x6F8D),
            (12, 9, 0x4F22),
            (13, 21, 0x4F16),
            (14, 3, 0x4F01),
        ];
        for (number, member, fid) in expected {
            let (entries, _) = entries(*number).unwrap();
            let entry = entries[usize::from(member - FIRST_MEMBER)];
            assert_eq!(entry.fid, *fid, "template {number}, member {member}");
        }
        assert!(entries(15).is_none());
    }

    #[test]
    fn versions_differ_in_size() {
        let ust = |dotted| {
            let template = template(dotted).unwrap();
            let at = template.entries.iter().position(|e| e.fid == usim::EF_UST);
            template.entry(at.unwrap()).unwrap().shape
        };
        assert!(ust("2.23.143.1.2.4") == Shape::Transparent(14));
        assert!(ust("2.23.143.1.2.4.2") == Shape::Transparent(17));
        assert!(template("2.23.143.1.3.4").is_none());
        assert!(template("2.23.143.1.2.4.2.1").is_none());
    }

    #[test]
    fn identifiers_are_unique_in_a_directory() {
        for number in 1..15 {
            let mut seen = alloc::collections::BTreeSet::new();
            for entry in entries(number).unwrap().0 {
                if entry.shape == Shape::Directory {
                    seen.clear();
                }
                assert!(seen.insert(entry.fid), "{number} {:04X}", entry.fid);
            }
        }
    }
}

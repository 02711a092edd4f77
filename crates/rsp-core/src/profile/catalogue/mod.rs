//! The templates of the format (SAIP Annex A): which files they have, in the
//! order of the members, with name, identifier and default size.
//!
//! Sizes are those of the first version of a template, but where a function
//! says otherwise. 0 is a size that the package must give.

mod common;
mod csim;
mod iot;
mod isim;
mod others;
mod usim;

use rsp_asn1::Oid;

/// Prefix of the template identifiers, 2.23.143.1.2.
const ARC: &[u8] = &[0x67, 0x81, 0x0F, 0x01, 0x02];
/// Number of the member that is the first file.
const FIRST_MEMBER: u8 = 2;

/// Identifiers of files that rules and orders name.
pub(super) mod fid {
    pub(crate) const MF: u16 = 0x3F00;
    pub(crate) const DIR: u16 = 0x2F00;
    pub(crate) const IMSI: u16 = 0x6F07;
    pub(crate) const UST: u16 = 0x6F38;
    pub(crate) const MSISDN: u16 = 0x6F40;
    pub(crate) const SMSP: u16 = 0x6F42;
    pub(crate) const SPN: u16 = 0x6F46;
    pub(crate) const EST: u16 = 0x6F56;
    pub(crate) const ACL: u16 = 0x6F57;
    pub(crate) const PLMN_W_ACT: u16 = 0x6F60;
    pub(crate) const OPLMN_W_ACT: u16 = 0x6F61;
    pub(crate) const HPLMN_W_ACT: u16 = 0x6F62;
    pub(crate) const ACC: u16 = 0x6F78;
    pub(crate) const FPLMN: u16 = 0x6F7B;
    pub(crate) const AD: u16 = 0x6FAD;
    pub(crate) const EHPLMN: u16 = 0x6FD9;
    pub(crate) const DF_5GS: u16 = 0x5FC0;
    pub(crate) const DF_SAIP: u16 = 0x5FD0;
    pub(crate) const UAC_AIC: u16 = 0x4F06;
    pub(crate) const SUCI_CALC_INFO: u16 = 0x4F07;
    pub(crate) const SUPI_NAI: u16 = 0x4F09;
    pub(crate) const ROUTING_INDICATOR: u16 = 0x4F0A;
    /// In DF.SAIP.
    pub(crate) const SUCI_CALC_INFO_USIM: u16 = 0x4F01;
}

/// A file of a template.
#[derive(Debug)]
pub(super) struct FileRow {
    /// As in the standards: `EF.IMSI`.
    pub(super) name: &'static str,
    /// Its identifier; 0 for an ADF.
    pub(super) fid: u16,
    /// What it is, and how large by default.
    pub(super) shape: Shape,
}

/// Structure and default size of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// MF or DF.
    Directory,
    /// ADF.
    Application,
    /// Octets.
    Transparent(usize),
    /// Records and octets in each.
    Linear(usize, usize),
    /// Records and octets in each.
    Cyclic(usize, usize),
    /// BER-TLV objects.
    BerTlv,
}

impl Shape {
    /// Whether files are in it.
    pub(super) fn is_directory(self) -> bool {
        matches!(self, Shape::Directory | Shape::Application)
    }
}

const fn row(name: &'static str, fid: u16, shape: Shape) -> FileRow {
    FileRow { name, fid, shape }
}

const fn adf(name: &'static str) -> FileRow {
    row(name, 0, Shape::Application)
}

const fn df(name: &'static str, fid: u16) -> FileRow {
    row(name, fid, Shape::Directory)
}

const fn tr(name: &'static str, fid: u16, size: usize) -> FileRow {
    row(name, fid, Shape::Transparent(size))
}

const fn lf(name: &'static str, fid: u16, records: usize, length: usize) -> FileRow {
    row(name, fid, Shape::Linear(records, length))
}

const fn cy(name: &'static str, fid: u16, records: usize, length: usize) -> FileRow {
    row(name, fid, Shape::Cyclic(records, length))
}

const fn bt(name: &'static str, fid: u16) -> FileRow {
    row(name, fid, Shape::BerTlv)
}

/// A template.
#[derive(Debug)]
pub(super) struct Template {
    /// Last arc but the version of its identifier.
    pub(super) number: u8,
    /// The alternative of `ProfileElement` that uses it.
    pub(super) kind: &'static str,
    /// Its files, in the order of the members.
    pub(super) files: &'static [FileRow],
    /// The directory that its first files are in.
    parent: &'static str,
    /// Whether files that an element does not mention are created.
    pub(super) by_default: bool,
}

const fn template(
    number: u8,
    kind: &'static str,
    parent: &'static str,
    by_default: bool,
    files: &'static [FileRow],
) -> Template {
    Template {
        number,
        kind,
        files,
        parent,
        by_default,
    }
}

const TEMPLATES: [Template; 18] = [
    template(1, "mf", "", true, common::MF),
    template(2, "cd", "MF", false, common::CD),
    template(3, "telecom", "MF", false, common::TELECOM),
    template(4, "usim", "MF", true, usim::USIM),
    template(5, "opt-usim", "ADF.USIM", false, usim::OPT_USIM),
    template(6, "phonebook", "ADF.USIM", false, common::PHONEBOOK),
    template(7, "gsm-access", "ADF.USIM", false, usim::GSM_ACCESS),
    template(8, "isim", "MF", true, isim::ISIM),
    template(9, "opt-isim", "ADF.ISIM", false, isim::OPT_ISIM),
    template(10, "csim", "MF", true, csim::CSIM),
    template(11, "opt-csim", "ADF.CSIM", false, csim::OPT_CSIM),
    template(12, "eap", "ADF.USIM", false, common::EAP),
    template(13, "df-5gs", "ADF.USIM", false, usim::DF_5GS),
    template(14, "df-saip", "ADF.USIM", false, usim::DF_SAIP),
    template(15, "df-snpn", "ADF.USIM", false, usim::DF_SNPN),
    template(16, "df-5gprose", "ADF.USIM", false, usim::DF_5GPROSE),
    template(17, "iot", "", true, iot::IOT),
    template(18, "opt-iot", "ADF.USIM", false, iot::OPT_IOT),
];

impl Template {
    /// The template with this identifier, whichever its version.
    pub(super) fn find(oid: &Oid) -> Option<&'static Template> {
        let ([number] | [number, _]) = oid.as_bytes().strip_prefix(ARC)? else {
            return None;
        };
        TEMPLATES.iter().find(|template| template.number == *number)
    }

    /// The template of a kind of elements.
    pub(super) fn of_kind(kind: &str) -> Option<&'static Template> {
        TEMPLATES.iter().find(|template| template.kind == kind)
    }

    /// A file by the number of its member.
    pub(super) fn file(&self, member: u8) -> Option<&'static FileRow> {
        self.files
            .get(usize::from(member.checked_sub(FIRST_MEMBER)?))
    }

    /// The member of a file, and the file.
    pub(super) fn member(&self, fid: u16) -> Option<(u8, &'static FileRow)> {
        (FIRST_MEMBER..)
            .zip(self.files)
            .find(|(_, row)| row.fid == fid)
    }

    /// The numbers of the members.
    pub(super) fn members(&self) -> impl Iterator<Item = u8> + use<> {
        (FIRST_MEMBER..).take(self.files.len())
    }

    /// The identifier of its first version.
    pub(super) fn oid(&self) -> Option<Oid> {
        let mut arcs = ARC.to_vec();
        arcs.push(self.number);
        Oid::from_bytes(&arcs).ok()
    }
}

/// What a file of a phone book is called whose EF.PBR names it with this tag.
pub(super) fn phone_book_file(tag: u32) -> Option<&'static str> {
    let mut names = others::PHONE_BOOK.iter();
    names.find_map(|(known, name)| (*known == tag).then_some(*name))
}

/// A file of the standards by its identifier and the name of its directory.
pub(super) fn file_in(directory: &str, fid: u16) -> Option<&'static FileRow> {
    let mut others = others::FILES
        .iter()
        .filter(|(parent, _)| *parent == directory);
    let other = others.find_map(|(_, row)| (row.fid == fid).then_some(row));
    TEMPLATES
        .iter()
        .find_map(|template| template.file_in(directory, fid))
        .or(other)
}

impl Template {
    fn file_in(&self, directory: &str, fid: u16) -> Option<&'static FileRow> {
        let mut current = self.parent;
        for row in self.files {
            let parent = match row.shape.is_directory() {
                true => self.parent_of(row),
                false => current,
            };
            if row.shape.is_directory() {
                current = row.name;
            }
            if parent == directory && row.fid == fid {
                return Some(row);
            }
        }
        None
    }

    /// The directory of a directory: that of the template, or its first file,
    /// if that is a directory (DF.TELECOM has directories of its own).
    fn parent_of(&self, row: &FileRow) -> &'static str {
        match self.files.first() {
            Some(first) if self.is_nested() && first.name != row.name => first.name,
            _ => self.parent,
        }
    }

    /// Whether all of its files are in its first one.
    pub(super) fn is_nested(&self) -> bool {
        let first = self.files.first();
        first.is_some_and(|first| first.shape.is_directory())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;

    #[test]
    fn identifiers_and_names_are_unique_in_a_directory() {
        for template in &TEMPLATES {
            let mut seen = BTreeSet::new();
            for row in template.files {
                if row.shape.is_directory() {
                    seen.clear();
                }
                assert!(seen.insert(row.fid), "{} {}", template.kind, row.name);
                assert!(row.name.contains('.') || row.name == "MF");
            }
        }
    }

    #[test]
    fn members_are_those_of_the_module() {
        for (kind, member, name) in [
            ("mf", 7, "EF.UMPC"),
            ("telecom", 47, "EF.V2XP_Uu"),
            ("usim", 25, "EF.EPSNSC"),
            ("opt-usim", 25, "EF.ACL"),
            ("opt-usim", 58, "EF.EHPLMN"),
            ("opt-usim", 87, "EF.EAKA"),
            ("df-5gs", 9, "EF.SUCI_Calc_Info"),
            ("isim", 8, "EF.ARR"),
            ("csim", 36, "EF.CALL_PROMPT"),
            ("opt-csim", 68, "EF.JDL"),
            ("iot", 9, "EF.IMSI"),
            ("opt-iot", 27, "EF.SUCI_Calc_Info_USIM"),
        ] {
            let row = Template::of_kind(kind).unwrap().file(member).unwrap();
            assert_eq!(row.name, name, "{kind} {member}");
        }
    }

    #[test]
    fn files_are_found_by_directory() {
        for (directory, fid, name) in [
            ("", 0x3F00, "MF"),
            ("MF", 0x2FE2, "EF.ICCID"),
            ("MF", 0x7F10, "DF.TELECOM"),
            ("DF.TELECOM", 0x5F3A, "DF.PHONEBOOK"),
            ("DF.TELECOM", 0x6F53, "EF.RMA"),
            ("DF.PHONEBOOK", 0x4F30, "EF.PBR"),
            ("ADF.USIM", 0x6F07, "EF.IMSI"),
            ("ADF.USIM", 0x6F40, "EF.MSISDN"),
            ("ADF.USIM", 0x5FC0, "DF.5GS"),
            ("DF.5GS", 0x4F01, "EF.5GS3GPPLOCI"),
            ("DF.SAIP", 0x4F01, "EF.SUCI_Calc_Info_USIM"),
            ("ADF.ISIM", 0x6F02, "EF.IMPI"),
        ] {
            assert_eq!(file_in(directory, fid).unwrap().name, name);
        }
        assert!(file_in("ADF.USIM", 0x2FE2).is_none());
    }

    #[test]
    fn versions_of_a_template_share_its_files() {
        let find = |oid: &str| Template::find(&oid.parse().unwrap()).map(|t| t.kind);
        assert_eq!(find("2.23.143.1.2.4"), Some("usim"));
        assert_eq!(find("2.23.143.1.2.13.4"), Some("df-5gs"));
        assert_eq!(find("2.23.143.1.2.99"), None);
        assert_eq!(find("2.23.143.1.3.4"), None);
    }
}

//! PINs, PUKs and access rules: what one element names, another defines.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::vec::Vec;

use rsp_asn1::saip::{File, PinCodesChoice, PinConfiguration, ProfileElement, TemplateElement};
use rsp_asn1::{DecodeError, Reader, Tag};

use super::Rule;
use super::check::Findings;
use super::contents::{descriptor, image, is_left_out, number, record_length};
use super::element::{kind, member};

/// Checks references to PUKs, PINs and access rules.
pub(super) fn check(elements: &[ProfileElement], out: &mut Findings) {
    check_puks(elements, out);
    let mf = elements.iter().find_map(|element| match element {
        ProfileElement::Mf(mf) => Some((element, mf)),
        _ => None,
    });
    let Some((element, mf)) = mf else {
        return;
    };
    let mf_rules = AccessRules::of(mf.file(member::MF_ARR));
    let keys = Keys::of(elements);
    let directory = Directory {
        of_mf: &mf_rules,
        own: &mf_rules,
        keys: &keys,
    };
    directory.check(element, mf, &MF_FILES, out);
    directory.check_rules(element, out);
    for (index, element) in elements.iter().enumerate() {
        if let Some((application, arr)) = application(element) {
            let ahead = elements.get(index..).unwrap_or_default();
            let end = ahead
                .iter()
                .skip(1)
                .position(|e| application_of(e).is_some());
            let span = ahead.get(..end.map_or(ahead.len(), |end| end + 1));
            let own = AccessRules::of(application.file(arr));
            let keys = keys.of_application(span.unwrap_or_default());
            let directory = Directory {
                of_mf: &mf_rules,
                own: &own,
                keys: &keys,
            };
            directory.check_span(span.unwrap_or_default(), out);
        }
    }
}

/// An element that creates an application, and the member that is its EF.ARR.
fn application(element: &ProfileElement) -> Option<(&TemplateElement, u8)> {
    match element {
        ProfileElement::Usim(pe) => Some((pe, member::USIM_ARR)),
        ProfileElement::Isim(pe) => Some((pe, member::ISIM_ARR)),
        ProfileElement::Csim(pe) => Some((pe, member::CSIM_ARR)),
        _ => None,
    }
}

fn application_of(element: &ProfileElement) -> Option<&TemplateElement> {
    application(element).map(|(element, _)| element)
}

/// PUKs exist before the PINs that name them.
fn check_puks(elements: &[ProfileElement], out: &mut Findings) {
    let mut defined = BTreeSet::new();
    for element in elements {
        if let ProfileElement::PukCodes(pe) = element {
            defined.extend(pe.puk_codes.iter().map(|puk| puk.key_reference));
        }
        for pin in pins(element) {
            let Some(puk) = pin.unblocking_pin_reference else {
                continue;
            };
            if !defined.contains(&puk) {
                out.add(
                    Rule::PukReference,
                    Some(element),
                    format!(
                        "PIN {} is unblocked by PUK {puk}, which no pukCodes before it defines",
                        pin.key_reference
                    ),
                    format!("define PUK {puk} in a pukCodes before this element"),
                );
            }
        }
    }
}

fn pins(element: &ProfileElement) -> &[PinConfiguration] {
    match element {
        ProfileElement::PinCodes(pe) => match &pe.pin_codes {
            PinCodesChoice::PinConfig(pins) => pins,
            PinCodesChoice::FilePath(_) => &[],
        },
        _ => &[],
    }
}

/// Key references that exist in a directory.
#[derive(Debug, Default)]
struct Keys {
    references: BTreeSet<i64>,
    /// PINs are those of another directory: which ones is not looked up.
    shared: bool,
}

impl Keys {
    fn of(elements: &[ProfileElement]) -> Self {
        let shared = elements.iter().any(|element| match element {
            ProfileElement::PinCodes(pe) => matches!(pe.pin_codes, PinCodesChoice::FilePath(_)),
            _ => false,
        });
        let references = elements.iter().flat_map(pins).map(|pin| pin.key_reference);
        Keys {
            references: references.collect(),
            shared,
        }
    }

    /// Those of an application: its own, and the global ones of the package.
    fn of_application(&self, span: &[ProfileElement]) -> Self {
        let mut keys = Keys::of(span);
        let global = self.references.iter().filter(|key| **key < 0x80);
        keys.references.extend(global);
        keys
    }

    fn contain(&self, reference: u8) -> bool {
        self.shared || self.references.contains(&i64::from(reference))
    }
}

/// The records of an EF.ARR.
#[derive(Debug)]
enum AccessRules {
    Records(Vec<Vec<u8>>),
    /// A link to another file, or no such file: nothing to compare with.
    Elsewhere,
    /// The file has no record length, or is filled beyond its size.
    Malformed,
}

impl AccessRules {
    fn of(file: Option<&File>) -> Self {
        let Some(file) = file else {
            return AccessRules::Elsewhere;
        };
        let fcp = descriptor(file);
        if fcp.is_some_and(|fcp| fcp.link_path.is_some()) {
            return AccessRules::Elsewhere;
        }
        let (Some(length), Ok(image)) = (fcp.and_then(record_length), image(file)) else {
            return AccessRules::Malformed;
        };
        let size = fcp.and_then(|fcp| fcp.ef_file_size.as_deref());
        if size.is_some_and(|size| number(size) < image.len()) {
            return AccessRules::Malformed;
        }
        AccessRules::Records(image.chunks(length).map(<[u8]>::to_vec).collect())
    }

    /// Whether the record holds a rule; true where that cannot be said.
    fn has(&self, record: u8) -> bool {
        let AccessRules::Records(records) = self else {
            return true;
        };
        let record = usize::from(record)
            .checked_sub(1)
            .and_then(|index| records.get(index));
        record
            .and_then(|record| record.first())
            .is_some_and(|first| *first != 0xFF)
    }
}

/// What the files of an MF or ADF may refer to.
struct Directory<'a> {
    of_mf: &'a AccessRules,
    own: &'a AccessRules,
    keys: &'a Keys,
}

impl Directory<'_> {
    /// Checks an application and the elements that add files to its ADF.
    fn check_span(&self, span: &[ProfileElement], out: &mut Findings) {
        for element in span {
            match element {
                ProfileElement::Usim(pe) => self.check(element, pe, &USIM_FILES, out),
                ProfileElement::Isim(pe)
                | ProfileElement::Csim(pe)
                | ProfileElement::OptUsim(pe)
                | ProfileElement::OptIsim(pe)
                | ProfileElement::OptCsim(pe) => self.check(element, pe, &[], out),
                _ => {}
            }
        }
        if let Some(application) = span.first() {
            self.check_rules(application, out);
        }
    }

    /// Checks the files of one element.
    fn check(
        &self,
        element: &ProfileElement,
        files: &TemplateElement,
        defaults: &[FileRule],
        out: &mut Findings,
    ) {
        for default in defaults.iter().filter(|default| default.given) {
            if files.file(default.member).is_none() {
                out.add(
                    Rule::Missing,
                    Some(element),
                    format!("{} is not given", default.name),
                    "give it: the template has no contents for it",
                );
            }
        }
        let created = files.files.iter().map(|entry| entry.member);
        let members: BTreeSet<u8> = created.chain(defaults.iter().map(|d| d.member)).collect();
        for member in members {
            let default = defaults.iter().find(|default| default.member == member);
            self.check_file(element, files.file(member), member, default, out);
        }
    }

    /// Checks the rule of one file, and the keys that a directory names.
    fn check_file(
        &self,
        element: &ProfileElement,
        file: Option<&File>,
        member: u8,
        default: Option<&FileRule>,
        out: &mut Findings,
    ) {
        let file = file.map(Vec::as_slice).unwrap_or_default();
        let fcp = descriptor(file);
        let is_directory = member == member::ADF && application_or_mf(element);
        if !is_left_out(file) {
            let named = fcp.and_then(|fcp| fcp.security_attributes_referenced.as_deref());
            let (rules, record) = match (named, default) {
                (Some([record]), _) => (self.implied(element, is_directory), *record),
                (Some([0x2F, 0x06, record]), _) => (self.of_mf, *record),
                (Some([0x6F, 0x06, record]), _) => (self.own, *record),
                (None, Some(default)) => (self.implied(element, is_directory), default.rule),
                _ => return,
            };
            if !rules.has(record) {
                let unnamed = format!("file {}", member.saturating_sub(1));
                let name = default.map_or(unnamed.as_str(), |default| default.name);
                out.add(
                    Rule::AccessRule,
                    Some(element),
                    format!("the access rule of {name} is record {record}, which EF.ARR lacks"),
                    "add the record, or name another one in securityAttributesReferenced",
                );
            }
        }
        let status = fcp.and_then(|fcp| fcp.pin_status_template_do.as_deref());
        for key in status.unwrap_or_default() {
            self.check_key(element, *key, "pinStatusTemplateDO", out);
        }
    }

    /// The EF.ARR of a file that names none (SAIP, `Fcp`).
    fn implied(&self, element: &ProfileElement, is_directory: bool) -> &AccessRules {
        match is_directory || kind(element) == "mf" {
            true => self.of_mf,
            false => self.own,
        }
    }

    /// Checks the records of the directory's EF.ARR itself.
    fn check_rules(&self, element: &ProfileElement, out: &mut Findings) {
        let records = match self.own {
            AccessRules::Records(records) => records.as_slice(),
            AccessRules::Elsewhere => &[],
            AccessRules::Malformed => {
                out.add(
                    Rule::AccessRule,
                    Some(element),
                    "EF.ARR has no record length, or more contents than its size",
                    "give it a fileDescriptor with a record length, and its efFileSize",
                );
                &[]
            }
        };
        let mut named = BTreeSet::new();
        for (index, record) in records.iter().enumerate() {
            if add_key_references(record, &mut named).is_err() {
                out.add(
                    Rule::AccessRule,
                    Some(element),
                    format!("record {} of EF.ARR is no access rule", index + 1),
                    "code it as ETSI TS 102 221 9.2 says, padded with FF",
                );
            }
        }
        for key in named {
            self.check_key(element, key, "an access rule", out);
        }
    }

    fn check_key(&self, element: &ProfileElement, key: u8, place: &str, out: &mut Findings) {
        if !self.keys.contain(key) {
            out.add(
                Rule::KeyReference,
                Some(element),
                format!("{place} names the key {key}, which no pinCodes defines"),
                format!("define key {key} in the pinCodes of this directory"),
            );
        }
    }
}

fn application_or_mf(element: &ProfileElement) -> bool {
    matches!(element, ProfileElement::Mf(_)) || application(element).is_some()
}

/// Adds the keys that a record of EF.ARR names (ETSI TS 102 221 9.2.4).
fn add_key_references(record: &[u8], keys: &mut BTreeSet<u8>) -> Result<(), DecodeError> {
    let used = record.iter().rposition(|octet| *octet != 0xFF);
    let mut reader = Reader::new(
        record
            .get(..used.map_or(0, |last| last + 1))
            .unwrap_or_default(),
    );
    add_keys_of(&mut reader, keys, 0)
}

fn add_keys_of(
    reader: &mut Reader<'_>,
    keys: &mut BTreeSet<u8>,
    depth: usize,
) -> Result<(), DecodeError> {
    while !reader.is_empty() {
        let tlv = reader.tlv()?;
        match tlv.tag.get() {
            USER_AUTHENTICATION => add_key_of_template(&mut tlv.reader(), keys)?,
            0xA0 | 0xA7 | 0xAF if depth < MAX_DEPTH => {
                add_keys_of(&mut tlv.reader(), keys, depth + 1)?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Adds the key of a control reference template; outside of one, tag '83' is
/// an access mode.
fn add_key_of_template(
    reader: &mut Reader<'_>,
    keys: &mut BTreeSet<u8>,
) -> Result<(), DecodeError> {
    while !reader.is_empty() {
        let tlv = reader.tlv()?;
        if tlv.tag == Tag::new(0x83) {
            keys.extend(tlv.value);
        }
    }
    Ok(())
}

/// Tag of the control reference template for user authentication.
const USER_AUTHENTICATION: u32 = 0xA4;
/// Levels of OR, AND and NOT that are followed in a condition.
const MAX_DEPTH: usize = 8;

/// A file that a template creates by default.
struct FileRule {
    member: u8,
    name: &'static str,
    /// Record of EF.ARR.
    rule: u8,
    /// The module has it as a mandatory member.
    given: bool,
}

const fn file(member: u8, name: &'static str, rule: u8, given: bool) -> FileRule {
    FileRule {
        member,
        name,
        rule,
        given,
    }
}

/// The MF template, 2.23.143.1.2.1.
const MF_FILES: [FileRule; 6] = [
    file(2, "mf", 14, true),
    file(3, "ef-pl", 1, false),
    file(4, "ef-iccid", 11, true),
    file(5, "ef-dir", 10, true),
    file(6, "ef-arr", 10, true),
    file(7, "ef-umpc", 10, false),
];

/// The USIM template, 2.23.143.1.2.4 and its later versions.
const USIM_FILES: [FileRule; 24] = [
    file(2, "adf-usim", 14, true),
    file(3, "ef-imsi", 2, true),
    file(4, "ef-arr", 10, true),
    file(5, "ef-keys", 5, false),
    file(6, "ef-keysPS", 5, false),
    file(7, "ef-hpplmn", 2, false),
    file(8, "ef-ust", 2, true),
    file(9, "ef-fdn", 8, false),
    file(10, "ef-sms", 5, false),
    file(11, "ef-smsp", 5, false),
    file(12, "ef-smss", 5, false),
    file(13, "ef-spn", 10, true),
    file(14, "ef-est", 8, true),
    file(15, "ef-start-hfn", 5, false),
    file(16, "ef-threshold", 2, false),
    file(17, "ef-psloci", 5, false),
    file(18, "ef-acc", 2, true),
    file(19, "ef-fplmn", 5, false),
    file(20, "ef-loci", 5, false),
    file(21, "ef-ad", 10, false),
    file(22, "ef-ecc", 10, true),
    file(23, "ef-netpar", 5, false),
    file(24, "ef-epsloci", 5, false),
    file(25, "ef-epsnsc", 5, false),
];

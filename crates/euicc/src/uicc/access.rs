//! Access rules in expanded format (ETSI TS 102 221 9.2.4, ISO/IEC 7816-4).

use alloc::borrow::Cow;
use alloc::vec::Vec;

use rsp_asn1::Reader;

use super::fs::{Body, FileId, FileSystem};

/// What somebody wants to do with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Update,
    Activate,
    Deactivate,
    /// INCREASE, which rules name by its instruction.
    Increase,
}

impl Access {
    /// The bit of the access mode byte of an EF.
    fn bit(self) -> u8 {
        match self {
            Access::Read => 0x01,
            Access::Update => 0x02,
            Access::Deactivate => 0x08,
            Access::Activate => 0x10,
            Access::Increase => 0,
        }
    }

    /// The instruction for rules that name one.
    fn instruction(self) -> Option<u8> {
        (self == Access::Increase).then_some(0x32)
    }
}

/// Whether the rule of `file` allows `access`; `verified` says of a key that a
/// rule asks for whether it is met.
pub(super) fn is_allowed(
    fs: &FileSystem,
    file: FileId,
    access: Access,
    verified: &dyn Fn(u8) -> bool,
) -> bool {
    match rule(fs, file) {
        Some(rule) => allows(&rule, access, verified),
        None => false,
    }
}

/// The access rule of a file: the record of its EF.ARR, else the template's
/// rule where the package left the choice to the template.
fn rule(fs: &FileSystem, file: FileId) -> Option<Cow<'_, [u8]>> {
    if let Some(record) = recorded_rule(fs, file) {
        return Some(Cow::Borrowed(record));
    }
    let rule = fs.get(file)?.rule;
    let standard = rule.standard.then(|| standard_rule(rule.record));
    standard.flatten().map(Cow::Owned)
}

/// The record of the nearest EF.ARR upwards, if it is there and not empty.
pub(super) fn recorded_rule(fs: &FileSystem, file: FileId) -> Option<&[u8]> {
    let entry = fs.get(file)?;
    let rule = entry.rule;
    let is_arr = |id: &FileId| matches!(fs.body(*id), Some(Body::Records { .. }));
    let arr = fs
        .upwards(entry.parent)
        .find_map(|dir| fs.child(dir, rule.arr).filter(is_arr))?;
    let record = fs.record(arr, rule.record)?;
    (record.first() != Some(&0xFF)).then_some(record)
}

/// The key references that a rule names.
pub(super) fn references(rule: &[u8]) -> Vec<u8> {
    let mut found = Vec::new();
    let mut reader = Reader::new(rule);
    while let Some(object) = next(&mut reader) {
        match object {
            (0xA0 | 0xA7 | 0xAF, inner) => found.extend(references(inner)),
            (0xA4, inner) => found.extend(key_reference(inner)),
            _ => {}
        }
    }
    found
}

/// A data object of a rule: tag and contents; `None` at the padding.
fn next<'a>(reader: &mut Reader<'a>) -> Option<(u32, &'a [u8])> {
    if reader.rest().first().is_none_or(|tag| *tag == 0xFF) {
        return None;
    }
    let tlv = reader.tlv().ok()?;
    Some((tlv.tag.get(), tlv.value))
}

/// An access mode, then its conditions, then the next access mode. One rule of
/// several that fits is enough; all conditions of a rule must hold.
fn allows(rule: &[u8], access: Access, verified: &dyn Fn(u8) -> bool) -> bool {
    let mut reader = Reader::new(rule);
    let mut applies = false;
    let mut holds = None;
    while let Some((tag, value)) = next(&mut reader) {
        if tag & 0xF0 == 0x80 {
            if applies && holds == Some(true) {
                return true;
            }
            applies = mode_fits(tag, value, access);
            holds = None;
        } else if applies {
            let condition = condition(tag, value, verified);
            holds = Some(holds.unwrap_or(true) && condition);
        }
    }
    applies && holds == Some(true)
}

fn mode_fits(tag: u32, value: &[u8], access: Access) -> bool {
    match tag {
        0x80 => value
            .iter()
            .any(|mode| mode & 0x80 == 0 && mode & access.bit() != 0),
        // Instruction alone.
        0x84 => access.instruction().is_some_and(|ins| value.contains(&ins)),
        _ => false,
    }
}

fn condition(tag: u32, value: &[u8], verified: &dyn Fn(u8) -> bool) -> bool {
    let mut reader = Reader::new(value);
    let mut each = core::iter::from_fn(|| next(&mut reader));
    match tag {
        0x90 => true,
        0xA4 => key_reference(value).is_some_and(verified),
        0xA0 => each.any(|(tag, value)| condition(tag, value, verified)),
        0xAF => !value.is_empty() && each.all(|(tag, value)| condition(tag, value, verified)),
        // '97' is never; what is not understood is never too.
        _ => false,
    }
}

/// The key of a control reference template for user authentication.
fn key_reference(template: &[u8]) -> Option<u8> {
    let mut reader = Reader::new(template);
    let mut each = core::iter::from_fn(|| next(&mut reader));
    let found = each.find(|(tag, _)| *tag == 0x83);
    found.and_then(|(_, value)| value.first().copied())
}

/// Key 0 of [`STANDARD_RULES`]: everybody.
const ALWAYS: u8 = 0;

/// Access modes of the templates' rules, and the key that opens each: 01 is
/// the PIN, 81 the PIN2, 0A the ADM. Modes not named are never allowed
/// (SAIP Annex A 9.9).
const STANDARD_RULES: [&[(u8, u8)]; 14] = [
    &[(0x01, ALWAYS), (0x02, 0x01), (0x58, 0x0A)],
    &[(0x01, 0x01), (0x5A, 0x0A)],
    &[(0x5B, 0x0A)],
    &[(0x01, ALWAYS), (0x40, 0x0A)],
    &[(0x03, 0x01), (0x58, 0x0A)],
    &[(0x11, 0x01), (0x4A, 0x0A)],
    &[(0x03, 0x01), (0x58, 0x0A)],
    &[(0x01, 0x01), (0x02, 0x81), (0x58, 0x0A)],
    &[(0x01, ALWAYS), (0x1A, 0x01), (0x40, 0x0A)],
    &[(0x01, ALWAYS), (0x5A, 0x0A)],
    &[(0x01, ALWAYS), (0x18, 0x0A)],
    &[(0x01, 0x01)],
    &[(0x13, 0x01), (0x48, 0x0A)],
    &[(0x5E, 0x0A)],
];

/// The only rule of the templates that allows INCREASE, with the PIN.
const RULE_WITH_INCREASE: u8 = 7;

/// A rule of the templates as it would stand in EF.ARR.
fn standard_rule(number: u8) -> Option<Vec<u8>> {
    let modes = STANDARD_RULES.get(usize::from(number).checked_sub(1)?)?;
    let mut rule = Vec::new();
    for (mode, key) in *modes {
        rule.extend([0x80, 0x01, *mode]);
        push_condition(&mut rule, *key);
    }
    if number == RULE_WITH_INCREASE {
        rule.extend([0x84, 0x01, 0x32]);
        push_condition(&mut rule, 0x01);
    }
    Some(rule)
}

fn push_condition(rule: &mut Vec<u8>, key: u8) {
    match key {
        ALWAYS => rule.extend([0x90, 0x00]),
        key => rule.extend([0xA4, 0x06, 0x83, 0x01, key, 0x95, 0x01, 0x08]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(hex: &str) -> Vec<u8> {
        let digit = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        (0..hex.len()).step_by(2).map(digit).collect()
    }

    #[test]
    fn always_never_and_keys() {
        let rule = rule("80010190008001029700800158A40683010A950108FFFFFF");
        let nobody = |_| false;
        let adm = |key| key == 0x0A;
        assert!(allows(&rule, Access::Read, &nobody));
        assert!(!allows(&rule, Access::Update, &adm));
        assert!(allows(&rule, Access::Activate, &adm));
        assert!(!allows(&rule, Access::Activate, &nobody));
        assert!(!allows(&rule, Access::Increase, &adm));
    }

    #[test]
    fn one_of_two_keys_and_an_instruction() {
        let rule = rule("800101A010A406830101950108A406830181950108840132A406830101950108");
        assert!(allows(&rule, Access::Read, &|key| key == 0x81));
        assert!(!allows(&rule, Access::Read, &|key| key == 0x0A));
        assert!(allows(&rule, Access::Increase, &|key| key == 0x01));
        assert!(!allows(&rule, Access::Increase, &|key| key == 0x81));
        assert_eq!(references(&rule), [0x01, 0x81, 0x01]);
    }

    #[test]
    fn what_is_malformed_grants_nothing() {
        for rule in [
            "",
            "8001",
            "800101",
            "80010190",
            "800101A4",
            "800101AF00",
            "9000",
        ] {
            assert!(
                !allows(&super::tests::rule(rule), Access::Read, &|_| true),
                "{rule}"
            );
        }
    }

    #[test]
    fn rules_of_the_templates() {
        let eight = standard_rule(8).unwrap();
        assert!(allows(&eight, Access::Update, &|key| key == 0x81));
        assert!(!allows(&eight, Access::Update, &|key| key == 0x01));
        assert!(standard_rule(0).is_none());
        assert!(standard_rule(15).is_none());
    }
}

//! What speaks against a download, before anything is spent on it.

use std::collections::BTreeSet;
use std::fmt::Display;

use rsp_asn1::rsp::EuiccInfo2;
use rsp_core::eim::{EuiccRecord, ListedProfile};
use rsp_core::profile::reads_packages_of;

use crate::inventory::{Device, Modem};
use crate::ledger::{ProfileNeeds, version};

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    /// Free memory of the eUICC.
    Memory,
    /// Versions of profile packages that it reads.
    PackageVersion,
    /// Its SVN.
    Svn,
    /// CIs that it trusts.
    Ci,
    /// What its IPA can do.
    Ipa,
    /// Radio technologies and bands of its device.
    Radio,
    /// Profile Policy Rules of the profiles on it.
    PolicyRules,
    /// Activation codes that are left.
    Stock,
}

impl Check {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Check::Memory => "memory",
            Check::PackageVersion => "package_version",
            Check::Svn => "svn",
            Check::Ci => "ci",
            Check::Ipa => "ipa",
            Check::Radio => "radio",
            Check::PolicyRules => "policy_rules",
            Check::Stock => "stock",
        }
    }
}

/// What came of a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing speaks against it.
    Passed,
    /// It would fail.
    Refused,
    /// Too little is known.
    Unknown,
}

impl Verdict {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Verdict::Passed => "passed",
            Verdict::Refused => "refused",
            Verdict::Unknown => "unknown",
        }
    }
}

/// One look at a download.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// At what.
    pub check: Check,
    /// What came of it.
    pub verdict: Verdict,
    /// Why.
    pub because: String,
}

impl Finding {
    fn new(check: Check, verdict: Verdict, because: impl Display) -> Self {
        Finding {
            check,
            verdict,
            because: because.to_string(),
        }
    }
}

/// What a device's modems can do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Radio {
    /// Technologies; none if a modem's are not known.
    pub technologies: BTreeSet<String>,
    /// Bands; none if a modem's are not known.
    pub bands: BTreeSet<String>,
}

impl From<&Device> for Radio {
    fn from(device: &Device) -> Self {
        let all = |of: fn(&Modem) -> BTreeSet<String>| {
            let each: Vec<_> = device.modems.iter().map(of).collect();
            match each.iter().any(BTreeSet::is_empty) {
                true => BTreeSet::new(),
                false => each.into_iter().flatten().collect(),
            }
        };
        Radio {
            technologies: all(|modem| modem.technologies.iter().map(ToString::to_string).collect()),
            bands: all(|modem| modem.bands.iter().map(ToString::to_string).collect()),
        }
    }
}

/// Looks at all that a profile needs. A refusal is one that the device could only
/// come to as well, later and with a code spent.
pub fn preflight(
    record: &EuiccRecord,
    radio: &Radio,
    needs: &ProfileNeeds,
    available: Option<u64>,
) -> Vec<Finding> {
    let info = record.facts.euicc_info2();
    let mut findings = Vec::new();
    findings.extend(
        needs
            .memory
            .map(|needed| memory(record, info.as_ref(), needed)),
    );
    if let Some(major) = needs.package_version {
        findings.push(known(Check::PackageVersion, info.as_ref(), |info| {
            let reads = reads_packages_of(info, major.into());
            (reads, format!("a package of version {major}"))
        }));
    }
    if let Some(lowest) = needs.svn.as_deref().and_then(version) {
        findings.push(known(Check::Svn, info.as_ref(), |info| {
            let [a, b, c] = info.highest_svn.unwrap_or(info.svn);
            let has = info.highest_svn.unwrap_or(info.svn) >= lowest;
            (has, format!("the eUICC has SVN {a}.{b}.{c}"))
        }));
    }
    if !needs.ci.is_empty() {
        findings.push(known(Check::Ci, info.as_ref(), |info| {
            trusts(info, &needs.ci)
        }));
    }
    findings.extend(ipa(record, needs));
    findings.extend(works(
        "technologies",
        &radio.technologies,
        &needs.technologies,
    ));
    findings.extend(works("bands", &radio.bands, &needs.bands));
    findings.extend(policy_rules(record));
    findings.extend(available.map(|available| match available {
        0 => Finding::new(Check::Stock, Verdict::Refused, "no activation code is left"),
        left => Finding::new(
            Check::Stock,
            Verdict::Passed,
            format_args!("{left} are left"),
        ),
    }));
    findings
}

/// A look that needs EUICCInfo2.
fn known(
    check: Check,
    info: Option<&EuiccInfo2>,
    look: impl FnOnce(&EuiccInfo2) -> (bool, String),
) -> Finding {
    match info.map(look) {
        Some((true, because)) => Finding::new(check, Verdict::Passed, because),
        Some((false, because)) => Finding::new(check, Verdict::Refused, because),
        None => Finding::new(check, Verdict::Unknown, "the eUICC has not said"),
    }
}

/// Memory only gets less by what is installed, and more by what is deleted: after a
/// deletion the last word does not hold.
fn memory(record: &EuiccRecord, info: Option<&EuiccInfo2>, needed: u64) -> Finding {
    let free = info.and_then(EuiccInfo2::free_non_volatile_memory);
    let Some(free) = free else {
        return Finding::new(Check::Memory, Verdict::Unknown, "the eUICC has not said");
    };
    let numbers = format!("{free} octets were free, {needed} are needed");
    let changed = record.profiles.as_ref().is_some_and(|list| {
        let learnt = record.facts.learnt;
        list.stale || learnt.is_none_or(|learnt| list.at > learnt)
    });
    match free >= needed {
        true if changed => Finding::new(Check::Memory, Verdict::Unknown, numbers),
        true => Finding::new(Check::Memory, Verdict::Passed, numbers),
        false => Finding::new(Check::Memory, Verdict::Refused, numbers),
    }
}

fn trusts(info: &EuiccInfo2, wanted: &[String]) -> (bool, String) {
    let hex =
        |octets: &[u8]| -> String { octets.iter().map(|octet| format!("{octet:02x}")).collect() };
    let trusted = info.euicc_ci_pk_id_list_for_verification.iter();
    let mut trusted = trusted.map(|ci| hex(ci));
    let found = trusted.find(|ci| wanted.iter().any(|wanted| wanted.eq_ignore_ascii_case(ci)));
    match found {
        Some(ci) => (true, format!("the eUICC trusts the CI {ci}")),
        None => (false, "the eUICC trusts none of the CIs".to_string()),
    }
}

fn ipa(record: &EuiccRecord, needs: &ProfileNeeds) -> Option<Finding> {
    let refused = needs
        .confirmation_code
        .then(|| record.facts.take_confirmation_codes());
    let verdict = match (refused?, record.facts.ipa_capabilities.is_some()) {
        (Err(because), _) => Finding::new(Check::Ipa, Verdict::Refused, because),
        (Ok(()), true) => Finding::new(Check::Ipa, Verdict::Passed, "it takes a confirmation code"),
        (Ok(()), false) => Finding::new(Check::Ipa, Verdict::Unknown, "the IPA has not said"),
    };
    Some(verdict)
}

/// A profile that must stay enabled (PPR1) keeps every other one from being used. That
/// is no refusal: its operator may take the rule away (SGP.22 2.9.1).
fn policy_rules(record: &EuiccRecord) -> Option<Finding> {
    let list = record.profiles.as_ref().filter(|list| !list.stale)?;
    let stays = |profile: &&ListedProfile| profile.enabled && profile.ppr1;
    let check = Check::PolicyRules;
    let Some(profile) = list.profiles.iter().find(stays) else {
        let because = "no profile has to stay enabled";
        return Some(Finding::new(check, Verdict::Passed, because));
    };
    let which = profile.iccid.map_or("a profile".to_string(), |iccid| {
        format!("the profile {iccid}")
    });
    let because = format_args!(
        "{which} has to stay enabled (PPR1): until its operator takes that rule away another \
         one can be installed, but not enabled"
    );
    Some(Finding::new(check, Verdict::Unknown, because))
}

fn works(what: &str, has: &BTreeSet<String>, needed: &[String]) -> Option<Finding> {
    if needed.is_empty() {
        return None;
    }
    let common = has
        .iter()
        .find(|one| needed.iter().any(|n| n.eq_ignore_ascii_case(one)));
    Some(match (common, has.is_empty()) {
        (Some(one), _) => Finding::new(Check::Radio, Verdict::Passed, one),
        (None, true) => {
            let because = format_args!("the {what} of the device are not known");
            Finding::new(Check::Radio, Verdict::Unknown, because)
        }
        (None, false) => {
            let needed = needed.join(", ");
            let because = format_args!("the device has none of the {what} {needed}");
            Finding::new(Check::Radio, Verdict::Refused, because)
        }
    })
}

//! Devices that come from a factory and that nobody has touched: what its
//! manifest says of them, whether the one that polls is the one it names, and
//! the way to its operational profile.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};

use rsp_asn1::ids::{Eid, Iccid, Imei};
use serde::{Deserialize, Serialize};

use super::{
    EuiccRecord, ListedProfile, Note, Operation, OperationId, OperationKind, OperationState,
    Outcome, Step,
};
use crate::{Context, Timestamp};

/// What a factory's manifest says of a device, besides what its eUICC needs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ManifestEntry {
    /// IMEI of the device that the eUICC was put into.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub imei: Option<Imei>,
    /// Serial number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// The profile that connects it for the first time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bootstrap_iccid: Option<Iccid>,
    /// Whatever else the manifest has, by its name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, String>,
}

/// A device that gets its operational profile by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZeroTouch {
    /// What the factory said.
    pub manifest: ManifestEntry,
    /// How far it is.
    #[serde(flatten)]
    pub stage: ZeroTouchStage,
    /// The rule that chose its profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}

/// How far a device is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub enum ZeroTouchStage {
    /// It has not polled, or not shown its profiles.
    Awaited {
        /// The list of profiles that its first poll is answered with.
        list: OperationId,
    },
    /// It is the device that the manifest names: a profile is to be chosen.
    Identified,
    /// It downloads its profile.
    Downloading {
        /// The download.
        operation: OperationId,
    },
    /// It enables its profile.
    Enabling {
        /// The enable.
        operation: OperationId,
        /// The profile.
        iccid: Iccid,
    },
    /// It has its profile.
    Done {
        /// The profile.
        iccid: Iccid,
    },
    /// It is not the device that the manifest names: nothing is done on it.
    Refused {
        /// What differs.
        reason: String,
    },
    /// A person has to look.
    Failed {
        /// Why.
        reason: String,
    },
}

impl ZeroTouchStage {
    /// Its name.
    pub const fn name(&self) -> &'static str {
        match self {
            ZeroTouchStage::Awaited { .. } => "awaited",
            ZeroTouchStage::Identified => "identified",
            ZeroTouchStage::Downloading { .. } => "downloading",
            ZeroTouchStage::Enabling { .. } => "enabling",
            ZeroTouchStage::Done { .. } => "done",
            ZeroTouchStage::Refused { .. } => "refused",
            ZeroTouchStage::Failed { .. } => "failed",
        }
    }
}

/// Which devices get which profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZeroTouchRule {
    /// Its name, for people.
    pub name: String,
    /// Only EIDs that begin so; any if empty.
    pub eid_prefix: String,
    /// Only serial numbers that begin so; any if empty.
    pub serial_prefix: String,
    /// Only entries with all of these.
    pub fields: BTreeMap<String, String>,
    /// Where the profile comes from.
    pub source: ProfileSource,
}

/// Where a profile comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProfileSource {
    /// Any of this type, ordered at the SM-DP+ of this server.
    ProfileType(String),
    /// The next activation code of a stock with this name.
    ActivationCodes(String),
}

impl ZeroTouchRule {
    /// Whether it is for this device.
    pub fn matches(&self, eid: Eid, manifest: &ManifestEntry) -> bool {
        let serial = manifest.serial.as_deref().unwrap_or_default();
        let has = |(name, value): (&String, &String)| manifest.fields.get(name) == Some(value);
        eid.to_string().starts_with(&self.eid_prefix)
            && serial.starts_with(&self.serial_prefix)
            && self.fields.iter().all(has)
    }
}

impl EuiccRecord {
    /// A device of a manifest, and what its first poll is answered with.
    pub fn awaited(
        record: EuiccRecord,
        manifest: ManifestEntry,
        cx: &mut Context<'_>,
    ) -> (EuiccRecord, Operation) {
        let list = OperationId::new(cx);
        let kind = OperationKind::ListProfileInfo;
        let operation = Operation::queued(list.clone(), record.eid, kind, cx.now);
        let zero_touch = Some(ZeroTouch {
            manifest,
            stage: ZeroTouchStage::Awaited { list },
            rule: None,
        });
        (
            EuiccRecord {
                zero_touch,
                ..record
            },
            operation,
        )
    }

    /// Whether a profile is to be chosen for it.
    pub fn waits_for_profile(&self) -> bool {
        let zero_touch = self.zero_touch.as_ref();
        zero_touch.is_some_and(|zero_touch| zero_touch.stage == ZeroTouchStage::Identified)
    }

    /// The profile was chosen: its download. `None` if it is not waited for.
    pub fn profile_chosen(
        &self,
        activation_code: String,
        expects: Option<Iccid>,
        rule: String,
        cx: &mut Context<'_>,
    ) -> Option<(EuiccRecord, Operation)> {
        if !self.waits_for_profile() {
            return None;
        }
        let operation = OperationId::new(cx);
        let kind = OperationKind::Download { activation_code };
        let download = Operation {
            expects,
            ..Operation::queued(operation.clone(), self.eid, kind, cx.now)
        };
        let zero_touch = self.zero_touch.clone().map(|zero_touch| ZeroTouch {
            stage: ZeroTouchStage::Downloading { operation },
            rule: Some(rule),
            ..zero_touch
        });
        let record = EuiccRecord {
            zero_touch,
            ..self.clone()
        };
        Some((record, download))
    }

    /// What is wrong with a device that shows these profiles.
    fn not_the_one(&self, manifest: &ManifestEntry, profiles: &[ListedProfile]) -> Option<String> {
        if let Some(expected) = &manifest.imei {
            match self.facts.imei() {
                Some(imei) if imei == *expected => {}
                Some(imei) => {
                    return Some(format!(
                        "its IMEI is {imei}, and {expected} in the manifest"
                    ));
                }
                None => {
                    return Some(format!(
                        "it does not say its IMEI, which is {expected} in the manifest"
                    ));
                }
            }
        }
        let bootstrap = manifest.bootstrap_iccid?;
        let listed = profiles.iter().any(|p| p.iccid == Some(bootstrap));
        (!listed).then(|| format!("its eUICC does not list the bootstrap profile {bootstrap}"))
    }
}

/// The next stage, by what a step has settled.
pub(super) fn advance<R>(step: &mut Step<R>, now: Timestamp) {
    let Some(zero_touch) = &step.record.zero_touch else {
        return;
    };
    if let ZeroTouchStage::Done { iccid } = zero_touch.stage {
        return left_again(step, iccid);
    }
    let (ZeroTouchStage::Awaited { list: operation }
    | ZeroTouchStage::Downloading { operation }
    | ZeroTouchStage::Enabling { operation, .. }) = &zero_touch.stage
    else {
        return;
    };
    let mut operations = step.operations.iter();
    let Some(settled) = operations.find(|settled| settled.id == *operation) else {
        return;
    };
    let next = match &zero_touch.stage {
        ZeroTouchStage::Awaited { .. } => shown(&step.record, &zero_touch.manifest, settled),
        ZeroTouchStage::Downloading { .. } => downloaded(settled),
        ZeroTouchStage::Enabling { iccid, .. } => enabled(settled, *iccid),
        _ => None,
    };
    let Some(next) = next else {
        return;
    };
    let enable = match &next {
        ZeroTouchStage::Enabling { operation, iccid } => {
            let (id, eid) = (operation.clone(), step.record.eid);
            let kind = OperationKind::Enable {
                iccid: *iccid,
                rollback: true,
            };
            Some(Operation::queued(id, eid, kind, now))
        }
        _ => None,
    };
    step.operations.extend(enable);
    let stage = next.clone();
    step.notes.push(Note::ZeroTouch { stage });
    if let Some(zero_touch) = &mut step.record.zero_touch {
        zero_touch.stage = next;
    }
}

/// A poll that was late on its way confirmed an enable that was then taken
/// back.
fn left_again<R>(step: &mut Step<R>, iccid: Iccid) {
    let back = step.operations.iter().find(|operation| {
        operation.state == OperationState::RolledBack
            && matches!(operation.kind, OperationKind::Enable { iccid: enabled, .. } if enabled == iccid)
    });
    let stage = back.and_then(|back| enabled(back, iccid));
    if let (Some(stage), Some(zero_touch)) = (stage, &mut step.record.zero_touch) {
        step.notes.push(Note::ZeroTouch {
            stage: stage.clone(),
        });
        zero_touch.stage = stage;
    }
}

/// Its profiles were listed.
fn shown(
    record: &EuiccRecord,
    manifest: &ManifestEntry,
    list: &Operation,
) -> Option<ZeroTouchStage> {
    match (&list.state, list.state.outcome()) {
        (OperationState::Executed { .. }, Some(Outcome::Profiles { profiles })) => {
            Some(match record.not_the_one(manifest, profiles) {
                Some(reason) => ZeroTouchStage::Refused { reason },
                None => ZeroTouchStage::Identified,
            })
        }
        (OperationState::Failed { reason }, _) => {
            failed("its eUICC gives no list of its profiles", reason)
        }
        _ => None,
    }
}

/// Its profile was downloaded, and is to be enabled.
fn downloaded(download: &Operation) -> Option<ZeroTouchStage> {
    match (&download.state, download.state.outcome()) {
        (OperationState::Executed { .. }, Some(Outcome::Installed { iccid: Some(iccid) })) => {
            Some(ZeroTouchStage::Enabling {
                operation: OperationId(format!("{}-enable", download.id)),
                iccid: *iccid,
            })
        }
        (OperationState::Executed { .. }, _) => {
            let reason = "the eUICC does not name it";
            failed("which profile was installed is not known", reason)
        }
        (OperationState::Failed { reason }, _) => failed("the download failed", reason),
        _ => None,
    }
}

/// Its profile was enabled, and it has polled with it.
fn enabled(enable: &Operation, iccid: Iccid) -> Option<ZeroTouchStage> {
    match &enable.state {
        OperationState::Confirmed { .. } => Some(ZeroTouchStage::Done { iccid }),
        OperationState::Failed { reason } => failed("the profile was not enabled", reason),
        OperationState::RolledBack => {
            let reason = "it went back to its bootstrap profile";
            failed("the new profile did not connect the device", reason)
        }
        _ => None,
    }
}

fn failed(what: &str, reason: &str) -> Option<ZeroTouchStage> {
    let reason = format!("{what}: {reason}");
    Some(ZeroTouchStage::Failed { reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules() {
        let eid: Eid = "89049032000000000000000000000163".parse().unwrap();
        let manifest = ManifestEntry {
            serial: Some("M-17".to_string()),
            fields: [("model".to_string(), "X1".to_string())].into(),
            ..ManifestEntry::default()
        };
        let rule = |eid_prefix: &str, serial_prefix: &str, model: Option<&str>| {
            let fields = model.map(|model| ("model".to_string(), model.to_string()));
            let rule = ZeroTouchRule {
                name: "rule".to_string(),
                eid_prefix: eid_prefix.to_string(),
                serial_prefix: serial_prefix.to_string(),
                fields: fields.into_iter().collect(),
                source: ProfileSource::ProfileType("type".to_string()),
            };
            rule.matches(eid, &manifest)
        };
        assert!(rule("", "", None) && rule("89049032", "M-", Some("X1")));
        assert!(!rule("89049033", "", None) && !rule("", "N", None));
        assert!(!rule("", "", Some("X2")));
    }
}

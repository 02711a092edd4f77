//! What an order is expected to take of ESipa, before anything is sent. Its package is
//! made to be measured, its result has the size that results of its kind have, and the
//! functions of a download are of the size that they have between the IPA and the
//! SM-DP+ of this project (docs/price.md).

use alloc::vec::Vec;

use rsp_asn1::ids::Plmn;
use rsp_asn1::sgp32::GetEimPackageRequest;
use rsp_asn1::{Asn1, Extensions};
use serde::{Deserialize, Serialize};

use super::traffic::{Leg, divided};
use super::{Eim, EuiccRecord, Operation, OperationKind};
use crate::binding::Transport;

/// Octets of a signed result around the results in it, without the eIM's identifier
/// (SGP.32 2.11.2.1, 5.14.6).
const RESULT: usize = 120;

/// Octets of an acknowledgement.
const ACKNOWLEDGEMENT: u64 = 8;

/// Octets of the result of a trigger: an installation result, signed.
const INSTALLATION_RESULT: u64 = 220;

/// Functions of a download (SGP.32 3.2.3): requests of them, octets from the device, and
/// to it beside the profile package. Certificates are most of it.
const FUNCTIONS: u32 = 3;
const FROM_DEVICE: u64 = 1_630;
const TO_DEVICE: u64 = 1_700;

/// Octets of a segment of a bound profile package, and what binding adds to each
/// (SGP.22 2.5.2, 2.5.4: tag, length, padding and MAC).
const SEGMENT: u64 = 1_007;
const PER_SEGMENT: u64 = 20;

/// What is expected to be moved for an operation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Estimate {
    /// As [`super::Traffic::legs`] counts it, so far as it is known.
    pub legs: Vec<Leg>,
    /// Operations that are expected to share its package, itself included.
    pub together: u32,
    /// What the octets of the legs are without, because it is not known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<NotKnown>,
    /// Under which assumptions that is so.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub assumed: Vec<Assumed>,
}

/// A part of an operation whose size nobody can tell before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotKnown {
    /// The profile package of a download.
    ProfilePackage,
    /// What an IPA or an eUICC answers.
    Answer,
}

/// What an estimate is made under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Assumed {
    /// Nothing is lost and nothing is sent twice.
    NothingLost,
    /// It shares its package with nothing that it was not ordered with.
    Alone,
    /// Messages are DER over HTTPS.
    DerOverHttps,
    /// The eUICC makes no notification of it that goes through the eIM.
    NoNotifications,
    /// After the switch the device comes back by the other profile.
    ComesBack,
    /// The eIM has to ask the device something first, which is an operation of its own.
    Questions,
    /// The functions of the download have the size that they have between the IPA and
    /// the SM-DP+ of this project, and no segment of the package is sent twice.
    DownloadFunctions,
}

impl NotKnown {
    /// In words.
    pub const fn text(self) -> &'static str {
        match self {
            NotKnown::ProfilePackage => "the size of the profile package",
            NotKnown::Answer => "the size of what the device answers",
        }
    }
}

impl Assumed {
    /// In words.
    pub const fn text(self) -> &'static str {
        match self {
            Assumed::NothingLost => "nothing is lost and nothing is sent twice",
            Assumed::Alone => "it shares its package with nothing that it was not ordered with",
            Assumed::DerOverHttps => "messages are DER over HTTPS",
            Assumed::NoNotifications => {
                "the eUICC makes no notification of it that goes through the eIM"
            }
            Assumed::ComesBack => "after the switch the device comes back by the other profile",
            Assumed::Questions => {
                "what the eIM has to ask the device first is not in it: those are operations of their own"
            }
            Assumed::DownloadFunctions => {
                "the functions of the download are as long as those of this server's SM-DP+"
            }
        }
    }
}

impl Eim {
    /// What operations that are ordered together are expected to take, each of them.
    /// `package` is the size of the profile package that they download, in octets as it
    /// is before it is bound.
    ///
    /// # Errors
    /// Why there can be no package of them.
    pub fn estimate(
        &self,
        record: &EuiccRecord,
        operations: &[&Operation],
        package: Option<u64>,
    ) -> Result<Vec<Estimate>, &'static str> {
        let mut whole = Estimate {
            together: u32::try_from(operations.len()).unwrap_or(u32::MAX),
            assumed: alloc::vec![Assumed::NothingLost, Assumed::Alone],
            ..Estimate::default()
        };
        let mut there = self.fetched(record, operations)?;
        if record.listener.is_none() {
            whole.assumed.push(Assumed::DerOverHttps);
        }
        let mut back = Leg {
            exchanges: 1,
            sent: ACKNOWLEDGEMENT,
            contacts: 0,
            ..there.clone()
        };
        back.received = self.result(record, operations, &mut whole.unknown);
        if operations
            .iter()
            .any(|operation| operation.kind.downloads())
        {
            whole.assumed.push(Assumed::DownloadFunctions);
            there.exchanges += FUNCTIONS;
            there.received += FROM_DEVICE;
            there.sent += TO_DEVICE + package.map_or(0, bound);
            if package.is_none() {
                whole.unknown.push(NotKnown::ProfilePackage);
            }
        } else {
            whole.assumed.push(Assumed::NoNotifications);
        }
        if operations
            .iter()
            .any(|operation| self.asks_first(record, operation))
        {
            whole.assumed.push(Assumed::Questions);
        }
        let switched = operations
            .iter()
            .rev()
            .find_map(|operation| match operation.kind {
                OperationKind::Enable { iccid, .. } => Some(iccid),
                _ => None,
            });
        match switched {
            Some(iccid) => {
                whole.assumed.push(Assumed::ComesBack);
                back.iccid = Some(iccid);
                back.contacts = 1;
                whole.legs = alloc::vec![there, back];
            }
            None => {
                there.exchanges += back.exchanges;
                there.received += back.received;
                there.sent += back.sent;
                whole.legs = alloc::vec![there];
            }
        }
        Ok((0..operations.len())
            .map(|place| whole.part(place))
            .collect())
    }

    /// The poll that fetches the package.
    fn fetched(
        &self,
        record: &EuiccRecord,
        operations: &[&Operation],
    ) -> Result<Leg, &'static str> {
        let package = self.measure_package(record, operations)? as u64;
        let network = record.networks.last();
        let request = GetEimPackageRequest {
            eid_value: record.eid,
            notify_state_change: None,
            state_change_cause: None,
            r_plmn: network.and_then(|network| network.plmn.parse::<Plmn>().ok()),
            extensions: Extensions::default(),
        };
        let transport = record.listener.as_ref().and_then(|at| at.server().ok());
        Ok(Leg {
            iccid: record.enabled_profile(),
            transport: transport.map_or(Transport::Https, |at| at.transport),
            contacts: 1,
            exchanges: 1,
            received: match record.listener {
                Some(_) => 0,
                None => request.to_der().len() as u64,
            },
            sent: package,
        })
    }

    /// Octets of the result.
    fn result(
        &self,
        record: &EuiccRecord,
        operations: &[&Operation],
        unknown: &mut Vec<NotKnown>,
    ) -> u64 {
        if operations
            .iter()
            .any(|operation| operation.kind.downloads())
        {
            return INSTALLATION_RESULT;
        }
        let mut octets = RESULT + self.eim_id.as_str().len();
        for operation in operations {
            match result_in(record, &operation.kind) {
                Some(result) => octets += result,
                None if unknown.is_empty() => unknown.push(NotKnown::Answer),
                None => {}
            }
        }
        octets as u64
    }

    fn asks_first(&self, record: &EuiccRecord, operation: &Operation) -> bool {
        self.needs_key(record, &operation.kind) || record.needs_facts(operation)
    }
}

impl Estimate {
    /// What of it is expected for the operation at this place of its package.
    fn part(&self, place: usize) -> Self {
        let of = u64::from(self.together);
        let part = |leg: &Leg| Leg {
            contacts: if place == 0 { leg.contacts } else { 0 },
            exchanges: if place == 0 { leg.exchanges } else { 0 },
            received: divided(leg.received, place, of),
            sent: divided(leg.sent, place, of),
            ..leg.clone()
        };
        Estimate {
            legs: self.legs.iter().map(part).collect(),
            ..self.clone()
        }
    }
}

/// Octets of one result in a package's; `None` if it depends on what the device has.
fn result_in(record: &EuiccRecord, kind: &OperationKind) -> Option<usize> {
    const OF_ONE: usize = 3;
    /// ICCID, AID, state, names, class, notifications.
    const PER_PROFILE: usize = 90;
    const PER_EIM: usize = 24;
    Some(match kind {
        OperationKind::ListProfileInfo => {
            let profiles = record.known_profiles().len();
            8 + PER_PROFILE * Some(profiles).filter(|_| record.profiles.is_some())?
        }
        OperationKind::ListEim => 4 + PER_EIM,
        OperationKind::AddEim { .. } => 8,
        OperationKind::ListSomeProfileInfo(_)
        | OperationKind::GetRat
        | OperationKind::GetCertificates
        | OperationKind::GetInstallationResults
        | OperationKind::GetEuiccData(_) => return None,
        _ => OF_ONE,
    })
}

/// Octets of a profile package when it is bound.
fn bound(package: u64) -> u64 {
    package + package.div_ceil(SEGMENT) * PER_SEGMENT
}

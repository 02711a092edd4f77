//! What is kept for an eUICC that cannot keep it: its eIMs and what they
//! ordered. It is a part of the IPA's memory, saved with it as a whole.
//!
//! What changes the eUICC is noted first ([`Unfinished`]) and then done; the
//! counter of a package is durable before any of it is done. Whatever cannot be
//! saved does not happen, here neither.

use alloc::string::String;
use alloc::vec::Vec;

use rsp_asn1::ids::{Eid, Iccid, TransactionId};
use rsp_asn1::rsp::SetDefaultDpAddressResult;
use rsp_asn1::sgp32::{
    DeleteProfileResult, DisableProfileResult, EimConfigurationData, EimId, EnableProfileResult,
    EuiccPackageResult, EuiccResultData, RollbackProfileResult, SetDefaultDpAddressResponse,
};
use rsp_asn1::{Certificate, Extensions, Oid};
use serde::{Deserialize, Serialize};

use super::StandIn;
use crate::binding::json;
use crate::ipa::memory::Memory;
use crate::ipa::{IpaError, poll};

/// eUICCs that are remembered; a device has room for one or two. One beyond is
/// refused: none may be forgotten, or its old packages would be good again.
pub(in crate::ipa) const MAX_CARDS: usize = 8;

/// eIMs of one eUICC.
pub(super) const MAX_EIMS: usize = 16;

/// Results kept; beyond, the oldest gives way (SGP.32 2.11.2).
const MAX_RESULTS: usize = 16;

/// First sequence number of what is kept here; those of the eUICC are below.
pub(super) const FIRST_NUMBER: i64 = 0x4000_0000;

/// What is kept for one eUICC.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::ipa) struct Card {
    pub(super) eid: Eid,
    pub(super) eims: Vec<Association>,
    /// The association token that is made next.
    pub(super) next_token: i64,
    /// The sequence number that is given next.
    pub(super) next_number: i64,
    /// Results that their eIMs have not taken, oldest first.
    results: Vec<StoredResult>,
    /// A package whose execution has begun.
    pub(super) unfinished: Option<Unfinished>,
    /// The right to one ProfileRollback.
    pub(super) rollback: Option<Rollback>,
    /// The profile with the Fallback Attribute.
    pub(super) fallback: Option<Iccid>,
    /// The profile that the fallback mechanism left.
    pub(super) before_fallback: Option<Iccid>,
    #[serde(default)]
    pub(super) immediate_enable: ImmediateEnable,
    /// The eUICC's certificates, as it has shown them.
    pub(super) certificates: Option<Certificates>,
}

/// An eIM that is associated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Association {
    /// Without the counter.
    #[serde(with = "json::der")]
    pub(super) data: EimConfigurationData,
    /// Counter of the last package that was accepted.
    pub(super) counter: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct StoredResult(#[serde(with = "json::der")] EuiccPackageResult);

/// What a result names a package by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PackageId {
    pub(super) eim_id: EimId,
    pub(super) counter: i64,
    pub(super) transaction: Option<TransactionId>,
}

/// A package, or its rollback, whose execution has begun.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Unfinished {
    pub(super) package: PackageId,
    /// Results so far.
    pub(super) results: Vec<ItemResult>,
    /// What may or may not have been done.
    pub(super) doing: Option<Effect>,
    /// Items that have no result yet.
    pub(super) left: usize,
    /// The profile to which a rollback would return.
    pub(super) return_to: Option<Iccid>,
}

/// The result of one item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct ItemResult(#[serde(with = "json::der")] pub(super) EuiccResultData);

/// Something that the eUICC is told to do, and that shows there when it is done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Effect {
    /// Of a profile that is disabled; and the one that may be returned to.
    Enable {
        iccid: Iccid,
        return_to: Option<Iccid>,
    },
    /// Of the profile that is enabled.
    Disable(Iccid),
    /// Of a profile that is there.
    Delete(Iccid),
    /// None if it is empty.
    SetDefaultDpAddress(String),
    /// Back to a profile; the number of the result that it takes the place of.
    RollBack { to: Iccid, replaces: i64 },
}

/// The right to one ProfileRollback (SGP.32 3.3.2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Rollback {
    /// The profile to return to.
    pub(super) to: Iccid,
    /// The package that granted it.
    pub(super) package: PackageId,
    /// Number of that package's result.
    pub(super) result: i64,
}

/// Configuration of ImmediateEnable (SGP.32 3.4.4).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ImmediateEnable {
    pub(super) active: bool,
    /// Only for profiles of this SM-DP+.
    pub(super) smdp_oid: Option<Oid>,
    /// Only for profiles from this address.
    pub(super) smdp_address: Option<String>,
}

/// CERT.EUM and CERT.EUICC.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Certificates {
    #[serde(with = "json::der")]
    pub(super) eum: Certificate,
    #[serde(with = "json::der")]
    pub(super) euicc: Certificate,
}

impl Card {
    /// For an eUICC that is met for the first time.
    pub(super) fn new(eid: Eid) -> Self {
        Card {
            eid,
            eims: Vec::new(),
            next_token: 1,
            next_number: FIRST_NUMBER,
            results: Vec::new(),
            unfinished: None,
            rollback: None,
            fallback: None,
            before_fallback: None,
            immediate_enable: ImmediateEnable::default(),
            certificates: None,
        }
    }

    /// An eIM by its identifier.
    pub(super) fn eim(&self, id: &str) -> Option<&Association> {
        let mut eims = self.eims.iter();
        eims.find(|eim| eim.data.eim_id.as_str() == id)
    }

    pub(super) fn eim_mut(&mut self, id: &str) -> Option<&mut Association> {
        let mut eims = self.eims.iter_mut();
        eims.find(|eim| eim.data.eim_id.as_str() == id)
    }

    /// The results that wait, oldest first.
    pub(super) fn results(&self) -> impl Iterator<Item = &EuiccPackageResult> {
        self.results.iter().map(|stored| &stored.0)
    }

    /// Keeps a result until it is removed.
    pub(super) fn keep(&mut self, result: EuiccPackageResult) {
        if self.results.len() >= MAX_RESULTS {
            self.results.remove(0);
        }
        self.results.push(StoredResult(result));
    }

    /// Whether there was a result with this number.
    pub(super) fn remove(&mut self, number: i64) -> bool {
        let before = self.results.len();
        self.results.retain(|stored| number_of(&stored.0) != number);
        self.results.len() != before
    }

    /// Whether it is as large as it ever gets.
    pub(in crate::ipa) fn is_bounded(&self) -> bool {
        let results = self.unfinished.iter().map(|one| one.results.len()).max();
        self.eims.len() <= MAX_EIMS
            && self.results.len() <= MAX_RESULTS
            && results.unwrap_or_default() <= super::load_euicc_package::MAX_ITEMS
    }
}

/// The number under which a result is kept.
pub(super) fn number_of(result: &EuiccPackageResult) -> i64 {
    crate::ipa::euicc_package::seq_number(result).unwrap_or_default()
}

impl Effect {
    /// Its result, once the eUICC has done it.
    fn result(&self) -> EuiccResultData {
        match self {
            Effect::Enable { .. } => EuiccResultData::EnableResult(EnableProfileResult::OK),
            Effect::Disable(_) => EuiccResultData::DisableResult(DisableProfileResult::OK),
            Effect::Delete(_) => EuiccResultData::DeleteResult(DeleteProfileResult::OK),
            Effect::SetDefaultDpAddress(_) => {
                EuiccResultData::SetDefaultDpAddressResult(SetDefaultDpAddressResponse {
                    set_default_dp_address_result: SetDefaultDpAddressResult::OK,
                    extensions: Extensions::default(),
                })
            }
            Effect::RollBack { .. } => EuiccResultData::RollbackResult(RollbackProfileResult::OK),
        }
    }
}

impl Card {
    /// The result of an item of the package under way.
    pub(super) fn add_result(&mut self, result: EuiccResultData) {
        if let Some(unfinished) = &mut self.unfinished {
            unfinished.results.push(ItemResult(result));
            unfinished.left = unfinished.left.saturating_sub(1);
            unfinished.doing = None;
        }
    }

    /// The eUICC has done what is noted as being done.
    pub(super) fn took_effect(&mut self) {
        let unfinished = self.unfinished.as_mut();
        let Some(effect) = unfinished.and_then(|unfinished| unfinished.doing.take()) else {
            return;
        };
        self.add_result(effect.result());
        match effect {
            Effect::Enable { return_to, .. } => {
                self.before_fallback = None;
                if let Some(unfinished) = &mut self.unfinished {
                    unfinished.return_to = return_to;
                }
            }
            Effect::Delete(iccid) => {
                for profile in [&mut self.fallback, &mut self.before_fallback] {
                    if *profile == Some(iccid) {
                        *profile = None;
                    }
                }
            }
            Effect::RollBack { replaces, .. } => {
                self.remove(replaces);
                self.rollback = None;
            }
            Effect::Disable(_) | Effect::SetDefaultDpAddress(_) => {}
        }
    }
}

impl Association {
    /// The token that signatures end with.
    pub(super) fn token(&self) -> Option<i64> {
        self.data.association_token
    }
}

impl StandIn<'_> {
    /// What is kept, as it is now.
    pub(super) fn card(&self) -> Card {
        let known = self.memory.emulated(self.eid);
        known.unwrap_or_else(|| Card::new(self.eid))
    }

    /// Puts another in its place; it is durable when this returns.
    ///
    /// # Errors
    /// If it cannot be saved: then nothing has changed, and what it was to
    /// allow must not be done.
    pub(super) async fn save(&self, card: Card) -> Result<(), IpaError> {
        let before = self.memory.emulated(self.eid);
        self.memory.emulate(self.eid, Some(card));
        let saved = poll::save(self.port, self.memory).await;
        if saved.is_err() {
            self.memory.emulate(self.eid, before);
        }
        saved
    }
}

impl Memory {
    /// What is kept for an eUICC.
    pub(super) fn emulated(&self, eid: Eid) -> Option<Card> {
        self.cards(|cards| cards.iter().find(|card| card.eid == eid).cloned())
    }

    /// Whether there is room for one more eUICC.
    pub(super) fn has_room(&self) -> bool {
        self.cards(|cards| cards.len() < MAX_CARDS)
    }

    fn emulate(&self, eid: Eid, card: Option<Card>) {
        self.cards(|cards| {
            cards.retain(|known| known.eid != eid);
            cards.extend(card);
        });
    }
}

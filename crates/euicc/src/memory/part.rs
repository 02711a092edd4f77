//! The parts of a card's memory, each with its own key, as a record has them.

use alloc::string::String;
use alloc::vec::Vec;

use rsp_asn1::Oid;
use rsp_asn1::ids::{Iccid, TransactionId};
use serde::{Deserialize, Serialize};

use super::LoadError;
use crate::mechanisms::Mechanisms;

/// What a part is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Key {
    /// [`Common`].
    Common,
    /// [`StoredEim`], by identifier.
    Eim(String),
    /// A notification or package result in DER, by sequence number.
    Entry(i64),
    /// [`StoredOneTimeKey`]s.
    OneTimeKeys,
    /// [`StoredSwitch`], while one is pending.
    Switch,
    /// [`StoredDownload`], while a package is being installed.
    Download,
    /// [`StoredProfile`], by number. When it goes, its [`Key::Of`] go too.
    Profile(u32),
    /// A part of a profile's UICC.
    Of(u32, UiccPart),
    /// [`StoredOwed`] results of downloads.
    Owed,
}

/// The parts of a UICC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum UiccPart {
    /// What installation fixed.
    Base,
    /// PINs and PUKs with their counters.
    Codes,
    /// Keys and sequence numbers.
    Authentications,
    /// A file, by position.
    File(u16),
    /// Counters of the operator's key sets, once one has counted.
    OtaCounters,
}

/// A new value, or `None` if the part is gone.
pub(super) type Change = (Key, Option<Octets>);

/// Octets that are written as such.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Octets(#[serde(with = "crate::uicc::hex")] pub(super) Vec<u8>);

impl core::fmt::Debug for Octets {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "[{} octets]", self.0.len())
    }
}

/// What does not belong to anything in particular.
#[derive(Serialize, Deserialize)]
pub(super) struct Common {
    pub(super) next_association_token: i64,
    pub(super) next_notification: i64,
    pub(super) next_profile: u32,
    pub(super) default_dp_address: Option<String>,
    /// Identifiers in the order of association.
    pub(super) eims: Vec<String>,
    pub(super) rollback: Option<StoredRollback>,
    pub(super) mechanisms: Mechanisms,
}

/// The right to a ProfileRollback.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredRollback {
    pub(super) to: Iccid,
    pub(super) eim_id: String,
    pub(super) counter: i64,
    pub(super) transaction_id: Option<TransactionId>,
    pub(super) result: i64,
}

/// An associated eIM.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredEim {
    /// EimConfigurationData in DER.
    pub(super) data: Octets,
    pub(super) counter: i64,
}

/// otSK.EUICC.ECKA as the random octets that it was made of.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredOneTimeKey {
    pub(super) owner: Oid,
    /// SubjectPublicKeyInfo in DER.
    pub(super) public: Octets,
    pub(super) seed: Octets,
}

/// What a package ordered and its result reports.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredSwitch {
    pub(super) events: Vec<(Iccid, u8)>,
    /// In DER; none yet if they are made when it is done.
    pub(super) notifications: Option<Vec<Octets>>,
}

/// An installation that power may cut.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredDownload {
    pub(super) transaction_id: TransactionId,
    pub(super) server_address: String,
    pub(super) oid: Oid,
    /// SubjectKeyIdentifier.
    pub(super) signer: Octets,
    pub(super) iccid: Option<Iccid>,
    pub(super) command: i64,
}

/// The result of a download that an eIM has not taken.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredOwed {
    pub(super) eim: String,
    pub(super) relayed: bool,
    /// ProfileDownloadTriggerResult in DER.
    pub(super) result: Octets,
}

/// A profile without its UICC.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredProfile {
    pub(super) aid: Octets,
    /// StoreMetadataRequest in DER.
    pub(super) metadata: Octets,
    /// DpProprietaryData in DER.
    pub(super) dp_proprietary_data: Option<Octets>,
    pub(super) state: i64,
    pub(super) preloaded: bool,
    /// SubjectKeyIdentifier.
    pub(super) signer: Option<Octets>,
    pub(super) nickname: Option<String>,
}

/// The octets of a value. Serialisation into memory does not fail.
pub(crate) fn encode<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    postcard::to_allocvec(value).unwrap_or_default()
}

/// The value, if the octets are one and nothing else.
pub(crate) fn decode<'a, T: Deserialize<'a>>(
    octets: &'a [u8],
    what: &'static str,
) -> Result<T, LoadError> {
    match postcard::take_from_bytes(octets) {
        Ok((value, [])) => Ok(value),
        _ => Err(LoadError::Malformed(what)),
    }
}

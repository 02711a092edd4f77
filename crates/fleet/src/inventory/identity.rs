//! What a device is known by. An identity is of one device.

use std::fmt;

use rsp_asn1::ids::{Eid, Iccid, Imei, Imsi};

use super::DeviceId;
use super::names::named;

named! {
    /// What kind of identity.
    IdentityKind, "kind of identity";
    /// EID of an eUICC.
    Eid = "eid",
    /// ICCID of a profile or SIM.
    Iccid = "iccid",
    /// IMSI of a subscription.
    Imsi = "imsi",
    /// IMEI of a modem.
    Imei = "imei",
}

/// Something that one device has and no other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Identity {
    /// EID of an eUICC.
    Eid(Eid),
    /// ICCID of a profile or SIM.
    Iccid(Iccid),
    /// IMSI of a subscription.
    Imsi(Imsi),
    /// IMEI of a modem.
    Imei(Imei),
}

impl Identity {
    /// Its kind.
    pub fn kind(&self) -> IdentityKind {
        match self {
            Identity::Eid(_) => IdentityKind::Eid,
            Identity::Iccid(_) => IdentityKind::Iccid,
            Identity::Imsi(_) => IdentityKind::Imsi,
            Identity::Imei(_) => IdentityKind::Imei,
        }
    }

    /// Its digits.
    pub fn value(&self) -> String {
        match self {
            Identity::Eid(eid) => eid.to_string(),
            Identity::Iccid(iccid) => iccid.to_string(),
            Identity::Imsi(imsi) => imsi.to_string(),
            Identity::Imei(imei) => imei.to_string(),
        }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind().name().to_ascii_uppercase();
        write!(f, "{kind} {}", self.value())
    }
}

/// An identity that two devices claim.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{identity} is of device {holder}, and cannot be of {claimant}")]
pub struct IdentityConflict {
    /// The identity, with its kind.
    pub identity: String,
    /// The device that has it.
    pub holder: DeviceId,
    /// The device that was to have it.
    pub claimant: DeviceId,
}

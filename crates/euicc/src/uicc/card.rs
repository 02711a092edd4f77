//! The card that an installed profile is.

use alloc::vec::Vec;
use core::fmt;

use rsp_asn1::ids::Iccid;
use serde::{Deserialize, Serialize};

use super::aka::Authentication;
use super::apdu::Sw;
use super::codes::Codes;
use super::command::Channel;
use super::fs::{FileId, FileSystem};
use super::remote::OtaCounter;
use crate::personalisation::Environment;

/// The UICC of one installed profile: files, codes, keys and what is selected.
///
/// It is made by [`Installer`](super::Installer). Serialised it holds what a
/// card keeps without power, secrets included: whoever stores it must encrypt
/// it. A deserialised card is like one that was just reset.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uicc {
    pub(super) iccid: Iccid,
    pub(super) fs: FileSystem,
    pub(super) codes: Codes,
    /// Parameters of the ADFs that authenticate.
    pub(super) authentications: Vec<(FileId, Authentication)>,
    /// Elements kept as they came: security domains and RFM for what comes over
    /// the air, applications and CAVE parameters without an effect.
    pub(super) elements: Vec<Element>,
    /// AIDs of application instances, which are known and do not run.
    pub(super) applets: Vec<Aid>,
    #[serde(default)]
    pub(super) ota_counters: Vec<OtaCounter>,
    #[serde(skip)]
    pub(super) channels: Vec<Channel>,
}

/// A profile element kept as it came.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Element(#[serde(with = "super::hex")] pub(super) Vec<u8>);

/// The AID of something that is not an ADF.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Aid(#[serde(with = "super::hex")] pub(super) Vec<u8>);

impl Uicc {
    /// The ICCID of the profile header.
    pub fn iccid(&self) -> Iccid {
        self.iccid
    }

    /// Whether every key for a network is one that a test profile may have
    /// (SGP.22 2.4.5.3).
    pub(crate) fn has_test_keys(&self) -> bool {
        let mut keys = self.authentications.iter();
        keys.all(|(_, authentication)| match authentication {
            Authentication::Own(subscription) => subscription.function.has_test_key(),
            Authentication::Mapped(_) => true,
        })
    }

    /// Octets of non-volatile memory that files (contents and overhead) and
    /// other elements take.
    pub fn memory_used(&self) -> usize {
        let elements = self.elements.iter().map(|element| element.0.len());
        self.fs.used() + elements.sum::<usize>()
    }

    /// What a power cycle does: nothing is selected or verified any more, no
    /// response is waiting (ETSI TS 102 221 6.4).
    pub fn reset(&mut self) {
        self.codes.reset();
        self.channels.clear();
    }

    /// Executes a command on a logical channel, 0 to 19, and gives the data of
    /// the response and the status word.
    ///
    /// Commands of case 4 answer '61xx', and GET RESPONSE on the same channel
    /// fetches the data (ETSI TS 102 221 7.3.1.1.5). The channel bits of the
    /// class are not looked at. A channel that was not used before begins at
    /// the MF.
    pub fn transmit(&mut self, channel: u8, apdu: &[u8], env: &mut Environment<'_>) -> Vec<u8> {
        match channel {
            super::command::REMOTE.. => Sw::CHANNEL_NOT_SUPPORTED.0.to_be_bytes().to_vec(),
            _ => super::command::transmit(self, channel, apdu, env),
        }
    }

    /// Answers with data that GET RESPONSE on this channel fetches.
    pub(crate) fn offer(&mut self, channel: u8, octets: Vec<u8>) -> Vec<u8> {
        super::command::offer(self, channel, octets)
    }
}

impl fmt::Debug for Uicc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Uicc")
            .field("iccid", &self.iccid)
            .field("files", &self.fs.len())
            .field("memory_used", &self.memory_used())
            .field("contents", &format_args!("[redacted]"))
            .finish()
    }
}

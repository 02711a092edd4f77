//! What the IPA says of itself, its device and its eUICC (SGP.32 2.11.2.2).
//! Nobody signs it: it decides how the device is talked to, and nothing else.

use alloc::string::String;
use alloc::vec::Vec;

use rsp_asn1::ids::Imei;
use rsp_asn1::rsp::{DeviceInfo, EuiccInfo1, EuiccInfo2};
use rsp_asn1::sgp32::{IpaCapabilities, IpaEuiccData};
use rsp_asn1::{Asn1, Certificate};
use serde::{Deserialize, Serialize};

use super::{EuiccRecord, IpaBuild, IpaFeatures, Operation, OperationKind};
use crate::Timestamp;

/// Tags of euiccInfo1, euiccInfo2, ipaCapabilities and deviceInfo in
/// IpaEuiccData: what is learnt of every device.
const TAGS: [u8; 6] = [0xBF, 0x20, 0xBF, 0x22, 0xA8, 0xA9];

/// Why a confirmation code is no use.
const NO_PLACE_FOR_CODE: &str = "the device downloads from SM-DP+s by itself, and a download trigger has no place for a confirmation code";

/// Networks of a device that are remembered.
const NETWORKS: usize = 8;

/// Facts of one device. Objects are DER as they came.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EuiccFacts {
    /// `EUICCInfo1`: what an eIM adds where the IPA leaves it out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub euicc_info1: Option<Vec<u8>>,
    /// `EUICCInfo2`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub euicc_info2: Option<Vec<u8>>,
    /// `IpaCapabilities`, under '30'.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ipa_capabilities: Option<Vec<u8>>,
    /// `DeviceInfo`, under '30'.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_info: Option<Vec<u8>>,
    /// CERT.EUM under the first CI of the eIM, once its chain was verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eum_certificate: Option<Vec<u8>>,
    /// CERT.EUICC under it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub euicc_certificate: Option<Vec<u8>>,
    /// Default SM-DP+ address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_smdp_address: Option<String>,
    /// Address of the root SM-DS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root_smds_address: Option<String>,
    /// When something of it came last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub learnt: Option<Timestamp>,
    /// Whether the IPA was asked by itself: it is not asked twice.
    pub asked: bool,
    /// Which build of an IPA it is, by how it writes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub build: Option<IpaBuild>,
}

impl EuiccFacts {
    /// Tags to ask for along with certificates.
    pub(super) fn wanted_with_certificates(&self) -> &'static [u8] {
        match self.asked {
            true => &[],
            false => &TAGS,
        }
    }

    /// What the IPA is asked before its first download, if nothing is known.
    pub(super) fn question(&self) -> OperationKind {
        OperationKind::GetEuiccData(super::EuiccDataQuery {
            tags: TAGS.to_vec(),
            ..super::EuiccDataQuery::default()
        })
    }

    /// Takes over what came.
    pub(super) fn learn(&mut self, data: &IpaEuiccData, now: Timestamp) {
        let mut learnt = false;
        let mut keep = |to: &mut Option<Vec<u8>>, from: Option<Vec<u8>>| {
            if from.is_some() {
                learnt = true;
                *to = from;
            }
        };
        keep(
            &mut self.euicc_info1,
            data.euicc_info1.as_ref().map(Asn1::to_der),
        );
        keep(
            &mut self.euicc_info2,
            data.euicc_info2.as_ref().map(Asn1::to_der),
        );
        keep(
            &mut self.ipa_capabilities,
            data.ipa_capabilities.as_ref().map(Asn1::to_der),
        );
        keep(
            &mut self.device_info,
            data.device_info.as_ref().map(Asn1::to_der),
        );
        for (to, from) in [
            (&mut self.default_smdp_address, &data.default_smdp_address),
            (&mut self.root_smds_address, &data.root_smds_address),
        ] {
            if from.is_some() {
                learnt = true;
                to.clone_from(from);
            }
        }
        if learnt {
            self.learnt = Some(now);
        }
    }

    /// Takes over certificates whose chain was verified: what an IPA that
    /// minimises bytes leaves out.
    pub(super) fn learn_certificates(&mut self, data: &IpaEuiccData) {
        self.eum_certificate = data.eum_certificate.as_ref().map(Asn1::to_der);
        self.euicc_certificate = data.euicc_certificate.as_ref().map(Asn1::to_der);
    }

    /// What the IPA can do; nothing special as long as it did not say.
    pub fn ipa_features(&self) -> IpaFeatures {
        let capabilities = self.ipa_capabilities();
        capabilities.map_or_else(IpaFeatures::default, |c| IpaFeatures::of(&c))
    }

    /// Whether a confirmation code can reach a SM-DP+ from here: the eIM hashes it
    /// for a download that it relays (SGP.32 5.14.3). A trigger has no place for
    /// it, so an IPA that downloads by itself never has it.
    ///
    /// # Errors
    /// If the IPA has said that it downloads by itself only.
    pub fn take_confirmation_codes(&self) -> Result<(), &'static str> {
        let features = self.ipa_features();
        match features.direct && !features.indirect {
            true => Err(NO_PLACE_FOR_CODE),
            false => Ok(()),
        }
    }

    /// CERT.EUM and CERT.EUICC.
    pub fn certificates(&self) -> Option<(Certificate, Certificate)> {
        let read = |der: &Option<Vec<u8>>| Certificate::from_der(der.as_ref()?).ok();
        Some((read(&self.eum_certificate)?, read(&self.euicc_certificate)?))
    }

    /// `EUICCInfo1`.
    pub fn euicc_info1(&self) -> Option<EuiccInfo1> {
        EuiccInfo1::from_der(self.euicc_info1.as_ref()?).ok()
    }

    /// `EUICCInfo2`.
    pub fn euicc_info2(&self) -> Option<EuiccInfo2> {
        EuiccInfo2::from_der(self.euicc_info2.as_ref()?).ok()
    }

    /// Whether EUICCInfo2, if it is known, is that of an eUICC for IoT: those tell
    /// their ipaMode or have an iotSpecificInfo (SGP.32 4.3). A device that polls
    /// an eIM with another one answers in its place.
    pub fn is_iot_euicc(&self) -> Option<bool> {
        let info = self.euicc_info2()?;
        Some(info.ipa_mode.is_some() || info.iot_specific_info.is_some())
    }

    /// `IpaCapabilities` (SGP.32 4.1).
    pub fn ipa_capabilities(&self) -> Option<IpaCapabilities> {
        IpaCapabilities::from_der(self.ipa_capabilities.as_ref()?).ok()
    }

    /// `DeviceInfo` (SGP.22 4.2).
    pub fn device_info(&self) -> Option<DeviceInfo> {
        DeviceInfo::from_der(self.device_info.as_ref()?).ok()
    }

    /// The IMEI.
    pub fn imei(&self) -> Option<Imei> {
        Imei::from_octets(&self.device_info()?.imei?).ok()
    }
}

/// A network that a device was registered in when it polled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenNetwork {
    /// MCC and MNC, as text because a device may send what is no PLMN.
    pub plmn: String,
    /// The first poll from it.
    pub first: Timestamp,
    /// The last poll from it that was put down.
    pub last: Timestamp,
}

impl EuiccRecord {
    /// A poll from this network.
    pub(super) fn note_network(&mut self, plmn: Option<&str>, now: Timestamp) {
        let Some(plmn) = plmn else {
            return;
        };
        if let Some(current) = self.networks.last_mut()
            && current.plmn == plmn
        {
            current.last = now;
            return;
        }
        self.networks.push(SeenNetwork {
            plmn: plmn.into(),
            first: now,
            last: now,
        });
        let surplus = self.networks.len().saturating_sub(NETWORKS);
        self.networks.drain(..surplus);
    }

    /// Whether the IPA is asked about itself before this is done. One that
    /// emulates is not asked for certificates first, with which the question goes
    /// to others.
    pub(super) fn needs_facts(&self, operation: &Operation) -> bool {
        let asks = match operation.kind {
            ref kind if kind.downloads() => true,
            OperationKind::GetEuiccData(_) => false,
            _ => self.emulated,
        };
        asks && !self.facts.asked
    }
}

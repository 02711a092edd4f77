//! What an operator of an SM-DP+ decides: limits of orders, and how the
//! profiles of a type are delivered.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use rsp_asn1::rsp::DeviceCapabilities;
use serde::{Deserialize, Serialize};

use crate::profile::MncLength;

/// Limits of every order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How long after its confirmation an order can be downloaded (8.8.5/4.10).
    pub order_validity: Duration,
    /// Downloads of one order that may be begun (8.8.5/6.4).
    pub max_attempts: u32,
    /// Wrong confirmation codes with which an order ends (8.2.7/6.4).
    pub max_confirmation_failures: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Policy {
            order_validity: Duration::from_secs(365 * 24 * 60 * 60),
            max_attempts: 20,
            max_confirmation_failures: 5,
        }
    }
}

impl Policy {
    /// The limits of orders of a type: its own ones go before these.
    #[must_use]
    pub fn of_type(&self, settings: &ProfileTypeSettings) -> Policy {
        let days = |days: u32| Duration::from_secs(u64::from(days) * 24 * 60 * 60);
        let failures = settings.max_confirmation_failures;
        Policy {
            order_validity: settings
                .order_validity_days
                .map_or(self.order_validity, days),
            max_attempts: settings.max_attempts.unwrap_or(self.max_attempts),
            max_confirmation_failures: failures.unwrap_or(self.max_confirmation_failures),
        }
    }
}

/// How the profiles of one type are ordered and delivered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProfileTypeSettings {
    /// The operator whose profiles these are; `None`: any operator may order.
    pub owner: Option<String>,
    /// Keys that protect the profile elements.
    pub protection: Protection,
    /// Whether a package that was delivered once stays bound to that one-time
    /// key: an eUICC that has lost the key cannot download again (8.2/3.7).
    pub bound_once: bool,
    /// Technologies that the device must support.
    pub requires: Vec<Technology>,
    /// Where the MNC ends in the IMSI.
    pub mnc_length: Option<MncLength>,
    /// Whether an order is confirmed only with a confirmation code (8.2.7/2.2).
    // What is not set is not written: types are compared as they were stored.
    #[serde(skip_serializing_if = "is_not")]
    pub confirmation_code_required: bool,
    /// Whether an order for one eUICC that is confirmed without a word on the
    /// MatchingID has none: the eUICC gets it by its EID from its default
    /// SM-DP+ (SGP.22 5.3.2). Otherwise the SM-DP+ makes one.
    #[serde(skip_serializing_if = "is_not")]
    pub default_order: bool,
    /// In place of [`Policy::order_validity`], in days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_validity_days: Option<u32>,
    /// In place of [`Policy::max_attempts`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_attempts: Option<u32>,
    /// In place of [`Policy::max_confirmation_failures`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_confirmation_failures: Option<u32>,
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature that serde asks for"
)]
fn is_not(set: &bool) -> bool {
    !*set
}

/// Keys that protect the profile elements (SGP.22 2.5.3, 2.5.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protection {
    /// Those of the session.
    #[default]
    SessionKeys,
    /// Random ones of the package, which ReplaceSessionKeys carries.
    ProfileKeys,
}

/// A radio technology or feature of a device (`DeviceCapabilities`, SGP.22
/// 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Technology {
    /// GSM.
    Gsm,
    /// UTRAN.
    Utran,
    /// CDMA2000 1x.
    Cdma1x,
    /// CDMA2000 HRPD.
    CdmaHrpd,
    /// CDMA2000 eHRPD.
    CdmaEhrpd,
    /// E-UTRAN on EPC.
    EutranEpc,
    /// Contactless.
    Contactless,
    /// NR on EPC.
    NrEpc,
    /// NR on 5GC.
    Nr5gc,
    /// E-UTRAN on 5GC.
    Eutran5gc,
}

impl Technology {
    /// Whether the device supports it in any release.
    pub fn is_supported_by(self, device: &DeviceCapabilities) -> bool {
        let release = match self {
            Technology::Gsm => &device.gsm_supported_release,
            Technology::Utran => &device.utran_supported_release,
            Technology::Cdma1x => &device.cdma2000onex_supported_release,
            Technology::CdmaHrpd => &device.cdma2000hrpd_supported_release,
            Technology::CdmaEhrpd => &device.cdma2000ehrpd_supported_release,
            Technology::EutranEpc => &device.eutran_epc_supported_release,
            Technology::Contactless => &device.contactless_supported_release,
            Technology::NrEpc => &device.nr_epc_supported_release,
            Technology::Nr5gc => &device.nr5gc_supported_release,
            Technology::Eutran5gc => &device.eutran5gc_supported_release,
        };
        release.is_some()
    }
}

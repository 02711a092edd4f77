//! What outlasts power of the mechanisms that switch profiles without an
//! order: fallback (SGP.32 3.4.6, 3.4.7), the Emergency Profile (SGP.32 5.9.22),
//! immediate enabling (SGP.32 3.4.4), and test profiles (SGP.22 5.7.16).

use alloc::string::String;

use rsp_asn1::Oid;
use rsp_asn1::ids::Iccid;
use serde::{Deserialize, Serialize};

/// All of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Mechanisms {
    /// The profile with the Fallback Attribute.
    pub(crate) fallback: Option<Iccid>,
    /// The profile that the fallback mechanism left.
    pub(crate) before_fallback: Option<Iccid>,
    /// While the Emergency Profile is enabled.
    pub(crate) emergency: Option<Emergency>,
    pub(crate) immediate_enable: ImmediateEnable,
    /// The operational profile that was enabled before a test profile.
    pub(crate) before_test: Option<Iccid>,
    /// Whether the device leaves ESipa to the card's own IPA.
    pub(crate) ipae_active: bool,
}

/// What the Emergency Profile stands in for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Emergency {
    /// The Emergency Profile.
    pub(crate) profile: Iccid,
    /// The profile enabled before, if one was.
    pub(crate) before: Option<Iccid>,
}

/// Whether and for whose profiles the device may enable what it has just
/// downloaded (SGP.32 2.11.1.1.3, 5.9.17).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ImmediateEnable {
    pub(crate) active: bool,
    /// Only for profiles of this SM-DP+.
    pub(crate) smdp_oid: Option<Oid>,
    /// Only for profiles from this address.
    pub(crate) smdp_address: Option<String>,
}

impl Mechanisms {
    /// A profile is gone.
    pub(crate) fn forget(&mut self, iccid: &Iccid) {
        let remembered = [
            &mut self.fallback,
            &mut self.before_fallback,
            &mut self.before_test,
        ];
        for profile in remembered {
            if profile.as_ref() == Some(iccid) {
                *profile = None;
            }
        }
    }
}

impl ImmediateEnable {
    /// Takes a new configuration over: the flag decides by being there, what
    /// is not said of the SM-DP+ stays, and an empty address removes it.
    pub(crate) fn configure(
        &mut self,
        active: bool,
        smdp_oid: Option<Oid>,
        smdp_address: Option<Option<String>>,
    ) {
        self.active = active;
        if smdp_oid.is_some() {
            self.smdp_oid = smdp_oid;
        }
        if let Some(address) = smdp_address {
            self.smdp_address = address;
        }
    }

    /// Whether a profile from this SM-DP+ may be enabled at once.
    pub(crate) fn allows(&self, oid: &Oid, address: &str) -> bool {
        let oid_fits = self.smdp_oid.as_ref().is_none_or(|wanted| wanted == oid);
        let wanted = self.smdp_address.as_ref();
        let address_fits = wanted.is_none_or(|wanted| wanted.eq_ignore_ascii_case(address));
        self.active && oid_fits && address_fits
    }
}

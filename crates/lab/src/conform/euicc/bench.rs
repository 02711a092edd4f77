//! What every case begins with: a card without eIMs and profiles.

use std::fmt;

use rsp_asn1::ids::{Eid, Iccid};
use rsp_asn1::rsp::{
    EuiccInfo2, GetEuiccDataResponse, ProfileInfo, ProfileInfoListResponse, ProfileState,
};
use rsp_asn1::sgp32::{GetCertsResponse, GetEimConfigurationDataResponse};
use rsp_asn1::{Asn1, Certificate};
use rsp_core::Timestamp;
use rsp_crypto::PublicKey;
use rsp_crypto::software::{SeededRng, SoftwareKey};

use super::eim::Eim;
use crate::conform::Card;
use crate::conform::case::{Check, Stop, fail, skip};
use crate::conform::der::{Leaf, hex};

/// The CI under which the card accepts servers.
#[derive(Clone)]
pub struct Authority {
    /// Its certificate.
    pub certificate: Certificate,
    /// Its key: with it the suite makes the servers' certificates. Without,
    /// every case that needs a profile is skipped.
    pub key: Option<SoftwareKey>,
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authority([redacted])")
    }
}

/// A card in a reader, and who speaks to it.
pub struct Bench {
    pub(super) card: Box<dyn Card>,
    pub(super) authority: Option<Authority>,
    pub(super) now: Timestamp,
    pub(super) rng: SeededRng,
    pub(super) channel: u8,
    /// Of the card that is in the reader.
    pub(super) about: Option<About>,
    /// The only card that may be emptied.
    wanted: Option<Eid>,
}

/// What the card says of itself.
#[derive(Clone)]
pub(super) struct About {
    pub(super) eid: Eid,
    pub(super) key: PublicKey,
    pub(super) info2: EuiccInfo2,
}

impl fmt::Debug for Bench {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bench").finish_non_exhaustive()
    }
}

impl Bench {
    /// A bench for a card; `now` is the time at which certificates begin.
    /// With `wanted` no other card is touched.
    pub fn new(
        card: Box<dyn Card>,
        authority: Option<Authority>,
        now: Timestamp,
        wanted: Option<Eid>,
    ) -> Bench {
        Bench {
            wanted,
            card,
            authority,
            now,
            rng: SeededRng::new(32),
            channel: 1,
            about: None,
        }
    }

    /// A card as it left the factory: no eIM, no profile, nothing that waits.
    pub(super) fn fresh(&mut self) -> Check {
        let renewed = self.card.renew().map_err(Stop::Failed)?;
        self.power_cycle()?;
        let eid = GetEuiccDataResponse::from_der(&self.es10(&hex("BF3E035C015A"))?)?.eid_value;
        if let Some(wanted) = self.wanted.filter(|wanted| *wanted != eid) {
            return fail(format!("the card is {eid}, not {wanted}: it is left alone"));
        }
        if !renewed {
            self.empty()?;
        }
        let GetCertsResponse::Certs(certs) =
            GetCertsResponse::from_der(&self.es10(&hex("BF5600"))?)?
        else {
            return fail("GetCerts gives no certificates");
        };
        self.about = Some(About {
            eid,
            key: Leaf::read(&certs.euicc_certificate)?.key,
            info2: EuiccInfo2::from_der(&self.es10(&hex("BF2200"))?)?,
        });
        Ok(())
    }

    /// Power off and on, and the ISD-R selected.
    pub(super) fn power_cycle(&mut self) -> Check {
        self.card.reset().map_err(Stop::Failed)?;
        self.open().map(drop)
    }

    /// By eUICCMemoryReset: all profiles, the default SM-DP+ address and the
    /// eIMs; then what waits is removed.
    fn empty(&mut self) -> Check {
        self.es10(&hex("BF6404820201FE"))?;
        self.power_cycle()?;
        let eims = GetEimConfigurationDataResponse::from_der(&self.es10(&hex("BF5500"))?)?;
        if !eims.eim_configuration_data_list.is_empty() || !self.profiles()?.is_empty() {
            return skip("the eUICC cannot be emptied by eUICCMemoryReset");
        }
        for number in self.waiting()? {
            self.remove(number)?;
        }
        Ok(())
    }

    pub(super) fn about(&self) -> Check<&About> {
        let missing = || Stop::Failed("the card has not been asked for its EID".into());
        self.about.as_ref().ok_or_else(missing)
    }

    /// A fresh card with eIM A and, if `profiles`, P1 enabled and P2 disabled
    /// (precondition P3).
    pub(super) fn ready(&mut self) -> Check<Eim> {
        self.fresh()?;
        self.install(P1)?;
        self.install(P2)?;
        let mut eim = self.associate("eimA", false)?;
        self.enabled(&mut eim, P1)?;
        self.clear()?;
        Ok(eim)
    }

    /// A fresh card with eIM A and no profile.
    pub(super) fn with_eim(&mut self) -> Check<Eim> {
        self.fresh()?;
        self.associate("eimA", false)
    }

    /// Removes everything that waits.
    pub(super) fn clear(&mut self) -> Check {
        for number in self.waiting()? {
            self.remove(number)?;
        }
        Ok(())
    }

    /// The profiles and whether they are enabled.
    pub(super) fn profiles(&mut self) -> Check<Vec<(Iccid, bool)>> {
        let state = |profile: &ProfileInfo| {
            let enabled = profile.profile_state == Some(ProfileState::ENABLED);
            profile.iccid.map(|iccid| (iccid, enabled))
        };
        Ok(self.profile_list()?.iter().filter_map(state).collect())
    }

    /// The profiles as ES10b tells them.
    pub(super) fn profile_list(&mut self) -> Check<Vec<ProfileInfo>> {
        match ProfileInfoListResponse::from_der(&self.es10(&hex("BF2D00"))?)? {
            ProfileInfoListResponse::Ok(list) => Ok(list),
            ProfileInfoListResponse::Error(code) => fail(format!("GetProfilesInfo: {code}")),
        }
    }

    /// Whether a profile is enabled; fails if it is not there.
    pub(super) fn is_enabled(&mut self, iccid: &str) -> Check<bool> {
        let wanted: Iccid = iccid.parse()?;
        let profiles = self.profiles()?;
        let found = profiles.iter().find(|(iccid, _)| *iccid == wanted);
        match found {
            Some((_, enabled)) => Ok(*enabled),
            None => fail(format!("the profile {iccid} is not in the list")),
        }
    }

    /// Whether a profile is there.
    pub(super) fn has(&mut self, iccid: &str) -> Check<bool> {
        let wanted: Iccid = iccid.parse()?;
        Ok(self.profiles()?.iter().any(|(iccid, _)| *iccid == wanted))
    }

    /// Skips the case unless the card announces fallback (IoTSpecificInfo).
    pub(super) fn needs_fallback(&self) -> Check {
        let info = self.about()?.info2.iot_specific_info.as_ref();
        match info.is_some_and(|info| info.fallback_supported.is_some()) {
            true => Ok(()),
            false => skip("the eUICC does not announce fallbackSupported"),
        }
    }

    /// Skips the case unless the card announces emergency profiles.
    pub(super) fn needs_ecall(&self) -> Check {
        let info = self.about()?.info2.iot_specific_info.as_ref();
        match info.is_some_and(|info| info.ecall_supported.is_some()) {
            true => Ok(()),
            false => skip("the eUICC does not announce ecallSupported"),
        }
    }
}

/// Profiles of the cases.
pub(super) const P1: &str = "89000000000000001010";
pub(super) const P2: &str = "89000000000000001028";
pub(super) const P3: &str = "89000000000000001036";

//! Our own part as a subject: the software eUICC in this process.

use std::fmt;
use std::time::Duration;

use euicc::{Environment, Euicc, Personalisation};
use rsp_asn1::ids::{Eid, Plmn};
use rsp_asn1::rsp::{OperatorId, PPR1, PPR2, ProfilePolicyAuthorisationRule};
use rsp_asn1::{BitString, Extensions};
use rsp_core::Timestamp;
use rsp_core::pki::{Hierarchy, TrustAnchor, member};
use rsp_crypto::Curve;
use rsp_crypto::software::{SeededRng, SoftwareKey, SoftwareProvider};

use super::euicc::Authority;
use super::{Card, Stop};
use crate::{Factory, WorldError};

/// A software eUICC that begins anew whenever it is asked for.
pub struct SoftwareCard {
    personalisation: Personalisation,
    card: Euicc,
    rng: SeededRng,
}

impl fmt::Debug for SoftwareCard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SoftwareCard").finish_non_exhaustive()
    }
}

impl SoftwareCard {
    /// A card on a curve, with this EID or one of its own, and the CI that it
    /// trusts. Any owner may set PPR1 and PPR2, so
    /// that cases about them can run.
    ///
    /// # Errors
    /// If keys or certificates cannot be made.
    pub fn new(
        curve: Curve,
        now: Timestamp,
        eid: Option<Eid>,
    ) -> Result<(SoftwareCard, Authority), Stop> {
        let mut rng = SeededRng::new(33);
        let made = |error: &dyn fmt::Display| Stop::Failed(error.to_string());
        let mut keys = SeededRng::new(34);
        let make_key = |curve| SoftwareKey::generate(curve, &mut keys);
        let mut pki = hierarchy(curve, now);
        if let Some(eid) = eid {
            pki.eid_prefix = eid.to_string().chars().take(8).collect();
        }
        let mut issued = pki.issue_all(make_key, &SoftwareProvider, &mut rng)?;
        let mut take = |member| {
            let at = issued.iter().position(|issued| issued.member == member);
            at.map(|at| issued.swap_remove(at))
                .ok_or_else(|| made(&WorldError::Missing(member)))
        };
        let (ci, eum) = (take(member::CI)?, take(member::EUM)?);
        let anchor = TrustAnchor::new(&ci.certificate, &SoftwareProvider)?;
        let factory = Factory::new(anchor, eum.certificate, eum.key).map_err(|e| made(&e))?;
        let eid = match eid {
            Some(eid) => eid,
            None => factory.eid(1).map_err(|e| made(&e))?,
        };
        let identity = factory.identity(eid, &mut rng).map_err(|e| made(&e))?;
        let mut personalisation = identity.personalisation();
        personalisation.rules_authorisation_table = vec![anybody()];
        let card = SoftwareCard {
            card: Euicc::new(personalisation.clone()),
            personalisation,
            rng,
        };
        let authority = Authority {
            certificate: ci.certificate,
            key: Some(ci.key),
        };
        Ok((card, authority))
    }
}

/// The rule that lets any owner set both policy rules.
fn anybody() -> ProfilePolicyAuthorisationRule {
    let owner = OperatorId {
        mcc_mnc: Plmn::from_bytes([0xEE; 3]),
        gid1: Some(Vec::new()),
        gid2: Some(Vec::new()),
        extensions: Extensions::default(),
    };
    ProfilePolicyAuthorisationRule {
        ppr_ids: BitString::of(&[PPR1, PPR2]),
        allowed_operators: vec![owner],
        ppr_flags: BitString::default(),
        extensions: Extensions::default(),
    }
}

/// CI and EUM of the suites' own.
pub(super) fn hierarchy(curve: Curve, now: Timestamp) -> Hierarchy {
    Hierarchy {
        curve,
        organization: "Simurgh Lab".to_string(),
        smdp_host: "smdp.example.com".to_string(),
        smds_host: "smds.example.com".to_string(),
        eim_host: "eim.example.com".to_string(),
        door_host: "localhost".to_string(),
        eid_prefix: "89049032".to_string(),
        not_before: now,
        not_after: now.after(Duration::from_secs(10 * 365 * 86_400)),
    }
}

impl Card for SoftwareCard {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, String> {
        let mut environment = Environment {
            provider: &SoftwareProvider,
            rng: &mut self.rng,
        };
        Ok(self.card.transmit(command, &mut environment))
    }

    fn reset(&mut self) -> Result<(), String> {
        self.card.reset();
        Ok(())
    }

    fn renew(&mut self) -> Result<bool, String> {
        self.card = Euicc::new(self.personalisation.clone());
        Ok(true)
    }
}

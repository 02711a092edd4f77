//! What the card is made with, and what it is given with each call.

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use rsp_asn1::Certificate;
use rsp_asn1::ids::Eid;
use rsp_asn1::rsp::{ProfilePolicyAuthorisationRule, SubjectKeyIdentifier};
use rsp_crypto::{Provider, PublicKey, Rng, SigningKey};

/// Non-volatile memory that a new card has for profiles, in bytes.
const DEFAULT_MEMORY: usize = 1024 * 1024;

/// A public key of a certificate issuer that the card trusts (SGP.22 2.4.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CiKey {
    /// SubjectKeyIdentifier of the CI's certificate.
    pub subject_key_identifier: SubjectKeyIdentifier,
    /// The key.
    pub public_key: PublicKey,
}

/// A key of the card with its chain to a CI (SGP.22 2.4.2).
#[derive(Clone)]
pub struct KeySet {
    /// SK.EUICC.ECDSA.
    pub euicc_key: Arc<dyn SigningKey>,
    /// CERT.EUICC.ECDSA, of the key above.
    pub euicc_certificate: Certificate,
    /// CERT.EUM.ECDSA, which verifies the one above and names its CI.
    pub eum_certificate: Certificate,
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySet")
            .field("curve", &self.euicc_key.public_key().curve())
            .field("euicc_key", &format_args!("[redacted]"))
            .finish_non_exhaustive()
    }
}

/// For which devices an eUICC is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EuiccKind {
    /// Managed by an eIM (SGP.32).
    #[default]
    Iot,
    /// Managed by the user of its device (SGP.22): the functions of ES10c
    /// instead of those for an eIM.
    Consumer,
}

/// What the EUM puts into the card: the contents of the ECASD (SGP.22 2.4.2)
/// and settings.
#[derive(Clone)]
pub struct Personalisation {
    /// The card's identifier. Its check digits are not looked at.
    pub eid: Eid,
    /// For which devices it is.
    pub kind: EuiccKind,
    /// CI keys with which certificates of servers are verified, in order of
    /// preference.
    pub ci: Vec<CiKey>,
    /// The card's key that is used where nobody chooses one.
    pub key_set: KeySet,
    /// Keys under other CIs, on any curve, in order of preference.
    pub further_key_sets: Vec<KeySet>,
    /// Default SM-DP+ address (SGP.22 5.7.3), if there is one.
    pub default_dp_address: Option<String>,
    /// Root SM-DS address (SGP.22 5.7.3).
    pub root_ds_address: String,
    /// Rules Authorisation Table (SGP.22 2.9.2). While it is empty, no profile
    /// with a policy rule can be installed.
    pub rules_authorisation_table: Vec<ProfilePolicyAuthorisationRule>,
    /// Non-volatile memory for profiles, in bytes.
    pub memory: usize,
    /// The next association token that an eIM gets (SGP.32 2.11.1.1.1). A card
    /// that has had associations before goes on where it was.
    pub next_association_token: i64,
    /// Whether an IoT eUICC has an Emergency Profile (SGP.32 5.9.22).
    pub ecall_supported: bool,
    /// Whether an IoT eUICC has the fallback mechanism (SGP.32 3.4.6).
    pub fallback_supported: bool,
    /// Whether the card, after a profile was enabled or disabled, refuses ES10
    /// functions by '6985' until it is reset, as some in the field do.
    pub silent_until_reset: bool,
    /// The IPA of an IoT eUICC (SGP.32 3.8), if it has one.
    pub ipae: Option<IpaeSettings>,
}

/// What the card's own IPA goes by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IpaeSettings {
    /// Seconds from one round to the next, at most a day.
    pub poll_interval: u32,
    /// Addresses of hosts that eIMs and SM-DP+s are named by. An eIM whose
    /// eimFqdn is an address needs none; the card asks no DNS.
    pub hosts: Vec<(String, [u8; 4])>,
    /// Whether it speaks to SM-DP+s itself (directRspServerCommunication).
    pub direct: bool,
    /// Whether it has eIMs speak to them (indirectRspServerCommunication). An
    /// IPA that can do both has those eIMs do it that relay.
    pub indirect: bool,
}

impl Personalisation {
    /// For IoT, with one key, no default SM-DP+, no policy rule authorised, the GSMA's root
    /// SM-DS, 1 MiB of memory, association tokens from 1, with Emergency
    /// Profile and fallback, usable after a switch without a reset, without an
    /// IPA.
    pub fn new(
        eid: Eid,
        ci: Vec<CiKey>,
        euicc_key: Arc<dyn SigningKey>,
        euicc_certificate: Certificate,
        eum_certificate: Certificate,
    ) -> Personalisation {
        Personalisation {
            eid,
            kind: EuiccKind::Iot,
            ci,
            key_set: KeySet {
                euicc_key,
                euicc_certificate,
                eum_certificate,
            },
            further_key_sets: Vec::new(),
            default_dp_address: None,
            root_ds_address: "lpa.ds.gsma.com".to_string(),
            rules_authorisation_table: Vec::new(),
            memory: DEFAULT_MEMORY,
            next_association_token: 1,
            ecall_supported: true,
            fallback_supported: true,
            silent_until_reset: false,
            ipae: None,
        }
    }

    pub(crate) fn verification_ci(&self) -> Vec<SubjectKeyIdentifier> {
        let keys = self.ci.iter();
        keys.map(|ci| ci.subject_key_identifier.clone()).collect()
    }
}

impl fmt::Debug for Personalisation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Personalisation")
            .field("eid", &self.eid)
            .field("kind", &self.kind)
            .field("ci", &self.ci)
            .field("key_set", &self.key_set)
            .field("further_key_sets", &self.further_key_sets)
            .finish_non_exhaustive()
    }
}

/// What the card cannot bring itself: algorithms and randomness. Given with
/// each command, so that the card stays a pure function of its inputs.
pub struct Environment<'a> {
    /// Algorithms.
    pub provider: &'a dyn Provider,
    /// Source of challenges and one-time keys.
    pub rng: &'a mut dyn Rng,
}

impl fmt::Debug for Environment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Environment")
    }
}

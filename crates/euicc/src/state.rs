//! What survives a power cycle.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use rsp_asn1::ids::{Iccid, TransactionId};
use rsp_asn1::rsp::{
    DpProprietaryData, NOTIFICATION_DELETE, NOTIFICATION_DISABLE, NOTIFICATION_ENABLE, PPR1, PPR2,
    PROFILE_CLASS_TEST, ProfileState, StoreMetadataRequest, SubjectKeyIdentifier,
};
use rsp_asn1::sgp32::{EimConfigurationData, EimId};
use rsp_asn1::{BoundedString, Oid};
use rsp_crypto::{CryptoError, Curve, EckaKey, Provider, PublicKey, Rng};
use zeroize::Zeroizing;

use crate::ipae::Owed;
use crate::mechanisms::Mechanisms;
use crate::notification_store::NotificationStore;
use crate::uicc::Uicc;

/// AID of every ISD-P up to its number, which stands in the bytes 14 and 15
/// (SGP.22 2.4.3; SGP.02 annex H).
const ISDP_AID_PREFIX: [u8; 13] = [
    0xA0, 0x00, 0x00, 0x05, 0x59, 0x10, 0x10, 0xFF, 0xFF, 0xFF, 0xFF, 0x89, 0x00,
];
const FIRST_ISDP: u16 = 0x0010;
/// AID by which a profile names the ISD-P that it is in (SGP.02 annex H).
pub(crate) const PROFILE_ISDP_AID: [u8; 16] = [
    0xA0, 0x00, 0x00, 0x05, 0x59, 0x10, 0x10, 0xFF, 0xFF, 0xFF, 0xFF, 0x89, 0x00, 0x00, 0x0F, 0x00,
];

/// One-time keys kept for a second attempt at a download.
const MAX_ONE_TIME_KEYS: usize = 4;

/// The non-volatile state of the ISD-R.
pub(crate) struct State {
    /// In the order of installation.
    pub(crate) profiles: Vec<Profile>,
    /// Number of the next profile.
    pub(crate) next_profile: u32,
    pub(crate) eims: Vec<Eim>,
    pub(crate) next_association_token: i64,
    pub(crate) notifications: NotificationStore,
    pub(crate) default_dp_address: Option<String>,
    pub(crate) one_time_keys: Vec<OneTimeKey>,
    /// The right to return, granted by a package.
    pub(crate) rollback: Option<Rollback>,
    pub(crate) mechanisms: Mechanisms,
    /// Results of downloads that the card's own IPA did.
    pub(crate) owed: Vec<Owed>,
}

impl State {
    pub(crate) fn new(default_dp_address: Option<String>, next_association_token: i64) -> State {
        State {
            profiles: Vec::new(),
            next_profile: 0,
            eims: Vec::new(),
            next_association_token,
            notifications: NotificationStore::default(),
            default_dp_address,
            one_time_keys: Vec::new(),
            rollback: None,
            mechanisms: Mechanisms::default(),
            owed: Vec::new(),
        }
    }

    pub(crate) fn profile(&self, iccid: &Iccid) -> Option<&Profile> {
        self.profiles.iter().find(|p| p.iccid() == iccid)
    }

    pub(crate) fn profile_mut(&mut self, iccid: &Iccid) -> Option<&mut Profile> {
        self.profiles.iter_mut().find(|p| p.iccid() == iccid)
    }

    pub(crate) fn enabled(&self) -> Option<&Profile> {
        let mut profiles = self.profiles.iter();
        profiles.find(|p| p.state == ProfileState::ENABLED)
    }

    pub(crate) fn enabled_mut(&mut self) -> Option<&mut Profile> {
        let mut profiles = self.profiles.iter_mut();
        profiles.find(|p| p.state == ProfileState::ENABLED)
    }

    /// Whether the profile with the Fallback Attribute is enabled.
    pub(crate) fn fallback_enabled(&self) -> bool {
        let enabled = self.enabled().map(Profile::iccid);
        enabled.is_some() && enabled == self.mechanisms.fallback.as_ref()
    }

    pub(crate) fn eim(&self, id: &str) -> Option<&Eim> {
        self.eims.iter().find(|eim| eim.id().as_str() == id)
    }

    pub(crate) fn eim_mut(&mut self, id: &str) -> Option<&mut Eim> {
        self.eims.iter_mut().find(|eim| eim.id().as_str() == id)
    }

    /// Memory that the installed profiles take, in bytes.
    pub(crate) fn memory_used(&self) -> usize {
        let sizes = self.profiles.iter().map(|p| p.uicc.memory_used());
        sizes.fold(0, usize::saturating_add)
    }

    /// An AID that no installed profile has.
    pub(crate) fn free_isdp_aid(&self) -> Option<Vec<u8>> {
        (FIRST_ISDP..=u16::MAX).map(isdp_aid).find(|aid| {
            let mut profiles = self.profiles.iter();
            !profiles.any(|profile| profile.aid == *aid)
        })
    }

    /// Adds a profile in an ISD-P of its own.
    pub(crate) fn add_profile(&mut self, aid: Vec<u8>, contents: ProfileContents) {
        let number = self.next_profile;
        self.next_profile = number.wrapping_add(1);
        self.profiles.push(Profile {
            number,
            aid,
            metadata: contents.metadata,
            dp_proprietary_data: contents.dp_proprietary_data,
            state: contents.state,
            preloaded: contents.preloaded,
            signer: contents.signer,
            nickname: None,
            uicc: contents.uicc,
        });
    }

    /// The key kept for this owner, if it is the one named.
    pub(crate) fn one_time_key(&self, owner: &Oid, public: &[u8]) -> Option<&OneTimeKey> {
        let mut keys = self.one_time_keys.iter();
        keys.find(|key| key.owner == *owner && key.public().as_sec1() == public)
    }

    /// Keeps a key until it has been used; the oldest gives way.
    pub(crate) fn keep_one_time_key(&mut self, key: OneTimeKey) {
        if self.one_time_keys.len() >= MAX_ONE_TIME_KEYS {
            self.one_time_keys.remove(0);
        }
        self.one_time_keys.push(key);
    }

    /// Forgets a key that has done its work.
    pub(crate) fn drop_one_time_key(&mut self, public: &PublicKey) {
        self.one_time_keys.retain(|key| key.public() != public);
    }
}

fn isdp_aid(number: u16) -> Vec<u8> {
    let mut aid = ISDP_AID_PREFIX.to_vec();
    aid.extend_from_slice(&number.to_be_bytes());
    aid.push(0);
    aid
}

/// An installed profile in its ISD-P.
pub(crate) struct Profile {
    /// Never given to another profile, unlike the AID.
    pub(crate) number: u32,
    pub(crate) aid: Vec<u8>,
    pub(crate) metadata: StoreMetadataRequest,
    pub(crate) dp_proprietary_data: Option<DpProprietaryData>,
    pub(crate) state: ProfileState,
    /// Whether it came from the factory.
    pub(crate) preloaded: bool,
    /// Identifier of the CI key under which the card signs what it tells of
    /// this profile; none for one from the factory.
    pub(crate) signer: Option<SubjectKeyIdentifier>,
    /// As its user calls it.
    pub(crate) nickname: Option<BoundedString<0, 64>>,
    pub(crate) uicc: Uicc,
}

/// What comes into an ISD-P.
pub(crate) struct ProfileContents {
    pub(crate) metadata: StoreMetadataRequest,
    pub(crate) dp_proprietary_data: Option<DpProprietaryData>,
    pub(crate) state: ProfileState,
    pub(crate) preloaded: bool,
    pub(crate) signer: Option<SubjectKeyIdentifier>,
    pub(crate) uicc: Uicc,
}

impl Profile {
    pub(crate) fn iccid(&self) -> &Iccid {
        &self.metadata.iccid
    }

    /// PPR1: disabling is not allowed.
    pub(crate) fn must_stay_enabled(&self) -> bool {
        self.has_rule(PPR1)
    }

    /// PPR2: deletion is not allowed.
    pub(crate) fn must_not_be_deleted(&self) -> bool {
        self.has_rule(PPR2)
    }

    /// Whether it is a test profile.
    pub(crate) fn is_test(&self) -> bool {
        self.metadata.profile_class == PROFILE_CLASS_TEST
    }

    /// Whether its rules let another profile be enabled in its place: PPR1
    /// does not hold against a test profile (SGP.22 2.9.2.4, 5.7.16).
    pub(crate) fn may_give_way_to(&self, other: &Profile) -> bool {
        other.is_test() || !self.must_stay_enabled()
    }

    fn has_rule(&self, rule: u8) -> bool {
        let rules = self.metadata.profile_policy_rules.as_ref();
        rules.is_some_and(|rules| rules.bit(rule))
    }

    /// Addresses that want to hear of the event, given as its bit.
    pub(crate) fn addresses_for(&self, event: u8) -> Vec<String> {
        let configured = self.metadata.notification_configuration_info.iter();
        configured
            .flatten()
            .filter(|entry| entry.profile_management_operation.bit(event))
            .map(|entry| entry.notification_address.clone())
            .collect()
    }
}

/// What can happen to an installed profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProfileEvent {
    Enable,
    Disable,
    Delete,
}

impl ProfileEvent {
    /// The event with this bit.
    pub(crate) fn from_bit(bit: u8) -> Option<ProfileEvent> {
        let all = [
            ProfileEvent::Enable,
            ProfileEvent::Disable,
            ProfileEvent::Delete,
        ];
        all.into_iter().find(|event| event.bit() == bit)
    }

    /// Its bit in NotificationEvent.
    pub(crate) fn bit(self) -> u8 {
        match self {
            ProfileEvent::Enable => NOTIFICATION_ENABLE,
            ProfileEvent::Disable => NOTIFICATION_DISABLE,
            ProfileEvent::Delete => NOTIFICATION_DELETE,
        }
    }
}

/// An associated eIM (SGP.32 2.11.1.1.1).
#[derive(Clone)]
pub(crate) struct Eim {
    /// As it is told to whoever asks: with the token made for it, without its
    /// counter.
    pub(crate) data: EimConfigurationData,
    /// Verifies its packages.
    pub(crate) key: PublicKey,
    /// The highest counter accepted.
    pub(crate) counter: i64,
}

impl Eim {
    pub(crate) fn id(&self) -> &EimId {
        &self.data.eim_id
    }

    pub(crate) fn token(&self) -> Option<i64> {
        self.data.association_token
    }
}

/// Which package a result answers.
#[derive(Clone)]
pub(crate) struct PackageId {
    pub(crate) eim_id: EimId,
    pub(crate) counter: i64,
    pub(crate) transaction_id: Option<TransactionId>,
}

/// The right to one ProfileRollback (SGP.32 3.3.2).
#[derive(Clone)]
pub(crate) struct Rollback {
    /// The profile to return to.
    pub(crate) to: Iccid,
    /// The package that granted it.
    pub(crate) package: PackageId,
    /// Sequence number of that package's result.
    pub(crate) result: i64,
}

/// otSK.EUICC.ECKA, kept because a package may be bound to it.
pub(crate) struct OneTimeKey {
    /// The SM-DP+ that it was made for.
    pub(crate) owner: Oid,
    pub(crate) key: Box<dyn EckaKey>,
    /// The random octets that the key was made of: the same octets make the
    /// same key again.
    pub(crate) seed: Zeroizing<Vec<u8>>,
}

impl OneTimeKey {
    /// A new key on a curve.
    pub(crate) fn generate(
        owner: Oid,
        curve: Curve,
        provider: &dyn Provider,
        rng: &mut dyn Rng,
    ) -> Result<OneTimeKey, CryptoError> {
        let mut recorder = Recorder {
            rng,
            drawn: Zeroizing::new(Vec::new()),
        };
        let key = provider.generate_ecka(curve, &mut recorder)?;
        Ok(OneTimeKey {
            owner,
            key,
            seed: recorder.drawn,
        })
    }

    /// The key that a seed made, `None` if that was another one: a key of a
    /// hardware module does not come from the card's randomness.
    pub(crate) fn again(
        owner: Oid,
        public: &PublicKey,
        seed: &[u8],
        provider: &dyn Provider,
    ) -> Option<OneTimeKey> {
        let mut replay = Replay(seed);
        let key = provider.generate_ecka(public.curve(), &mut replay).ok()?;
        (key.public_key() == public).then(|| OneTimeKey {
            owner,
            key,
            seed: Zeroizing::new(seed.to_vec()),
        })
    }

    pub(crate) fn public(&self) -> &PublicKey {
        self.key.public_key()
    }
}

/// Randomness that remembers what it gave.
struct Recorder<'a> {
    rng: &'a mut dyn Rng,
    drawn: Zeroizing<Vec<u8>>,
}

impl Rng for Recorder<'_> {
    fn fill(&mut self, buf: &mut [u8]) {
        self.rng.fill(buf);
        self.drawn.extend_from_slice(buf);
    }
}

/// What was drawn once, then zeros.
struct Replay<'a>(&'a [u8]);

impl Rng for Replay<'_> {
    fn fill(&mut self, buf: &mut [u8]) {
        let (now, later) = self.0.split_at_checked(buf.len()).unwrap_or((self.0, &[]));
        self.0 = later;
        buf.fill(0);
        for (to, from) in buf.iter_mut().zip(now) {
            *to = *from;
        }
    }
}

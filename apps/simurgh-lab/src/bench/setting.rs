//! Keys, certificates and names that all rows share.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lab::Factory;
use rsp_asn1::ids::{Iccid, Imsi};
use rsp_core::binding::Transport;
use rsp_core::eim::relay::RelaySettings;
use rsp_core::eim::{Eim, LabSettings};
use rsp_core::pki::{Hierarchy, Issued, TlsTrust, TrustAnchor, member};
use rsp_core::profile::{self, Subscription};
use rsp_core::smdp::{DpIdentity, Order, OrderState, ProfileMaterial, ProfileTypeSettings, Smdp};
use rsp_core::{Context, Identity, Timestamp};
use rsp_crypto::software::{SeededRng, SoftwareKey, SoftwareProvider};
use rsp_crypto::{Curve, Rng};
use rsp_net::TlsIdentity;

use crate::Failure;

/// Names of the servers.
pub(super) const EIM: &str = "eim.simurgh.test";
pub(super) const SMDP: &str = "smdp.simurgh.test";

/// MatchingID of the order that is downloaded.
const MATCHING_ID: &str = "BENCH-MATCHING-ID-01";

/// A hierarchy of certificates, from a seed.
pub(super) struct Setting {
    seed: u64,
    pub(super) anchor: TrustAnchor,
    pub(super) factory: Factory,
    issued: Vec<Issued<SoftwareKey>>,
}

/// Whose randomness: nobody gets the keys of another.
#[derive(Clone, Copy, Debug)]
pub(super) enum Randomness {
    Subscription,
    Eim,
    Smdp,
    Device(u64),
}

fn stream(seed: u64, number: u64) -> SeededRng {
    SeededRng::new(seed.rotate_left(32) ^ number)
}

impl Setting {
    pub(super) fn new(seed: u64) -> Result<Self, Failure> {
        let mut rng = stream(seed, 0);
        let mut keys = stream(seed, 1);
        let day = Duration::from_secs(86_400);
        let hierarchy = Hierarchy {
            curve: Curve::NistP256,
            organization: "Simurgh Bench".to_string(),
            smdp_host: SMDP.to_string(),
            smds_host: "smds.example.com".to_string(),
            eim_host: EIM.to_string(),
            door_host: "localhost".to_string(),
            eid_prefix: "89049032".to_string(),
            not_before: Timestamp::from_secs(now().as_secs().saturating_sub(day.as_secs())),
            not_after: now().after(day * 365),
        };
        let make_key = |curve| SoftwareKey::generate(curve, &mut keys);
        let issued = hierarchy.issue_all(make_key, &SoftwareProvider, &mut rng)?;
        let ci = find(&issued, member::CI)?;
        let anchor = TrustAnchor::new(&ci.certificate, &SoftwareProvider)?;
        let eum = find(&issued, member::EUM)?;
        let factory = Factory::new(anchor.clone(), eum.certificate.clone(), eum.key.clone())?;
        Ok(Setting {
            seed,
            anchor,
            factory,
            issued,
        })
    }

    /// Randomness for one purpose, the same each time.
    pub(super) fn rng(&self, of: Randomness) -> SeededRng {
        let number = match of {
            Randomness::Subscription => 2,
            Randomness::Eim => 3,
            Randomness::Smdp => 4,
            Randomness::Device(number) => number.saturating_add(5),
        };
        stream(self.seed, number)
    }

    pub(super) fn member(&self, member: &'static str) -> Result<&Issued<SoftwareKey>, Failure> {
        find(&self.issued, member)
    }

    /// A certificate and key as a role takes it.
    fn identity(&self, member: &'static str) -> Result<Identity, Failure> {
        let issued = self.member(member)?;
        Ok(Identity {
            certificate: issued.certificate.clone(),
            key: Box::new(issued.key.clone()),
        })
    }

    /// A certificate and key as a TLS server takes it.
    pub(super) fn tls(&self, member: &'static str) -> Result<TlsIdentity, Failure> {
        let issued = self.member(member)?;
        let chain = vec![issued.certificate.as_bytes().to_vec()];
        Ok(TlsIdentity::from_key_pem(
            chain,
            &issued.key.to_pkcs8_pem()?,
        )?)
    }

    /// Whom devices trust as the eIM's TLS server.
    pub(super) fn eim_trust(&self) -> Result<TlsTrust, Failure> {
        let ci = self.member(member::CI)?;
        Ok(TlsTrust::Certificate(ci.certificate.clone()))
    }

    pub(super) fn eim(&self) -> Result<Eim, Failure> {
        Ok(Eim {
            eim_id: EIM.try_into()?,
            fqdn: EIM.to_string(),
            signing: self.identity(member::EIM_SIGN)?,
            tls_trust: self.member(member::CI)?.certificate.clone(),
            anchors: vec![self.anchor.clone()],
            transports: vec![Transport::Https, Transport::Coaps, Transport::Mqtt],
            relay: RelaySettings::default(),
            lab: LabSettings::default(),
        })
    }

    pub(super) fn smdp(&self) -> Result<Smdp, Failure> {
        Ok(Smdp::new(
            SMDP.to_string(),
            vec![DpIdentity {
                auth: self.identity(member::DP_AUTH)?,
                pb: self.identity(member::DP_PB)?,
            }],
            vec![self.anchor.clone()],
            now(),
            &SoftwareProvider,
        )?)
    }

    /// A profile of the built-in template, released for download.
    pub(super) fn released(&self) -> Result<(Order, ProfileMaterial), Failure> {
        let iccid: Iccid = "89999700000000000010".parse()?;
        let imsi: Imsi = "999700000000001".parse()?;
        let mut rng = self.rng(Randomness::Subscription);
        let (mut ki, mut opc) = ([0; 16], [0; 16]);
        rng.fill(&mut ki);
        rng.fill(&mut opc);
        let order = Order {
            state: OrderState::Released,
            matching_id: Some(MATCHING_ID.to_string()),
            ..Order::available(iccid, "bench".to_string())
        };
        let material = ProfileMaterial {
            subscription: Subscription::new(iccid, imsi, ki, opc),
            template: profile::template(),
            service_provider_name: "Example Mobile".to_string(),
            profile_name: "Operational".to_string(),
            profile_class: 2,
            settings: ProfileTypeSettings::default(),
        };
        Ok((order, material))
    }
}

/// The activation code of [`Setting::released`].
pub(super) fn activation_code() -> String {
    format!("LPA:1${SMDP}${MATCHING_ID}")
}

/// A folder that is removed with what is in it.
pub(super) struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    pub(super) fn new() -> Result<Self, Failure> {
        static FOLDERS: AtomicU32 = AtomicU32::new(0);
        let number = FOLDERS.fetch_add(1, Ordering::Relaxed);
        let name = format!("simurgh-bench-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        Ok(TemporaryFolder(folder))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What a machine needs from outside.
pub(super) fn context(rng: &mut SeededRng) -> Context<'_> {
    Context {
        now: now(),
        rng,
        crypto: &SoftwareProvider,
    }
}

/// The time: the one place where the measurements read the calendar.
pub(super) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    Timestamp(since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }))
}

fn find<'a>(
    issued: &'a [Issued<SoftwareKey>],
    member: &'static str,
) -> Result<&'a Issued<SoftwareKey>, Failure> {
    let found = issued.iter().find(|issued| issued.member == member);
    Ok(found.ok_or_else(|| format!("the hierarchy has no {member}"))?)
}

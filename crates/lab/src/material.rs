//! Keys and certificates that a world is made with: its own, or the published
//! ones of SGP.26.

use std::path::Path;
use std::time::Duration;

use rsp_asn1::Certificate;
use rsp_core::Timestamp;
use rsp_core::pki::{Hierarchy, Issued, Issuer, Name, Role, Template, issue_under, member};
use rsp_crypto::software::{SeededRng, SoftwareKey, SoftwareProvider};
use rsp_crypto::{Curve, Rng};

use crate::world::{EIM, SMDP, START, WorldError};

/// Keys and certificates of a world.
#[derive(Debug)]
pub struct Material {
    pub(crate) issued: Vec<Issued<SoftwareKey>>,
    /// The card, if it is not to be made.
    pub(crate) card: Option<(Certificate, SoftwareKey)>,
    /// When the world begins.
    pub(crate) start: Timestamp,
    /// The name in CERT.DPtls.
    pub(crate) smdp_host: &'static str,
}

impl Material {
    /// A hierarchy of its own on a curve.
    ///
    /// # Errors
    /// If it cannot be issued.
    pub fn new(curve: Curve, rng: &mut SeededRng) -> Result<Self, WorldError> {
        Self::with_smdp(SMDP, curve, rng)
    }

    /// As [`Material::new`], of an SM-DP+ with this name.
    pub(crate) fn with_smdp(
        smdp: &'static str,
        curve: Curve,
        rng: &mut SeededRng,
    ) -> Result<Self, WorldError> {
        let mut seed = [0; 8];
        rng.fill(&mut seed);
        let mut keys = SeededRng::new(u64::from_be_bytes(seed));
        let make_key = |curve| SoftwareKey::generate(curve, &mut keys);
        let issued = hierarchy(smdp, curve).issue_all(make_key, &SoftwareProvider, rng)?;
        Ok(Material {
            issued,
            card: None,
            start: START,
            smdp_host: smdp,
        })
    }

    /// The test certificates of SGP.26, variant O, on a curve, with their
    /// published keys. What the set lacks is issued by its CI, whose key is
    /// published, too: the eIM's signing certificate on brainpoolP256r1, its TLS
    /// certificate, and a CERT.DPtls on P-256 where that of the set is on
    /// brainpoolP256r1, which TLS stacks do not have.
    ///
    /// `folder` is the folder of test data.
    ///
    /// # Errors
    /// If a file is missing or malformed.
    pub fn sgp26(folder: &Path, curve: Curve) -> Result<Self, WorldError> {
        let set = Sgp26::open(folder, curve)?;
        let mut issued = Vec::new();
        for (member, file) in [
            (member::CI, "CI"),
            (member::EUM, "EUM"),
            (member::DP_AUTH, "DPauth"),
            (member::DP_PB, "DPpb"),
        ] {
            let (certificate, key) = set.read(file)?;
            issued.push(Issued {
                member,
                certificate,
                key,
            });
        }
        let eim_tls = Role::EimTls {
            oid: "2.999.20".to_string(),
            dns_name: EIM.to_string(),
        };
        let dp_tls = Role::DpTls {
            oid: "2.999.10".to_string(),
            dns_name: SGP26_SMDP.to_string(),
        };
        let p256 = Curve::NistP256;
        let (eim_sign, dp_tls) = match curve {
            Curve::NistP256 => (set.read("EIMsign")?, set.read("DPtls")?),
            _ => {
                let eim_sign = set.issue(Role::EimSign, EIM, curve)?;
                (eim_sign, set.issue(dp_tls, SGP26_SMDP, p256)?)
            }
        };
        for (member, (certificate, key)) in [
            (member::EIM_SIGN, eim_sign),
            (member::EIM_TLS, set.issue(eim_tls, EIM, p256)?),
            (member::DP_TLS, dp_tls),
        ] {
            issued.push(Issued {
                member,
                certificate,
                key,
            });
        }
        Ok(Material {
            issued,
            card: Some(set.read("EUICC")?),
            start: IN_2026,
            smdp_host: SGP26_SMDP,
        })
    }
}

/// 2026-10-01: inside the validity of all certificates of the set.
const IN_2026: Timestamp = Timestamp::from_secs(1_790_812_800);

/// The name in CERT.DPtls of the set.
const SGP26_SMDP: &str = "testsmdpplus1.example.com";

/// The files of one curve.
struct Sgp26 {
    folder: std::path::PathBuf,
    curve: Curve,
    scalars: serde_json::Value,
}

impl Sgp26 {
    fn open(folder: &Path, curve: Curve) -> Result<Self, WorldError> {
        let name = match curve {
            Curve::NistP256 => "nist",
            _ => "brainpool",
        };
        let sgp26 = folder.join("data/sgp26");
        let text = std::fs::read_to_string(sgp26.join("test-scalars.json"));
        let text = text.map_err(|_| WorldError::Missing("test-scalars.json"))?;
        let scalars: serde_json::Value =
            serde_json::from_str(&text).map_err(|_| WorldError::Missing("test-scalars.json"))?;
        Ok(Sgp26 {
            folder: sgp26.join(name),
            curve,
            scalars: scalars.get(name).cloned().unwrap_or_default(),
        })
    }

    /// A certificate with its key.
    fn read(&self, file: &'static str) -> Result<(Certificate, SoftwareKey), WorldError> {
        let missing = WorldError::Missing(file);
        let der = std::fs::read(self.folder.join(format!("CERT.{file}.der")));
        let certificate = der.ok().and_then(|der| Certificate::from_bytes(&der).ok());
        let scalar = self.scalars.get(file).and_then(serde_json::Value::as_str);
        let scalar = scalar.and_then(octets);
        match (certificate, scalar) {
            (Some(certificate), Some(scalar)) => {
                Ok((certificate, SoftwareKey::from_scalar(self.curve, &scalar)?))
            }
            _ => Err(missing),
        }
    }

    /// What the set lacks, issued by its CI.
    fn issue(
        &self,
        role: Role,
        name: &str,
        curve: Curve,
    ) -> Result<(Certificate, SoftwareKey), WorldError> {
        let (ci, ci_key) = self.read("CI")?;
        let seed = name.bytes().map(u64::from).sum();
        let key = SoftwareKey::generate(curve, &mut SeededRng::new(seed))?;
        let template = Template {
            role,
            subject: Name {
                country: "DE".to_string(),
                common_name: name.to_string(),
                ..Name::default()
            },
            public_key: key.public_key(),
            serial: &[1],
            not_before: IN_2026,
            not_after: IN_2026.after(Duration::from_secs(5 * 365 * 86_400)),
        };
        let issuer = Issuer::of(&ci)?;
        let certificate = issue_under(&template, &issuer, &ci_key, &SoftwareProvider)?;
        Ok((certificate, key))
    }
}

/// 32 octets in hexadecimal.
fn octets(hex: &str) -> Option<[u8; 32]> {
    let mut octets = [0; 32];
    if hex.len() != 2 * octets.len() {
        return None;
    }
    for (at, octet) in octets.iter_mut().enumerate() {
        *octet = u8::from_str_radix(hex.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(octets)
}

fn hierarchy(smdp: &str, curve: Curve) -> Hierarchy {
    Hierarchy {
        curve,
        organization: "Simurgh Lab".to_string(),
        smdp_host: smdp.to_string(),
        smds_host: "smds.example.com".to_string(),
        eim_host: EIM.to_string(),
        door_host: "localhost".to_string(),
        eid_prefix: "89049032".to_string(),
        not_before: START,
        not_after: START.after(Duration::from_secs(10 * 365 * 86_400)),
    }
}

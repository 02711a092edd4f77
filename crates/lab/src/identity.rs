//! What the EUM makes a card with, as a value that can be kept.

use std::fmt;
use std::sync::Arc;

use euicc::{CiKey, Personalisation};
use rsp_asn1::Certificate;
use rsp_asn1::ids::Eid;
use rsp_crypto::PublicKey;
use rsp_crypto::software::SoftwareKey;
use serde::{Deserialize, Serialize};

use crate::rest::{join, split, take};

/// Key and certificates of one card (its ECASD, SGP.22 2.4.2).
///
/// Serialised it holds the private key: whoever stores it must protect it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "Text", into = "Text")]
pub struct CardIdentity {
    /// Identifier of the card.
    pub eid: Eid,
    /// CI keys that it trusts.
    pub ci: Vec<CiKey>,
    /// SK.EUICC.ECDSA.
    pub key: SoftwareKey,
    /// CERT.EUICC.ECDSA.
    pub euicc_certificate: Certificate,
    /// CERT.EUM.ECDSA.
    pub eum_certificate: Certificate,
}

impl CardIdentity {
    /// For a new card, or for one that is loaded.
    pub fn personalisation(&self) -> Personalisation {
        Personalisation::new(
            self.eid,
            self.ci.clone(),
            Arc::new(self.key.clone()),
            self.euicc_certificate.clone(),
            self.eum_certificate.clone(),
        )
    }

    /// The identity as octets: what [`CardIdentity::from_octets`] reads.
    pub(crate) fn to_octets(&self) -> Vec<u8> {
        let ci: Vec<u8> = self.ci.iter().flat_map(ci_octets).collect();
        join(&[
            self.eid.as_bytes(),
            self.key.to_scalar().as_ref(),
            &self.key.public_key().to_spki_der(),
            self.euicc_certificate.as_bytes(),
            self.eum_certificate.as_bytes(),
            &ci,
        ])
    }

    /// An identity from its octets.
    pub(crate) fn from_octets(octets: &[u8]) -> Result<CardIdentity, String> {
        const WHAT: &str = "the identity of the card cannot be read";
        let [eid, scalar, public_key, euicc, eum, mut ci] = split(octets).ok_or(WHAT)?;
        let certificate =
            |der: &[u8]| Certificate::from_bytes(der).map_err(|error| error.to_string());
        let mut keys = Vec::new();
        while !ci.is_empty() {
            let (identifier, key) = take(&mut ci).zip(take(&mut ci)).ok_or(WHAT)?;
            keys.push(CiKey {
                subject_key_identifier: identifier.to_vec(),
                public_key: PublicKey::from_spki_der(key).map_err(|error| error.to_string())?,
            });
        }
        Ok(CardIdentity {
            eid: Eid::from_bytes(eid.try_into().map_err(|_| WHAT)?),
            ci: keys,
            key: key(public_key, scalar)?,
            euicc_certificate: certificate(euicc)?,
            eum_certificate: certificate(eum)?,
        })
    }
}

fn ci_octets(ci: &CiKey) -> Vec<u8> {
    join(&[&ci.subject_key_identifier, &ci.public_key.to_spki_der()])
}

/// The key with this scalar, on the curve of its public key.
fn key(public_key: &[u8], scalar: &[u8]) -> Result<SoftwareKey, String> {
    let public_key = PublicKey::from_spki_der(public_key);
    let curve = public_key.map_err(|error| error.to_string())?.curve();
    let scalar = scalar.try_into();
    let scalar = scalar.map_err(|_| "the private key has not 32 octets")?;
    SoftwareKey::from_scalar(curve, scalar).map_err(|error| error.to_string())
}

impl fmt::Debug for CardIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CardIdentity")
            .field("eid", &self.eid)
            .field("key", &format_args!("[redacted]"))
            .finish_non_exhaustive()
    }
}

/// The identity in hexadecimal: keys as SubjectPublicKeyInfo, certificates in
/// DER, the private key as its scalar on the curve of the public key.
#[derive(Serialize, Deserialize)]
struct Text {
    eid: Eid,
    ci: Vec<(String, String)>,
    public_key: String,
    key: String,
    euicc_certificate: String,
    eum_certificate: String,
}

impl From<CardIdentity> for Text {
    fn from(identity: CardIdentity) -> Text {
        let ci = identity.ci.iter().map(|ci| {
            let key = ci.public_key.to_spki_der();
            (hex(&ci.subject_key_identifier), hex(&key))
        });
        Text {
            eid: identity.eid,
            ci: ci.collect(),
            public_key: hex(&identity.key.public_key().to_spki_der()),
            key: hex(identity.key.to_scalar().as_ref()),
            euicc_certificate: hex(identity.euicc_certificate.as_bytes()),
            eum_certificate: hex(identity.eum_certificate.as_bytes()),
        }
    }
}

impl TryFrom<Text> for CardIdentity {
    type Error = String;

    fn try_from(text: Text) -> Result<CardIdentity, String> {
        let key = key(&octets(&text.public_key)?, &octets(&text.key)?)?;
        let mut ci = Vec::new();
        for (identifier, public_key) in &text.ci {
            let public_key = PublicKey::from_spki_der(&octets(public_key)?);
            ci.push(CiKey {
                subject_key_identifier: octets(identifier)?,
                public_key: public_key.map_err(|error| error.to_string())?,
            });
        }
        let certificate = |text: &str| {
            let der = octets(text)?;
            Certificate::from_bytes(&der).map_err(|error| error.to_string())
        };
        Ok(CardIdentity {
            eid: text.eid,
            ci,
            key,
            euicc_certificate: certificate(&text.euicc_certificate)?,
            eum_certificate: certificate(&text.eum_certificate)?,
        })
    }
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02X}")).collect()
}

fn octets(hex: &str) -> Result<Vec<u8>, String> {
    let digits: Option<Vec<u32>> = hex.chars().map(|c| c.to_digit(16)).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0);
    let digits = digits.ok_or("not pairs of hexadecimal digits")?;
    let octet = |pair: &[u32]| {
        pair.iter()
            .fold(0, |octet, digit| octet << 4 | *digit as u8)
    };
    Ok(digits.chunks(2).map(octet).collect())
}

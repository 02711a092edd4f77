//! What the EUM makes a card with, as a value that can be kept.

use std::fmt;
use std::sync::Arc;

use euicc::{CiKey, EuiccKind, IpaeSettings, KeySet, Personalisation};
use rsp_asn1::Certificate;
use rsp_asn1::ids::Eid;
use rsp_crypto::PublicKey;
use rsp_crypto::software::SoftwareKey;
use serde::{Deserialize, Serialize};

use crate::rest::{join, split, take};
use crate::world::{EIM, SMDP};

/// Key and certificates of one card (its ECASD, SGP.22 2.4.2).
///
/// Serialised it holds the private key: whoever stores it must protect it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "Text", into = "Text")]
pub struct CardIdentity {
    /// Identifier of the card.
    pub eid: Eid,
    /// For which devices it is.
    pub kind: EuiccKind,
    /// Memory for profiles in octets, if not what a card usually has.
    pub memory: Option<usize>,
    /// In what it differs from a card that can do everything.
    pub likeness: CardLikeness,
    /// CI keys that it trusts.
    pub ci: Vec<CiKey>,
    /// Its key that is used where nobody chooses one.
    pub keys: CardKeys,
    /// Keys under other CIs.
    pub further_keys: Vec<CardKeys>,
}

/// In what a card is like others in the field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CardLikeness {
    /// It has no Emergency Profile (SGP.32 5.9.22).
    pub without_ecall: bool,
    /// It has no fallback mechanism (SGP.32 3.4.6).
    pub without_fallback: bool,
    /// After a profile was enabled or disabled it refuses ES10 functions until
    /// it is reset.
    pub silent_until_reset: bool,
    /// It has an IPA of its own (SGP.32 3.8), which finds the laboratory's
    /// servers where [`CardLikeness::HOSTS`] says and polls every hour.
    pub with_ipae: bool,
    /// That IPA has its eIMs speak to SM-DP+s, and does not do so itself.
    pub ipae_relayed: bool,
}

impl CardLikeness {
    /// Where a card with an IPA of its own thinks that servers are: those of a
    /// [`World`](crate::World), and those of the demonstration.
    pub const HOSTS: [(&'static str, [u8; 4]); 4] = [
        (EIM, [192, 0, 2, 1]),
        (SMDP, [192, 0, 2, 2]),
        ("eim.simurgh.test", [192, 0, 2, 3]),
        ("smdp.simurgh.test", [192, 0, 2, 4]),
    ];

    fn ipae(self) -> Option<IpaeSettings> {
        self.with_ipae.then(|| IpaeSettings {
            poll_interval: 3600,
            hosts: Self::HOSTS
                .iter()
                .map(|(name, address)| ((*name).into(), *address))
                .collect(),
            direct: !self.ipae_relayed,
            indirect: self.ipae_relayed,
        })
    }

    fn to_octet(self) -> u8 {
        let flags = [
            self.without_ecall,
            self.without_fallback,
            self.silent_until_reset,
            self.with_ipae,
            self.ipae_relayed,
        ];
        flags
            .iter()
            .rev()
            .fold(0, |octet, flag| octet << 1 | u8::from(*flag))
    }

    fn from_octet(octet: u8) -> CardLikeness {
        CardLikeness {
            without_ecall: octet & 1 != 0,
            without_fallback: octet & 2 != 0,
            silent_until_reset: octet & 4 != 0,
            with_ipae: octet & 8 != 0,
            ipae_relayed: octet & 16 != 0,
        }
    }
}

/// A key of a card with its certificates.
#[derive(Clone)]
pub struct CardKeys {
    /// SK.EUICC.ECDSA.
    pub key: SoftwareKey,
    /// CERT.EUICC.ECDSA.
    pub euicc_certificate: Certificate,
    /// CERT.EUM.ECDSA.
    pub eum_certificate: Certificate,
}

impl CardKeys {
    fn key_set(&self) -> KeySet {
        KeySet {
            euicc_key: Arc::new(self.key.clone()),
            euicc_certificate: self.euicc_certificate.clone(),
            eum_certificate: self.eum_certificate.clone(),
        }
    }

    fn to_octets(&self) -> Vec<u8> {
        join(&[
            self.key.to_scalar().as_ref(),
            &self.key.public_key().to_spki_der(),
            self.euicc_certificate.as_bytes(),
            self.eum_certificate.as_bytes(),
        ])
    }

    fn from_octets(octets: &[u8]) -> Result<CardKeys, String> {
        let [scalar, public_key, euicc, eum] = split(octets).ok_or(UNREADABLE)?;
        let certificate =
            |der: &[u8]| Certificate::from_bytes(der).map_err(|error| error.to_string());
        Ok(CardKeys {
            key: key(public_key, scalar)?,
            euicc_certificate: certificate(euicc)?,
            eum_certificate: certificate(eum)?,
        })
    }
}

impl fmt::Debug for CardKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CardKeys([redacted])")
    }
}

impl CardIdentity {
    /// For a new card, or for one that is loaded.
    pub fn personalisation(&self) -> Personalisation {
        let first = self.keys.key_set();
        let mut personalisation = Personalisation::new(
            self.eid,
            self.ci.clone(),
            first.euicc_key,
            first.euicc_certificate,
            first.eum_certificate,
        );
        personalisation.kind = self.kind;
        personalisation.memory = self.memory.unwrap_or(personalisation.memory);
        personalisation.ecall_supported = !self.likeness.without_ecall;
        personalisation.fallback_supported = !self.likeness.without_fallback;
        personalisation.silent_until_reset = self.likeness.silent_until_reset;
        personalisation.ipae = self.likeness.ipae();
        let further = self.further_keys.iter().map(CardKeys::key_set);
        personalisation.further_key_sets = further.collect();
        personalisation
    }

    /// The card with what another factory would give it as well: its own comes
    /// first.
    ///
    /// # Errors
    /// If the other is of another card.
    pub fn and(mut self, other: CardIdentity) -> Result<CardIdentity, OtherCard> {
        if self.eid != other.eid {
            return Err(OtherCard(other.eid));
        }
        self.ci.extend(other.ci);
        self.further_keys.push(other.keys);
        self.further_keys.extend(other.further_keys);
        Ok(self)
    }

    /// The identity as octets: what [`CardIdentity::from_octets`] reads.
    pub(crate) fn to_octets(&self) -> Vec<u8> {
        let ci: Vec<u8> = self.ci.iter().flat_map(ci_octets).collect();
        let memory = self.memory.map(|octets| (octets as u64).to_be_bytes());
        let memory = memory.map(|octets| octets.to_vec());
        let further = self.further_keys.iter();
        let further: Vec<u8> = further
            .flat_map(|keys| join(&[&keys.to_octets()]))
            .collect();
        join(&[
            self.eid.as_bytes(),
            &self.keys.to_octets(),
            &[
                u8::from(self.kind == EuiccKind::Consumer),
                self.likeness.to_octet(),
            ],
            &memory.unwrap_or_default(),
            &ci,
            &further,
        ])
    }

    /// An identity from its octets.
    pub(crate) fn from_octets(octets: &[u8]) -> Result<CardIdentity, String> {
        let [eid, keys, kind, memory, mut ci, mut further] = split(octets).ok_or(UNREADABLE)?;
        let [consumer, likeness] = kind.try_into().map_err(|_| UNREADABLE)?;
        let mut ci_keys = Vec::new();
        while !ci.is_empty() {
            let (identifier, key) = take(&mut ci).zip(take(&mut ci)).ok_or(UNREADABLE)?;
            ci_keys.push(CiKey {
                subject_key_identifier: identifier.to_vec(),
                public_key: PublicKey::from_spki_der(key).map_err(|error| error.to_string())?,
            });
        }
        let mut further_keys = Vec::new();
        while !further.is_empty() {
            let keys = take(&mut further).ok_or(UNREADABLE)?;
            further_keys.push(CardKeys::from_octets(keys)?);
        }
        Ok(CardIdentity {
            eid: Eid::from_bytes(eid.try_into().map_err(|_| UNREADABLE)?),
            kind: kind_of(consumer == 1),
            likeness: CardLikeness::from_octet(likeness),
            memory: match memory.try_into() {
                Ok(octets) => usize::try_from(u64::from_be_bytes(octets)).ok(),
                Err(_) => None,
            },
            ci: ci_keys,
            keys: CardKeys::from_octets(keys)?,
            further_keys,
        })
    }
}

/// Why octets are no identity.
const UNREADABLE: &str = "the identity of the card cannot be read";

fn kind_of(consumer: bool) -> EuiccKind {
    match consumer {
        true => EuiccKind::Consumer,
        false => EuiccKind::Iot,
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
            .field("keys", &self.keys)
            .field("further_keys", &self.further_keys)
            .finish_non_exhaustive()
    }
}

/// Two identities are of different cards.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the other identity is of card {0}")]
pub struct OtherCard(pub Eid);

/// The identity in hexadecimal: keys as SubjectPublicKeyInfo, certificates in
/// DER, the private key as its scalar on the curve of the public key.
#[derive(Serialize, Deserialize)]
struct Text {
    eid: Eid,
    #[serde(default)]
    consumer: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    memory: Option<usize>,
    #[serde(default)]
    likeness: CardLikeness,
    ci: Vec<(String, String)>,
    #[serde(flatten)]
    keys: KeysText,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    further_keys: Vec<KeysText>,
}

#[derive(Serialize, Deserialize)]
struct KeysText {
    public_key: String,
    key: String,
    euicc_certificate: String,
    eum_certificate: String,
}

impl From<&CardKeys> for KeysText {
    fn from(keys: &CardKeys) -> KeysText {
        KeysText {
            public_key: hex(&keys.key.public_key().to_spki_der()),
            key: hex(keys.key.to_scalar().as_ref()),
            euicc_certificate: hex(keys.euicc_certificate.as_bytes()),
            eum_certificate: hex(keys.eum_certificate.as_bytes()),
        }
    }
}

impl TryFrom<&KeysText> for CardKeys {
    type Error = String;

    fn try_from(text: &KeysText) -> Result<CardKeys, String> {
        let key = key(&octets(&text.public_key)?, &octets(&text.key)?)?;
        let certificate = |text: &str| {
            let der = octets(text)?;
            Certificate::from_bytes(&der).map_err(|error| error.to_string())
        };
        Ok(CardKeys {
            key,
            euicc_certificate: certificate(&text.euicc_certificate)?,
            eum_certificate: certificate(&text.eum_certificate)?,
        })
    }
}

impl From<CardIdentity> for Text {
    fn from(identity: CardIdentity) -> Text {
        let ci = identity.ci.iter().map(|ci| {
            let key = ci.public_key.to_spki_der();
            (hex(&ci.subject_key_identifier), hex(&key))
        });
        Text {
            eid: identity.eid,
            consumer: identity.kind == EuiccKind::Consumer,
            memory: identity.memory,
            likeness: identity.likeness,
            ci: ci.collect(),
            keys: KeysText::from(&identity.keys),
            further_keys: identity.further_keys.iter().map(KeysText::from).collect(),
        }
    }
}

impl TryFrom<Text> for CardIdentity {
    type Error = String;

    fn try_from(text: Text) -> Result<CardIdentity, String> {
        let mut ci = Vec::new();
        for (identifier, public_key) in &text.ci {
            let public_key = PublicKey::from_spki_der(&octets(public_key)?);
            ci.push(CiKey {
                subject_key_identifier: octets(identifier)?,
                public_key: public_key.map_err(|error| error.to_string())?,
            });
        }
        let further = text.further_keys.iter().map(CardKeys::try_from);
        Ok(CardIdentity {
            eid: text.eid,
            kind: kind_of(text.consumer),
            memory: text.memory,
            likeness: text.likeness,
            ci,
            keys: CardKeys::try_from(&text.keys)?,
            further_keys: further.collect::<Result<_, _>>()?,
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

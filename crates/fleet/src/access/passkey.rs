//! Passkeys: registration and authentication (W3C Web Authentication Level 3).
//!
//! Attestation is not asked for, and not looked at: which maker's authenticator
//! it is does not matter here, that it is the same one does.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rsp_core::Timestamp;
use serde::{Deserialize, Serialize};

use super::cbor::Cbor;
use super::public_key::{PublicKey, SignatureForm, Signatures};
use super::token::{digest, same};

/// The longest credential identifier (7.1, step 24).
const LONGEST_ID: usize = 1023;

/// The longest message of an authenticator that is looked at.
const LONGEST: usize = 64 * 1024;

const USER_PRESENT: u8 = 0x01;
const USER_VERIFIED: u8 = 0x04;
const ATTESTED: u8 = 0x40;

/// Whose passkeys they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelyingParty {
    /// A domain: the host of the portal, or one above it.
    pub id: String,
    /// From where browsers may come: `https://host[:port]`.
    pub origins: Vec<String>,
}

/// A passkey of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passkey {
    /// Names it; the authenticator chose it.
    pub id: Vec<u8>,
    /// Its public key.
    pub key: PublicKey,
    /// Signatures so far, as the authenticator says; many say 0 always.
    pub count: u32,
    /// What the user calls it.
    pub name: String,
    /// Since when it is known.
    pub created: Timestamp,
}

/// Why a passkey is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasskeyError {
    /// A message cannot be read.
    #[error("{0} of the authenticator cannot be read")]
    Unreadable(&'static str),
    /// It answers another question.
    #[error("the authenticator answered another challenge")]
    Challenge,
    /// It was another site's, or another step's.
    #[error("the answer was made for another site or step")]
    Origin,
    /// Nobody touched the authenticator, or it does not know who did.
    #[error("the authenticator did not verify its user")]
    NotVerified,
    /// Its algorithm is none that was offered.
    #[error("the passkey's algorithm is not supported")]
    Algorithm,
    /// The signature is not by the passkey.
    #[error("the signature is not by the passkey")]
    Signature,
    /// It signed more often than it says: there are two of it.
    #[error("the passkey has been copied")]
    Copied,
}

/// `CollectedClientData` (5.8.1).
#[derive(Deserialize)]
struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: String,
    origin: String,
    #[serde(default, rename = "crossOrigin")]
    cross_origin: bool,
}

/// Authenticator data (6.1).
struct AuthenticatorData<'a> {
    rp_id_hash: &'a [u8],
    flags: u8,
    count: u32,
    rest: &'a [u8],
}

impl RelyingParty {
    /// Takes a new passkey (7.1).
    ///
    /// # Errors
    /// [`PasskeyError`].
    pub fn register(
        &self,
        challenge: &[u8],
        client_data: &[u8],
        attestation: &[u8],
        name: &str,
        now: Timestamp,
    ) -> Result<Passkey, PasskeyError> {
        self.check_client(client_data, "webauthn.create", challenge)?;
        let unreadable = || PasskeyError::Unreadable("the attestation");
        if attestation.len() > LONGEST {
            return Err(unreadable());
        }
        let (object, rest) = Cbor::read(attestation).ok_or_else(unreadable)?;
        if !rest.is_empty() {
            return Err(unreadable());
        }
        let data = object.text("authData").and_then(Cbor::octets);
        let data = AuthenticatorData::read(data.ok_or_else(unreadable)?).ok_or_else(unreadable)?;
        self.check_data(&data)?;
        let (id, key) = data.credential().ok_or_else(unreadable)?;
        Ok(Passkey {
            id: id.to_vec(),
            key: PublicKey::from_cose(&key).ok_or(PasskeyError::Algorithm)?,
            count: data.count,
            name: name.to_string(),
            created: now,
        })
    }

    /// Believes a user who shows one of their passkeys (7.2); gives it with its
    /// new count, which is to be stored.
    ///
    /// # Errors
    /// [`PasskeyError`].
    pub fn authenticate(
        &self,
        passkey: &Passkey,
        challenge: &[u8],
        answer: &Assertion,
        signatures: &dyn Signatures,
    ) -> Result<Passkey, PasskeyError> {
        self.check_client(&answer.client_data, "webauthn.get", challenge)?;
        let data = AuthenticatorData::read(&answer.authenticator_data);
        let data = data.ok_or(PasskeyError::Unreadable("the data"))?;
        self.check_data(&data)?;
        let hash = digest(&answer.client_data);
        let signed = [answer.authenticator_data.as_slice(), &hash.0].concat();
        if !signatures.verify(&passkey.key, SignatureForm::Der, &signed, &answer.signature) {
            return Err(PasskeyError::Signature);
        }
        let counts = data.count != 0 || passkey.count != 0;
        if counts && data.count <= passkey.count {
            return Err(PasskeyError::Copied);
        }
        Ok(Passkey {
            count: data.count,
            ..passkey.clone()
        })
    }

    fn check_client(
        &self,
        client_data: &[u8],
        kind: &str,
        challenge: &[u8],
    ) -> Result<(), PasskeyError> {
        let unreadable = |_| PasskeyError::Unreadable("the client data");
        let read: ClientData = serde_json::from_slice(client_data).map_err(unreadable)?;
        if !same(
            read.challenge.as_bytes(),
            URL_SAFE_NO_PAD.encode(challenge).as_bytes(),
        ) {
            return Err(PasskeyError::Challenge);
        }
        let ours = self.origins.contains(&read.origin);
        match read.kind == kind && ours && !read.cross_origin {
            true => Ok(()),
            false => Err(PasskeyError::Origin),
        }
    }

    fn check_data(&self, data: &AuthenticatorData<'_>) -> Result<(), PasskeyError> {
        if data.rp_id_hash != digest(self.id.as_bytes()).0 {
            return Err(PasskeyError::Origin);
        }
        let both = USER_PRESENT | USER_VERIFIED;
        match data.flags & both == both {
            true => Ok(()),
            false => Err(PasskeyError::NotVerified),
        }
    }
}

/// What an authenticator answered to a challenge (5.2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assertion {
    /// `clientDataJSON`, as received.
    pub client_data: Vec<u8>,
    /// `authenticatorData`, as received.
    pub authenticator_data: Vec<u8>,
    /// `signature`.
    pub signature: Vec<u8>,
}

impl<'a> AuthenticatorData<'a> {
    fn read(octets: &'a [u8]) -> Option<Self> {
        let (rp_id_hash, rest) = octets.split_at_checked(32)?;
        let (flags, rest) = rest.split_first()?;
        let (count, rest) = rest.split_first_chunk::<4>()?;
        Some(AuthenticatorData {
            rp_id_hash,
            flags: *flags,
            count: u32::from_be_bytes(*count),
            rest,
        })
    }

    /// Attested credential data (6.5.2): identifier and public key.
    fn credential(&self) -> Option<(&'a [u8], Cbor)> {
        if self.flags & ATTESTED == 0 {
            return None;
        }
        let (_aaguid, rest) = self.rest.split_at_checked(16)?;
        let (length, rest) = rest.split_first_chunk::<2>()?;
        let length = usize::from(u16::from_be_bytes(*length));
        let fits = (1..=LONGEST_ID).contains(&length);
        let (id, rest) = rest.split_at_checked(length).filter(|_| fits)?;
        // Extensions may follow.
        let (key, _) = Cbor::read(rest)?;
        Some((id, key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHALLENGE: &[u8] = b"0123456789abcdef0123456789abcdef";

    struct Always(bool);

    impl Signatures for Always {
        fn verify(&self, _: &PublicKey, form: SignatureForm, message: &[u8], _: &[u8]) -> bool {
            assert_eq!(form, SignatureForm::Der);
            assert_eq!(message.len(), 37 + 32);
            self.0
        }
    }

    fn party() -> RelyingParty {
        RelyingParty {
            id: "example.org".to_string(),
            origins: vec!["https://sim.example.org".to_string()],
        }
    }

    fn client(kind: &str, challenge: &[u8], origin: &str) -> Vec<u8> {
        let challenge = URL_SAFE_NO_PAD.encode(challenge);
        format!(r#"{{"type":"{kind}","challenge":"{challenge}","origin":"{origin}","x":1}}"#)
            .into_bytes()
    }

    fn data(flags: u8, count: u32) -> Vec<u8> {
        let hash = digest(b"example.org").0;
        [&hash[..], &[flags], &count.to_be_bytes()].concat()
    }

    /// An attestation of format `none` for a key on P-256.
    fn attestation(flags: u8, alg: u8) -> Vec<u8> {
        let mut data = data(flags, 0);
        data.extend([0; 16]);
        data.extend([0, 4, 9, 9, 9, 9]);
        data.extend([0xA5, 1, 2, 3, alg, 0x20, 1, 0x21, 0x58, 32]);
        data.extend([5; 32]);
        data.extend([0x22, 0x58, 32]);
        data.extend([6; 32]);
        let mut object = vec![0xA3, 0x63];
        object.extend(b"fmt\x64none\x67attStmt\xA0\x68authData\x58");
        object.push(u8::try_from(data.len()).unwrap());
        object.extend(data);
        object
    }

    fn register(client: &[u8], attestation: &[u8]) -> Result<Passkey, PasskeyError> {
        party().register(CHALLENGE, client, attestation, "phone", Timestamp(1))
    }

    fn good_client() -> Vec<u8> {
        client("webauthn.create", CHALLENGE, "https://sim.example.org")
    }

    fn passkey() -> Passkey {
        register(&good_client(), &attestation(0x45, 0x26)).unwrap()
    }

    #[test]
    fn a_passkey_is_taken() {
        let passkey = passkey();
        assert_eq!(passkey.id, [9; 4]);
        let point = [&[4][..], &[5; 32], &[6; 32]].concat();
        assert_eq!(passkey.key, PublicKey::Es256(point));
    }

    #[test]
    fn what_was_made_for_others_is_refused() {
        let origin = "https://sim.example.org";
        let cases = [
            (
                client("webauthn.create", b"other", origin),
                PasskeyError::Challenge,
            ),
            (
                client("webauthn.get", CHALLENGE, origin),
                PasskeyError::Origin,
            ),
            (
                client("webauthn.create", CHALLENGE, "https://example.com"),
                PasskeyError::Origin,
            ),
            (
                client("webauthn.create", CHALLENGE, "http://sim.example.org"),
                PasskeyError::Origin,
            ),
            (b"{}".to_vec(), PasskeyError::Unreadable("the client data")),
        ];
        for (client, expected) in cases {
            assert_eq!(register(&client, &attestation(0x45, 0x26)), Err(expected));
        }
        let mut elsewhere = attestation(0x45, 0x26);
        // The first octet of the hash of the relying party's identifier.
        let at = elsewhere
            .windows(8)
            .position(|part| part == b"authData")
            .unwrap()
            + 10;
        elsewhere[at] ^= 1;
        assert_eq!(
            register(&good_client(), &elsewhere),
            Err(PasskeyError::Origin)
        );
    }

    #[test]
    fn who_is_not_verified_is_refused() {
        for flags in [0x40, 0x41, 0x44] {
            let refused = register(&good_client(), &attestation(flags, 0x26));
            assert_eq!(refused, Err(PasskeyError::NotVerified), "{flags:02X}");
        }
        let unreadable = Err(PasskeyError::Unreadable("the attestation"));
        assert_eq!(
            register(&good_client(), &attestation(0x05, 0x26)),
            unreadable
        );
        let other = register(&good_client(), &attestation(0x45, 0x27));
        assert_eq!(other, Err(PasskeyError::Algorithm));
        let whole = attestation(0x45, 0x26);
        for length in 0..whole.len() {
            assert!(register(&good_client(), &whole[..length]).is_err());
        }
    }

    #[test]
    fn a_passkey_opens_and_a_copy_does_not() {
        let assertion = |flags, count| Assertion {
            client_data: client("webauthn.get", CHALLENGE, "https://sim.example.org"),
            authenticator_data: data(flags, count),
            signature: vec![1],
        };
        let show = |passkey: &Passkey, assertion: &Assertion, good| {
            party().authenticate(passkey, CHALLENGE, assertion, &Always(good))
        };
        let used = show(&passkey(), &assertion(0x05, 0), true).unwrap();
        assert_eq!(used, passkey());
        let used = show(&used, &assertion(0x05, 7), true).unwrap();
        assert_eq!(used.count, 7);
        for count in [0, 6, 7] {
            let refused = show(&used, &assertion(0x05, count), true);
            assert_eq!(refused, Err(PasskeyError::Copied));
        }
        let refused = show(&used, &assertion(0x05, 8), false);
        assert_eq!(refused, Err(PasskeyError::Signature));
        let refused = show(&used, &assertion(0x01, 8), true);
        assert_eq!(refused, Err(PasskeyError::NotVerified));
        let mut old = assertion(0x05, 8);
        old.client_data = client("webauthn.get", b"old", "https://sim.example.org");
        assert_eq!(show(&used, &old, true), Err(PasskeyError::Challenge));
    }
}

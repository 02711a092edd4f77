//! The cryptography that an SM-DP+ cannot do a download without (SGP.22
//! 3.1.2, 3.1.3, 2.6.4), as calls of the library and nothing between them.

use std::hint::black_box;

use rsp_asn1::rsp::{AuthenticateServerResponse, BoundProfilePackage, PrepareDownloadResponse};
use rsp_core::pki::{ParsedCertificate, member};
use rsp_crypto::bsp::SessionKeys;
use rsp_crypto::software::{SeededRng, SoftwareKey, SoftwareProvider};
use rsp_crypto::{Curve, Provider, PublicKey, Signature, SigningKey};

use super::downloads::{Replies, Requests};
use super::setting::Setting;
use crate::Failure;

/// A message, in the parts in which it is signed.
type Message = Vec<Vec<u8>>;

/// The operations of one download, over its own octets.
pub(super) struct DownloadCrypto {
    signatures: Vec<(SoftwareKey, Message)>,
    verifications: Vec<(PublicKey, Message, Signature)>,
    euicc_otpk: PublicKey,
    host_id: Vec<u8>,
    eid: [u8; 16],
    segments: Vec<Segment>,
}

/// A segment of the package as the secure channel sees it.
struct Segment {
    /// Octets that are encrypted: whole blocks.
    encrypted: Option<usize>,
    /// Octets that are authenticated, without the chaining value.
    authenticated: usize,
}

/// Longest segment (SGP.22 2.5.4).
const MAX_SEGMENT: usize = 1020;
const MAC_LENGTH: usize = 8;
const BLOCK: usize = 16;

/// AES takes the same time whatever its keys are.
const KEY: [u8; 16] = [0x5A; 16];

impl DownloadCrypto {
    /// Takes the operations from a download that was done; fails if one of its
    /// signatures does not verify.
    pub(super) fn of(
        setting: &Setting,
        requests: &Requests,
        replies: &Replies,
    ) -> Result<Self, Failure> {
        let AuthenticateServerResponse::Ok(client) =
            &requests.authenticate.authenticate_server_response
        else {
            return Err("the eUICC did not authenticate the server".into());
        };
        let PrepareDownloadResponse::Ok(prepared) = &requests.get.prepare_download_response else {
            return Err("the eUICC did not prepare the download".into());
        };
        let eum = ParsedCertificate::parse(&client.eum_certificate)?;
        let euicc = ParsedCertificate::parse(&client.euicc_certificate)?;
        let ci_key = setting.anchor.certificate.public_key.clone();
        let signed1 = vec![client.euicc_signed1.as_bytes().to_vec()];
        let signed2 = vec![
            prepared.euicc_signed2.as_bytes().to_vec(),
            signature_object(&replies.authenticate.smdp_signature2),
        ];
        let verifications = vec![
            verification(ci_key, tbs(&eum)?, eum.signature.as_bytes())?,
            verification(
                eum.public_key.clone(),
                tbs(&euicc)?,
                euicc.signature.as_bytes(),
            )?,
            verification(euicc.public_key.clone(), signed1, &client.euicc_signature1)?,
            verification(
                euicc.public_key.clone(),
                signed2,
                &prepared.euicc_signature2,
            )?,
        ];
        let otpk = &prepared.euicc_signed2.euicc_otpk;
        let package = &replies.get.bound_profile_package;
        let channel = &package.initialise_secure_channel_request;
        let (auth, pb) = (
            &setting.member(member::DP_AUTH)?.key,
            &setting.member(member::DP_PB)?.key,
        );
        let smdp_signed2 = vec![
            replies.authenticate.smdp_signed2.as_bytes().to_vec(),
            signature_object(&client.euicc_signature1),
        ];
        let server_signed1 = replies.initiate.server_signed1.as_bytes().to_vec();
        let eid = euicc.eid().ok_or("CERT.EUICC names no EID")?;
        Ok(DownloadCrypto {
            signatures: vec![
                (auth.clone(), vec![server_signed1]),
                (pb.clone(), smdp_signed2),
                (pb.clone(), vec![channel.signed_bytes(otpk)]),
            ],
            verifications,
            euicc_otpk: PublicKey::from_sec1(Curve::NistP256, otpk)?,
            host_id: channel.control_ref_template.host_id.clone(),
            eid: *eid.as_bytes(),
            segments: segments(package),
        })
    }

    /// Does it once.
    pub(super) fn run(&self, rng: &mut SeededRng) -> Result<(), Failure> {
        let crypto = SoftwareProvider;
        for (key, message) in &self.signatures {
            black_box(key.sign(&parts(message))?);
        }
        for (key, message, signature) in &self.verifications {
            crypto.verify(key, &parts(message), signature)?;
        }
        let one_time = crypto.generate_ecka(Curve::NistP256, rng)?;
        let secret = one_time.agree(&self.euicc_otpk)?;
        let keys = SessionKeys::derive(&crypto, &secret, &self.host_id, &self.eid)?;
        black_box(keys);
        let mut buffer = [0; MAX_SEGMENT];
        for segment in &self.segments {
            if let Some(length) = segment.encrypted {
                let mut icv = [0; BLOCK];
                crypto.aes128_encrypt_block(&KEY, &mut icv);
                let data = buffer.get_mut(..length).unwrap_or_default();
                crypto.aes128_cbc_encrypt(&KEY, &icv, data)?;
            }
            let data = buffer.get(..segment.authenticated).unwrap_or_default();
            black_box(crypto.aes128_cmac(&KEY, &[&KEY, data]));
        }
        Ok(())
    }

    /// What it does, for people.
    pub(super) fn text(&self) -> String {
        let encrypted = self.segments.iter().filter_map(|s| s.encrypted);
        format!(
            "the sum of {} signatures, {} verifications, one-time key, agreement, derivation, \
             AES over {} octets, CMACs of {} segments; JSON and store in neither",
            self.signatures.len(),
            self.verifications.len(),
            encrypted.sum::<usize>(),
            self.segments.len(),
        )
    }
}

fn segments(package: &BoundProfilePackage) -> Vec<Segment> {
    let encrypted = |tlv: &Vec<u8>| {
        let authenticated = tlv.len().saturating_sub(MAC_LENGTH);
        Segment {
            // Tag and length are shorter than a block.
            encrypted: Some(authenticated / BLOCK * BLOCK),
            authenticated,
        }
    };
    let mac_only = |tlv: &Vec<u8>| Segment {
        encrypted: None,
        authenticated: tlv.len().saturating_sub(MAC_LENGTH),
    };
    let configure = package.first_sequence_of_87.0.iter().map(encrypted);
    let metadata = package.sequence_of_88.0.iter().map(mac_only);
    let profile = package.sequence_of_86.0.iter().map(encrypted);
    configure.chain(metadata).chain(profile).collect()
}

fn tbs(certificate: &ParsedCertificate) -> Result<Message, Failure> {
    Ok(vec![certificate.certificate.tbs_bytes()?.to_vec()])
}

/// A verification that succeeds.
fn verification(
    key: PublicKey,
    message: Message,
    signature: &[u8],
) -> Result<(PublicKey, Message, Signature), Failure> {
    let signature = Signature::from_slice(signature)?;
    SoftwareProvider.verify(&key, &parts(&message), &signature)?;
    Ok((key, message, signature))
}

fn parts(message: &Message) -> Vec<&[u8]> {
    message.iter().map(Vec::as_slice).collect()
}

/// '5F37 40' and the signature (SGP.22 2.6.7.2).
fn signature_object(signature: &[u8]) -> Vec<u8> {
    let mut object = vec![0x5F, 0x37, 0x40];
    object.extend_from_slice(signature);
    object
}

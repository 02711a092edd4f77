//! Binding: the profile, protected so that one eUICC alone can open it, and
//! the package kept for a retry (SGP.22 2.5.3, 2.5.4, 3.1.3).

use alloc::vec::Vec;
use core::fmt;

use rsp_asn1::ids::{Eid, Iccid, TransactionId};
use rsp_asn1::rsp::{
    BoundProfilePackage, ConfigureIsdpRequest, ControlRefTemplate, InitialiseSecureChannelRequest,
    ReplaceSessionKeysRequest, Segments, SubjectKeyIdentifier,
};
use rsp_asn1::{Asn1, Extensions, Signed};
use rsp_crypto::bsp::{Protector, SessionKeys};
use rsp_crypto::{CryptoError, PublicKey, SigningKey};
use serde::{Deserialize, Serialize};

use super::Protection;
use crate::Context;

/// `remoteOpId`: installBoundProfilePackage.
const INSTALL_BOUND_PROFILE_PACKAGE: i64 = 1;
/// `keyType` and `keyLen`: AES with 16 octets.
const KEY_TYPE_AES: [u8; 1] = [0x88];
const KEY_LENGTH: [u8; 1] = [0x10];

/// A package that was delivered, kept until its result is known: an eUICC that
/// still has the one-time key gets the same one again.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptPackage {
    /// The profile.
    pub iccid: Iccid,
    /// Which order of it.
    pub generation: u32,
    /// The eUICC that it is bound to.
    pub eid: Eid,
    /// CI of the CERT.DPpb that bound it.
    pub server_ci: SubjectKeyIdentifier,
    /// otPK.EUICC.ECKA that it is bound to, uncompressed.
    pub euicc_otpk: Vec<u8>,
    /// `BoundProfilePackage` in DER: it holds no key.
    pub package: Vec<u8>,
}

impl fmt::Debug for KeptPackage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptPackage")
            .field("iccid", &self.iccid)
            .field("generation", &self.generation)
            .field("eid", &self.eid)
            .field("package", &format_args!("[{} octets]", self.package.len()))
            .finish_non_exhaustive()
    }
}

/// To whom a profile is bound, and by whom.
pub(super) struct Binder<'a> {
    pub(super) transaction_id: &'a TransactionId,
    pub(super) eid: Eid,
    pub(super) euicc_otpk: &'a [u8],
    /// SK.DPpb.ECDSA.
    pub(super) key: &'a dyn SigningKey,
}

impl Binder<'_> {
    /// Segments, encrypts and MACs the package with keys that only this eUICC
    /// can derive.
    pub(super) fn bind(
        &self,
        metadata: &[u8],
        package: &[u8],
        protection: Protection,
        cx: &mut Context<'_>,
    ) -> Result<BoundProfilePackage, CryptoError> {
        let curve = self.key.public_key().curve();
        let euicc = PublicKey::from_sec1(curve, self.euicc_otpk)?;
        let otsk = cx.crypto.generate_ecka(curve, cx.rng)?;
        let host_id = cx.random::<8>();
        let profile_keys = match protection {
            Protection::SessionKeys => None,
            Protection::ProfileKeys => Some(ProfileKeys::random(cx)),
        };
        let shared = otsk.agree(&euicc)?;
        let keys = SessionKeys::derive(cx.crypto, &shared, &host_id, self.eid.as_bytes())?;
        let mut protector = Protector::new(cx.crypto, keys);

        let configure = ConfigureIsdpRequest {
            dp_proprietary_data: None,
            extensions: Extensions::default(),
        };
        Ok(BoundProfilePackage {
            initialise_secure_channel_request: self
                .initialise(otsk.public_key().as_sec1().to_vec(), host_id.to_vec())?,
            first_sequence_of_87: Segments(protector.encrypt_all(0x87, &configure.to_der())?),
            sequence_of_88: Segments(protector.mac_only_all(0x88, metadata)?),
            second_sequence_of_87: match profile_keys {
                Some(keys) => Some(keys.replace(&mut protector)?),
                None => None,
            },
            sequence_of_86: Segments(protector.encrypt_all(0x86, package)?),
            extensions: Extensions::default(),
        })
    }

    /// The package as it was delivered before, opened by this session: keys,
    /// and so all segments, stay; only the signature names the session.
    pub(super) fn again(&self, kept: &KeptPackage) -> Option<BoundProfilePackage> {
        let package = BoundProfilePackage::from_der(&kept.package).ok()?;
        let before = &package.initialise_secure_channel_request;
        let host_id = before.control_ref_template.host_id.clone();
        let initialise = self.initialise(before.smdp_otpk.clone(), host_id).ok()?;
        Some(BoundProfilePackage {
            initialise_secure_channel_request: initialise,
            ..package
        })
    }

    /// InitialiseSecureChannel (SGP.22 5.5.1).
    fn initialise(
        &self,
        smdp_otpk: Vec<u8>,
        host_id: Vec<u8>,
    ) -> Result<Signed<InitialiseSecureChannelRequest>, CryptoError> {
        let mut request = InitialiseSecureChannelRequest {
            remote_op_id: INSTALL_BOUND_PROFILE_PACKAGE,
            transaction_id: self.transaction_id.clone(),
            control_ref_template: ControlRefTemplate {
                key_type: KEY_TYPE_AES,
                key_len: KEY_LENGTH,
                host_id,
                extensions: Extensions::default(),
            },
            smdp_otpk,
            smdp_sign: Vec::new(),
            extensions: Extensions::default(),
        };
        let signature = self.key.sign(&[&request.signed_bytes(self.euicc_otpk)])?;
        request.smdp_sign = signature.as_bytes().to_vec();
        Ok(Signed::new(request))
    }
}

/// PPK-ENC, PPK-MAC and the initial MAC chaining value of one package.
struct ProfileKeys(SessionKeys);

impl ProfileKeys {
    fn random(cx: &mut Context<'_>) -> Self {
        ProfileKeys(SessionKeys::from_parts(
            cx.random(),
            cx.random(),
            cx.random(),
        ))
    }

    /// ReplaceSessionKeys under the session keys; from then on these protect.
    fn replace(self, protector: &mut Protector<'_>) -> Result<Segments, CryptoError> {
        let request = ReplaceSessionKeysRequest {
            initial_mac_chaining_value: *self.0.mac_chaining(),
            ppk_enc: *self.0.s_enc(),
            ppk_cmac: *self.0.s_mac(),
            extensions: Extensions::default(),
        };
        let segments = protector.encrypt_all(0x87, &request.to_der())?;
        protector.replace_keys(self.0);
        Ok(Segments(segments))
    }
}

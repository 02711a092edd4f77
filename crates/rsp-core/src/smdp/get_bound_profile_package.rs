//! ES9+.GetBoundProfilePackage (SGP.22 5.6.2, 3.1.3, 2.5.3, 2.5.4).

use alloc::vec::Vec;

use rsp_asn1::rsp::{
    BoundProfilePackage, ConfigureIsdpRequest, ControlRefTemplate, InitialiseSecureChannelRequest,
    PrepareDownloadResponse, PrepareDownloadResponseOk, Segments,
};
use rsp_asn1::{Asn1, Extensions, Signed};
use rsp_crypto::bsp::{Protector, SessionKeys};
use rsp_crypto::{CryptoError, PublicKey, Signature};

use super::authenticate_client::signature_object;
use super::identity::CiIdentity;
use super::{
    AwaitGetBoundProfilePackage, AwaitInstallationResult, Order, OrderState, ProfileMaterial,
    Refusal, Session, Smdp, Step,
};
use crate::Context;
use crate::binding::es9plus_json::{GetBoundProfilePackageOk, GetBoundProfilePackageRequest};
use crate::profile::personalise;

/// `remoteOpId`: installBoundProfilePackage.
const INSTALL_BOUND_PROFILE_PACKAGE: i64 = 1;
/// `keyType` and `keyLen`: AES with 16 octets.
const KEY_TYPE_AES: [u8; 1] = [0x88];
const KEY_LENGTH: [u8; 1] = [0x10];

impl AwaitGetBoundProfilePackage {
    /// Binds the profile to the eUICC's one-time key and delivers it.
    ///
    /// # Errors
    /// If the eUICC refused or its signature is wrong, or the profile cannot
    /// be personalised.
    pub fn get_bound_profile_package(
        &self,
        request: &GetBoundProfilePackageRequest,
        (order, material): (Order, ProfileMaterial),
        smdp: &Smdp,
        cx: &mut Context<'_>,
    ) -> Result<Step<GetBoundProfilePackageOk>, Refusal> {
        if request.transaction_id != self.transaction_id {
            return Err(Refusal::UnknownTransaction);
        }
        let PrepareDownloadResponse::Ok(ok) = &request.prepare_download_response else {
            return Err(Refusal::EuiccError);
        };
        self.verify(ok, cx)?;
        order.check_eligible(self.eid)?;
        let package = personalise(&material.template, &material.subscription)
            .map_err(|_| Refusal::NoEligibleProfile)?;
        let metadata = material.metadata(&smdp.address);
        let metadata = metadata.map_err(|_| Refusal::NoEligibleProfile)?.to_der();
        let set = smdp.identity(&self.server_ci);
        let set = set.ok_or(Refusal::BindingFailed)?;
        let bound = self.bind(&ok.euicc_signed2.euicc_otpk, &metadata, &package, set, cx);
        Ok(Step {
            session: Session::AwaitInstallationResult(AwaitInstallationResult {
                transaction_id: self.transaction_id.clone(),
                eid: self.eid,
                iccid: self.iccid,
                euicc_key: self.euicc_key.clone(),
            }),
            order: Some(Order {
                state: OrderState::Downloaded,
                eid: Some(self.eid),
                ..order
            }),
            reply: GetBoundProfilePackageOk {
                transaction_id: self.transaction_id.clone(),
                bound_profile_package: bound.map_err(|_| Refusal::BindingFailed)?,
            },
        })
    }

    fn verify(&self, ok: &PrepareDownloadResponseOk, cx: &Context<'_>) -> Result<(), Refusal> {
        let wrong = |_| Refusal::EuiccSignatureInvalid;
        let key = PublicKey::from_spki_der(&self.euicc_key).map_err(wrong)?;
        let signature = Signature::from_slice(&ok.euicc_signature2).map_err(wrong)?;
        let smdp_signature2 = signature_object(&self.smdp_signature2);
        let message = [ok.euicc_signed2.as_bytes(), smdp_signature2.as_slice()];
        cx.crypto
            .verify(&key, &message, &signature)
            .map_err(wrong)?;
        match ok.euicc_signed2.transaction_id == self.transaction_id {
            true => Ok(()),
            false => Err(Refusal::UnknownTransaction),
        }
    }

    /// Segments, encrypts and MACs the package with keys that only this eUICC
    /// can derive.
    fn bind(
        &self,
        euicc_otpk: &[u8],
        metadata: &[u8],
        package: &[u8],
        set: &CiIdentity,
        cx: &mut Context<'_>,
    ) -> Result<BoundProfilePackage, CryptoError> {
        let curve = set.curve();
        let euicc = PublicKey::from_sec1(curve, euicc_otpk)?;
        let otsk = cx.crypto.generate_ecka(curve, cx.rng)?;
        let host_id = cx.random::<8>();
        let shared = otsk.agree(&euicc)?;
        let keys = SessionKeys::derive(cx.crypto, &shared, &host_id, self.eid.as_bytes())?;
        let mut protector = Protector::new(cx.crypto, keys);

        let configure = ConfigureIsdpRequest {
            dp_proprietary_data: None,
            extensions: Extensions::default(),
        };
        let initialise = self.initialise(otsk.public_key(), euicc_otpk, &host_id, set)?;
        Ok(BoundProfilePackage {
            initialise_secure_channel_request: initialise,
            first_sequence_of_87: Segments(protector.encrypt_all(0x87, &configure.to_der())?),
            sequence_of_88: Segments(protector.mac_only_all(0x88, metadata)?),
            second_sequence_of_87: None,
            sequence_of_86: Segments(protector.encrypt_all(0x86, package)?),
            extensions: Extensions::default(),
        })
    }

    /// InitialiseSecureChannel (SGP.22 5.5.1).
    fn initialise(
        &self,
        smdp_otpk: &PublicKey,
        euicc_otpk: &[u8],
        host_id: &[u8],
        set: &CiIdentity,
    ) -> Result<Signed<InitialiseSecureChannelRequest>, CryptoError> {
        let mut request = InitialiseSecureChannelRequest {
            remote_op_id: INSTALL_BOUND_PROFILE_PACKAGE,
            transaction_id: self.transaction_id.clone(),
            control_ref_template: ControlRefTemplate {
                key_type: KEY_TYPE_AES,
                key_len: KEY_LENGTH,
                host_id: host_id.to_vec(),
                extensions: Extensions::default(),
            },
            smdp_otpk: smdp_otpk.as_sec1().to_vec(),
            smdp_sign: Vec::new(),
            extensions: Extensions::default(),
        };
        let signature = set.pb.key.sign(&[&request.signed_bytes(euicc_otpk)])?;
        request.smdp_sign = signature.as_bytes().to_vec();
        Ok(Signed::new(request))
    }
}

//! A download through the eIM, step by step: the suite is IPA, eUICC and the
//! SM-DP+ behind the eIM.

use std::sync::{Arc, Mutex};

use rsp_asn1::Asn1;
use rsp_asn1::ids::TransactionId;
use rsp_asn1::rsp::{
    AuthenticateServerResponse, CancelSessionReason, CancelSessionResponse,
    CancelSessionResponseOk, EuiccCancelSessionSigned, FinalResult, NotificationMetadata,
    ProfileInstallationResult, ProfileInstallationResultData, SuccessResult,
};
use rsp_asn1::sgp32::{
    AuthenticateClientOkDpEsipa, AuthenticateClientRequestEsipa, AuthenticateClientResponseEsipa,
    CancelSessionRequestEsipa, EsipaMessageFromEimToIpa, EsipaMessageFromIpaToEim,
    GetBoundProfilePackageRequestEsipa, GetBoundProfilePackageResponseEsipa, GetEimPackageResponse,
    InitiateAuthenticationOkEsipa, InitiateAuthenticationRequestEsipa,
    InitiateAuthenticationResponseEsipa, ProfileDownloadTriggerRequest,
};
use rsp_asn1::{BitString, Extensions, Signed};
use rsp_core::pki::key_identifier;
use rsp_crypto::SigningKey;
use rsp_crypto::software::{SoftwareKey, SoftwareProvider};
use serde_json::{Value, json};

use super::bench::Bench;
use super::device::Device;
use crate::conform::case::{Check, Stop, fail, skip, some};
use crate::conform::der::hex;
use crate::conform::euicc::server::{Ground, OID};
use crate::conform::played::{Bend, Seen, Smdp};
use crate::conform::smdp::euicc::{Euicc, info2};
use crate::conform::{Answers, HttpMessage, HttpReply};

/// The profile of the SM-DP+.
const ICCID: &str = "89000000000000001036";

/// MatchingID of the orders.
pub(super) const MATCHING_ID: &str = "MyMatchingId";

/// A download under way.
pub(super) struct Relay {
    pub(super) device: Device,
    pub(super) euicc: Euicc,
    /// Name of the order.
    pub(super) order: String,
    pub(super) smdp: Arc<Mutex<Smdp>>,
    pub(super) trigger: ProfileDownloadTriggerRequest,
    /// Address of the SM-DP+.
    pub(super) address: String,
    pub(super) transaction_id: Option<TransactionId>,
}

/// What a function came to: the answer, or the number of its error.
pub(super) type Answer<T> = Result<T, i64>;

/// What a server behind the eIM answers.
fn answers(server: &Arc<Mutex<Smdp>>) -> Answers {
    let server = server.clone();
    Box::new(move |message: &HttpMessage| {
        let answer = server.lock().ok().and_then(|mut s| s.es9plus(message));
        answer.unwrap_or(HttpReply {
            status: 404,
            ..HttpReply::default()
        })
    })
}

impl Bench {
    /// An SM-DS behind the eIM, with an event that leads there.
    pub(super) fn smds(&mut self, leads_to: &str) -> Check<(String, Arc<Mutex<Smdp>>)> {
        let Some(address) = self.smds.as_ref().map(|played| played.address()) else {
            return skip("the eIM cannot reach an SM-DS of the suite's (--smds)");
        };
        let event = (MATCHING_ID.to_string(), leads_to.to_string());
        let smds = Smdp::smds(&mut self.ground()?, &address, vec![event])?;
        let smds = Arc::new(Mutex::new(smds));
        if let Some(played) = &mut self.smds {
            played.answer(answers(&smds));
        }
        Ok((address, smds))
    }

    fn ground(&mut self) -> Check<Ground<'_>> {
        let Some(key) = self.authority.key.clone() else {
            return skip("no key of a CI that the eIM trusts is given (--ca with its key)");
        };
        Ok(Ground {
            ci_key_identifier: key_identifier(SigningKey::public_key(&key), &SoftwareProvider),
            ci: (self.authority.certificate.clone(), key),
            now: self.now,
            rng: &mut self.rng,
        })
    }

    /// An SM-DP+ behind the eIM.
    pub(super) fn smdp(&mut self, bend: Bend) -> Check<(String, Arc<Mutex<Smdp>>)> {
        let Some(address) = self.smdp.as_ref().map(|played| played.address()) else {
            return skip("the eIM cannot reach an SM-DP+ of the suite's (--smdp)");
        };
        let smdp = Smdp::new(&mut self.ground()?, &address, ICCID, bend)?;
        let smdp = Arc::new(Mutex::new(smdp));
        if let Some(played) = &mut self.smdp {
            played.answer(answers(&smdp));
        }
        Ok((address, smdp))
    }

    /// A download that was ordered and triggered, of a device with these
    /// features.
    pub(super) fn relay(&mut self, features: &[u8], bend: Bend) -> Check<Relay> {
        let (address, smdp) = self.smdp(bend)?;
        let device = self.device_with(features)?;
        let oid = match bend {
            Bend::Oid => format!("${OID}"),
            _ => String::new(),
        };
        let code = format!("LPA:1${address}${MATCHING_ID}{oid}");
        let mut order = json!({"kind": "download", "activation_code": code});
        if let (Bend::Code(code), Some(members)) = (bend, order.as_object_mut()) {
            members.insert("confirmation_code".into(), code.into());
        }
        self.triggered(device, order, (address, smdp))
    }

    /// What was ordered of a device, triggered.
    pub(super) fn triggered(
        &mut self,
        device: Device,
        order: Value,
        (address, smdp): (String, Arc<Mutex<Smdp>>),
    ) -> Check<Relay> {
        let order = self.place(&device, order)?;
        let answer = self.poll_beyond_certificates(&device)?;
        let GetEimPackageResponse::ProfileDownloadTriggerRequest(trigger) = answer else {
            return fail(format!("GetEimPackage is answered with {answer:?}"));
        };
        let euicc = self.euicc_of(&device)?;
        Ok(Relay {
            device,
            euicc,
            order,
            smdp,
            trigger,
            address,
            transaction_id: None,
        })
    }

    fn euicc_of(&mut self, device: &Device) -> Check<Euicc> {
        let curve = SigningKey::public_key(&device.key).curve();
        Ok(Euicc {
            eid: device.eid,
            key: device.key.clone(),
            certificate: device.certificate.clone(),
            eum: device.eum.clone(),
            ci: device.ci.clone(),
            info2: info2(&device.ci)?,
            device: crate::device_info(),
            one_time: SoftwareKey::generate(curve, &mut self.rng)?,
            code: None,
        })
    }

    /// A message of ESipa and the answer to it.
    fn ask(&mut self, message: EsipaMessageFromIpaToEim) -> Check<EsipaMessageFromEimToIpa> {
        let octets = self.executed(&message.to_der())?;
        Ok(EsipaMessageFromEimToIpa::from_der(&octets)?)
    }

    /// InitiateAuthentication, as the IPA is to send it.
    pub(super) fn initiated(
        &mut self,
        relay: &mut Relay,
        change: impl FnOnce(&mut InitiateAuthenticationRequestEsipa),
    ) -> Check<Answer<InitiateAuthenticationOkEsipa>> {
        let mut request = InitiateAuthenticationRequestEsipa {
            euicc_challenge: [7; 16],
            smdp_address: Some(relay.address.clone()),
            euicc_info1: Some(relay.euicc.info1()),
            eim_transaction_id: relay.trigger.eim_transaction_id.clone(),
            extensions: Extensions::default(),
        };
        change(&mut request);
        let message = EsipaMessageFromIpaToEim::InitiateAuthenticationRequest(request);
        let EsipaMessageFromEimToIpa::InitiateAuthenticationResponse(response) =
            self.ask(message)?
        else {
            return fail("another answer than InitiateAuthentication's");
        };
        Ok(match response {
            InitiateAuthenticationResponseEsipa::Ok(ok) => {
                let signed = &ok.server_signed1;
                relay.transaction_id = Some(signed.transaction_id.clone());
                Ok(ok)
            }
            InitiateAuthenticationResponseEsipa::Error(code) => Err(code.0),
        })
    }

    /// AuthenticateClient with an SM-DP+.
    pub(super) fn authenticated(
        &mut self,
        relay: &mut Relay,
        started: &InitiateAuthenticationOkEsipa,
    ) -> Check<Answer<(AuthenticateClientOkDpEsipa, Vec<u8>)>> {
        match self.authenticate_with(relay, started, Some(MATCHING_ID))? {
            (AuthenticateClientResponseEsipa::OkDp(ok), signature1) => Ok(Ok((ok, signature1))),
            (AuthenticateClientResponseEsipa::OkDs(_), _) => fail("the answer of an SM-DS"),
            (AuthenticateClientResponseEsipa::Error(code), _) => Ok(Err(code.0)),
        }
    }

    /// AuthenticateClient; gives euiccSignature1, too.
    pub(super) fn authenticate_with(
        &mut self,
        relay: &mut Relay,
        started: &InitiateAuthenticationOkEsipa,
        matching_id: Option<&str>,
    ) -> Check<(AuthenticateClientResponseEsipa, Vec<u8>)> {
        let euicc = &relay.euicc;
        let mut signed = euicc.signed1(&started.server_signed1, matching_id);
        if let Some(made) = &started.ctx_params1 {
            signed.ctx_params1 = made.clone();
        }
        let response = relay.euicc.authenticates(signed)?;
        let signature1 = match &response {
            AuthenticateServerResponse::Ok(ok) => ok.euicc_signature1.clone(),
            _ => return fail("the suite's eUICC gives no answer"),
        };
        let request = AuthenticateClientRequestEsipa {
            transaction_id: some("the session", relay.transaction_id.clone())?,
            authenticate_server_response: response,
            extensions: Extensions::default(),
        };
        let message = EsipaMessageFromIpaToEim::AuthenticateClientRequest(request);
        match self.ask(message)? {
            EsipaMessageFromEimToIpa::AuthenticateClientResponse(response) => {
                Ok((response, signature1))
            }
            _ => fail("another answer than AuthenticateClient's"),
        }
    }

    /// GetBoundProfilePackage; the package in octets.
    pub(super) fn bound(
        &mut self,
        relay: &mut Relay,
        offered: &AuthenticateClientOkDpEsipa,
    ) -> Check<Answer<Vec<u8>>> {
        let id = some("the session", relay.transaction_id.clone())?;
        let response = relay.euicc.prepares(&id, &offered.smdp_signature2)?;
        let request = GetBoundProfilePackageRequestEsipa {
            transaction_id: id,
            prepare_download_response: response,
            extensions: Extensions::default(),
        };
        let message = EsipaMessageFromIpaToEim::GetBoundProfilePackageRequest(request);
        let EsipaMessageFromEimToIpa::GetBoundProfilePackageResponse(response) =
            self.ask(message)?
        else {
            return fail("another answer than GetBoundProfilePackage's");
        };
        Ok(match response {
            GetBoundProfilePackageResponseEsipa::Ok(ok) => Ok(ok.bound_profile_package.to_der()),
            GetBoundProfilePackageResponseEsipa::Error(code) => Err(code.0),
        })
    }

    /// CancelSession by the eUICC, with this reason.
    pub(super) fn cancelled(
        &mut self,
        relay: &Relay,
        reason: CancelSessionReason,
    ) -> Check<EsipaMessageFromEimToIpa> {
        let id = some("the session", relay.transaction_id.clone())?;
        let signed = Signed::new(EuiccCancelSessionSigned {
            transaction_id: id.clone(),
            smdp_oid: OID.parse()?,
            reason,
            extensions: Extensions::default(),
        });
        let response = CancelSessionResponse::Ok(CancelSessionResponseOk {
            euicc_cancel_session_signature: relay.euicc.sign(&signed)?,
            euicc_cancel_session_signed: signed,
            extensions: Extensions::default(),
        });
        let request = CancelSessionRequestEsipa {
            transaction_id: id,
            cancel_session_response: response,
            extensions: Extensions::default(),
        };
        self.ask(EsipaMessageFromIpaToEim::CancelSessionRequest(request))
    }
}

impl Relay {
    /// What has come to the SM-DP+, all of it as it should be.
    pub(super) fn seen(&self) -> Check<Vec<Seen>> {
        let smdp = self.smdp.lock();
        let smdp = smdp.map_err(|error| Stop::Failed(error.to_string()))?;
        match &smdp.wrong {
            Some(wrong) => fail(wrong.clone()),
            None => Ok(smdp.seen.clone()),
        }
    }

    /// Whether the SM-DP+ has the installation result.
    pub(super) fn is_told(&self) -> bool {
        self.smdp.lock().is_ok_and(|smdp| smdp.has_result())
    }

    /// The result of a successful installation.
    pub(super) fn installed(&self) -> Check<Vec<u8>> {
        let id = match &self.transaction_id {
            Some(id) => id.clone(),
            None => TransactionId::from_bytes(&[5; 8])?,
        };
        let data = Signed::new(ProfileInstallationResultData {
            transaction_id: id,
            notification_metadata: NotificationMetadata {
                seq_number: 3,
                profile_management_operation: BitString::of(&[0]),
                notification_address: self.address.clone(),
                iccid: Some(ICCID.parse()?),
                extensions: Extensions::default(),
            },
            smdp_oid: OID.parse()?,
            final_result: FinalResult::Success(SuccessResult {
                aid: hex("A0000005591010FFFFFFFF8900001100"),
                sima_response: hex("3007A0053003800100"),
                extensions: Extensions::default(),
            }),
            extensions: Extensions::default(),
        });
        let result = ProfileInstallationResult {
            euicc_sign_pir: self.euicc.sign(&data)?,
            profile_installation_result_data: data,
            extensions: Extensions::default(),
        };
        Ok(result.to_der())
    }
}

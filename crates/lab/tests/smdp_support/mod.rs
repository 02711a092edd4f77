//! An SM-DP+ and cards whose every message a test can bend: what they sign is
//! made here by hand, not by the software eUICC.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test uses a part; tests fail by panicking"
)]

use std::cell::Cell;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rsp_asn1::ids::{Eid, Iccid, TransactionId};
use rsp_asn1::rsp::{
    AuthenticateResponseOk, AuthenticateServerResponse, CancelSessionReason, CancelSessionResponse,
    CancelSessionResponseOk, CtxParams1, CtxParamsForCommonAuthentication, ErrorReason,
    ErrorResult, EuiccCancelSessionSigned, EuiccInfo1, EuiccInfo2, EuiccSigned1, EuiccSigned2,
    FinalResult, NOTIFICATION_ENABLE, NOTIFICATION_INSTALL, NotificationMetadata,
    OtherSignedNotification, PendingNotification, PrepareDownloadResponse,
    PrepareDownloadResponseOk, ProfileInstallationResult, ProfileInstallationResultData,
    RemoteProfileProvisioningResponse, SuccessResult,
};
use rsp_asn1::{Asn1, BitString, Certificate, Extensions, Signed, Tag, Writer};
use rsp_core::binding::es2plus_json::{
    CancelOrder, ConfirmOrder, DownloadOrder, FinalProfileStatus, RequestHeader,
};
use rsp_core::binding::es9plus_json as es9plus;
use rsp_core::binding::{
    BindingError, HttpRequest, HttpResponse, es2plus_json, es9plus as wire, es9plus_asn1,
    es9plus_client, json,
};
use rsp_core::pki::{Hierarchy, Name, Role, Template, TrustAnchor, issue, member};
use rsp_core::profile::{self, Subscription};
use rsp_core::smdp::{DpIdentity, Order, Policy, ProfileTypeSettings, Progress, Smdp};
use rsp_core::{Context, Identity, Timestamp};
use rsp_crypto::software::{SeededRng, SoftwareKey, SoftwareProvider};
use rsp_crypto::{Curve, SigningKey};
use store::{Due, ProfileStock, SmdpHost, SmdpStore, SqliteStore};

pub(crate) const ADDRESS: &str = "smdp.example.com";
pub(crate) const START: Timestamp = Timestamp::from_secs(1_767_225_600);
pub(crate) const YEAR: Duration = Duration::from_secs(365 * 86_400);
pub(crate) const PREFIX: &str = "89049032";
pub(crate) const OPERATOR: &str = "operator";
pub(crate) const SMDP_OID: &str = "2.999.10";

/// A CI with an EUM, an SM-DP+ and an SM-DS.
pub(crate) struct Ca {
    pub(crate) anchor: TrustAnchor,
    pub(crate) ci_key: SoftwareKey,
    pub(crate) eum: Certificate,
    pub(crate) eum_key: SoftwareKey,
    pub(crate) auth: (Certificate, SoftwareKey),
    pub(crate) pb: (Certificate, SoftwareKey),
    pub(crate) ds: (Certificate, SoftwareKey),
}

pub(crate) fn name(common_name: &str, serial_number: &str) -> Name {
    Name {
        organization: "Test".to_string(),
        serial_number: serial_number.to_string(),
        common_name: common_name.to_string(),
        ..Name::default()
    }
}

impl Ca {
    pub(crate) fn new(rng: &mut SeededRng) -> Self {
        Ca::on(Curve::NistP256, rng)
    }

    /// On one of the curves.
    pub(crate) fn on(curve: Curve, rng: &mut SeededRng) -> Self {
        let hierarchy = Hierarchy {
            curve,
            organization: "Test".to_string(),
            smdp_host: ADDRESS.to_string(),
            smds_host: "smds.example.com".to_string(),
            eim_host: "eim.example.com".to_string(),
            door_host: "localhost".to_string(),
            eid_prefix: PREFIX.to_string(),
            not_before: START,
            not_after: START.after(10 * YEAR),
        };
        let mut seed = [0; 8];
        rsp_crypto::Rng::fill(rng, &mut seed);
        let mut keys = SeededRng::new(u64::from_be_bytes(seed));
        let make_key = |curve| SoftwareKey::generate(curve, &mut keys);
        let mut issued = hierarchy
            .issue_all(make_key, &SoftwareProvider, rng)
            .unwrap();
        let mut take = |member| {
            let at = issued.iter().position(|issued| issued.member == member);
            let issued = issued.swap_remove(at.unwrap());
            (issued.certificate, issued.key)
        };
        let (ci, ci_key) = take(member::CI);
        let (eum, eum_key) = take(member::EUM);
        Ca {
            anchor: TrustAnchor::new(&ci, &SoftwareProvider).unwrap(),
            ci_key,
            eum,
            eum_key,
            auth: take(member::DP_AUTH),
            pb: take(member::DP_PB),
            ds: take(member::DS_AUTH),
        }
    }

    /// A certificate of any role, by the CI or its EUM.
    pub(crate) fn issue(
        &self,
        role: Role,
        subject: Name,
        key: &SoftwareKey,
        not_after: Timestamp,
    ) -> Certificate {
        let euicc = role == Role::Euicc;
        let template = Template {
            role,
            subject,
            public_key: key.public_key(),
            serial: &[1],
            not_before: START,
            not_after,
        };
        let (issuer, issuer_key) = match euicc {
            true => (name("Test EUM", ""), &self.eum_key),
            false => (name("Test CI", ""), &self.ci_key),
        };
        issue(&template, &issuer, issuer_key, &SoftwareProvider).unwrap()
    }

    /// A card whose certificate ends at `not_after`.
    pub(crate) fn card(&self, eid: Eid, not_after: Timestamp, rng: &mut SeededRng) -> Card {
        let key = SoftwareKey::generate(self.eum_key.public_key().curve(), rng).unwrap();
        let subject = name("Test eUICC", &eid.to_string());
        Card {
            eid,
            certificate: self.issue(Role::Euicc, subject, &key, not_after),
            eum: self.eum.clone(),
            ci: self.anchor.key_identifier.clone(),
            info: euicc_info2(&self.anchor.key_identifier),
            otpk: 5,
            code: None,
            key,
        }
    }

    /// Certificates and keys of the SM-DP+ under this CI.
    pub(crate) fn set(&self) -> DpIdentity {
        DpIdentity {
            auth: identity(&self.auth),
            pb: identity(&self.pb),
        }
    }

    /// What the SM-DP+ is made of.
    pub(crate) fn smdp(&self, anchors: Vec<TrustAnchor>) -> Smdp {
        Smdp::new(
            ADDRESS.to_string(),
            vec![self.set()],
            anchors,
            START,
            &SoftwareProvider,
        )
        .unwrap()
    }
}

pub(crate) fn identity((certificate, key): &(Certificate, SoftwareKey)) -> Identity {
    Identity {
        certificate: certificate.clone(),
        key: Box::new(copy(key)),
    }
}

pub(crate) fn copy(key: &SoftwareKey) -> SoftwareKey {
    SoftwareKey::from_scalar(key.public_key().curve(), &key.to_scalar()).unwrap()
}

pub(crate) fn eid(prefix: &str, number: u32) -> Eid {
    Eid::with_check_digits(&format!("{prefix}{number:022}")).unwrap()
}

pub(crate) fn iccid(number: u32) -> Iccid {
    format!("8999970000{number:09}0").parse().unwrap()
}

pub(crate) fn subscription(number: u32) -> Subscription {
    let imsi = format!("99970{number:010}").parse().unwrap();
    Subscription::new(iccid(number), imsi, [1; 16], [2; 16])
}

/// What signs for an eUICC.
pub(crate) struct Card {
    pub(crate) eid: Eid,
    pub(crate) key: SoftwareKey,
    pub(crate) certificate: Certificate,
    pub(crate) eum: Certificate,
    pub(crate) ci: Vec<u8>,
    /// What it says of itself.
    pub(crate) info: EuiccInfo2,
    /// One-time keys come from here.
    pub(crate) otpk: u64,
    /// What the end user types.
    pub(crate) code: Option<String>,
}

impl Card {
    pub(crate) fn sign(&self, message: &[&[u8]]) -> Vec<u8> {
        self.key.sign(message).unwrap().as_bytes().to_vec()
    }

    pub(crate) fn initiate(&self) -> es9plus::InitiateAuthenticationRequest {
        es9plus::InitiateAuthenticationRequest {
            euicc_challenge: [7; 16],
            euicc_info1: EuiccInfo1 {
                svn: [2, 5, 0],
                euicc_ci_pk_id_list_for_verification: vec![self.ci.clone()],
                euicc_ci_pk_id_list_for_signing: vec![self.ci.clone()],
                extensions: Extensions::default(),
            },
            smdp_address: ADDRESS.to_string(),
        }
    }

    pub(crate) fn signed1(
        &self,
        started: &es9plus::InitiateAuthenticationOk,
        matching_id: Option<&str>,
    ) -> EuiccSigned1 {
        let server = &started.server_signed1;
        EuiccSigned1 {
            transaction_id: server.transaction_id.clone(),
            server_address: server.server_address.clone(),
            server_challenge: server.server_challenge,
            euicc_info2: self.info.clone(),
            ctx_params1: CtxParams1::CommonAuthentication(CtxParamsForCommonAuthentication {
                matching_id: matching_id.map(ToString::to_string),
                device_info: lab::device_info(),
                extensions: Extensions::default(),
            }),
            extensions: Extensions::default(),
        }
    }

    pub(crate) fn authenticate_with(
        &self,
        signed1: EuiccSigned1,
    ) -> es9plus::AuthenticateClientRequest {
        let transaction_id = signed1.transaction_id.clone();
        let euicc_signed1 = Signed::new(signed1);
        es9plus::AuthenticateClientRequest {
            transaction_id,
            authenticate_server_response: AuthenticateServerResponse::Ok(AuthenticateResponseOk {
                euicc_signature1: self.sign(&[euicc_signed1.as_bytes()]),
                euicc_signed1,
                euicc_certificate: self.certificate.clone(),
                eum_certificate: self.eum.clone(),
                extensions: Extensions::default(),
            }),
        }
    }

    pub(crate) fn authenticate(
        &self,
        started: &es9plus::InitiateAuthenticationOk,
        matching_id: Option<&str>,
    ) -> es9plus::AuthenticateClientRequest {
        self.authenticate_with(self.signed1(started, matching_id))
    }

    /// GetBoundProfilePackage with this one-time key.
    pub(crate) fn get_package_with(
        &self,
        offered: &es9plus::AuthenticateClientOk,
        signed_id: &TransactionId,
        euicc_otpk: Vec<u8>,
    ) -> es9plus::GetBoundProfilePackageRequest {
        let euicc_signed2 = Signed::new(EuiccSigned2 {
            transaction_id: signed_id.clone(),
            euicc_otpk,
            hash_cc: self.code.as_ref().map(|code| hash_cc(code, signed_id)),
            extensions: Extensions::default(),
        });
        let mut chained = Writer::new();
        let signature2 = offered.smdp_signature2.clone();
        signature2.encode_tagged(Tag::new(0x5F37), &mut chained);
        let message = [euicc_signed2.as_bytes(), &chained.into_bytes()];
        es9plus::GetBoundProfilePackageRequest {
            transaction_id: offered.transaction_id.clone(),
            prepare_download_response: PrepareDownloadResponse::Ok(PrepareDownloadResponseOk {
                euicc_signature2: self.sign(&message),
                euicc_signed2,
                extensions: Extensions::default(),
            }),
        }
    }

    pub(crate) fn get_package(
        &self,
        offered: &es9plus::AuthenticateClientOk,
    ) -> es9plus::GetBoundProfilePackageRequest {
        self.get_package_with(offered, &offered.transaction_id, self.otpk())
    }

    /// Its one-time public key.
    pub(crate) fn otpk(&self) -> Vec<u8> {
        let mut rng = SeededRng::new(self.otpk);
        let curve = self.key.public_key().curve();
        let otpk = SoftwareKey::generate(curve, &mut rng).unwrap();
        otpk.public_key().as_sec1().to_vec()
    }

    pub(crate) fn cancel_with(
        &self,
        id: &TransactionId,
        signed_id: &TransactionId,
        oid: &str,
        reason: CancelSessionReason,
    ) -> es9plus::CancelSessionRequest {
        let signed = Signed::new(EuiccCancelSessionSigned {
            transaction_id: signed_id.clone(),
            smdp_oid: oid.parse().unwrap(),
            reason,
            extensions: Extensions::default(),
        });
        es9plus::CancelSessionRequest {
            transaction_id: id.clone(),
            cancel_session_response: CancelSessionResponse::Ok(CancelSessionResponseOk {
                euicc_cancel_session_signature: self.sign(&[signed.as_bytes()]),
                euicc_cancel_session_signed: signed,
                extensions: Extensions::default(),
            }),
        }
    }

    pub(crate) fn cancel(
        &self,
        id: &TransactionId,
        reason: CancelSessionReason,
    ) -> es9plus::CancelSessionRequest {
        self.cancel_with(id, id, SMDP_OID, reason)
    }

    pub(crate) fn result(
        &self,
        id: &TransactionId,
        success: bool,
    ) -> es9plus::HandleNotificationRequest {
        let final_result = match success {
            true => FinalResult::Success(SuccessResult {
                aid: vec![0xA0; 16],
                sima_response: vec![0x30, 0x00],
                extensions: Extensions::default(),
            }),
            false => FinalResult::Error(ErrorResult {
                bpp_command_id: rsp_asn1::rsp::BppCommandId::LOAD_PROFILE_ELEMENTS,
                error_reason: ErrorReason::INSTALL_FAILED_DUE_TO_INTERRUPTION,
                sima_response: None,
                extensions: Extensions::default(),
            }),
        };
        let data = Signed::new(ProfileInstallationResultData {
            transaction_id: id.clone(),
            notification_metadata: metadata(1, NOTIFICATION_INSTALL),
            smdp_oid: SMDP_OID.parse().unwrap(),
            final_result,
            extensions: Extensions::default(),
        });
        let result = Signed::new(ProfileInstallationResult {
            euicc_sign_pir: self.sign(&[data.as_bytes()]),
            profile_installation_result_data: data,
            extensions: Extensions::default(),
        });
        es9plus::HandleNotificationRequest {
            pending_notification: PendingNotification::ProfileInstallationResult(result),
        }
    }

    /// An enable notification; `signer` is the card if it is honest.
    pub(crate) fn enabled(
        &self,
        seq_number: i64,
        signer: &Card,
    ) -> es9plus::HandleNotificationRequest {
        self.notification(metadata(seq_number, NOTIFICATION_ENABLE), signer)
    }

    /// A notification of an event on a profile.
    pub(crate) fn notifies(
        &self,
        seq_number: i64,
        event: u8,
        iccid: Iccid,
    ) -> es9plus::HandleNotificationRequest {
        let metadata = NotificationMetadata {
            iccid: Some(iccid),
            ..metadata(seq_number, event)
        };
        self.notification(metadata, self)
    }

    fn notification(
        &self,
        metadata: NotificationMetadata,
        signer: &Card,
    ) -> es9plus::HandleNotificationRequest {
        let tbs = Signed::new(metadata);
        let other = Signed::new(OtherSignedNotification {
            euicc_notification_signature: signer.sign(&[tbs.as_bytes()]),
            tbs_other_notification: tbs,
            euicc_certificate: self.certificate.clone(),
            eum_certificate: self.eum.clone(),
            extensions: Extensions::default(),
        });
        es9plus::HandleNotificationRequest {
            pending_notification: PendingNotification::Other(other),
        }
    }
}

fn metadata(seq_number: i64, event: u8) -> NotificationMetadata {
    NotificationMetadata {
        seq_number,
        profile_management_operation: BitString::of(&[event]),
        notification_address: ADDRESS.to_string(),
        iccid: Some(iccid(1)),
        extensions: Extensions::default(),
    }
}

fn euicc_info2(ci: &[u8]) -> EuiccInfo2 {
    EuiccInfo2 {
        profile_version: [2, 3, 1],
        svn: [2, 5, 0],
        euicc_firmware_ver: [1, 0, 0],
        ext_card_resource: Vec::new(),
        uicc_capability: BitString::of(&[0]),
        ts102241_version: None,
        globalplatform_version: None,
        rsp_capability: BitString::of(&[0]),
        euicc_ci_pk_id_list_for_verification: vec![ci.to_vec()],
        euicc_ci_pk_id_list_for_signing: vec![ci.to_vec()],
        euicc_category: None,
        forbidden_profile_policy_rules: None,
        pp_version: [1, 0, 0],
        sas_acreditation_number: "TEST".try_into().unwrap(),
        certification_data_object: None,
        tre_properties: None,
        tre_product_reference: None,
        additional_euicc_profile_package_versions: None,
        ipa_mode: None,
        euicc_ci_pk_id_list_for_signing_v3: None,
        additional_euicc_info: None,
        highest_svn: None,
        iot_specific_info: None,
        euicc_minimum_security_level: None,
        extensions: Extensions::default(),
    }
}

/// `SHA-256(SHA-256(code) || transactionId)`, by a library of its own.
pub(crate) fn hash_cc(code: &str, id: &TransactionId) -> [u8; 32] {
    use rsp_crypto::Provider;
    let inner = SoftwareProvider.sha256(&[code.as_bytes()]);
    SoftwareProvider.sha256(&[&inner, id.as_bytes()])
}

thread_local! {
    /// The binding in which messages of ES9+ go whose refusal is asked for.
    static REFUSED_IN: Cell<wire::Wire> = const { Cell::new(wire::Wire::Json) };
}

/// From now on [`Bench::refusal`] sends messages of ES9+ in this binding, in
/// this thread.
pub(crate) fn refuse_in(wire: wire::Wire) {
    REFUSED_IN.set(wire);
}

/// An SM-DP+ under `home` that trusts `other`, too, and a time.
pub(crate) struct Bench {
    pub(crate) host: SmdpHost,
    pub(crate) now: Timestamp,
    pub(crate) rng: SeededRng,
    pub(crate) home: Ca,
    pub(crate) other: Ca,
    /// Who calls ES2+.
    pub(crate) operator: &'static str,
    /// How the next profile type is delivered.
    pub(crate) settings: ProfileTypeSettings,
    /// What the host had to say of requests that were not executed.
    pub(crate) log: Arc<Mutex<Vec<String>>>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::on(Arc::new(SqliteStore::in_memory().unwrap()))
    }

    pub(crate) fn on(store: Arc<dyn SmdpStore>) -> Self {
        Self::with(store, Policy::default())
    }

    /// With these limits of orders.
    pub(crate) fn limited(policy: Policy) -> Self {
        Self::with(Arc::new(SqliteStore::in_memory().unwrap()), policy)
    }

    pub(crate) fn with(store: Arc<dyn SmdpStore>, policy: Policy) -> Self {
        let mut rng = SeededRng::new(11);
        let (home, other) = (Ca::new(&mut rng), Ca::new(&mut rng));
        let anchors = vec![home.anchor.clone(), other.anchor.clone()];
        let log: Arc<Mutex<Vec<String>>> = Arc::default();
        let written = log.clone();
        let write = move |path: &str, cause: &str| {
            written.lock().unwrap().push(format!("{path} {cause}"));
        };
        let smdp = home.smdp(anchors).with_policy(policy);
        Bench {
            host: SmdpHost::new(smdp, store)
                .informing([OPERATOR.to_string()])
                .observed_by(Box::new(write)),
            now: START,
            rng,
            home,
            other,
            operator: OPERATOR,
            settings: ProfileTypeSettings::default(),
            log,
        }
    }

    /// The messages that wait for the operator, oldest first; they are taken.
    pub(crate) fn progress(&self) -> Vec<Progress> {
        let mut taken = Vec::new();
        let store = self.host.store();
        while let Some(waiting) = store.due_progress(&Due::at(self.now, 100)).unwrap().pop() {
            store.drop_progress(&waiting).unwrap();
            taken.push(waiting.progress);
        }
        taken
    }

    /// A card under `home`.
    pub(crate) fn card(&mut self, number: u32) -> Card {
        let until = START.after(10 * YEAR);
        self.home.card(eid(PREFIX, number), until, &mut self.rng)
    }

    /// Sends a message, JSON in, JSON out.
    pub(crate) fn raw<F: json::Function>(&mut self, message: &F) -> HttpResponse {
        self.http(&json::encode_request(message, None).unwrap())
    }

    /// Sends a request as it is.
    pub(crate) fn http(&mut self, request: &HttpRequest) -> HttpResponse {
        let mut cx = Context {
            now: self.now,
            rng: &mut self.rng,
            crypto: &SoftwareProvider,
        };
        let answered = match es2plus_json::is_path(&request.path) {
            true => self.host.es2plus(request, self.operator, &mut cx),
            false => self.host.es9plus(request, &mut cx),
        };
        answered.unwrap()
    }

    pub(crate) fn send<F: json::Function>(&mut self, message: &F) -> Result<F::Ok, BindingError> {
        json::decode_response::<F>(&self.raw(message))
    }

    /// Subject and reason code of the refusal of a message; in the ASN.1
    /// binding the function and its integer.
    #[track_caller]
    pub(crate) fn refusal<F: json::Function<Ok: std::fmt::Debug>>(
        &mut self,
        message: &F,
    ) -> String {
        let request = json::encode_request(message, None).unwrap();
        if REFUSED_IN.get() == wire::Wire::Asn1 && !es2plus_json::is_path(&request.path) {
            return self.integer(&request);
        }
        let response = self.http(&request);
        assert_eq!(response.status, 200);
        match json::decode_response::<F>(&response).unwrap_err() {
            BindingError::Refused(data) => format!("{}/{}", data.subject_code, data.reason_code),
            error => error.to_string(),
        }
    }

    /// Sends what a request of the JSON binding says in ASN.1, and
    /// gives the function that refused and its integer.
    #[track_caller]
    fn integer(&mut self, request: &HttpRequest) -> String {
        use RemoteProfileProvisioningResponse as Out;
        use rsp_asn1::rsp::{
            AuthenticateClientResponseEs9 as Authenticated, CancelSessionResponseEs9 as Cancelled,
            GetBoundProfilePackageResponse as Bound, InitiateAuthenticationResponse as Initiated,
        };
        let (_, message) = wire::decode_request(request).unwrap();
        let request = es9plus_client::encode_request(wire::Wire::Asn1, &message, None).unwrap();
        let response = self.http(&request);
        match es9plus_asn1::decode_response(&response).unwrap() {
            Out::InitiateAuthenticationResponse(Initiated::Error(code)) => {
                format!("InitiateAuthentication {}", code.0)
            }
            Out::AuthenticateClientResponseEs9(Authenticated::Error(code)) => {
                format!("AuthenticateClient {}", code.0)
            }
            Out::GetBoundProfilePackageResponse(Bound::Error(code)) => {
                format!("GetBoundProfilePackage {}", code.0)
            }
            Out::CancelSessionResponse(Cancelled::Error(code)) => {
                format!("CancelSession {}", code.0)
            }
            executed => format!("{executed:?}"),
        }
    }

    pub(crate) fn stock(&mut self, profile_type: &str, template: &[u8], numbers: &[u32]) {
        let subscriptions: Vec<_> = numbers.iter().copied().map(subscription).collect();
        let stock = ProfileStock {
            profile_type,
            template,
            service_provider_name: "Provider",
            profile_name: "Name",
            profile_class: 2,
            settings: self.settings.clone(),
            subscriptions: &subscriptions,
        };
        self.host.store().add_profiles(&stock).unwrap();
    }

    /// Orders a profile that is in stock.
    pub(crate) fn ordered(&mut self, number: u32, eid: Option<Eid>) {
        self.send(&download(number, eid)).unwrap();
    }

    /// A profile that may be downloaded by this MatchingID.
    pub(crate) fn released(&mut self, number: u32, eid: Option<Eid>, matching_id: &str) {
        self.stock("operational", &profile::template(), &[number]);
        self.ordered(number, eid);
        self.send(&confirm(number, matching_id)).unwrap();
    }

    pub(crate) fn order(&self, number: u32) -> Order {
        let order = self.host.store().order(iccid(number)).unwrap();
        order.unwrap().value
    }

    pub(crate) fn started(&mut self, card: &Card) -> es9plus::InitiateAuthenticationOk {
        self.send(&card.initiate()).unwrap()
    }

    pub(crate) fn offered(
        &mut self,
        card: &Card,
        matching_id: Option<&str>,
    ) -> es9plus::AuthenticateClientOk {
        let started = self.started(card);
        self.send(&card.authenticate(&started, matching_id))
            .unwrap()
    }

    /// A session whose package was delivered.
    pub(crate) fn delivered(&mut self, card: &Card, matching_id: Option<&str>) -> TransactionId {
        let offered = self.offered(card, matching_id);
        self.send(&card.get_package(&offered)).unwrap();
        offered.transaction_id
    }
}

pub(crate) fn download(number: u32, eid: Option<Eid>) -> DownloadOrder {
    DownloadOrder {
        header: RequestHeader::default(),
        eid,
        iccid: Some(iccid(number)),
        profile_type: None,
    }
}

pub(crate) fn confirm(number: u32, matching_id: &str) -> ConfirmOrder {
    ConfirmOrder {
        header: RequestHeader::default(),
        iccid: iccid(number),
        eid: None,
        matching_id: Some(matching_id.to_string()),
        confirmation_code: None,
        smds_address: None,
        release_flag: true,
    }
}

pub(crate) fn cancel_order(number: u32, final_status: FinalProfileStatus) -> CancelOrder {
    CancelOrder {
        header: RequestHeader::default(),
        iccid: iccid(number),
        eid: None,
        matching_id: None,
        final_profile_status_indicator: final_status,
    }
}

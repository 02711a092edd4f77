//! An SM-DP+ that authenticates and binds, as small as can be (SGP.22 3.0.1,
//! 3.1.3, 2.5.4). A case changes what it needs changed.

use rsp_asn1::ids::{Iccid, TransactionId};
use rsp_asn1::rsp::{
    AuthenticateResponseOk, AuthenticateServerRequest, AuthenticateServerResponse,
    BoundProfilePackage, ControlRefTemplate, CtxParams1, CtxParamsForCommonAuthentication,
    FinalResult, GetEuiccChallengeResponse, InitialiseSecureChannelRequest,
    NotificationConfigurationInformation, PrepareDownloadRequest, PrepareDownloadResponse,
    PrepareDownloadResponseOk, ProfileInstallationResult, Segments, ServerSigned1, SmdpSigned2,
    StoreMetadataRequest,
};
use rsp_asn1::{Asn1, BitString, Certificate, Extensions, Signed, Tag, Writer};
use rsp_core::Timestamp;
use rsp_core::pki::{Issuer, Name, Role, Template, issue_under, key_identifier};
use rsp_core::profile::{self, Subscription};
use rsp_crypto::bsp::{Protector, SessionKeys};
use rsp_crypto::software::{SeededRng, SoftwareKey, SoftwareProvider};
use rsp_crypto::{Curve, EckaKey, PublicKey, Rng, SigningKey};
use std::time::Duration;

use super::bench::Bench;
use crate::conform::case::{Check, fail, same, skip, some};
use crate::conform::der::{hex, tlv, verify};

/// Names of the server in certificates and messages.
pub(super) const ADDRESS: &str = "testsmdpplus1.example.com";
pub(in crate::conform) const OID: &str = "2.999.10";
const HOST_ID: &[u8] = b"CONFORMANCE";

/// A download session.
pub(in crate::conform) struct Server {
    pub(in crate::conform) transaction_id: TransactionId,
    pub(super) ci_key_identifier: Vec<u8>,
    pub(in crate::conform) auth: (Certificate, SoftwareKey),
    pub(in crate::conform) pb: (Certificate, SoftwareKey),
    one_time: SoftwareKey,
    /// Name in serverSigned1.
    pub(in crate::conform) address: String,
}

/// Under which CI servers are made, and when.
pub(in crate::conform) struct Ground<'a> {
    pub(in crate::conform) ci: (Certificate, SoftwareKey),
    /// As the eUICC names the CI's key.
    pub(in crate::conform) ci_key_identifier: Vec<u8>,
    pub(in crate::conform) now: Timestamp,
    pub(in crate::conform) rng: &'a mut SeededRng,
}

/// The plain messages of a package.
pub(in crate::conform) struct Contents {
    pub(in crate::conform) metadata: StoreMetadataRequest,
    pub(in crate::conform) profile: Vec<u8>,
}

impl Contents {
    /// A small operational profile with this ICCID, of which every event is to
    /// be told.
    pub(in crate::conform) fn of(iccid: &str) -> Check<Contents> {
        let iccid: Iccid = iccid.parse()?;
        let imsi = "999990000000001".parse()?;
        let subscription = Subscription::new(iccid, imsi, [1; 16], [2; 16]);
        Ok(Contents {
            metadata: metadata(iccid)?,
            profile: profile::personalise(&profile::template(), &subscription)?,
        })
    }
}

fn metadata(iccid: Iccid) -> Check<StoreMetadataRequest> {
    let event = |event| NotificationConfigurationInformation {
        profile_management_operation: BitString::of(&[event]),
        notification_address: ADDRESS.into(),
        extensions: Extensions::default(),
    };
    Ok(StoreMetadataRequest {
        iccid,
        service_provider_name: "Conformance".try_into()?,
        profile_name: "Profile".try_into()?,
        icon_type: None,
        icon: None,
        profile_class: 2,
        notification_configuration_info: Some([1, 2, 3].map(event).into()),
        profile_owner: None,
        profile_policy_rules: None,
        service_specific_data_stored_in_euicc: None,
        service_specific_data_not_stored_in_euicc: None,
        ecall_indication: None,
        fallback_allowed: None,
        iot_specific_metadata: None,
        extensions: Extensions::default(),
    })
}

impl Server {
    /// A server under the CI of the bench.
    pub(super) fn new(bench: &mut Bench) -> Check<Server> {
        let ci = authority(bench)?;
        let key = crate::conform::der::Leaf::read(&ci.0)?.key;
        Server::on(&mut Ground {
            ci,
            ci_key_identifier: ci_key_identifier(bench, &key)?,
            now: bench.now,
            rng: &mut bench.rng,
        })
    }

    /// A server under a CI.
    pub(in crate::conform) fn on(ground: &mut Ground<'_>) -> Check<Server> {
        let mut id = [0; 8];
        ground.rng.fill(&mut id);
        let curve = SigningKey::public_key(&ground.ci.1).curve();
        let (auth_role, pb_role) = (
            Role::DpAuth { oid: OID.into() },
            Role::DpPb { oid: OID.into() },
        );
        Ok(Server {
            transaction_id: TransactionId::from_bytes(&id)?,
            ci_key_identifier: ground.ci_key_identifier.clone(),
            auth: ground.certificate(auth_role, curve)?,
            pb: ground.certificate(pb_role, curve)?,
            one_time: SoftwareKey::generate(curve, ground.rng)?,
            address: ADDRESS.into(),
        })
    }

    /// AuthenticateServer for a challenge.
    pub(in crate::conform) fn authenticate(
        &self,
        challenge: [u8; 16],
    ) -> Check<AuthenticateServerRequest> {
        let signed = Signed::new(ServerSigned1 {
            transaction_id: self.transaction_id.clone(),
            euicc_challenge: challenge,
            server_address: self.address.clone(),
            server_challenge: [0x5A; 16],
            extensions: Extensions::default(),
        });
        let parameters = CtxParamsForCommonAuthentication {
            matching_id: Some("MATCHING".into()),
            device_info: crate::device_info(),
            extensions: Extensions::default(),
        };
        Ok(AuthenticateServerRequest {
            server_signature1: self.auth.1.sign(&[signed.as_bytes()])?.as_bytes().to_vec(),
            server_signed1: signed,
            euicc_ci_pk_id_to_be_used: self.ci_key_identifier.clone(),
            server_certificate: self.auth.0.clone(),
            ctx_params1: CtxParams1::CommonAuthentication(parameters),
            extensions: Extensions::default(),
        })
    }

    /// PrepareDownload that follows euiccSignature1.
    pub(in crate::conform) fn prepare(
        &self,
        signature1: &[u8],
        hash_cc: Option<[u8; 32]>,
    ) -> Check<PrepareDownloadRequest> {
        let signed = Signed::new(SmdpSigned2 {
            transaction_id: self.transaction_id.clone(),
            cc_required_flag: hash_cc.is_some(),
            bpp_euicc_otpk: None,
            extensions: Extensions::default(),
        });
        let message = [signed.as_bytes(), &tlv(0x5F37, signature1)];
        Ok(PrepareDownloadRequest {
            smdp_signature2: self.pb.1.sign(&message)?.as_bytes().to_vec(),
            smdp_signed2: signed,
            hash_cc,
            smdp_certificate: self.pb.0.clone(),
            extensions: Extensions::default(),
        })
    }

    /// InitialiseSecureChannel for a one-time key of the card.
    pub(in crate::conform) fn channel(
        &self,
        euicc_otpk: &[u8],
    ) -> Check<InitialiseSecureChannelRequest> {
        let mut request = InitialiseSecureChannelRequest {
            remote_op_id: 1,
            transaction_id: self.transaction_id.clone(),
            control_ref_template: ControlRefTemplate {
                key_type: [0x88],
                key_len: [0x10],
                host_id: HOST_ID.to_vec(),
                extensions: Extensions::default(),
            },
            smdp_otpk: self.one_time.public_key().as_sec1().to_vec(),
            smdp_sign: Vec::new(),
            extensions: Extensions::default(),
        };
        self.sign_channel(&mut request, euicc_otpk)?;
        Ok(request)
    }

    /// Signs a request anew after a change.
    pub(super) fn sign_channel(
        &self,
        request: &mut InitialiseSecureChannelRequest,
        euicc_otpk: &[u8],
    ) -> Check {
        let mut message = Writer::new();
        request
            .remote_op_id
            .encode_tagged(Tag::new(0x82), &mut message);
        request
            .transaction_id
            .encode_tagged(Tag::new(0x80), &mut message);
        let template = &request.control_ref_template;
        template.encode_tagged(Tag::new(0xA6), &mut message);
        message.primitive(Tag::new(0x5F49), &request.smdp_otpk);
        message.primitive(Tag::new(0x5F49), euicc_otpk);
        let signature = self.pb.1.sign(&[&message.into_bytes()])?;
        request.smdp_sign = signature.as_bytes().to_vec();
        Ok(())
    }

    /// The package that begins with `channel`, with session keys.
    pub(in crate::conform) fn bind(
        &self,
        eid: &[u8; 16],
        channel: InitialiseSecureChannelRequest,
        euicc_otpk: &[u8],
        contents: &Contents,
    ) -> Check<BoundProfilePackage> {
        let peer = PublicKey::from_sec1(self.one_time.public_key().curve(), euicc_otpk)?;
        let secret = self.one_time.agree(&peer)?;
        let keys = SessionKeys::derive(&SoftwareProvider, &secret, HOST_ID, eid)?;
        let mut protector = Protector::new(&SoftwareProvider, keys);
        let configure = protector.encrypt(0x87, &hex("BF2400"))?;
        let metadata = protector.mac_only_all(0x88, &contents.metadata.to_der())?;
        let profile = protector.encrypt_all(0x86, &contents.profile)?;
        Ok(BoundProfilePackage {
            initialise_secure_channel_request: Signed::new(channel),
            first_sequence_of_87: Segments(vec![configure]),
            sequence_of_88: Segments(metadata),
            second_sequence_of_87: None,
            sequence_of_86: Segments(profile),
            extensions: Extensions::default(),
        })
    }
}

/// The CI's certificate and key.
fn authority(bench: &Bench) -> Check<(Certificate, SoftwareKey)> {
    let authority = bench.authority.as_ref();
    match authority.and_then(|ci| Some((ci.certificate.clone(), ci.key.clone()?))) {
        Some(both) => Ok(both),
        None => skip("no key of a CI that the eUICC trusts is given (--ca with its key)"),
    }
}

/// The identifier under which the card knows the CI's key.
fn ci_key_identifier(bench: &Bench, ci: &PublicKey) -> Check<Vec<u8>> {
    let info = &bench.about()?.info2;
    let known = &info.euicc_ci_pk_id_list_for_verification;
    let own = key_identifier(ci, &SoftwareProvider);
    let certificate = authority(bench)?.0;
    let named = |id: &&Vec<u8>| {
        let octets = certificate.as_bytes();
        **id == own || octets.windows(id.len()).any(|found| found == id.as_slice())
    };
    match known.iter().find(named) {
        Some(found) => Ok(found.clone()),
        None => skip("the eUICC does not trust the CI that is given"),
    }
}

/// A certificate and its key under the CI of the bench.
pub(super) fn certificate(
    bench: &mut Bench,
    role: Role,
    curve: Curve,
) -> Check<(Certificate, SoftwareKey)> {
    Ground {
        ci: authority(bench)?,
        ci_key_identifier: Vec::new(),
        now: bench.now,
        rng: &mut bench.rng,
    }
    .certificate(role, curve)
}

impl Ground<'_> {
    /// A certificate and its key.
    pub(in crate::conform) fn certificate(
        &mut self,
        role: Role,
        curve: Curve,
    ) -> Check<(Certificate, SoftwareKey)> {
        let (ci, ci_key) = &self.ci;
        let key = SoftwareKey::generate(curve, self.rng)?;
        let template = Template {
            role,
            subject: Name {
                organization: "Conformance".into(),
                common_name: "TEST SM-DP+".into(),
                ..Name::default()
            },
            public_key: SigningKey::public_key(&key),
            serial: &[0x01, 0x00],
            not_before: self.now,
            not_after: self.now.after(Duration::from_secs(365 * 86_400)),
        };
        let issued = issue_under(&template, &Issuer::of(ci)?, ci_key, &SoftwareProvider)?;
        Ok((issued, key))
    }
}

/// The segments that hosts send (SGP.22 2.5.5).
pub(super) fn segments(package: &BoundProfilePackage) -> Check<Vec<Vec<u8>>> {
    let whole = package.to_der();
    let request = package.initialise_secure_channel_request.as_bytes();
    let found = whole.windows(request.len()).position(|at| at == request);
    let start = some("InitialiseSecureChannel in the package", found)?;
    let first = whole.get(..start + request.len());
    let mut segments = vec![some("the first segment", first)?.to_vec()];
    let header = |tag: u32, contents: &Segments| {
        let mut out = Writer::new();
        out.header(Tag::new(tag), contents.0.iter().map(Vec::len).sum());
        out.into_bytes()
    };
    let first = &package.first_sequence_of_87;
    segments.push([header(0xA0, first), first.0.concat()].concat());
    segments.push(header(0xA1, &package.sequence_of_88));
    segments.extend(package.sequence_of_88.0.iter().cloned());
    segments.push(header(0xA3, &package.sequence_of_86));
    segments.extend(package.sequence_of_86.0.iter().cloned());
    Ok(segments)
}

impl Bench {
    /// GetEUICCChallenge.
    pub(super) fn challenge(&mut self) -> Check<[u8; 16]> {
        let answer = self.es10(&hex("BF2E00"))?;
        Ok(GetEuiccChallengeResponse::from_der(&answer)?.euicc_challenge)
    }

    /// AuthenticateServer; the code if it is refused.
    pub(super) fn authenticate(
        &mut self,
        request: &AuthenticateServerRequest,
    ) -> Check<Result<AuthenticateResponseOk, i64>> {
        let key = self.about()?.key.clone();
        let answer = self.es10(&request.to_der())?;
        match AuthenticateServerResponse::from_der(&answer)? {
            AuthenticateServerResponse::Ok(ok) => {
                let signed = [ok.euicc_signed1.as_bytes()];
                verify("euiccSignature1", &key, &signed, &ok.euicc_signature1)?;
                Ok(Ok(ok))
            }
            AuthenticateServerResponse::Error(error) => Ok(Err(error.authenticate_error_code.0)),
            AuthenticateServerResponse::CompactOk(_) => fail("the compact form on ES10"),
        }
    }

    /// PrepareDownload; the code if it is refused.
    pub(super) fn prepare(
        &mut self,
        request: &PrepareDownloadRequest,
    ) -> Check<Result<PrepareDownloadResponseOk, i64>> {
        let key = self.about()?.key.clone();
        let answer = self.es10(&request.to_der())?;
        match PrepareDownloadResponse::from_der(&answer)? {
            PrepareDownloadResponse::Ok(ok) => {
                let chained = tlv(0x5F37, &request.smdp_signature2);
                let signed = [ok.euicc_signed2.as_bytes(), &chained];
                verify("euiccSignature2", &key, &signed, &ok.euicc_signature2)?;
                Ok(Ok(ok))
            }
            PrepareDownloadResponse::Error(error) => Ok(Err(error.download_error_code.0)),
            PrepareDownloadResponse::CompactOk(_) => fail("the compact form on ES10"),
        }
    }

    /// Everything up to AuthenticateServer; gives euiccSignature1.
    pub(super) fn authenticated(&mut self, server: &Server) -> Check<Vec<u8>> {
        let challenge = self.challenge()?;
        match self.authenticate(&server.authenticate(challenge)?)? {
            Ok(ok) => Ok(ok.euicc_signature1),
            Err(code) => fail(format!("AuthenticateServer is refused with {code}")),
        }
    }

    /// Everything up to PrepareDownload; gives otPK.EUICC.
    pub(super) fn prepared(&mut self, server: &Server) -> Check<Vec<u8>> {
        let signature1 = self.authenticated(server)?;
        match self.prepare(&server.prepare(&signature1, None)?)? {
            Ok(ok) => Ok(ok.euicc_signed2.euicc_otpk.clone()),
            Err(code) => fail(format!("PrepareDownload is refused with {code}")),
        }
    }

    /// Sends segments until the card answers with a result, which is verified.
    pub(super) fn load(&mut self, segments: &[Vec<u8>]) -> Check<ProfileInstallationResult> {
        let key = self.about()?.key.clone();
        for segment in segments {
            let answer = self.es10(segment)?;
            if answer.is_empty() {
                continue;
            }
            let result = ProfileInstallationResult::from_der(&answer)?;
            let data = &result.profile_installation_result_data;
            let signature = &result.euicc_sign_pir;
            verify("euiccSignPIR", &key, &[data.as_bytes()], signature)?;
            return Ok(result);
        }
        fail("no ProfileInstallationResult after the last segment")
    }

    /// A whole download; gives how it ended.
    pub(super) fn download(&mut self, contents: &Contents) -> Check<FinalResult> {
        let server = Server::new(self)?;
        let euicc_otpk = self.prepared(&server)?;
        let eid = *self.about()?.eid.as_bytes();
        let channel = server.channel(&euicc_otpk)?;
        let package = server.bind(&eid, channel, &euicc_otpk, contents)?;
        let result = self.load(&segments(&package)?)?;
        let data = &result.profile_installation_result_data;
        same(
            "transactionId",
            &data.transaction_id,
            &server.transaction_id,
        )?;
        Ok(data.final_result.clone())
    }

    /// Installs a profile, which must be taken.
    pub(super) fn install_with(&mut self, contents: &Contents) -> Check {
        match self.download(contents)? {
            FinalResult::Success(_) => Ok(()),
            FinalResult::Error(error) => fail(format!(
                "the profile is refused: {} after {}",
                error.error_reason, error.bpp_command_id
            )),
        }
    }

    /// Installs a small operational profile.
    pub(super) fn install(&mut self, iccid: &str) -> Check {
        self.install_with(&Contents::of(iccid)?)
    }
}

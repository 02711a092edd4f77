//! An SM-DP+ that says what a test wants it to say.

use rsp_asn1::ids::{Iccid, TransactionId};
use rsp_asn1::rsp::*;
use rsp_asn1::{Asn1, BitString, Certificate, Signed, Tag, Writer};
use rsp_crypto::bsp::{Protector, SessionKeys};
use rsp_crypto::software::{SoftwareKey, SoftwareProvider};
use rsp_crypto::{EckaKey, PublicKey, SigningKey};

use crate::common::{Host, array, eid, hex, verifies};
use crate::pki::Pki;

/// otSK.DP.ECKA of the published vectors.
pub(crate) const OT_SK_DP: &str =
    "2222222222222222222222222222222222222222222222222222222222222222";
pub(crate) const ADDRESS: &str = "testsmdpplus1.example.com";

/// A download session, step by step; a test changes what it needs changed.
pub(crate) struct Server {
    pub(crate) pki: Pki,
    pub(crate) transaction_id: TransactionId,
    pub(crate) certificate: Certificate,
    pub(crate) pb_certificate: Certificate,
}

impl Server {
    pub(crate) fn new() -> Server {
        Server::of(Pki::new())
    }

    pub(crate) fn of(pki: Pki) -> Server {
        Server {
            transaction_id: TransactionId::from_bytes(&hex("0001020304050607")).unwrap(),
            certificate: pki.dp_auth_certificate(),
            pb_certificate: pki.dp_pb_certificate(),
            pki,
        }
    }

    /// AuthenticateServer for a challenge.
    pub(crate) fn authenticate(&self, euicc_challenge: [u8; 16]) -> AuthenticateServerRequest {
        let server_signed1 = Signed::new(ServerSigned1 {
            transaction_id: self.transaction_id.clone(),
            euicc_challenge,
            server_address: ADDRESS.into(),
            server_challenge: [0x5A; 16],
            extensions: Default::default(),
        });
        let signature = self.pki.dp_auth.sign(&[server_signed1.as_bytes()]).unwrap();
        AuthenticateServerRequest {
            server_signature1: signature.as_bytes().to_vec(),
            server_signed1,
            euicc_ci_pk_id_to_be_used: hex(self.pki.ci_ski),
            server_certificate: self.certificate.clone(),
            ctx_params1: ctx_params1(),
            extensions: Default::default(),
        }
    }

    /// PrepareDownload that follows an AuthenticateServer.
    pub(crate) fn prepare(
        &self,
        euicc_signature1: &[u8],
        bpp_euicc_otpk: Option<Vec<u8>>,
        hash_cc: Option<[u8; 32]>,
    ) -> PrepareDownloadRequest {
        let smdp_signed2 = Signed::new(SmdpSigned2 {
            transaction_id: self.transaction_id.clone(),
            cc_required_flag: hash_cc.is_some(),
            bpp_euicc_otpk,
            extensions: Default::default(),
        });
        let message = [smdp_signed2.as_bytes(), &signature_object(euicc_signature1)];
        PrepareDownloadRequest {
            smdp_signature2: self.pki.dp_pb.sign(&message).unwrap().as_bytes().to_vec(),
            smdp_signed2,
            hash_cc,
            smdp_certificate: self.pb_certificate.clone(),
            extensions: Default::default(),
        }
    }

    /// otSK.DP.ECKA, on the curve of the certificates.
    fn one_time_key(&self) -> SoftwareKey {
        let curve = self.pki.dp_pb.public_key().curve();
        SoftwareKey::from_scalar(curve, &array(OT_SK_DP)).unwrap()
    }

    /// InitialiseSecureChannel for a one-time key of the card.
    pub(crate) fn secure_channel(&self, euicc_otpk: &[u8]) -> InitialiseSecureChannelRequest {
        let mut request = InitialiseSecureChannelRequest {
            remote_op_id: 1,
            transaction_id: self.transaction_id.clone(),
            control_ref_template: ControlRefTemplate {
                key_type: [0x88],
                key_len: [0x10],
                host_id: b"TESTHOST".to_vec(),
                extensions: Default::default(),
            },
            smdp_otpk: self.one_time_key().public_key().as_sec1().to_vec(),
            smdp_sign: Vec::new(),
            extensions: Default::default(),
        };
        self.sign_channel(&mut request, euicc_otpk);
        request
    }

    /// Signs a request anew after a change.
    pub(crate) fn sign_channel(
        &self,
        request: &mut InitialiseSecureChannelRequest,
        euicc_otpk: &[u8],
    ) {
        let message = request.signed_bytes(euicc_otpk);
        request.smdp_sign = self
            .pki
            .dp_pb
            .sign(&[&message])
            .unwrap()
            .as_bytes()
            .to_vec();
    }

    /// A package with session keys.
    pub(crate) fn package(&self, euicc_otpk: &[u8], contents: &Contents) -> BoundProfilePackage {
        self.package_after(self.secure_channel(euicc_otpk), euicc_otpk, contents)
    }

    /// A package that begins with `request`.
    pub(crate) fn package_after(
        &self,
        request: InitialiseSecureChannelRequest,
        euicc_otpk: &[u8],
        contents: &Contents,
    ) -> BoundProfilePackage {
        let mut protector = Protector::new(
            &SoftwareProvider,
            session_keys(&self.one_time_key(), euicc_otpk),
        );
        let configure = protector.encrypt(0x87, &contents.configure_isdp).unwrap();
        let metadata = &contents.metadata;
        let pieces = metadata.chunks(contents.metadata_piece);
        let metadata = pieces
            .map(|p| protector.mac_only(0x88, p).unwrap())
            .collect();
        let replace = contents.replace_session_keys.as_ref().map(|keys| {
            let message = keys.to_der();
            let segment = protector.encrypt(0x87, &message).unwrap();
            protector.replace_keys(SessionKeys::from_parts(
                keys.initial_mac_chaining_value,
                keys.ppk_enc,
                keys.ppk_cmac,
            ));
            Segments(vec![segment])
        });
        BoundProfilePackage {
            initialise_secure_channel_request: Signed::new(request),
            first_sequence_of_87: Segments(vec![configure]),
            sequence_of_88: Segments(metadata),
            second_sequence_of_87: replace,
            sequence_of_86: Segments(protector.encrypt_all(0x86, &contents.profile).unwrap()),
            extensions: Default::default(),
        }
    }
}

/// The plain messages of a package.
pub(crate) struct Contents {
    pub(crate) configure_isdp: Vec<u8>,
    pub(crate) metadata: Vec<u8>,
    /// Bytes of the metadata in one segment.
    pub(crate) metadata_piece: usize,
    pub(crate) replace_session_keys: Option<ReplaceSessionKeysRequest>,
    pub(crate) profile: Vec<u8>,
}

impl Contents {
    /// A small operational profile with this ICCID.
    pub(crate) fn of(iccid: &str) -> Contents {
        Contents {
            configure_isdp: hex("BF2400"),
            metadata: metadata(iccid).to_der(),
            metadata_piece: 1000,
            replace_session_keys: None,
            profile: crate::profile::package(iccid),
        }
    }
}

/// Metadata that wants every notification at one address.
pub(crate) fn metadata(iccid: &str) -> StoreMetadataRequest {
    let all = NotificationConfigurationInformation {
        profile_management_operation: BitString::of(&[1, 2, 3]),
        notification_address: "notify.example.com".into(),
        extensions: Default::default(),
    };
    StoreMetadataRequest {
        iccid: iccid.parse::<Iccid>().unwrap(),
        service_provider_name: "SP".try_into().unwrap(),
        profile_name: "Name".try_into().unwrap(),
        icon_type: None,
        icon: None,
        profile_class: PROFILE_CLASS_OPERATIONAL,
        notification_configuration_info: Some(vec![all]),
        profile_owner: None,
        profile_policy_rules: None,
        service_specific_data_stored_in_euicc: None,
        service_specific_data_not_stored_in_euicc: None,
        ecall_indication: None,
        fallback_allowed: None,
        iot_specific_metadata: None,
        extensions: Default::default(),
    }
}

/// Session keys of the sending side, for the published host identifier.
pub(crate) fn session_keys(own: &SoftwareKey, euicc_otpk: &[u8]) -> SessionKeys {
    let curve = own.public_key().curve();
    let euicc_otpk = PublicKey::from_sec1(curve, euicc_otpk).unwrap();
    let secret = own.agree(&euicc_otpk).unwrap();
    SessionKeys::derive(&SoftwareProvider, &secret, b"TESTHOST", eid().as_bytes()).unwrap()
}

pub(crate) fn signature_object(signature: &[u8]) -> Vec<u8> {
    let mut out = Writer::new();
    out.primitive(Tag::new(0x5F37), signature);
    out.into_bytes()
}

pub(crate) fn ctx_params1() -> CtxParams1 {
    CtxParams1::from_der(&hex(
        "A01B800A4D41544348494E474944A10D800435290611A10585030F0000",
    ))
    .unwrap()
}

/// The segments that hosts send (SGP.22 2.5.5).
pub(crate) fn segments(package: &BoundProfilePackage) -> Vec<Vec<u8>> {
    let whole = package.to_der();
    let request = package.initialise_secure_channel_request.as_bytes();
    let start = whole
        .windows(request.len())
        .position(|w| w == request)
        .unwrap();
    let mut segments = vec![whole[..start + request.len()].to_vec()];
    let header = |tag: u32, contents: &Segments| {
        let mut out = Writer::new();
        out.header(Tag::new(tag), contents.0.iter().map(Vec::len).sum());
        out.into_bytes()
    };
    let joined = |tag, contents: &Segments| [header(tag, contents), contents.0.concat()].concat();
    segments.push(joined(0xA0, &package.first_sequence_of_87));
    segments.push(header(0xA1, &package.sequence_of_88));
    segments.extend(package.sequence_of_88.0.iter().cloned());
    if let Some(second) = &package.second_sequence_of_87 {
        segments.push(joined(0xA2, second));
    }
    segments.push(header(0xA3, &package.sequence_of_86));
    segments.extend(package.sequence_of_86.0.iter().cloned());
    assert_eq!(segments.concat(), whole);
    segments
}

impl Host {
    /// GetEUICCChallenge.
    pub(crate) fn challenge(&mut self) -> [u8; 16] {
        let response = self.es10(&hex("BF2E00"));
        GetEuiccChallengeResponse::from_der(&response)
            .unwrap()
            .euicc_challenge
    }

    pub(crate) fn authenticate(
        &mut self,
        request: &AuthenticateServerRequest,
    ) -> Result<AuthenticateResponseOk, AuthenticateErrorCode> {
        let response = self.es10(&request.to_der());
        match AuthenticateServerResponse::from_der(&response).unwrap() {
            AuthenticateServerResponse::Ok(ok) => Ok(ok),
            AuthenticateServerResponse::Error(error) => Err(error.authenticate_error_code),
            AuthenticateServerResponse::CompactOk(_) => panic!("compact"),
        }
    }

    pub(crate) fn prepare(
        &mut self,
        request: &PrepareDownloadRequest,
    ) -> Result<PrepareDownloadResponseOk, DownloadErrorCode> {
        let response = self.es10(&request.to_der());
        match PrepareDownloadResponse::from_der(&response).unwrap() {
            PrepareDownloadResponse::Ok(ok) => Ok(ok),
            PrepareDownloadResponse::Error(error) => Err(error.download_error_code),
            PrepareDownloadResponse::CompactOk(_) => panic!("compact"),
        }
    }

    /// Everything up to PrepareDownload; gives otPK.EUICC.
    pub(crate) fn bind(&mut self, server: &Server) -> Vec<u8> {
        let challenge = self.challenge();
        let ok = self.authenticate(&server.authenticate(challenge)).unwrap();
        let request = server.prepare(&ok.euicc_signature1, None, None);
        self.prepare(&request)
            .unwrap()
            .euicc_signed2
            .euicc_otpk
            .clone()
    }

    /// Sends segments until the card answers with a result.
    pub(crate) fn load(&mut self, segments: &[Vec<u8>]) -> ProfileInstallationResult {
        for segment in segments {
            let answer = self.es10(segment);
            if !answer.is_empty() {
                return ProfileInstallationResult::from_der(&answer).unwrap();
            }
        }
        panic!("no result after the last segment");
    }

    /// A whole download; the result is verified.
    pub(crate) fn download(&mut self, contents: &Contents) -> ProfileInstallationResult {
        self.download_from(&Server::new(), contents)
    }

    /// As [`Host::download`], from this server.
    pub(crate) fn download_from(
        &mut self,
        server: &Server,
        contents: &Contents,
    ) -> ProfileInstallationResult {
        let euicc_otpk = self.bind(server);
        let package = server.package(&euicc_otpk, contents);
        let result = self.load(&segments(&package));
        let data = &result.profile_installation_result_data;
        let key = server.pki.euicc.public_key();
        assert!(verifies(key, &[data.as_bytes()], &result.euicc_sign_pir));
        result
    }

    /// Installs a profile that must be good.
    pub(crate) fn install(&mut self, iccid: &str) {
        let result = self.download(&Contents::of(iccid));
        let result = &result.profile_installation_result_data.final_result;
        assert!(matches!(result, FinalResult::Success(_)), "{result:?}");
    }
}

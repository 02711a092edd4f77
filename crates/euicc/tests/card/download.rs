//! Authentication, download and what can go wrong (SGP.22 3.0.1, 3.1.3).

use rsp_asn1::Asn1;
use rsp_asn1::rsp::*;

use crate::common::{Host, hex, personalisation, verifies};
use crate::pki::{self, DP_PB_POLICY, Pki, Spec};
use crate::server::{self, Contents, Server, segments};

const A: &str = "89103000000000000019";
const B: &str = "89103000000000000027";

fn error_of(result: &ProfileInstallationResult) -> (i64, i64) {
    match &result.profile_installation_result_data.final_result {
        FinalResult::Error(error) => (error.bpp_command_id.0, error.error_reason.0),
        FinalResult::Success(_) => panic!("a success"),
    }
}

fn profile_count(host: &mut Host) -> usize {
    let list = ProfileInfoListResponse::from_der(&host.es10(&hex("BF2D00"))).unwrap();
    match list {
        ProfileInfoListResponse::Ok(list) => list.len(),
        ProfileInfoListResponse::Error(code) => panic!("{code}"),
    }
}

#[test]
fn a_profile_is_installed_and_reported() {
    let mut host = Host::ready();
    let result = host.download(&Contents::of(A));
    let data = &result.profile_installation_result_data;
    let FinalResult::Success(success) = &data.final_result else {
        panic!("{:?}", data.final_result);
    };
    assert_eq!(success.aid, hex("A0000005591010FFFFFFFF8900001000"));
    assert_eq!(success.sima_response, hex("3007A0053003800100"));
    assert_eq!(data.smdp_oid.to_string(), "2.999.10");
    assert_eq!(
        data.notification_metadata.notification_address,
        server::ADDRESS
    );
    assert_eq!(data.notification_metadata.seq_number, 1);
    assert_eq!(data.notification_metadata.iccid, Some(A.parse().unwrap()));
    assert_eq!(profile_count(&mut host), 1);
    // It waits among the notifications, byte for byte.
    let waiting = host.es10(&hex("BF2B00"));
    let pir = result.to_der();
    assert!(waiting.windows(pir.len()).any(|w| w == pir));
    // The session is over.
    let again = host.es10(&hex("BF41068001AA810100"));
    assert_eq!(again, hex("BF4103810105"));
}

#[test]
fn where_segments_are_cut_does_not_matter() {
    for size in [1, 7, 100, 253, 5000] {
        let mut host = Host::ready();
        let server = Server::new();
        let euicc_otpk = host.bind(&server);
        let package = server.package(&euicc_otpk, &Contents::of(A)).to_der();
        let pieces: Vec<_> = package.chunks(size).map(<[u8]>::to_vec).collect();
        if size == 1 {
            // The first command must show that it is a package.
            let (first, rest) = package.split_at(2);
            assert!(host.es10(first).is_empty());
            let rest: Vec<_> = rest.chunks(1).map(<[u8]>::to_vec).collect();
            host.load(&rest);
        } else {
            host.load(&pieces);
        }
        assert_eq!(profile_count(&mut host), 1, "pieces of {size}");
    }
}

#[test]
fn metadata_in_pieces_and_replaced_keys() {
    let mut host = Host::ready();
    let mut contents = Contents::of(A);
    contents.metadata_piece = 20;
    contents.configure_isdp = hex("BF2407B805800388370A");
    contents.replace_session_keys = Some(ReplaceSessionKeysRequest {
        initial_mac_chaining_value: [3; 16],
        ppk_enc: [4; 16],
        ppk_cmac: [5; 16],
        extensions: Default::default(),
    });
    let result = host.download(&contents);
    let result = &result.profile_installation_result_data.final_result;
    assert!(matches!(result, FinalResult::Success(_)), "{result:?}");
    let mut contents = Contents::of(B);
    contents.configure_isdp = hex("BF2407B805060388370A");
    let result = host.download(&contents);
    let result = &result.profile_installation_result_data.final_result;
    assert!(matches!(result, FinalResult::Success(_)), "{result:?}");
    let owners = host.es10(&hex("BF2D035C01B8"));
    assert_eq!(
        owners,
        hex("BF2D14A012E307B805800388370AE307B805800388370A")
    );
}

/// Keys that are replaced by a message that is none, or is not the SM-DP+'s,
/// end the installation, and the result says at which command.
#[test]
fn damaged_replacement_keys() {
    let mut host = Host::ready();
    let server = Server::new();
    let mut contents = Contents::of(A);
    contents.replace_session_keys = Some(ReplaceSessionKeysRequest {
        initial_mac_chaining_value: [3; 16],
        ppk_enc: [4; 16],
        ppk_cmac: [5; 16],
        extensions: Default::default(),
    });
    type Change = fn(&mut Segments);
    let cases: [(Change, ErrorReason); 3] = [
        (
            |keys| *keys.0[0].last_mut().unwrap() ^= 1,
            ErrorReason::SCP03T_SECURITY_ERROR,
        ),
        (
            |keys| keys.0[0][0] = 0x86,
            ErrorReason::SCP03T_STRUCTURE_ERROR,
        ),
        (
            |keys| keys.0[0] = vec![0x87, 0],
            ErrorReason::SCP03T_STRUCTURE_ERROR,
        ),
    ];
    for (change, reason) in cases {
        let euicc_otpk = host.bind(&server);
        let mut package = server.package(&euicc_otpk, &contents);
        change(package.second_sequence_of_87.as_mut().unwrap());
        let result = host.load(&segments(&package));
        let result = &result.profile_installation_result_data.final_result;
        let FinalResult::Error(error) = result else {
            panic!("{result:?}");
        };
        assert_eq!(error.bpp_command_id, BppCommandId::REPLACE_SESSION_KEYS);
        assert_eq!(error.error_reason, reason);
        assert_eq!(profile_count(&mut host), 0);
    }
}

/// A CERT.DPpb on another curve than the CI's, and so than the session's.
#[test]
fn a_binding_certificate_on_another_curve() {
    let mut host = Host::ready();
    let mut server = Server::new();
    let brainpool = Pki::brainpool();
    let spec = Spec {
        policy: Some(DP_PB_POLICY),
        ..Spec::leaf(&brainpool.dp_pb)
    };
    server.pb_certificate = spec.sign(&server.pki.ci);
    let challenge = host.challenge();
    let ok = host.authenticate(&server.authenticate(challenge)).unwrap();
    let request = server.prepare(&ok.euicc_signature1, None, None);
    let refused = host.prepare(&request).unwrap_err();
    assert_eq!(refused, DownloadErrorCode::UNSUPPORTED_CURVE);
    host.assert_usable();
}

/// EUI-52: no session, challenge, CI, signature.
#[test]
fn authentication_errors() {
    let server = Server::new();
    let mut host = Host::ready();
    let challenge = [9; 16];
    let refused = host.authenticate(&server.authenticate(challenge));
    assert_eq!(refused, Err(AuthenticateErrorCode::NO_SESSION_CONTEXT));
    let challenge = host.challenge();
    let refused = host.authenticate(&server.authenticate([9; 16]));
    assert_eq!(
        refused,
        Err(AuthenticateErrorCode::EUICC_CHALLENGE_MISMATCH)
    );
    let mut request = server.authenticate(challenge);
    request.euicc_ci_pk_id_to_be_used = vec![1; 20];
    let refused = host.authenticate(&request);
    assert_eq!(refused, Err(AuthenticateErrorCode::CI_PK_UNKNOWN));
    for at in 0..64 {
        let mut request = server.authenticate(challenge);
        request.server_signature1[at] ^= 0x10;
        let refused = host.authenticate(&request);
        assert_eq!(refused, Err(AuthenticateErrorCode::INVALID_SIGNATURE));
    }
    // The challenge has survived it all, and is good once.
    assert!(host.authenticate(&server.authenticate(challenge)).is_ok());
    let refused = host.authenticate(&server.authenticate(challenge));
    assert_eq!(refused, Err(AuthenticateErrorCode::NO_SESSION_CONTEXT));
}

fn refusal_of(spec: Spec<'_>) -> Option<i64> {
    let mut server = Server::new();
    server.certificate = spec.sign(&server.pki.ci);
    let mut host = Host::ready();
    let challenge = host.challenge();
    let answer = host.authenticate(&server.authenticate(challenge));
    host.assert_usable();
    answer.err().map(|code| code.0)
}

/// EUI-52: chain, curve, OID.
#[test]
fn certificates_of_servers() {
    let pki = Pki::new();
    let good = || Spec {
        policy: Some(pki::DP_AUTH_POLICY),
        ..Spec::leaf(&pki.dp_auth)
    };
    let policy = |policy| Spec { policy, ..good() };
    assert_eq!(refusal_of(good()), None);
    assert_eq!(refusal_of(policy(Some(pki::DS_AUTH_POLICY))), None);
    assert_eq!(refusal_of(policy(Some(pki::DP_PB_POLICY))), Some(1));
    assert_eq!(refusal_of(policy(None)), Some(1));
    assert_eq!(
        refusal_of(Spec {
            key_usage: &[3, 8],
            ..good()
        }),
        Some(1)
    );
    assert_eq!(refusal_of(Spec { ca: true, ..good() }), Some(1));
    assert_eq!(
        refusal_of(Spec {
            unknown_critical: true,
            ..good()
        }),
        Some(1)
    );
    assert_eq!(
        refusal_of(Spec {
            registered_id: None,
            ..good()
        }),
        Some(5)
    );
    let unknown = "00000000000000000000000000000000000000FF";
    assert_eq!(
        refusal_of(Spec {
            issuer_key_identifier: unknown,
            ..good()
        }),
        Some(7)
    );
    let mut brainpool = hex("305A301406072A8648CE3D020106092B2403030208010107034200");
    brainpool.extend([4; 65]);
    assert_eq!(
        refusal_of(Spec {
            spki: Some(brainpool),
            ..good()
        }),
        Some(3)
    );
}

#[test]
fn a_certificate_of_the_wrong_issuer_or_with_a_changed_bit() {
    let pki = Pki::new();
    let mut server = Server::new();
    let spec = Spec {
        policy: Some(pki::DP_AUTH_POLICY),
        ..Spec::leaf(&pki.dp_auth)
    };
    server.certificate = spec.sign(&pki.dp_pb);
    let mut host = Host::ready();
    let challenge = host.challenge();
    let refused = host.authenticate(&server.authenticate(challenge));
    assert_eq!(refused, Err(AuthenticateErrorCode::INVALID_CERTIFICATE));
    let good = pki.dp_auth_certificate().as_bytes().to_vec();
    for at in 4..good.len() {
        let mut changed = good.clone();
        changed[at] ^= 1;
        let Ok(certificate) = rsp_asn1::Certificate::from_bytes(&changed) else {
            continue;
        };
        server.certificate = certificate;
        let request = server.authenticate(challenge);
        if AuthenticateServerRequest::from_der(&request.to_der()).is_err() {
            continue;
        }
        let refused = host.authenticate(&request).unwrap_err();
        assert!(matches!(refused.0, 1 | 3 | 5 | 7), "byte {at}: {refused}");
    }
    server.certificate = pki.dp_auth_certificate();
    assert!(host.authenticate(&server.authenticate(challenge)).is_ok());
}

/// EUI-53: each code of PrepareDownload.
#[test]
fn preparation_errors() {
    let server = Server::new();
    let mut host = Host::ready();
    let refused = host.prepare(&server.prepare(&[0; 64], None, None));
    assert_eq!(refused, Err(DownloadErrorCode::NO_SESSION_CONTEXT));
    let challenge = host.challenge();
    let ok = host.authenticate(&server.authenticate(challenge)).unwrap();
    let signature1 = &ok.euicc_signature1;

    let mut other = Server::new();
    other.transaction_id = rsp_asn1::ids::TransactionId::from_bytes(&[1]).unwrap();
    let refused = host.prepare(&other.prepare(signature1, None, None));
    assert_eq!(refused, Err(DownloadErrorCode::INVALID_TRANSACTION_ID));
    let refused = host.prepare(&server.prepare(&[7; 64], None, None));
    assert_eq!(refused, Err(DownloadErrorCode::INVALID_SIGNATURE));

    let spec = Spec {
        policy: Some(pki::DP_PB_POLICY),
        ..Spec::leaf(&server.pki.dp_pb)
    };
    let foreign = Spec {
        registered_id: Some("2.999.12"),
        ..spec
    };
    other = Server::new();
    for certificate in [foreign.sign(&other.pki.ci), other.pki.dp_auth_certificate()] {
        other.pb_certificate = certificate;
        let refused = host.prepare(&other.prepare(signature1, None, None));
        assert_eq!(refused, Err(DownloadErrorCode::INVALID_CERTIFICATE));
    }
    assert!(
        host.prepare(&server.prepare(signature1, None, None))
            .is_ok()
    );
}

#[test]
fn the_hashed_confirmation_code_is_signed() {
    let server = Server::new();
    let mut host = Host::ready();
    let challenge = host.challenge();
    let ok = host.authenticate(&server.authenticate(challenge)).unwrap();
    let request = server.prepare(&ok.euicc_signature1, None, Some([0xCC; 32]));
    let ok = host.prepare(&request).unwrap();
    assert_eq!(ok.euicc_signed2.hash_cc, Some([0xCC; 32]));
    let message = [
        ok.euicc_signed2.as_bytes(),
        &server::signature_object(&request.smdp_signature2),
    ];
    let key = rsp_crypto::SigningKey::public_key(&server.pki.euicc);
    assert!(verifies(key, &message, &ok.euicc_signature2));
}

#[test]
fn a_key_that_a_package_is_bound_to_is_used_again() {
    let server = Server::new();
    let mut host = Host::ready();
    let first = host.bind(&server);
    let mut prepare = |otpk: Vec<u8>| {
        let challenge = host.challenge();
        let ok = host.authenticate(&server.authenticate(challenge)).unwrap();
        let request = server.prepare(&ok.euicc_signature1, Some(otpk), None);
        host.prepare(&request)
            .unwrap()
            .euicc_signed2
            .euicc_otpk
            .clone()
    };
    assert_ne!(prepare(vec![4; 65]), first);
    assert_eq!(prepare(first.clone()), first);
    let result = host.load(&segments(&server.package(&first, &Contents::of(A))));
    let result = &result.profile_installation_result_data.final_result;
    assert!(matches!(result, FinalResult::Success(_)), "{result:?}");
    // A used key is forgotten.
    let challenge = host.challenge();
    let ok = host.authenticate(&server.authenticate(challenge)).unwrap();
    let request = server.prepare(&ok.euicc_signature1, Some(first.clone()), None);
    assert_ne!(
        host.prepare(&request).unwrap().euicc_signed2.euicc_otpk,
        first
    );
}

/// EUI-54: InitialiseSecureChannel.
#[test]
fn secure_channel_errors() {
    type Change = fn(&mut InitialiseSecureChannelRequest);
    let cases: [(Change, i64); 6] = [
        (|r| r.smdp_sign[5] ^= 1, 2),
        (
            |r| r.transaction_id = rsp_asn1::ids::TransactionId::from_bytes(&[1]).unwrap(),
            3,
        ),
        (|r| r.control_ref_template.key_type = [0x80], 4),
        (|r| r.control_ref_template.host_id = Vec::new(), 4),
        (|r| r.remote_op_id = 2, 5),
        (|r| r.smdp_otpk = vec![4; 65], 1),
    ];
    for (change, reason) in cases {
        let mut host = Host::ready();
        let server = Server::new();
        let euicc_otpk = host.bind(&server);
        let mut request = server.secure_channel(&euicc_otpk);
        change(&mut request);
        if reason != 2 {
            server.sign_channel(&mut request, &euicc_otpk);
        }
        let package = server.package_after(request, &euicc_otpk, &Contents::of(A));
        let result = host.load(&segments(&package));
        assert_eq!(error_of(&result), (0, reason));
        assert_eq!(profile_count(&mut host), 0);
        host.install(A);
    }
}

/// EUI-55: a changed MAC.
#[test]
fn a_changed_bit_in_any_segment() {
    let server = Server::new();
    let mut host = Host::ready();
    let mut failures = 0;
    for command in [1, 2, 5] {
        let euicc_otpk = host.bind(&server);
        let mut package = server.package(&euicc_otpk, &Contents::of(A));
        let segments = match command {
            1 => &mut package.first_sequence_of_87,
            2 => &mut package.sequence_of_88,
            _ => &mut package.sequence_of_86,
        };
        let last = segments.0[0].len() - 9;
        segments.0[0][last] ^= 0x80;
        let result = host.load(&server::segments(&package));
        assert_eq!(error_of(&result), (command, 8));
        failures += 1;
        assert_eq!(profile_count(&mut host), 0);
        assert_eq!(
            result
                .profile_installation_result_data
                .notification_metadata
                .seq_number,
            failures
        );
    }
    host.install(A);
}

/// EUI-54: StoreMetadata. EUI-56: another ICCID than the profile. EUI-57: an
/// ICCID that is there.
#[test]
fn what_the_metadata_may_not_say() {
    let mut host = Host::ready();
    host.install(A);
    assert_eq!(error_of(&host.download(&Contents::of(A))), (2, 9));
    let mut other_name = Contents::of(B);
    other_name.metadata = server::metadata("89103000000000000035").to_der();
    assert_eq!(error_of(&host.download(&other_name)), (5, 13));
    let mut class = server::metadata(B);
    class.profile_class = 7;
    let mut contents = Contents::of(B);
    contents.metadata = class.to_der();
    assert_eq!(error_of(&host.download(&contents)), (2, 6));
    let mut ruled = server::metadata(B);
    ruled.profile_policy_rules = Some(rsp_asn1::BitString::of(&[PPR2]));
    contents.metadata = ruled.to_der();
    assert_eq!(error_of(&host.download(&contents)), (2, 15));
    contents.metadata = hex("BF2500");
    assert_eq!(error_of(&host.download(&contents)), (2, 1));
    assert_eq!(profile_count(&mut host), 1);
}

/// EUI-54: no room.
#[test]
fn memory_is_finite() {
    let mut personalisation = personalisation(&Pki::new());
    personalisation.memory = 10;
    let mut host = Host::new(personalisation);
    host.open();
    assert_eq!(error_of(&host.download(&Contents::of(A))), (5, 10));
    let server = Server::new();
    host.bind(&server);
    let answer = host.es10(&hex("BF36840FFFFFFF"));
    let result = ProfileInstallationResult::from_der(&answer).unwrap();
    assert_eq!(error_of(&result), (0, 10));
}

/// EUI-59: each reason, signed.
#[test]
fn cancelling_a_session() {
    let mut host = Host::ready();
    let server = Server::new();
    let cancel = |reason: i64| {
        CancelSessionRequest {
            transaction_id: server.transaction_id.clone(),
            reason: CancelSessionReason(reason),
            extensions: Default::default(),
        }
        .to_der()
    };
    host.challenge();
    assert_eq!(host.es10(&cancel(0)), hex("BF4103810105"));
    host.bind(&server);
    assert_eq!(host.es10(&hex("BF41068001AA810100")), hex("BF4103810105"));
    let answer = host.es10(&cancel(3));
    let CancelSessionResponse::Ok(ok) = CancelSessionResponse::from_der(&answer).unwrap() else {
        panic!("refused");
    };
    let signed = &ok.euicc_cancel_session_signed;
    assert_eq!(
        (signed.reason.0, signed.smdp_oid.to_string()),
        (3, "2.999.10".into())
    );
    let key = rsp_crypto::SigningKey::public_key(&server.pki.euicc);
    let signature = &ok.euicc_cancel_session_signature;
    assert!(verifies(key, &[signed.as_bytes()], signature));
    assert_eq!(host.store(&hex("BF3600")), 0x6985);
    assert_eq!(host.es10(&cancel(3)), hex("BF4103810105"));
}

/// EUI-54: power fails during an installation.
#[test]
fn an_installation_that_loses_power_is_reported() {
    let mut host = Host::ready();
    let server = Server::new();
    let euicc_otpk = host.bind(&server);
    let parts = segments(&server.package(&euicc_otpk, &Contents::of(A)));
    for part in &parts[..parts.len() - 1] {
        assert!(host.es10(part).is_empty());
    }
    host.card.reset();
    host.open();
    let list = host.es10(&hex("BF2B00"));
    let list = rsp_asn1::sgp32::RetrieveNotificationsListResponse::from_der(&list).unwrap();
    let rsp_asn1::sgp32::RetrieveNotificationsListResponse::NotificationList(list) = list else {
        panic!("no list");
    };
    let [PendingNotification::ProfileInstallationResult(result)] = list.as_slice() else {
        panic!("{list:?}");
    };
    assert_eq!(error_of(result), (5, 11));
    assert_eq!(profile_count(&mut host), 0);
    // The same package, bound to the same key, is good at the second attempt.
    let challenge = host.challenge();
    let ok = host.authenticate(&server.authenticate(challenge)).unwrap();
    let request = server.prepare(&ok.euicc_signature1, Some(euicc_otpk), None);
    host.prepare(&request).unwrap();
    host.load(&parts);
    assert_eq!(profile_count(&mut host), 1);
}

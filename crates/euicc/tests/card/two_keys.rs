//! A card with keys under two CIs, on P-256 and on brainpoolP256r1: who asks
//! gets the signature and the chain of the one that was chosen.

use rsp_asn1::Asn1;
use rsp_asn1::rsp::*;
use rsp_asn1::sgp32::*;
use rsp_crypto::software::SoftwareKey;

use crate::common::{Host, hex, personalisation, verifies, with_second_key};
use crate::eims::Eim;
use crate::pki::{self, Pki};
use crate::server::{Contents, Server};

const A: &str = "89103000000000000019";
const B: &str = "89103000000000000027";

fn host() -> Host {
    let personalisation = with_second_key(personalisation(&Pki::new()), &Pki::brainpool());
    let mut host = Host::new(personalisation);
    host.open();
    host
}

fn pkis() -> [Pki; 2] {
    [Pki::new(), Pki::brainpool()]
}

fn verifies_under(key: &SoftwareKey, signed: &[u8], signature: &[u8]) -> bool {
    verifies(key.public_key(), &[signed], signature)
}

#[test]
fn both_cis_are_told() {
    let mut host = host();
    let both = [hex(pki::CI_SKI), hex(pki::BRAINPOOL_CI_SKI)];
    let info = EuiccInfo1::from_der(&host.es10(&hex("BF2000"))).unwrap();
    assert_eq!(info.euicc_ci_pk_id_list_for_signing, both);
    assert_eq!(info.euicc_ci_pk_id_list_for_verification, both);
    let info = EuiccInfo2::from_der(&host.es10(&hex("BF2200"))).unwrap();
    assert_eq!(info.euicc_ci_pk_id_list_for_signing, both);
    assert_eq!(info.euicc_ci_pk_id_list_for_verification, both);
}

#[test]
fn the_server_chooses_the_key() {
    let mut host = host();
    for pki in pkis() {
        let server = Server::of(pki);
        let own = &server.pki;
        // The whole identifier, and its first octets.
        for octets in [20, 4] {
            let challenge = host.challenge();
            let mut request = server.authenticate(challenge);
            request.euicc_ci_pk_id_to_be_used.truncate(octets);
            let ok = host.authenticate(&request).unwrap();
            let (signed, signature) = (&ok.euicc_signed1, &ok.euicc_signature1);
            assert!(verifies_under(&own.euicc, signed.as_bytes(), signature));
            assert_eq!(ok.euicc_certificate.as_bytes(), own.euicc_certificate);
            assert_eq!(ok.eum_certificate.as_bytes(), own.eum_certificate);
            // So is the rest of the session.
            let prepared = host
                .prepare(&server.prepare(signature, None, None))
                .unwrap();
            let message = [
                prepared.euicc_signed2.as_bytes(),
                &crate::server::signature_object(
                    &server.prepare(signature, None, None).smdp_signature2,
                ),
            ];
            let signature2 = &prepared.euicc_signature2;
            assert!(verifies(own.euicc.public_key(), &message, signature2));
            let transaction = hex("BF410D80080001020304050607810105");
            let cancelled = CancelSessionResponse::from_der(&host.es10(&transaction)).unwrap();
            let CancelSessionResponse::Ok(ok) = cancelled else {
                panic!("{cancelled:?}");
            };
            let signed = ok.euicc_cancel_session_signed.as_bytes();
            let signature = &ok.euicc_cancel_session_signature;
            assert!(verifies_under(&own.euicc, signed, signature));
        }
    }
}

#[test]
fn a_key_that_does_not_fit_is_refused() {
    let mut host = host();
    let [p256, brainpool] = pkis();
    let server = Server::of(p256);
    let challenge = host.challenge();
    let mut request = server.authenticate(challenge);
    // The other key is on another curve than the server's certificate.
    request.euicc_ci_pk_id_to_be_used = hex(brainpool.ci_ski);
    let refused = host.authenticate(&request).unwrap_err();
    assert_eq!(refused, AuthenticateErrorCode::UNSUPPORTED_CURVE);
    for unknown in [vec![], vec![0; 20], hex(pki::CI_SKI).repeat(2)] {
        request.euicc_ci_pk_id_to_be_used = unknown;
        let refused = host.authenticate(&request).unwrap_err();
        assert_eq!(refused, AuthenticateErrorCode::CI_PK_UNKNOWN);
    }
    host.assert_usable();
}

#[test]
fn what_is_told_of_a_profile_is_signed_as_its_download_was() {
    let mut host = host();
    let mut eim = Eim::new("eim1");
    host.add(&eim, false);
    for (pki, iccid) in pkis().into_iter().zip([A, B]) {
        // The result of the installation is verified there.
        let result = host.download_from(&Server::of(pki), &Contents::of(iccid));
        let result = &result.profile_installation_result_data.final_result;
        assert!(matches!(result, FinalResult::Success(_)), "{result:?}");
    }
    // After a power cut too.
    host.card.reset();
    host.open();
    for (iccid, psmo) in [(A, "A30C5A0A"), (B, "A30C5A0A")] {
        let iccid: rsp_asn1::ids::Iccid = iccid.parse().unwrap();
        let swapped = iccid.as_swapped().iter().map(|b| format!("{b:02X}"));
        let enable = format!("{psmo}{}", swapped.collect::<String>());
        let results = host.run(&mut eim, &enable);
        let ok = [EuiccResultData::EnableResult(EnableProfileResult::OK)];
        assert_eq!(results, ok);
    }
    let response = host.es10(&hex("BF2B00"));
    let RetrieveNotificationsListResponse::NotificationList(list) =
        RetrieveNotificationsListResponse::from_der(&response).unwrap()
    else {
        panic!("no notifications");
    };
    let mut seen = [0, 0];
    for notification in &list {
        let PendingNotification::Other(other) = notification else {
            continue;
        };
        let iccid = notification.metadata().unwrap().iccid.unwrap().to_string();
        let (pki, seen) = match iccid == A {
            true => (Pki::new(), &mut seen[0]),
            false => (Pki::brainpool(), &mut seen[1]),
        };
        let signed = other.tbs_other_notification.as_bytes();
        let signature = &other.euicc_notification_signature;
        assert!(verifies_under(&pki.euicc, signed, signature), "{iccid}");
        assert_eq!(other.euicc_certificate.as_bytes(), pki.euicc_certificate);
        assert_eq!(other.eum_certificate.as_bytes(), pki.eum_certificate);
        *seen += 1;
    }
    // A was enabled and disabled, B enabled.
    assert_eq!(seen, [2, 1]);
}

#[test]
fn an_eim_has_its_results_signed_under_its_ci() {
    for (wanted, pki) in [
        (None, Pki::new()),
        (Some(hex(pki::CI_SKI)), Pki::new()),
        (Some(hex(pki::BRAINPOOL_CI_SKI)), Pki::brainpool()),
    ] {
        let mut host = host();
        let mut eim = Eim::new("eim1");
        let mut data = eim.configuration();
        data.euicc_ci_pk_id = wanted;
        let added = host.add_initial(vec![data]);
        assert!(matches!(added, AddInitialEimResponse::Ok(_)));
        let known = GetEimConfigurationDataResponse::from_der(&host.es10(&hex("BF5500"))).unwrap();
        let known = &known.eim_configuration_data_list[0];
        assert_eq!(known.euicc_ci_pk_id, Some(hex(pki.ci_ski)));
        let result = EuiccPackageResult::from_der(&host.es10(&eim.package(&[]))).unwrap();
        let EuiccPackageResult::Signed(result) = result else {
            panic!("{result:?}");
        };
        let data = result.euicc_package_result_data_signed.as_bytes();
        let message = [data, &association_token_object(None)];
        let signature = &result.euicc_sign_epr;
        assert!(verifies(pki.euicc.public_key(), &message, signature));
        // The same for an error: the counter is used up.
        eim.counter -= 1;
        let error = EuiccPackageResult::from_der(&host.es10(&eim.package(&[]))).unwrap();
        let EuiccPackageResult::ErrorSigned(error) = error else {
            panic!("{error:?}");
        };
        let data = error.euicc_package_error_data_signed.as_bytes();
        let message = [data, &association_token_object(None)];
        let signature = &error.euicc_sign_epe;
        assert!(verifies(pki.euicc.public_key(), &message, signature));
    }
}

/// EUI-47: GetCerts without a CI, with one, with an unknown one.
#[test]
fn the_chain_of_each_key() {
    let mut host = host();
    let mut certs = |request: &str| GetCertsResponse::from_der(&host.es10(&hex(request))).unwrap();
    let brainpool = format!("BF56168014{}", pki::BRAINPOOL_CI_SKI);
    let truncated = format!("BF56068004{}", &pki::BRAINPOOL_CI_SKI[..8]);
    for (request, pki) in [
        ("BF5600", Pki::new()),
        (&brainpool, Pki::brainpool()),
        (&truncated, Pki::brainpool()),
    ] {
        let GetCertsResponse::Certs(certs) = certs(request) else {
            panic!("{request}");
        };
        assert_eq!(certs.euicc_certificate.as_bytes(), pki.euicc_certificate);
        assert_eq!(certs.eum_certificate.as_bytes(), pki.eum_certificate);
    }
    let unknown = certs("BF5606800400000000");
    assert_eq!(
        unknown,
        GetCertsResponse::Error(GetCertsError::INVALID_CI_PK_ID)
    );
}

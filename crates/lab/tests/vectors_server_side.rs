//! The published vectors, server side: the eIM and the SM-DP+ say, byte for
//! byte, what an independent implementation says with the same keys, and
//! believe what the published card signed. (The card has its own test.)
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::path::Path;

use rsp_asn1::ids::{Eid, Iccid};
use rsp_asn1::rsp::{
    AuthenticateResponseOk, AuthenticateServerResponse, EuiccInfo1, PrepareDownloadResponse,
    PrepareDownloadResponseOk,
};
use rsp_asn1::sgp32::{
    EimPackageResult, EuiccPackageResult, GetEimPackageRequest, GetEimPackageResponse,
    ProvideEimPackageResultResponse,
};
use rsp_asn1::{Asn1, Certificate, Extensions, Signed};
use rsp_core::binding::es9plus_json as es9plus;
use rsp_core::eim::{
    Eim, EuiccRecord, LabSettings, Operation, OperationId, OperationKind, OperationState,
};
use rsp_core::pki::TrustAnchor;
use rsp_core::profile::{self, Subscription};
use rsp_core::smdp::{
    AwaitAuthenticateClient, AwaitGetBoundProfilePackage, Delivery, DpIdentity, Order, OrderKey,
    OrderState, ProfileMaterial, ProfileTypeSettings, Session, Smdp,
};
use rsp_core::{Context, Identity, Timestamp};
use rsp_crypto::software::{SoftwareKey, SoftwareProvider};
use rsp_crypto::{Curve, Rng};

const EID: &str = "89049032123451234512345678901235";
const ICCID: &str = "89103000000000000001";
const EIM_KEY: &str = "dbdf692db8acc555185438b9d5368dc96de971626e4f30dec8a9c2547bc597ed";
const EUICC_KEY: &str = "11e15467dc194f337183e460c9f63260091e12e81026cd6561e17c6d8539cc9c";
const DP_AUTH_KEY: &str = "0a7cc1c244e60c52cd5b7807ab8c360c26524601507dcabc5dd598b5a616d5d5";
const DP_PB_KEY: &str = "dcd694b778957e8e9addbdd94433e9ef8f73d11e491c48d425a38a9491bd3bed";
const TRANSACTION_ID: &str = "000102030405060708090A0B0C0D0E0F";

const EUICC_SIGNED1: &str = "3081CD8010000102030405060708090A0B0C0D0E0F831974657374736D6470706C7573312E6578616D706C652E636F6D8410101112131415161718191A1B1C1D1E1FBF226E810302030182030206008303010000840D81010082040007A120830227108503067F4088020490A9160414F54172BDF98A95D65CBEB88A38A1C11D800A85C3AA160414F54172BDF98A95D65CBEB88A38A1C11D800A85C304030100000C0454455354900100B407A0050403010200A01B800A4D41544348494E474944A10D800435290611A10585030F0000";
const EUICC_SIGNATURE1: &str = "86FEF19A012FF428A97DAECB7BF3A7F220C817C78C282D49A5CD52CEF0D9FE39316E7C95CA890917C58B9ADAD1CFC0AEA2F971F73EDC8BB4669FDF7D88F9C250";
const EUICC_SIGNED2: &str = "30568010000102030405060708090A0B0C0D0E0F5F4941040217E617F0B6443928278F96999E69A23A4F2C152BDF6D6CDF66E5B80282D4ED194A7DEBCB97712D2DDA3CA85AA8765A56F45FC758599652F2897C65306E5794";
const EUICC_SIGNATURE2: &str = "C863041810032413B91E2F82F4595CD4D62C43CF732E7D7A300A5AE35EC66C33BE0BD8D62EE03B17DBEB02A4FF726D4CCC958FD0463BF9080BAACC2B19DD32CA";

/// Within the validity of all SGP.26 certificates that are used.
const NOW: Timestamp = Timestamp::from_secs(1_735_689_600);

/// Gives the octets that the vectors were made with, then fails.
struct Script(Vec<u8>);

impl Rng for Script {
    fn fill(&mut self, buf: &mut [u8]) {
        let taken: Vec<u8> = self.0.drain(..buf.len()).collect();
        buf.copy_from_slice(&taken);
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|octet| format!("{octet:02X}")).collect()
}

fn key(scalar: &str) -> SoftwareKey {
    let scalar: [u8; 32] = bytes(scalar).try_into().unwrap();
    SoftwareKey::from_scalar(Curve::NistP256, &scalar).unwrap()
}

fn context<'a>(rng: &'a mut Script) -> Context<'a> {
    Context {
        now: NOW,
        rng,
        crypto: &SoftwareProvider,
    }
}

/// An eIM with the published key; its certificates are not looked at here.
fn eim() -> Eim {
    let nothing = Certificate::from_bytes(&[0x30, 0x00]).unwrap();
    Eim {
        eim_id: "eim1".try_into().unwrap(),
        fqdn: "eim.example.com".to_string(),
        signing: Identity {
            certificate: nothing.clone(),
            key: Box::new(key(EIM_KEY)),
        },
        tls_trust: nothing,
        transports: vec![rsp_core::binding::Transport::Https],
        anchors: Vec::new(),
        relay: rsp_core::eim::relay::RelaySettings::default(),
        lab: LabSettings::default(),
    }
}

fn poll() -> GetEimPackageRequest {
    GetEimPackageRequest {
        eid_value: EID.parse().unwrap(),
        notify_state_change: None,
        state_change_cause: None,
        r_plmn: None,
        extensions: Extensions::default(),
    }
}

fn record(token: Option<i64>) -> EuiccRecord {
    EuiccRecord {
        public_key: Some(key(EUICC_KEY).public_key().to_spki_der()),
        ..EuiccRecord::new(EID.parse().unwrap(), token, 0)
    }
}

fn enable() -> Operation {
    let iccid: Iccid = ICCID.parse().unwrap();
    let eid: Eid = EID.parse().unwrap();
    let kind = OperationKind::Enable {
        iccid,
        rollback: true,
    };
    Operation::queued(OperationId("1".to_string()), eid, kind, Timestamp(0))
}

/// EIM-30, EIM-31.
#[test]
fn the_eim_signs_the_published_packages() {
    for (token, signature) in [
        (
            None,
            "D9598B2BD08C01E9343159F98F8BEE8C217A33F5AC20B0844B3F4F38A7C620B34FA42FEA71B38E72B156E3E3352D2527FA473A516720599079FAE0EEDB53CEE5",
        ),
        (
            Some(5),
            "C044012F555733F4D707B1BC6454EE2C0B78DB17FEC39C708FD3D54C0CB5987F100C3DECF7A0DC9C8A254D458C6EAC60E4525C2B8C04836762C18FAE739D1A55",
        ),
        (
            Some(300),
            "1BCFE46EC4125CB62D553A4F7C0C40F03BEE523DE5E238F20E37786F81F7A67EC8EFB70FCE9AD586C58368CF5C6F9323621A12024B9629D6EECCF1D6E2ED18D6",
        ),
    ] {
        let mut rng = Script(bytes(TRANSACTION_ID));
        let mut cx = context(&mut rng);
        let step = eim().get_eim_package(record(token), &[enable()], &poll(), &mut cx);
        assert_eq!(step.record.counter_value, 1);
        let GetEimPackageResponse::EuiccPackageRequest(request) = step.reply else {
            panic!("no package");
        };
        assert_eq!(
            hex(request.as_bytes()),
            format!(
                "BF518184303F800465696D315A10890490321234512345123456789012358101018210000102030405060708090A0B0C0D0E0FA010A30E5A0A9801030000000000001005005F3740{signature}"
            )
        );
    }
}

#[test]
fn the_eim_believes_the_published_results() {
    let delivered = Operation {
        state: OperationState::Delivered {
            eim_transaction_id: TRANSACTION_ID.parse().unwrap(),
            counter_value: Some(1),
            repeated: 0,
            sent: None,
            in_a_row: 0,
            place: 0,
            package: Vec::new(),
        },
        ..enable()
    };
    let provide = |result: &str| {
        let result = Signed::<EuiccPackageResult>::from_der(&bytes(result)).unwrap();
        let result = EimPackageResult::EuiccPackageResult(result);
        let mut rng = Script(Vec::new());
        let open = [delivered.clone()];
        eim().provide_eim_package_result(record(None), &open, &result, &context(&mut rng))
    };
    let step = provide(
        "BF516AA0683023800465696D318101018210000102030405060708090A0B0C0D0E0F83010530038301005F3740C61471999DAA291F6716DEB680A8D9CABDD598ED0E3E0ADFAB5F147476515A4D74447C8826799087ACC875471B49CF2C50EB4671B83999346F47CD704AFCE010",
    );
    assert_eq!(step.operations[0].state_name(), "executed");
    let ProvideEimPackageResultResponse::EimAcknowledgements(acknowledged) = step.reply else {
        panic!("nothing acknowledged");
    };
    assert_eq!(acknowledged.0, [5]);

    // A signed refusal: a replay, so that nothing is known.
    let step = provide(
        "BF5165A163301E800465696D318101018210000102030405060708090A0B0C0D0E0F0201045F3740226E8DD9363B786D3A1DB30D2284073665B53450E482317E22617A7D9B0098BB931F3EFDD147838DF848943BF998C0ABACCEF02EBB16A7F9DEF1991A7C8C4851",
    );
    assert_eq!(step.operations[0].state_name(), "outcome_unknown");
}

/// The SM-DP+ of SGP.26.
fn smdp(folder: &Path) -> Smdp {
    let identity = |file: &str, scalar: &str| Identity {
        certificate: certificate(folder, file),
        key: Box::new(key(scalar)),
    };
    let ci = certificate(folder, "CERT.CI.der");
    Smdp::new(
        "testsmdpplus1.example.com".to_string(),
        vec![DpIdentity {
            auth: identity("CERT.DPauth.der", DP_AUTH_KEY),
            pb: identity("CERT.DPpb.der", DP_PB_KEY),
        }],
        vec![TrustAnchor::new(&ci, &SoftwareProvider).unwrap()],
        NOW,
        &SoftwareProvider,
    )
    .unwrap()
}

fn certificate(folder: &Path, file: &str) -> Certificate {
    let der = std::fs::read(folder.join("data/sgp26/nist").join(file)).unwrap();
    Certificate::from_bytes(&der).unwrap()
}

fn stock() -> Delivery {
    let iccid: Iccid = ICCID.parse().unwrap();
    let order = Order {
        state: OrderState::Released,
        matching_id: Some("MATCHINGID".to_string()),
        ..Order::available(iccid, "operational".to_string())
    };
    let imsi = "001010123456789".parse().unwrap();
    let material = ProfileMaterial {
        subscription: Subscription::new(iccid, imsi, [1; 16], [2; 16]),
        template: profile::template(),
        service_provider_name: "SP".to_string(),
        profile_name: "Name".to_string(),
        profile_class: 2,
        settings: ProfileTypeSettings::default(),
    };
    Delivery {
        order,
        material,
        kept: None,
    }
}

#[test]
fn the_smdp_speaks_the_published_download() {
    let Some(folder) = lab::test_data::folder("the_smdp_speaks_the_published_download") else {
        return;
    };
    let smdp = smdp(&folder);
    // transactionId, serverChallenge, otSK.DP.ECKA, hostId.
    let mut random = bytes(TRANSACTION_ID);
    random.extend(0x10..=0x1F);
    random.extend([0x22; 32]);
    random.extend(b"TESTHOST");
    let mut rng = Script(random);
    let mut cx = context(&mut rng);

    let state = initiate(&smdp, &mut cx);
    let state = authenticate(&state, &smdp, &folder, &cx);
    deliver(&state, &smdp, &mut cx);
}

fn initiate(smdp: &Smdp, cx: &mut Context<'_>) -> AwaitAuthenticateClient {
    let challenge: [u8; 16] = bytes(TRANSACTION_ID).try_into().unwrap();
    let ci = bytes("F54172BDF98A95D65CBEB88A38A1C11D800A85C3");
    let request = es9plus::InitiateAuthenticationRequest {
        euicc_challenge: challenge,
        euicc_info1: EuiccInfo1 {
            svn: [2, 6, 0],
            euicc_ci_pk_id_list_for_verification: vec![ci.clone()],
            euicc_ci_pk_id_list_for_signing: vec![ci],
            extensions: Extensions::default(),
        },
        smdp_address: "TestSmdpPlus1.example.com".to_string(),
    };
    let started = smdp.initiate_authentication(&request, cx).unwrap();
    assert_eq!(
        hex(started.reply.server_signed1.as_bytes()),
        "30518010000102030405060708090A0B0C0D0E0F8110000102030405060708090A0B0C0D0E0F831974657374736D6470706C7573312E6578616D706C652E636F6D8410101112131415161718191A1B1C1D1E1F"
    );
    assert_eq!(
        hex(&started.reply.server_signature1),
        "B1F0290C2A4F18949C454E7A884E0FB969460BC12FB84F7FA872BD0D30ED60503F18102195C6AB2AAC045EC28220AF4C0EAC34A0B199B3B0993924A84A4E6F1F"
    );

    match started.session {
        Session::AwaitAuthenticateClient(state) => state,
        state => panic!("another state: {state:?}"),
    }
}

fn authenticate(
    state: &AwaitAuthenticateClient,
    smdp: &Smdp,
    folder: &Path,
    cx: &Context<'_>,
) -> AwaitGetBoundProfilePackage {
    let request = es9plus::AuthenticateClientRequest {
        transaction_id: TRANSACTION_ID.parse().unwrap(),
        authenticate_server_response: AuthenticateServerResponse::Ok(AuthenticateResponseOk {
            euicc_signed1: Signed::from_der(&bytes(EUICC_SIGNED1)).unwrap(),
            euicc_signature1: bytes(EUICC_SIGNATURE1),
            euicc_certificate: certificate(folder, "CERT.EUICC.der"),
            eum_certificate: certificate(folder, "CERT.EUM.der"),
            extensions: Extensions::default(),
        }),
    };
    let client = state.authenticate(&request, smdp, cx).unwrap();
    let matching_id = OrderKey::MatchingId("MATCHINGID".to_string());
    assert_eq!(client.order_key(), matching_id);
    let offered = client.offer(Some(stock()), smdp, cx).unwrap();
    let reply = offered.reply.unwrap();
    assert_eq!(
        hex(reply.smdp_signed2.as_bytes()),
        "30158010000102030405060708090A0B0C0D0E0F010100"
    );
    assert_eq!(
        hex(&reply.smdp_signature2),
        "2CF378BA32C017F0BA442121B5E15507843F51F285C20686A566103CEE1F95677214A6BC5DA179F65115702372356F3EC6592CD49473AB618700B8DBA04819F2"
    );

    match offered.session {
        Session::AwaitGetBoundProfilePackage(state) => state,
        state => panic!("another state: {state:?}"),
    }
}

fn deliver(state: &AwaitGetBoundProfilePackage, smdp: &Smdp, cx: &mut Context<'_>) {
    let request = es9plus::GetBoundProfilePackageRequest {
        transaction_id: TRANSACTION_ID.parse().unwrap(),
        prepare_download_response: PrepareDownloadResponse::Ok(PrepareDownloadResponseOk {
            euicc_signed2: Signed::from_der(&bytes(EUICC_SIGNED2)).unwrap(),
            euicc_signature2: bytes(EUICC_SIGNATURE2),
            extensions: Extensions::default(),
        }),
    };
    let delivered = state
        .get_bound_profile_package(&request, stock(), smdp, cx)
        .unwrap();
    let package = delivered.reply.unwrap().bound_profile_package;
    assert_eq!(
        hex(package.initialise_secure_channel_request.as_bytes()),
        "BF2381AE8201018010000102030405060708090A0B0C0D0E0FA610800188810110840854455354484F53545F494104D65A93977CAA3D1B081852FF57A79E465F1660577304BAEAD505DD3A48589CF350185E895372DF6221EA3A137557E473FDDB6755F05BD507C3C533FCE9C912855F37407245063AC5C3864A2031BF3F8DD6EF0C334DAC90CBC8FC6C3EB2078E58DE3F28392DBB08F6E680A4ECEE9FB1E6901527BDF20A1CBE6C8927B529115CD48083A0"
    );
    assert_eq!(
        hex(&package.first_sequence_of_87.0[0]),
        "871846CE1FA08D65C6720FF1263D3A454B22FB9C8F02D37CAE2E"
    );
}

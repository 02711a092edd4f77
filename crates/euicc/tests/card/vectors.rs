//! The published vectors, played to the card.

use rsp_asn1::Asn1;
use rsp_asn1::ids::TransactionId;
use rsp_asn1::rsp::*;
use rsp_asn1::sgp32::{EnableProfileResult, EuiccPackageResult, EuiccResultData};
use rsp_crypto::Provider;
use rsp_crypto::bsp::Protector;
use rsp_crypto::software::SoftwareProvider;

use crate::common::{Host, array, hex, personalisation, verifies};
use crate::eims::Eim;
use crate::pki::Pki;
use crate::server::{self, Server};

// eUICC Package, enable with rollback, counter 1.
const PACKAGE_SIGNED: &str = "
    303F800465696D315A10890490321234512345123456789012358101018210000102030405060708
    090A0B0C0D0E0FA010A30E5A0A980103000000000000100500";
const SIGNATURE_NO_TOKEN: &str = "
    D9598B2BD08C01E9343159F98F8BEE8C217A33F5AC20B0844B3F4F38A7C620B34FA42FEA71B38E72
    B156E3E3352D2527FA473A516720599079FAE0EEDB53CEE5";
const SIGNATURE_TOKEN_5: &str = "
    C044012F555733F4D707B1BC6454EE2C0B78DB17FEC39C708FD3D54C0CB5987F100C3DECF7A0DC9C
    8A254D458C6EAC60E4525C2B8C04836762C18FAE739D1A55";
const SIGNATURE_TOKEN_300: &str = "
    1BCFE46EC4125CB62D553A4F7C0C40F03BEE523DE5E238F20E37786F81F7A67EC8EFB70FCE9AD586
    C58368CF5C6F9323621A12024B9629D6EECCF1D6E2ED18D6";
const ERROR_RESULT: &str = "
    BF5165A163301E800465696D318101018210000102030405060708090A0B0C0D0E0F0201045F3740
    226E8DD9363B786D3A1DB30D2284073665B53450E482317E22617A7D9B0098BB931F3EFDD147838D
    F848943BF998C0ABACCEF02EBB16A7F9DEF1991A7C8C4851";

// Mutual authentication and download.
const SERVER_SIGNED1: &str = "
    30518010000102030405060708090A0B0C0D0E0F8110000102030405060708090A0B0C0D0E0F8319
    74657374736D6470706C7573312E6578616D706C652E636F6D8410101112131415161718191A1B1C
    1D1E1F";
const SERVER_SIGNATURE1: &str = "
    B1F0290C2A4F18949C454E7A884E0FB969460BC12FB84F7FA872BD0D30ED60503F18102195C6AB2A
    AC045EC28220AF4C0EAC34A0B199B3B0993924A84A4E6F1F";
const TRANSACTION_ID: &str = "000102030405060708090A0B0C0D0E0F";
const EUICC_SIGNED2: &str = "
    30568010000102030405060708090A0B0C0D0E0F5F4941040217E617F0B6443928278F96999E69A2
    3A4F2C152BDF6D6CDF66E5B80282D4ED194A7DEBCB97712D2DDA3CA85AA8765A56F45FC758599652
    F2897C65306E5794";
const CHANNEL_REQUEST: &str = "
    BF2381AE8201018010000102030405060708090A0B0C0D0E0FA61080018881011084085445535448
    4F53545F494104D65A93977CAA3D1B081852FF57A79E465F1660577304BAEAD505DD3A48589CF350
    185E895372DF6221EA3A137557E473FDDB6755F05BD507C3C533FCE9C912855F37407245063AC5C3
    864A2031BF3F8DD6EF0C334DAC90CBC8FC6C3EB2078E58DE3F28392DBB08F6E680A4ECEE9FB1E690
    1527BDF20A1CBE6C8927B529115CD48083A0";
const BPP_HASH: &str = "3CEEBF6A892954A84D2EBA973AAB72B54EE2600A87AF212767E6FD8F2BF4CCFB";
const BPP_PPK_HASH: &str = "FF4C2189C0F6E3EDA507C4371325590F96D8579F9BC499D319654AA9F4663715";

/// A card whose eIM has this association token.
fn host_with_token(token: Option<i64>) -> Host {
    let mut personalisation = personalisation(&Pki::new());
    personalisation.next_association_token = token.unwrap_or(1);
    let mut host = Host::new(personalisation);
    host.open();
    let eim = Eim::new("eim1");
    assert_eq!(host.add(&eim, token.is_some()), token);
    host
}

fn package(signature: &str) -> Vec<u8> {
    let contents = [
        hex(PACKAGE_SIGNED),
        server::signature_object(&hex(signature)),
    ]
    .concat();
    [hex("BF518184"), contents].concat()
}

#[test]
fn published_package_with_each_association_token() {
    let cases = [
        (None, SIGNATURE_NO_TOKEN, "840100"),
        (Some(5), SIGNATURE_TOKEN_5, "840105"),
        (Some(300), SIGNATURE_TOKEN_300, "8402012C"),
    ];
    for (token, signature, object) in cases {
        let mut host = host_with_token(token);
        host.install("89103000000000000019");
        let answer = host.es10(&package(signature));
        let EuiccPackageResult::Signed(result) = EuiccPackageResult::from_der(&answer).unwrap()
        else {
            panic!("not signed with token {token:?}");
        };
        let data = &result.euicc_package_result_data_signed;
        let euicc = Pki::new().euicc;
        let message = [data.as_bytes(), &hex(object)];
        assert!(verifies(
            euicc.public_key(),
            &message,
            &result.euicc_sign_epr
        ));
        assert_eq!(data.counter_value, 1);
        assert_eq!(
            data.eim_transaction_id.as_ref().unwrap().as_bytes(),
            hex(TRANSACTION_ID)
        );
        // The profile named is not there.
        let not_found = EnableProfileResult::ICCID_OR_AID_NOT_FOUND;
        assert_eq!(
            data.euicc_result,
            [EuiccResultData::EnableResult(not_found)]
        );
    }
}

#[test]
fn published_signed_error_byte_for_byte() {
    let mut host = host_with_token(None);
    host.es10(&package(SIGNATURE_NO_TOKEN));
    // The card signs deterministically with the published key, so that the
    // whole error is the published one.
    assert_eq!(host.es10(&package(SIGNATURE_NO_TOKEN)), hex(ERROR_RESULT));
}

/// EUI-10: a wrong token; the unsigned error tells the right one.
#[test]
fn published_package_with_another_token_proves_nothing() {
    for signature in [SIGNATURE_NO_TOKEN, SIGNATURE_TOKEN_300] {
        let mut host = host_with_token(Some(5));
        assert_eq!(
            host.es10(&package(signature)),
            hex("BF511DA21B800465696D318210000102030405060708090A0B0C0D0E0F840105")
        );
    }
}

/// The published session up to PrepareDownload; gives the card and the server.
fn published_session() -> (Host, Server) {
    let mut server = Server::new();
    server.transaction_id = TransactionId::from_bytes(&hex(TRANSACTION_ID)).unwrap();
    let mut host = Host::ready();
    host.script(&hex(TRANSACTION_ID));
    host.script(&[0x11; 32]);
    assert_eq!(host.challenge(), array::<16>(TRANSACTION_ID));

    let mut request = server.authenticate([0; 16]);
    request.server_signed1 = rsp_asn1::Signed::from_der(&hex(SERVER_SIGNED1)).unwrap();
    request.server_signature1 = hex(SERVER_SIGNATURE1);
    let ok = host.authenticate(&request).unwrap();
    let key = server.pki.euicc.public_key();
    assert!(verifies(
        key,
        &[ok.euicc_signed1.as_bytes()],
        &ok.euicc_signature1
    ));
    assert_eq!(
        ok.euicc_signed1.server_challenge,
        array("101112131415161718191A1B1C1D1E1F")
    );
    assert_eq!(ok.euicc_signed1.euicc_info2.ipa_mode, Some(0));

    let request = server.prepare(&ok.euicc_signature1, None, None);
    let ok = host.prepare(&request).unwrap();
    assert_eq!(ok.euicc_signed2.as_bytes(), hex(EUICC_SIGNED2));
    let signed = [
        ok.euicc_signed2.as_bytes(),
        &server::signature_object(&request.smdp_signature2),
    ];
    assert!(verifies(
        server.pki.euicc.public_key(),
        &signed,
        &ok.euicc_signature2
    ));
    (host, server)
}

/// The published package; its profile is a stand-in that is no profile.
fn published_package(replaced_keys: bool) -> BoundProfilePackage {
    let request = InitialiseSecureChannelRequest::from_der(&hex(CHANNEL_REQUEST)).unwrap();
    let euicc_otpk = hex(EUICC_SIGNED2)[23..].to_vec();
    let mut contents = server::Contents::of("89103000000000000001");
    contents.metadata = hex("BF25165A0A980103000000000000109102535092044E616D65");
    contents.profile = hex("A003800102").repeat(300);
    if replaced_keys {
        contents.replace_session_keys = Some(ReplaceSessionKeysRequest {
            initial_mac_chaining_value: [0x22; 16],
            ppk_enc: [0; 16],
            ppk_cmac: [0x11; 16],
            extensions: Default::default(),
        });
    }
    let package = Server::new().package_after(request, &euicc_otpk, &contents);
    let hash = if replaced_keys {
        BPP_PPK_HASH
    } else {
        BPP_HASH
    };
    assert_eq!(
        SoftwareProvider.sha256(&[&package.to_der()]),
        array::<32>(hash)
    );
    package
}

#[test]
fn published_bound_profile_packages_open_to_the_end() {
    for replaced_keys in [false, true] {
        let (mut host, _) = published_session();
        let package = published_package(replaced_keys);
        let result = host.load(&server::segments(&package));
        // Every segment opened: what fails is the stand-in for a profile.
        let FinalResult::Error(error) = &result.profile_installation_result_data.final_result
        else {
            panic!("the stand-in is no profile");
        };
        assert_eq!(error.bpp_command_id, BppCommandId::LOAD_PROFILE_ELEMENTS);
        assert_eq!(
            error.error_reason,
            ErrorReason::INSTALL_FAILED_DUE_TO_PE_PROCESSING_ERROR
        );
        host.assert_usable();
    }
}

#[test]
fn published_secure_channel_with_one_changed_bit() {
    for at in (2..hex(CHANNEL_REQUEST).len()).step_by(3) {
        let (mut host, _) = published_session();
        let mut changed = hex(CHANNEL_REQUEST);
        changed[at] ^= 1;
        let first = [hex("BF3681B2"), changed].concat();
        let mut answer = host.es10(&first);
        if answer.is_empty() {
            // A length has changed, and the card waits for more.
            answer = host.es10(&[0; 200]);
        }
        let result = ProfileInstallationResult::from_der(&answer).unwrap();
        let FinalResult::Error(error) = &result.profile_installation_result_data.final_result
        else {
            panic!("accepted with byte {at} changed");
        };
        assert_eq!(
            error.bpp_command_id,
            BppCommandId::INITIALISE_SECURE_CHANNEL
        );
        host.assert_usable();
    }
}

/// EUI-55: segments in another order.
#[test]
fn segments_of_another_order_do_not_open() {
    let (mut host, _) = published_session();
    let euicc_otpk = hex(EUICC_SIGNED2)[23..].to_vec();
    let mut package = published_package(false);
    let mut protector = Protector::new(
        &SoftwareProvider,
        server::session_keys(&crate::common::key(server::OT_SK_DP), &euicc_otpk),
    );
    let _ = protector.encrypt(0x87, &hex("BF2400")).unwrap();
    let second = protector.encrypt(0x87, &hex("BF2400")).unwrap();
    package.first_sequence_of_87 = Segments(vec![second]);
    let result = host.load(&server::segments(&package));
    let FinalResult::Error(error) = &result.profile_installation_result_data.final_result else {
        panic!("a skipped segment");
    };
    assert_eq!(error.bpp_command_id, BppCommandId::CONFIGURE_ISDP);
    assert_eq!(error.error_reason, ErrorReason::SCP03T_SECURITY_ERROR);
}

#[test]
fn one_changed_bit_in_the_package_or_its_signature() {
    let whole = package(SIGNATURE_NO_TOKEN);
    // Before byte 4 it would be another function, or no TLV.
    for at in 4..whole.len() {
        let mut host = host_with_token(None);
        let mut changed = whole.clone();
        changed[at] ^= 1;
        let answer = host.es10(&changed);
        let result = EuiccPackageResult::from_der(&answer).unwrap();
        assert!(
            matches!(result, EuiccPackageResult::ErrorUnsigned(_)),
            "byte {at}"
        );
        // Counter unchanged: the genuine one is still good.
        let answer = host.es10(&whole);
        let result = EuiccPackageResult::from_der(&answer).unwrap();
        assert!(matches!(result, EuiccPackageResult::Signed(_)));
    }
}

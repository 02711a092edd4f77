//! Known answers of the remote SIM provisioning exchanges: every signature,
//! key and protected segment byte for byte.

use rsp_crypto::bsp::{MAX_SEGMENT, Protector, SessionKeys};
use rsp_crypto::software::{SoftwareKey, SoftwareProvider};
use rsp_crypto::{Curve, EckaKey, Provider, PublicKey, Signature, SigningKey};

use crate::common::{array, hex, key};

// Private scalars of the published SGP.26 test certificates.
const SCALAR_EIM_SIGN: &str = "dbdf692db8acc555185438b9d5368dc96de971626e4f30dec8a9c2547bc597ed";
const SCALAR_EUICC: &str = "11e15467dc194f337183e460c9f63260091e12e81026cd6561e17c6d8539cc9c";
const SCALAR_DP_AUTH: &str = "0a7cc1c244e60c52cd5b7807ab8c360c26524601507dcabc5dd598b5a616d5d5";
const SCALAR_DP_PB: &str = "dcd694b778957e8e9addbdd94433e9ef8f73d11e491c48d425a38a9491bd3bed";

// eUICC Package (SGP.32 2.11.1).
const PACKAGE_SIGNED: &str = "
    303F800465696D315A10890490321234512345123456789012358101018210000102030405060708
    090A0B0C0D0E0FA010A30E5A0A980103000000000000100500
";
const PACKAGE_HASH_NO_TOKEN: &str =
    "6B42A634FC7E51C394F934F8D6E9A55F4594D907513E7A0A8DADDDAF22040337";
const PACKAGE_SIGNATURE_NO_TOKEN: &str = "
    D9598B2BD08C01E9343159F98F8BEE8C217A33F5AC20B0844B3F4F38A7C620B34FA42FEA71B38E72
    B156E3E3352D2527FA473A516720599079FAE0EEDB53CEE5
";
const PACKAGE_HASH_TOKEN_5: &str =
    "97C6BFD2EC1C20AF56CEF38019FE85E5A643E82ABCFEF5A01AA4AE3177C152B9";
const PACKAGE_SIGNATURE_TOKEN_5: &str = "
    C044012F555733F4D707B1BC6454EE2C0B78DB17FEC39C708FD3D54C0CB5987F100C3DECF7A0DC9C
    8A254D458C6EAC60E4525C2B8C04836762C18FAE739D1A55
";
const PACKAGE_HASH_TOKEN_300: &str =
    "F5A969EECF88CAAD7E3B88D99214BB7E5D4B6162C84160180EAFEC3D75C673A5";
const PACKAGE_SIGNATURE_TOKEN_300: &str = "
    1BCFE46EC4125CB62D553A4F7C0C40F03BEE523DE5E238F20E37786F81F7A67EC8EFB70FCE9AD586
    C58368CF5C6F9323621A12024B9629D6EECCF1D6E2ED18D6
";

// eUICC Package Result (SGP.32 2.11.2).
const RESULT_DATA: &str =
    "3023800465696D318101018210000102030405060708090A0B0C0D0E0F8301053003830100";
const RESULT_SIGNATURE: &str = "
    C61471999DAA291F6716DEB680A8D9CABDD598ED0E3E0ADFAB5F147476515A4D74447C8826799087
    ACC875471B49CF2C50EB4671B83999346F47CD704AFCE010
";
const ERROR_DATA: &str = "301E800465696D318101018210000102030405060708090A0B0C0D0E0F020104";
const ERROR_SIGNATURE: &str = "
    226E8DD9363B786D3A1DB30D2284073665B53450E482317E22617A7D9B0098BB931F3EFDD147838D
    F848943BF998C0ABACCEF02EBB16A7F9DEF1991A7C8C4851
";

// Common mutual authentication (SGP.22 3.0.1).
const SERVER_SIGNED_1: &str = "
    30518010000102030405060708090A0B0C0D0E0F8110000102030405060708090A0B0C0D0E0F8319
    74657374736D6470706C7573312E6578616D706C652E636F6D8410101112131415161718191A1B1C
    1D1E1F
";
const SERVER_SIGNATURE_1: &str = "
    B1F0290C2A4F18949C454E7A884E0FB969460BC12FB84F7FA872BD0D30ED60503F18102195C6AB2A
    AC045EC28220AF4C0EAC34A0B199B3B0993924A84A4E6F1F
";
const EUICC_SIGNED_1: &str = "
    3081CD8010000102030405060708090A0B0C0D0E0F831974657374736D6470706C7573312E657861
    6D706C652E636F6D8410101112131415161718191A1B1C1D1E1FBF226E8103020301820302060083
    03010000840D81010082040007A120830227108503067F4088020490A9160414F54172BDF98A95D6
    5CBEB88A38A1C11D800A85C3AA160414F54172BDF98A95D65CBEB88A38A1C11D800A85C304030100
    000C0454455354900100B407A0050403010200A01B800A4D41544348494E474944A10D8004352906
    11A10585030F0000
";
const EUICC_SIGNATURE_1: &str = "
    86FEF19A012FF428A97DAECB7BF3A7F220C817C78C282D49A5CD52CEF0D9FE39316E7C95CA890917
    C58B9ADAD1CFC0AEA2F971F73EDC8BB4669FDF7D88F9C250
";

// Download (SGP.22 3.1.3).
const TRANSACTION_ID: &str = "000102030405060708090A0B0C0D0E0F";
const SMDP_SIGNED_2: &str = "30158010000102030405060708090A0B0C0D0E0F010100";
const SMDP_SIGNATURE_2: &str = "
    2CF378BA32C017F0BA442121B5E15507843F51F285C20686A566103CEE1F95677214A6BC5DA179F6
    5115702372356F3EC6592CD49473AB618700B8DBA04819F2
";
const HASH_CC: &str = "AB311C0527DB635C7BAC464EFC070D69AFECBBA55A894064B394C56165610EC0";
const OT_SK_EUICC: &str = "1111111111111111111111111111111111111111111111111111111111111111";
const OT_PK_EUICC: &str = "
    040217E617F0B6443928278F96999E69A23A4F2C152BDF6D6CDF66E5B80282D4ED194A7DEBCB9771
    2D2DDA3CA85AA8765A56F45FC758599652F2897C65306E5794
";
const OT_SK_DP: &str = "2222222222222222222222222222222222222222222222222222222222222222";
const OT_PK_DP: &str = "
    04D65A93977CAA3D1B081852FF57A79E465F1660577304BAEAD505DD3A48589CF350185E895372DF
    6221EA3A137557E473FDDB6755F05BD507C3C533FCE9C91285
";
const EUICC_SIGNED_2: &str = "
    30568010000102030405060708090A0B0C0D0E0F5F4941040217E617F0B6443928278F96999E69A2
    3A4F2C152BDF6D6CDF66E5B80282D4ED194A7DEBCB97712D2DDA3CA85AA8765A56F45FC758599652
    F2897C65306E5794
";
const EUICC_SIGNATURE_2: &str = "
    C863041810032413B91E2F82F4595CD4D62C43CF732E7D7A300A5AE35EC66C33BE0BD8D62EE03B17
    DBEB02A4FF726D4CCC958FD0463BF9080BAACC2B19DD32CA
";

// Profile protection (SGP.22 2.6.4).
const EID: &str = "89049032123451234512345678901235";
const SHARED_SECRET: &str = "CCFC261F58193C98CA4AD4A53BBAC6F0EE29BC4D48438090446908622CA79AF6";
const MAC_CHAINING: &str = "ECE9D37193E87CB89A1AB4FD88DC11DD";
const S_ENC: &str = "AE7589267D08624E3F7680C76E964995";
const S_MAC: &str = "FCFCB742FE282FCA37F06CFD79FA719A";
const CHANNEL_SIGNATURE: &str = "
    7245063AC5C3864A2031BF3F8DD6EF0C334DAC90CBC8FC6C3EB2078E58DE3F28392DBB08F6E680A4
    ECEE9FB1E6901527BDF20A1CBE6C8927B529115CD48083A0
";
const CHANNEL_REQUEST: &str = "
    BF2381AE8201018010000102030405060708090A0B0C0D0E0FA61080018881011084085445535448
    4F53545F494104D65A93977CAA3D1B081852FF57A79E465F1660577304BAEAD505DD3A48589CF350
    185E895372DF6221EA3A137557E473FDDB6755F05BD507C3C533FCE9C912855F37407245063AC5C3
    864A2031BF3F8DD6EF0C334DAC90CBC8FC6C3EB2078E58DE3F28392DBB08F6E680A4ECEE9FB1E690
    1527BDF20A1CBE6C8927B529115CD48083A0
";
const FIRST_87: &str = "871846CE1FA08D65C6720FF1263D3A454B22FB9C8F02D37CAE2E";
const CHAINING_AFTER_87: &str = "FB9C8F02D37CAE2EF5D19EBA95E414AF";
const STORE_METADATA: &str = "BF25165A0A980103000000000000109102535092044E616D65";
const FIRST_88: &str = "8821BF25165A0A980103000000000000109102535092044E616D659F334AD3F411F591";
const CHAINING_AFTER_88: &str = "9F334AD3F411F591B7451F46AE85EB13";
const FIRST_86_BEGIN: &str =
    "868203F84E0E2731650D618A8C23D5F7DB34AC4910DCC17469399183B64F16115CA91514";
const FIRST_86_HASH: &str = "30A4F773B06AD3F075CDB2084E148C07A070B67B58817D695E7498DBF2E08046";
const SECOND_86_HASH: &str = "62A6D83868DE44F4120E18B2EF3EDDC453755DCDEC69E3977826E11F3DCC5E04";
const REPLACE_SESSION_KEYS: &str = "
    BF263680102222222222222222222222222222222281100000000000000000000000000000000082
    1011111111111111111111111111111111
";
const SECOND_87: &str = "
    8748F80B9716CDA20DC5862798EC0467AF28E33351356D273B0DA1EEEC0E48305E11DF52B322DF37
    616F207CE40C14A8C7CC22DC8A6F5445C0C9BAD5B85E90AC77FAA99A405DBBC1AF07
";
const FIRST_86_PPK_HASH: &str = "D0ADD4A49CA9759A8514DB2BCF2B077F2228D7AA440F52A85FF87416B4E37599";
const CHANNEL_SIGNED: &str = "
    8201018010000102030405060708090A0B0C0D0E0FA610800188810110840854455354484F53545F
    494104D65A93977CAA3D1B081852FF57A79E465F1660577304BAEAD505DD3A48589CF350185E8953
    72DF6221EA3A137557E473FDDB6755F05BD507C3C533FCE9C91285
";
const BPP_HASH: &str = "3CEEBF6A892954A84D2EBA973AAB72B54EE2600A87AF212767E6FD8F2BF4CCFB";
const BPP_PPK_HASH: &str = "FF4C2189C0F6E3EDA507C4371325590F96D8579F9BC499D319654AA9F4663715";

fn check_signed(scalar: &str, message: &[&[u8]], expected: &str) {
    let key = key(scalar);
    let signature = key.sign(message).unwrap();
    assert_eq!(signature, Signature::new(array(expected)));
    SoftwareProvider
        .verify(key.public_key(), message, &signature)
        .unwrap();
}

#[test]
fn euicc_package_with_each_association_token() {
    let signed = hex(PACKAGE_SIGNED);
    let cases = [
        ("840100", PACKAGE_HASH_NO_TOKEN, PACKAGE_SIGNATURE_NO_TOKEN),
        ("840105", PACKAGE_HASH_TOKEN_5, PACKAGE_SIGNATURE_TOKEN_5),
        (
            "8402012C",
            PACKAGE_HASH_TOKEN_300,
            PACKAGE_SIGNATURE_TOKEN_300,
        ),
    ];
    for (token, hash, signature) in cases {
        let message: [&[u8]; 2] = [&signed, &hex(token)];
        assert_eq!(SoftwareProvider.sha256(&message), array::<32>(hash));
        check_signed(SCALAR_EIM_SIGN, &message, signature);
    }
}

#[test]
fn euicc_package_result_and_error() {
    let token = hex("840100");
    check_signed(SCALAR_EUICC, &[&hex(RESULT_DATA), &token], RESULT_SIGNATURE);
    check_signed(SCALAR_EUICC, &[&hex(ERROR_DATA), &token], ERROR_SIGNATURE);
}

#[test]
fn mutual_authentication() {
    check_signed(SCALAR_DP_AUTH, &[&hex(SERVER_SIGNED_1)], SERVER_SIGNATURE_1);
    check_signed(SCALAR_EUICC, &[&hex(EUICC_SIGNED_1)], EUICC_SIGNATURE_1);
}

#[test]
fn download_signatures_bind_the_previous_one() {
    let tag = hex("5F3740");
    check_signed(
        SCALAR_DP_PB,
        &[&hex(SMDP_SIGNED_2), &tag, &hex(EUICC_SIGNATURE_1)],
        SMDP_SIGNATURE_2,
    );
    check_signed(
        SCALAR_EUICC,
        &[&hex(EUICC_SIGNED_2), &tag, &hex(SMDP_SIGNATURE_2)],
        EUICC_SIGNATURE_2,
    );
}

#[test]
fn hashed_confirmation_code() {
    let inner = SoftwareProvider.sha256(&[b"12345678"]);
    let hash = SoftwareProvider.sha256(&[&inner, &hex(TRANSACTION_ID)]);
    assert_eq!(hash, array::<32>(HASH_CC));
}

#[test]
fn one_changed_bit_fails_verification() {
    let eim = key(SCALAR_EIM_SIGN);
    let token = hex("840100");
    let signed = hex(PACKAGE_SIGNED);
    let signature = Signature::new(array(PACKAGE_SIGNATURE_NO_TOKEN));
    for at in 0..signed.len() {
        let mut changed = signed.clone();
        changed[at] ^= 1;
        let refused = SoftwareProvider.verify(eim.public_key(), &[&changed, &token], &signature);
        assert_eq!(refused, Err(rsp_crypto::CryptoError::VerificationFailed));
    }
    for at in 0..64 {
        let mut changed = *signature.as_bytes();
        changed[at] ^= 0x80;
        let changed = Signature::new(changed);
        let refused = SoftwareProvider.verify(eim.public_key(), &[&signed, &token], &changed);
        assert_eq!(refused, Err(rsp_crypto::CryptoError::VerificationFailed));
    }
}

#[test]
fn key_agreement_from_both_sides() {
    let (euicc, dp) = (key(OT_SK_EUICC), key(OT_SK_DP));
    assert_eq!(euicc.public_key().as_sec1(), &array(OT_PK_EUICC));
    assert_eq!(dp.public_key().as_sec1(), &array(OT_PK_DP));
    for (own, peer) in [(&euicc, &dp), (&dp, &euicc)] {
        let secret = own.agree(peer.public_key()).unwrap();
        assert_eq!(secret.as_bytes(), &array(SHARED_SECRET));
    }
}

#[test]
fn secure_channel_signature() {
    let ot_pk_euicc = hex(OT_PK_EUICC);
    check_signed(
        SCALAR_DP_PB,
        &[&hex(CHANNEL_SIGNED), &hex("5F4941"), &ot_pk_euicc],
        CHANNEL_SIGNATURE,
    );
}

fn session_keys() -> SessionKeys {
    let ot_sk_dp: SoftwareKey = key(OT_SK_DP);
    let ot_pk_euicc = PublicKey::from_sec1(Curve::NistP256, &hex(OT_PK_EUICC)).unwrap();
    let secret = ot_sk_dp.agree(&ot_pk_euicc).unwrap();
    SessionKeys::derive(&SoftwareProvider, &secret, b"TESTHOST", &array(EID)).unwrap()
}

#[test]
fn session_keys_from_the_agreed_secret() {
    let keys = session_keys();
    assert_eq!(keys.mac_chaining(), &array(MAC_CHAINING));
    assert_eq!(keys.s_enc(), &array(S_ENC));
    assert_eq!(keys.s_mac(), &array(S_MAC));
}

/// A DER TLV with a tag of one or two bytes.
fn tlv(tag: &str, parts: &[&[u8]]) -> Vec<u8> {
    let value = parts.concat();
    let length = match value.len() {
        n @ 0..=0x7F => vec![n as u8],
        n @ 0x80..=0xFF => vec![0x81, n as u8],
        n => vec![0x82, (n >> 8) as u8, n as u8],
    };
    [hex(tag), length, value].concat()
}

/// The stand-in for an unprotected profile package.
fn profile() -> Vec<u8> {
    hex("A003800102").repeat(300)
}

#[test]
fn bound_profile_package_with_session_keys() {
    let mut protector = Protector::new(&SoftwareProvider, session_keys());
    let configure = protector.encrypt(0x87, &hex("BF2400")).unwrap();
    assert_eq!(configure, hex(FIRST_87));
    assert_eq!(protector.mac_chaining(), &array(CHAINING_AFTER_87));

    let metadata = protector.mac_only(0x88, &hex(STORE_METADATA)).unwrap();
    assert_eq!(metadata, hex(FIRST_88));
    assert_eq!(protector.mac_chaining(), &array(CHAINING_AFTER_88));
    assert_eq!(protector.block_counter(), 3);

    let segments = protector.encrypt_all(0x86, &profile()).unwrap();
    let lengths: Vec<_> = segments.iter().map(Vec::len).collect();
    assert_eq!(lengths, [1020, 508]);
    assert!(segments[0].starts_with(&hex(FIRST_86_BEGIN)));
    let hashes: Vec<_> = segments
        .iter()
        .map(|s| SoftwareProvider.sha256(&[s]))
        .collect();
    assert_eq!(hashes, [array(FIRST_86_HASH), array(SECOND_86_HASH)]);

    let package = tlv(
        "BF36",
        &[
            &hex(CHANNEL_REQUEST),
            &tlv("A0", &[&configure]),
            &tlv("A1", &[&metadata]),
            &tlv("A3", &[&segments.concat()]),
        ],
    );
    assert_eq!(package.len(), 1780);
    assert_eq!(SoftwareProvider.sha256(&[&package]), array::<32>(BPP_HASH));
}

#[test]
fn bound_profile_package_with_replaced_keys() {
    let mut protector = Protector::new(&SoftwareProvider, session_keys());
    let configure = protector.encrypt(0x87, &hex("BF2400")).unwrap();
    let metadata = protector.mac_only(0x88, &hex(STORE_METADATA)).unwrap();
    let replace = protector.encrypt(0x87, &hex(REPLACE_SESSION_KEYS)).unwrap();
    assert_eq!(replace, hex(SECOND_87));

    protector.replace_keys(SessionKeys::from_parts([0x22; 16], [0; 16], [0x11; 16]));
    assert_eq!(protector.block_counter(), 1);
    let segments = protector.encrypt_all(0x86, &profile()).unwrap();
    assert_eq!(
        SoftwareProvider.sha256(&[&segments[0]]),
        array::<32>(FIRST_86_PPK_HASH)
    );

    let package = tlv(
        "BF36",
        &[
            &hex(CHANNEL_REQUEST),
            &tlv("A0", &[&configure]),
            &tlv("A1", &[&metadata]),
            &tlv("A2", &[&replace]),
            &tlv("A3", &[&segments.concat()]),
        ],
    );
    assert_eq!(package.len(), 1856);
    assert_eq!(
        SoftwareProvider.sha256(&[&package]),
        array::<32>(BPP_PPK_HASH)
    );
}

#[test]
fn segments_never_exceed_the_limit() {
    for length in [
        0, 1, 15, 16, 17, 103, 104, 111, 112, 127, 128, 239, 240, 1006, 1007, 1008,
    ] {
        let mut protector = Protector::new(&SoftwareProvider, session_keys());
        let data = vec![0x5A; length];
        if length <= 1007 {
            let segment = protector.encrypt(0x86, &data).unwrap();
            assert!(segment.len() <= MAX_SEGMENT);
            assert_eq!(tlv("86", &[value_of(&segment)]), segment);
        } else {
            assert!(protector.encrypt(0x86, &data).is_err());
            assert_eq!(protector.block_counter(), 1);
        }
        let segment = protector.mac_only(0x88, &data).unwrap();
        assert!(segment.len() <= MAX_SEGMENT);
        assert_eq!(&value_of(&segment)[..length], data);
    }
    let mut protector = Protector::new(&SoftwareProvider, session_keys());
    assert!(protector.mac_only(0x88, &[0; 1009]).is_err());
    let segments = protector.mac_only_all(0x88, &[7; 2500]).unwrap();
    let lengths: Vec<_> = segments.iter().map(Vec::len).collect();
    assert_eq!(lengths, [1020, 1020, 484 + 12]);
    assert!(protector.encrypt_all(0x86, &[]).unwrap().is_empty());
}

/// The value of a TLV with a tag of one byte.
fn value_of(segment: &[u8]) -> &[u8] {
    match segment[1] {
        0x81 => &segment[3..],
        0x82 => &segment[4..],
        _ => &segment[2..],
    }
}

#[test]
fn host_id_is_bounded() {
    let secret = key(OT_SK_DP).agree(key(OT_SK_EUICC).public_key()).unwrap();
    for host_id in [&[][..], &[1; 17]] {
        assert!(SessionKeys::derive(&SoftwareProvider, &secret, host_id, &array(EID)).is_err());
    }
}

#[test]
fn secrets_stay_out_of_debug_output() {
    let keys = session_keys();
    let secret = key(OT_SK_DP).agree(key(OT_SK_EUICC).public_key()).unwrap();
    let shown = format!(
        "{keys:?} {secret:?} {:?} {:?}",
        key(SCALAR_EUICC),
        Protector::new(&SoftwareProvider, keys.clone())
    );
    assert!(shown.contains("[redacted]"));
    let shown = shown.to_uppercase();
    for scalar in [SCALAR_EUICC, SHARED_SECRET, S_ENC, S_MAC, MAC_CHAINING] {
        assert!(!shown.contains(&scalar.to_uppercase()));
    }
    assert!(!format!("{keys:?}").contains(char::is_numeric));
}

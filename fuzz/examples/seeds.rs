//! Writes the seeds: small inputs of our own making, one file each, named by
//! what they are. What the fuzzer adds to a corpus has other names.
//!
//! `cargo run -p fuzz --example seeds`

#[path = "seeds/over_the_air.rs"]
mod over_the_air;

use std::path::Path;

use rsp_asn1::{Asn1, Certificate};
use rsp_core::Timestamp;
use rsp_core::pki::{Hierarchy, certificate_to_pem, member};
use rsp_core::profile::template;
use rsp_crypto::Curve;
use rsp_crypto::software::{SeededRng, SoftwareKey, SoftwareProvider};

type Seeds = Vec<(&'static str, Vec<u8>)>;

fn main() -> std::io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let corpora: &[(&str, Seeds)] = &[
        ("activation_code", texts(ACTIVATION_CODES)),
        ("api_json", texts(API)),
        ("bound_profile_package", hexes(PACKAGES)),
        (
            "bsp",
            vec![("changed", vec![1, 0, 9, 1, 2, 3, 4, 5, 6, 7, 8])],
        ),
        ("card_apdus", scripts(CARD)),
        ("card_ota", scripts(over_the_air::MESSAGES)),
        ("card_terminal", hexes(TERMINAL)),
        ("card_tls", card_tls()),
        ("certificates", certificates()),
        ("coap", scripts(COAP)),
        ("es2plus_json", selected(ES2PLUS)),
        ("es9plus_asn1", hexes(ES9PLUS_ASN1)),
        ("es9plus_json", selected(ES9PLUS_JSON)),
        ("es10", hexes(ES10)),
        ("esipa", hexes(ESIPA)),
        ("esipa_json", selected(ESIPA_JSON)),
        ("euicc_package", hexes(EUICC_PACKAGES)),
        ("http_messages", texts(HTTP)),
        ("identifiers", texts(IDENTIFIERS)),
        (
            "install",
            vec![("template", [vec![0x80], template()].concat())],
        ),
        ("ipa_and_answers", scripts(ANSWERS)),
        ("ipa_and_card", scripts(WITH_CARD)),
        ("mqtt", hexes(MQTT)),
        ("profile_package", vec![("template", template())]),
        ("uicc_apdus", scripts(FILES)),
    ];
    for (target, seeds) in corpora {
        std::fs::create_dir_all(root.join(target))?;
        for (name, bytes) in seeds {
            std::fs::write(root.join(target).join(name), bytes)?;
        }
    }
    Ok(())
}

fn hex(text: &str) -> Vec<u8> {
    let digits: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let pairs = digits.as_bytes().chunks(2);
    pairs
        .filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

fn hexes(rows: &[(&'static str, &str)]) -> Seeds {
    rows.iter().map(|(name, text)| (*name, hex(text))).collect()
}

fn texts(rows: &[(&'static str, &str)]) -> Seeds {
    let row = |(name, text): &(&'static str, &str)| (*name, text.as_bytes().to_vec());
    rows.iter().map(row).collect()
}

/// A selector, then text.
fn selected(rows: &[(&'static str, u8, &str)]) -> Seeds {
    let row = |(name, selector, text): &(&'static str, u8, &str)| {
        (*name, [&[*selector], text.as_bytes()].concat())
    };
    rows.iter().map(row).collect()
}

/// Records in pieces, a ServerHello as it would be in one, responses and bodies
/// with packages.
fn card_tls() -> Seeds {
    let hello = [
        hex("0303"),
        vec![0x5A; 32],
        hex("00 1301 00 004F 002B 0002 0304 0033 0045 0017 0041 04"),
        // The generator of the curve, for any point.
        hex("6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296"),
        hex("4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5"),
    ]
    .concat();
    let mut record = hex("16 0303 007B 02 000077");
    record.extend(&hello);
    let response = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n\xBF\x50\x00";
    let chunks = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;a=b\r\n{\r\n0\r\n\r\n";
    let json = br#"{"header":{"functionExecutionStatus":{"status":"Executed-Success"}},"boundProfilePackage":"vzYDAQID","x":[1,{"y":"\u00e9\/"}]}"#;
    let relayed = hex("BF3A 0B A0 09 80 01 77 BF36 03 010203");
    vec![
        ("alert", hex("0007 15 0303 0002 0228")),
        ("change_cipher_spec", hex("0006 14 0303 0001 01")),
        ("hello_body", hello),
        ("hello_record", piece(record)),
        ("package_json", piece(json.to_vec())),
        ("package_relayed", piece(relayed)),
        ("response", piece(response.to_vec())),
        ("response_in_chunks", piece(chunks.to_vec())),
    ]
}

/// Pieces with their length in front, from hexadecimal separated by commas.
fn scripts(rows: &[(&'static str, &str)]) -> Seeds {
    let row = |(name, text): &(&'static str, &str)| {
        let pieces = text.split(',').map(hex).map(piece);
        (*name, pieces.collect::<Vec<_>>().concat())
    };
    rows.iter().map(row).collect()
}

fn piece(bytes: Vec<u8>) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    [length.to_be_bytes().to_vec(), bytes].concat()
}

/// A hierarchy of our own.
fn certificates() -> Seeds {
    let mut rng = SeededRng::new(1);
    let mut keys = SeededRng::new(2);
    let hierarchy = Hierarchy {
        curve: Curve::NistP256,
        smds_host: "smds.example.com".to_string(),
        organization: "Simurgh".into(),
        smdp_host: "dp.example".into(),
        eim_host: "eim.example".into(),
        door_host: "door.example".into(),
        eid_prefix: "89049032".into(),
        not_before: Timestamp(1_700_000_000),
        not_after: Timestamp(1_900_000_000),
    };
    let issued = hierarchy
        .issue_all(
            |curve| SoftwareKey::generate(curve, &mut keys),
            &SoftwareProvider,
            &mut rng,
        )
        .unwrap_or_default();
    let find = |name: &str| {
        let found = issued.iter().find(|issued| issued.member == name);
        found.map(|issued| issued.certificate.clone())
    };
    let chain = |names: &[&str]| {
        let der = |certificate: Certificate| piece(certificate.to_der());
        let found = names.iter().filter_map(|name| find(name)).map(der);
        found.collect::<Vec<_>>().concat()
    };
    let pem = find(member::CI).map(|ci| certificate_to_pem(&ci).into_bytes());
    vec![
        ("server", chain(&[member::CI, member::DP_AUTH])),
        ("euicc", chain(&[member::CI, member::EUM, member::EUM])),
        ("pem", pem.unwrap_or_default()),
    ]
}

const ACTIVATION_CODES: &[(&str, &str)] = &[
    ("plain", "LPA:1$dp.example$AB-12"),
    ("complete", "1$dp.example$AB-12$2.999.10$1"),
    ("empty_matching_id", "LPA:1$dp.example$"),
];

const IDENTIFIERS: &[(&str, &str)] = &[
    ("eid", "89049032123451234512345678901235"),
    ("iccid", "8999970000000000019F"),
    ("imei", "49-015420-323751"),
    ("imsi", "001010123456789"),
    ("plmn", "262-01"),
    ("oid", "2.999.10"),
    ("transaction", "0A1B2C"),
];

const PACKAGES: &[(&str, &str)] = &[
    (
        "bound",
        "BF36 81A9 BF23 5C 820101 8001AA A609 800188 810110 840101 5F4903040506 5F3740
         00000000000000000000000000000000000000000000000000000000000000000000000000000000
         000000000000000000000000000000000000000000000000
         A00D 870B 0001020304050607080910 A10A 8808 0102030405060708
         A217 8715 000102030405060708090A0B0C0D0E0F1011121314
         A315 8609 000102030405060708 8608 0102030405060708",
    ),
    (
        "metadata",
        "BF25 16 5A0A98010300000000000010 91025350 92044E616D65",
    ),
    ("isdp", "BF24 07 B805 8003883701"),
];

const TERMINAL: &[(&str, &str)] = &[
    ("opened", "8103014003 82028281 830100 B8028100"),
    ("received", "8103014200 82028281 830100 B603AABBCC B70105"),
    ("timer", "D70C 82028281 A40101 A503000000"),
    ("data", "D60E 990109 82028281 B8028100 B70120"),
    ("lost", "D60B 99010A 82028281 B8020105"),
];

const CARD: &[(&str, &str)] = &[
    (
        "eid",
        "80AA000005A903830107, 0070000001, 01A4040410A0000005591010FFFFFFFF8900000100,
         01C0000021, 81E2910006BF3E035C015A, 81C0000015, , 0070000001",
    ),
    (
        "eim",
        "0070000100, 01A4040010A0000005591010FFFFFFFF8900000100,
         81E2910029BF5726A0243022800465696D31810B65696D2E6578616D706C658201028301008401FF870203808900,
         81C0000000, 81E2910003BF5500, 81C0000000, 81E2910003BF2B00, 81C0000000",
    ),
    (
        "functions",
        "0070000100, 01A4040010A0000005591010FFFFFFFF8900000100,
         81E2910003BF2000, 81C0000000, 81E2910003BF2200, 81C0000000, 81E2910003BF2E00, 81C0000000,
         81E2910003BF2D00, 81C0000000, 81E2910003BF3C00, 81C0000000, 81E2910003BF4300, 81C0000000,
         81E2910003BF5600, 81C0000000, 81E2910003BF2800, 81C0000000",
    ),
    (
        "local_profiles",
        "0070000100, 01A4040010A0000005591010FFFFFFFF8900000100,
         81E291001ABF3117A0124F10A0000005591010FFFFFFFF89000010008101FF, 81C0000006,
         81E2910003BF2D00, 81C0000000, 801200000B, 801400000C810301010482028281830120,
         801200000B, 801400000C810301010482028281830100, 0070000100,
         01A4040010A0000005591010FFFFFFFF8900000100,
         81E291001ABF3217A0124F10A0000005591010FFFFFFFF8900001000810100, 81C0000006,
         81E2910015BF33124F10A0000005591010FFFFFFFF8900001000, 81C0000006,
         81E2910014BF29115A0A980103000000000000109003414243, 81C0000006,
         81E2910007BF3404820205E0, 81C0000006, ",
    ),
    (
        "package_in_blocks",
        "0070000100, 01A4040010A0000005591010FFFFFFFF8900000100,
         81E2110010BF513F301D800465696D315A1089049032, 81E2110110123451234512345678901235810101A0,
         81E29102050CA40C5A0A, 81C0000000",
    ),
];

const FILES: &[(&str, &str)] = &[
    (
        "identity",
        "0000A40004023F00, 0000A40004022FE2, 0000B000000A, 0000A4040C0CA0000000871002FF49FF FF89,
         0000A40004026F07, 0000B0000009, 0000C0000020",
    ),
    (
        "pins",
        "00002000010831323334FFFFFFFF, 00002000 01, 0000A4080C047FFF6F07, 0000D6000009080910101032547698,
         00002C00011031323334353637383132333435363738",
    ),
    (
        "authenticate",
        "0000A4040C0CA0000000871002FF49FFFF89,
         0000880081221000000000000000000000000000000000100000000000000000000000000000000000, 0000C0000035",
    ),
    ("records", "0000A40004022F00, 0000B2010426, 0000F2000000, 0080F20000 00, 0101A40004023F00, "),
];

const ANSWERS: &[(&str, &str)] = &[(
    "no_eim",
    "9000, 019000, 6121, 9000, 6115, BF3E125A10890490321234512345123456789012359000, 6105,
     BF5502A0009000, 9000",
)];

const WITH_CARD: &[(&str, &str)] = &[
    (
        "nothing_waits",
        "BF5726A0243022800465696D31810B65696D2E6578616D706C658201028301008401FF870203808900,
         00BF4F03020101",
    ),
    (
        "data_and_trigger",
        "BF5726A0243022800465696D31810B65696D2E6578616D706C658201028301008401FF870203808900,
         00BF4F11BF520E5C04A081BF22A103800103830102, 00BF500ABF53078001018002012C,
         00BF4F1EBF541BA01680144C50413A312464702E6578616D706C6524414243820102, 00, 00BF4F03020101",
    ),
];

const ES2PLUS: &[(&str, u8, &str)] = &[
    (
        "download_order",
        0,
        r#"{"header":{"functionRequesterIdentifier":"2.999.1","functionCallIdentifier":"1"},"iccid":"8910300000000000001F"}"#,
    ),
    (
        "confirm_order",
        1,
        r#"{"header":{"functionRequesterIdentifier":"2.999.1","functionCallIdentifier":"2"},"iccid":"8910300000000000001F","matchingId":"AB-12","releaseFlag":true}"#,
    ),
    (
        "answer",
        2,
        r#"{"header":{"functionExecutionStatus":{"status":"Executed-Success"}},"iccid":"8910300000000000001F","matchingId":"AB-12"}"#,
    ),
];

const ES9PLUS_JSON: &[(&str, u8, &str)] = &[
    (
        "initiate",
        0,
        r#"{"euiccChallenge":"AAECAwQFBgcICQoLDA0ODw==","euiccInfo1":"vyAZggMCBgCpCAQG9UFyvfmKqggEBvVBcr35ig==","smdpAddress":"dp.example"}"#,
    ),
    (
        "cancel",
        4,
        r#"{"transactionId":"AA","cancelSessionResponse":"v0EDgQEF"}"#,
    ),
    (
        "refused",
        1,
        r#"{"header":{"functionExecutionStatus":{"status":"Failed","statusCodeData":{"subjectCode":"8.2.6","reasonCode":"3.8","message":"x"}}}}"#,
    ),
    (
        "authenticate",
        1,
        r#"{"transactionId":"AA","authenticateServerResponse":"vzgIoQaAAaoCAQc="}"#,
    ),
];

const ES9PLUS_ASN1: &[(&str, &str)] = &[
    (
        "initiate",
        "A23D BF393A 8110000102030405060708090A0B0C0D0E0F 830A64702E6578616D706C65
         BF2019 8203020600 A908 0406F54172BDF98A AA08 0406F54172BDF98A",
    ),
    (
        "authenticate",
        "A213 BF3B10 8001AA BF3808 A106 8001AA 020107 0500",
    ),
    ("cancel", "A20B BF4108 8001AA A103 810105"),
    ("cancel_nested", "A20E BF410B 8001AA A106 BF4103 810105"),
    (
        "events",
        "A21A BF4017 A015 8001AA A110 300E 80024531 810864732E61622E6364",
    ),
    (
        "metadata",
        "A221 BF3B1E A21C 8001AA BF2516 5A0A98010300000000000010 91025350 92044E616D65",
    ),
];

const ES10: &[(&str, &str)] = &[
    (
        "info1",
        "BF2019 8203020600 A908 0406F54172BDF98A AA08 0406F54172BDF98A",
    ),
    (
        "info2",
        "BF226E810302030182030206008303010000840D81010082040007A120830227108503067F4088020490
         A9160414F54172BDF98A95D65CBEB88A38A1C11D800A85C3AA160414F54172BDF98A95D65CBEB88A38A1
         C11D800A85C304030100000C0454455354900100B407A00504030102 00",
    ),
    (
        "profiles",
        "BF2D14 A012 E310 5A0A98010300000000000010 9F700101",
    ),
    ("nickname", "BF290F5A0A9801030000000000001090016E"),
    ("enable", "BF3111A00C5A0A980103000000000000108101FF"),
    ("reset", "BF640482020204"),
    ("reset_done", "BF6406800100810100"),
    (
        "certs",
        "BF561E A01C A50E 30030201AA 3003060155 03020055 A60A 3003020101 3000 030100",
    ),
    (
        "rat",
        "BF4315 A013 3011 80020640 A107 3005 800362F210 82020780",
    ),
    ("rollback", "BF580B020100BF5105A203800165"),
    ("notifications", "BF2B0AA208BF5105A203800165"),
    ("cancel", "BF41068001AA810100"),
    ("sent", "BF3003800105"),
    (
        "eim",
        "BF5726A0243022800465696D31810B65696D2E6578616D706C658201028301008401FF870203808900",
    ),
];

const ESIPA: &[(&str, &str)] = &[
    (
        "poll",
        "BF4F1C5A10890490321234512345123456789012358000810101820362F210",
    ),
    (
        "trigger",
        "BF4F1EBF541BA01680144C50413A312464702E6578616D706C6524414243820102",
    ),
    ("data_request", "BF4F11BF520E5C04A081BF22A103800103830102"),
    (
        "data",
        "BF504B5A1089049032123451234512345678901235BF5236A034A000810A64702E6578616D706C65A208
         BF5105A203800165830A64732E6578616D706C65840107870102A808800202C081020380",
    ),
    (
        "both",
        "BF501E5A1089049032123451234512345678901235300ABF5105A203800165A000",
    ),
    ("acknowledged", "BF500ABF53078001018002012C"),
    ("empty", "BF50023000"),
    (
        "initiate",
        "BF3921811000000000000000000000000000000000830A64702E6578616D706C65820101",
    ),
    ("authenticate", "BF3B0E8001AABF3808A1068001AA020107"),
    ("cancel", "BF410C8002AABBA106BF4103810105"),
    ("received", "BF4E08BF6005A003800109"),
    (
        "failed",
        "BF4E1ABF6117A0125A1089049032123451234512345678901235810101",
    ),
    (
        "compact",
        "BF3D69A067A165BF2F1F800101810206400C0A64702E6578616D706C655A0A98010300000000000010
         5F374000000000000000000000000000000000000000000000000000000000000000000000000000000000
         00000000000000000000000000000000000000000000000000",
    ),
];

const EUICC_PACKAGES: &[(&str, &str)] = &[
    (
        "psmos",
        "BF51819D3058800465696D315A1089049032123451234512345678901235810101820101A038A30E5A0A
         980103000000000000100500BF2D00A600A7028000A80C5A0A98010300000000000010A900BF650C800A
         64702E6578616D706C655F374000000000000000000000000000000000000000000000000000000000000000
         0000000000000000000000000000000000000000000000000000000000000000",
    ),
    (
        "results",
        "BF5181B5A081B2306D800465696D31810101820101830105305C830100840102850100BF2D14A012E310
         5A0A980103000000000000109F700101BF2D0381010BA600870100A803840107A8030201008901028A0100
         AB0DA00B3009800465696D318201028C01008D01008E0102020102BF65038001005F374000000000000000
         00000000000000000000000000000000000000000000000000000000000000000000000000000000000000
         00000000000000",
    ),
    ("unsigned", "BF510BA209800465696D318F010F"),
    ("bare_key", "3013 800165 A50E 3003060155 03020055 30030201"),
    ("bare_data", "BF5209 8104612E6263 840107"),
    ("error", "A003020102"),
];

const API: &[(&str, &str)] = &[
    (
        "new_device",
        r#"{"eid":"89049032000000000000000000000163","association_token":-1,"counter_value":0}"#,
    ),
    ("settings", r#"{"empty_response":true}"#),
    (
        "new_profiles",
        r#"{"profile_type":"operational","template":"A010","service_provider_name":"Example",
"profile_name":"Name","settings":{"owner":"one","profile_class":"test","protection":"profile_keys",
"confirmation_code_required":true,"max_attempts":1,"requires":["nr5gc"],"mnc_length":3},
"subscriptions":[{"iccid":"8999970000000000010","imsi":"999700000000001",
"ki":"00112233445566778899AABBCCDDEEFF","opc":"FFEEDDCCBBAA99887766554433221100",
"sd_keys":["00","11","22"]}]}"#,
    ),
    (
        "download",
        r#"{"eid":"89049032000000000000000000000163",
"operation":{"kind":"download","activation_code":"LPA:1$smdp.example$CODE"}}"#,
    ),
    (
        "enable",
        r#"{"eid":"89049032000000000000000000000163",
"operation":{"kind":"enable","iccid":"8999970000000000010","rollback":true}}"#,
    ),
    (
        "operations",
        r#"{"items":[{"id":"1","eid":"89","kind":"enable","state":"confirmed","created":"a",
"since":"b","confirmed_by":{"at":"c","plmn":"99970"},"profiles":[{"enabled":true}]}],"next":"1"}"#,
    ),
    (
        "problem",
        r#"{"type":"a","title":"b","status":400,"detail":"c","remedy":"d"}"#,
    ),
];

const HTTP: &[(&str, &str)] = &[
    (
        "order",
        "/gsma/rsp2/es2plus/downloadOrder\napplication/json\ngsma/rsp/v2.5.0\n\n\
         {\"header\":{\"functionRequesterIdentifier\":\"1\",\"functionCallIdentifier\":\"2\"},\
         \"profileType\":\"a\"}",
    ),
    (
        "missing_member",
        "/gsma/rsp2/es2plus/confirmOrder\napplication/json;charset=UTF-8\n\n\n{\"header\":{}}",
    ),
    (
        "other_protocol",
        "/gsma/rsp2/es9plus/initiateAuthentication\napplication/json\ngsma/rsp/v3.0.0\nlpad\n{}",
    ),
    (
        "other_type",
        "/gsma/rsp2/es9plus/cancelSession\ntext/plain; a=b\n\n\nnot JSON",
    ),
    (
        "asn1",
        "/gsma/rsp2/asn1\napplication/x-gsma-rsp-asn1\n\n\n0",
    ),
    ("no_function", "/gsma/rsp2/es2plus/\n\n\n\n"),
    ("nowhere", "/\n\n"),
];

/// To whom and after how long, then a datagram.
const COAP: &[(&str, &str)] = &[
    (
        "poll",
        "014102000101B467736D6104727370320461736E31FFBF4F125A1089049032000000000000000000000163, 014102000101B467736D6104727370320461736E31FFBF4F125A1089049032000000000000000000000163",
    ),
    (
        "blocks",
        "014102000201B467736D6104727370320461736E31D10308D1FC01FF00000000000000000000000000000000, 014102000301B467736D6104727370320461736E31D10310D1FC01FF0101010101, 014102000401B467736D6104727370320461736E31C110",
    ),
    (
        "others",
        "0160000001, 0270000001, 0340000009, 044102000101B467736D6104727370320461736E31FFBF4F125A1089049032000000000000000000000163",
    ),
    (
        "client",
        "0060000001, F86145000001FF0102, 00615F000001D10E0E",
    ),
    (
        "late",
        "F94102000101B467736D6104727370320461736E31FFBF4F125A1089049032000000000000000000000163, F94102000201B467736D6104727370320461736E31D10308D1FC01FF00000000000000000000000000000000, F940000009",
    ),
];

/// Packets of a broker.
const MQTT: &[(&str, &str)] = &[
    (
        "request",
        "32A401004165736970612F312F65696D2E6578616D706C652E636F6D2F65696D2F38393034393033323030303030303030303030303030303030303030303136332F61736E31000149020000003C08003C65736970612F312F65696D2E6578616D706C652E636F6D2F6970612F38393034393033323030303030303030303030303030303030303030303136330900020001BF4F125A1089049032000000000000000000000163",
    ),
    (
        "response",
        "325A003C65736970612F312F65696D2E6578616D706C652E636F6D2F6970612F383930343930333230303030303030303030303030303030303030303031363300011309000200012600067374617475730003323030BF4F03020101",
    ),
    (
        "others",
        "200B000008270001000013001E40020009400400091000900400010001D000E0018B",
    ),
];

const ESIPA_JSON: &[(&str, u8, &str)] = &[
    (
        "initiate",
        0,
        r#"{"euiccChallenge":"AAAAAAAAAAAAAAAAAAAAAA==","smdpAddress":"smdp.example.com","eimTransactionId":"01"}"#,
    ),
    (
        "poll",
        4,
        r#"{"eidValue":"89049032123451234512345678901235","notifyStateChange":true,"stateChangeCause":1,"rPlmn":"YvIQ"}"#,
    ),
    (
        "result",
        5,
        r#"{"eidValue":"89049032123451234512345678901235","eimPackageResult":"oAMCAQI="}"#,
    ),
    (
        "notification",
        6,
        r#"{"provideEimPackageResult":"v1AdWhCJBJAyEjRRI0USNFZ4kBI1v1QIggEBMAOAAX8="}"#,
    ),
    (
        "trigger",
        4,
        r#"{"header":{"functionExecutionStatus":{"status":"Executed-Success"}},"profileDownloadTriggerRequest":"v1QDggEC"}"#,
    ),
    (
        "nothing",
        4,
        r#"{"header":{"functionExecutionStatus":{"status":"Failed","statusCodeData":{"subjectCode":"8.1.1","reasonCode":"3.7"}}},"eimPackageError":1}"#,
    ),
    (
        "acknowledged",
        5,
        r#"{"header":{"functionExecutionStatus":{"status":"Executed-Success"}},"eimAcknowledgements":"v1MDgAEH"}"#,
    ),
    ("transferred", 3, r#"{"eimAcknowledgements":"v1MDgAEH"}"#),
    (
        "received",
        3,
        r#"{"header":{"functionExecutionStatus":{"status":"Executed-Success"}},"eimPackageReceived":true}"#,
    ),
];

//! Fallback, Emergency Profile and immediate enabling (SGP.32 5.9.15 to
//! 5.9.24), without a terminal that knows REFRESH.

use euicc::{BootstrapProfile, Euicc};
use rsp_asn1::Asn1;
use rsp_asn1::rsp::*;
use rsp_asn1::saip::AlgorithmId;
use rsp_asn1::sgp32::{ProfileRollbackCmdResult, ProfileRollbackResponse};
use rsp_crypto::software::SoftwareProvider;

use crate::common::{Host, Stored, hex, personalisation};
use crate::eims::Eim;
use crate::packages::{
    A, B, clear_notifications, codes, enable, enable_with_rollback, notifications, profiles, psmo,
};
use crate::pki::Pki;
use crate::profile::{package, package_with_key, test_package};
use crate::server::{self, Contents};

pub(crate) const C: &str = "89103000000000000035";

impl Host {
    /// A profile whose metadata say this as well.
    pub(crate) fn install_with(
        &mut self,
        iccid: &str,
        change: impl FnOnce(&mut StoreMetadataRequest),
    ) {
        let mut metadata = server::metadata(iccid);
        change(&mut metadata);
        let contents = Contents {
            metadata: metadata.to_der(),
            profile: match metadata.profile_class {
                PROFILE_CLASS_TEST => test_package(iccid),
                _ => package(iccid),
            },
            ..Contents::of(iccid)
        };
        let result = self.download(&contents);
        let result = &result.profile_installation_result_data.final_result;
        assert!(matches!(result, FinalResult::Success(_)), "{result:?}");
    }

    /// A function of one flag; gives its code.
    pub(crate) fn flagged(&mut self, tag: &str) -> u8 {
        self.code_of(&format!("{tag}03800100"))
    }

    /// A function that answers with one code.
    pub(crate) fn code_of(&mut self, command: &str) -> u8 {
        let answer = self.es10(&hex(command));
        assert_eq!(answer[..2], hex(command)[..2]);
        assert_eq!((answer.len(), &answer[2..5]), (6, &hex("038001")[..]));
        answer[5]
    }
}

const EXECUTE_FALLBACK: &str = "BF5D";
const RETURN_FROM_FALLBACK: &str = "BF5E";
pub(crate) const ENABLE_EMERGENCY: &str = "BF5B";
const DISABLE_EMERGENCY: &str = "BF5C";
const IMMEDIATE_ENABLE: &str = "BF5A";
const ROLLBACK: &str = "BF58038001FF";
const NOT_ALLOWED: &str = "BF5803020101";

/// A and C may be fallback profiles, B not; an eIM.
pub(crate) fn with_fallback() -> (Host, Eim) {
    fallback_on(Host::ready())
}

fn fallback_on(mut host: Host) -> (Host, Eim) {
    host.install_with(A, |metadata| metadata.fallback_allowed = Some(true));
    host.install_with(B, |metadata| metadata.fallback_allowed = Some(false));
    host.install_with(C, |metadata| metadata.fallback_allowed = Some(true));
    clear_notifications(&mut host);
    let eim = Eim::new("eim1");
    host.add(&eim, false);
    (host, eim)
}

fn set_fallback(iccid: &str) -> String {
    psmo("A8", iccid)
}

const UNSET_FALLBACK: &str = "A900";

/// Who is enabled.
fn enabled(host: &mut Host) -> Option<String> {
    let mut profiles = profiles(host).into_iter();
    profiles.find_map(|(iccid, state)| (state == 1).then_some(iccid))
}

/// Who has the attribute, as the list says.
fn attribute(host: &mut Host) -> Vec<String> {
    let answer = host.es10(&hex("BF2D00"));
    let ProfileInfoListResponse::Ok(list) = ProfileInfoListResponse::from_der(&answer).unwrap()
    else {
        panic!("no list");
    };
    let mut found = Vec::new();
    for info in list.iter().filter(|info| info.fallback_attribute) {
        assert_eq!(info.fallback_allowed, Some(true));
        found.push(info.iccid.unwrap().to_string());
    }
    found
}

/// EUI-22: allowed, not allowed, said already, the fallback in use, unknown.
/// EUI-23: none set, set, in use.
#[test]
fn the_fallback_attribute() {
    let (mut host, mut eim) = with_fallback();
    let mut run = |host: &mut Host, list: &str| codes(&host.run(&mut eim, list));
    assert_eq!(run(&mut host, UNSET_FALLBACK), [2]);
    assert_eq!(run(&mut host, &set_fallback("89103000000000000043")), [1]);
    assert_eq!(run(&mut host, &set_fallback(B)), [2]);
    assert_eq!(run(&mut host, &set_fallback(A)), [0]);
    assert_eq!(run(&mut host, &set_fallback(A)), [0]);
    assert_eq!(attribute(&mut host), [A]);
    // It moves, and a list in the same package says so.
    assert_eq!(run(&mut host, &(set_fallback(C) + "BF2D00")), [0, 2003]);
    host.card.reset();
    host.open();
    assert_eq!(attribute(&mut host), [C]);
    assert_eq!(run(&mut host, &enable(C)), [0]);
    assert_eq!(run(&mut host, &set_fallback(A)), [3]);
    assert_eq!(run(&mut host, &set_fallback(C)), [0]);
    assert_eq!(run(&mut host, UNSET_FALLBACK), [3]);
    assert_eq!(run(&mut host, &(enable(B) + UNSET_FALLBACK)), [0, 0]);
    assert_eq!(attribute(&mut host), [""; 0]);
    // Who is deleted has it no more, and leaves it to nobody.
    assert_eq!(run(&mut host, &(set_fallback(A) + &psmo("A5", A))), [0, 0]);
    assert_eq!(run(&mut host, UNSET_FALLBACK), [2]);
    assert_eq!(run(&mut host, &set_fallback(A)), [1]);
}

/// EUI-39: the checks of ExecuteFallbackMechanism in their order.
#[test]
fn the_fallback_mechanism_is_executed_once() {
    let (mut host, mut eim) = with_fallback();
    assert_eq!(host.flagged(EXECUTE_FALLBACK), 7);
    host.run(&mut eim, &enable(B));
    assert_eq!(host.flagged(EXECUTE_FALLBACK), 6);
    host.run(&mut eim, &set_fallback(A));
    clear_notifications(&mut host);
    assert_eq!(host.flagged(EXECUTE_FALLBACK), 0);
    assert_eq!(enabled(&mut host).as_deref(), Some(A));
    let told = notifications(&mut host);
    assert_eq!(told, [(2, B.to_string()), (1, A.to_string())]);
    assert_eq!(host.flagged(EXECUTE_FALLBACK), 2);
    // It knows the way back.
    assert_eq!(host.flagged(RETURN_FROM_FALLBACK), 0);
    assert_eq!(enabled(&mut host).as_deref(), Some(B));
    assert_eq!(host.flagged(EXECUTE_FALLBACK), 0);
    // The attribute's profile is gone.
    host.run(&mut eim, &(enable(B) + &psmo("A5", A)));
    assert_eq!(host.flagged(EXECUTE_FALLBACK), 6);
}

/// EUI-40: the way back, once, and over a power cut; and when there is none.
#[test]
fn the_return_from_fallback() {
    let (mut host, mut eim) = with_fallback();
    assert_eq!(host.flagged(RETURN_FROM_FALLBACK), 6);
    host.run(&mut eim, &(set_fallback(A) + &enable(B)));
    assert_eq!(host.flagged(RETURN_FROM_FALLBACK), 6);
    assert_eq!(host.flagged(EXECUTE_FALLBACK), 0);
    host.card.reset();
    host.open();
    assert_eq!(host.flagged(RETURN_FROM_FALLBACK), 0);
    assert_eq!(enabled(&mut host).as_deref(), Some(B));
    assert_eq!(host.flagged(RETURN_FROM_FALLBACK), 6);
    // An enable by an eIM ends it.
    assert_eq!(host.flagged(EXECUTE_FALLBACK), 0);
    host.run(&mut eim, &enable(C));
    host.run(&mut eim, &enable(A));
    assert_eq!(host.flagged(RETURN_FROM_FALLBACK), 6);
}

/// EUI-41: while the fallback is in use, the profile to return to stays.
#[test]
fn the_profile_to_return_to_is_not_deleted() {
    let (mut host, mut eim) = with_fallback();
    host.run(&mut eim, &(set_fallback(A) + &enable(B)));
    assert_eq!(host.flagged(EXECUTE_FALLBACK), 0);
    let results = host.run(&mut eim, &(psmo("A5", C) + &psmo("A5", B)));
    assert_eq!(codes(&results), [0, 21]);
    assert_eq!(results[1].to_der(), hex("850115"));
    // A reset of the device's owner asks nobody.
    assert_eq!(host.es10(&hex("BF640482020780")), hex("BF6403800100"));
    assert_eq!(profiles(&mut host), []);
    assert_eq!(host.flagged(RETURN_FROM_FALLBACK), 6);
}

/// A card without fallback says so, and has none.
#[test]
fn a_card_without_fallback_and_ecall() {
    let info = |host: &mut Host| {
        let info = EuiccInfo2::from_der(&host.es10(&hex("BF2200"))).unwrap();
        let iot = info.iot_specific_info.unwrap();
        (
            iot.ecall_supported.is_some(),
            iot.fallback_supported.is_some(),
        )
    };
    let (mut host, _) = with_fallback();
    assert_eq!(info(&mut host), (true, true));
    let mut without = personalisation(&Pki::new());
    without.fallback_supported = false;
    without.ecall_supported = false;
    let mut host = Host::new(without);
    host.open();
    assert_eq!(info(&mut host), (false, false));
    let (mut host, mut eim) = fallback_on(host);
    assert_eq!(codes(&host.run(&mut eim, &set_fallback(A))), [2]);
    assert_eq!(codes(&host.run(&mut eim, UNSET_FALLBACK)), [7]);
    host.run(&mut eim, &enable(B));
    assert_eq!(host.flagged(EXECUTE_FALLBACK), 7);
    assert_eq!(host.flagged(RETURN_FROM_FALLBACK), 7);
    host.install_with("89103000000000000043", |m| m.ecall_indication = Some(true));
    assert_eq!(host.flagged(ENABLE_EMERGENCY), 8);
    assert_eq!(host.flagged(DISABLE_EMERGENCY), 2);
    // The metadata are told all the same.
    let ecall = host.es10(&hex("BF2D055C039F7B5A"));
    let expected = "BF2D3E A03C E30C5A0A98010300000000000091 E30C5A0A98010300000000000072 \
                    E30C5A0A98010300000000000053 E3105A0A98010300000000000034 9F7B01FF";
    assert_eq!(ecall, hex(expected));
}

/// EUI-44: without notifications, with packages refused by a signed ecallActive
/// until it is disabled; EUI-39: no fallback meanwhile.
#[test]
fn the_emergency_profile() {
    let (mut host, mut eim) = with_fallback();
    assert_eq!(host.flagged(ENABLE_EMERGENCY), 8);
    host.install_with("89103000000000000043", |m| m.ecall_indication = Some(true));
    host.run(&mut eim, &(set_fallback(A) + &enable(B)));
    assert_eq!(codes(&host.run(&mut eim, "A7028000")), [0]);
    clear_notifications(&mut host);
    assert_eq!(host.flagged(DISABLE_EMERGENCY), 2);
    assert_eq!(host.flagged(ENABLE_EMERGENCY), 0);
    let emergency = Some("89103000000000000043");
    assert_eq!(enabled(&mut host).as_deref(), emergency);
    assert_eq!(notifications(&mut host), []);
    assert_eq!(host.flagged(ENABLE_EMERGENCY), 2);
    // Over a power cut.
    host.card.reset();
    host.open();
    assert_eq!(enabled(&mut host).as_deref(), emergency);
    let package = eim.package(&hex(&enable(A)));
    assert_eq!(host.refusal(&eim, &package), 104);
    assert_eq!(host.flagged(EXECUTE_FALLBACK), 104);
    assert_eq!(host.flagged(RETURN_FROM_FALLBACK), 6);
    // What is installed meanwhile is not enabled at once either.
    host.install("89103000000000000050");
    assert_eq!(host.flagged(IMMEDIATE_ENABLE), 127);
    // Nor does a reset of the memory get through: all three results say so.
    let answer = host.es10(&hex("BF6404820201FE"));
    assert_eq!(answer, hex("BF6409 800168 81017F 82017F"));
    assert_eq!(host.flagged(DISABLE_EMERGENCY), 0);
    assert_eq!(enabled(&mut host).as_deref(), Some(B));
    clear_notifications(&mut host);
    // The counter of the refused package was not taken.
    assert_eq!(host.es10(&package)[..2], hex("BF51"));
    assert_eq!(enabled(&mut host).as_deref(), Some(A));
    // Where nothing was enabled, nothing is afterwards.
    host.run(&mut eim, &psmo("A4", A));
    assert_eq!(host.flagged(ENABLE_EMERGENCY), 0);
    assert_eq!(host.flagged(DISABLE_EMERGENCY), 0);
    assert_eq!(enabled(&mut host), None);
}

/// EUI-36: every mechanism ends the right to roll back; EUI-61: under both
/// tags of the flag.
#[test]
fn what_ends_the_right_to_roll_back() {
    let (mut host, mut eim) = with_fallback();
    host.install_with("89103000000000000043", |m| m.ecall_indication = Some(true));
    host.run(&mut eim, &set_fallback(A));
    let configure = host.run(&mut eim, "A7028000");
    assert_eq!(codes(&configure), [0]);
    for tag in ["80", "01"] {
        let flag = format!("03{tag}0100");
        let mechanism = |host: &mut Host, tag: &str| host.code_of(&format!("{tag}{flag}"));
        let mut grant = |host: &mut Host| {
            host.run(&mut eim, &enable(B));
            assert_eq!(codes(&host.run(&mut eim, &enable_with_rollback(C))), [0]);
        };
        grant(&mut host);
        let answer = host.es10(&hex(&format!("BF58{flag}")));
        let answer = ProfileRollbackResponse::from_der(&answer).unwrap();
        assert_eq!(answer.cmd_result, ProfileRollbackCmdResult::OK);
        assert_eq!(host.es10(&hex(ROLLBACK)), hex(NOT_ALLOWED), "twice");
        grant(&mut host);
        assert_eq!(mechanism(&mut host, EXECUTE_FALLBACK), 0);
        assert_eq!(host.es10(&hex(ROLLBACK)), hex(NOT_ALLOWED));
        assert_eq!(mechanism(&mut host, RETURN_FROM_FALLBACK), 0);
        assert_eq!(host.es10(&hex(ROLLBACK)), hex(NOT_ALLOWED));
        grant(&mut host);
        assert_eq!(mechanism(&mut host, ENABLE_EMERGENCY), 0);
        assert_eq!(host.es10(&hex(ROLLBACK)), hex(NOT_ALLOWED));
        assert_eq!(mechanism(&mut host, DISABLE_EMERGENCY), 0);
        assert_eq!(host.es10(&hex(ROLLBACK)), hex(NOT_ALLOWED));
        grant(&mut host);
        let iccid = match tag {
            "80" => "89103000000000000050",
            _ => "89103000000000000068",
        };
        host.install(iccid);
        assert_eq!(mechanism(&mut host, IMMEDIATE_ENABLE), 0);
        assert_eq!(host.es10(&hex(ROLLBACK)), hex(NOT_ALLOWED));
        // What is refused leaves it.
        grant(&mut host);
        assert_eq!(mechanism(&mut host, RETURN_FROM_FALLBACK), 6);
        assert_eq!(mechanism(&mut host, DISABLE_EMERGENCY), 2);
        assert_eq!(mechanism(&mut host, IMMEDIATE_ENABLE), 4);
        assert_eq!(host.es10(&hex(ROLLBACK))[..2], hex("BF58"));
        assert_eq!(enabled(&mut host).as_deref(), Some(B));
    }
}

/// EUI-21: configured by an eIM, and taken back. EUI-42: after an installation,
/// from another SM-DP+, without one.
#[test]
fn a_profile_is_enabled_as_soon_as_it_is_installed() {
    let mut host = Host::ready();
    let mut eim = Eim::new("eim1");
    host.add(&eim, false);
    host.install(A);
    assert_eq!(host.flagged(IMMEDIATE_ENABLE), 1);
    assert_eq!(codes(&host.run(&mut eim, "A7028000")), [0]);
    // Still in the session of the installation.
    assert_eq!(host.flagged(IMMEDIATE_ENABLE), 0);
    assert_eq!(profiles(&mut host), [(A.to_string(), 1)]);
    assert_eq!(notifications(&mut host)[1..], [(1, A.to_string())]);
    assert_eq!(host.flagged(IMMEDIATE_ENABLE), 4);
    // Of another SM-DP+: by its address, by its OID.
    let other_address = "A70B8000820764702E74657374";
    assert_eq!(codes(&host.run(&mut eim, other_address)), [0]);
    host.install(B);
    assert_eq!(host.flagged(IMMEDIATE_ENABLE), 1);
    // An empty address removes it; the OID of the tests' SM-DP+ is 2.999.10.
    let own_oid = "A7098000810388370A8200";
    assert_eq!(codes(&host.run(&mut eim, own_oid)), [0]);
    host.card.reset();
    host.open();
    assert_eq!(host.flagged(IMMEDIATE_ENABLE), 4, "power ends the session");
    host.install(C);
    assert_eq!(host.flagged(IMMEDIATE_ENABLE), 0);
    assert_eq!(enabled(&mut host).as_deref(), Some(C));
    let own_address = "A71D8000 8219 7465737473 6D6470706C7573312E6578616D706C652E636F6D";
    assert_eq!(codes(&host.run(&mut eim, own_address)), [0]);
    assert_eq!(codes(&host.run(&mut eim, "A707 8000 8103 88370B")), [0]);
    host.install("89103000000000000043");
    assert_eq!(host.flagged(IMMEDIATE_ENABLE), 1);
    // No address at all, and taken back.
    assert_eq!(codes(&host.run(&mut eim, "A703820120")), [7]);
    assert_eq!(codes(&host.run(&mut eim, "A7058103 88370A")), [0]);
    assert_eq!(host.flagged(IMMEDIATE_ENABLE), 1);
    assert_eq!(codes(&host.run(&mut eim, "A7028000")), [0]);
    assert_eq!(host.flagged(IMMEDIATE_ENABLE), 0);
    // A session that has gone on is another one.
    host.install("89103000000000000050");
    host.challenge();
    assert_eq!(host.flagged(IMMEDIATE_ENABLE), 4);
}

/// EUI-43: the IPA configures it only while there is no eIM; it is kept, and a
/// memory reset removes it.
#[test]
fn the_ipa_configures_immediate_enabling_while_there_is_no_eim() {
    let mut host = Host::ready();
    assert_eq!(host.code_of("BF5903820120"), 127);
    assert_eq!(host.code_of("BF59028000"), 0);
    host.card.reset();
    host.open();
    host.install(A);
    assert_eq!(host.flagged(IMMEDIATE_ENABLE), 0);
    let mut eim = Eim::new("eim1");
    host.add(&eim, false);
    assert_eq!(host.code_of("BF5900"), 2);
    host.install(B);
    assert_eq!(host.es10(&hex("BF640482020102")), hex("BF6406800101820100"));
    assert_eq!(host.flagged(IMMEDIATE_ENABLE), 1);
    assert_eq!(codes(&host.run(&mut eim, "A7028000")), [0]);
    assert_eq!(host.flagged(IMMEDIATE_ENABLE), 0);
}

/// A profile says in its header what bearer it wants: parameters for HTTPS
/// among others, others alone, something of its own form, nothing.
#[test]
fn connectivity_parameters() {
    const NONE: &str = "BF5F03810101";
    let mut host = Host::ready();
    let mut eim = Eim::new("eim1");
    host.add(&eim, false);
    assert_eq!(host.es10(&hex("BF5F00")), hex(NONE));
    let https = "35020302 4709 0869 6E7465726E6574";
    let cases = [
        (
            A,
            format!("A0028100 A20F{https}"),
            format!("BF5F13A011810F{https}"),
        ),
        (B, "A0028100".to_string(), NONE.to_string()),
        (C, "FF0102".to_string(), "BF5F07A0058103FF0102".to_string()),
    ];
    for (iccid, parameters, _) in &cases {
        let contents = Contents {
            profile: crate::profile::package_with_connectivity(iccid, &hex(parameters)),
            ..Contents::of(iccid)
        };
        let result = host.download(&contents);
        let result = &result.profile_installation_result_data.final_result;
        assert!(matches!(result, FinalResult::Success(_)), "{result:?}");
    }
    assert_eq!(host.es10(&hex("BF5F00")), hex(NONE));
    for (iccid, _, expected) in &cases {
        assert_eq!(codes(&host.run(&mut eim, &enable(iccid))), [0]);
        host.card.reset();
        host.open();
        assert_eq!(host.es10(&hex("BF5F00")), hex(expected));
    }
    let plain = "89103000000000000043";
    host.install(plain);
    assert_eq!(codes(&host.run(&mut eim, &enable(plain))), [0]);
    assert_eq!(host.es10(&hex("BF5F00")), hex(NONE));
}

/// eUICCMemoryReset with these bits, and its three results.
fn reset(host: &mut Host, bits: &[u8]) -> (i64, Option<i64>, Option<i64>) {
    let request = rsp_asn1::sgp32::EuiccMemoryResetRequest {
        reset_options: rsp_asn1::BitString::of(bits),
        extensions: Default::default(),
    };
    let answer = host.es10(&request.to_der());
    let answer = rsp_asn1::sgp32::EuiccMemoryResetResponse::from_der(&answer).unwrap();
    let enabling = answer.reset_immediate_enable_config_result;
    (
        answer.reset_result.0,
        answer.reset_eim_result.map(|code| code.0),
        enabling.map(|code| code.0),
    )
}

/// A test profile from the factory is one of its own kind to a memory reset,
/// and has no other keys than one that is downloaded.
#[test]
fn a_memory_reset_of_pre_loaded_test_profiles() {
    let mut metadata = server::metadata(A);
    metadata.profile_class = PROFILE_CLASS_TEST;
    let with_key = |package: &[u8]| {
        let mut card = Euicc::new(personalisation(&Pki::new()));
        let profile = BootstrapProfile {
            metadata: metadata.clone(),
            package,
            enabled: false,
        };
        let installed = card.install_bootstrap(profile, &SoftwareProvider);
        installed.map(|()| card)
    };
    let refused = with_key(&package(A)).unwrap_err().reason;
    let invalid = ErrorReason::TEST_PROFILE_INSTALL_FAILED_DUE_TO_INVALID_NAA_KEY;
    assert_eq!(refused, invalid);

    let mut host = Host::ready();
    host.card = Stored::of(
        personalisation(&Pki::new()),
        with_key(&test_package(A)).unwrap(),
    );
    host.open();
    host.install_with(B, |m| m.profile_class = PROFILE_CLASS_TEST);
    host.install(C);
    let left = |host: &mut Host| {
        let left = profiles(host).into_iter();
        left.map(|(iccid, _)| iccid).collect::<Vec<_>>()
    };
    // Still known as such after a power cut.
    host.card.reset();
    host.open();
    assert_eq!(reset(&mut host, &[1]), (0, None, None));
    assert_eq!(left(&mut host), [A, C]);
    assert_eq!(reset(&mut host, &[3]), (0, None, None));
    assert_eq!(left(&mut host), [C]);
    assert_eq!(reset(&mut host, &[3]), (1, None, None));
}

/// What a test profile may have for a key (SGP.22 2.4.5.3): sixteen bits, or
/// that of the test algorithm; an operational one any.
#[test]
fn the_keys_of_test_profiles() {
    let test_key = hex("000102030405060708090A0B0C0D0E0F");
    let free = hex("0000000000000000000000000000 FFFF");
    let one_more = hex("0000000000000000000000000001 0000");
    let (milenage, test) = (AlgorithmId::MILENAGE, AlgorithmId::USIM_TEST_ALGORITHM);
    let mut host = Host::ready();
    for (class, algorithm, key, good) in [
        (PROFILE_CLASS_TEST, milenage, &free, true),
        (PROFILE_CLASS_TEST, milenage, &one_more, false),
        (PROFILE_CLASS_TEST, milenage, &test_key, false),
        (PROFILE_CLASS_TEST, test, &test_key, true),
        (PROFILE_CLASS_TEST, test, &free, true),
        (PROFILE_CLASS_TEST, test, &one_more, false),
        (PROFILE_CLASS_OPERATIONAL, milenage, &test_key, true),
        (PROFILE_CLASS_PROVISIONING, milenage, &one_more, true),
    ] {
        let mut metadata = server::metadata(A);
        metadata.profile_class = class;
        let contents = Contents {
            metadata: metadata.to_der(),
            profile: package_with_key(A, algorithm, key),
            ..Contents::of(A)
        };
        let result = host.download(&contents);
        let data = &result.profile_installation_result_data;
        match &data.final_result {
            FinalResult::Success(_) => assert!(good, "{class} {algorithm} {key:02X?}"),
            FinalResult::Error(error) => {
                assert!(!good, "{class} {algorithm} {key:02X?}: {error:?}");
                let reason = ErrorReason::TEST_PROFILE_INSTALL_FAILED_DUE_TO_INVALID_NAA_KEY;
                assert_eq!(error.error_reason, reason);
                assert_eq!(error.bpp_command_id, BppCommandId::LOAD_PROFILE_ELEMENTS);
            }
        }
        assert_eq!(profiles(&mut host).len(), usize::from(good));
        if good {
            assert_eq!(reset(&mut host, &[0, 1, 4]), (0, None, None));
        }
    }
}

/// Every option of eUICCMemoryReset, and each of its three results (EUI-46 is
/// among them).
#[test]
fn memory_reset_option_by_option() {
    let (mut host, mut eim) = with_fallback();
    host.install_with("89103000000000000043", |m| {
        m.profile_class = PROFILE_CLASS_TEST
    });
    host.install_with("89103000000000000050", |m| {
        m.profile_class = PROFILE_CLASS_PROVISIONING;
    });
    assert_eq!(host.code_of("BF65058003612E62"), 0);
    assert_eq!(profiles(&mut host).len(), 5);
    // No test profile came from the factory.
    assert_eq!(reset(&mut host, &[3]), (1, None, None));
    assert_eq!(reset(&mut host, &[]), (1, None, None));
    assert_eq!(profiles(&mut host).len(), 5);
    assert_eq!(reset(&mut host, &[1]), (0, None, None));
    assert_eq!(profiles(&mut host).len(), 4);
    assert_eq!(reset(&mut host, &[4]), (0, None, None));
    assert_eq!(profiles(&mut host).len(), 3);
    assert_eq!(reset(&mut host, &[2]), (0, None, None));
    assert_eq!(reset(&mut host, &[2]), (1, None, None));
    assert_eq!(reset(&mut host, &[6]), (1, None, Some(0)));
    host.run(&mut eim, &enable(A));
    assert_eq!(reset(&mut host, &[0, 5, 6]), (0, Some(0), Some(0)));
    assert_eq!(profiles(&mut host), []);
    assert_eq!(host.associations(), []);
    assert_eq!(reset(&mut host, &[0, 1, 2, 3, 4, 5]), (1, Some(1), None));
    host.add(&Eim::new("eim2"), true);
}

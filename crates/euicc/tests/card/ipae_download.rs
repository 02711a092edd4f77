//! Profile download by the IPA in the card (SGP.32 3.2.3.1): an eIM that
//! triggers, an SM-DP+ behind another channel, and what goes wrong between.

use euicc::IpaeSettings;
use rsp_asn1::rsp::*;
use rsp_asn1::sgp32::*;
use rsp_asn1::{Asn1, BitString};
use serde_json::{Value, json};

use crate::common::{Host, hex, key, personalisation};
use crate::eims::Eim;
use crate::mechanisms::ENABLE_EMERGENCY;
use crate::packages::A;
use crate::pki::{self, Pki, Spec};
use crate::server::{ADDRESS, Contents, Server, metadata};
use crate::terminal::{Asked, Fault, Terminal};

const EIM_KEY: &str = "1111111111111111111111111111111111111111111111111111111111111111";
const SMDP_KEY: &str = "3434343434343434343434343434343434343434343434343434343434343434";
const DP_TLS_POLICY: &str = "2.23.146.1.2.1.3";
const SMDP: [u8; 4] = [192, 0, 2, 8];
const ACTIVATE: &str = "BF420480020780";

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn base64(octets: &[u8]) -> String {
    let mut out = String::new();
    for group in octets.chunks(3) {
        let mut bits = 0;
        for at in 0..3 {
            bits = bits << 8 | usize::from(group.get(at).copied().unwrap_or(0));
        }
        for at in 0..4 {
            let letter = char::from(LETTERS[bits >> (18 - 6 * at) & 63]);
            out.push(if at <= group.len() { letter } else { '=' });
        }
    }
    out
}

fn from_base64(text: &str) -> Vec<u8> {
    let (mut out, mut bits, mut count) = (Vec::new(), 0usize, 0);
    for letter in text.trim_end_matches('=').bytes() {
        bits = bits << 6 | LETTERS.iter().position(|l| *l == letter).unwrap();
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
        }
    }
    out
}

/// In what the SM-DP+ differs from one that does its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Oddity {
    None,
    RefusesToBegin,
    SignsAnotherAddress,
    RefusesTheClient,
    WantsAConfirmationCode,
    OffersPolicyRules,
    SendsOtherMetadata,
    SendsHalfAPackage,
    IsNoJson,
}

/// An SM-DP+ and the eIM that triggers.
struct Servers {
    smdp: Server,
    oddity: Oddity,
    /// MatchingID and so on of the code after the address.
    code: &'static str,
    /// What the trigger has in place of a code.
    instead: Option<ProfileDownloadData>,
    /// Triggers that the card could not use.
    unusable: usize,
    /// Sessions cancelled, by reason.
    cancelled: Vec<i64>,
    /// Whether the SM-DP+ was told of success, in order.
    told: Vec<bool>,
    /// What the eIM was told.
    reported: Vec<ProfileDownloadTriggerResultData>,
    /// The eIM refuses installation results.
    disbelieves: bool,
    triggers: usize,
}

impl Servers {
    fn new(oddity: Oddity) -> Servers {
        Servers {
            smdp: Server::new(),
            oddity,
            code: "MATCHING",
            instead: None,
            unusable: 0,
            cancelled: Vec::new(),
            told: Vec::new(),
            reported: Vec::new(),
            disbelieves: false,
            triggers: 0,
        }
    }

    fn answer(&mut self, body: &[u8]) -> Vec<u8> {
        match body.first() {
            Some(b'{') => self.es9plus(&serde_json::from_slice(body).unwrap()),
            _ => self.esipa(EsipaMessageFromIpaToEim::from_der(body).unwrap()),
        }
    }

    /// Whether the eIM knows of an installation.
    fn is_done(&self) -> bool {
        use ProfileDownloadTriggerResultData::ProfileInstallationResult as Installed;
        self.reported.iter().any(|data| {
            matches!(data, Installed(result) if matches!(
                result.profile_installation_result_data.final_result,
                FinalResult::Success(_)
            ))
        })
    }

    fn esipa(&mut self, message: EsipaMessageFromIpaToEim) -> Vec<u8> {
        use EsipaMessageFromEimToIpa as Answer;
        use EsipaMessageFromIpaToEim as Message;
        let answer = match message {
            Message::GetEimPackageRequest(_) if self.is_done() => Answer::GetEimPackageResponse(
                GetEimPackageResponse::EimPackageError(EimPackageError::NO_EIM_PACKAGE_AVAILABLE),
            ),
            Message::GetEimPackageRequest(_) => {
                self.triggers += 1;
                let code = format!("LPA:1${ADDRESS}${}", self.code);
                let code = ProfileDownloadData::ActivationCode(code.as_str().try_into().unwrap());
                let trigger = ProfileDownloadTriggerRequest {
                    profile_download_data: Some(self.instead.clone().unwrap_or(code)),
                    eim_transaction_id: None,
                    extensions: Default::default(),
                };
                Answer::GetEimPackageResponse(GetEimPackageResponse::ProfileDownloadTriggerRequest(
                    trigger,
                ))
            }
            Message::ProvideEimPackageResult(provided) => {
                let result = match provided.eim_package_result {
                    EimPackageResult::ProfileDownloadTriggerResult(result) => result,
                    EimPackageResult::ResponseError(error) => {
                        let code = error.eim_package_result_error_code;
                        assert_eq!(code, EimPackageResultErrorCode::INVALID_PACKAGE_FORMAT);
                        self.unusable += 1;
                        return nothing();
                    }
                    other => panic!("{other:?}"),
                };
                let data = result.profile_download_trigger_result_data;
                use ProfileDownloadTriggerResultData::ProfileInstallationResult as Installed;
                let refused = self.disbelieves && matches!(data, Installed(_));
                self.reported.push(data);
                Answer::ProvideEimPackageResultResponse(match refused {
                    true => ProvideEimPackageResultResponse::Error(
                        ProvideEimPackageResultError::UNDEFINED_ERROR,
                    ),
                    false => ProvideEimPackageResultResponse::EmptyResponse(EmptyResponse {
                        extensions: Default::default(),
                    }),
                })
            }
            other => panic!("{other:?}"),
        };
        answer.to_der()
    }

    fn es9plus(&mut self, request: &Value) -> Vec<u8> {
        let member = |name: &str| request[name].as_str().map(from_base64);
        let members = if let Some(challenge) = member("euiccChallenge") {
            if self.oddity == Oddity::RefusesToBegin {
                return refused();
            }
            assert_eq!(request["smdpAddress"], ADDRESS);
            EuiccInfo1::from_der(&member("euiccInfo1").unwrap()).unwrap();
            self.begin(challenge.try_into().unwrap())
        } else if let Some(answer) = member("authenticateServerResponse") {
            match AuthenticateServerResponse::from_der(&answer).unwrap() {
                AuthenticateServerResponse::Ok(ok) if self.oddity != Oddity::RefusesTheClient => {
                    self.offer(&ok)
                }
                _ => return refused(),
            }
        } else if let Some(answer) = member("prepareDownloadResponse") {
            match PrepareDownloadResponse::from_der(&answer).unwrap() {
                PrepareDownloadResponse::Ok(ok) => self.bound(&ok.euicc_signed2.euicc_otpk),
                _ => return refused(),
            }
        } else if let Some(answer) = member("cancelSessionResponse") {
            let CancelSessionResponse::Ok(ok) = CancelSessionResponse::from_der(&answer).unwrap()
            else {
                panic!("no session is cancelled");
            };
            self.cancelled.push(ok.euicc_cancel_session_signed.reason.0);
            json!({})
        } else {
            let told = PendingNotification::from_der(&member("pendingNotification").unwrap());
            let PendingNotification::ProfileInstallationResult(result) = told.unwrap() else {
                panic!("no installation result");
            };
            let last = &result.profile_installation_result_data.final_result;
            self.told.push(matches!(last, FinalResult::Success(_)));
            return Vec::new();
        };
        match self.oddity {
            Oddity::IsNoJson => b"<html>".to_vec(),
            _ => executed(members),
        }
    }

    fn begin(&self, challenge: [u8; 16]) -> Value {
        let mut request = self.smdp.authenticate(challenge);
        if self.oddity == Oddity::SignsAnotherAddress {
            let mut other = request.server_signed1.clone().into_value();
            other.server_address = "other.example.com".into();
            request.server_signed1 = rsp_asn1::Signed::new(other);
        }
        let id = request.euicc_ci_pk_id_to_be_used.to_der();
        json!({
            "transactionId": self.smdp.transaction_id.to_string(),
            "serverSigned1": base64(request.server_signed1.as_bytes()),
            "serverSignature1": base64(&request.server_signature1),
            "euiccCiPKIdToBeUsed": base64(&id),
            "serverCertificate": base64(request.server_certificate.as_bytes()),
        })
    }

    fn offer(&self, ok: &AuthenticateResponseOk) -> Value {
        let code = (self.oddity == Oddity::WantsAConfirmationCode).then_some([7; 32]);
        let request = self.smdp.prepare(&ok.euicc_signature1, None, code);
        let mut metadata = metadata(A);
        if self.oddity == Oddity::OffersPolicyRules {
            metadata.profile_policy_rules = Some(BitString::of(&[PPR1]));
        }
        json!({
            "profileMetadata": base64(&metadata.to_der()),
            "smdpSigned2": base64(request.smdp_signed2.as_bytes()),
            "smdpSignature2": base64(&request.smdp_signature2),
            "smdpCertificate": base64(request.smdp_certificate.as_bytes()),
        })
    }

    fn bound(&self, euicc_otpk: &[u8]) -> Value {
        let mut contents = Contents::of(A);
        if self.oddity == Oddity::SendsOtherMetadata {
            let mut other = metadata(A);
            other.profile_name = "Another".try_into().unwrap();
            contents.metadata = other.to_der();
        }
        let mut package = self.smdp.package(euicc_otpk, &contents).to_der();
        if self.oddity == Oddity::SendsHalfAPackage {
            package.truncate(package.len() / 2);
        }
        json!({ "boundProfilePackage": base64(&package) })
    }
}

fn executed(mut members: Value) -> Vec<u8> {
    let status = json!({ "functionExecutionStatus": { "status": "Executed-Success" } });
    members["header"] = status;
    members.to_string().into_bytes()
}

fn refused() -> Vec<u8> {
    let codes = json!({ "subjectCode": "8.2.6", "reasonCode": "3.8" });
    let status = json!({ "status": "Failed", "statusCodeData": codes });
    let header = json!({ "header": { "functionExecutionStatus": status } });
    header.to_string().into_bytes()
}

/// A card whose IPA is active, with an eIM; and its terminal, in whose network
/// the SM-DP+ is.
fn begin() -> (Host, Terminal) {
    begin_with(|_| {})
}

/// As [`begin`], of a card to which something was done before.
fn begin_with(before: impl FnOnce(&mut Host)) -> (Host, Terminal) {
    let (eim_key, smdp_key, ci) = (key(EIM_KEY), key(SMDP_KEY), key(pki::CI));
    let mut with_ipa = personalisation(&Pki::new());
    with_ipa.ipae = Some(IpaeSettings {
        poll_interval: 3600,
        hosts: vec![(ADDRESS.into(), SMDP)],
        direct: true,
        indirect: false,
    });
    let mut host = Host::new(with_ipa);
    host.open();
    let mut data = Eim::new("eim1").configuration();
    data.eim_fqdn = Some("192.0.2.1".into());
    let spki = rsp_crypto::SigningKey::public_key(&eim_key).to_spki_der();
    let spki = rsp_asn1::SubjectPublicKeyInfo::from_bytes(&spki).unwrap();
    data.trusted_public_key_data_tls = Some(EimPublicKeyData::PublicKey(spki));
    before(&mut host);
    host.add_initial(vec![data]);
    let mut terminal = Terminal::new(&eim_key, &[Spec::leaf(&eim_key).sign(&ci)]);
    terminal.add_server(SMDP, &smdp_key, &[smdp_tls(DP_TLS_POLICY, ADDRESS)]);
    terminal.start(&mut host, &mut |_| panic!("nothing is asked yet"));
    let (_, status) = host.es10c(&hex(ACTIVATE));
    terminal.serve(&mut host, status, &mut |_| panic!("nothing is asked yet"));
    (host, terminal)
}

fn smdp_tls(policy: &'static str, name: &'static str) -> rsp_asn1::Certificate {
    let key = key(SMDP_KEY);
    let spec = Spec {
        hosts: &[name],
        policy: Some(policy),
        ..Spec::leaf(&key)
    };
    spec.sign(&crate::common::key(pki::CI))
}

fn round(host: &mut Host, terminal: &mut Terminal, servers: &mut Servers) {
    terminal.expire(host, &mut |body| servers.answer(body));
}

/// Whether the card waits for its next round.
fn rests(terminal: &Terminal) -> bool {
    terminal.asked.last() == Some(&Asked::Timer(3600))
}

/// The profile is there, once, and nothing waits any more.
fn is_installed(host: &mut Host) -> bool {
    host.open();
    let (list, _) = host.es10c(&hex("BF2D00"));
    let ProfileInfoListResponse::Ok(list) = ProfileInfoListResponse::from_der(&list).unwrap()
    else {
        panic!("no list");
    };
    assert_eq!(host.es10(&hex("BF2B00")), hex("BF2B02A000"));
    list.len() == 1
}

/// Each order of things, in one round: trigger, download, notification, result.
#[test]
fn a_profile_is_downloaded_in_one_round() {
    let (mut host, mut terminal) = begin();
    let mut servers = Servers::new(Oddity::None);
    servers.code = "MATCHING$2.999.10";
    terminal.asked.clear();
    round(&mut host, &mut terminal, &mut servers);
    let opened: Vec<_> = terminal.asked.iter().filter_map(Asked::address).collect();
    assert_eq!(opened, [[192, 0, 2, 1], SMDP, [192, 0, 2, 1]]);
    assert!(rests(&terminal));
    assert_eq!((servers.told, servers.reported.len()), (vec![true], 1));
    assert!(is_installed(&mut host));
}

/// What the card refuses or is refused: the eIM is told, the session cancelled
/// where the server does not know, and nothing is installed.
#[test]
fn what_ends_a_download() {
    let cases = [
        (Oddity::RefusesToBegin, "MATCHING", &[][..]),
        (Oddity::SignsAnotherAddress, "MATCHING", &[]),
        (Oddity::RefusesTheClient, "MATCHING", &[]),
        (Oddity::WantsAConfirmationCode, "MATCHING", &[1]),
        (Oddity::OffersPolicyRules, "MATCHING", &[3]),
        (Oddity::SendsOtherMetadata, "MATCHING", &[4]),
        (Oddity::SendsHalfAPackage, "MATCHING", &[5]),
        (Oddity::IsNoJson, "MATCHING", &[]),
        (Oddity::None, "MATCHING$2.999.11", &[127]),
    ];
    for (oddity, code, cancelled) in cases {
        let (mut host, mut terminal) = begin();
        let mut servers = Servers::new(oddity);
        servers.code = code;
        // The eIM gives up when it is told.
        terminal.expire(&mut host, &mut |body| {
            let ended = !servers.reported.is_empty();
            match body.first() {
                Some(b'{') => servers.answer(body),
                _ if ended => nothing(),
                _ => servers.answer(body),
            }
        });
        assert!(rests(&terminal), "{oddity:?}");
        assert_eq!(servers.cancelled, cancelled, "{oddity:?} {code}");
        let reported = servers.reported.as_slice();
        let [ProfileDownloadTriggerResultData::ProfileDownloadError(error)] = reported else {
            panic!("{oddity:?} {reported:?}");
        };
        let reason = error.profile_download_error_reason;
        assert_eq!(reason, ProfileDownloadErrorReason::UNDEFINED_ERROR);
        assert!(!is_installed(&mut host), "{oddity:?}");
    }
}

/// The default SM-DP+ is asked, if there is one; an SM-DS, or what is no code,
/// is nothing that this IPA can use.
#[test]
fn what_a_trigger_may_say() {
    let default = ProfileDownloadData::ContactDefaultSmdp(rsp_asn1::Null);
    let smds = ProfileDownloadData::ContactSmds(ContactSmds {
        smds_address: None,
        extensions: Default::default(),
    });
    let no_code = ProfileDownloadData::ActivationCode("LPA:1$".try_into().unwrap());
    for instead in [default.clone(), smds, no_code] {
        let (mut host, mut terminal) = begin();
        let mut servers = Servers::new(Oddity::None);
        servers.instead = Some(instead);
        round(&mut host, &mut terminal, &mut servers);
        assert_eq!((servers.unusable, servers.triggers), (1, 1));
        assert!(rests(&terminal) && !is_installed(&mut host));
    }
    let set_default = [&[0xBF, 0x3F, 27, 0x80, 25][..], ADDRESS.as_bytes()].concat();
    let (mut host, mut terminal) = begin_with(|host| {
        assert_eq!(host.es10(&set_default), hex("BF3F03800100"));
    });
    let mut servers = Servers::new(Oddity::None);
    servers.instead = Some(default);
    round(&mut host, &mut terminal, &mut servers);
    assert!(servers.is_done() && is_installed(&mut host));
}

/// While the Emergency Profile is enabled nothing is downloaded, and the eIM is
/// told why.
#[test]
fn an_emergency_call_goes_before_a_download() {
    let (mut host, mut terminal) = begin_with(|host| {
        host.install_with(A, |metadata| metadata.ecall_indication = Some(true));
        assert_eq!(host.flagged(ENABLE_EMERGENCY), 0);
        assert_eq!(host.es10(&hex("BF3003800101")), hex("BF3003800100"));
    });
    let mut servers = Servers::new(Oddity::None);
    let mut polls = 0;
    terminal.expire(&mut host, &mut |body| {
        polls += 1;
        if polls > 2 {
            nothing()
        } else {
            servers.answer(body)
        }
    });
    let [ProfileDownloadTriggerResultData::ProfileDownloadError(error)] =
        servers.reported.as_slice()
    else {
        panic!("{:?}", servers.reported);
    };
    let reason = error.profile_download_error_reason;
    assert_eq!(reason, ProfileDownloadErrorReason::ECALL_ACTIVE);
    assert!(rests(&terminal));
}

fn nothing() -> Vec<u8> {
    let none = GetEimPackageResponse::EimPackageError(EimPackageError::NO_EIM_PACKAGE_AVAILABLE);
    EsipaMessageFromEimToIpa::GetEimPackageResponse(none).to_der()
}

/// An eIM that does not believe the installation result is told that nobody
/// knows; it does not hear of it for ever.
#[test]
fn a_result_that_is_refused_gives_way() {
    let (mut host, mut terminal) = begin();
    let mut servers = Servers::new(Oddity::None);
    servers.disbelieves = true;
    round(&mut host, &mut terminal, &mut servers);
    use ProfileDownloadTriggerResultData as Data;
    assert!(matches!(
        servers.reported.as_slice(),
        [
            Data::ProfileInstallationResult(_),
            Data::ProfileDownloadError(_)
        ]
    ));
    assert!(is_installed(&mut host));
}

/// Only a TLS certificate of an SM-DP+, under the card's CI and for this name,
/// is spoken to.
#[test]
fn whom_the_card_takes_for_an_smdp() {
    let good = || smdp_tls(DP_TLS_POLICY, ADDRESS);
    for (certificate, signs, believed) in [
        (good(), SMDP_KEY, true),
        // Somebody else with a good certificate.
        (good(), EIM_KEY, false),
        (smdp_tls(pki::DP_AUTH_POLICY, ADDRESS), SMDP_KEY, false),
        (
            smdp_tls(DP_TLS_POLICY, "other.example.com"),
            SMDP_KEY,
            false,
        ),
        (
            Spec {
                hosts: &[ADDRESS],
                policy: Some(DP_TLS_POLICY),
                ..Spec::leaf(&key(SMDP_KEY))
            }
            .sign(&key(EIM_KEY)),
            SMDP_KEY,
            false,
        ),
    ] {
        let (mut host, mut terminal) = begin();
        terminal.add_server(SMDP, &key(signs), &[certificate]);
        let mut servers = Servers::new(Oddity::None);
        let mut asked = 0;
        terminal.expire(&mut host, &mut |body| {
            asked += usize::from(body.starts_with(b"{"));
            match servers.reported.is_empty() {
                true => servers.answer(body),
                false => nothing(),
            }
        });
        assert_eq!((asked > 0, servers.is_done()), (believed, believed));
        assert!(rests(&terminal));
    }
}

/// Goes on in good rounds until the eIM knows; gives how many that took.
fn until_done(host: &mut Host, terminal: &mut Terminal, servers: &mut Servers) -> usize {
    for number in 1..=4 {
        round(host, terminal, servers);
        if servers.is_done() && rests(terminal) {
            return number;
        }
    }
    panic!("{:?}", servers.reported);
}

/// A channel that breaks, data that come twice, changed, or not at all, a server
/// that is silent: the round ends, what became of the download is said, and the
/// eIM gets its profile in the end, once.
#[test]
fn a_download_over_a_bad_line() {
    let faults: [fn(usize) -> Fault; 4] = [
        Fault::BreaksAfter,
        Fault::Changes,
        Fault::Repeats,
        Fault::Drops,
    ];
    for (number, fault) in faults.into_iter().enumerate() {
        for at in (number * 97..6200).step_by(620) {
            let (mut host, mut terminal) = begin();
            let mut servers = Servers::new(Oddity::None);
            terminal.fault = Some((SMDP, fault(at)));
            let mut asked = 0;
            terminal.expire(&mut host, &mut |body| {
                asked += 1;
                servers.answer(body)
            });
            for _ in 0..16 {
                if !rests(&terminal) {
                    // The card waits for what never comes.
                    terminal.expire(&mut host, &mut |body| servers.answer(body));
                }
            }
            terminal.fault = None;
            let what = format!("{:?}", fault(at));
            assert!(rests(&terminal), "{what}");
            if !servers.is_done() {
                until_done(&mut host, &mut terminal, &mut servers);
            }
            // What the SM-DP+ has not got.
            round(&mut host, &mut terminal, &mut servers);
            assert_eq!(servers.told.last(), Some(&true), "{what} {asked}");
            assert!(is_installed(&mut host), "{what}");
        }
    }
}

#[test]
fn no_channel_and_no_answer() {
    for fault in [Fault::Refused, Fault::Silent] {
        let (mut host, mut terminal) = begin();
        let mut servers = Servers::new(Oddity::None);
        terminal.fault = Some((SMDP, fault));
        round(&mut host, &mut terminal, &mut servers);
        for _ in 0..16 {
            if !rests(&terminal) {
                round(&mut host, &mut terminal, &mut servers);
            }
        }
        assert!(rests(&terminal), "{fault:?}");
        assert!(!servers.is_done() && !servers.reported.is_empty());
        // However often it triggers, a round has an end.
        assert!(servers.triggers <= 16, "{}", servers.triggers);
        terminal.fault = None;
        until_done(&mut host, &mut terminal, &mut servers);
        assert!(is_installed(&mut host), "{fault:?}");
    }
}

/// Power is cut after every so many commands of a download: nothing is
/// installed twice, nothing is forgotten, and the SM-DP+ hears of an
/// interruption before it is asked again.
#[test]
fn power_is_cut_anywhere_in_a_download() {
    let (mut host, mut terminal) = begin();
    let mut servers = Servers::new(Oddity::None);
    let before = terminal.commands;
    round(&mut host, &mut terminal, &mut servers);
    let whole = terminal.commands - before;
    assert!(whole > 60, "{whole}");
    let mut interrupted = 0;
    for at in (1..whole).step_by(4) {
        let (mut host, mut terminal) = begin();
        let mut servers = Servers::new(Oddity::None);
        terminal.cuts_after = Some(at);
        round(&mut host, &mut terminal, &mut servers);
        host.card.reset();
        terminal.power_on();
        terminal.start(&mut host, &mut |_| panic!("nothing is asked yet"));
        until_done(&mut host, &mut terminal, &mut servers);
        round(&mut host, &mut terminal, &mut servers);
        let (last, earlier) = servers.told.split_last().unwrap();
        assert!(*last, "cut {at}");
        assert!(earlier.len() <= 1, "cut {at}: {:?}", servers.told);
        interrupted += earlier.iter().filter(|success| !**success).count();
        assert!(is_installed(&mut host), "cut {at}");
    }
    assert!(interrupted > 0, "no cut amid an installation");
}

//! What the card keeps without power: every record cut at every octet.

use rsp_asn1::Asn1;
use rsp_asn1::ids::Iccid;
use rsp_asn1::rsp::*;
use rsp_asn1::sgp32::{DeleteEim, Eco, EuiccPackageResult};
use rsp_crypto::aka::{self, Algorithm};
use rsp_crypto::software::SoftwareProvider;

use crate::common::{Host, Stored, array, hex};
use crate::eims::Eim;
use crate::server::{Contents, Server, segments};
use crate::uicc_support::{K, OPC, USIM_AID};

const A: &str = "89103000000000000019";
const B: &str = "89103000000000000027";
const ENABLE_A: &str = "A30C5A0A98010300000000000091";
const DISABLE_A: &str = "A40C5A0A98010300000000000091";
const DELETE_B: &str = "A50C5A0A98010300000000000072";
const SET_FALLBACK_B: &str = "A80C5A0A98010300000000000072";
const UNSET_FALLBACK: &str = "A900";
const IMMEDIATE_ENABLE: &str = "A7028000";

/// Every command of a story changes the journal by at most one record. The
/// images that the card had after each are remembered.
struct Story {
    host: Host,
    eim: Eim,
    /// Length of the journal and image, in order.
    images: Vec<(usize, Vec<u8>)>,
}

impl Story {
    fn begin() -> Story {
        let host = Host::ready();
        let images = vec![(host.card.journal.len(), host.card.image())];
        let eim = Eim::new("eim1");
        Story { host, eim, images }
    }

    /// Notes the image. It is the same as long as nothing was written.
    fn note(&mut self) {
        let length = self.host.card.journal.len();
        let image = self.host.card.image();
        match self.images.last() {
            Some((last, before)) if *last == length => assert!(*before == image),
            _ => self.images.push((length, image)),
        }
    }

    fn apdu(&mut self, apdu: &str) -> (Vec<u8>, u16) {
        let answer = self.host.send(apdu);
        self.note();
        answer
    }

    fn es10(&mut self, command: &[u8]) -> Vec<u8> {
        let status = self.host.store(command);
        self.note();
        let answer = self.host.collect(status);
        self.note();
        answer
    }

    fn package(&mut self, psmos: &str) {
        let package = self.eim.package(&hex(psmos));
        self.es10(&package);
    }

    fn ecos(&mut self, ecos: &[Eco]) {
        let package = self.eim.eco_package(ecos);
        self.es10(&package);
    }

    fn download(&mut self, iccid: &str) {
        let server = Server::new();
        let challenge = self.host.challenge();
        self.note();
        let ok = self.host.authenticate(&server.authenticate(challenge));
        self.note();
        let request = server.prepare(&ok.unwrap().euicc_signature1, None, None);
        let answer = self.es10(&request.to_der());
        let PrepareDownloadResponse::Ok(ok) = PrepareDownloadResponse::from_der(&answer).unwrap()
        else {
            panic!("not prepared");
        };
        let mut metadata = crate::server::metadata(iccid);
        metadata.fallback_allowed = Some(true);
        let contents = Contents {
            metadata: metadata.to_der(),
            ..Contents::of(iccid)
        };
        let package = server.package(&ok.euicc_signed2.euicc_otpk, &contents);
        for segment in segments(&package) {
            self.es10(&segment);
        }
    }

    /// AUTHENTICATE in the USIM of the enabled profile, on the basic channel.
    fn authenticate(&mut self, seq: u64) {
        let [_, _, sqn @ ..] = (seq << 5).to_be_bytes();
        let algorithm = Algorithm::milenage(array(OPC));
        let rand = [7; 16];
        let provider = &SoftwareProvider;
        let vector = aka::generate_vector(provider, &array(K), &algorithm, sqn, [0x80, 0], rand);
        let select = format!("00A40404{:02X}{USIM_AID}", USIM_AID.len() / 2);
        assert_eq!(self.apdu(&select).1 >> 8, 0x61);
        assert_eq!(self.apdu("0020000108313233340000FFFF").1, 0x63C2);
        assert_eq!(self.apdu("002000010831323334FFFFFFFF").1, 0x9000);
        let command = [&hex("0088008122 10")[..], &rand, &[0x10], &vector.autn].concat();
        let (_, status) = self.host.apdu(&command);
        self.note();
        assert_eq!(status >> 8, 0x61);
        let file = self.apdu("00A4000C026F7B");
        assert_eq!(file.1, 0x9000);
        assert_eq!(self.apdu("00D600000362F210").1, 0x9000);
        assert_eq!(self.apdu("00B0000003").0, hex("62F210"));
    }
}

/// Association, two downloads, enabling, use, notifications, disabling and
/// deletion.
fn story() -> Story {
    let mut story = Story::begin();
    story.host.add(&Eim::new("eim1"), true);
    story.note();
    story.eim.token = Some(1);
    story.download(A);
    story.package(ENABLE_A);
    story.authenticate(1);
    story.download(B);
    story.es10(&hex("BF3003800101"));
    story.package(DISABLE_A);
    story.es10(&hex("BF3003800102"));
    story.package(ENABLE_A);
    story.package(&(SET_FALLBACK_B.to_string() + IMMEDIATE_ENABLE));
    story.es10(&hex("BF5D03800100"));
    story.es10(&hex("BF5E03800100"));
    story.package(UNSET_FALLBACK);
    story.package(DELETE_B);
    associations_change(&mut story);
    story.authenticate(2);
    story
}

/// Another eIM comes, changes and goes.
fn associations_change(story: &mut Story) {
    let mut second = Eim::new("eim2").configuration();
    second.association_token = Some(-1);
    story.ecos(&[Eco::AddEim(second.clone())]);
    second.association_token = None;
    second.counter_value = Some(50);
    second.eim_fqdn = Some("other.example".into());
    story.ecos(&[Eco::UpdateEim(second)]);
    story.ecos(&[Eco::DeleteEim(DeleteEim {
        eim_id: "eim2".try_into().unwrap(),
        extensions: Default::default(),
    })]);
}

/// The cuts to try: all with `SIMURGH_LONG`, otherwise those next to the ends
/// of records and a sample between them.
fn cuts(stored: &Stored) -> Vec<usize> {
    let all = stored.ends[0]..=stored.journal.len();
    if std::env::var_os("SIMURGH_LONG").is_some() {
        return (0..=stored.journal.len()).collect();
    }
    let near = |cut: usize| stored.ends.iter().any(|end| cut.abs_diff(*end) <= 1);
    let wanted = |cut: &usize| near(*cut) || cut.is_multiple_of(197);
    all.filter(wanted).collect()
}

#[test]
fn cut_at_any_octet_it_is_the_card_before_or_after() {
    let story = story();
    let stored = &story.host.card;
    let lengths: Vec<_> = story.images.iter().map(|(length, _)| *length).collect();
    assert_eq!(lengths, stored.ends, "one record for each change");
    assert!(stored.ends.len() > 25, "{}", stored.ends.len());
    for cut in cuts(stored) {
        let journal = &stored.journal[..cut];
        let before = story.images.iter().rev().find(|(end, _)| *end <= cut);
        let Some((end, image)) = before else {
            let personalisation = stored.personalisation.clone();
            let refused = euicc::StoredEuicc::load(personalisation, journal, &SoftwareProvider);
            assert!(matches!(refused, Err(euicc::LoadError::Empty)), "{cut}");
            continue;
        };
        let loaded = Stored::load(&stored.personalisation, journal);
        assert_eq!(loaded.journal.len(), *end, "{cut}");
        assert!(loaded.image() == *image, "cut at {cut}");
    }
}

#[test]
fn cut_after_any_command_the_card_goes_on() {
    let story = story();
    let stored = &story.host.card;
    for end in &stored.ends {
        let mut host = Host::ready();
        host.card = Stored::load(&stored.personalisation, &stored.journal[..*end]);
        host.card.reset();
        host.open();
        host.assert_usable();
        // What waits can be read and removed, and packages go on.
        let waiting = host.es10(&hex("BF2B00"));
        assert!(waiting.starts_with(&hex("BF2B")), "{end}");
        let mut eim = Eim::new("eim1");
        eim.token = Some(1);
        eim.counter = 100;
        if host.es10(&hex("BF5500")) == hex("BF5502A000") {
            continue;
        }
        let results = host.run(&mut eim, "BF2D00");
        assert_eq!(results.len(), 1, "{end}");
    }
}

/// EUI-48: power fails before the card has written what a package does: it has
/// done nothing, and the same bytes are good. EUI-49: power fails after that:
/// the result waits, and the same bytes are a replay.
#[test]
fn a_package_is_done_or_not_wherever_power_fails() {
    let mut host = Host::ready();
    let mut eim = Eim::new("eim1");
    eim.token = host.add(&eim, true);
    host.install(A);
    let mut second = Eim::new("eim2").configuration();
    second.association_token = Some(-1);
    let ecos = eim.eco_package(&[Eco::AddEim(second)]);
    let psmos = eim.package(&hex(ENABLE_A));
    for package in [ecos, psmos] {
        let before = host.card.journal.clone();
        let image = host.card.image();
        assert_eq!(host.store(&package) >> 8, 0x61);
        let record = *host.card.ends.last().unwrap();
        let after = host.card.image();
        for cut in [before.len(), before.len() + 1, record - 1, record] {
            let personalisation = host.card.personalisation.clone();
            let loaded = Stored::load(&personalisation, &host.card.journal[..cut]);
            assert!(
                loaded.image()
                    == if cut < record {
                        image.clone()
                    } else {
                        after.clone()
                    }
            );
            let mut again = Host::ready();
            again.card = loaded;
            again.card.reset();
            again.open();
            let waited = again.waiting_results().len();
            let answer = again.es10(&package);
            match EuiccPackageResult::from_der(&answer).unwrap() {
                EuiccPackageResult::Signed(result) => {
                    assert!(cut < record, "done twice");
                    eim.verified(&result);
                }
                EuiccPackageResult::ErrorSigned(error) => {
                    assert!(cut == record, "not done");
                    let data = &error.euicc_package_error_data_signed;
                    assert_eq!(data.euicc_package_error_code.0, 4);
                    assert!(waited > 0);
                }
                EuiccPackageResult::ErrorUnsigned(error) => panic!("{error:?}"),
            }
        }
        host.card.reset();
        host.open();
    }
    assert_eq!(host.associations().len(), 2);
    assert_eq!(host.associations()[1].association_token, Some(2));
}

#[test]
fn a_package_that_power_cuts_is_reported_at_the_next_start() {
    let mut host = Host::ready();
    let server = Server::new();
    let euicc_otpk = host.bind(&server);
    let package = server.package(&euicc_otpk, &Contents::of(A));
    let pieces = segments(&package);
    for piece in &pieces[..pieces.len() - 1] {
        assert!(host.es10(piece).is_empty());
    }
    host.card.reset();
    host.open();
    let answer = host.es10(&hex("BF2B00"));
    let pir = hex("BF37");
    let at = answer.windows(2).position(|w| w == pir).unwrap();
    let result = ProfileInstallationResult::from_der(&answer[at..]).unwrap();
    let data = &result.profile_installation_result_data;
    let FinalResult::Error(error) = &data.final_result else {
        panic!("a success");
    };
    let reason = ErrorReason::INSTALL_FAILED_DUE_TO_INTERRUPTION;
    assert_eq!(error.error_reason, reason);
    assert_eq!(error.bpp_command_id, BppCommandId::LOAD_PROFILE_ELEMENTS);
    assert_eq!(data.notification_metadata.iccid, Some(A.parse().unwrap()));
    // Once, not at every start.
    host.card.reset();
    host.open();
    assert_eq!(host.es10(&hex("BF2B00")), answer);
    // The one-time key is still there: the same package installs.
    let challenge = host.challenge();
    let ok = host.authenticate(&server.authenticate(challenge)).unwrap();
    let request = server.prepare(&ok.euicc_signature1, Some(euicc_otpk.clone()), None);
    let ok = host.prepare(&request).unwrap();
    assert_eq!(ok.euicc_signed2.euicc_otpk, euicc_otpk);
    let result = host.load(&pieces);
    let result = &result.profile_installation_result_data.final_result;
    assert!(matches!(result, FinalResult::Success(_)), "{result:?}");
}

#[test]
fn a_switch_that_waits_for_its_result_to_be_read_is_done_at_the_next_start() {
    let mut host = Host::ready();
    host.install(A);
    let mut eim = Eim::new("eim1");
    host.add(&eim, false);
    let package = eim.package(&hex(ENABLE_A));
    assert_eq!(host.store(&package) >> 8, 0x61);
    host.card.reset();
    host.open();
    let list = host.es10(&hex("BF2D045C029F70"));
    assert_eq!(list, hex("BF2D08A006E3049F700101"));
}

#[test]
fn what_is_damaged_is_not_used() {
    let story = story();
    let stored = &story.host.card;
    let middle = stored.ends[3] + 20;
    let mut journal = stored.journal.clone();
    journal[middle] ^= 0x40;
    let personalisation = stored.personalisation.clone();
    let refused = euicc::StoredEuicc::load(personalisation, &journal, &SoftwareProvider);
    let expected = euicc::LoadError::Damaged {
        offset: stored.ends[3],
    };
    assert_eq!(refused.unwrap_err(), expected);
}

#[test]
fn a_new_journal_is_the_same_card() {
    let mut story = story();
    let stored = &mut story.host.card;
    let image = stored.image();
    let journal = stored.card.start_over(&SoftwareProvider);
    assert!(journal == image);
    stored.journal = journal;
    stored.reset();
    story.host.open();
    story.host.assert_usable();
    story.host.card.reset();
}

/// Octets that are no digits are a name like any other: the profile can be
/// managed by it, and the card is itself again after a power cut.
#[test]
fn a_profile_whose_iccid_has_no_digits() {
    let mut host = Host::ready();
    let iccid = Iccid::from_swapped([0x98, 0xA1, 0xF3, 0, 0, 0, 0, 0, 0, 0xBC]);
    let mut metadata = crate::server::metadata("89103000000000000019");
    metadata.iccid = iccid;
    let contents = Contents {
        metadata: metadata.to_der(),
        profile: crate::profile::package_of(iccid),
        ..Contents::of("89103000000000000019")
    };
    let result = host.download(&contents);
    let result = &result.profile_installation_result_data.final_result;
    assert!(matches!(result, FinalResult::Success(_)), "{result:?}");
    let mut eim = Eim::new("eim1");
    host.add(&eim, false);
    // The switch is pending, with its ICCID, when the power fails.
    let status = host.store(&eim.package(&hex("A30C5A0A98A1F3000000000000BC")));
    assert_eq!(status >> 8, 0x61);
    host.card.reset();
    host.open();
    let list = host.es10(&hex("BF2D055C035A9F70"));
    let expected = "BF2D14A012E3105A0A98A1F3000000000000BC9F700101";
    assert_eq!(list, hex(expected));
}

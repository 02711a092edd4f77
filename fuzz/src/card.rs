//! The card: whatever the host sends, there is an answer.

use std::sync::{Arc, OnceLock};

use euicc::uicc::{Installer, Uicc};
use euicc::{BootstrapProfile, CiKey, Environment, Euicc, EuiccKind, Personalisation};
use rsp_asn1::Certificate;
use rsp_asn1::ids::Eid;
use rsp_asn1::rsp::{PROFILE_CLASS_OPERATIONAL, StoreMetadataRequest};
use rsp_core::profile::{self, MetadataOrder, MncLength};
use rsp_crypto::software::{SeededRng, SoftwareKey, SoftwareProvider};
use rsp_crypto::{Curve, SigningKey};

use crate::input::pieces;

/// Most commands of one run.
const MAX_COMMANDS: usize = 64;

/// A new card. Its certificates say nothing: no server would accept it, but
/// all of its functions answer.
pub(crate) fn new_card() -> Euicc {
    card_of(EuiccKind::Iot)
}

fn card_of(kind: EuiccKind) -> Euicc {
    static KEY: OnceLock<SoftwareKey> = OnceLock::new();
    let key = KEY.get_or_init(|| {
        SoftwareKey::from_scalar(Curve::NistP256, &[7; 32]).expect("a scalar of the curve")
    });
    let eid = Eid::from_bytes([0x89; 16]);
    let empty = Certificate::from_bytes(&[0x30, 0x00]).expect("a SEQUENCE");
    let ci = CiKey {
        subject_key_identifier: vec![1; 20],
        public_key: SigningKey::public_key(key).clone(),
    };
    let key = Arc::new(key.clone());
    let mut made = Personalisation::new(eid, vec![ci], key, empty.clone(), empty);
    made.kind = kind;
    Euicc::new(made)
}

/// A card that its user manages, with the profile of our template.
pub(crate) fn consumer_card(enabled: bool) -> Euicc {
    static METADATA: OnceLock<StoreMetadataRequest> = OnceLock::new();
    let package = template();
    let metadata = METADATA.get_or_init(|| {
        let described = profile::describe(package).expect("our template");
        let order = MetadataOrder {
            iccid: described.iccid,
            imsi: &described.imsi.expect("our template has a USIM"),
            mnc_length: MncLength::Two,
            service_provider_name: "Fuzz",
            profile_name: "Template",
            smdp_address: "smdp.example.com",
            profile_class: PROFILE_CLASS_OPERATIONAL,
        };
        profile::metadata(&order).expect("metadata")
    });
    let mut card = card_of(EuiccKind::Consumer);
    let profile = BootstrapProfile {
        metadata: metadata.clone(),
        package,
        enabled,
    };
    card.install_bootstrap(profile, &SoftwareProvider)
        .expect("our template installs");
    card
}

/// APDUs to a new card of each kind; an empty one is a reset.
pub(crate) fn apdus(data: &[u8]) {
    for card in [new_card(), consumer_card(false)] {
        apdus_to(card, data);
    }
}

fn apdus_to(mut card: Euicc, data: &[u8]) {
    let mut rng = SeededRng::new(1);
    for apdu in pieces(data).take(MAX_COMMANDS) {
        if apdu.is_empty() {
            let _ = card.reset();
            continue;
        }
        let mut environment = Environment {
            provider: &SoftwareProvider,
            rng: &mut rng,
        };
        let answer = card.transmit(apdu, &mut environment);
        assert!((2..=258).contains(&answer.len()), "{} octets", answer.len());
    }
}

/// A profile package, cut in two, given to the installer.
pub(crate) fn install(data: &[u8]) {
    let Some((cut, package)) = data.split_first() else {
        return;
    };
    let (first, second) = package.split_at(package.len() * usize::from(*cut) / 256);
    let mut installer = Installer::new();
    let fed = installer
        .feed(first, &SoftwareProvider)
        .and_then(|()| installer.feed(second, &SoftwareProvider));
    let Ok((mut uicc, _)) = fed.and_then(|()| installer.finish()) else {
        return;
    };
    uicc.reset();
    let _ = uicc.memory_used();
    let select_mf = [0x00, 0xA4, 0x00, 0x04, 0x02, 0x3F, 0x00];
    assert!(transmit(&mut uicc, 0, &select_mf).len() >= 2);
}

fn transmit(uicc: &mut Uicc, channel: u8, apdu: &[u8]) -> Vec<u8> {
    let mut env = Environment {
        provider: &SoftwareProvider,
        rng: &mut SeededRng::new(1),
    };
    uicc.transmit(channel, apdu, &mut env)
}

/// APDUs to the profile of our template; an empty one is a reset. The first
/// octet of each is the logical channel.
pub(crate) fn file_system(data: &[u8]) {
    let mut uicc = a_profile();
    for piece in pieces(data).take(MAX_COMMANDS) {
        let Some((channel, apdu)) = piece.split_first() else {
            uicc.reset();
            continue;
        };
        let answer = transmit(&mut uicc, channel % 20, apdu);
        assert!((2..=258).contains(&answer.len()), "{} octets", answer.len());
    }
}

fn template() -> &'static [u8] {
    static PACKAGE: OnceLock<Vec<u8>> = OnceLock::new();
    PACKAGE.get_or_init(profile::template)
}

fn a_profile() -> Uicc {
    let mut installer = Installer::new();
    let fed = installer.feed(template(), &SoftwareProvider);
    let (uicc, _) = fed
        .and_then(|()| installer.finish())
        .expect("our template installs");
    uicc
}

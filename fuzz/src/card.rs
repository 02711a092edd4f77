//! The card: whatever the host sends, there is an answer.

use std::sync::{Arc, OnceLock};

use euicc::uicc::{Installer, Uicc};
use euicc::{CiKey, Environment, Euicc, Personalisation};
use rsp_asn1::Certificate;
use rsp_asn1::ids::Eid;
use rsp_crypto::software::{SeededRng, SoftwareKey, SoftwareProvider};
use rsp_crypto::{Curve, SigningKey};

use crate::input::pieces;

/// Most commands of one run.
const MAX_COMMANDS: usize = 64;

/// A new card. Its certificates say nothing: no server would accept it, but
/// all of its functions answer.
pub(crate) fn new_card() -> Euicc {
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
    Euicc::new(Personalisation::new(
        eid,
        vec![ci],
        key,
        empty.clone(),
        empty,
    ))
}

/// APDUs to a new card; an empty one is a reset.
pub(crate) fn apdus(data: &[u8]) {
    let mut card = new_card();
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
    assert!(uicc.transmit(0, &select_mf, &SoftwareProvider).len() >= 2);
}

/// APDUs to the profile of our template; an empty one is a reset. The first
/// octet of each is the logical channel.
pub(crate) fn file_system(data: &[u8]) {
    let mut uicc = profile();
    for piece in pieces(data).take(MAX_COMMANDS) {
        let Some((channel, apdu)) = piece.split_first() else {
            uicc.reset();
            continue;
        };
        let answer = uicc.transmit(channel % 20, apdu, &SoftwareProvider);
        assert!((2..=258).contains(&answer.len()), "{} octets", answer.len());
    }
}

fn profile() -> Uicc {
    static PACKAGE: OnceLock<Vec<u8>> = OnceLock::new();
    let package = PACKAGE.get_or_init(rsp_core::profile::template);
    let mut installer = Installer::new();
    let fed = installer.feed(package, &SoftwareProvider);
    let (uicc, _) = fed
        .and_then(|()| installer.finish())
        .expect("our template installs");
    uicc
}

//! A card at rest: what is written comes back as it was after a power cycle.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod uicc_support;

use euicc::uicc::Uicc;
use uicc_support::*;

#[test]
fn a_stored_card_is_the_card_after_a_reset() {
    let mut card = card();
    verify_pin(&mut card);
    select_aid(&mut card, USIM_AID);
    assert_eq!(send(&mut card, "00A4000C026F7B"), "9000");
    assert_eq!(send(&mut card, "00D600000362F210"), "9000");

    let stored = serde_json::to_string(&card).unwrap();
    let mut restored: Uicc = serde_json::from_str(&stored).unwrap();

    assert!(restored != card, "nothing is selected or verified any more");
    card.reset();
    assert!(restored == card);
    select_aid(&mut restored, USIM_AID);
    assert_eq!(send(&mut restored, "00A4000C026F7B"), "9000");
    assert_eq!(send(&mut restored, "00B0000003"), "6982");
    verify_pin(&mut restored);
    assert_eq!(send(&mut restored, "00B0000003"), "62F2109000");
    assert!(serde_json::from_str::<Uicc>(&stored[..stored.len() / 2]).is_err());
}

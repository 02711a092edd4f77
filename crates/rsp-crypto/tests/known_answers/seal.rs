//! Sealing: only with the key, only unchanged, only in its place.

use rsp_crypto::software::{SealError, Sealer, SeededRng};

const PLACE: [&str; 2] = ["profile", "8999"];
const SECRET: &[u8] = b"a subscriber key";

fn sealed(sealer: &Sealer, rng: &mut SeededRng) -> Vec<u8> {
    sealer.seal(&PLACE, SECRET, rng).unwrap()
}

#[test]
fn what_is_sealed_opens_with_its_key_in_its_place() {
    let (sealer, mut rng) = (Sealer::new([1; 32]), SeededRng::new(1));
    let first = sealed(&sealer, &mut rng);
    assert_eq!(sealer.open(&PLACE, &first).unwrap().as_slice(), SECRET);
    assert_eq!(first.len(), SECRET.len() + 1 + 8 + 24 + 16);
    assert!(
        !first
            .windows(4)
            .any(|part| SECRET.windows(4).any(|of| of == part))
    );
    // Each time with another nonce.
    let second = sealed(&sealer, &mut rng);
    assert_ne!(first, second);
    assert_eq!(sealer.open(&PLACE, &second).unwrap().as_slice(), SECRET);
    let empty = sealer.seal(&PLACE, b"", &mut rng).unwrap();
    assert_eq!(sealer.open(&PLACE, &empty).unwrap().as_slice(), b"");
    assert_eq!(format!("{sealer:?}"), "Sealer([redacted])");
}

#[test]
fn another_key_place_or_bit_does_not_open() {
    let (sealer, mut rng) = (Sealer::new([1; 32]), SeededRng::new(1));
    let good = sealed(&sealer, &mut rng);
    let refused = Sealer::new([2; 32]).open(&PLACE, &good).unwrap_err();
    assert_eq!(refused, SealError::OtherKey);
    for place in [
        &["profile", "8998"][..],
        &["profile8", "999"],
        &["profile"],
        &[],
    ] {
        let refused = sealer.open(place, &good).unwrap_err();
        assert_eq!(refused, SealError::Changed, "{place:?}");
    }
    for at in 0..good.len() {
        let mut changed = good.clone();
        changed[at] ^= 1;
        let expected = match at {
            0 => SealError::Malformed,
            1..=8 => SealError::OtherKey,
            _ => SealError::Changed,
        };
        assert_eq!(sealer.open(&PLACE, &changed).unwrap_err(), expected);
    }
    for length in 0..good.len() {
        assert!(sealer.open(&PLACE, &good[..length]).is_err(), "{length}");
    }
}

#[test]
fn an_index_depends_on_key_place_and_secret() {
    let sealer = Sealer::new([1; 32]);
    let index = sealer.index(&["order"], b"MATCHING");
    assert_eq!(index, sealer.index(&["order"], b"MATCHING"));
    assert_ne!(index, sealer.index(&["order"], b"MATCHINH"));
    assert_ne!(index, sealer.index(&["other"], b"MATCHING"));
    assert_ne!(index, Sealer::new([2; 32]).index(&["order"], b"MATCHING"));
}

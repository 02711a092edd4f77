//! Octets told by what they have in common with a base.
//!
//! A sequence of tokens, each with a number n in base 128: an even one, 2n, is
//! followed by n octets; an odd one, 2n + 1, stands for n octets of the base,
//! and where they are follows as the distance (zigzag) from where the base
//! would go on if the octets between had only replaced others.

use std::collections::HashMap;

/// Octets by which places of the base are found.
const WINDOW: usize = 8;

/// Shorter runs are not worth a token: where the base goes on, and elsewhere.
const LEAST_IN_PLACE: usize = 4;
const LEAST_ELSEWHERE: usize = WINDOW;

/// Octets that many others resemble.
pub(super) struct Base {
    octets: Vec<u8>,
    places: HashMap<[u8; WINDOW], usize>,
}

impl Base {
    pub(super) fn new(octets: Vec<u8>) -> Self {
        let mut places = HashMap::new();
        for (at, window) in octets.windows(WINDOW).enumerate() {
            if let Ok(window) = <[u8; WINDOW]>::try_from(window) {
                places.entry(window).or_insert(at);
            }
        }
        Base { octets, places }
    }

    pub(super) fn len(&self) -> usize {
        self.octets.len()
    }

    /// How many octets from `at` on are those that the base has at `place`.
    fn common(&self, place: usize, rest: &[u8]) -> usize {
        let there = self.octets.get(place..).unwrap_or_default();
        let pairs = there.iter().zip(rest);
        pairs.take_while(|(one, other)| one == other).count()
    }

    /// Where in the base the octets go on, and for how long.
    fn find(&self, in_place: usize, rest: &[u8]) -> Option<(usize, usize)> {
        let length = self.common(in_place, rest);
        if length >= LEAST_IN_PLACE {
            return Some((in_place, length));
        }
        let window = rest.first_chunk::<WINDOW>()?;
        let place = *self.places.get(window)?;
        let length = self.common(place, rest);
        (length >= LEAST_ELSEWHERE).then_some((place, length))
    }

    pub(super) fn pack(&self, octets: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        // Octets before `begin` are told; the base goes on at `place`.
        let (mut begin, mut at, mut place) = (0, 0, 0);
        while let Some(rest) = octets.get(at..).filter(|rest| !rest.is_empty()) {
            let in_place = place + (at - begin);
            let Some((found, length)) = self.find(in_place, rest) else {
                at += 1;
                continue;
            };
            literal(&mut out, octets.get(begin..at).unwrap_or_default());
            number(&mut out, (length << 1) | 1);
            number(&mut out, zigzag(found, in_place));
            at += length;
            (begin, place) = (at, found + length);
        }
        literal(&mut out, octets.get(begin..).unwrap_or_default());
        out
    }

    /// What was packed; `None` if these octets were not packed with this base.
    pub(super) fn unpack(&self, mut packed: &[u8]) -> Option<Vec<u8>> {
        let (mut out, mut place) = (Vec::new(), 0usize);
        while !packed.is_empty() {
            let token = take_number(&mut packed)?;
            let length = token >> 1;
            if token & 1 == 0 {
                let (octets, rest) = packed.split_at_checked(length)?;
                out.extend_from_slice(octets);
                packed = rest;
            } else {
                let distance = take_number(&mut packed)?;
                let half = distance >> 1;
                place = match distance & 1 {
                    0 => place.checked_add(half)?,
                    _ => place.checked_sub(half)?,
                };
                let end = place.checked_add(length)?;
                out.extend_from_slice(self.octets.get(place..end)?);
            }
            place = place.checked_add(length)?;
        }
        Some(out)
    }
}

fn literal(out: &mut Vec<u8>, octets: &[u8]) {
    if !octets.is_empty() {
        number(out, octets.len() << 1);
        out.extend_from_slice(octets);
    }
}

fn zigzag(found: usize, expected: usize) -> usize {
    match found.checked_sub(expected) {
        Some(ahead) => ahead << 1,
        None => ((expected - found) << 1) | 1,
    }
}

fn number(out: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        out.push(((number & 0x7F) as u8) | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn take_number(packed: &mut &[u8]) -> Option<usize> {
    let mut number = 0usize;
    for shift in (0..63).step_by(7) {
        let (octet, rest) = packed.split_first()?;
        *packed = rest;
        number |= usize::from(octet & 0x7F) << shift;
        if octet & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use rsp_crypto::Rng;
    use rsp_crypto::software::SeededRng;

    use super::*;

    fn random(rng: &mut SeededRng, length: usize) -> Vec<u8> {
        let mut octets = vec![0; length];
        rng.fill(&mut octets);
        octets
    }

    #[test]
    fn what_is_packed_is_unpacked_and_likeness_is_cheap() {
        let mut rng = SeededRng::new(1);
        let octets = random(&mut rng, 5_000);
        let base = Base::new(octets.clone());
        assert!(base.pack(&octets).len() < 8);
        assert!(base.pack(&[]).is_empty());

        let mut like = octets.clone();
        like.splice(100..132, random(&mut rng, 32));
        like.splice(2_000..2_000, random(&mut rng, 100));
        like.drain(4_000..4_300);
        let packed = base.pack(&like);
        assert!(packed.len() < 32 + 100 + 30, "{}", packed.len());
        assert_eq!(base.unpack(&packed), Some(like));

        let other = random(&mut rng, 3_000);
        let packed = base.pack(&other);
        assert!(packed.len() < 3_010);
        assert_eq!(base.unpack(&packed), Some(other));
    }

    #[test]
    fn anything_else_is_no_panic() {
        let mut rng = SeededRng::new(2);
        let octets = random(&mut rng, 300);
        let base = Base::new(octets.clone());
        let packed = base.pack(&random(&mut rng, 200));
        for at in 0..packed.len() {
            let _ = base.unpack(&packed[..at]);
        }
        for _ in 0..1_000 {
            let length = usize::from(random(&mut rng, 1)[0]);
            let _ = base.unpack(&random(&mut rng, length));
        }
        assert_eq!(base.unpack(&[0x03, 0xFF]), None);
    }
}

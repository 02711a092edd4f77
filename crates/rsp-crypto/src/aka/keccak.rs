//! The permutation Keccak-f[1600] (FIPS 202 3.2 to 3.4).

use core::array;

/// Lanes of 64 bits: five planes (y) of five lanes (x).
type State = [[u64; 5]; 5];

/// Octets of the state.
pub(super) const OCTETS: usize = 200;

/// Offsets of rho, by plane and lane.
const ROTATION: [[u32; 5]; 5] = [
    [0, 1, 62, 28, 27],
    [36, 44, 6, 55, 20],
    [3, 10, 43, 25, 39],
    [41, 45, 15, 21, 8],
    [18, 2, 61, 56, 14],
];

/// Constants of iota, by round.
const ROUND_CONSTANTS: [u64; 24] = [
    0x0000_0000_0000_0001,
    0x0000_0000_0000_8082,
    0x8000_0000_0000_808A,
    0x8000_0000_8000_8000,
    0x0000_0000_0000_808B,
    0x0000_0000_8000_0001,
    0x8000_0000_8000_8081,
    0x8000_0000_0000_8009,
    0x0000_0000_0000_008A,
    0x0000_0000_0000_0088,
    0x0000_0000_8000_8009,
    0x0000_0000_8000_000A,
    0x0000_0000_8000_808B,
    0x8000_0000_0000_008B,
    0x8000_0000_0000_8089,
    0x8000_0000_0000_8003,
    0x8000_0000_0000_8002,
    0x8000_0000_0000_0080,
    0x0000_0000_0000_800A,
    0x8000_0000_8000_000A,
    0x8000_0000_8000_8081,
    0x8000_0000_0000_8080,
    0x0000_0000_8000_0001,
    0x8000_0000_8000_8008,
];

/// Permutes 200 octets, lanes little endian.
pub(super) fn permute(octets: &mut [u8; OCTETS]) {
    let mut lanes = octets.chunks_exact(8).map(|lane| {
        let lane: [u8; 8] = lane.try_into().unwrap_or_default();
        u64::from_le_bytes(lane)
    });
    let mut state: State = array::from_fn(|_| array::from_fn(|_| lanes.next().unwrap_or_default()));
    for constant in ROUND_CONSTANTS {
        state = round(&state, constant);
    }
    for (to, lane) in octets.chunks_exact_mut(8).zip(state.iter().flatten()) {
        to.copy_from_slice(&lane.to_le_bytes());
    }
}

fn round(state: &State, constant: u64) -> State {
    let column = |x: usize| (0..5).fold(0, |sum, y| sum ^ lane(state, x, y));
    let columns: [u64; 5] = array::from_fn(column);
    let parity = |x: usize| lane(&[columns; 5], x, 0);
    let theta: State =
        planes(|x, y| lane(state, x, y) ^ parity(x + 4) ^ parity(x + 1).rotate_left(1));
    let rho_pi = planes(|x, y| {
        let (from_x, from_y) = (x + 3 * y, x);
        lane(&theta, from_x, from_y).rotate_left(rotation(from_x, from_y))
    });
    let mut chi =
        planes(|x, y| lane(&rho_pi, x, y) ^ (!lane(&rho_pi, x + 1, y) & lane(&rho_pi, x + 2, y)));
    let [[first, ..], ..] = &mut chi;
    *first ^= constant;
    chi
}

fn planes(lane: impl Fn(usize, usize) -> u64) -> State {
    array::from_fn(|y| array::from_fn(|x| lane(x, y)))
}

/// The lane at coordinates taken modulo 5.
fn lane(state: &State, x: usize, y: usize) -> u64 {
    let plane = state.get(y % 5);
    plane
        .and_then(|plane| plane.get(x % 5))
        .copied()
        .unwrap_or_default()
}

fn rotation(x: usize, y: usize) -> u32 {
    let plane = ROTATION.get(y % 5);
    plane
        .and_then(|plane| plane.get(x % 5))
        .copied()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SHA3-256 of nothing: one block of padding (FIPS 202 6.1).
    #[test]
    fn sha3_256_of_the_empty_message() {
        let mut state = [0; OCTETS];
        state[0] = 0x06;
        state[135] = 0x80;
        permute(&mut state);
        let hash = [
            0xa7, 0xff, 0xc6, 0xf8, 0xbf, 0x1e, 0xd7, 0x66, 0x51, 0xc1, 0x47, 0x56, 0xa0, 0x61,
            0xd6, 0x62, 0xf5, 0x80, 0xff, 0x4d, 0xe4, 0x3b, 0x49, 0xfa, 0x82, 0xd8, 0x0a, 0x4b,
            0x80, 0xf8, 0x43, 0x4a,
        ];
        assert_eq!(state[..32], hash);
    }
}

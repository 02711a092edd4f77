//! Block1 and Block2 (RFC 7959 2.2).

use alloc::vec::Vec;

use super::message::{read_uint, uint};

/// Value of a Block option: which part of a body a message has or asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Number of the block, counted from 0 in blocks of this size.
    pub number: u32,
    /// Whether more follow.
    pub more: bool,
    /// Size exponent, 0 to 6: blocks have 2^(size + 4) octets.
    pub size: u8,
}

/// The largest size exponent: blocks of 1024 octets.
pub const LARGEST: u8 = 6;

/// Numbers have 20 bits.
const NUMBERS: u32 = 1 << 20;

impl Block {
    /// Reads the value; `None` if it is longer than three octets or has the
    /// reserved size 7.
    pub fn decode(value: &[u8]) -> Option<Block> {
        let number = read_uint(value).filter(|number| *number < NUMBERS << 4)?;
        let size = (number & 7) as u8;
        (size <= LARGEST).then_some(Block {
            number: number >> 4,
            more: number & 8 != 0,
            size,
        })
    }

    /// Writes the value.
    pub fn encode(self) -> Vec<u8> {
        let more = if self.more { 8 } else { 0 };
        uint((self.number << 4) | more | u32::from(self.size & 7))
    }

    /// Octets of a block.
    pub fn octets(self) -> usize {
        1 << (self.size + 4)
    }

    /// Where the block starts in the body.
    pub fn offset(self) -> usize {
        self.octets().saturating_mul(self.number as usize)
    }

    /// The block of this size of a body that starts at `offset`, and its
    /// octets; `None` if the body ends before, or the offset is no multiple.
    pub fn of(body: &[u8], offset: usize, size: u8) -> Option<(Block, &[u8])> {
        let size = size.min(LARGEST);
        let octets = 1usize << (size + 4);
        let rest = body.get(offset..)?;
        if rest.is_empty() || !offset.is_multiple_of(octets) {
            return None;
        }
        let number = u32::try_from(offset / octets).ok()?;
        let part = rest.get(..octets).unwrap_or(rest);
        let more = rest.len() > octets;
        (number < NUMBERS).then_some((Block { number, more, size }, part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    /// Values of RFC 7959 3: 0/1/2 and 4/0/6.
    #[test]
    fn values() {
        for (number, more, size, octets) in [
            (0, false, 0, vec![]),
            (0, true, 2, vec![0x0A]),
            (4, false, 6, vec![0x46]),
            (300, true, 6, vec![0x12, 0xCE]),
            (NUMBERS - 1, true, 6, vec![0xFF, 0xFF, 0xFE]),
        ] {
            let block = Block { number, more, size };
            assert_eq!(block.encode(), octets);
            assert_eq!(Block::decode(&octets), Some(block));
        }
        assert_eq!(Block::decode(&[7]), None, "reserved");
        assert_eq!(Block::decode(&[0, 0, 0, 0x16]).map(|b| b.number), Some(1));
        assert_eq!(Block::decode(&[1, 0, 0, 6]), None, "over 20 bits");
    }

    #[test]
    fn parts_of_a_body() {
        let body = [0xA5; 2050];
        let parts: Vec<_> = (0..3)
            .filter_map(|number| Block::of(&body, number * 1024, 6))
            .map(|(block, part)| (block.number, block.more, part.len()))
            .collect();
        assert_eq!(parts, [(0, true, 1024), (1, true, 1024), (2, false, 2)]);
        assert_eq!(Block::of(&body, 1, 6), None);
        assert_eq!(Block::of(&body, 3072, 6), None);
    }
}

//! STORE DATA chains: the blocks of one command, put together (SGP.22 5.7.2).

use alloc::vec::Vec;

use crate::apdu::{Command, Status};

/// Most bytes that one command may have over all its blocks.
pub const MAX_COMMAND: usize = 64 * 1024;

const MORE_BLOCKS: u8 = 0x11;
const LAST_BLOCK: u8 = 0x91;

/// The blocks received so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chain {
    data: Vec<u8>,
    /// Block number that P2 must have next; 0 starts a chain.
    next: usize,
}

impl Chain {
    /// Takes one block; gives the whole command after the last one.
    ///
    /// Block number 0 always starts anew. A wrong block drops the chain.
    pub(crate) fn push(&mut self, command: &Command<'_>) -> Result<Option<Vec<u8>>, Status> {
        let number = usize::from(command.p2);
        let chain = core::mem::take(self);
        let Chain { mut data, next } = match number {
            0 => Chain::default(),
            _ => chain,
        };
        if !matches!(command.p1, MORE_BLOCKS | LAST_BLOCK) || number != next {
            return Err(Status::INCORRECT_P1_P2);
        }
        if command.data.is_empty() {
            return Err(Status::WRONG_LENGTH);
        }
        if data.len() + command.data.len() > MAX_COMMAND {
            return Err(Status::NOT_ENOUGH_MEMORY);
        }
        data.extend_from_slice(command.data);
        if command.p1 == LAST_BLOCK {
            return Ok(Some(data));
        }
        *self = Chain {
            data,
            next: next + 1,
        };
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    fn push(chain: &mut Chain, p1: u8, p2: u8, data: &[u8]) -> Result<Option<Vec<u8>>, Status> {
        let mut apdu = alloc::vec![0x81, 0xE2, p1, p2, data.len() as u8];
        apdu.extend_from_slice(data);
        chain.push(&Command::parse(&apdu).unwrap())
    }

    #[test]
    fn blocks_in_order_make_a_command() {
        let mut chain = Chain::default();
        assert_eq!(push(&mut chain, 0x11, 0, &[1, 2]), Ok(None));
        assert_eq!(push(&mut chain, 0x11, 1, &[3]), Ok(None));
        assert_eq!(push(&mut chain, 0x91, 2, &[4]), Ok(Some(vec![1, 2, 3, 4])));
        assert_eq!(push(&mut chain, 0x91, 0, &[9]), Ok(Some(vec![9])));
    }

    #[test]
    fn a_wrong_block_drops_the_chain() {
        let mut chain = Chain::default();
        push(&mut chain, 0x11, 0, &[1]).unwrap();
        assert_eq!(
            push(&mut chain, 0x11, 2, &[1]),
            Err(Status::INCORRECT_P1_P2)
        );
        assert_eq!(
            push(&mut chain, 0x91, 1, &[1]),
            Err(Status::INCORRECT_P1_P2)
        );
        push(&mut chain, 0x11, 0, &[1]).unwrap();
        assert_eq!(push(&mut chain, 0x91, 0, &[7]), Ok(Some(vec![7])));
        assert_eq!(
            push(&mut chain, 0x00, 0, &[7]),
            Err(Status::INCORRECT_P1_P2)
        );
        assert_eq!(push(&mut chain, 0x91, 0, &[]), Err(Status::WRONG_LENGTH));
    }

    #[test]
    fn the_size_is_bounded() {
        let mut chain = Chain::default();
        for block in 0..=255u8 {
            push(&mut chain, 0x11, block, &[0; 255]).unwrap();
        }
        // 256 blocks of 255 bytes stay below the bound; block numbers end here.
        assert_eq!(push(&mut chain, 0x91, 0, &[5]), Ok(Some(vec![5])));
    }
}

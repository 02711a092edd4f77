//! READ BINARY and UPDATE BINARY (ETSI TS 102 221 11.1.3, 11.1.4).

use super::super::access::Access;
use super::super::apdu::{Command, Reply, Sw};
use super::super::card::Uicc;
use super::super::fs::{Body, FileId};

impl Uicc {
    /// READ BINARY.
    pub(super) fn read_binary(&mut self, number: u8, command: &Command<'_>) -> Result<Reply, Sw> {
        let (id, offset) = self.binary_target(number, command)?;
        let Some(Body::Transparent { octets }) = self.fs.body(id) else {
            return Err(Sw::WRONG_FILE_STRUCTURE);
        };
        self.require(number, id, Access::Read)?;
        let rest = octets.get(offset..).unwrap_or_default();
        if rest.is_empty() {
            return Err(Sw::WRONG_OFFSET);
        }
        command.answer(rest)
    }

    /// UPDATE BINARY.
    pub(super) fn update_binary(&mut self, number: u8, command: &Command<'_>) -> Result<Reply, Sw> {
        let (id, offset) = self.binary_target(number, command)?;
        if !matches!(self.fs.body(id), Some(Body::Transparent { .. })) {
            return Err(Sw::WRONG_FILE_STRUCTURE);
        }
        self.require(number, id, Access::Update)?;
        if command.data.is_empty() {
            return Err(Sw::WRONG_LENGTH);
        }
        let Some(Body::Transparent { octets }) = self.fs.body_mut(id) else {
            return Err(Sw::WRONG_FILE_STRUCTURE);
        };
        let rest = octets.get_mut(offset..).ok_or(Sw::WRONG_OFFSET)?;
        let part = rest.get_mut(..command.data.len());
        part.ok_or(Sw::WRONG_LENGTH)?.copy_from_slice(command.data);
        Ok(Reply::Done)
    }

    /// The file and the offset that P1 and P2 name.
    fn binary_target(&mut self, number: u8, command: &Command<'_>) -> Result<(FileId, usize), Sw> {
        if command.p1 & 0x80 == 0 {
            let offset = u16::from_be_bytes([command.p1, command.p2]);
            return Ok((self.target(number, 0)?, usize::from(offset)));
        }
        if command.p1 & 0x60 != 0 || command.p1 & 0x1F == 0 {
            return Err(Sw::WRONG_P1_P2);
        }
        let id = self.target(number, command.p1 & 0x1F)?;
        Ok((id, usize::from(command.p2)))
    }
}

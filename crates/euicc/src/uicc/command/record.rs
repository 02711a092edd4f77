//! Files with records: READ RECORD, UPDATE RECORD, SEARCH RECORD, INCREASE
//! (ETSI TS 102 221 11.1.5 to 11.1.8).

use alloc::vec::Vec;

use super::super::access::Access;
use super::super::apdu::{Command, Reply, Sw};
use super::super::card::Uicc;
use super::super::fs::{Body, FileId};

/// Modes of P2.
const NEXT: u8 = 2;
const PREVIOUS: u8 = 3;
const ABSOLUTE: u8 = 4;

/// How a file with records is divided.
struct Shape {
    length: usize,
    count: u8,
    cyclic: bool,
}

impl Uicc {
    /// READ RECORD.
    pub(super) fn read_record(&mut self, number: u8, command: &Command<'_>) -> Result<Reply, Sw> {
        let id = self.target(number, command.p2 >> 3)?;
        let shape = self.shape(id)?;
        self.require(number, id, Access::Read)?;
        let at = self.locate(number, command, &shape)?;
        if command.le != 256 && command.le != shape.length {
            return Err(Sw::exact_length(shape.length));
        }
        let record = self.fs.record(id, at).ok_or(Sw::RECORD_NOT_FOUND)?;
        let reply = command.answer(record)?;
        self.remember(number, command, at);
        Ok(reply)
    }

    /// UPDATE RECORD.
    pub(super) fn update_record(&mut self, number: u8, command: &Command<'_>) -> Result<Reply, Sw> {
        let id = self.target(number, command.p2 >> 3)?;
        let shape = self.shape(id)?;
        self.require(number, id, Access::Update)?;
        if command.data.len() != shape.length {
            return Err(Sw::WRONG_LENGTH);
        }
        if shape.cyclic {
            if command.p2 & 0x07 != PREVIOUS || command.p1 != 0 {
                return Err(Sw::WRONG_P1_P2);
            }
            self.push_record(id, command.data)?;
            self.set_record(number, 1);
            return Ok(Reply::Done);
        }
        let at = self.locate(number, command, &shape)?;
        self.write_record(id, at, command.data)?;
        self.remember(number, command, at);
        Ok(Reply::Done)
    }

    /// SEARCH RECORD, the simple search: the numbers of the records in which
    /// the pattern occurs.
    pub(super) fn search_record(&mut self, number: u8, command: &Command<'_>) -> Result<Reply, Sw> {
        let id = self.target(number, command.p2 >> 3)?;
        let shape = self.shape(id)?;
        self.require(number, id, Access::Read)?;
        if command.data.is_empty() || command.data.len() > shape.length {
            return Err(Sw::WRONG_LENGTH);
        }
        let start = match command.p1 {
            0 => self.channel(number).map_or(0, |c| c.record).max(1),
            at => at,
        };
        let candidates: Vec<u8> = match command.p2 & 0x07 {
            4 => (start..=shape.count).collect(),
            5 => (1..=start.min(shape.count)).rev().collect(),
            _ => return Err(Sw::WRONG_P1_P2),
        };
        let fits = |at: &u8| {
            let record = self.fs.record(id, *at).unwrap_or_default();
            let mut windows = record.windows(command.data.len());
            windows.any(|window| window == command.data)
        };
        let found: Vec<u8> = candidates.into_iter().filter(fits).collect();
        if let Some(first) = found.first() {
            self.set_record(number, *first);
        }
        Ok(Reply::Response(found))
    }

    /// INCREASE: a new newest record of a cyclic file, its value the newest
    /// one's plus what the command brings.
    pub(super) fn increase(&mut self, number: u8, command: &Command<'_>) -> Result<Reply, Sw> {
        let sfi = match command.p1 {
            0 => 0,
            p1 if p1 & 0xE0 == 0x80 => p1 & 0x1F,
            _ => return Err(Sw::WRONG_P1_P2),
        };
        if command.p2 != 0 {
            return Err(Sw::WRONG_P1_P2);
        }
        let id = self.target(number, sfi)?;
        let shape = self.shape(id)?;
        if !shape.cyclic {
            return Err(Sw::WRONG_FILE_STRUCTURE);
        }
        self.require(number, id, Access::Increase)?;
        if command.data.is_empty() || command.data.len() > shape.length {
            return Err(Sw::WRONG_LENGTH);
        }
        let newest = self.fs.record(id, 1).ok_or(Sw::RECORD_NOT_FOUND)?;
        let sum = add(newest, command.data).ok_or(Sw::MAX_VALUE_REACHED)?;
        self.push_record(id, &sum)?;
        self.set_record(number, 1);
        let mut response = sum;
        let padding = shape.length - command.data.len();
        response.extend(core::iter::repeat_n(0, padding));
        response.extend(command.data);
        Ok(Reply::Response(response))
    }

    fn shape(&self, id: FileId) -> Result<Shape, Sw> {
        match self.fs.body(id) {
            Some(Body::Records {
                octets,
                length,
                cyclic,
            }) => {
                let length = usize::from(*length).max(1);
                let count = u8::try_from(octets.len() / length).unwrap_or(u8::MAX);
                Ok(Shape {
                    length,
                    count,
                    cyclic: *cyclic,
                })
            }
            _ => Err(Sw::WRONG_FILE_STRUCTURE),
        }
    }

    /// The record that P1 and P2 name (8.4, record pointer).
    fn locate(&self, number: u8, command: &Command<'_>, shape: &Shape) -> Result<u8, Sw> {
        let current = self.channel(number).map_or(0, |channel| channel.record);
        let at = match (command.p2 & 0x07, command.p1) {
            (ABSOLUTE, 0) => current,
            (ABSOLUTE, at) => at,
            (NEXT, 0) if current == 0 => 1,
            (NEXT, 0) if current < shape.count => current + 1,
            (NEXT, 0) if shape.cyclic => 1,
            (PREVIOUS, 0) if current == 0 => shape.count,
            (PREVIOUS, 0) if current > 1 => current - 1,
            (PREVIOUS, 0) if shape.cyclic => shape.count,
            (NEXT | PREVIOUS, 0) => 0,
            _ => return Err(Sw::WRONG_P1_P2),
        };
        match at {
            at if at >= 1 && at <= shape.count => Ok(at),
            _ => Err(Sw::RECORD_NOT_FOUND),
        }
    }

    /// Next and previous move the record pointer, absolute does not.
    fn remember(&mut self, number: u8, command: &Command<'_>, at: u8) {
        if command.p2 & 0x07 != ABSOLUTE {
            self.set_record(number, at);
        }
    }

    fn set_record(&mut self, number: u8, at: u8) {
        if let Some(channel) = self.channel_mut(number) {
            channel.record = at;
        }
    }

    fn write_record(&mut self, id: FileId, at: u8, data: &[u8]) -> Result<(), Sw> {
        let Some(Body::Records { octets, .. }) = self.fs.body_mut(id) else {
            return Err(Sw::WRONG_FILE_STRUCTURE);
        };
        let index = usize::from(at).checked_sub(1);
        let record = index.and_then(|index| octets.chunks_exact_mut(data.len()).nth(index));
        record.ok_or(Sw::RECORD_NOT_FOUND)?.copy_from_slice(data);
        Ok(())
    }

    /// Replaces the oldest record and makes it the first.
    fn push_record(&mut self, id: FileId, data: &[u8]) -> Result<(), Sw> {
        if let Some(Body::Records { octets, .. }) = self.fs.body_mut(id)
            && octets.len() >= data.len()
        {
            octets.rotate_right(data.len());
        }
        self.write_record(id, 1, data)
    }
}

/// The sum of two big endian numbers in the length of the first.
fn add(value: &[u8], increment: &[u8]) -> Option<Vec<u8>> {
    let mut sum = value.to_vec();
    let mut carry = 0u16;
    let increments = increment.iter().rev().copied().chain(core::iter::repeat(0));
    for (octet, increment) in sum.iter_mut().rev().zip(increments) {
        let total = u16::from(*octet) + u16::from(increment) + carry;
        *octet = total as u8;
        carry = total >> 8;
    }
    (carry == 0).then_some(sum)
}

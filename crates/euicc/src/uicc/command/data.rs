//! BER-TLV files: RETRIEVE DATA and SET DATA (ETSI TS 102 221 11.3).

use alloc::vec::Vec;

use rsp_asn1::Reader;

use super::super::access::Access;
use super::super::apdu::{Command, Reply, Sw};
use super::super::card::Uicc;
use super::super::fs::{Body, FileId};

/// P2: the first block of an object, in the coding of both commands.
const FIRST: u8 = 0x80;
/// P2: a further block.
const NEXT: u8 = 0x00;

/// An object that takes more than one command.
#[derive(Clone, Default, PartialEq, Eq)]
pub(in super::super) struct Transfer {
    /// Octets still to be sent.
    outgoing: Vec<u8>,
    /// Octets received so far.
    incoming: Vec<u8>,
}

impl Uicc {
    /// RETRIEVE DATA: an object block by block, tag and length first.
    pub(super) fn retrieve_data(&mut self, number: u8, command: &Command<'_>) -> Result<Reply, Sw> {
        let id = self.target(number, command.p2 & 0x1F)?;
        let octets = self.objects(id)?;
        self.require(number, id, Access::Read)?;
        if command.p1 != 0 {
            return Err(Sw::WRONG_P1_P2);
        }
        let outgoing = match command.p2 & 0xE0 {
            FIRST => find(octets, command.data)?.to_vec(),
            NEXT => match self.channel_mut(number) {
                Some(channel) if !channel.transfer.outgoing.is_empty() => {
                    core::mem::take(&mut channel.transfer.outgoing)
                }
                _ => return Err(Sw::CONDITIONS),
            },
            _ => return Err(Sw::WRONG_P1_P2),
        };
        let (block, rest) = outgoing.split_at(outgoing.len().min(255));
        let (block, rest) = (block.to_vec(), rest.to_vec());
        if let Some(channel) = self.channel_mut(number) {
            channel.transfer.outgoing = rest;
        }
        Ok(Reply::Response(block))
    }

    /// SET DATA: creates, replaces or, without a value, deletes an object.
    pub(super) fn set_data(&mut self, number: u8, command: &Command<'_>) -> Result<Reply, Sw> {
        let id = self.target(number, command.p2 & 0x1F)?;
        self.objects(id)?;
        self.require(number, id, Access::Update)?;
        if command.p1 != 0 {
            return Err(Sw::WRONG_P1_P2);
        }
        let mut incoming = self.incoming(number, command)?;
        incoming.extend(command.data);
        if let Some(tag) = lone_tag(&incoming) {
            return self.replace(id, tag, &[]).map(|()| Reply::Done);
        }
        match total(&incoming)? {
            total if total > incoming.len() => {
                self.room(id, total)?;
                if let Some(channel) = self.channel_mut(number) {
                    channel.transfer.incoming = incoming;
                }
            }
            total if total == incoming.len() => {
                let tag = incoming.get(..tag_length(&incoming)).unwrap_or_default();
                self.replace(id, tag, &incoming)?;
            }
            _ => return Err(Sw::WRONG_DATA),
        }
        Ok(Reply::Done)
    }

    /// What earlier blocks brought.
    fn incoming(&mut self, number: u8, command: &Command<'_>) -> Result<Vec<u8>, Sw> {
        let channel = self.channel_mut(number).ok_or(Sw::CHANNEL_NOT_SUPPORTED)?;
        let received = core::mem::take(&mut channel.transfer.incoming);
        match command.p2 & 0xE0 {
            FIRST => Ok(Vec::new()),
            NEXT if !received.is_empty() => Ok(received),
            NEXT => Err(Sw::CONDITIONS),
            _ => Err(Sw::WRONG_P1_P2),
        }
    }

    fn objects(&self, id: FileId) -> Result<&[u8], Sw> {
        match self.fs.body(id) {
            Some(Body::BerTlv { octets, .. }) => Ok(octets),
            _ => Err(Sw::WRONG_FILE_STRUCTURE),
        }
    }

    /// Refuses an object that the file could never hold.
    fn room(&self, id: FileId, octets: usize) -> Result<(), Sw> {
        match self.fs.body(id) {
            Some(Body::BerTlv { size, .. }) if octets <= *size as usize => Ok(()),
            _ => Err(Sw::NOT_ENOUGH_MEMORY),
        }
    }

    fn replace(&mut self, id: FileId, tag: &[u8], object: &[u8]) -> Result<(), Sw> {
        let Some(Body::BerTlv { octets, size }) = self.fs.body_mut(id) else {
            return Err(Sw::WRONG_FILE_STRUCTURE);
        };
        let mut kept = Vec::with_capacity(octets.len() + object.len());
        let mut found = false;
        let mut reader = Reader::new(octets);
        while let Ok(tlv) = reader.tlv() {
            if tlv.raw.starts_with(tag) {
                found = true;
            } else {
                kept.extend(tlv.raw);
            }
        }
        if object.is_empty() && !found {
            return Err(Sw::REFERENCE_NOT_FOUND);
        }
        kept.extend(object);
        if kept.len() > *size as usize {
            return Err(Sw::NOT_ENOUGH_MEMORY);
        }
        *octets = kept;
        Ok(())
    }
}

/// The object with this tag.
fn find<'a>(octets: &'a [u8], tag: &[u8]) -> Result<&'a [u8], Sw> {
    if lone_tag(tag).is_none() {
        return Err(Sw::WRONG_DATA);
    }
    let mut reader = Reader::new(octets);
    while let Ok(tlv) = reader.tlv() {
        if tlv.raw.starts_with(tag) {
            return Ok(tlv.raw);
        }
    }
    Err(Sw::REFERENCE_NOT_FOUND)
}

/// How many octets the tag at the beginning has.
fn tag_length(octets: &[u8]) -> usize {
    match octets {
        [first, rest @ ..] if first & 0x1F == 0x1F => {
            let further = rest.iter().take_while(|octet| **octet & 0x80 != 0);
            2 + further.count()
        }
        _ => 1,
    }
}

/// The octets, if they are one tag and nothing else.
fn lone_tag(octets: &[u8]) -> Option<&[u8]> {
    let is_tag = !octets.is_empty() && tag_length(octets) == octets.len() && octets.len() <= 3;
    is_tag.then_some(octets)
}

/// How many octets the object that begins here has.
fn total(octets: &[u8]) -> Result<usize, Sw> {
    let mut reader = Reader::new(octets);
    let (_, length) = reader.header().map_err(|_| Sw::WRONG_DATA)?;
    Ok(reader.offset() + length)
}

//! Logical channels (ETSI TS 102 221 8.7, 11.1.17) and what waits on them.

use alloc::vec::Vec;

use crate::apdu::{Command, MAX_CHANNEL, Status};
use crate::store_data::Chain;

/// Longest piece of a response, in bytes.
const MAX_PIECE: usize = 256;

const OPEN: u8 = 0x00;
const CLOSE: u8 = 0x80;

/// What is selected on a channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Application {
    /// The enabled profile, or nothing if there is none.
    #[default]
    Profile,
    /// The ISD-R.
    Isdr,
}

/// One open channel.
#[derive(Debug, Default)]
pub(crate) struct Channel {
    pub(crate) application: Application,
    pub(crate) chain: Chain,
    response: Vec<u8>,
}

impl Channel {
    /// Puts a response of the ISD-R up for GET RESPONSE.
    pub(crate) fn offer(&mut self, response: Vec<u8>) -> Vec<u8> {
        self.response = response;
        self.status().response()
    }

    /// GET RESPONSE: the next piece.
    pub(crate) fn get_response(&mut self, command: &Command<'_>) -> Result<Vec<u8>, Status> {
        if (command.p1, command.p2) != (0, 0) {
            return Err(Status::INCORRECT_P1_P2);
        }
        if self.response.is_empty() {
            return Err(Status::CONDITIONS_NOT_SATISFIED);
        }
        let wanted = command.le.unwrap_or(MAX_PIECE).min(self.response.len());
        let rest = self.response.split_off(wanted);
        let piece = core::mem::replace(&mut self.response, rest);
        Ok(self.status().after(piece))
    }

    /// Whether the host has not read everything yet.
    pub(crate) fn has_response(&self) -> bool {
        !self.response.is_empty()
    }

    /// Forgets what was not read.
    pub(crate) fn drop_response(&mut self) {
        self.response = Vec::new();
    }

    fn status(&self) -> Status {
        match self.response.len() {
            0 => Status::OK,
            length => Status::response_waits(length),
        }
    }
}

/// All channels up to the last open one; the basic channel is always open.
#[derive(Debug)]
pub(crate) struct Channels(Vec<Option<Channel>>);

impl Channels {
    /// As after a reset.
    pub(crate) fn new() -> Channels {
        Channels(Vec::from([Some(Channel::default())]))
    }

    /// An open channel.
    pub(crate) fn get(&mut self, number: u8) -> Result<&mut Channel, Status> {
        let channel = self.0.get_mut(usize::from(number));
        let channel = channel.and_then(Option::as_mut);
        channel.ok_or(Status::CHANNEL_NOT_SUPPORTED)
    }

    /// MANAGE CHANNEL. Gives the channel opened or closed, and the answer.
    pub(crate) fn manage(&mut self, command: &Command<'_>) -> Result<(u8, Vec<u8>), Status> {
        match (command.p1, command.p2) {
            (OPEN, 0) => {
                let mut free = (1..=MAX_CHANNEL).filter(|number| self.get(*number).is_err());
                let number = free.next().ok_or(Status::FUNCTION_NOT_SUPPORTED)?;
                drop(free);
                self.open(number)?;
                Ok((number, Status::OK.after(Vec::from([number]))))
            }
            (OPEN, number) => {
                self.open(number)?;
                Ok((number, Status::OK.response()))
            }
            (CLOSE, number @ 1..=MAX_CHANNEL) => {
                self.get(number)?;
                if let Some(channel) = self.0.get_mut(usize::from(number)) {
                    *channel = None;
                }
                while let Some(None) = self.0.last() {
                    self.0.pop();
                }
                Ok((number, Status::OK.response()))
            }
            _ => Err(Status::INCORRECT_P1_P2),
        }
    }

    fn open(&mut self, number: u8) -> Result<(), Status> {
        if number > MAX_CHANNEL {
            return Err(Status::CHANNEL_NOT_SUPPORTED);
        }
        let at = usize::from(number);
        if self.0.len() <= at {
            self.0.resize_with(at + 1, || None);
        }
        match self.0.get_mut(at) {
            Some(channel @ None) => {
                *channel = Some(Channel::default());
                Ok(())
            }
            _ => Err(Status::CONDITIONS_NOT_SATISFIED),
        }
    }
}

//! The commands of the terminal (ETSI TS 102 221 11, 3GPP TS 31.102 7).

mod authenticate;
mod binary;
mod data;
mod identity;
mod pin;
mod record;
mod select;

use alloc::vec::Vec;

use rsp_crypto::Provider;

use super::access::Access;
use super::apdu::{Command, Reply, Sw};
use super::card::Uicc;
use super::fs::{File, FileId, MF};
use super::remote::Domain;
use crate::personalisation::Environment;

/// Logical channels (TS 102 221 8.7).
const CHANNELS: u8 = 20;

/// Number of the channel on which a script from the operator runs; no class
/// byte names it.
pub(super) const REMOTE: u8 = CHANNELS;

/// What is selected on a logical channel.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Channel {
    /// The current directory.
    dir: FileId,
    /// The ADF of the active application.
    application: Option<FileId>,
    ef: Option<FileId>,
    /// Current record, 0 if there is none.
    record: u8,
    /// What GET RESPONSE fetches.
    response: Vec<u8>,
    transfer: data::Transfer,
    /// The rights of a script; a terminal has those of PINs.
    domain: Option<Domain>,
}

/// Executes a command and gives data and status word.
pub(super) fn transmit(
    card: &mut Uicc,
    number: u8,
    apdu: &[u8],
    env: &mut Environment<'_>,
) -> Vec<u8> {
    let result = match Command::parse(apdu) {
        Ok(command) => execute(card, number, &command, env),
        Err(sw) => Err(sw),
    };
    let (mut out, sw) = match result {
        Ok(Reply::Done) => (Vec::new(), Sw::OK),
        Ok(Reply::Data(octets)) => (octets, card.waiting(number)),
        Ok(Reply::Response(octets)) if octets.is_empty() => (Vec::new(), Sw::OK),
        Ok(Reply::Response(octets)) => return offer(card, number, octets),
        Err(sw) => (Vec::new(), sw),
    };
    out.extend(sw.0.to_be_bytes());
    out
}

/// Keeps a response for GET RESPONSE, and says how long it is.
pub(super) fn offer(card: &mut Uicc, number: u8, octets: Vec<u8>) -> Vec<u8> {
    let sw = Sw::more(octets.len());
    if let Some(channel) = card.channel_mut(number) {
        channel.response = octets;
    }
    sw.0.to_be_bytes().to_vec()
}

/// Makes the channel of a script anew, at an ADF or the MF.
pub(super) fn open_remote(card: &mut Uicc, domain: Domain, adf: Option<FileId>) {
    if let Some(channel) = card.channel_mut(REMOTE) {
        *channel = Channel {
            dir: adf.unwrap_or(MF),
            application: adf,
            domain: Some(domain),
            ..Channel::default()
        };
    }
}

fn execute(
    card: &mut Uicc,
    number: u8,
    command: &Command<'_>,
    env: &mut Environment<'_>,
) -> Result<Reply, Sw> {
    let class = class(command.class)?;
    card.channel_mut(number).ok_or(Sw::CHANNEL_NOT_SUPPORTED)?;
    if (class, command.instruction) == (Class::Interindustry, 0xC0) {
        return card.get_response(number, command);
    }
    if let Some(channel) = card.channel_mut(number) {
        channel.response.clear();
    }
    match class {
        Class::Interindustry => card.interindustry(number, command, env.provider),
        Class::Uicc => card.uicc_class(number, command, env),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    /// '0X', '4X', '6X'.
    Interindustry,
    /// '8X', 'CX', 'EX'.
    Uicc,
}

/// The coding of the class byte (TS 102 221 10.1.1).
fn class(class: u8) -> Result<Class, Sw> {
    let coding = match class & 0xF0 {
        0x00 | 0x40 | 0x60 => Class::Interindustry,
        0x80 | 0xC0 | 0xE0 => Class::Uicc,
        _ => return Err(Sw::CLASS),
    };
    let secured = match class & 0x40 {
        0 => class & 0x0C != 0,
        _ => class & 0x20 != 0,
    };
    match secured {
        true => Err(Sw::SECURE_MESSAGING_NOT_SUPPORTED),
        false => Ok(coding),
    }
}

impl Uicc {
    fn interindustry(
        &mut self,
        number: u8,
        command: &Command<'_>,
        provider: &dyn Provider,
    ) -> Result<Reply, Sw> {
        match command.instruction {
            0xA4 => self.select(number, command),
            0xB0 => self.read_binary(number, command),
            0xD6 => self.update_binary(number, command),
            0xB2 => self.read_record(number, command),
            0xDC => self.update_record(number, command),
            0xA2 => self.search_record(number, command),
            0x20 => self.verify_pin(number, command),
            0x24 => self.change_pin(number, command),
            0x26 => self.set_pin_enabled(number, command, false),
            0x28 => self.set_pin_enabled(number, command, true),
            0x2C => self.unblock_pin(number, command),
            0x04 => self.set_activated(number, command, Access::Deactivate),
            0x44 => self.set_activated(number, command, Access::Activate),
            0x88 => self.authenticate(number, command, provider),
            _ => Err(Sw::INSTRUCTION),
        }
    }

    fn uicc_class(
        &mut self,
        number: u8,
        command: &Command<'_>,
        env: &mut Environment<'_>,
    ) -> Result<Reply, Sw> {
        match command.instruction {
            0xF2 => self.status(number, command),
            0x32 => self.increase(number, command),
            0xCB => self.retrieve_data(number, command),
            0xDB => self.set_data(number, command),
            0x78 => self.get_identity(number, command, env),
            // TERMINAL PROFILE and TERMINAL CAPABILITY: heard, nothing follows.
            0x10 | 0xAA => Ok(Reply::Done),
            _ => Err(Sw::INSTRUCTION),
        }
    }

    /// GET RESPONSE (TS 102 221 12.1.1).
    fn get_response(&mut self, number: u8, command: &Command<'_>) -> Result<Reply, Sw> {
        if (command.p1, command.p2) != (0, 0) {
            return Err(Sw::WRONG_P1_P2);
        }
        let channel = self.channel_mut(number).ok_or(Sw::CHANNEL_NOT_SUPPORTED)?;
        if channel.response.is_empty() {
            return Err(Sw::CONDITIONS);
        }
        let reply = command.answer(&channel.response)?;
        if let Reply::Data(octets) = &reply {
            channel.response.drain(..octets.len());
        }
        Ok(reply)
    }

    /// '9000', or '61xx' if more of a response waits.
    fn waiting(&self, number: u8) -> Sw {
        let waiting = self.channel(number).map_or(0, |c| c.response.len());
        if waiting == 0 {
            Sw::OK
        } else {
            Sw::more(waiting)
        }
    }

    fn channel(&self, number: u8) -> Option<&Channel> {
        self.channels.get(usize::from(number))
    }

    /// The channel, opened at the MF if it was not used yet.
    fn channel_mut(&mut self, number: u8) -> Option<&mut Channel> {
        if number > REMOTE {
            return None;
        }
        let index = usize::from(number);
        if self.channels.len() <= index {
            self.channels.resize_with(index + 1, Channel::default);
        }
        self.channels.get_mut(index)
    }

    fn current_dir(&self, number: u8) -> FileId {
        self.channel(number).map_or(MF, |channel| channel.dir)
    }

    /// The EF that a command addresses: by short identifier, which makes it
    /// the current one, or the current one.
    fn target(&mut self, number: u8, sfi: u8) -> Result<FileId, Sw> {
        if sfi == 0 {
            let channel = self.channel(number);
            return channel
                .and_then(|channel| channel.ef)
                .ok_or(Sw::NO_EF_SELECTED);
        }
        let dir = self.current_dir(number);
        let found = self.fs.children(dir).find(|(_, file)| file.sfi == sfi);
        let (id, _) = found.ok_or(Sw::FILE_NOT_FOUND)?;
        self.set_current_ef(number, id);
        Ok(id)
    }

    fn set_current_ef(&mut self, number: u8, id: FileId) {
        if let Some(channel) = self.channel_mut(number) {
            channel.ef = Some(id);
            channel.record = 0;
            channel.transfer = data::Transfer::default();
        }
    }

    /// Refuses what the access rule does not allow, or the life cycle.
    fn require(&self, number: u8, id: FileId, access: Access) -> Result<(), Sw> {
        let domain = self.channel(number).and_then(|channel| channel.domain);
        if !self.is_allowed((self.current_dir(number), domain), id, access) {
            return Err(Sw::SECURITY_STATUS);
        }
        let life_cycle = matches!(access, Access::Activate | Access::Deactivate);
        if life_cycle || self.fs.get(id).is_some_and(File::is_usable) {
            return Ok(());
        }
        Err(Sw::CONDITIONS)
    }

    /// DEACTIVATE FILE and ACTIVATE FILE (TS 102 221 11.1.14, 11.1.15) of the
    /// current EF or of one directly in the current directory.
    fn set_activated(
        &mut self,
        number: u8,
        command: &Command<'_>,
        access: Access,
    ) -> Result<Reply, Sw> {
        if (command.p1, command.p2) != (0, 0) {
            return Err(Sw::WRONG_P1_P2);
        }
        let id = match command.data {
            [] => self.target(number, 0)?,
            [high, low] => {
                let fid = u16::from_be_bytes([*high, *low]);
                let found = self.fs.child(self.current_dir(number), fid);
                found.ok_or(Sw::FILE_NOT_FOUND)?
            }
            _ => return Err(Sw::WRONG_LENGTH),
        };
        if self.fs.is_directory(id) {
            return Err(Sw::WRONG_FILE_STRUCTURE);
        }
        self.require(number, id, access)?;
        if let Some(file) = self.fs.get_mut(id) {
            file.lcsi = if access == Access::Activate {
                0x05
            } else {
                0x04
            };
        }
        Ok(Reply::Done)
    }
}

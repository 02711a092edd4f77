//! The card as its contacts show it: APDUs in and out.

use alloc::vec::Vec;
use core::fmt;

use rsp_asn1::{Tag, Tlv};

use crate::apdu::{Command, Status, ins};
use crate::cat::{Command as Proactive, Event};
use crate::channel::{Application, Channels};
use crate::ipae;
use crate::isdr::{ISDR_AID, Isdr};
use crate::ota;
use crate::personalisation::{Environment, Personalisation};

/// Answer to reset: T=0, eUICC functions announced (ETSI TS 102 221 6.3).
const ATR: [u8; 23] = [
    0x3B, 0x9F, 0x96, 0x80, 0x3F, 0xC7, 0x82, 0x80, 0x31, 0xE0, 0x73, 0xFE, 0x21, 0x1B, 0x67, 0x53,
    0x49, 0x4D, 0x55, 0x52, 0x47, 0x48, 0x00,
];

/// SELECT of the MF, without response data.
const SELECT_MF: [u8; 7] = [0x00, ins::SELECT, 0x00, 0x0C, 0x02, 0x3F, 0x00];
const SELECT_BY_AID: u8 = 0x04;
/// P2 of SELECT: no response data.
const NO_RESPONSE_DATA: u8 = 0x0C;
const TERMINAL_CAPABILITY_TEMPLATE: Tag = Tag::new(0xA9);

/// A software eUICC for IoT (SGP.32): ISD-R, profiles and logical channels.
///
/// A pure function of its personalisation and of the commands it gets:
/// algorithms and randomness come with each call.
///
/// Profiles that a package enables, disables or deletes do so when the host has
/// read the result, or does anything else than read it, or resets the card.
/// The card then behaves as if newly powered towards the profile, and logical
/// channels stay open. Where the device has asked for a REFRESH and its
/// terminal knows it, the terminal has to fetch one, and the profiles switch
/// when it has done it or resets the card.
pub struct Euicc {
    pub(crate) isdr: Isdr,
    channels: Channels,
    /// Channel on which the result of a package waits.
    package_channel: u8,
}

impl Euicc {
    /// A new card, without profiles and eIMs.
    pub fn new(personalisation: Personalisation) -> Euicc {
        Euicc {
            isdr: Isdr::new(personalisation),
            channels: Channels::new(),
            package_channel: 0,
        }
    }

    /// Power off and on; gives the answer to reset.
    ///
    /// Logical channels close, the RSP session is lost, an installation under
    /// way fails with a notification, a pending profile switch takes effect.
    pub fn reset(&mut self) -> Vec<u8> {
        self.isdr.power_cycle();
        self.channels = Channels::new();
        if let Some(profile) = self.isdr.state.enabled_mut() {
            profile.uicc.reset();
        }
        with_check_byte(&ATR)
    }

    /// Executes a command APDU of the short form and gives the response with
    /// its status word (ISO/IEC 7816-4).
    ///
    /// Responses come as with T=0: `61xx`, then GET RESPONSE in pieces of at
    /// most 256 bytes. Whatever the bytes are, there is an answer.
    pub fn transmit(&mut self, apdu: &[u8], env: &mut Environment<'_>) -> Vec<u8> {
        let command = Command::parse(apdu);
        if self.switches_alone() && !self.reads_package_result(&command) {
            self.isdr.settle();
        }
        let response = command.and_then(|command| self.dispatch(&command, apdu, env));
        if self.switches_alone() && !self.has_response(self.package_channel) {
            self.isdr.settle();
        }
        self.isdr.put_down();
        let response = response.unwrap_or_else(Status::response);
        self.isdr.toolkit.announce(response)
    }

    /// Whether a switch waits for nothing but that its response is read.
    fn switches_alone(&self) -> bool {
        self.isdr.pending.is_some() && !self.isdr.toolkit.refresh_pending()
    }

    fn reads_package_result(&self, command: &Result<Command<'_>, Status>) -> bool {
        command.is_ok_and(|command| {
            command.ins == ins::GET_RESPONSE && command.channel == self.package_channel
        })
    }

    fn has_response(&mut self, channel: u8) -> bool {
        self.channels.get(channel).is_ok_and(|c| c.has_response())
    }

    fn dispatch(
        &mut self,
        command: &Command<'_>,
        apdu: &[u8],
        env: &mut Environment<'_>,
    ) -> Result<Vec<u8>, Status> {
        let channel = self.channels.get(command.channel)?;
        if command.ins != ins::GET_RESPONSE {
            channel.drop_response();
        }
        let application = channel.application;
        match (command.ins, application) {
            (ins::MANAGE_CHANNEL, _) => self.manage_channel(command, env),
            (ins::TERMINAL_CAPABILITY, _) if command.proprietary => {
                self.terminal_capability(command)
            }
            (ins::FETCH, _) if command.proprietary && self.isdr.toolkit.has_next() => {
                self.isdr.toolkit.fetch()
            }
            (ins::TERMINAL_RESPONSE, _)
                if command.proprietary && self.isdr.toolkit.is_fetched() =>
            {
                self.terminal_response(command, env)
            }
            (ins::ENVELOPE, _) if command.proprietary && ota::is_sms_pp_download(command.data) => {
                self.sms_pp_download(command, env)
            }
            (ins::ENVELOPE, _) if command.proprietary && self.isdr.ecasd.ipae.is_some() => {
                let event = Event::read(command.data).ok_or(Status::INCORRECT_DATA)?;
                ipae::told(&mut self.isdr, event);
                Ok(Status::OK.response())
            }
            (ins::TERMINAL_PROFILE, _) if command.proprietary => {
                self.terminal_profile(command, apdu, env)
            }
            (ins::SELECT, _) if is_isdr(command) => self.select_isdr(command),
            (ins::SELECT, Application::Isdr) => self.leave_isdr(command, apdu, env),
            (_, Application::Profile) => self.profile(command, apdu, env),
            (ins::GET_RESPONSE, Application::Isdr) => {
                self.channels.get(command.channel)?.get_response(command)
            }
            (ins::STORE_DATA, Application::Isdr) => self.store_data(command, env),
            (_, Application::Isdr) => Err(Status::INS_NOT_SUPPORTED),
        }
    }

    /// What the terminal made of a command. When it did a REFRESH, the profiles
    /// switch and the logical channels are closed.
    fn terminal_response(
        &mut self,
        command: &Command<'_>,
        env: &mut Environment<'_>,
    ) -> Result<Vec<u8>, Status> {
        let (done, answer) = self.isdr.toolkit.terminal_response(command.data)?;
        match done {
            Proactive::Refresh if answer.performed => {
                self.isdr.refreshed();
                self.channels = Channels::new();
            }
            done => ipae::answered(&mut self.isdr, &done, answer, env),
        }
        Ok(Status::OK.response())
    }

    /// A short message to the enabled profile's operator's own part of it. The
    /// report waits for GET RESPONSE.
    fn sms_pp_download(
        &mut self,
        command: &Command<'_>,
        env: &mut Environment<'_>,
    ) -> Result<Vec<u8>, Status> {
        let report = ota::sms_pp_download(&mut self.isdr, command.data, env)?;
        let channel = self.channels.get(command.channel)?;
        match (channel.application, self.isdr.state.enabled_mut()) {
            _ if report.is_empty() => Ok(Status::OK.response()),
            (Application::Profile, Some(profile)) => {
                Ok(profile.uicc.offer(command.channel, report))
            }
            _ => Ok(channel.offer(report)),
        }
    }

    /// What the terminal can do; the profile hears it as well.
    fn terminal_profile(
        &mut self,
        command: &Command<'_>,
        apdu: &[u8],
        env: &mut Environment<'_>,
    ) -> Result<Vec<u8>, Status> {
        self.isdr.toolkit.set_profile(command.data);
        ipae::activation::terminal_profile(&mut self.isdr);
        match self.isdr.state.enabled_mut() {
            Some(profile) => Ok(profile.uicc.transmit(command.channel, apdu, env)),
            None => Ok(Status::OK.response()),
        }
    }

    /// TERMINAL CAPABILITY (ETSI TS 102 221 11.1.19): what it says matters to
    /// the IPA alone.
    fn terminal_capability(&mut self, command: &Command<'_>) -> Result<Vec<u8>, Status> {
        match Tlv::parse(command.data) {
            Ok(tlv) if tlv.tag == TERMINAL_CAPABILITY_TEMPLATE => {
                ipae::activation::terminal_capability(&mut self.isdr, &tlv);
                Ok(Status::OK.response())
            }
            _ => Err(Status::INCORRECT_DATA),
        }
    }

    fn manage_channel(
        &mut self,
        command: &Command<'_>,
        env: &mut Environment<'_>,
    ) -> Result<Vec<u8>, Status> {
        if command.proprietary {
            return Err(Status::CLASS_NOT_SUPPORTED);
        }
        let (number, response) = self.channels.manage(command)?;
        // The profile remembers what is selected on each channel, but not that
        // one was closed: a new one begins at the MF.
        if let Some(profile) = self.isdr.state.enabled_mut() {
            profile.uicc.transmit(number, &SELECT_MF, env);
        }
        Ok(response)
    }

    fn select_isdr(&mut self, command: &Command<'_>) -> Result<Vec<u8>, Status> {
        let fci = self.isdr.fci();
        let channel = self.channels.get(command.channel)?;
        channel.application = Application::Isdr;
        channel.chain = Default::default();
        match command.p2 & NO_RESPONSE_DATA {
            NO_RESPONSE_DATA => Ok(Status::OK.response()),
            _ => Ok(channel.offer(fci)),
        }
    }

    /// SELECT of something in the profile; the ISD-R stays selected unless it
    /// succeeds.
    fn leave_isdr(
        &mut self,
        command: &Command<'_>,
        apdu: &[u8],
        env: &mut Environment<'_>,
    ) -> Result<Vec<u8>, Status> {
        let response = self.profile(command, apdu, env)?;
        if let [.., 0x90 | 0x61, _] = response.as_slice() {
            let channel = self.channels.get(command.channel)?;
            channel.application = Application::Profile;
            channel.chain = Default::default();
        }
        Ok(response)
    }

    /// Hands a command to the enabled profile.
    fn profile(
        &mut self,
        command: &Command<'_>,
        apdu: &[u8],
        env: &mut Environment<'_>,
    ) -> Result<Vec<u8>, Status> {
        match (self.isdr.state.enabled_mut(), command.ins) {
            (Some(profile), _) => Ok(profile.uicc.transmit(command.channel, apdu, env)),
            (None, ins::SELECT) => Err(Status::FILE_NOT_FOUND),
            (None, _) => Err(Status::CONDITIONS_NOT_SATISFIED),
        }
    }

    /// A block for the ISD-R; with the last one, its function.
    fn store_data(
        &mut self,
        command: &Command<'_>,
        env: &mut Environment<'_>,
    ) -> Result<Vec<u8>, Status> {
        if !command.proprietary {
            return Err(Status::CLASS_NOT_SUPPORTED);
        }
        let chain = &mut self.channels.get(command.channel)?.chain;
        let Some(whole) = chain.push(command)? else {
            return Ok(Status::OK.response());
        };
        let response = self.isdr.execute(&whole, env)?;
        self.package_channel = command.channel;
        Ok(self.channels.get(command.channel)?.offer(response))
    }
}

impl fmt::Debug for Euicc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Euicc")
            .field("eid", &self.isdr.ecasd.eid)
            .field("profiles", &self.isdr.state.profiles.len())
            .finish_non_exhaustive()
    }
}

fn is_isdr(command: &Command<'_>) -> bool {
    !command.proprietary && command.p1 == SELECT_BY_AID && command.data == ISDR_AID
}

/// The check byte makes the exclusive-or of all bytes after the first zero.
fn with_check_byte(atr: &[u8]) -> Vec<u8> {
    let mut atr = atr.to_vec();
    let check = atr.iter().skip(1).fold(0, |sum, octet| sum ^ octet);
    if let Some(last) = atr.last_mut() {
        *last = check;
    }
    atr
}

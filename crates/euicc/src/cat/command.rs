//! Proactive commands as the terminal fetches them (ETSI TS 102 223 6.6, 8).

use alloc::vec::Vec;

use rsp_asn1::{Tag, Writer};

use crate::uicc::ChangedFiles;

const PROACTIVE_COMMAND: Tag = Tag::new(0xD0);
const COMMAND_DETAILS: Tag = Tag::new(0x81);
const DEVICE_IDENTITIES: Tag = Tag::new(0x82);
const FILE_LIST: Tag = Tag::new(0x92);
const AID: Tag = Tag::new(0x9F);
const SMS_TPDU: Tag = Tag::new(0x8B);
const EVENT_LIST: Tag = Tag::new(0x99);
const TIMER_IDENTIFIER: Tag = Tag::new(0xA4);
const TIMER_VALUE: Tag = Tag::new(0xA5);
const BEARER_DESCRIPTION: Tag = Tag::new(0xB5);
const CHANNEL_DATA: Tag = Tag::new(0xB6);
const CHANNEL_DATA_LENGTH: Tag = Tag::new(0xB7);
const BUFFER_SIZE: Tag = Tag::new(0xB9);
const TRANSPORT_LEVEL: Tag = Tag::new(0xBC);
const OTHER_ADDRESS: Tag = Tag::new(0xBE);

/// The card, the terminal and the network among the devices.
const UICC: u8 = 0x81;
const TERMINAL: u8 = 0x82;
const NETWORK: u8 = 0x83;
/// Channel 1 among the devices is this and one more.
const CHANNEL_0: u8 = 0x20;

/// Data available and channel status (ETSI TS 102 223 8.25).
const EVENTS: [u8; 2] = [0x09, 0x0A];

/// The terminal's own bearer (ETSI TS 102 223 8.52).
const DEFAULT_BEARER: u8 = 0x03;
/// TCP, the card is the client (ETSI TS 102 223 8.59).
const TCP_CLIENT: u8 = 0x02;
const IPV4: u8 = 0x21;
/// Octets that the terminal keeps for the card (ETSI TS 102 223 8.55).
const BUFFER: u16 = 1500;

/// Files that a REFRESH names, each by four identifiers at most.
const MAX_FILES: usize = 16;

/// The card's timer.
const TIMER: u8 = 1;
/// Longest time of a timer: 23:59:59.
const LONGEST: u32 = 24 * 3600 - 1;

/// What the terminal is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// UICC Reset.
    Refresh,
    /// To read files again that have changed (ETSI TS 102 223 6.4.7).
    ReadAgain { files: ChangedFiles },
    /// To tell of data and of channels that fail.
    SetUpEventList,
    /// To tell the IMEI.
    ProvideImei,
    /// To tell when the time is over.
    StartTimer { seconds: u32 },
    /// An SMS-SUBMIT to be sent.
    SendShortMessage { tpdu: Vec<u8> },
    /// TCP to an address, over whatever bearer the terminal has.
    OpenChannel { address: [u8; 4], port: u16 },
    /// At once, at most [`MAX_DATA`] octets.
    SendData { channel: u8, data: Vec<u8> },
    /// As many octets of what has come.
    ReceiveData { channel: u8, length: u8 },
    /// Closes a channel.
    CloseChannel { channel: u8 },
}

/// Octets that one SEND DATA carries: the whole command has to fit one FETCH.
pub(crate) const MAX_DATA: usize = 200;

impl Command {
    /// Type and qualifier (ETSI TS 102 223 8.6).
    fn kind(&self) -> [u8; 2] {
        match self {
            Command::Refresh => [0x01, 0x04],
            Command::ReadAgain { files } => [0x01, refresh_mode(files)],
            Command::SetUpEventList => [0x05, 0x00],
            Command::SendShortMessage { .. } => [0x13, 0x00],
            Command::ProvideImei => [0x26, 0x01],
            Command::StartTimer { .. } => [0x27, 0x00],
            Command::OpenChannel { .. } => [0x40, 0x03],
            Command::CloseChannel { .. } => [0x41, 0x00],
            Command::ReceiveData { .. } => [0x42, 0x00],
            Command::SendData { .. } => [0x43, 0x01],
        }
    }

    /// Who is addressed: a channel or the terminal as such.
    fn destination(&self) -> u8 {
        match self {
            Command::SendData { channel, .. }
            | Command::ReceiveData { channel, .. }
            | Command::CloseChannel { channel } => CHANNEL_0 | channel & 0x07,
            Command::SendShortMessage { .. } => NETWORK,
            _ => TERMINAL,
        }
    }

    /// The command under this number.
    pub(crate) fn encode(&self, number: u8) -> Vec<u8> {
        let mut out = Writer::new();
        out.constructed(PROACTIVE_COMMAND, |out| {
            let [kind, qualifier] = self.kind();
            out.primitive(COMMAND_DETAILS, &[number, kind, qualifier]);
            out.primitive(DEVICE_IDENTITIES, &[UICC, self.destination()]);
            self.parameters(out);
        });
        out.into_bytes()
    }

    fn parameters(&self, out: &mut Writer) {
        match self {
            Command::Refresh | Command::ProvideImei | Command::CloseChannel { .. } => {}
            Command::ReadAgain { files } => file_list(files, out),
            Command::SetUpEventList => out.primitive(EVENT_LIST, &EVENTS),
            Command::SendShortMessage { tpdu } => out.primitive(SMS_TPDU, tpdu),
            Command::StartTimer { seconds } => {
                out.primitive(TIMER_IDENTIFIER, &[TIMER]);
                out.primitive(TIMER_VALUE, &timer_value(*seconds));
            }
            Command::OpenChannel { address, port } => {
                out.primitive(BEARER_DESCRIPTION, &[DEFAULT_BEARER]);
                out.primitive(BUFFER_SIZE, &BUFFER.to_be_bytes());
                let [high, low] = port.to_be_bytes();
                out.primitive(TRANSPORT_LEVEL, &[TCP_CLIENT, high, low]);
                let [a, b, c, d] = *address;
                out.primitive(OTHER_ADDRESS, &[IPV4, a, b, c, d]);
            }
            Command::SendData { data, .. } => out.primitive(CHANNEL_DATA, data),
            Command::ReceiveData { length, .. } => {
                out.primitive(CHANNEL_DATA_LENGTH, &[*length]);
            }
        }
    }
}

/// File Change Notification or, if the files are too many to be named, NAA
/// Initialization and Full File Change Notification.
fn refresh_mode(files: &ChangedFiles) -> u8 {
    match files.paths.len() {
        0..=MAX_FILES => 0x01,
        _ => 0x00,
    }
}

/// The files, and the application that the paths are of (ETSI TS 102 223 8.18,
/// 8.60).
fn file_list(files: &ChangedFiles, out: &mut Writer) {
    if files.paths.len() > MAX_FILES {
        return;
    }
    let number = u8::try_from(files.paths.len()).unwrap_or(0);
    let paths = files.paths.concat();
    out.primitive(FILE_LIST, &[&[number], paths.as_slice()].concat());
    if let Some(aid) = &files.aid {
        out.primitive(AID, aid);
    }
}

/// Hours, minutes and seconds, each with its digits swapped (ETSI TS 102 223
/// 8.38).
fn timer_value(seconds: u32) -> [u8; 3] {
    let seconds = seconds.clamp(1, LONGEST);
    [seconds / 3600, seconds / 60 % 60, seconds % 60].map(|part| {
        let part = u8::try_from(part).unwrap_or(0);
        ((part % 10) << 4) | (part / 10)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_their_digits_swapped() {
        assert_eq!(timer_value(12 * 3600 + 34 * 60 + 56), [0x21, 0x43, 0x65]);
        assert_eq!(timer_value(0), [0, 0, 0x10]);
        assert_eq!(timer_value(u32::MAX), [0x32, 0x95, 0x95]);
    }

    #[test]
    fn every_command_fits_one_fetch() {
        let data = alloc::vec![0; MAX_DATA];
        let longest = Command::SendData { channel: 7, data };
        assert!(longest.encode(254).len() <= 255);
        let files = |number| ChangedFiles {
            aid: Some(alloc::vec![0xA0; 16]),
            paths: alloc::vec![alloc::vec![0x7F; 8]; number],
        };
        for number in [1, MAX_FILES, MAX_FILES + 1] {
            let files = files(number);
            assert!(Command::ReadAgain { files }.encode(254).len() <= 255);
        }
    }
}

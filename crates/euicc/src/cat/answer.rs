//! What the terminal answers and tells: TERMINAL RESPONSE and ENVELOPE (ETSI TS
//! 102 223 6.8, 7).

use alloc::vec::Vec;

use rsp_asn1::{Reader, Tag, Tlv};

/// Tags with and without the bit that asks for comprehension.
const RESULT: u32 = 0x03;
const IMEI: u32 = 0x14;
const EVENT_LIST: u32 = 0x19;
const CHANNEL_DATA: u32 = 0x36;
const CHANNEL_DATA_LENGTH: u32 = 0x37;
const CHANNEL_STATUS: u32 = 0x38;
const COMPREHENSION: u32 = 0x80;

const TIMER_EXPIRATION: Tag = Tag::new(0xD7);
const EVENT_DOWNLOAD: Tag = Tag::new(0xD6);
const DATA_AVAILABLE: u8 = 0x09;
const CHANNEL_STATUS_EVENT: u8 = 0x0A;

/// General results below are of commands that were performed.
const NOT_PERFORMED: u8 = 0x10;
/// In a channel status: the link is established.
const ESTABLISHED: u8 = 0x80;
const CHANNEL: u8 = 0x07;

/// What became of a command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) performed: bool,
    /// Channel of an OPEN CHANNEL.
    pub(crate) channel: Option<u8>,
    /// Octets of a RECEIVE DATA.
    pub(crate) data: Vec<u8>,
    /// Of a PROVIDE LOCAL INFORMATION.
    pub(crate) imei: Vec<u8>,
    /// Octets that wait after it; 255 for that many or more.
    pub(crate) more: u8,
}

impl Answer {
    /// TERMINAL RESPONSE; `None` without a result.
    pub(crate) fn read(data: &[u8]) -> Option<Answer> {
        let mut answer = Answer::default();
        let mut result = None;
        let mut reader = Reader::new(data);
        while !reader.is_empty() {
            let tlv = reader.tlv().ok()?;
            match plain(&tlv) {
                RESULT => result = result.or(tlv.value.first().copied()),
                CHANNEL_STATUS => answer.channel = channel(tlv.value),
                IMEI => answer.imei = tlv.value.to_vec(),
                CHANNEL_DATA => answer.data = tlv.value.to_vec(),
                CHANNEL_DATA_LENGTH => answer.more = tlv.value.first().copied().unwrap_or(0),
                _ => {}
            }
        }
        answer.performed = result? < NOT_PERFORMED;
        Some(answer)
    }
}

/// What the terminal tells without being asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// The time is over.
    TimerExpired,
    /// So many octets wait on the channel; 255 for that many or more.
    DataAvailable { channel: u8, length: u8 },
    /// The link is gone.
    ChannelLost { channel: u8 },
    /// Nothing that the card waits for.
    Other,
}

impl Event {
    /// ENVELOPE; `None` if it is none.
    pub(crate) fn read(data: &[u8]) -> Option<Event> {
        let envelope = Tlv::parse(data).ok()?;
        match envelope.tag {
            TIMER_EXPIRATION => Some(Event::TimerExpired),
            EVENT_DOWNLOAD => event_download(&envelope),
            _ => Some(Event::Other),
        }
    }
}

fn event_download(envelope: &Tlv<'_>) -> Option<Event> {
    let mut reader = envelope.reader();
    let (mut event, mut status, mut length) = (None, None, 0);
    while !reader.is_empty() {
        let tlv = reader.tlv().ok()?;
        match plain(&tlv) {
            EVENT_LIST => event = tlv.value.first().copied(),
            CHANNEL_STATUS => status = Some(tlv.value),
            CHANNEL_DATA_LENGTH => length = tlv.value.first().copied().unwrap_or(0),
            _ => {}
        }
    }
    let lost = status
        .and_then(|s| s.first())
        .is_some_and(|s| s & ESTABLISHED == 0);
    Some(match (event?, status.and_then(number)) {
        (DATA_AVAILABLE, Some(channel)) => Event::DataAvailable { channel, length },
        (CHANNEL_STATUS_EVENT, Some(channel)) if lost => Event::ChannelLost { channel },
        _ => Event::Other,
    })
}

/// The tag without the bit that asks for comprehension.
fn plain(tlv: &Tlv<'_>) -> u32 {
    match tlv.tag.get() {
        tag @ 0x80..=0xFF => tag & !COMPREHENSION,
        tag => tag,
    }
}

/// The channel, if its link is established.
fn channel(status: &[u8]) -> Option<u8> {
    number(status).filter(|_| status.first().is_some_and(|octet| octet & ESTABLISHED != 0))
}

fn number(status: &[u8]) -> Option<u8> {
    status.first().map(|octet| octet & CHANNEL)
}

//! Command and response APDUs (ISO/IEC 7816-4, ETSI TS 102 221 10).

use alloc::vec::Vec;

/// A status word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sw(pub(super) u16);

impl Sw {
    pub(super) const OK: Sw = Sw(0x9000);
    pub(super) const MEMORY_PROBLEM: Sw = Sw(0x6581);
    pub(super) const WRONG_LENGTH: Sw = Sw(0x6700);
    pub(super) const CHANNEL_NOT_SUPPORTED: Sw = Sw(0x6881);
    pub(super) const SECURE_MESSAGING_NOT_SUPPORTED: Sw = Sw(0x6882);
    pub(super) const WRONG_FILE_STRUCTURE: Sw = Sw(0x6981);
    pub(super) const SECURITY_STATUS: Sw = Sw(0x6982);
    pub(super) const BLOCKED: Sw = Sw(0x6983);
    pub(super) const INVALIDATED: Sw = Sw(0x6984);
    pub(super) const CONDITIONS: Sw = Sw(0x6985);
    pub(super) const NO_EF_SELECTED: Sw = Sw(0x6986);
    pub(super) const WRONG_DATA: Sw = Sw(0x6A80);
    pub(super) const FILE_NOT_FOUND: Sw = Sw(0x6A82);
    pub(super) const RECORD_NOT_FOUND: Sw = Sw(0x6A83);
    /// Of an application that is there and does not run (Java Card).
    pub(super) const APPLET_SELECT_FAILED: Sw = Sw(0x6999);
    pub(super) const NOT_ENOUGH_MEMORY: Sw = Sw(0x6A84);
    pub(super) const WRONG_P1_P2: Sw = Sw(0x6A86);
    pub(super) const REFERENCE_NOT_FOUND: Sw = Sw(0x6A88);
    pub(super) const WRONG_OFFSET: Sw = Sw(0x6B00);
    pub(super) const INSTRUCTION: Sw = Sw(0x6D00);
    pub(super) const CLASS: Sw = Sw(0x6E00);
    pub(super) const MAX_VALUE_REACHED: Sw = Sw(0x9850);
    pub(super) const WRONG_MAC: Sw = Sw(0x9862);

    /// Wrong Le; so many octets are there.
    pub(super) fn exact_length(octets: usize) -> Sw {
        Sw(0x6C00 | low_octet(octets))
    }

    /// So many octets wait for GET RESPONSE.
    pub(super) fn more(octets: usize) -> Sw {
        Sw(0x6100 | low_octet(octets))
    }

    /// Wrong code; so many tries are left.
    pub(super) fn tries_left(tries: u8) -> Sw {
        Sw(0x63C0 | u16::from(tries.min(15)))
    }
}

/// 256 and more are written as 0.
fn low_octet(octets: usize) -> u16 {
    if octets < 256 { octets as u16 } else { 0 }
}

/// A command of up to 255 octets of data.
#[derive(Clone, Copy, Debug)]
pub(super) struct Command<'a> {
    pub(super) class: u8,
    pub(super) instruction: u8,
    pub(super) p1: u8,
    pub(super) p2: u8,
    pub(super) data: &'a [u8],
    /// 1 to 256; the five octet form may mean Lc = 0 as well.
    pub(super) le: usize,
}

/// What a command leaves to send.
pub(super) enum Reply {
    /// Nothing but '9000'.
    Done,
    /// Data that the command asked for with its Le.
    Data(Vec<u8>),
    /// Data that GET RESPONSE fetches.
    Response(Vec<u8>),
}

impl<'a> Command<'a> {
    /// Takes a command apart.
    pub(super) fn parse(apdu: &'a [u8]) -> Result<Self, Sw> {
        let [class, instruction, p1, p2, rest @ ..] = apdu else {
            return Err(Sw::WRONG_LENGTH);
        };
        let (data, le) = match rest {
            [] => (&[][..], 0),
            [le] => (&[][..], *le),
            [lc, body @ ..] => body_of(usize::from(*lc), body)?,
        };
        Ok(Command {
            class: *class,
            instruction: *instruction,
            p1: *p1,
            p2: *p2,
            data,
            le: if le == 0 { 256 } else { usize::from(le) },
        })
    }

    /// The octets that Le asks for; 256 is as many as there are.
    pub(super) fn answer(&self, octets: &[u8]) -> Result<Reply, Sw> {
        if self.le == 256 {
            return Ok(Reply::Data(octets.iter().copied().take(256).collect()));
        }
        match octets.get(..self.le) {
            Some(octets) => Ok(Reply::Data(octets.to_vec())),
            None => Err(Sw::exact_length(octets.len())),
        }
    }
}

/// Data and Le behind Lc.
fn body_of(lc: usize, body: &[u8]) -> Result<(&[u8], u8), Sw> {
    if lc == 0 {
        // Extended length fields are not for this interface.
        return Err(Sw::WRONG_LENGTH);
    }
    match body.split_at_checked(lc) {
        Some((data, [])) => Ok((data, 0)),
        Some((data, [le])) => Ok((data, *le)),
        _ => Err(Sw::WRONG_LENGTH),
    }
}

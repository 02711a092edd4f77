//! Command and response APDUs (ISO/IEC 7816-4, ETSI TS 102 221 10).

use alloc::vec::Vec;

/// Highest logical channel number (ETSI TS 102 221 10.1.1).
pub(crate) const MAX_CHANNEL: u8 = 19;

/// Instruction bytes that the card itself answers.
pub(crate) mod ins {
    pub(crate) const MANAGE_CHANNEL: u8 = 0x70;
    pub(crate) const SELECT: u8 = 0xA4;
    pub(crate) const TERMINAL_CAPABILITY: u8 = 0xAA;
    pub(crate) const GET_RESPONSE: u8 = 0xC0;
    pub(crate) const STORE_DATA: u8 = 0xE2;
    pub(crate) const TERMINAL_PROFILE: u8 = 0x10;
    pub(crate) const FETCH: u8 = 0x12;
    pub(crate) const ENVELOPE: u8 = 0xC2;
    pub(crate) const TERMINAL_RESPONSE: u8 = 0x14;
}

/// A status word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Status(pub(crate) u16);

impl Status {
    pub(crate) const OK: Status = Status(0x9000);
    pub(crate) const WRONG_LENGTH: Status = Status(0x6700);
    pub(crate) const CHANNEL_NOT_SUPPORTED: Status = Status(0x6881);
    pub(crate) const CONDITIONS_NOT_SATISFIED: Status = Status(0x6985);
    pub(crate) const INCORRECT_DATA: Status = Status(0x6A80);
    pub(crate) const FUNCTION_NOT_SUPPORTED: Status = Status(0x6A81);
    pub(crate) const FILE_NOT_FOUND: Status = Status(0x6A82);
    pub(crate) const REFERENCE_NOT_FOUND: Status = Status(0x6A88);
    pub(crate) const NOT_ENOUGH_MEMORY: Status = Status(0x6A84);
    pub(crate) const INCORRECT_P1_P2: Status = Status(0x6A86);
    pub(crate) const INS_NOT_SUPPORTED: Status = Status(0x6D00);
    pub(crate) const CLASS_NOT_SUPPORTED: Status = Status(0x6E00);
    pub(crate) const NO_PRECISE_DIAGNOSIS: Status = Status(0x6F00);

    /// `61xx`: a response of `length` bytes waits, '00' for 256 or more.
    pub(crate) fn response_waits(length: usize) -> Status {
        let low = u8::try_from(length).unwrap_or(0);
        Status(0x6100 | u16::from(low))
    }

    /// The status word alone, as a response.
    pub(crate) fn response(self) -> Vec<u8> {
        self.0.to_be_bytes().to_vec()
    }

    /// Data followed by this status word.
    pub(crate) fn after(self, mut data: Vec<u8>) -> Vec<u8> {
        data.extend_from_slice(&self.0.to_be_bytes());
        data
    }
}

/// A command APDU of the short form.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Command<'a> {
    /// Whether the class is '8x' or 'Cx' (GlobalPlatform, ETSI) and not '0x'
    /// or '4x' (ISO).
    pub(crate) proprietary: bool,
    /// Logical channel, 0 to 19.
    pub(crate) channel: u8,
    pub(crate) ins: u8,
    pub(crate) p1: u8,
    pub(crate) p2: u8,
    /// Command data, at most 255 bytes.
    pub(crate) data: &'a [u8],
    /// Expected length, 1 to 256, if the command has one.
    pub(crate) le: Option<usize>,
}

impl<'a> Command<'a> {
    /// Takes the bytes apart. With T=0 the fifth byte is P3: without data after
    /// it, it is Le.
    pub(crate) fn parse(apdu: &'a [u8]) -> Result<Command<'a>, Status> {
        let [cla, ins, p1, p2, body @ ..] = apdu else {
            return Err(Status::WRONG_LENGTH);
        };
        let (proprietary, channel) = class(*cla)?;
        let (data, le) = body_of(body)?;
        Ok(Command {
            proprietary,
            channel,
            ins: *ins,
            p1: *p1,
            p2: *p2,
            data,
            le,
        })
    }
}

fn expected(octet: u8) -> usize {
    match octet {
        0 => 256,
        n => usize::from(n),
    }
}

fn body_of(body: &[u8]) -> Result<(&[u8], Option<usize>), Status> {
    match body {
        [] => Ok((&[], None)),
        [le] => Ok((&[], Some(expected(*le)))),
        [lc, rest @ ..] => {
            let (data, after) = rest
                .split_at_checked(usize::from(*lc))
                .ok_or(Status::WRONG_LENGTH)?;
            match after {
                [] => Ok((data, None)),
                [le] if !data.is_empty() => Ok((data, Some(expected(*le)))),
                _ => Err(Status::WRONG_LENGTH),
            }
        }
    }
}

/// Class byte: kind and channel. Secure messaging, command chaining and the
/// classes of other standards are not supported.
fn class(cla: u8) -> Result<(bool, u8), Status> {
    let proprietary = cla & 0x80 != 0;
    match cla & 0x7F {
        channel @ 0..=3 => Ok((proprietary, channel)),
        further @ 0x40..=0x4F => Ok((proprietary, (further & 0x0F) + 4)),
        _ => Err(Status::CLASS_NOT_SUPPORTED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_cases() {
        let command = Command::parse(&[0x01, 0xA4, 4, 4]).unwrap();
        assert_eq!((command.data.len(), command.le), (0, None));
        let command = Command::parse(&[0x81, 0xC0, 0, 0, 0]).unwrap();
        assert_eq!((command.channel, command.le), (1, Some(256)));
        assert!(command.proprietary);
        let command = Command::parse(&[0xC2, 0xE2, 0x91, 0, 2, 7, 8]).unwrap();
        assert_eq!((command.channel, command.data), (6, &[7, 8][..]));
        let command = Command::parse(&[0, 0xA4, 0, 4, 2, 0x3F, 0, 0]).unwrap();
        assert_eq!((command.data, command.le), (&[0x3F, 0][..], Some(256)));
    }

    #[test]
    fn wrong_lengths_and_classes() {
        for bad in [
            &[0x00, 0xA4][..],
            &[0, 0xA4, 0, 4, 3, 1, 2],
            &[0, 0xA4, 0, 4, 1, 1, 2, 3],
        ] {
            assert_eq!(Command::parse(bad).unwrap_err(), Status::WRONG_LENGTH);
        }
        for cla in [0x04, 0x10, 0x60, 0xA0, 0xD0, 0xFF] {
            let refused = Command::parse(&[cla, 0xA4, 0, 4]).unwrap_err();
            assert_eq!(refused, Status::CLASS_NOT_SUPPORTED);
        }
    }
}

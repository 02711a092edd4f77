//! REFRESH, with which an eUICC has its terminal begin anew on another profile
//! (ETSI TS 102 223 6.4.7, SGP.22 3.2.1).

use alloc::vec::Vec;

use rsp_asn1::Reader;

use crate::apdu::Status;

/// Command details: number 1, REFRESH, UICC Reset; from the UICC to the
/// terminal (ETSI TS 102 223 8.6, 8.7).
const COMMAND: [u8; 11] = [
    0xD0, 0x09, 0x81, 0x03, 0x01, 0x01, 0x04, 0x82, 0x02, 0x81, 0x82,
];

/// Tag of Result in a TERMINAL RESPONSE, with or without the bit that asks for
/// comprehension (ETSI TS 102 223 8.12).
const RESULT: [u32; 2] = [0x03, 0x83];

/// General results below are of commands that were performed.
const NOT_PERFORMED: u8 = 0x10;

/// Octet and bit of TERMINAL PROFILE by which a terminal says that it knows
/// REFRESH (ETSI TS 102 223 5.2).
const SUPPORTED: (usize, u8) = (2, 0x80);

/// Whether a terminal with this profile can be asked for it.
pub(crate) fn is_supported(terminal_profile: &[u8]) -> bool {
    let (at, bit) = SUPPORTED;
    terminal_profile
        .get(at)
        .is_some_and(|octet| octet & bit != 0)
}

/// How far the terminal is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Refresh {
    /// Nothing is asked of it.
    #[default]
    None,
    /// Every response says that there is something to fetch.
    Announced,
    /// It has fetched the command and has not answered.
    Fetched,
}

impl Refresh {
    /// Whether a switch waits for the terminal.
    pub(crate) fn is_pending(self) -> bool {
        self != Refresh::None
    }

    /// A successful response, which says so if there is something to fetch.
    pub(crate) fn announce(self, mut response: Vec<u8>) -> Vec<u8> {
        if let ([.., sw1 @ 0x90, sw2 @ 0x00], Refresh::Announced) = (response.as_mut_slice(), self)
        {
            (*sw1, *sw2) = (0x91, COMMAND.len() as u8);
        }
        response
    }

    /// FETCH.
    pub(crate) fn fetch(&mut self) -> Vec<u8> {
        *self = Refresh::Fetched;
        Status::OK.after(COMMAND.to_vec())
    }

    /// TERMINAL RESPONSE; gives whether the terminal did it. If it could not,
    /// the command is announced again.
    ///
    /// # Errors
    /// Without a result.
    pub(crate) fn terminal_response(&mut self, data: &[u8]) -> Result<bool, Status> {
        let performed = general_result(data).ok_or(Status::INCORRECT_DATA)? < NOT_PERFORMED;
        *self = match performed {
            true => Refresh::None,
            false => Refresh::Announced,
        };
        Ok(performed)
    }
}

fn general_result(data: &[u8]) -> Option<u8> {
    let mut reader = Reader::new(data);
    while !reader.is_empty() {
        let tlv = reader.tlv().ok()?;
        if RESULT.contains(&tlv.tag.get()) {
            return tlv.value.first().copied();
        }
    }
    None
}

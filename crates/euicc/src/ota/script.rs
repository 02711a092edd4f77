//! Commands in a packet and what is answered to them (ETSI TS 102 226 5), in
//! either format.

use alloc::vec::Vec;

use super::{compact, expanded};

/// Commands that one script executes.
pub(super) const MAX_COMMANDS: usize = 255;

/// Status words of a script's own.
pub(super) const WRONG_LENGTH: [u8; 2] = [0x67, 0x00];
pub(super) const TOO_MANY: [u8; 2] = [0x6A, 0x84];
/// Data of a response were cut (TS 102 226 5.2.1.1).
pub(super) const TRUNCATED: [u8; 2] = [0x62, 0xF1];

/// Who executes a script's commands.
pub(super) struct Script<'a> {
    /// Instructions whose P3 is Le in the compact format.
    pub(super) outgoing: &'a [u8],
    /// Octets that the response may have.
    pub(super) room: usize,
    /// Executes one command, which has four octets at least, and gives data and
    /// status word.
    pub(super) execute: &'a mut dyn FnMut(&[u8]) -> Vec<u8>,
}

/// Executes commands one after another up to the first that fails; gives the
/// response. Which format they are in is told by the first octet, which is no
/// class in the expanded one.
pub(super) fn run(commands: &[u8], script: Script<'_>) -> Vec<u8> {
    match commands.first() {
        Some(&(expanded::DEFINITE | expanded::INDEFINITE)) => expanded::run(commands, script),
        _ => compact::run(commands, script),
    }
}

/// Data and status word of a response.
pub(super) fn split(mut response: Vec<u8>) -> (Vec<u8>, [u8; 2]) {
    let at = response.len().saturating_sub(2);
    let status = response.split_off(at);
    let status = <[u8; 2]>::try_from(status.as_slice());
    (response, status.unwrap_or(WRONG_LENGTH))
}

/// Whether the script goes on after a command with this status word.
pub(super) fn goes_on(status: [u8; 2]) -> bool {
    status != TRUNCATED && matches!(status, [0x61 | 0x62 | 0x90 | 0x91, _])
}

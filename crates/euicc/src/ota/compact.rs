//! The compact format (ETSI TS 102 226 5.1): commands without more around them,
//! and the response of the last one alone.

use alloc::vec::Vec;

use super::script::{MAX_COMMANDS, Script, TOO_MANY, TRUNCATED, WRONG_LENGTH, goes_on, split};

/// Octets of a response before its data: number of commands, status word.
const HEADER: usize = 3;

/// Executes commands and answers how many, and what became of the last.
pub(super) fn run(mut commands: &[u8], script: Script<'_>) -> Vec<u8> {
    let (mut executed, mut data, mut status) = (0, Vec::new(), [0x90, 0x00]);
    while !commands.is_empty() && goes_on(status) {
        if executed == MAX_COMMANDS {
            (data, status) = (Vec::new(), TOO_MANY);
            break;
        }
        executed += 1;
        let Some(length) = length(commands, script.outgoing) else {
            (data, status) = (Vec::new(), WRONG_LENGTH);
            break;
        };
        let (command, rest) = commands.split_at_checked(length).unwrap_or((commands, &[]));
        commands = rest;
        (data, status) = split((script.execute)(command));
    }
    let room = script.room.saturating_sub(HEADER);
    if data.len() > room {
        data.truncate(room);
        status = TRUNCATED;
    }
    let mut response = Vec::from([u8::try_from(executed).unwrap_or(u8::MAX)]);
    response.extend(status);
    response.extend(data);
    response
}

/// Octets of the command that begins here, `None` if it is cut.
fn length(commands: &[u8], outgoing: &[u8]) -> Option<usize> {
    let [_, instruction, _, _, p3, ..] = commands else {
        return None;
    };
    let data = match outgoing.contains(instruction) {
        true => 0,
        false => usize::from(*p3),
    };
    let length = 5 + data;
    (length <= commands.len()).then_some(length)
}

//! The expanded format (ETSI TS 102 226 5.2): commands and responses as TLVs.

use alloc::vec::Vec;

use rsp_asn1::{ErrorKind, Reader, Tag, Tlv, Writer};

use super::script::{MAX_COMMANDS, Script, TOO_MANY, TRUNCATED, WRONG_LENGTH, goes_on, split};

/// Command Scripting templates (TS 101 220 table 7.18).
pub(super) const DEFINITE: u8 = 0xAA;
pub(super) const INDEFINITE: u8 = 0xAE;

/// What is in them, without the bit that asks for comprehension.
const C_APDU: u32 = 0x22;
const ERROR_ACTION: u32 = 0x82;
const IMMEDIATE_ACTION: u32 = 0x81;
const SCRIPT_CHAINING: u32 = 0x83;
const COMPREHENSION: u32 = 0x80;

/// Response Scripting templates and what is in them.
const RESPONSE: Tag = Tag::new(0xAB);
const INDEFINITE_RESPONSE: [u8; 2] = [0xAF, 0x80];
const EXECUTED: Tag = Tag::new(0x80);
const R_APDU: Tag = Tag::new(0x23);
const IMMEDIATE_ACTION_RESPONSE: Tag = Tag::new(0x81);
const SCRIPT_CHAINING_RESPONSE: Tag = Tag::new(0x83);
const BAD_FORMAT: Tag = Tag::new(0x90);

const UNKNOWN_TAG: u8 = 1;
const WRONG: u8 = 2;
const LENGTH_NOT_FOUND: u8 = 3;
/// Of an Immediate Action: nothing was suspended.
const SUSPENSION_ERROR: u8 = 1;
const CHAINING_NOT_SUPPORTED: u8 = 2;

/// Octets that are kept for what is around the responses.
const FRAME: usize = 20;
/// Commands by which one response is fetched, at most.
const MAX_FETCHES: usize = 8;

/// A script under way.
struct Run<'a> {
    script: Script<'a>,
    executed: usize,
    responses: Writer,
    /// Octets of [`Run::responses`].
    written: usize,
    /// The last response, if it is not among the others because its command
    /// asked for none.
    last: Option<[u8; 2]>,
    /// What ended the script besides a command.
    ended_by: Option<(Tag, u8)>,
}

/// Executes the commands of a template and answers with one.
pub(super) fn run(commands: &[u8], script: Script<'_>) -> Vec<u8> {
    let mut run = Run {
        script,
        executed: 0,
        responses: Writer::new(),
        written: 0,
        last: None,
        ended_by: None,
    };
    match Tlv::parse(commands) {
        Ok(template) => run.all(template.reader()),
        Err(error) => run.ended_by = Some((BAD_FORMAT, bad_length(error.kind))),
    }
    run.finish(commands.first() == Some(&INDEFINITE))
}

fn bad_length(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::Truncated => WRONG,
        _ => LENGTH_NOT_FOUND,
    }
}

impl Run<'_> {
    fn all(&mut self, mut reader: Reader<'_>) {
        while !reader.is_empty() {
            let object = match reader.tlv() {
                Ok(object) => object,
                Err(error) => {
                    self.ended_by = Some((BAD_FORMAT, bad_length(error.kind)));
                    return;
                }
            };
            let goes_on = match object.tag.get() {
                tag if tag & !COMPREHENSION == C_APDU => self.command(object.value),
                // There is no proactive session that could be ended.
                ERROR_ACTION => true,
                IMMEDIATE_ACTION => self.end((IMMEDIATE_ACTION_RESPONSE, SUSPENSION_ERROR)),
                SCRIPT_CHAINING => self.end((SCRIPT_CHAINING_RESPONSE, CHAINING_NOT_SUPPORTED)),
                _ => self.end((BAD_FORMAT, UNKNOWN_TAG)),
            };
            if !goes_on {
                return;
            }
        }
    }

    fn end(&mut self, by: (Tag, u8)) -> bool {
        self.ended_by = Some(by);
        false
    }

    /// Executes a C-APDU; gives whether the script goes on.
    fn command(&mut self, apdu: &[u8]) -> bool {
        if self.executed == MAX_COMMANDS {
            return self.respond(Vec::new(), TOO_MANY);
        }
        self.executed += 1;
        let Some(asks_for_data) = asks_for_data(apdu) else {
            return self.respond(Vec::new(), WRONG_LENGTH);
        };
        if !asks_for_data {
            let (_, status) = split((self.script.execute)(apdu));
            self.last = Some(status);
            return goes_on(status);
        }
        let (data, status) = self.fetch(apdu);
        self.respond(data, status)
    }

    /// Executes a command that asks for data as a terminal with T=0 does.
    fn fetch(&mut self, apdu: &[u8]) -> (Vec<u8>, [u8; 2]) {
        let (mut data, mut status) = split((self.script.execute)(apdu));
        for _ in 0..MAX_FETCHES {
            let more = match (status, apdu) {
                ([0x61, length], _) => (self.script.execute)(&[0x00, 0xC0, 0, 0, length]),
                ([0x6C, length], [head @ .., _]) => {
                    let exact = [head, &[length]].concat();
                    (self.script.execute)(&exact)
                }
                _ => break,
            };
            let (octets, next) = split(more);
            data.extend(octets);
            status = next;
        }
        (data, status)
    }

    /// Adds an R-APDU, cut if it does not fit; gives whether the script goes on.
    fn respond(&mut self, mut data: Vec<u8>, mut status: [u8; 2]) -> bool {
        // Tag, length of three octets, status word.
        let room = self.script.room.saturating_sub(self.written + FRAME + 6);
        if data.len() > room {
            data.truncate(room);
            status = TRUNCATED;
        }
        data.extend(status);
        self.written += data.len() + 4;
        self.responses.primitive(R_APDU, &data);
        self.last = None;
        goes_on(status)
    }

    fn finish(mut self, indefinite: bool) -> Vec<u8> {
        if let Some(status) = self.last {
            self.responses.primitive(R_APDU, &status);
        }
        if let Some((tag, code)) = self.ended_by {
            self.responses.primitive(tag, &[code]);
        }
        let responses = self.responses.into_bytes();
        if indefinite {
            return [&INDEFINITE_RESPONSE, responses.as_slice(), &[0, 0]].concat();
        }
        let mut out = Writer::new();
        out.constructed(RESPONSE, |out| {
            match u8::try_from(self.executed).unwrap_or(u8::MAX) {
                executed @ 0x80.. => out.primitive(EXECUTED, &[0, executed]),
                executed => out.primitive(EXECUTED, &[executed]),
            }
            out.raw(&responses);
        });
        out.into_bytes()
    }
}

/// Whether a command has Le; `None` if it is no command.
fn asks_for_data(apdu: &[u8]) -> Option<bool> {
    let [_, _, _, _, body @ ..] = apdu else {
        return None;
    };
    let [length, rest @ ..] = body else {
        return Some(false);
    };
    match rest.len().checked_sub(usize::from(*length)) {
        _ if rest.is_empty() => Some(true),
        Some(0) => Some(false),
        Some(1) => Some(true),
        _ => None,
    }
}

//! Scripts: commands in the compact and the expanded format, and what is
//! answered to them.

use rsp_asn1::{Reader, Tag, Tlv, Writer};

/// Command and Response Scripting template.
const COMMANDS: Tag = Tag::new(0xAA);
const RESPONSES: u8 = 0xAB;
const C_APDU: Tag = Tag::new(0x22);

const EXECUTED: u32 = 0x80;
const R_APDU: u32 = 0x23;
const BAD_FORMAT: u32 = 0x90;

/// P1 of STORE DATA: TLVs, and the last block of them.
const TLVS: u8 = 0x10;
const LAST_BLOCK: u8 = 0x80;
/// Octets that one STORE DATA carries.
const BLOCK: usize = 255;

/// Commands one after another, P3 in each.
pub fn compact(commands: &[Vec<u8>]) -> Vec<u8> {
    commands.concat()
}

/// Commands as TLVs in a template of definite length.
pub fn expanded(commands: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Writer::new();
    out.constructed(COMMANDS, |out| {
        for command in commands {
            out.primitive(C_APDU, command);
        }
    });
    out.into_bytes()
}

/// Data for a security domain in as many commands as they take, at most 256.
pub fn store_data(data: &[u8]) -> Vec<Vec<u8>> {
    let mut blocks = data.chunks(BLOCK).peekable();
    let mut commands = Vec::new();
    for number in 0..=u8::MAX {
        let Some(block) = blocks.next() else {
            break;
        };
        let last = if blocks.peek().is_none() {
            LAST_BLOCK
        } else {
            0
        };
        let mut command = vec![0x80, 0xE2, TLVS | last, number, block.len() as u8];
        command.extend(block);
        commands.push(command);
    }
    commands
}

/// What a card answers to a script.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScriptResponse {
    /// Commands that were executed.
    pub executed: usize,
    /// Data and status word of commands; of the last one at least, if there
    /// was one.
    pub responses: Vec<(Vec<u8>, u16)>,
    /// Why the card did not read on (ETSI TS 102 226 table 5.12).
    pub bad_format: Option<u8>,
}

/// The octets are no response to a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no response to a script")]
pub struct InvalidResponse;

impl ScriptResponse {
    /// Reads a response in either format.
    ///
    /// # Errors
    /// If it is none.
    pub fn read(octets: &[u8]) -> Result<ScriptResponse, InvalidResponse> {
        match octets {
            [RESPONSES, ..] => Self::of_template(octets).ok_or(InvalidResponse),
            [executed, high, low, data @ ..] => Ok(ScriptResponse {
                executed: usize::from(*executed),
                responses: vec![(data.to_vec(), u16::from_be_bytes([*high, *low]))],
                bad_format: None,
            }),
            _ => Err(InvalidResponse),
        }
    }

    fn of_template(octets: &[u8]) -> Option<ScriptResponse> {
        let template = Tlv::parse(octets).ok()?;
        let mut reader: Reader<'_> = template.reader();
        let mut response = ScriptResponse::default();
        while !reader.is_empty() {
            let object = reader.tlv().ok()?;
            match (object.tag.get(), object.value) {
                (EXECUTED, [executed] | [0, executed]) => {
                    response.executed = usize::from(*executed);
                }
                (R_APDU, [data @ .., high, low]) => {
                    let status = u16::from_be_bytes([*high, *low]);
                    response.responses.push((data.to_vec(), status));
                }
                (BAD_FORMAT, [code]) => response.bad_format = Some(*code),
                _ => return None,
            }
        }
        Some(response)
    }

    /// Data and status word of the last command that was answered.
    pub fn last(&self) -> Option<(&[u8], u16)> {
        let last = self.responses.last();
        last.map(|(data, status)| (data.as_slice(), *status))
    }
}

//! Remote File Management (ETSI TS 102 226 7): files of the profile with the
//! rights that PE-RFM gives.

use alloc::vec::Vec;

use rsp_asn1::saip::Rfm;

use super::script::{self, Script};
use crate::apdu::Status;
use crate::personalisation::Environment;
use crate::uicc::{AccessDomain, ChangedFiles, Uicc};

/// Instructions of a script (TS 102 226 table 7.1), as far as this card has
/// them: files and PINs, and no authentication.
const COMMANDS: [u8; 17] = [
    0x04, 0x20, 0x24, 0x26, 0x28, 0x2C, 0x32, 0x44, 0xA2, 0xA4, 0xB0, 0xB2, 0xC0, 0xCB, 0xD6, 0xDB,
    0xDC,
];
/// READ BINARY, READ RECORD and GET RESPONSE have Le as P3.
const OUTGOING: [u8; 3] = [0xB0, 0xB2, 0xC0];

/// Executes a script on files; gives the response, and which files changed.
pub(super) fn run(
    uicc: &mut Uicc,
    rfm: &Rfm,
    commands: &[u8],
    room: usize,
    env: &mut Environment<'_>,
) -> (Vec<u8>, ChangedFiles) {
    let adf = rfm.adf_rfm_access.as_ref();
    let access = AccessDomain {
        uicc: &rfm.uicc_access_domain,
        adf: adf.map(|adf| (adf.adf_aid.as_slice(), adf.adf_access_domain.as_slice())),
    };
    let response = uicc.remotely(&access, |files| {
        let mut execute = |apdu: &[u8]| match apdu.get(1) {
            Some(instruction) if COMMANDS.contains(instruction) => files.transmit(apdu, env),
            _ => Status::INS_NOT_SUPPORTED.response(),
        };
        let script = Script {
            outgoing: &OUTGOING,
            room,
            execute: &mut execute,
        };
        script::run(commands, script)
    });
    response.unwrap_or_default()
}

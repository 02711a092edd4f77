//! Remote Application Management (ETSI TS 102 226 8) on the MNO-SD, as far as
//! it goes where no application runs: what is there, and personalisation, by
//! which ES6.UpdateMetadata comes (SGP.22 5.4).

use alloc::vec::Vec;

use rsp_asn1::saip::{ApplicationInstance, ProfileElement, SecurityDomain};
use rsp_asn1::{Tag, Writer};

use super::receive::Target;
use super::script::{self, Script};
use super::update_metadata;
use crate::apdu::{Command, Status};
use crate::state::PROFILE_ISDP_AID;

const GET_DATA: u8 = 0xCA;
const GET_STATUS: u8 = 0xF2;
const INSTALL: u8 = 0xE6;
const STORE_DATA: u8 = 0xE2;
/// Instructions whose P3 is Le in the compact format.
const OUTGOING: [u8; 1] = [GET_DATA];

/// P1 of INSTALL.
const FOR_PERSONALIZATION: u8 = 0x20;
/// P1 of STORE DATA: the last block, and data that are encrypted again.
const LAST_BLOCK: u8 = 0x80;
const ENCRYPTED: u8 = 0x60;
/// Octets of one chain of STORE DATA.
const MAX_DATA: usize = 4 * 1024;

/// P1 of GET STATUS: the domain itself, applications; P2: as TLVs.
const DOMAIN: u8 = 0x80;
const APPLICATIONS: u8 = 0x40;
const AS_TLV: u8 = 0x02;

/// P1 and P2 of GET DATA.
const CARD_DATA: [u8; 2] = [0x00, 0x66];
const KEY_INFORMATION: [u8; 2] = [0x00, 0xE0];
const EXTENDED_CARD_RESOURCES: [u8; 2] = [0xFF, 0x21];
/// DGI of the card recognition data among those of the domain.
const DGI_CARD_DATA: [u8; 2] = [0x00, 0x70];

/// A script under way.
struct Session<'a, 'b> {
    target: &'a mut Target<'b>,
    domain: &'a SecurityDomain,
    /// STORE DATA so far, and the number of its next block.
    data: Vec<u8>,
    next: u8,
}

/// Executes a script on the MNO-SD; gives the response.
pub(super) fn run(
    target: &mut Target<'_>,
    domain: &SecurityDomain,
    commands: &[u8],
    room: usize,
) -> Vec<u8> {
    let mut session = Session {
        target,
        domain,
        data: Vec::new(),
        next: 0,
    };
    let mut execute = |apdu: &[u8]| {
        let response = Command::parse(apdu).and_then(|command| session.execute(&command));
        response.map_or_else(Status::response, |data| Status::OK.after(data))
    };
    let script = Script {
        outgoing: &OUTGOING,
        room,
        execute: &mut execute,
    };
    script::run(commands, script)
}

impl Session<'_, '_> {
    fn execute(&mut self, command: &Command<'_>) -> Result<Vec<u8>, Status> {
        if !command.proprietary {
            return Err(Status::CLASS_NOT_SUPPORTED);
        }
        match command.ins {
            GET_DATA => self.get_data([command.p1, command.p2]),
            GET_STATUS => self.get_status(command),
            INSTALL => self.install(command),
            STORE_DATA => self.store_data(command),
            _ => Err(Status::INS_NOT_SUPPORTED),
        }
    }

    /// INSTALL [for personalization] of the ISD-P that the profile is in, by
    /// its AID or by the one that stands for it.
    fn install(&mut self, command: &Command<'_>) -> Result<Vec<u8>, Status> {
        if (command.p1, command.p2) != (FOR_PERSONALIZATION, 0) {
            return Err(Status::INCORRECT_P1_P2);
        }
        let [0, 0, length, rest @ ..] = command.data else {
            return Err(Status::INCORRECT_DATA);
        };
        match rest.split_at_checked(usize::from(*length)) {
            Some((aid, [0, 0, 0])) => {
                let known = aid == self.target.profile.aid || aid == PROFILE_ISDP_AID;
                known.then(Vec::new).ok_or(Status::REFERENCE_NOT_FOUND)
            }
            _ => Err(Status::INCORRECT_DATA),
        }
    }

    /// STORE DATA; with the last block, what the data ask for.
    fn store_data(&mut self, command: &Command<'_>) -> Result<Vec<u8>, Status> {
        if command.p2 == 0 {
            (self.data, self.next) = (Vec::new(), 0);
        }
        if command.p2 != self.next || command.p1 & ENCRYPTED != 0 {
            return Err(Status::INCORRECT_P1_P2);
        }
        if self.data.len() + command.data.len() > MAX_DATA {
            return Err(Status::NOT_ENOUGH_MEMORY);
        }
        self.data.extend_from_slice(command.data);
        if command.p1 & LAST_BLOCK == 0 {
            self.next = self.next.wrapping_add(1);
            return Ok(Vec::new());
        }
        self.next = 0;
        let data = core::mem::take(&mut self.data);
        update_metadata::update_metadata(self.target, &data)?;
        Ok(Vec::new())
    }

    /// GET STATUS: security domains and instances, in one response.
    fn get_status(&self, command: &Command<'_>) -> Result<Vec<u8>, Status> {
        if command.p2 != AS_TLV {
            return Err(Status::INCORRECT_P1_P2);
        }
        let [0x4F, length, wanted @ ..] = command.data else {
            return Err(Status::INCORRECT_DATA);
        };
        if usize::from(*length) > wanted.len() {
            return Err(Status::INCORRECT_DATA);
        }
        let wanted = wanted.get(..usize::from(*length)).unwrap_or_default();
        let instances = match command.p1 {
            DOMAIN => Vec::from([self.domain.instance.clone()]),
            APPLICATIONS => self.applications(),
            _ => return Err(Status::INCORRECT_P1_P2),
        };
        let mut out = Writer::new();
        for instance in instances {
            if instance.instance_aid.starts_with(wanted) {
                out.constructed(Tag::new(0xE3), |out| entry(&instance, out));
            }
        }
        let out = out.into_bytes();
        match out.is_empty() {
            true => Err(Status::REFERENCE_NOT_FOUND),
            false => Ok(out),
        }
    }

    /// Further security domains, and applications.
    fn applications(&self) -> Vec<ApplicationInstance> {
        let uicc = &self.target.profile.uicc;
        let elements = uicc.remote_elements();
        let domains = elements.into_iter().filter_map(|element| match element {
            ProfileElement::SecurityDomain(domain) => Some(domain.instance),
            _ => None,
        });
        domains
            .skip(1)
            .chain(uicc.application_instances())
            .collect()
    }

    fn get_data(&self, object: [u8; 2]) -> Result<Vec<u8>, Status> {
        match object {
            CARD_DATA => self.card_data().ok_or(Status::REFERENCE_NOT_FOUND),
            KEY_INFORMATION => Ok(self.key_information()),
            EXTENDED_CARD_RESOURCES => Ok(self.resources()),
            _ => Err(Status::REFERENCE_NOT_FOUND),
        }
    }

    /// The card recognition data that the package gave the domain.
    fn card_data(&self) -> Option<Vec<u8>> {
        let mut data = self.domain.sd_perso_data.iter().flatten();
        data.find_map(|dgi| match dgi.as_slice() {
            [high, low, length, value @ ..] if [*high, *low] == DGI_CARD_DATA => {
                (usize::from(*length) == value.len()).then(|| value.to_vec())
            }
            _ => None,
        })
    }

    /// Identifier, version, type and length of each key (GPCS 11.3.3.1).
    fn key_information(&self) -> Vec<u8> {
        let mut out = Writer::new();
        out.constructed(Tag::new(0xE0), |out| {
            for key in self.domain.key_list.iter().flatten() {
                let mut entry = [key.key_identifier, key.key_version_number].concat();
                for component in &key.key_components {
                    let length = component.key_data.0.len();
                    entry.extend_from_slice(&component.key_type);
                    entry.push(u8::try_from(length).unwrap_or(u8::MAX));
                }
                out.primitive(Tag::new(0xC0), &entry);
            }
        });
        out.into_bytes()
    }

    /// Applications, and memory left (ETSI TS 102 226 8.2.1.7.2).
    fn resources(&self) -> Vec<u8> {
        let applications = u8::try_from(self.applications().len()).unwrap_or(u8::MAX);
        let free = u32::try_from(self.target.free_memory).unwrap_or(u32::MAX);
        let mut out = Writer::new();
        out.constructed(Tag::new(0xFF21), |out| {
            out.primitive(Tag::new(0x81), &[applications]);
            out.primitive(Tag::new(0x82), &free.to_be_bytes());
            out.primitive(Tag::new(0x83), &[0, 0]);
        });
        out.into_bytes()
    }
}

/// AID, life cycle state and privileges of an instance (GPCS table 11-36).
fn entry(instance: &ApplicationInstance, out: &mut Writer) {
    out.primitive(Tag::new(0x4F), &instance.instance_aid);
    out.primitive(Tag::new(0x9F70), &instance.life_cycle_state);
    out.primitive(Tag::new(0xC5), &instance.application_privileges);
}

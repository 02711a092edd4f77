//! ES10b.eUICCMemoryReset (SGP.32 5.9.5).

use alloc::vec::Vec;

use rsp_asn1::ids::Iccid;
use rsp_asn1::rsp::{PROFILE_CLASS_OPERATIONAL, PROFILE_CLASS_PROVISIONING, PROFILE_CLASS_TEST};
use rsp_asn1::{BitString, Tag, Tagged, Tlv, Writer};

use crate::apdu::Status;
use crate::isdr::Isdr;
use crate::personalisation::Environment;
use crate::state::{Profile, ProfileEvent};
use crate::switch::Switch;

const MEMORY_RESET: Tag = Tag::new(0xBF64);
const OPTIONS: Tag = Tag::new(0x82);

/// Bits of resetOptions.
const OPERATIONAL: u8 = 0;
const FIELD_LOADED_TEST: u8 = 1;
const DEFAULT_SMDP: u8 = 2;
const PRE_LOADED_TEST: u8 = 3;
const PROVISIONING: u8 = 4;
const EIM_CONFIGURATION: u8 = 5;
const IMMEDIATE_ENABLE: u8 = 6;

const OK: i64 = 0;
const NOTHING_TO_DELETE: i64 = 1;
/// Of the configuration for immediate enabling, which this card has not.
const NOT_SUPPORTED: i64 = 1;

/// Deletes what the options name, policy rules notwithstanding. Profiles go
/// when the host has read the response.
pub(crate) fn euicc_memory_reset(
    isdr: &mut Isdr,
    command: &[u8],
    _env: &mut Environment<'_>,
) -> Result<Vec<u8>, Status> {
    let options = options(command).ok_or(Status::INCORRECT_DATA)?;
    let profiles = isdr.state.profiles.iter();
    let events: Vec<(Iccid, ProfileEvent)> = profiles
        .filter(|profile| concerns(&options, profile))
        .map(|profile| (*profile.iccid(), ProfileEvent::Delete))
        .collect();
    let has_address = options.bit(DEFAULT_SMDP) && isdr.state.default_dp_address.is_some();
    let result = match events.is_empty() && !has_address {
        true => NOTHING_TO_DELETE,
        false => OK,
    };
    let number = isdr.state.notifications.next_number();
    let switch = Switch::prepare(isdr, events, number)?;
    // From here on nothing fails.
    if has_address {
        isdr.state.default_dp_address = None;
    }
    let eims = options.bit(EIM_CONFIGURATION).then(|| {
        match core::mem::take(&mut isdr.state.eims).is_empty() {
            true => NOTHING_TO_DELETE,
            false => OK,
        }
    });
    isdr.state.rollback = None;
    isdr.pending = Some(switch);
    let mut out = Writer::new();
    out.constructed(MEMORY_RESET, |out| {
        result.encode_under(Tag::new(0x80), out);
        if let Some(eims) = eims {
            eims.encode_under(Tag::new(0x81), out);
        }
        if options.bit(IMMEDIATE_ENABLE) {
            NOT_SUPPORTED.encode_under(Tag::new(0x82), out);
        }
    });
    Ok(out.into_bytes())
}

fn options(command: &[u8]) -> Option<BitString> {
    let options = Tlv::parse(command).ok()?.reader().tlv().ok()?;
    let is_it = options.tag == OPTIONS;
    is_it.then(|| BitString::decode_value(&options).ok())?
}

fn concerns(options: &BitString, profile: &Profile) -> bool {
    let bit = match (profile.metadata.profile_class, profile.preloaded) {
        (PROFILE_CLASS_OPERATIONAL, _) => OPERATIONAL,
        (PROFILE_CLASS_PROVISIONING, _) => PROVISIONING,
        (PROFILE_CLASS_TEST, true) => PRE_LOADED_TEST,
        _ => FIELD_LOADED_TEST,
    };
    options.bit(bit)
}

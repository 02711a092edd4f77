//! Which eUICC needs a stand-in: one that does not call itself an eUICC for IoT
//! when its ISD-R is selected (SGP.32 5.9.1) and that refuses a function that
//! each of those has.

use core::cell::RefCell;

use rsp_asn1::ids::Eid;
use rsp_asn1::sgp32::{GetEimConfigurationDataRequest, GetEimConfigurationDataResponse};
use rsp_asn1::{Asn1, Extensions};

use super::StandIn;
use crate::ipa::channel::Channel;
use crate::ipa::memory::Memory;
use crate::ipa::port::Port;
use crate::ipa::{Config, IpaError};

/// Puts a stand-in before the eUICC, if it needs one and it may have one. What
/// was cut off in a former round is brought to an end first.
///
/// # Errors
/// If what was kept for the eUICC is lost, or cannot be kept.
pub(in crate::ipa) async fn stand_in<'a>(
    channel: &mut Channel<'a>,
    port: &'a Port,
    config: &'a Config,
    memory: &'a Memory,
    eid: Eid,
) -> Result<(), IpaError> {
    let Some(settings) = &config.emulation else {
        return Ok(());
    };
    let is_known = memory.emulated(eid).is_some();
    if channel.is_iot() || !is_known && knows_eims(channel).await? {
        return Ok(());
    }
    if memory.is_damaged() {
        return Err(IpaError::Emulation(
            "is lost: the memory cannot be read, and without it old packages would be taken again",
        ));
    }
    let stand_in = StandIn {
        port,
        memory,
        settings,
        eid,
        installed: RefCell::new(None),
    };
    match is_known {
        true => stand_in.finish(channel).await?,
        false if memory.has_room() => stand_in.add_initial_eims().await?,
        false => {
            return Err(IpaError::Emulation(
                "has no room: too many eUICCs were here",
            ));
        }
    }
    channel.stand_in = Some(stand_in);
    Ok(())
}

/// ES10b.GetEimConfigurationData, which an eUICC without eIMs answers, too.
async fn knows_eims(channel: &Channel<'_>) -> Result<bool, IpaError> {
    let request = GetEimConfigurationDataRequest {
        search_criteria: None,
        extensions: Extensions::default(),
    };
    let command = "GetEimConfigurationData";
    match channel.transmit(command, &request.to_der()).await {
        Ok(answer) => Ok(GetEimConfigurationDataResponse::from_der(&answer).is_ok()),
        Err(error) if is_refused(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether an eUICC says that it has no such function: each has its own word
/// for it. That conditions are not satisfied just now is another thing.
pub(in crate::ipa) fn is_refused(error: &IpaError) -> bool {
    match error {
        IpaError::StatusWord { status, .. } => {
            matches!(status, 0x6A80 | 0x6A81 | 0x6A86 | 0x6A88 | 0x6D00 | 0x6E00)
        }
        IpaError::CardAnswer { .. } => true,
        _ => false,
    }
}

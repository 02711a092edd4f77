//! ES10b.ProfileRollback (SGP.32 3.3.2, 5.9.16).

use alloc::vec::Vec;

use rsp_asn1::ids::Iccid;
use rsp_asn1::sgp32::{EuiccResultData, RollbackProfileResult};
use rsp_asn1::{Asn1, Tag, Tagged, Tlv, Writer};

use crate::apdu::Status;
use crate::isdr::Isdr;
use crate::package;
use crate::personalisation::Environment;
use crate::state::ProfileEvent;
use crate::switch::Switch;

const PROFILE_ROLLBACK: Tag = Tag::new(0xBF58);
/// refreshFlag, automatically tagged, or as some hosts send it.
const REFRESH_FLAG: [Tag; 2] = [Tag::new(0x80), Tag::new(0x01)];

const OK: i64 = 0;
const ROLLBACK_NOT_ALLOWED: i64 = 1;
const COMMAND_ERROR: i64 = 7;

/// Returns to the profile that was enabled before, once, if the package that
/// enabled the present one allowed it. The new result takes the place of that
/// package's.
pub(crate) fn profile_rollback(
    isdr: &mut Isdr,
    command: &[u8],
    _env: &mut Environment<'_>,
) -> Result<Vec<u8>, Status> {
    if !has_refresh_flag(command) {
        return Ok(response(COMMAND_ERROR, None));
    }
    let Some(granted) = isdr.state.rollback.take() else {
        return Ok(response(ROLLBACK_NOT_ALLOWED, None));
    };
    let Some(events) = events(isdr, &granted.to) else {
        return Ok(response(ROLLBACK_NOT_ALLOWED, None));
    };
    let number = isdr.state.notifications.next_number();
    let results = alloc::vec![EuiccResultData::RollbackResult(RollbackProfileResult::OK)];
    let signed = package::signed_result(isdr, &granted.package, number, results);
    let switch = Switch::prepare(isdr, events, number + 1);
    let (result, switch) = match signed.and_then(|result| Ok((result, switch?))) {
        Ok(prepared) => prepared,
        Err(status) => {
            isdr.state.rollback = Some(granted);
            return Err(status);
        }
    };
    isdr.state.notifications.remove(granted.result);
    package::store(isdr, &result);
    isdr.pending = Some(switch);
    Ok(response(OK, Some(&result.to_der())))
}

/// Back from the enabled profile; `None` if there is nothing to return to.
fn events(isdr: &Isdr, to: &Iccid) -> Option<Vec<(Iccid, ProfileEvent)>> {
    let from = *isdr.state.enabled()?.iccid();
    isdr.state.profile(to)?;
    let disable = (from, ProfileEvent::Disable);
    Some(alloc::vec![disable, (*to, ProfileEvent::Enable)])
}

fn has_refresh_flag(command: &[u8]) -> bool {
    let flag = Tlv::parse(command).and_then(|tlv| tlv.reader().tlv());
    flag.is_ok_and(|flag| REFRESH_FLAG.contains(&flag.tag) && flag.value.len() == 1)
}

/// cmdResult has its universal tag: its neighbour's tag is written by hand in
/// the module.
fn response(code: i64, result: Option<&[u8]>) -> Vec<u8> {
    let mut out = Writer::new();
    out.constructed(PROFILE_ROLLBACK, |out| {
        code.encode_under(Tag::INTEGER, out);
        out.raw(result.unwrap_or_default());
    });
    out.into_bytes()
}

//! ES10b.ProfileRollback (SGP.32 3.3.2, 5.9.16).

use alloc::vec::Vec;

use rsp_asn1::Asn1;
use rsp_asn1::ids::Iccid;
use rsp_asn1::sgp32::{
    EuiccPackageResult, EuiccResultData, ProfileRollbackCmdResult, ProfileRollbackRequest,
    ProfileRollbackResponse, RollbackProfileResult,
};

use crate::apdu::Status;
use crate::isdr::Isdr;
use crate::package;
use crate::personalisation::Environment;
use crate::state::ProfileEvent;

/// Returns to the profile that was enabled before, once, if the package that
/// enabled the present one allowed it. The new result takes the place of that
/// package's.
pub(crate) fn profile_rollback(
    isdr: &mut Isdr,
    command: &[u8],
    _env: &mut Environment<'_>,
) -> Result<Vec<u8>, Status> {
    let Ok(request) = ProfileRollbackRequest::from_der(command) else {
        return Ok(response(ProfileRollbackCmdResult::COMMAND_ERROR, None));
    };
    if isdr.toolkit.refresh_pending() {
        return Ok(response(ProfileRollbackCmdResult::CAT_BUSY, None));
    }
    let Some(granted) = isdr.state.rollback.take() else {
        return Ok(response(
            ProfileRollbackCmdResult::ROLLBACK_NOT_ALLOWED,
            None,
        ));
    };
    let Some(events) = events(isdr, &granted.to) else {
        return Ok(response(
            ProfileRollbackCmdResult::ROLLBACK_NOT_ALLOWED,
            None,
        ));
    };
    let number = isdr.state.notifications.next_number();
    let results = alloc::vec![EuiccResultData::RollbackResult(RollbackProfileResult::OK)];
    let signed = package::signed_result(isdr, &granted.package, number, results);
    let switch = isdr.prepare_switch(events, request.refresh_flag, number + 1);
    let (result, switch) = match signed.and_then(|result| Ok((result, switch?))) {
        Ok(prepared) => prepared,
        Err(status) => {
            isdr.state.rollback = Some(granted);
            return Err(status);
        }
    };
    isdr.state.notifications.remove(granted.result);
    package::store(isdr, &result);
    if let Some(record) = &mut isdr.record {
        record.rolled_back(&granted.package);
    }
    isdr.order(switch, request.refresh_flag);
    Ok(response(ProfileRollbackCmdResult::OK, Some(result)))
}

/// Back from the enabled profile; `None` if there is nothing to return to.
fn events(isdr: &Isdr, to: &Iccid) -> Option<Vec<(Iccid, ProfileEvent)>> {
    let from = *isdr.state.enabled()?.iccid();
    isdr.state.profile(to)?;
    let disable = (from, ProfileEvent::Disable);
    Some(alloc::vec![disable, (*to, ProfileEvent::Enable)])
}

fn response(
    cmd_result: ProfileRollbackCmdResult,
    euicc_package_result: Option<EuiccPackageResult>,
) -> Vec<u8> {
    let response = ProfileRollbackResponse {
        cmd_result,
        euicc_package_result,
        extensions: Default::default(),
    };
    response.to_der()
}

//! Packages and their results with one eIM (SGP.32 3.1.1.1, 3.3.1).

use alloc::vec::Vec;

use rsp_asn1::sgp32::{
    EimPackageResult, EprAndNotifications, EsipaMessageFromEimToIpa, EsipaMessageFromIpaToEim,
    EuiccPackageResult, GetEimPackageRequest, GetEimPackageResponse, ProfileDownloadError,
    ProfileDownloadErrorReason, ProfileDownloadTriggerRequest, ProfileDownloadTriggerResult,
    ProfileDownloadTriggerResultData, ProvideEimPackageResult, ProvideEimPackageResultResponse,
};
use rsp_asn1::{Asn1, Signed};

use super::euicc_data;
use crate::isdr::Isdr;
use crate::notification_store::Entry;
use crate::package;
use crate::personalisation::Environment;

/// What an eIM is expected to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Awaited {
    Package,
    /// Of the result with this number, if it has one.
    Acknowledgement(Option<i64>),
}

/// What follows a reply.
pub(super) enum Next {
    /// Nothing with this eIM.
    Over,
    /// Whatever waits, or the next package.
    GoOn,
    /// This message, which waits nowhere.
    Send(Vec<u8>),
}

/// A result that waits for this eIM and that it has not been given, or the
/// question for a package.
pub(super) fn next_request(
    isdr: &mut Isdr,
    eim: usize,
    given: &[i64],
) -> Option<(Awaited, Vec<u8>)> {
    let id = isdr.state.eims.get(eim)?.id().as_str();
    let store = &isdr.state.notifications;
    let waiting = store
        .entries()
        .iter()
        .find_map(|(number, entry)| match entry {
            Entry::PackageResult(result) if result.eim_id() == id && !given.contains(number) => {
                Some((*number, result.clone()))
            }
            _ => None,
        });
    let Some((number, result)) = waiting else {
        let request = EsipaMessageFromIpaToEim::GetEimPackageRequest(GetEimPackageRequest {
            eid_value: isdr.ecasd.eid,
            notify_state_change: None,
            state_change_cause: None,
            r_plmn: None,
            extensions: Default::default(),
        });
        return Some((Awaited::Package, request.to_der()));
    };
    let notifications: Vec<_> = store.notifications(None).cloned().collect();
    let result = Signed::new(result);
    let result = match notifications.is_empty() {
        true => EimPackageResult::EuiccPackageResult(result),
        false => EimPackageResult::EprAndNotifications(EprAndNotifications {
            euicc_package_result: result,
            notification_list: notifications,
            extensions: Default::default(),
        }),
    };
    Some((
        Awaited::Acknowledgement(Some(number)),
        provide(isdr, result),
    ))
}

/// ProvideEimPackageResult.
fn provide(isdr: &Isdr, result: EimPackageResult) -> Vec<u8> {
    let message = ProvideEimPackageResult {
        eid_value: Some(isdr.ecasd.eid),
        eim_package_result: result,
        extensions: Default::default(),
    };
    EsipaMessageFromIpaToEim::ProvideEimPackageResult(message).to_der()
}

/// What an eIM answered.
pub(super) fn reply(
    isdr: &mut Isdr,
    eim: usize,
    awaited: &Awaited,
    body: &[u8],
    env: &mut Environment<'_>,
) -> Next {
    use EsipaMessageFromEimToIpa as Message;
    match (awaited, Message::from_der(body)) {
        (Awaited::Package, Ok(Message::GetEimPackageResponse(response))) => {
            carry_out(isdr, eim, response, env)
        }
        (Awaited::Acknowledgement(_), Ok(Message::ProvideEimPackageResultResponse(response))) => {
            if let ProvideEimPackageResultResponse::EimAcknowledgements(numbers) = response {
                acknowledged(isdr, eim, &numbers.0);
            }
            Next::GoOn
        }
        _ => Next::Over,
    }
}

/// What an eIM has got, except what is for another one.
fn acknowledged(isdr: &mut Isdr, eim: usize, numbers: &[i64]) {
    let Some(eim) = isdr.state.eims.get(eim) else {
        return;
    };
    let id = eim.id().as_str();
    let store = &mut isdr.state.notifications;
    for number in numbers {
        let of_another = match store.get(*number) {
            Some(Entry::PackageResult(result)) => result.eim_id() != id,
            _ => false,
        };
        if !of_another {
            store.remove(*number);
        }
    }
}

fn carry_out(
    isdr: &mut Isdr,
    eim: usize,
    response: GetEimPackageResponse,
    env: &mut Environment<'_>,
) -> Next {
    match response {
        GetEimPackageResponse::EuiccPackageRequest(package) => {
            let Ok(answer) = package::load_euicc_package(isdr, package.as_bytes(), env) else {
                return Next::Over;
            };
            if let Some(switch) = isdr.pending.take() {
                isdr.order(switch, true);
            }
            match EuiccPackageResult::from_der(&answer) {
                // It waits, and is the next to be delivered.
                Ok(EuiccPackageResult::Signed(_)) => Next::GoOn,
                Ok(error) => {
                    let result = EimPackageResult::EuiccPackageResult(Signed::new(error));
                    Next::Send(provide(isdr, result))
                }
                Err(_) => Next::Over,
            }
        }
        GetEimPackageResponse::IpaEuiccDataRequest(request) => {
            let response = euicc_data::collect(isdr, eim, &request);
            let result = EimPackageResult::IpaEuiccDataResponse(response);
            Next::Send(provide(isdr, result))
        }
        GetEimPackageResponse::ProfileDownloadTriggerRequest(trigger) => {
            let result = EimPackageResult::ProfileDownloadTriggerResult(no_download(&trigger));
            Next::Send(provide(isdr, result))
        }
        GetEimPackageResponse::EimPackageError(_) => Next::Over,
    }
}

/// This IPA downloads nothing.
fn no_download(trigger: &ProfileDownloadTriggerRequest) -> ProfileDownloadTriggerResult {
    let error = ProfileDownloadError {
        profile_download_error_reason: ProfileDownloadErrorReason::UNDEFINED_ERROR,
        error_response: None,
        extensions: Default::default(),
    };
    ProfileDownloadTriggerResult {
        eim_transaction_id: trigger.eim_transaction_id.clone(),
        profile_download_trigger_result_data:
            ProfileDownloadTriggerResultData::ProfileDownloadError(error),
        extensions: Default::default(),
    }
}

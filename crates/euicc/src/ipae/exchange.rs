//! Packages and their results with one eIM (SGP.32 3.1.1.1, 3.3.1).

use alloc::string::String;
use alloc::vec::Vec;

use rsp_asn1::sgp32::{
    EimPackageResult, EprAndNotifications, EsipaMessageFromEimToIpa, EsipaMessageFromIpaToEim,
    EuiccPackageResult, GetEimPackageRequest, GetEimPackageResponse, ProvideEimPackageResult,
    ProvideEimPackageResultResponse,
};
use rsp_asn1::{Asn1, Signed};

use super::connection::Awaited;
use super::http::Message;
use super::{download, euicc_data, notifications, report};
use crate::isdr::Isdr;
use crate::notification_store::Entry;
use crate::package;
use crate::personalisation::Environment;

/// What follows a response.
pub(super) enum Next {
    /// Nothing with this server.
    Over,
    /// Whatever waits, or the next package.
    GoOn,
    /// This message, which waits nowhere.
    Send(Vec<u8>),
    /// This message of a download.
    Ask((Awaited, Message)),
}

/// eimId of the eIM at this place.
pub(super) fn id_of(isdr: &Isdr, eim: usize) -> Option<String> {
    Some(isdr.state.eims.get(eim)?.id().as_str().into())
}

/// What waits for this eIM and it has not been given, or the question for a
/// package.
pub(super) fn next_request(isdr: &Isdr, eim: usize, given: &[i64]) -> Option<(Awaited, Message)> {
    let id = id_of(isdr, eim)?;
    package_result(isdr, &id, given)
        .or_else(|| report::next(isdr, &id))
        .or_else(|| notifications::for_eim(isdr, given))
        .or_else(|| {
            let request = EsipaMessageFromIpaToEim::GetEimPackageRequest(GetEimPackageRequest {
                eid_value: isdr.ecasd.eid,
                notify_state_change: None,
                state_change_cause: None,
                r_plmn: None,
                extensions: Default::default(),
            });
            Some((Awaited::Package, Message::Esipa(request.to_der())))
        })
}

/// The oldest result of a package for this eIM, and what waits beside it.
fn package_result(isdr: &Isdr, id: &str, given: &[i64]) -> Option<(Awaited, Message)> {
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
    let (number, result) = waiting?;
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
    let message = Message::Esipa(provide(isdr, result));
    Some((Awaited::Acknowledgement(Some(number)), message))
}

/// ProvideEimPackageResult.
pub(super) fn provide(isdr: &Isdr, result: EimPackageResult) -> Vec<u8> {
    let message = ProvideEimPackageResult {
        eid_value: Some(isdr.ecasd.eid),
        eim_package_result: result,
        extensions: Default::default(),
    };
    EsipaMessageFromIpaToEim::ProvideEimPackageResult(message).to_der()
}

/// What an eIM answered to the question for a package.
pub(super) fn package(isdr: &mut Isdr, eim: usize, body: &[u8], env: &mut Environment<'_>) -> Next {
    match EsipaMessageFromEimToIpa::from_der(body) {
        Ok(EsipaMessageFromEimToIpa::GetEimPackageResponse(response)) => {
            carry_out(isdr, eim, response, env)
        }
        _ => Next::Over,
    }
}

/// What an eIM answered to a result.
pub(super) fn acknowledgement(isdr: &mut Isdr, eim: usize, body: &[u8]) -> Next {
    use EsipaMessageFromEimToIpa::ProvideEimPackageResultResponse as Response;
    let Ok(Response(response)) = EsipaMessageFromEimToIpa::from_der(body) else {
        return Next::Over;
    };
    if let ProvideEimPackageResultResponse::EimAcknowledgements(numbers) = response {
        acknowledged(isdr, eim, &numbers.0);
    }
    Next::GoOn
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
            download::triggered(isdr, eim, &trigger, env)
        }
        GetEimPackageResponse::EimPackageError(_) => Next::Over,
    }
}

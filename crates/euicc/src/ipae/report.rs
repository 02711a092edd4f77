//! The results of downloads, which wait until their eIM has them (SGP.32 3.2.3.1
//! step 13, 3.2.3.2). They outlast power.

use alloc::string::String;

use rsp_asn1::Asn1;
use rsp_asn1::rsp::PendingNotification;
use rsp_asn1::sgp32::{
    EimPackageResult, EsipaMessageFromEimToIpa, EsipaMessageFromIpaToEim, HandleNotificationEsipa,
    ImmediateEnableRequest, ProfileDownloadError, ProfileDownloadErrorReason,
    ProfileDownloadTriggerResult, ProfileDownloadTriggerResultData,
    ProvideEimPackageResultResponse,
};

use super::connection::Awaited;
use super::download::Download;
use super::exchange::provide;
use super::http::Message;
use crate::es10::immediate_enable;
use crate::isdr::Isdr;
use crate::personalisation::Environment;

/// Results that wait; beyond, the oldest gives way.
const MAX_OWED: usize = 8;

/// A result that an eIM has not taken.
#[derive(Clone, Debug)]
pub(crate) struct Owed {
    /// Identifier of the eIM.
    pub(crate) eim: String,
    /// Whether that eIM takes the installation result as a notification.
    pub(crate) relayed: bool,
    pub(crate) result: ProfileDownloadTriggerResult,
}

pub(super) fn undefined_error(why: &str) -> ProfileDownloadError {
    ProfileDownloadError {
        profile_download_error_reason: ProfileDownloadErrorReason::UNDEFINED_ERROR,
        error_response: (!why.is_empty()).then(|| why.as_bytes().to_vec()),
        extensions: Default::default(),
    }
}

/// Keeps the result of a download for its eIM.
pub(super) fn owe(isdr: &mut Isdr, download: &Download, data: ProfileDownloadTriggerResultData) {
    let owed = &mut isdr.state.owed;
    if owed.len() >= MAX_OWED {
        owed.remove(0);
    }
    owed.push(Owed {
        eim: download.eim().into(),
        relayed: download.is_relayed(),
        result: ProfileDownloadTriggerResult {
            eim_transaction_id: download.eim_transaction().cloned(),
            profile_download_trigger_result_data: data,
            extensions: Default::default(),
        },
    });
}

/// ES10b.ImmediateEnable after an installation through an eIM (SGP.32 3.2.3.2):
/// the card does it if it was configured to.
pub(super) fn immediate_enable(isdr: &mut Isdr, env: &mut Environment<'_>) {
    let request = ImmediateEnableRequest {
        refresh_flag: true,
        extensions: Default::default(),
    };
    // Whether it did shows in its profiles and notifications.
    let _ = immediate_enable::immediate_enable(isdr, &request.to_der(), env);
}

/// The oldest result for an eIM, as a message.
pub(super) fn next(isdr: &Isdr, eim: &str) -> Option<(Awaited, Message)> {
    let owed = isdr.state.owed.iter().find(|owed| owed.eim == eim)?;
    let message = match installed(owed) {
        Some(notification) => {
            let notification = HandleNotificationEsipa::PendingNotification(notification);
            EsipaMessageFromIpaToEim::HandleNotification(notification).to_der()
        }
        None => {
            let result = EimPackageResult::ProfileDownloadTriggerResult(owed.result.clone());
            provide(isdr, result)
        }
    };
    Some((Awaited::Settlement, Message::Esipa(message)))
}

/// The installation result of a relayed download: a notification for the eIM,
/// which has the SM-DP+ told.
fn installed(owed: &Owed) -> Option<PendingNotification> {
    match &owed.result.profile_download_trigger_result_data {
        ProfileDownloadTriggerResultData::ProfileInstallationResult(result) if owed.relayed => {
            let result = result.clone();
            Some(PendingNotification::ProfileInstallationResult(result))
        }
        _ => None,
    }
}

/// What an eIM answered to its oldest result; `false` if that was no answer.
/// One that it refuses, and would refuse for ever, gives way to saying that it
/// is not known how the download ended.
pub(super) fn answered(isdr: &mut Isdr, eim: &str, body: &[u8]) -> bool {
    use EsipaMessageFromEimToIpa::ProvideEimPackageResultResponse as Response;
    let owed = &mut isdr.state.owed;
    let Some(at) = owed.iter().position(|owed| owed.eim == eim) else {
        return false;
    };
    let Some(oldest) = owed.get_mut(at) else {
        return false;
    };
    if let Some(notification) = installed(oldest) {
        if body.is_empty() {
            let number = notification.seq_number();
            owed.remove(at);
            isdr.state.notifications.remove(number);
        }
        return body.is_empty();
    }
    match EsipaMessageFromEimToIpa::from_der(body) {
        Ok(Response(ProvideEimPackageResultResponse::Error(_))) => {
            use ProfileDownloadTriggerResultData as Data;
            let data = &mut oldest.result.profile_download_trigger_result_data;
            match data {
                Data::ProfileInstallationResult(_) => {
                    let error = undefined_error("the eIM refuses the installation result");
                    *data = Data::ProfileDownloadError(error);
                }
                Data::ProfileDownloadError(_) => drop(owed.remove(at)),
            }
            true
        }
        Ok(Response(_)) => {
            owed.remove(at);
            true
        }
        _ => false,
    }
}

//! ProfileDownloadTriggerRequest (SGP.32 2.11.1.3, 3.2.3): what is to be
//! downloaded, and which way.

use alloc::boxed::Box;
use alloc::string::String;

use rsp_asn1::sgp32::{
    EimPackageResult, EimPackageResultErrorCode, EimPackageResultResponseError,
    ProfileDownloadData, ProfileDownloadError, ProfileDownloadErrorReason,
    ProfileDownloadTriggerRequest, ProfileDownloadTriggerResultData,
};

use super::{Download, Step, Way};
use crate::ipae::activation_code::ActivationCode;
use crate::ipae::exchange::{Next, provide};
use crate::ipae::report;
use crate::isdr::Isdr;
use crate::personalisation::Environment;

/// Takes a trigger of an eIM. Through the eIM the download begins at once; for
/// the other way the channel has to be another.
pub(in crate::ipae) fn triggered(
    isdr: &mut Isdr,
    eim: usize,
    trigger: &ProfileDownloadTriggerRequest,
    env: &mut Environment<'_>,
) -> Next {
    let Some(known) = isdr.state.eims.get(eim) else {
        return Next::Over;
    };
    let relays = known.data.indirect_profile_download.is_some();
    let id = String::from(known.id().as_str());
    let Some(way) = code(isdr, trigger).and_then(|code| way(isdr, code, relays)) else {
        let error = EimPackageResultResponseError {
            eim_transaction_id: trigger.eim_transaction_id.clone(),
            eim_package_result_error_code: EimPackageResultErrorCode::INVALID_PACKAGE_FORMAT,
            extensions: Default::default(),
        };
        return Next::Send(provide(isdr, EimPackageResult::ResponseError(error)));
    };
    let download = Download {
        eim: id,
        eim_transaction: trigger.eim_transaction_id.clone(),
        way,
        step: Step::Wanted,
    };
    if isdr.state.mechanisms.emergency.is_some() {
        let error = ProfileDownloadError {
            profile_download_error_reason: ProfileDownloadErrorReason::ECALL_ACTIVE,
            ..report::undefined_error("")
        };
        let error = ProfileDownloadTriggerResultData::ProfileDownloadError(error);
        report::owe(isdr, &download, error);
        return Next::GoOn;
    }
    let relayed = download.is_relayed();
    isdr.ipae.download = Some(Box::new(download));
    match relayed {
        true => super::begin(isdr, env).map_or(Next::GoOn, Next::Ask),
        false => {
            // The eIM is told when it is done.
            isdr.ipae.next_eim = eim;
            Next::Over
        }
    }
}

/// The code, unless the eIM keeps it; `None` if there is nothing in the trigger
/// that the card can use.
fn code(isdr: &Isdr, trigger: &ProfileDownloadTriggerRequest) -> Option<Option<ActivationCode>> {
    match &trigger.profile_download_data {
        Some(ProfileDownloadData::ActivationCode(code)) => ActivationCode::read(code).map(Some),
        Some(ProfileDownloadData::ContactDefaultSmdp(_)) => {
            let address = isdr.state.default_dp_address.clone();
            let address = address.filter(|address| !address.is_empty())?;
            Some(Some(ActivationCode {
                address,
                matching_id: String::new(),
                oid: None,
            }))
        }
        // The card asks no SM-DS.
        Some(ProfileDownloadData::ContactSmds(_)) => None,
        None => Some(None),
    }
}

/// Through the eIM if its configuration says that it relays, or if the card has
/// no other way.
fn way(isdr: &Isdr, code: Option<ActivationCode>, relays: bool) -> Option<Way> {
    let settings = isdr.ecasd.ipae.as_ref()?;
    match code {
        Some(code) if settings.direct && !(settings.indirect && relays) => Some(Way::Direct(code)),
        code => settings.indirect.then_some(Way::Relayed(code)),
    }
}

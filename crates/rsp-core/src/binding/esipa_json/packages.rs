//! GetEimPackage, ProvideEimPackageResult and HandleNotification (SGP.32
//! 6.4.1.5 to 6.4.1.7).

use rsp_asn1::ids::{Eid, Plmn};
use rsp_asn1::rsp::PendingNotification;
use rsp_asn1::sgp32::{
    EimAcknowledgements, EimPackageError, EmptyResponse, EuiccPackageRequest, GetEimPackageRequest,
    GetEimPackageResponse, HandleNotificationEsipa, IpaEuiccDataRequest,
    ProfileDownloadTriggerRequest, ProvideEimPackageResult, ProvideEimPackageResultError,
    ProvideEimPackageResultResponse, StateChangeCause,
};
use rsp_asn1::{Asn1, Extensions, Null, Signed, Tag, Tagged, Tlv};
use serde::{Deserialize, Serialize};

use super::value::{Der, Octets, Raw, under};
use super::{Message, Outcome};
use crate::binding::BindingError;
use crate::binding::esipa::Function;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GetEimPackage {
    eid_value: Eid,
    #[serde(skip_serializing_if = "Option::is_none")]
    notify_state_change: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state_change_cause: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none", alias = "rPLMN")]
    r_plmn: Option<Raw<3>>,
}

impl Message for GetEimPackage {
    type Asn1 = GetEimPackageRequest;

    fn write(message: &Self::Asn1) -> Self {
        GetEimPackage {
            eid_value: message.eid_value,
            notify_state_change: message.notify_state_change.is_some().then_some(true),
            state_change_cause: message.state_change_cause.map(|cause| cause.0),
            r_plmn: message.r_plmn.map(|plmn| Raw(*plmn.as_bytes())),
        }
    }

    fn read(self) -> Result<Self::Asn1, BindingError> {
        Ok(GetEimPackageRequest {
            eid_value: self.eid_value,
            notify_state_change: (self.notify_state_change == Some(true)).then_some(Null),
            state_change_cause: self.state_change_cause.map(StateChangeCause),
            r_plmn: self.r_plmn.map(|plmn| Plmn::from_bytes(plmn.0)),
            extensions: Extensions::default(),
        })
    }
}

/// One of the packages, or that there is none. Some eIMs send the error with
/// the value 0 beside a package.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GetEimPackageOk {
    #[serde(skip_serializing_if = "Option::is_none")]
    euicc_package_request: Option<Der<Signed<EuiccPackageRequest>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ipa_euicc_data_request: Option<Der<IpaEuiccDataRequest>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile_download_trigger_request: Option<Der<ProfileDownloadTriggerRequest>>,
    #[serde(skip_serializing)]
    eim_package_error: Option<i64>,
}

/// Writes the response of GetEimPackage.
pub(super) fn package(response: &GetEimPackageResponse) -> Outcome<GetEimPackageOk> {
    let mut ok = GetEimPackageOk::default();
    match response {
        GetEimPackageResponse::EuiccPackageRequest(request) => {
            ok.euicc_package_request = Some(Der(request.clone()));
        }
        GetEimPackageResponse::IpaEuiccDataRequest(request) => {
            ok.ipa_euicc_data_request = Some(Der(request.clone()));
        }
        GetEimPackageResponse::ProfileDownloadTriggerRequest(request) => {
            ok.profile_download_trigger_request = Some(Der(request.clone()));
        }
        GetEimPackageResponse::EimPackageError(code) => {
            return Outcome::Refused(Function::GetEimPackage, code.0);
        }
    }
    Outcome::Executed(ok)
}

/// Reads the response of GetEimPackage.
pub(super) fn read_package(body: &[u8]) -> Result<GetEimPackageResponse, BindingError> {
    use GetEimPackageResponse as Response;
    let ok = match super::outcome::<GetEimPackageOk>(Function::GetEimPackage, body)? {
        Outcome::Executed(ok) => ok,
        Outcome::Refused(_, code) => return Ok(Response::EimPackageError(EimPackageError(code))),
    };
    if let Some(request) = ok.euicc_package_request {
        return Ok(Response::EuiccPackageRequest(request.0));
    }
    if let Some(request) = ok.ipa_euicc_data_request {
        return Ok(Response::IpaEuiccDataRequest(request.0));
    }
    if let Some(request) = ok.profile_download_trigger_request {
        return Ok(Response::ProfileDownloadTriggerRequest(request.0));
    }
    let code = super::member(
        ok.eim_package_error.filter(|code| *code != 0),
        "eimPackageError",
    )?;
    Ok(Response::EimPackageError(EimPackageError(code)))
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProvideResult {
    #[serde(skip_serializing_if = "Option::is_none")]
    eid_value: Option<Eid>,
    eim_package_result: Octets,
}

impl Message for ProvideResult {
    type Asn1 = ProvideEimPackageResult;

    fn write(message: &Self::Asn1) -> Self {
        ProvideResult {
            eid_value: message.eid_value,
            eim_package_result: Octets(message.eim_package_result.to_der()),
        }
    }

    fn read(self) -> Result<Self::Asn1, BindingError> {
        let message = whole_or_contents(&self.eim_package_result.0)?;
        Ok(ProvideEimPackageResult {
            eid_value: self.eid_value.or(message.eid_value),
            eim_package_result: message.eim_package_result,
            // There is no place for them beside the members of JSON.
            extensions: Extensions::default(),
        })
    }
}

/// 'BF50' with all that is in it, its contents, or only the result.
fn whole_or_contents(octets: &[u8]) -> Result<ProvideEimPackageResult, BindingError> {
    const TAG: Tag = ProvideEimPackageResult::TAG;
    Ok(match Tlv::parse(octets) {
        Ok(whole) if whole.tag == TAG => ProvideEimPackageResult::from_der(octets)?,
        _ => ProvideEimPackageResult::from_der(&under(TAG, octets))?,
    })
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProvideResultOk {
    #[serde(skip_serializing_if = "Option::is_none")]
    eim_acknowledgements: Option<Der<EimAcknowledgements>>,
}

/// Writes the response of ProvideEimPackageResult.
pub(super) fn provided(response: &ProvideEimPackageResultResponse) -> Outcome<ProvideResultOk> {
    let eim_acknowledgements = match response {
        ProvideEimPackageResultResponse::EimAcknowledgements(numbers) => Some(Der(numbers.clone())),
        ProvideEimPackageResultResponse::EmptyResponse(_) => None,
        ProvideEimPackageResultResponse::Error(code) => {
            return Outcome::Refused(Function::ProvideEimPackageResult, code.0);
        }
    };
    Outcome::Executed(ProvideResultOk {
        eim_acknowledgements,
    })
}

/// Reads the response of ProvideEimPackageResult.
pub(super) fn read_provided(body: &[u8]) -> Result<ProvideEimPackageResultResponse, BindingError> {
    use ProvideEimPackageResultResponse as Response;
    match super::outcome::<ProvideResultOk>(Function::ProvideEimPackageResult, body)? {
        Outcome::Executed(ok) => Ok(match ok.eim_acknowledgements {
            Some(numbers) => Response::EimAcknowledgements(numbers.0),
            None => Response::EmptyResponse(EmptyResponse {
                extensions: Extensions::default(),
            }),
        }),
        Outcome::Refused(_, code) => Ok(Response::Error(ProvideEimPackageResultError(code))),
    }
}

#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HandleNotification {
    #[serde(skip_serializing_if = "Option::is_none")]
    pending_notification: Option<Octets>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provide_eim_package_result: Option<Octets>,
}

impl Message for HandleNotification {
    type Asn1 = HandleNotificationEsipa;

    fn write(message: &Self::Asn1) -> Self {
        match message {
            HandleNotificationEsipa::PendingNotification(notification) => HandleNotification {
                pending_notification: Some(Octets(notification.to_der())),
                ..HandleNotification::default()
            },
            HandleNotificationEsipa::ProvideEimPackageResult(result) => HandleNotification {
                provide_eim_package_result: Some(Octets(result.to_der())),
                ..HandleNotification::default()
            },
        }
    }

    fn read(self) -> Result<Self::Asn1, BindingError> {
        if let Some(octets) = self.provide_eim_package_result {
            let result = whole_or_contents(&octets.0)?;
            return Ok(HandleNotificationEsipa::ProvideEimPackageResult(result));
        }
        let octets = super::member(self.pending_notification, "pendingNotification")?.0;
        match PendingNotification::from_der(&octets) {
            Ok(notification) => Ok(HandleNotificationEsipa::PendingNotification(notification)),
            // With the tag that the ASN.1 binding has around it.
            Err(error) => {
                let whole = under(Tag::new(0xBF3D), &octets);
                let tagged = HandleNotificationEsipa::from_der(&whole);
                Ok(tagged.map_err(|_| error)?)
            }
        }
    }
}

//! TransferEimPackage (SGP.32 6.4.1.4): the eIM asks, the IPA answers.

use rsp_asn1::sgp32::{
    EimAcknowledgements, EimPackageResultErrorCode, EprAndNotifications, EuiccPackageRequest,
    EuiccPackageResult, IpaEuiccDataRequest, IpaEuiccDataResponse, PendingNotificationList,
    ProfileDownloadTriggerRequest, TransferEimPackageRequest, TransferEimPackageResponse,
};
use rsp_asn1::{Asn1, Extensions, Null, Signed, Tag, Tlv};
use serde::{Deserialize, Serialize};

use super::value::{Der, Octets};
use super::{Message, Outcome};
use crate::binding::BindingError;
use crate::binding::esipa::Function;

#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Transfer {
    #[serde(skip_serializing_if = "Option::is_none")]
    euicc_package_request: Option<Der<Signed<EuiccPackageRequest>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ipa_euicc_data_request: Option<Der<IpaEuiccDataRequest>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    eim_acknowledgements: Option<Der<EimAcknowledgements>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile_download_trigger_request: Option<Der<ProfileDownloadTriggerRequest>>,
}

impl Message for Transfer {
    type Asn1 = TransferEimPackageRequest;

    fn write(message: &Self::Asn1) -> Self {
        use TransferEimPackageRequest as Request;
        let mut transfer = Transfer::default();
        match message {
            Request::EuiccPackageRequest(request) => {
                transfer.euicc_package_request = Some(Der(request.clone()));
            }
            Request::IpaEuiccDataRequest(request) => {
                transfer.ipa_euicc_data_request = Some(Der(request.clone()));
            }
            Request::EimAcknowledgements(numbers) => {
                transfer.eim_acknowledgements = Some(Der(numbers.clone()));
            }
            Request::ProfileDownloadTriggerRequest(request) => {
                transfer.profile_download_trigger_request = Some(Der(request.clone()));
            }
        }
        transfer
    }

    fn read(self) -> Result<Self::Asn1, BindingError> {
        use TransferEimPackageRequest as Request;
        if let Some(request) = self.euicc_package_request {
            return Ok(Request::EuiccPackageRequest(request.0));
        }
        if let Some(request) = self.ipa_euicc_data_request {
            return Ok(Request::IpaEuiccDataRequest(request.0));
        }
        if let Some(numbers) = self.eim_acknowledgements {
            return Ok(Request::EimAcknowledgements(numbers.0));
        }
        let request = self.profile_download_trigger_request;
        let request = super::member(request, "euiccPackageRequest")?;
        Ok(Request::ProfileDownloadTriggerRequest(request.0))
    }
}

/// What the IPA answers.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TransferOk {
    #[serde(skip_serializing_if = "Option::is_none")]
    euicc_package_result: Option<Der<Signed<EuiccPackageResult>>>,
    #[serde(
        rename = "ePRAndNotifications",
        skip_serializing_if = "Option::is_none"
    )]
    epr_and_notifications: Option<Both>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ipa_euicc_data_response: Option<Der<IpaEuiccDataResponse>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    eim_package_received: Option<Received>,
    #[serde(skip_serializing_if = "Option::is_none")]
    eim_package_error: Option<i64>,
}

/// `ePRAndNotifications`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Both {
    euicc_package_result: Der<Signed<EuiccPackageResult>>,
    notification_list: Octets,
}

/// A NULL: `true` is sent, whatever is read means it.
struct Received;

impl Serialize for Received {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bool(true)
    }
}

impl<'de> Deserialize<'de> for Received {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde::de::IgnoredAny::deserialize(deserializer).map(|_| Received)
    }
}

/// Tag of notificationList in the ASN.1 binding: the list has none of its own.
const NOTIFICATION_LIST: Tag = Tag::new(0xA0);

/// Writes the response of an IPA.
pub(super) fn transferred(response: &TransferEimPackageResponse) -> Outcome<TransferOk> {
    use TransferEimPackageResponse as Response;
    let mut ok = TransferOk::default();
    match response {
        Response::EuiccPackageResult(result) => {
            ok.euicc_package_result = Some(Der(result.clone()));
        }
        Response::EprAndNotifications(both) => {
            let mut list = rsp_asn1::Writer::new();
            both.notification_list
                .encode_tagged(NOTIFICATION_LIST, &mut list);
            ok.epr_and_notifications = Some(Both {
                euicc_package_result: Der(both.euicc_package_result.clone()),
                notification_list: Octets(list.into_bytes()),
            });
        }
        Response::IpaEuiccDataResponse(data) => {
            ok.ipa_euicc_data_response = Some(Der(data.clone()));
        }
        Response::EimPackageReceived(_) | Response::EimPackageReceivedWithCid(_) => {
            ok.eim_package_received = Some(Received);
        }
        Response::EimPackageError(code) => {
            return Outcome::Refused(Function::TransferEimPackage, code.0);
        }
        Response::EimPackageErrorWithCid(error) => {
            let code = error.eim_package_error.0;
            return Outcome::Refused(Function::TransferEimPackage, code);
        }
    }
    Outcome::Executed(ok)
}

/// Reads the response of an IPA.
pub(super) fn read_transferred(body: &[u8]) -> Result<TransferEimPackageResponse, BindingError> {
    use TransferEimPackageResponse as Response;
    let error = |code| Response::EimPackageError(EimPackageResultErrorCode(code));
    let ok = match super::outcome::<TransferOk>(Function::TransferEimPackage, body)? {
        Outcome::Executed(ok) => ok,
        Outcome::Refused(_, code) => return Ok(error(code)),
    };
    if let Some(result) = ok.euicc_package_result {
        return Ok(Response::EuiccPackageResult(result.0));
    }
    if let Some(both) = ok.epr_and_notifications {
        let list = Tlv::parse(&both.notification_list.0)?;
        return Ok(Response::EprAndNotifications(EprAndNotifications {
            euicc_package_result: both.euicc_package_result.0,
            notification_list: PendingNotificationList::decode_tagged(list.tag, &list)?,
            extensions: Extensions::default(),
        }));
    }
    if let Some(data) = ok.ipa_euicc_data_response {
        return Ok(Response::IpaEuiccDataResponse(data.0));
    }
    match ok.eim_package_error {
        Some(code) if code != 0 => Ok(error(code)),
        _ => super::member(ok.eim_package_received, "eimPackageReceived")
            .map(|Received| Response::EimPackageReceived(Null)),
    }
}

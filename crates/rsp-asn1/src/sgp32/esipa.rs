//! ESipa messages (SGP.32 5.14, 6.3): eIM Packages, their results and
//! notifications.

use alloc::vec::Vec;

use super::{
    AuthenticateClientRequestEsipa, AuthenticateClientResponseEsipa, CancelSessionRequestEsipa,
    CancelSessionResponseEsipa, EuiccPackageRequest, EuiccPackageResult,
    GetBoundProfilePackageRequestEsipa, GetBoundProfilePackageResponseEsipa,
    InitiateAuthenticationRequestEsipa, InitiateAuthenticationResponseEsipa, IpaEuiccDataRequest,
    IpaEuiccDataResponse, PendingNotificationList, ProfileDownloadTriggerRequest,
    ProfileDownloadTriggerResult, RetrieveNotificationsListResponse, TransferEimPackageRequest,
    TransferEimPackageResponse,
};
use crate::ids::{Eid, Plmn, TransactionId};
use crate::rsp::PendingNotification;
use crate::{Asn1, DecodeError, ErrorKind, Extensions, Null, Signed, Tag, Tagged, Tlv, Writer};

choice! {
    /// `EsipaMessageFromIpaToEim` (SGP.32 6.3).
    pub enum EsipaMessageFromIpaToEim {
        InitiateAuthenticationRequest(InitiateAuthenticationRequestEsipa),
        AuthenticateClientRequest(AuthenticateClientRequestEsipa),
        GetBoundProfilePackageRequest(GetBoundProfilePackageRequestEsipa),
        CancelSessionRequest(CancelSessionRequestEsipa),
        HandleNotification(HandleNotificationEsipa),
        TransferEimPackageResponse(TransferEimPackageResponse),
        GetEimPackageRequest(GetEimPackageRequest),
        ProvideEimPackageResult(ProvideEimPackageResult),
    }
}

choice! {
    /// `EsipaMessageFromEimToIpa` (SGP.32 6.3).
    pub enum EsipaMessageFromEimToIpa {
        InitiateAuthenticationResponse(InitiateAuthenticationResponseEsipa),
        AuthenticateClientResponse(AuthenticateClientResponseEsipa),
        GetBoundProfilePackageResponse(GetBoundProfilePackageResponseEsipa),
        CancelSessionResponse(CancelSessionResponseEsipa),
        TransferEimPackageRequest(TransferEimPackageRequest),
        GetEimPackageResponse(GetEimPackageResponse),
        ProvideEimPackageResultResponse(ProvideEimPackageResultResponse),
    }
}

sequence! {
    /// `GetEimPackageRequest` (SGP.32 5.14.5).
    pub struct GetEimPackageRequest: 0xBF4F or request_of_v1_0 {
        eid_value: Eid,
        notify_state_change: Option<Null> = 0x80,
        state_change_cause: Option<StateChangeCause> = 0x81,
        r_plmn: Option<Plmn> = 0x82,
    }
}

/// In v1.0 '81' was rPLMN. Three octets are no cause, so that both are read.
fn request_of_v1_0(tlv: &Tlv<'_>) -> Result<Option<GetEimPackageRequest>, DecodeError> {
    let mut reader = tlv.reader();
    let mut eid = None;
    let mut notify = None;
    let mut plmn = None;
    while !reader.is_empty() {
        let element = reader.tlv()?;
        match element.tag {
            Eid::TAG => eid = Eid::decode_tlv(&element).ok(),
            NOTIFY_STATE_CHANGE => notify = Null::decode_value(&element).ok(),
            RPLMN_OF_V1_0 if element.value.len() == 3 => plmn = Plmn::decode_value(&element).ok(),
            // Written again, a longer number could have three octets.
            RPLMN_OF_V1_0 if element.value.len() > 3 => {
                return Err(element.error(ErrorKind::IntegerRange));
            }
            _ => return Ok(None),
        }
    }
    let (Some(eid_value), Some(plmn)) = (eid, plmn) else {
        return Ok(None);
    };
    Ok(Some(GetEimPackageRequest {
        eid_value,
        notify_state_change: notify,
        state_change_cause: None,
        r_plmn: Some(plmn),
        extensions: Extensions::default(),
    }))
}

const NOTIFY_STATE_CHANGE: Tag = Tag::new(0x80);
const RPLMN_OF_V1_0: Tag = Tag::new(0x81);

named_integer! {
    /// `StateChangeCause` (SGP.32 5.14.5).
    pub struct StateChangeCause {
        OTHER_EIM = 0,
        FALLBACK = 1,
        EMERGENCY_PROFILE = 2,
        LOCAL = 3,
        RESET = 4,
        IMMEDIATE_ENABLE_PROFILE = 5,
        DEVICE_CHANGE = 6,
        UNDEFINED = 127,
    }
}

choice! {
    /// `GetEimPackageResponse` (SGP.32 5.14.5). The eUICC Package is carried
    /// as signed; the IPA hands it on unchanged.
    pub enum GetEimPackageResponse: 0xBF4F {
        EuiccPackageRequest(Signed<EuiccPackageRequest>),
        IpaEuiccDataRequest(IpaEuiccDataRequest),
        ProfileDownloadTriggerRequest(ProfileDownloadTriggerRequest),
        EimPackageError(EimPackageError),
    }
}

named_integer! {
    /// `eimPackageError` (SGP.32 5.14.5).
    pub struct EimPackageError {
        NO_EIM_PACKAGE_AVAILABLE = 1,
        EID_NOT_FOUND = 2,
        INVALID_EID = 3,
        MISSING_EID = 4,
        UNDEFINED_ERROR = 127,
    }
}

sequence! {
    /// `ProvideEimPackageResult` (SGP.32 5.14.6).
    pub struct ProvideEimPackageResult: 0xBF50 {
        eid_value: Option<Eid>,
        eim_package_result: EimPackageResult,
    }
}

choice! {
    /// `EimPackageResult` (SGP.32 5.14.6).
    pub enum EimPackageResult {
        /// With the bytes as received, the outer tag and length included.
        EuiccPackageResult(Signed<EuiccPackageResult>),
        EprAndNotifications(EprAndNotifications),
        IpaEuiccDataResponse(IpaEuiccDataResponse),
        ProfileDownloadTriggerResult(ProfileDownloadTriggerResult),
        ResponseError(EimPackageResultResponseError) = 0xA0 | 0x80 | 0x02,
    }
}

sequence! {
    /// `ePRAndNotifications` (SGP.32 5.14.6).
    pub struct EprAndNotifications or both_of_v1_0 {
        euicc_package_result: Signed<EuiccPackageResult>,
        notification_list: PendingNotificationList = 0xA0,
    }
}

/// v1.0 carried the whole answer of RetrieveNotificationsList.
fn both_of_v1_0(tlv: &Tlv<'_>) -> Result<Option<EprAndNotifications>, DecodeError> {
    let mut reader = tlv.reader();
    let result = reader.tlv()?;
    if reader.is_empty() {
        return Ok(None);
    }
    let list = reader.tlv()?;
    if list.tag != RetrieveNotificationsListResponse::TAG {
        return Ok(None);
    }
    let list = RetrieveNotificationsListResponse::decode_tlv(&list)?;
    let RetrieveNotificationsListResponse::NotificationList(notification_list) = list else {
        return Ok(None);
    };
    Ok(Some(EprAndNotifications {
        euicc_package_result: Signed::decode_tlv(&result)?,
        notification_list,
        extensions: Extensions::default(),
    }))
}

sequence! {
    /// `EimPackageResultResponseError` (SGP.32 5.14.6).
    pub struct EimPackageResultResponseError or bare_error {
        eim_transaction_id: Option<TransactionId> = 0x80,
        eim_package_result_error_code: EimPackageResultErrorCode,
    }
}

/// The code alone, as up to v1.1, or the SEQUENCE with its '30' inside the tag.
fn bare_error(tlv: &Tlv<'_>) -> Result<Option<EimPackageResultResponseError>, DecodeError> {
    if tlv.tag == Tag::INTEGER {
        return Ok(Some(EimPackageResultResponseError {
            eim_transaction_id: None,
            eim_package_result_error_code: EimPackageResultErrorCode::decode_value(tlv)?,
            extensions: Extensions::default(),
        }));
    }
    let mut reader = tlv.reader();
    let inner = reader.tlv()?;
    if inner.tag != Tag::SEQUENCE || tlv.tag == Tag::SEQUENCE {
        return Ok(None);
    }
    reader.finish()?;
    EimPackageResultResponseError::decode_value(&inner).map(Some)
}

named_integer! {
    /// `EimPackageResultErrorCode` (SGP.32 5.14.6).
    pub struct EimPackageResultErrorCode {
        INVALID_PACKAGE_FORMAT = 1,
        UNKNOWN_PACKAGE = 2,
        UNDEFINED_ERROR = 127,
    }
}

choice! {
    /// `ProvideEimPackageResultResponse` (SGP.32 5.14.6).
    pub enum ProvideEimPackageResultResponse: 0xBF50 or nothing_acknowledged {
        EimAcknowledgements(EimAcknowledgements),
        EmptyResponse(EmptyResponse),
        Error(ProvideEimPackageResultError),
    }
}

/// Up to v1.1 the empty response had no contents (`BF50 00`).
fn nothing_acknowledged(
    tlv: &Tlv<'_>,
) -> Result<Option<ProvideEimPackageResultResponse>, DecodeError> {
    Ok(tlv.value.is_empty().then(|| {
        ProvideEimPackageResultResponse::EmptyResponse(EmptyResponse {
            extensions: Extensions::default(),
        })
    }))
}

sequence! {
    /// `emptyResponse` (SGP.32 5.14.6).
    pub struct EmptyResponse {}
}

named_integer! {
    /// `provideEimPackageResultError` (SGP.32 5.14.6).
    pub struct ProvideEimPackageResultError {
        EID_NOT_FOUND = 2,
        INVALID_EID = 3,
        MISSING_EID = 4,
        UNDEFINED_ERROR = 127,
    }
}

/// `EimAcknowledgements`: sequence numbers of the eUICC that the eIM has taken
/// over and the IPA may remove from it (SGP.32 2.11.1.4).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EimAcknowledgements(pub Vec<i64>);

impl Tagged for EimAcknowledgements {
    const TAG: Tag = Tag::new(0xBF53);

    fn decode_value(tlv: &Tlv<'_>) -> Result<Self, DecodeError> {
        let numbers = Vec::<SequenceNumber>::decode_value(tlv)?;
        Ok(Self(numbers.into_iter().map(|number| number.0).collect()))
    }

    fn encode_under(&self, tag: Tag, out: &mut Writer) {
        let numbers: Vec<_> = self.0.iter().copied().map(SequenceNumber).collect();
        numbers.encode_under(tag, out);
    }
}

/// `SequenceNumber ::= [0] INTEGER`.
struct SequenceNumber(i64);

impl Tagged for SequenceNumber {
    const TAG: Tag = Tag::new(0x80);

    fn decode_value(tlv: &Tlv<'_>) -> Result<Self, DecodeError> {
        i64::decode_value(tlv).map(Self)
    }

    fn encode_under(&self, tag: Tag, out: &mut Writer) {
        self.0.encode_under(tag, out);
    }
}

choice! {
    /// `HandleNotificationEsipa` (SGP.32 5.14.7). Notifications are also read
    /// without the tag around them; v1.0 had A1 in place of 'BF50'.
    pub enum HandleNotificationEsipa: 0xBF3D {
        PendingNotification(PendingNotification) = 0xA0 | 0xBF37 | 0x30,
        ProvideEimPackageResult(ProvideEimPackageResult) | 0xA1,
    }
}

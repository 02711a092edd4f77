//! ESipa messages (SGP.32 5.14, 6.3). Indirect download is not among them yet.

use alloc::vec::Vec;

use super::{
    EuiccPackageRequest, EuiccPackageResult, IpaEuiccDataRequest, IpaEuiccDataResponse,
    ProfileDownloadTriggerRequest, ProfileDownloadTriggerResult,
};
use crate::ids::{Eid, Plmn, TransactionId};
use crate::rsp::PendingNotification;
use crate::{DecodeError, Null, Signed, Tag, Tagged, Tlv, Writer};

choice! {
    /// `EsipaMessageFromIpaToEim` (SGP.32 6.3).
    pub enum EsipaMessageFromIpaToEim {
        HandleNotification(HandleNotificationEsipa),
        GetEimPackageRequest(GetEimPackageRequest),
        ProvideEimPackageResult(ProvideEimPackageResult),
    }
}

choice! {
    /// `EsipaMessageFromEimToIpa` (SGP.32 6.3).
    pub enum EsipaMessageFromEimToIpa {
        GetEimPackageResponse(GetEimPackageResponse),
        ProvideEimPackageResultResponse(ProvideEimPackageResultResponse),
    }
}

sequence! {
    /// `GetEimPackageRequest` (SGP.32 5.14.5).
    pub struct GetEimPackageRequest: 0xBF4F {
        eid_value: Eid,
        notify_state_change: Option<Null> = 0x80,
        state_change_cause: Option<StateChangeCause> = 0x81,
        r_plmn: Option<Plmn> = 0x82,
    }
}

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
        EuiccPackageResult(EuiccPackageResult),
        EprAndNotifications(EprAndNotifications),
        IpaEuiccDataResponse(IpaEuiccDataResponse),
        ProfileDownloadTriggerResult(ProfileDownloadTriggerResult),
        ResponseError(EimPackageResultResponseError) = 0xA0,
    }
}

sequence! {
    /// `ePRAndNotifications` (SGP.32 5.14.6).
    pub struct EprAndNotifications {
        euicc_package_result: EuiccPackageResult,
        notification_list: Vec<PendingNotification> = 0xA0,
    }
}

sequence! {
    /// `EimPackageResultResponseError` (SGP.32 5.14.6).
    pub struct EimPackageResultResponseError {
        eim_transaction_id: Option<TransactionId> = 0x80,
        eim_package_result_error_code: EimPackageResultErrorCode,
    }
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
    pub enum ProvideEimPackageResultResponse: 0xBF50 {
        EimAcknowledgements(EimAcknowledgements),
        EmptyResponse(EmptyResponse),
        Error(ProvideEimPackageResultError),
    }
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
    /// `HandleNotificationEsipa` (SGP.32 5.14.7).
    pub enum HandleNotificationEsipa: 0xBF3D {
        PendingNotification(PendingNotification) = 0xA0,
        ProvideEimPackageResult(ProvideEimPackageResult),
    }
}

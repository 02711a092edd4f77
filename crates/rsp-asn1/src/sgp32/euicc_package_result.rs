//! eUICC Package Result (SGP.32 2.11.2.1).

use alloc::vec::Vec;

use super::{AddEimResultCode, EimId, EimIdType};
use crate::ids::TransactionId;
use crate::rsp::{ProfileInfoListResponse, RulesAuthorisationTable, SetDefaultDpAddressResult};
use crate::{Any, DecodeError, Signed, Tag, Tagged, Tlv};

choice! {
    /// `EuiccPackageResult` (SGP.32 2.11.2.1).
    pub enum EuiccPackageResult: 0xBF51 or bare_result {
        Signed(EuiccPackageResultSigned) = 0xA0,
        ErrorSigned(EuiccPackageErrorSigned) = 0xA1,
        /// Proves nothing: a hint at most.
        ErrorUnsigned(EuiccPackageErrorUnsigned) = 0xA2,
    }
}

/// A result without the tag of its alternative, with or without the '30' of
/// its SEQUENCE, and a code alone.
fn bare_result(tlv: &Tlv<'_>) -> Result<Option<EuiccPackageResult>, DecodeError> {
    let mut reader = tlv.reader();
    let first = reader.tlv()?;
    let members = match first.tag {
        Tag::INTEGER => return unsigned_code(&first).map(Some),
        Tag::SEQUENCE if reader.is_empty() => &first,
        Tag::SEQUENCE | EIM_ID => tlv,
        _ => return Ok(None),
    };
    let first = members.reader().tlv()?;
    Ok(Some(match first.tag {
        Tag::SEQUENCE if has(SEQ_NUMBER, &first)? => {
            EuiccPackageResult::Signed(EuiccPackageResultSigned::decode_value(members)?)
        }
        Tag::SEQUENCE => {
            EuiccPackageResult::ErrorSigned(EuiccPackageErrorSigned::decode_value(members)?)
        }
        _ => EuiccPackageResult::ErrorUnsigned(EuiccPackageErrorUnsigned::decode_value(members)?),
    }))
}

const EIM_ID: Tag = Tag::new(0x80);
const SEQ_NUMBER: Tag = Tag::new(0x83);

fn has(tag: Tag, tlv: &Tlv<'_>) -> Result<bool, DecodeError> {
    let mut reader = tlv.reader();
    while !reader.is_empty() {
        if reader.tlv()?.tag == tag {
            return Ok(true);
        }
    }
    Ok(false)
}

fn unsigned_code(tlv: &Tlv<'_>) -> Result<EuiccPackageResult, DecodeError> {
    let code = EuiccPackageUnsignedErrorCode::decode_value(tlv)?;
    Ok(EuiccPackageResult::ErrorUnsigned(
        EuiccPackageErrorUnsigned {
            eim_id: alloc::string::String::new(),
            eim_transaction_id: None,
            association_token: None,
            euicc_package_unsigned_error_code: Some(code),
            extensions: crate::Extensions::default(),
        },
    ))
}

impl EuiccPackageResult {
    /// The eIM whose package it answers.
    pub fn eim_id(&self) -> &str {
        match self {
            Self::Signed(result) => &result.euicc_package_result_data_signed.eim_id,
            Self::ErrorSigned(error) => &error.euicc_package_error_data_signed.eim_id,
            Self::ErrorUnsigned(error) => &error.eim_id,
        }
    }
}

sequence! {
    /// `EuiccPackageResultSigned` (SGP.32 2.11.2.1).
    pub struct EuiccPackageResultSigned {
        euicc_package_result_data_signed: Signed<EuiccPackageResultDataSigned>,
        euicc_sign_epr: Vec<u8> = 0x5F37,
    }
}

sequence! {
    /// `EuiccPackageResultDataSigned` (SGP.32 2.11.2.1).
    pub struct EuiccPackageResultDataSigned {
        eim_id: EimId = 0x80,
        counter_value: i64 = 0x81,
        eim_transaction_id: Option<TransactionId> = 0x82,
        seq_number: i64 = 0x83,
        euicc_result: Vec<EuiccResultData>,
    }
}

choice! {
    /// `EuiccResultData` (SGP.32 2.11.2.1).
    pub enum EuiccResultData {
        EnableResult(EnableProfileResult) = 0x83,
        DisableResult(DisableProfileResult) = 0x84,
        DeleteResult(DeleteProfileResult) = 0x85,
        ListProfileInfoResult(ProfileInfoListResponse),
        GetRatResult(RulesAuthorisationTable) = 0xA6,
        ConfigureImmediateEnableResult(ConfigureImmediateEnableResult) = 0x87,
        AddEimResult(AddEimResult) = 0xA8,
        DeleteEimResult(DeleteEimResult) = 0x89,
        UpdateEimResult(UpdateEimResult) = 0x8A,
        ListEimResult(ListEimResult) = 0xAB,
        RollbackResult(RollbackProfileResult) = 0x8C,
        SetFallbackAttributeResult(SetFallbackAttributeResult) = 0x8D,
        UnsetFallbackAttributeResult(UnsetFallbackAttributeResult) = 0x8E,
        ProcessingTerminated(ProcessingTerminated),
        SetDefaultDpAddressResult(SetDefaultDpAddressResponse),
        /// A result that this version does not know.
        Unknown(Any),
    }
}

sequence! {
    /// `EuiccPackageErrorSigned` (SGP.32 2.11.2.1).
    pub struct EuiccPackageErrorSigned {
        euicc_package_error_data_signed: Signed<EuiccPackageErrorDataSigned>,
        euicc_sign_epe: Vec<u8> = 0x5F37,
    }
}

sequence! {
    /// `EuiccPackageErrorDataSigned` (SGP.32 2.11.2.1).
    pub struct EuiccPackageErrorDataSigned {
        eim_id: EimId = 0x80,
        counter_value: i64 = 0x81,
        eim_transaction_id: Option<TransactionId> = 0x82,
        euicc_package_error_code: EuiccPackageErrorCode,
    }
}

sequence! {
    /// `EuiccPackageErrorUnsigned` (SGP.32 2.11.2.1).
    pub struct EuiccPackageErrorUnsigned {
        /// As received; without the lower bound of the module, because a card
        /// may have been unable to read it.
        eim_id: alloc::string::String = 0x80,
        eim_transaction_id: Option<TransactionId> = 0x82,
        association_token: Option<i64> = 0x84,
        /// SGP.32 v1.3.
        euicc_package_unsigned_error_code: Option<EuiccPackageUnsignedErrorCode> = 0x8F,
    }
}

named_integer! {
    /// `EuiccPackageUnsignedErrorCode` (SGP.32 v1.3 2.11.2.1).
    pub struct EuiccPackageUnsignedErrorCode {
        SIZE_OVERFLOW = 15,
        UNDEFINED_ERROR = 127,
    }
}

named_integer! {
    /// `EuiccPackageErrorCode` (SGP.32 2.11.2.1).
    pub struct EuiccPackageErrorCode {
        INVALID_EID = 3,
        REPLAY_ERROR = 4,
        COUNTER_VALUE_OUT_OF_RANGE = 6,
        SIZE_OVERFLOW = 15,
        ECALL_ACTIVE = 104,
        UNDEFINED_ERROR = 127,
    }
}

named_integer! {
    /// `processingTerminated` (SGP.32 2.11.2.1).
    pub struct ProcessingTerminated {
        RESULT_SIZE_OVERFLOW = 1,
        UNKNOWN_OR_DAMAGED_COMMAND = 2,
        INTERRUPTION = 3,
        UNDEFINED_ERROR = 127,
    }
}

named_integer! {
    /// `ConfigureImmediateEnableResult` (SGP.32 2.11.2.1).
    pub struct ConfigureImmediateEnableResult {
        OK = 0,
        INSUFFICIENT_MEMORY = 1,
        COMMAND_ERROR = 7,
        UNDEFINED_ERROR = 127,
    }
}

named_integer! {
    /// `EnableProfileResult` (SGP.32 2.11.2.1).
    pub struct EnableProfileResult {
        OK = 0,
        ICCID_OR_AID_NOT_FOUND = 1,
        PROFILE_NOT_IN_DISABLED_STATE = 2,
        DISALLOWED_BY_POLICY = 3,
        CAT_BUSY = 5,
        ROLLBACK_NOT_AVAILABLE = 20,
        UNDEFINED_ERROR = 127,
    }
}

named_integer! {
    /// `DisableProfileResult` (SGP.32 2.11.2.1).
    pub struct DisableProfileResult {
        OK = 0,
        ICCID_OR_AID_NOT_FOUND = 1,
        PROFILE_NOT_IN_ENABLED_STATE = 2,
        DISALLOWED_BY_POLICY = 3,
        CAT_BUSY = 5,
        UNDEFINED_ERROR = 127,
    }
}

named_integer! {
    /// `DeleteProfileResult` (SGP.32 2.11.2.1).
    pub struct DeleteProfileResult {
        OK = 0,
        ICCID_OR_AID_NOT_FOUND = 1,
        PROFILE_NOT_IN_DISABLED_STATE = 2,
        DISALLOWED_BY_POLICY = 3,
        ROLLBACK_NOT_AVAILABLE = 20,
        RETURN_FALLBACK_PROFILE = 21,
        UNDEFINED_ERROR = 127,
    }
}

named_integer! {
    /// `RollbackProfileResult` (SGP.32 2.11.2.1).
    pub struct RollbackProfileResult {
        OK = 0,
        UNDEFINED_ERROR = 127,
    }
}

named_integer! {
    /// `SetFallbackAttributeResult` (SGP.32 2.11.2.1).
    pub struct SetFallbackAttributeResult {
        OK = 0,
        ICCID_OR_AID_NOT_FOUND = 1,
        FALLBACK_NOT_ALLOWED = 2,
        FALLBACK_PROFILE_ENABLED = 3,
        UNDEFINED_ERROR = 127,
    }
}

named_integer! {
    /// `UnsetFallbackAttributeResult` (SGP.32 2.11.2.1).
    pub struct UnsetFallbackAttributeResult {
        OK = 0,
        NO_FALLBACK_ATTRIBUTE = 2,
        FALLBACK_PROFILE_ENABLED = 3,
        COMMAND_ERROR = 7,
        UNDEFINED_ERROR = 127,
    }
}

choice! {
    /// `AddEimResult` (SGP.32 2.11.2.1).
    pub enum AddEimResult {
        AssociationToken(i64) = 0x84,
        Code(AddEimResultCode),
    }
}

named_integer! {
    /// `DeleteEimResult` (SGP.32 2.11.2.1).
    pub struct DeleteEimResult {
        OK = 0,
        EIM_NOT_FOUND = 1,
        /// A success after which the eUICC has no eIM.
        LAST_EIM_DELETED = 2,
        COMMAND_ERROR = 7,
        UNDEFINED_ERROR = 127,
    }
}

named_integer! {
    /// `UpdateEimResult` (SGP.32 2.11.2.1).
    pub struct UpdateEimResult {
        OK = 0,
        EIM_NOT_FOUND = 1,
        CI_PK_UNKNOWN = 3,
        COUNTER_VALUE_OUT_OF_RANGE = 6,
        COMMAND_ERROR = 7,
        UNDEFINED_ERROR = 127,
    }
}

choice! {
    /// `ListEimResult` (SGP.32 2.11.2.1).
    pub enum ListEimResult or bare_eim_list {
        EimIdList(Vec<EimIdInfo>) = 0xA0,
        ListEimError(ListEimError) = 0x81,
    }
}

named_integer! {
    /// `listEimError` (SGP.32 2.11.2.1).
    pub struct ListEimError {
        UNDEFINED_ERROR = 127,
    }
}

/// The list without its tag A0, with or without its '30'.
fn bare_eim_list(tlv: &Tlv<'_>) -> Result<Option<ListEimResult>, DecodeError> {
    let first = match tlv.value.is_empty() {
        true => return Ok(Some(ListEimResult::EimIdList(Vec::new()))),
        false => tlv.reader().tlv()?,
    };
    if first.tag != Tag::SEQUENCE {
        return Ok(None);
    }
    let wrapped = first.value.is_empty() || first.reader().tlv()?.tag == Tag::SEQUENCE;
    let list = if wrapped { &first } else { tlv };
    Vec::decode_value(list)
        .map(ListEimResult::EimIdList)
        .map(Some)
}

sequence! {
    /// `EimIdInfo` (SGP.32 2.11.2.1).
    pub struct EimIdInfo {
        eim_id: EimId = 0x80,
        /// v1.0 had it under '84'.
        eim_id_type: Option<EimIdType> = 0x82 | 0x84,
    }
}

sequence! {
    /// `SetDefaultDpAddressResponse` (SGP.32 5.9.25).
    pub struct SetDefaultDpAddressResponse: 0xBF65 {
        set_default_dp_address_result: SetDefaultDpAddressResult = 0x80,
    }
}

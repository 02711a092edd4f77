//! IPA eUICC Data (SGP.32 2.11.1.2, 2.11.2.2).

use alloc::string::String;
use alloc::vec::Vec;

use super::{EuiccPackageResultList, PendingNotificationList, RetrieveNotificationsListResponse};
use crate::ids::TransactionId;
use crate::rsp::{
    DeviceInfo, EuiccInfo1, EuiccInfo2, NotificationEvent, ProfileInstallationResult,
    VendorSpecificData,
};
use crate::{Asn1, BitString, Certificate, DecodeError, Tag, Tagged, Tlv, Writer};

sequence! {
    /// `IpaEuiccDataRequest` (SGP.32 2.11.1.2).
    pub struct IpaEuiccDataRequest: 0xBF52 {
        /// Concatenated tags of [`IpaEuiccData`] members.
        tag_list: Vec<u8> = 0x5C,
        /// May be truncated.
        euicc_ci_pk_identifier_to_be_used: Option<Vec<u8>>,
        search_criteria_notification: Option<NotificationSearchCriteria> = 0xA1,
        search_criteria_euicc_package_result: Option<EuiccPackageResultSearchCriteria> = 0xA2,
        eim_transaction_id: Option<TransactionId> = 0x83,
    }
}

choice! {
    /// `searchCriteriaNotification` (SGP.32 2.11.1.2).
    pub enum NotificationSearchCriteria {
        SeqNumber(i64) = 0x80,
        ProfileManagementOperation(NotificationEvent) = 0x81,
    }
}

choice! {
    /// `searchCriteriaEuiccPackageResult` (SGP.32 2.11.1.2).
    pub enum EuiccPackageResultSearchCriteria {
        SeqNumber(i64) = 0x80,
    }
}

choice! {
    /// `IpaEuiccDataResponse` (SGP.32 2.11.2.2).
    pub enum IpaEuiccDataResponse: 0xBF52 or bare_data {
        Ok(IpaEuiccData) = 0xA0,
        Error(IpaEuiccDataResponseError) = 0xA1,
    }
}

/// Data or error without the tag of its alternative, and the number alone of
/// v1.0. A lone A0 with notifications in it is the member notificationsList.
fn bare_data(tlv: &Tlv<'_>) -> Result<Option<IpaEuiccDataResponse>, DecodeError> {
    let mut reader = tlv.reader();
    let first = reader.tlv()?;
    let alone = reader.is_empty();
    let error = |error| Ok(Some(IpaEuiccDataResponse::Error(error)));
    match first.tag {
        Tag::INTEGER => error(of_code(IpaEuiccDataErrorCode::decode_value(&first)?)),
        CODE_OF_V1_0 if alone && first.value.len() == 1 => {
            error(of_code(IpaEuiccDataErrorCode::decode_value(&first)?))
        }
        EIM_TRANSACTION_ID if has_code(tlv)? => {
            error(IpaEuiccDataResponseError::decode_value(tlv)?)
        }
        Tag::SEQUENCE if alone && has_code(&first)? => {
            error(IpaEuiccDataResponseError::decode_value(&first)?)
        }
        Tag::SEQUENCE if alone && begins_with(is_member, &first)? => Ok(Some(
            IpaEuiccDataResponse::Ok(IpaEuiccData::decode_value(&first)?),
        )),
        OK if alone && !begins_with(is_notification, &first)? => Ok(None),
        tag if is_member(tag) => Ok(Some(IpaEuiccDataResponse::Ok(IpaEuiccData::decode_value(
            tlv,
        )?))),
        _ => Ok(None),
    }
}

/// Tags of the members of [`IpaEuiccData`].
const MEMBERS: &[u32] = &[
    0xA0, 0x80, 0x81, 0xA2, 0xBF20, 0xBF22, 0xBF2B, 0x83, 0x84, 0xA5, 0xA6, 0x87, 0xA8, 0xA9,
];

fn is_member(tag: Tag) -> bool {
    MEMBERS.contains(&tag.get())
}

/// No data begins with these.
fn is_notification(tag: Tag) -> bool {
    tag == Tag::SEQUENCE || tag == ProfileInstallationResult::TAG
}

fn begins_with(kind: fn(Tag) -> bool, tlv: &Tlv<'_>) -> Result<bool, DecodeError> {
    match tlv.value.is_empty() {
        true => Ok(false),
        false => Ok(kind(tlv.reader().tlv()?.tag)),
    }
}

const OK: Tag = Tag::new(0xA0);
const CODE_OF_V1_0: Tag = Tag::new(0x81);
const EIM_TRANSACTION_ID: Tag = Tag::new(0x80);

/// Whether one of the elements is a code, which no data has.
fn has_code(tlv: &Tlv<'_>) -> Result<bool, DecodeError> {
    let mut reader = tlv.reader();
    while !reader.is_empty() {
        if reader.tlv()?.tag == Tag::INTEGER {
            return Ok(true);
        }
    }
    Ok(false)
}

fn of_code(ipa_euicc_data_error_code: IpaEuiccDataErrorCode) -> IpaEuiccDataResponseError {
    IpaEuiccDataResponseError {
        eim_transaction_id: None,
        ipa_euicc_data_error_code,
        extensions: crate::Extensions::default(),
    }
}

sequence! {
    /// `IpaEuiccData` (SGP.32 2.11.2.2). IPAs answer in the order of the tag
    /// list as well; v1.0 had the address under '80', and both lists as the
    /// card's answers, under 'BF2B'.
    pub struct IpaEuiccData or data_of_v1_0, unordered {
        notifications_list: Option<PendingNotificationList> = 0xA0,
        default_smdp_address: Option<String> = 0x81 | 0x80,
        euicc_package_result_list: Option<EuiccPackageResultList> = 0xA2,
        euicc_info1: Option<EuiccInfo1>,
        euicc_info2: Option<EuiccInfo2>,
        root_smds_address: Option<String> = 0x83,
        association_token: Option<i64> = 0x84,
        eum_certificate: Option<Certificate> = 0xA5,
        euicc_certificate: Option<Certificate> = 0xA6,
        eim_transaction_id: Option<TransactionId> = 0x87,
        ipa_capabilities: Option<IpaCapabilities> = 0xA8,
        device_info: Option<DeviceInfo> = 0xA9,
    }
}

/// v1.0 carried whole answers of RetrieveNotificationsList: one, or one for each
/// list. Each is read as if what is in it stood there; an error is left out.
fn data_of_v1_0(tlv: &Tlv<'_>) -> Result<Option<IpaEuiccData>, DecodeError> {
    use RetrieveNotificationsListResponse as List;
    let (mut members, mut found) = (Writer::new(), false);
    let mut reader = tlv.reader();
    while !reader.is_empty() {
        let member = reader.tlv()?;
        if member.tag != List::TAG {
            members.raw(member.raw);
            continue;
        }
        found = true;
        match List::decode_tlv(&member)? {
            List::NotificationList(list) => list.encode_tagged(Tag::new(0xA0), &mut members),
            List::EuiccPackageResultList(list) => list.encode_tagged(Tag::new(0xA2), &mut members),
            List::Error(_) => {}
        }
    }
    if !found {
        return Ok(None);
    }
    let mut whole = Writer::new();
    whole.primitive(Tag::SEQUENCE, &members.into_bytes());
    let whole = whole.into_bytes();
    IpaEuiccData::decode_value(&Tlv::parse(&whole)?).map(Some)
}

impl IpaEuiccData {
    /// With no object at all.
    pub fn empty() -> Self {
        IpaEuiccData {
            notifications_list: None,
            default_smdp_address: None,
            euicc_package_result_list: None,
            euicc_info1: None,
            euicc_info2: None,
            root_smds_address: None,
            association_token: None,
            eum_certificate: None,
            euicc_certificate: None,
            eim_transaction_id: None,
            ipa_capabilities: None,
            device_info: None,
            extensions: crate::Extensions::default(),
        }
    }
}

sequence! {
    /// `IpaEuiccDataResponseError` (SGP.32 2.11.2.2).
    pub struct IpaEuiccDataResponseError {
        eim_transaction_id: Option<TransactionId> = 0x80,
        ipa_euicc_data_error_code: IpaEuiccDataErrorCode,
    }
}

named_integer! {
    /// `IpaEuiccDataErrorCode` (SGP.32 2.11.2.2).
    pub struct IpaEuiccDataErrorCode {
        INCORRECT_TAG_LIST = 1,
        EUICC_CI_PK_ID_NOT_FOUND = 5,
        ECALL_ACTIVE = 104,
        UNDEFINED_ERROR = 127,
    }
}

sequence! {
    /// `IpaCapabilities` (SGP.32 4.1).
    pub struct IpaCapabilities {
        ipa_features: BitString = 0x80,
        ipa_supported_protocols: Option<BitString> = 0x81,
        /// SGP.32 v1.3.
        esipa_proprietary_protocol_information: Option<Vec<VendorSpecificData>> = 0xA2,
    }
}

/// `ipaFeatures` bit: directRspServerCommunication.
pub const DIRECT_RSP_SERVER_COMMUNICATION: u8 = 0;
/// `ipaFeatures` bit: indirectRspServerCommunication.
pub const INDIRECT_RSP_SERVER_COMMUNICATION: u8 = 1;
/// `ipaFeatures` bit: eimDownloadDataHandling.
pub const EIM_DOWNLOAD_DATA_HANDLING: u8 = 2;
/// `ipaFeatures` bit: eimCtxParams1Generation.
pub const EIM_CTX_PARAMS1_GENERATION: u8 = 3;
/// `ipaFeatures` bit: eimProfileMetadataVerification.
pub const EIM_PROFILE_METADATA_VERIFICATION: u8 = 4;
/// `ipaFeatures` bit: minimizeEsipaBytes.
pub const MINIMIZE_ESIPA_BYTES: u8 = 5;
/// `ipaSupportedProtocols` bit: ipaRetrieveHttps.
pub const IPA_RETRIEVE_HTTPS: u8 = 0;

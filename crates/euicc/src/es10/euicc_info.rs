//! ES10b.GetEUICCInfo1, GetEUICCInfo2 and GetEID (SGP.22 5.7.8, 5.7.20;
//! SGP.32 5.9.2).

use alloc::vec;
use alloc::vec::Vec;

use rsp_asn1::rsp::{
    EuiccInfo1, EuiccInfo2, GetEuiccDataRequest, GetEuiccDataResponse, GetEuiccInfo1Request,
    GetEuiccInfo2Request, IotSpecificInfo,
};
use rsp_asn1::{Asn1, BitString, BoundedString, Null, Tag, Writer};

use super::decode;
use crate::apdu::Status;
use crate::isdr::{Isdr, SVN};
use crate::personalisation::{Environment, EuiccKind};

/// Profile package version of the installer (SAIP 2.3.1).
const PROFILE_VERSION: [u8; 3] = [2, 3, 1];
const FIRMWARE_VERSION: [u8; 3] = [0, 1, 0];
/// UICC release: ETSI TS 102 241.
const TS102241_VERSION: [u8; 3] = [9, 2, 0];
const GLOBALPLATFORM_VERSION: [u8; 3] = [2, 3, 0];
const PP_VERSION: [u8; 3] = [1, 0, 0];
/// SGP.32 version.
const IOT_VERSION: [u8; 3] = [1, 2, 0];
/// The IPA is in the device.
const IPAD: i64 = 0;
/// The IPA is in the card.
const IPAE: i64 = 1;
/// Bits of UICCCapability: usimSupport, isimSupport, csimSupport, akaMilenage,
/// akaTuak128, akaTuak256, usimTestAlgorithm, multipleUsimSupport, multipleIsimSupport,
/// multipleCsimSupport, berTlvFileSupport, dfLinkSupport.
const UICC_CAPABILITY: [u8; 12] = [1, 2, 3, 4, 6, 7, 8, 16, 17, 18, 19, 20];
/// Bits of RspCapability: additionalProfile, deviceInfoExtensibilitySupport,
/// serviceSpecificDataSupport.
const RSP_CAPABILITY: [u8; 3] = [0, 4, 5];
/// Volatile memory announced, in bytes.
const FREE_RAM: u32 = 16 * 1024;
/// Tag list of GetEID.
const EID_TAG: u8 = 0x5A;

pub(crate) fn get_euicc_info1(
    isdr: &mut Isdr,
    command: &[u8],
    _env: &mut Environment<'_>,
) -> Result<Vec<u8>, Status> {
    decode::<GetEuiccInfo1Request>(command)?;
    Ok(euicc_info1(isdr).to_der())
}

/// What servers need to know before a session.
pub(crate) fn euicc_info1(isdr: &Isdr) -> EuiccInfo1 {
    EuiccInfo1 {
        svn: SVN,
        euicc_ci_pk_id_list_for_verification: isdr.ecasd.verification_ci(),
        euicc_ci_pk_id_list_for_signing: isdr.signers.identifiers(),
        extensions: Default::default(),
    }
}

pub(crate) fn get_euicc_info2(
    isdr: &mut Isdr,
    command: &[u8],
    _env: &mut Environment<'_>,
) -> Result<Vec<u8>, Status> {
    decode::<GetEuiccInfo2Request>(command)?;
    Ok(euicc_info2(isdr).to_der())
}

pub(crate) fn get_eid(
    isdr: &mut Isdr,
    command: &[u8],
    _env: &mut Environment<'_>,
) -> Result<Vec<u8>, Status> {
    let request: GetEuiccDataRequest = decode(command)?;
    if request.tag_list != [EID_TAG] {
        return Err(Status::INCORRECT_DATA);
    }
    let response = GetEuiccDataResponse {
        eid_value: isdr.ecasd.eid,
        extensions: Default::default(),
    };
    Ok(response.to_der())
}

/// What the card says about itself now.
pub(crate) fn euicc_info2(isdr: &Isdr) -> EuiccInfo2 {
    let is_iot = isdr.ecasd.kind == EuiccKind::Iot;
    EuiccInfo2 {
        profile_version: PROFILE_VERSION,
        svn: SVN,
        euicc_firmware_ver: FIRMWARE_VERSION,
        ext_card_resource: card_resource(isdr),
        uicc_capability: BitString::of(&UICC_CAPABILITY),
        ts102241_version: Some(TS102241_VERSION),
        globalplatform_version: Some(GLOBALPLATFORM_VERSION),
        rsp_capability: BitString::of(&RSP_CAPABILITY),
        euicc_ci_pk_id_list_for_verification: isdr.ecasd.verification_ci(),
        euicc_ci_pk_id_list_for_signing: isdr.signers.identifiers(),
        euicc_category: None,
        forbidden_profile_policy_rules: None,
        pp_version: PP_VERSION,
        sas_acreditation_number: BoundedString::default(),
        certification_data_object: None,
        tre_properties: None,
        tre_product_reference: None,
        additional_euicc_profile_package_versions: None,
        ipa_mode: is_iot.then_some(match isdr.state.mechanisms.ipae_active {
            true => IPAE,
            false => IPAD,
        }),
        euicc_ci_pk_id_list_for_signing_v3: None,
        additional_euicc_info: None,
        highest_svn: None,
        iot_specific_info: is_iot.then(|| IotSpecificInfo {
            iot_version: vec![IOT_VERSION],
            ecall_supported: isdr.ecasd.ecall_supported.then_some(Null),
            fallback_supported: isdr.ecasd.fallback_supported.then_some(Null),
            fallback_allowed_update_supported: None,
            extensions: Default::default(),
        }),
        euicc_minimum_security_level: None,
        extensions: Default::default(),
    }
}

/// Extended card resources (ETSI TS 102 226 8.2.1.7.2): applications, free
/// non-volatile memory, free volatile memory.
fn card_resource(isdr: &Isdr) -> Vec<u8> {
    let applications = u8::try_from(isdr.state.profiles.len()).unwrap_or(u8::MAX);
    let free = u32::try_from(isdr.free_memory()).unwrap_or(u32::MAX);
    let mut out = Writer::new();
    out.primitive(Tag::new(0x81), &[applications]);
    out.primitive(Tag::new(0x82), &free.to_be_bytes());
    out.primitive(Tag::new(0x83), &FREE_RAM.to_be_bytes());
    out.into_bytes()
}

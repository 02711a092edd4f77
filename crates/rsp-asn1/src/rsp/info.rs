//! What an eUICC and a device say about themselves (SGP.22 5.7.8, 4.2).

use alloc::string::String;
use alloc::vec::Vec;

use crate::ids::Eid;
use crate::{BitString, BoundedString, Null, Oid, Reader, Tag};

/// Tag of the free non-volatile memory in the card resource information.
const FREE_NON_VOLATILE: Tag = Tag::new(0x82);

/// Major, minor and revision, one octet each.
pub type VersionType = [u8; 3];

/// Identifier of a CI public key: the SubjectKeyIdentifier of its certificate.
pub type SubjectKeyIdentifier = Vec<u8>;

sequence! {
    /// Request of ES10b.GetEUICCInfo1 (SGP.22 5.7.8).
    pub struct GetEuiccInfo1Request: 0xBF20 {}
}

sequence! {
    /// `EUICCInfo1` (SGP.22 5.7.8).
    pub struct EuiccInfo1: 0xBF20 {
        svn: VersionType = 0x82,
        euicc_ci_pk_id_list_for_verification: Vec<SubjectKeyIdentifier> = 0xA9,
        euicc_ci_pk_id_list_for_signing: Vec<SubjectKeyIdentifier> = 0xAA,
    }
}

sequence! {
    /// Request of ES10b.GetEUICCInfo2 (SGP.22 5.7.8).
    pub struct GetEuiccInfo2Request: 0xBF22 {}
}

sequence! {
    /// `EUICCInfo2` (SGP.22 5.7.8 with the additions of SGP.32 5.9.2).
    pub struct EuiccInfo2: 0xBF22 {
        profile_version: VersionType = 0x81,
        svn: VersionType = 0x82,
        euicc_firmware_ver: VersionType = 0x83,
        /// Extended card resource information (ETSI TS 102 226 8.2.1.7.2).
        ext_card_resource: Vec<u8> = 0x84,
        uicc_capability: BitString = 0x85,
        ts102241_version: Option<VersionType> = 0x86,
        globalplatform_version: Option<VersionType> = 0x87,
        rsp_capability: BitString = 0x88,
        euicc_ci_pk_id_list_for_verification: Vec<SubjectKeyIdentifier> = 0xA9,
        euicc_ci_pk_id_list_for_signing: Vec<SubjectKeyIdentifier> = 0xAA,
        euicc_category: Option<i64> = 0x8B,
        forbidden_profile_policy_rules: Option<BitString> = 0x99,
        pp_version: VersionType,
        sas_acreditation_number: BoundedString<0, 64>,
        certification_data_object: Option<CertificationDataObject> = 0xAC,
        tre_properties: Option<BitString> = 0x8D,
        tre_product_reference: Option<String> = 0x8E,
        additional_euicc_profile_package_versions: Option<Vec<VersionType>> = 0xAF,
        /// 0 is IPAd, 1 is IPAe (SGP.32 5.9.2).
        ipa_mode: Option<i64> = 0x90,
        euicc_ci_pk_id_list_for_signing_v3: Option<Vec<SubjectKeyIdentifier>> = 0xB1,
        additional_euicc_info: Option<Vec<u8>> = 0x92,
        highest_svn: Option<VersionType> = 0x93,
        iot_specific_info: Option<IotSpecificInfo> = 0xB4,
        /// SGP.22 v2.7, SGP.32 v1.3.
        euicc_minimum_security_level: Option<[u8; 1]> = 0x95,
    }
}

impl EuiccInfo2 {
    /// Free non-volatile memory in octets (ETSI TS 102 226 8.2.1.7.2, tag '82');
    /// `None` if the eUICC does not say.
    pub fn free_non_volatile_memory(&self) -> Option<u64> {
        let mut resource = Reader::new(&self.ext_card_resource);
        while !resource.is_empty() {
            let tlv = resource.tlv().ok()?;
            if tlv.tag == FREE_NON_VOLATILE && tlv.value.len() <= 8 {
                let add = |sum: u64, octet: &u8| (sum << 8) | u64::from(*octet);
                return Some(tlv.value.iter().fold(0, add));
            }
        }
        None
    }
}

sequence! {
    /// `CertificationDataObject` (SGP.22 5.7.8).
    pub struct CertificationDataObject {
        platform_label: String = 0x80,
        discovery_base_url: String = 0x81,
    }
}

sequence! {
    /// `IoTSpecificInfo` (SGP.32 5.9.2).
    pub struct IotSpecificInfo {
        iot_version: Vec<VersionType> = 0xA0,
        ecall_supported: Option<Null> = 0x81,
        fallback_supported: Option<Null> = 0x82,
        /// SGP.32 v1.3.
        fallback_allowed_update_supported: Option<Null> = 0x83,
    }
}

sequence! {
    /// `DeviceInfo` (SGP.22 4.2).
    pub struct DeviceInfo {
        /// The first eight digits of the IMEI, two an octet.
        tac: [u8; 4] = 0x80,
        device_capabilities: DeviceCapabilities = 0xA1,
        imei: Option<[u8; 8]> = 0x82,
    }
}

sequence! {
    /// `DeviceCapabilities`: highest fully supported release of each
    /// technology (SGP.22 4.2).
    pub struct DeviceCapabilities {
        gsm_supported_release: Option<VersionType> = 0x80,
        utran_supported_release: Option<VersionType> = 0x81,
        cdma2000onex_supported_release: Option<VersionType> = 0x82,
        cdma2000hrpd_supported_release: Option<VersionType> = 0x83,
        cdma2000ehrpd_supported_release: Option<VersionType> = 0x84,
        eutran_epc_supported_release: Option<VersionType> = 0x85,
        contactless_supported_release: Option<VersionType> = 0x86,
        rsp_crl_supported_version: Option<VersionType> = 0x87,
        nr_epc_supported_release: Option<VersionType> = 0x88,
        nr5gc_supported_release: Option<VersionType> = 0x89,
        eutran5gc_supported_release: Option<VersionType> = 0x8A,
        lpa_svn: Option<VersionType> = 0x8B,
        cat_supported_classes: Option<BitString> = 0x8C,
        euicc_form_factor_type: Option<i64> = 0x8D,
        device_additional_feature_support: Option<DeviceAdditionalFeatureSupport> = 0xAE,
    }
}

impl DeviceCapabilities {
    /// With no capability at all.
    pub fn none() -> Self {
        DeviceCapabilities {
            gsm_supported_release: None,
            utran_supported_release: None,
            cdma2000onex_supported_release: None,
            cdma2000hrpd_supported_release: None,
            cdma2000ehrpd_supported_release: None,
            eutran_epc_supported_release: None,
            contactless_supported_release: None,
            rsp_crl_supported_version: None,
            nr_epc_supported_release: None,
            nr5gc_supported_release: None,
            eutran5gc_supported_release: None,
            lpa_svn: None,
            cat_supported_classes: None,
            euicc_form_factor_type: None,
            device_additional_feature_support: None,
            extensions: crate::Extensions::default(),
        }
    }
}

sequence! {
    /// `DeviceAdditionalFeatureSupport` (SGP.22 4.2).
    pub struct DeviceAdditionalFeatureSupport {
        nai_support: Option<VersionType> = 0x80,
        group_of_device_manufacturer_oid: Option<Oid> = 0x81,
    }
}

sequence! {
    /// Request of ES10a.GetEuiccConfiguredAddresses (SGP.22 5.7.3).
    pub struct EuiccConfiguredAddressesRequest: 0xBF3C {}
}

sequence! {
    /// Response of ES10a.GetEuiccConfiguredAddresses (SGP.22 5.7.3).
    pub struct EuiccConfiguredAddressesResponse: 0xBF3C {
        default_dp_address: Option<String> = 0x80,
        /// Mandatory, but cards without SM-DS leave it out.
        root_ds_address: Option<String> = 0x81,
    }
}

sequence! {
    /// Request of ES10c.GetEID (SGP.22 5.7.20).
    pub struct GetEuiccDataRequest: 0xBF3E {
        tag_list: [u8; 1] = 0x5C,
    }
}

sequence! {
    /// Response of ES10c.GetEID (SGP.22 5.7.20).
    pub struct GetEuiccDataResponse: 0xBF3E {
        eid_value: Eid,
    }
}

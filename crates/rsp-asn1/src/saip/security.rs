//! Security domains, remote file management and applications.

use alloc::vec::Vec;

use super::{PeHeader, Secret};
use crate::Any;

sequence! {
    /// `PE-SecurityDomain`.
    pub struct SecurityDomain {
        header: PeHeader = 0xA0,
        instance: ApplicationInstance = 0xA1,
        key_list: Option<Vec<KeyObject>> = 0xA2,
        sd_perso_data: Option<Vec<Vec<u8>>> = 0xA3,
        open_perso_data: Option<OpenPersoData> = 0xA4,
        cat_tp_parameters: Option<CatTpParameters> = 0xA5,
    }
}

sequence! {
    /// `openPersoData`.
    pub struct OpenPersoData {
        restrict_parameter: Option<[u8; 1]> = 0xD9,
        contactless_protocol_parameters: Option<Vec<u8>>,
    }
}

sequence! {
    /// `catTpParameters`.
    pub struct CatTpParameters {
        cat_tp_max_sdu_size: i64 = 0x80,
        cat_tp_max_pdu_size: i64 = 0x81,
    }
}

sequence! {
    /// `KeyObject`.
    pub struct KeyObject {
        key_usage_qualifier: Vec<u8> = 0x95,
        key_access: [u8; 1] = 0x96 => [0x00],
        key_identifier: [u8; 1] = 0x82,
        key_version_number: [u8; 1] = 0x83,
        key_counter_value: Option<Vec<u8>> = 0x85,
        key_components: Vec<KeyComponent>,
    }
}

sequence! {
    /// One of `keyCompontents`.
    pub struct KeyComponent {
        key_type: Vec<u8> = 0x80,
        key_data: Secret = 0x86,
        mac_length: i64 = 0x87 => 8,
    }
}

sequence! {
    /// `PE-Application`.
    pub struct Application {
        header: PeHeader = 0xA0,
        load_block: Option<ApplicationLoadPackage> = 0xA1,
        instance_list: Option<Vec<ApplicationInstance>> = 0xA2,
    }
}

sequence! {
    /// `ApplicationLoadPackage`.
    pub struct ApplicationLoadPackage {
        load_package_aid: Vec<u8> = 0x4F,
        security_domain_aid: Option<Vec<u8>> = 0x4F,
        non_volatile_code_limit_c6: Option<Vec<u8>> = 0xC6,
        volatile_data_limit_c7: Option<Vec<u8>> = 0xC7,
        non_volatile_data_limit_c8: Option<Vec<u8>> = 0xC8,
        hash_value: Option<Vec<u8>> = 0xC1,
        load_block_object: Vec<u8> = 0xC4,
    }
}

sequence! {
    /// `ApplicationInstance`.
    pub struct ApplicationInstance {
        application_load_package_aid: Vec<u8> = 0x4F,
        class_aid: Vec<u8> = 0x4F,
        instance_aid: Vec<u8> = 0x4F,
        extradite_security_domain_aid: Option<Vec<u8>> = 0x4F,
        application_privileges: Vec<u8> = 0x82,
        life_cycle_state: [u8; 1] = 0x83 => [0x07],
        application_specific_parameters_c9: Vec<u8> = 0xC9,
        system_specific_parameters: Option<SystemParameters> = 0xEF,
        application_parameters: Option<UiccApplicationParameters> = 0xEA,
        process_data: Option<Vec<Vec<u8>>>,
        control_reference_template: Option<Any> = 0xB0,
    }
}

sequence! {
    /// `ApplicationSystemParameters`, carried as they came.
    pub struct SystemParameters {}
}

sequence! {
    /// `UICCApplicationParameters`.
    pub struct UiccApplicationParameters {
        uicc_toolkit_application_specific_parameters_field: Option<Vec<u8>> = 0x80,
        uicc_access_application_specific_parameters_field: Option<Vec<u8>> = 0x81,
        uicc_administrative_access_application_specific_parameters_field: Option<Vec<u8>> = 0x82,
    }
}

sequence! {
    /// `PE-RFM`.
    pub struct Rfm {
        header: PeHeader = 0xA0,
        instance_aid: Vec<u8> = 0x4F,
        security_domain_aid: Option<Vec<u8>> = 0x4F,
        tar_list: Option<Vec<[u8; 3]>> = 0xA0,
        minimum_security_level: [u8; 1] = 0x81,
        uicc_access_domain: Vec<u8>,
        uicc_admin_access_domain: Vec<u8>,
        adf_rfm_access: Option<AdfRfmAccess>,
    }
}

sequence! {
    /// `ADFRFMAccess`.
    pub struct AdfRfmAccess {
        adf_aid: Vec<u8> = 0x80,
        adf_access_domain: Vec<u8> = 0x81,
        adf_admin_access_domain: Vec<u8> = 0x82,
    }
}

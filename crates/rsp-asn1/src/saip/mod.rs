//! The eUICC profile package (TCA SAIP 2.1 to 3.3, module `PEDefinitions`).
//!
//! A package is a concatenation of [`ProfileElement`]s. All elements that
//! create files from a template have one shape, [`TemplateElement`]: the module
//! writes one SEQUENCE each, whose member tags count the files of the template.

mod file;
mod naa;
mod security;

use alloc::string::String;
use alloc::vec::Vec;

use crate::{Any, Asn1, BoundedString, DecodeError, Null, Oid, Reader, Writer};

pub use file::*;
pub use naa::*;
pub use security::*;

choice! {
    /// `ProfileElement`.
    pub enum ProfileElement {
        Header(ProfileHeader) = 0xA0,
        GenericFileManagement(GenericFileManagement) = 0xA1,
        PinCodes(PinCodes) = 0xA2,
        PukCodes(PukCodes) = 0xA3,
        AkaParameter(AkaParameter) = 0xA4,
        CdmaParameter(CdmaParameter) = 0xA5,
        SecurityDomain(SecurityDomain) = 0xA6,
        Rfm(Rfm) = 0xA7,
        Application(Application) = 0xA8,
        NonStandard(NonStandard) = 0xA9,
        End(End) = 0xAA,
        Mf(TemplateElement) = 0xB0,
        Cd(TemplateElement) = 0xB1,
        Telecom(TemplateElement) = 0xB2,
        Usim(TemplateElement) = 0xB3,
        OptUsim(TemplateElement) = 0xB4,
        Isim(TemplateElement) = 0xB5,
        OptIsim(TemplateElement) = 0xB6,
        Phonebook(TemplateElement) = 0xB7,
        GsmAccess(TemplateElement) = 0xB8,
        Csim(TemplateElement) = 0xB9,
        OptCsim(TemplateElement) = 0xBA,
        Eap(TemplateElement) = 0xBB,
        Df5gs(TemplateElement) = 0xBC,
        DfSaip(TemplateElement) = 0xBD,
        DfSnpn(TemplateElement) = 0xBE,
        Df5gprose(TemplateElement) = 0xBF1F,
        Iot(TemplateElement) = 0xBF20,
        OptIot(TemplateElement) = 0xBF21,
        /// An element of a later version.
        Unknown(Any),
    }
}

impl ProfileElement {
    /// The PEHeader; the profile header and unknown elements have none.
    pub fn header(&self) -> Option<&PeHeader> {
        match self {
            Self::Header(_) | Self::Unknown(_) => None,
            Self::GenericFileManagement(pe) => Some(&pe.header),
            Self::PinCodes(pe) => Some(&pe.header),
            Self::PukCodes(pe) => Some(&pe.header),
            Self::AkaParameter(pe) => Some(&pe.header),
            Self::CdmaParameter(pe) => Some(&pe.header),
            Self::SecurityDomain(pe) => Some(&pe.header),
            Self::Rfm(pe) => Some(&pe.header),
            Self::Application(pe) => Some(&pe.header),
            Self::NonStandard(pe) => Some(&pe.header),
            Self::End(pe) => Some(&pe.header),
            Self::Mf(pe)
            | Self::Cd(pe)
            | Self::Telecom(pe)
            | Self::Usim(pe)
            | Self::OptUsim(pe)
            | Self::Isim(pe)
            | Self::OptIsim(pe)
            | Self::Phonebook(pe)
            | Self::GsmAccess(pe)
            | Self::Csim(pe)
            | Self::OptCsim(pe)
            | Self::Eap(pe)
            | Self::Df5gs(pe)
            | Self::DfSaip(pe)
            | Self::DfSnpn(pe)
            | Self::Df5gprose(pe)
            | Self::Iot(pe)
            | Self::OptIot(pe) => Some(&pe.header),
        }
    }
}

/// Decodes a whole profile package.
///
/// # Errors
/// If an element is malformed; the offset counts from the start of `bytes`.
pub fn decode_package(bytes: &[u8]) -> Result<Vec<ProfileElement>, DecodeError> {
    let mut reader = Reader::new(bytes);
    let mut elements = Vec::new();
    while !reader.is_empty() {
        elements.push(ProfileElement::decode_tlv(&reader.tlv()?)?);
    }
    Ok(elements)
}

/// Encodes a whole profile package.
pub fn encode_package(elements: &[ProfileElement]) -> Vec<u8> {
    let mut out = Writer::new();
    for element in elements {
        element.encode(&mut out);
    }
    out.into_bytes()
}

sequence! {
    /// `PEHeader`.
    pub struct PeHeader {
        mandated: Option<Null> = 0x80,
        identification: i64 = 0x81,
    }
}

impl PeHeader {
    /// A header of an element that the eUICC must support.
    pub fn mandated(identification: i64) -> Self {
        PeHeader {
            mandated: Some(Null),
            identification,
            extensions: crate::Extensions::default(),
        }
    }
}

sequence! {
    /// `ProfileHeader`.
    pub struct ProfileHeader {
        major_version: i64 = 0x80,
        minor_version: i64 = 0x81,
        profile_type: Option<BoundedString<1, 100>> = 0x82,
        /// In reading order, unlike everywhere else.
        iccid: [u8; 10] = 0x83,
        pol: Option<Vec<u8>> = 0x84,
        euicc_mandatory_services: ServicesList = 0xA5,
        euicc_mandatory_gfste_list: Vec<Oid> = 0xA6,
        connectivity_parameters: Option<Vec<u8>> = 0x87,
        euicc_mandatory_aids: Option<Vec<MandatoryAid>> = 0xA8,
        iot_options: Option<IotOptions> = 0xA9,
    }
}

sequence! {
    /// An entry of `eUICC-Mandatory-AIDs`.
    pub struct MandatoryAid {
        aid: Vec<u8> = 0x80,
        version: [u8; 2] = 0x81,
    }
}

sequence! {
    /// `IotOptions`.
    pub struct IotOptions {
        pix: Vec<u8> = 0x80,
    }
}

sequence! {
    /// `ServicesList`: what the eUICC must support.
    pub struct ServicesList {
        contactless: Option<Null> = 0x80,
        usim: Option<Null> = 0x81,
        isim: Option<Null> = 0x82,
        csim: Option<Null> = 0x83,
        milenage: Option<Null> = 0x84,
        tuak128: Option<Null> = 0x85,
        cave: Option<Null> = 0x86,
        gba_usim: Option<Null> = 0x87,
        gba_isim: Option<Null> = 0x88,
        mbms: Option<Null> = 0x89,
        eap: Option<Null> = 0x8A,
        javacard: Option<Null> = 0x8B,
        multos: Option<Null> = 0x8C,
        multiple_usim: Option<Null> = 0x8D,
        multiple_isim: Option<Null> = 0x8E,
        multiple_csim: Option<Null> = 0x8F,
        tuak256: Option<Null> = 0x90,
        usim_test_algorithm: Option<Null> = 0x91,
        ber_tlv: Option<Null> = 0x92,
        df_link: Option<Null> = 0x93,
        cat_tp: Option<Null> = 0x94,
        get_identity: Option<Null> = 0x95,
        profile_a_x25519: Option<Null> = 0x96,
        profile_b_p256: Option<Null> = 0x97,
        suci_calculator_api: Option<Null> = 0x98,
        dns_resolution: Option<Null> = 0x99,
        scp11ac: Option<Null> = 0x9A,
        scp11c_authorization_mechanism: Option<Null> = 0x9B,
        s16mode: Option<Null> = 0x9C,
        eaka: Option<Null> = 0x9D,
    }
}

sequence! {
    /// `PE-NonStandard`.
    pub struct NonStandard {
        header: PeHeader = 0xA0,
        issuer_id: Oid = 0x81,
        content: Vec<u8> = 0x82,
    }
}

sequence! {
    /// `PE-End`.
    pub struct End {
        header: PeHeader = 0xA0,
    }
}

sequence! {
    /// `EUICCResponse`: what the installer says of the elements.
    pub struct EuiccResponse {
        pe_status: Vec<PeStatus> = 0xA0,
        profile_installation_aborted: Option<Null> = 0x81,
        status_message: Option<String> = 0x82,
    }
}

sequence! {
    /// `PEStatus`.
    pub struct PeStatus {
        status: PeStatusCode = 0x80,
        identification: Option<i64> = 0x81,
        additional_information: Option<i64> = 0x82,
        offset: Option<i64> = 0x83,
    }
}

named_integer! {
    /// `status` of `PEStatus`.
    pub struct PeStatusCode {
        OK = 0,
        PE_NOT_SUPPORTED = 1,
        MEMORY_FAILURE = 2,
        BAD_VALUES = 3,
        NOT_ENOUGH_MEMORY = 4,
        INVALID_REQUEST_FORMAT = 5,
        INVALID_PARAMETER = 6,
        RUNTIME_NOT_SUPPORTED = 7,
        LIB_NOT_SUPPORTED = 8,
        TEMPLATE_NOT_SUPPORTED = 9,
        FEATURE_NOT_SUPPORTED = 10,
        PIN_CODE_MISSING = 11,
        UNSUPPORTED_PROFILE_VERSION = 31,
    }
}

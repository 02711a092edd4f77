//! Names of profile elements and of the files that this module touches.

use core::fmt;

use rsp_asn1::saip::ProfileElement;

/// Member number of a file in its element (SAIP, module `PEDefinitions`).
pub(super) mod member {
    /// MF of `PE-MF`.
    pub(crate) const MF: u8 = 2;
    /// EF.PL of `PE-MF`.
    pub(crate) const PL: u8 = 3;
    /// EF.ICCID of `PE-MF` and of `PE-IoT`.
    pub(crate) const ICCID: u8 = 4;
    /// EF.DIR of `PE-MF`.
    pub(crate) const DIR: u8 = 5;
    /// EF.ARR of `PE-MF`.
    pub(crate) const MF_ARR: u8 = 6;
    /// EF.UMPC of `PE-MF`.
    pub(crate) const UMPC: u8 = 7;
    /// ADF of `PE-USIM`, `PE-ISIM` and `PE-CSIM`.
    pub(crate) const ADF: u8 = 2;
    /// EF.IMSI of `PE-USIM`.
    pub(crate) const IMSI: u8 = 3;
    /// EF.ARR of `PE-USIM`.
    pub(crate) const USIM_ARR: u8 = 4;
    /// EF.UST of `PE-USIM`.
    pub(crate) const UST: u8 = 8;
    /// EF.FDN of `PE-USIM`.
    pub(crate) const FDN: u8 = 9;
    /// EF.SPN of `PE-USIM`.
    pub(crate) const SPN: u8 = 13;
    /// EF.EST of `PE-USIM`.
    pub(crate) const EST: u8 = 14;
    /// EF.ACC of `PE-USIM`.
    pub(crate) const ACC: u8 = 18;
    /// EF.AD of `PE-USIM`.
    pub(crate) const AD: u8 = 21;
    /// EF.ECC of `PE-USIM`.
    pub(crate) const ECC: u8 = 22;
    /// EF.MSISDN of `PE-OPT-USIM`.
    pub(crate) const MSISDN: u8 = 7;
    /// EF.PLMNwAcT of `PE-OPT-USIM`.
    pub(crate) const PLMNWACT: u8 = 15;
    /// EF.OPLMNwAcT of `PE-OPT-USIM`.
    pub(crate) const OPLMNWACT: u8 = 16;
    /// EF.HPLMNwAcT of `PE-OPT-USIM`.
    pub(crate) const HPLMNWACT: u8 = 17;
    /// EF.EHPLMN of `PE-OPT-USIM`.
    pub(crate) const EHPLMN: u8 = 58;
    /// EF.IMSI of `PE-IoT`.
    pub(crate) const IOT_IMSI: u8 = 9;
    /// EF.ACC of `PE-IoT`.
    pub(crate) const IOT_ACC: u8 = 18;
    /// EF.AD of `PE-IoT`.
    pub(crate) const IOT_AD: u8 = 21;
    /// EF.ARR of `PE-ISIM`.
    pub(crate) const ISIM_ARR: u8 = 8;
    /// EF.ARR of `PE-CSIM`.
    pub(crate) const CSIM_ARR: u8 = 3;
}

/// How people call an element: its kind and its identification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ElementName {
    /// The alternative of `ProfileElement`, spelled as in the module; elements
    /// of later versions are `unknown`.
    pub kind: &'static str,
    /// `PEHeader.identification`; the profile header has none.
    pub identification: Option<i64>,
}

impl ElementName {
    /// The name of an element.
    pub fn of(element: &ProfileElement) -> Self {
        ElementName {
            kind: kind(element),
            identification: element.header().map(|header| header.identification),
        }
    }
}

impl fmt::Display for ElementName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.identification {
            Some(identification) => write!(f, "{} ({identification})", self.kind),
            None => f.write_str(self.kind),
        }
    }
}

/// The alternative of `ProfileElement` in the spelling of the module.
pub(super) fn kind(element: &ProfileElement) -> &'static str {
    match element {
        ProfileElement::Header(_) => "header",
        ProfileElement::GenericFileManagement(_) => "genericFileManagement",
        ProfileElement::PinCodes(_) => "pinCodes",
        ProfileElement::PukCodes(_) => "pukCodes",
        ProfileElement::AkaParameter(_) => "akaParameter",
        ProfileElement::CdmaParameter(_) => "cdmaParameter",
        ProfileElement::SecurityDomain(_) => "securityDomain",
        ProfileElement::Rfm(_) => "rfm",
        ProfileElement::Application(_) => "application",
        ProfileElement::NonStandard(_) => "nonStandard",
        ProfileElement::End(_) => "end",
        ProfileElement::Mf(_) => "mf",
        ProfileElement::Cd(_) => "cd",
        ProfileElement::Telecom(_) => "telecom",
        ProfileElement::Usim(_) => "usim",
        ProfileElement::OptUsim(_) => "opt-usim",
        ProfileElement::Isim(_) => "isim",
        ProfileElement::OptIsim(_) => "opt-isim",
        ProfileElement::Phonebook(_) => "phonebook",
        ProfileElement::GsmAccess(_) => "gsm-access",
        ProfileElement::Csim(_) => "csim",
        ProfileElement::OptCsim(_) => "opt-csim",
        ProfileElement::Eap(_) => "eap",
        ProfileElement::Df5gs(_) => "df-5gs",
        ProfileElement::DfSaip(_) => "df-saip",
        ProfileElement::DfSnpn(_) => "df-snpn",
        ProfileElement::Df5gprose(_) => "df-5gprose",
        ProfileElement::Iot(_) => "iot",
        ProfileElement::OptIot(_) => "opt-iot",
        ProfileElement::Unknown(_) => "unknown",
    }
}

//! Certificate revocation in the eUICC (SGP.22 5.7.12).

use alloc::vec::Vec;

use crate::CertificateList;

sequence! {
    /// Request of ES10b.LoadCRL (SGP.22 5.7.12).
    pub struct LoadCrlRequest: 0xBF35 {
        /// Under its automatic tag; it is also read with its own '30'.
        crl: CertificateList = 0xA0 | 0x30,
    }
}

choice! {
    /// Response of ES10b.LoadCRL (SGP.22 5.7.12).
    pub enum LoadCrlResponse: 0xBF35 {
        Ok(LoadCrlResponseOk) = 0xA0,
        Error(LoadCrlResponseError) = 0x81,
    }
}

sequence! {
    /// `LoadCRLResponseOk` (SGP.22 5.7.12).
    pub struct LoadCrlResponseOk {
        /// Numbers of the parts of a segmented list that are still missing.
        missing_parts: Option<Vec<i64>> = 0xA0,
    }
}

named_integer! {
    /// `LoadCRLResponseError` (SGP.22 5.7.12).
    pub struct LoadCrlResponseError {
        INVALID_SIGNATURE = 1,
        INVALID_CRL_FORMAT = 2,
        NOT_ENOUGH_MEMORY_SPACE = 3,
        VERIFICATION_KEY_NOT_FOUND = 4,
        FRESHER_CRL_ALREADY_LOADED = 5,
        BASE_CRL_MISSING = 6,
        UNDEFINED_ERROR = 127,
    }
}

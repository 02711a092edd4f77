//! Network access: authentication parameters, PINs and PUKs.

use alloc::vec::Vec;
use core::fmt;

use super::PeHeader;
use crate::{DecodeError, Tag, Tagged, Tlv, Writer};

/// An OCTET STRING that must not be shown: a key or a code.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub Vec<u8>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl Tagged for Secret {
    const TAG: Tag = Tag::OCTET_STRING;

    fn decode_value(tlv: &Tlv<'_>) -> Result<Self, DecodeError> {
        Vec::<u8>::decode_value(tlv).map(Secret)
    }

    fn encode_under(&self, tag: Tag, out: &mut Writer) {
        out.primitive(tag, &self.0);
    }
}

sequence! {
    /// `PE-AKAParameter`.
    pub struct AkaParameter {
        header: PeHeader = 0xA0,
        algo_configuration: AlgoConfiguration = 0xA1,
        sqn_options: [u8; 1] = 0x82 => [0x02],
        sqn_delta: [u8; 6] = 0x83 => [0x00, 0x00, 0x10, 0x00, 0x00, 0x00],
        sqn_age_limit: [u8; 6] = 0x84 => [0x00, 0x00, 0x10, 0x00, 0x00, 0x00],
        /// Without index; absent is 32 times zero.
        sqn_init: Option<Vec<[u8; 6]>> = 0xA5,
    }
}

choice! {
    /// `algoConfiguration` of `PE-AKAParameter`.
    pub enum AlgoConfiguration {
        MappingParameter(MappingParameter) = 0xA0,
        AlgoParameter(AlgoParameter) = 0xA1,
    }
}

sequence! {
    /// `MappingParameter`: the parameters are those of another application.
    pub struct MappingParameter {
        mapping_options: [u8; 1] = 0x80,
        mapping_source: Vec<u8> = 0x81,
    }
}

sequence! {
    /// `AlgoParameter`.
    pub struct AlgoParameter {
        algorithm_id: AlgorithmId = 0x80,
        algorithm_options: [u8; 1] = 0x81,
        key: Secret = 0x82,
        /// OPc of Milenage, TOPc of TUAK.
        opc: Secret = 0x83,
        /// Bits, one octet each.
        rotation_constants: [u8; 5] = 0x84 => DEFAULT_ROTATION_CONSTANTS,
        /// Five times 16 octets.
        xoring_constants: [u8; 80] = 0x85 => default_xoring_constants(),
        auth_counter_max: Option<[u8; 3]> = 0x86,
        number_of_keccak: i64 = 0x87 => 1,
    }
}

named_integer! {
    /// `algorithmID`.
    pub struct AlgorithmId {
        MILENAGE = 1,
        TUAK = 2,
        USIM_TEST_ALGORITHM = 3,
    }
}

/// r1 to r5 of 3GPP TS 35.206.
pub const DEFAULT_ROTATION_CONSTANTS: [u8; 5] = [0x40, 0x00, 0x20, 0x40, 0x60];

/// c1 to c5 of 3GPP TS 35.206: 0, 1, 2, 4 and 8.
pub const fn default_xoring_constants() -> [u8; 80] {
    let mut constants = [0; 80];
    let [.., last] = &mut constants;
    *last = 8;
    let (second, third, fourth) = (31, 47, 63);
    set(&mut constants, second, 1);
    set(&mut constants, third, 2);
    set(&mut constants, fourth, 4);
    constants
}

const fn set(constants: &mut [u8; 80], at: usize, value: u8) {
    if let Some((_, [octet, ..])) = constants.split_at_mut_checked(at) {
        *octet = value;
    }
}

sequence! {
    /// `PE-CDMAParameter`.
    pub struct CdmaParameter {
        header: PeHeader = 0xA0,
        authentication_key: Secret = 0x81,
        ssd: Option<Secret> = 0x82,
        hrpd_access_authentication_data: Option<Secret> = 0x83,
        simple_ip_authentication_data: Option<Secret> = 0x84,
        mobile_ip_authentication_data: Option<Secret> = 0x85,
    }
}

sequence! {
    /// `PE-PINCodes`.
    pub struct PinCodes {
        header: PeHeader = 0xA0,
        pin_codes: PinCodesChoice = 0xA1,
    }
}

choice! {
    /// `pinCodes`: values, or the path of the directory that has them.
    pub enum PinCodesChoice {
        PinConfig(Vec<PinConfiguration>) = 0xA0,
        FilePath(Vec<u8>) = 0x81,
    }
}

sequence! {
    /// `PINConfiguration`.
    pub struct PinConfiguration {
        key_reference: i64 = 0x80,
        /// Padded with 'FF'.
        pin_value: Secret = 0x81,
        unblocking_pin_reference: Option<i64> = 0x82,
        pin_attributes: i64 = 0x83 => 7,
        /// Maximum in the high nibble, what is left in the low one.
        max_num_of_attemps_retry_num_left: i64 = 0x84 => 0x33,
    }
}

sequence! {
    /// `PE-PUKCodes`.
    pub struct PukCodes {
        header: PeHeader = 0xA0,
        puk_codes: Vec<PukConfiguration> = 0xA1,
    }
}

sequence! {
    /// `PUKConfiguration`.
    pub struct PukConfiguration {
        key_reference: i64 = 0x80,
        puk_value: Secret = 0x81,
        /// Maximum in the high nibble, what is left in the low one.
        max_num_of_attemps_retry_num_left: i64 = 0x82 => 0xAA,
    }
}

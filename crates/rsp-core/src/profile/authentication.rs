//! How a subscription authenticates: algorithm and keys.

use alloc::vec::Vec;
use core::fmt;

use rsp_asn1::saip::{
    AlgoParameter, AlgorithmId, DEFAULT_ROTATION_CONSTANTS, Secret, ServicesList,
    default_xoring_constants,
};
use rsp_asn1::{Extensions, Null};

/// Algorithm and secrets of a subscription (SAIP `AlgoParameter`).
///
/// Its serialised form holds the secrets in clear.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "algorithm", rename_all = "snake_case")]
pub enum Authentication {
    /// Milenage (3GPP TS 35.206) with its proposed constants.
    Milenage {
        /// K, the subscriber key.
        k: [u8; 16],
        /// OPc, the operator's constant bound to K.
        opc: [u8; 16],
    },
    /// TUAK (3GPP TS 35.231).
    Tuak {
        /// K, the subscriber key.
        k: TuakKey,
        /// TOPc, the operator's constant bound to K.
        topc: [u8; 32],
        /// Iterations of Keccak-f[1600], 1 or more.
        keccak_iterations: u8,
        /// Lengths of what the functions give.
        lengths: TuakLengths,
    },
    /// The algorithm of test USIMs (3GPP TS 34.108 8.1.2), RES of 16 octets. It
    /// protects nothing.
    Test {
        /// K.
        k: [u8; 16],
    },
}

/// K of TUAK: 128 or 256 bits.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TuakKey {
    /// 128 bits.
    Bits128([u8; 16]),
    /// 256 bits.
    Bits256([u8; 32]),
}

impl TuakKey {
    /// From 16 or 32 octets, `None` of another length.
    pub fn new(octets: &[u8]) -> Option<Self> {
        match octets.len() {
            16 => octets.try_into().ok().map(TuakKey::Bits128),
            32 => octets.try_into().ok().map(TuakKey::Bits256),
            _ => None,
        }
    }

    /// The octets.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            TuakKey::Bits128(key) => key,
            TuakKey::Bits256(key) => key,
        }
    }
}

impl fmt::Debug for TuakKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[redacted; {} octets]", self.as_bytes().len())
    }
}

/// Lengths of MAC, RES, CK and IK that TUAK gives, in octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "[u8; 4]", into = "[u8; 4]")]
pub struct TuakLengths {
    mac: u8,
    res: u8,
    ck: u8,
    ik: u8,
}

impl Default for TuakLengths {
    /// What every network of 3GPP takes: MAC and RES of 8, CK and IK of 16.
    fn default() -> Self {
        TuakLengths {
            mac: 8,
            res: 8,
            ck: 16,
            ik: 16,
        }
    }
}

impl TuakLengths {
    /// From octets: MAC 8, 16 or 32, RES 4, 8, 16 or 32, CK and IK 16 or 32;
    /// `None` for others (3GPP TS 35.231 6.1).
    pub fn new(mac: u8, res: u8, ck: u8, ik: u8) -> Option<Self> {
        let key = |length| matches!(length, 16 | 32);
        let fits = matches!(mac, 8 | 16 | 32) && matches!(res, 4 | 8 | 16 | 32);
        (fits && key(ck) && key(ik)).then_some(TuakLengths { mac, res, ck, ik })
    }

    /// Octets of MAC, RES, CK and IK.
    pub const fn octets(self) -> [u8; 4] {
        [self.mac, self.res, self.ck, self.ik]
    }

    /// `algorithmOptions`: RES in the bits 1 to 3 as for the test algorithm,
    /// MAC in 4 and 5, CK in 6, IK in 7, each counted from the shortest.
    pub fn options(self) -> u8 {
        let steps = |length: u8, shortest: u8| (length / shortest).trailing_zeros() as u8;
        steps(self.res, 4)
            | steps(self.mac, 8) << 3
            | steps(self.ck, 16) << 5
            | steps(self.ik, 16) << 6
    }

    /// From `algorithmOptions`, `None` if a length is none of TUAK's.
    pub fn from_options(options: u8) -> Option<Self> {
        if options & 0x80 != 0 || options & 0x07 > 3 || options >> 3 & 0x03 > 2 {
            return None;
        }
        Some(TuakLengths {
            res: 4 << (options & 0x07),
            mac: 8 << (options >> 3 & 0x03),
            ck: 16 << (options >> 5 & 0x01),
            ik: 16 << (options >> 6 & 0x01),
        })
    }
}

impl TryFrom<[u8; 4]> for TuakLengths {
    type Error = &'static str;

    fn try_from([mac, res, ck, ik]: [u8; 4]) -> Result<Self, Self::Error> {
        let lengths = TuakLengths::new(mac, res, ck, ik);
        lengths.ok_or("MAC of 8, 16 or 32, RES of 4 to 32, CK and IK of 16 or 32 octets")
    }
}

impl From<TuakLengths> for [u8; 4] {
    fn from(lengths: TuakLengths) -> Self {
        lengths.octets()
    }
}

/// RES of 128 bits with the test algorithm, as the GSMA TS.48 profiles have it.
const TEST_OPTIONS: u8 = 0x02;

impl Authentication {
    /// The algorithm.
    pub fn algorithm(&self) -> AlgorithmId {
        match self {
            Authentication::Milenage { .. } => AlgorithmId::MILENAGE,
            Authentication::Tuak { .. } => AlgorithmId::TUAK,
            Authentication::Test { .. } => AlgorithmId::USIM_TEST_ALGORITHM,
        }
    }

    /// What a package's algorithm parameters say, `None` if they are not of a
    /// known algorithm with keys of its lengths.
    pub fn from_parameter(parameter: &AlgoParameter) -> Option<Self> {
        let key = parameter.key.0.as_slice();
        let [options] = parameter.algorithm_options;
        Some(match parameter.algorithm_id {
            AlgorithmId::MILENAGE => Authentication::Milenage {
                k: key.try_into().ok()?,
                opc: parameter.opc.0.as_slice().try_into().ok()?,
            },
            AlgorithmId::TUAK => Authentication::Tuak {
                k: TuakKey::new(key)?,
                topc: parameter.opc.0.as_slice().try_into().ok()?,
                keccak_iterations: u8::try_from(parameter.number_of_keccak).ok()?,
                lengths: TuakLengths::from_options(options)?,
            },
            AlgorithmId::USIM_TEST_ALGORITHM => Authentication::Test {
                k: key.try_into().ok()?,
            },
            _ => return None,
        })
    }

    /// Makes a package's parameters this subscription's. Constants and options
    /// of the same algorithm stay as they are, but for what TUAK needs.
    pub(super) fn set(&self, parameter: &mut AlgoParameter) {
        if parameter.algorithm_id != self.algorithm() {
            *parameter = self.parameter();
            return;
        }
        let own = self.parameter();
        parameter.key = own.key;
        match self {
            Authentication::Milenage { .. } => parameter.opc = own.opc,
            Authentication::Tuak { .. } => {
                parameter.opc = own.opc;
                parameter.algorithm_options = own.algorithm_options;
                parameter.number_of_keccak = own.number_of_keccak;
            }
            Authentication::Test { .. } => {}
        }
    }

    /// Parameters of an `akaParameter`.
    fn parameter(&self) -> AlgoParameter {
        let (options, key, opc, keccak): (u8, &[u8], Vec<u8>, u8) = match self {
            Authentication::Milenage { k, opc } => (0, k, opc.to_vec(), 1),
            Authentication::Tuak {
                k,
                topc,
                keccak_iterations,
                lengths,
            } => (
                lengths.options(),
                k.as_bytes(),
                topc.to_vec(),
                *keccak_iterations,
            ),
            Authentication::Test { k } => (TEST_OPTIONS, k, [0; 16].to_vec(), 1),
        };
        AlgoParameter {
            algorithm_id: self.algorithm(),
            algorithm_options: [options],
            key: Secret(key.to_vec()),
            opc: Secret(opc),
            rotation_constants: DEFAULT_ROTATION_CONSTANTS,
            xoring_constants: default_xoring_constants(),
            auth_counter_max: None,
            number_of_keccak: i64::from(keccak),
            extensions: Extensions::default(),
        }
    }

    /// Makes this algorithm, and no other, a mandatory service.
    pub(super) fn mandate(&self, services: &mut ServicesList) {
        let wide = matches!(
            self,
            Authentication::Tuak {
                k: TuakKey::Bits256(_),
                ..
            }
        );
        let algorithm = self.algorithm();
        let flag = |mandated: bool| mandated.then_some(Null);
        services.milenage = flag(algorithm == AlgorithmId::MILENAGE);
        services.tuak128 = flag(algorithm == AlgorithmId::TUAK && !wide);
        services.tuak256 = flag(algorithm == AlgorithmId::TUAK && wide);
        services.usim_test_algorithm = flag(algorithm == AlgorithmId::USIM_TEST_ALGORITHM);
    }
}

impl fmt::Debug for Authentication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}([redacted])", self.algorithm())
    }
}

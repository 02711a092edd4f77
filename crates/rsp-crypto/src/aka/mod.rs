//! Authentication and key agreement between a network and a USIM
//! (TS 33.102 6.3): the functions f1 to f5*, the vectors of the authentication
//! centre, and what a USIM computes from a challenge.
//!
//! Which sequence numbers are fresh is the USIM's rule and is not decided here.

mod keccak;
mod milenage;
mod tuak;
mod vector;
mod xor;

use core::fmt;

use crate::{CryptoError, Provider};

pub use milenage::{DEFAULT_ROTATION, DEFAULT_XORING, opc};
pub use tuak::{CipherKeyLength, MacLength, Tuak, TuakParameters, TuakResLength, TuakValue, topc};
pub use vector::{Authenticated, AuthenticationVector, generate_vector};

/// The authentication algorithm of a subscription.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Algorithm {
    /// Milenage (TS 35.206).
    Milenage {
        /// OPc, the operator's constant already bound to K ([`opc`]). Secret.
        opc: [u8; 16],
        /// r1 to r5 in bits ([`DEFAULT_ROTATION`]), taken modulo 128.
        rotation: [u8; 5],
        /// c1 to c5 ([`DEFAULT_XORING`]).
        xoring: [[u8; 16]; 5],
    },
    /// The algorithm of test USIMs (TS 34.108 8.1.2). It protects nothing and
    /// must not be used on a live network.
    Test {
        /// Length of RES.
        res_length: ResLength,
    },
}

impl Algorithm {
    /// Milenage with the constants that TS 35.206 4.1 proposes.
    pub fn milenage(opc: [u8; 16]) -> Algorithm {
        Algorithm::Milenage {
            opc,
            rotation: DEFAULT_ROTATION,
            xoring: DEFAULT_XORING,
        }
    }
}

impl fmt::Debug for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Algorithm::Milenage { .. } => f.write_str("Milenage([redacted])"),
            Algorithm::Test { res_length } => write!(f, "Test({res_length:?})"),
        }
    }
}

/// Length of RES in bytes, 4 to 16 (TS 33.102 6.3.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResLength(u8);

impl ResLength {
    /// The longest, 16 bytes.
    pub const MAX: ResLength = ResLength(16);

    /// Takes a length in bytes.
    ///
    /// # Errors
    /// [`CryptoError::InvalidLength`] outside 4 to 16.
    pub fn new(bytes: u8) -> Result<ResLength, CryptoError> {
        match bytes {
            4..=16 => Ok(ResLength(bytes)),
            _ => Err(CryptoError::InvalidLength {
                what: "RES",
                expected: "4 to 16",
                actual: usize::from(bytes),
            }),
        }
    }

    /// The length in bytes.
    pub fn bytes(self) -> usize {
        usize::from(self.0)
    }
}

/// RES or XRES, 4 to 16 bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Response {
    bytes: [u8; 16],
    length: ResLength,
}

impl Response {
    fn new(bytes: [u8; 16], length: ResLength) -> Response {
        Response { bytes, length }
    }

    /// The bytes of the response.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length.bytes()).unwrap_or_default()
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Response([redacted])")
    }
}

/// Everything f1 to f5* give for one challenge (TS 33.102 6.3.2, 6.3.3).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Outputs {
    /// f1: the network's authentication code, MAC-A.
    pub mac_a: [u8; 8],
    /// f1*: the code of a resynchronisation, MAC-S.
    pub mac_s: [u8; 8],
    /// f2: the response.
    pub res: Response,
    /// f3: the cipher key.
    pub ck: [u8; 16],
    /// f4: the integrity key.
    pub ik: [u8; 16],
    /// f5: the anonymity key.
    pub ak: [u8; 6],
    /// f5*: the anonymity key of a resynchronisation.
    pub ak_star: [u8; 6],
}

impl fmt::Debug for Outputs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Outputs([redacted])")
    }
}

/// All functions at once for one challenge, sequence number and AMF.
pub fn functions(
    provider: &dyn Provider,
    k: &[u8; 16],
    algorithm: &Algorithm,
    rand: &[u8; 16],
    sqn: &[u8; 6],
    amf: &[u8; 2],
) -> Outputs {
    let challenge = Challenge::new(provider, k, algorithm, rand);
    Outputs {
        mac_a: challenge.f1(sqn, amf),
        mac_s: challenge.f1_star(sqn, amf),
        res: challenge.f2(),
        ck: challenge.f3(),
        ik: challenge.f4(),
        ak: challenge.f5(),
        ak_star: challenge.f5_star(),
    }
}

/// One RAND under one subscriber key: the functions f1 to f5* of TS 33.102,
/// each computed when it is asked for.
pub struct Challenge<'a> {
    rand: [u8; 16],
    functions: Functions<'a>,
}

enum Functions<'a> {
    Milenage(milenage::Milenage<'a>),
    Test(xor::Xor),
    Tuak(tuak::Tuak),
}

impl<'a> Challenge<'a> {
    /// Prepares the functions for `rand` under the subscriber key `k`.
    pub fn new(
        provider: &'a dyn Provider,
        k: &[u8; 16],
        algorithm: &'a Algorithm,
        rand: &[u8; 16],
    ) -> Challenge<'a> {
        let functions = match algorithm {
            Algorithm::Milenage {
                opc,
                rotation,
                xoring,
            } => Functions::Milenage(milenage::Milenage::new(
                provider, k, opc, rotation, xoring, rand,
            )),
            Algorithm::Test { res_length } => Functions::Test(xor::Xor::new(k, rand, *res_length)),
        };
        Challenge {
            rand: *rand,
            functions,
        }
    }

    /// Prepares TUAK for `rand` under the subscriber key `k` of 16 or 32 octets
    /// and the operator's TOPc.
    ///
    /// # Errors
    /// [`CryptoError::InvalidLength`] for another length of K;
    /// [`CryptoError::UnsupportedAlgorithm`] if the lengths of `parameters` are
    /// not those of TS 33.102: MAC of 64 bits, CK and IK of 128, RES of at most
    /// 128. [`Tuak`] itself computes them all.
    pub fn tuak(
        k: &[u8],
        topc: &[u8; 32],
        parameters: TuakParameters,
        rand: &[u8; 16],
    ) -> Result<Challenge<'static>, CryptoError> {
        if !parameters.fits_umts() {
            return Err(CryptoError::UnsupportedAlgorithm(
                "TUAK with lengths that AUTN, CK and IK do not have",
            ));
        }
        Ok(Challenge {
            rand: *rand,
            functions: Functions::Tuak(Tuak::new(k, topc, parameters, rand)?),
        })
    }

    /// RAND.
    pub fn rand(&self) -> &[u8; 16] {
        &self.rand
    }

    /// MAC-A, also XMAC of the USIM: authenticates `sqn` and `amf`.
    pub fn f1(&self, sqn: &[u8; 6], amf: &[u8; 2]) -> [u8; 8] {
        match &self.functions {
            Functions::Milenage(m) => m.f1(sqn, amf),
            Functions::Test(x) => x.f1(sqn, amf),
            Functions::Tuak(t) => t.f1(sqn, amf).first(),
        }
    }

    /// MAC-S: authenticates SQN_MS in a resynchronisation, whose AMF* is zero
    /// (TS 33.102 6.3.3).
    pub fn f1_star(&self, sqn_ms: &[u8; 6], amf: &[u8; 2]) -> [u8; 8] {
        match &self.functions {
            Functions::Milenage(m) => m.f1_star(sqn_ms, amf),
            Functions::Test(x) => x.f1(sqn_ms, amf),
            Functions::Tuak(t) => t.f1_star(sqn_ms, amf).first(),
        }
    }

    /// RES, also XRES of the network.
    pub fn f2(&self) -> Response {
        match &self.functions {
            Functions::Milenage(m) => m.f2(),
            Functions::Test(x) => x.f2(),
            Functions::Tuak(t) => t.response(),
        }
    }

    /// CK, the cipher key.
    pub fn f3(&self) -> [u8; 16] {
        match &self.functions {
            Functions::Milenage(m) => m.f3(),
            Functions::Test(x) => x.f3(),
            Functions::Tuak(t) => t.f3().first(),
        }
    }

    /// IK, the integrity key.
    pub fn f4(&self) -> [u8; 16] {
        match &self.functions {
            Functions::Milenage(m) => m.f4(),
            Functions::Test(x) => x.f4(),
            Functions::Tuak(t) => t.f4().first(),
        }
    }

    /// AK, which conceals SQN in AUTN.
    pub fn f5(&self) -> [u8; 6] {
        match &self.functions {
            Functions::Milenage(m) => m.f5(),
            Functions::Test(x) => x.f5(),
            Functions::Tuak(t) => t.f5().first(),
        }
    }

    /// AK of a resynchronisation, which conceals SQN_MS in AUTS.
    pub fn f5_star(&self) -> [u8; 6] {
        match &self.functions {
            Functions::Milenage(m) => m.f5_star(),
            Functions::Test(x) => x.f5(),
            Functions::Tuak(t) => t.f5_star().first(),
        }
    }
}

impl fmt::Debug for Challenge<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Challenge([redacted])")
    }
}

/// SQN || AMF, the 64 bits that f1 takes besides RAND.
fn sqn_amf(sqn: &[u8; 6], amf: &[u8; 2]) -> u64 {
    let [s0, s1, s2, s3, s4, s5] = *sqn;
    let [a0, a1] = *amf;
    u64::from_be_bytes([s0, s1, s2, s3, s4, s5, a0, a1])
}

/// The first 64 bits of a block.
fn high64(block: u128) -> u64 {
    let [b0, b1, b2, b3, b4, b5, b6, b7, ..] = block.to_be_bytes();
    u64::from_be_bytes([b0, b1, b2, b3, b4, b5, b6, b7])
}

/// The first 48 bits of a block.
fn high48(block: u128) -> [u8; 6] {
    let [b0, b1, b2, b3, b4, b5, ..] = block.to_be_bytes();
    [b0, b1, b2, b3, b4, b5]
}

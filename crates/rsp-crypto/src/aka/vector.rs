//! What the two sides exchange: AUTN, AUTS and the vectors made of them.

use core::fmt;
use core::hint::black_box;

use super::{Algorithm, Challenge, Response};
use crate::{CryptoError, Provider};

/// AMF* of a resynchronisation (TS 33.102 6.3.3).
const AMF_RESYNC: [u8; 2] = [0, 0];

/// One authentication vector, the quintet of TS 33.102 6.3.2.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AuthenticationVector {
    /// The challenge.
    pub rand: [u8; 16],
    /// SQN xor AK || AMF || MAC-A.
    pub autn: [u8; 16],
    /// The response the network expects.
    pub xres: Response,
    /// The cipher key.
    pub ck: [u8; 16],
    /// The integrity key.
    pub ik: [u8; 16],
}

impl fmt::Debug for AuthenticationVector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthenticationVector([redacted])")
    }
}

/// What an AUTN with a valid MAC says (TS 33.102 6.3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Authenticated {
    /// The sequence number, 48 bits big endian; whether it is fresh is the
    /// USIM's decision.
    pub sqn: [u8; 6],
    /// The authentication management field.
    pub amf: [u8; 2],
}

/// The vector of the authentication centre for `sqn`, `amf` and `rand`
/// (TS 33.102 6.3.2).
pub fn generate_vector(
    provider: &dyn Provider,
    k: &[u8; 16],
    algorithm: &Algorithm,
    sqn: [u8; 6],
    amf: [u8; 2],
    rand: [u8; 16],
) -> AuthenticationVector {
    Challenge::new(provider, k, algorithm, &rand).vector(&sqn, &amf)
}

impl Challenge<'_> {
    /// The vector of the authentication centre (TS 33.102 6.3.2).
    pub fn vector(&self, sqn: &[u8; 6], amf: &[u8; 2]) -> AuthenticationVector {
        AuthenticationVector {
            rand: *self.rand(),
            autn: self.autn(sqn, amf),
            xres: self.f2(),
            ck: self.f3(),
            ik: self.f4(),
        }
    }

    /// AUTN of the network, SQN xor AK || AMF || MAC-A (TS 33.102 6.3.2).
    pub fn autn(&self, sqn: &[u8; 6], amf: &[u8; 2]) -> [u8; 16] {
        let [s0, s1, s2, s3, s4, s5] = xor(sqn, &self.f5());
        let [a0, a1] = *amf;
        let [m0, m1, m2, m3, m4, m5, m6, m7] = self.f1(sqn, amf);
        [
            s0, s1, s2, s3, s4, s5, a0, a1, m0, m1, m2, m3, m4, m5, m6, m7,
        ]
    }

    /// What a USIM does first with AUTN: reveals SQN and compares MAC with
    /// XMAC (TS 33.102 6.3.3).
    ///
    /// # Errors
    /// [`CryptoError::VerificationFailed`] if MAC and XMAC differ.
    pub fn open_autn(&self, autn: &[u8; 16]) -> Result<Authenticated, CryptoError> {
        let [
            s0,
            s1,
            s2,
            s3,
            s4,
            s5,
            a0,
            a1,
            m0,
            m1,
            m2,
            m3,
            m4,
            m5,
            m6,
            m7,
        ] = *autn;
        let sqn = xor(&[s0, s1, s2, s3, s4, s5], &self.f5());
        let amf = [a0, a1];
        same(&[m0, m1, m2, m3, m4, m5, m6, m7], &self.f1(&sqn, &amf))?;
        Ok(Authenticated { sqn, amf })
    }

    /// AUTS with which a USIM reports the highest sequence number it accepted:
    /// SQN_MS xor AK* || MAC-S (TS 33.102 6.3.3).
    pub fn auts(&self, sqn_ms: &[u8; 6]) -> [u8; 14] {
        let [s0, s1, s2, s3, s4, s5] = xor(sqn_ms, &self.f5_star());
        let [m0, m1, m2, m3, m4, m5, m6, m7] = self.f1_star(sqn_ms, &AMF_RESYNC);
        [s0, s1, s2, s3, s4, s5, m0, m1, m2, m3, m4, m5, m6, m7]
    }

    /// What the authentication centre does with AUTS: returns SQN_MS
    /// (TS 33.102 6.3.5).
    ///
    /// # Errors
    /// [`CryptoError::VerificationFailed`] if MAC-S does not match.
    pub fn open_auts(&self, auts: &[u8; 14]) -> Result<[u8; 6], CryptoError> {
        let [s0, s1, s2, s3, s4, s5, m0, m1, m2, m3, m4, m5, m6, m7] = *auts;
        let sqn_ms = xor(&[s0, s1, s2, s3, s4, s5], &self.f5_star());
        let expected = self.f1_star(&sqn_ms, &AMF_RESYNC);
        same(&[m0, m1, m2, m3, m4, m5, m6, m7], &expected)?;
        Ok(sqn_ms)
    }
}

fn xor(value: &[u8; 6], mask: &[u8; 6]) -> [u8; 6] {
    let mut result = *value;
    for (to, from) in result.iter_mut().zip(mask) {
        *to ^= from;
    }
    result
}

/// Compares two codes without revealing by time where they differ.
fn same(received: &[u8; 8], expected: &[u8; 8]) -> Result<(), CryptoError> {
    let difference = u64::from_be_bytes(*received) ^ u64::from_be_bytes(*expected);
    if black_box(difference) == 0 {
        Ok(())
    } else {
        Err(CryptoError::VerificationFailed)
    }
}

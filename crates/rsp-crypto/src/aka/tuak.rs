//! TUAK (TS 35.231): every function is one input block of 200 octets, permuted.
//!
//! The standard counts bits from the right: each field stands in the block with
//! its octets in reverse order.

use core::fmt;

use zeroize::Zeroize;

use super::{ResLength, Response, keccak};
use crate::CryptoError;

/// ALGONAME (TS 35.231 6.1), as it stands in the block.
const NAME: &[u8; 7] = b"0.1KAUT";

/// Octets of the rate: the padding ends here.
const PADDED: usize = 136;

/// Offsets of the results in the permuted block.
const AT_START: usize = 0;
const AT_CK: usize = 32;
const AT_IK: usize = 64;
const AT_AK: usize = 96;

/// Bits of INSTANCE (TS 35.231 6.2 to 6.5).
const INSTANCE_F1_STAR: u8 = 0x80;
const INSTANCE_F2345: u8 = 0x40;
const INSTANCE_F5_STAR: u8 = 0xC0;
const LONG_CK: u8 = 0x04;
const LONG_IK: u8 = 0x02;
const LONG_KEY: u8 = 0x01;

/// Length of MAC-A and MAC-S.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MacLength {
    /// 64 bits: what AUTN and AUTS hold (TS 33.102 6.3).
    Bits64,
    /// 128 bits.
    Bits128,
    /// 256 bits.
    Bits256,
}

/// Length of RES.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TuakResLength {
    /// 32 bits.
    Bits32,
    /// 64 bits.
    Bits64,
    /// 128 bits.
    Bits128,
    /// 256 bits.
    Bits256,
}

/// Length of CK or of IK.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CipherKeyLength {
    /// 128 bits: what TS 33.102 uses.
    Bits128,
    /// 256 bits.
    Bits256,
}

impl MacLength {
    const fn octets(self) -> u8 {
        match self {
            MacLength::Bits64 => 8,
            MacLength::Bits128 => 16,
            MacLength::Bits256 => 32,
        }
    }
}

impl TuakResLength {
    const fn octets(self) -> u8 {
        match self {
            TuakResLength::Bits32 => 4,
            TuakResLength::Bits64 => 8,
            TuakResLength::Bits128 => 16,
            TuakResLength::Bits256 => 32,
        }
    }

    /// Bits of INSTANCE: the octets, but none for the shortest.
    const fn instance(self) -> u8 {
        match self {
            TuakResLength::Bits32 => 0,
            longer => longer.octets(),
        }
    }
}

impl CipherKeyLength {
    const fn octets(self) -> u8 {
        match self {
            CipherKeyLength::Bits128 => 16,
            CipherKeyLength::Bits256 => 32,
        }
    }
}

/// The lengths and the strength that an operator chose for a subscription
/// (TS 35.231 5.2, 7.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TuakParameters {
    /// Length of MAC-A and MAC-S.
    pub mac: MacLength,
    /// Length of RES.
    pub res: TuakResLength,
    /// Length of CK.
    pub ck: CipherKeyLength,
    /// Length of IK.
    pub ik: CipherKeyLength,
    /// How often Keccak-f\[1600\] is applied; 0 counts as 1.
    pub iterations: u8,
}

impl TuakParameters {
    /// What authentication by TS 33.102 can carry: MAC of 64 bits, CK and IK of
    /// 128 bits; with RES of 64 bits and one iteration.
    pub const UMTS: TuakParameters = TuakParameters {
        mac: MacLength::Bits64,
        res: TuakResLength::Bits64,
        ck: CipherKeyLength::Bits128,
        ik: CipherKeyLength::Bits128,
        iterations: 1,
    };

    /// Whether AUTN, AUTS and the keys of TS 33.102 can hold these lengths.
    pub(super) fn fits_umts(&self) -> bool {
        self.mac == MacLength::Bits64
            && self.res != TuakResLength::Bits256
            && self.ck == CipherKeyLength::Bits128
            && self.ik == CipherKeyLength::Bits128
    }
}

/// A result of up to 32 octets, wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct TuakValue {
    octets: [u8; 32],
    length: u8,
}

impl TuakValue {
    /// The octets of the result.
    pub fn as_bytes(&self) -> &[u8] {
        self.octets
            .get(..usize::from(self.length))
            .unwrap_or_default()
    }

    pub(super) fn first<const N: usize>(&self) -> [u8; N] {
        self.octets.first_chunk().copied().unwrap_or([0; N])
    }
}

impl Drop for TuakValue {
    fn drop(&mut self) {
        self.octets.zeroize();
    }
}

impl fmt::Debug for TuakValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TuakValue([redacted])")
    }
}

/// The functions under one key for one RAND.
#[derive(Clone)]
pub struct Tuak {
    key: [u8; 32],
    long_key: bool,
    top: [u8; 32],
    rand: [u8; 16],
    parameters: TuakParameters,
}

impl Tuak {
    /// Prepares the functions for `rand` under the subscriber key `k` of 16 or
    /// 32 octets and the operator's TOPc ([`topc`]).
    ///
    /// # Errors
    /// [`CryptoError::InvalidLength`] for another length of K.
    pub fn new(
        k: &[u8],
        topc: &[u8; 32],
        parameters: TuakParameters,
        rand: &[u8; 16],
    ) -> Result<Tuak, CryptoError> {
        let mut key = [0; 32];
        if !matches!(k.len(), 16 | 32) {
            return Err(CryptoError::InvalidLength {
                what: "K of TUAK",
                expected: "16 or 32",
                actual: k.len(),
            });
        }
        for (to, from) in key.iter_mut().zip(k.iter().rev()) {
            *to = *from;
        }
        Ok(Tuak {
            key,
            long_key: k.len() == 32,
            top: *topc,
            rand: *rand,
            parameters,
        })
    }

    /// MAC-A (TS 35.231 6.2).
    pub fn f1(&self, sqn: &[u8; 6], amf: &[u8; 2]) -> TuakValue {
        self.mac(0, sqn, amf)
    }

    /// MAC-S (TS 35.231 6.3).
    pub fn f1_star(&self, sqn: &[u8; 6], amf: &[u8; 2]) -> TuakValue {
        self.mac(INSTANCE_F1_STAR, sqn, amf)
    }

    /// RES (TS 35.231 6.4).
    pub fn f2(&self) -> TuakValue {
        self.f2345(AT_START, self.parameters.res.octets())
    }

    /// CK (TS 35.231 6.4).
    pub fn f3(&self) -> TuakValue {
        self.f2345(AT_CK, self.parameters.ck.octets())
    }

    /// IK (TS 35.231 6.4).
    pub fn f4(&self) -> TuakValue {
        self.f2345(AT_IK, self.parameters.ik.octets())
    }

    /// AK, 6 octets (TS 35.231 6.4).
    pub fn f5(&self) -> TuakValue {
        self.f2345(AT_AK, 6)
    }

    /// AK of a resynchronisation, 6 octets (TS 35.231 6.5).
    pub fn f5_star(&self) -> TuakValue {
        self.permuted(INSTANCE_F5_STAR, &[0; 6], &[0; 2], AT_AK, 6)
    }

    pub(super) fn response(&self) -> Response {
        let length = ResLength(self.parameters.res.octets().min(ResLength::MAX.0));
        Response::new(self.f2().first(), length)
    }

    fn mac(&self, function: u8, sqn: &[u8; 6], amf: &[u8; 2]) -> TuakValue {
        let length = self.parameters.mac.octets();
        self.permuted(function | length, sqn, amf, AT_START, length)
    }

    fn f2345(&self, at: usize, length: u8) -> TuakValue {
        let parameters = &self.parameters;
        let long = |length, bit| match length {
            CipherKeyLength::Bits128 => 0,
            CipherKeyLength::Bits256 => bit,
        };
        let lengths =
            parameters.res.instance() | long(parameters.ck, LONG_CK) | long(parameters.ik, LONG_IK);
        self.permuted(INSTANCE_F2345 | lengths, &[0; 6], &[0; 2], at, length)
    }

    fn permuted(
        &self,
        instance: u8,
        sqn: &[u8; 6],
        amf: &[u8; 2],
        at: usize,
        length: u8,
    ) -> TuakValue {
        let instance = [instance | if self.long_key { LONG_KEY } else { 0 }];
        let reversed = self.top.iter().rev();
        let input = reversed
            .chain(&instance)
            .chain(NAME)
            .chain(self.rand.iter().rev())
            .chain(amf.iter().rev())
            .chain(sqn.iter().rev())
            .chain(&self.key)
            .chain(&[0x1F]);
        let mut block = [0; keccak::OCTETS];
        for (to, from) in block.iter_mut().zip(input) {
            *to = *from;
        }
        if let Some(last) = block.get_mut(PADDED - 1) {
            *last = 0x80;
        }
        for _ in 0..self.parameters.iterations.max(1) {
            keccak::permute(&mut block);
        }
        let mut octets = [0; 32];
        let end = at + usize::from(length);
        let result = block.get(at..end).unwrap_or_default();
        for (to, from) in octets.iter_mut().zip(result.iter().rev()) {
            *to = *from;
        }
        block.zeroize();
        TuakValue { octets, length }
    }
}

impl Drop for Tuak {
    fn drop(&mut self) {
        self.key.zeroize();
        self.top.zeroize();
    }
}

impl fmt::Debug for Tuak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tuak([redacted])")
    }
}

/// TOPc of a subscription from its key of 16 or 32 octets and the operator's
/// constant TOP, with so many iterations of Keccak-f\[1600\] (TS 35.231 6.1).
/// Secret as both of them.
///
/// # Errors
/// [`CryptoError::InvalidLength`] for another length of K.
pub fn topc(k: &[u8], top: &[u8; 32], iterations: u8) -> Result<[u8; 32], CryptoError> {
    let parameters = TuakParameters {
        iterations,
        ..TuakParameters::UMTS
    };
    let tuak = Tuak::new(k, top, parameters, &[0; 16])?;
    Ok(tuak.permuted(0, &[0; 6], &[0; 2], AT_START, 32).first())
}

//! The algorithms of authentication as they rest in a card, and what they say
//! of a challenge (3GPP TS 33.102 6.3; TS 35.206, TS 35.231, TS 34.108 8.1).

use alloc::vec::Vec;

use rsp_crypto::aka::{
    Algorithm, Challenge, CipherKeyLength, MacLength, ResLength, Tuak, TuakParameters,
    TuakResLength,
};
use rsp_crypto::{CryptoError, Provider};
use serde::{Deserialize, Serialize};

/// SQN xor AK and AMF, which stand in AUTN before MAC.
const BEFORE_MAC: usize = 8;

/// AMF* of a resynchronisation (TS 33.102 6.3.3).
const AMF_RESYNC: [u8; 2] = [0, 0];

/// The key of the test algorithm that everybody knows (3GPP TS 34.108 8.2).
const DEFAULT_TEST_KEY: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// The algorithm with its keys.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Function {
    Milenage {
        k: [u8; 16],
        opc: [u8; 16],
        rotation: [u8; 5],
        xoring: [[u8; 16]; 5],
    },
    Tuak {
        /// 16 or 32 octets.
        #[serde(with = "super::hex")]
        k: Vec<u8>,
        topc: [u8; 32],
        /// Iterations of Keccak-f[1600].
        iterations: u8,
        /// `algorithmOptions`: the lengths.
        options: u8,
    },
    Test {
        k: [u8; 16],
        /// Octets of RES.
        res: u8,
    },
}

/// What an AUTN with the network's MAC says.
pub(super) struct Opened {
    pub(super) sqn: [u8; 6],
    pub(super) amf: [u8; 2],
}

/// RES, CK and IK of a challenge.
pub(super) struct Keys {
    pub(super) res: Vec<u8>,
    pub(super) ck: Vec<u8>,
    pub(super) ik: Vec<u8>,
}

impl Function {
    /// Whether the key is one that a test profile may have: nothing but its
    /// lowest 16 bits is set, or it is that of the test algorithm (SGP.22
    /// 2.4.5.3). Such a key opens no operator's network.
    pub(super) fn has_test_key(&self) -> bool {
        let k: &[u8] = match self {
            Function::Test { k, .. } if *k == DEFAULT_TEST_KEY => return true,
            Function::Test { k, .. } | Function::Milenage { k, .. } => k,
            Function::Tuak { k, .. } => k,
        };
        let lowest = k.len().saturating_sub(2);
        k.iter().take(lowest).all(|octet| *octet == 0)
    }

    pub(super) fn is_milenage(&self) -> bool {
        matches!(self, Function::Milenage { .. })
    }

    /// TUAK with a key of so many octets.
    pub(super) fn is_tuak(&self, octets: usize) -> bool {
        matches!(self, Function::Tuak { k, .. } if k.len() == octets)
    }

    pub(super) fn is_test(&self) -> bool {
        matches!(self, Function::Test { .. })
    }

    /// Octets of AUTN: 16 but for a longer MAC of TUAK.
    pub(super) fn autn_length(&self) -> usize {
        let parameters = match self {
            Function::Tuak { options, .. } => tuak_parameters(*options, 1),
            Function::Milenage { .. } | Function::Test { .. } => None,
        };
        BEFORE_MAC
            + match parameters.map(|parameters| parameters.mac) {
                Some(MacLength::Bits128) => 16,
                Some(MacLength::Bits256) => 32,
                _ => 8,
            }
    }

    /// Reveals SQN; `None` if MAC is not the network's.
    ///
    /// # Errors
    /// If the parameters cannot be used.
    pub(super) fn open(
        &self,
        provider: &dyn Provider,
        rand: &[u8; 16],
        autn: &[u8],
    ) -> Result<Option<Opened>, CryptoError> {
        if let Some(tuak) = self.tuak(rand)? {
            return Ok(open_tuak(&tuak, autn));
        }
        let (k, algorithm) = self.fixed()?;
        let challenge = Challenge::new(provider, k, &algorithm, rand);
        let autn = autn.try_into().ok();
        let opened = autn.and_then(|autn| challenge.open_autn(autn).ok());
        Ok(opened.map(|opened| Opened {
            sqn: opened.sqn,
            amf: opened.amf,
        }))
    }

    /// RES, CK and IK.
    ///
    /// # Errors
    /// If the parameters cannot be used.
    pub(super) fn keys(
        &self,
        provider: &dyn Provider,
        rand: &[u8; 16],
    ) -> Result<Keys, CryptoError> {
        if let Some(tuak) = self.tuak(rand)? {
            return Ok(Keys {
                res: tuak.f2().as_bytes().to_vec(),
                ck: tuak.f3().as_bytes().to_vec(),
                ik: tuak.f4().as_bytes().to_vec(),
            });
        }
        let (k, algorithm) = self.fixed()?;
        let challenge = Challenge::new(provider, k, &algorithm, rand);
        Ok(Keys {
            res: challenge.f2().as_bytes().to_vec(),
            ck: challenge.f3().to_vec(),
            ik: challenge.f4().to_vec(),
        })
    }

    /// AUTS, which reports SQN_MS.
    ///
    /// # Errors
    /// If the parameters cannot be used.
    pub(super) fn auts(
        &self,
        provider: &dyn Provider,
        rand: &[u8; 16],
        sqn_ms: &[u8; 6],
    ) -> Result<Vec<u8>, CryptoError> {
        if let Some(tuak) = self.tuak(rand)? {
            let mut auts = xor(sqn_ms, tuak.f5_star().as_bytes()).to_vec();
            auts.extend(tuak.f1_star(sqn_ms, &AMF_RESYNC).as_bytes());
            return Ok(auts);
        }
        let (k, algorithm) = self.fixed()?;
        let challenge = Challenge::new(provider, k, &algorithm, rand);
        Ok(challenge.auts(sqn_ms).to_vec())
    }

    /// The functions of TUAK, if that is the algorithm.
    fn tuak(&self, rand: &[u8; 16]) -> Result<Option<Tuak>, CryptoError> {
        let Function::Tuak {
            k,
            topc,
            iterations,
            options,
        } = self
        else {
            return Ok(None);
        };
        let parameters = tuak_parameters(*options, *iterations);
        let parameters = parameters.ok_or(CryptoError::UnsupportedAlgorithm("TUAK lengths"))?;
        Tuak::new(k, topc, parameters, rand).map(Some)
    }

    /// Key and algorithm of those whose values have fixed lengths.
    fn fixed(&self) -> Result<(&[u8; 16], Algorithm), CryptoError> {
        match self {
            Function::Milenage {
                k,
                opc,
                rotation,
                xoring,
            } => Ok((
                k,
                Algorithm::Milenage {
                    opc: *opc,
                    rotation: *rotation,
                    xoring: *xoring,
                },
            )),
            Function::Test { k, res } => Ok((
                k,
                Algorithm::Test {
                    res_length: ResLength::new(*res)?,
                },
            )),
            Function::Tuak { .. } => Err(CryptoError::UnsupportedAlgorithm("TUAK")),
        }
    }
}

/// The lengths that `algorithmOptions` of TUAK says, `None` if it says none:
/// RES in the low three bits from 32 bits upward, MAC in the next two from 64,
/// CK and IK in one each, 128 or 256.
pub(super) fn tuak_parameters(options: u8, iterations: u8) -> Option<TuakParameters> {
    let key = |bit: u8| match options >> bit & 1 {
        0 => CipherKeyLength::Bits128,
        _ => CipherKeyLength::Bits256,
    };
    if options & 0x80 != 0 || iterations == 0 {
        return None;
    }
    Some(TuakParameters {
        mac: match options >> 3 & 0x03 {
            0 => MacLength::Bits64,
            1 => MacLength::Bits128,
            2 => MacLength::Bits256,
            _ => return None,
        },
        res: match options & 0x07 {
            0 => TuakResLength::Bits32,
            1 => TuakResLength::Bits64,
            2 => TuakResLength::Bits128,
            3 => TuakResLength::Bits256,
            _ => return None,
        },
        ck: key(5),
        ik: key(6),
        iterations,
    })
}

fn open_tuak(tuak: &Tuak, autn: &[u8]) -> Option<Opened> {
    let (concealed, rest) = autn.split_first_chunk::<6>()?;
    let (amf, mac) = rest.split_first_chunk::<2>()?;
    let sqn = xor(concealed, tuak.f5().as_bytes());
    let expected = tuak.f1(&sqn, amf);
    same(mac, expected.as_bytes()).then_some(Opened { sqn, amf: *amf })
}

fn xor(value: &[u8; 6], mask: &[u8]) -> [u8; 6] {
    let mut result = *value;
    for (to, from) in result.iter_mut().zip(mask) {
        *to ^= from;
    }
    result
}

/// Compares without revealing by time where two codes differ.
fn same(received: &[u8], expected: &[u8]) -> bool {
    let pairs = received.iter().zip(expected);
    let difference = pairs.fold(0, |difference, (a, b)| difference | (a ^ b));
    received.len() == expected.len() && core::hint::black_box(difference) == 0
}

//! Authentication parameters and sequence numbers (3GPP TS 33.102 6.3,
//! Annex C; SAIP PE-AKAParameter).

use alloc::vec::Vec;

use rsp_crypto::aka::{Algorithm, Challenge, ResLength};
use rsp_crypto::{CryptoError, Provider};
use serde::{Deserialize, Serialize};

use super::fs::FileId;

/// Entries of the sequence number array, one per value of IND.
pub(super) const ENTRIES: usize = 32;

/// Bits of a sequence number that are IND.
const IND_BITS: u32 = 5;

/// The largest SEQ, 43 bits.
pub(super) const MAX_SEQ: u64 = (1 << 43) - 1;

/// sqnOptions: refuse what is older than the age limit. Which bit is which is
/// a reading: the default '02' leaves the age limit out, as the profile for
/// networks without clock does (TS 33.102 C.3.1).
const CHECK_AGE: u8 = 0x01;
/// sqnOptions: refuse jumps larger than delta, against wrap around.
const CHECK_DELTA: u8 = 0x02;

/// AMF with which a test system asks a test USIM to resynchronise
/// (3GPP TS 34.108 8.1.2.2).
const AMF_RESYNCH: [u8; 2] = [0xFF, 0xFF];

/// The parameters of one application.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Authentication {
    /// Its own.
    Own(Subscription),
    /// Those of another ADF, sequence numbers included (mappingParameter).
    Mapped(FileId),
}

/// Key, algorithm and the sequence numbers accepted.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Subscription {
    pub(super) k: [u8; 16],
    pub(super) function: Function,
    pub(super) options: u8,
    /// In units of SEQ.
    pub(super) delta: u64,
    /// In units of SEQ.
    pub(super) age_limit: u64,
    /// SEQ last accepted for each IND.
    pub(super) accepted: Vec<u64>,
    /// Authentications that are still allowed, if they are counted.
    pub(super) authentications_left: Option<u32>,
}

/// The algorithm, as it rests.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Function {
    Milenage {
        opc: [u8; 16],
        rotation: [u8; 5],
        xoring: [[u8; 16]; 5],
    },
    Test {
        /// Octets of RES.
        res: u8,
    },
}

/// SRES and Kc, the answer to a GSM challenge.
pub(super) type SresAndKc = ([u8; 4], [u8; 8]);

/// What came of a challenge.
pub(super) enum Answer {
    Success {
        res: Vec<u8>,
        ck: [u8; 16],
        ik: [u8; 16],
    },
    SynchronisationFailure {
        auts: [u8; 14],
    },
    /// The MAC is not the network's.
    MacFailure,
    /// The key was used as often as it may be.
    Exhausted,
}

impl Subscription {
    /// Answers a 3G challenge and remembers its sequence number.
    ///
    /// # Errors
    /// If the parameters cannot be used.
    pub(super) fn authenticate(
        &mut self,
        provider: &dyn Provider,
        rand: &[u8; 16],
        autn: &[u8; 16],
    ) -> Result<Answer, CryptoError> {
        if !self.count() {
            return Ok(Answer::Exhausted);
        }
        let algorithm = self.function.algorithm()?;
        let challenge = Challenge::new(provider, &self.k, &algorithm, rand);
        let Ok(opened) = challenge.open_autn(autn) else {
            return Ok(Answer::MacFailure);
        };
        if !self.accepts(&opened.sqn, opened.amf) {
            let sqn_ms = match self.function {
                Function::Milenage { .. } => self.highest(),
                // A test USIM keeps none and reports the one it was sent.
                Function::Test { .. } => opened.sqn,
            };
            let auts = challenge.auts(&sqn_ms);
            return Ok(Answer::SynchronisationFailure { auts });
        }
        self.remember(&opened.sqn);
        Ok(Answer::Success {
            res: challenge.f2().as_bytes().to_vec(),
            ck: challenge.f3(),
            ik: challenge.f4(),
        })
    }

    /// SRES and Kc for a GSM challenge (3GPP TS 33.102 6.8.1.2).
    ///
    /// # Errors
    /// If the parameters cannot be used.
    pub(super) fn gsm(
        &mut self,
        provider: &dyn Provider,
        rand: &[u8; 16],
    ) -> Result<Option<SresAndKc>, CryptoError> {
        if !self.count() {
            return Ok(None);
        }
        let algorithm = self.function.algorithm()?;
        let challenge = Challenge::new(provider, &self.k, &algorithm, rand);
        let sres = c2(challenge.f2().as_bytes());
        Ok(Some((sres, c3(&challenge.f3(), &challenge.f4()))))
    }

    fn count(&mut self) -> bool {
        match &mut self.authentications_left {
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
            None => true,
        }
    }

    /// Whether a sequence number is fresh (TS 33.102 C.2.2).
    fn accepts(&self, sqn: &[u8; 6], amf: [u8; 2]) -> bool {
        if matches!(self.function, Function::Test { .. }) {
            return amf != AMF_RESYNCH;
        }
        let (seq, ind) = split(sqn);
        let highest = self.accepted.iter().copied().max().unwrap_or(0);
        if self.options & CHECK_DELTA != 0 && seq > highest.saturating_add(self.delta) {
            return false;
        }
        if self.options & CHECK_AGE != 0 && highest.saturating_sub(seq) >= self.age_limit.max(1) {
            return false;
        }
        self.accepted.get(ind).is_some_and(|last| seq > *last)
    }

    fn remember(&mut self, sqn: &[u8; 6]) {
        let (seq, ind) = split(sqn);
        if let (Function::Milenage { .. }, Some(last)) =
            (&self.function, self.accepted.get_mut(ind))
        {
            *last = seq;
        }
    }

    /// SQN_MS, the highest sequence number accepted.
    fn highest(&self) -> [u8; 6] {
        let sqn = |(ind, seq): (u64, &u64)| seq << IND_BITS | ind;
        let highest = (0..).zip(&self.accepted).map(sqn).max().unwrap_or(0);
        let [_, _, octets @ ..] = highest.to_be_bytes();
        octets
    }
}

impl Function {
    pub(super) fn is_milenage(&self) -> bool {
        matches!(self, Function::Milenage { .. })
    }

    pub(super) fn is_test(&self) -> bool {
        matches!(self, Function::Test { .. })
    }

    fn algorithm(&self) -> Result<Algorithm, CryptoError> {
        Ok(match self {
            Function::Milenage {
                opc,
                rotation,
                xoring,
            } => Algorithm::Milenage {
                opc: *opc,
                rotation: *rotation,
                xoring: *xoring,
            },
            Function::Test { res } => Algorithm::Test {
                res_length: ResLength::new(*res)?,
            },
        })
    }
}

/// SEQ and IND of a sequence number.
fn split(sqn: &[u8; 6]) -> (u64, usize) {
    let sqn = sqn
        .iter()
        .fold(0, |sqn, octet| sqn << 8 | u64::from(*octet));
    (sqn >> IND_BITS, (sqn & (ENTRIES as u64 - 1)) as usize)
}

/// SRES from RES (TS 33.102 6.8.1.2, conversion function c2).
fn c2(res: &[u8]) -> [u8; 4] {
    let mut sres = [0; 4];
    for part in res.chunks(4) {
        for (to, from) in sres.iter_mut().zip(part) {
            *to ^= from;
        }
    }
    sres
}

/// Kc from CK and IK (conversion function c3).
pub(super) fn c3(ck: &[u8; 16], ik: &[u8; 16]) -> [u8; 8] {
    let fold = |key: &[u8; 16]| {
        let key = u128::from_be_bytes(*key);
        (key >> 64) as u64 ^ key as u64
    };
    (fold(ck) ^ fold(ik)).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn subscription() -> Subscription {
        Subscription {
            k: [0; 16],
            function: Function::Milenage {
                opc: [0; 16],
                rotation: [64, 0, 32, 64, 96],
                xoring: [[0; 16]; 5],
            },
            options: CHECK_DELTA,
            delta: 1 << 28,
            age_limit: 1 << 28,
            accepted: vec![0; ENTRIES],
            authentications_left: None,
        }
    }

    fn sqn(seq: u64, ind: u64) -> [u8; 6] {
        let [_, _, octets @ ..] = (seq << IND_BITS | ind).to_be_bytes();
        octets
    }

    #[test]
    fn each_index_has_its_own_sequence() {
        let mut s = subscription();
        assert!(!s.accepts(&sqn(0, 0), [0, 0]));
        assert!(s.accepts(&sqn(5, 3), [0, 0]));
        s.remember(&sqn(5, 3));
        assert!(!s.accepts(&sqn(5, 3), [0, 0]));
        assert!(s.accepts(&sqn(4, 2), [0, 0]));
        assert!(s.accepts(&sqn(6, 3), [0, 0]));
        assert_eq!(s.highest(), sqn(5, 3));
    }

    #[test]
    fn delta_and_age_limit() {
        let mut s = subscription();
        assert!(s.accepts(&sqn(1 << 28, 0), [0, 0]));
        assert!(!s.accepts(&sqn((1 << 28) + 1, 0), [0, 0]));
        s.options = CHECK_AGE;
        s.age_limit = 10;
        assert!(s.accepts(&sqn(1 << 40, 0), [0, 0]));
        s.remember(&sqn(1000, 0));
        assert!(s.accepts(&sqn(991, 1), [0, 0]));
        assert!(!s.accepts(&sqn(990, 1), [0, 0]));
    }

    #[test]
    fn the_counter_of_authentications_ends() {
        let mut s = subscription();
        s.authentications_left = Some(1);
        assert!(s.count());
        assert!(!s.count());
    }

    #[test]
    fn conversions_of_ts_33_102() {
        assert_eq!(c2(&[1, 2, 3, 4, 1, 0, 0, 8]), [0, 2, 3, 12]);
        assert_eq!(c2(&[1, 2, 3, 4]), [1, 2, 3, 4]);
        let mut ck = [0; 16];
        ck[0] = 1;
        ck[8] = 3;
        let mut ik = [0; 16];
        ik[15] = 9;
        assert_eq!(c3(&ck, &ik), [2, 0, 0, 0, 0, 0, 0, 9]);
    }
}

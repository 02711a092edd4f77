//! Authentication parameters and sequence numbers (3GPP TS 33.102 6.3,
//! Annex C; SAIP PE-AKAParameter).

use alloc::vec::Vec;

use rsp_crypto::{CryptoError, Provider};
use serde::{Deserialize, Serialize};

use super::algorithm::{Function, Keys};
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

/// Algorithm, keys and the sequence numbers accepted.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Subscription {
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

/// SRES and Kc, the answer to a GSM challenge.
pub(super) type SresAndKc = ([u8; 4], [u8; 8]);

/// What came of a challenge.
pub(super) enum Answer {
    Success(Keys),
    SynchronisationFailure {
        auts: Vec<u8>,
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
        autn: &[u8],
    ) -> Result<Answer, CryptoError> {
        if !self.count() {
            return Ok(Answer::Exhausted);
        }
        let Some(opened) = self.function.open(provider, rand, autn)? else {
            return Ok(Answer::MacFailure);
        };
        if !self.accepts(&opened.sqn, opened.amf) {
            let sqn_ms = match self.function {
                Function::Milenage { .. } | Function::Tuak { .. } => self.highest(),
                // A test USIM keeps none and reports the one it was sent.
                Function::Test { .. } => opened.sqn,
            };
            let auts = self.function.auts(provider, rand, &sqn_ms)?;
            return Ok(Answer::SynchronisationFailure { auts });
        }
        self.remember(&opened.sqn);
        Ok(Answer::Success(self.function.keys(provider, rand)?))
    }

    /// SRES and Kc for a GSM challenge (3GPP TS 33.102 6.8.1.2), `None` if the
    /// key was used as often as it may be.
    ///
    /// # Errors
    /// If the parameters cannot be used, or give keys of which no Kc is made.
    pub(super) fn gsm(
        &mut self,
        provider: &dyn Provider,
        rand: &[u8; 16],
    ) -> Result<Option<SresAndKc>, CryptoError> {
        if !self.count() {
            return Ok(None);
        }
        let keys = self.function.keys(provider, rand)?;
        let no_kc = CryptoError::UnsupportedAlgorithm("GSM with keys longer than 128 bits");
        let kc = c3(&keys).ok_or(no_kc)?;
        Ok(Some((c2(&keys.res), kc)))
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
        if let (false, Some(last)) = (self.function.is_test(), self.accepted.get_mut(ind)) {
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

/// Kc from CK and IK (conversion function c3), which are of 128 bits.
pub(super) fn c3(keys: &Keys) -> Option<[u8; 8]> {
    let fold = |key: &[u8]| {
        let key = u128::from_be_bytes(key.try_into().ok()?);
        Some((key >> 64) as u64 ^ key as u64)
    };
    Some((fold(&keys.ck)? ^ fold(&keys.ik)?).to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn subscription() -> Subscription {
        Subscription {
            function: Function::Milenage {
                k: [0; 16],
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
        let mut keys = Keys {
            res: vec![],
            ck: vec![0; 16],
            ik: vec![0; 16],
        };
        keys.ck[0] = 1;
        keys.ck[8] = 3;
        keys.ik[15] = 9;
        assert_eq!(c3(&keys), Some([2, 0, 0, 0, 0, 0, 0, 9]));
        keys.ik.extend([0; 16]);
        assert_eq!(c3(&keys), None);
    }
}

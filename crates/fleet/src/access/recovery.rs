//! Recovery codes: for who has lost the second factor. Each counts once.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::token::{Digest, digest};
use super::totp::base32;

/// How many are made at once; those before are forgotten.
pub const RECOVERY_CODES: usize = 10;

/// What is kept of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecoveryCodes(Vec<[u8; 32]>);

impl RecoveryCodes {
    /// Makes them of random octets, 80 bits each: the codes, to be shown once,
    /// and what is kept.
    pub fn make(random: &[[u8; 10]; RECOVERY_CODES]) -> (Vec<Zeroizing<String>>, Self) {
        let codes = random.iter().map(|octets| {
            let text = Zeroizing::new(base32(octets).to_lowercase());
            let groups = text.as_bytes().chunks(4).map(String::from_utf8_lossy);
            Zeroizing::new(groups.collect::<Vec<_>>().join("-"))
        });
        let codes: Vec<_> = codes.collect();
        let kept = codes.iter().map(|code| kept(code).0).collect();
        (codes, RecoveryCodes(kept))
    }

    /// What is left when a code is used; `None` if it is none of these.
    pub fn used(&self, code: &str) -> Option<Self> {
        let presented = kept(code);
        let left: Vec<_> = self
            .0
            .iter()
            .copied()
            .filter(|kept| !presented.is(&Digest(*kept)))
            .collect();
        (left.len() < self.0.len()).then_some(RecoveryCodes(left))
    }

    /// How many are left.
    pub fn left(&self) -> usize {
        self.0.len()
    }
}

/// Capitals, spaces and dashes are as people type them.
fn kept(code: &str) -> Digest {
    let plain = code.chars().filter(char::is_ascii_alphanumeric).take(64);
    let plain: Zeroizing<String> = Zeroizing::new(plain.collect());
    digest(plain.to_lowercase().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_counts_once_however_it_is_typed() {
        let random = std::array::from_fn(|number| [number as u8 * 25; 10]);
        let (codes, kept) = RecoveryCodes::make(&random);
        assert_eq!(codes.len(), RECOVERY_CODES);
        assert_eq!(codes[0].len(), 19);
        let typed = codes[3].replace('-', " ").to_uppercase();
        let left = kept.used(&typed).unwrap();
        assert_eq!(left.left(), RECOVERY_CODES - 1);
        assert_eq!(left.used(&typed), None);
        assert!(left.used(&codes[4]).is_some());
        assert_eq!(left.used(""), None);
    }
}

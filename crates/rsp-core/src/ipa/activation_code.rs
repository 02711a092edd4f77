//! Activation codes (SGP.22 4.1).

use alloc::string::{String, ToString};

use rsp_asn1::Oid;

/// A text that is no activation code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an activation code, such as LPA:1$smdp.example.com$MATCHING-ID")]
pub struct InvalidActivationCode;

/// `LPA:1$address$matchingId[$oid[$1]]`.
#[derive(Clone, PartialEq, Eq)]
pub struct ActivationCode {
    /// Address of the SM-DP+.
    pub smdp_address: String,
    /// MatchingID; may be empty.
    pub matching_id: String,
    /// OID that the SM-DP+ must have.
    pub smdp_oid: Option<Oid>,
    /// Whether a confirmation code is needed.
    pub confirmation_code_required: bool,
}

impl ActivationCode {
    /// For whatever waits at a server for the eUICC that asks.
    pub(super) const fn at(smdp_address: String) -> Self {
        ActivationCode {
            smdp_address,
            matching_id: String::new(),
            smdp_oid: None,
            confirmation_code_required: false,
        }
    }
}

/// Without the MatchingID, which is a secret until it is used.
impl core::fmt::Debug for ActivationCode {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "LPA:1${}$[redacted]", self.smdp_address)
    }
}

impl core::str::FromStr for ActivationCode {
    type Err = InvalidActivationCode;

    /// With and without the prefix `LPA:`.
    fn from_str(text: &str) -> Result<Self, InvalidActivationCode> {
        let text = text.strip_prefix("LPA:").unwrap_or(text);
        let mut parts = text.split('$');
        if parts.next() != Some("1") {
            return Err(InvalidActivationCode);
        }
        let smdp_address = parts.next().filter(|part| !part.is_empty());
        let matching_id = parts.next();
        let oid = parts.next().filter(|part| !part.is_empty());
        let smdp_oid = oid.map(str::parse).transpose();
        Ok(ActivationCode {
            smdp_address: smdp_address.ok_or(InvalidActivationCode)?.to_string(),
            matching_id: matching_id.ok_or(InvalidActivationCode)?.to_string(),
            smdp_oid: smdp_oid.map_err(|_| InvalidActivationCode)?,
            confirmation_code_required: parts.next() == Some("1"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_and_without_prefix_and_tail() {
        let code: ActivationCode = "LPA:1$dp.example$ABC".parse().unwrap();
        assert_eq!(code, "1$dp.example$ABC".parse().unwrap());
        assert!(code.smdp_oid.is_none() && !code.confirmation_code_required);
        let code: ActivationCode = "1$dp.example$$2.999.10$1".parse().unwrap();
        assert_eq!(code.matching_id, "");
        assert_eq!(code.smdp_oid.unwrap().to_string(), "2.999.10");
        assert!(code.confirmation_code_required);
        let code: ActivationCode = "1$dp.example$A$$1".parse().unwrap();
        assert!(code.smdp_oid.is_none() && code.confirmation_code_required);
        for bad in ["", "LPA:", "2$a$b", "1$", "1$a", "1$$b", "1$a$b$x"] {
            assert!(bad.parse::<ActivationCode>().is_err(), "{bad}");
        }
    }
}

//! Activation codes (SGP.22 4.1), as the card reads them.

use alloc::string::String;

use rsp_asn1::Oid;

/// `LPA:1$address$matchingId[$oid[$1]]`. Its MatchingID is a secret until it is
/// used, so it cannot be shown.
pub(super) struct ActivationCode {
    pub(super) address: String,
    pub(super) matching_id: String,
    /// That the SM-DP+ has to have.
    pub(super) oid: Option<Oid>,
}

impl ActivationCode {
    /// With or without the prefix.
    pub(super) fn read(text: &str) -> Option<ActivationCode> {
        let code = text.strip_prefix("LPA:").unwrap_or(text);
        let mut parts = code.strip_prefix("1$")?.split('$');
        let address = parts.next().filter(|address| !address.is_empty())?;
        let matching_id = parts.next()?;
        let oid = match parts.next() {
            None | Some("") => None,
            Some(oid) => Some(oid.parse().ok()?),
        };
        Some(ActivationCode {
            address: address.into(),
            matching_id: matching_id.into(),
            oid,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_what_is_none() {
        let code = ActivationCode::read("LPA:1$dp.example$M-1$2.999.10$1").unwrap();
        assert_eq!((&*code.address, &*code.matching_id), ("dp.example", "M-1"));
        assert_eq!(code.oid, "2.999.10".parse().ok());
        let code = ActivationCode::read("1$dp.example$$$1").unwrap();
        assert_eq!((&*code.matching_id, code.oid), ("", None));
        for text in ["", "LPA:", "2$a$b", "1$a", "1$$b", "1$a$b$x"] {
            assert!(ActivationCode::read(text).is_none(), "{text}");
        }
    }
}

//! Signatures of Standard Webhooks (version 1.0, symmetric ones).

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use rsp_core::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::Zeroizing;

const PREFIX: &str = "whsec_";

/// How many octets a secret has, as the specification bounds it.
const LENGTHS: std::ops::RangeInclusive<usize> = 24..=64;

/// A secret that an endpoint and this server share.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WebhookSecret(Zeroizing<Vec<u8>>);

/// A text that is no secret; it is not repeated here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a secret is whsec_ and the base64 of 24 to 64 octets")]
pub struct BadSecret;

impl WebhookSecret {
    /// A secret of 32 random octets.
    pub fn new(random: [u8; 32]) -> Self {
        WebhookSecret(Zeroizing::new(random.to_vec()))
    }

    /// `whsec_` and its base64: what an operator is shown once.
    pub fn reveal(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(self.0.as_slice()))
    }

    /// `v1,` and the base64 of HMAC-SHA-256 over `id.timestamp.body`.
    fn sign(&self, id: &str, timestamp: u64, body: &[u8]) -> String {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else {
            // HMAC takes keys of any length.
            return String::new();
        };
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

/// The value of `webhook-signature`: one signature for each secret, with a space
/// between them. The timestamp is in seconds.
pub fn signatures(secrets: &[WebhookSecret], id: &str, at: Timestamp, body: &[u8]) -> String {
    let sign = |secret: &WebhookSecret| secret.sign(id, at.as_secs(), body);
    let signed: Vec<String> = secrets.iter().map(sign).collect();
    signed.join(" ")
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret([redacted])")
    }
}

impl FromStr for WebhookSecret {
    type Err = BadSecret;

    fn from_str(text: &str) -> Result<Self, BadSecret> {
        let encoded = text.strip_prefix(PREFIX).ok_or(BadSecret)?;
        let secret = STANDARD.decode(encoded).map_err(|_| BadSecret)?;
        match LENGTHS.contains(&secret.len()) {
            true => Ok(WebhookSecret(Zeroizing::new(secret))),
            false => Err(BadSecret),
        }
    }
}

impl TryFrom<String> for WebhookSecret {
    type Error = BadSecret;

    fn try_from(text: String) -> Result<Self, BadSecret> {
        text.parse()
    }
}

impl From<WebhookSecret> for String {
    fn from(secret: WebhookSecret) -> String {
        secret.reveal()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with Python's `hmac`, apart from this code.
    #[test]
    fn a_signature_is_the_one_that_another_program_computes() {
        let secret: WebhookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse().unwrap();
        let at = Timestamp::from_secs(1_614_265_330);
        let signed = signatures(
            &[secret],
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            at,
            br#"{"test": 2432232314}"#,
        );
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn two_live_secrets_sign_both() {
        let secrets = [WebhookSecret::new([1; 32]), WebhookSecret::new([2; 32])];
        let both = signatures(&secrets, "a", Timestamp(1000), b"{}");
        let [one, other] = secrets.each_ref().map(|secret| secret.sign("a", 1, b"{}"));
        assert_eq!(both, format!("{one} {other}"));
        assert_ne!(one, other);
    }

    #[test]
    fn a_secret_is_read_back_and_never_shown() {
        let secret = WebhookSecret::new([7; 32]);
        assert_eq!(secret.reveal().parse(), Ok(secret.clone()));
        assert_eq!(format!("{secret:?}"), "WebhookSecret([redacted])");
        for text in [
            "",
            "whsec_",
            "whsec_AAAA",
            "whsec_!",
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        ] {
            assert_eq!(text.parse::<WebhookSecret>(), Err(BadSecret), "{text}");
        }
        let long = format!("whsec_{}", STANDARD.encode([0; 65]));
        assert_eq!(long.parse::<WebhookSecret>(), Err(BadSecret));
    }
}

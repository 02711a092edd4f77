//! Server addresses.

use std::fmt;

use rustls::pki_types::ServerName;

use super::ClientError;

const HTTPS: u16 = 443;

/// `host[:port]`, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    /// Host name in lower case, or IP address without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// The host, as TLS names and checks it.
    pub(crate) name: ServerName<'static>,
}

impl Address {
    pub(super) fn parse(text: &str) -> Result<Self, ClientError> {
        Self::with_default_port(text, HTTPS)
    }

    /// `host[:port]` with another port where there is none.
    pub(crate) fn with_default_port(text: &str, default: u16) -> Result<Self, ClientError> {
        Self::read(text, default).ok_or_else(|| ClientError::Address(text.to_owned()))
    }

    fn read(text: &str, default: u16) -> Option<Self> {
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (host, port) = rest.split_once(']')?;
                (
                    host,
                    port.strip_prefix(':').or(port.is_empty().then_some(""))?,
                )
            }
            None => text.split_once(':').unwrap_or((text, "")),
        };
        let port = match port {
            "" => default,
            digits if digits.bytes().all(|digit| digit.is_ascii_digit()) => digits.parse().ok()?,
            _ => return None,
        };
        let host = host.to_ascii_lowercase();
        let name = ServerName::try_from(host.clone()).ok()?;
        let bracketed = text.starts_with('[');
        let is_v6 = matches!(
            name,
            ServerName::IpAddress(rustls::pki_types::IpAddr::V6(_))
        );
        (bracketed == is_v6).then_some(Address { host, port, name })
    }
}

/// The value of the Host header: without the port if it is 443.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]", self.host)?,
            false => f.write_str(&self.host)?,
        }
        match self.port {
            HTTPS => Ok(()),
            port => write!(f, ":{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (text, host, port, shown) in [
            ("SMDP.example", "smdp.example", 443, "smdp.example"),
            ("smdp.example:443", "smdp.example", 443, "smdp.example"),
            (
                "smdp.example:8443",
                "smdp.example",
                8443,
                "smdp.example:8443",
            ),
            ("127.0.0.1:1", "127.0.0.1", 1, "127.0.0.1:1"),
            ("[::1]:8443", "::1", 8443, "[::1]:8443"),
            ("[::1]", "::1", 443, "[::1]"),
        ] {
            let address = Address::parse(text).unwrap();
            assert_eq!((address.host.as_str(), address.port), (host, port));
            assert_eq!(address.to_string(), shown);
        }
    }

    #[test]
    fn no_addresses() {
        for text in [
            "",
            ":443",
            "a b",
            "host:",
            "host:+1",
            "host:65536",
            "host:1:2",
            "::1",
            "[::1",
            "[a]",
            "[::1]x",
            "user@host",
            "https://host",
            "host/path",
        ] {
            let parsed = Address::parse(text);
            // A port that is left empty is the default one, as in a URI.
            match text {
                "host:" => assert_eq!(parsed.unwrap().port, 443),
                _ => assert!(parsed.is_err(), "{text} is taken as {parsed:?}"),
            }
        }
    }
}

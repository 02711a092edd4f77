//! Networks that a key is bound to.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A network of IPv4 or IPv6 (CIDR, RFC 4632 and RFC 4291 2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// A text that names no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadNetwork {
    /// It is not of the form.
    #[error("a network is written as 192.0.2.0/24, 2001:db8::/32 or one address")]
    Form,
    /// There are ones behind the prefix: which network was meant is not clear.
    #[error("a network has zeros behind its prefix: {0} was meant?")]
    HostBits(Network),
}

impl Network {
    /// Whether an address is in it. An IPv4 address that came mapped into IPv6
    /// is the IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.address.is_ipv4()
            && masked(address, self.prefix) == masked(self.address, self.prefix)
    }
}

fn width(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// The bits before the prefix ends, the others zero; right-aligned for IPv4.
fn masked(address: IpAddr, prefix: u8) -> u128 {
    let bits = match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    };
    let host = u32::from(width(address).saturating_sub(prefix));
    let kept = bits.checked_shr(host).unwrap_or(0);
    kept.checked_shl(host).unwrap_or(0)
}

impl FromStr for Network {
    type Err = BadNetwork;

    fn from_str(text: &str) -> Result<Self, BadNetwork> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| BadNetwork::Form)?;
        let width = width(address);
        let prefix = match prefix {
            None => width,
            // No sign, no leading zeros.
            Some(text) => match text.parse::<u8>() {
                Ok(prefix) if prefix <= width && prefix.to_string() == text => prefix,
                _ => return Err(BadNetwork::Form),
            },
        };
        let kept = masked(address, prefix);
        let meant = match address {
            IpAddr::V4(_) => IpAddr::V4(u32::try_from(kept).unwrap_or_default().into()),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::from_bits(kept)),
        };
        let network = Network {
            address: meant,
            prefix,
        };
        match meant == address {
            true => Ok(network),
            false => Err(BadNetwork::HostBits(network)),
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl From<Network> for String {
    fn from(network: Network) -> String {
        network.to_string()
    }
}

impl TryFrom<String> for Network {
    type Error = BadNetwork;

    fn try_from(text: String) -> Result<Self, BadNetwork> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inside(network: &str, address: &str) -> bool {
        let network: Network = network.parse().unwrap();
        network.contains(address.parse().unwrap())
    }

    #[test]
    fn addresses_are_inside_or_outside() {
        assert!(inside("192.0.2.0/24", "192.0.2.255"));
        assert!(!inside("192.0.2.0/24", "192.0.3.0"));
        assert!(inside("192.0.2.7", "192.0.2.7"));
        assert!(!inside("192.0.2.7", "192.0.2.6"));
        assert!(inside("0.0.0.0/0", "255.255.255.255"));
        assert!(inside("2001:db8::/33", "2001:db8:7fff::1"));
        assert!(!inside("2001:db8::/33", "2001:db8:8000::1"));
        assert!(inside("::/0", "2001:db8::1"));
    }

    #[test]
    fn the_families_are_apart_but_mapped_addresses_are_not() {
        assert!(inside("192.0.2.0/24", "::ffff:192.0.2.1"));
        assert!(!inside("::/0", "192.0.2.1"));
        assert!(!inside("0.0.0.0/0", "::1"));
    }

    #[test]
    fn what_is_not_clear_is_refused() {
        for bad in [
            "",
            "192.0.2.0/",
            "192.0.2.0/33",
            "192.0.2.0/+8",
            "192.0.2.0/08",
            "192.0.2/24",
            "2001:db8::/129",
            "192.0.2.0/24/8",
        ] {
            assert_eq!(bad.parse::<Network>(), Err(BadNetwork::Form), "{bad}");
        }
        let meant = BadNetwork::HostBits("192.0.2.0/24".parse().unwrap());
        assert_eq!("192.0.2.1/24".parse::<Network>(), Err(meant));
    }
}

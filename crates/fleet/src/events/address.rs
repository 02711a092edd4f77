//! Where an endpoint may be: whoever may add one must not reach through the
//! server what only the server reaches.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::access::Network;

/// Whether an address is one of the public internet: none of a machine, a link,
/// a private network, a documentation, a group of receivers, or of a use that is
/// reserved (registries of IANA for special-purpose addresses).
pub fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let special = match address.octets() {
        // This network, private networks, the machine itself.
        [0 | 10 | 127, ..] => true,
        // Shared by subscribers of an operator (RFC 6598).
        [100, second, ..] => (64..128).contains(&second),
        [169, 254, ..] | [192, 168, ..] => true,
        [172, second, ..] => (16..32).contains(&second),
        // Protocol assignments, documentation, relays of 6to4.
        [192, 0, 0 | 2, _] | [192, 88, 99, _] | [198, 51, 100, _] | [203, 0, 113, _] => true,
        // Measurements.
        [198, 18 | 19, ..] => true,
        // Groups, reserved, everybody.
        [first, ..] if first >= 224 => true,
        _ => false,
    };
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    // All that is public is in 2000::/3 for now; an IPv4 address may be inside.
    let special = match segments {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => return is_public_v4(inside(high, low)),
        [0x2002, high, low, ..] => return is_public_v4(inside(high, low)),
        // Protocol assignments (Teredo, benchmarks, ORCHID), documentation.
        [0x2001, second, ..] => second < 0x200 || second == 0xdb8,
        [0x3fff, second, ..] => second < 0x1000,
        [first, ..] => first >> 13 != 1,
    };
    !special
}

fn inside(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low))
}

/// Whether an endpoint must not be at an address: it is not public, and in none of
/// the networks that the server's settings allow besides.
pub fn refuses(address: IpAddr, allowed: &[Network]) -> bool {
    let allows = |network: &Network| network.contains(address);
    !is_public(address) && !allowed.iter().any(allows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn what_only_the_server_reaches_is_not_public() {
        for text in [
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd00::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(address(text)), "{text}");
        }
        for text in [
            "1.1.1.1",
            "8.8.8.8",
            "100.128.0.1",
            "172.32.0.1",
            "192.1.2.3",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00:1450::1",
            "64:ff9b::808:808",
            "::ffff:8.8.8.8",
            "2001:4860::8888",
        ] {
            assert!(is_public(address(text)), "{text}");
        }
    }

    #[test]
    fn settings_allow_networks_besides() {
        let allowed: Vec<Network> = vec!["10.1.0.0/16".parse().unwrap()];
        assert!(!refuses(address("10.1.2.3"), &allowed));
        assert!(!refuses(address("::ffff:10.1.2.3"), &allowed));
        assert!(refuses(address("10.2.2.3"), &allowed));
        assert!(!refuses(address("8.8.8.8"), &allowed));
    }
}

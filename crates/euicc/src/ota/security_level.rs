//! The least protection that an application takes (ETSI TS 102 226
//! 8.2.1.3.2.6), in the coding of the first octet of SPI.

use super::secured_packet::CommandSecurity;

/// SPI: a cryptographic checksum.
const CRYPTOGRAPHIC_CHECKSUM: u8 = 2;

/// Whether a packet is protected as well as the application asks, or better.
/// Without a cryptographic checksum no packet is.
pub(super) fn is_met(minimum: u8, packet: CommandSecurity) -> bool {
    let minimum = CommandSecurity(minimum);
    packet.authentication() == CRYPTOGRAPHIC_CHECKSUM
        && minimum.authentication() <= CRYPTOGRAPHIC_CHECKSUM
        && (packet.is_ciphered() || !minimum.is_ciphered())
        && packet.counter() >= minimum.counter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_less_than_the_minimum_and_never_without_checksum() {
        let met = |minimum, packet| is_met(minimum, CommandSecurity(packet));
        assert!(met(0x00, 0x02) && met(0x02, 0x02) && met(0x02, 0x16) && met(0x16, 0x1E));
        assert!(!met(0x00, 0x00) && !met(0x00, 0x04) && !met(0x00, 0x01) && !met(0x00, 0x03));
        assert!(!met(0x06, 0x02) && !met(0x12, 0x0A) && !met(0x03, 0x1E));
    }
}

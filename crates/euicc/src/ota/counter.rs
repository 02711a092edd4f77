//! Counters (ETSI TS 102 225 5.1.4): what was sent once does not count twice.

use super::response_packet::PacketStatus;
use super::secured_packet::CommandSecurity;

/// The highest value of five octets; a key set that has reached it is blocked.
const LAST: u64 = 0xFF_FFFF_FFFF;

/// SPI: what the counter has to be.
const HIGHER: u8 = 2;
const ONE_HIGHER: u8 = 3;

/// Whether a packet with this counter counts; gives the value to be kept, if
/// the packet asks for a check at all.
///
/// # Errors
/// The status for the response.
pub(super) fn check(
    security: CommandSecurity,
    received: u64,
    kept: u64,
) -> Result<Option<u64>, PacketStatus> {
    let checked = security.counter();
    if checked < HIGHER {
        return Ok(None);
    }
    if kept >= LAST {
        return Err(PacketStatus::CounterBlocked);
    }
    if received <= kept {
        return Err(PacketStatus::CounterLow);
    }
    if checked == ONE_HIGHER && received != kept + 1 {
        return Err(PacketStatus::CounterHigh);
    }
    Ok(Some(received))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule() {
        let check = |spi, received, kept| check(CommandSecurity(spi), received, kept);
        assert_eq!(check(0x02, 0, 9), Ok(None));
        assert_eq!(check(0x0A, 3, 9), Ok(None));
        assert_eq!(check(0x12, 10, 9), Ok(Some(10)));
        assert_eq!(check(0x12, 1000, 9), Ok(Some(1000)));
        assert_eq!(check(0x12, 9, 9), Err(PacketStatus::CounterLow));
        assert_eq!(check(0x1A, 10, 9), Ok(Some(10)));
        assert_eq!(check(0x1A, 11, 9), Err(PacketStatus::CounterHigh));
        assert_eq!(check(0x1A, 2, 9), Err(PacketStatus::CounterLow));
        assert_eq!(check(0x12, LAST, LAST - 1), Ok(Some(LAST)));
        assert_eq!(check(0x12, LAST, LAST), Err(PacketStatus::CounterBlocked));
    }
}

//! The keys of a security domain that a packet names (ETSI TS 102 225 5.1.2,
//! 5.1.3; key identifiers of GlobalPlatform's UICC Configuration).

use alloc::vec::Vec;

use rsp_asn1::saip::{KeyComponent, SecurityDomain};
use rsp_crypto::Provider;
use zeroize::Zeroizing;

use super::response_packet::PacketStatus;
use super::secured_packet::CommandPacket;

/// Identifiers in a key set: for ciphering, for the checksum.
const KIC: u8 = 1;
const KID: u8 = 2;
/// Key type AES (GPCS 11.1.8).
const AES: u8 = 0x88;
/// The low half of KIc and KID: known implicitly, AES.
const IMPLICIT: u8 = 0x0;
const AES_ALGORITHM: u8 = 0x2;
/// Versions of key sets for SCP80.
const VERSIONS: core::ops::RangeInclusive<u8> = 1..=0x0F;
const CRYPTOGRAPHIC_CHECKSUM: u8 = 2;

type Key = Zeroizing<[u8; 16]>;

/// The keys for a packet and its response.
pub(super) struct Keys {
    /// Only if the packet or its response is ciphered.
    pub(super) ciphering: Option<Key>,
    checksum: Key,
    checksum_length: usize,
    /// The version whose counter counts.
    pub(super) version: u8,
    /// What the counter was when the profile was installed.
    pub(super) first_counter: u64,
}

impl Keys {
    /// Finds what KIc and KID name.
    ///
    /// # Errors
    /// [`PacketStatus::UnidentifiedSecurityError`] if there are no such keys,
    /// or they are of an algorithm that this card does not have, or the
    /// response is to be protected by something else than a checksum.
    pub(super) fn of(
        domain: &SecurityDomain,
        packet: &CommandPacket<'_>,
    ) -> Result<Keys, PacketStatus> {
        let unknown = PacketStatus::UnidentifiedSecurityError;
        if !matches!(packet.response.authentication(), 0 | CRYPTOGRAPHIC_CHECKSUM) {
            return Err(unknown);
        }
        let version = version(packet.kid).ok_or(unknown)?;
        let (checksum, component) = key(domain, version, KID).ok_or(unknown)?;
        let checksum_length = usize::try_from(component.mac_length).map_err(|_| unknown)?;
        if !matches!(checksum_length, 4 | 8) {
            return Err(unknown);
        }
        let ciphered = packet.command.is_ciphered() || packet.response.is_ciphered();
        let ciphering = match ciphered {
            true => {
                let version = self::version(packet.kic).ok_or(unknown)?;
                Some(key(domain, version, KIC).ok_or(unknown)?.0)
            }
            false => None,
        };
        Ok(Keys {
            ciphering,
            checksum,
            checksum_length,
            version,
            first_counter: first_counter(domain, version),
        })
    }

    /// Octets of a checksum.
    pub(super) fn checksum_length(&self) -> usize {
        self.checksum_length
    }

    /// The checksum of the parts, one after another.
    pub(super) fn checksum(&self, provider: &dyn Provider, parts: &[&[u8]]) -> Vec<u8> {
        let full = provider.aes128_cmac(&self.checksum, parts);
        full.into_iter().take(self.checksum_length).collect()
    }

    /// Whether it is the checksum, in time that does not depend on where it
    /// differs.
    pub(super) fn verify(&self, provider: &dyn Provider, parts: &[&[u8]], checksum: &[u8]) -> bool {
        let right = self.checksum(provider, parts);
        let difference = right
            .iter()
            .zip(checksum)
            .fold(0, |sum, (ours, theirs)| sum | (ours ^ theirs));
        checksum.len() == right.len() && core::hint::black_box(difference) == 0
    }
}

/// The version in KIc or KID, if the algorithm there is AES or left open.
fn version(octet: u8) -> Option<u8> {
    let version = octet >> 4;
    let known = matches!(octet & 0x0F, IMPLICIT | AES_ALGORITHM);
    (known && VERSIONS.contains(&version)).then_some(version)
}

/// An AES-128 key of the domain.
fn key(domain: &SecurityDomain, version: u8, identifier: u8) -> Option<(Key, &KeyComponent)> {
    let mut keys = domain.key_list.iter().flatten();
    let key =
        keys.find(|key| key.key_version_number == [version] && key.key_identifier == [identifier])?;
    let component = key.key_components.first()?;
    if component.key_type != [AES] {
        return None;
    }
    let octets = <[u8; 16]>::try_from(component.key_data.0.as_slice()).ok()?;
    Some((Zeroizing::new(octets), component))
}

/// keyCounterValue of the set, 0 if there is none.
fn first_counter(domain: &SecurityDomain, version: u8) -> u64 {
    let keys = domain.key_list.iter().flatten();
    let counters = keys
        .filter(|key| key.key_version_number == [version])
        .filter_map(|key| key.key_counter_value.as_ref())
        .filter(|octets| octets.len() <= 5)
        .map(|octets| {
            octets
                .iter()
                .fold(0, |sum, octet| sum << 8 | u64::from(*octet))
        });
    counters.max().unwrap_or(0)
}

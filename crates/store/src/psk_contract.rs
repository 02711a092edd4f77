//! Pre-shared keys of devices (DTLS).

use rsp_asn1::ids::Eid;
use zeroize::Zeroizing;

use crate::contract::StoreError;
use crate::tenant::Tenant;

/// A key, and who has it.
pub struct HeldPsk {
    /// The tenant of the device.
    pub tenant: Tenant,
    /// Its eUICC.
    pub eid: Eid,
    /// The key.
    pub key: Zeroizing<Vec<u8>>,
}

/// Without the key.
impl std::fmt::Debug for HeldPsk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HeldPsk")
            .field("tenant", &self.tenant)
            .field("eid", &self.eid)
            .finish_non_exhaustive()
    }
}

/// What every engine offers for pre-shared keys. A device has one at most.
pub trait PskStore {
    /// Gives a device a key and its identity; the one before is forgotten.
    ///
    /// # Errors
    /// [`StoreError::Unknown`] if the device is not known,
    /// [`StoreError::Exists`] if another device, of whichever tenant, has this
    /// identity.
    fn put_psk(&self, eid: Eid, identity: &str, key: &[u8]) -> Result<(), StoreError>;

    /// The key of an identity.
    ///
    /// # Errors
    /// If the engine fails.
    fn psk(&self, identity: &str) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError>;

    /// The identity of a device's key.
    ///
    /// # Errors
    /// If the engine fails.
    fn psk_identity(&self, eid: Eid) -> Result<Option<String>, StoreError>;

    /// The device whose key has this identity.
    ///
    /// # Errors
    /// If the engine fails.
    fn euicc_of_psk(&self, identity: &str) -> Result<Option<Eid>, StoreError>;

    /// Forgets the key of a device.
    ///
    /// # Errors
    /// [`StoreError::Unknown`] if it has none.
    fn remove_psk(&self, eid: Eid) -> Result<(), StoreError>;
}

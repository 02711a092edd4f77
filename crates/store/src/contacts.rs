//! When devices polled: in memory first, at rest now and then.

use fleet::operations::Rhythm;
use rsp_asn1::ids::Eid;
use rsp_core::Timestamp;

use crate::contract::{Contact, StoreError};
use crate::eim::EimHost;

impl EimHost {
    /// When a device polled last.
    ///
    /// # Errors
    /// If the store fails.
    pub fn contact(&self, eid: Eid) -> Result<Option<Contact>, StoreError> {
        // It may have polled at another process since.
        let stored = self.store.contact(eid)?;
        let Some(heard) = self.heard(eid) else {
            return Ok(stored);
        };
        Ok(Some(match stored {
            Some(stored) if stored.last >= heard => stored,
            Some(stored) => Contact {
                last: heard,
                rhythm: stored.rhythm.after(heard.since(stored.last)),
            },
            None => Contact {
                last: heard,
                rhythm: Rhythm::default(),
            },
        }))
    }

    /// When a device polled last at this process, as far as that is not put down yet.
    pub fn heard(&self, eid: Eid) -> Option<Timestamp> {
        self.index.contact(eid, self.owner)
    }

    /// Puts down when devices polled, all at once; to be called now and then. Of a host
    /// alone: those of [`crate::Eims`] share an index, and it does this for all.
    ///
    /// # Errors
    /// If the store fails: then the last contacts are lost.
    pub fn save_contacts(&self) -> Result<(), StoreError> {
        let contacts = self.index.take_contacts().into_iter();
        let contacts: Vec<_> = contacts.map(|(_, eid, at)| (eid, at)).collect();
        match contacts.is_empty() {
            true => Ok(()),
            false => self.store.put_contacts(&contacts),
        }
    }
}

//! AddInitialEim (SGP.32 3.5.2, 5.9.4): the first eIMs of an eUICC, out of the
//! device's configuration, once. An eUICC whose last eIM was deleted is not
//! given them again: packages that were sent before would be good once more.

use alloc::string::ToString;

use super::StandIn;
use super::associations::Associations;
use crate::ipa::{Event, IpaError};

impl StandIn<'_> {
    /// Associates the configured eIMs, all or none.
    pub(super) async fn add_initial_eims(&self) -> Result<(), IpaError> {
        let mut card = self.card();
        let mut associations = Associations::of(&card);
        for data in &self.settings.initial_eims {
            let added = associations.add(data.clone());
            added.map_err(|code| IpaError::InitialEim {
                eim_id: data.eim_id.to_string(),
                reason: code.to_string(),
            })?;
        }
        associations.into_card(&mut card);
        self.save(card).await?;
        for eim in &self.card().eims {
            self.port.event(Event::EmulatedEim {
                eim_id: eim.data.eim_id.to_string(),
                association_token: eim.token(),
            });
        }
        Ok(())
    }
}

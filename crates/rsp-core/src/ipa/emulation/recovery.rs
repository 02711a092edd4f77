//! After a power cut amid a package: the eUICC shows whether what was noted was
//! done; then the package ends with what was done, and with the word that it was
//! interrupted if that was not all. Nothing is done a second time, nor resumed:
//! the eIM decides anew.

use rsp_asn1::sgp32::{EuiccResultData, ProcessingTerminated};

use super::StandIn;
use super::es10c::Euicc;
use super::load_euicc_package::conclude;
use super::storage::Effect;
use crate::ipa::channel::Channel;
use crate::ipa::{Event, IpaError};

impl StandIn<'_> {
    /// Brings to an end what was begun, if anything was.
    pub(super) async fn finish(&self, channel: &Channel<'_>) -> Result<(), IpaError> {
        let mut card = self.card();
        let Some(unfinished) = &card.unfinished else {
            return Ok(());
        };
        let effect = unfinished.doing.clone();
        let is_done = match &effect {
            Some(effect) => Euicc(channel).has_done(effect).await?,
            None => false,
        };
        if is_done {
            card.took_effect();
        } else if let Some(Effect::RollBack { .. }) = effect {
            // The right to it stays.
            card.unfinished = None;
        }
        if card.unfinished.as_ref().is_some_and(|rest| rest.left > 0) {
            let code = ProcessingTerminated::INTERRUPTION;
            card.add_result(EuiccResultData::ProcessingTerminated(code));
        }
        conclude(&mut card);
        self.save(card).await?;
        self.port.event(Event::PackageInterrupted);
        Ok(())
    }
}

//! What makes an IPA resumable: the memory is saved before what cannot be
//! taken back, and what a former round left behind is found on the eUICC.

use rsp_asn1::rsp::{ErrorReason, FinalResult, PendingNotification};
use rsp_asn1::sgp32::ProfileDownloadTriggerResultData;

use super::poll::Round;
use super::{Event, IpaError};

impl Round<'_> {
    /// Has the memory saved, if it has changed; it is durable when this
    /// returns.
    ///
    /// # Errors
    /// If the host cannot save it: then what was noted must not be done.
    pub(super) async fn save(&self) -> Result<(), IpaError> {
        super::poll::save(self.port, self.memory).await
    }

    /// Matches downloads that were cut off while the package was loaded with
    /// what lies on the eUICC: either it has the installation result, which the
    /// eIM is then owed, or it did not install anything, and the eIM's trigger
    /// is carried out again.
    /// So it is where the eUICC itself says that it was interrupted; the SM-DP+
    /// is told of that first.
    pub(super) async fn recover_downloads(&self, waiting: &[PendingNotification]) {
        let is_there = |number| waiting.iter().any(|one| one.seq_number() == number);
        self.memory.keep_numbers(is_there);
        for session in self.memory.sessions() {
            let found = waiting.iter().find_map(|notification| match notification {
                PendingNotification::ProfileInstallationResult(result) => Some(result)
                    .filter(|r| r.profile_installation_result_data.transaction_id == session),
                _ => None,
            });
            if let Some(result) = found
                && let FinalResult::Error(error) =
                    &result.profile_installation_result_data.final_result
                && error.error_reason == ErrorReason::INSTALL_FAILED_DUE_TO_INTERRUPTION
            {
                self.memory.loaded(&session, None);
                let result = PendingNotification::ProfileInstallationResult(result.clone());
                // If not now, it is tried again at the end of the round.
                let _ = self.deliver_notification(result).await;
                continue;
            }
            if let Some(result) = found {
                let metadata = &result
                    .profile_installation_result_data
                    .notification_metadata;
                let iccid = metadata.iccid;
                self.port.event(Event::DownloadRecovered { iccid });
            }
            let result = found.cloned();
            let result = result.map(ProfileDownloadTriggerResultData::ProfileInstallationResult);
            self.memory.loaded(&session, result);
        }
    }
}

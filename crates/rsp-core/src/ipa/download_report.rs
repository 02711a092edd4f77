//! The results of downloads, on their way to the eIM and to SM-DP+s (SGP.32
//! 3.2.3.1 steps 13 and 14, 3.2.3.2).

use alloc::string::{String, ToString};

use rsp_asn1::Extensions;
use rsp_asn1::ids::TransactionId;
use rsp_asn1::rsp::PendingNotification;
use rsp_asn1::sgp32::{
    EimPackageResult, EimPackageResultErrorCode, EimPackageResultResponseError,
    ProfileDownloadError, ProfileDownloadErrorReason, ProfileDownloadTriggerResult,
    ProfileDownloadTriggerResultData,
};

use super::poll::{Eim, Round};
use super::{Event, IpaError};

impl Round<'_> {
    /// Delivers results that an eIM did not take in a former round. One that
    /// is not taken now either does not hold up the others.
    pub(super) async fn deliver_owed_results(&self, eim: &Eim) -> Result<(), IpaError> {
        let mut outcome = Ok(());
        for result in self.memory.owed_to(&eim.id) {
            outcome = outcome.and(self.report_download(eim, result).await);
        }
        outcome
    }

    /// Gives the result to the eIM, then the installation result in it to the
    /// SM-DP+ (SGP.32 3.2.3.1 steps 13 and 14), unless the eIM forwards it.
    pub(super) async fn report_download(
        &self,
        eim: &Eim,
        result: ProfileDownloadTriggerResult,
    ) -> Result<(), IpaError> {
        let (mut result, mut refused) = (result, 0u8);
        loop {
            self.memory.owe(&eim.id, &result);
            let error = match self.give_to_eim(eim, &result).await {
                Ok(()) => break,
                Err(error) if error.is_refusal() => error,
                Err(error) => return Err(error),
            };
            refused += 1;
            let reason = error.to_string();
            let instead = self.instead_of(&result, refused, &reason).await?;
            let instead = instead.ok_or(error)?;
            self.port.event(Event::ResultRefused { reason });
            self.memory.settle(&eim.id, &result);
            result = instead;
        }
        self.memory.settle(&eim.id, &result);
        self.port.event(Event::ResultDelivered);
        self.save().await?;
        let data = result.profile_download_trigger_result_data;
        if let ProfileDownloadTriggerResultData::ProfileInstallationResult(result) = data {
            let data = &result.profile_installation_result_data;
            let seq_number = data.notification_metadata.seq_number;
            if self.memory.is_relayed(&data.transaction_id) {
                self.memory.forget_relayed(&data.transaction_id);
                self.port.event(Event::NotificationDelivered { seq_number });
                return self.remove_notification(seq_number).await;
            }
            let notification = PendingNotification::ProfileInstallationResult(result);
            // The next package may change the network, so it goes out now; if
            // not, it is tried again, and reported, at the end of the round.
            let _ = self.deliver_notification(notification).await;
        }
        Ok(())
    }

    /// The installation result of a relayed download is a notification; any
    /// other result is that of the trigger.
    async fn give_to_eim(
        &self,
        eim: &Eim,
        result: &ProfileDownloadTriggerResult,
    ) -> Result<(), IpaError> {
        use ProfileDownloadTriggerResultData as Data;
        if let Data::ProfileInstallationResult(installed) =
            &result.profile_download_trigger_result_data
        {
            let session = &installed.profile_installation_result_data.transaction_id;
            if self.memory.is_relayed(session) {
                let notification =
                    PendingNotification::ProfileInstallationResult(installed.clone());
                return self.give_notification_to(&eim.server, notification).await;
            }
        }
        let message = EimPackageResult::ProfileDownloadTriggerResult(result.clone());
        self.notify_eim(&eim.server, message).await
    }

    /// What an eIM is told that has refused an installation result, which it
    /// would refuse for ever: first what the eUICC keeps of it, which may have
    /// come over damaged; then that it is not known how the download ended, so
    /// that the eIM can ask. `None` if that is what it refused.
    async fn instead_of(
        &self,
        refused: &ProfileDownloadTriggerResult,
        times: u8,
        reason: &str,
    ) -> Result<Option<ProfileDownloadTriggerResult>, IpaError> {
        use ProfileDownloadTriggerResultData as Data;
        let Data::ProfileInstallationResult(result) = &refused.profile_download_trigger_result_data
        else {
            return Ok(None);
        };
        let session = &result.profile_installation_result_data.transaction_id;
        let mut kept = None;
        if times == 1 {
            let waiting = self.waiting_notifications(None).await?;
            kept = waiting.into_iter().find_map(|waiting| match waiting {
                PendingNotification::ProfileInstallationResult(kept) => Some(kept)
                    .filter(|k| k.profile_installation_result_data.transaction_id == *session),
                _ => None,
            });
        }
        let data = match kept.filter(|kept| kept != result) {
            Some(kept) => Data::ProfileInstallationResult(kept),
            None => Data::ProfileDownloadError(undefined_error(reason.into())),
        };
        Ok(Some(ProfileDownloadTriggerResult {
            profile_download_trigger_result_data: data,
            ..refused.clone()
        }))
    }

    /// Nothing is downloaded while the Emergency Profile is enabled (SGP.32
    /// 2.11.2.3).
    pub(super) async fn refuse_during_emergency(
        &self,
        eim: &Eim,
        transaction: Option<TransactionId>,
    ) -> Result<(), IpaError> {
        let reason = "the Emergency Profile is enabled";
        self.port.event(Event::DownloadFailed {
            reason: reason.into(),
        });
        let error = ProfileDownloadError {
            profile_download_error_reason: ProfileDownloadErrorReason::ECALL_ACTIVE,
            ..undefined_error(reason.into())
        };
        let result = ProfileDownloadTriggerResult {
            eim_transaction_id: transaction,
            profile_download_trigger_result_data:
                ProfileDownloadTriggerResultData::ProfileDownloadError(error),
            extensions: Extensions::default(),
        };
        self.report_download(eim, result).await
    }

    /// An eIM Package without usable download data (SGP.32 5.14.6).
    pub(super) async fn refuse_trigger(
        &self,
        eim: &Eim,
        transaction: Option<TransactionId>,
    ) -> Result<(), IpaError> {
        let error = EimPackageResultResponseError {
            eim_transaction_id: transaction,
            eim_package_result_error_code: EimPackageResultErrorCode::INVALID_PACKAGE_FORMAT,
            extensions: Extensions::default(),
        };
        self.provide(&eim.server, EimPackageResult::ResponseError(error))
            .await?;
        Ok(())
    }
}

pub(super) fn undefined_error(reason: String) -> ProfileDownloadError {
    ProfileDownloadError {
        profile_download_error_reason: ProfileDownloadErrorReason::UNDEFINED_ERROR,
        error_response: Some(reason.into_bytes()),
        extensions: Extensions::default(),
    }
}

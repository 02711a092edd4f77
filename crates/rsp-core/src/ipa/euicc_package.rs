//! eUICC Package execution, the IPA's part (SGP.32 3.3.1).

use alloc::vec::Vec;

use rsp_asn1::sgp32::{
    EimPackageResult, EuiccPackageResult, NotificationsSearchCriteria,
    RetrieveNotificationsListRequest, RetrieveNotificationsListResponse,
};
use rsp_asn1::{Asn1, Extensions, Null, Signed};

use super::poll::{Eim, Round};
use super::{Event, IpaError, rollback};

impl Round<'_> {
    /// Hands the package to the eUICC as signed, and its result to the eIM as
    /// signed.
    pub(super) async fn process_euicc_package(
        &self,
        eim: &Eim,
        package: &[u8],
    ) -> Result<(), IpaError> {
        let command = "LoadEuiccPackage";
        self.memory
            .execute(&eim.id, rollback::is_allowed_by(package));
        self.save().await?;
        let answer = self.channel.send(command, package).await?;
        let result = Signed::<EuiccPackageResult>::from_der(&answer)
            .map_err(|error| IpaError::CardAnswer { command, error })?;
        self.port.event(Event::PackageProcessed);
        self.note_package(eim, &result);
        if self.deliver_or_return(eim, result).await? {
            self.memory.executed(&eim.id);
        }
        Ok(())
    }

    /// Delivers results that the eUICC still has: a former round was cut off
    /// between execution and delivery. One that the eIM refuses does not hold
    /// up the others.
    pub(super) async fn deliver_stored_results(&self, eim: &Eim) -> Result<(), IpaError> {
        let (mut outcome, mut all) = (Ok(()), true);
        let stored = NotificationsSearchCriteria::EuiccPackageResults(Null);
        for result in self.stored_results(eim, stored).await? {
            let delivered = self.deliver_or_return(eim, Signed::new(result)).await;
            let ends = match &delivered {
                Ok(taken) => {
                    all &= taken;
                    false
                }
                Err(IpaError::Unreachable { .. }) => true,
                Err(error) => error.needs_reset(),
            };
            outcome = outcome.and(delivered.map(|_| ()));
            if ends {
                break;
            }
        }
        if all && outcome.is_ok() {
            self.memory.executed(&eim.id);
        }
        outcome
    }

    /// Results on the eUICC, oldest first, but only those of this eIM: another
    /// one must not acknowledge them.
    pub(super) async fn stored_results(
        &self,
        eim: &Eim,
        criteria: NotificationsSearchCriteria,
    ) -> Result<Vec<EuiccPackageResult>, IpaError> {
        let request = RetrieveNotificationsListRequest {
            search_criteria: Some(criteria),
            extensions: Extensions::default(),
        };
        let list = self.channel.call("RetrieveNotificationsList", &request);
        let RetrieveNotificationsListResponse::EuiccPackageResultList(mut results) = list.await?
        else {
            return Ok(Vec::new());
        };
        results.retain(|result| result.eim_id() == eim.id.as_str());
        Ok(results)
    }

    /// ProvideEimPackageResult, then removal if the eIM has taken it over;
    /// gives whether it is off the eUICC.
    pub(super) async fn deliver_result(
        &self,
        eim: &Eim,
        result: Signed<EuiccPackageResult>,
    ) -> Result<bool, IpaError> {
        let sent: Vec<_> = seq_number(&result).into_iter().collect();
        let result = EimPackageResult::EuiccPackageResult(result);
        let acknowledged = self.provide(&eim.server, result).await?;
        self.port.event(Event::ResultDelivered);
        self.remove_acknowledged(&acknowledged, &sent).await?;
        Ok(sent.iter().all(|number| acknowledged.contains(number)))
    }
}

/// The number under which the eUICC keeps a result; errors are not kept.
pub(super) fn seq_number(result: &EuiccPackageResult) -> Option<i64> {
    match result {
        EuiccPackageResult::Signed(result) => {
            Some(result.euicc_package_result_data_signed.seq_number)
        }
        EuiccPackageResult::ErrorSigned(_) | EuiccPackageResult::ErrorUnsigned(_) => None,
    }
}

//! eUICC Package execution, the IPA's part (SGP.32 3.3.1).

use rsp_asn1::sgp32::{
    EimId, EimPackageResult, EuiccPackageResult, NotificationsSearchCriteria,
    RetrieveNotificationsListRequest, RetrieveNotificationsListResponse,
};
use rsp_asn1::{Asn1, Extensions, Null};

use super::poll::Round;
use super::{Event, IpaError, Server};

impl Round<'_> {
    /// Hands the package to the eUICC as signed, and its result to the eIM as
    /// signed.
    pub(super) async fn process_euicc_package(
        &self,
        eim: &Server,
        package: &[u8],
    ) -> Result<(), IpaError> {
        let command = "LoadEuiccPackage";
        let answer = self.channel.send(command, package).await?;
        let result = EuiccPackageResult::from_der(&answer)
            .map_err(|error| IpaError::CardAnswer { command, error })?;
        self.port.event(Event::PackageProcessed);
        self.deliver_result(eim, result).await
    }

    /// Delivers results that the eUICC still has: a former round was cut off
    /// between execution and delivery.
    /// Only those of this eIM: another one must not acknowledge them.
    pub(super) async fn deliver_stored_results(
        &self,
        eim: &Server,
        eim_id: &EimId,
    ) -> Result<(), IpaError> {
        let request = RetrieveNotificationsListRequest {
            search_criteria: Some(NotificationsSearchCriteria::EuiccPackageResults(Null)),
            extensions: Extensions::default(),
        };
        let list = self.channel.call("RetrieveNotificationsList", &request);
        let RetrieveNotificationsListResponse::EuiccPackageResultList(results) = list.await? else {
            return Ok(());
        };
        for result in results {
            if result.eim_id() == eim_id.as_str() {
                self.deliver_result(eim, result).await?;
            }
        }
        Ok(())
    }

    /// ProvideEimPackageResult, then removal of what the eIM has taken over.
    async fn deliver_result(
        &self,
        eim: &Server,
        result: EuiccPackageResult,
    ) -> Result<(), IpaError> {
        let result = EimPackageResult::EuiccPackageResult(result);
        let acknowledged = self.provide(eim, result).await?;
        self.port.event(Event::ResultDelivered);
        for seq_number in acknowledged {
            self.remove_notification(seq_number).await?;
        }
        Ok(())
    }
}

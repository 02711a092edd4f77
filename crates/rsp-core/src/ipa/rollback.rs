//! Profile rollback (SGP.32 3.3.2, 5.9.16): back to the profile before, if the
//! eIM that allowed it cannot be reached over the new one.

use alloc::string::ToString;

use rsp_asn1::sgp32::{
    EnableProfileResult, EuiccPackage, EuiccPackageRequest, EuiccPackageResult, EuiccResultData,
    NotificationsSearchCriteria, ProfileRollbackCmdResult, ProfileRollbackRequest,
    ProfileRollbackResponse, Psmo,
};
use rsp_asn1::{Asn1, Extensions, Null, Signed};

use super::poll::{Eim, Round};
use super::{Event, IpaError};

/// Whether a package has an enable with rollbackFlag. What it is otherwise is
/// the eUICC's business.
pub(super) fn is_allowed_by(package: &[u8]) -> bool {
    let Ok(request) = EuiccPackageRequest::from_der(package) else {
        return false;
    };
    let EuiccPackage::PsmoList(psmos) = &request.euicc_package_signed.euicc_package else {
        return false;
    };
    psmos
        .iter()
        .any(|psmo| matches!(psmo, Psmo::Enable(enable) if enable.rollback_flag.is_some()))
}

/// Whether a result says that a profile was enabled.
fn has_enabled(result: &EuiccPackageResult) -> bool {
    let EuiccPackageResult::Signed(result) = result else {
        return false;
    };
    let results = &result.euicc_package_result_data_signed.euicc_result;
    results.contains(&EuiccResultData::EnableResult(EnableProfileResult::OK))
}

impl Round<'_> {
    /// Delivers a result. One of an enable that may be taken back is tried for
    /// as long as is configured; is the eIM then still out of reach, the eUICC
    /// returns to the profile before, and the result of that is delivered.
    ///
    /// An eIM that answers, whatever it is, was reached: the new profile stays.
    pub(super) async fn deliver_or_return(
        &self,
        eim: &Eim,
        result: Signed<EuiccPackageResult>,
    ) -> Result<bool, IpaError> {
        if !self.memory.may_return(&eim.id) || !has_enabled(&result) {
            return self.deliver_result(eim, result).await;
        }
        let began = self.port.now();
        let mut attempts = 0;
        loop {
            let delivered = self.deliver_result(eim, result.clone()).await;
            let unreachable = match delivered {
                Err(error @ IpaError::Unreachable { .. }) => error,
                Err(error) if error.needs_reset() => return Err(error),
                reached => {
                    self.memory.stay(&eim.id);
                    return reached;
                }
            };
            if self.port.now().since(began) >= self.config.rollback_after {
                return self.roll_back(eim, unreachable).await;
            }
            let pause = self.config.retry.pause(attempts, self.port.chance());
            self.port.pause(pause).await;
            attempts = attempts.saturating_add(1);
        }
    }

    /// ES10b.ProfileRollback, then the result that it makes: it takes the place
    /// of the one that could not be delivered.
    async fn roll_back(&self, eim: &Eim, unreachable: IpaError) -> Result<bool, IpaError> {
        let request = ProfileRollbackRequest {
            refresh_flag: true,
            extensions: Extensions::default(),
        };
        let command = "ProfileRollback";
        let response: ProfileRollbackResponse = self.channel.call(command, &request).await?;
        match response.cmd_result {
            ProfileRollbackCmdResult::OK => self.memory.stay(&eim.id),
            code => {
                // While the card is busy it may still be allowed later.
                if code != ProfileRollbackCmdResult::CAT_BUSY {
                    self.memory.stay(&eim.id);
                }
                let reason = code.to_string();
                self.port.event(Event::RollbackRefused { reason });
                return Err(unreachable);
            }
        }
        self.port.event(Event::RolledBack);
        let result = match response.euicc_package_result {
            Some(result) => Some(result),
            // Some cards give it only on demand.
            None => {
                let stored = NotificationsSearchCriteria::EuiccPackageResults(Null);
                self.stored_results(eim, stored).await?.pop()
            }
        };
        match result {
            Some(result) => self.deliver_result(eim, Signed::new(result)).await,
            None => Ok(true),
        }
    }
}

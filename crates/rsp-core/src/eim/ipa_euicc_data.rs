//! IpaEuiccDataResponse (SGP.32 2.11.2.2): the eUICC's certificates, asked for
//! because a result will need them.

use alloc::vec::Vec;

use rsp_asn1::rsp::SubjectKeyIdentifier;
use rsp_asn1::sgp32::{
    IpaEuiccDataErrorCode, IpaEuiccDataResponse, ProvideEimPackageResultResponse,
};

use super::provide_eim_package_result::empty;
use super::{
    Eim, EuiccRecord, FurtherKey, Note, Operation, OperationKind, Outcome, Step, operation,
};
use crate::Context;

/// The eUICC has no key under the CI that was named.
const NOT_FOUND: IpaEuiccDataErrorCode = IpaEuiccDataErrorCode::EUICC_CI_PK_ID_NOT_FOUND;

impl EuiccRecord {
    /// Notes a verified key under a further CI, that there is none, or the one
    /// under the CI of this eIM.
    fn take_key(&mut self, further: Option<SubjectKeyIdentifier>, key: Option<Vec<u8>>) {
        match further {
            Some(ci) => {
                self.further_keys.retain(|known| known.ci != ci);
                self.further_keys.push(FurtherKey {
                    ci,
                    public_key: key,
                });
            }
            None => self.public_key = key,
        }
    }
}

impl Eim {
    /// Takes the key over if its chain verifies for this EID.
    pub(super) fn ipa_euicc_data(
        &self,
        mut record: EuiccRecord,
        open: &[Operation],
        response: &IpaEuiccDataResponse,
        cx: &Context<'_>,
    ) -> Step<ProvideEimPackageResultResponse> {
        let transaction = match response {
            IpaEuiccDataResponse::Ok(data) => &data.eim_transaction_id,
            IpaEuiccDataResponse::Error(error) => &error.eim_transaction_id,
        };
        let Some(asked) = operation::find(open, transaction.as_ref(), None) else {
            return Step::unchanged(record, empty());
        };
        if let (OperationKind::GetInstallationResults, IpaEuiccDataResponse::Ok(data)) =
            (&asked.kind, response)
        {
            let mut step = Step::unchanged(record, empty());
            step.operations.push(asked.executed(Outcome::Done));
            // The IPA keeps them: it gives them to the SM-DP+ itself.
            for notification in data.notifications_list.iter().flatten() {
                self.settle_by_notification(&mut step, open, notification, cx);
            }
            return step;
        }
        let mut notes = Vec::new();
        let further = self.asked_about(asked);
        let changed = match response {
            IpaEuiccDataResponse::Error(error)
                if error.ipa_euicc_data_error_code == NOT_FOUND && further.is_some() =>
            {
                record.take_key(further, None);
                asked.executed(Outcome::Done)
            }
            IpaEuiccDataResponse::Error(error) => {
                asked.outcome_unknown(error.ipa_euicc_data_error_code)
            }
            IpaEuiccDataResponse::Ok(data) => match record.verify_certificates(data, self, cx) {
                Ok(key) => {
                    record.take_key(further, Some(key.to_vec()));
                    asked.executed(Outcome::Done)
                }
                Err(because) => {
                    notes.push(Note::NotBelieved {
                        what: "set of certificates",
                        because,
                    });
                    match further {
                        // Nothing waits for what the eUICC may never use.
                        Some(_) => {
                            record.take_key(further, None);
                            asked.failed(because)
                        }
                        None => asked.outcome_unknown(because),
                    }
                }
            },
        };
        Step {
            operations: alloc::vec![changed],
            notes,
            ..Step::unchanged(record, empty())
        }
    }
}

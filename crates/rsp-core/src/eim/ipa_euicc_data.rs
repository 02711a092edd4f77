//! IpaEuiccDataResponse (SGP.32 2.11.2.2): the eUICC's certificates, asked for
//! because a result will need them.

use alloc::vec::Vec;

use rsp_asn1::sgp32::{IpaEuiccDataResponse, ProvideEimPackageResultResponse};

use super::provide_eim_package_result::empty;
use super::{Eim, EuiccRecord, Note, Operation, Outcome, Step, operation};
use crate::Context;

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
        let mut notes = Vec::new();
        let changed = match response {
            IpaEuiccDataResponse::Error(error) => {
                asked.outcome_unknown(error.ipa_euicc_data_error_code)
            }
            IpaEuiccDataResponse::Ok(data) => match record.verify_certificates(data, self, cx) {
                Ok(key) => {
                    record.public_key = Some(key.to_vec());
                    asked.executed(Outcome::Done)
                }
                Err(because) => {
                    notes.push(Note::NotBelieved {
                        what: "set of certificates",
                        because,
                    });
                    asked.outcome_unknown(because)
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

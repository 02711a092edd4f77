//! IpaEuiccDataResponse (SGP.32 2.11.2.2): the eUICC's certificates, asked for
//! because a result will need them, and data that an operator asked for.

use alloc::vec::Vec;

use rsp_asn1::Signed;
use rsp_asn1::rsp::SubjectKeyIdentifier;
use rsp_asn1::sgp32::{
    EuiccPackageResult, IpaEuiccData, IpaEuiccDataErrorCode, IpaEuiccDataResponse,
    ProvideEimPackageResultResponse,
};

use super::package_result::acknowledge;
use super::provide_eim_package_result::empty;
use super::retry::Failure;
use super::verified::PackageResult;
use super::{
    Eim, EuiccData, EuiccRecord, FurtherKey, Note, Operation, OperationKind, Outcome, Step,
    operation, package_result,
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
    /// Takes over what came: keys whose chain verifies for this EID, what the
    /// eUICC signed, and, as it is, what the IPA says.
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
        let Some(asked) = operation::find_one(open, transaction.as_ref()) else {
            return Step::unchanged(record, empty());
        };
        let first_time = !record.facts.asked;
        record.facts.asked = true;
        if let IpaEuiccDataResponse::Ok(data) = response {
            record.facts.learn(data, cx.now);
        }
        match (&asked.kind, response) {
            (OperationKind::GetInstallationResults, IpaEuiccDataResponse::Ok(data)) => {
                let mut step = Step::unchanged(record, empty());
                step.operations.push(asked.executed(Outcome::Done));
                // The IPA keeps them: it gives them to the SM-DP+ itself.
                for notification in data.notifications_list.iter().flatten() {
                    self.settle_by_notification(&mut step, open, notification, cx);
                }
                step
            }
            (OperationKind::GetEuiccData(_), IpaEuiccDataResponse::Ok(data)) => {
                self.euicc_data(record, open, asked, data, cx)
            }
            (OperationKind::GetEuiccData(_), IpaEuiccDataResponse::Error(error)) => Step {
                operations: alloc::vec![
                    asked.failed_by(Failure::of(error.ipa_euicc_data_error_code))
                ],
                ..Step::unchanged(record, empty())
            },
            (_, IpaEuiccDataResponse::Error(error))
                if first_time && error.ipa_euicc_data_error_code != NOT_FOUND =>
            {
                // It may be one that does not know all that was asked for:
                // certificates alone are asked for next.
                let code = error.ipa_euicc_data_error_code;
                Step {
                    operations: alloc::vec![asked.failed_by(Failure::of(code))],
                    ..Step::unchanged(record, empty())
                }
            }
            _ => self.certificates(record, asked, response, cx),
        }
    }

    /// The key is taken over if its chain verifies.
    fn certificates(
        &self,
        mut record: EuiccRecord,
        asked: &Operation,
        response: &IpaEuiccDataResponse,
        cx: &Context<'_>,
    ) -> Step<ProvideEimPackageResultResponse> {
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
                    if further.is_none() {
                        record.facts.learn_certificates(data);
                    }
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

    /// Data that an operator asked for. Certificates of another eUICC make all
    /// of it worthless; what the eUICC signed is taken over, and acknowledged.
    fn euicc_data(
        &self,
        mut record: EuiccRecord,
        open: &[Operation],
        asked: &Operation,
        data: &IpaEuiccData,
        cx: &Context<'_>,
    ) -> Step<ProvideEimPackageResultResponse> {
        let has_chain = data.eum_certificate.is_some() && data.euicc_certificate.is_some();
        if has_chain {
            match record.verify_certificates(data, self, cx) {
                Ok(key) if record.public_key.is_none() => {
                    record.facts.learn_certificates(data);
                    record.take_key(None, Some(key.to_vec()));
                }
                Ok(_) => {}
                Err(_) if self.lab.accepts_unverified(record.eid) => {}
                Err(because) => {
                    return Step {
                        operations: alloc::vec![asked.failed(because)],
                        notes: alloc::vec![Note::NotBelieved {
                            what: "set of certificates",
                            because,
                        }],
                        ..Step::unchanged(record, empty())
                    };
                }
            }
        }
        let mut step = Step::unchanged(record, empty());
        let data_of = EuiccData::from(data);
        let outcome = Outcome::EuiccData { data: data_of };
        step.operations.push(asked.executed(outcome));
        let mut acknowledged = Vec::new();
        for result in data.euicc_package_result_list.iter().flatten() {
            acknowledged.extend(self.listed_result(&mut step, open, result, cx));
        }
        for notification in data.notifications_list.iter().flatten() {
            acknowledged.extend(self.taken_notification(&mut step, open, notification, cx));
        }
        if !acknowledged.is_empty() && !step.record.empty_response {
            step.reply = acknowledge(acknowledged);
        }
        step
    }

    /// An eUICC Package Result that was still on the eUICC: as if it came by
    /// itself. Gives its number if it was taken over.
    fn listed_result(
        &self,
        step: &mut Step<ProvideEimPackageResultResponse>,
        open: &[Operation],
        result: &EuiccPackageResult,
        cx: &Context<'_>,
    ) -> Option<i64> {
        let changed = |open: &Operation| step.operations.iter().any(|o| o.id == open.id);
        let open: Vec<_> = open.iter().filter(|o| !changed(o)).cloned().collect();
        let believed = match step.record.believe_package_result(result, self, cx) {
            Ok(believed) => believed,
            Err(because) => {
                let what = "package result";
                step.notes.push(Note::NotBelieved { what, because });
                return None;
            }
        };
        let received = Signed::new(result.clone());
        let record = step.record.clone();
        let one = package_result::apply(self, record, &open, &received, &believed, cx);
        step.record = one.record;
        step.operations.extend(one.operations);
        step.evidence.extend(one.evidence);
        step.notes.extend(one.notes);
        match &*believed {
            PackageResult::Result(signed) => {
                Some(signed.euicc_package_result_data_signed.seq_number)
            }
            PackageResult::Error(_) => None,
        }
    }
}

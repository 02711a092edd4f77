//! ESipa.GetEimPackage (SGP.32 5.14.5, 3.1.1.1): the next package for a device
//! that asks. It is signed here, when it is fetched.

use alloc::vec::Vec;

use rsp_asn1::ids::TransactionId;
use rsp_asn1::rsp::ProfileInfoListRequest;
use rsp_asn1::sgp32::{
    EimPackageError, EnablePsmo, EuiccPackage, EuiccPackageRequest, EuiccPackageSigned,
    GetEimPackageResponse, IccidPsmo, IpaEuiccDataRequest, ProfileDownloadData,
    ProfileDownloadTriggerRequest, Psmo, association_token_object,
};
use rsp_asn1::{Asn1, Extensions, Null, Signed};

use super::{
    Eim, EuiccRecord, MAX_COUNTER_VALUE, Operation, OperationId, OperationKind, OperationState,
    Step,
};
use crate::Context;

/// Tags of eumCertificate and euiccCertificate in IpaEuiccData.
const CERTIFICATE_TAGS: [u8; 2] = [0xA5, 0xA6];

/// Which of the open operations is next: one that was delivered and has no
/// result is sent again, otherwise the oldest.
pub fn first_possible(open: &[Operation]) -> Option<&Operation> {
    let delivered =
        |operation: &&Operation| matches!(operation.state, OperationState::Delivered { .. });
    let queued = |operation: &&Operation| operation.state == OperationState::Queued;
    open.iter()
        .find(delivered)
        .or_else(|| open.iter().find(queued))
}

impl Eim {
    /// Answers a poll. `open` are the operations of this eUICC that are not
    /// final, oldest first.
    pub fn get_eim_package(
        &self,
        record: EuiccRecord,
        open: &[Operation],
        cx: &mut Context<'_>,
    ) -> Step<GetEimPackageResponse> {
        // A device that polls has carried out what it reported before.
        let confirmed: Vec<_> = open.iter().filter_map(confirm).collect();
        let mut step = self.next_package(record, open, cx);
        step.operations.extend(confirmed);
        step
    }

    fn next_package(
        &self,
        record: EuiccRecord,
        open: &[Operation],
        cx: &mut Context<'_>,
    ) -> Step<GetEimPackageResponse> {
        let Some(next) = first_possible(open) else {
            let none = EimPackageError::NO_EIM_PACKAGE_AVAILABLE;
            return Step::unchanged(record, GetEimPackageResponse::EimPackageError(none));
        };
        if let OperationState::Delivered { package, .. } = &next.state
            && let Ok(reply) = GetEimPackageResponse::from_der(package)
        {
            return Step::unchanged(record, reply);
        }
        if needs_key(&next.kind) && record.public_key.is_none() {
            return self.ask_for_certificates(record, next, open, cx);
        }
        self.deliver(record, next, cx)
    }

    /// Without the eUICC's key the result could not be verified. A device whose
    /// last answer was no good is asked again in its next round.
    fn ask_for_certificates(
        &self,
        record: EuiccRecord,
        next: &Operation,
        open: &[Operation],
        cx: &mut Context<'_>,
    ) -> Step<GetEimPackageResponse> {
        let id = OperationId(alloc::format!("{}-certificates", next.id));
        if let Some(asked) = open.iter().find(|operation| operation.id == id) {
            let none = EimPackageError::NO_EIM_PACKAGE_AVAILABLE;
            return Step {
                operations: alloc::vec![asked.failed("the eUICC gave no valid certificates")],
                ..Step::unchanged(record, GetEimPackageResponse::EimPackageError(none))
            };
        }
        let ask = Operation::queued(id, record.eid, OperationKind::GetCertificates);
        self.deliver(record, &ask, cx)
    }

    /// Makes the package, and the state that must be stored before it leaves.
    fn deliver(
        &self,
        mut record: EuiccRecord,
        operation: &Operation,
        cx: &mut Context<'_>,
    ) -> Step<GetEimPackageResponse> {
        let made = self.make_package(&mut record, operation, cx);
        match made {
            Ok((reply, eim_transaction_id, counter_value)) => {
                let state = OperationState::Delivered {
                    eim_transaction_id,
                    counter_value,
                    package: reply.to_der(),
                };
                Step {
                    operations: alloc::vec![operation.with(state)],
                    ..Step::unchanged(record, reply)
                }
            }
            Err(reason) => {
                let error = EimPackageError::UNDEFINED_ERROR;
                let reply = GetEimPackageResponse::EimPackageError(error);
                Step {
                    operations: alloc::vec![operation.failed(reason)],
                    ..Step::unchanged(record, reply)
                }
            }
        }
    }

    fn make_package(
        &self,
        record: &mut EuiccRecord,
        operation: &Operation,
        cx: &mut Context<'_>,
    ) -> Result<(GetEimPackageResponse, TransactionId, Option<i64>), &'static str> {
        let transaction = TransactionId::from_bytes(&cx.random::<16>())
            .map_err(|_| "no transaction identifier")?;
        let psmo = match &operation.kind {
            OperationKind::GetCertificates => {
                let request = self.certificates_request(&transaction);
                return Ok((request, transaction, None));
            }
            OperationKind::Download { activation_code } => {
                let request = download_trigger(activation_code, &transaction)?;
                return Ok((request, transaction, None));
            }
            OperationKind::Enable { iccid, rollback } => Psmo::Enable(EnablePsmo {
                iccid: *iccid,
                rollback_flag: rollback.then_some(Null),
                extensions: Extensions::default(),
            }),
            OperationKind::Disable { iccid } => Psmo::Disable(IccidPsmo {
                iccid: *iccid,
                extensions: Extensions::default(),
            }),
            OperationKind::Delete { iccid } => Psmo::Delete(IccidPsmo {
                iccid: *iccid,
                extensions: Extensions::default(),
            }),
            OperationKind::ListProfileInfo => Psmo::ListProfileInfo(ProfileInfoListRequest {
                search_criteria: None,
                tag_list: None,
                extensions: Extensions::default(),
            }),
        };
        let request = self.sign_package(record, psmo, &transaction)?;
        Ok((request, transaction, Some(record.counter_value)))
    }

    /// Takes the next counter and signs (SGP.32 2.11.1.1).
    fn sign_package(
        &self,
        record: &mut EuiccRecord,
        psmo: Psmo,
        transaction: &TransactionId,
    ) -> Result<GetEimPackageResponse, &'static str> {
        if record.counter_value >= MAX_COUNTER_VALUE {
            return Err("the counter of this eUICC is used up");
        }
        record.counter_value += 1;
        let signed = Signed::new(EuiccPackageSigned {
            eim_id: self.eim_id.clone(),
            eid_value: record.eid,
            counter_value: record.counter_value,
            eim_transaction_id: Some(transaction.clone()),
            euicc_package: EuiccPackage::PsmoList(alloc::vec![psmo]),
            extensions: Extensions::default(),
        });
        let token = association_token_object(record.association_token);
        let signature = self.signing.key.sign(&[signed.as_bytes(), &token]);
        let signature = signature.map_err(|_| "the eIM's key did not sign")?;
        let request = Signed::new(EuiccPackageRequest {
            euicc_package_signed: signed,
            eim_signature: signature.as_bytes().to_vec(),
            extensions: Extensions::default(),
        });
        Ok(GetEimPackageResponse::EuiccPackageRequest(request))
    }

    fn certificates_request(&self, transaction: &TransactionId) -> GetEimPackageResponse {
        GetEimPackageResponse::IpaEuiccDataRequest(IpaEuiccDataRequest {
            tag_list: CERTIFICATE_TAGS.to_vec(),
            euicc_ci_pk_identifier_to_be_used: super::ci_key_identifier(self),
            search_criteria_notification: None,
            search_criteria_euicc_package_result: None,
            eim_transaction_id: Some(transaction.clone()),
            extensions: Extensions::default(),
        })
    }
}

fn download_trigger(
    activation_code: &str,
    transaction: &TransactionId,
) -> Result<GetEimPackageResponse, &'static str> {
    let code = activation_code
        .try_into()
        .map_err(|_| "the activation code is longer than 255 characters")?;
    let request = ProfileDownloadTriggerRequest {
        profile_download_data: Some(ProfileDownloadData::ActivationCode(code)),
        eim_transaction_id: Some(transaction.clone()),
        extensions: Extensions::default(),
    };
    Ok(GetEimPackageResponse::ProfileDownloadTriggerRequest(
        request,
    ))
}

/// Whether the result is worth nothing without the eUICC's key.
fn needs_key(kind: &OperationKind) -> bool {
    !matches!(kind, OperationKind::GetCertificates)
}

fn confirm(operation: &Operation) -> Option<Operation> {
    match &operation.state {
        OperationState::Executed { outcome } => Some(operation.with(OperationState::Confirmed {
            outcome: outcome.clone(),
        })),
        _ => None,
    }
}

/// The answer to a device that this eIM does not manage.
pub fn eid_not_found() -> GetEimPackageResponse {
    GetEimPackageResponse::EimPackageError(EimPackageError::EID_NOT_FOUND)
}

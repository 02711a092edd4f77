//! The package of operations, and messages for what is no part of one.

use alloc::vec::Vec;

use rsp_asn1::ids::TransactionId;
use rsp_asn1::rsp::{NOTIFICATION_INSTALL, NotificationEvent, SubjectKeyIdentifier};
use rsp_asn1::sgp32::{
    EuiccPackage, EuiccPackageRequest, EuiccPackageResultSearchCriteria, EuiccPackageSigned,
    GetEimPackageResponse, IpaEuiccDataRequest, NotificationSearchCriteria,
    ProfileDownloadTriggerRequest, association_token_object,
};
use rsp_asn1::{Asn1, Extensions, Signed};

use super::super::kind::Travel;
use super::super::{Eim, EuiccDataQuery, EuiccRecord, MAX_COUNTER_VALUE, Operation, OperationKind};
use super::{eco, psmo, trigger};
use crate::Context;

/// Tags of eumCertificate and euiccCertificate in IpaEuiccData.
const CERTIFICATE_TAGS: [u8; 2] = [0xA5, 0xA6];

/// Tag of notificationsList in IpaEuiccData.
const NOTIFICATIONS_TAG: [u8; 1] = [0xA0];

/// Octets of a signature (SGP.32 2.11.1.1: r and s on a curve of 256 bits).
const SIGNATURE: usize = 64;

/// What is sent, and by what its result is known again.
pub(in crate::eim) type Made = (GetEimPackageResponse, TransactionId, Option<i64>);

impl Eim {
    /// Makes the message for operations that travel together.
    ///
    /// # Errors
    /// Why there can be none.
    pub(in crate::eim) fn make_package(
        &self,
        record: &mut EuiccRecord,
        operations: &[&Operation],
        cx: &mut Context<'_>,
    ) -> Result<Made, &'static str> {
        let transaction = TransactionId::from_bytes(&cx.random::<16>())
            .map_err(|_| "no transaction identifier")?;
        let sign = |signed: &[u8], token: &[u8]| {
            let signature = self.signing.key.sign(&[signed, token]);
            let signature = signature.map_err(|_| "the eIM's key did not sign")?;
            Ok(signature.as_bytes().to_vec())
        };
        self.make_signed_by(record, operations, transaction, sign)
    }

    /// Octets of the message for operations that travel together. It is made to be
    /// measured alone: no counter is taken, and nothing is signed.
    ///
    /// # Errors
    /// Why there can be none.
    pub(in crate::eim) fn measure_package(
        &self,
        record: &EuiccRecord,
        operations: &[&Operation],
    ) -> Result<usize, &'static str> {
        let transaction =
            TransactionId::from_bytes(&[0; 16]).map_err(|_| "no transaction identifier")?;
        let unsigned = |_: &[u8], _: &[u8]| Ok(alloc::vec![0; SIGNATURE]);
        let record = &mut record.clone();
        let (message, ..) = self.make_signed_by(record, operations, transaction, unsigned)?;
        Ok(message.to_der().len())
    }

    fn make_signed_by(
        &self,
        record: &mut EuiccRecord,
        operations: &[&Operation],
        transaction: TransactionId,
        sign: impl FnOnce(&[u8], &[u8]) -> Result<Vec<u8>, &'static str>,
    ) -> Result<Made, &'static str> {
        let first = operations.first().ok_or("nothing to be done")?;
        let request = match &first.kind {
            OperationKind::GetCertificates => {
                let ci = self.next_ci(record);
                certificates_request(ci, record.facts.wanted_with_certificates(), &transaction)
            }
            OperationKind::GetInstallationResults => installation_results_request(&transaction),
            OperationKind::GetEuiccData(query) => euicc_data_request(query, &transaction),
            kind if kind.downloads() => {
                if first.confirmation_code.is_some() {
                    record.facts.take_confirmation_codes()?;
                }
                GetEimPackageResponse::ProfileDownloadTriggerRequest(
                    ProfileDownloadTriggerRequest {
                        profile_download_data: trigger::download_data(record, first)?,
                        eim_transaction_id: Some(transaction.clone()),
                        extensions: Extensions::default(),
                    },
                )
            }
            _ => {
                let package = euicc_package(operations)?;
                let request = self.sign_package(record, package, &transaction, sign)?;
                return Ok((request, transaction, Some(record.counter_value)));
            }
        };
        Ok((request, transaction, None))
    }

    /// Takes the next counter and signs (SGP.32 2.11.1.1).
    fn sign_package(
        &self,
        record: &mut EuiccRecord,
        package: EuiccPackage,
        transaction: &TransactionId,
        sign: impl FnOnce(&[u8], &[u8]) -> Result<Vec<u8>, &'static str>,
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
            euicc_package: package,
            extensions: Extensions::default(),
        });
        let token = association_token_object(record.association_token);
        let eim_signature = sign(signed.as_bytes(), &token)?;
        let request = Signed::new(EuiccPackageRequest {
            euicc_package_signed: signed,
            eim_signature,
            extensions: Extensions::default(),
        });
        Ok(GetEimPackageResponse::EuiccPackageRequest(request))
    }
}

/// All operations as one list.
fn euicc_package(operations: &[&Operation]) -> Result<EuiccPackage, &'static str> {
    const OTHER: &str = "the operations are not of one kind";
    let kinds = || operations.iter().map(|operation| &operation.kind);
    if kinds().all(|kind| kind.travel() == Travel::Psmo) {
        let list: Option<Vec<_>> = kinds().map(psmo::psmo).collect();
        return list.map(EuiccPackage::PsmoList).ok_or(OTHER);
    }
    let list: Result<Option<Vec<_>>, _> = kinds().map(eco::eco).collect();
    let list = list.map_err(|_| "the configuration of the eIM cannot be read")?;
    list.map(EuiccPackage::EcoList).ok_or(OTHER)
}

fn certificates_request(
    ci: Option<SubjectKeyIdentifier>,
    further: &[u8],
    transaction: &TransactionId,
) -> GetEimPackageResponse {
    GetEimPackageResponse::IpaEuiccDataRequest(IpaEuiccDataRequest {
        tag_list: [&CERTIFICATE_TAGS, further].concat(),
        euicc_ci_pk_identifier_to_be_used: ci,
        search_criteria_notification: None,
        search_criteria_euicc_package_result: None,
        eim_transaction_id: Some(transaction.clone()),
        extensions: Extensions::default(),
    })
}

fn installation_results_request(transaction: &TransactionId) -> GetEimPackageResponse {
    let installations = NotificationEvent::of(&[NOTIFICATION_INSTALL]);
    GetEimPackageResponse::IpaEuiccDataRequest(IpaEuiccDataRequest {
        tag_list: NOTIFICATIONS_TAG.to_vec(),
        euicc_ci_pk_identifier_to_be_used: None,
        search_criteria_notification: Some(NotificationSearchCriteria::ProfileManagementOperation(
            installations,
        )),
        search_criteria_euicc_package_result: None,
        eim_transaction_id: Some(transaction.clone()),
        extensions: Extensions::default(),
    })
}

fn euicc_data_request(
    query: &EuiccDataQuery,
    transaction: &TransactionId,
) -> GetEimPackageResponse {
    let notification = query
        .notification
        .map(NotificationSearchCriteria::SeqNumber);
    let result = query
        .package_result
        .map(EuiccPackageResultSearchCriteria::SeqNumber);
    GetEimPackageResponse::IpaEuiccDataRequest(IpaEuiccDataRequest {
        tag_list: query.tags.clone(),
        euicc_ci_pk_identifier_to_be_used: query.ci.clone(),
        search_criteria_notification: notification,
        search_criteria_euicc_package_result: result,
        eim_transaction_id: Some(transaction.clone()),
        extensions: Extensions::default(),
    })
}

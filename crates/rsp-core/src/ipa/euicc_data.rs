//! IpaEuiccDataRequest (SGP.32 2.11.1.2, 2.11.2.2).

use alloc::vec::Vec;

use rsp_asn1::ids::TransactionId;
use rsp_asn1::rsp::{
    EuiccConfiguredAddressesRequest, EuiccConfiguredAddressesResponse, EuiccInfo1, EuiccInfo2,
    GetEuiccInfo1Request, GetEuiccInfo2Request, PendingNotification, SubjectKeyIdentifier,
};
use rsp_asn1::sgp32::{
    Certs, EimPackageResult, EuiccPackageResultSearchCriteria, GetCertsError, GetCertsRequest,
    GetCertsResponse, IpaCapabilities, IpaEuiccData, IpaEuiccDataErrorCode, IpaEuiccDataRequest,
    IpaEuiccDataResponse, IpaEuiccDataResponseError, NotificationSearchCriteria,
    NotificationsSearchCriteria,
};
use rsp_asn1::{BitString, Extensions, Null, Reader, Tag};

use super::IpaError;
use super::euicc_package::seq_number;
use super::poll::{Eim, Round};

/// Octets of a whole key identifier: SHA-1.
const KEY_IDENTIFIER: usize = 20;

impl Round<'_> {
    /// Collects what was asked for and provides it.
    pub(super) async fn answer_data_request(
        &self,
        eim: &Eim,
        request: &IpaEuiccDataRequest,
    ) -> Result<(), IpaError> {
        let transaction = request.eim_transaction_id.clone();
        let mut sent = Vec::new();
        let response = match self.collect_data(eim, request).await? {
            Ok(data) => {
                sent = numbers(&data);
                IpaEuiccDataResponse::Ok(IpaEuiccData {
                    eim_transaction_id: transaction,
                    ..data
                })
            }
            Err(code) => IpaEuiccDataResponse::Error(error(code, transaction)),
        };
        let result = EimPackageResult::IpaEuiccDataResponse(response);
        let acknowledged = self.provide(&eim.server, result).await?;
        self.remove_acknowledged(&acknowledged, &sent).await
    }

    /// The objects, or the code of SGP.32 for a request that cannot be
    /// answered. Objects that this device does not have are left out.
    async fn collect_data(
        &self,
        eim: &Eim,
        request: &IpaEuiccDataRequest,
    ) -> Result<Result<IpaEuiccData, IpaEuiccDataErrorCode>, IpaError> {
        if self.memory.is_emergency() {
            return Ok(Err(IpaEuiccDataErrorCode::ECALL_ACTIVE));
        }
        let Some(tags) = tag_list(&request.tag_list) else {
            return Ok(Err(IpaEuiccDataErrorCode::INCORRECT_TAG_LIST));
        };
        let mut data = IpaEuiccData::empty();
        for tag in tags {
            match tag.get() {
                0xBF20 => data.euicc_info1 = Some(self.euicc_info1().await?),
                0xBF22 => data.euicc_info2 = Some(self.euicc_info2().await?),
                0xA5 | 0xA6 => {
                    let certs = match self.certs(request).await? {
                        Ok(certs) => certs,
                        // They will be known after a download.
                        Err(IpaEuiccDataErrorCode::UNDEFINED_ERROR)
                            if self.channel.is_emulated() =>
                        {
                            continue;
                        }
                        Err(code) => return Ok(Err(code)),
                    };
                    match tag.get() {
                        0xA5 => data.eum_certificate = Some(certs.eum_certificate),
                        _ => data.euicc_certificate = Some(certs.euicc_certificate),
                    }
                }
                0xA0 => data.notifications_list = Some(self.notifications(request).await?),
                0xA2 => {
                    let results = self.stored_results(eim, results_criteria(request));
                    data.euicc_package_result_list = Some(results.await?);
                }
                // Version 1.0 had one tag for both lists.
                0xBF2B => {
                    data.notifications_list = Some(self.notifications(request).await?);
                    let results = self.stored_results(eim, results_criteria(request));
                    data.euicc_package_result_list = Some(results.await?);
                }
                // 80, 88: in version 1.0.
                0x80 | 0x81 => {
                    data.default_smdp_address = self.addresses().await?.default_dp_address;
                }
                0x83 => data.root_smds_address = self.addresses().await?.root_ds_address,
                0x84 => data.association_token = eim.association_token,
                0x88 | 0xA8 => data.ipa_capabilities = Some(self.capabilities()),
                0xA9 => data.device_info = Some(self.config.device_info.clone()),
                _ => return Ok(Err(IpaEuiccDataErrorCode::INCORRECT_TAG_LIST)),
            }
        }
        Ok(Ok(data))
    }

    /// ES10b.GetCerts.
    async fn certs(
        &self,
        request: &IpaEuiccDataRequest,
    ) -> Result<Result<Certs, IpaEuiccDataErrorCode>, IpaError> {
        let euicc_ci_pk_id = match &request.euicc_ci_pk_identifier_to_be_used {
            Some(asked) if asked.len() < KEY_IDENTIFIER => match self.whole_ci_id(asked).await? {
                Some(whole) => Some(whole),
                None => return Ok(Err(IpaEuiccDataErrorCode::EUICC_CI_PK_ID_NOT_FOUND)),
            },
            whole => whole.clone(),
        };
        let request = GetCertsRequest {
            euicc_ci_pk_id,
            extensions: Extensions::default(),
        };
        Ok(match self.channel.call("GetCerts", &request).await? {
            GetCertsResponse::Certs(certs) => Ok(certs),
            GetCertsResponse::Error(GetCertsError::INVALID_CI_PK_ID) => {
                Err(IpaEuiccDataErrorCode::EUICC_CI_PK_ID_NOT_FOUND)
            }
            GetCertsResponse::Error(_) => Err(IpaEuiccDataErrorCode::UNDEFINED_ERROR),
        })
    }

    /// The CI key that a truncated identifier means: the first that the eUICC
    /// signs under and that begins with it (SGP.32 2.11.1.2).
    async fn whole_ci_id(
        &self,
        truncated: &[u8],
    ) -> Result<Option<SubjectKeyIdentifier>, IpaError> {
        let known = self.euicc_info1().await?.euicc_ci_pk_id_list_for_signing;
        let mut known = known.into_iter();
        Ok(known.find(|whole| whole.starts_with(truncated)))
    }

    /// The notifications that the request asks for.
    async fn notifications(
        &self,
        request: &IpaEuiccDataRequest,
    ) -> Result<Vec<PendingNotification>, IpaError> {
        let criteria = request.search_criteria_notification.clone();
        self.waiting_notifications(criteria.map(|criteria| match criteria {
            NotificationSearchCriteria::SeqNumber(number) => {
                NotificationsSearchCriteria::SeqNumber(number)
            }
            NotificationSearchCriteria::ProfileManagementOperation(events) => {
                NotificationsSearchCriteria::ProfileManagementOperation(events)
            }
        }))
        .await
    }

    /// ES10a.GetEuiccConfiguredAddresses; nothing from a card without it.
    pub(super) async fn addresses(&self) -> Result<EuiccConfiguredAddressesResponse, IpaError> {
        let request = EuiccConfiguredAddressesRequest {
            extensions: Extensions::default(),
        };
        let command = "GetEuiccConfiguredAddresses";
        match self.channel.call(command, &request).await {
            Err(IpaError::StatusWord { .. }) => Ok(EuiccConfiguredAddressesResponse {
                default_dp_address: None,
                root_ds_address: None,
                extensions: Extensions::default(),
            }),
            response => response,
        }
    }

    /// What this IPA can do (SGP.32 4.1).
    fn capabilities(&self) -> IpaCapabilities {
        let transports = self.config.transports.iter();
        let protocols: Vec<_> = transports
            .map(|transport| transport.retrieve_bit())
            .collect();
        IpaCapabilities {
            ipa_features: BitString::of(&self.config.features.bits()),
            ipa_supported_protocols: Some(BitString::of(&protocols)),
            esipa_proprietary_protocol_information: None,
            extensions: Extensions::default(),
        }
    }

    /// ES10b.GetEUICCInfo1.
    pub(super) async fn euicc_info1(&self) -> Result<EuiccInfo1, IpaError> {
        let request = GetEuiccInfo1Request {
            extensions: Extensions::default(),
        };
        self.channel.call("GetEUICCInfo1", &request).await
    }

    pub(super) async fn euicc_info2(&self) -> Result<EuiccInfo2, IpaError> {
        let request = GetEuiccInfo2Request {
            extensions: Extensions::default(),
        };
        self.channel.call("GetEUICCInfo2", &request).await
    }
}

/// Concatenated tags; `None` if they are no tags or none at all.
fn tag_list(bytes: &[u8]) -> Option<Vec<Tag>> {
    let mut tags = Vec::new();
    let mut rest = bytes;
    while let Some(first) = rest.first() {
        let length = if first & 0x1F == 0x1F { 2 } else { 1 };
        // A tag with a length after it is an element: the reader checks it.
        let mut element = rest.get(..length)?.to_vec();
        element.push(0);
        tags.push(Reader::new(&element).tlv().ok()?.tag);
        rest = rest.get(length..)?;
    }
    (!tags.is_empty()).then_some(tags)
}

/// Which results the request asks for.
fn results_criteria(request: &IpaEuiccDataRequest) -> NotificationsSearchCriteria {
    match request.search_criteria_euicc_package_result {
        Some(EuiccPackageResultSearchCriteria::SeqNumber(number)) => {
            NotificationsSearchCriteria::SeqNumber(number)
        }
        None => NotificationsSearchCriteria::EuiccPackageResults(Null),
    }
}

/// Under which numbers the eUICC keeps what is in the data.
pub(super) fn numbers(data: &IpaEuiccData) -> Vec<i64> {
    let notifications = data.notifications_list.iter().flatten();
    let notifications = notifications.map(|notification| notification.seq_number());
    let results = data.euicc_package_result_list.iter().flatten();
    notifications
        .chain(results.filter_map(seq_number))
        .collect()
}

/// A refusal of the request.
pub(super) fn error(
    code: IpaEuiccDataErrorCode,
    transaction: Option<TransactionId>,
) -> IpaEuiccDataResponseError {
    IpaEuiccDataResponseError {
        eim_transaction_id: transaction,
        ipa_euicc_data_error_code: code,
        extensions: Extensions::default(),
    }
}

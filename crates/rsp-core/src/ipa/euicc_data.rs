//! IpaEuiccDataRequest (SGP.32 2.11.1.2, 2.11.2.2).

use alloc::vec::Vec;

use rsp_asn1::ids::TransactionId;
use rsp_asn1::rsp::{EuiccInfo1, EuiccInfo2, GetEuiccInfo1Request, GetEuiccInfo2Request};
use rsp_asn1::sgp32::{
    DIRECT_RSP_SERVER_COMMUNICATION, EimPackageResult, GetCertsRequest, GetCertsResponse,
    IPA_RETRIEVE_HTTPS, IpaCapabilities, IpaEuiccData, IpaEuiccDataErrorCode, IpaEuiccDataRequest,
    IpaEuiccDataResponse, IpaEuiccDataResponseError,
};
use rsp_asn1::{BitString, Extensions, Reader, Tag};

use super::poll::Round;
use super::{IpaError, Server};

impl Round<'_> {
    /// Collects what was asked for and provides it.
    pub(super) async fn answer_data_request(
        &self,
        eim: &Server,
        request: &IpaEuiccDataRequest,
    ) -> Result<(), IpaError> {
        let transaction = request.eim_transaction_id.clone();
        let response = match self.collect_data(request).await? {
            Ok(data) => IpaEuiccDataResponse::Ok(IpaEuiccData {
                eim_transaction_id: transaction,
                ..data
            }),
            Err(code) => IpaEuiccDataResponse::Error(error(code, transaction)),
        };
        let result = EimPackageResult::IpaEuiccDataResponse(response);
        for seq_number in self.provide(eim, result).await? {
            self.remove_notification(seq_number).await?;
        }
        Ok(())
    }

    /// The objects, or the code of SGP.32 for a request that cannot be
    /// answered. Objects that this device does not have are left out.
    async fn collect_data(
        &self,
        request: &IpaEuiccDataRequest,
    ) -> Result<Result<IpaEuiccData, IpaEuiccDataErrorCode>, IpaError> {
        let Some(tags) = tag_list(&request.tag_list) else {
            return Ok(Err(IpaEuiccDataErrorCode::INCORRECT_TAG_LIST));
        };
        let mut data = IpaEuiccData::empty();
        for tag in tags {
            match tag.get() {
                0xBF20 => data.euicc_info1 = Some(self.euicc_info1().await?),
                0xBF22 => data.euicc_info2 = Some(self.euicc_info2().await?),
                0xA5 | 0xA6 => {
                    let certs = GetCertsRequest {
                        euicc_ci_pk_id: request.euicc_ci_pk_identifier_to_be_used.clone(),
                        extensions: Extensions::default(),
                    };
                    match self.channel.call("GetCerts", &certs).await? {
                        GetCertsResponse::Certs(certs) if tag.get() == 0xA5 => {
                            data.eum_certificate = Some(certs.eum_certificate);
                        }
                        GetCertsResponse::Certs(certs) => {
                            data.euicc_certificate = Some(certs.euicc_certificate);
                        }
                        GetCertsResponse::Error(_) => {
                            return Ok(Err(IpaEuiccDataErrorCode::EUICC_CI_PK_ID_NOT_FOUND));
                        }
                    }
                }
                0xA8 | 0x88 => data.ipa_capabilities = Some(capabilities()),
                0xA9 => data.device_info = Some(self.config.device_info.clone()),
                0xA0 | 0x81 | 0xA2 | 0x83 | 0x84 => {}
                _ => return Ok(Err(IpaEuiccDataErrorCode::INCORRECT_TAG_LIST)),
            }
        }
        Ok(Ok(data))
    }

    /// ES10b.GetEUICCInfo1.
    pub(super) async fn euicc_info1(&self) -> Result<EuiccInfo1, IpaError> {
        let request = GetEuiccInfo1Request {
            extensions: Extensions::default(),
        };
        self.channel.call("GetEUICCInfo1", &request).await
    }

    async fn euicc_info2(&self) -> Result<EuiccInfo2, IpaError> {
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

/// What this IPA can do (SGP.32 4.1).
fn capabilities() -> IpaCapabilities {
    IpaCapabilities {
        ipa_features: BitString::of(&[DIRECT_RSP_SERVER_COMMUNICATION]),
        ipa_supported_protocols: Some(BitString::of(&[IPA_RETRIEVE_HTTPS])),
        extensions: Extensions::default(),
    }
}

fn error(
    code: IpaEuiccDataErrorCode,
    transaction: Option<TransactionId>,
) -> IpaEuiccDataResponseError {
    IpaEuiccDataResponseError {
        eim_transaction_id: transaction,
        ipa_euicc_data_error_code: code,
        extensions: Extensions::default(),
    }
}

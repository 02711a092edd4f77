//! IpaEuiccData (SGP.32 2.11.1.2, 2.11.2.2), from the card itself.

use alloc::vec::Vec;

use rsp_asn1::BitString;
use rsp_asn1::sgp32::{
    DIRECT_RSP_SERVER_COMMUNICATION, INDIRECT_RSP_SERVER_COMMUNICATION, IPA_RETRIEVE_HTTPS,
    IpaCapabilities, IpaEuiccData, IpaEuiccDataErrorCode, IpaEuiccDataRequest,
    IpaEuiccDataResponse, IpaEuiccDataResponseError,
};

use super::device_info;
use crate::es10::{euicc_info, profiles_info};
use crate::isdr::Isdr;

/// What the card's own IPA can do (SGP.32 4.1).
fn capabilities(isdr: &Isdr) -> IpaCapabilities {
    let ipae = isdr.ecasd.ipae.as_ref();
    let ways = [
        (
            ipae.is_some_and(|ipae| ipae.direct),
            DIRECT_RSP_SERVER_COMMUNICATION,
        ),
        (
            ipae.is_some_and(|ipae| ipae.indirect),
            INDIRECT_RSP_SERVER_COMMUNICATION,
        ),
    ];
    let features: Vec<u8> = ways
        .iter()
        .filter_map(|(can, bit)| can.then_some(*bit))
        .collect();
    IpaCapabilities {
        ipa_features: BitString::of(&features),
        ipa_supported_protocols: Some(BitString::of(&[IPA_RETRIEVE_HTTPS])),
        esipa_proprietary_protocol_information: None,
        extensions: Default::default(),
    }
}

/// What the request names, as far as there is such a thing; device information
/// is what the terminal has told.
pub(super) fn collect(
    isdr: &Isdr,
    eim: usize,
    request: &IpaEuiccDataRequest,
) -> IpaEuiccDataResponse {
    let refused = |code| {
        IpaEuiccDataResponse::Error(IpaEuiccDataResponseError {
            eim_transaction_id: request.eim_transaction_id.clone(),
            ipa_euicc_data_error_code: code,
            extensions: Default::default(),
        })
    };
    let Some(tags) = profiles_info::split_tags(&request.tag_list) else {
        return refused(IpaEuiccDataErrorCode::INCORRECT_TAG_LIST);
    };
    let signer = match &request.euicc_ci_pk_identifier_to_be_used {
        Some(ci) => isdr.signers.under(ci),
        None => Some(isdr.signers.first()),
    };
    let Some(signer) = signer else {
        return refused(IpaEuiccDataErrorCode::EUICC_CI_PK_ID_NOT_FOUND);
    };
    let mut data = IpaEuiccData::empty();
    data.eim_transaction_id = request.eim_transaction_id.clone();
    for tag in tags {
        match tag {
            0xA0 => {
                let waiting = isdr.state.notifications.notifications(None);
                data.notifications_list = Some(waiting.cloned().collect());
            }
            0x81 => data.default_smdp_address = isdr.state.default_dp_address.clone(),
            0xA2 => {
                let waiting = isdr.state.notifications.package_results();
                data.euicc_package_result_list = Some(waiting.cloned().collect::<Vec<_>>());
            }
            0xBF20 => data.euicc_info1 = Some(euicc_info::euicc_info1(isdr)),
            0xBF22 => data.euicc_info2 = Some(euicc_info::euicc_info2(isdr)),
            0x83 => data.root_smds_address = Some(isdr.ecasd.root_ds_address.clone()),
            0x84 => {
                let eim = isdr.state.eims.get(eim);
                data.association_token = eim.and_then(|eim| eim.token());
            }
            0xA5 => data.eum_certificate = Some(signer.eum_certificate.clone()),
            0xA6 => data.euicc_certificate = Some(signer.euicc_certificate.clone()),
            0xA8 => data.ipa_capabilities = Some(capabilities(isdr)),
            0xA9 => {
                data.device_info = isdr
                    .ipae
                    .imei
                    .as_ref()
                    .map(|imei| device_info::of(Some(imei)))
            }
            _ => return refused(IpaEuiccDataErrorCode::INCORRECT_TAG_LIST),
        }
    }
    IpaEuiccDataResponse::Ok(data)
}

//! ES10b.AddInitialEim and GetEimConfigurationData (SGP.32 5.9.4, 5.9.18).

use alloc::vec::Vec;

use rsp_asn1::sgp32::{
    ASSOCIATION_TOKEN_REQUEST, AddEimResultCode, AddInitialEimOk, AddInitialEimRequest,
    AddInitialEimResponse, EimConfigurationData, EimIdType, EimPublicKeyData, EimSearchCriteria,
    GetEimConfigurationDataRequest, GetEimConfigurationDataResponse,
};
use rsp_asn1::{Asn1, BitString, Null};
use rsp_crypto::PublicKey;

use super::decode;
use crate::apdu::Status;
use crate::certificate;
use crate::isdr::Isdr;
use crate::personalisation::Environment;
use crate::state::Eim;

/// Highest counter of a package (SGP.32 2.11.1.1).
pub(crate) const MAX_COUNTER: i64 = 0x7F_FFFF;

/// eIMs that the card has room for.
const MAX_EIMS: usize = 16;

/// `eimSupportedProtocol` bit: eimProprietary.
const EIM_PROPRIETARY: u8 = 4;

/// Associates the first eIMs: all of them or none.
pub(crate) fn add_initial_eim(
    isdr: &mut Isdr,
    command: &[u8],
    _env: &mut Environment<'_>,
) -> Result<Vec<u8>, Status> {
    let request: AddInitialEimRequest = decode(command)?;
    let response = match accept_all(isdr, &request) {
        Ok((eims, next_token)) => {
            let list = eims.iter().map(|eim| answer(eim.token())).collect();
            isdr.state.eims = eims;
            isdr.state.next_association_token = next_token;
            AddInitialEimResponse::Ok(list)
        }
        Err(code) => AddInitialEimResponse::Error(code),
    };
    Ok(response.to_der())
}

fn answer(token: Option<i64>) -> AddInitialEimOk {
    match token {
        Some(token) => AddInitialEimOk::AssociationToken(token),
        None => AddInitialEimOk::AddOk(Null),
    }
}

/// The eIMs, and the association token that comes after theirs.
fn accept_all(
    isdr: &Isdr,
    request: &AddInitialEimRequest,
) -> Result<(Vec<Eim>, i64), AddEimResultCode> {
    let wanted = &request.eim_configuration_data_list;
    if !isdr.state.eims.is_empty() {
        return Err(AddEimResultCode::ASSOCIATED_EIM_ALREADY_EXISTS);
    }
    if wanted.is_empty() {
        return Err(AddEimResultCode::COMMAND_ERROR);
    }
    if wanted.len() > MAX_EIMS {
        return Err(AddEimResultCode::INSUFFICIENT_MEMORY);
    }
    let mut next_token = isdr.state.next_association_token;
    let mut eims = Vec::new();
    for data in wanted {
        eims.push(accept(isdr, data.clone(), &mut next_token)?);
    }
    Ok((eims, next_token))
}

/// The rules for a new eIM (SGP.32 5.9.4). Takes the next token where one is
/// asked for.
fn accept(
    isdr: &Isdr,
    mut data: EimConfigurationData,
    next_token: &mut i64,
) -> Result<Eim, AddEimResultCode> {
    let key = eim_key(data.eim_public_key_data.as_ref()).ok_or(AddEimResultCode::COMMAND_ERROR)?;
    let counter = data.counter_value.take();
    let counter = counter.ok_or(AddEimResultCode::COMMAND_ERROR)?;
    if !(0..=MAX_COUNTER).contains(&counter) {
        return Err(AddEimResultCode::COUNTER_VALUE_OUT_OF_RANGE);
    }
    let signer = match &data.euicc_ci_pk_id {
        Some(ci) => isdr.signers.under(ci),
        None => Some(isdr.signers.first()),
    };
    let signer = signer.ok_or(AddEimResultCode::CI_PK_UNKNOWN)?;
    data.euicc_ci_pk_id = Some(signer.ci.clone());
    data.eim_id_type
        .get_or_insert(EimIdType::EIM_ID_TYPE_PROPRIETARY);
    data.eim_supported_protocol
        .get_or_insert(BitString::of(&[EIM_PROPRIETARY]));
    match data.association_token {
        None => {}
        Some(ASSOCIATION_TOKEN_REQUEST) => {
            data.association_token = Some(*next_token);
            *next_token += 1;
        }
        Some(_) => return Err(AddEimResultCode::INVALID_ASSOCIATION_TOKEN),
    }
    Ok(Eim { data, key, counter })
}

/// An eIM as it was; `None` without a usable key.
pub(crate) fn restored(data: EimConfigurationData, counter: i64) -> Option<Eim> {
    let key = eim_key(data.eim_public_key_data.as_ref())?;
    Some(Eim { data, key, counter })
}

/// The key of an eIM; of a certificate nothing else counts.
fn eim_key(data: Option<&EimPublicKeyData>) -> Option<PublicKey> {
    match data? {
        EimPublicKeyData::PublicKey(key) => PublicKey::from_spki_der(key.as_bytes()).ok(),
        EimPublicKeyData::Certificate(certificate) => certificate::public_key_of(certificate).ok(),
    }
}

/// What is known of the associated eIMs, counters left out.
pub(crate) fn get_eim_configuration_data(
    isdr: &mut Isdr,
    command: &[u8],
    _env: &mut Environment<'_>,
) -> Result<Vec<u8>, Status> {
    let request: GetEimConfigurationDataRequest = decode(command)?;
    let wanted = |eim: &&Eim| match &request.search_criteria {
        None => true,
        Some(EimSearchCriteria::EimId(id)) => eim.id() == id,
    };
    let found = isdr.state.eims.iter().filter(wanted);
    let response = GetEimConfigurationDataResponse {
        eim_configuration_data_list: found.map(|eim| eim.data.clone()).collect(),
        extensions: Default::default(),
    };
    Ok(response.to_der())
}

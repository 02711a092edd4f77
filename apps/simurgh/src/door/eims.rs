//! eIM Configuration Data in members and in DER.

use api::{EimConfiguration, EimConfigurationData, Problem};
use axum::response::Response;
use fleet::access::Permission;
use rsp_asn1::sgp32::{
    ASSOCIATION_TOKEN_REQUEST, AddInitialEimRequest, EimConfigurationData as Data, EimIdType,
    EimPublicKeyData,
};
use rsp_asn1::{Asn1, BitString, Certificate, Extensions, Null, SubjectPublicKeyInfo};
use utoipa_axum::routes;

use super::answer::ok;
use super::authorise::Call;
use super::functions::{hex, octets};
use super::problem::Refusal;
use super::routes::{Guard, Routes};
use super::{Functions, internal, invalid, order};

/// counterValue in the configuration of new eUICCs.
const FIRST_COUNTER: i64 = 0;

/// Names of the bits of `eimSupportedProtocol` (SGP.32 2.11.1.1.1).
pub(super) const PROTOCOLS: [&str; 5] = [
    "retrieve_https",
    "retrieve_coaps",
    "inject_https",
    "inject_coaps",
    "proprietary",
];

pub(super) fn routes() -> Routes {
    Routes::new().with(
        Guard::Needs(Permission::DevicesRead),
        routes!(configuration_data),
    )
}

/// What eUICCs are told of this eIM
#[utoipa::path(
    get,
    path = "/eim-configuration",
    operation_id = "getEimConfiguration",
    tag = "devices",
    responses((status = 200, description = "As a factory or another eIM needs it.", body = EimConfiguration)),
)]
async fn configuration_data(call: Call) -> Result<Response, Refusal> {
    call.work(move |functions| ok(&functions.eim_configuration()?))
        .await
}

impl Functions {
    pub(super) fn eim_configuration(&self) -> Result<EimConfiguration, Problem> {
        let data = self.eim.eim().configuration_data(FIRST_COUNTER);
        let data = data.map_err(|_| internal())?;
        let request = AddInitialEimRequest {
            eim_configuration_data_list: vec![data.clone()],
            extensions: Extensions::default(),
        };
        Ok(EimConfiguration {
            eim_configuration_data: hex(&data.to_der()),
            add_initial_eim: hex(&request.to_der()),
            counter_value: FIRST_COUNTER,
            configuration: members(&data),
        })
    }
}

/// The names of the bits that are set.
pub(super) fn named(bits: &BitString, names: &[&str]) -> Vec<String> {
    let set = (0u8..).zip(names).filter(|(bit, _)| bits.bit(*bit));
    set.map(|(_, name)| name.to_string()).collect()
}

fn members(data: &Data) -> EimConfigurationData {
    let split = |data: &Option<EimPublicKeyData>| match data {
        Some(EimPublicKeyData::PublicKey(key)) => (Some(hex(key.as_bytes())), None),
        Some(EimPublicKeyData::Certificate(certificate)) => {
            (None, Some(hex(certificate.as_bytes())))
        }
        None => (None, None),
    };
    let (public_key, certificate) = split(&data.eim_public_key_data);
    let (tls_public_key, tls_certificate) = split(&data.trusted_public_key_data_tls);
    let protocols = data.eim_supported_protocol.as_ref();
    EimConfigurationData {
        der: None,
        eim_id: Some(data.eim_id.to_string()),
        eim_id_type: data.eim_id_type.map(|kind| kind.0),
        eim_fqdn: data.eim_fqdn.clone(),
        counter_value: data.counter_value,
        association_token: data.association_token == Some(ASSOCIATION_TOKEN_REQUEST),
        public_key,
        certificate,
        tls_public_key,
        tls_certificate,
        protocols: protocols.map(|bits| named(bits, &PROTOCOLS)),
        ci: data.euicc_ci_pk_id.as_ref().map(|ci| hex(ci)),
        indirect_profile_download: data.indirect_profile_download.is_some(),
    }
}

/// The configuration in DER, from members or as it is.
pub(super) fn configuration(given: &EimConfigurationData) -> Result<Vec<u8>, Problem> {
    if let Some(der) = &given.der {
        let alone = EimConfigurationData {
            der: given.der.clone(),
            ..EimConfigurationData::default()
        };
        return match alone == *given {
            true => octets("der", der),
            false => {
                let remedy = "give either the DER or the members";
                Err(invalid("der", "beside other members", remedy))
            }
        };
    }
    let eim_id = given.eim_id.as_deref().unwrap_or_default();
    let ci = given.ci.as_ref().map(|ci| octets("ci", ci)).transpose()?;
    let key = key_data("public_key", &given.public_key, &given.certificate)?;
    let tls = key_data(
        "tls_public_key",
        &given.tls_public_key,
        &given.tls_certificate,
    )?;
    let data = Data {
        eim_id: order::eim_id(eim_id)?,
        eim_fqdn: given.eim_fqdn.clone(),
        eim_id_type: given.eim_id_type.map(EimIdType),
        counter_value: given.counter_value,
        association_token: given.association_token.then_some(ASSOCIATION_TOKEN_REQUEST),
        eim_public_key_data: key,
        trusted_public_key_data_tls: tls,
        eim_supported_protocol: given.protocols.as_deref().map(protocols).transpose()?,
        euicc_ci_pk_id: ci,
        indirect_profile_download: given.indirect_profile_download.then_some(Null),
        esipa_proprietary_protocol_information: None,
        extensions: Extensions::default(),
    };
    Ok(data.to_der())
}

fn protocols(names: &[String]) -> Result<BitString, Problem> {
    let bit = |name: &String| {
        let bit = PROTOCOLS.iter().position(|known| known == name);
        let remedy = format!("use {}", PROTOCOLS.join(", "));
        let bit = bit.ok_or_else(|| invalid("protocols", "there is no such protocol", &remedy))?;
        Ok(bit as u8)
    };
    let bits: Result<Vec<u8>, Problem> = names.iter().map(bit).collect();
    Ok(BitString::of(&bits?))
}

fn key_data(
    field: &str,
    key: &Option<String>,
    certificate: &Option<String>,
) -> Result<Option<EimPublicKeyData>, Problem> {
    let wrong = |error: rsp_asn1::DecodeError| {
        invalid(field, &error.to_string(), "give DER in hexadecimal")
    };
    match (key, certificate) {
        (None, None) => Ok(None),
        (Some(key), None) => {
            let key = SubjectPublicKeyInfo::from_bytes(&octets(field, key)?);
            Ok(Some(EimPublicKeyData::PublicKey(key.map_err(wrong)?)))
        }
        (None, Some(certificate)) => {
            let certificate = Certificate::from_bytes(&octets(field, certificate)?);
            let certificate = certificate.map_err(wrong)?;
            Ok(Some(EimPublicKeyData::Certificate(certificate)))
        }
        (Some(_), Some(_)) => {
            let remedy = "give the key or the certificate";
            Err(invalid(field, "beside a certificate", remedy))
        }
    }
}

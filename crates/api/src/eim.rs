//! eIMs, as eUICCs are told of them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What an eUICC is told of this eIM: by its factory with AddInitialEim (SGP.32
/// 5.9.4), or by another eIM with addEim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "eim_configuration_data": "3012800F65696D2E6578616D706C652E636F6D",
    "add_initial_eim": "BF5714A0123010800F65696D2E6578616D706C652E636F6D",
    "counter_value": 0,
    "configuration": {"eim_id": "eim.example.com", "eim_id_type": 2, "counter_value": 0, "association_token": false, "indirect_profile_download": true}
}))]
pub struct EimConfiguration {
    /// `EimConfigurationData` in DER.
    pub eim_configuration_data: String,
    /// `AddInitialEimRequest` with it, in DER: what a factory sends to the
    /// ISD-R.
    #[serde(default)]
    pub add_initial_eim: String,
    /// The counterValue in it; packages begin with the next one.
    pub counter_value: i64,
    /// The same in members.
    #[serde(default)]
    pub configuration: EimConfigurationData,
}

/// `EimConfigurationData` (SGP.32 2.11.1.1.1) in members, or in DER. Of an
/// update, what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EimConfigurationData {
    /// All of it in DER; then no other member is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub der: Option<String>,
    /// Its identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eim_id: Option<String>,
    /// `EimIdType`: 1 is an OID, 2 a host name, 3 something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eim_id_type: Option<i64>,
    /// Where IPAs reach it; may carry a port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eim_fqdn: Option<String>,
    /// counterValue that its packages begin after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counter_value: Option<i64>,
    /// Whether the eUICC is asked to make an association token.
    pub association_token: bool,
    /// Key that verifies its packages: SubjectPublicKeyInfo, DER.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_key: Option<String>,
    /// The same as a certificate, DER.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// Key that its TLS server must have: SubjectPublicKeyInfo, DER.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_public_key: Option<String>,
    /// Certificate that its TLS server must have, or be issued under, DER.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_certificate: Option<String>,
    /// `eimSupportedProtocol`: `retrieve_https`, `retrieve_coaps`,
    /// `inject_https`, `inject_coaps`, `proprietary`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocols: Option<Vec<String>>,
    /// SubjectKeyIdentifier of the CI under which the eUICC signs for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ci: Option<String>,
    /// Whether it offers downloads through itself.
    pub indirect_profile_download: bool,
}

/// An eIM that an eUICC knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ListedEim {
    /// Its identifier.
    pub eim_id: String,
    /// `EimIdType`: 1 is an OID, 2 a host name, 3 something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eim_id_type: Option<i64>,
}

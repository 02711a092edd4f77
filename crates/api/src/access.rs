//! Who may come in: sessions, users, roles, API keys, tenants.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Secret;

/// Asks for a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"user": "noc", "password": "correct horse battery"}))]
pub struct SignIn {
    /// The user's tenant; `default` if it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The user's name.
    pub user: String,
    /// The user's password.
    pub password: Secret,
}

/// What a session still needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionStage {
    /// A second factor is to be shown.
    SecondFactor,
    /// The role needs a second factor, which is to be set up.
    Enrol,
    /// The password is to be changed.
    ChangePassword,
    /// Nothing: what the role says may be done.
    Open,
}

/// A second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SecondFactor {
    /// An authenticator app.
    Totp,
    /// A passkey.
    Passkey,
    /// A recovery code.
    RecoveryCode,
}

/// A session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "stage": "open",
    "tenant": "default",
    "user": "noc",
    "role": "operator",
    "permissions": ["devices:read"],
    "second_factors": ["totp", "recovery_code"],
    "recovery_codes_left": 10,
    "expires": "2026-03-01T23:58:04Z",
    "csrf_token": "7f3e"
}))]
pub struct Session {
    /// What is to be done next.
    pub stage: SessionStage,
    /// The user's tenant.
    pub tenant: String,
    /// The user's name.
    pub user: String,
    /// The user's role.
    pub role: String,
    /// What the role allows; nothing of it before `stage` is `open`.
    pub permissions: Vec<String>,
    /// What the user may show beside the password.
    pub second_factors: Vec<SecondFactor>,
    /// How many recovery codes are left.
    pub recovery_codes_left: usize,
    /// When the session ends in any case; if it is not used, earlier.
    pub expires: String,
    /// The bearer token, when the session begins or goes on with another one; it is
    /// in a cookie, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Secret>,
    /// What a page sends as `X-CSRF-Token` with the cookie; absent for a session that
    /// is shown as a bearer token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub csrf_token: Option<Secret>,
    /// Recovery codes, when they are made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery_codes: Option<Vec<Secret>>,
}

/// Shows a second factor: one of both.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"code": "287082"}))]
pub struct ShowFactor {
    /// The six digits of the authenticator app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Secret>,
    /// A recovery code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery_code: Option<Secret>,
}

/// What an authenticator app is told, once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"secret": "GEZDGNBV", "uri": "otpauth://totp/Simurgh:noc?secret=GEZDGNBV"}))]
pub struct Enrolment {
    /// The secret in base 32.
    pub secret: Secret,
    /// The same for a QR code (`otpauth:`).
    pub uri: Secret,
}

/// Another password of one's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"old": "correct horse battery", "new": "staple of another kind"}))]
pub struct ChangePassword {
    /// The present one.
    pub old: Secret,
    /// The new one, of 12 characters or more.
    pub new: Secret,
}

/// What `navigator.credentials` is asked for (Web Authentication): binary members are
/// in base64url.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"public_key": {"challenge": "MDEy", "rpId": "sim.example.org", "userVerification": "required"}}))]
pub struct PasskeyOptions {
    /// `PublicKeyCredentialCreationOptions` or `PublicKeyCredentialRequestOptions` as
    /// JSON.
    #[schema(value_type = Object)]
    pub public_key: serde_json::Value,
}

/// A new passkey, as the authenticator made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "phone", "client_data": "e30", "attestation": "oA"}))]
pub struct NewPasskey {
    /// What the user calls it.
    pub name: String,
    /// `response.clientDataJSON`, base64url.
    pub client_data: String,
    /// `response.attestationObject`, base64url.
    pub attestation: String,
}

/// Shows a passkey.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"id": "AQID", "client_data": "e30", "authenticator_data": "AA", "signature": "AA"}))]
pub struct ShowPasskey {
    /// `rawId`, base64url.
    pub id: String,
    /// `response.clientDataJSON`, base64url.
    pub client_data: String,
    /// `response.authenticatorData`, base64url.
    pub authenticator_data: String,
    /// `response.signature`, base64url.
    pub signature: String,
}

/// A passkey of one's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"id": "AQID", "name": "phone", "created": "2026-03-01T11:58:04Z"}))]
pub struct Passkey {
    /// Names it, base64url.
    pub id: String,
    /// What the user calls it.
    pub name: String,
    /// Since when it is known.
    pub created: String,
}

/// A sign-in at the identity provider that was begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"address": "https://login.example.org/auth?response_type=code", "handle": "default.0"}))]
pub struct SignOnBegun {
    /// Where the browser goes.
    pub address: String,
    /// What is shown again at the end; it is in a cookie, too.
    pub handle: Secret,
}

/// What the identity provider sent the browser back with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"code": "abc", "state": "def"}))]
pub struct SignOnEnd {
    /// `code`.
    pub code: Secret,
    /// `state`.
    pub state: Secret,
    /// `handle` of the beginning, if there is no cookie.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handle: Option<Secret>,
}

/// A user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "id": "0aB1cD2eF3gH4iJ5kL6mN7",
    "name": "noc@example.org",
    "role": "operator",
    "disabled": false,
    "second_factors": ["totp"],
    "single_sign_on": false,
    "created": "2026-03-01T11:58:04Z"
}))]
pub struct User {
    /// Names the user for ever.
    pub id: String,
    /// What they sign in with.
    pub name: String,
    /// Their role.
    pub role: String,
    /// Whether they may not sign in.
    pub disabled: bool,
    /// What they have set up.
    pub second_factors: Vec<SecondFactor>,
    /// Whether they come by the identity provider.
    pub single_sign_on: bool,
    /// Since when they are known.
    pub created: String,
    /// Their first or next password, when it is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub one_time_password: Option<Secret>,
}

/// A new user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "noc@example.org", "role": "operator"}))]
pub struct NewUser {
    /// What they sign in with.
    pub name: String,
    /// Their role.
    pub role: String,
    /// Their first password; one is made if it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
    /// Whether they come by the identity provider alone, under this name as their
    /// verified address.
    #[serde(default)]
    pub single_sign_on: bool,
}

/// What is to change of a user; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(example = json!({"role": "viewer"}))]
pub struct UserSettings {
    /// Another role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Whether they may not sign in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
}

/// A role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"name": "night-shift", "permissions": ["devices:read", "operations:write"], "below": false, "mfa_required": true, "built_in": false}))]
pub struct Role {
    /// Its name.
    pub name: String,
    /// What it allows.
    pub permissions: Vec<String>,
    /// Whether in the tenants below, too.
    pub below: bool,
    /// Whether a second factor is needed.
    pub mfa_required: bool,
    /// Whether all tenants have it: its permissions stay as they are.
    pub built_in: bool,
}

/// What a role is to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"permissions": ["devices:read", "operations:write"], "mfa_required": true}))]
pub struct RoleSettings {
    /// What it allows; for a role that all tenants have it may be absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions: Option<Vec<String>>,
    /// Whether in the tenants below, too.
    #[serde(default)]
    pub below: bool,
    /// Whether a second factor is needed.
    #[serde(default)]
    pub mfa_required: bool,
}

/// An API key, without the key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "id": "0aB1cD2eF3gH4iJ5kL6mN7",
    "name": "ERP",
    "owner": "7aB1cD2eF3gH4iJ5kL6mN0",
    "permissions": ["devices:read"],
    "below": false,
    "networks": ["192.0.2.0/24"],
    "created": "2026-03-01T11:58:04Z",
    "expires": "2026-06-01T11:58:04Z"
}))]
pub struct ApiKey {
    /// Names it.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// The user who answers for it: it never may more than they may.
    pub owner: String,
    /// What it is for.
    pub permissions: Vec<String>,
    /// Whether in the tenants below, too.
    pub below: bool,
    /// From where it may come; from everywhere if there is none.
    pub networks: Vec<String>,
    /// Since when it is there.
    pub created: String,
    /// When it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// When somebody ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<String>,
    /// When it was last used, within a minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used: Option<String>,
    /// The key itself, when it is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Secret>,
}

/// What an API key is to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "ERP", "permissions": ["devices:read"], "days": 90, "networks": ["192.0.2.0/24"]}))]
pub struct NewApiKey {
    /// What people call it.
    pub name: String,
    /// What it is for: no more than its owner may.
    pub permissions: Vec<String>,
    /// The user who answers for it; the caller if it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Whether in the tenants below, too.
    #[serde(default)]
    pub below: bool,
    /// From where it may come.
    #[serde(default)]
    pub networks: Vec<String>,
    /// In how many days it ends; never if it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>, maximum = 4_294_967_295_i64)]
    pub days: Option<u32>,
    /// A client certificate in PEM that stands for it, in place of a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
}

/// A tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"name": "acme", "parent": "default"}))]
pub struct Tenant {
    /// Its name.
    pub name: String,
    /// The tenant above it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// The countries in which its data must rest, by their codes of ISO 3166-1; any if
    /// there is none. Those said of the tenants above it hold for it, too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub residency: Vec<String>,
    /// Its first administrator, when it is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admin: Option<User>,
}

/// A new tenant below the caller's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "acme", "admin": "noc@acme.example"}))]
pub struct NewTenant {
    /// Its name: a-z, 0-9 and -.
    pub name: String,
    /// The name of its first administrator, who gets a one-time password.
    pub admin: String,
    /// The countries in which its data must rest, by their codes of ISO 3166-1; any if
    /// there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub residency: Vec<String>,
}

/// Where the data of a tenant must rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"residency": []}))]
pub struct TenantResidency {
    /// Countries by their codes of ISO 3166-1; any if there is none.
    pub residency: Vec<String>,
}

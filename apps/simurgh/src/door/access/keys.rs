//! API keys.

use std::time::Duration;

use api::{NewApiKey, Page, Problem, Secret};
use axum::response::Response;
use fleet::access::{ApiKeyId, Permission, UserId};
use rsp_core::pki::certificate_from_pem;
use serde::Deserialize;
use store::StoredKey;
use utoipa::IntoParams;
use utoipa_axum::routes;
use zeroize::Zeroizing;

use super::super::answer::{self, created, ok, utc};
use super::super::authorise::Call;
use super::super::body::{Json, Path, Query};
use super::super::list::{Listing, page};
use super::super::problem::{Refusal, invalid};
use super::super::routes::{Guard, Routes};
use super::blocking;
use super::roles::permissions;
use crate::access::NewKey;

pub(super) fn routes() -> Routes {
    let (read, admin) = (Permission::ApiKeysRead, Permission::ApiKeysAdmin);
    Routes::new()
        .with(Guard::Needs(read), routes!(list))
        .with(Guard::Needs(admin), routes!(add))
        .with(Guard::Needs(admin), routes!(revoke))
}

/// A key in a path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct OneKey {
    /// Its identifier.
    #[param(example = "0aB1cD2eF3gH4iJ5kL6mN7")]
    id: String,
}

fn shown(stored: &StoredKey, text: Option<&Zeroizing<String>>) -> api::ApiKey {
    let key = &stored.key;
    api::ApiKey {
        id: key.id.to_string(),
        name: key.name.clone(),
        owner: key.owner.to_string(),
        permissions: key.permissions.iter().map(|one| one.to_string()).collect(),
        below: key.below,
        networks: key.networks.iter().map(ToString::to_string).collect(),
        created: utc(key.created),
        expires: key.expires.map(utc),
        revoked: key.revoked.map(utc),
        last_used: stored.seen.map(utc),
        key: text.map(|text| Secret(text.to_string())),
    }
}

/// List API keys
///
/// In the order of their identifiers, without the keys.
#[utoipa::path(
    get,
    path = "/api-keys",
    operation_id = "listApiKeys",
    tag = "access",
    params(Listing),
    responses((status = 200, description = "A page of keys.", body = Page<api::ApiKey>)),
)]
async fn list(call: Call, Query(listing): Query<Listing>) -> Result<Response, Refusal> {
    let (access, tenant, limit) = (call.access(), call.tenant()?, listing.limit()?);
    let page = blocking(move || {
        let after = listing.after.map(ApiKeyId);
        let keys = access.keys(&tenant, after.as_ref(), limit + 1)?;
        let keys = keys.iter().map(|key| shown(key, None)).collect();
        Ok(page(keys, limit, |key: &api::ApiKey| key.id.clone()))
    });
    Ok(answer::paged("/api-keys", limit, &[], &page.await?)?)
}

/// DER of one certificate in PEM.
fn certificate(text: &str) -> Result<Vec<u8>, Problem> {
    let certificate = certificate_from_pem(text).ok_or_else(|| {
        let remedy = "send it as in its file";
        invalid("certificate", "not one certificate in PEM", remedy)
    })?;
    Ok(certificate.as_bytes().to_vec())
}

/// Make an API key
///
/// Its text is shown once. One that a client certificate stands for has no text.
#[utoipa::path(
    post,
    path = "/api-keys",
    operation_id = "addApiKey",
    tag = "access",
    request_body = NewApiKey,
    responses((status = 201, description = "The key.", body = api::ApiKey)),
)]
async fn add(call: Call, Json(new): Json<NewApiKey>) -> Result<Response, Refusal> {
    let (access, tenant, by) = (call.access(), call.tenant()?, call.principal()?);
    let key = blocking(move || {
        let owner = match (&new.owner, access.user_of(&by, &tenant)?) {
            (Some(owner), _) => UserId(owner.clone()),
            (None, Some(own)) => own,
            (None, None) => {
                let remedy = "name the user who answers for the key";
                return Err(invalid(
                    "owner",
                    "the caller is no user of the tenant",
                    remedy,
                ));
            }
        };
        let certificate = new.certificate.as_deref().map(certificate).transpose()?;
        let days = |days: u32| Duration::from_secs(u64::from(days) * 86_400);
        let key = NewKey {
            name: &new.name,
            owner,
            permissions: permissions(&new.permissions)?,
            below: new.below,
            networks: &new.networks,
            lifetime: new.days.map(days),
            certificate,
        };
        let (stored, text) = access.add_key(&by, &tenant, key)?;
        Ok(shown(&stored, text.as_ref()))
    });
    Ok(created(&key.await?)?)
}

/// Revoke an API key
///
/// It is listed on, and opens nothing any more.
#[utoipa::path(
    post,
    path = "/api-keys/{id}/revoke",
    operation_id = "revokeApiKey",
    tag = "access",
    params(OneKey),
    responses((status = 200, description = "The key as it is now.", body = api::ApiKey)),
)]
async fn revoke(call: Call, Path(one): Path<OneKey>) -> Result<Response, Refusal> {
    let (access, tenant, by) = (call.access(), call.tenant()?, call.principal()?);
    let key = blocking(move || {
        let revoked = access.revoke_key(&by, &tenant, &ApiKeyId(one.id))?;
        Ok(shown(&revoked, None))
    });
    Ok(ok(&key.await?)?)
}

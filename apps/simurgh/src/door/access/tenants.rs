//! Tenants.

use api::{NewTenant, Page, Tenant};
use axum::response::Response;
use fleet::access::{Permission, TenantName};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::routes;

use super::super::answer::{created, no_content, ok};
use super::super::authorise::Call;
use super::super::body::{Json, Path};
use super::super::functions::parse;
use super::super::problem::Refusal;
use super::super::routes::{Guard, Routes};
use super::{blocking, users};

pub(super) fn routes() -> Routes {
    let (read, admin) = (Permission::TenantsRead, Permission::TenantsAdmin);
    Routes::new()
        .with(Guard::Needs(read), routes!(list))
        .with(Guard::Needs(admin), routes!(add))
        .with(Guard::Needs(admin), routes!(remove))
}

/// A tenant in a path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct OneTenant {
    /// Its name.
    #[param(pattern = "^[a-z0-9-]{1,63}$", example = "acme")]
    name: String,
}

/// List tenants
///
/// The caller's and those below it. Requests with the header `Simurgh-Tenant` work on
/// one of these.
#[utoipa::path(
    get,
    path = "/tenants",
    operation_id = "listTenants",
    tag = "access",
    responses((status = 200, description = "All of them.", body = Page<Tenant>)),
)]
async fn list(call: Call) -> Result<Response, Refusal> {
    let (access, tenant) = (call.access(), call.tenant()?);
    let below = call.caller.below;
    let tenants = blocking(move || access.tenants(&tenant, below)).await?;
    let shown = |(name, parent): (TenantName, Option<TenantName>)| Tenant {
        name: name.to_string(),
        parent: parent.map(|parent| parent.to_string()),
        admin: None,
    };
    Ok(ok(&Page {
        items: tenants.into_iter().map(shown).collect(),
        next: None,
    })?)
}

/// Add a tenant
///
/// Below the caller's, with its first administrator.
#[utoipa::path(
    post,
    path = "/tenants",
    operation_id = "addTenant",
    tag = "access",
    request_body = NewTenant,
    responses((status = 201, description = "It, with the administrator's one-time password.", body = Tenant)),
)]
async fn add(call: Call, Json(new): Json<NewTenant>) -> Result<Response, Refusal> {
    let (access, parent, by) = (call.access(), call.tenant()?, call.principal()?);
    let tenant = blocking(move || {
        let name: TenantName = parse("name", &new.name)?;
        let admin = access.add_tenant(&by, &parent, &name, &new.admin)?;
        Ok(Tenant {
            name: name.to_string(),
            parent: Some(parent.to_string()),
            admin: Some(users::made(&admin)),
        })
    });
    Ok(created(&tenant.await?)?)
}

/// Remove a tenant
///
/// With its users and keys, if it has neither devices nor profiles nor tenants below it.
#[utoipa::path(
    delete,
    path = "/tenants/{name}",
    operation_id = "removeTenant",
    tag = "access",
    params(OneTenant),
    responses((status = 204, description = "It is removed.")),
)]
async fn remove(call: Call, Path(one): Path<OneTenant>) -> Result<Response, Refusal> {
    let (access, by) = (call.access(), call.principal()?);
    blocking(move || access.remove_tenant(&by, &parse("name", &one.name)?)).await?;
    Ok(no_content()?)
}

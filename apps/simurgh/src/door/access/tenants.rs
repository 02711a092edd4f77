//! Tenants.

use api::{NewTenant, Page, Problem, Tenant, TenantResidency};
use axum::response::Response;
use fleet::access::{Permission, Residency, TenantName};
use fleet::inventory::Country;
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
use crate::access::SeenTenant;

pub(super) fn routes() -> Routes {
    let (read, admin) = (Permission::TenantsRead, Permission::TenantsAdmin);
    Routes::new()
        .with(Guard::Needs(read), routes!(list))
        .with(Guard::Needs(admin), routes!(add))
        .with(Guard::Needs(admin), routes!(remove))
        .with(Guard::Needs(admin), routes!(restrict))
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
    let shown = |seen: SeenTenant| Tenant {
        name: seen.name.to_string(),
        parent: seen.parent.map(|parent| parent.to_string()),
        residency: codes(&seen.residency),
        admin: None,
    };
    Ok(ok(&Page {
        items: tenants.into_iter().map(shown).collect(),
        next: None,
    })?)
}

fn codes(residency: &Residency) -> Vec<String> {
    let countries = residency.countries().into_iter().flatten();
    countries.map(Country::to_string).collect()
}

fn residency(codes: &[String]) -> Result<Residency, Problem> {
    let countries = codes.iter().map(|code| parse("residency", code));
    let countries: Result<Vec<Country>, _> = countries.collect();
    Ok(Residency::within(countries?))
}

/// Add a tenant
///
/// Below the caller's, with its first administrator. One whose data must rest in some
/// countries is refused where this server's are not.
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
        let wanted = residency(&new.residency)?;
        let asked = (new.admin.as_str(), &wanted);
        let admin = access.add_tenant(&by, &parent, &name, asked)?;
        Ok(Tenant {
            name: name.to_string(),
            parent: Some(parent.to_string()),
            residency: codes(&access.residency(&name)?),
            admin: Some(users::made(&admin)),
        })
    });
    Ok(created(&tenant.await?)?)
}

/// Say where a tenant's data must rest
///
/// In place of what was said before; no country is any. It holds for the tenants below it
/// too, and is refused where this server's data are not. Who is of that tenant can leave
/// countries out alone.
#[utoipa::path(
    put,
    path = "/tenants/{name}/residency",
    operation_id = "setTenantResidency",
    tag = "access",
    params(OneTenant),
    request_body = TenantResidency,
    responses((status = 200, description = "What holds for it now, with what is said of those above.", body = TenantResidency)),
)]
async fn restrict(
    call: Call,
    Path(one): Path<OneTenant>,
    Json(wanted): Json<TenantResidency>,
) -> Result<Response, Refusal> {
    let (access, by) = (call.access(), call.principal()?);
    let restricted = blocking(move || {
        let (name, wanted) = (parse("name", &one.name)?, residency(&wanted.residency)?);
        access.restrict_tenant(&by, &name, &wanted)?;
        access.residency(&name)
    });
    let residency = codes(&restricted.await?);
    Ok(ok(&TenantResidency { residency })?)
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

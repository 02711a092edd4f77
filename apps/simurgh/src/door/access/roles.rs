//! Roles.

use api::{Page, Problem, RoleSettings};
use axum::response::Response;
use fleet::access::{Permission, Permissions, Role, RoleName};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::routes;

use super::super::answer::{no_content, ok};
use super::super::authorise::Call;
use super::super::body::{Json, Path};
use super::super::functions::parse;
use super::super::problem::{Refusal, invalid};
use super::super::routes::{Guard, Routes};
use super::blocking;

pub(super) fn routes() -> Routes {
    let (read, admin) = (Permission::UsersRead, Permission::UsersAdmin);
    Routes::new()
        .with(Guard::Needs(read), routes!(list))
        .with(Guard::Needs(admin), routes!(put))
        .with(Guard::Needs(admin), routes!(remove))
}

/// A role in a path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct OneRole {
    /// Its name.
    #[param(pattern = "^[a-z0-9-]{1,63}$", example = "night-shift")]
    name: String,
}

fn shown(role: &Role) -> api::Role {
    api::Role {
        name: role.name.to_string(),
        permissions: role.permissions.iter().map(|one| one.to_string()).collect(),
        below: role.below,
        mfa_required: role.mfa_required,
        built_in: Role::built_in_named(&role.name).is_some(),
    }
}

pub(super) fn permissions(texts: &[String]) -> Result<Permissions, Problem> {
    let read = |text: &String| parse::<Permission>("permissions", text);
    texts.iter().map(read).collect()
}

/// List roles
///
/// Those that all tenants have and the tenant's own.
#[utoipa::path(
    get,
    path = "/roles",
    operation_id = "listRoles",
    tag = "access",
    responses((status = 200, description = "All of them.", body = Page<api::Role>)),
)]
async fn list(call: Call) -> Result<Response, Refusal> {
    let (access, tenant) = (call.access(), call.tenant()?);
    let roles = blocking(move || access.roles(&tenant)).await?;
    Ok(ok(&Page {
        items: roles.iter().map(shown).collect(),
        next: None,
    })?)
}

/// Add or change a role
///
/// With no more than the caller may. Of a role that all tenants have, what it allows
/// stays as it is.
#[utoipa::path(
    put,
    path = "/roles/{name}",
    operation_id = "putRole",
    tag = "access",
    params(OneRole),
    request_body = RoleSettings,
    responses((status = 200, description = "The role as it is now.", body = api::Role)),
)]
async fn put(
    call: Call,
    Path(one): Path<OneRole>,
    Json(settings): Json<RoleSettings>,
) -> Result<Response, Refusal> {
    let (access, tenant, by) = (call.access(), call.tenant()?, call.principal()?);
    let role = blocking(move || {
        let name: RoleName = parse("name", &one.name)?;
        let given = settings.permissions.as_deref().map(permissions);
        let built_in = Role::built_in_named(&name).map(|role| role.permissions);
        let permissions = given.transpose()?.or(built_in);
        let permissions = permissions
            .ok_or_else(|| invalid("permissions", "missing", "name what the role allows"))?;
        let role = Role {
            name,
            permissions,
            below: settings.below,
            mfa_required: settings.mfa_required,
        };
        access.put_role(&by, &tenant, &role)?;
        Ok(shown(&role))
    });
    Ok(ok(&role.await?)?)
}

/// Remove a role
///
/// That nobody has. One that all tenants have is as it was at the beginning.
#[utoipa::path(
    delete,
    path = "/roles/{name}",
    operation_id = "removeRole",
    tag = "access",
    params(OneRole),
    responses((status = 204, description = "It is removed.")),
)]
async fn remove(call: Call, Path(one): Path<OneRole>) -> Result<Response, Refusal> {
    let (access, tenant, by) = (call.access(), call.tenant()?, call.principal()?);
    blocking(move || access.remove_role(&by, &tenant, &parse("name", &one.name)?)).await?;
    Ok(no_content()?)
}

//! Users.

use api::{NewUser, Page, Secret, User, UserSettings};
use axum::response::Response;
use fleet::access::{Account, Permission, UserId};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::routes;

use super::super::answer::{self, created, no_content, ok, utc};
use super::super::authorise::Call;
use super::super::body::{Json, Path, Query};
use super::super::functions::parse;
use super::super::list::{Listing, page};
use super::super::problem::Refusal;
use super::super::routes::{Guard, Routes};
use super::{blocking, second_factors};
use crate::access::{Made, Proof, UserChange};

pub(super) fn routes() -> Routes {
    let (read, admin) = (Permission::UsersRead, Permission::UsersAdmin);
    Routes::new()
        .with(Guard::Needs(read), routes!(list))
        .with(Guard::Needs(admin), routes!(add))
        .with(Guard::Needs(read), routes!(show))
        .with(Guard::Needs(admin), routes!(set))
        .with(Guard::Needs(admin), routes!(remove))
        .with(Guard::Needs(admin), routes!(reset))
}

/// A user in a path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct OneUser {
    /// The user's identifier.
    #[param(example = "0aB1cD2eF3gH4iJ5kL6mN7")]
    id: String,
}

pub(super) fn shown(account: &Account) -> User {
    let user = &account.user;
    User {
        id: user.id.to_string(),
        name: user.name.to_string(),
        role: user.role.to_string(),
        disabled: user.disabled,
        second_factors: second_factors(account),
        single_sign_on: account.subject.is_some() || !account.has_password(),
        created: utc(user.created),
        one_time_password: None,
    }
}

pub(super) fn made(made: &Made) -> User {
    let password = made.one_time_password.as_ref();
    User {
        one_time_password: password.map(|password| Secret(password.to_string())),
        ..shown(&made.account)
    }
}

/// List users
///
/// In the order of their names.
#[utoipa::path(
    get,
    path = "/users",
    operation_id = "listUsers",
    tag = "access",
    params(Listing),
    responses((status = 200, description = "A page of users.", body = Page<User>)),
)]
async fn list(call: Call, Query(listing): Query<Listing>) -> Result<Response, Refusal> {
    let (access, tenant, limit) = (call.access(), call.tenant()?, listing.limit()?);
    let page = blocking(move || {
        let after = listing.after.as_deref();
        let after = after.map(|after| parse("after", after)).transpose()?;
        let users = access.users(&tenant, after.as_ref(), limit + 1)?;
        let users = users.iter().map(shown).collect();
        Ok(page(users, limit, |user: &User| user.name.clone()))
    });
    Ok(answer::paged("/users", limit, &[], &page.await?)?)
}

/// Add a user
///
/// Whose role allows no more than the caller may. The first password is changed by
/// the user.
#[utoipa::path(
    post,
    path = "/users",
    operation_id = "addUser",
    tag = "access",
    request_body = NewUser,
    responses((status = 201, description = "The user, with a one-time password.", body = User)),
)]
async fn add(call: Call, Json(new): Json<NewUser>) -> Result<Response, Refusal> {
    let (access, tenant, by) = (call.access(), call.tenant()?, call.principal()?);
    let user = blocking(move || {
        let role = parse("role", &new.role)?;
        let proof = match (&new.password, new.single_sign_on) {
            (_, true) => Proof::SingleSignOn,
            (Some(password), false) => Proof::Password(&password.0),
            (None, false) => Proof::OneTimePassword,
        };
        Ok(made(
            &access.add_user(&by, &tenant, &new.name, &role, proof)?,
        ))
    });
    Ok(created(&user.await?)?)
}

/// Show a user
#[utoipa::path(
    get,
    path = "/users/{id}",
    operation_id = "getUser",
    tag = "access",
    params(OneUser),
    responses((status = 200, description = "The user.", body = User)),
)]
async fn show(call: Call, Path(one): Path<OneUser>) -> Result<Response, Refusal> {
    let (access, tenant) = (call.access(), call.tenant()?);
    let user = blocking(move || Ok(shown(&access.user(&tenant, &UserId(one.id))?.value)));
    Ok(ok(&user.await?)?)
}

/// Change a user
///
/// The role, or whether they may sign in. The last active admin of a tenant stays one.
#[utoipa::path(
    patch,
    path = "/users/{id}",
    operation_id = "setUser",
    tag = "access",
    params(OneUser),
    request_body = UserSettings,
    responses((status = 200, description = "The user as they are now.", body = User)),
)]
async fn set(
    call: Call,
    Path(one): Path<OneUser>,
    Json(settings): Json<UserSettings>,
) -> Result<Response, Refusal> {
    let (access, tenant, by) = (call.access(), call.tenant()?, call.principal()?);
    let user = blocking(move || {
        let role = settings.role.as_deref();
        let change = UserChange {
            role: role.map(|role| parse("role", role)).transpose()?,
            disabled: settings.disabled,
        };
        let changed = access.change_user(&by, &tenant, &UserId(one.id), &change)?;
        Ok(shown(&changed))
    });
    Ok(ok(&user.await?)?)
}

/// Remove a user
///
/// Their sessions and API keys end.
#[utoipa::path(
    delete,
    path = "/users/{id}",
    operation_id = "removeUser",
    tag = "access",
    params(OneUser),
    responses((status = 204, description = "The user is removed.")),
)]
async fn remove(call: Call, Path(one): Path<OneUser>) -> Result<Response, Refusal> {
    let (access, tenant, by) = (call.access(), call.tenant()?, call.principal()?);
    blocking(move || access.remove_user(&by, &tenant, &UserId(one.id))).await?;
    Ok(no_content()?)
}

/// Reset a user
///
/// For who has lost what they prove themselves by: second factors are taken away, the
/// password becomes a one-time one, sessions end.
#[utoipa::path(
    post,
    path = "/users/{id}/reset",
    operation_id = "resetUser",
    tag = "access",
    params(OneUser),
    responses((status = 200, description = "The user, with a one-time password.", body = User)),
)]
async fn reset(call: Call, Path(one): Path<OneUser>) -> Result<Response, Refusal> {
    let (access, tenant, by) = (call.access(), call.tenant()?, call.principal()?);
    let user = blocking(move || Ok(made(&access.reset_user(&by, &tenant, &UserId(one.id))?)));
    Ok(ok(&user.await?)?)
}

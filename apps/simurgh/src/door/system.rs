//! The API about itself.

use std::sync::OnceLock;

use axum::response::Response;
use utoipa_axum::routes;

use super::answer;
use super::authorise::Call;
use super::problem::{Refusal, internal};
use super::routes::{Guard, Routes};

pub(super) fn routes() -> Routes {
    Routes::new()
        .with(Guard::Public, routes!(openapi))
        .with(Guard::Known, routes!(caller))
}

/// Who asks
///
/// As the server knows the token, and what may be done with it.
#[utoipa::path(
    get,
    path = "/caller",
    operation_id = "getCaller",
    tag = "system",
    responses((status = 200, description = "The caller.", body = api::Caller)),
)]
async fn caller(call: Call) -> Result<Response, Refusal> {
    let permissions = call.caller.permissions.iter();
    Ok(answer::ok(&api::Caller {
        tenant: call.caller.tenant.clone(),
        principal: call.caller.principal.clone(),
        permissions: permissions.map(|one| one.to_string()).collect(),
    })?)
}

/// The document of this API
///
/// OpenAPI 3.1.
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "getOpenApi",
    tag = "system",
    responses((status = 200, description = "This document.", body = Object, example = json!({"openapi": "3.1.0"}))),
)]
async fn openapi() -> Result<Response, Refusal> {
    static DOCUMENT: OnceLock<Option<String>> = OnceLock::new();
    let document = DOCUMENT.get_or_init(|| super::document().to_pretty_json().ok());
    let document = document.as_ref().ok_or_else(internal)?;
    Ok(answer::text(
        200,
        "application/json",
        document.clone().into_bytes(),
    ))
}

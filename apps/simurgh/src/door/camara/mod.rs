//! CAMARA eSIM Profile Management (version "wip" of its definition): the same
//! operations under other names, for those who know this API and not ours.
//!
//! It is a translation and nothing else: what is allowed, queued and proven is
//! decided where it is for `/v1`. A request becomes one of ours here, and a problem
//! document becomes an `ErrorInfo` in [`said`].

mod said;

use api::{NewOperation, OperationKind, Ordered, Problem, Secret};
use axum::response::Response;
use axum::routing::{get, post};
use fleet::access::Permission;
use http::header::{HOST, HeaderValue, LOCATION};
use http::{HeaderMap, Uri};
use rsp_asn1::ids::{Eid, Iccid};
use rsp_core::eim::{self, EuiccRecord, Operation, OperationId, OperationState};
use serde::{Deserialize, Serialize};

use super::answer::{ok, respond, utc};
use super::authorise::Call;
use super::body::{Json, Path};
use super::functions::parse;
use super::problem::Refusal;
use super::routes::{Guard, Routes};
use super::{Functions, internal, problem, stored};

/// Where it is: `apiRoot` of the definition is `/camara`.
pub(super) const ROOT: &str = "/camara/esim-profile-management/vwip";

/// Characters of a reason.
const LONGEST_REASON: usize = 256;

pub(super) fn routes() -> Routes {
    let order = Guard::Needs(Permission::OperationsWrite);
    let watch = Guard::Needs(Permission::OperationsRead);
    let see = Guard::Needs(Permission::DevicesRead);
    let at = |path: &str| format!("{ROOT}{path}");
    Routes::new()
        .foreign(order, &at("/download"), post(download))
        .foreign(order, &at("/enable"), post(enable))
        .foreign(order, &at("/disable"), post(disable))
        .foreign(order, &at("/delete"), post(delete))
        .foreign(order, &at("/set-fallback"), post(set_fallback))
        .foreign(see, &at("/retrieve-status"), post(retrieve_status))
        .foreign(
            watch,
            &at("/operations/{operation_id}"),
            get(retrieve_operation),
        )
        .around(said::translate)
}

/// `ESimProfile`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EsimProfile {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    eid: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    iccid: Option<String>,
}

/// `DownloadEsimProfileRequest`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Download {
    esim_profile: EsimProfile,
    activation_code: Secret,
}

/// The requests that name a profile and nothing else.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct OfProfile {
    esim_profile: EsimProfile,
}

/// `ESimProfileResponse`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct EsimProfileResponse {
    operation_id: String,
    operation: &'static str,
    status: &'static str,
    esim_profile: EsimProfile,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<OperationResult>,
}

/// `ESimProfileOperationResult`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct OperationResult {
    completed_at: String,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    assigned_iccid: Option<String>,
}

/// `EsimProfileStatusResponse`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct StatusResponse {
    esim_profiles: Vec<Status>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    eid: String,
    iccid: String,
    state: &'static str,
    is_fallback: bool,
}

async fn download(
    call: Call,
    headers: HeaderMap,
    uri: Uri,
    Json(asked): Json<Download>,
) -> Result<Response, Refusal> {
    call.touch(1).await?;
    call.work(move |functions| {
        let eid = needed("esimProfile.eid", asked.esim_profile.eid.as_ref())?;
        let eid: Eid = parse("esimProfile.eid", eid)?;
        let activation_code = asked.activation_code;
        let kind = OperationKind::Download { activation_code };
        functions.accept(eid, kind, false, &base(&headers, &uri))
    })
    .await
}

/// The four that name a profile; whether a permission to `force` is made use of.
macro_rules! of_profile {
    ($($name:ident, $forces:literal: $kind:expr;)*) => {
        $(async fn $name(
            call: Call,
            headers: HeaderMap,
            uri: Uri,
            Json(asked): Json<OfProfile>,
        ) -> Result<Response, Refusal> {
            call.touch(1).await?;
            let force = $forces && call.caller.may(Permission::OperationsForce);
            call.work(move |functions| {
                let (eid, iccid) = functions.profile(&asked.esim_profile)?;
                let kind: fn(String) -> OperationKind = $kind;
                functions.accept(eid, kind(iccid.to_string()), force, &base(&headers, &uri))
            })
            .await
        })*
    };
}

of_profile! {
    // The device may go back: whoever has no other way to the site wants that.
    enable, false: |iccid| OperationKind::Enable { iccid, rollback: true };
    // By its definition the device loses its connectivity, which nobody may order who
    // may not force things.
    disable, true: |iccid| OperationKind::Disable { iccid };
    delete, false: |iccid| OperationKind::Delete { iccid };
    set_fallback, false: |iccid| OperationKind::SetFallbackAttribute { iccid };
}

async fn retrieve_status(call: Call, Json(asked): Json<OfProfile>) -> Result<Response, Refusal> {
    call.work(move |functions| ok(&functions.status(&asked.esim_profile)?))
        .await
}

async fn retrieve_operation(call: Call, Path(id): Path<String>) -> Result<Response, Refusal> {
    call.work(move |functions| {
        let found = functions.eim.store().operation(&OperationId(id));
        let shown = found.map_err(stored)?.as_ref().and_then(shown);
        let unknown = || {
            let detail = "there is no such operation of an eSIM profile";
            problem(404, "not found", detail, "check the identifier")
        };
        ok(&shown.ok_or_else(unknown)?)
    })
    .await
}

impl Functions {
    /// Queues what is asked, and says under which name it can be followed.
    fn accept(
        &self,
        eid: Eid,
        kind: OperationKind,
        force: bool,
        base: &str,
    ) -> Result<Response, Problem> {
        self.allows(eid, &kind)?;
        let new = NewOperation {
            force,
            ..NewOperation::one(eid.to_string(), kind)
        };
        let id = match self.add_operations(&new)? {
            Ordered::One(operation) => operation.id,
            Ordered::List(_) => return Err(internal()),
        };
        let queued = self.eim.store().operation(&OperationId(id.clone()));
        let queued = queued.map_err(stored)?.ok_or_else(internal)?;
        let shown = shown(&queued).ok_or_else(internal)?;
        let mut response = respond(202, "application/json", &shown);
        let location = HeaderValue::try_from(format!("{base}{ROOT}/operations/{id}"));
        let location = location.map_err(|_| internal())?;
        response.headers_mut().insert(LOCATION, location);
        Ok(response)
    }

    /// The profile that is named, and the eUICC that it is on.
    fn profile(&self, named: &EsimProfile) -> Result<(Eid, Iccid), Problem> {
        let iccid = needed("esimProfile.iccid", named.iccid.as_ref())?;
        let iccid: Iccid = parse("esimProfile.iccid", iccid)?;
        let on = self.eim.store().euicc_of_profile(iccid).map_err(stored)?;
        let Some(eid) = &named.eid else {
            return Ok((on.ok_or_else(|| nowhere("ICCID"))?, iccid));
        };
        let eid: Eid = parse("esimProfile.eid", eid)?;
        let record = self.euicc(eid)?;
        // Without a list nobody knows what else is on it.
        match record.known_profiles().contains_key(&iccid) || record.profiles.is_none() {
            true => Ok((eid, iccid)),
            false => Err(mismatch()),
        }
    }

    fn euicc(&self, eid: Eid) -> Result<EuiccRecord, Problem> {
        let record = self.eim.store().euicc(eid).map_err(stored)?;
        Ok(record.ok_or_else(|| nowhere("EID"))?.value)
    }

    /// Whether the state of a profile, as the eUICC last said it, lets this happen.
    /// What is queued already may change it: then the eUICC decides.
    fn allows(&self, eid: Eid, kind: &OperationKind) -> Result<(), Problem> {
        let record = self.euicc(eid)?;
        let open = self.eim.store().open_operations(eid).map_err(stored)?;
        let fresh = record.profiles.as_ref().is_some_and(|list| !list.stale);
        if !open.is_empty() || !fresh {
            return Ok(());
        }
        let (iccid, wanted, remedy) = match kind {
            OperationKind::Enable { iccid, .. } => (iccid, false, "it needs nothing"),
            OperationKind::Disable { iccid } => (iccid, true, "it needs nothing"),
            OperationKind::Delete { iccid } => (iccid, false, "disable it first"),
            _ => return Ok(()),
        };
        let iccid: Iccid = parse("esimProfile.iccid", iccid)?;
        let state = record.known_profiles().get(&iccid).copied();
        match state {
            Some(enabled) if enabled != wanted => {
                let detail = format!("the eSIM Profile is {}", state_name(enabled));
                Err(problem(409, said::INCOMPATIBLE, &detail, remedy))
            }
            _ => Ok(()),
        }
    }

    fn status(&self, named: &EsimProfile) -> Result<StatusResponse, Problem> {
        let (eid, iccid) = match (&named.eid, &named.iccid) {
            (_, Some(_)) => self.profile(named).map(|(eid, iccid)| (eid, Some(iccid)))?,
            (Some(eid), None) => (parse("esimProfile.eid", eid)?, None),
            (None, None) => return Err(needs("esimProfile.eid or esimProfile.iccid")),
        };
        let record = self.euicc(eid)?;
        let Some(list) = record.profiles.as_ref().map(|list| &list.profiles) else {
            let detail = "the eUICC has not said yet which eSIM Profiles it has";
            let remedy = "order `list_profile_info` at /v1/operations, or anything else first";
            return Err(problem(422, said::NOT_APPLICABLE, detail, remedy));
        };
        let fallback = |iccid: &Iccid| {
            let mut listed = list.iter().filter(|one| one.iccid.as_ref() == Some(iccid));
            listed.any(|profile| profile.fallback)
        };
        let known = record.known_profiles();
        let wanted = known
            .iter()
            .filter(|(known, _)| iccid.is_none_or(|iccid| iccid == **known));
        let shown = wanted.map(|(iccid, enabled)| Status {
            eid: eid.to_string(),
            iccid: iccid.to_string(),
            state: state_name(*enabled),
            is_fallback: fallback(iccid),
        });
        Ok(StatusResponse {
            esim_profiles: shown.collect(),
        })
    }
}

const fn state_name(enabled: bool) -> &'static str {
    match enabled {
        true => "ENABLED",
        false => "DISABLED",
    }
}

fn needs(what: &str) -> Problem {
    super::invalid(what, "missing", "name it")
}

fn needed<'a>(what: &str, given: Option<&'a String>) -> Result<&'a String, Problem> {
    given.ok_or_else(|| needs(what))
}

fn nowhere(what: &str) -> Problem {
    let detail = format!("no device with this {what} is known");
    problem(
        404,
        said::NO_IDENTIFIER,
        &detail,
        "check it, or add the device first",
    )
}

fn mismatch() -> Problem {
    let detail = "the ICCID is not that of an eSIM Profile on the eUICC with this EID";
    problem(422, said::MISMATCH, detail, "name one of the two")
}

/// Scheme and authority under which the caller reached the server.
fn base(headers: &HeaderMap, uri: &Uri) -> String {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let host = host.or(uri.authority().map(|authority| authority.as_str()));
    host.map(|host| format!("https://{host}"))
        .unwrap_or_default()
}

/// An operation as the definition shows it, if it has a name for it.
fn shown(operation: &Operation) -> Option<EsimProfileResponse> {
    let (name, iccid) = match &operation.kind {
        eim::OperationKind::Download { .. } => ("download", None),
        eim::OperationKind::Enable { iccid, .. } => ("enable", Some(iccid)),
        eim::OperationKind::Disable { iccid } => ("disable", Some(iccid)),
        eim::OperationKind::Delete { iccid } => ("delete", Some(iccid)),
        eim::OperationKind::SetFallbackAttribute { iccid } => ("set-fallback", Some(iccid)),
        _ => return None,
    };
    let result = operation.is_final().then(|| result(operation));
    let assigned = result.as_ref().and_then(|one| one.assigned_iccid.clone());
    Some(EsimProfileResponse {
        operation_id: operation.id.to_string(),
        operation: name,
        status: match result {
            Some(_) => "COMPLETED",
            None => "ACCEPTED",
        },
        esim_profile: EsimProfile {
            eid: Some(operation.eid.to_string()),
            iccid: iccid.map(Iccid::to_string).or(assigned),
        },
        result,
    })
}

/// Success is what the device has confirmed.
fn result(operation: &Operation) -> OperationResult {
    let confirmed = matches!(operation.state, OperationState::Confirmed { .. });
    let reason = match (&operation.state, operation.state.reason()) {
        (_, Some(reason)) => reason,
        (OperationState::RolledBack, None) => "the device went back to the profile before",
        (state, None) => state.name(),
    };
    let installed = match operation.state.outcome() {
        Some(eim::Outcome::Installed { iccid }) => *iccid,
        _ => None,
    };
    OperationResult {
        completed_at: utc(operation.since),
        outcome: match confirmed {
            true => "SUCCESS",
            false => "FAILED",
        },
        failure_reason: (!confirmed).then(|| reason.chars().take(LONGEST_REASON).collect()),
        assigned_iccid: installed.filter(|_| confirmed).map(|one| one.to_string()),
    }
}

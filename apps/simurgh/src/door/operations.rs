//! What is to be done on devices, and how far it is.

use api::{NewOperation, Ordered, Page, Problem};
use axum::response::Response;
use fleet::access::Permission;
use fleet::operations::{Compensation, compensation};
use rsp_asn1::ids::{Eid, Iccid};
use rsp_core::eim::{Operation, OperationId, OperationKind, OperationState};
use rsp_core::ipa::ActivationCode;
use rsp_core::smdp::OrderKey;
use serde::Deserialize;
use store::{Contact, OperationFilter, StoreError};
use utoipa::IntoParams;
use utoipa_axum::routes;

use super::answer::{self, created, ok};
use super::authorise::Call;
use super::body::{Json, Path, Query};
use super::functions::parse;
use super::list::{self, page};
use super::problem::Refusal;
use super::routes::{Guard, Routes};
use super::{Functions, internal, invalid, order, problem, shown, stored};
use crate::shell;

pub(super) fn routes() -> Routes {
    let (read, write) = (Permission::OperationsRead, Permission::OperationsWrite);
    Routes::new()
        .with(Guard::Needs(read), routes!(list_operations))
        .with(Guard::Needs(write), routes!(add))
        .with(Guard::Needs(read), routes!(show))
        .with(Guard::Needs(write), routes!(cancel))
}

/// An operation in a path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct OneOperation {
    /// Its identifier.
    #[param(example = "019a5f2e7c3b4d5e8f90a1b2c3d4e5f6")]
    id: String,
}

/// Which operations are listed.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// `next` of the page before: entries after it.
    after: Option<String>,
    /// At most so many entries; 100 if it is absent.
    #[param(minimum = 1, maximum = 1000, example = 100)]
    limit: Option<usize>,
    /// Those of this device, 32 digits.
    eid: Option<String>,
    /// Those in this state.
    #[param(example = "queued")]
    state: Option<String>,
}

/// List operations
///
/// The newest first.
#[utoipa::path(
    get,
    path = "/operations",
    operation_id = "listOperations",
    tag = "operations",
    params(Wanted),
    responses((status = 200, description = "A page of operations.", body = Page<api::Operation>)),
)]
async fn list_operations(call: Call, Query(wanted): Query<Wanted>) -> Result<Response, Refusal> {
    call.work(move |functions| {
        let page = functions.operations(&wanted)?;
        let filters = [("eid", &wanted.eid), ("state", &wanted.state)];
        answer::paged("/operations", list::limit(wanted.limit)?, &filters, &page)
    })
    .await
}

/// Order something to be done on a device
///
/// One operation, or a list that travels in one package: what follows a failure
/// is not done.
#[utoipa::path(
    post,
    path = "/operations",
    operation_id = "orderOperation",
    tag = "operations",
    request_body = NewOperation,
    responses((status = 201, description = "It is queued; of a list, a page of operations.", body = Ordered)),
)]
async fn add(call: Call, Json(new): Json<NewOperation>) -> Result<Response, Refusal> {
    if new.force && !call.caller.may(Permission::OperationsForce) {
        let detail = "`force` needs the permission operations:force";
        let remedy = "order it without, or ask an administrator";
        return Err(super::problem::forbidden(detail, remedy).into());
    }
    call.touch(1).await?;
    call.work(move |functions| created(&functions.add_operations(&new)?))
        .await
}

/// Show an operation
#[utoipa::path(
    get,
    path = "/operations/{id}",
    operation_id = "getOperation",
    tag = "operations",
    params(OneOperation),
    responses((status = 200, description = "How far it is.", body = api::Operation)),
)]
async fn show(call: Call, Path(one): Path<OneOperation>) -> Result<Response, Refusal> {
    call.work(move |functions| ok(&functions.operation(&one.id)?))
        .await
}

/// Cancel an operation
///
/// If nothing of it was sent yet; with it, the list that it was ordered in.
#[utoipa::path(
    post,
    path = "/operations/{id}/cancel",
    operation_id = "cancelOperation",
    tag = "operations",
    params(OneOperation),
    responses((status = 200, description = "It is cancelled.", body = api::Operation)),
)]
async fn cancel(call: Call, Path(one): Path<OneOperation>) -> Result<Response, Refusal> {
    call.work(move |functions| ok(&functions.cancel_operation(&one.id)?))
        .await
}

impl Functions {
    /// Queues one operation, or a list that travels in one package.
    pub(super) fn add_operations(&self, new: &NewOperation) -> Result<Ordered, Problem> {
        let eid = parse("eid", &new.eid)?;
        if let Some(api::OperationKind::DownloadFromPool { pool }) = &new.operation {
            let ordered = self.order_from_pool(eid, pool, new)?;
            return Ok(Ordered::One(Box::new(ordered)));
        }
        let kinds = order::kinds(new)?;
        let code = order::confirmation_code(new, &kinds)?;
        if code.is_some() {
            self.check_confirmable(eid)?;
        }
        let listed = new.operation.is_none();
        let validity = order::validity(new, shell::now())?;
        let networks = order::networks(new)?;
        let made = shell::with_context(|cx| {
            let made = kinds.into_iter();
            let made = made.map(|kind| Operation::queued(OperationId::new(cx), eid, kind, cx.now));
            made.collect::<Vec<_>>()
        });
        let mut operations = made.map_err(|_| internal())?;
        let first = operations.first().map(|operation| operation.id.clone());
        for operation in &mut operations {
            operation.expects = self.expected(&operation.kind)?;
            operation.confirmation_code = code.clone().filter(|_| operation.kind.downloads());
            operation.ordered_with = first.clone().filter(|_| listed);
            operation.separate = new.separate;
            operation.forced = new.force;
            operation.validity = validity;
            operation.expected_networks.clone_from(&networks);
        }
        self.estimate(eid, &mut operations)?;
        self.eim.add_operations(&operations).map_err(refused)?;
        operations.iter().for_each(|queued| self.queued(queued));
        let contact = self.eim.contact(eid).map_err(stored)?;
        let shown = operations.iter().map(|one| self.in_full(one, contact));
        let mut shown = shown.collect::<Result<Vec<_>, _>>()?.into_iter();
        Ok(match listed {
            true => Ordered::List(Page {
                items: shown.collect(),
                next: None,
            }),
            false => Ordered::One(Box::new(shown.next().ok_or_else(internal)?)),
        })
    }

    /// An operation with what takes a look at its device.
    pub(super) fn in_full(
        &self,
        operation: &Operation,
        contact: Option<Contact>,
    ) -> Result<api::Operation, Problem> {
        Ok(api::Operation {
            eta: shown::eta(operation, contact, shell::now()),
            price: self.price_of(operation)?,
            ..shown::operation(operation)
        })
    }

    /// Says so, to whom it concerns.
    pub(super) fn queued(&self, operation: &Operation) {
        let Operation { eid, id, kind, .. } = operation;
        tracing::info!(%eid, %id, kind = kind.name(), "queued");
        if let Some(pushes) = &self.pushes {
            pushes.tell(*eid);
        }
    }

    /// Whether a confirmation code is of use to a device, as far as is known. What
    /// is not known yet is asked before the download is sent.
    pub(super) fn check_confirmable(&self, eid: Eid) -> Result<(), Problem> {
        let record = self.eim.store().euicc(eid).map_err(stored)?;
        let facts = record.map(|record| record.value.facts).unwrap_or_default();
        facts.take_confirmation_codes().map_err(|reason| {
            problem(
                409,
                "no way for the confirmation code",
                reason,
                "confirm the order at the SM-DP+ without a code, or have the code entered at the device",
            )
        })
    }

    /// The profile that a download is to bring, if it is ordered here.
    pub(super) fn expected(&self, kind: &OperationKind) -> Result<Option<Iccid>, Problem> {
        let OperationKind::Download { activation_code } = kind else {
            return Ok(None);
        };
        let code = parse::<ActivationCode>("activation_code", activation_code)?;
        if !code
            .smdp_address
            .eq_ignore_ascii_case(self.smdp.smdp().address())
        {
            return Ok(None);
        }
        let key = OrderKey::MatchingId(code.matching_id);
        let order = self.smdp.store().find_order(&key).map_err(stored)?;
        Ok(order.map(|order| order.value.iccid))
    }

    pub(super) fn operations(&self, wanted: &Wanted) -> Result<Page<api::Operation>, Problem> {
        if let Some(state) = &wanted.state
            && !OperationState::NAMES.contains(&state.as_str())
        {
            let remedy = format!("use one of {}", OperationState::NAMES.join(", "));
            return Err(invalid("state", "there is no such state", &remedy));
        }
        let limit = list::limit(wanted.limit)?;
        let filter = OperationFilter {
            eid: wanted
                .eid
                .as_ref()
                .map(|eid| parse("eid", eid))
                .transpose()?,
            state: wanted.state.clone(),
            after: wanted.after.clone().map(OperationId),
            limit: limit + 1,
        };
        let operations = self.eim.store().operations(&filter).map_err(stored)?;
        let shown = operations.iter().map(shown::operation).collect();
        Ok(page(shown, limit, |operation| operation.id.clone()))
    }

    pub(super) fn operation(&self, id: &str) -> Result<api::Operation, Problem> {
        let found = self.eim.store().operation(&OperationId(id.to_string()));
        let found = found.map_err(stored)?.ok_or_else(|| unknown(id))?;
        let contact = self.eim.contact(found.eid).map_err(stored)?;
        self.in_full(&found, contact)
    }

    pub(super) fn cancel_operation(&self, id: &str) -> Result<api::Operation, Problem> {
        match self.eim.cancel(&OperationId(id.to_string()), shell::now()) {
            Ok(Some(operation)) => {
                tracing::info!(eid = %operation.eid, %id, "cancelled");
                Ok(shown::operation(&operation))
            }
            Ok(None) => Err(self.too_late(id)?),
            Err(StoreError::Unknown(_)) => Err(unknown(id)),
            Err(error) => Err(stored(error)),
        }
    }
}

impl Functions {
    /// With what undoes it, where something does.
    fn too_late(&self, id: &str) -> Result<Problem, Problem> {
        let found = self.eim.store().operation(&OperationId(id.to_string()));
        let operation = found.map_err(stored)?.ok_or_else(|| unknown(id))?;
        let detail = match operation.is_final() {
            true => "it has come to its end already",
            false => "something of the operation was sent already: it cannot be called back",
        };
        let record = self.eim.store().euicc(operation.eid).map_err(stored)?;
        let undo = record.map(|record| compensation(&operation, &record.value));
        let (remedy, by) = match undo {
            Some(Compensation::By(kind)) => (
                "wait for its result, then order what `compensation` says",
                shown::compensation(&kind),
            ),
            Some(Compensation::Nothing(why)) => (why, None),
            None => ("the device is forgotten: there is nothing to undo", None),
        };
        Ok(Problem {
            compensation: by.map(Box::new),
            ..problem(409, "too late", detail, remedy)
        })
    }
}

/// What could lose the device is refused with a way out.
pub(super) fn refused(error: StoreError) -> Problem {
    match error {
        StoreError::Unsafe(reason) => problem(
            409,
            "unsafe operation",
            &reason.to_string(),
            "do it the way that it says, or order it with `force` if you can reach the device otherwise",
        ),
        error => stored(error),
    }
}

fn unknown(id: &str) -> Problem {
    let detail = format!("there is no operation {id}");
    problem(404, "not found", &detail, "check the identifier")
}

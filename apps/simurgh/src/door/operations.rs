//! What is to be done on devices, and how far it is.

use api::{NewOperation, Page, Problem};
use rsp_asn1::ids::{Eid, Iccid};
use rsp_core::eim::{Operation, OperationId, OperationKind, OperationState};
use rsp_core::ipa::ActivationCode;
use rsp_core::smdp::OrderKey;
use serde::Serialize;
use store::{OperationFilter, StoreError};

use super::functions::parse;
use super::list::{Query, page};
use super::{Functions, internal, invalid, order, problem, shown, stored};
use crate::shell;

impl Functions {
    /// Queues one operation, or a list that travels in one package.
    pub(super) fn add_operations(&self, new: &NewOperation) -> Result<Ordered, Problem> {
        let eid = parse("eid", &new.eid)?;
        let kinds = order::kinds(new)?;
        let code = order::confirmation_code(new, &kinds)?;
        if code.is_some() {
            self.check_confirmable(eid)?;
        }
        let listed = new.operation.is_none();
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
        }
        self.eim.add_operations(&operations).map_err(refused)?;
        for Operation { id, kind, .. } in &operations {
            tracing::info!(%eid, %id, kind = kind.name(), "queued");
        }
        if let Some(pushes) = &self.pushes {
            pushes.tell(eid);
        }
        let mut shown = operations.iter().map(shown::operation);
        Ok(match listed {
            true => Ordered::List(Page {
                items: shown.collect(),
                next: None,
            }),
            false => Ordered::One(Box::new(shown.next().ok_or_else(internal)?)),
        })
    }

    /// Whether a confirmation code is of use to a device, as far as is known. What
    /// is not known yet is asked before the download is sent.
    fn check_confirmable(&self, eid: Eid) -> Result<(), Problem> {
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
    fn expected(&self, kind: &OperationKind) -> Result<Option<Iccid>, Problem> {
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

    pub(super) fn operations(&self, query: &Query) -> Result<Page<api::Operation>, Problem> {
        if let Some(state) = &query.state
            && !OperationState::NAMES.contains(&state.as_str())
        {
            let remedy = format!("use one of {}", OperationState::NAMES.join(", "));
            return Err(invalid("state", "there is no such state", &remedy));
        }
        let filter = OperationFilter {
            eid: query
                .eid
                .as_ref()
                .map(|eid| parse("eid", eid))
                .transpose()?,
            state: query.state.clone(),
            after: query.after.clone().map(OperationId),
            limit: query.limit + 1,
        };
        let operations = self.eim.store().operations(&filter).map_err(stored)?;
        let shown = operations.iter().map(shown::operation).collect();
        Ok(page(shown, query.limit, |operation| operation.id.clone()))
    }

    pub(super) fn operation(&self, id: &str) -> Result<api::Operation, Problem> {
        let found = self.eim.store().operation(&OperationId(id.to_string()));
        found
            .map_err(stored)?
            .as_ref()
            .map(shown::operation)
            .ok_or_else(|| unknown(id))
    }

    pub(super) fn cancel_operation(&self, id: &str) -> Result<api::Operation, Problem> {
        match self.eim.cancel(&OperationId(id.to_string()), shell::now()) {
            Ok(Some(operation)) => {
                tracing::info!(eid = %operation.eid, %id, "cancelled");
                Ok(shown::operation(&operation))
            }
            Ok(None) => Err(problem(
                409,
                "too late",
                "something of the operation was sent already: it cannot be called back",
                "wait for its result; then undo it with another operation",
            )),
            Err(StoreError::Unknown(_)) => Err(unknown(id)),
            Err(error) => Err(stored(error)),
        }
    }
}

/// What was ordered, as it is answered.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Ordered {
    One(Box<api::Operation>),
    List(Page<api::Operation>),
}

/// What could lose the device is refused with a way out.
fn refused(error: StoreError) -> Problem {
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

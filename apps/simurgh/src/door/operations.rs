//! What is to be done on devices, and how far it is.

use api::{NewOperation, Page, Problem};
use rsp_asn1::ids::Iccid;
use rsp_core::eim::{
    ListedProfile, Operation, OperationId, OperationKind, OperationState, Outcome,
};
use rsp_core::ipa::ActivationCode;
use rsp_core::smdp::OrderKey;
use store::{OperationFilter, StoreError};

use super::functions::parse;
use super::list::{Query, page};
use super::{Functions, internal, invalid, problem, stored, utc};
use crate::shell;

impl Functions {
    pub(super) fn add_operation(&self, new: &NewOperation) -> Result<api::Operation, Problem> {
        let eid = parse("eid", &new.eid)?;
        let kind = kind(&new.operation)?;
        let operation = shell::with_context(|cx| {
            let id = OperationId::new(cx);
            Operation::queued(id, eid, kind, cx.now)
        });
        let operation = operation.map_err(|_| internal())?;
        let operation = Operation {
            expects: self.expected(&operation.kind)?,
            ..operation
        };
        self.eim.add_operation(&operation).map_err(stored)?;
        tracing::info!(%eid, id = %operation.id, kind = operation.kind.name(), "queued");
        Ok(shown(&operation))
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
        let shown = operations.iter().map(shown).collect();
        Ok(page(shown, query.limit, |operation| operation.id.clone()))
    }

    pub(super) fn operation(&self, id: &str) -> Result<api::Operation, Problem> {
        let found = self.eim.store().operation(&OperationId(id.to_string()));
        found
            .map_err(stored)?
            .as_ref()
            .map(shown)
            .ok_or_else(|| unknown(id))
    }

    pub(super) fn cancel_operation(&self, id: &str) -> Result<api::Operation, Problem> {
        match self.eim.cancel(&OperationId(id.to_string()), shell::now()) {
            Ok(Some(operation)) => {
                tracing::info!(eid = %operation.eid, %id, "cancelled");
                Ok(shown(&operation))
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

fn unknown(id: &str) -> Problem {
    let detail = format!("there is no operation {id}");
    problem(404, "not found", &detail, "check the identifier")
}

fn kind(kind: &api::OperationKind) -> Result<OperationKind, Problem> {
    let iccid = |digits: &String| parse::<Iccid>("iccid", digits);
    Ok(match kind {
        api::OperationKind::Download { activation_code } => {
            let code =
                parse::<rsp_core::ipa::ActivationCode>("activation_code", &activation_code.0);
            code?;
            OperationKind::Download {
                activation_code: activation_code.0.clone(),
            }
        }
        api::OperationKind::Enable {
            iccid: digits,
            rollback,
        } => OperationKind::Enable {
            iccid: iccid(digits)?,
            rollback: *rollback,
        },
        api::OperationKind::Disable { iccid: digits } => OperationKind::Disable {
            iccid: iccid(digits)?,
        },
        api::OperationKind::Delete { iccid: digits } => OperationKind::Delete {
            iccid: iccid(digits)?,
        },
        api::OperationKind::ListProfileInfo => OperationKind::ListProfileInfo,
    })
}

fn shown(operation: &Operation) -> api::Operation {
    let outcome = operation.state.outcome();
    let poll = operation.state.poll();
    let id = |id: &OperationId| id.to_string();
    api::Operation {
        id: operation.id.to_string(),
        eid: operation.eid.to_string(),
        kind: operation.kind.name().to_string(),
        state: operation.state_name().to_string(),
        created: utc(operation.created),
        since: utc(operation.since),
        unverified: operation.unverified,
        confirmed_by: poll.map(|poll| api::Poll {
            at: utc(poll.at),
            plmn: poll.r_plmn.clone(),
        }),
        reconciles: operation.reconciles.as_ref().map(id),
        settled_by: operation.settled_by.as_ref().map(id),
        reason: operation.state.reason().map(str::to_string),
        iccid: match outcome {
            Some(Outcome::Installed { iccid }) => iccid.map(|iccid| iccid.to_string()),
            _ => None,
        },
        profiles: match outcome {
            Some(Outcome::Profiles { profiles }) => Some(profiles.iter().map(listed).collect()),
            _ => None,
        },
    }
}

pub(super) fn listed(profile: &ListedProfile) -> api::Profile {
    api::Profile {
        iccid: profile.iccid.map(|iccid| iccid.to_string()),
        enabled: profile.enabled,
        name: profile.name.clone(),
    }
}

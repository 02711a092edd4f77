//! Pools of activation codes.

use std::time::Duration;

use api::{
    ActivationCode, AddedCodes, CodeSettlement, NewCodes, NewOperation, Page, Pool, PoolSettings,
    Preflight, Problem, SettledCode,
};
use axum::response::Response;
use fleet::access::Permission;
use fleet::ledger::{self, CodeState, Forecast};
use fleet::operations::{Finding, Verdict};
use rsp_asn1::ids::Eid;
use rsp_core::eim::{CodeRef, ConfirmationCode};
use rsp_core::ipa;
use serde::Deserialize;
use store::{FromPool, KnownCode, NewCode, Ordered, StoreError};
use utoipa::IntoParams;
use utoipa_axum::routes;

use super::answer::{self, created, ok};
use super::authorise::Call;
use super::body::{Json, Path, Query};
use super::functions::parse;
use super::list::{self, page};
use super::problem::Refusal;
use super::routes::{Guard, Routes};
use super::{Functions, internal, invalid, operations, order, problem, stored, utc};
use crate::shell;

/// Codes that come at once, at most.
const MAX_CODES: usize = 10_000;

/// What a forecast is made of.
const COUNTED_DAYS: u64 = 30;
const DAY: Duration = Duration::from_secs(86_400);

pub(super) fn routes() -> Routes {
    let read = Permission::ActivationCodesRead;
    let write = Permission::ActivationCodesWrite;
    Routes::new()
        .with(Guard::Needs(read), routes!(list_pools))
        .with(Guard::Needs(read), routes!(show_pool))
        .with(Guard::Needs(write), routes!(put_pool))
        .with(Guard::Needs(read), routes!(look))
        .with(Guard::Needs(read), routes!(list_codes))
        .with(Guard::Needs(write), routes!(add_codes))
        .with(Guard::Needs(write), routes!(settle))
}

/// A pool in a path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct OnePool {
    /// Its name.
    #[param(pattern = "^[a-z0-9-]{1,63}$", example = "meters")]
    pub(super) pool: String,
}

/// A code in a path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct OneCode {
    /// Name of its pool.
    #[param(pattern = "^[a-z0-9-]{1,63}$", example = "meters")]
    pool: String,
    /// Its number there.
    #[param(minimum = 1, example = 17)]
    number: i64,
}

/// A device that is asked about.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AskedDevice {
    /// EID of its eUICC, 32 digits.
    #[param(pattern = "^[0-9]{32}$", example = "89049032000000000000000000000163")]
    eid: String,
}

/// Which codes are listed.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Wanted {
    /// Those of this pool.
    #[param(pattern = "^[a-z0-9-]{1,63}$", example = "meters")]
    pool: String,
    /// Those in this state: `ordered`, `available`, `leased`, `spent`, `doubtful` or `dead`.
    #[param(example = "spent")]
    state: Option<String>,
    /// `next` of the page before: entries after it.
    after: Option<String>,
    /// At most so many entries; 100 if it is absent.
    #[param(minimum = 1, maximum = 1000, example = 100)]
    limit: Option<usize>,
}

/// List the pools of activation codes
#[utoipa::path(
    get,
    path = "/activation-code-pools",
    operation_id = "listActivationCodePools",
    tag = "activation-codes",
    responses((status = 200, description = "All of them, by their names.", body = Page<Pool>)),
)]
async fn list_pools(call: Call) -> Result<Response, Refusal> {
    call.work(move |functions| ok(&functions.pools()?)).await
}

/// Show a pool, its stock and for how long that lasts
#[utoipa::path(
    get,
    path = "/activation-code-pools/{pool}",
    operation_id = "getActivationCodePool",
    tag = "activation-codes",
    params(OnePool),
    responses((status = 200, description = "The pool.", body = Pool)),
)]
async fn show_pool(call: Call, Path(one): Path<OnePool>) -> Result<Response, Refusal> {
    call.work(move |functions| ok(&functions.pool(&one.pool)?))
        .await
}

/// Make a pool, or change its settings
#[utoipa::path(
    put,
    path = "/activation-code-pools/{pool}",
    operation_id = "putActivationCodePool",
    tag = "activation-codes",
    params(OnePool),
    request_body = PoolSettings,
    responses((status = 200, description = "The pool as it is now.", body = Pool)),
)]
async fn put_pool(
    call: Call,
    Path(one): Path<OnePool>,
    Json(settings): Json<PoolSettings>,
) -> Result<Response, Refusal> {
    call.work(move |functions| ok(&functions.put_pool(one.pool, &settings)?))
        .await
}

/// See what speaks against a download, before anything is spent on it
#[utoipa::path(
    get,
    path = "/activation-code-pools/{pool}/preflight",
    operation_id = "preflight",
    tag = "activation-codes",
    params(OnePool, AskedDevice),
    responses((status = 200, description = "What was looked at.", body = Preflight)),
)]
async fn look(
    call: Call,
    Path(one): Path<OnePool>,
    Query(asked): Query<AskedDevice>,
) -> Result<Response, Refusal> {
    call.work(move |functions| ok(&functions.preflight(&one.pool, &asked.eid)?))
        .await
}

/// List activation codes of a pool, without themselves
#[utoipa::path(
    get,
    path = "/activation-codes",
    operation_id = "listActivationCodes",
    tag = "activation-codes",
    params(Wanted),
    responses((status = 200, description = "A page of codes, by their numbers.", body = Page<ActivationCode>)),
)]
async fn list_codes(call: Call, Query(wanted): Query<Wanted>) -> Result<Response, Refusal> {
    call.work(move |functions| {
        let page = functions.codes(&wanted)?;
        let pool = Some(wanted.pool.clone());
        let filters = [("pool", &pool), ("state", &wanted.state)];
        answer::paged(
            "/activation-codes",
            list::limit(wanted.limit)?,
            &filters,
            &page,
        )
    })
    .await
}

/// Add activation codes to a pool
///
/// All of them, or none; those that are there already are left out.
#[utoipa::path(
    post,
    path = "/activation-codes",
    operation_id = "addActivationCodes",
    tag = "activation-codes",
    request_body = NewCodes,
    responses((status = 201, description = "They are added.", body = AddedCodes)),
)]
async fn add_codes(call: Call, Json(new): Json<NewCodes>) -> Result<Response, Refusal> {
    call.work(move |functions| created(&functions.add_codes(&new)?))
        .await
}

/// Say what became of a code that no operation has
#[utoipa::path(
    patch,
    path = "/activation-codes/{pool}/{number}",
    operation_id = "settleActivationCode",
    tag = "activation-codes",
    params(OneCode),
    request_body = CodeSettlement,
    responses((status = 200, description = "The code as it is now.", body = ActivationCode)),
)]
async fn settle(
    call: Call,
    Path(one): Path<OneCode>,
    Json(said): Json<CodeSettlement>,
) -> Result<Response, Refusal> {
    call.work(move |functions| ok(&functions.settle_code(one, said.state)?))
        .await
}

impl Functions {
    fn pools(&self) -> Result<Page<Pool>, Problem> {
        let pools = self.eim.store().pools().map_err(stored)?;
        let items: Result<Vec<_>, _> = pools
            .into_iter()
            .map(|pool| self.shown_pool(pool))
            .collect();
        Ok(Page {
            items: items?,
            next: None,
        })
    }

    pub(super) fn known_pool(&self, name: &str) -> Result<ledger::Pool, Problem> {
        let pool = self.eim.store().pool(name).map_err(stored)?;
        pool.ok_or_else(|| {
            let detail = format!("there is no pool {name}");
            let remedy = "check the name, or make it with PUT";
            problem(404, "not found", &detail, remedy)
        })
    }

    fn pool(&self, name: &str) -> Result<Pool, Problem> {
        self.shown_pool(self.known_pool(name)?)
    }

    fn put_pool(&self, name: String, settings: &PoolSettings) -> Result<Pool, Problem> {
        let read = serde_json::to_value(settings).and_then(serde_json::from_value);
        let pool = ledger::Pool {
            name,
            ..read.map_err(|_| internal())?
        };
        let remedy = "see the example of this function";
        pool.check()
            .map_err(|error| invalid("the pool", &error.to_string(), remedy))?;
        self.eim.store().put_pool(&pool).map_err(stored)?;
        self.shown_pool(pool)
    }

    fn shown_pool(&self, pool: ledger::Pool) -> Result<Pool, Problem> {
        let counted = DAY * u32::try_from(COUNTED_DAYS).unwrap_or(u32::MAX);
        let since = shell::now().before(counted);
        let store = self.eim.store();
        let stock = store.stock(&pool.name).map_err(stored)?;
        let spent = store.codes_spent(&pool.name, since).map_err(stored)?;
        let settings = serde_json::to_value(&pool).map(|mut pool| {
            pool.as_object_mut().map(|pool| pool.remove("name"));
            pool
        });
        let settings = settings.and_then(serde_json::from_value);
        Ok(Pool {
            settings: settings.map_err(|_| internal())?,
            is_low: stock.is_low(pool.low),
            spent_in_30_days: spent,
            used_up_in_days: match stock.forecast(spent, counted) {
                Forecast::NotUsed => None,
                Forecast::UsedUpIn(time) => Some(time.as_secs() / DAY.as_secs()),
            },
            stock: api::Stock {
                ordered: stock.ordered,
                available: stock.available,
                leased: stock.leased,
                spent: stock.spent,
                doubtful: stock.doubtful,
                dead: stock.dead,
            },
            name: pool.name,
        })
    }

    fn preflight(&self, pool: &str, eid: &str) -> Result<Preflight, Problem> {
        let pool = self.known_pool(pool)?;
        let record = self.record(eid)?;
        let stock = self.eim.store().stock(&pool.name).map_err(stored)?;
        let left = Some(stock.available);
        let findings = self.eim.preflight(&record, &pool, left).map_err(stored)?;
        let any = |verdict| findings.iter().any(|finding| finding.verdict == verdict);
        let verdict = match (any(Verdict::Refused), any(Verdict::Unknown)) {
            (true, _) => Verdict::Refused,
            (false, true) => Verdict::Unknown,
            (false, false) => Verdict::Passed,
        };
        Ok(Preflight {
            verdict: verdict.name().to_string(),
            findings: findings.iter().map(finding).collect(),
        })
    }

    fn codes(&self, wanted: &Wanted) -> Result<Page<ActivationCode>, Problem> {
        self.known_pool(&wanted.pool)?;
        let state = wanted.state.as_ref();
        let state: Option<CodeState> = state.map(|state| parse("state", state)).transpose()?;
        let after = wanted.after.as_ref();
        let after: Option<i64> = after.map(|after| parse("after", after)).transpose()?;
        let limit = list::limit(wanted.limit)?;
        let store = self.eim.store();
        let codes = store.codes(&wanted.pool, state, after.unwrap_or(0), limit + 1);
        let codes = codes.map_err(stored)?.iter().map(code).collect();
        Ok(page(codes, limit, |code: &ActivationCode| {
            code.number.to_string()
        }))
    }

    fn add_codes(&self, new: &NewCodes) -> Result<AddedCodes, Problem> {
        if new.codes.len() > MAX_CODES {
            let remedy = format!("bring at most {MAX_CODES} at once");
            return Err(invalid("codes", "too many", &remedy));
        }
        self.known_pool(&new.pool)?;
        let mut codes = Vec::new();
        for (at, code) in new.codes.iter().enumerate() {
            let field = format!("codes[{at}]");
            let text = &code.activation_code.0;
            // The text of an error must not quote the code.
            let read = text.parse::<ipa::ActivationCode>();
            let remedy = "give it as the operator has it: LPA:1$…";
            read.map_err(|_| invalid(&field, "not an activation code", remedy))?;
            let iccid = code.iccid.as_ref().map(|iccid| parse(&field, iccid));
            codes.push(NewCode {
                code: text.clone(),
                iccid: iccid.transpose()?,
            });
        }
        let store = self.eim.store();
        let added = store.add_codes(&new.pool, &codes, shell::now());
        let added = added.map_err(stored)?;
        tracing::info!(pool = new.pool, added, "activation codes");
        Ok(AddedCodes {
            added,
            known: codes.len() - added,
        })
    }

    fn settle_code(&self, one: OneCode, said: SettledCode) -> Result<ActivationCode, Problem> {
        let state = match said {
            SettledCode::Available => CodeState::Available,
            SettledCode::Dead => CodeState::Dead,
        };
        let store = self.eim.store();
        let find = || {
            let found = store.codes(&one.pool, None, one.number.saturating_sub(1), 1);
            let found = found.map_err(stored)?.into_iter().next();
            let found = found.filter(|found| found.at.number == one.number);
            found.ok_or_else(|| {
                let detail = format!("there is no code {} in {}", one.number, one.pool);
                problem(404, "not found", &detail, "check pool and number")
            })
        };
        find()?;
        let at = CodeRef {
            pool: one.pool.clone(),
            number: one.number,
        };
        match store.settle_code(&at, state, shell::now()) {
            Ok(()) => Ok(code(&find()?)),
            Err(StoreError::Conflict) => Err(problem(
                409,
                "code in use",
                "an operation has it, or a profile was installed with it",
                "cancel the operation, or wait for its end",
            )),
            Err(error) => Err(stored(error)),
        }
    }

    /// Leases a code and queues the download, if nothing speaks against it.
    pub(super) fn order_from_pool(
        &self,
        eid: Eid,
        pool: &str,
        new: &NewOperation,
    ) -> Result<api::Operation, Problem> {
        self.known_pool(pool)?;
        let confirmation_code = new.confirmation_code.as_ref();
        if confirmation_code.is_some() {
            self.check_confirmable(eid)?;
        }
        let wanted = FromPool {
            validity: order::validity(new, shell::now())?,
            confirmation_code: confirmation_code.map(|code| ConfirmationCode(code.0.clone())),
            forced: new.force,
            estimate: self.estimate_from_pool(eid, pool)?,
            ..FromPool::new(pool, eid)
        };
        let ordered = shell::with_context(|cx| self.eim.order_from_pool(&wanted, cx));
        let ordered = ordered.map_err(|_| internal())?;
        match ordered.map_err(operations::refused)? {
            Ordered::Queued(operation) => {
                self.queued(&operation);
                let contact = self.eim.contact(eid).map_err(stored)?;
                self.in_full(&operation, contact)
            }
            Ordered::Refused(findings) => Err(Problem {
                findings: findings.iter().map(finding).collect(),
                ..problem(
                    409,
                    "it would fail",
                    "the eUICC or its device cannot take this profile; no code was spent",
                    "see `findings`; choose another pool, or order it with `force`",
                )
            }),
            Ordered::NoCode => Err(problem(
                409,
                "no code left",
                &format!("the pool {pool} has no activation code that is available"),
                "add codes to it, or choose another pool",
            )),
        }
    }
}

fn finding(finding: &Finding) -> api::Finding {
    api::Finding {
        check: finding.check.name().to_string(),
        verdict: finding.verdict.name().to_string(),
        because: finding.because.clone(),
    }
}

fn code(code: &KnownCode) -> ActivationCode {
    ActivationCode {
        pool: code.at.pool.clone(),
        number: code.at.number,
        state: code.state.name().to_string(),
        since: utc(code.since),
        eid: code.eid.map(|eid| eid.to_string()),
        operation: code.operation.as_ref().map(ToString::to_string),
        iccid: code.iccid.map(|iccid| iccid.to_string()),
        smdp: code.order.as_ref().map(|order| order.smdp.clone()),
        failures: code.order.as_ref().map(|order| order.failures),
        because: code.order.as_ref().and_then(|order| order.because.clone()),
    }
}

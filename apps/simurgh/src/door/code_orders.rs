//! Activation codes that SM-DP+s give, by ES2+, into a pool.

use api::{NewCodeOrder, OrderedCodes, Problem};
use axum::response::Response;
use fleet::access::Permission;
use fleet::ledger::{CodeOrder, CodeRefusal, CodeState, OWN, Source};
use rsp_core::Context;
use store::KnownCode;
use utoipa_axum::routes;

use super::answer::created;
use super::authorise::Call;
use super::body::{Json, Path};
use super::functions::hex;
use super::ledger::OnePool;
use super::problem::Refusal;
use super::routes::{Guard, Routes};
use super::{Functions, internal, invalid, problem, stored};
use crate::shell;
use crate::smdps::{Came, Driver, Smdp};

/// Profiles that are ordered at once, at most.
const MOST: u16 = 1000;

pub(super) fn routes() -> Routes {
    let write = Permission::ActivationCodesWrite;
    Routes::new().with(Guard::Needs(write), routes!(order))
}

/// Order profiles at an SM-DP+, whose codes go into a pool
///
/// One after the other by ES2+, at the SM-DP+ of this server or at one that its
/// configuration connects it to, until the SM-DP+ refuses; what was ordered by then
/// stays in the pool. If the SM-DP+ does not answer, the rest is `ordered`: it is asked
/// for again until it comes.
#[utoipa::path(
    post,
    path = "/activation-code-pools/{pool}/orders",
    operation_id = "orderActivationCodes",
    tag = "activation-codes",
    params(OnePool),
    request_body = NewCodeOrder,
    responses((status = 201, description = "How many came, and why not more.", body = OrderedCodes)),
)]
async fn order(
    call: Call,
    Path(one): Path<OnePool>,
    Json(new): Json<NewCodeOrder>,
) -> Result<Response, Refusal> {
    call.work(move |functions| created(&functions.order_codes(&one.pool, &new)?))
        .await
}

/// What is ordered, and where.
struct Place<'a> {
    smdp: Smdp<'a>,
    profile_type: String,
}

impl Functions {
    fn order_codes(&self, pool: &str, new: &NewCodeOrder) -> Result<OrderedCodes, Problem> {
        if !(1..=MOST).contains(&new.count) {
            let remedy = format!("order 1 to {MOST} at once");
            return Err(invalid("count", "out of range", &remedy));
        }
        let place = self.place(pool, new)?;
        let mut ordered = OrderedCodes::default();
        for _ in 0..new.count {
            // Whom nobody reaches is not asked for each.
            let wait = ordered.waiting > 0;
            let one = shell::with_context(|cx| self.order_code(pool, &place, wait, cx));
            match one.map_err(|_| internal())?? {
                Some(Came::Code) => ordered.added += 1,
                None => ordered.waiting += 1,
                Some(Came::Waits(because) | Came::Unknown(because)) => {
                    ordered.waiting += 1;
                    ordered.because = Some(because);
                }
                Some(Came::Settled) => {}
                Some(Came::Refused(refusal)) if ordered == OrderedCodes::default() => {
                    return Err(not_ordered(&place, refusal));
                }
                Some(Came::Refused(refusal)) => {
                    ordered.refused = Some(refusal.text);
                    break;
                }
            }
        }
        let OrderedCodes { added, waiting, .. } = ordered;
        tracing::info!(
            pool,
            smdp = place.smdp.name(),
            added,
            waiting,
            "activation codes ordered"
        );
        Ok(ordered)
    }

    /// Where is ordered, if the request does not say: where the codes of the pool come
    /// from.
    fn place(&self, pool: &str, new: &NewCodeOrder) -> Result<Place<'_>, Problem> {
        let (source, of_pool) = match self.known_pool(pool)?.source {
            Source::Es2plus { smdp, profile_type } => (smdp, Some(profile_type)),
            Source::Imported => (OWN.to_string(), None),
        };
        let smdp = new.smdp.clone().unwrap_or_else(|| source.clone());
        let of_pool = of_pool.filter(|_| smdp == source);
        let profile_type = new.profile_type.clone().or(of_pool);
        let profile_type = profile_type.ok_or_else(|| {
            let remedy = "say which type is to be ordered, or give the pool a source";
            invalid("profile_type", "missing", remedy)
        })?;
        let smdp = self.smdps.named(&smdp).map_err(|names| {
            let detail = format!("no SM-DP+ {smdp} is connected");
            let remedy = format!(
                "use one of: {names}; or add a section [[connectors]] to simurgh.toml and start \
                 the server again"
            );
            invalid("smdp", &detail, &remedy)
        })?;
        Ok(Place { smdp, profile_type })
    }

    /// One order, which rests before it is placed: a server that is killed goes on with
    /// it. `None` if it only is to wait.
    fn order_code(
        &self,
        pool: &str,
        place: &Place<'_>,
        wait: bool,
        cx: &mut Context<'_>,
    ) -> Result<Option<Came>, Problem> {
        let store = self.eim.store();
        let call = format!("{pool}-{}", hex(&cx.random::<16>()));
        let order = CodeOrder::of_type(place.smdp.name(), &place.profile_type, call);
        let due = match wait {
            true => cx.now,
            false => cx.now.after(place.smdp.lease()),
        };
        let at = store
            .begin_order(pool, &order, cx.now, due)
            .map_err(stored)?;
        if wait {
            return Ok(None);
        }
        let known = KnownCode {
            at,
            state: CodeState::Ordered,
            since: cx.now,
            eid: None,
            operation: None,
            iccid: None,
            order: Some(order.clone()),
        };
        let driver = Driver {
            smdps: &self.smdps,
            store,
            known: &known,
            old: None,
        };
        driver.run(order, cx).map(Some).map_err(stored)
    }
}

fn not_ordered(place: &Place<'_>, refusal: CodeRefusal) -> Problem {
    let remedy = match place.smdp {
        Smdp::Own(_) => "bring profiles of this type into stock: `simurgh profile stock`",
        Smdp::Other(_) if refusal.is_about_caller() => {
            "check `certificate` and `identifier` of the connector in simurgh.toml, and that the \
             SM-DP+'s operator knows them"
        }
        Smdp::Other(_) => "ask the operator of the SM-DP+, who knows what it refuses",
    };
    Problem {
        subject_code: refusal.subject_code,
        reason_code: refusal.reason_code,
        ..problem(409, "not ordered", &refusal.text, remedy)
    }
}

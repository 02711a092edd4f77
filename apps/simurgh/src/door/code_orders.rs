//! Activation codes that this server's SM-DP+ gives, by ES2+, into a pool.

use api::{NewCodeOrder, OrderedCodes, Problem};
use axum::response::Response;
use fleet::access::Permission;
use rsp_core::Context;
use store::NewCode;
use utoipa_axum::routes;

use super::answer::created;
use super::authorise::Call;
use super::body::{Json, Path};
use super::ledger::OnePool;
use super::problem::Refusal;
use super::routes::{Guard, Routes};
use super::{Functions, internal, invalid, problem, stored};
use crate::own_smdp::{LEDGER, OwnSmdp, Wanted};
use crate::shell;

/// Profiles that are ordered at once, at most.
const MOST: u16 = 1000;

pub(super) fn routes() -> Routes {
    let write = Permission::ActivationCodesWrite;
    Routes::new().with(Guard::Needs(write), routes!(order))
}

/// Order profiles at this server's SM-DP+, whose codes go into a pool
///
/// One after the other, until the SM-DP+ refuses; what was ordered by then stays in
/// the pool.
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

impl Functions {
    fn order_codes(&self, pool: &str, new: &NewCodeOrder) -> Result<OrderedCodes, Problem> {
        if !(1..=MOST).contains(&new.count) {
            let remedy = format!("order 1 to {MOST} at once");
            return Err(invalid("count", "out of range", &remedy));
        }
        self.known_pool(pool)?;
        let mut added = 0;
        for number in 0..new.count {
            let one = shell::with_context(|cx| self.order_code(pool, new, number, cx));
            match one.map_err(|_| internal())?? {
                Ok(()) => added += 1,
                Err(refused) if added == 0 => {
                    let remedy = "bring profiles of this type into stock: `simurgh profile stock`";
                    return Err(problem(409, "not ordered", &refused, remedy));
                }
                Err(refused) => {
                    return Ok(OrderedCodes {
                        added,
                        refused: Some(refused),
                    });
                }
            }
        }
        tracing::info!(pool, added, "activation codes ordered");
        Ok(OrderedCodes {
            added,
            refused: None,
        })
    }

    /// One order and its code, so that a server that is killed loses one at most; what
    /// the SM-DP+ says if it refuses.
    fn order_code(
        &self,
        pool: &str,
        new: &NewCodeOrder,
        number: u16,
        cx: &mut Context<'_>,
    ) -> Result<Result<(), String>, Problem> {
        let smdp = OwnSmdp {
            host: self.smdp.clone(),
            operator: LEDGER.to_string(),
        };
        let call = format!("{pool}-{}-{number}", cx.now.0);
        let wanted = Wanted::Type(&new.profile_type);
        let released = match smdp.order(wanted, None, &call, cx) {
            Ok(released) => released,
            Err(refused) => return Ok(Err(refused)),
        };
        let code = NewCode {
            code: released.activation_code,
            iccid: Some(released.iccid),
        };
        let store = self.eim.store();
        store.add_codes(pool, &[code], cx.now).map_err(stored)?;
        Ok(Ok(()))
    }
}

//! The SM-DP+'s listeners: ES9+ for devices, ES2+ for operators with a client
//! certificate, on one port or two.

use std::sync::Arc;

use rsp_asn1::ids::Iccid;
use rsp_core::binding::{HttpRequest, HttpResponse, es2plus_json, es9plus, json};
use rsp_core::smdp::Refusal;
use rsp_net::{Handler, Peer};
use store::SmdpHost;

use crate::announcer::Announcer;
use crate::esipa::unavailable;
use crate::operators::Operators;
use crate::{shell, traces};

/// What a listener serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Serves {
    Devices,
    Operators,
    Both,
}

/// Answers devices and operators.
#[derive(Clone)]
pub(crate) struct SmdpDoor {
    pub(crate) host: Arc<SmdpHost>,
    pub(crate) operators: Arc<Operators>,
    pub(crate) announcer: Arc<Announcer>,
    pub(crate) serves: Serves,
}

impl Handler for SmdpDoor {
    async fn handle(&self, request: HttpRequest, peer: &Peer) -> HttpResponse {
        let door = self.clone();
        let certificate = peer.certificate.clone();
        let announces = announces(&request);
        let mut span = traces::rsp(&request.path);
        let answered =
            tokio::task::spawn_blocking(move || door.answer(&request, certificate.as_deref()));
        let answered = answered.await.unwrap_or_else(|error| {
            tracing::error!(%error, "a handler ended early");
            HttpResponse::failure(500, "internal error")
        });
        span.status(answered.status);
        // The operator learns at once if the SM-DS does not know of the order.
        let warning = match announces.filter(|_| answered.status == 200) {
            Some(iccid) => self.announcer.tell_now(iccid).await,
            None => None,
        };
        match warning {
            Some(warning) => json::with_warning(answered, warning),
            None => answered,
        }
    }
}

/// The profile of which an SM-DS may have to be told when the function has been
/// executed.
fn announces(request: &HttpRequest) -> Option<Iccid> {
    if !es2plus_json::is_path(&request.path) {
        return None;
    }
    match es2plus_json::decode_request(request).ok()? {
        es2plus_json::Request::ConfirmOrder(order) => Some(order.iccid),
        es2plus_json::Request::ReleaseProfile(order) => Some(order.iccid),
        _ => None,
    }
}

impl SmdpDoor {
    fn answer(&self, request: &HttpRequest, certificate: Option<&[u8]>) -> HttpResponse {
        let devices = self.serves != Serves::Operators && es9plus::is_path(&request.path);
        let operators = self.serves != Serves::Devices && es2plus_json::is_path(&request.path);
        let answered = if devices {
            shell::with_context(|cx| self.host.es9plus(request, cx))
        } else if operators {
            let caller = certificate.and_then(|certificate| self.operators.caller(certificate));
            let Some(caller) = caller else {
                tracing::warn!(
                    path = request.path,
                    "ES2+ without the certificate of an operator"
                );
                return stranger();
            };
            let may_be = |identifier: &str| caller.may_be(identifier);
            shell::with_context(|cx| self.host.es2plus_as(request, caller.name, &may_be, cx))
        } else {
            return HttpResponse::failure(404, "no function here; see SGP.22 6.5.2");
        };
        match answered {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => unavailable(&error),
            Err(error) => unavailable(&error),
        }
    }
}

/// Not an operator: the status says so, and the body why.
fn stranger() -> HttpResponse {
    HttpResponse {
        status: 401,
        ..json::refusal(Refusal::UnknownRequester)
    }
}

//! The SM-DP+'s listener: ES9+ for devices, ES2+ for operators with a client
//! certificate.

use std::sync::Arc;

use rsp_core::binding::json::{self, Empty};
use rsp_core::binding::{HttpRequest, HttpResponse, es2plus_json, es9plus_json};
use rsp_core::smdp::Refusal;
use rsp_net::{Handler, Peer};
use store::SmdpHost;

use crate::esipa::unavailable;
use crate::shell;

/// Answers devices and operators.
pub(crate) struct SmdpDoor(pub(crate) Arc<SmdpHost>);

impl Handler for SmdpDoor {
    async fn handle(&self, request: HttpRequest, peer: &Peer) -> HttpResponse {
        let smdp = self.0.clone();
        let operator = peer.certificate.is_some();
        let answered = tokio::task::spawn_blocking(move || answer(&smdp, &request, operator));
        answered.await.unwrap_or_else(|error| {
            tracing::error!(%error, "a handler ended early");
            HttpResponse::failure(500, "internal error")
        })
    }
}

fn answer(smdp: &SmdpHost, request: &HttpRequest, operator: bool) -> HttpResponse {
    let answered = if es9plus_json::is_path(&request.path) {
        shell::with_context(|cx| smdp.es9plus(request, cx))
    } else if es2plus_json::is_path(&request.path) {
        if !operator {
            tracing::warn!(path = request.path, "ES2+ without a client certificate");
            return stranger();
        }
        shell::with_context(|cx| smdp.es2plus(request, cx))
    } else {
        return HttpResponse::failure(404, "no function here; see SGP.22 6.5.2");
    };
    match answered {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => unavailable(&error),
        Err(error) => unavailable(&error),
    }
}

/// Not an operator: the status says so, and the body why.
fn stranger() -> HttpResponse {
    let refusal = Refusal::UnknownRequester.status_code_data();
    let body = json::encode_response::<Empty>(Err(refusal));
    let response = body.unwrap_or_else(|error| error.to_response());
    HttpResponse {
        status: 401,
        ..response
    }
}

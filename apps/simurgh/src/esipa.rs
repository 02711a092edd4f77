//! The eIM's listener: ESipa.

use std::sync::Arc;

use rsp_core::binding::{HttpRequest, HttpResponse, esipa_asn1};
use rsp_net::{Handler, Peer};
use store::EimHost;

use crate::shell;

/// Answers IPAs.
pub(crate) struct Esipa(pub(crate) Arc<EimHost>);

impl Handler for Esipa {
    async fn handle(&self, request: HttpRequest, peer: &Peer) -> HttpResponse {
        let eim = self.0.clone();
        let peer = peer.address;
        let answered = tokio::task::spawn_blocking(move || answer(&eim, &request));
        answered.await.unwrap_or_else(|error| {
            tracing::error!(%peer, %error, "a handler ended early");
            HttpResponse::failure(500, "internal error")
        })
    }
}

fn answer(eim: &EimHost, request: &HttpRequest) -> HttpResponse {
    if request.path != esipa_asn1::PATH {
        return HttpResponse::failure(404, "ESipa is at /gsma/rsp2/asn1");
    }
    let message = match esipa_asn1::decode_request(request) {
        Ok(message) => message,
        Err(error) => {
            tracing::info!(%error, "not an ESipa message");
            return error.to_response();
        }
    };
    match shell::with_context(|cx| eim.handle(&message, cx)) {
        Ok(Ok(reply)) => reply.encode(),
        Ok(Err(error)) => unavailable(&error),
        Err(error) => unavailable(&error),
    }
}

/// Nothing was executed: the device tries again.
pub(crate) fn unavailable(error: &dyn std::error::Error) -> HttpResponse {
    tracing::error!(%error, "a request could not be executed");
    HttpResponse::failure(503, "temporarily unavailable")
}

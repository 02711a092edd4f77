//! The eIM's listener: ESipa.

use std::sync::Arc;

use rsp_asn1::ids::Eid;
use rsp_asn1::sgp32::EsipaMessageFromIpaToEim;
use rsp_core::binding::{HttpRequest, HttpResponse, esipa_asn1};
use rsp_core::eim::Note;
use rsp_net::{Handler, Peer};
use store::EimHost;

use crate::shell;

/// Answers IPAs.
pub(crate) struct Esipa(pub(crate) Arc<EimHost>);

impl Handler for Esipa {
    async fn handle(&self, request: HttpRequest, peer: &Peer) -> HttpResponse {
        let peer = peer.address;
        if request.path != esipa_asn1::PATH {
            return HttpResponse::failure(404, "ESipa is at /gsma/rsp2/asn1");
        }
        let message = match esipa_asn1::decode_request(&request) {
            Ok(message) => message,
            Err(error) => {
                tracing::warn!(%peer, %error, octets = request.body.len(), "no ESipa message");
                return esipa_asn1::refuse(&request, &error);
            }
        };
        // What devices do nearly always is answered here and now.
        if let Some(reply) = self.0.handle_idle(&message, shell::now()) {
            return reply.encode();
        }
        let eim = self.0.clone();
        let answered = tokio::task::spawn_blocking(move || answer(&eim, &message));
        answered.await.unwrap_or_else(|error| {
            tracing::error!(%peer, %error, "a handler ended early");
            HttpResponse::failure(500, "internal error")
        })
    }
}

fn answer(eim: &EimHost, message: &EsipaMessageFromIpaToEim) -> HttpResponse {
    match shell::with_context(|cx| eim.handle(message, cx)) {
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

/// What happened to an eUICC, for the log.
pub(crate) fn log_note(eid: Option<Eid>, note: &Note) {
    let eid = eid.map(|eid| eid.to_string()).unwrap_or_default();
    match note {
        Note::TakenUnverified { .. } | Note::Forced { .. } => tracing::error!(%eid, "{note}"),
        Note::NotBelieved { .. }
        | Note::PackageRefused { .. }
        | Note::CounterRaised { .. }
        | Note::AskedWithoutPause { .. }
        | Note::NoProfile { .. }
        | Note::OfNobody { .. } => {
            tracing::warn!(%eid, "{note}");
        }
        _ => tracing::info!(%eid, "{note}"),
    }
}

//! The eIM's listener: ESipa, and the requests to SM-DP+s that some of its
//! functions need.

use std::sync::Arc;

use rsp_asn1::ids::Eid;
use rsp_asn1::sgp32::EsipaMessageFromIpaToEim;
use rsp_core::binding::{HttpRequest, HttpResponse, esipa};
use rsp_core::eim::Note;
use rsp_net::{Client, Handler, Peer};
use store::{Answer, EimHost, EimReply, Pending};

use crate::{Failure, shell};

/// Answers IPAs.
#[derive(Clone)]
pub(crate) struct Esipa {
    pub(crate) eim: Arc<EimHost>,
    /// Carries requests to SM-DP+s.
    pub(crate) client: Client,
}

impl Handler for Esipa {
    async fn handle(&self, request: HttpRequest, peer: &Peer) -> HttpResponse {
        let peer = peer.address;
        let (binding, message) = match esipa::decode_request(&request) {
            Ok(decoded) => decoded,
            Err(error) => {
                tracing::warn!(%peer, %error, octets = request.body.len(), "no ESipa message");
                return esipa::refuse(&request, &error);
            }
        };
        match self.answer(message).await {
            Ok(reply) => reply.encode(binding),
            Err(error) => unavailable(&error),
        }
    }
}

impl Esipa {
    /// What the eIM answers to a message, whatever it came by.
    pub(crate) async fn answer(
        &self,
        message: EsipaMessageFromIpaToEim,
    ) -> Result<EimReply, Failure> {
        // What devices do nearly always is answered here and now.
        if let Some(reply) = self.eim.handle_idle(&message, shell::now()) {
            return Ok(reply);
        }
        let eim = self.eim.clone();
        let begin = move || shell::with_context(|cx| eim.begin(&message, cx));
        let mut answer = executed(begin).await?;
        loop {
            let pending = match answer {
                Answer::Reply(reply) => return Ok(reply),
                Answer::Ask(pending) => *pending,
            };
            answer = self.ask(pending).await?;
        }
    }

    /// One request to an SM-DP+, and what follows from its response.
    async fn ask(&self, pending: Pending) -> Result<Answer, Failure> {
        let (server, request) = (&pending.ask.server, pending.ask.request.clone());
        let response = self.client.post(server, request).await;
        let response = response.map_err(|error| {
            tracing::warn!(address = %server.address, %error, "an SM-DP+ does not answer");
            error.to_string()
        });
        let eim = self.eim.clone();
        executed(move || shell::with_context(|cx| eim.finish(pending, response, cx))).await
    }
}

/// Runs what asks the store, away from the threads that serve connections.
async fn executed<T, E, F>(
    work: impl FnOnce() -> Result<Result<T, E>, F> + Send + 'static,
) -> Result<T, Failure>
where
    T: Send + 'static,
    E: std::error::Error + Send + 'static,
    F: std::error::Error + Send + 'static,
{
    let doing = "a request could not be executed";
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(Ok(done))) => Ok(done),
        Ok(Ok(Err(error))) => Err(Failure::new(doing, error)),
        Ok(Err(error)) => Err(Failure::new(doing, error)),
        Err(error) => Err(Failure::new("a handler ended early", error)),
    }
}

/// Nothing was executed: the device tries again.
pub(crate) fn unavailable(error: &dyn std::fmt::Display) -> HttpResponse {
    tracing::error!(%error, "a request could not be executed");
    HttpResponse::failure(503, "temporarily unavailable")
}

/// What happened to an eUICC, for the log.
pub(crate) fn log_note(eid: Option<Eid>, note: &Note) {
    let eid = eid.map(|eid| eid.to_string()).unwrap_or_default();
    match note {
        Note::TakenUnverified { .. } | Note::Forced { .. } => tracing::error!(%eid, "{note}"),
        Note::TakenEmulated { .. }
        | Note::NotBelieved { .. }
        | Note::PackageRefused { .. }
        | Note::CounterRaised { .. }
        | Note::AskedWithoutPause { .. }
        | Note::NoProfile { .. }
        | Note::NotRelayed { .. }
        | Note::OfNobody { .. } => {
            tracing::warn!(%eid, "{note}");
        }
        _ => tracing::info!(%eid, "{note}"),
    }
}

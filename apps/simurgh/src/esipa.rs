//! The eIM's listener: ESipa, and the requests to SM-DP+s that some of its
//! functions need.

use std::sync::Arc;

use rsp_asn1::ids::Eid;
use rsp_asn1::sgp32::EsipaMessageFromIpaToEim;
use rsp_core::binding::{HttpRequest, HttpResponse, Transport, esipa};
use rsp_core::eim::{Carried, IpaBuild, Note};
use rsp_net::{Client, Handler, Peer};
use store::{Answer, EimReply, Eims, Pending};

use crate::inject::Pushes;
use crate::traces::{self, Kind, Span};
use crate::{Failure, shell};

/// What a device's name on a connection says of its eUICC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bound {
    /// Nothing: it has none, or it is not compared.
    No,
    /// It is the identity of a pre-shared key, which was made for one eUICC.
    ByKey,
    /// It is the EID: the broker sees to it that nobody has another's.
    ByName,
}

/// Answers IPAs.
#[derive(Clone)]
pub(crate) struct Esipa {
    /// All tenants have one listener: a message finds its tenant.
    pub(crate) eims: Arc<Eims>,
    /// What the names of devices say that come this way.
    pub(crate) bound: Bound,
    /// What messages come by.
    pub(crate) transport: Transport,
    /// Carries requests to SM-DP+s.
    pub(crate) client: Client,
    /// Who brings packages to devices that listen, if somebody does.
    pub(crate) pushes: Option<Pushes>,
}

impl Handler for Esipa {
    async fn handle(&self, request: HttpRequest, peer: &Peer) -> HttpResponse {
        let mut span = traces::begin(Kind::Server, "ESipa");
        if !span.is_kept() {
            return self.handled(request, peer).await;
        }
        if let Ok((_, message)) = esipa::decode_request(&request) {
            let function = esipa::Function::of(&message).name();
            span.rename(|| format!("ESipa {function}"));
            span.put("simurgh.esipa.function", function);
        }
        let response = span.within(self.handled(request, peer)).await;
        self.tell(&mut span, &response);
        response
    }
}

impl Esipa {
    /// What a span says of a message and its answer.
    fn tell(&self, span: &mut Span, response: &HttpResponse) {
        span.put("simurgh.esipa.transport", self.transport.name());
        if self.transport == Transport::Https {
            span.put("http.request.method", "POST");
            span.put("url.scheme", "https");
            span.status(response.status);
        } else if response.status >= 500 {
            span.fail("unavailable");
        }
        let outcome = match response.status {
            200..300 => "answered",
            503 => "unavailable",
            _ => "refused",
        };
        span.put("simurgh.esipa.outcome", outcome);
    }

    async fn handled(&self, request: HttpRequest, peer: &Peer) -> HttpResponse {
        let (name, peer) = (&peer.identity, peer.address);
        let (binding, message) = match esipa::decode_request(&request) {
            Ok(decoded) => decoded,
            Err(error) => {
                tracing::warn!(%peer, %error, octets = request.body.len(), "no ESipa message");
                return esipa::refuse(&request, &error);
            }
        };
        match self.speaks_for_another(&message, name.as_deref()).await {
            Ok(false) => {}
            Ok(true) => return HttpResponse::failure(403, "of another device"),
            Err(error) => return unavailable(&error),
        }
        if let Err(error) = self.note_build(&request, &message).await {
            return unavailable(&error);
        }
        let told = self.pushes.as_ref().map(|pushes| (pushes, message.clone()));
        let carried = Carried {
            transport: self.transport,
            binding,
            received: request.body.len() as u64,
            brought: false,
        };
        match self.answer(message, carried).await {
            Ok(reply) => {
                if let Some((pushes, message)) = told {
                    pushes.tell_of_result(&message);
                }
                reply.encode(binding)
            }
            Err(error) => unavailable(&error),
        }
    }

    /// Whether a message is about another eUICC than that of the device that
    /// has proven who it is.
    async fn speaks_for_another(
        &self,
        message: &EsipaMessageFromIpaToEim,
        name: Option<&[u8]>,
    ) -> Result<bool, Failure> {
        let (Some(name), Bound::ByKey | Bound::ByName) = (name, self.bound) else {
            return Ok(false);
        };
        let name = String::from_utf8_lossy(name).into_owned();
        let (eims, message, bound) = (self.eims.clone(), message.clone(), self.bound);
        let compare = move || {
            shell::with_context(|cx| {
                let own: Option<Eid> = match bound {
                    Bound::ByKey => eims.psk(&name)?.map(|held| held.eid),
                    Bound::ByName | Bound::No => name.parse().ok(),
                };
                let about = eims.euicc_of(&message, cx)?.map(|(_, eid)| eid);
                // A key that was taken back speaks for nobody.
                let other = own.is_none() || about.is_some_and(|about| own != Some(about));
                if other {
                    let about = about.map(|eid| eid.to_string()).unwrap_or_default();
                    tracing::warn!(name, about, "a device speaks for another one: refused");
                }
                Ok::<_, store::StoreError>(other)
            })
        };
        executed(compare).await
    }

    /// Puts down which build of an IPA this is. Polls of those that have
    /// nothing to do, and nothing to show, cost nothing.
    async fn note_build(
        &self,
        request: &HttpRequest,
        message: &EsipaMessageFromIpaToEim,
    ) -> Result<(), Failure> {
        let seen = IpaBuild::seen(request);
        let polls = matches!(message, EsipaMessageFromIpaToEim::GetEimPackageRequest(_));
        if polls && seen.quirks.is_empty() {
            return Ok(());
        }
        let (eims, message) = (self.eims.clone(), message.clone());
        let note = move || {
            shell::with_context(|cx| match eims.euicc_of(&message, cx)? {
                Some((eim, eid)) => eim.saw_build(eid, &seen, cx.now),
                None => Ok(()),
            })
        };
        executed(note).await
    }

    /// What the eIM answers to a message, whatever it came by.
    pub(crate) async fn answer(
        &self,
        message: EsipaMessageFromIpaToEim,
        carried: Carried,
    ) -> Result<EimReply, Failure> {
        // What devices do nearly always is answered here and now.
        if let Some(reply) = self.eims.handle_idle(&message, shell::now()) {
            return Ok(reply);
        }
        let eims = self.eims.clone();
        let begin = move || shell::with_context(|cx| eims.begin(&message, &carried, cx));
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
        let mut span = traces::call("ES9+", &server.address);
        span.rename(|| format!("ES9+ {}", traces::function(&request.path)));
        let response = self.client.post(server, request).await;
        span.answered(response.as_ref().ok().map(|response| response.status));
        drop(span);
        let response = response.map_err(|error| {
            tracing::warn!(address = %server.address, %error, "an SM-DP+ does not answer");
            error.to_string()
        });
        let eims = self.eims.clone();
        executed(move || shell::with_context(|cx| eims.finish(pending, response, cx))).await
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
    let _span = traces::store();
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

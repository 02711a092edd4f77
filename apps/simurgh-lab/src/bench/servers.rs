//! Servers on loopback, in threads of their own: the eIM and the SM-DP+ as the
//! product serves them, and one that always answers the same.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rsp_core::Context;
use rsp_core::binding::esipa::EsipaBinding;
use rsp_core::binding::{HttpRequest, HttpResponse, esipa, esipa_asn1};
use rsp_core::pki::member;
use rsp_crypto::OsRng;
use rsp_crypto::software::SoftwareProvider;
use rsp_net::{Client, ClientAuth, Handler, Limits, Peer, Server};
use store::{Answer, EimHost, SmdpHost, StoreError};
use tokio::runtime::{Builder, Runtime};

use super::cpu;
use super::setting::{Setting, now};
use crate::Failure;

/// Threads that wait for work stay: their processor time would go with them.
const KEEP_THREADS: Duration = Duration::from_secs(3600);

/// A server that runs until this is dropped.
pub(super) struct Running {
    pub(super) address: SocketAddr,
    name: &'static str,
    runtime: Option<Runtime>,
}

impl Running {
    /// Serves with this TLS identity; `name` is that of its threads, at most
    /// 15 characters.
    pub(super) fn start(
        name: &'static str,
        setting: &Setting,
        tls: &'static str,
        handler: impl Handler,
    ) -> Result<Self, Failure> {
        let runtime = Builder::new_multi_thread()
            .thread_name(name)
            .thread_keep_alive(KEEP_THREADS)
            .enable_all()
            .build()?;
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let (auth, limits) = (ClientAuth::None, Limits::default());
        let server = Server::bind(any, setting.tls(tls)?, auth, limits);
        let server = runtime.block_on(server)?;
        let address = server.local_addr();
        runtime.spawn(server.serve(handler, std::future::pending()));
        Ok(Running {
            address,
            name,
            runtime: Some(runtime),
        })
    }

    /// Processor time that it has used so far.
    pub(super) fn processor_time(&self) -> Result<Duration, Failure> {
        cpu::time_of_threads(self.name)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The eIM's listener, as the product's.
pub(super) struct Esipa {
    pub(super) eim: Arc<EimHost>,
    /// Carries requests to the SM-DP+, if devices download through the eIM.
    pub(super) smdp: Option<Client>,
}

/// Starts the eIM.
pub(super) fn start_eim(setting: &Setting, eim: &Arc<EimHost>) -> Result<Running, Failure> {
    let handler = Esipa {
        eim: eim.clone(),
        smdp: None,
    };
    Running::start("bench-eim", setting, member::EIM_TLS, handler)
}

/// Answers a request of ESipa in the ASN.1 binding, of those that are not
/// relayed.
pub(super) fn esipa(
    eim: &EimHost,
    request: &HttpRequest,
    cx: &mut Context<'_>,
) -> Result<HttpResponse, Failure> {
    let message = esipa_asn1::decode_request(request)?;
    Ok(eim.handle(&message, cx)?.encode(EsipaBinding::Asn1))
}

impl Handler for Esipa {
    async fn handle(&self, request: HttpRequest, _: &Peer) -> HttpResponse {
        let (binding, message) = match esipa::decode_request(&request) {
            Ok(decoded) => decoded,
            Err(error) => return esipa::refuse(&request, &error),
        };
        if let Some(reply) = self.eim.handle_idle(&message, now()) {
            return reply.encode(binding);
        }
        let eim = self.eim.clone();
        let mut answer = in_thread(move || with_context(|cx| Ok(eim.begin(&message, cx)?))).await;
        loop {
            let pending = match answer {
                Ok(Answer::Reply(reply)) => return reply.encode(binding),
                Ok(Answer::Ask(pending)) => *pending,
                Err(error) => return HttpResponse::failure(503, &error),
            };
            let Some(client) = &self.smdp else {
                return HttpResponse::failure(503, "nothing is relayed");
            };
            let response = client.post(&pending.ask.server, pending.ask.request.clone());
            let response = response.await.map_err(|error| error.to_string());
            let eim = self.eim.clone();
            let finish = move || with_context(|cx| Ok(eim.finish(pending, response, cx)?));
            answer = in_thread(finish).await;
        }
    }
}

/// The SM-DP+'s listener, as the product's.
struct Es9Plus(Arc<SmdpHost>);

/// Starts the SM-DP+.
pub(super) fn start_smdp(setting: &Setting, smdp: &Arc<SmdpHost>) -> Result<Running, Failure> {
    let handler = Es9Plus(smdp.clone());
    Running::start("bench-smdp", setting, member::DP_TLS, handler)
}

impl Handler for Es9Plus {
    async fn handle(&self, request: HttpRequest, _: &Peer) -> HttpResponse {
        let smdp = self.0.clone();
        let answer = in_thread(move || {
            with_context(|cx| {
                smdp.es9plus(&request, cx)
                    .map_err(|error: StoreError| error.into())
            })
        });
        let answer = answer.await;
        answer.unwrap_or_else(|error| HttpResponse::failure(503, &error))
    }
}

/// The same stack without a role: always the same answer.
struct Constant(HttpResponse);

/// Starts it, with the TLS identity of the eIM.
pub(super) fn start_constant(
    setting: &Setting,
    response: HttpResponse,
) -> Result<Running, Failure> {
    let handler = Constant(response);
    Running::start("bench-constant", setting, member::EIM_TLS, handler)
}

impl Handler for Constant {
    async fn handle(&self, _: HttpRequest, _: &Peer) -> HttpResponse {
        self.0.clone()
    }
}

/// Runs what asks the store. The measurement compares answers and reports what
/// is not expected: an error is a text.
async fn in_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, String> {
    let work = move || work().map_err(|error| error.to_string());
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(error.to_string()))
}

fn with_context<T>(
    work: impl FnOnce(&mut Context<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let mut rng = OsRng::new()?;
    work(&mut Context {
        now: now(),
        rng: &mut rng,
        crypto: &SoftwareProvider,
    })
}

//! Servers on loopback, in threads of their own: the eIM and the SM-DP+ as the
//! product serves them, and one that always answers the same.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rsp_core::Context;
use rsp_core::binding::esipa::EsipaBinding;
use rsp_core::binding::{HttpRequest, HttpResponse, esipa_asn1};
use rsp_core::pki::member;
use rsp_crypto::OsRng;
use rsp_crypto::software::SoftwareProvider;
use rsp_net::{ClientAuth, Handler, Limits, Peer, Server};
use store::{EimHost, SmdpHost, StoreError};
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
pub(super) struct Esipa(pub(super) Arc<EimHost>);

/// Starts the eIM.
pub(super) fn start_eim(setting: &Setting, eim: &Arc<EimHost>) -> Result<Running, Failure> {
    let handler = Esipa(eim.clone());
    Running::start("bench-eim", setting, member::EIM_TLS, handler)
}

impl Handler for Esipa {
    async fn handle(&self, request: HttpRequest, _: &Peer) -> HttpResponse {
        let eim = self.0.clone();
        if let Ok(message) = esipa_asn1::decode_request(&request)
            && let Some(reply) = eim.handle_idle(&message, now())
        {
            return reply.encode(EsipaBinding::Asn1);
        }
        in_thread(move || with_context(|cx| esipa(&eim, &request, cx))).await
    }
}

/// Answers a request of ESipa.
pub(super) fn esipa(
    eim: &EimHost,
    request: &HttpRequest,
    cx: &mut Context<'_>,
) -> Result<HttpResponse, Failure> {
    let message = esipa_asn1::decode_request(request)?;
    Ok(eim.handle(&message, cx)?.encode(EsipaBinding::Asn1))
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
        in_thread(move || {
            with_context(|cx| {
                smdp.es9plus(&request, cx)
                    .map_err(|error: StoreError| error.into())
            })
        })
        .await
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

async fn in_thread(
    work: impl FnOnce() -> Result<HttpResponse, Failure> + Send + 'static,
) -> HttpResponse {
    // The measurement compares the answer and reports what is not expected.
    let answer =
        move || work().unwrap_or_else(|error| HttpResponse::failure(503, &error.to_string()));
    let answered = tokio::task::spawn_blocking(answer).await;
    answered.unwrap_or_else(|error| HttpResponse::failure(500, &error.to_string()))
}

fn with_context(
    work: impl FnOnce(&mut Context<'_>) -> Result<HttpResponse, Failure>,
) -> Result<HttpResponse, Failure> {
    let mut rng = OsRng::new()?;
    work(&mut Context {
        now: now(),
        rng: &mut rng,
        crypto: &SoftwareProvider,
    })
}

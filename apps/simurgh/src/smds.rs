//! The SM-DS's listener: ES11 for devices, ES12 and ES15 for servers with a
//! certificate of their role, on one port.

use std::sync::Arc;

use rsp_asn1::Certificate;
use rsp_core::binding::{HttpRequest, HttpResponse, es9plus, es12_json, json};
use rsp_core::pki::{ParsedCertificate, TlsTrust, policy};
use rsp_core::smds::Refusal;
use rsp_core::{Context, ipa};
use rsp_net::{Client, Handler, Peer};
use store::{Es12, SmdsHost, StoreError};

use crate::esipa::unavailable;
use crate::operators::Operators;
use crate::{shell, traces};

/// Who may register events.
#[derive(Debug)]
pub(crate) enum Registrants {
    /// Whoever has a certificate of an SM-DP+ or SM-DS: its registeredID is its
    /// name.
    AnyRspServer,
    /// Those of the configuration, known by the keys of their certificates.
    Known(Operators),
}

/// Answers devices and servers.
#[derive(Clone)]
pub(crate) struct SmdsDoor {
    pub(crate) host: Arc<SmdsHost>,
    pub(crate) registrants: Arc<Registrants>,
    /// Shows the certificate of the SM-DS to the root SM-DS.
    pub(crate) client: Arc<Client>,
    /// Whom to take for the root SM-DS.
    pub(crate) root: TlsTrust,
}

impl Handler for SmdsDoor {
    async fn handle(&self, request: HttpRequest, peer: &Peer) -> HttpResponse {
        let mut span = traces::rsp(&request.path);
        let response = self.handled(request, peer).await;
        span.status(response.status);
        response
    }
}

impl SmdsDoor {
    async fn handled(&self, request: HttpRequest, peer: &Peer) -> HttpResponse {
        if es9plus::is_path(&request.path) {
            return self.blocking(move |host, cx| host.es11(&request, cx)).await;
        }
        if !es12_json::is_path(&request.path) {
            return HttpResponse::failure(404, "no function here; see SGP.22 6.5.2");
        }
        let certificate = peer.certificate.as_deref();
        match certificate.and_then(|certificate| self.registrants.name(certificate)) {
            Some(name) => self.es12(request, name).await,
            None => {
                tracing::warn!(path = request.path, "ES12 without a server's certificate");
                stranger()
            }
        }
    }

    async fn es12(&self, request: HttpRequest, caller: String) -> HttpResponse {
        let registrants = self.registrants.clone();
        let (host, asked) = (self.host.clone(), request);
        let outcome = tokio::task::spawn_blocking(move || {
            let may_be = |identifier: &str| registrants.may_be(&caller, identifier);
            shell::with_context(|cx| host.es12(&asked, &caller, &may_be, cx))
        });
        let forward = match outcome.await {
            Ok(Ok(Ok(Es12::Answer(response)))) => return response,
            Ok(Ok(Ok(Es12::Forward(forward)))) => forward,
            Ok(Ok(Err(error))) => return unavailable(&error),
            Ok(Err(error)) => return unavailable(&error),
            Err(error) => return unavailable(&error),
        };
        let root = ipa::Server {
            address: forward.address.clone(),
            trust: Some(self.root.clone()),
            transport: rsp_core::binding::Transport::Https,
        };
        let answer = self.client.post(&root, forward.request.clone()).await;
        let answer = answer.map_err(|error| error.to_string());
        self.blocking(move |host, _| host.forwarded(&forward, answer))
            .await
    }

    async fn blocking(
        &self,
        work: impl FnOnce(&SmdsHost, &mut Context<'_>) -> Result<HttpResponse, StoreError>
        + Send
        + 'static,
    ) -> HttpResponse {
        let host = self.host.clone();
        let answered =
            tokio::task::spawn_blocking(move || shell::with_context(|cx| work(&host, cx)));
        match answered.await {
            Ok(Ok(Ok(response))) => response,
            Ok(Ok(Err(error))) => unavailable(&error),
            Ok(Err(error)) => unavailable(&error),
            Err(error) => unavailable(&error),
        }
    }
}

impl Registrants {
    /// The name of whoever presents this certificate, which was verified
    /// already; `None` for one that may not register events.
    fn name(&self, certificate: &[u8]) -> Option<String> {
        match self {
            Registrants::Known(known) => Some(known.caller(certificate)?.name.to_string()),
            Registrants::AnyRspServer => {
                let certificate = Certificate::from_bytes(certificate).ok()?;
                let parsed = ParsedCertificate::parse(&certificate).ok()?;
                let roles = [policy::DP_TLS, policy::DS_TLS];
                let has_role = roles.into_iter().any(|role| parsed.has_policy(role));
                let oid = parsed.registered_id.filter(|_| has_role)?;
                Some(oid.to_string())
            }
        }
    }

    /// Whether a caller may give itself this functionRequesterIdentifier.
    fn may_be(&self, caller: &str, identifier: &str) -> bool {
        match self {
            Registrants::Known(known) => known.may_be(caller, identifier),
            Registrants::AnyRspServer => caller == identifier,
        }
    }
}

/// No server: the status says so, and the body why.
fn stranger() -> HttpResponse {
    HttpResponse {
        status: 401,
        ..json::refusal(Refusal::UnknownRequester)
    }
}

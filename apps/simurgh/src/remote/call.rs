//! One request to the API, one answer.

use std::sync::Arc;

use api::client::{ClientError, Request};
use bytes::Bytes;
use http::header::AUTHORIZATION;
use rsp_core::pki::TlsTrust;
use rsp_crypto::software::SoftwareProvider;
use rsp_net::Client;
use serde::de::DeserializeOwned;
use tokio::runtime::{Builder, Runtime};
use zeroize::Zeroizing;

use super::{Output, Remote, ServerAt, login};
use crate::{Failure, files};

/// A server's API.
pub(crate) struct Api {
    runtime: Runtime,
    client: Client,
    trust: TlsTrust,
    url: String,
    authorization: Option<Zeroizing<String>>,
    tenant: Option<String>,
    pub(super) output: Output,
}

impl ServerAt {
    /// Makes ready to ask; nothing is sent yet.
    pub(super) fn api(&self, token: Option<&str>) -> Result<Api, Failure> {
        let trust = TlsTrust::Certificate(files::read_certificate(&self.ca)?);
        let failed = |error: &dyn std::fmt::Display| Failure::new("cannot start", error);
        let client = Client::builder().build(Arc::new(SoftwareProvider));
        let runtime = Builder::new_current_thread().enable_all().build();
        let mut api = Api {
            runtime: runtime.map_err(|error| failed(&error))?,
            client: client.map_err(|error| failed(&error))?,
            trust,
            url: self.url.trim_end_matches('/').to_string(),
            authorization: None,
            tenant: None,
            output: Output::Table,
        };
        if let Some(token) = token {
            api.authorise(token);
        }
        Ok(api)
    }
}

impl Remote {
    /// Makes ready to ask; nothing is sent yet.
    pub(crate) fn api(&self) -> Result<Api, Failure> {
        let given = self.token.clone().map(Zeroizing::new);
        let token = given.or_else(login::kept).ok_or_else(|| {
            let remedy = "sign in with `simurgh login`, or give an API key with --token or \
                          SIMURGH_TOKEN";
            Failure::new("nobody is signed in", remedy)
        })?;
        let mut api = self.place.api(Some(&token))?;
        api.tenant.clone_from(&self.tenant);
        api.output = self.output;
        Ok(api)
    }
}

impl Api {
    /// Asks with this token from now on.
    pub(super) fn authorise(&mut self, token: &str) {
        self.authorization = Some(Zeroizing::new(format!("Bearer {}", token.trim())));
    }

    /// Asks for something. A problem that the server names comes back in its own
    /// words, remedy included.
    pub(super) fn ask<A: DeserializeOwned>(&self, asked: Request<A>) -> Result<A, Failure> {
        let failed = |error: &dyn std::fmt::Display| Failure::new(&self.url, error);
        let mut request = http::Request::builder()
            .method(asked.method)
            .uri(format!("{}{}", self.url, asked.path));
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization.as_str());
        }
        if let Some(tenant) = &self.tenant {
            request = request.header("simurgh-tenant", tenant);
        }
        for (name, value) in &asked.headers {
            request = request.header(*name, value);
        }
        let request = request.body(Bytes::from(asked.body.clone()));
        let request = request.map_err(|error| failed(&error))?;
        let answered = self.client.request_raw(&self.trust, request);
        let response = self.runtime.block_on(answered);
        let response = response.map_err(|error| failed(&error))?;
        let (parts, body) = response.into_parts();
        let read = asked.read(parts.status.as_u16(), &body);
        read.map_err(|error| match error {
            ClientError::Problem(problem) => Failure::of(problem),
            error => failed(&error),
        })
    }

    /// Tells something.
    pub(super) fn tell<A: DeserializeOwned>(
        &self,
        told: Result<Request<A>, ClientError>,
    ) -> Result<A, Failure> {
        self.ask(told.map_err(Failure::of)?)
    }
}

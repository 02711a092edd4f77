//! One request to the API, one answer.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Method, Request};
use rsp_core::pki::TlsTrust;
use rsp_crypto::software::SoftwareProvider;
use rsp_net::Client;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::runtime::{Builder, Runtime};

use super::{Output, Remote};
use crate::{Failure, files};

/// A server's API.
pub(crate) struct Api {
    runtime: Runtime,
    client: Client,
    trust: TlsTrust,
    url: String,
    authorization: String,
    pub(super) output: Output,
}

impl Remote {
    /// Makes ready to ask; nothing is sent yet.
    pub(crate) fn api(&self) -> Result<Api, Failure> {
        let trust = TlsTrust::Certificate(files::read_certificate(&self.ca)?);
        let failed = |error: &dyn std::fmt::Display| Failure::new("cannot start", error);
        let client = Client::builder().build(Arc::new(SoftwareProvider));
        let runtime = Builder::new_current_thread().enable_all().build();
        Ok(Api {
            runtime: runtime.map_err(|error| failed(&error))?,
            client: client.map_err(|error| failed(&error))?,
            trust,
            url: self.url.trim_end_matches('/').to_string(),
            authorization: format!("Bearer {}", self.token.trim()),
            output: self.output,
        })
    }
}

impl Api {
    /// Asks for something.
    pub(super) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.call(Method::GET, path, None::<&()>)
    }

    /// Tells something.
    pub(super) fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        self.call(Method::POST, path, Some(body))
    }

    /// A problem that the server names comes back in its own words, remedy
    /// included.
    pub(super) fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<T, Failure> {
        let failed = |error: &dyn std::fmt::Display| Failure::new(&self.url, error);
        let body = body.map(serde_json::to_vec).transpose();
        let body = body.map_err(|error| failed(&error))?;
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{}{path}", self.url, api::V1))
            .header(AUTHORIZATION, &self.authorization)
            .header(CONTENT_TYPE, "application/json")
            .body(Bytes::from(body.unwrap_or_default()))
            .map_err(|error| failed(&error))?;
        let answered = self.client.request_raw(&self.trust, request);
        let response = self.runtime.block_on(answered);
        let response = response.map_err(|error| failed(&error))?;
        let (parts, body) = response.into_parts();
        if !parts.status.is_success() {
            return Err(match serde_json::from_slice::<api::Problem>(&body) {
                Ok(problem) => Failure::of(problem),
                Err(_) => failed(&format!("the server answered {}", parts.status)),
            });
        }
        let body: &[u8] = match body.is_empty() {
            true => b"null",
            false => &body,
        };
        serde_json::from_slice(body)
            .map_err(|error| failed(&format!("the answer is not understood: {error}")))
    }
}

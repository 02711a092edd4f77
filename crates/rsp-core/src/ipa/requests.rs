//! Requests of a round to servers.

use alloc::string::ToString;

use rsp_asn1::sgp32::{EsipaMessageFromEimToIpa, EsipaMessageFromIpaToEim};

use super::poll::{Round, server_error};
use super::{IpaError, Server};
use crate::binding::{HttpRequest, HttpResponse, esipa_asn1};

impl Round<'_> {
    /// A message to an eIM that answers with one.
    pub(super) async fn esipa(
        &self,
        eim: &Server,
        message: &EsipaMessageFromIpaToEim,
    ) -> Result<EsipaMessageFromEimToIpa, IpaError> {
        let response = self.request(eim, self.esipa_request(message)).await?;
        esipa_asn1::decode_response(&response).map_err(|error| server_error(eim, error))
    }

    /// A message to an eIM as this device is to write it.
    pub(super) fn esipa_request(&self, message: &EsipaMessageFromIpaToEim) -> HttpRequest {
        let mut request = esipa_asn1::encode_request(message);
        if let Some(path) = &self.config.esipa_path {
            request.path.clone_from(path);
        }
        if let Some(content_type) = &self.config.esipa_content_type {
            request.content_type.clone_from(content_type);
        }
        request
    }

    /// One request, repeated where it did not get through or the server could
    /// not answer it just then.
    pub(super) async fn request(
        &self,
        server: &Server,
        mut request: HttpRequest,
    ) -> Result<HttpResponse, IpaError> {
        if let Some(protocol) = &self.config.admin_protocol {
            request.admin_protocol = Some(protocol.to_string());
        }
        let retry = &self.config.retry;
        let mut repetitions = 0;
        loop {
            let result = self.port.http(server.clone(), request.clone()).await;
            let passing = match &result {
                Ok(response) => (500..600).contains(&response.status),
                Err(_) => true,
            };
            if !passing || repetitions >= retry.times {
                return result.map_err(|error| IpaError::Unreachable {
                    address: server.address.clone(),
                    error,
                });
            }
            let pause = retry.pause(repetitions, self.port.chance());
            self.port.pause(pause).await;
            repetitions += 1;
        }
    }
}

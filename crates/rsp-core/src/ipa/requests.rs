//! Requests of a round to servers.

use alloc::string::ToString;

use rsp_asn1::sgp32::{EsipaMessageFromEimToIpa, EsipaMessageFromIpaToEim};

use super::poll::{Round, server_error};
use super::{IpaError, Server};
use crate::binding::esipa::{EsipaBinding, Function};
use crate::binding::{self, BindingError, HttpRequest, HttpResponse, Transport, esipa_json};

impl Round<'_> {
    /// A message to an eIM that answers with one.
    pub(super) async fn esipa(
        &self,
        eim: &Server,
        message: &EsipaMessageFromIpaToEim,
    ) -> Result<EsipaMessageFromEimToIpa, IpaError> {
        let (binding, response) = self.ask_eim(eim, message).await?;
        let decoded = binding.decode_response(Function::of(message), &response);
        decoded.map_err(|error| server_error(eim, error))
    }

    /// A message to an eIM that has no response.
    pub(super) async fn tell_eim(
        &self,
        eim: &Server,
        message: &EsipaMessageFromIpaToEim,
    ) -> Result<(), IpaError> {
        let (_, response) = self.ask_eim(eim, message).await?;
        binding::executed(&response).map_err(|error| server_error(eim, error))
    }

    /// A message to an eIM; gives the response, and the binding it is in.
    pub(super) async fn ask_eim(
        &self,
        eim: &Server,
        message: &EsipaMessageFromIpaToEim,
    ) -> Result<(EsipaBinding, HttpResponse), IpaError> {
        let binding = self.binding_of(eim);
        let request = self.esipa_request(binding, message);
        let request = request.map_err(|error| server_error(eim, error))?;
        Ok((binding, self.request(eim, request).await?))
    }

    /// JSON is a binding over HTTPS only (SGP.32 6.1).
    fn binding_of(&self, eim: &Server) -> EsipaBinding {
        match eim.transport {
            Transport::Https => self.config.esipa_binding,
            Transport::Coaps | Transport::Mqtt => EsipaBinding::Asn1,
        }
    }

    /// A message to an eIM as this device is to write it.
    fn esipa_request(
        &self,
        binding: EsipaBinding,
        message: &EsipaMessageFromIpaToEim,
    ) -> Result<HttpRequest, BindingError> {
        let mut request = binding.encode_request(message)?;
        if let Some(path) = &self.config.esipa_path {
            let function = request.path.strip_prefix(esipa_json::PATH);
            request.path = match (binding, function) {
                (EsipaBinding::Json, Some(function)) => {
                    alloc::format!("{}/{function}", path.trim_end_matches('/'))
                }
                _ => path.clone(),
            };
        }
        if let Some(content_type) = &self.config.esipa_content_type {
            request.content_type.clone_from(content_type);
        }
        Ok(request)
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

//! ESipa.TransferEimPackage at the eIM (SGP.32 5.14.4, 3.1.1.2): for a device
//! that listens, the eIM asks for the next package in the device's place, takes
//! it there, and takes the answer for what the device provides.
//!
//! ```text
//! GetEimPackage        ─► transfer_request ─► device
//! ProvideEimPackageResult ◄─ provided      ◄─ its answer
//! acknowledgements     ─► acknowledgements ─► device
//! ```
//!
//! So a package is counted, stored and settled as one that was fetched.

use alloc::string::String;
use alloc::vec::Vec;

use rsp_asn1::ids::{Eid, TransactionId};
use rsp_asn1::sgp32::{
    CorrelationId, EimPackageResult, EimPackageResultErrorCode, EimPackageResultResponseError,
    GetEimPackageResponse, ProvideEimPackageResult, ProvideEimPackageResultResponse,
    TransferEimPackageRequest, TransferEimPackageResponse,
};
use rsp_asn1::{Certificate, Extensions};

use serde::{Deserialize, Serialize};

use crate::binding::Transport;
use crate::ipa::Server;
use crate::pki::TlsTrust;

/// Where a device listens, and whom to take for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listener {
    /// `https://` or `coaps://`, host, and a port if it is not the usual one.
    url: String,
    /// The device's certificate in DER, or that of the CA that issued it.
    certificate: Vec<u8>,
}

/// Why a device cannot be said to listen there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ListenerError {
    /// Neither of the two protocols, or more than host and port.
    #[error("not https://HOST or coaps://HOST, with or without a port")]
    Url,
    /// What is stored as certificate is none.
    #[error("the certificate cannot be read")]
    Certificate,
}

impl Listener {
    /// At this address, with this certificate or one that it issued.
    ///
    /// # Errors
    /// If the address has another form.
    pub fn new(url: String, certificate: &Certificate) -> Result<Self, ListenerError> {
        parts(&url)?;
        Ok(Listener {
            url,
            certificate: certificate.as_bytes().to_vec(),
        })
    }

    /// The address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// As a server to be asked.
    ///
    /// # Errors
    /// If what is stored is none.
    pub fn server(&self) -> Result<Server, ListenerError> {
        let (transport, address) = parts(&self.url)?;
        let certificate = Certificate::from_bytes(&self.certificate);
        let certificate = certificate.map_err(|_| ListenerError::Certificate)?;
        Ok(Server {
            address: address.into(),
            trust: Some(TlsTrust::Certificate(certificate)),
            transport,
        })
    }
}

/// Protocol, and host with port.
fn parts(url: &str) -> Result<(Transport, &str), ListenerError> {
    let (scheme, address) = url.split_once("://").ok_or(ListenerError::Url)?;
    let transport = match scheme {
        "https" => Transport::Https,
        "coaps" => Transport::Coaps,
        _ => return Err(ListenerError::Url),
    };
    let of_a_host = |sign: char| sign.is_ascii_alphanumeric() || "-._:[]".contains(sign);
    match !address.is_empty() && address.len() <= 255 && address.chars().all(of_a_host) {
        true => Ok((transport, address)),
        false => Err(ListenerError::Url),
    }
}

/// The package as it is taken to the device; `None` if there is none.
pub fn transfer_request(response: GetEimPackageResponse) -> Option<TransferEimPackageRequest> {
    Some(match response {
        GetEimPackageResponse::EuiccPackageRequest(package) => {
            TransferEimPackageRequest::EuiccPackageRequest(package)
        }
        GetEimPackageResponse::IpaEuiccDataRequest(request) => {
            TransferEimPackageRequest::IpaEuiccDataRequest(request)
        }
        GetEimPackageResponse::ProfileDownloadTriggerRequest(trigger) => {
            TransferEimPackageRequest::ProfileDownloadTriggerRequest(trigger)
        }
        GetEimPackageResponse::EimPackageError(_) => return None,
    })
}

/// The device's answer as what it provides; `None` if the result follows later,
/// from the device, or the answer says that it is about another device.
pub fn provided(eid: Eid, answer: TransferEimPackageResponse) -> Option<ProvideEimPackageResult> {
    let eim_package_result = match answer {
        TransferEimPackageResponse::EuiccPackageResult(result) => {
            EimPackageResult::EuiccPackageResult(result)
        }
        TransferEimPackageResponse::EprAndNotifications(both) => {
            EimPackageResult::EprAndNotifications(both)
        }
        TransferEimPackageResponse::IpaEuiccDataResponse(response) => {
            EimPackageResult::IpaEuiccDataResponse(response)
        }
        TransferEimPackageResponse::EimPackageReceived(_)
        | TransferEimPackageResponse::EimPackageReceivedWithCid(_) => return None,
        TransferEimPackageResponse::EimPackageError(code) => refused(code, None),
        TransferEimPackageResponse::EimPackageErrorWithCid(error) => {
            let transaction = match error.correlation_id {
                Some(CorrelationId::EidValue(other)) if other != eid => return None,
                Some(CorrelationId::EimTransactionId(id)) => Some(id),
                Some(CorrelationId::EidValue(_)) | None => None,
            };
            refused(error.eim_package_error, transaction)
        }
    };
    Some(ProvideEimPackageResult {
        eid_value: Some(eid),
        eim_package_result,
        extensions: Extensions::default(),
    })
}

fn refused(
    code: EimPackageResultErrorCode,
    transaction: Option<TransactionId>,
) -> EimPackageResult {
    EimPackageResult::ResponseError(EimPackageResultResponseError {
        eim_transaction_id: transaction,
        eim_package_result_error_code: code,
        extensions: Extensions::default(),
    })
}

/// What the device may forget, as it is told; `None` if that is nothing.
pub fn acknowledgements(
    response: ProvideEimPackageResultResponse,
) -> Option<TransferEimPackageRequest> {
    match response {
        ProvideEimPackageResultResponse::EimAcknowledgements(numbers) if !numbers.0.is_empty() => {
            Some(TransferEimPackageRequest::EimAcknowledgements(numbers))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_a_host_and_a_port() {
        for (url, transport) in [
            ("https://meter.example.com:8443", Transport::Https),
            ("coaps://[2001:db8::1]:5684", Transport::Coaps),
            ("coaps://192.0.2.1", Transport::Coaps),
        ] {
            let (found, address) = parts(url).unwrap();
            assert_eq!(found, transport);
            assert!(url.ends_with(address));
        }
        for wrong in [
            "http://meter.example.com",
            "meter.example.com:8443",
            "https://",
            "https://meter.example.com/path",
            "https://user@meter.example.com",
            "coaps://meter example",
        ] {
            assert_eq!(parts(wrong), Err(ListenerError::Url), "{wrong}");
        }
    }
}

//! ESipa.TransferEimPackage at the IPA (SGP.32 5.14.4, 3.1.1.2): for a device
//! that listens instead of asking. What the IPA asks of that eIM is answered
//! here, from what the eIM has brought; the IPA's rounds stay what they are.

use alloc::string::String;
use alloc::vec::Vec;

use rsp_asn1::sgp32::{
    EimAcknowledgements, EimPackageError, EimPackageResult, EimPackageResultErrorCode,
    EmptyResponse, EsipaMessageFromEimToIpa, EsipaMessageFromIpaToEim, EuiccPackageResult,
    GetEimPackageResponse, IpaEuiccDataResponse, ProvideEimPackageResult,
    ProvideEimPackageResultResponse, TransferEimPackageRequest, TransferEimPackageResponse,
};
use rsp_asn1::{Extensions, Null, Tlv};

use super::Server;
use super::euicc_package::seq_number;
use crate::binding::{BindingError, HttpRequest, HttpResponse, esipa, esipa_asn1};

/// Sequence numbers that are remembered as acknowledged.
const MAX_ACKNOWLEDGED: usize = 1024;

/// Tag of TransferEimPackage.
const TRANSFER_EIM_PACKAGE: [u8; 2] = [0xBF, 0x4E];

/// Tags of what can be in it.
const PACKAGES: [u32; 4] = [0xBF51, 0xBF52, 0xBF53, 0xBF54];

/// What is between an IPA and one eIM that brings its packages.
///
/// After [`Injection::transfer`] the host wakes the IPA, asks
/// [`Injection::answer`] about each request of it, carries those over the
/// network that are not answered, and sends the eIM what is in
/// [`Injection::poll_response`]; at the end of the round it calls
/// [`Injection::round_is_over`].
#[derive(Debug)]
pub struct Injection {
    /// `eimFqdn` of the eIM.
    address: String,
    /// Brought, and not yet fetched by the IPA.
    package: Option<GetEimPackageResponse>,
    /// Whether the eIM waits for an answer.
    awaited: bool,
    /// Whether the IPA works on the package.
    handed_out: bool,
    acknowledged: Vec<i64>,
    response: Option<TransferEimPackageResponse>,
}

impl Injection {
    /// Between the IPA and the eIM with this `eimFqdn`, whom the host has
    /// authenticated.
    pub fn new(address: String) -> Injection {
        Injection {
            address,
            package: None,
            awaited: false,
            handed_out: false,
            acknowledged: Vec::new(),
            response: None,
        }
    }

    /// Reads what the eIM brings.
    ///
    /// # Errors
    /// If the body is no TransferEimPackage.
    pub fn read(request: &HttpRequest) -> Result<TransferEimPackageRequest, BindingError> {
        match esipa_asn1::decode_from_eim(&request.body)? {
            EsipaMessageFromEimToIpa::TransferEimPackageRequest(request) => Ok(request),
            _ => Err(BindingError::WrongFunction),
        }
    }

    /// The answer to what [`Injection::read`] cannot read: eimPackageError, if it
    /// was a TransferEimPackage at all.
    pub fn refuse(request: &HttpRequest, error: &BindingError) -> HttpResponse {
        if !request.body.starts_with(&TRANSFER_EIM_PACKAGE) {
            return error.to_response();
        }
        let brought = Tlv::parse(&request.body).and_then(|message| message.reader().tlv());
        let code = match brought {
            Ok(brought) if !PACKAGES.contains(&brought.tag.get()) => {
                EimPackageResultErrorCode::UNKNOWN_PACKAGE
            }
            _ => EimPackageResultErrorCode::INVALID_PACKAGE_FORMAT,
        };
        Self::write(TransferEimPackageResponse::EimPackageError(code))
    }

    /// Writes what the eIM is answered.
    pub fn write(response: TransferEimPackageResponse) -> HttpResponse {
        let message = EsipaMessageFromIpaToEim::TransferEimPackageResponse(response);
        esipa_asn1::encode_from_ipa(&message)
    }

    /// Takes what the eIM brings; the next round of the IPA is about it. The
    /// result of a package that was brought before and is not yet answered is
    /// the eUICC's to keep.
    pub fn transfer(&mut self, request: TransferEimPackageRequest) {
        self.response = None;
        self.handed_out = false;
        self.awaited = true;
        self.package = Some(match request {
            TransferEimPackageRequest::EuiccPackageRequest(package) => {
                GetEimPackageResponse::EuiccPackageRequest(package)
            }
            TransferEimPackageRequest::IpaEuiccDataRequest(request) => {
                GetEimPackageResponse::IpaEuiccDataRequest(request)
            }
            TransferEimPackageRequest::ProfileDownloadTriggerRequest(trigger) => {
                // The result comes by ESipa.HandleNotification.
                self.respond(TransferEimPackageResponse::EimPackageReceived(Null));
                GetEimPackageResponse::ProfileDownloadTriggerRequest(trigger)
            }
            TransferEimPackageRequest::EimAcknowledgements(numbers) => {
                let room = MAX_ACKNOWLEDGED.saturating_sub(self.acknowledged.len());
                self.acknowledged.extend(numbers.0.iter().take(room));
                self.respond(TransferEimPackageResponse::EimPackageReceived(Null));
                return self.package = None;
            }
        });
    }

    /// The answer to a request of the IPA; `None` if it goes over the network.
    pub fn answer(&mut self, server: &Server, request: &HttpRequest) -> Option<HttpResponse> {
        if server.address != self.address {
            return None;
        }
        let (binding, message) = esipa::decode_request(request).ok()?;
        let reply = match message {
            EsipaMessageFromIpaToEim::GetEimPackageRequest(_) => {
                EsipaMessageFromEimToIpa::GetEimPackageResponse(self.next_package())
            }
            EsipaMessageFromIpaToEim::ProvideEimPackageResult(provided) => {
                let reply = self.provided(provided)?;
                EsipaMessageFromEimToIpa::ProvideEimPackageResultResponse(reply)
            }
            // Downloads and their results.
            _ => return None,
        };
        Some(binding.encode_response(&reply))
    }

    /// What the eIM is answered: once.
    pub fn poll_response(&mut self) -> Option<TransferEimPackageResponse> {
        self.response.take()
    }

    /// The IPA has nothing more to do: whoever still waits gets an error.
    pub fn round_is_over(&mut self) {
        let code = EimPackageResultErrorCode::UNDEFINED_ERROR;
        self.respond(TransferEimPackageResponse::EimPackageError(code));
        self.package = None;
        self.handed_out = false;
    }

    fn next_package(&mut self) -> GetEimPackageResponse {
        match self.package.take() {
            Some(package) => {
                self.handed_out = true;
                package
            }
            None => {
                GetEimPackageResponse::EimPackageError(EimPackageError::NO_EIM_PACKAGE_AVAILABLE)
            }
        }
    }

    /// A result: the answer to what was brought, or one of earlier that the
    /// eUICC keeps until it is acknowledged.
    fn provided(
        &mut self,
        provided: ProvideEimPackageResult,
    ) -> Option<ProvideEimPackageResultResponse> {
        let numbers = numbers(&provided.eim_package_result);
        let answers = self.awaited && self.handed_out;
        let response = match provided.eim_package_result {
            EimPackageResult::EuiccPackageResult(result) => {
                TransferEimPackageResponse::EuiccPackageResult(result)
            }
            EimPackageResult::EprAndNotifications(both) => {
                TransferEimPackageResponse::EprAndNotifications(both)
            }
            EimPackageResult::IpaEuiccDataResponse(response) => {
                TransferEimPackageResponse::IpaEuiccDataResponse(response)
            }
            EimPackageResult::ResponseError(error) => {
                TransferEimPackageResponse::EimPackageError(error.eim_package_result_error_code)
            }
            EimPackageResult::ProfileDownloadTriggerResult(_) => return None,
        };
        if answers {
            self.respond(response);
        }
        let acknowledged = &mut self.acknowledged;
        let known: Vec<i64> = numbers
            .into_iter()
            .filter(|number| acknowledged.contains(number))
            .collect();
        acknowledged.retain(|number| !known.contains(number));
        Some(match known.is_empty() {
            true => ProvideEimPackageResultResponse::EmptyResponse(EmptyResponse {
                extensions: Extensions::default(),
            }),
            false => {
                ProvideEimPackageResultResponse::EimAcknowledgements(EimAcknowledgements(known))
            }
        })
    }

    fn respond(&mut self, response: TransferEimPackageResponse) {
        if core::mem::take(&mut self.awaited) {
            self.response = Some(response);
        }
    }
}

/// Under which numbers the eUICC keeps what is in a result.
fn numbers(result: &EimPackageResult) -> Vec<i64> {
    let of = |result: &EuiccPackageResult| seq_number(result);
    match result {
        EimPackageResult::EuiccPackageResult(result) => of(result).into_iter().collect(),
        EimPackageResult::EprAndNotifications(both) => {
            let notifications = both.notification_list.iter();
            let notifications = notifications.map(|notification| notification.seq_number());
            notifications
                .chain(of(&both.euicc_package_result))
                .collect()
        }
        EimPackageResult::IpaEuiccDataResponse(IpaEuiccDataResponse::Ok(data)) => {
            super::euicc_data::numbers(data)
        }
        _ => Vec::new(),
    }
}

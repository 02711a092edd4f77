//! The messages of a download that the eIM relays: ESipa in ASN.1 (SGP.32
//! 5.14.1 to 5.14.3, 5.14.8).

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use rsp_asn1::ids::TransactionId;
use rsp_asn1::rsp::{
    AuthenticateServerResponse, CancelSessionReason, CancelSessionResponse, EuiccInfo1,
    PrepareDownloadResponse,
};
use rsp_asn1::sgp32::{
    AuthenticateClientErrorEsipa, AuthenticateClientRequestEsipa, AuthenticateClientResponseEsipa,
    CancelSessionRequestEsipa, EsipaMessageFromEimToIpa, EsipaMessageFromIpaToEim,
    GetBoundProfilePackageErrorEsipa, GetBoundProfilePackageRequestEsipa,
    GetBoundProfilePackageResponseEsipa, InitiateAuthenticationRequestEsipa,
    InitiateAuthenticationResponseEsipa,
};
use rsp_asn1::{Asn1, ErrorKind, Tag};

use super::{Offered, Refused, Started};
use crate::ipae::http::Message;

/// Octets before the package in the response that carries it.
const MAX_HEAD: usize = 64;

fn message(message: &EsipaMessageFromIpaToEim) -> Message {
    Message::Esipa(message.to_der())
}

pub(super) fn initiate(
    euicc_challenge: [u8; 16],
    euicc_info1: EuiccInfo1,
    smdp_address: Option<String>,
    eim_transaction_id: Option<TransactionId>,
) -> Message {
    let request = InitiateAuthenticationRequestEsipa {
        euicc_challenge,
        smdp_address,
        euicc_info1: Some(euicc_info1),
        eim_transaction_id,
        extensions: Default::default(),
    };
    message(&EsipaMessageFromIpaToEim::InitiateAuthenticationRequest(
        request,
    ))
}

pub(super) fn authenticate(
    transaction_id: TransactionId,
    authenticate_server_response: AuthenticateServerResponse,
) -> Message {
    let request = AuthenticateClientRequestEsipa {
        transaction_id,
        authenticate_server_response,
        extensions: Default::default(),
    };
    message(&EsipaMessageFromIpaToEim::AuthenticateClientRequest(
        request,
    ))
}

pub(super) fn get_package(
    transaction_id: TransactionId,
    prepare_download_response: PrepareDownloadResponse,
) -> Message {
    let request = GetBoundProfilePackageRequestEsipa {
        transaction_id,
        prepare_download_response,
        extensions: Default::default(),
    };
    message(&EsipaMessageFromIpaToEim::GetBoundProfilePackageRequest(
        request,
    ))
}

pub(super) fn cancel(
    transaction_id: TransactionId,
    cancel_session_response: CancelSessionResponse,
) -> Message {
    let request = CancelSessionRequestEsipa {
        transaction_id,
        cancel_session_response,
        extensions: Default::default(),
    };
    message(&EsipaMessageFromIpaToEim::CancelSessionRequest(request))
}

fn read(body: &[u8]) -> Result<EsipaMessageFromEimToIpa, Refused> {
    EsipaMessageFromEimToIpa::from_der(body).map_err(|_| "the eIM answers unreadably".into())
}

/// What an eIM refuses its SM-DP+ may not know of.
fn refused(function: &str, code: i64, reason: CancelSessionReason) -> Refused {
    Refused(format!("the eIM refuses {function}: {code}"), Some(reason))
}

pub(super) fn started(body: &[u8]) -> Result<Started, Refused> {
    use InitiateAuthenticationResponseEsipa as Response;
    let EsipaMessageFromEimToIpa::InitiateAuthenticationResponse(response) = read(body)? else {
        return Err("the eIM answers another function".into());
    };
    let started = match response {
        Response::Ok(started) => started,
        Response::Error(code) => {
            let reason = CancelSessionReason::UNDEFINED_REASON;
            return Err(refused("InitiateAuthentication", code.0, reason));
        }
    };
    let signed = started.server_signed1;
    Ok(Started {
        transaction_id: started
            .transaction_id
            .unwrap_or_else(|| signed.transaction_id.clone()),
        server_signed1: signed,
        server_signature1: started.server_signature1,
        ci: started.euicc_ci_pk_identifier_to_be_used,
        server_certificate: started.server_certificate,
        matching_id: started.matching_id,
        ctx_params1: started.ctx_params1,
    })
}

pub(super) fn offered(body: &[u8]) -> Result<Offered, Refused> {
    use AuthenticateClientResponseEsipa as Response;
    let EsipaMessageFromEimToIpa::AuthenticateClientResponse(response) = read(body)? else {
        return Err("the eIM answers another function".into());
    };
    let offered = match response {
        Response::OkDp(offered) => offered,
        Response::OkDs(_) => return Err("an SM-DS where an SM-DP+ was meant".into()),
        Response::Error(code) => {
            let reason = match code {
                AuthenticateClientErrorEsipa::PPR_NOT_ALLOWED => {
                    CancelSessionReason::PPR_NOT_ALLOWED
                }
                _ => CancelSessionReason::UNDEFINED_REASON,
            };
            return Err(refused("AuthenticateClient", code.0, reason));
        }
    };
    Ok(Offered {
        metadata: offered.profile_metadata,
        smdp_signed2: offered.smdp_signed2,
        smdp_signature2: offered.smdp_signature2,
        smdp_certificate: offered.smdp_certificate,
        hash_cc: offered.hash_cc,
    })
}

/// Why there is no package in a response.
pub(super) fn no_package(body: &[u8]) -> Refused {
    use GetBoundProfilePackageResponseEsipa as Response;
    match read(body) {
        Ok(EsipaMessageFromEimToIpa::GetBoundProfilePackageResponse(Response::Error(code))) => {
            let reason = match code {
                GetBoundProfilePackageErrorEsipa::METADATA_MISMATCH => {
                    CancelSessionReason::METADATA_MISMATCH
                }
                _ => CancelSessionReason::UNDEFINED_REASON,
            };
            refused("GetBoundProfilePackage", code.0, reason)
        }
        Ok(_) => "the eIM answers another function".into(),
        Err(error) => error,
    }
}

/// GetBoundProfilePackageResponse as it comes: the package in it is handed on.
#[derive(Default)]
pub(in crate::ipae) struct Package {
    /// What has come before the package, or in place of one.
    head: Vec<u8>,
    /// Octets of the package that are still to come, once it has begun.
    left: Option<usize>,
}

impl Package {
    /// Takes octets; those of the package go to `out`. `None` if this is no
    /// such response.
    pub(in crate::ipae) fn push(&mut self, octets: &[u8], out: &mut Vec<u8>) -> Option<()> {
        let Some(left) = self.left else {
            self.head.extend_from_slice(octets);
            return match package_in(&self.head) {
                Ok(Some((at, length))) => {
                    let begun = self.head.split_off(at);
                    self.left = Some(length);
                    self.push(&begun, out)
                }
                Ok(None) => (self.head.len() <= MAX_HEAD).then_some(()),
                Err(()) => None,
            };
        };
        let now = octets.get(..left).unwrap_or(octets);
        out.extend_from_slice(now);
        self.left = Some(left - now.len());
        Some(())
    }

    /// What came in place of a package, if none has begun.
    pub(super) fn instead(&self) -> Option<&[u8]> {
        self.left.is_none().then_some(&self.head)
    }
}

/// Where the package begins in a response, and how long it is; `None` if that
/// cannot be told yet, or if there is none.
fn package_in(head: &[u8]) -> Result<Option<(usize, usize)>, ()> {
    const RESPONSE: Tag = Tag::new(0xBF3A);
    const OK: Tag = Tag::new(0xA0);
    const SESSION: Tag = Tag::new(0x80);
    const PACKAGE: Tag = Tag::new(0xBF36);
    let mut at = 0;
    for wanted in [RESPONSE, OK] {
        match header(head, at)? {
            Some((tag, length, _)) if tag == wanted => at += length,
            // An error, or nothing yet.
            _ => return Ok(None),
        }
    }
    loop {
        let Some((tag, header, contents)) = header(head, at)? else {
            return Ok(None);
        };
        let whole = header.checked_add(contents).ok_or(())?;
        match tag {
            PACKAGE => return Ok(Some((at, whole))),
            SESSION => at = at.checked_add(whole).ok_or(())?,
            _ => return Err(()),
        }
    }
}

/// Tag of the element there, octets of tag and length, and octets of the
/// contents; `None` if it is cut off.
fn header(octets: &[u8], at: usize) -> Result<Option<(Tag, usize, usize)>, ()> {
    let mut reader = rsp_asn1::Reader::new(octets.get(at..).unwrap_or_default());
    match reader.header() {
        Ok((tag, contents)) => Ok(Some((tag, reader.offset(), contents))),
        Err(error) if error.kind == ErrorKind::Truncated => Ok(None),
        Err(_) => Err(()),
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    fn read(response: &[u8], piece: usize) -> Option<(Vec<u8>, Package)> {
        let (mut package, mut out) = (Package::default(), vec![]);
        for octets in response.chunks(piece) {
            package.push(octets, &mut out)?;
        }
        Some((out, package))
    }

    #[test]
    fn the_package_in_a_response() {
        let bound = [0xBF, 0x36, 0x03, 1, 2, 3];
        let with_session = [
            &[0xBF, 0x3A, 0x0B, 0xA0, 0x09, 0x80, 0x01, 0x77][..],
            &bound,
        ]
        .concat();
        let without = [&[0xBF, 0x3A, 0x08, 0xA0, 0x06][..], &bound].concat();
        for response in [with_session, without] {
            for piece in 1..=response.len() {
                let (out, package) = read(&response, piece).unwrap();
                assert_eq!((out.as_slice(), package.instead()), (&bound[..], None));
            }
            let (out, _) = read(&[&response[..], &[9]].concat(), 100).unwrap();
            assert_eq!(out, bound);
        }
        let error = [0xBF, 0x3A, 0x03, 0x81, 0x01, 0x7F];
        for piece in 1..=error.len() {
            let (out, package) = read(&error, piece).unwrap();
            assert_eq!((out, package.instead()), (vec![], Some(&error[..])));
        }
        assert!(no_package(&error).0.ends_with(": 127"));
        let other = [0xBF, 0x3A, 0x04, 0xA0, 0x02, 0x30, 0x00];
        assert!(read(&other, 1).is_none());
        assert!(read(&[0xBF; MAX_HEAD + 1], 1).is_none());
        assert!(read(&[&[0xBF, 0x3A, 0x82, 1, 0, 0x81][..], &[1; 90]].concat(), 9).is_none());
    }
}

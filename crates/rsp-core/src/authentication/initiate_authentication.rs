//! InitiateAuthentication (SGP.22 3.0.1 steps 3 to 7).

use alloc::string::ToString;

use rsp_asn1::ids::TransactionId;
use rsp_asn1::rsp::ServerSigned1;
use rsp_asn1::{Extensions, Signed};

use super::{AwaitAuthenticateClient, LOWEST_SVN, Set, choose};
use crate::Context;
use crate::binding::es9plus_json::{InitiateAuthenticationOk, InitiateAuthenticationRequest};
use crate::pki::TrustAnchor;

/// Why no session is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InitiationRefused {
    /// Another address than that of this server.
    Address,
    /// The eUICC is too old.
    UnsupportedVersion,
    /// The eUICC cannot verify the certificates of this server.
    NoCertificateForCi,
    /// The eUICC cannot sign under a CI that this server trusts.
    UnsupportedCi,
    /// The server's own key does not sign.
    Key,
}

/// Opens a session at the server of this address.
///
/// # Errors
/// If the address is another, or eUICC and server have no version or CI in
/// common.
pub(crate) fn initiate<S: Set>(
    address: &str,
    sets: &[S],
    anchors: &[TrustAnchor],
    request: &InitiateAuthenticationRequest,
    cx: &mut Context<'_>,
) -> Result<(AwaitAuthenticateClient, InitiateAuthenticationOk), InitiationRefused> {
    if !request.smdp_address.eq_ignore_ascii_case(address) {
        return Err(InitiationRefused::Address);
    }
    let info = &request.euicc_info1;
    if info.svn < LOWEST_SVN {
        return Err(InitiationRefused::UnsupportedVersion);
    }
    let (set, euicc_ci_pk_id_to_be_used) = choose(sets, anchors, info)?;

    let transaction_id =
        TransactionId::from_bytes(&cx.random::<16>()).map_err(|_| InitiationRefused::Key)?;
    let server_challenge = cx.random();
    let server_signed1 = Signed::new(ServerSigned1 {
        transaction_id: transaction_id.clone(),
        euicc_challenge: request.euicc_challenge,
        server_address: address.to_string(),
        server_challenge,
        extensions: Extensions::default(),
    });
    let signature = set.auth().key.sign(&[server_signed1.as_bytes()]);
    let signature = signature.map_err(|_| InitiationRefused::Key)?;
    let state = AwaitAuthenticateClient {
        transaction_id: transaction_id.clone(),
        server_challenge,
        ci_key_identifier: euicc_ci_pk_id_to_be_used.clone(),
        server_ci: set.ci().clone(),
    };
    let reply = InitiateAuthenticationOk {
        transaction_id,
        server_signed1,
        server_signature1: signature.as_bytes().to_vec(),
        euicc_ci_pk_id_to_be_used,
        server_certificate: set.auth().certificate.clone(),
    };
    Ok((state, reply))
}

//! Common mutual authentication, the server's part (SGP.22 3.0.1): the rules
//! that SM-DP+ and SM-DS have in common.
//!
//! Which code a refusal has is the business of the role: each has its table.

mod authenticate_client;
mod certificates;
mod initiate_authentication;

use rsp_asn1::ids::TransactionId;
use rsp_asn1::rsp::{SubjectKeyIdentifier, VersionType};
use serde::{Deserialize, Serialize};

pub(crate) use authenticate_client::{ClientFault, ClientRefused};
pub(crate) use certificates::{NotOneServer, Set, choose, of_one_server};
pub(crate) use initiate_authentication::{InitiationRefused, initiate};

/// Lowest SGP.22 version that an eUICC must support.
pub(crate) const LOWEST_SVN: VersionType = [2, 0, 0];

/// The server has sent its challenge and awaits AuthenticateClient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwaitAuthenticateClient {
    pub(crate) transaction_id: TransactionId,
    server_challenge: [u8; 16],
    /// CI that the eUICC was asked to sign under.
    ci_key_identifier: SubjectKeyIdentifier,
    /// CI of the certificates that this server shows.
    pub(crate) server_ci: SubjectKeyIdentifier,
}

//! The RSP session: what the card expects next (SGP.22 3.0.1). Lost with power.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use rsp_asn1::Oid;
use rsp_asn1::ids::{Iccid, TransactionId};
use rsp_asn1::rsp::SubjectKeyIdentifier;
use rsp_crypto::PublicKey;

use crate::certificate::Role;
use crate::es10::load_bpp::Load;

/// One state per message awaited.
pub(crate) enum Session {
    /// Nothing is open.
    None,
    /// AuthenticateServer with this challenge.
    Challenged([u8; 16]),
    /// PrepareDownload.
    Authenticated(Box<Authenticated>),
    /// LoadBoundProfilePackage.
    Prepared(Box<Authenticated>, Prepared),
    /// The rest of a Bound Profile Package.
    Loading(Box<Load>),
    /// ImmediateEnable of what was installed, if the device wants it.
    Installed(Installation),
}

impl Session {
    /// The server that was authenticated, if one was.
    pub(crate) fn authenticated(&self) -> Option<&Authenticated> {
        match self {
            Session::None | Session::Challenged(_) | Session::Installed(_) => None,
            Session::Authenticated(server) | Session::Prepared(server, _) => Some(server),
            Session::Loading(load) => Some(&load.server),
        }
    }
}

/// What AuthenticateServer leaves behind.
pub(crate) struct Authenticated {
    pub(crate) transaction_id: TransactionId,
    pub(crate) server_address: String,
    /// Identifier of the CI key that the server's chain leads to.
    pub(crate) root: Vec<u8>,
    /// Identifier of the CI key under which the card signs for this server.
    pub(crate) signer: SubjectKeyIdentifier,
    pub(crate) role: Role,
    pub(crate) oid: Oid,
    /// r || s.
    pub(crate) euicc_signature1: Vec<u8>,
}

/// What a successful LoadBoundProfilePackage leaves behind.
pub(crate) struct Installation {
    pub(crate) iccid: Iccid,
    pub(crate) smdp_oid: Oid,
    pub(crate) server_address: String,
}

/// What PrepareDownload adds.
pub(crate) struct Prepared {
    /// PK.DPpb.ECDSA.
    pub(crate) smdp_key: PublicKey,
    /// otPK.EUICC.ECKA.
    pub(crate) euicc_otpk: PublicKey,
}

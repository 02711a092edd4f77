//! The functions of ES10a, ES10b and ES10c, one file per procedure.

pub(crate) mod authenticate_server;
mod bpp_stream;
pub(crate) mod cancel_session;
pub(crate) mod certs;
pub(crate) mod configured_addresses;
pub(crate) mod connectivity_parameters;
pub(crate) mod eim_configuration;
pub(crate) mod emergency;
pub(crate) mod euicc_challenge;
pub(crate) mod euicc_info;
pub(crate) mod fallback;
pub(crate) mod immediate_enable;
pub(crate) mod install;
pub(crate) mod load_bpp;
pub(crate) mod local_profiles;
pub(crate) mod memory_reset;
pub(crate) mod nickname;
pub(crate) mod notifications;
pub(crate) mod prepare_download;
pub(crate) mod profiles_info;
pub(crate) mod rat;
pub(crate) mod rollback;

use rsp_asn1::{Asn1, Tag, Writer};

use crate::apdu::Status;

/// Tag of every signature.
pub(crate) const SIGNATURE: Tag = Tag::new(0x5F37);

/// The request in a command; undecodable ones are refused without a body.
pub(crate) fn decode<T: Asn1>(command: &[u8]) -> Result<T, Status> {
    T::from_der(command).map_err(|_| Status::INCORRECT_DATA)
}

/// A signature under its tag.
pub(crate) fn signature_object(signature: &[u8]) -> alloc::vec::Vec<u8> {
    let mut out = Writer::new();
    out.primitive(SIGNATURE, signature);
    out.into_bytes()
}

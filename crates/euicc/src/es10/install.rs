//! The commands inside a Bound Profile Package (SGP.22 5.5).

use alloc::vec::Vec;

use rsp_asn1::ids::{Iccid, TransactionId};
use rsp_asn1::rsp::{
    BppCommandId, ControlRefTemplate, DpProprietaryData, ErrorReason,
    InitialiseSecureChannelRequest, PPR1, PROFILE_CLASS_OPERATIONAL, PROFILE_CLASS_TEST,
    ReplaceSessionKeysRequest, StoreMetadataRequest,
};
use rsp_asn1::{Asn1, Oid, Tag, Tlv, Writer};
use rsp_crypto::{PublicKey, Signature};

use super::SIGNATURE;
use super::bpp_stream::{BppStream, Piece, Section};
use super::rat::rules_allowed;
use crate::bsp::{SecureChannel, SegmentError};
use crate::isdr::Isdr;
use crate::personalisation::Environment;
use crate::session::{Authenticated, Prepared};
use crate::uicc::{Installer, Uicc};

/// remoteOpId installBoundProfilePackage.
const INSTALL_BOUND_PROFILE_PACKAGE: i64 = 1;
/// Key type AES and length 16 in the control reference template.
const KEY_TYPE: [u8; 1] = [0x88];
const KEY_LENGTH: [u8; 1] = [0x10];
const HOST_ID_LENGTH: core::ops::RangeInclusive<usize> = 1..=16;
const OTPK: Tag = Tag::new(0x5F49);

/// Longest ConfigureISDP, StoreMetadata or ReplaceSessionKeys taken, in bytes.
const MAX_MESSAGE: usize = 16 * 1024;

/// How much longer a package may be than the memory that is left: protection
/// and metadata do not stay.
const PACKAGE_OVERHEAD: usize = 32 * 1024;

/// Why an installation ended.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) command: BppCommandId,
    pub(crate) reason: ErrorReason,
    /// `EUICCResponse` of the profile installer.
    pub(crate) sima_response: Option<Vec<u8>>,
}

/// A profile that came whole.
pub(crate) struct Installed {
    pub(crate) metadata: StoreMetadataRequest,
    pub(crate) dp_proprietary_data: Option<DpProprietaryData>,
    pub(crate) uicc: Uicc,
    pub(crate) sima_response: Vec<u8>,
}

/// An installation under way.
pub(crate) struct Load {
    pub(crate) server: Authenticated,
    pub(crate) prepared: Prepared,
    stream: BppStream,
    channel: Option<SecureChannel>,
    /// The message of the open section, as far as it has come.
    message: Vec<u8>,
    dp_proprietary_data: Option<DpProprietaryData>,
    metadata: Option<StoreMetadataRequest>,
    installer: Installer,
}

impl Load {
    pub(crate) fn new(server: Authenticated, prepared: Prepared, free_memory: usize) -> Load {
        Load {
            server,
            prepared,
            stream: BppStream::new(free_memory.saturating_add(PACKAGE_OVERHEAD)),
            channel: None,
            message: Vec::new(),
            dp_proprietary_data: None,
            metadata: None,
            installer: Installer::with_memory(free_memory),
        }
    }

    /// Whether InitialiseSecureChannel was accepted.
    pub(crate) fn is_channel_open(&self) -> bool {
        self.channel.is_some()
    }

    /// The command that is being received.
    pub(crate) fn command(&self) -> BppCommandId {
        self.stream.command()
    }

    /// ICCID of the profile, once its metadata has come.
    pub(crate) fn iccid(&self) -> Option<Iccid> {
        self.metadata.as_ref().map(|metadata| metadata.iccid)
    }

    /// The metadata of the profile, once they have come.
    pub(crate) fn metadata(&self) -> Option<&StoreMetadataRequest> {
        self.metadata.as_ref()
    }

    /// Takes bytes of the package; gives the profile at its end.
    pub(crate) fn feed(
        &mut self,
        isdr: &Isdr,
        bytes: &[u8],
        env: &mut Environment<'_>,
    ) -> Result<Option<Installed>, Failure> {
        self.stream.push(bytes);
        loop {
            let before = self.stream.command();
            let piece = self.stream.next();
            // A section may have been opened on the way.
            let command = match &piece {
                Ok(Some(Piece::Segment(section, _) | Piece::EndOf(section))) => section.command(),
                Ok(_) => before,
                Err(_) => self.stream.command(),
            };
            let failed = |reason| Failure {
                command,
                reason,
                sima_response: None,
            };
            match piece.map_err(failed)? {
                None => return Ok(None),
                Some(Piece::End) => return self.finish(isdr).map(Some),
                Some(Piece::InitialiseSecureChannel(request)) => {
                    let channel = self.open_channel(isdr, &request, env).map_err(failed)?;
                    self.channel = Some(channel);
                }
                Some(Piece::Segment(section, segment)) => {
                    let plain = self.open_segment(section, &segment, env).map_err(failed)?;
                    self.take_plain(section, &plain, env)?;
                }
                Some(Piece::EndOf(section)) => self.end_of(section, isdr).map_err(failed)?,
            }
        }
    }

    /// InitialiseSecureChannel (SGP.22 5.5.1). smdpSign is over the members as
    /// received, then the card's one-time key.
    fn open_channel(
        &self,
        isdr: &Isdr,
        bytes: &[u8],
        env: &Environment<'_>,
    ) -> Result<SecureChannel, ErrorReason> {
        let request = InitialiseSecureChannelRequest::from_der(bytes)
            .map_err(|_| ErrorReason::INCORRECT_INPUT_VALUES)?;
        check_transaction(&request.transaction_id, &self.server.transaction_id)?;
        if request.remote_op_id != INSTALL_BOUND_PROFILE_PACKAGE {
            return Err(ErrorReason::UNSUPPORTED_REMOTE_OPERATION_TYPE);
        }
        check_crt(&request.control_ref_template)?;
        let mut own_key = Writer::new();
        own_key.primitive(OTPK, self.prepared.euicc_otpk.as_sec1());
        let message = [members_before_signature(bytes)?, &own_key.into_bytes()];
        Signature::from_slice(&request.smdp_sign)
            .and_then(|sign| {
                env.provider
                    .verify(&self.prepared.smdp_key, &message, &sign)
            })
            .map_err(|_| ErrorReason::INVALID_SIGNATURE)?;
        let unusable = |_| ErrorReason::INCORRECT_INPUT_VALUES;
        let curve = self.prepared.euicc_otpk.curve();
        let peer = PublicKey::from_sec1(curve, &request.smdp_otpk).map_err(unusable)?;
        let own = self.prepared.euicc_otpk.as_sec1();
        let own = isdr.state.one_time_key(&self.server.oid, own);
        let own = own.ok_or(ErrorReason::INSTALL_FAILED_DUE_TO_UNKNOWN_ERROR)?;
        let secret = own.key.agree(&peer).map_err(unusable)?;
        let host_id = &request.control_ref_template.host_id;
        SecureChannel::agree(env.provider, &secret, host_id, &isdr.ecasd.eid).map_err(unusable)
    }

    fn open_segment(
        &mut self,
        section: Section,
        segment: &[u8],
        env: &Environment<'_>,
    ) -> Result<Vec<u8>, ErrorReason> {
        let channel = self.channel.as_mut();
        let channel = channel.ok_or(ErrorReason::SCP03T_STRUCTURE_ERROR)?;
        let tag = section.segment_tag();
        match section {
            Section::Of88 => channel.open_mac_only(env.provider, tag, segment),
            _ => channel.open(env.provider, tag, segment),
        }
        .map_err(|error| match error {
            SegmentError::Structure => ErrorReason::SCP03T_STRUCTURE_ERROR,
            SegmentError::Security => ErrorReason::SCP03T_SECURITY_ERROR,
        })
    }

    fn take_plain(
        &mut self,
        section: Section,
        plain: &[u8],
        env: &Environment<'_>,
    ) -> Result<(), Failure> {
        let command = section.command();
        if section == Section::Of86 {
            return self
                .installer
                .feed(plain, env.provider)
                .map_err(|error| Failure {
                    command,
                    reason: error.reason,
                    sima_response: Some(error.response),
                });
        }
        if self.message.len() + plain.len() > MAX_MESSAGE {
            return Err(Failure {
                command,
                reason: ErrorReason::INCORRECT_INPUT_VALUES,
                sima_response: None,
            });
        }
        self.message.extend_from_slice(plain);
        Ok(())
    }

    fn end_of(&mut self, section: Section, isdr: &Isdr) -> Result<(), ErrorReason> {
        let message = core::mem::take(&mut self.message);
        match section {
            Section::First87 => self.dp_proprietary_data = configure_isdp(&message)?,
            Section::Of88 => self.metadata = Some(store_metadata(isdr, &message)?),
            Section::Second87 => self.channel = Some(replace_session_keys(&message)?),
            Section::Of86 => {}
        }
        Ok(())
    }

    fn finish(&mut self, isdr: &Isdr) -> Result<Installed, Failure> {
        let failed = |reason, sima_response| Failure {
            command: BppCommandId::LOAD_PROFILE_ELEMENTS,
            reason,
            sima_response,
        };
        let installer = core::mem::take(&mut self.installer);
        let (uicc, sima_response) = installer
            .finish()
            .map_err(|error| failed(error.reason, Some(error.response)))?;
        let mismatch = failed(ErrorReason::INSTALL_FAILED_DUE_TO_DATA_MISMATCH, None);
        let metadata = self.metadata.clone().ok_or(mismatch)?;
        check_fit(isdr, &metadata, &uicc).map_err(|reason| failed(reason, None))?;
        Ok(Installed {
            metadata,
            dp_proprietary_data: self.dp_proprietary_data.take(),
            uicc,
            sima_response,
        })
    }
}

fn check_transaction(got: &TransactionId, own: &TransactionId) -> Result<(), ErrorReason> {
    match got == own {
        true => Ok(()),
        false => Err(ErrorReason::INVALID_TRANSACTION_ID),
    }
}

fn check_crt(crt: &ControlRefTemplate) -> Result<(), ErrorReason> {
    let known = crt.key_type == KEY_TYPE && crt.key_len == KEY_LENGTH;
    match known && HOST_ID_LENGTH.contains(&crt.host_id.len()) {
        true => Ok(()),
        false => Err(ErrorReason::UNSUPPORTED_CRT_VALUES),
    }
}

/// The contents of InitialiseSecureChannel up to its signature, as received.
fn members_before_signature(bytes: &[u8]) -> Result<&[u8], ErrorReason> {
    let malformed = |_| ErrorReason::INCORRECT_INPUT_VALUES;
    let tlv = Tlv::parse(bytes).map_err(malformed)?;
    let mut reader = tlv.reader();
    while !reader.is_empty() {
        let before = tlv.value.len() - reader.rest().len();
        if reader.tlv().map_err(malformed)?.tag == SIGNATURE {
            return Ok(tlv.value.get(..before).unwrap_or_default());
        }
    }
    Err(ErrorReason::INCORRECT_INPUT_VALUES)
}

/// ConfigureISDP (SGP.22 5.5.2). Some senders give the object identifier its
/// universal tag.
fn configure_isdp(message: &[u8]) -> Result<Option<DpProprietaryData>, ErrorReason> {
    let malformed = |_| ErrorReason::INCORRECT_INPUT_VALUES;
    let tlv = Tlv::parse(message).map_err(malformed)?;
    if tlv.tag != Tag::new(0xBF24) {
        return Err(ErrorReason::INCORRECT_INPUT_VALUES);
    }
    let mut reader = tlv.reader();
    while !reader.is_empty() {
        let member = reader.tlv().map_err(malformed)?;
        if member.tag == Tag::new(0xB8) {
            let first = member.reader().tlv().map_err(malformed)?;
            let dp_oid = Oid::from_bytes(first.value);
            return Ok(Some(DpProprietaryData {
                dp_oid: dp_oid.map_err(|_| ErrorReason::INCORRECT_INPUT_VALUES)?,
                extensions: Default::default(),
            }));
        }
    }
    Ok(None)
}

/// StoreMetadata (SGP.22 5.5.3).
fn store_metadata(isdr: &Isdr, message: &[u8]) -> Result<StoreMetadataRequest, ErrorReason> {
    let metadata =
        StoreMetadataRequest::from_der(message).map_err(|_| ErrorReason::INCORRECT_INPUT_VALUES)?;
    check_metadata(isdr, &metadata)?;
    Ok(metadata)
}

/// What the card wants to be true of the metadata of a new profile.
pub(crate) fn check_metadata(
    isdr: &Isdr,
    metadata: &StoreMetadataRequest,
) -> Result<(), ErrorReason> {
    if isdr.state.profile(&metadata.iccid).is_some() {
        return Err(ErrorReason::INSTALL_FAILED_DUE_TO_ICCID_ALREADY_EXISTS_ON_EUICC);
    }
    if !(PROFILE_CLASS_TEST..=PROFILE_CLASS_OPERATIONAL).contains(&metadata.profile_class) {
        return Err(ErrorReason::UNSUPPORTED_PROFILE_CLASS);
    }
    let mut installed = isdr.state.profiles.iter();
    let operational = installed.any(|p| p.metadata.profile_class == PROFILE_CLASS_OPERATIONAL);
    let rules = metadata.profile_policy_rules.as_ref();
    let second_with_ppr1 = operational && rules.is_some_and(|rules| rules.bit(PPR1));
    if second_with_ppr1 || !rules_allowed(&isdr.ecasd.rules_authorisation_table, metadata) {
        return Err(ErrorReason::PPR_NOT_ALLOWED);
    }
    Ok(())
}

/// Whether a complete profile is the one announced and finds room.
pub(crate) fn check_fit(
    isdr: &Isdr,
    metadata: &StoreMetadataRequest,
    uicc: &Uicc,
) -> Result<(), ErrorReason> {
    if metadata.iccid != uicc.iccid() {
        return Err(ErrorReason::INSTALL_FAILED_DUE_TO_DATA_MISMATCH);
    }
    // Else it could be used in place of an operational one.
    if metadata.profile_class == PROFILE_CLASS_TEST && !uicc.has_test_keys() {
        return Err(ErrorReason::TEST_PROFILE_INSTALL_FAILED_DUE_TO_INVALID_NAA_KEY);
    }
    if uicc.memory_used() > isdr.free_memory() {
        return Err(ErrorReason::INSTALL_FAILED_DUE_TO_INSUFFICIENT_MEMORY_FOR_PROFILE);
    }
    Ok(())
}

/// ReplaceSessionKeys (SGP.22 5.5.4).
fn replace_session_keys(message: &[u8]) -> Result<SecureChannel, ErrorReason> {
    let keys = ReplaceSessionKeysRequest::from_der(message)
        .map_err(|_| ErrorReason::INCORRECT_INPUT_VALUES)?;
    Ok(SecureChannel::with_keys(
        keys.initial_mac_chaining_value,
        keys.ppk_enc,
        keys.ppk_cmac,
    ))
}

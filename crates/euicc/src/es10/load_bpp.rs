//! ES10b.LoadBoundProfilePackage (SGP.22 5.7.6, 3.1.3.2) and its
//! ProfileInstallationResult (SGP.22 2.5.6).

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use rsp_asn1::ids::{Iccid, TransactionId};
use rsp_asn1::rsp::{
    BppCommandId, ErrorReason, ErrorResult, FinalResult, NOTIFICATION_INSTALL,
    NotificationMetadata, PendingNotification, ProfileInstallationResult,
    ProfileInstallationResultData, ProfileState, SubjectKeyIdentifier, SuccessResult,
};
use rsp_asn1::{Asn1, BitString, Oid, Signed};

use super::install::Installed;
pub(crate) use super::install::{Failure, Load};
use crate::apdu::Status;
use crate::isdr::Isdr;
use crate::notification_store::Entry;
use crate::personalisation::Environment;
use crate::session::{Installation, Session};
use crate::state::ProfileContents;

/// First bytes of a package.
const PACKAGE_TAG: [u8; 2] = [0xBF, 0x36];

/// What a result says of an installation, and what has to outlast a power cut
/// so that it can be said then.
#[derive(Clone)]
pub(crate) struct Interruptible {
    pub(crate) transaction_id: TransactionId,
    /// Who is told.
    pub(crate) server_address: String,
    pub(crate) oid: Oid,
    /// Identifier of the CI key under which the card signs it.
    pub(crate) signer: SubjectKeyIdentifier,
    /// Once the metadata have come.
    pub(crate) iccid: Option<Iccid>,
    /// The command that was being received.
    pub(crate) command: BppCommandId,
}

impl Interruptible {
    pub(crate) fn of(load: &Load) -> Interruptible {
        Interruptible {
            transaction_id: load.server.transaction_id.clone(),
            server_address: load.server.server_address.clone(),
            oid: load.server.oid.clone(),
            signer: load.server.signer.clone(),
            iccid: load.iccid(),
            command: load.command(),
        }
    }
}

/// Takes a piece of a Bound Profile Package. The answer is empty until the
/// package is complete or has failed; then it is the
/// ProfileInstallationResult, which also waits as a notification.
pub(crate) fn segment(
    isdr: &mut Isdr,
    command: &[u8],
    env: &mut Environment<'_>,
) -> Result<Vec<u8>, Status> {
    let mut load = match core::mem::replace(&mut isdr.session, Session::None) {
        Session::Loading(load) => load,
        Session::Prepared(server, prepared) if command.starts_with(&PACKAGE_TAG) => {
            Box::new(Load::new(*server, prepared, isdr.free_memory()))
        }
        other => {
            isdr.session = other;
            return Err(match command.starts_with(&PACKAGE_TAG) {
                true => Status::CONDITIONS_NOT_SATISFIED,
                false => Status::INCORRECT_DATA,
            });
        }
    };
    match load.feed(isdr, command, env) {
        Ok(None) => {
            isdr.session = Session::Loading(load);
            Ok(Vec::new())
        }
        Ok(Some(installed)) => install(isdr, &load, installed),
        Err(failure) => fail(isdr, &Interruptible::of(&load), failure),
    }
}

/// Ends an installation that power has cut, with a result if its channel was
/// open.
pub(crate) fn interrupt(isdr: &mut Isdr, download: &Interruptible) {
    let failure = Failure {
        command: download.command,
        reason: ErrorReason::INSTALL_FAILED_DUE_TO_INTERRUPTION,
        sima_response: None,
    };
    // Without a usable key there is nobody to tell.
    let _ = fail(isdr, download, failure);
}

/// Commits a profile whose package was good to the end.
fn install(isdr: &mut Isdr, load: &Load, installed: Installed) -> Result<Vec<u8>, Status> {
    let Some(aid) = isdr.state.free_isdp_aid() else {
        return fail(isdr, &Interruptible::of(load), out_of_memory());
    };
    let success = FinalResult::Success(SuccessResult {
        aid: aid.clone(),
        sima_response: installed.sima_response,
        extensions: Default::default(),
    });
    let result = sign_result(isdr, &Interruptible::of(load), success)?;
    isdr.state.drop_one_time_key(&load.prepared.euicc_otpk);
    isdr.session = Session::Installed(Installation {
        iccid: installed.metadata.iccid,
        smdp_oid: load.server.oid.clone(),
        server_address: load.server.server_address.clone(),
    });
    let contents = ProfileContents {
        metadata: installed.metadata,
        dp_proprietary_data: installed.dp_proprietary_data,
        state: ProfileState::DISABLED,
        preloaded: false,
        signer: Some(load.server.signer.clone()),
        uicc: installed.uicc,
    };
    isdr.state.add_profile(aid, contents);
    Ok(store(isdr, result))
}

fn out_of_memory() -> Failure {
    Failure {
        command: BppCommandId::LOAD_PROFILE_ELEMENTS,
        reason: ErrorReason::INSTALL_FAILED_DUE_TO_INSUFFICIENT_MEMORY_FOR_PROFILE,
        sima_response: None,
    }
}

/// Reports a failure; nothing of the package remains.
fn fail(isdr: &mut Isdr, download: &Interruptible, failure: Failure) -> Result<Vec<u8>, Status> {
    let error = FinalResult::Error(ErrorResult {
        bpp_command_id: failure.command,
        error_reason: failure.reason,
        sima_response: failure.sima_response,
        extensions: Default::default(),
    });
    let result = sign_result(isdr, download, error)?;
    Ok(store(isdr, result))
}

fn sign_result(
    isdr: &Isdr,
    download: &Interruptible,
    final_result: FinalResult,
) -> Result<ProfileInstallationResult, Status> {
    let data = Signed::new(ProfileInstallationResultData {
        transaction_id: download.transaction_id.clone(),
        notification_metadata: NotificationMetadata {
            seq_number: isdr.state.notifications.next_number(),
            profile_management_operation: BitString::of(&[NOTIFICATION_INSTALL]),
            notification_address: download.server_address.clone(),
            iccid: download.iccid,
            extensions: Default::default(),
        },
        smdp_oid: download.oid.clone(),
        final_result,
        extensions: Default::default(),
    });
    let signer = isdr.signers.chosen(Some(&download.signer));
    Ok(ProfileInstallationResult {
        euicc_sign_pir: signer.sign(&[data.as_bytes()])?,
        profile_installation_result_data: data,
        extensions: Default::default(),
    })
}

fn store(isdr: &mut Isdr, result: ProfileInstallationResult) -> Vec<u8> {
    let der = result.to_der();
    let notification = PendingNotification::ProfileInstallationResult(Signed::new(result));
    isdr.state
        .notifications
        .push(Entry::Notification(notification));
    der
}

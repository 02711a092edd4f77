//! ES10b.LoadEuiccPackage (SGP.32 5.9.1, 3.3.1).

mod eco;
mod items;
mod psmo;
pub(crate) mod received;

use alloc::string::String;
use alloc::vec::Vec;

use rsp_asn1::ids::Iccid;
use rsp_asn1::sgp32::{
    EimId, EuiccPackageErrorCode, EuiccPackageErrorDataSigned, EuiccPackageErrorSigned,
    EuiccPackageErrorUnsigned, EuiccPackageResult, EuiccPackageResultDataSigned,
    EuiccPackageResultSigned, EuiccResultData, association_token_object,
};
use rsp_asn1::{Asn1, Signed};

use crate::apdu::Status;
use crate::association::MAX_COUNTER;
use crate::isdr::Isdr;
use crate::mechanisms::ImmediateEnable;
use crate::notification_store::Entry;
use crate::package::received::{Items, Received, identity};
use crate::personalisation::Environment;
use crate::state::{Eim, PackageId, ProfileEvent, Rollback};
use crate::switch::Switch;

/// Octets of a package that the card has room for.
const MAX_PACKAGE: usize = 16 * 1024;

/// What the items of a package come to. Nothing of it is done yet.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) results: Vec<EuiccResultData>,
    /// What is to happen to the profiles, in order.
    pub(crate) events: Vec<(Iccid, ProfileEvent)>,
    /// Whether a profile is enabled: there is then none to return to from the
    /// fallback.
    pub(crate) enables: bool,
    /// The profile to which a rollback would return.
    pub(crate) rollback_to: Option<Iccid>,
    /// A new default SM-DP+ address, or that there shall be none.
    pub(crate) default_dp_address: Option<Option<String>>,
    /// The profile with the Fallback Attribute, or that none shall have it.
    pub(crate) fallback: Option<Option<Iccid>>,
    pub(crate) immediate_enable: Option<ImmediateEnable>,
    /// The eIMs and the next association token.
    pub(crate) eims: Option<(Vec<Eim>, i64)>,
    /// Whether the eIM itself has a new key and a new counter with it.
    pub(crate) own_counter_is_new: bool,
}

/// Verifies and executes a package of an eIM. Profiles switch after the host
/// has read the result.
pub(crate) fn load_euicc_package(
    isdr: &mut Isdr,
    command: &[u8],
    env: &mut Environment<'_>,
) -> Result<Vec<u8>, Status> {
    let Some(package) = authentic(isdr, command, env) else {
        return Ok(unsigned_error(isdr, command).to_der());
    };
    let result = match refusal(isdr, &package, command.len()) {
        Some(code) => signed_error(isdr, &package, code)?,
        None => execute(isdr, &package)?,
    };
    if let Some(record) = &mut isdr.record {
        record.package(&package, &result);
    }
    Ok(result.to_der())
}

/// The package, if it is well formed and signed by an associated eIM.
fn authentic(isdr: &Isdr, command: &[u8], env: &Environment<'_>) -> Option<Received> {
    let package = Received::read(command)?;
    let eim = isdr.state.eim(package.eim_id.as_str())?;
    let token = association_token_object(eim.token());
    let message = [package.signed.as_slice(), &token];
    env.provider
        .verify(&eim.key, &message, &package.signature)
        .ok()?;
    Some(package)
}

/// Why an authentic package is not executed, in the order of SGP.32 3.3.1.
fn refusal(isdr: &Isdr, package: &Received, length: usize) -> Option<EuiccPackageErrorCode> {
    let counter = isdr.state.eim(package.eim_id.as_str())?.counter;
    if package.eid != isdr.ecasd.eid {
        return Some(EuiccPackageErrorCode::INVALID_EID);
    }
    if package.counter <= counter {
        return Some(EuiccPackageErrorCode::REPLAY_ERROR);
    }
    if package.counter > MAX_COUNTER {
        return Some(EuiccPackageErrorCode::COUNTER_VALUE_OUT_OF_RANGE);
    }
    if isdr.state.mechanisms.emergency.is_some() {
        return Some(EuiccPackageErrorCode::ECALL_ACTIVE);
    }
    (length > MAX_PACKAGE).then_some(EuiccPackageErrorCode::SIZE_OVERFLOW)
}

/// Executes the items, signs and stores the result, and prepares the switch.
fn execute(isdr: &mut Isdr, package: &Received) -> Result<EuiccPackageResult, Status> {
    let mut outcome = match &package.items {
        Items::Psmo(list) => psmo::run(isdr, list),
        Items::Eco(list) => eco::run(isdr, package, list),
    };
    let number = isdr.state.notifications.next_number();
    let id = package.id();
    let results = core::mem::take(&mut outcome.results);
    // Signed and prepared with the card as it is: also for an eIM that ends
    // its own association.
    let result = signed_result(isdr, &id, number, results)?;
    let events = core::mem::take(&mut outcome.events);
    let switch = (!events.is_empty()).then(|| Switch::prepare(isdr, events, number + 1));
    let switch = switch.transpose()?;
    // From here on nothing fails.
    store(isdr, &result);
    commit(isdr, outcome, id, number);
    if switch.is_some() {
        isdr.pending = switch;
    }
    Ok(result)
}

/// Takes the outcome over; profiles switch later. `number` is that of the
/// result.
fn commit(isdr: &mut Isdr, outcome: Outcome, package: PackageId, number: i64) {
    let state = &mut isdr.state;
    if let Some((eims, next_token)) = outcome.eims {
        state.eims = eims;
        state.next_association_token = next_token;
    }
    if let Some(eim) = state.eim_mut(package.eim_id.as_str())
        && !outcome.own_counter_is_new
    {
        eim.counter = eim.counter.max(package.counter);
    }
    if let Some(address) = outcome.default_dp_address {
        state.default_dp_address = address;
    }
    if let Some(configuration) = outcome.immediate_enable {
        state.mechanisms.immediate_enable = configuration;
    }
    if let Some(fallback) = outcome.fallback {
        state.mechanisms.fallback = fallback;
    }
    if outcome.enables {
        state.mechanisms.before_fallback = None;
    }
    // A right granted earlier ends here, whatever the package did.
    state.rollback = outcome.rollback_to.map(|to| Rollback {
        to,
        package,
        result: number,
    });
}

/// A result with this sequence number for a package, signed.
pub(crate) fn signed_result(
    isdr: &Isdr,
    package: &PackageId,
    seq_number: i64,
    euicc_result: Vec<EuiccResultData>,
) -> Result<EuiccPackageResult, Status> {
    let data = Signed::new(EuiccPackageResultDataSigned {
        eim_id: package.eim_id.clone(),
        counter_value: package.counter,
        eim_transaction_id: package.transaction_id.clone(),
        seq_number,
        euicc_result,
        extensions: Default::default(),
    });
    Ok(EuiccPackageResult::Signed(EuiccPackageResultSigned {
        euicc_sign_epr: sign(isdr, &package.eim_id, data.as_bytes())?,
        euicc_package_result_data_signed: data,
        extensions: Default::default(),
    }))
}

/// Keeps a result until it is delivered; it has the next sequence number.
pub(crate) fn store(isdr: &mut Isdr, result: &EuiccPackageResult) {
    let entry = Entry::PackageResult(result.clone());
    isdr.state.notifications.push(entry);
}

fn signed_error(
    isdr: &Isdr,
    package: &Received,
    code: EuiccPackageErrorCode,
) -> Result<EuiccPackageResult, Status> {
    let data = Signed::new(EuiccPackageErrorDataSigned {
        eim_id: package.eim_id.clone(),
        counter_value: package.counter,
        eim_transaction_id: package.transaction_id.clone(),
        euicc_package_error_code: code,
        extensions: Default::default(),
    });
    Ok(EuiccPackageResult::ErrorSigned(EuiccPackageErrorSigned {
        euicc_sign_epe: sign(isdr, &package.eim_id, data.as_bytes())?,
        euicc_package_error_data_signed: data,
        extensions: Default::default(),
    }))
}

/// euiccSignEPR or euiccSignEPE: over the data and the eIM's token, under the
/// CI that the eIM was associated with (SGP.32 2.11.1.1.1).
fn sign(isdr: &Isdr, eim_id: &EimId, data: &[u8]) -> Result<Vec<u8>, Status> {
    let eim = isdr.state.eim(eim_id.as_str());
    let token = association_token_object(eim.and_then(|eim| eim.token()));
    let ci = eim.and_then(|eim| eim.data.euicc_ci_pk_id.as_ref());
    isdr.signers.chosen(ci).sign(&[data, &token])
}

/// For a package that proves nothing: whatever of it can be read.
fn unsigned_error(isdr: &Isdr, command: &[u8]) -> EuiccPackageResult {
    let (eim_id, eim_transaction_id) = identity(command);
    let eim = isdr.state.eim(&eim_id);
    EuiccPackageResult::ErrorUnsigned(EuiccPackageErrorUnsigned {
        association_token: eim.and_then(|eim| eim.token()),
        eim_id,
        eim_transaction_id,
        euicc_package_unsigned_error_code: None,
        extensions: Default::default(),
    })
}

//! What a download trigger says of where to download from (SGP.32 2.11.1.3).

use alloc::string::String;

use rsp_asn1::sgp32::{ContactSmds, ProfileDownloadData};
use rsp_asn1::{Extensions, Null};

use super::super::{EuiccRecord, Operation, OperationKind};
use crate::binding::es11::EventEntry;

/// The data for an IPA; none for one that leaves an activation code to the eIM.
///
/// # Errors
/// Why there can be none.
pub(super) fn download_data(
    record: &EuiccRecord,
    download: &Operation,
) -> Result<Option<ProfileDownloadData>, &'static str> {
    if let Some(event) = &download.event {
        return at_event(event).map(Some);
    }
    Ok(Some(match &download.kind {
        OperationKind::Download { activation_code } => {
            let features = record.facts.ipa_features();
            // An IPA that could use the code itself may prefer to.
            if features.indirect && features.eim_download_data && !features.direct {
                return Ok(None);
            }
            from_code(activation_code)?
        }
        OperationKind::ContactDefaultSmdp => ProfileDownloadData::ContactDefaultSmdp(Null),
        OperationKind::ContactSmds { smds_address } => {
            ProfileDownloadData::ContactSmds(ContactSmds {
                smds_address: smds_address.clone(),
                extensions: Extensions::default(),
            })
        }
        _ => return Err("the operation is no download"),
    }))
}

/// The data for the server to which an event leads: its EventID is the
/// MatchingID there (SGP.22 3.6.2).
///
/// # Errors
/// If the event makes no activation code.
pub(in crate::eim) fn at_event(event: &EventEntry) -> Result<ProfileDownloadData, &'static str> {
    from_code(&activation_code(event))
}

/// The activation code that an event stands for.
pub(in crate::eim) fn activation_code(event: &EventEntry) -> String {
    alloc::format!("LPA:1${}${}", event.rsp_server_address, event.event_id)
}

fn from_code(code: &str) -> Result<ProfileDownloadData, &'static str> {
    let code = code.try_into();
    let code = code.map_err(|_| "the activation code is longer than 255 characters")?;
    Ok(ProfileDownloadData::ActivationCode(code))
}

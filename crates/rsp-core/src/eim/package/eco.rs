//! Operations as eCOs (SGP.32 2.11.1.1.2).

use rsp_asn1::sgp32::{DeleteEim, Eco};
use rsp_asn1::{DecodeError, Extensions};

use super::super::OperationKind;
use super::configuration::decoded;
use super::psmo::nothing;

/// The eCO, if it is one.
///
/// # Errors
/// If what is stored as configuration is none.
pub(super) fn eco(kind: &OperationKind) -> Result<Option<Eco>, DecodeError> {
    Ok(Some(match kind {
        OperationKind::AddEim { configuration } => Eco::AddEim(decoded(configuration)?),
        OperationKind::UpdateEim { configuration } => Eco::UpdateEim(decoded(configuration)?),
        OperationKind::DeleteEim { eim_id } => Eco::DeleteEim(DeleteEim {
            eim_id: eim_id.clone(),
            extensions: Extensions::default(),
        }),
        OperationKind::ListEim => Eco::ListEim(nothing()),
        _ => return Ok(None),
    }))
}

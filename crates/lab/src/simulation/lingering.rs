//! For how many contacts of its device an outcome stays unknown.

use std::collections::BTreeMap;

use rsp_core::eim::{OperationId, OperationState};

use super::Simulation;
use crate::world::WorldError;

/// What is unknown of one device, and since how many contacts.
#[derive(Debug, Default)]
pub(super) struct Lingering {
    unknown: BTreeMap<OperationId, usize>,
    /// The most contacts for which one was unknown.
    pub(super) longest: usize,
    /// Operations that were unknown at the end of a contact.
    pub(super) ever: usize,
}

impl Simulation {
    /// A contact of the device is over.
    pub(super) fn count_unknown(&mut self, device: usize) -> Result<(), WorldError> {
        let Some(subject) = self.subjects.get_mut(device) else {
            return Ok(());
        };
        let mut open = self.backend.eim.store().open_operations(subject.eid)?;
        open.retain(|operation| matches!(operation.state, OperationState::OutcomeUnknown { .. }));
        let Lingering {
            unknown,
            longest,
            ever,
        } = &mut subject.lingering;
        unknown.retain(|id, _| open.iter().any(|operation| operation.id == *id));
        for operation in open {
            let contacts = unknown.entry(operation.id).or_default();
            *ever += usize::from(*contacts == 0);
            *contacts += 1;
            *longest = (*longest).max(*contacts);
        }
        Ok(())
    }
}

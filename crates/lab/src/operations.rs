//! What is ordered at the eIM of a world.

use rsp_core::eim::{ListedProfile, Operation, OperationId, OperationKind, Outcome};

use crate::world::{World, WorldError};

impl World {
    /// Queues an operation at the eIM, whatever it may do to the card.
    ///
    /// # Errors
    /// If the store fails.
    pub fn queue(&mut self, kind: OperationKind) -> Result<OperationId, WorldError> {
        let ids = self.order_list(vec![kind], true)?;
        ids.into_iter()
            .next()
            .ok_or(WorldError::Missing("operation"))
    }

    /// Orders an operation as an operator does: what could lose the card is
    /// refused.
    ///
    /// # Errors
    /// If it is refused, or the store fails.
    pub fn ask(&mut self, kind: OperationKind) -> Result<OperationId, WorldError> {
        let ids = self.order_list(vec![kind], false)?;
        ids.into_iter()
            .next()
            .ok_or(WorldError::Missing("operation"))
    }

    /// Orders operations, more than one as a list that is one package.
    ///
    /// # Errors
    /// As [`World::ask`].
    pub fn order_list(
        &mut self,
        kinds: Vec<OperationKind>,
        forced: bool,
    ) -> Result<Vec<OperationId>, WorldError> {
        let mut operations: Vec<Operation> = Vec::new();
        let many = kinds.len() > 1;
        for kind in kinds {
            self.operations += 1;
            let id = OperationId(format!("operation-{:04}", self.operations));
            let first = operations.first().map(|first| first.id.clone());
            let list = first.unwrap_or_else(|| id.clone());
            operations.push(Operation {
                ordered_with: many.then_some(list),
                forced,
                ..Operation::queued(id, self.eid, kind, self.now)
            });
        }
        self.eim.add_operations(&operations)?;
        Ok(operations
            .into_iter()
            .map(|operation| operation.id)
            .collect())
    }

    /// An operation as it stands.
    ///
    /// # Errors
    /// If there is none with this identifier, or the store fails.
    pub fn operation(&self, id: &OperationId) -> Result<Operation, WorldError> {
        let operation = self.eim.store().operation(id)?;
        operation.ok_or(WorldError::Missing("operation"))
    }

    /// The profiles as the eIM gets them, signed by the eUICC, in one round.
    ///
    /// # Errors
    /// If none are listed, or the world fails.
    pub fn listed_profiles(&mut self) -> Result<Vec<ListedProfile>, WorldError> {
        let list = self.queue(OperationKind::ListProfileInfo)?;
        self.round()?;
        match self.operation(&list)?.state.outcome() {
            Some(Outcome::Profiles { profiles }) => Ok(profiles.clone()),
            _ => Err(WorldError::Missing("list of profiles")),
        }
    }
}

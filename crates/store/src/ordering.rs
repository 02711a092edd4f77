//! Operations as operators order them, take them back, and let them expire.

use rsp_core::Timestamp;
use rsp_core::eim::{EuiccRecord, Note, Operation, OperationId};

use crate::contract::StoreError;
use crate::eim::EimHost;

impl EimHost {
    /// Queues an operation.
    ///
    /// # Errors
    /// As [`EimHost::add_operations`].
    pub fn add_operation(&self, operation: &Operation) -> Result<(), StoreError> {
        self.add_operations(std::slice::from_ref(operation))
    }

    /// Queues operations on one eUICC, all of them or none.
    ///
    /// # Errors
    /// [`StoreError::Unsafe`] if one could leave the eUICC without a profile or
    /// eIM, and is not forced; as [`Store::add_operations`].
    pub fn add_operations(&self, operations: &[Operation]) -> Result<(), StoreError> {
        let Some(first) = operations.first() else {
            return Ok(());
        };
        if let Some(found) = self.store.euicc(first.eid)? {
            let open = self.store.open_operations(first.eid)?;
            self.eim().check_order(&found.value, &open, operations)?;
            self.store.add_operations(operations)?;
            self.note_forced(&found.value, &open, operations);
        } else {
            self.store.add_operations(operations)?;
        }
        self.index.busy(first.eid);
        Ok(())
    }

    /// What was forced, and would not have been accepted otherwise.
    fn note_forced(&self, record: &EuiccRecord, open: &[Operation], operations: &[Operation]) {
        let Some(observer) = &self.observer else {
            return;
        };
        for operation in operations.iter().filter(|operation| operation.forced) {
            let asked = Operation {
                forced: false,
                ..operation.clone()
            };
            if let Err(because) = self.eim().check_order(record, open, &[asked]) {
                let note = Note::Forced {
                    operation: operation.id.clone(),
                    kind: operation.kind.name(),
                    because,
                };
                observer(Some(record.eid), &note);
            }
        }
    }

    /// Takes an operation back of which nothing was sent, and those that it was
    /// ordered with; `None` if it is too late.
    ///
    /// # Errors
    /// [`StoreError::Unknown`] if there is no such operation, or if the store
    /// fails.
    pub fn cancel(
        &self,
        id: &OperationId,
        now: Timestamp,
    ) -> Result<Option<Operation>, StoreError> {
        let operation = self.store.operation(id)?;
        let operation =
            operation.ok_or(StoreError::Unknown("an operation with this identifier"))?;
        let mut cancelled = None;
        self.change_record(operation.eid, now, |record| {
            let current = self.store.operation(id)?;
            cancelled = current.and_then(|current| current.cancelled(now));
            let mut changed: Vec<Operation> = cancelled.clone().into_iter().collect();
            if let Some(cancelled) = &cancelled {
                let open = self.store.open_operations(operation.eid)?;
                let list = open
                    .iter()
                    .filter(|open| open.id != cancelled.id && open.is_ordered_with(cancelled));
                changed.extend(list.filter_map(|open| open.cancelled(now)));
            }
            Ok((record, changed))
        })?;
        Ok(cancelled)
    }

    /// Ends operations that wait and are not valid any more, of so many eUICCs at
    /// most; gives of how many. Polls do it, too: this is for devices that are away.
    ///
    /// # Errors
    /// If the store fails: the next call finds them again.
    pub fn expire(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let eids = self.store.expired(now, limit)?;
        for eid in &eids {
            let expired = self.change_record(*eid, now, |record| {
                let open = self.store.open_operations(*eid)?;
                let expired = open.iter().filter_map(|open| open.expired(now));
                Ok((record, expired.collect()))
            });
            match expired {
                // It was forgotten meanwhile.
                Err(StoreError::Unknown(_)) => {}
                expired => expired?,
            }
        }
        Ok(eids.len())
    }
}

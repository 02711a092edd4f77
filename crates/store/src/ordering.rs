//! Operations as operators order them, take them back, and let them expire.

use fleet::inventory::DeviceId;
use fleet::ledger::Pool;
use fleet::operations::{Finding, Radio, Verdict, preflight};
use rsp_asn1::ids::Eid;
use rsp_core::eim::{
    CodeRef, ConfirmationCode, Estimate, EuiccRecord, Note, Operation, OperationId, OperationKind,
    Validity,
};
use rsp_core::{Context, Timestamp};

use crate::contract::StoreError;
use crate::eim::EimHost;
use crate::ledger_contract::NewCode;

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

    /// Looks at what speaks against a download from a pool, of which so many codes are
    /// available, if that is asked.
    ///
    /// # Errors
    /// If the store fails.
    pub fn preflight(
        &self,
        record: &EuiccRecord,
        pool: &Pool,
        available: Option<u64>,
    ) -> Result<Vec<Finding>, StoreError> {
        let device = self.store.device_named(&DeviceId::from(record.eid))?;
        let radio = device.map(|found| Radio::from(&found.device));
        let radio = radio.unwrap_or_default();
        Ok(preflight(record, &radio, &pool.needs, available))
    }

    /// Orders the download of a profile of a pool: looks first at what speaks against
    /// it, then leases a code and queues the download, both or neither.
    ///
    /// # Errors
    /// [`StoreError::Unknown`] if pool or eUICC are not known; as
    /// [`EimHost::add_operations`].
    pub fn order_from_pool(
        &self,
        wanted: &FromPool<'_>,
        cx: &mut Context<'_>,
    ) -> Result<Ordered, StoreError> {
        let pool = self.store.pool(wanted.pool)?;
        let pool = pool.ok_or(StoreError::Unknown("a pool of this name"))?;
        let found = self.store.euicc(wanted.eid)?;
        let found = found.ok_or(StoreError::Unknown("an eUICC with this EID"))?;
        let findings = self.preflight(&found.value, &pool, None)?;
        let refused = |finding: &Finding| finding.verdict == Verdict::Refused;
        if !wanted.forced && findings.iter().any(refused) {
            return Ok(Ordered::Refused(findings));
        }
        let id = OperationId::new(cx);
        let mut make = |_: &CodeRef, code: &NewCode| {
            let kind = OperationKind::Download {
                activation_code: code.code.clone(),
            };
            Operation {
                expects: code.iccid,
                forced: wanted.forced,
                estimate: wanted.estimate.clone(),
                validity: wanted.validity,
                expected_networks: pool.networks.clone(),
                confirmation_code: wanted.confirmation_code.clone(),
                ..Operation::queued(id.clone(), wanted.eid, kind, cx.now)
            }
        };
        let ordered = self.store.order_with_code(wanted.pool, &mut make)?;
        if ordered.is_some() {
            self.index.busy(wanted.eid);
        }
        Ok(match ordered {
            Some(operation) => Ordered::Queued(Box::new(operation)),
            None => Ordered::NoCode,
        })
    }
}

/// A download of whatever profile a pool has.
#[derive(Debug)]
pub struct FromPool<'a> {
    /// The pool.
    pub pool: &'a str,
    /// The eUICC.
    pub eid: Eid,
    /// How long it is worth sending.
    pub validity: Validity,
    /// The code that confirms the download.
    pub confirmation_code: Option<ConfirmationCode>,
    /// Whether it is ordered whatever speaks against it.
    pub forced: bool,
    /// What it is expected to take.
    pub estimate: Option<Estimate>,
}

impl<'a> FromPool<'a> {
    /// Of this pool, for this eUICC, and nothing else is said.
    pub fn new(pool: &'a str, eid: Eid) -> Self {
        FromPool {
            pool,
            eid,
            validity: Validity::default(),
            confirmation_code: None,
            forced: false,
            estimate: None,
        }
    }
}

/// What came of an order from a pool.
#[derive(Debug)]
pub enum Ordered {
    /// It waits for the device.
    Queued(Box<Operation>),
    /// It would fail; nothing was spent.
    Refused(Vec<Finding>),
    /// No code is left.
    NoCode,
}

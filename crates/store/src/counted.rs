//! Octets that messages took, counted for the operations that they were about, in the
//! transaction of what they led to ([`rsp_core::eim::Traffic`]).

use rsp_asn1::ids::Eid;
use rsp_core::Timestamp;
use rsp_core::eim::{About, Carried, Exchange, Operation, OperationId, Step};

use crate::contract::{EuiccChange, StoreError};
use crate::eim::{EimHost, EimReply};

/// What is known of a message beside itself.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Came {
    /// The eUICC that it is from.
    pub(crate) from: Option<Eid>,
    /// How it came; nothing is counted otherwise.
    pub(crate) carried: Option<Carried>,
}

/// How the exchange of one message is counted.
pub(crate) struct Counting<'a, R> {
    carried: Carried,
    about: About<'a>,
    reply: fn(&R) -> EimReply,
}

impl Came {
    /// By what the reply is as a message.
    pub(crate) fn counting<'a, R>(
        &self,
        about: About<'a>,
        reply: fn(&R) -> EimReply,
    ) -> Option<Counting<'a, R>> {
        Some(Counting {
            carried: self.carried?,
            about,
            reply,
        })
    }
}

impl<R> Counting<'_, R> {
    /// Counts it for the operations of a step.
    pub(crate) fn count(&self, step: &mut Step<R>, open: &[Operation], now: Timestamp) {
        let exchange = |reply: &R| exchange(&self.carried, &(self.reply)(reply));
        step.count(open, self.about, exchange, now);
    }
}

/// A message with its reply.
pub(crate) fn exchange(carried: &Carried, reply: &EimReply) -> Exchange {
    match reply {
        EimReply::Message(message) if carried.brought => carried.brought(message),
        reply => carried.answered(reply.encode(carried.binding).body.len() as u64),
    }
}

impl EimHost {
    /// Counts an exchange of a relayed download that led to nothing else: a repetition,
    /// or a refusal. It was moved all the same.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) fn count_alone(
        &self,
        (eid, download): (Eid, &OperationId),
        exchange: &Exchange,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        loop {
            let (record, operation) = (self.store.euicc(eid)?, self.store.operation(download)?);
            let (Some(record), Some(operation)) = (record, operation) else {
                return Ok(());
            };
            let counted = operation.relayed_by(&record.value, exchange, now);
            let committed = self.store.commit_euicc(&EuiccChange {
                record: &record.value,
                version: record.version,
                operations: &[counted],
                evidence: &[],
                now,
            });
            match committed {
                Err(StoreError::Conflict) => {}
                other => return other,
            }
        }
    }
}

//! What servers know of each other at the door.

mod allowance;
mod requests;

use fleet::access::Exceeded;
use rsp_core::Timestamp;

pub(super) use requests::begun;

use super::SqlStore;
use crate::claim::{Claim, RequestKey};
use crate::contract::StoreError;
use crate::door_contract::{Claimed, DoorStore, KeptAnswer, TouchRates};
use crate::engine::Engine;

impl<E: Engine> DoorStore for SqlStore<E> {
    fn claim(
        &self,
        key: &RequestKey,
        request: &[u8; 32],
        now: Timestamp,
    ) -> Result<Claimed, StoreError> {
        self.transact(|tx| requests::claim(tx, key, request, now))
    }

    fn hold(&self, claim: &Claim, now: Timestamp) -> Result<(), StoreError> {
        self.transact(|tx| requests::hold(tx, claim, now))
    }

    fn keep_answer(
        &self,
        claim: &Claim,
        request: &[u8; 32],
        answer: &KeptAnswer,
    ) -> Result<(), StoreError> {
        self.transact(|tx| requests::keep(tx, claim, request, answer))
    }

    fn give_up(&self, claim: &Claim) -> Result<(), StoreError> {
        self.transact(|tx| requests::give_up(tx, claim))
    }

    fn touch_devices(
        &self,
        principal: &str,
        count: u32,
        rates: TouchRates,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        // Who comes at the same time waits for the row, and need not begin anew.
        let touched = self.take(|tx| allowance::touch(tx, principal, count, rates, now));
        if let Err(StoreError::Exceeded(Exceeded::Later(_))) = touched {
            self.take(|tx| allowance::bring_near(tx, principal, rates, now))?;
        }
        touched
    }

    fn forget_at_door(&self, now: Timestamp) -> Result<(), StoreError> {
        self.transact(|tx| requests::forget(tx, now))?;
        self.take(|tx| allowance::forget(tx, now))
    }
}

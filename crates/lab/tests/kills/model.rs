//! The reference: what the world must come to, however it was interrupted. It
//! knows no messages, signatures or sessions.

use std::collections::BTreeMap;

use lab::{World, inspect};
use rsp_asn1::ids::Iccid;
use rsp_core::eim::OperationId;
use rsp_core::smdp::OrderState;

/// What can be seen when everything has come to rest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    /// On the card, and whether enabled.
    pub(crate) profiles: BTreeMap<Iccid, bool>,
    /// At the SM-DP+.
    orders: BTreeMap<Iccid, OrderState>,
    /// At the eIM, in the order in which they were asked for.
    operations: Vec<&'static str>,
    /// Enabled, disabled and deleted, as the SM-DP+ heard of it.
    notifications: usize,
    /// Left on the card.
    waiting: usize,
}

impl State {
    fn done(&mut self, notifications: usize) {
        self.operations.push("confirmed");
        self.notifications += notifications;
    }

    pub(crate) fn download(&mut self, iccid: Iccid) {
        self.profiles.insert(iccid, false);
        self.orders.insert(iccid, OrderState::Installed);
        self.done(0);
    }

    pub(crate) fn enable(&mut self, iccid: Iccid) {
        let others = self.profiles.values_mut().filter(|enabled| **enabled);
        let disabled = others.map(|enabled| *enabled = false).count();
        self.profiles.insert(iccid, true);
        self.done(disabled + 1);
    }

    pub(crate) fn delete(&mut self, iccid: Iccid) {
        self.profiles.remove(&iccid);
        self.done(1);
    }

    /// Nobody heard what became of the operation asked for last.
    pub(crate) fn last_is_unknown(&mut self) {
        self.operations.pop();
        self.operations.push("outcome_unknown");
    }

    pub(crate) fn ordered(&self) -> Vec<Iccid> {
        self.orders.keys().copied().collect()
    }

    /// The same of a world.
    pub(crate) fn of(world: &mut World, operations: &[OperationId], ordered: &[Iccid]) -> Self {
        let profiles = inspect::profiles(&mut world.card, &mut world.rng).unwrap();
        let order = |iccid: &Iccid| {
            let order = world.smdp.store().order(*iccid).unwrap();
            (*iccid, order.unwrap().value.state)
        };
        let state = |id| world.operation(id).unwrap().state_name();
        let heard = world.smdp.store().smdp_notifications(world.eid).unwrap();
        State {
            profiles: profiles.into_iter().collect(),
            orders: ordered.iter().map(order).collect(),
            operations: operations.iter().map(state).collect(),
            notifications: heard.len(),
            waiting: inspect::waiting(&mut world.card, &mut world.rng).unwrap(),
        }
    }
}

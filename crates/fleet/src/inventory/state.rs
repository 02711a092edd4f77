//! What a SIM is used for, and what a device is worth.

use super::names::named;

named! {
    /// The service state of a SIM, as its operator's books have it. It says nothing
    /// of which profile is enabled on an eUICC.
    ServiceState, "service state";
    /// In a drawer, not used yet.
    Inventory = "inventory",
    /// Tried out; not billed as in service.
    Test = "test",
    /// In service.
    Active = "active",
    /// Ready to take over.
    Standby = "standby",
    /// Barred for a while.
    Suspended = "suspended",
    /// Never used again.
    Retired = "retired",
}

named! {
    /// How much hangs on a device.
    Tier, "tier";
    /// People may be hurt if it is unreachable.
    SafetyCritical = "safety_critical",
    /// A process stands still.
    ProductionCritical = "production_critical",
    /// It can wait.
    NonCritical = "non_critical",
}

/// A change of a service state that is not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a SIM that is {from} does not become {to}: from there, {}", onwards(*from))]
pub struct BadTransition {
    /// What it is.
    pub from: ServiceState,
    /// What it was to become.
    pub to: ServiceState,
}

fn onwards(from: ServiceState) -> String {
    match from.next() {
        [] => "nothing follows".to_string(),
        next => next
            .iter()
            .map(|state| state.name())
            .collect::<Vec<_>>()
            .join(" or "),
    }
}

impl ServiceState {
    /// What may follow. What was in service does not go back into the drawer, and
    /// what is retired stays it: its identities may be somebody else's by then.
    pub const fn next(self) -> &'static [ServiceState] {
        use ServiceState::{Active, Inventory, Retired, Standby, Suspended, Test};
        match self {
            Inventory => &[Test, Active, Standby, Retired],
            Test => &[Inventory, Active, Standby, Retired],
            Active => &[Standby, Suspended, Retired],
            Standby => &[Active, Suspended, Retired],
            Suspended => &[Active, Standby, Retired],
            Retired => &[],
        }
    }

    /// Whether it may become `to`; it may stay what it is.
    ///
    /// # Errors
    /// If it may not.
    pub fn become_state(self, to: ServiceState) -> Result<ServiceState, BadTransition> {
        match self == to || self.next().contains(&to) {
            true => Ok(to),
            false => Err(BadTransition { from: self, to }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_can_be_retired_and_nothing_leaves_that() {
        for from in ServiceState::ALL {
            assert!(from.become_state(ServiceState::Retired).is_ok());
            assert!(from.become_state(*from).is_ok());
            let back = ServiceState::Retired.become_state(*from);
            assert_eq!(back.is_ok(), *from == ServiceState::Retired);
        }
        let bad = ServiceState::Active.become_state(ServiceState::Inventory);
        assert_eq!(
            bad.unwrap_err().to_string(),
            "a SIM that is active does not become inventory: from there, \
             standby or suspended or retired"
        );
    }

    #[test]
    fn names_are_read_in_any_case() {
        assert_eq!("Active".parse(), Ok(ServiceState::Active));
        let error = "life_critical".parse::<Tier>().unwrap_err().to_string();
        assert!(error.contains("safety_critical"), "{error}");
    }
}

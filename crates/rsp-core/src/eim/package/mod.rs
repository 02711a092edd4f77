//! eUICC Packages (SGP.32 2.11.1.1): which operations go into one, and how it
//! is made.

mod configuration;
mod eco;
mod make;
mod psmo;
mod rules;
mod trigger;

use alloc::vec::Vec;

use super::{Operation, OperationState};
use crate::Timestamp;

pub use configuration::{ConfigurationError, read_configuration};
pub use rules::{PackageRule, PackageRules};
pub(super) use trigger::{activation_code, at_event};

/// The first operation that waits, and those that travel with it: what it was
/// ordered with, and what waits behind it as far as one package may hold it.
/// The order stays, and nothing overtakes what was refused for now.
pub(super) fn next(open: &[Operation], now: Timestamp) -> Vec<&Operation> {
    let queued = |operation: &&Operation| operation.state == OperationState::Queued;
    let mut waiting = open.iter().filter(queued).peekable();
    let mut package: Vec<&Operation> = Vec::new();
    let mut rules = PackageRules::default();
    while let Some(first) = waiting.next().filter(|first| !first.pauses(now)) {
        let mut list = alloc::vec![first];
        while let Some(next) = waiting.next_if(|next| next.is_ordered_with(first)) {
            list.push(next);
        }
        if let Some(before) = package.first() {
            // They would not end together.
            if !first.validity.ends_with(&before.validity) {
                break;
            }
            let Some(with) = rules.merged(&list) else {
                break;
            };
            rules = with;
        } else {
            for operation in &list {
                // Of a list that was accepted, the rules were asked before.
                let _ = rules.add(&operation.kind);
            }
        }
        let apart = list.iter().any(|operation| operation.separate);
        package.extend(list);
        if apart || !rules.travels_in_packages() {
            break;
        }
    }
    package
}

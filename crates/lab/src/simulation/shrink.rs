//! Makes a failure small: one device, and no more operations than it takes.

use std::fmt;

use super::checker::Contradiction;
use super::{Plan, Verdict};
use crate::world::WorldError;

/// The smallest simulation found that still fails.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// It.
    pub plan: Plan,
    /// What is wrong in it.
    pub contradictions: Vec<Contradiction>,
}

impl fmt::Display for Shrunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Plan {
            seed,
            devices,
            operations,
            only,
            ..
        } = &self.plan;
        writeln!(
            f,
            "{} contradictions; the first:",
            self.contradictions.len()
        )?;
        for contradiction in self.contradictions.iter().take(10) {
            writeln!(f, "  {contradiction}")?;
        }
        write!(
            f,
            "again: simurgh-lab simulate --seed {seed} --devices {devices} --operations {operations}"
        )?;
        match only {
            Some(only) => write!(f, " --only {only}"),
            None => Ok(()),
        }
    }
}

/// Looks for a smaller simulation that fails as well, by running it.
///
/// # Errors
/// As `run`.
pub fn shrink(
    plan: &Plan,
    failed: Verdict,
    run: &mut dyn FnMut(&Plan) -> Result<Verdict, WorldError>,
) -> Result<Shrunk, WorldError> {
    let mut smallest = Shrunk {
        plan: plan.clone(),
        contradictions: failed.contradictions,
    };
    let devices: Vec<usize> = smallest.contradictions.iter().map(|c| c.device).collect();
    for only in devices.into_iter().take(3) {
        let alone = Plan {
            only: Some(only),
            ..plan.clone()
        };
        let contradictions = run(&alone)?.contradictions;
        if !contradictions.is_empty() {
            smallest = Shrunk {
                plan: alone,
                contradictions,
            };
            break;
        }
    }
    let (mut enough, mut few) = (smallest.plan.operations, 0);
    while few + 1 < enough {
        let operations = few + (enough - few) / 2;
        let fewer = Plan {
            operations,
            ..smallest.plan.clone()
        };
        let contradictions = run(&fewer)?.contradictions;
        match contradictions.is_empty() {
            true => few = operations,
            false => {
                enough = operations;
                smallest = Shrunk {
                    plan: fewer,
                    contradictions,
                };
            }
        }
    }
    Ok(smallest)
}

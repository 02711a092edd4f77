//! What one eUICC Package may hold (SGP.32 2.11.1.1.3, 3.4.1 to 3.4.3).

use super::super::kind::Travel;
use super::super::{Operation, OperationKind};

/// Operations of one package, at most.
const MOST_ITEMS: usize = 16;

/// A list of operations that cannot be one package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PackageRule {
    /// It is no PSMO and no eCO.
    #[error("{0} is no part of an eUICC Package")]
    NotInPackages(&'static str),
    /// PSMOs and eCOs are not mixed.
    #[error("operations on profiles and operations on eIMs are not in one package")]
    Mixed,
    /// At most one enable.
    #[error("a package has at most one enable")]
    SecondEnable,
    /// At most one disable.
    #[error("a package has at most one disable")]
    SecondDisable,
    /// An enable disables the profile before it.
    #[error("a package has no disable after an enable, which disables by itself")]
    DisableAfterEnable,
    /// The list would not be true any more when it is read.
    #[error("a package has no list of profiles after a change of them")]
    ListAfterChange,
    /// More than any eUICC has to take.
    #[error("a package has at most 16 operations")]
    TooMany,
    /// Nothing to be done.
    #[error("the list is empty")]
    Empty,
}

/// What a package holds so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PackageRules {
    travel: Option<Travel>,
    items: usize,
    enable: bool,
    disable: bool,
    delete: bool,
    /// An enable from which the IPA may return: its result may take the place
    /// of all others (SGP.32 3.3.2).
    rollback: bool,
    fallback: bool,
}

impl PackageRules {
    /// Whether a list can be one package. One operation alone always can, or
    /// travels in another way.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub fn check<'a>(list: impl IntoIterator<Item = &'a OperationKind>) -> Result<(), PackageRule> {
        let mut rules = PackageRules::default();
        for kind in list {
            rules.add(kind)?;
        }
        match rules.items {
            0 => Err(PackageRule::Empty),
            _ => Ok(()),
        }
    }

    /// One more.
    pub(super) fn add(&mut self, kind: &OperationKind) -> Result<(), PackageRule> {
        let travel = kind.travel();
        let before = *self.travel.get_or_insert(travel);
        self.items += 1;
        if self.items > 1 && (travel == Travel::Alone || before == Travel::Alone) {
            return Err(PackageRule::NotInPackages(kind.name()));
        }
        if before != travel {
            return Err(PackageRule::Mixed);
        }
        if self.items > MOST_ITEMS {
            return Err(PackageRule::TooMany);
        }
        match kind {
            OperationKind::Enable { rollback, .. } => {
                if self.enable {
                    return Err(PackageRule::SecondEnable);
                }
                (self.enable, self.rollback) = (true, *rollback);
            }
            OperationKind::Disable { .. } if self.enable => {
                return Err(PackageRule::DisableAfterEnable);
            }
            OperationKind::Disable { .. } if self.disable => {
                return Err(PackageRule::SecondDisable);
            }
            OperationKind::Disable { .. } => self.disable = true,
            OperationKind::Delete { .. } => self.delete = true,
            OperationKind::SetFallbackAttribute { .. } | OperationKind::UnsetFallbackAttribute => {
                self.fallback = true;
            }
            OperationKind::ListProfileInfo | OperationKind::ListSomeProfileInfo(_)
                if self.enable || self.disable || self.delete =>
            {
                return Err(PackageRule::ListAfterChange);
            }
            _ => {}
        }
        Ok(())
    }

    /// With a list that nobody asked to be in the same package: stricter, so
    /// that what one does says nothing about the others. `None` if they go
    /// apart.
    pub(super) fn merged(mut self, list: &[&Operation]) -> Option<Self> {
        let before = self;
        for operation in list {
            if operation.separate {
                return None;
            }
            self.add(&operation.kind).ok()?;
        }
        let switches = |rules: &Self| rules.enable || rules.disable;
        let new_fallback = list.iter().any(|operation| {
            matches!(
                operation.kind,
                OperationKind::SetFallbackAttribute { .. } | OperationKind::UnsetFallbackAttribute
            )
        });
        let deletes =
            |operation: &&Operation| matches!(operation.kind, OperationKind::Delete { .. });
        let depends = self.rollback
            || self.disable
            || (switches(&before) && (new_fallback || list.iter().any(deletes)))
            || (before.fallback && self.delete)
            || (before.delete && new_fallback)
            || (before.fallback && self.enable);
        (!depends).then_some(self)
    }

    /// Whether it is a package at all.
    pub(super) fn travels_in_packages(self) -> bool {
        self.travel != Some(Travel::Alone)
    }
}

//! Tenants: a tree, in which a reseller stands above its customers.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Misplaced, Place, Residency};

/// The longest name, in characters.
const LONGEST: usize = 63;

/// How many tenants may stand above one another, the first included.
pub const DEEPEST: usize = 8;

/// The name of a tenant: 1 to 63 characters of a-z, 0-9 and -.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TenantName(String);

/// A text that cannot name a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the name of a tenant has 1 to 63 characters of a-z, 0-9 and -")]
pub struct BadTenantName;

/// Why the tree cannot become what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// There is one with this name.
    #[error("the tenant {0} exists already")]
    Exists(TenantName),
    /// There is none with this name.
    #[error("the tenant {0} is not known")]
    Unknown(TenantName),
    /// It would have more than [`DEEPEST`] above one another.
    #[error("tenants stand at most {DEEPEST} above one another")]
    TooDeep,
    /// Somebody is below it.
    #[error("the tenant {0} has tenants below it")]
    HasTenants(TenantName),
    /// The first tenant stays.
    #[error("the tenant at the top stays")]
    Top,
}

impl TenantName {
    /// It as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The tenant at the top, which is there from the beginning.
impl Default for TenantName {
    fn default() -> Self {
        TenantName("default".to_string())
    }
}

impl fmt::Display for TenantName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for TenantName {
    type Err = BadTenantName;

    fn from_str(name: &str) -> Result<Self, BadTenantName> {
        let fits = |octet: u8| matches!(octet, b'a'..=b'z' | b'0'..=b'9' | b'-');
        match (1..=LONGEST).contains(&name.len()) && name.bytes().all(fits) {
            true => Ok(TenantName(name.to_string())),
            false => Err(BadTenantName),
        }
    }
}

impl TryFrom<String> for TenantName {
    type Error = BadTenantName;

    fn try_from(name: String) -> Result<Self, BadTenantName> {
        name.parse()
    }
}

impl From<TenantName> for String {
    fn from(name: TenantName) -> String {
        name.0
    }
}

/// Who stands above whom. [`TenantName::default`] is at the top; each other
/// tenant has one above it and never gets another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenants {
    parents: BTreeMap<TenantName, Option<TenantName>>,
    /// What is said of those whose data must not rest anywhere.
    residency: BTreeMap<TenantName, Residency>,
}

impl Default for Tenants {
    fn default() -> Self {
        Tenants {
            parents: [(TenantName::default(), None)].into(),
            residency: BTreeMap::new(),
        }
    }
}

impl Tenants {
    /// The tree of tenants with the one above each, in any order.
    ///
    /// # Errors
    /// [`TreeError::Unknown`] with one that does not hang below the top.
    pub fn read(
        rows: impl IntoIterator<Item = (TenantName, TenantName)>,
    ) -> Result<Self, TreeError> {
        let mut tree = Tenants::default();
        let mut waiting: Vec<_> = rows.into_iter().collect();
        while !waiting.is_empty() {
            let before = waiting.len();
            let mut later = Vec::new();
            for (name, parent) in waiting {
                match tree.parents.contains_key(&parent) {
                    true => tree.add(name, parent)?,
                    false => later.push((name, parent)),
                }
            }
            if let Some((_, parent)) = later.first().filter(|_| later.len() == before) {
                return Err(TreeError::Unknown(parent.clone()));
            }
            waiting = later;
        }
        Ok(tree)
    }

    /// Adds one below `parent`.
    ///
    /// # Errors
    /// If there is one with this name, none above it, or too many are.
    pub fn add(&mut self, name: TenantName, parent: TenantName) -> Result<(), TreeError> {
        if self.parents.contains_key(&name) {
            return Err(TreeError::Exists(name));
        }
        if !self.parents.contains_key(&parent) {
            return Err(TreeError::Unknown(parent));
        }
        if self.upwards(&parent).count() >= DEEPEST {
            return Err(TreeError::TooDeep);
        }
        self.parents.insert(name, Some(parent));
        Ok(())
    }

    /// Removes one that has nobody below it.
    ///
    /// # Errors
    /// If it is not known, at the top, or has tenants below it.
    pub fn remove(&mut self, name: &TenantName) -> Result<(), TreeError> {
        match self.parents.get(name) {
            None => return Err(TreeError::Unknown(name.clone())),
            Some(None) => return Err(TreeError::Top),
            Some(Some(_)) => {}
        }
        if self
            .parents
            .values()
            .any(|parent| parent.as_ref() == Some(name))
        {
            return Err(TreeError::HasTenants(name.clone()));
        }
        self.parents.remove(name);
        self.residency.remove(name);
        Ok(())
    }

    /// Says where the data of a tenant and of those below it may rest, in place of what
    /// was said of this one before.
    ///
    /// # Errors
    /// [`TreeError::Unknown`] if there is no such tenant.
    pub fn restrict(&mut self, name: &TenantName, residency: Residency) -> Result<(), TreeError> {
        if !self.contains(name) {
            return Err(TreeError::Unknown(name.clone()));
        }
        match residency.countries() {
            Some(_) => self.residency.insert(name.clone(), residency),
            None => self.residency.remove(name),
        };
        Ok(())
    }

    /// Where the data of a tenant may rest: what is said of it and of all above it.
    pub fn residency(&self, name: &TenantName) -> Residency {
        let said = self
            .upwards(name)
            .filter_map(|name| self.residency.get(name));
        said.fold(Residency::default(), |all, one| all.and(one))
    }

    /// Whether the data of all tenants may rest in these places.
    ///
    /// # Errors
    /// The first tenant whose data may not, and where.
    pub fn may_rest(&self, places: &[Place]) -> Result<(), Misplaced> {
        // Those of whom nothing is said are below one of these, or may rest anywhere.
        let mut said = self.residency.iter();
        said.try_for_each(|(tenant, residency)| residency.check(tenant, places))
    }

    /// Whether there is one with this name.
    pub fn contains(&self, name: &TenantName) -> bool {
        self.parents.contains_key(name)
    }

    /// The tenant above.
    pub fn parent(&self, name: &TenantName) -> Option<&TenantName> {
        self.parents.get(name)?.as_ref()
    }

    /// Whether `lower` is below `upper`, at any distance; none is below itself.
    pub fn is_below(&self, lower: &TenantName, upper: &TenantName) -> bool {
        self.upwards(lower).skip(1).any(|name| name == upper)
    }

    /// A tenant and all below it, by name.
    pub fn subtree<'a>(&'a self, top: &'a TenantName) -> impl Iterator<Item = &'a TenantName> {
        self.parents
            .keys()
            .filter(move |name| *name == top || self.is_below(name, top))
    }

    /// A tenant, the one above it, and so on to the top; nothing for one that is
    /// not known.
    fn upwards<'a>(&'a self, name: &TenantName) -> impl Iterator<Item = &'a TenantName> {
        let first = self.parents.get_key_value(name).map(|(name, _)| name);
        std::iter::successors(first, |name| self.parent(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::testing::{Dice, name};

    #[test]
    fn names_are_plain() {
        for bad in ["", "A", "a_b", "a.b", "ä", &"a".repeat(64)] {
            assert_eq!(bad.parse::<TenantName>(), Err(BadTenantName), "{bad:?}");
        }
        assert!("a".repeat(63).parse::<TenantName>().is_ok());
    }

    #[test]
    fn a_tree_is_read_in_any_order_and_not_with_a_loop() {
        let rows = [("c", "b"), ("a", "default"), ("b", "a")];
        let rows = rows.map(|(lower, upper)| (name(lower), name(upper)));
        let tree = Tenants::read(rows).unwrap();
        assert!(tree.is_below(&name("c"), &name("a")));
        assert!(!tree.is_below(&name("a"), &name("a")));
        let ring = [("a", "b"), ("b", "a")].map(|(lower, upper)| (name(lower), name(upper)));
        assert!(matches!(Tenants::read(ring), Err(TreeError::Unknown(_))));
    }

    #[test]
    fn who_has_tenants_below_stays() {
        let mut tree = Tenants::default();
        tree.add(name("a"), name("default")).unwrap();
        tree.add(name("b"), name("a")).unwrap();
        assert_eq!(
            tree.remove(&name("a")),
            Err(TreeError::HasTenants(name("a")))
        );
        assert_eq!(tree.remove(&name("default")), Err(TreeError::Top));
        tree.remove(&name("b")).unwrap();
        tree.remove(&name("a")).unwrap();
        assert_eq!(tree, Tenants::default());
    }

    #[test]
    fn towers_end() {
        let mut tree = Tenants::default();
        let mut above = TenantName::default();
        for level in 1..DEEPEST {
            let below = name(&format!("t{level}"));
            tree.add(below.clone(), above).unwrap();
            above = below;
        }
        assert_eq!(tree.add(name("one-more"), above), Err(TreeError::TooDeep));
    }

    #[test]
    fn data_rest_where_all_above_allow_it() {
        let within =
            |codes: &[&str]| Residency::within(codes.iter().map(|one| one.parse().unwrap()));
        let mut tree = Tenants::default();
        tree.add(name("reseller"), name("default")).unwrap();
        tree.add(name("customer"), name("reseller")).unwrap();
        tree.restrict(&name("reseller"), within(&["DE", "AT"]))
            .unwrap();
        assert_eq!(tree.residency(&name("customer")), within(&["AT", "DE"]));
        tree.restrict(&name("customer"), within(&["AT", "CH"]))
            .unwrap();
        assert_eq!(tree.residency(&name("customer")), within(&["AT"]));
        assert_eq!(tree.residency(&name("default")), within(&[]));
        let database = |codes: &[&str]| Place {
            what: "the database",
            countries: codes.iter().map(|one| one.parse().unwrap()).collect(),
        };
        assert_eq!(tree.may_rest(&[database(&["AT"])]), Ok(()));
        let misplaced = tree
            .may_rest(&[database(&["AT"]), database(&["DE"])])
            .unwrap_err();
        assert_eq!(misplaced.tenant, name("customer"));
        let misplaced = tree.may_rest(&[database(&["CH"])]).unwrap_err();
        assert_eq!(misplaced.tenant, name("reseller"));
        tree.restrict(&name("customer"), within(&[])).unwrap();
        assert_eq!(tree.may_rest(&[database(&["DE"])]), Ok(()));
        tree.remove(&name("customer")).unwrap();
        tree.remove(&name("reseller")).unwrap();
        assert_eq!(tree, Tenants::default());
        let unknown = tree.restrict(&name("customer"), within(&["AT"]));
        assert_eq!(unknown, Err(TreeError::Unknown(name("customer"))));
    }

    /// In random trees: of two tenants at most one is below the other, and a
    /// subtree is what can go up to its top.
    #[test]
    fn random_trees_know_one_way() {
        for seed in 0..50 {
            let tree = Dice::new(seed).tree(30);
            let all: Vec<_> = tree.subtree(&name("default")).cloned().collect();
            assert_eq!(all.len(), 31, "seed {seed}");
            for one in &all {
                for other in &all {
                    let both = tree.is_below(one, other) && tree.is_below(other, one);
                    assert!(!both, "seed {seed}: {one} {other}");
                    let within = tree.subtree(other).any(|name| name == one);
                    let expected = one == other || tree.is_below(one, other);
                    assert_eq!(within, expected, "seed {seed}: {one} {other}");
                }
            }
        }
    }
}

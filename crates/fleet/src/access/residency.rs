//! In which countries the data of tenants may rest.

use std::collections::BTreeSet;
use std::fmt;

use crate::inventory::Country;

use super::TenantName;

/// In which countries data may rest: in some, or, without any, anywhere.
///
/// What is said of a tenant holds for those below it, too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Residency(Option<BTreeSet<Country>>);

/// Somewhere data of all tenants rest or go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// What is there, for people.
    pub what: &'static str,
    /// In which countries, all of them; nobody said it if there is none.
    pub countries: BTreeSet<Country>,
}

/// Data of a tenant would rest where they must not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("what is kept of the tenant {tenant} must rest in {residency}, and {}", said(.place))]
pub struct Misplaced {
    /// Whose data.
    pub tenant: TenantName,
    /// Where they may rest.
    pub residency: Residency,
    /// Where they would.
    pub place: Place,
}

fn said(place: &Place) -> String {
    match place.countries.is_empty() {
        true => format!("nobody said where {} is", place.what),
        false => format!("{} is in {}", place.what, listed(&place.countries)),
    }
}

fn listed(countries: &BTreeSet<Country>) -> String {
    let codes: Vec<&str> = countries.iter().map(Country::code).collect();
    codes.join(", ")
}

impl Residency {
    /// Anywhere if there are no countries.
    pub fn within(countries: impl IntoIterator<Item = Country>) -> Self {
        let countries: BTreeSet<Country> = countries.into_iter().collect();
        Residency((!countries.is_empty()).then_some(countries))
    }

    /// The countries; `None` is anywhere.
    pub fn countries(&self) -> Option<&BTreeSet<Country>> {
        self.0.as_ref()
    }

    /// What both allow. Two that have no country in common allow nothing.
    #[must_use]
    pub fn and(&self, other: &Residency) -> Residency {
        Residency(match (&self.0, &other.0) {
            (Some(one), Some(other)) => Some(one & other),
            (one, other) => one.clone().or_else(|| other.clone()),
        })
    }

    /// Whether it allows nothing that `other` does not.
    pub fn is_within(&self, other: &Residency) -> bool {
        self.and(other) == *self
    }

    /// Whether what is kept of the tenant of whom this is said may rest in these places.
    ///
    /// # Errors
    /// The first place where it may not.
    pub fn check(&self, tenant: &TenantName, places: &[Place]) -> Result<(), Misplaced> {
        match places.iter().find(|place| !self.allows(place)) {
            None => Ok(()),
            Some(place) => Err(Misplaced {
                tenant: tenant.clone(),
                residency: self.clone(),
                place: place.clone(),
            }),
        }
    }

    /// Whether data may rest in all of these countries. Nobody knows of a place without
    /// any where it is: it is allowed to those alone that may rest anywhere.
    fn allows(&self, place: &Place) -> bool {
        self.0
            .as_ref()
            .is_none_or(|allowed| !place.countries.is_empty() && place.countries.is_subset(allowed))
    }
}

impl fmt::Display for Residency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            None => f.pad("any country"),
            Some(none) if none.is_empty() => f.pad("no country at all"),
            Some(countries) => f.pad(&listed(countries)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::testing::name;

    fn countries(codes: &[&str]) -> BTreeSet<Country> {
        codes.iter().map(|code| code.parse().unwrap()).collect()
    }

    fn within(codes: &[&str]) -> Residency {
        Residency::within(countries(codes))
    }

    fn place(codes: &[&str]) -> Place {
        let countries = countries(codes);
        Place {
            what: "the database",
            countries,
        }
    }

    #[test]
    fn a_place_has_to_be_known_and_wholly_within() {
        let anywhere = Residency::default();
        assert_eq!(within(&[]), anywhere);
        assert!(anywhere.allows(&place(&[])) && anywhere.allows(&place(&["US"])));
        let some = within(&["DE", "AT"]);
        assert!(some.allows(&place(&["AT"])) && some.allows(&place(&["AT", "DE"])));
        assert!(!some.allows(&place(&[])));
        assert!(!some.allows(&place(&["AT", "CH"])));
    }

    #[test]
    fn what_is_above_holds_below() {
        let (both, one) = (within(&["DE", "AT"]), within(&["AT"]));
        assert_eq!(both.and(&one), one);
        assert_eq!(Residency::default().and(&one), one);
        assert_eq!(one.and(&Residency::default()), one);
        assert!(one.is_within(&both) && !both.is_within(&one));
        assert!(one.is_within(&Residency::default()) && !Residency::default().is_within(&one));
        // Not anywhere: nowhere.
        let nowhere = one.and(&within(&["FR"]));
        assert_eq!(nowhere.to_string(), "no country at all");
        assert!(!nowhere.allows(&place(&["AT"])));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let misplaced = |codes: &[&str]| Misplaced {
            tenant: name("acme"),
            residency: within(&["de", "AT"]),
            place: place(codes),
        };
        assert_eq!(
            misplaced(&["US"]).to_string(),
            "what is kept of the tenant acme must rest in AT, DE, and the database is in US"
        );
        let unsaid = misplaced(&[]).to_string();
        assert!(
            unsaid.ends_with("nobody said where the database is"),
            "{unsaid}"
        );
    }
}

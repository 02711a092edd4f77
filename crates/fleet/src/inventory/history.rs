//! What became of the profiles of an eUICC, from one list to the next.

use std::collections::BTreeMap;

use rsp_asn1::ids::Iccid;

use super::names::named;
use super::sim::ProfileState;

named! {
    /// What happened to a profile.
    ProfileEvent, "event of a profile";
    /// It was there and not used when it was first seen, or was disabled.
    Disabled = "disabled",
    /// It was there and used when it was first seen, or was enabled.
    Enabled = "enabled",
    /// It is not there any more.
    Deleted = "deleted",
}

/// The events between what was known of an eUICC's profiles and what it has now,
/// in the order of their ICCIDs. A profile that was deleted before and is there
/// again is an event again.
pub fn changes(
    known: &BTreeMap<Iccid, ProfileEvent>,
    now: &BTreeMap<Iccid, ProfileState>,
) -> Vec<(Iccid, ProfileEvent)> {
    let mut changes = Vec::new();
    for (iccid, state) in now {
        let event = match state {
            ProfileState::Enabled => ProfileEvent::Enabled,
            ProfileState::Disabled => ProfileEvent::Disabled,
        };
        if known.get(iccid) != Some(&event) {
            changes.push((*iccid, event));
        }
    }
    let gone = known
        .iter()
        .filter(|(iccid, event)| **event != ProfileEvent::Deleted && !now.contains_key(*iccid));
    changes.extend(gone.map(|(iccid, _)| (*iccid, ProfileEvent::Deleted)));
    changes.sort_by_key(|(iccid, _)| *iccid);
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn iccid(last: u8) -> Iccid {
        format!("8949000000000000000{last}").parse().unwrap()
    }

    #[test]
    fn from_one_list_to_the_next() {
        use ProfileEvent::{Deleted, Disabled, Enabled};
        let known = BTreeMap::from([
            (iccid(1), Enabled),
            (iccid(2), Disabled),
            (iccid(3), Deleted),
        ]);
        let now = BTreeMap::from([
            (iccid(1), ProfileState::Disabled),
            (iccid(4), ProfileState::Enabled),
        ]);
        let expected = [
            (iccid(1), Disabled),
            (iccid(2), Deleted),
            (iccid(4), Enabled),
        ];
        assert_eq!(changes(&known, &now), expected);
        let again = BTreeMap::from([(iccid(1), Disabled), (iccid(4), Enabled)]);
        assert_eq!(changes(&again, &now), []);
    }
}

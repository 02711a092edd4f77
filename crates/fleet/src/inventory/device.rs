//! A device and what it is made of.

use std::collections::BTreeSet;

use rsp_asn1::ids::Eid;
use serde::{Deserialize, Serialize};

use super::identity::Identity;
use super::sim::{Modem, Sim, SimKind};
use super::state::Tier;
use super::{Country, DeviceId, Text};

/// Parts of one kind that a device has at most, and labels.
pub const MOST_PARTS: usize = 16;
/// Profiles of one SIM at most.
pub const MOST_PROFILES: usize = 64;
/// Tags, bands and other sets have at most so many members.
pub const MOST_LABELS: usize = 64;

/// A device in the inventory: what people and imports say of it. What the eIM
/// knows of its eUICC is beside it, by the EID.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Device {
    /// What it is called.
    pub id: DeviceId,
    /// Serial number of its maker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<Text>,
    /// Model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Text>,
    /// How much hangs on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<Tier>,
    /// Where it stands, by the operator's own name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<Text>,
    /// The country in which it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<Country>,
    /// Whoever answers for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Text>,
    /// Groups that it belongs to.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub tags: BTreeSet<Text>,
    /// How often it is expected to poll, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poll_interval: Option<u32>,
    /// Its modems.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modems: Vec<Modem>,
    /// Its SIMs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sims: Vec<Sim>,
}

/// What a device cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadDevice {
    /// More of something than a device has.
    #[error("more than {most} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there may be.
        most: usize,
    },
    /// The same identity stands in it twice.
    #[error("{0} is there twice")]
    Twice(Identity),
    /// An EID of something that is no eUICC.
    #[error("a SIM that is no eUICC has no EID")]
    EidOfSim,
    /// An association without an EID.
    #[error("an eUICC that this eIM is to manage needs its EID")]
    NoEid,
    /// Several profiles on a classic SIM.
    #[error("a SIM that is no eUICC has one subscription")]
    ProfilesOfSim,
    /// A device that is expected hardly ever.
    #[error("poll_interval is ten years at most")]
    PollInterval,
    /// A counter or token that no eUICC has.
    #[error("counter_value is from 0 to 8388606, association_token not negative")]
    Counters,
}

/// Ten years, in seconds.
const LONGEST_INTERVAL: u32 = 10 * 365 * 86_400;

/// Counter values that are left to use (SGP.32 2.11.1.1: 23 bits, the last one is
/// not for packages).
const COUNTERS: std::ops::Range<i64> = 0..8_388_607;

impl Device {
    /// One of which nothing else is known.
    pub fn new(id: DeviceId) -> Self {
        Device {
            id,
            serial: None,
            model: None,
            tier: None,
            site: None,
            country: None,
            owner: None,
            tags: BTreeSet::new(),
            poll_interval: None,
            modems: Vec::new(),
            sims: Vec::new(),
        }
    }

    /// The device around an eUICC of which nothing else is known.
    pub fn around(eid: Eid) -> Self {
        Device {
            sims: vec![Sim::euicc(eid)],
            ..Device::new(eid.into())
        }
    }

    /// The EIDs of its eUICCs.
    pub fn eids(&self) -> impl Iterator<Item = Eid> + '_ {
        self.sims.iter().filter_map(|sim| sim.eid)
    }

    /// All that is bound together in it.
    pub fn identities(&self) -> Vec<Identity> {
        let imeis = self.modems.iter().filter_map(|modem| modem.imei.clone());
        let mut identities: Vec<Identity> = imeis.map(Identity::Imei).collect();
        for sim in &self.sims {
            identities.extend(sim.eid.map(Identity::Eid));
            for profile in &sim.profiles {
                identities.push(Identity::Iccid(profile.iccid));
                identities.extend(profile.imsis.iter().cloned().map(Identity::Imsi));
            }
        }
        identities
    }

    /// The same without what is the eIM's to keep, and without modems of which
    /// nothing is known.
    #[must_use]
    pub fn kept(&self) -> Self {
        let mut kept = self.clone();
        kept.modems.retain(|modem| *modem != Modem::default());
        for sim in &mut kept.sims {
            sim.eim = None;
        }
        kept
    }

    /// Holds it against what a device can be.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self) -> Result<(), BadDevice> {
        self.check_sizes()?;
        for sim in &self.sims {
            let is_euicc = sim.kind == SimKind::Euicc;
            if !is_euicc && sim.eid.is_some() {
                return Err(BadDevice::EidOfSim);
            }
            if !is_euicc && sim.profiles.len() > 1 {
                return Err(BadDevice::ProfilesOfSim);
            }
            if let Some(eim) = &sim.eim {
                sim.eid.ok_or(BadDevice::NoEid)?;
                let token = eim.association_token.unwrap_or(0);
                if !COUNTERS.contains(&eim.counter_value) || token < 0 {
                    return Err(BadDevice::Counters);
                }
            }
        }
        let mut seen = BTreeSet::new();
        match self
            .identities()
            .into_iter()
            .find(|one| !seen.insert(one.clone()))
        {
            Some(twice) => Err(BadDevice::Twice(twice)),
            None => Ok(()),
        }
    }

    fn check_sizes(&self) -> Result<(), BadDevice> {
        let most = |what, count: usize, most| match count > most {
            true => Err(BadDevice::TooMany { what, most }),
            false => Ok(()),
        };
        if self
            .poll_interval
            .is_some_and(|seconds| seconds > LONGEST_INTERVAL)
        {
            return Err(BadDevice::PollInterval);
        }
        most("tags", self.tags.len(), MOST_LABELS)?;
        most("modems", self.modems.len(), MOST_PARTS)?;
        most("SIMs", self.sims.len(), MOST_PARTS)?;
        for modem in &self.modems {
            most("bands", modem.bands.len(), MOST_LABELS)?;
        }
        for sim in &self.sims {
            most("CI keys", sim.ci_keys.len(), MOST_LABELS)?;
            most("profiles", sim.profiles.len(), MOST_PROFILES)?;
            for profile in &sim.profiles {
                most("IMSIs", profile.imsis.len(), MOST_PARTS)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::sim::{Association, Profile};
    use super::*;

    fn device() -> Device {
        Device::around("89044045930000000000001492436014".parse().unwrap())
    }

    #[test]
    fn what_is_not_said_is_not_written() {
        let json = serde_json::to_string(&device()).unwrap();
        let expected = "{\"id\":\"89044045930000000000001492436014\",\"sims\":[{\"kind\":\
             \"euicc\",\"eid\":\"89044045930000000000001492436014\",\"state\":\"active\"}]}";
        assert_eq!(json, expected);
        assert_eq!(serde_json::from_str::<Device>(&json).unwrap(), device());
    }

    #[test]
    fn a_device_that_contradicts_itself() {
        let mut twice = device();
        twice.sims.push(twice.sims[0].clone());
        assert!(matches!(twice.check(), Err(BadDevice::Twice(_))));
        let mut sim = device();
        sim.sims[0].kind = SimKind::Sim;
        assert_eq!(sim.check(), Err(BadDevice::EidOfSim));
        sim.sims[0].eid = None;
        assert_eq!(sim.check(), Ok(()));
        let profiles = ["89490000000000000017", "89490000000000000025"];
        sim.sims[0].profiles = profiles
            .map(|iccid| Profile::new(iccid.parse().unwrap()))
            .into();
        assert_eq!(sim.check(), Err(BadDevice::ProfilesOfSim));
        let mut counter = device();
        counter.sims[0].eim = Some(Association {
            counter_value: -1,
            ..Association::default()
        });
        assert_eq!(counter.check(), Err(BadDevice::Counters));
        assert_eq!(counter.kept(), device());
        let mut modems = device();
        modems.modems = vec![Modem::default(); 17];
        assert!(matches!(
            modems.check(),
            Err(BadDevice::TooMany { most: 16, .. })
        ));
    }
}

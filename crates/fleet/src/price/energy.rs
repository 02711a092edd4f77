//! What a device's radio takes: a model of two parts, the contact with all its waiting,
//! and the octets. Where the figures come from, and how far they are from any one
//! device, is in docs/price.md; simurgh.toml has room for better ones.

use std::collections::BTreeMap;

use rsp_core::eim::Leg;
use serde::{Deserialize, Serialize};

use crate::inventory::Technology;

/// What one radio technology takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Energy {
    /// Millijoules of a contact: waking up, connecting, and what the network keeps the
    /// radio on for afterwards.
    pub contact_mj: u32,
    /// Microjoules of an octet from the device.
    pub up_uj: u32,
    /// Microjoules of an octet to the device.
    pub down_uj: u32,
}

/// What each takes: those of the model, but where somebody says otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EnergyModel {
    said: BTreeMap<Technology, Energy>,
}

impl EnergyModel {
    /// What a technology takes; `None` if nothing is known.
    pub fn of(&self, technology: Technology) -> Option<Energy> {
        let said = self.said.get(&technology).copied();
        said.or_else(|| model(technology))
    }
}

/// The model.
const fn model(technology: Technology) -> Option<Energy> {
    let (contact_mj, up_uj, down_uj) = match technology {
        Technology::Gsm => (3_200, 36, 36),
        Technology::Umts => (6_900, 7, 1),
        Technology::Lte => (12_600, 4, 1),
        Technology::LteM => (2_500, 26, 8),
        Technology::NbIot => (3_000, 280, 80),
        Technology::Nr => (18_900, 4, 1),
        Technology::RedCap => (6_300, 4, 1),
        // By satellite it depends on the satellite most of all.
        Technology::Satellite => return None,
    };
    Some(Energy {
        contact_mj,
        up_uj,
        down_uj,
    })
}

impl Energy {
    /// What a leg takes with so many octets around its bodies, in millijoules, rounded
    /// up. Half of what is around goes up.
    pub fn of(&self, leg: &Leg, around: u64) -> u64 {
        let up = leg.received.saturating_add(around / 2);
        let down = leg.sent.saturating_add(around - around / 2);
        let microjoules = up
            .saturating_mul(self.up_uj.into())
            .saturating_add(down.saturating_mul(self.down_uj.into()));
        let contacts = u64::from(leg.contacts) * u64::from(self.contact_mj);
        contacts.saturating_add(microjoules.div_ceil(1000))
    }
}

#[cfg(test)]
mod tests {
    use rsp_core::binding::Transport;

    use super::*;

    #[test]
    fn contacts_and_octets_and_what_somebody_says() {
        let leg = Leg {
            iccid: None,
            transport: Transport::Https,
            contacts: 2,
            exchanges: 3,
            received: 1_000,
            sent: 2_000,
        };
        let model = EnergyModel::default();
        let energy = model.of(Technology::NbIot).unwrap();
        assert_eq!(energy.of(&leg, 0), 6_000 + 280 + 160);
        assert_eq!(energy.of(&leg, 1), 6_000 + 280 + 161);
        assert_eq!(model.of(Technology::Satellite), None);
        let json = r#"{"satellite": {"contact_mj": 1, "up_uj": 0, "down_uj": 0}}"#;
        let said: EnergyModel = serde_json::from_str(json).unwrap();
        assert_eq!(said.of(Technology::Satellite).unwrap().of(&leg, 9), 2);
        assert_eq!(said.of(Technology::NbIot), Some(energy));
        assert!(serde_json::from_str::<EnergyModel>(r#"{"lte-m": {}}"#).is_err());
    }
}

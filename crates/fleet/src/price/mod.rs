//! The price of an operation, before and after, in octets, money and energy
//! (docs/price.md). What is not known is absent and named, and never zero.

mod amount;
mod energy;
mod overhead;
mod tariff;

use rsp_asn1::ids::Iccid;
use rsp_core::eim::{Estimate, Leg, Operation, Traffic};

pub use amount::{Amount, BadAmount};
pub use energy::{Energy, EnergyModel};
pub use overhead::{Overhead, overhead};
pub use tariff::{BadTariff, Billed, Cost, Rounded, Tariff};

use crate::inventory::{Device, Profile, ProfileState, Technology};

/// What was or will be moved for an operation, and what that costs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Price {
    /// By the profiles and transports that carry it.
    pub legs: Vec<PricedLeg>,
    /// Whether the octets of the legs are all that there are: what is missing is in
    /// [`Price::unknown`].
    pub whole: bool,
    /// What it costs beyond included volumes, an amount for each currency; absent if one
    /// part of it is unknown.
    pub money: Option<Vec<Amount>>,
    /// What the device's radio takes, in millijoules.
    pub energy: Option<u64>,
    /// Operations that shared its package, itself included; 0 if nothing was moved.
    pub together: u32,
    /// What is not known, and therefore in no number.
    pub unknown: Vec<String>,
    /// What the numbers assume.
    pub assumed: Vec<String>,
}

/// A part of a price that one profile carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PricedLeg {
    /// As it was counted or estimated.
    pub leg: Leg,
    /// The profile that carried it: as the eIM knows, or else as the inventory says.
    pub iccid: Option<Iccid>,
    /// Octets around bodies, by assumption ([`overhead`]).
    pub overhead: u64,
    /// The name of the tariff, and what it costs by that.
    pub cost: Option<(String, Cost)>,
}

impl PricedLeg {
    /// All its octets.
    pub fn octets(&self) -> u64 {
        let bodies = self.leg.received.saturating_add(self.leg.sent);
        bodies.saturating_add(self.overhead)
    }
}

impl Price {
    /// All octets, if they are known.
    pub fn octets(&self) -> Option<u64> {
        let all = self.legs.iter().map(PricedLeg::octets);
        self.whole.then(|| all.fold(0, u64::saturating_add))
    }
}

/// What is known of a device and of what it pays.
#[derive(Clone, Debug, Default)]
pub struct Setting {
    /// The device, if the inventory has one around the eUICC.
    pub device: Option<Device>,
    /// The radio technology that it said it uses, in its last sample of telemetry.
    pub in_use: Option<Technology>,
    /// Tariffs by their names.
    pub tariffs: Vec<(String, Tariff)>,
    /// What radio takes.
    pub energy: EnergyModel,
}

impl Setting {
    /// The tariffs that the price of these legs asks for, by their names.
    pub fn tariffs_of(&self, legs: &[Leg]) -> Vec<String> {
        let profiles = legs.iter().filter_map(|leg| self.carrier(leg.iccid));
        let names = profiles.filter_map(|profile| profile.tariff.as_ref());
        let mut names: Vec<String> = names.map(|name| name.as_str().to_string()).collect();
        names.sort();
        names.dedup();
        names
    }

    /// The profile that carries, as the inventory describes it. Where the eIM does not
    /// know which it is, that is the only one, or the only one that is enabled.
    fn carrier(&self, iccid: Option<Iccid>) -> Option<&Profile> {
        let sims = self.device.iter().flat_map(|device| &device.sims);
        let mut all = sims.flat_map(|sim| &sim.profiles);
        if let Some(iccid) = iccid {
            return all.find(|profile| profile.iccid == iccid);
        }
        let all: Vec<&Profile> = all.collect();
        let enabled = |profile: &&&Profile| profile.state == Some(ProfileState::Enabled);
        let mut enabled = all.iter().filter(enabled);
        match (all.as_slice(), enabled.next(), enabled.next()) {
            ([one], ..) => Some(one),
            (_, Some(one), None) => Some(one),
            _ => None,
        }
    }

    /// The technology that is used: what telemetry says, or the only one that the modems
    /// have.
    fn technology(&self) -> Result<Technology, &'static str> {
        if let Some(technology) = self.in_use {
            return Ok(technology);
        }
        let modems = self.device.iter().flat_map(|device| &device.modems);
        let mut all: Vec<Technology> = modems
            .flat_map(|modem| modem.technologies.iter().copied())
            .collect();
        all.sort();
        all.dedup();
        match all.as_slice() {
            [] => Err("energy: the inventory has no radio technology of the device"),
            [one] => Ok(*one),
            _ => Err(
                "energy: the device has several radio technologies, and no telemetry says which it uses",
            ),
        }
    }

    /// What an order is expected to cost.
    pub fn expected(&self, estimate: &Estimate) -> Price {
        let unknown = estimate
            .unknown
            .iter()
            .map(|unknown| unknown.text().to_string());
        let assumed = estimate
            .assumed
            .iter()
            .map(|assumed| assumed.text().to_string());
        let known = Price {
            together: estimate.together,
            whole: estimate.unknown.is_empty(),
            unknown: unknown.collect(),
            assumed: assumed.collect(),
            ..Price::default()
        };
        self.priced(&estimate.legs, known)
    }

    /// What an operation has cost so far; `None` if nothing of it was sent. Of a download
    /// past the eIM there is no sum: the eIM has seen a part of it.
    pub fn actual(&self, operation: &Operation) -> Option<Price> {
        let Traffic {
            legs,
            together,
            relayed,
            ..
        } = &operation.traffic;
        let mut known = Price {
            together: *together,
            whole: true,
            ..Price::default()
        };
        if operation.kind.downloads() && !relayed && operation.sent().is_none() {
            let unseen = "what the device and the SM-DP+ exchanged without the eIM is not counted";
            known.unknown.push(unseen.to_string());
            known.whole = false;
        }
        (!legs.is_empty()).then(|| self.priced(legs, known))
    }

    fn priced(&self, legs: &[Leg], mut price: Price) -> Price {
        price.legs = legs.iter().map(|leg| self.leg(leg, &mut price)).collect();
        if !price.legs.is_empty() {
            let headers = "octets around the bodies (TLS or DTLS, HTTP or CoAP, TCP or UDP, IP) are those of docs/price.md, with a new connection for each contact";
            price.assumed.push(headers.to_string());
        }
        price.money = total(&price);
        price.energy = match self
            .technology()
            .map(|technology| self.energy.of(technology))
        {
            Ok(Some(energy)) if price.whole => {
                let model = "energy is that of the model in docs/price.md, with the contact as if it was made for this alone";
                price.assumed.push(model.to_string());
                let legs = price
                    .legs
                    .iter()
                    .map(|leg| energy.of(&leg.leg, leg.overhead));
                Some(legs.fold(0, u64::saturating_add))
            }
            Ok(Some(_)) => None,
            Ok(None) => {
                let unknown = "energy: there are no figures of this radio technology";
                price.unknown.push(unknown.to_string());
                None
            }
            Err(unknown) => {
                price.unknown.push(unknown.to_string());
                None
            }
        };
        price
    }

    fn leg(&self, leg: &Leg, price: &mut Price) -> PricedLeg {
        let profile = self.carrier(leg.iccid);
        let iccid = leg.iccid.or(profile.map(|profile| profile.iccid));
        if leg.iccid.is_none()
            && let Some(iccid) = iccid
        {
            let assumed = format!("the profile {iccid} carries it, as the inventory says");
            say(&mut price.assumed, assumed);
        }
        let overhead = overhead(leg).octets();
        let mut priced = PricedLeg {
            leg: leg.clone(),
            iccid,
            overhead,
            cost: None,
        };
        let name = profile.and_then(|profile| profile.tariff.as_ref());
        let tariff = name.and_then(|name| {
            let mut tariffs = self.tariffs.iter();
            tariffs.find(|(known, _)| known == name.as_str())
        });
        let because = match (iccid, name, tariff) {
            (None, ..) => "money: it is not known which profile carries it".to_string(),
            (Some(iccid), None, _) => {
                format!("money: the inventory has no tariff of the profile {iccid}")
            }
            (_, Some(name), None) => format!("money: the tariff {} has no price", name.as_str()),
            (_, _, Some((name, tariff))) => match tariff.cost(priced.octets(), leg.contacts) {
                Some(cost) => {
                    priced.cost = Some((name.clone(), cost));
                    return priced;
                }
                None => format!("money: the tariff {name} has no price beyond its included volume"),
            },
        };
        say(&mut price.unknown, because);
        priced
    }
}

fn say(list: &mut Vec<String>, text: String) {
    if !list.contains(&text) {
        list.push(text);
    }
}

/// An amount for each currency.
fn total(price: &Price) -> Option<Vec<Amount>> {
    let mut total: Vec<Amount> = Vec::new();
    if !price.whole || price.legs.is_empty() {
        return None;
    }
    for leg in &price.legs {
        let (_, cost) = leg.cost.as_ref()?;
        match total
            .iter_mut()
            .find(|sum| sum.currency() == cost.amount.currency())
        {
            Some(sum) => *sum = sum.plus(cost.amount.micros()),
            None => total.push(cost.amount),
        }
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use rsp_core::Timestamp;
    use rsp_core::binding::Transport;
    use rsp_core::eim::{NotKnown, OperationId, OperationKind};
    use serde_json::{Value, json};

    use super::*;

    const EID: &str = "89044045930000000000001492436014";
    const HOME: &str = "89490000000000000017";
    const AWAY: &str = "89490000000000000025";

    /// A device with two profiles, the second of them by a tariff that has no price.
    fn setting(technologies: &Value, state: &Value) -> Setting {
        let device = json!({
            "id": "meter", "modems": [{"technologies": technologies}],
            "sims": [{"kind": "euicc", "eid": EID, "profiles": [
                {"iccid": HOME, "tariff": "home", "state": state},
                {"iccid": AWAY, "tariff": "away"},
            ]}],
        });
        let tariff = json!({"per_megabyte": "1 EUR"});
        Setting {
            device: Some(serde_json::from_value(device).unwrap()),
            tariffs: vec![("home".to_string(), serde_json::from_value(tariff).unwrap())],
            ..Setting::default()
        }
    }

    fn leg(iccid: Option<&str>) -> Leg {
        Leg {
            iccid: iccid.map(|iccid| iccid.parse().unwrap()),
            transport: Transport::Coaps,
            contacts: 1,
            exchanges: 2,
            received: 300,
            sent: 200,
        }
    }

    fn estimate(legs: &[Leg]) -> Estimate {
        Estimate {
            legs: legs.to_vec(),
            together: 1,
            ..Estimate::default()
        }
    }

    fn says(price: &Price, text: &str) -> bool {
        price.unknown.iter().any(|unknown| unknown.contains(text))
    }

    #[test]
    fn one_part_without_a_price_leaves_no_sum() {
        let setting = setting(&json!(["nb_iot"]), &Value::Null);
        let home = setting.expected(&estimate(&[leg(Some(HOME))]));
        let octets = 500 + 1_540 + 2 * 160;
        assert_eq!(home.octets(), Some(octets));
        let money = home.money.unwrap();
        assert_eq!((money.len(), money[0].micros()), (1, octets));
        let both = setting.expected(&estimate(&[leg(Some(HOME)), leg(Some(AWAY))]));
        assert_eq!((both.octets(), &both.money), (Some(2 * octets), &None));
        assert!(says(&both, "away has no price"), "{both:?}");
        assert!(both.energy.is_some_and(|energy| energy > 2 * 3_000));
    }

    #[test]
    fn a_part_of_unknown_size_leaves_no_sum() {
        let setting = setting(&json!(["nb_iot"]), &Value::Null);
        let price = setting.expected(&Estimate {
            unknown: vec![NotKnown::ProfilePackage],
            ..estimate(&[leg(Some(HOME))])
        });
        assert_eq!(
            (price.octets(), &price.money, price.energy),
            (None, &None, None)
        );
        assert!(says(&price, "profile package"), "{price:?}");
    }

    /// The eIM may not know which profile is enabled, and nobody which radio is used.
    #[test]
    fn what_the_inventory_says_stands_in() {
        let two = setting(&json!(["nb_iot", "lte_m"]), &Value::Null);
        let price = two.expected(&estimate(&[leg(None)]));
        assert_eq!((&price.money, price.energy), (&None, None));
        assert!(says(&price, "which profile carries it"), "{price:?}");
        assert!(says(&price, "several radio technologies"), "{price:?}");
        let known = Setting {
            in_use: Some(Technology::LteM),
            ..setting(&json!(["nb_iot", "lte_m"]), &json!("enabled"))
        };
        let price = known.expected(&estimate(&[leg(None)]));
        assert!(price.money.is_some() && price.energy.is_some(), "{price:?}");
        assert!(price.assumed.iter().any(|assumed| assumed.contains(HOME)));
        let nowhere = Setting::default().expected(&estimate(&[leg(Some(HOME))]));
        assert!(says(&nowhere, "no tariff of the profile"), "{nowhere:?}");
        assert!(says(&nowhere, "no radio technology"), "{nowhere:?}");
    }

    #[test]
    fn what_was_not_sent_has_no_price() {
        let (id, eid) = (OperationId("a".to_string()), EID.parse().unwrap());
        let mut operation = Operation::queued(id, eid, OperationKind::GetRat, Timestamp(1));
        let setting = setting(&json!(["nb_iot"]), &Value::Null);
        assert_eq!(setting.actual(&operation), None);
        operation.traffic.legs = vec![leg(Some(HOME))];
        let price = setting.actual(&operation).unwrap();
        assert_eq!(price.octets(), Some(500 + 1_540 + 2 * 160));
    }
}

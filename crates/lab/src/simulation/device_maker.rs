//! The devices of a simulation.

use euicc::Euicc;
use rsp_core::binding::esipa::EsipaBinding;
use rsp_core::eim::{EuiccRecord, IpaFeatures};
use rsp_core::ipa::{Config, Retry};

use super::dice::Dice;
use super::subject::{Made, POLL_INTERVAL, Subject};
use super::{Plan, Simulation, operator};
use crate::device::Device;
use crate::device::device_info;
use crate::factory::Bootstrap;
use crate::world::{SMDP, START, WorldError};

impl Simulation {
    /// A device with a bootstrap profile, enabled, that knows the eIM.
    pub(super) fn make_device(&self, plan: &Plan, number: usize) -> Result<Subject, WorldError> {
        let mut dice = Dice::new(plan.seed, number as u64 + 1);
        let factory = &self.backend.factory;
        let eid = factory.eid(number as u64 + 1)?;
        let identity = factory.identity(eid, dice.rng())?;
        let mut card = Euicc::new(identity.personalisation());
        let subscription = operator::subscription(number, 0, dice.rng())?;
        let bootstrap = Bootstrap {
            template: &self.template,
            subscription: &subscription,
            profile_name: "Bootstrap",
            smdp_address: SMDP,
            fallback_allowed: true,
            enabled: true,
        };
        factory.install_bootstrap(&mut card, &bootstrap)?;
        let eim = &self.backend.eim;
        let configuration = eim.eim().configuration_data(0)?;
        let token = factory.add_initial_eim(&mut card, configuration, dice.rng())?;
        eim.add_euicc(&EuiccRecord::new(eid, token, 0))?;
        let usual = Config::new(device_info(), vec![factory.ci.clone()]);
        let features = match dice.below(3) {
            0 => IpaFeatures {
                direct: false,
                indirect: true,
                ..usual.features
            },
            _ => usual.features,
        };
        let esipa_binding = match dice.below(4) {
            0 => EsipaBinding::Json,
            _ => EsipaBinding::Asn1,
        };
        let config = Config {
            features,
            esipa_binding,
            poll_interval: POLL_INTERVAL,
            retry: Retry {
                times: 2,
                ..Retry::default()
            },
            jitter_seed: number as u64,
            ..usual
        };
        Ok(Subject::new(Made {
            number,
            device: Device::new(identity, card, config.clone(), START),
            config,
            dice,
            bootstrap: subscription.iccid,
            operations: plan.operations,
        }))
    }
}

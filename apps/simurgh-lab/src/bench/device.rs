//! A device: a software eUICC and the product's IPA; the caller carries its
//! requests.

use euicc::Euicc;
use lab::{Bootstrap, Outward};
use rsp_asn1::ids::Eid;
use rsp_core::binding::{HttpRequest, HttpResponse};
use rsp_core::eim::{Eim, EuiccRecord};
use rsp_core::ipa::{Config, Event, Input, Retry, Server};
use rsp_core::profile::{self, Subscription};
use rsp_crypto::Rng;
use rsp_crypto::software::SeededRng;

use super::setting::{Randomness, SMDP, Setting, now};
use crate::Failure;

/// A device that knows one eIM.
pub(super) struct Device {
    pub(super) eid: Eid,
    device: lab::Device,
    rng: SeededRng,
}

impl Device {
    /// Makes the device with this number, and what the eIM knows of it.
    pub(super) fn make(
        setting: &Setting,
        eim: &Eim,
        number: u64,
    ) -> Result<(Self, EuiccRecord), Failure> {
        Self::make_with(setting, eim, number, None)
    }

    /// As [`Device::make`], with a bootstrap profile, enabled, as the
    /// demonstration's devices have one.
    pub(super) fn make_with(
        setting: &Setting,
        eim: &Eim,
        number: u64,
        subscription: Option<&Subscription>,
    ) -> Result<(Self, EuiccRecord), Failure> {
        let mut rng = setting.rng(Randomness::Device(number));
        let factory = &setting.factory;
        let eid = factory.eid(number)?;
        let identity = factory.identity(eid, &mut rng)?;
        let mut card = Euicc::new(identity.personalisation());
        if let Some(subscription) = subscription {
            let bootstrap = Bootstrap {
                template: &profile::template(),
                subscription,
                profile_name: "Bootstrap",
                smdp_address: SMDP,
                fallback_allowed: false,
                enabled: true,
            };
            factory.install_bootstrap(&mut card, &bootstrap)?;
        }
        let configuration = eim.configuration_data(0)?;
        let token = factory.add_initial_eim(&mut card, configuration, &mut rng)?;
        let device = Device {
            eid,
            device: lab::Device::new(identity, card, config(setting), now()),
            rng,
        };
        Ok((device, EuiccRecord::new(eid, token, 0)))
    }

    /// As [`Device::make`], with an IPA that behaves so.
    pub(super) fn with(
        setting: &Setting,
        eim: &Eim,
        config: Config,
    ) -> Result<(Self, EuiccRecord), Failure> {
        let mut rng = setting.rng(Randomness::Device(1));
        let factory = &setting.factory;
        let eid = factory.eid(1)?;
        let identity = factory.identity(eid, &mut rng)?;
        let mut card = Euicc::new(identity.personalisation());
        let configuration = eim.configuration_data(0)?;
        let token = factory.add_initial_eim(&mut card, configuration, &mut rng)?;
        let device = Device {
            eid,
            device: lab::Device::new(identity, card, config, now()),
            rng,
        };
        Ok((device, EuiccRecord::new(eid, token, 0)))
    }

    /// Lets the IPA poll until the eIM has nothing more; gives what it did.
    ///
    /// # Errors
    /// If a request cannot be carried, or the IPA did not succeed.
    pub(super) fn round(
        &mut self,
        carry: impl FnMut(&Server, HttpRequest) -> Result<HttpResponse, Failure>,
    ) -> Result<Vec<Event>, Failure> {
        round(&mut self.device, &mut self.rng, carry)
    }

    /// The device alone, without its randomness.
    pub(super) fn into_inner(self) -> lab::Device {
        self.device
    }
}

/// As [`Device::round`].
pub(super) fn round(
    device: &mut lab::Device,
    rng: &mut dyn Rng,
    mut carry: impl FnMut(&Server, HttpRequest) -> Result<HttpResponse, Failure>,
) -> Result<Vec<Event>, Failure> {
    device.wake_ipa(now());
    let mut events = Vec::new();
    loop {
        match device.next(now(), rng) {
            Outward::Event(Event::Idle) => return Ok(events),
            Outward::Event(Event::Failed { reason } | Event::DownloadFailed { reason }) => {
                return Err(reason.into());
            }
            Outward::Event(event) => events.push(event),
            Outward::Http { server, request } => {
                let response = carry(&server, request)?;
                device.handle(Input::Http(Ok(response)), now());
            }
            Outward::Wait(_) => return Err("the IPA waits in the middle of a round".into()),
        }
    }
}

/// How the IPA of every device behaves.
pub(super) fn config(setting: &Setting) -> Config {
    Config {
        retry: Retry {
            times: 0,
            ..Retry::default()
        },
        ..Config::new(lab::device_info(), vec![setting.anchor.clone()])
    }
}

//! A device: a software eUICC and the product's IPA; the caller carries its
//! requests.

use euicc::{Environment, Euicc};
use rsp_asn1::ids::Eid;
use rsp_core::binding::{HttpRequest, HttpResponse};
use rsp_core::eim::{Eim, EuiccRecord};
use rsp_core::ipa::{Action, Config, Event, Input, Ipa, Retry, Server};
use rsp_crypto::software::{SeededRng, SoftwareProvider};

use super::setting::{Randomness, Setting, now};
use crate::Failure;

/// A device that knows one eIM.
pub(super) struct Device {
    pub(super) eid: Eid,
    card: Euicc,
    ipa: Ipa,
    /// What the IPA has had saved: devices are never cut off here.
    memory: Option<Vec<u8>>,
    rng: SeededRng,
}

impl Device {
    /// Makes the device with this number, and what the eIM knows of it.
    pub(super) fn make(
        setting: &Setting,
        eim: &Eim,
        number: u64,
    ) -> Result<(Self, EuiccRecord), Failure> {
        let mut rng = setting.rng(Randomness::Device(number));
        let factory = &setting.factory;
        let eid = factory.eid(number)?;
        let mut card = factory.make_card(eid, &mut rng)?;
        let configuration = eim.configuration_data(0)?;
        let token = factory.add_initial_eim(&mut card, configuration, &mut rng)?;
        let config = Config {
            retry: Retry {
                times: 0,
                ..Retry::default()
            },
            ..Config::new(lab::device_info(), vec![setting.anchor.clone()])
        };
        let device = Device {
            eid,
            card,
            ipa: Ipa::new(config, None, now()),
            memory: None,
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
        mut carry: impl FnMut(&Server, HttpRequest) -> Result<HttpResponse, Failure>,
    ) -> Result<Vec<Event>, Failure> {
        if self.ipa.poll_timeout().is_some() {
            self.ipa.handle(Input::Wake, now());
        }
        let mut events = Vec::new();
        loop {
            while let Some(event) = self.ipa.poll_event() {
                match event {
                    Event::Idle => return Ok(events),
                    Event::Failed { reason } | Event::DownloadFailed { reason } => {
                        return Err(reason.into());
                    }
                    event => events.push(event),
                }
            }
            let input = match self.ipa.poll_action() {
                Some(Action::Apdu(command)) => {
                    let mut environment = Environment {
                        provider: &SoftwareProvider,
                        rng: &mut self.rng,
                    };
                    Input::Apdu(Ok(self.card.transmit(&command, &mut environment)))
                }
                Some(Action::Http { server, request }) => Input::Http(Ok(carry(&server, request)?)),
                Some(Action::ResetCard) => {
                    self.card.reset();
                    Input::Reset(Ok(()))
                }
                Some(Action::Persist(memory)) => {
                    self.memory = Some(memory);
                    Input::Persisted(Ok(()))
                }
                None => return Err("the IPA waits in the middle of a round".into()),
            };
            self.ipa.handle(input, now());
        }
    }
}

//! A virtual device: a software eUICC and the product's IPA. Whoever has it
//! carries its requests and says what time it is.

use std::fmt;

use euicc::{Environment, Euicc};
use rsp_asn1::Extensions;
use rsp_asn1::ids::Eid;
use rsp_asn1::rsp::{DeviceCapabilities, DeviceInfo};
use rsp_core::Timestamp;
use rsp_core::binding::HttpRequest;
use rsp_core::ipa::{Action, Config, Event, Input, Ipa, Server};
use rsp_crypto::Rng;
use rsp_crypto::software::SoftwareProvider;

use crate::identity::CardIdentity;

/// A device with power. Between two polls it can be put to rest
/// ([`Device::rest`]).
pub struct Device {
    pub(crate) identity: CardIdentity,
    pub(crate) card: Euicc,
    pub(crate) ipa: Ipa,
    /// What the IPA has had saved last.
    pub(crate) memory: Option<Vec<u8>>,
}

/// What comes from a device.
#[derive(Debug)]
pub enum Outward {
    /// What the IPA reports.
    Event(Event),
    /// A request to a server; [`Device::handle`] takes the response.
    Http {
        /// Which server.
        server: Server,
        /// What.
        request: HttpRequest,
    },
    /// Nothing, until then or until the IPA is woken; for ever if it has ended.
    Wait(Option<Timestamp>),
}

impl Device {
    /// A device that is switched on for the first time.
    pub fn new(identity: CardIdentity, card: Euicc, config: Config, now: Timestamp) -> Self {
        Device {
            identity,
            card,
            ipa: Ipa::new(config, None, now),
            memory: None,
        }
    }

    /// The EID of its card.
    pub fn eid(&self) -> Eid {
        self.identity.eid
    }

    /// In the factory: an IPA that stands in for its card takes its first eIM
    /// from this configuration, and is switched off. Gives the association token
    /// that it made.
    ///
    /// `None` if the card needs nobody to stand in for it.
    pub fn associate(
        &mut self,
        config: Config,
        now: Timestamp,
        rng: &mut dyn Rng,
    ) -> Option<Option<i64>> {
        let token = loop {
            match self.next(now, rng) {
                Outward::Event(Event::EmulatedEim {
                    association_token, ..
                }) => break association_token,
                Outward::Event(Event::Idle) | Outward::Http { .. } | Outward::Wait(_) => {
                    return None;
                }
                Outward::Event(_) => {}
            }
        };
        self.card.reset();
        self.ipa = Ipa::new(config, self.memory.clone(), now);
        Some(token)
    }

    /// Its card, for a network or somebody with a reader.
    pub fn card(&mut self) -> &mut Euicc {
        &mut self.card
    }

    /// Lets the device act until something has to be done outside of it.
    pub fn next(&mut self, now: Timestamp, rng: &mut dyn Rng) -> Outward {
        loop {
            if let Some(event) = self.ipa.poll_event() {
                return Outward::Event(event);
            }
            let input = match self.ipa.poll_action() {
                Some(Action::Apdu(command)) => {
                    let mut environment = Environment {
                        provider: &SoftwareProvider,
                        rng: &mut *rng,
                    };
                    Input::Apdu(Ok(self.card.transmit(&command, &mut environment)))
                }
                Some(Action::ResetCard) => {
                    self.card.reset();
                    Input::Reset(Ok(()))
                }
                Some(Action::Persist(memory)) => {
                    self.memory = Some(memory);
                    Input::Persisted(Ok(()))
                }
                Some(Action::Http { server, request }) => {
                    return Outward::Http { server, request };
                }
                None => return Outward::Wait(self.ipa.poll_timeout()),
            };
            self.ipa.handle(input, now);
        }
    }

    /// Hands the IPA a response or a wake-up.
    pub fn handle(&mut self, input: Input, now: Timestamp) {
        self.ipa.handle(input, now);
    }

    /// Has the IPA poll now, if it waits.
    pub fn wake_ipa(&mut self, now: Timestamp) {
        if self.ipa.poll_timeout().is_some() {
            self.ipa.handle(Input::Wake, now);
        }
    }
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Device")
            .field("eid", &self.identity.eid)
            .finish_non_exhaustive()
    }
}

/// An LTE and 5G device.
pub fn device_info() -> DeviceInfo {
    let release_15 = Some([15, 0, 0]);
    DeviceInfo {
        tac: [0x35, 0x29, 0x06, 0x11],
        device_capabilities: DeviceCapabilities {
            eutran_epc_supported_release: release_15,
            nr_epc_supported_release: release_15,
            ..DeviceCapabilities::none()
        },
        imei: None,
        extensions: Extensions::default(),
    }
}

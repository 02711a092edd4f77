//! All roles in one thread on a fake clock.
//!
//! The machines are those of the product; only what carries their messages is
//! simulated: HTTP is a function call, time stands still until everybody
//! waits, and a [`Fault`] may change what travels.

use std::collections::BTreeMap;
use std::path::Path;

use euicc::{Environment, Euicc, EuiccKind, LoadError, StoredEuicc};
use rsp_asn1::ids::{Eid, Iccid, Imsi, InvalidId};
use rsp_core::binding::{BindingError, HttpRequest, HttpResponse};
use rsp_core::binding::{es9plus, esipa};
use rsp_core::eim::EuiccRecord;
use rsp_core::ipa::{self, Action, Config, Emulation, Event, Input, Ipa, Retry};
use rsp_core::pki::{ChainError, IssueError, Issued, TrustAnchor};
use rsp_core::profile::Subscription;
use rsp_core::smdp::SetupError;
use rsp_core::{Context, Timestamp};
use rsp_crypto::software::{SeededRng, SoftwareKey, SoftwareProvider};
use rsp_crypto::{CryptoError, Curve, Rng};
use store::{EimHost, SmdpHost, SmdsHost, StoreError};

use crate::device::{Device, device_info};
use crate::factory::{Factory, FactoryError, fresh};
use crate::identity::{CardIdentity, OtherCard};
use crate::kills::{Kill, Peer};
use crate::material::Material;
use crate::network::{Algorithm, NotConfirmed, Subscriber};
use crate::rest::{Likeness, Resting, WakeError};
use crate::servers::{Place, Servers};

/// Why a world cannot be made or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(
    missing_docs,
    reason = "each variant is the error of the part it names"
)]
pub enum WorldError {
    #[error("{0}")]
    Crypto(#[from] CryptoError),
    #[error("{0}")]
    Issue(#[from] IssueError),
    #[error("{0}")]
    Chain(#[from] ChainError),
    #[error("{0}")]
    Smdp(#[from] SetupError),
    #[error("{0}")]
    Smds(#[from] rsp_core::smds::SetupError),
    #[error("{0}")]
    Store(#[from] StoreError),
    #[error("{0}")]
    Factory(#[from] FactoryError),
    #[error("{0}")]
    Binding(#[from] BindingError),
    #[error("{0}")]
    Identifier(#[from] InvalidId),
    #[error("{0}")]
    Card(#[from] OtherCard),
    #[error("the card's memory: {0}")]
    Memory(#[from] LoadError),
    #[error("{0}")]
    Wake(#[from] WakeError),
    #[error("malformed: {0}")]
    Decode(#[from] rsp_asn1::DecodeError),
    #[error("the hierarchy has no {0}")]
    Missing(&'static str),
}

/// Changes a message on its way.
pub type Change<T> = Box<dyn FnMut(&mut T)>;

/// Changes a response; the request tells which it is.
pub type ChangeResponse = Box<dyn FnMut(&HttpRequest, &mut HttpResponse)>;

/// Says which responses are lost.
pub type Lose = Box<dyn FnMut(&HttpRequest, &HttpResponse) -> bool>;

/// Changes the card's answer to a command; an error is no answer.
pub type ChangeAnswer = Box<dyn FnMut(&[u8], Vec<u8>) -> Result<Vec<u8>, String>>;

/// What may happen to messages on their way.
#[derive(Default)]
pub struct Fault {
    /// Changes a request to a server.
    pub request: Option<Change<HttpRequest>>,
    /// Changes a response of a server.
    pub response: Option<ChangeResponse>,
    /// Changes a command to the card.
    pub command: Option<Change<Vec<u8>>>,
    /// Changes an answer of the card.
    pub answer: Option<ChangeAnswer>,
    /// Loses the responses that this says yes to: the server has executed the
    /// request.
    pub lose: Option<Lose>,
    /// The IPA's memory is full: nothing can be saved.
    pub refuse_to_save: bool,
    /// The host gives every answer to the IPA twice.
    pub repeat_answers: bool,
    /// Changes a request of the eIM to an SM-DP+.
    pub relayed_request: Option<Change<HttpRequest>>,
    /// Changes an SM-DP+'s response to the eIM.
    pub relayed_response: Option<ChangeResponse>,
    /// Loses responses on their way to the eIM: the SM-DP+ has executed the
    /// request.
    pub lose_relayed: Option<Lose>,
}

impl std::fmt::Debug for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fault").finish_non_exhaustive()
    }
}

/// Carries a request to a server, which [`World::serve`] is, and gives the
/// response or why there is none.
pub type Carry =
    Box<dyn FnMut(&mut World, &ipa::Server, &HttpRequest) -> Result<HttpResponse, String>>;

/// What messages to servers travel by, in place of a function call.
pub struct Wire(pub Carry);

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Wire")
    }
}

/// One eIM, one SM-DP+ and one device.
#[derive(Debug)]
pub struct World {
    /// The time.
    pub now: Timestamp,
    /// Randomness of everybody.
    pub rng: SeededRng,
    /// The eIM.
    pub eim: EimHost,
    /// The SM-DP+.
    pub smdp: SmdpHost,
    /// Other SM-DP+s, by host name.
    pub further_smdps: BTreeMap<&'static str, SmdpHost>,
    /// SM-DSs, by host name; see [`World::add_smdss`].
    pub smdss: BTreeMap<&'static str, SmdsHost>,
    /// Where the card was made.
    pub factory: Factory,
    /// The card.
    pub card: Euicc,
    /// The IPA, started.
    pub ipa: Ipa,
    /// How the IPA behaves when it is started again.
    pub ipa_config: Config,
    /// What the IPA has had saved last.
    pub memory: Option<Vec<u8>>,
    /// The EID of the card.
    pub eid: Eid,
    /// What the IPA reported.
    pub events: Vec<Event>,
    /// What happens to messages.
    pub fault: Fault,
    /// What messages to servers travel by.
    pub wire: Option<Wire>,
    /// Who dies when.
    pub kill: Option<Kill>,
    /// Whom the IPA exchanged messages with, in order.
    pub messages: Vec<Peer>,
    /// For how many messages the killed server is away.
    pub(crate) away: usize,
    pub(crate) servers: Servers,
    /// What the card was made with.
    identity: CardIdentity,
    /// Whom the network has challenged: it goes on with their sequence numbers.
    subscribers: Vec<Subscriber>,
    /// How many operations were ordered.
    pub(crate) operations: u64,
}

/// Host names of the world.
pub(crate) const SMDP: &str = "smdp.example.com";
/// Host name of the SM-DP+ on the other curve.
pub const SMDP_BRAINPOOL: &str = "smdp.brainpool.example.com";
pub(crate) const EIM: &str = "eim.example.com";

/// 2026-01-01.
pub(crate) const START: Timestamp = Timestamp::from_secs(1_767_225_600);

impl World {
    /// A world whose randomness comes from a seed.
    ///
    /// # Errors
    /// If a part of it cannot be made.
    pub fn new(seed: u64) -> Result<Self, WorldError> {
        Self::on_curve(seed, Curve::NistP256)
    }

    /// As [`World::new`], with all certificates of remote SIM provisioning on
    /// this curve.
    ///
    /// # Errors
    /// As [`World::new`].
    pub fn on_curve(seed: u64, curve: Curve) -> Result<Self, WorldError> {
        let mut rng = SeededRng::new(seed);
        let material = Material::new(curve, &mut rng)?;
        Self::with(rng, Place::Memory, material, Vec::new())
    }

    /// As [`World::new`], with a card for consumer devices in whose place the
    /// IPA answers the eIM, which was told so.
    ///
    /// # Errors
    /// As [`World::new`].
    pub fn with_consumer_card(seed: u64) -> Result<Self, WorldError> {
        let mut world = Self::new(seed)?;
        let identity = world.factory.identity(world.eid, &mut world.rng)?;
        let identity = CardIdentity {
            kind: EuiccKind::Consumer,
            ..identity
        };
        let initial_eims = vec![world.eim.eim().configuration_data(0)?];
        world.ipa_config.emulation = Some(Emulation {
            crypto: &SoftwareProvider,
            initial_eims,
        });
        world.eim.set_emulated(world.eid, true, world.now)?;
        world.card = Euicc::new(identity.personalisation());
        world.identity = identity;
        world.restart_ipa();
        Ok(world)
    }

    /// As [`World::new`], with a second SM-DP+, [`SMDP_BRAINPOOL`], whose CI and
    /// curve are others, and a card with keys under both CIs.
    ///
    /// # Errors
    /// As [`World::new`].
    pub fn on_both_curves(seed: u64) -> Result<Self, WorldError> {
        let mut rng = SeededRng::new(seed);
        let material = Material::new(Curve::NistP256, &mut rng)?;
        let other = Material::with_smdp(SMDP_BRAINPOOL, Curve::BrainpoolP256r1, &mut rng)?;
        Self::with(rng, Place::Memory, material, vec![other])
    }

    /// As [`World::new`], with these keys and certificates, at a time at which
    /// they are valid.
    ///
    /// # Errors
    /// As [`World::new`].
    pub fn with_material(seed: u64, material: Material) -> Result<Self, WorldError> {
        Self::with(SeededRng::new(seed), Place::Memory, material, Vec::new())
    }

    /// As [`World::new`], with servers that can be started again: their state
    /// is in files in a folder.
    ///
    /// # Errors
    /// As [`World::new`].
    pub fn on_disk(seed: u64, folder: &Path) -> Result<Self, WorldError> {
        let mut rng = SeededRng::new(seed);
        let material = Material::new(Curve::NistP256, &mut rng)?;
        let place = Place::Folder(folder.to_path_buf());
        Self::with(rng, place, material, Vec::new())
    }

    fn with(
        mut rng: SeededRng,
        place: Place,
        mut material: Material,
        others: Vec<Material>,
    ) -> Result<Self, WorldError> {
        let (card, start) = (material.card.take(), material.start);
        let mut servers = Servers::new(place, material);
        let mut further_smdps = BTreeMap::new();
        let mut further = Vec::new();
        for other in others {
            let (host, other) = (other.smdp_host, Servers::new(Place::Memory, other));
            servers.further_anchors.push(other.anchor()?);
            further_smdps.insert(host, other.start_smdp()?);
            further.push(other.factory()?);
        }
        let factory = servers.factory()?;
        let (eim, smdp) = (servers.start_eim()?, servers.start_smdp()?);
        let mut identity = match card {
            Some((certificate, key)) => factory.given(certificate, key)?,
            None => factory.identity(factory.eid(1)?, &mut rng)?,
        };
        let eid = identity.eid;
        let mut trusted = vec![factory.ci.clone()];
        for other in further {
            identity = identity.and(other.identity(eid, &mut rng)?)?;
            trusted.push(other.ci.clone());
        }
        let mut card = Euicc::new(identity.personalisation());
        let configuration = eim.eim().configuration_data(0)?;
        let token = factory.add_initial_eim(&mut card, configuration, &mut rng)?;
        eim.add_euicc(&fresh(eid, token, start))?;
        Ok(World {
            now: start,
            ipa: Ipa::new(ipa_config(trusted.clone()), None, start),
            ipa_config: ipa_config(trusted),
            memory: None,
            rng,
            eim,
            smdp,
            further_smdps,
            smdss: BTreeMap::new(),
            factory,
            card,
            eid,
            events: Vec::new(),
            fault: Fault::default(),
            wire: None,
            kill: None,
            messages: Vec::new(),
            away: 0,
            servers,
            identity,
            subscribers: Vec::new(),
            operations: 0,
        })
    }

    /// A certificate of the world with its key, by its name in
    /// [`rsp_core::pki::member`].
    ///
    /// # Errors
    /// If there is none.
    pub fn issued(&self, member: &'static str) -> Result<&Issued<SoftwareKey>, WorldError> {
        self.servers.member(member)
    }

    /// The card's key, with which a test speaks in its place.
    pub fn card_key(&self) -> &SoftwareKey {
        &self.identity.keys.key
    }

    /// A subscription with random keys.
    ///
    /// # Errors
    /// If the number makes no identifiers.
    pub fn subscription(&mut self, number: u32) -> Result<Subscription, WorldError> {
        let iccid: Iccid = format!("8999970000{number:09}0").parse()?;
        let imsi: Imsi = format!("99970{number:010}").parse()?;
        let (mut ki, mut opc) = ([0; 16], [0; 16]);
        self.rng.fill(&mut ki);
        self.rng.fill(&mut opc);
        Ok(Subscription::new(iccid, imsi, ki, opc))
    }

    /// Wakes the IPA and lets everybody act until its round is over.
    ///
    /// # Errors
    /// If the store of a server fails.
    pub fn round(&mut self) -> Result<(), WorldError> {
        if self.ipa.poll_timeout().is_some() {
            self.ipa.handle(Input::Wake, self.now);
        }
        while self.step()? {}
        Ok(())
    }

    /// Takes the IPA's events, then lets it do one thing: an action or a
    /// pause. Gives `false` when its round is over.
    ///
    /// # Errors
    /// As [`World::round`].
    pub fn step(&mut self) -> Result<bool, WorldError> {
        while let Some(event) = self.ipa.poll_event() {
            let idle = event == Event::Idle;
            self.events.push(event);
            if idle {
                return Ok(false);
            }
        }
        if let Some(action) = self.ipa.poll_action() {
            self.exchange(action)?;
            return Ok(true);
        }
        let Some(until) = self.ipa.poll_timeout() else {
            return Ok(false);
        };
        self.now = until;
        self.ipa.handle(Input::Time, self.now);
        Ok(true)
    }

    /// Lets the IPA begin again with what the card keeps and what it has had
    /// saved, as after a power cut.
    pub fn power_cut(&mut self) {
        self.card.reset();
        self.restart_ipa();
    }

    /// Puts another card into the device, made with this identity; it knows the
    /// eIM, which is told of it if the EID is a new one.
    ///
    /// # Errors
    /// If the card does not take the eIM.
    pub fn insert(&mut self, identity: CardIdentity) -> Result<(), WorldError> {
        let eid = identity.eid;
        let mut card = Euicc::new(identity.personalisation());
        let configuration = self.eim.eim().configuration_data(0)?;
        let token = self
            .factory
            .add_initial_eim(&mut card, configuration, &mut self.rng)?;
        if eid != self.eid {
            self.eim.add_euicc(&EuiccRecord::new(eid, token, 0))?;
        }
        self.card = card;
        self.eid = eid;
        self.identity = identity;
        self.memory = None;
        self.restart_ipa();
        Ok(())
    }

    /// Ends the eIM and starts it again on what is in its store.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn restart_eim(&mut self) -> Result<(), WorldError> {
        self.eim = self.servers.start_eim()?;
        Ok(())
    }

    /// Takes the power from the card: a card made from nothing but its
    /// non-volatile memory stands in its place.
    pub(crate) fn restart_card(&mut self) -> Result<(), WorldError> {
        let made = || self.identity.personalisation();
        let card = std::mem::replace(&mut self.card, Euicc::new(made()));
        let image = StoredEuicc::new(card).start_over(&SoftwareProvider);
        let (mut card, _) = StoredEuicc::load(made(), &image, &SoftwareProvider)?;
        let _atr = card.reset(&SoftwareProvider).written();
        self.card = card.into_card();
        Ok(())
    }

    /// Puts the device to rest, as one like another, and wakes it again; gives
    /// it as it rested.
    ///
    /// # Errors
    /// If what was kept makes no device.
    pub fn rest_and_wake(&mut self, like: Option<&Likeness>) -> Result<Resting, WorldError> {
        let made = || Euicc::new(self.identity.personalisation());
        let asleep = Ipa::new(self.ipa_config.clone(), None, self.now);
        let device = Device {
            identity: self.identity.clone(),
            card: std::mem::replace(&mut self.card, made()),
            ipa: std::mem::replace(&mut self.ipa, asleep),
            memory: self.memory.take(),
        };
        let resting = device.rest(like);
        let device = resting.wake(self.ipa_config.clone(), self.now)?;
        (self.card, self.ipa) = (device.card, device.ipa);
        (self.identity, self.memory) = (device.identity, device.memory);
        Ok(resting)
    }

    /// Drops the IPA, and starts it again on what it has had saved.
    pub fn restart_ipa(&mut self) {
        self.ipa = Ipa::new(self.ipa_config.clone(), self.memory.clone(), self.now);
    }

    /// Whether the card answers the network as this subscriber. The network
    /// counts its challenges on.
    ///
    /// # Errors
    /// If it does not.
    pub fn confirm(
        &mut self,
        subscription: &Subscription,
        algorithm: Algorithm,
    ) -> Result<(), NotConfirmed> {
        let mut environment = Environment {
            provider: &SoftwareProvider,
            rng: &mut self.rng,
        };
        let mut known = self.subscribers.iter();
        let known = known.position(|subscriber| subscriber.is(subscription, algorithm));
        let mut subscriber = match known {
            Some(known) => self.subscribers.swap_remove(known),
            None => Subscriber::new(subscription.clone(), algorithm),
        };
        let confirmed = subscriber.confirm(&mut self.card, &mut environment);
        self.subscribers.push(subscriber);
        confirmed
    }

    /// Hands an answer to the IPA.
    pub(crate) fn answer(&mut self, input: Input) {
        if self.fault.repeat_answers {
            self.ipa.handle(input.clone(), self.now);
        }
        self.ipa.handle(input, self.now);
    }

    pub(crate) fn carry_out(&mut self, action: Action) -> Result<Input, WorldError> {
        match action {
            Action::ResetCard => {
                self.card.reset();
                Ok(Input::Reset(Ok(())))
            }
            Action::Persist(_) if self.fault.refuse_to_save => {
                Ok(Input::Persisted(Err("no room".to_string())))
            }
            Action::Persist(memory) => {
                self.memory = Some(memory);
                Ok(Input::Persisted(Ok(())))
            }
            Action::Apdu(mut command) => {
                if let Some(change) = &mut self.fault.command {
                    change(&mut command);
                }
                let mut environment = Environment {
                    provider: &SoftwareProvider,
                    rng: &mut self.rng,
                };
                let response = self.card.transmit(&command, &mut environment);
                Ok(Input::Apdu(match &mut self.fault.answer {
                    Some(change) => change(&command, response),
                    None => Ok(response),
                }))
            }
            Action::Http {
                server,
                mut request,
            } => {
                if let Some(change) = &mut self.fault.request {
                    change(&mut request);
                }
                let mut response = match self.wire.take() {
                    None => self.serve(&server.address, &request)?,
                    Some(mut wire) => {
                        let carried = (wire.0)(self, &server, &request);
                        self.wire = Some(wire);
                        match carried {
                            Ok(response) => response,
                            Err(lost) => return Ok(Input::Http(Err(lost))),
                        }
                    }
                };
                let lose = self.fault.lose.as_mut();
                if lose.is_some_and(|lose| lose(&request, &response)) {
                    return Ok(Input::Http(Err("the connection was lost".to_string())));
                }
                if let Some(change) = &mut self.fault.response {
                    change(&request, &mut response);
                }
                Ok(Input::Http(Ok(response)))
            }
        }
    }

    /// What a server of this address answers.
    ///
    /// # Errors
    /// If its store fails.
    pub fn serve(
        &mut self,
        address: &str,
        request: &HttpRequest,
    ) -> Result<HttpResponse, WorldError> {
        let mut cx = Context {
            now: self.now,
            rng: &mut self.rng,
            crypto: &SoftwareProvider,
        };
        if address == self.smdp.smdp().address() && es9plus::is_path(&request.path) {
            return Ok(self.smdp.es9plus(request, &mut cx)?);
        }
        if let Some(smdp) = self.further_smdps.get(address)
            && es9plus::is_path(&request.path)
        {
            return Ok(smdp.es9plus(request, &mut cx)?);
        }
        if self.smdss.contains_key(address) {
            return self.serve_smds(address, request);
        }
        if address == EIM && esipa::is_path(&request.path) {
            return match esipa::decode_request(request) {
                Ok((binding, message)) => Ok(self.ask_eim(&message)?.encode(binding)),
                Err(error) => Ok(esipa::refuse(request, &error)),
            };
        }
        Ok(BindingError::UnknownPath(request.path.clone()).to_response())
    }
}

fn ipa_config(trusted: Vec<TrustAnchor>) -> Config {
    Config {
        block_size: 120,
        retry: Retry {
            times: 2,
            ..Retry::default()
        },
        ..Config::new(device_info(), trusted)
    }
}

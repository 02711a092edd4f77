//! A device of a simulation: its card and its IPA, and what befalls them.

use std::time::Duration;

use euicc::{Deed, Environment, Euicc, Record, StoredEuicc};
use rsp_asn1::ids::{Eid, Iccid};
use rsp_asn1::rsp::ProfileInfoListResponse;
use rsp_asn1::sgp32::EuiccResultData;
use rsp_core::Timestamp;
use rsp_core::binding::{HttpRequest, HttpResponse};
use rsp_core::ipa::{Action, Config, Event, Input, Ipa};
use rsp_crypto::software::SoftwareProvider;

use super::backend::Server;
use super::dice::Dice;
use super::faults::Faults;
use super::lingering::Lingering;
use crate::device::Device;
use crate::rest::{Likeness, Resting};
use crate::world::WorldError;

/// A device with power, or without.
enum Power {
    On(Device),
    Off(Resting),
}

/// What a device wants of the world.
pub(super) enum Want {
    /// A request to a server is under way.
    Request(Server, HttpRequest),
    /// Nothing, until then.
    Wait(Timestamp),
    /// A round is over; the next one begins then.
    Idle(Timestamp),
}

/// Counts of what befell a device.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Blows {
    pub(super) card: usize,
    pub(super) ipa: usize,
    pub(super) device: usize,
}

/// One device.
pub(super) struct Subject {
    pub(super) number: usize,
    pub(super) eid: Eid,
    power: Option<Power>,
    config: Config,
    pub(super) dice: Dice,
    /// The request under way.
    pub(super) asked: Option<(u64, String)>,
    /// What servers answered before, by path.
    pub(super) old_answers: Vec<(String, HttpResponse)>,
    /// Wakes that were planned before this are void.
    pub(super) epoch: u64,
    /// Operations still to be queued.
    pub(super) left: usize,
    /// How many were queued.
    pub(super) queued: usize,
    /// Activation codes and the profile each is good for.
    pub(super) codes: Vec<(String, Iccid)>,
    /// The profile that it left the factory with.
    pub(super) bootstrap: Iccid,
    /// Until when it has no link.
    pub(super) no_link: Timestamp,
    /// When it comes back, if it is gone for a year.
    pub(super) gone: Option<Timestamp>,
    /// The same, if the operator waits for it before ordering more.
    pub(super) awaited: Option<Timestamp>,
    /// How often it may still vanish for a year.
    pub(super) vanishes: usize,
    pub(super) polls: usize,
    /// Results that were lost on their way.
    pub(super) lost_results: usize,
    pub(super) lingering: Lingering,
    pub(super) blows: Blows,
    deeds: Vec<Deed>,
    record: Option<Record>,
}

/// What a device is made of.
pub(super) struct Made {
    pub(super) number: usize,
    pub(super) device: Device,
    pub(super) config: Config,
    pub(super) dice: Dice,
    pub(super) bootstrap: Iccid,
    pub(super) operations: usize,
}

impl Subject {
    pub(super) fn new(made: Made) -> Self {
        let mut device = made.device;
        device.card.keep_record(Record::default());
        Subject {
            number: made.number,
            eid: device.eid(),
            power: Some(Power::On(device)),
            config: made.config,
            dice: made.dice,
            asked: None,
            old_answers: Vec::new(),
            epoch: 0,
            left: made.operations,
            queued: 0,
            codes: Vec::new(),
            bootstrap: made.bootstrap,
            no_link: Timestamp(0),
            gone: None,
            awaited: None,
            vanishes: 1,
            polls: 0,
            lost_results: 0,
            lingering: Lingering::default(),
            blows: Blows::default(),
            deeds: Vec::new(),
            record: None,
        }
    }

    /// Switches it on if it is off, and tells the IPA what time it is.
    pub(super) fn wake(&mut self, now: Timestamp) -> Result<(), WorldError> {
        self.power = match self.power.take() {
            Some(Power::Off(resting)) => {
                let mut device = resting.wake(self.config.clone(), now)?;
                // The switch that a reset completes is in the record as well:
                // it compares with what the card was before.
                device
                    .card
                    .keep_record(self.record.take().unwrap_or_default());
                Some(Power::On(device))
            }
            Some(Power::On(mut device)) => {
                device.handle(Input::Time, now);
                Some(Power::On(device))
            }
            None => None,
        };
        Ok(())
    }

    /// Switches it off until its next poll.
    pub(super) fn rest(&mut self, like: &mut Option<Likeness>) {
        self.power = match self.power.take() {
            Some(Power::On(mut device)) => {
                self.record = device.card.take_record();
                let resting = device.rest(like.as_ref());
                like.get_or_insert_with(|| resting.likeness());
                Some(Power::Off(resting))
            }
            other => other,
        };
    }

    /// Hands an answer to the IPA.
    pub(super) fn answer(&mut self, response: Result<HttpResponse, String>, now: Timestamp) {
        self.asked = None;
        if let Some(Power::On(device)) = &mut self.power {
            device.handle(Input::Http(response), now);
        }
    }

    /// Lets card and IPA act until they need somebody else.
    pub(super) fn act(&mut self, now: Timestamp, faults: &Faults) -> Result<Want, WorldError> {
        let never = Timestamp(u64::MAX);
        let Some(Power::On(mut device)) = self.power.take() else {
            return Ok(Want::Wait(never));
        };
        let want = loop {
            let mut idle = false;
            while let Some(event) = device.ipa.poll_event() {
                idle |= event == Event::Idle;
            }
            let Some(action) = device.ipa.poll_action() else {
                let until = device.ipa.poll_timeout().unwrap_or(never);
                break match idle {
                    true => Want::Idle(until),
                    false => Want::Wait(until),
                };
            };
            if self.dice.in_a_million(faults.ipa_dies) {
                self.blows.ipa += 1;
                self.restart_ipa(&mut device, now);
                continue;
            }
            if self.dice.in_a_million(faults.device_dies) {
                self.blows.device += 1;
                restart_card(&mut device)?;
                self.restart_ipa(&mut device, now);
                continue;
            }
            match self.carry_out(&mut device, action, faults)? {
                Ok(input) => device.handle(input, now),
                Err((server, request)) => break Want::Request(server, request),
            }
        };
        if let Some(record) = device.card.record_mut() {
            self.deeds
                .extend(record.take_deeds().into_iter().map(short));
        }
        self.power = Some(Power::On(device));
        Ok(want)
    }

    fn restart_ipa(&mut self, device: &mut Device, now: Timestamp) {
        self.asked = None;
        self.epoch += 1;
        device.ipa = Ipa::new(self.config.clone(), device.memory.clone(), now);
    }

    /// Does what the IPA wants of its own device.
    fn carry_out(
        &mut self,
        device: &mut Device,
        action: Action,
        faults: &Faults,
    ) -> Result<Result<Input, (Server, HttpRequest)>, WorldError> {
        Ok(Ok(match action {
            Action::Http { server, request } => {
                return Ok(Err((Server::at(&server.address), request)));
            }
            Action::Persist(memory) => {
                device.memory = Some(memory);
                Input::Persisted(Ok(()))
            }
            Action::ResetCard => {
                device.card.reset();
                Input::Reset(Ok(()))
            }
            Action::Apdu(command) => Input::Apdu(self.transmit(device, &command, faults)?),
        }))
    }

    /// One command: the card may lose power before it or after it, be reset
    /// amid a chain, or its answer may be lost.
    fn transmit(
        &mut self,
        device: &mut Device,
        command: &[u8],
        faults: &Faults,
    ) -> Result<Result<Vec<u8>, String>, WorldError> {
        let lost = || Err("the card does not answer".to_string());
        let blow = self.dice.in_a_million(faults.card_fails);
        let kind = match blow {
            true => self.dice.below(4),
            false => 4,
        };
        self.blows.card += usize::from(blow);
        match kind {
            0 => {
                restart_card(device)?;
                return Ok(lost());
            }
            1 => {
                device.card.reset();
            }
            _ => {}
        }
        let mut environment = Environment {
            provider: &SoftwareProvider,
            rng: self.dice.rng(),
        };
        let answer = device.card.transmit(command, &mut environment);
        match kind {
            2 => {
                restart_card(device)?;
                Ok(lost())
            }
            3 => Ok(lost()),
            _ => Ok(Ok(answer)),
        }
    }

    /// What the card did.
    pub(super) fn into_deeds(mut self) -> Vec<Deed> {
        let record = match &mut self.power {
            Some(Power::On(device)) => device.card.record_mut(),
            _ => self.record.as_mut(),
        };
        if let Some(record) = record {
            self.deeds
                .extend(record.take_deeds().into_iter().map(short));
        }
        self.deeds
    }
}

/// The deed without the contents of lists: thousands are kept.
fn short(mut deed: Deed) -> Deed {
    if let Deed::Executed { results, .. } = &mut deed {
        for result in results {
            if let EuiccResultData::ListProfileInfoResult(ProfileInfoListResponse::Ok(list)) =
                result
            {
                *list = Vec::new();
            }
        }
    }
    deed
}

/// Takes the power from a card: what stands in its place is made from its
/// memory.
fn restart_card(device: &mut Device) -> Result<(), WorldError> {
    let made = || device.identity.personalisation();
    let mut card = std::mem::replace(&mut device.card, Euicc::new(made()));
    let record = card.take_record().unwrap_or_default();
    let image = StoredEuicc::new(card).start_over(&SoftwareProvider);
    let (card, _) = StoredEuicc::load(made(), &image, &SoftwareProvider)?;
    let mut card = card.into_card();
    card.keep_record(record);
    card.reset();
    device.card = card;
    Ok(())
}

/// Pause between two polls.
pub(super) const POLL_INTERVAL: Duration = Duration::from_secs(3600);

//! Roles that die at a message, and start again from what they made durable.

use rsp_core::ipa::{Action, Input};

use crate::world::{EIM, World, WorldError};

/// Whom the IPA exchanges a message with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Peer {
    /// A command APDU, or a reset.
    Card,
    /// What the IPA has saved.
    Memory,
    /// A request of ESipa.
    Eim,
    /// A request of ES9+.
    Smdp,
}

impl Peer {
    pub(crate) fn of(action: &Action) -> Self {
        match action {
            Action::Apdu(_) | Action::ResetCard => Peer::Card,
            Action::Persist(_) => Peer::Memory,
            Action::Http { server, .. } if server.address == EIM => Peer::Eim,
            Action::Http { .. } => Peer::Smdp,
        }
    }
}

/// Who dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// The card alone loses power.
    Card,
    /// The IPA alone: the card stays as it is.
    Ipa,
    /// The device with its card.
    Device,
    /// The eIM.
    Eim,
    /// The SM-DP+.
    Smdp,
}

impl Role {
    fn is_ipa(self) -> bool {
        matches!(self, Role::Ipa | Role::Device)
    }

    fn is(self, peer: Peer) -> bool {
        matches!(
            (self, peer),
            (Role::Card, Peer::Card) | (Role::Eim, Peer::Eim) | (Role::Smdp, Peer::Smdp)
        )
    }
}

/// When, with regard to a message of the IPA.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// It never arrives.
    Before,
    /// It was carried out; its answer is lost.
    Unanswered,
    /// Its answer has arrived.
    Answered,
}

/// One death: of a card or a server at a message to it, of an IPA at any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kill {
    /// Whose.
    pub role: Role,
    /// At which message of the IPA, counted from the beginning of the world.
    pub message: usize,
    /// When with regard to it.
    pub moment: Moment,
    /// How many messages a server is away for: further ones do not reach it.
    pub away: usize,
}

impl World {
    /// Carries one action out and hands the answer to the IPA, unless somebody
    /// dies.
    pub(crate) fn exchange(&mut self, action: Action) -> Result<(), WorldError> {
        let peer = Peer::of(&action);
        let lost = no_answer(&action);
        let message = self.messages.len();
        self.messages.push(peer);
        let concerned = |role: Role| role.is_ipa() || role.is(peer);
        let dies = self
            .kill
            .filter(|kill| kill.message == message && concerned(kill.role));
        let at = |moment| dies.filter(|kill| kill.moment == moment);
        if self.is_away(peer) {
            self.answer(lost);
            return Ok(());
        }
        if let Some(kill) = at(Moment::Before) {
            return self.die_with_answer(kill, lost);
        }
        let input = self.carry_out(action)?;
        if let Some(kill) = at(Moment::Unanswered) {
            return self.die_with_answer(kill, lost);
        }
        self.answer(input);
        match at(Moment::Answered) {
            Some(kill) => self.die(kill),
            None => Ok(()),
        }
    }

    /// An IPA that did not ask gets no answer, one that did an error.
    fn die_with_answer(&mut self, kill: Kill, lost: Input) -> Result<(), WorldError> {
        self.die(kill)?;
        if !kill.role.is_ipa() {
            self.answer(lost);
        }
        Ok(())
    }

    fn die(&mut self, kill: Kill) -> Result<(), WorldError> {
        self.away = kill.away;
        match kill.role {
            Role::Card => self.restart_card()?,
            Role::Ipa => self.restart_ipa(),
            Role::Device => {
                self.restart_card()?;
                self.restart_ipa();
            }
            Role::Eim => self.eim = self.servers.start_eim()?,
            Role::Smdp => self.smdp = self.servers.start_smdp()?,
        }
        Ok(())
    }

    /// Whether the killed server is still away; counts the messages.
    fn is_away(&mut self, peer: Peer) -> bool {
        let dead = self.kill.is_some_and(|kill| kill.role.is(peer));
        let away = dead && self.away > 0;
        self.away -= usize::from(away);
        away
    }
}

fn no_answer(action: &Action) -> Input {
    let reset = "the card was reset".to_string();
    match action {
        Action::Apdu(_) => Input::Apdu(Err(reset)),
        Action::ResetCard => Input::Reset(Err(reset)),
        Action::Persist(_) => Input::Persisted(Err("the device is off".to_string())),
        Action::Http { .. } => Input::Http(Err("the connection was lost".to_string())),
    }
}

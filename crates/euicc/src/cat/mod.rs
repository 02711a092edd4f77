//! Card Application Toolkit (ETSI TS 102 223): what the card asks its terminal
//! for, one command at a time, and what the terminal tells.

mod answer;
mod command;

use alloc::collections::VecDeque;
use alloc::vec::Vec;

pub(crate) use answer::{Answer, Event};
pub(crate) use command::{Command, MAX_DATA};

use crate::apdu::Status;
use crate::uicc::ChangedFiles;

/// Octet and bit of TERMINAL PROFILE by which a terminal says that it knows a
/// command (ETSI TS 102 223 5.2).
const REFRESH: (usize, u8) = (2, 0x80);
const SEND_SHORT_MESSAGE: (usize, u8) = (3, 0x02);
const LOCAL_INFORMATION: (usize, u8) = (3, 0x40);
const TIMER_MANAGEMENT: (usize, u8) = (7, 0x01);
const BEARER_INDEPENDENT_PROTOCOL: (usize, u8) = (11, 0x1F);

/// Commands that wait at most: more than the longest message needs.
const MAX_QUEUE: usize = 512;

/// The card's side of the toolkit. Nothing of it outlasts power.
#[derive(Debug, Default)]
pub(crate) struct Toolkit {
    /// What the terminal can do, once it has said so.
    profile: Option<Vec<u8>>,
    /// A REFRESH comes when nothing else waits any more.
    refresh: bool,
    queue: VecDeque<Command>,
    /// The command that the terminal has fetched.
    fetched: Option<Command>,
    /// Number of the next command, 1 to 254.
    number: u8,
}

impl Toolkit {
    /// TERMINAL PROFILE.
    pub(crate) fn set_profile(&mut self, profile: &[u8]) {
        self.profile = Some(profile.to_vec());
    }

    /// Whether the terminal knows REFRESH; `None` if it has not said anything.
    pub(crate) fn knows_refresh(&self) -> Option<bool> {
        Some(self.knows(self.profile.as_ref()?, REFRESH))
    }

    /// Whether the terminal has what an IPA in the card needs: timers and
    /// channels.
    pub(crate) fn knows_bearers(&self) -> bool {
        let needed = [TIMER_MANAGEMENT, BEARER_INDEPENDENT_PROTOCOL];
        let profile = self.profile.as_ref();
        profile.is_some_and(|profile| needed.iter().all(|bits| self.knows(profile, *bits)))
    }

    /// Whether the terminal tells its IMEI.
    pub(crate) fn knows_local_information(&self) -> bool {
        let profile = self.profile.as_ref();
        profile.is_some_and(|profile| self.knows(profile, LOCAL_INFORMATION))
    }

    /// Whether the terminal sends short messages for the card.
    pub(crate) fn knows_short_messages(&self) -> bool {
        let profile = self.profile.as_ref();
        profile.is_some_and(|profile| self.knows(profile, SEND_SHORT_MESSAGE))
    }

    fn knows(&self, profile: &[u8], (at, bits): (usize, u8)) -> bool {
        profile.get(at).is_some_and(|octet| octet & bits == bits)
    }

    /// Whether a switch waits for the terminal.
    pub(crate) fn refresh_pending(&self) -> bool {
        self.refresh || self.fetched == Some(Command::Refresh)
    }

    /// Asks for a REFRESH, after everything else that waits.
    pub(crate) fn ask_for_refresh(&mut self) {
        self.refresh = true;
    }

    /// Asks for something, in its turn.
    pub(crate) fn ask(&mut self, command: Command) {
        if self.queue.len() < MAX_QUEUE {
            self.queue.push_back(command);
        }
    }

    /// Asks for a short message to be sent, an SMS-SUBMIT.
    pub(crate) fn ask_to_send(&mut self, tpdu: Vec<u8>) {
        self.ask(Command::SendShortMessage { tpdu });
    }

    /// Asks the terminal to read files again that have changed.
    pub(crate) fn ask_to_read_again(&mut self, files: ChangedFiles) {
        self.ask(Command::ReadAgain { files });
    }

    /// Forgets what was to be sent or received on the channel.
    pub(crate) fn forget_channel(&mut self) {
        self.queue.retain(|command| {
            !matches!(
                command,
                Command::SendData { .. } | Command::ReceiveData { .. }
            )
        });
    }

    /// Forgets what waits, but not what the terminal can do.
    pub(crate) fn clear(&mut self) {
        self.refresh = false;
        self.queue.clear();
        self.fetched = None;
    }

    /// The command that comes next, unless one is being carried out.
    fn next(&self) -> Option<&Command> {
        match (&self.fetched, self.queue.front()) {
            (Some(_), _) => None,
            (None, Some(command)) => Some(command),
            (None, None) => self.refresh.then_some(&Command::Refresh),
        }
    }

    /// Whether FETCH has something to fetch.
    pub(crate) fn has_next(&self) -> bool {
        self.next().is_some()
    }

    /// Whether TERMINAL RESPONSE answers something.
    pub(crate) fn is_fetched(&self) -> bool {
        self.fetched.is_some()
    }

    /// A successful response, which says so if there is something to fetch.
    pub(crate) fn announce(&self, mut response: Vec<u8>) -> Vec<u8> {
        if let ([.., sw1 @ 0x90, sw2 @ 0x00], Some(command)) =
            (response.as_mut_slice(), self.next())
        {
            let length = command.encode(1).len();
            (*sw1, *sw2) = (0x91, u8::try_from(length).unwrap_or(0));
        }
        response
    }

    /// FETCH.
    pub(crate) fn fetch(&mut self) -> Result<Vec<u8>, Status> {
        let command = self
            .next()
            .cloned()
            .ok_or(Status::CONDITIONS_NOT_SATISFIED)?;
        match command {
            Command::Refresh => self.refresh = false,
            _ => drop(self.queue.pop_front()),
        }
        self.number = match self.number {
            1..=253 => self.number + 1,
            _ => 1,
        };
        // A card that has but one command to give calls it the first.
        let number = if command == Command::Refresh {
            1
        } else {
            self.number
        };
        let encoded = command.encode(number);
        self.fetched = Some(command);
        Ok(Status::OK.after(encoded))
    }

    /// TERMINAL RESPONSE; gives the command and what became of it. A REFRESH
    /// that could not be done is asked for again.
    ///
    /// # Errors
    /// Without a result.
    pub(crate) fn terminal_response(&mut self, data: &[u8]) -> Result<(Command, Answer), Status> {
        let answer = Answer::read(data).ok_or(Status::INCORRECT_DATA)?;
        let command = self.fetched.take();
        let command = command.ok_or(Status::CONDITIONS_NOT_SATISFIED)?;
        if command == Command::Refresh && !answer.performed {
            self.refresh = true;
        }
        Ok((command, answer))
    }
}

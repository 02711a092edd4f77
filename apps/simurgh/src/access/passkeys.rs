//! Passkeys of users.

use std::net::IpAddr;
use std::time::Duration;

use api::Problem;
use fleet::access::{
    Assertion, Factor, MOST_PASSKEYS, Passkey, RelyingParty, SessionToken, Stage, digest,
};
use rsp_core::Timestamp;

use super::second_factor::{may_set_up, wrong};
use super::signatures::AwsLc;
use super::{Access, Known, SignedIn, random, too_early};
use crate::door::{invalid, problem, stored};
use crate::shell;

/// How long an authenticator has to answer.
const CEREMONY: Duration = Duration::from_secs(5 * 60);

/// What an authenticator is asked.
#[derive(Debug)]
pub(crate) struct Challenge {
    pub(crate) challenge: [u8; 32],
    pub(crate) party: RelyingParty,
    /// Passkeys of the user.
    pub(crate) known: Vec<Vec<u8>>,
}

/// What an authenticator answered when it made a passkey.
#[derive(Debug)]
pub(crate) struct Registration<'a> {
    pub(crate) name: &'a str,
    pub(crate) client_data: &'a [u8],
    pub(crate) attestation: &'a [u8],
}

impl Access {
    fn party(&self) -> Result<&RelyingParty, Problem> {
        self.settings().party.as_ref().ok_or_else(|| {
            let remedy = "set access.origin in the configuration to where browsers find the server";
            problem(
                409,
                "not configured",
                "passkeys have no origin here",
                remedy,
            )
        })
    }

    /// A challenge that this session is to answer, and no other, once.
    fn challenge(&self, token: &SessionToken, known: &Known) -> Result<Challenge, Problem> {
        let party = self.party()?.clone();
        let challenge: [u8; 32] = random()?;
        let store = self.of(&known.tenant)?;
        let of = place(token);
        // One that was not answered gives way.
        store.take_pending(&of, Timestamp(0)).map_err(stored)?;
        let until = shell::now().after(CEREMONY);
        store.put_pending(&of, &challenge, until).map_err(stored)?;
        let passkeys = known.account.value.passkeys.iter();
        Ok(Challenge {
            challenge,
            party,
            known: passkeys.map(|passkey| passkey.id.clone()).collect(),
        })
    }

    fn answered(&self, token: &SessionToken, known: &Known) -> Result<Vec<u8>, Problem> {
        let store = self.of(&known.tenant)?;
        let taken = store.take_pending(&place(token), shell::now());
        let taken = taken.map_err(stored)?.ok_or_else(|| {
            let remedy = "ask for a challenge first, and answer within five minutes";
            problem(
                409,
                "no challenge",
                "no challenge waits for an answer",
                remedy,
            )
        })?;
        Ok(taken.to_vec())
    }

    /// Asks for a passkey of the user.
    pub(crate) fn ask_passkey(
        &self,
        token: &SessionToken,
        known: &Known,
    ) -> Result<Challenge, Problem> {
        match known.stage {
            Stage::SecondFactor => self.challenge(token, known),
            stage => Err(too_early(stage)),
        }
    }

    /// Goes on with a session by a passkey.
    pub(crate) fn show_passkey(
        &self,
        token: &SessionToken,
        mut known: Known,
        id: &[u8],
        assertion: &Assertion,
        from: IpAddr,
    ) -> Result<SignedIn, Problem> {
        if known.stage != Stage::SecondFactor {
            return Err(too_early(known.stage));
        }
        let account = &known.account.value;
        let counters = self.counters(&known.tenant, &account.user.name, account.knows(from), from);
        self.admits(&counters)?;
        let challenge = self.answered(token, &known)?;
        let account = &mut known.account.value;
        let passkey = account.passkeys.iter().find(|passkey| passkey.id == id);
        let party = self.party()?;
        let used =
            passkey.map(|passkey| party.authenticate(passkey, &challenge, assertion, &AwsLc));
        let used = match used {
            Some(Ok(used)) => used,
            Some(Err(error)) => {
                tracing::warn!(user = %account.user.id, %error, "a passkey was refused");
                self.failed(&counters)?;
                return Err(wrong());
            }
            None => {
                self.failed(&counters)?;
                return Err(wrong());
            }
        };
        account.update_passkey(used);
        account.remember(from);
        let store = self.of(&known.tenant)?;
        store.change_account(&known.account).map_err(stored)?;
        self.succeeded(&counters)?;
        self.strengthen(token, known, Factor::Passkey)
    }

    /// Asks for a new passkey.
    pub(crate) fn ask_new_passkey(
        &self,
        token: &SessionToken,
        known: &Known,
    ) -> Result<Challenge, Problem> {
        may_set_up(known)?;
        if known.account.value.passkeys.len() >= MOST_PASSKEYS {
            let remedy = "remove one first";
            return Err(problem(
                409,
                "too many",
                "a user has 16 passkeys at most",
                remedy,
            ));
        }
        self.challenge(token, known)
    }

    /// Takes a new passkey.
    pub(crate) fn add_passkey(
        &self,
        token: &SessionToken,
        mut known: Known,
        registration: &Registration<'_>,
        from: IpAddr,
    ) -> Result<(SignedIn, Passkey), Problem> {
        may_set_up(&known)?;
        let challenge = self.answered(token, &known)?;
        let name = registration.name.trim();
        if !(1..=64).contains(&name.chars().count()) {
            return Err(invalid("name", "not of 1 to 64 characters", "shorten it"));
        }
        let made = self.party()?.register(
            &challenge,
            registration.client_data,
            registration.attestation,
            name,
            shell::now(),
        );
        let made = made.map_err(|error| {
            let remedy = "try again, with user verification and a common algorithm";
            invalid("credential", &error.to_string(), remedy)
        })?;
        let account = &mut known.account.value;
        if account.passkeys.len() >= MOST_PASSKEYS
            || account.passkeys.iter().any(|passkey| passkey.id == made.id)
        {
            let remedy = "use another authenticator";
            return Err(problem(409, "exists", "this passkey is known", remedy));
        }
        account.passkeys.push(made.clone());
        account.remember(from);
        let store = self.of(&known.tenant)?;
        store.change_account(&known.account).map_err(stored)?;
        let signed_in = self.strengthen(token, known, Factor::Passkey)?;
        Ok((signed_in, made))
    }

    /// Forgets a passkey of one's own.
    pub(crate) fn remove_passkey(&self, mut known: Known, id: &[u8]) -> Result<(), Problem> {
        if !known.is_open() {
            return Err(too_early(known.stage));
        }
        let passkeys = &mut known.account.value.passkeys;
        let before = passkeys.len();
        passkeys.retain(|passkey| passkey.id != id);
        if passkeys.len() == before {
            let remedy = "see the list of your passkeys";
            return Err(problem(
                404,
                "not found",
                "there is no such passkey",
                remedy,
            ));
        }
        let store = self.of(&known.tenant)?;
        store.change_account(&known.account).map_err(stored)
    }
}

/// Where the challenge of a session waits.
fn place(token: &SessionToken) -> fleet::access::Digest {
    digest(&[b"passkey ", token.digest.0.as_slice()].concat())
}

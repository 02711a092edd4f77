//! Second factors: authenticator apps and recovery codes.

use std::net::IpAddr;

use api::Problem;
use fleet::access::{
    Account, Factor, RECOVERY_CODES, RecoveryCodes, SessionToken, Stage, TotpSecret,
};
use zeroize::Zeroizing;

use super::{Access, Known, SignedIn, random, too_early};
use crate::door::{problem, stored};
use crate::shell;

/// What somebody shows.
#[derive(Clone, Copy)]
pub(crate) enum Shown<'a> {
    /// A code of the app.
    Code(&'a str),
    /// A recovery code.
    Recovery(&'a str),
}

/// What an app is to be told, once.
pub(crate) struct Enrolment {
    pub(crate) secret: Zeroizing<String>,
    pub(crate) uri: Zeroizing<String>,
}

pub(super) fn wrong() -> Problem {
    let remedy = "wait for the next code, and look at the clock of the device";
    problem(
        401,
        "not proven",
        "the second factor is wrong, or was used",
        remedy,
    )
}

impl Access {
    /// Goes on with a session by a second factor.
    pub(crate) fn show(
        &self,
        token: &SessionToken,
        mut known: Known,
        shown: Shown<'_>,
        from: IpAddr,
    ) -> Result<SignedIn, Problem> {
        if known.stage != Stage::SecondFactor {
            return Err(too_early(known.stage));
        }
        let account = &mut known.account.value;
        let counters = self.counters(&known.tenant, &account.user.name, account.knows(from), from);
        self.admits(&counters)?;
        let right = match shown {
            Shown::Code(code) => account.show_totp(code, shell::now()),
            Shown::Recovery(code) => account.use_recovery(code),
        };
        if !right {
            self.failed(&counters)?;
            return Err(wrong());
        }
        account.remember(from);
        // Before anybody is let in: a code counts once, whoever else shows it.
        let store = self.of(&known.tenant)?;
        store.change_account(&known.account).map_err(stored)?;
        self.succeeded(&counters)?;
        self.strengthen(token, known, Factor::PasswordAndTotp)
    }

    /// Begins to set an app up.
    pub(crate) fn enrol(&self, mut known: Known) -> Result<Enrolment, Problem> {
        may_set_up(&known)?;
        let secret = TotpSecret::new(&random()?);
        let account = &mut known.account.value;
        if !account.begin_totp(&secret) {
            let remedy = "have an administrator reset the second factors first";
            return Err(problem(409, "exists", "an app is set up", remedy));
        }
        let name = account.user.name.to_string();
        let store = self.of(&known.tenant)?;
        store.change_account(&known.account).map_err(stored)?;
        Ok(Enrolment {
            secret: secret.to_base32(),
            uri: secret.uri(&self.settings().issuer, &name),
        })
    }

    /// An app has shown a code: it counts from now on. Gives recovery codes, to be
    /// shown once.
    pub(crate) fn confirm(
        &self,
        token: &SessionToken,
        mut known: Known,
        code: &str,
        from: IpAddr,
    ) -> Result<(SignedIn, Vec<Zeroizing<String>>), Problem> {
        may_set_up(&known)?;
        let account = &mut known.account.value;
        let counters = self.counters(&known.tenant, &account.user.name, account.knows(from), from);
        self.admits(&counters)?;
        if !account.confirm_totp(code, shell::now()) {
            self.failed(&counters)?;
            return Err(wrong());
        }
        account.remember(from);
        let codes = recovery(account)?;
        let store = self.of(&known.tenant)?;
        store.change_account(&known.account).map_err(stored)?;
        let signed_in = self.strengthen(token, known, Factor::PasswordAndTotp)?;
        Ok((signed_in, codes))
    }
}

/// Makes other recovery codes.
pub(super) fn recovery(account: &mut Account) -> Result<Vec<Zeroizing<String>>, Problem> {
    let octets: [u8; 10 * RECOVERY_CODES] = random()?;
    let mut each = octets.chunks_exact(10);
    let random = std::array::from_fn(|_| {
        let octets = each.next().and_then(|octets| octets.try_into().ok());
        octets.unwrap_or_default()
    });
    let (codes, kept) = RecoveryCodes::make(&random);
    account.set_recovery(kept);
    Ok(codes)
}

/// Who has a second factor shows it before they set up another.
pub(super) fn may_set_up(known: &Known) -> Result<(), Problem> {
    match known.stage {
        Stage::Open | Stage::Enrol => Ok(()),
        Stage::SecondFactor => Err(too_early(known.stage)),
    }
}

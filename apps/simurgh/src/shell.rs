//! The machines' outside: clock, randomness, library.

use std::time::{SystemTime, UNIX_EPOCH};

use rsp_core::{Context, Timestamp};
use rsp_crypto::software::SoftwareProvider;
use rsp_crypto::{CryptoError, OsRng};

use crate::Failure;

/// The time: the one place where the server reads the clock.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let millis = since.map_or(0, |since| since.as_millis());
    Timestamp(u64::try_from(millis).unwrap_or(u64::MAX))
}

/// Randomness for a command.
pub(crate) fn random() -> Result<OsRng, Failure> {
    OsRng::new().map_err(|error| Failure::new("no random numbers", error))
}

/// Runs `work` with everything that a machine needs from outside.
pub(crate) fn with_context<T>(work: impl FnOnce(&mut Context<'_>) -> T) -> Result<T, CryptoError> {
    let mut rng = OsRng::new()?;
    Ok(work(&mut Context {
        now: now(),
        rng: &mut rng,
        crypto: &SoftwareProvider,
    }))
}

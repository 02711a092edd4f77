//! The machines' outside: clock, randomness, library.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rsp_core::{Context, Timestamp};
use rsp_crypto::software::SoftwareProvider;
use rsp_crypto::{CryptoError, OsRng};

use crate::Failure;

/// The time.
pub(crate) fn now() -> Timestamp {
    Timestamp(u64::try_from(since_1970().as_millis()).unwrap_or(u64::MAX))
}

/// The time in nanoseconds since 1970.
pub(crate) fn nanos() -> u64 {
    u64::try_from(since_1970().as_nanos()).unwrap_or(u64::MAX)
}

/// The one place where the server reads the clock.
fn since_1970() -> Duration {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default()
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

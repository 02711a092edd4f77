//! The time.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rsp_core::Timestamp;

/// Tells the time at which certificates are judged.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The clock of the system.
pub fn system_clock() -> Clock {
    Arc::new(|| {
        // A clock before 1970 is not set: then nothing is valid yet.
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        Timestamp::from_secs(0).after(since.unwrap_or_default())
    })
}

//! On how many devices a caller may order something in an hour: a key that leaks,
//! or a script that runs wild, does not reach the whole fleet at once.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use fleet::access::{Bucket, Exceeded, Rate};
use rsp_core::Timestamp;

use super::caller::Caller;
use super::problem::{Refusal, problem};

/// Callers that are told apart; with more, those that have all of theirs again are
/// forgotten.
const MOST: usize = 100_000;

/// Devices in an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DeviceRates {
    /// Of one principal.
    pub(crate) principal: u32,
    /// Of all principals of a tenant.
    pub(crate) tenant: u32,
}

/// Whose: a tenant's principal, or all of a tenant.
type Whose = (String, Option<String>);

/// Counts devices.
pub(super) struct Touched {
    rates: DeviceRates,
    used: Mutex<HashMap<Whose, Bucket>>,
}

fn an_hour(count: u32) -> Rate {
    Rate {
        count,
        per: Duration::from_secs(3600),
    }
}

impl Touched {
    pub(super) fn new(rates: DeviceRates) -> Self {
        Touched {
            rates,
            used: Mutex::new(HashMap::new()),
        }
    }

    /// So many devices more, of the caller and of its tenant: both, or nothing is
    /// counted.
    pub(super) fn take(&self, caller: &Caller, count: u32, now: Timestamp) -> Result<(), Refusal> {
        let own = (caller.tenant.clone(), Some(caller.principal.clone()));
        let all = (caller.tenant.clone(), None);
        let (rate, rate_of_all) = (an_hour(self.rates.principal), an_hour(self.rates.tenant));
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.len() >= MOST {
            let more = if rate.count > rate_of_all.count {
                rate
            } else {
                rate_of_all
            };
            used.retain(|_, bucket| !bucket.is_full(more, now));
        }
        let bucket = |whose: &Whose| {
            let known = used.get(whose).copied();
            known.unwrap_or_else(|| Bucket::new(now))
        };
        let (mut of_own, mut of_all) = (bucket(&own), bucket(&all));
        of_own.take(count, rate, now).map_err(exceeded)?;
        of_all.take(count, rate_of_all, now).map_err(exceeded)?;
        used.insert(own, of_own);
        used.insert(all, of_all);
        Ok(())
    }
}

fn exceeded(exceeded: Exceeded) -> Refusal {
    let detail = "more devices than may be touched in an hour";
    match exceeded {
        Exceeded::Later(wait) => {
            let remedy = "wait as long as Retry-After says, or have the limit raised";
            let seconds = wait.as_secs().max(1);
            Refusal::from(problem(429, "too many devices", detail, remedy)).retry_after(seconds)
        }
        Exceeded::Never(most) => {
            let remedy = format!("ask for {most} at most, or have the limit raised");
            problem(422, "too many devices", detail, &remedy).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(tenant: &str, principal: &str) -> Caller {
        Caller {
            tenant: tenant.to_string(),
            principal: principal.to_string(),
            permissions: [].into_iter().collect(),
            home: tenant.to_string(),
            below: false,
            unfinished: false,
        }
    }

    #[test]
    fn principal_and_tenant_have_their_own_and_what_is_refused_counts_for_neither() {
        let touched = Touched::new(DeviceRates {
            principal: 10,
            tenant: 15,
        });
        let now = Timestamp::from_secs(1_000_000);
        let take = |tenant, principal, count, now| {
            let caller = caller(tenant, principal);
            touched.take(&caller, count, now).is_ok()
        };
        assert!(take("t", "a", 10, now));
        assert!(!take("t", "a", 1, now));
        assert!(!take("t", "b", 6, now));
        assert!(take("t", "b", 5, now));
        assert!(!take("t", "b", 1, now));
        assert!(take("u", "a", 10, now));
        assert!(!take("u", "a", 11, now));
        let later = now.after(Duration::from_secs(360));
        assert!(take("t", "a", 1, later));
        assert!(!take("t", "b", 1, later));
    }
}

//! How many requests a caller may make.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};
use rsp_core::Timestamp;

use super::problem::{Refusal, problem};

/// Requests a minute. A caller that was silent for a minute has as many at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rates {
    /// Of one principal.
    pub(crate) principal: u32,
    /// Of all principals of a tenant.
    pub(crate) tenant: u32,
    /// From one address whose sender is not known.
    pub(crate) stranger: u32,
}

/// Milliseconds in which the whole allowance comes back.
const WINDOW: u64 = 60_000;

/// Callers that are told apart; with more, those that have been silent are
/// forgotten, who have their whole allowance anyway.
const MOST: usize = 100_000;

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// Whose allowance it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Whose {
    Principal(String, String),
    Tenant(String),
    Address(std::net::IpAddr),
}

/// Counts requests.
pub(crate) struct Limiter {
    rates: Rates,
    /// When each has its whole allowance again, in milliseconds.
    whole_at: Mutex<HashMap<Whose, u64>>,
}

/// What is left of an allowance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Left {
    rate: u32,
    requests: u64,
    /// Seconds until it is whole.
    whole_in: u64,
}

impl Left {
    /// RateLimit headers (draft-ietf-httpapi-ratelimit-headers).
    pub(super) fn say(self, headers: &mut HeaderMap) {
        let Left {
            rate,
            requests,
            whole_in,
        } = self;
        let policy = format!("\"requests\";q={rate};w={}", WINDOW / 1000);
        let left = format!("\"requests\";r={requests};t={whole_in}");
        for (name, value) in [(POLICY, policy), (LIMIT, left)] {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        }
    }
}

impl Limiter {
    pub(crate) fn new(rates: Rates) -> Self {
        Limiter {
            rates,
            whole_at: Mutex::new(HashMap::new()),
        }
    }

    /// A request of a caller: counts with its principal and its tenant.
    pub(super) fn caller(
        &self,
        tenant: &str,
        principal: &str,
        now: Timestamp,
    ) -> Result<Left, Refusal> {
        let own = Whose::Principal(tenant.to_string(), principal.to_string());
        let left = self.take(own, self.rates.principal, now)?;
        self.take(Whose::Tenant(tenant.to_string()), self.rates.tenant, now)?;
        Ok(left)
    }

    /// A request of somebody who is not known.
    pub(super) fn stranger(&self, from: std::net::IpAddr, now: Timestamp) -> Result<(), Refusal> {
        self.take(Whose::Address(from), self.rates.stranger, now)
            .map(|_| ())
    }

    /// Each request costs a part of the window; what has been spent comes back
    /// with time.
    fn take(&self, whose: Whose, rate: u32, now: Timestamp) -> Result<Left, Refusal> {
        let rate = rate.max(1);
        let cost = (WINDOW / u64::from(rate)).max(1);
        let mut whole_at = self.whole_at.lock().unwrap_or_else(PoisonError::into_inner);
        if whole_at.len() >= MOST && !whole_at.contains_key(&whose) {
            whole_at.retain(|_, at| *at > now.0);
        }
        let mut spent_until = whole_at.get(&whose).copied().unwrap_or(0).max(now.0);
        // The clock was set back: nobody waits until it is where it was.
        if spent_until > now.0 + WINDOW.max(cost) {
            spent_until = now.0;
        }
        let after = spent_until + cost;
        if after > now.0 + WINDOW.max(cost) {
            drop(whole_at);
            return Err(exhausted((after - now.0 - WINDOW).div_ceil(1000).max(1)));
        }
        whole_at.insert(whose, after);
        Ok(Left {
            rate,
            requests: (now.0 + WINDOW - after) / cost,
            whole_in: (after - now.0).div_ceil(1000),
        })
    }
}

fn exhausted(seconds: u64) -> Refusal {
    let detail = "more requests than are allowed in a minute";
    let remedy = "wait as long as Retry-After says, and ask for lists instead of one by one";
    Refusal::from(problem(429, "too many requests", detail, remedy)).retry_after(seconds)
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;

    use super::*;

    const RATES: Rates = Rates {
        principal: 60,
        tenant: 90,
        stranger: 120,
    };

    #[test]
    fn an_allowance_is_spent_and_comes_back() {
        let limiter = Limiter::new(RATES);
        let ask = |at: u64| limiter.caller("t", "a", Timestamp(at));
        for left in (0..60).rev() {
            assert_eq!(ask(1_000_000).unwrap().requests, left);
        }
        let refused = ask(1_000_000).unwrap_err().into_response();
        assert_eq!(refused.status(), 429);
        assert_eq!(refused.headers()["retry-after"], "1");
        assert!(ask(1_000_999).is_err());
        assert_eq!(ask(1_001_000).unwrap().requests, 0);
        // Nobody waits longer because the clock was set back.
        assert_eq!(ask(500_000).unwrap().requests, 59);
    }

    #[test]
    fn others_have_their_own_within_that_of_the_tenant() {
        let limiter = Limiter::new(RATES);
        let now = Timestamp(1_000_000);
        let taken = |tenant, principal| {
            let asked = (0..100).map(|_| limiter.caller(tenant, principal, now));
            asked.filter(Result::is_ok).count()
        };
        assert_eq!(taken("t", "a"), 60);
        assert_eq!(taken("t", "b"), 30);
        assert_eq!(taken("u", "a"), 60);
        let from = "192.0.2.1".parse().unwrap();
        let strangers = (0..200).filter(|_| limiter.stranger(from, now).is_ok());
        assert_eq!(strangers.count(), 120);
    }
}

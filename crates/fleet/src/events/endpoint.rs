//! Who is told.

use std::fmt;

use rsp_core::Timestamp;
use serde::{Deserialize, Serialize};

use super::filter::EventFilter;
use super::signature::WebhookSecret;

/// The longest URL, in octets.
const LONGEST_URL: usize = 2048;

/// The longest description, in octets.
const LONGEST_DESCRIPTION: usize = 512;

/// Events in a second at most, if nobody says otherwise.
const RATE: u32 = 50;

/// For so long a secret that was replaced still signs, in seconds.
const OVERLAP: u64 = 24 * 3600;

/// What cannot be an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadEndpoint {
    /// It is no URL of the form.
    #[error(
        "the URL of an endpoint is https://HOST[:PORT]/PATH, 2048 octets at most, without user and fragment"
    )]
    Url,
    /// The description is too long.
    #[error("a description has 512 octets at most")]
    Description,
    /// The rate is out of bounds.
    #[error("the rate is 1 to 1000 events in a second")]
    Rate,
}

/// Why an endpoint is not told any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disabled {
    /// Since when.
    pub since: Timestamp,
    /// Why, in words.
    pub reason: String,
}

/// Who is told of events, and how.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookEndpoint {
    /// Where; it may hold a secret in its path or query.
    pub url: String,
    /// For people.
    #[serde(default)]
    pub description: String,
    /// Of what.
    #[serde(default)]
    pub filter: EventFilter,
    /// How many in a second at most.
    pub rate: u32,
    /// When it was added.
    pub created: Timestamp,
    /// What signs.
    pub secret: WebhookSecret,
    /// What signed before, and still signs until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<(WebhookSecret, Timestamp)>,
    /// Why it is not told any more; nothing if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<Disabled>,
}

impl WebhookEndpoint {
    /// A new endpoint that is told of everything.
    ///
    /// # Errors
    /// [`BadEndpoint::Url`].
    pub fn new(url: &str, secret: WebhookSecret, now: Timestamp) -> Result<Self, BadEndpoint> {
        let endpoint = WebhookEndpoint {
            url: url.to_string(),
            description: String::new(),
            filter: EventFilter::default(),
            rate: RATE,
            created: now,
            secret,
            before: None,
            disabled: None,
        };
        endpoint.check()?;
        Ok(endpoint)
    }

    /// Whether what it says of itself is within the bounds.
    ///
    /// # Errors
    /// [`BadEndpoint`] with what is not.
    pub fn check(&self) -> Result<(), BadEndpoint> {
        if !is_url(&self.url) {
            return Err(BadEndpoint::Url);
        }
        if self.description.len() > LONGEST_DESCRIPTION {
            return Err(BadEndpoint::Description);
        }
        match self.rate {
            1..=1000 => Ok(()),
            _ => Err(BadEndpoint::Rate),
        }
    }

    /// Another secret signs from now on, and for a day the one before signs, too.
    /// One that was on its way out already does not any more.
    pub fn rotate(&mut self, secret: WebhookSecret, now: Timestamp) {
        let before = std::mem::replace(&mut self.secret, secret);
        let until = now.after(std::time::Duration::from_secs(OVERLAP));
        self.before = Some((before, until));
    }

    /// The secrets that sign at a time: one, or two while one replaces the other.
    pub fn secrets(&self, now: Timestamp) -> Vec<WebhookSecret> {
        let before = self.before.iter().filter(|(_, until)| now < *until);
        let before = before.map(|(secret, _)| secret.clone());
        std::iter::once(self.secret.clone()).chain(before).collect()
    }

    /// Until when two secrets sign.
    pub fn rotates_until(&self, now: Timestamp) -> Option<Timestamp> {
        let until = self.before.as_ref().map(|(_, until)| *until);
        until.filter(|until| now < *until)
    }

    /// The pause between two events.
    pub fn pause(&self) -> std::time::Duration {
        std::time::Duration::from_secs(1) / self.rate.max(1)
    }
}

/// Without the URL's path, which may hold a secret.
impl fmt::Debug for WebhookEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookEndpoint")
            .field("filter", &self.filter)
            .field("disabled", &self.disabled)
            .finish_non_exhaustive()
    }
}

fn is_url(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("https://") else {
        return false;
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let host = rest.get(..end).unwrap_or_default();
    let printable = url.bytes().all(|octet| octet.is_ascii_graphic());
    let plain = !url.contains(['#', '\\', '"', '<', '>', '`', '{', '}', '|', '^']);
    url.len() <= LONGEST_URL && printable && plain && !host.is_empty() && !host.contains('@')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint() -> WebhookEndpoint {
        let secret = WebhookSecret::new([1; 32]);
        WebhookEndpoint::new("https://example.com/hook?key=mark", secret, Timestamp(0)).unwrap()
    }

    #[test]
    fn a_secret_that_is_replaced_signs_for_another_day() {
        let mut endpoint = endpoint();
        let day = Timestamp::from_secs(OVERLAP);
        endpoint.rotate(WebhookSecret::new([2; 32]), Timestamp(0));
        let revealed = |endpoint: &WebhookEndpoint, at| {
            let secrets = endpoint.secrets(at);
            secrets
                .iter()
                .map(WebhookSecret::reveal)
                .collect::<Vec<_>>()
        };
        let [one, two, three] = [1, 2, 3].map(|octet| WebhookSecret::new([octet; 32]).reveal());
        assert_eq!(revealed(&endpoint, Timestamp(0)), [two.clone(), one]);
        assert_eq!(revealed(&endpoint, day), std::slice::from_ref(&two));
        assert_eq!(endpoint.rotates_until(Timestamp(0)), Some(day));
        assert_eq!(endpoint.rotates_until(day), None);
        // Never more than two.
        endpoint.rotate(WebhookSecret::new([3; 32]), Timestamp(1));
        assert_eq!(revealed(&endpoint, Timestamp(1)), [three, two]);
    }

    #[test]
    fn an_endpoint_is_an_https_url_within_bounds() {
        let secret = || WebhookSecret::new([1; 32]);
        for url in [
            "",
            "http://example.com",
            "https://",
            "https:///a",
            "https://a b/",
            "https://u@h/",
            "https://h/#f",
            "ftp://h",
            "https://h/\u{e9}",
            "https://h\\@x/",
        ] {
            let refused = WebhookEndpoint::new(url, secret(), Timestamp(0));
            assert_eq!(refused.unwrap_err(), BadEndpoint::Url, "{url}");
        }
        let long = format!("https://h/{}", "a".repeat(2048));
        assert!(WebhookEndpoint::new(&long, secret(), Timestamp(0)).is_err());
        for rate in [0, 1001] {
            let endpoint = WebhookEndpoint { rate, ..endpoint() };
            assert_eq!(endpoint.check(), Err(BadEndpoint::Rate));
        }
        let description = "a".repeat(513);
        let endpoint = WebhookEndpoint {
            description,
            ..endpoint()
        };
        assert_eq!(endpoint.check(), Err(BadEndpoint::Description));
    }

    #[test]
    fn debug_shows_neither_secret_nor_url() {
        let text = format!("{:?}", endpoint());
        assert!(!text.contains("mark") && !text.contains("whsec"), "{text}");
    }
}

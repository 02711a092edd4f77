//! `simurgh webhook`: who is told of events, and what became of each.

use std::path::PathBuf;

use api::client::{self, ListDeliveriesQuery, ListWebhookEndpointsQuery};
use api::{Delivery, NewWebhookEndpoint, Replay, Secret, WebhookEndpoint, WebhookEndpointSettings};
use clap::{Args, Subcommand};
use serde::Serialize;

use super::output::Shown;
use super::{Listing, Remote};
use crate::{Failure, files};

/// What can be done with webhook endpoints.
///
/// An endpoint is an https address that gets one signed POST for each event
/// (Standard Webhooks), in order; what it does not take is tried again for a day.
#[derive(Debug, Subcommand)]
pub(crate) enum WebhookCommand {
    /// List webhook endpoints and how far they are
    List {
        #[command(flatten)]
        listing: Listing,
        #[command(flatten)]
        remote: Remote,
    },
    /// Add an endpoint, which is told what happens from now on; its secret is shown
    /// this once
    Add(Add),
    /// Show an endpoint
    Show(OneEndpoint),
    /// Change an endpoint; what is not said stays
    Set(Set),
    /// Remove an endpoint, and what is known of its deliveries
    Remove(OneEndpoint),
    /// Replace the secret, which is shown this once; for a day both sign
    Rotate(OneEndpoint),
    /// Send a test event, now; fails if the endpoint does not take it
    Test(OneEndpoint),
    /// Have a range of events delivered once more, before what is new
    Replay {
        /// Identifier of the endpoint
        #[arg(value_name = "ENDPOINT")]
        id: String,
        /// Number of the first event, as `simurgh event list` shows it
        #[arg(value_name = "FIRST")]
        first: i64,
        /// Number of the last event
        #[arg(value_name = "LAST")]
        last: i64,
        /// Those, too, that the endpoint's filter does not want
        #[arg(long)]
        unfiltered: bool,
        #[command(flatten)]
        remote: Remote,
    },
    /// List what became of events, the latest first
    Deliveries {
        /// Only those of this endpoint
        #[arg(long, value_name = "ENDPOINT")]
        endpoint: Option<String>,
        /// Only those of the event with this number
        #[arg(long, value_name = "NUMBER")]
        event: Option<u64>,
        /// Only those in this state: delivered, retrying or given_up
        #[arg(long, value_name = "STATE")]
        state: Option<String>,
        #[command(flatten)]
        listing: Listing,
        #[command(flatten)]
        remote: Remote,
    },
    /// Have one event delivered once more
    Resend {
        /// Identifier of the delivery, as `simurgh webhook deliveries` shows it
        #[arg(value_name = "DELIVERY")]
        id: String,
        #[command(flatten)]
        remote: Remote,
    },
}

/// An endpoint and the server that has it.
#[derive(Debug, Args)]
pub(crate) struct OneEndpoint {
    /// Its identifier
    #[arg(value_name = "ENDPOINT")]
    id: String,
    #[command(flatten)]
    remote: Remote,
}

/// Add an endpoint.
#[derive(Debug, Args)]
pub(crate) struct Add {
    /// Where: https://HOST[:PORT]/PATH
    #[arg(value_name = "ADDRESS")]
    address: String,
    #[command(flatten)]
    told: Told,
    /// File with the secret, whsec_ and base64 [default: a random one]
    #[arg(long, value_name = "FILE")]
    secret: Option<PathBuf>,
    #[command(flatten)]
    remote: Remote,
}

/// Change an endpoint.
#[derive(Debug, Args)]
pub(crate) struct Set {
    /// Its identifier
    #[arg(value_name = "ENDPOINT")]
    id: String,
    /// Where: https://HOST[:PORT]/PATH
    #[arg(long, value_name = "ADDRESS")]
    address: Option<String>,
    #[command(flatten)]
    told: Told,
    /// Whether it is told of events; enabled again, it goes on where it was
    #[arg(long)]
    enabled: Option<bool>,
    #[command(flatten)]
    remote: Remote,
}

/// What an endpoint is told.
#[derive(Debug, Args)]
#[command(next_help_heading = "Endpoint")]
struct Told {
    /// Only events of this type, for example operation.failed or 'device.*'; may be
    /// repeated
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
    /// Only events about this, for example 'devices/8904*'; may be repeated
    #[arg(long = "subject", value_name = "SUBJECT")]
    subjects: Vec<String>,
    /// Events in a second at most, 1 to 1000
    #[arg(long, value_name = "NUMBER")]
    rate: Option<u32>,
    /// For people
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
}

impl WebhookCommand {
    /// Does it.
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            WebhookCommand::List { listing, remote } => list(listing, &remote),
            WebhookCommand::Add(add) => add.run(),
            WebhookCommand::Show(OneEndpoint { id, remote }) => {
                let api = remote.api()?;
                let endpoint = api.ask(client::get_webhook_endpoint(&id))?;
                api.output.one(&endpoint)
            }
            WebhookCommand::Set(set) => set.run(),
            WebhookCommand::Remove(OneEndpoint { id, remote }) => {
                remote.api()?.ask(client::remove_webhook_endpoint(&id))
            }
            WebhookCommand::Rotate(OneEndpoint { id, remote }) => {
                let api = remote.api()?;
                let endpoint = api.ask(client::rotate_webhook_secret(&id))?;
                api.output.one(&WithSecret(endpoint))
            }
            WebhookCommand::Test(OneEndpoint { id, remote }) => test(&id, &remote),
            WebhookCommand::Replay {
                id,
                first,
                last,
                unfiltered,
                remote,
            } => {
                let replay = Replay {
                    first,
                    last,
                    unfiltered,
                };
                remote.api()?.tell(client::replay_events(&id, &replay))
            }
            WebhookCommand::Deliveries {
                endpoint,
                event,
                state,
                listing,
                remote,
            } => {
                let api = remote.api()?;
                let page = api.ask(client::list_deliveries(&ListDeliveriesQuery {
                    after: listing.after,
                    limit: Some(listing.limit.into()),
                    endpoint,
                    sequence: event.map(|event| event.to_string()),
                    state,
                }))?;
                api.output.page(&page)
            }
            WebhookCommand::Resend { id, remote } => {
                remote.api()?.ask(client::resend_delivery(&id))
            }
        }
    }
}

impl Add {
    fn run(self) -> Result<(), Failure> {
        let secret = self.secret.as_deref().map(files::read).transpose()?;
        let new = NewWebhookEndpoint {
            url: self.address,
            description: self.told.description.unwrap_or_default(),
            types: self.told.types,
            subjects: self.told.subjects,
            rate: self.told.rate,
            secret: secret.map(|secret| Secret(secret.trim().to_string())),
        };
        let api = self.remote.api()?;
        let endpoint = api.tell(client::add_webhook_endpoint(&new))?;
        api.output.one(&WithSecret(endpoint))
    }
}

impl Set {
    fn run(self) -> Result<(), Failure> {
        let given = |list: Vec<String>| (!list.is_empty()).then_some(list);
        let settings = WebhookEndpointSettings {
            url: self.address,
            description: self.told.description,
            types: given(self.told.types),
            subjects: given(self.told.subjects),
            rate: self.told.rate,
            enabled: self.enabled,
        };
        if settings == WebhookEndpointSettings::default() {
            return Err(Failure::new("nothing to change", "see --help"));
        }
        let api = self.remote.api()?;
        let endpoint = api.tell(client::set_webhook_endpoint(&self.id, &settings))?;
        api.output.one(&endpoint)
    }
}

fn list(listing: Listing, remote: &Remote) -> Result<(), Failure> {
    let api = remote.api()?;
    let query = ListWebhookEndpointsQuery {
        after: listing.after,
        limit: Some(listing.limit.into()),
    };
    let page = api.ask(client::list_webhook_endpoints(&query))?;
    api.output.page(&page)
}

fn test(id: &str, remote: &Remote) -> Result<(), Failure> {
    let api = remote.api()?;
    let delivery = api.ask(client::test_webhook_endpoint(id))?;
    api.output.one(&delivery)?;
    match delivery.state.as_str() {
        "delivered" => Ok(()),
        _ => Err(Failure::new(
            "the test event was not taken",
            delivery.detail,
        )),
    }
}

/// An endpoint whose secret is shown.
#[derive(Serialize)]
#[serde(transparent)]
struct WithSecret(WebhookEndpoint);

impl Shown for WithSecret {
    const TITLES: &'static [&'static str] = &["ENDPOINT", "URL", "SECRET"];

    fn cells(&self) -> Vec<String> {
        let WithSecret(endpoint) = self;
        let secret = endpoint
            .secret
            .as_ref()
            .map(|Secret(secret)| secret.clone());
        vec![
            endpoint.id.clone(),
            endpoint.url.clone(),
            secret.unwrap_or_default(),
        ]
    }
}

impl Shown for WebhookEndpoint {
    const TITLES: &'static [&'static str] = &[
        "ENDPOINT", "STATE", "SINCE", "POSITION", "RATE", "TYPES", "SUBJECTS", "URL", "REASON",
    ];

    fn cells(&self) -> Vec<String> {
        let all = |list: &[String]| match list {
            [] => "all".to_string(),
            list => list.join(","),
        };
        vec![
            self.id.clone(),
            self.state.clone(),
            self.since.clone().unwrap_or_default(),
            self.position.to_string(),
            format!("{}/s", self.rate),
            all(&self.types),
            all(&self.subjects),
            self.url.clone(),
            self.reason.clone().unwrap_or_default(),
        ]
    }
}

impl Shown for Delivery {
    const TITLES: &'static [&'static str] = &[
        "DELIVERY", "EVENT", "TYPE", "STATE", "ATTEMPTS", "LAST", "STATUS", "TOOK", "ANSWER",
    ];

    fn cells(&self) -> Vec<String> {
        let status = self.status.map(|status| status.to_string());
        vec![
            self.id.clone(),
            self.sequence.to_string(),
            self.kind.clone(),
            self.state.clone(),
            self.attempts.to_string(),
            self.last.clone(),
            status.unwrap_or_default(),
            format!("{} ms", self.duration_ms),
            self.detail.lines().next().unwrap_or_default().to_string(),
        ]
    }
}

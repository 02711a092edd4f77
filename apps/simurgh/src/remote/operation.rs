//! `simurgh operation`: what is done on devices, and how far it is.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use api::Operation;
use api::client::{self, ListOperationsQuery};
use clap::{Args, Subcommand};
use serde::Serialize;

use super::device::OneDevice;
use super::order::Ordering;
use super::output::{self, Shown};
use super::{Api, Listing, Output, Remote, price};
use crate::{Failure, files};

/// Pause between two looks at an operation.
const LOOK: Duration = Duration::from_secs(1);

/// What can be done with operations.
#[derive(Debug, Subcommand)]
pub(crate) enum OperationCommand {
    /// List operations, newest first
    List {
        /// Only those on the device with this EID
        #[arg(long, value_name = "EID")]
        eid: Option<String>,
        /// Only those in this state, for example queued or outcome_unknown
        #[arg(long, value_name = "STATE")]
        state: Option<String>,
        #[command(flatten)]
        listing: Listing,
        #[command(flatten)]
        remote: Remote,
    },
    /// Show one operation
    Show(OneOperation),
    /// Follow an operation to its end; it fails if the operation does
    Watch {
        #[command(flatten)]
        operation: OneOperation,
        /// Give up watching after so many seconds; the operation goes on
        #[arg(long, value_name = "SECONDS")]
        timeout: Option<u64>,
    },
    /// Order operations that travel in one eUICC Package, in their order; what
    /// follows a failure is not done
    Order {
        #[command(flatten)]
        device: OneDevice,
        /// JSON list of operations as in the API, for example
        /// [{"kind":"get_rat"},{"kind":"enable","iccid":"8988..."}]
        #[arg(value_name = "FILE")]
        operations: PathBuf,
        #[command(flatten)]
        ordering: Ordering,
    },
    /// Take an operation back of which nothing was sent yet, and those that were
    /// ordered with it
    Cancel(OneOperation),
}

/// An operation and the server that has it.
#[derive(Debug, Args)]
pub(crate) struct OneOperation {
    /// Its identifier
    #[arg(value_name = "OPERATION")]
    id: String,
    #[command(flatten)]
    remote: Remote,
}

impl OperationCommand {
    /// Does it.
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            OperationCommand::List {
                eid,
                state,
                listing,
                remote,
            } => {
                let api = remote.api()?;
                let page = api.ask(client::list_operations(&ListOperationsQuery {
                    after: listing.after,
                    limit: Some(listing.limit.into()),
                    eid,
                    state,
                }))?;
                api.output.page(&page)
            }
            OperationCommand::Show(OneOperation { id, remote }) => {
                let api = remote.api()?;
                let operation = api.ask(client::get_operation(&id))?;
                api.output.one(&InFull(operation))
            }
            OperationCommand::Watch { operation, timeout } => {
                let api = operation.remote.api()?;
                watch(&api, &operation.id, timeout.map(Duration::from_secs))
            }
            OperationCommand::Order {
                device,
                operations,
                ordering,
            } => {
                let text = files::read(&operations)?;
                let list = serde_json::from_str(&text)
                    .map_err(|error| Failure::new(operations.display(), error))?;
                ordering.order_list(device, list)
            }
            OperationCommand::Cancel(OneOperation { id, remote }) => {
                let api = remote.api()?;
                let operation = api.ask(client::cancel_operation(&id))?;
                api.output.one(&operation)
            }
        }
    }
}

/// Shows each new state; the last one decides.
fn watch(api: &Api, id: &str, timeout: Option<Duration>) -> Result<(), Failure> {
    follow(api, id, timeout, |operation| match api.output {
        Output::Json => output::json(operation),
        Output::Table => {
            let reason = operation.reason.as_deref().unwrap_or_default();
            outln!("{}  {:15}  {reason}", operation.since, operation.state);
            Ok(())
        }
    })
}

/// Waits for the end of an operation, whose last state decides.
pub(super) fn settled(api: &Api, id: &str, timeout: Option<Duration>) -> Result<(), Failure> {
    follow(api, id, timeout, |_| Ok(()))
}

fn follow(
    api: &Api,
    id: &str,
    timeout: Option<Duration>,
    show: impl Fn(&Operation) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let started = Instant::now();
    let mut seen = String::new();
    loop {
        let operation = api.ask(client::get_operation(id))?;
        if operation.state != seen {
            seen.clone_from(&operation.state);
            show(&operation)?;
        }
        if operation.is_final() {
            return match operation.state.as_str() {
                "confirmed" => Ok(()),
                state => Err(Failure::new(
                    format!("operation {id} is {state}"),
                    operation.reason.as_deref().unwrap_or("no reason is known"),
                )),
            };
        }
        if timeout.is_some_and(|timeout| started.elapsed() >= timeout) {
            let doing = format!("operation {id} is {seen}");
            let remedy = "still not at its end; watch it again, or see `simurgh device show`";
            return Err(Failure::new(doing, remedy));
        }
        std::thread::sleep(LOOK);
    }
}

impl Shown for Operation {
    const TITLES: &'static [&'static str] = &[
        "OPERATION",
        "EID",
        "KIND",
        "STATE",
        "SINCE",
        "PROOF",
        "REASON",
        "RESULT",
    ];

    fn cells(&self) -> Vec<String> {
        let proof = match (self.state.as_str(), self.unverified) {
            _ if self.emulated => "EMULATED",
            (_, true) => "UNVERIFIED",
            _ if self.kind == "get_euicc_data" => "unsigned",
            ("executed" | "confirmed" | "failed" | "rolled_back", false) => "verified",
            _ => "",
        };
        vec![
            self.id.clone(),
            self.eid.clone(),
            self.kind.clone(),
            self.state.clone(),
            self.since.clone(),
            proof.to_string(),
            reason(self),
            result(self),
        ]
    }
}

/// One operation, with what lists have not.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct InFull(pub(super) Operation);

impl Shown for InFull {
    const TITLES: &'static [&'static str] = &[
        "OPERATION",
        "EID",
        "KIND",
        "STATE",
        "SINCE",
        "PROOF",
        "REASON",
        "RESULT",
        "EXPECTED",
        "COST",
    ];

    fn cells(&self) -> Vec<String> {
        let price = self.0.price.as_ref();
        let estimated = price.and_then(|price| price.estimated.as_ref());
        let actual = price.and_then(|price| price.actual.as_ref());
        let mut cells = self.0.cells();
        cells.extend([estimated, actual].map(price::in_short));
        cells
    }
}

/// Why it failed or waits, and what to do about it.
fn reason(operation: &Operation) -> String {
    let Some(failure) = &operation.failure else {
        return operation.reason.clone().unwrap_or_default();
    };
    let reason = operation.reason.as_ref().unwrap_or(&failure.code);
    match &failure.again {
        Some(again) => format!("{reason}; again from {again}"),
        None => format!("{reason}; {}", failure.remedy),
    }
}

/// What came of it, in short; `--output json` has all of it.
fn result(operation: &Operation) -> String {
    let mut said = Vec::new();
    said.extend(operation.iccid.clone());
    said.extend(
        operation
            .association_token
            .map(|token| format!("token {token}")),
    );
    if let Some(profiles) = &operation.profiles {
        said.push(format!("{} profiles", profiles.len()));
    }
    if let Some(rules) = &operation.rat {
        said.push(format!("{} rules", rules.len()));
    }
    if let Some(eims) = &operation.eims {
        let names: Vec<_> = eims.iter().map(|eim| eim.eim_id.as_str()).collect();
        said.push(names.join(" "));
    }
    if operation.last_eim_deleted == Some(true) {
        said.push("no eIM is left".to_string());
    }
    if let Some(data) = &operation.euicc_data {
        said.extend(data.device.as_ref().and_then(|device| device.imei.clone()));
        said.extend(
            data.ipa_features
                .as_ref()
                .map(|features| features.join(" ")),
        );
    }
    said.join(", ")
}

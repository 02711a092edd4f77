//! Ordering operations.

use std::time::Duration;

use api::client;
use api::{NewOperation, Operation, OperationKind, Ordered, Secret, Validity};
use clap::Args;

use super::device::OneDevice;
use super::operation::InFull;
use super::output;
use super::{Api, Output};
use crate::{Failure, shell};

/// How an operation is ordered.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Order")]
pub(crate) struct Ordering {
    /// Send it in a package of its own; otherwise what waits for a device that
    /// sleeps travels together where that changes nothing
    #[arg(long)]
    separate: bool,
    /// Say what it would cost in octets, money and energy, and order nothing
    #[arg(long)]
    price: bool,
    /// Do it even if the device may be lost by it, without a profile that works
    /// or without an eIM; the server's log says so
    #[arg(long)]
    force: bool,
    /// For how long it is worth sending, for example 90m, 12h or 3d; then it
    /// expires, or it is found out what became of it
    #[arg(long, value_name = "TIME", value_parser = duration)]
    valid_for: Option<Duration>,
    /// In how many contacts of the device it may be sent
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    contacts: Option<u32>,
    /// A network from which it is confirmed, for example 262-01; may be repeated
    #[arg(long, value_name = "PLMN")]
    expect_network: Vec<String>,
}

/// A number with a unit: s, m, h, d or w.
fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "give a number with s, m, h, d or w, for example 3d".to_string();
    let unit = text.chars().next_back().ok_or_else(wrong)?;
    let number = text.strip_suffix(unit).ok_or_else(wrong)?;
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let seconds: u64 = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return Err(wrong()),
    };
    let seconds = number.checked_mul(seconds).filter(|seconds| *seconds > 0);
    seconds.map(Duration::from_secs).ok_or_else(wrong)
}

impl Ordering {
    /// Queues one operation and shows it.
    pub(super) fn order(self, device: OneDevice, kind: OperationKind) -> Result<(), Failure> {
        self.order_confirmed(device, kind, None)
    }

    /// As [`Ordering::order`], with the code that confirms a download.
    pub(super) fn order_confirmed(
        self,
        device: OneDevice,
        kind: OperationKind,
        confirmation_code: Option<Secret>,
    ) -> Result<(), Failure> {
        let api = device.remote.api()?;
        let asked = self.price;
        let new = NewOperation {
            confirmation_code,
            ..self.one(device.eid, kind)
        };
        if asked {
            return price(&api, &new);
        }
        let queued = one(api.tell(client::order_operation(&new))?)?;
        api.output.one(&InFull(queued))
    }

    fn one(self, eid: String, kind: OperationKind) -> NewOperation {
        NewOperation {
            separate: self.separate,
            force: self.force,
            validity: self.validity(),
            expected_networks: self.expect_network,
            ..NewOperation::one(eid, kind)
        }
    }

    fn validity(&self) -> Option<Validity> {
        let limited = self.valid_for.is_some() || self.contacts.is_some();
        limited.then(|| Validity {
            until: self
                .valid_for
                .map(|time| shell::now().after(time).to_rfc3339()),
            contacts: self.contacts,
        })
    }

    pub(super) fn queue(
        self,
        api: &Api,
        eid: String,
        kind: OperationKind,
    ) -> Result<Operation, Failure> {
        one(api.tell(client::order_operation(&self.one(eid, kind)))?)
    }

    /// Queues a list that travels in one package, and shows it.
    pub(super) fn order_list(
        self,
        device: OneDevice,
        operations: Vec<OperationKind>,
    ) -> Result<(), Failure> {
        let api = device.remote.api()?;
        let asked = self.price;
        let new = NewOperation {
            eid: device.eid,
            operation: None,
            operations,
            confirmation_code: None,
            separate: self.separate,
            force: self.force,
            validity: self.validity(),
            expected_networks: self.expect_network,
        };
        if asked {
            return price(&api, &new);
        }
        let Ordered::List(queued) = api.tell(client::order_operation(&new))? else {
            return Err(unexpected());
        };
        match api.output {
            Output::Json => output::json(&queued),
            Output::Table => {
                output::table(&queued.items);
                Ok(())
            }
        }
    }
}

/// What an order would cost.
fn price(api: &Api, new: &NewOperation) -> Result<(), Failure> {
    let price = api.tell(client::price_operation(new))?;
    api.output.one(&price)
}

/// The one operation that was ordered.
fn one(ordered: Ordered) -> Result<Operation, Failure> {
    match ordered {
        Ordered::One(operation) => Ok(*operation),
        Ordered::List(_) => Err(unexpected()),
    }
}

fn unexpected() -> Failure {
    Failure::new("the server's answer", "not as it was ordered")
}

//! Subscriptions for the devices, made and put into stock as they are needed.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};

use rsp_asn1::ids::Iccid;
use rsp_core::profile::Subscription;
use rsp_crypto::Rng;
use tokio::sync::Mutex;

use super::Setting;
use crate::Failure;

/// Subscriptions per import: the request must stay within what the server
/// takes.
const BATCH: u32 = 500;

/// Devices that are still to be made, each with its subscription.
pub(crate) struct Supply {
    template: Vec<u8>,
    devices: u32,
    /// Those that are in stock and have no device yet.
    ready: Mutex<VecDeque<(u32, Subscription)>>,
    /// How many were made.
    made: Cell<u32>,
    /// All of them, if the server chooses who gets which.
    chosen_later: Option<RefCell<BTreeMap<Iccid, Subscription>>>,
}

impl Supply {
    pub(crate) fn new(template: Vec<u8>, devices: u32, chosen_later: bool) -> Self {
        Supply {
            template,
            devices,
            ready: Mutex::default(),
            made: Cell::new(0),
            chosen_later: chosen_later.then(RefCell::default),
        }
    }

    /// Takes the subscription that the server chose.
    pub(crate) fn chosen(&self, iccid: Iccid) -> Option<Subscription> {
        self.chosen_later.as_ref()?.borrow_mut().remove(&iccid)
    }

    /// The next device's number and subscription; `None` after the last one.
    pub(crate) async fn next(
        &self,
        setting: &Setting,
    ) -> Result<Option<(u32, Subscription)>, Failure> {
        let mut ready = self.ready.lock().await;
        let made = self.made.get();
        if ready.is_empty() && made < self.devices {
            let until = self.devices.min(made + BATCH);
            let batch: VecDeque<_> = (made + 1..=until)
                .map(|number| Ok((number, subscription(number)?)))
                .collect::<Result<_, Failure>>()?;
            let subscriptions = batch.iter().map(|(_, subscription)| subscription);
            setting
                .operator
                .stock(&self.template, subscriptions)
                .await?;
            self.made.set(until);
            if let Some(all) = &self.chosen_later {
                let by_iccid = batch.iter().map(|(_, of)| (of.iccid, of.clone()));
                all.borrow_mut().extend(by_iccid);
            }
            *ready = batch;
        }
        Ok(ready.pop_front())
    }
}

/// A subscription of a test network (MCC 999, TS 23.003).
fn subscription(number: u32) -> Result<Subscription, Failure> {
    let sd_keys = Some([random()?, random()?, random()?]);
    Ok(Subscription {
        sd_keys,
        ..with_random_keys(
            &format!("8999970000{number:09}0"),
            &format!("99970{number:010}"),
        )?
    })
}

/// The subscription that a device comes with, of another network.
pub(crate) fn bootstrap(number: u32) -> Result<Subscription, Failure> {
    with_random_keys(
        &format!("8999910000{number:09}0"),
        &format!("99901{number:010}"),
    )
}

fn with_random_keys(iccid: &str, imsi: &str) -> Result<Subscription, Failure> {
    let (ki, opc) = (random()?, random()?);
    Ok(Subscription::new(iccid.parse()?, imsi.parse()?, ki, opc))
}

fn random() -> Result<[u8; 16], Failure> {
    let mut key = [0; 16];
    super::random()?.fill(&mut key);
    Ok(key)
}

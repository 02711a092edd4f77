//! Orders at the eIM, and one case for each kind: EIM-03 to -16.

use std::fmt::Debug;

use rsp_asn1::Asn1;
use rsp_asn1::sgp32::EimConfigurationData;
use serde_json::{Value, json};

use super::bench::{Bench, P1};
use crate::conform::case::{Case, Check, Stop, case, ensure, same, skip};
use crate::conform::der::{hex, shown, tlv};

/// Something that the eIM is to do with a device: a kind and its members, in
/// the words of Simurgh's API.
#[derive(Clone, Debug, PartialEq)]
pub struct Order(pub Value);

impl Order {
    /// The kind.
    pub fn kind(&self) -> &str {
        self.0
            .get("kind")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// The members beside the kind, as text.
    pub fn members(&self) -> Vec<(String, String)> {
        let members = self.0.as_object().into_iter().flatten();
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        members
            .filter(|(name, _)| *name != "kind")
            .map(|(name, value)| (name.clone(), text(value)))
            .collect()
    }
}

/// How far an order is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// Nothing is known of its outcome.
    Open,
    /// It was carried out.
    Success,
    /// It was not.
    Failed,
    /// It was, and the device went back.
    RolledBack,
}

/// An order as the eIM shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// How far it is.
    pub settled: Settled,
    /// What else is shown, for people.
    pub shown: String,
}

/// Who places orders at the eIM.
pub trait Orders {
    /// Makes the eIM know a device whose eUICC knows it already, with this
    /// association token and the counterValue 0.
    ///
    /// # Errors
    /// For people, if it does not want to.
    fn add_device(&mut self, eid: &str, token: Option<i64>) -> Result<(), String>;

    /// Places an order; gives its name at the eIM.
    ///
    /// # Errors
    /// For people, if it is not taken.
    fn place(&mut self, eid: &str, order: &Order) -> Result<String, String>;

    /// Tells the eIM that a device listens at `https://HOST:PORT`, with this
    /// certificate.
    ///
    /// # Errors
    /// For people, if it brings nothing to devices.
    fn listen(
        &mut self,
        eid: &str,
        url: &str,
        certificate: &rsp_asn1::Certificate,
    ) -> Result<(), String>;

    /// How far an order is.
    ///
    /// # Errors
    /// For people, if the eIM does not say.
    fn outcome(&mut self, eid: &str, id: &str) -> Result<Outcome, String>;

    /// The eIM's EimConfigurationData in DER, `None` if nobody knows it.
    ///
    /// # Errors
    /// For people, if it should be known and is not.
    fn configuration(&mut self) -> Result<Option<Vec<u8>>, String>;

    /// The causes of state changes that the eIM knows of a device, newest last.
    ///
    /// # Errors
    /// For people, if it does not say.
    fn causes(&mut self, eid: &str) -> Result<Vec<i64>, String>;
}

pub(super) const CASES: &[Case<Bench>] = &[
    case("EIM-03", "enable", enable),
    case("EIM-04", "disable", |b| psmo(b, "disable", 0xA4, "840100")),
    case("EIM-05", "delete", |b| psmo(b, "delete", 0xA5, "850100")),
    case("EIM-06", "disable and delete", disable_and_delete),
    case("EIM-07", "listProfileInfo", list),
    case("EIM-08", "getRAT", |b| {
        one(b, json!({"kind": "get_rat"}), "A600", "A600")
    }),
    case("EIM-09", "configureImmediateEnable", immediate),
    case("EIM-10", "setFallbackAttribute", |b| {
        psmo(b, "set_fallback_attribute", 0xA8, "8D0100")
    }),
    case("EIM-11", "unsetFallbackAttribute", |b| {
        one(
            b,
            json!({"kind": "unset_fallback_attribute"}),
            "A900",
            "8E0100",
        )
    }),
    case("EIM-12", "setDefaultDpAddress", default_address),
    case("EIM-13", "addEim", add_eim),
    case("EIM-14", "deleteEim", delete_eim),
    case("EIM-15", "updateEim", update_eim),
    case("EIM-16", "listEim", |b| {
        one(
            b,
            json!({"kind": "list_eim"}),
            "AB00",
            "AB0FA00D300B80066F7468657231820103",
        )
    }),
];

/// An order whose package must hold these items, answered with these results.
fn one(bench: &mut Bench, order: Value, items: &str, results: &str) -> Check {
    exchanged(bench, order, results, &|found| {
        ensure(
            found.starts_with(items),
            &format!("the list of the package is {found}, not {items}"),
        )
    })
}

/// An order whose items a case judges, answered with these results; it must
/// come to success.
pub(super) fn exchanged(
    bench: &mut Bench,
    order: Value,
    results: &str,
    judge: &dyn Fn(&str) -> Check,
) -> Check {
    let device = bench.certified_device(None)?;
    let id = bench.place(&device, order)?;
    let package = bench.package(&device)?;
    judge(&shown(&package.items()?))?;
    let result = device.result(&package, &hex(results), 7)?;
    bench.provided(&device, &result)?;
    bench.settled(&device, &id, Settled::Success)
}

pub(super) fn iccid_object(iccid: &str) -> Check<Vec<u8>> {
    let iccid: rsp_asn1::ids::Iccid = iccid.parse()?;
    Ok(tlv(0x5A, iccid.as_swapped()))
}

fn enable(bench: &mut Bench) -> Check {
    let order = json!({"kind": "enable", "iccid": P1, "rollback": false});
    one(
        bench,
        order,
        &shown(&tlv(0xA3, &iccid_object(P1)?)),
        "830100",
    )
}

fn psmo(bench: &mut Bench, kind: &str, tag: u32, results: &str) -> Check {
    let items = shown(&tlv(tag, &iccid_object(P1)?));
    one(bench, json!({"kind": kind, "iccid": P1}), &items, results)
}

fn disable_and_delete(bench: &mut Bench) -> Check {
    let both = [0xA4, 0xA5].map(|tag| Ok::<_, Stop>(tlv(tag, &iccid_object(P1)?)));
    let items: Result<Vec<_>, _> = both.into_iter().collect();
    let order = json!({"kind": "disable_and_delete", "iccid": P1});
    one(bench, order, &shown(&items?.concat()), "840100850100")
}

fn list(bench: &mut Bench) -> Check {
    let device = bench.certified_device(None)?;
    let id = bench.place(&device, json!({"kind": "list_profile_info"}))?;
    let package = bench.package(&device)?;
    let items = package.items()?;
    ensure(
        items.starts_with(&hex("BF2D")),
        "the item is listProfileInfo",
    )?;
    let profile = [
        iccid_object(P1)?,
        tlv(0x4F, &hex("A0000005591010FFFFFFFF8900001100")),
        hex("9F700101"),
        tlv(0x91, b"Provider"),
        tlv(0x92, b"Conformance"),
        hex("950102"),
    ];
    let results = tlv(0xBF2D, &tlv(0xA0, &tlv(0xE3, &profile.concat())));
    bench.provided(&device, &device.result(&package, &results, 7)?)?;
    bench.settled(&device, &id, Settled::Success)?;
    let outcome = bench.outcome(&device, &id)?;
    ensure(outcome.shown.contains(P1), "the outcome names the profile")
}

fn immediate(bench: &mut Bench) -> Check {
    let order = json!({"kind": "configure_immediate_enable", "enabled": true});
    one(bench, order, "A7028000", "870100")
}

fn default_address(bench: &mut Bench) -> Check {
    let items = shown(&tlv(0xBF65, &tlv(0x80, b"smdp.example.com")));
    let order = json!({"kind": "set_default_dp_address", "address": "smdp.example.com"});
    one(bench, order, &items, "BF6503800100")
}

/// EimConfigurationData of another eIM.
fn other_eim(bench: &mut Bench) -> Check<EimConfigurationData> {
    let key = bench.key()?;
    super::device::eim_configuration("other1", &key)
}

fn add_eim(bench: &mut Bench) -> Check {
    let data = shown(&other_eim(bench)?.to_der());
    let order = json!({"kind": "add_eim", "eim_configuration_data": data});
    exchanged(bench, order, "A803840109", &|found| {
        ensure(
            found.starts_with("A8"),
            &format!("{found}: the eCO is addEim"),
        )
    })
}

fn delete_eim(bench: &mut Bench) -> Check {
    let order = json!({"kind": "delete_eim", "eim_id": "other1"});
    one(bench, order, "A90880066F7468657231", "890100")
}

fn update_eim(bench: &mut Bench) -> Check {
    // A token is asked for when an eIM is added, and at no other time.
    let data = EimConfigurationData {
        association_token: None,
        ..other_eim(bench)?
    };
    let data = shown(&data.to_der());
    let order = json!({"kind": "update_eim", "eim_configuration_data": data});
    exchanged(bench, order, "8A0100", &|found| {
        ensure(
            found.starts_with("AA"),
            &format!("{found}: the eCO is updateEim"),
        )
    })
}

impl Bench {
    /// Places an order; skipped if the eIM takes none of this kind.
    pub(super) fn place(&mut self, device: &super::device::Device, order: Value) -> Check<String> {
        let order = Order(order);
        let eid = device.eid.to_string();
        match self.orders.place(&eid, &order) {
            Ok(id) => Ok(id),
            Err(why) => skip(format!("the eIM took no order of {}: {why}", order.kind())),
        }
    }

    pub(super) fn outcome(&mut self, device: &super::device::Device, id: &str) -> Check<Outcome> {
        let found = self.orders.outcome(&device.eid.to_string(), id);
        found.map_err(Stop::Failed)
    }

    /// Fails unless an order came to this.
    pub(super) fn settled(
        &mut self,
        device: &super::device::Device,
        id: &str,
        expected: Settled,
    ) -> Check {
        let outcome = self.outcome(device, id)?;
        let what = format!("the order ({})", outcome.shown);
        same(&what, outcome.settled, expected)
    }
}

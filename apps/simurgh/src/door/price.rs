//! What an order would cost, and what operations cost.

use api::{NewOperation, OperationPrice, Problem};
use axum::response::Response;
use fleet::access::Permission;
use fleet::inventory::DeviceId;
use fleet::price::{Price, PricedLeg, Setting};
use rsp_asn1::ids::{Eid, Iccid};
use rsp_core::eim::{Estimate, EuiccRecord, Leg, Operation, OperationId, OperationKind};
use utoipa_axum::routes;

use super::answer::ok;
use super::authorise::Call;
use super::body::Json;
use super::functions::parse;
use super::problem::Refusal;
use super::routes::{Guard, Routes};
use super::{Functions, internal, invalid, order, stored};
use crate::shell;

/// What stands in the place of an activation code that nobody has yet.
const SOME_CODE: &str = "LPA:1$smdp.example.com$00000000-0000-0000-0000-000000000000";

pub(super) fn routes() -> Routes {
    Routes::new().with(Guard::Needs(Permission::OperationsRead), routes!(price))
}

/// See what an order would cost
///
/// Nothing is ordered. Of a list it is the price of all of it.
#[utoipa::path(
    post,
    path = "/operations/price",
    operation_id = "priceOperation",
    tag = "operations",
    request_body = NewOperation,
    responses((status = 200, description = "Octets, money and energy, as far as they are known.", body = api::Price)),
)]
async fn price(call: Call, Json(new): Json<NewOperation>) -> Result<Response, Refusal> {
    call.work(move |functions| ok(&functions.price_of_order(&new)?))
        .await
}

impl Functions {
    fn price_of_order(&self, new: &NewOperation) -> Result<api::Price, Problem> {
        let eid: Eid = parse("eid", &new.eid)?;
        let record = self.record(&new.eid)?;
        let (kinds, package) = match &new.operation {
            Some(api::OperationKind::DownloadFromPool { pool }) => {
                let activation_code = SOME_CODE.to_string();
                let kind = OperationKind::Download { activation_code };
                (vec![kind], self.package_of_pool(pool)?)
            }
            _ => {
                let kinds = order::kinds(new)?;
                let package = self.package_of(&kinds)?;
                (kinds, package)
            }
        };
        let now = shell::now();
        let make = |(place, kind): (usize, OperationKind)| {
            Operation::queued(OperationId(place.to_string()), eid, kind, now)
        };
        let operations: Vec<Operation> = kinds.into_iter().enumerate().map(make).collect();
        let estimates = self.estimates(&record, &operations, package)?;
        let legs: Vec<Leg> = estimates.iter().flat_map(|one| one.legs.clone()).collect();
        let whole = Estimate {
            legs: merged(&legs),
            ..estimates.into_iter().next().ok_or_else(internal)?
        };
        let setting = self.setting(eid, &whole.legs)?;
        Ok(shown(&setting.expected(&whole)))
    }

    /// What operations that are ordered together are expected to take, each of them.
    fn estimates(
        &self,
        record: &EuiccRecord,
        operations: &[Operation],
        package: Option<u64>,
    ) -> Result<Vec<Estimate>, Problem> {
        let operations: Vec<&Operation> = operations.iter().collect();
        let estimates = self.eim.eim().estimate(record, &operations, package);
        estimates.map_err(|why| invalid("operations", why, "order something else"))
    }

    /// Puts down what each is expected to take. What cannot be told is left out: the
    /// order itself says what is wrong with it.
    pub(super) fn estimate(&self, eid: Eid, operations: &mut [Operation]) -> Result<(), Problem> {
        let Some(record) = self.eim.store().euicc(eid).map_err(stored)? else {
            return Ok(());
        };
        let expected = operations.first().and_then(|operation| operation.expects);
        let package = self.package_of_profile(expected)?;
        if let Ok(estimates) = self.estimates(&record.value, operations, package) {
            for (operation, estimate) in operations.iter_mut().zip(estimates) {
                operation.estimate = Some(estimate);
            }
        }
        Ok(())
    }

    /// The same of a download whose code is not leased yet.
    pub(super) fn estimate_from_pool(
        &self,
        eid: Eid,
        pool: &str,
    ) -> Result<Option<Estimate>, Problem> {
        let Some(record) = self.eim.store().euicc(eid).map_err(stored)? else {
            return Ok(None);
        };
        let activation_code = SOME_CODE.to_string();
        let kind = OperationKind::Download { activation_code };
        let download = Operation::queued(OperationId(String::new()), eid, kind, shell::now());
        let package = self.package_of_pool(pool)?;
        let estimates = self.estimates(&record.value, &[download], package);
        Ok(estimates.ok().and_then(|all| all.into_iter().next()))
    }

    /// The price of an operation, as far as anything is known of it.
    pub(super) fn price_of(
        &self,
        operation: &Operation,
    ) -> Result<Option<OperationPrice>, Problem> {
        let estimated = operation
            .estimate
            .iter()
            .flat_map(|estimate| &estimate.legs);
        let legs: Vec<Leg> = estimated.chain(&operation.traffic.legs).cloned().collect();
        if legs.is_empty() {
            return Ok(None);
        }
        let setting = self.setting(operation.eid, &legs)?;
        let estimate = operation.estimate.as_ref();
        Ok(Some(OperationPrice {
            estimated: estimate.map(|estimate| shown(&setting.expected(estimate))),
            actual: setting.actual(operation).map(|price| shown(&price)),
        }))
    }

    /// What is known of a device and of what it pays.
    fn setting(&self, eid: Eid, legs: &[Leg]) -> Result<Setting, Problem> {
        let store = self.eim.store();
        let device = store.device_named(&DeviceId::from(eid)).map_err(stored)?;
        let latest = device.as_ref().and_then(|device| device.latest.as_ref());
        let mut setting = Setting {
            in_use: latest.and_then(|(_, sample)| sample.rat),
            device: device.map(|device| device.device),
            tariffs: Vec::new(),
            energy: self.energy.clone(),
        };
        for name in setting.tariffs_of(legs) {
            let tariff = store.tariff(&name).map_err(stored)?;
            let tariff = tariff.map(|tariff| (name, tariff.value));
            setting.tariffs.extend(tariff);
        }
        Ok(setting)
    }

    /// Octets of the profile package that is downloaded, if this server's SM-DP+ has it.
    fn package_of(&self, kinds: &[OperationKind]) -> Result<Option<u64>, Problem> {
        let Some(kind) = kinds.first() else {
            return Ok(None);
        };
        self.package_of_profile(self.expected(kind)?)
    }

    fn package_of_profile(&self, iccid: Option<Iccid>) -> Result<Option<u64>, Problem> {
        let Some(iccid) = iccid else {
            return Ok(None);
        };
        match self.smdp.store().material(iccid) {
            Ok(material) => Ok(Some(material.template.len() as u64)),
            Err(store::StoreError::Unknown(_)) => Ok(None),
            Err(error) => Err(stored(error)),
        }
    }

    /// Octets of the profile packages of a pool: as somebody says, or of what this
    /// server's SM-DP+ has in stock of its type.
    fn package_of_pool(&self, pool: &str) -> Result<Option<u64>, Problem> {
        let pool = self.known_pool(pool)?;
        if pool.needs.package_octets.is_some() {
            return Ok(pool.needs.package_octets);
        }
        match &pool.source {
            fleet::ledger::Source::Es2plus { smdp, profile_type } if smdp == "own" => {
                let available = self.smdp.store().available(profile_type);
                let available = available.map_err(stored)?;
                self.package_of_profile(available.map(|order| order.value.iccid))
            }
            _ => Ok(None),
        }
    }
}

/// Legs of operations that share a package, as one of each kind.
fn merged(legs: &[Leg]) -> Vec<Leg> {
    let mut merged: Vec<Leg> = Vec::new();
    for leg in legs {
        let same = |one: &&mut Leg| one.iccid == leg.iccid && one.transport == leg.transport;
        match merged.iter_mut().find(same) {
            Some(one) => {
                one.contacts += leg.contacts;
                one.exchanges += leg.exchanges;
                one.received += leg.received;
                one.sent += leg.sent;
            }
            None => merged.push(leg.clone()),
        }
    }
    merged
}

/// A price as the API shows it.
fn shown(price: &Price) -> api::Price {
    let sum = |of: fn(&PricedLeg) -> u64| price.legs.iter().map(of).fold(0, u64::saturating_add);
    let money = price.money.as_ref();
    api::Price {
        contacts: sum(|leg| leg.leg.contacts.into()),
        exchanges: sum(|leg| leg.leg.exchanges.into()),
        octets: price.octets(),
        from_device: sum(|leg| leg.leg.received),
        to_device: sum(|leg| leg.leg.sent),
        overhead: sum(|leg| leg.overhead),
        money: money.map(|money| money.iter().map(ToString::to_string).collect()),
        energy_mj: price.energy,
        together: price.together.into(),
        legs: price.legs.iter().map(leg).collect(),
        unknown: price.unknown.clone(),
        assumed: price.assumed.clone(),
    }
}

fn leg(leg: &PricedLeg) -> api::PriceLeg {
    let cost = leg.cost.as_ref();
    api::PriceLeg {
        iccid: leg.iccid.map(|iccid| iccid.to_string()),
        transport: leg.leg.transport.name().to_string(),
        contacts: leg.leg.contacts.into(),
        exchanges: leg.leg.exchanges.into(),
        from_device: leg.leg.received,
        to_device: leg.leg.sent,
        overhead: leg.overhead,
        tariff: cost.map(|(name, _)| name.clone()),
        billed: cost.map(|(_, cost)| cost.billed.octets),
        billed_at_most: cost.is_some_and(|(_, cost)| cost.billed.at_most),
        amount: cost.map(|(_, cost)| cost.amount.to_string()),
        included: cost.and_then(|(_, cost)| cost.included),
    }
}

//! What a query sees of a device: fields and their values.

use std::collections::BTreeMap;

use rsp_core::Timestamp;

use super::field::Field;
use crate::inventory::{Device, Identity};
use crate::telemetry::Sample;

/// A value of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A text, a name, digits, a country.
    Text(String),
    /// A number in thousandths, or a span in seconds.
    Number(i64),
    /// A point in time.
    Time(Timestamp),
    /// A truth value.
    Truth(bool),
}

/// A device as fields with values; what is not known has none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record(BTreeMap<Field, Vec<Value>>);

impl Record {
    /// What the inventory says of a device: times and telemetry are not in it.
    pub fn of(device: &Device) -> Self {
        let mut record = Record::default();
        record.text(Field::Id, Some(&device.id));
        record.text(Field::Serial, device.serial.as_ref());
        record.text(Field::Model, device.model.as_ref());
        record.text(Field::Tier, device.tier.as_ref());
        record.text(Field::Site, device.site.as_ref());
        record.text(Field::Country, device.country.as_ref());
        record.text(Field::Owner, device.owner.as_ref());
        record.text(Field::Tag, &device.tags);
        let interval = device.poll_interval.map(i64::from);
        record.put(Field::PollInterval, interval.map(Value::Number));
        for modem in &device.modems {
            record.text(Field::Modem, modem.model.as_ref());
            record.text(Field::ModemFirmware, modem.firmware.as_ref());
            record.text(Field::Technology, &modem.technologies);
            record.text(Field::Band, &modem.bands);
        }
        record.sims(device);
        for identity in device.identities() {
            record.identity(&identity);
        }
        record
    }

    fn sims(&mut self, device: &Device) {
        let (mut free, mut cost) = (None, None);
        for sim in &device.sims {
            self.text(Field::Sim, Some(&sim.kind));
            self.text(Field::State, Some(&sim.state));
            self.text(Field::FormFactor, sim.form_factor.as_ref());
            self.text(Field::Grade, sim.grade.as_ref());
            self.text(Field::Standard, &sim.standards);
            self.text(Field::Ipa, sim.ipa.as_ref());
            self.text(Field::PackageVersion, sim.package_version.as_ref());
            self.text(Field::CiKey, &sim.ci_keys);
            self.text(Field::EuiccFirmware, sim.firmware.as_ref());
            let left = sim.free_memory.map(|octets| i64::from(octets) * 1000);
            free = [free, left].into_iter().flatten().min();
            for profile in &sim.profiles {
                self.text(Field::Operator, profile.operator.as_ref());
                self.text(Field::Tariff, profile.tariff.as_ref());
                self.text(Field::Residency, profile.residency.as_ref());
                let costs = profile.cost.map(|cost| i64::from(cost.thousandths()));
                cost = cost.max(costs);
            }
        }
        self.put(Field::FreeMemory, free.map(Value::Number));
        self.put(Field::Cost, cost.map(Value::Number));
    }

    /// Leaves out what the device says that it is known by.
    pub fn forget_identities(&mut self) {
        for field in [Field::Eid, Field::Iccid, Field::Imsi, Field::Imei] {
            self.0.remove(&field);
        }
    }

    /// Adds an identity.
    pub fn identity(&mut self, identity: &Identity) {
        let field = match identity {
            Identity::Eid(_) => Field::Eid,
            Identity::Iccid(_) => Field::Iccid,
            Identity::Imsi(_) => Field::Imsi,
            Identity::Imei(_) => Field::Imei,
        };
        self.put(field, Some(Value::Text(identity.value())));
    }

    /// Adds what the last sample of telemetry says.
    pub fn sample(&mut self, at: Timestamp, sample: &Sample) {
        self.put(Field::LastSample, Some(Value::Time(at)));
        let whole = |value: Option<i32>| value.map(|value| Value::Number(i64::from(value) * 1000));
        self.put(Field::Rsrp, whole(sample.rsrp));
        self.put(Field::Rsrq, whole(sample.rsrq));
        self.put(Field::Sinr, whole(sample.sinr));
        self.text(Field::Network, sample.network.as_ref());
        self.text(Field::Rat, sample.rat.as_ref());
        self.text(Field::Registration, sample.registration.as_ref());
        self.text(Field::Tunnel, sample.tunnel.as_ref());
    }

    /// Adds a value, if there is one that is not there yet.
    pub fn put(&mut self, field: Field, value: Option<Value>) {
        if let Some(value) = value {
            let values = self.0.entry(field).or_default();
            if !values.contains(&value) {
                values.push(value);
            }
        }
    }

    fn text<T: ToString>(&mut self, field: Field, values: impl IntoIterator<Item = T>) {
        for value in values {
            self.put(field, Some(Value::Text(value.to_string())));
        }
    }

    /// The values of a field.
    pub fn values(&self, field: Field) -> &[Value] {
        self.0.get(&field).map(Vec::as_slice).unwrap_or_default()
    }
}

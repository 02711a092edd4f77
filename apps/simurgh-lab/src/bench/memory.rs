//! What a virtual device that does nothing occupies.
//!
//! The devices are those of the demonstration: each has a bootstrap profile,
//! enabled, knows the eIM and has polled it. They are counted with power, and
//! at rest, as the demonstration keeps them between two polls; some of them are
//! then woken, have to answer their network and to do what the eIM wants.

use std::sync::Arc;

use lab::{Algorithm, Likeness, Resting, Subscriber};
use rsp_asn1::ids::{Iccid, Imsi};
use rsp_core::eim::{EuiccRecord, Operation, OperationId, OperationKind, OperationState};
use rsp_core::profile::Subscription;
use rsp_crypto::Rng;
use rsp_crypto::software::{SeededRng, SoftwareProvider};
use store::{EimHost, SqliteStore};

use super::device::{self, Device};
use super::report::Row;
use super::servers::esipa;
use super::setting::{Randomness, Setting, context, now};
use crate::Failure;

/// Devices that are made: enough that pages and pools do not count.
const AWAKE: u64 = 300;
const AT_REST: u64 = 2_000;

/// Of those at rest, every so many is woken.
const WOKEN: usize = 100;

/// Octets that a device may occupy, so that a million fit into one machine.
const GOAL: u32 = 4096;

/// Resident memory of a process that has so many devices more.
pub(super) fn measure(setting: &Setting) -> Result<[Row; 2], Failure> {
    let world = World::new(setting)?;
    // What all devices share is there before they are counted, and room that
    // the making of one needs.
    let (first, _) = world.polled(1)?;
    let first = first.into_inner().rest(None);
    let at_rest = world.at_rest(&first.likeness())?;
    let awake = world.awake()?;
    Ok([at_rest, awake])
}

struct World<'a> {
    setting: &'a Setting,
    eim: EimHost,
}

impl World<'_> {
    fn new(setting: &Setting) -> Result<World<'_>, Failure> {
        let store = Arc::new(SqliteStore::in_memory()?);
        let eim = EimHost::new(setting.eim()?, store)?;
        Ok(World { setting, eim })
    }

    /// A device that has polled once, and what the eIM is to know of it again:
    /// what it keeps of devices is not counted here.
    fn polled(&self, number: u64) -> Result<(Device, EuiccRecord), Failure> {
        let subscription = Self::subscription(number)?;
        let eim = self.eim.eim();
        let made = Device::make_with(self.setting, eim, number, Some(&subscription));
        let (mut device, record) = made?;
        self.eim.add_euicc(&record)?;
        let mut rng = self.setting.rng(Randomness::Eim);
        device.round(|_, request| esipa(&self.eim, &request, &mut context(&mut rng)))?;
        self.eim.remove_euicc(device.eid)?;
        Ok((device, record))
    }

    fn subscription(number: u64) -> Result<Subscription, Failure> {
        let iccid: Iccid = format!("8999970000{number:09}0").parse()?;
        let imsi: Imsi = format!("99970{number:010}").parse()?;
        let mut rng = SeededRng::new(number);
        let (mut ki, mut opc) = ([0; 16], [0; 16]);
        rng.fill(&mut ki);
        rng.fill(&mut opc);
        Ok(Subscription::new(iccid, imsi, ki, opc))
    }

    fn at_rest(&self, like: &Likeness) -> Result<Row, Failure> {
        let before = resident()?;
        let (mut devices, mut records) = (Vec::new(), Vec::new());
        for number in 2..2 + AT_REST {
            let (device, record) = self.polled(number)?;
            if devices.len().is_multiple_of(WOKEN) {
                records.push((number, record));
            }
            devices.push(device.into_inner().rest(Some(like)));
        }
        let after = resident()?;
        let own: usize = devices.iter().map(Resting::own_octets).sum();
        let own = own as u64 / AT_REST;
        let each = (after.saturating_sub(before) / AT_REST).max(own);
        let some = devices.into_iter().step_by(WOKEN);
        for ((number, record), resting) in records.into_iter().zip(some) {
            self.wake(number, &record, resting)?;
        }
        let counted = format!(
            "resident memory of {AT_REST} devices, less what was there before; {own} of each \
             device's own, {} shared; every {WOKEN}th was woken",
            like.octets()
        );
        let figure = "memory of an idle virtual device (card and IPA), at rest";
        Ok(Row::octets_at_most(figure, counted, each, GOAL))
    }

    /// The device is what it was: its network knows it, and it carries out
    /// what the eIM signs.
    fn wake(&self, number: u64, record: &EuiccRecord, resting: Resting) -> Result<(), Failure> {
        let mut rng = self.setting.rng(Randomness::Device(number));
        let mut device = resting.wake(device::config(self.setting), now())?;
        let mut subscriber = Subscriber::new(Self::subscription(number)?, Algorithm::Milenage);
        let mut environment = euicc::Environment {
            provider: &SoftwareProvider,
            rng: &mut rng,
        };
        subscriber.confirm(device.card(), &mut environment)?;
        let id = self.ask_for_profiles(number, record)?;
        let mut eim_rng = self.setting.rng(Randomness::Eim);
        device::round(&mut device, &mut rng, |_, request| {
            esipa(&self.eim, &request, &mut context(&mut eim_rng))
        })?;
        match self.eim.store().operation(&id)?.map(|found| found.state) {
            Some(OperationState::Confirmed { .. }) => Ok(()),
            other => Err(format!("a device that woke left an operation {other:?}").into()),
        }
    }

    fn ask_for_profiles(&self, number: u64, record: &EuiccRecord) -> Result<OperationId, Failure> {
        self.eim.add_euicc(record)?;
        let id = OperationId(format!("profiles-{number}"));
        let kind = OperationKind::ListProfileInfo;
        let operation = Operation::queued(id.clone(), record.eid, kind, now());
        self.eim.add_operation(&operation)?;
        Ok(id)
    }

    fn awake(&self) -> Result<Row, Failure> {
        let before = resident()?;
        let first = 2 + AT_REST;
        let devices: Result<Vec<_>, Failure> = (first..first + AWAKE)
            .map(|number| Ok(self.polled(number)?.0.into_inner()))
            .collect();
        let (devices, after) = (devices?, resident()?);
        let each = after.saturating_sub(before) / AWAKE;
        drop(devices);
        if each == 0 {
            return Err("the devices used memory that was there before".into());
        }
        Ok(Row::octets(
            "memory of an idle virtual device (card and IPA), with power",
            format!("resident memory of {AWAKE} devices, less what was there before"),
            each,
        ))
    }
}

/// Resident memory of this process in octets.
fn resident() -> Result<u64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.split_ascii_whitespace().next());
    let kibibytes: Option<u64> = kibibytes.and_then(|number| number.parse().ok());
    Ok(kibibytes.ok_or("the system does not say how much memory is used")? * 1024)
}

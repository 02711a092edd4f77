//! Polls of an eIM with many eUICCs, against one with few.

use std::hint::black_box;
use std::sync::Arc;

use rsp_asn1::ids::Eid;
use rsp_asn1::sgp32::EsipaMessageFromIpaToEim;
use rsp_core::eim::EuiccRecord;
use store::{EimHost, SqliteStore};

use super::measure::{compare, rate};
use super::polls;
use super::report::Row;
use super::setting::{Setting, now};
use crate::Failure;

const MANY: u32 = 1_000_000;
const FEW: u32 = 10_000;

/// A poll may take 1.2 times as long.
const GOAL: f64 = 1.0 / 1.2;

/// Without network: what is compared is the eIM.
pub(super) fn measure(setting: &Setting, seconds: f64) -> Result<Row, Failure> {
    let (many, few) = (filled(setting, MANY)?, filled(setting, FEW)?);
    let (mut next_of_many, mut next_of_few) = (Turns::of(MANY), Turns::of(FEW));
    let [compared] = compare(
        seconds,
        |time| Ok([rate(time, || poll(&many, next_of_many.next()))?]),
        |time| Ok([rate(time, || poll(&few, next_of_few.next()))?]),
    )?;
    Ok(Row::ratio(
        "polls at 1 000 000 eUICCs (in memory)",
        "polls at 10 000 eUICCs",
        compared,
        GOAL,
    ))
}

fn filled(setting: &Setting, euiccs: u32) -> Result<EimHost, Failure> {
    let eim = EimHost::new(setting.eim()?, Arc::new(SqliteStore::in_memory()?))?;
    for number in 0..euiccs {
        eim.add_euicc(&EuiccRecord::new(eid(number), None, 0))?;
    }
    Ok(eim)
}

fn poll(eim: &EimHost, number: u32) -> Result<(), Failure> {
    let message = EsipaMessageFromIpaToEim::GetEimPackageRequest(polls::request(eid(number)));
    match black_box(eim.handle_idle(&message, now())) {
        Some(_) => Ok(()),
        None => Err("the eIM has something to do".into()),
    }
}

/// Decimal digits, as an EID has them.
fn eid(number: u32) -> Eid {
    let mut octets = [0; 16];
    let mut rest = number;
    for octet in octets.iter_mut().rev().take(5) {
        *octet = (((rest / 10 % 10) << 4) | (rest % 10)) as u8;
        rest /= 100;
    }
    Eid::from_bytes(octets)
}

/// eUICCs in an order that no cache foresees.
struct Turns {
    number: u32,
    of: u32,
}

impl Turns {
    const fn of(of: u32) -> Self {
        Turns { number: 0, of }
    }

    fn next(&mut self) -> u32 {
        // Coprime to both counts: each eUICC has its turn.
        self.number = (self.number + 7_919) % self.of;
        self.number
    }
}

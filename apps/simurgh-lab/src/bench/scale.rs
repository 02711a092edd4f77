//! Polls of an eIM with many eUICCs, against one with few.

use std::hint::black_box;
use std::sync::Arc;

use rsp_asn1::ids::Eid;
use rsp_asn1::sgp32::EsipaMessageFromIpaToEim;
use rsp_core::binding::esipa::EsipaBinding;
use rsp_core::binding::esipa_asn1;
use rsp_core::eim::EuiccRecord;
use store::{EimHost, SqliteStore};

use super::measure::{Turns, compare, rate};
use super::polls;
use super::report::Row;
use super::setting::{Setting, now};
use crate::Failure;

const MANY: u32 = 1_000_000;
const FEW: u32 = 10_000;

/// A poll may take 1.2 times as long.
const GOAL: f64 = 1.0 / 1.2;

/// Without network: what is compared is the eIM. One row for a poll as the
/// listener answers it, from the octets of the request to those of the
/// response; one for what of it grows, the look into the index alone.
pub(super) fn measure(setting: &Setting, seconds: f64) -> Result<[Row; 2], Failure> {
    let (many, few) = (filled(setting, MANY)?, filled(setting, FEW)?);
    let (mut next_of_many, mut next_of_few) = (Turns::of(MANY), Turns::of(FEW));
    let [whole] = compare(
        seconds,
        |time| Ok([rate(time, || answer(&many, next_of_many.next()))?]),
        |time| Ok([rate(time, || answer(&few, next_of_few.next()))?]),
    )?;
    let [index] = compare(
        seconds,
        |time| Ok([rate(time, || poll(&many, next_of_many.next()))?]),
        |time| Ok([rate(time, || poll(&few, next_of_few.next()))?]),
    )?;
    let against = "polls at 10 000 eUICCs";
    Ok([
        Row::ratio(
            "polls at 1 000 000 eUICCs (request to response)",
            against,
            whole,
            GOAL,
        ),
        Row::ratio_without_goal("  of it the look into the index", against, index),
    ])
}

fn filled(setting: &Setting, euiccs: u32) -> Result<EimHost, Failure> {
    let eim = EimHost::new(setting.eim()?, Arc::new(SqliteStore::in_memory()?))?;
    for number in 0..euiccs {
        eim.add_euicc(&EuiccRecord::new(eid(number), None, 0))?;
    }
    // Each has polled before.
    for number in 0..euiccs {
        poll(&eim, number)?;
    }
    Ok(eim)
}

/// As the listener does it.
fn answer(eim: &EimHost, number: u32) -> Result<(), Failure> {
    let request = polls::poll(eid(number));
    let message = esipa_asn1::decode_request(&request)?;
    let reply = eim.handle_idle(&message, now());
    let reply = reply.ok_or("the eIM has something to do")?;
    black_box(reply.encode(EsipaBinding::Asn1));
    Ok(())
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

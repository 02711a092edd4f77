//! A store with so many devices, which came by an import.

use std::sync::Arc;
use std::time::Instant;

use fleet::inventory::{Association, Device, Modem, Profile, Sim, Tier};
use rsp_asn1::ids::Eid;
use rsp_core::Timestamp;
use store::{EimHost, ImportedDevice, Store};

use super::super::setting::{Setting, now};
use crate::Failure;

/// Rows that are put aside at once.
const PART: usize = 2000;

/// An eIM whose devices came by an import and have polled since.
pub(super) fn filled(
    setting: &Setting,
    engine: &str,
    store: Arc<dyn Store>,
    devices: u32,
) -> Result<EimHost, Failure> {
    eprintln!("importing: {engine}: {devices} devices");
    let began = Instant::now();
    let eim = EimHost::new(setting.eim()?, store)?;
    let mut part = Vec::new();
    for number in 0..devices {
        let line = u64::from(number) + 2;
        let device = device(number)?;
        part.push(ImportedDevice { line, device });
        if part.len() == PART || number + 1 == devices {
            let wrong = eim.store().stage_devices("bench", &part, now())?;
            if let Some(wrong) = wrong.first() {
                return Err(wrong.to_string().into());
            }
            part.clear();
        }
    }
    let staged = began.elapsed();
    let switched = eim.switch_import("bench", now(), &mut |_| ())?;
    if switched.added != u64::from(devices) || switched.euiccs != u64::from(devices) {
        return Err(format!("{switched:?}").into());
    }
    eprintln!(
        "imported: {engine}: {devices} devices in {:.1} s, of it {:.1} s the switch",
        began.elapsed().as_secs_f64(),
        (began.elapsed() - staged).as_secs_f64(),
    );
    contacts(&eim, devices)?;
    Ok(eim)
}

/// One device in five was silent for three days.
fn contacts(eim: &EimHost, devices: u32) -> Result<(), Failure> {
    let mut contacts = Vec::new();
    for number in 0..devices {
        let silent = if number % 5 == 0 { 3 * 86_400_000 } else { 0 };
        contacts.push((eid(number)?, Timestamp(now().0 - silent)));
        if contacts.len() == PART || number + 1 == devices {
            eim.store().put_contacts(&contacts)?;
            contacts.clear();
        }
    }
    Ok(())
}

pub(super) fn name(number: u32) -> String {
    format!("device-{number:08}")
}

pub(super) fn eid(number: u32) -> Result<Eid, Failure> {
    Ok(Eid::with_check_digits(&format!("8904{number:026}"))?)
}

/// Without its check digit, which is added.
pub(super) fn imei(number: u32) -> String {
    let imei: Result<rsp_asn1::ids::Imei, _> = format!("35{number:012}").parse();
    imei.map(|imei| imei.to_string()).unwrap_or_default()
}

/// A router as fleets have them: a modem, an eUICC for this eIM, a profile.
fn device(number: u32) -> Result<Device, Failure> {
    let of = |texts: &[&str]| {
        texts
            .get(number as usize % texts.len())
            .map(|text| text.parse())
    };
    let mut sim = Sim::euicc(eid(number)?);
    sim.eim = Some(Association::default());
    let iccid = rsp_asn1::ids::Iccid::with_check_digit(&format!("8949{number:015}"))?;
    let mut profile = Profile::new(iccid);
    profile.imsis = vec![format!("26201{number:010}").parse()?];
    profile.operator = of(&["Nordnetz", "Suedfunk"]).transpose()?;
    profile.cost = Some("2.5 EUR".parse()?);
    sim.profiles.push(profile);
    let country = ["DE", "AT", "CH", "FR", "PL", "IT", "ES"].get(number as usize % 7);
    Ok(Device {
        serial: Some(format!("S{number:010}").parse()?),
        model: of(&["RUT956", "RUT241", "MG-1"]).transpose()?,
        tier: Tier::ALL.get(number as usize % 3).copied(),
        site: Some(format!("Plant {}", number % 50).parse()?),
        country: country.map(|country| country.parse()).transpose()?,
        // As many as nothing else has, so that all of it comes together.
        tags: of(&["pilot", "field", "lab", "shop"])
            .transpose()?
            .into_iter()
            .collect(),
        modems: vec![Modem {
            imei: Some(imei(number).parse()?),
            ..Modem::default()
        }],
        sims: vec![sim],
        ..Device::new(name(number).parse()?)
    })
}

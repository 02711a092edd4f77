//! Devices and queries from a seed, for tests: few different values, so that
//! queries find some devices and not others.

use rsp_asn1::ids::{Eid, Iccid};
use rsp_core::Timestamp;

use super::ast::{Check, Comparison, Expr, Literal, Pattern, Query, Test};
use super::field::{Field, FieldType};
use crate::inventory::{Device, Modem, Profile, Sim, SimKind};

/// Numbers that look random (SplitMix64).
#[derive(Clone, Debug)]
pub struct Random(pub u64);

impl Random {
    /// A number below `below`.
    pub fn below(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % below.max(1) as u64) as usize
    }

    /// One of these.
    pub fn of<T: Copy>(&mut self, values: &[T]) -> Option<T> {
        let at = self.below(values.len());
        values.get(at).copied()
    }

    fn sometimes<T: std::str::FromStr>(&mut self, values: &[&str]) -> Option<T> {
        match self.below(3) {
            0 => None,
            _ => self.of(values)?.parse().ok(),
        }
    }
}

/// Texts, some of them a part of others, and some that are awkward in databases.
pub const TEXTS: &[&str] = &[
    "a", "ab", "abc", "B", "b%", "_", "a'b", "ä \"q\"", "\\", "100", "x*y", "p;q",
];
const COUNTRIES: &[&str] = &["DE", "AT", "CH"];

/// A device with this number.
pub fn device(random: &mut Random, number: u32) -> Device {
    let id = format!("d{number}").parse();
    let Ok(id) = id else {
        return device(random, 0);
    };
    let mut device = Device::new(id);
    device.serial = random.sometimes(TEXTS);
    device.model = random.sometimes(TEXTS);
    device.tier = random.sometimes(crate::inventory::Tier::NAMES);
    device.site = random.sometimes(TEXTS);
    device.country = random.sometimes(COUNTRIES);
    device.owner = random.sometimes(TEXTS);
    for _ in 0..random.below(3) {
        device.tags.extend(random.sometimes(TEXTS));
    }
    device.poll_interval = random.of(&[None, Some(60), Some(86_400)]).flatten();
    for modem in 0..random.below(3) {
        device.modems.push(Modem {
            imei: format!("{:08}{:05}{modem}", 35_000_000, number)
                .parse()
                .ok(),
            model: random.sometimes(TEXTS),
            firmware: random.sometimes(TEXTS),
            technologies: random
                .sometimes(crate::inventory::Technology::NAMES)
                .into_iter()
                .collect(),
            bands: random.sometimes(&["B20", "n78"]).into_iter().collect(),
        });
    }
    for place in 0..random.below(3) {
        let sim = sim(random, number, place);
        device.sims.push(sim);
    }
    device
}

fn sim(random: &mut Random, number: u32, place: usize) -> Sim {
    let kind = random.of(SimKind::ALL).unwrap_or(SimKind::Sim);
    let mut sim = Sim::new(kind);
    if kind == SimKind::Euicc {
        sim.eid = Eid::with_check_digits(&format!("8900112233{number:018}{place:02}")).ok();
        sim.standards = random
            .sometimes(crate::inventory::Standard::NAMES)
            .into_iter()
            .collect();
        sim.free_memory = random.of(&[None, Some(0), Some(70_000)]).flatten();
        sim.ci_keys = random.sometimes(TEXTS).into_iter().collect();
    }
    sim.state = random
        .sometimes(crate::inventory::ServiceState::NAMES)
        .unwrap_or(sim.state);
    sim.grade = random.sometimes(crate::inventory::Grade::NAMES);
    sim.firmware = random.sometimes(TEXTS);
    if random.below(2) == 0
        && let Ok(iccid) = Iccid::with_check_digit(&format!("8949{number:013}{place:02}"))
    {
        let mut profile = Profile::new(iccid);
        profile.imsis = format!("26201{number:08}{place:02}")
            .parse()
            .into_iter()
            .collect();
        profile.operator = random.sometimes(TEXTS);
        profile.tariff = random.sometimes(TEXTS);
        profile.cost = random.sometimes(&["1 EUR", "2.5 EUR", "10 USD"]);
        profile.residency = random.sometimes(COUNTRIES);
        sim.profiles.push(profile);
    }
    sim
}

/// A query about such devices.
pub fn query(random: &mut Random, now: Timestamp) -> Query {
    match random.below(30) {
        0 => Query::default(),
        _ => Query::of(Some(condition(random, now, 3))),
    }
}

fn condition(random: &mut Random, now: Timestamp, depth: usize) -> Expr {
    let test = |random: &mut Random| Expr::Test(test(random, now));
    let several = |random: &mut Random| {
        let count = 2 + random.below(2);
        (0..count)
            .map(|_| condition(random, now, depth - 1))
            .collect::<Vec<_>>()
    };
    match random.below(if depth == 0 { 1 } else { 5 }) {
        1 => Expr::all(several(random)).unwrap_or_else(|| test(random)),
        2 => Expr::any(several(random)).unwrap_or_else(|| test(random)),
        3 => Expr::Not(Box::new(condition(random, now, depth - 1))),
        _ => test(random),
    }
}

fn test(random: &mut Random, now: Timestamp) -> Test {
    let field = random.of(Field::ALL).unwrap_or(Field::Id);
    let ordered = [FieldType::Number, FieldType::Span, FieldType::Time].contains(&field.kind());
    let is_text = matches!(field.kind(), FieldType::Text | FieldType::Identity(_));
    let check = match random.below(4) {
        0 => Check::Exists,
        1 => {
            let count = 1 + random.below(3);
            Check::In(
                (0..count)
                    .map(|_| literal(random, field, now, false))
                    .collect(),
            )
        }
        2 if is_text => Check::Like(Pattern {
            part: match field.kind() {
                FieldType::Identity(_) => random.of(&["89", "1", "0", "26201"]),
                _ => random.of(TEXTS),
            }
            .unwrap_or("1")
            .replace('*', ""),
            at_start: random.below(2) == 0,
            at_end: random.below(2) == 0,
        }),
        _ => {
            let comparisons = [
                Comparison::Equal,
                Comparison::Less,
                Comparison::AtMost,
                Comparison::Greater,
                Comparison::AtLeast,
            ];
            let comparison = match ordered {
                true => random.of(&comparisons).unwrap_or(Comparison::Equal),
                false => Comparison::Equal,
            };
            let ages = comparison != Comparison::Equal;
            Check::Is(comparison, literal(random, field, now, ages))
        }
    };
    let comparable = !matches!(check, Check::Is(comparison, _) if comparison != Comparison::Equal);
    Test {
        field,
        negated: comparable && random.below(3) == 0,
        check,
    }
}

fn literal(random: &mut Random, field: Field, now: Timestamp, ages: bool) -> Literal {
    let text = |text: Option<&str>| Literal::Text(text.unwrap_or("a").to_string());
    match field.kind() {
        FieldType::Text if field == Field::Id => Literal::Text(format!("d{}", random.below(40))),
        FieldType::Text => text(random.of(TEXTS)),
        FieldType::Identity(_) => Literal::Text(format!("8949{:013}{:02}3", random.below(40), 0)),
        FieldType::Name(names) => text(random.of(names)),
        FieldType::Country => text(random.of(COUNTRIES)),
        FieldType::Number => Literal::Number(
            random
                .of(&[0, 1000, 2500, -90_000, 70_000_000])
                .unwrap_or(0),
        ),
        FieldType::Span => Literal::Span(random.of(&[0, 60, 3600, 86_400]).unwrap_or(0)),
        FieldType::Truth => Literal::Truth(random.below(2) == 0),
        FieldType::Time => {
            let seconds = random.of(&[0, 60, 3600, 172_800]).unwrap_or(0);
            match ages && random.below(2) == 0 {
                true => Literal::Span(seconds),
                false => Literal::Time(Timestamp::from_secs(now.as_secs().saturating_sub(seconds))),
            }
        }
    }
}

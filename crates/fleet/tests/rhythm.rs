//! When devices are expected, held against a fleet that polls as devices do.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::time::Duration;

use fleet::operations::Rhythm;
use rsp_core::Timestamp;

const DEVICES: u64 = 2_000;
/// Contacts after which a device is asked about.
const CONTACTS: usize = 20;

/// Chance from a seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % end
    }

    /// Milliseconds between the two.
    fn between(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + self.below(to - from))
    }
}

/// A device with an interval from a quarter of an hour to a month.
struct Device {
    every: u64,
    dice: Dice,
}

impl Device {
    fn new(number: u64) -> Self {
        let mut dice = Dice(number.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let doublings = dice.below(12);
        let every = 900_000 << doublings;
        Device { every, dice }
    }

    /// The pause to its next contact: a fifth more or less than its interval, and one
    /// in twenty is missed.
    fn pause(&mut self) -> Duration {
        let (every, dice) = (self.every, &mut self.dice);
        let pause = dice.between(every * 4 / 5, every * 6 / 5);
        match dice.below(20) {
            0 => pause + Duration::from_millis(every),
            _ => pause,
        }
    }

    /// What it polls once more for, because there was work for it, one time in four.
    fn at_work(&mut self) -> Option<Duration> {
        let works = self.dice.below(4) == 0;
        works.then(|| self.dice.between(61_000, 300_000))
    }
}

/// How far a device is from when it is expected, in hundredths of its interval, when
/// it is asked about at some time.
fn off(device: &mut Device) -> u64 {
    let (mut rhythm, mut last) = (Rhythm::default(), Timestamp(1_767_225_600_000));
    for _ in 0..CONTACTS {
        for pause in [Some(device.pause()), device.at_work()]
            .into_iter()
            .flatten()
        {
            rhythm = rhythm.after(pause);
            last = last.after(pause);
        }
    }
    let next = last.after(device.pause());
    let asked = last.after(device.dice.between(0, device.every));
    let now = asked.min(next);
    let expected = rhythm.next_contact(last, now).unwrap().at;
    let off = expected.since(next).max(next.since(expected));
    off.as_millis() as u64 * 100 / device.every
}

/// Within one contact nearly always; that alone would also hold if each were always
/// expected at once, so most are held to half of an interval.
#[test]
fn devices_come_within_one_contact_of_when_they_are_expected() {
    let off: Vec<u64> = (0..DEVICES)
        .map(|number| off(&mut Device::new(number)))
        .collect();
    let within = |most: u64| off.iter().filter(|off| **off <= most).count() as u64;
    let (contact, half) = (within(100), within(50));
    println!("of {DEVICES}: {contact} within a contact, {half} within half of one");
    assert!(contact * 100 >= DEVICES * 95, "{contact} of {DEVICES}");
    assert!(half * 100 >= DEVICES * 85, "{half} of {DEVICES}");
}

//! What a virtual device that does nothing occupies.

use super::device::Device;
use super::report::Row;
use super::setting::Setting;
use crate::Failure;

/// Devices that are made: enough that pages and pools do not count.
const DEVICES: u64 = 500;

/// Octets that a device may occupy, so that a million fit into one machine.
const GOAL: u32 = 4096;

/// Resident memory of a process that has so many devices more.
pub(super) fn measure(setting: &Setting) -> Result<Row, Failure> {
    let eim = setting.eim()?;
    // What all devices share is there before they are counted.
    let first = Device::make(setting, &eim, 1)?;
    let before = resident()?;
    let devices: Result<Vec<_>, _> = (2..2 + DEVICES)
        .map(|number| Device::make(setting, &eim, number))
        .collect();
    let (devices, after) = (devices?, resident()?);
    let each = after.saturating_sub(before) / DEVICES;
    drop((first, devices));
    if each == 0 {
        return Err("the devices used memory that was there before: nothing is measured".into());
    }
    Ok(Row::octets_at_most(
        "memory of an idle virtual device (card and IPA)",
        format!("resident memory of {DEVICES} devices that wait, less what was there before"),
        each,
        GOAL,
    ))
}

/// Resident memory of this process in octets.
fn resident() -> Result<u64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.split_ascii_whitespace().next());
    let kibibytes: Option<u64> = kibibytes.and_then(|number| number.parse().ok());
    Ok(kibibytes.ok_or("the system does not say how much memory is used")? * 1024)
}

//! What a device measured at one time.

use rsp_asn1::ids::Iccid;
use serde::{Deserialize, Serialize};

use crate::inventory::{Technology, Text, named};

named! {
    /// State of registration (3GPP TS 27.007 `+CEREG`).
    Registration, "state of registration";
    /// Not registered, and not looking.
    NotRegistered = "not_registered",
    /// Registered at home.
    Home = "home",
    /// Looking for a network.
    Searching = "searching",
    /// The network refused.
    Denied = "denied",
    /// Registered at a visited network.
    Roaming = "roaming",
}

named! {
    /// State of the device's tunnel.
    Tunnel, "state of a tunnel";
    /// It carries.
    Up = "up",
    /// It does not.
    Down = "down",
}

/// Forbidden networks that a sample names at most.
const MOST_FORBIDDEN: usize = 16;
/// Profiles of which a sample tells the usage at most.
const MOST_USAGES: usize = 16;

/// A sample; what the device did not measure is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sample {
    /// Power of the reference signal in dBm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rsrp: Option<i32>,
    /// Its quality in dB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rsrq: Option<i32>,
    /// Signal to noise and interference in dB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sinr: Option<i32>,
    /// Received power in dBm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rssi: Option<i32>,
    /// The cell's identity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cell: Option<u64>,
    /// MCC and MNC of the network, 5 or 6 digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<Text>,
    /// The radio technology in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rat: Option<Technology>,
    /// State of registration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registration: Option<Registration>,
    /// State of the tunnel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tunnel: Option<Tunnel>,
    /// Networks on the SIM's list of forbidden ones (EF.FPLMN).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forbidden: Option<Vec<Text>>,
    /// What was carried since the sample before.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub usage: Vec<Usage>,
}

/// What was carried over a profile since the sample before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Usage {
    /// The profile.
    pub iccid: Iccid,
    /// Octets from the device.
    pub up: u64,
    /// Octets to the device.
    pub down: u64,
}

/// What a sample cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSample {
    /// Nothing was measured.
    #[error("nothing is in it")]
    Empty,
    /// A value that nothing measures.
    #[error("{what} is out of range: {low} to {high}")]
    Range {
        /// Of what.
        what: &'static str,
        /// The lowest value.
        low: i64,
        /// The highest value.
        high: i64,
    },
    /// A text that names no network.
    #[error("a network is 5 or 6 digits, MCC and MNC")]
    Network,
    /// More than a sample takes.
    #[error("more than {0} of a kind")]
    TooMany(usize),
}

/// What of a sample is a number that is followed over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Measure {
    /// [`Sample::rsrp`].
    Rsrp,
    /// [`Sample::rsrq`].
    Rsrq,
    /// [`Sample::sinr`].
    Sinr,
    /// [`Sample::rssi`].
    Rssi,
    /// 1 if the device is registered, 0 if it is not: its average is the share of
    /// time.
    Registered,
    /// 1 if the tunnel is up, 0 if it is not.
    TunnelUp,
    /// How many networks are forbidden.
    Forbidden,
    /// Octets from the device, over all profiles.
    Up,
    /// Octets to the device, over all profiles.
    Down,
}

impl Measure {
    /// All measures.
    pub const ALL: [Measure; 9] = [
        Measure::Rsrp,
        Measure::Rsrq,
        Measure::Sinr,
        Measure::Rssi,
        Measure::Registered,
        Measure::TunnelUp,
        Measure::Forbidden,
        Measure::Up,
        Measure::Down,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Measure::Rsrp => "rsrp",
            Measure::Rsrq => "rsrq",
            Measure::Sinr => "sinr",
            Measure::Rssi => "rssi",
            Measure::Registered => "registered",
            Measure::TunnelUp => "tunnel_up",
            Measure::Forbidden => "forbidden",
            Measure::Up => "up",
            Measure::Down => "down",
        }
    }

    /// Its value in a sample.
    pub fn of(self, sample: &Sample) -> Option<i64> {
        let sum = |part: fn(&Usage) -> u64| {
            let parts = sample.usage.iter().map(part);
            let sum = parts.fold(0, u64::saturating_add);
            (!sample.usage.is_empty()).then(|| i64::try_from(sum).unwrap_or(i64::MAX))
        };
        match self {
            Measure::Rsrp => sample.rsrp.map(i64::from),
            Measure::Rsrq => sample.rsrq.map(i64::from),
            Measure::Sinr => sample.sinr.map(i64::from),
            Measure::Rssi => sample.rssi.map(i64::from),
            Measure::Registered => sample.registration.map(|registration| {
                let is_registered = [Registration::Home, Registration::Roaming];
                i64::from(is_registered.contains(&registration))
            }),
            Measure::TunnelUp => sample.tunnel.map(|tunnel| i64::from(tunnel == Tunnel::Up)),
            Measure::Forbidden => sample.forbidden.as_ref().map(|list| list.len() as i64),
            Measure::Up => sum(|usage| usage.up),
            Measure::Down => sum(|usage| usage.down),
        }
    }
}

impl Sample {
    /// Holds it against what can be measured.
    ///
    /// # Errors
    /// The first thing that cannot.
    pub fn check(&self) -> Result<(), BadSample> {
        if *self == Sample::default() {
            return Err(BadSample::Empty);
        }
        let range = |what, value: Option<i32>, low: i32, high: i32| match value {
            Some(value) if !(low..=high).contains(&value) => Err(BadSample::Range {
                what,
                low: low.into(),
                high: high.into(),
            }),
            _ => Ok(()),
        };
        // As far as 3GPP TS 36.133 and 38.133 report, and a little on.
        range("rsrp", self.rsrp, -170, -20)?;
        range("rsrq", self.rsrq, -50, 30)?;
        range("sinr", self.sinr, -40, 60)?;
        range("rssi", self.rssi, -150, 0)?;
        if self.cell.is_some_and(|cell| cell >= 1 << 36) {
            return Err(BadSample::Range {
                what: "cell",
                low: 0,
                high: (1 << 36) - 1,
            });
        }
        let forbidden = self.forbidden.as_deref().unwrap_or_default();
        let counts = [
            (forbidden.len(), MOST_FORBIDDEN),
            (self.usage.len(), MOST_USAGES),
        ];
        if let Some((_, most)) = counts.iter().find(|(count, most)| count > most) {
            return Err(BadSample::TooMany(*most));
        }
        let digits = |text: &Text| {
            let text = text.as_str();
            [5, 6].contains(&text.len()) && text.bytes().all(|octet| octet.is_ascii_digit())
        };
        match self.network.iter().chain(forbidden).all(digits) {
            true => Ok(()),
            false => Err(BadSample::Network),
        }
    }
}

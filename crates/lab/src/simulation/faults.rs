//! How often what goes wrong.

/// How often, in a million.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Faults {
    /// A request or its response is lost, of all exchanges.
    pub lost: u32,
    /// Of what devices report of their packages, the message or its answer.
    pub lost_results: u32,
    /// A request comes twice.
    pub repeated: u32,
    /// A request or its response comes so late that its sender has given up:
    /// others overtake it.
    pub late: u32,
    /// Of all responses, those in whose place an older one of the same kind
    /// comes: from another server, or a cache.
    pub old: u32,
    /// A server dies at a message to it.
    pub server_dies: u32,
    /// The eIM's disk takes nothing, at a message.
    pub disk_full: u32,
    /// At an action of the IPA, it dies; the card has power.
    pub ipa_dies: u32,
    /// At an action of the IPA, the device loses power.
    pub device_dies: u32,
    /// At a command, the card loses power, is reset, or does not answer.
    pub card_fails: u32,
    /// At an exchange, the link is gone for some time: as when a new profile
    /// has no network.
    pub outage: u32,
    /// After a round, the device is switched off until the next poll.
    pub rests: u32,
    /// After a round, the device is gone for a year.
    pub vanishes: u32,
}

impl Faults {
    /// Everything goes well.
    pub const NONE: Faults = Faults {
        lost: 0,
        lost_results: 0,
        repeated: 0,
        late: 0,
        old: 0,
        server_dies: 0,
        disk_full: 0,
        ipa_dies: 0,
        device_dies: 0,
        card_fails: 0,
        outage: 0,
        rests: 0,
        vanishes: 0,
    };

    /// Of five exchanges one is lost, one repeated and one late, and everybody
    /// dies now and then.
    pub const MANY: Faults = Faults {
        lost: 200_000,
        lost_results: 0,
        repeated: 200_000,
        late: 200_000,
        old: 30_000,
        server_dies: 10_000,
        disk_full: 10_000,
        ipa_dies: 1_000,
        device_dies: 700,
        card_fails: 2_000,
        outage: 10_000,
        rests: 300_000,
        vanishes: 5_000,
    };

    /// One result in five is lost, and nothing else goes wrong.
    pub const LOST_RESULTS: Faults = Faults {
        lost_results: 200_000,
        ..Faults::NONE
    };
}

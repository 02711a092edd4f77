//! What can be asked about a device: one table, from which the parser, the
//! evaluation, the database, the help and the documents come.

use crate::inventory::{
    FormFactor, Grade, IdentityKind, IpaPlace, ServiceState, SimKind, Standard, Technology, Tier,
};
use crate::telemetry::{Registration, Tunnel};

/// What the values of a field are, and so what they can be compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldType {
    /// Any text; case matters.
    Text,
    /// The digits of an identity.
    Identity(IdentityKind),
    /// One of these names.
    Name(&'static [&'static str]),
    /// A country's two letters.
    Country,
    /// A number with three decimals at most.
    Number,
    /// A span of time: `15m`, `7d`.
    Span,
    /// A point in time: compared with a date, or by its age.
    Time,
    /// `true` or `false`.
    Truth,
}

impl FieldType {
    /// What stands behind an operator, for people.
    pub const fn wanted(self) -> &'static str {
        match self {
            FieldType::Text => "a text",
            FieldType::Identity(_) => "digits",
            FieldType::Name(_) => "one of its names",
            FieldType::Country => "a country such as DE",
            FieldType::Number => "a number",
            FieldType::Span => "a span of time such as 15m or 7d",
            FieldType::Time => "an age such as 2d, or a date such as 2026-01-31",
            FieldType::Truth => "true or false",
        }
    }
}

macro_rules! fields {
    ($($(#[$doc:meta])* $field:ident $name:literal $type:expr, $many:literal, $help:literal, $example:literal;)+) => {
        /// A field of the language.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Field {
            $(#[doc = $help] $field,)+
        }

        impl Field {
            /// All fields, in the order in which they are explained.
            pub const ALL: &'static [Field] = &[$(Field::$field),+];

            /// Its name, in lower case.
            pub const fn name(self) -> &'static str {
                match self { $(Field::$field => $name,)+ }
            }

            /// What its values are.
            pub const fn kind(self) -> FieldType {
                match self { $(Field::$field => $type,)+ }
            }

            /// Whether a device may have several values: it is found if one fits.
            pub const fn has_many(self) -> bool {
                match self { $(Field::$field => $many,)+ }
            }

            /// What it is, in a line.
            pub const fn help(self) -> &'static str {
                match self { $(Field::$field => $help,)+ }
            }

            /// A test of it.
            pub const fn example(self) -> &'static str {
                match self { $(Field::$field => $example,)+ }
            }
        }
    };
}

use FieldType::{Country, Identity, Name, Number, Span, Text, Time, Truth};

fields! {
    Id "id" Text, false, "what the device is called", "id = router-7";
    Serial "serial" Text, false, "serial number of its maker", "serial like 11C*";
    Model "model" Text, false, "model of the device", "model = RUT956";
    Tier "tier" Name(Tier::NAMES), false, "how much hangs on it", "tier = safety_critical";
    Site "site" Text, false, "where it stands, by your own name", "site like 'Plant 7*'";
    Country "country" Country, false, "the country in which it stands", "country in (DE, AT)";
    Owner "owner" Text, false, "whoever answers for it", "owner contains grid";
    Tag "tag" Text, true, "a group that it belongs to", "tag = pilot";
    PollInterval "poll_interval" Span, false, "how often it is expected to poll", "poll_interval >= 1d";
    LastContact "last_contact" Time, false, "when it polled last", "last_contact > 2d";
    Created "created" Time, false, "when it came into the inventory", "created < 2026-01-01";
    Managed "managed" Truth, false, "whether this eIM manages one of its eUICCs", "managed = true";
    Eid "eid" Identity(IdentityKind::Eid), true, "EID of an eUICC", "eid = 89044045930000000000001492436014";
    Iccid "iccid" Identity(IdentityKind::Iccid), true, "ICCID of a profile or SIM", "iccid like 8949*";
    Imsi "imsi" Identity(IdentityKind::Imsi), true, "IMSI of a subscription", "imsi like 26201*";
    Imei "imei" Identity(IdentityKind::Imei), true, "IMEI of a modem", "imei = 490154203237518";
    Modem "modem" Text, true, "model of a modem", "modem like EG25*";
    ModemFirmware "modem_firmware" Text, true, "firmware of a modem", "modem_firmware = R07A08";
    Technology "technology" Name(Technology::NAMES), true, "radio technology of a modem", "technology = nb_iot";
    Band "band" Text, true, "band of a modem", "band in (B20, n78)";
    Sim "sim" Name(SimKind::NAMES), true, "kind of a SIM", "sim = multi_imsi";
    State "state" Name(ServiceState::NAMES), true, "service state of a SIM", "state in (active, standby)";
    FormFactor "form_factor" Name(FormFactor::NAMES), true, "form factor of a SIM", "form_factor = mff2";
    Grade "grade" Name(Grade::NAMES), true, "grade of a SIM", "grade != consumer";
    Standard "standard" Name(Standard::NAMES), true, "standard by which an eUICC is managed", "standard = sgp32";
    Ipa "ipa" Name(IpaPlace::NAMES), true, "where an IPA is", "ipa = ipad";
    FreeMemory "free_memory" Number, false, "free octets on the fullest eUICC", "free_memory < 65536";
    PackageVersion "package_version" Text, true, "version of profile packages that an eUICC takes", "package_version like 3.*";
    CiKey "ci_key" Text, true, "CI key that an eUICC trusts", "ci_key like f54172bd*";
    EuiccFirmware "euicc_firmware" Text, true, "firmware of an eUICC", "euicc_firmware exists";
    Operator "operator" Text, true, "operator of a profile", "operator = 'Telekom DE'";
    Tariff "tariff" Text, true, "tariff of a profile", "tariff contains pool";
    Residency "residency" Country, true, "country in which the traffic of a profile leaves its network", "residency not in (DE, AT)";
    Cost "cost" Number, false, "what the dearest profile costs in a month", "cost > 2.5";
    LastSample "last_sample" Time, false, "when telemetry came last", "last_sample < 15m";
    Rsrp "rsrp" Number, false, "signal in dBm, of the last sample", "rsrp < -110";
    Rsrq "rsrq" Number, false, "signal quality in dB, of the last sample", "rsrq < -15";
    Sinr "sinr" Number, false, "signal to noise in dB, of the last sample", "sinr < 0";
    Network "network" Text, false, "MCC and MNC of the network, of the last sample", "network like 262*";
    Rat "rat" Name(Technology::NAMES), false, "radio technology in use, of the last sample", "rat = gsm";
    Registration "registration" Name(Registration::NAMES), false, "state of registration, of the last sample", "registration = roaming";
    Tunnel "tunnel" Name(Tunnel::NAMES), false, "state of the tunnel, of the last sample", "tunnel = down";
}

impl Field {
    /// The field of this name; case does not matter.
    pub fn named(name: &str) -> Option<Field> {
        let mut all = Field::ALL.iter().copied();
        all.find(|field| field.name().eq_ignore_ascii_case(name))
    }
}

//! Octets and round trips of ESipa, per operation and binding.

mod world;

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use rsp_core::eim::OperationKind;
use rsp_core::ipa::IpaFeatures;
use rsp_core::profile;
use serde::Serialize;
use store::SqliteStore;

use super::octets::release;
use super::setting::{Setting, activation_code};
use crate::Failure;
use crate::wires::Binding;
use world::World;

/// Where mosquitto is, if it is.
const MOSQUITTO: &str = "/usr/sbin/mosquitto";

/// Every binding, as the table calls it.
const BINDINGS: [(Binding, &str); 5] = [
    (Binding::Asn1, "HTTPS ASN.1"),
    (Binding::Json, "HTTPS JSON"),
    (Binding::CoapCert, "CoAP certificate"),
    (Binding::CoapPsk, "CoAP PSK"),
    (Binding::Mqtt, "MQTT"),
];

/// What an IPA can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Form {
    /// Downloads from the SM-DP+, and sends it its notifications.
    Direct,
    /// Does both through the eIM.
    Indirect,
    /// The same in compact messages (minimizeEsipaBytes).
    Compact,
}

impl Form {
    const ALL: [Form; 3] = [Form::Direct, Form::Indirect, Form::Compact];

    fn text(self) -> &'static str {
        match self {
            Form::Direct => "direct",
            Form::Indirect => "indirect",
            Form::Compact => "compact",
        }
    }

    fn features(self) -> IpaFeatures {
        IpaFeatures {
            direct: self == Form::Direct,
            indirect: self != Form::Direct,
            minimize: self == Form::Compact,
            ..IpaFeatures::default()
        }
    }
}

/// One line of the table.
#[derive(Debug, Serialize)]
struct Line {
    operation: &'static str,
    form: Form,
    binding: &'static str,
    connection: &'static str,
    /// Octets of ESipa to the eIM and from it, and how often the device had to
    /// wait.
    up: u64,
    down: u64,
    round_trips: u64,
    /// Datagrams, where there are any.
    datagrams: Option<u64>,
    /// ES9+ of the device, which is HTTPS with JSON in any case.
    es9plus_octets: u64,
    /// Octets of the profile that is in either.
    profile_octets: u64,
}

impl Line {
    /// ESipa, both ways.
    #[cfg(test)]
    fn octets(&self) -> u64 {
        self.up + self.down
    }
}

/// Measures and prints; gives no verdict.
pub(super) fn run(setting: &Setting) -> Result<bool, Failure> {
    let mut lines = Vec::new();
    for (binding, name) in BINDINGS {
        if binding == Binding::Mqtt && !Path::new(MOSQUITTO).exists() {
            eprintln!("not measured: {name}, because there is no {MOSQUITTO} (cargo xtask setup)");
            continue;
        }
        for kept in [false, true] {
            for form in Form::ALL {
                super::progress(&format!("{name}, {}, {}", connection(kept), form.text()));
                lines.extend(measure(setting, (binding, name), form, kept)?);
            }
        }
    }
    lines.sort_by_key(|line| line.operation);
    print(&lines)?;
    Ok(true)
}

fn connection(kept: bool) -> &'static str {
    if kept { "kept" } else { "new" }
}

fn print(lines: &[Line]) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "ESipa, octets of TLS or DTLS records; not counted: headers of TCP, UDP and IP, the\n\
         handshake of TCP (one round trip more for each new connection), and what a broker and\n\
         its eIM exchange. Round trips: how often the device sent after it had received. Direct:\n\
         profile and notifications by ES9+, in the last column; indirect: by the eIM; compact:\n\
         the same, leaving out what the eIM knows (a poll has nothing to leave out).\n"
    )?;
    writeln!(
        out,
        "{:<10} {:<9} {:<17} {:<5} {:>6} {:>6} {:>12} {:>10} {:>8} {:>6}",
        "operation",
        "way",
        "binding",
        "conn.",
        "up",
        "down",
        "round trips",
        "datagrams",
        "profile",
        "ES9+"
    )?;
    for line in lines {
        let datagrams = line.datagrams.map(|number| number.to_string());
        writeln!(
            out,
            "{:<10} {:<9} {:<17} {:<5} {:>6} {:>6} {:>12} {:>10} {:>8} {:>6}",
            line.operation,
            line.form.text(),
            line.binding,
            line.connection,
            line.up,
            line.down,
            line.round_trips,
            datagrams.unwrap_or_default(),
            line.profile_octets,
            line.es9plus_octets,
        )?;
    }
    writeln!(out, "{}", serde_json::to_string(lines)?)?;
    Ok(())
}

/// An idle poll, a download and an enable, each with connections of its own or
/// on those that are there.
fn measure(
    setting: &Setting,
    (binding, name): (Binding, &'static str),
    form: Form,
    kept: bool,
) -> Result<Vec<Line>, Failure> {
    let (order, material) = setting.released()?;
    let iccid = order.iccid;
    let package = profile::personalise(&material.template, &material.subscription)?;
    let store = Arc::new(SqliteStore::in_memory()?);
    let mut world = World::new(setting, binding, form.features(), store.clone())?;
    release(store.as_ref(), order, &material)?;
    // Certificates and capabilities, for all that comes.
    world.operate("first", Some(OperationKind::ListProfileInfo), kept)?;
    let rollback = false;
    let activation_code = activation_code();
    let download = OperationKind::Download { activation_code };
    let enable = OperationKind::Enable { iccid, rollback };
    let mut operations = vec![("download", Some(download)), ("enable", Some(enable))];
    if form == Form::Direct {
        operations.insert(0, ("poll", None));
    }
    let mut lines = Vec::new();
    for (operation, kind) in operations {
        let counts = world.operate(operation, kind, kept)?;
        let is_download = operation == "download";
        lines.push(Line {
            operation,
            form,
            binding: name,
            connection: connection(kept),
            up: counts.esipa.up,
            down: counts.esipa.down,
            round_trips: counts.esipa.turns,
            datagrams: counts.datagrams,
            es9plus_octets: counts.es9plus.octets(),
            profile_octets: if is_download { package.len() as u64 } else { 0 },
        });
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every line of these bindings and forms.
    fn lines(kept: bool, asked: &[(Binding, Form)]) -> Vec<Line> {
        let setting = Setting::new(1).unwrap();
        let named = asked.iter().map(|(binding, form)| {
            let mut bindings = BINDINGS.into_iter();
            (bindings.find(|named| named.0 == *binding).unwrap(), *form)
        });
        named
            .flat_map(|(named, form)| measure(&setting, named, form, kept).unwrap())
            .collect()
    }

    /// Of all lines of an operation and a way, those of a kept association of
    /// CoAP with keys are the smallest; of download and enable through the eIM,
    /// the compact ones of them. Counts are of this machine's libraries, their
    /// order is that of the bindings: between the least and the next are more
    /// octets than a repeated datagram or a longer signature take.
    #[test]
    fn compact_over_coap_is_the_smallest() {
        use Binding::{Asn1, CoapPsk, Json, Mqtt};
        let both = [Form::Indirect, Form::Compact];
        let every = [Asn1, Json, Mqtt].map(|binding| both.map(|form| (binding, form)));
        let mut others = lines(true, &every.concat());
        others.extend(lines(true, &[(CoapPsk, Form::Indirect)]));
        others.extend(lines(false, &[(CoapPsk, Form::Compact)]));
        let least = lines(true, &[(CoapPsk, Form::Compact)]);
        assert_eq!(least.len(), 2);
        for least in &least {
            let same = others
                .iter()
                .filter(|line| line.operation == least.operation);
            assert_eq!(same.clone().count(), 8);
            for other in same {
                assert!(least.octets() < other.octets(), "{least:?} {other:?}");
            }
        }
    }

    /// A poll and the ESipa of a direct download take less over CoAP than over
    /// HTTPS in either binding, and less on an association that is there.
    #[test]
    fn coap_takes_fewer_octets_than_https() {
        use Binding::{Asn1, CoapPsk, Json};
        let https = lines(false, &[(Asn1, Form::Direct), (Json, Form::Direct)]);
        let psk = lines(false, &[(CoapPsk, Form::Direct)]);
        let kept = lines(true, &[(CoapPsk, Form::Direct)]);
        for (psk, kept) in psk.iter().zip(&kept) {
            assert!(kept.octets() < psk.octets(), "{kept:?} {psk:?}");
            let same = https.iter().filter(|line| line.operation == psk.operation);
            for https in same {
                assert!(psk.octets() < https.octets(), "{psk:?} {https:?}");
            }
        }
    }
}

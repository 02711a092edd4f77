//! `simurgh-lab conform eim`.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Command;
use std::rc::Rc;

use clap::Args;
use lab::conform::eim::{Bench, CASES, Listener, Order, Orders, Outcome, Settled};
use lab::conform::euicc::Authority;
use lab::conform::{Http, HttpMessage, HttpReply};
use rsp_asn1::Certificate;
use rsp_asn1::ids::Eid;
use rsp_core::pki::{TlsTrust, certificate_to_pem};
use rsp_crypto::Rng;
use serde_json::{Value, json};

use super::emulated::AtSocket;
use super::options::{self, Common};
use super::own::Own;
use super::wire::{Subject, Wire};
use super::{finish, now};
use crate::Failure;
use crate::demo::server::{self, EIM};

/// The suite for eIMs: ESipa in both bindings, the packages that the eIM signs,
/// and what it makes of their results.
///
/// The suite is the devices, each with an eUICC whose certificates it makes: it
/// needs the key of a CI under which the eIM accepts eUICCs, as is published for
/// test systems (SGP.26). Orders are placed by a command of yours.
#[derive(Debug, Args)]
#[command(
    after_help = "The command of --order-cmd is run by sh, with CONFORM_ACTION in its
environment and the rest as the action needs it:
  add            a device, CONFORM_EID, with the association token CONFORM_TOKEN
                 (empty: none) and the counterValue 0
  order          CONFORM_EID, CONFORM_ORDER, and each member of the order as
                 CONFORM_<MEMBER>, for example CONFORM_ICCID; CONFORM_JSON is all
                 of it. Print the order's name
  listen         CONFORM_EID listens at CONFORM_URL, https://HOST:PORT, with the
                 certificate CONFORM_CERTIFICATE, in PEM
  outcome        CONFORM_EID and the name, CONFORM_ID. Print one of open,
                 success, failed, rolled_back, and what else is known behind it
  configuration  print the eIM's EimConfigurationData in hexadecimal, or nothing
  causes         print the causes of state changes of CONFORM_EID, as numbers
It fails with an exit code other than 0: an order that is not taken skips its
case. Orders are those of Simurgh's API: download, contact_smds, enable, disable,
delete, list_profile_info, get_rat, configure_immediate_enable, ...

Example:
  simurgh-lab conform eim --url https://eim.example.com --ca ci.pem \\
    --order-cmd './order.sh'"
)]
pub(crate) struct Eim {
    /// The eIM (https://HOST:PORT); without it Simurgh's own is started
    #[arg(long, requires = "ca", requires = "order_cmd")]
    url: Option<String>,
    /// CI of eUICCs: certificate and private key in PEM
    #[arg(long, value_name = "FILE", requires = "url")]
    ca: Option<PathBuf>,
    /// Who issued the eIM's TLS certificate, or that certificate itself, in PEM,
    /// if it is not the CI
    #[arg(long, value_name = "FILE", requires = "url")]
    tls_ca: Option<PathBuf>,
    /// Be the SM-DP+ of downloads at this socket, which the eIM has to reach
    #[arg(long, value_name = "ADDRESS:PORT", requires = "url")]
    smdp: Option<SocketAddr>,
    /// The SM-DP+'s name, as the eIM is to know it; its certificate is issued
    /// under the CI
    #[arg(
        long,
        value_name = "HOST[:PORT]",
        requires = "smdp",
        default_value = "localhost"
    )]
    smdp_name: String,
    /// Be the SM-DS of events at this socket, which the eIM has to reach
    #[arg(long, value_name = "ADDRESS:PORT", requires = "url")]
    smds: Option<SocketAddr>,
    /// The SM-DS's name, as `--smdp-name`
    #[arg(
        long,
        value_name = "HOST[:PORT]",
        requires = "smds",
        default_value = "localhost"
    )]
    smds_name: String,
    /// Be devices that listen for packages at this socket, which the eIM has to
    /// reach
    #[arg(long, value_name = "ADDRESS:PORT", requires = "url")]
    listen: Option<SocketAddr>,
    /// The name of those devices, as `--smdp-name`
    #[arg(
        long,
        value_name = "HOST[:PORT]",
        requires = "listen",
        default_value = "localhost"
    )]
    listen_name: String,
    /// Command that places orders at the eIM, see below
    #[arg(long, value_name = "COMMAND", requires = "url")]
    order_cmd: Option<String>,
    /// The EID of the first device that the suite is, for an eIM that knows its
    /// devices before they are added; the others count on from it, about 60
    #[arg(long, value_name = "32 DIGITS")]
    eid: Option<Eid>,
    /// Where a name is, instead of asking the name service
    #[arg(long, value_name = "NAME=ADDRESS:PORT", value_parser = options::resolved)]
    resolve: Vec<(String, SocketAddr)>,
    #[command(flatten)]
    common: Common,
}

impl Eim {
    pub(crate) fn run(&self) -> Result<bool, Failure> {
        finish(&self.common, "eim", CASES, || self.bench())
    }

    fn bench(&self) -> Result<Bench, Failure> {
        let mut seed = [0; 8];
        crate::demo::random()?.fill(&mut seed);
        let (seed, now) = (u64::from_be_bytes(seed), now()?);
        let (Some(url), Some(ca), Some(command)) = (&self.url, &self.ca, &self.order_cmd) else {
            return self.own(seed);
        };
        let authority = options::authority(ca)?;
        let tls = match &self.tls_ca {
            Some(file) => server::certificate(file)?,
            None => authority.certificate.clone(),
        };
        let wire = self.wire(
            url.clone(),
            TlsTrust::Certificate(tls),
            self.resolve.clone(),
        )?;
        let orders = ByCommand(command.clone());
        let servers = self.servers(&authority)?;
        let bench = Bench::new(
            Box::new(wire),
            Box::new(orders),
            authority,
            now,
            seed,
            self.eid,
        )?;
        Ok(servers.behind(bench))
    }

    /// The servers that the suite is.
    fn servers(&self, authority: &Authority) -> Result<Servers, Failure> {
        let smdp = |socket| AtSocket::smdp(socket, &self.smdp_name, authority);
        let smds = |socket| AtSocket::smds(socket, &self.smds_name, authority);
        let listener = |socket| AtSocket::device(socket, &self.listen_name, authority);
        Ok(Servers {
            smdp: self.smdp.map(smdp).transpose()?,
            smds: self.smds.map(smds).transpose()?,
            listener: self.listen.map(listener).transpose()?,
        })
    }

    fn own(&self, seed: u64) -> Result<Bench, Failure> {
        let settings = ["eim.inject=true".to_string()];
        let own = Rc::new(Own::start_with(self.common.timeout(), &settings)?);
        let authority = own.authority()?;
        let trust = TlsTrust::Certificate(authority.certificate.clone());
        let wire = self.wire(format!("https://{EIM}"), trust, own.resolve()?)?;
        let http = Kept {
            wire,
            _own: own.clone(),
        };
        let orders = ByDoor(own);
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let servers = Servers {
            smdp: Some(AtSocket::smdp(any, "localhost", &authority)?),
            smds: Some(AtSocket::smds(any, "localhost", &authority)?),
            listener: Some(AtSocket::device(any, "localhost", &authority)?),
        };
        let bench = Bench::new(
            Box::new(http),
            Box::new(orders),
            authority,
            now()?,
            seed,
            self.eid,
        )?;
        Ok(servers.behind(bench))
    }

    fn wire(
        &self,
        url: String,
        trust: TlsTrust,
        resolve: Vec<(String, SocketAddr)>,
    ) -> Result<Wire, Failure> {
        Wire::new(Subject {
            url,
            trust,
            resolve,
            timeout: self.common.timeout(),
            operator: None,
            smds: None,
            stranger: None,
        })
    }
}

/// Servers of the suite's, which the eIM calls.
struct Servers {
    smdp: Option<AtSocket>,
    smds: Option<AtSocket>,
    listener: Option<(AtSocket, Certificate)>,
}

impl Servers {
    fn behind(self, mut bench: Bench) -> Bench {
        if let Some(smdp) = self.smdp {
            bench = bench.with_smdp(Box::new(smdp));
        }
        if let Some(smds) = self.smds {
            bench = bench.with_smds(Box::new(smds));
        }
        match self.listener {
            None => bench,
            Some((server, certificate)) => bench.with_listener(Listener {
                server: Box::new(server),
                certificate,
            }),
        }
    }
}

/// A wire to a server that lives as long as it.
struct Kept {
    wire: Wire,
    _own: Rc<Own>,
}

impl Http for Kept {
    fn send(&mut self, message: &HttpMessage) -> Result<HttpReply, String> {
        self.wire.send(message)
    }
}

/// Orders at Simurgh's own eIM.
struct ByDoor(Rc<Own>);

impl ByDoor {
    fn call(&self, method: &'static str, path: &str, body: &Value) -> Result<Value, String> {
        let answer = self.0.call(method, path, body);
        answer.map_err(|error| error.to_string())
    }
}

/// As the API takes an order. A bench insists: its device is lost to nobody.
fn in_our_words(eid: &str, order: &Order) -> Value {
    let member = |name: &str| order.0.get(name).cloned().unwrap_or_default();
    let configuration = || json!({"der": member("eim_configuration_data")});
    let operation = match order.kind() {
        "disable_and_delete" => {
            let kinds = ["disable", "delete"];
            let list = kinds.map(|kind| json!({"kind": kind, "iccid": member("iccid")}));
            return json!({"eid": eid, "operations": list, "force": true});
        }
        kind @ "configure_immediate_enable" => {
            json!({"kind": kind, "enable": member("enabled")})
        }
        kind @ ("add_eim" | "update_eim") => {
            json!({"kind": kind, "configuration": configuration()})
        }
        "ipa_euicc_data" => json!({"kind": "get_euicc_data", "tags": member("tags")}),
        _ => order.0.clone(),
    };
    let mut new = json!({"eid": eid, "operation": operation, "force": true});
    let code = new.get_mut("operation").and_then(Value::as_object_mut);
    let code = code.and_then(|operation| operation.remove("confirmation_code"));
    if let (Some(code), Some(members)) = (code, new.as_object_mut()) {
        members.insert("confirmation_code".into(), code);
    }
    new
}

impl Orders for ByDoor {
    fn add_device(&mut self, eid: &str, token: Option<i64>) -> Result<(), String> {
        let device = json!({"eid": eid, "association_token": token, "counter_value": 0});
        self.call("POST", "/devices", &device).map(drop)
    }

    fn place(&mut self, eid: &str, order: &Order) -> Result<String, String> {
        let placed = self.call("POST", "/operations", &in_our_words(eid, order))?;
        // Of a list, the last has come to success only if all have.
        let items = placed.get("items").and_then(Value::as_array);
        text(
            items.and_then(|items| items.last()).unwrap_or(&placed),
            "id",
        )
    }

    fn listen(&mut self, eid: &str, url: &str, device: &Certificate) -> Result<(), String> {
        let listener = json!({"url": url, "certificate": certificate_to_pem(device)});
        let path = format!("/devices/{eid}/listener");
        self.call("PUT", &path, &listener).map(drop)
    }

    fn outcome(&mut self, _eid: &str, id: &str) -> Result<Outcome, String> {
        let found = self.call("GET", &format!("/operations/{id}"), &Value::Null)?;
        let settled = match text(&found, "state")?.as_str() {
            "executed" | "confirmed" => Settled::Success,
            "failed" => Settled::Failed,
            "rolled_back" => Settled::RolledBack,
            _ => Settled::Open,
        };
        Ok(Outcome {
            settled,
            shown: found.to_string(),
        })
    }

    fn configuration(&mut self) -> Result<Option<Vec<u8>>, String> {
        let found = self.call("GET", "/eim-configuration", &Value::Null)?;
        octets(&text(&found, "eim_configuration_data")?).map(Some)
    }

    fn causes(&mut self, eid: &str) -> Result<Vec<i64>, String> {
        let found = self.call("GET", &format!("/devices/{eid}"), &Value::Null)?;
        let changes = found.get("state_changes").and_then(Value::as_array);
        let changes = changes.into_iter().flatten();
        Ok(changes
            .filter_map(|change| change.get("cause")?.as_i64())
            .collect())
    }
}

fn text(value: &Value, name: &str) -> Result<String, String> {
    let found = value.get(name).and_then(Value::as_str);
    found
        .map(ToString::to_string)
        .ok_or_else(|| format!("the API gives no {name}"))
}

fn octets(hex: &str) -> Result<Vec<u8>, String> {
    let digits: Option<Vec<u8>> = hex
        .trim()
        .chars()
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let digits = digits.ok_or("not hexadecimal")?;
    Ok(digits
        .chunks(2)
        .map(|pair| pair.iter().fold(0, |octet, d| octet << 4 | d))
        .collect())
}

/// Orders by a command of the user.
struct ByCommand(String);

impl ByCommand {
    /// Runs it; gives what it printed.
    fn run(&self, action: &str, more: &[(String, String)]) -> Result<String, String> {
        let mut command = Command::new("sh");
        command.args(["-c", &self.0]).env("CONFORM_ACTION", action);
        for (name, value) in more {
            command.env(format!("CONFORM_{}", name.to_ascii_uppercase()), value);
        }
        let output = command.output().map_err(|error| format!("sh: {error}"))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            let said = said.trim();
            return Err(format!("{action}: {} ({said})", output.status));
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_string())
    }
}

fn pair(name: &str, value: impl ToString) -> (String, String) {
    (name.to_string(), value.to_string())
}

impl Orders for ByCommand {
    fn add_device(&mut self, eid: &str, token: Option<i64>) -> Result<(), String> {
        let token = token.map(|token| token.to_string()).unwrap_or_default();
        self.run("add", &[pair("eid", eid), pair("token", token)])
            .map(drop)
    }

    fn place(&mut self, eid: &str, order: &Order) -> Result<String, String> {
        let mut members = order.members();
        members.extend([
            pair("eid", eid),
            pair("order", order.kind()),
            pair("json", &order.0),
        ]);
        self.run("order", &members)
    }

    fn listen(&mut self, eid: &str, url: &str, device: &Certificate) -> Result<(), String> {
        let certificate = certificate_to_pem(device);
        let members = [("eid", eid), ("url", url), ("certificate", &certificate)];
        let members = members.map(|(name, value)| pair(name, value));
        self.run("listen", &members).map(drop)
    }

    fn outcome(&mut self, eid: &str, id: &str) -> Result<Outcome, String> {
        let shown = self.run("outcome", &[pair("eid", eid), pair("id", id)])?;
        let settled = match shown.split_whitespace().next() {
            Some("success") => Settled::Success,
            Some("failed") => Settled::Failed,
            Some("rolled_back") => Settled::RolledBack,
            Some("open") => Settled::Open,
            _ => return Err(format!("outcome: `{shown}` is none of the words")),
        };
        Ok(Outcome { settled, shown })
    }

    fn configuration(&mut self) -> Result<Option<Vec<u8>>, String> {
        let printed = self.run("configuration", &[])?;
        match printed.is_empty() {
            true => Ok(None),
            false => octets(&printed).map(Some),
        }
    }

    fn causes(&mut self, eid: &str) -> Result<Vec<i64>, String> {
        let printed = self.run("causes", &[pair("eid", eid)])?;
        printed
            .split_whitespace()
            .map(|cause| cause.parse().map_err(|_| format!("{cause} is no number")))
            .collect()
    }
}

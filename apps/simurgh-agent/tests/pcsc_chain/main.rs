//! The whole chain through a PC/SC service: servers on loopback TLS, a software
//! card behind pcscd and a virtual reader, and the agent as a process.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod servers;

use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use euicc::{Environment, Euicc};
use lab::reader::{Insertion, Pcscd, PcscdError, Powered};
use lab::{Algorithm, Bootstrap, Subscriber, inspect};
use rsp_asn1::Asn1;
use rsp_core::eim::{EuiccRecord, OperationKind, OperationState};
use rsp_core::pki::{certificate_to_pem, member};
use rsp_core::profile::{self, Subscription};
use rsp_crypto::Rng;
use rsp_crypto::software::{SeededRng, SoftwareProvider};
use servers::{SMDP, Servers};

/// A daemon, `None` where there is none: then the test counts as skipped.
fn daemon(test: &str) -> Option<Pcscd> {
    match Pcscd::start() {
        Ok(pcscd) => Some(pcscd),
        Err(PcscdError::NotInstalled(what)) => {
            lab::test_data::skip(test, &format!("{what} is not installed"));
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Folder {
        let name = format!("simurgh-agent-{test}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir(&folder).unwrap();
        Folder(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// An agent with servers and a reader.
struct Agent<'a> {
    pcscd: &'a Pcscd,
    folder: Folder,
}

impl<'a> Agent<'a> {
    fn new(test: &str, pcscd: &'a Pcscd, servers: &Servers) -> Self {
        let folder = Folder::new(test);
        let ci = certificate_to_pem(&servers.issued(member::CI).certificate);
        std::fs::write(folder.0.join("ci.pem"), ci).unwrap();
        let config = format!(
            "ci_certificates = [\"ci.pem\"]\nretries = 0\n[device]\ntac = \"35290611\"\n\
             lte_release = 15\n[resolve]\n\"{SMDP}\" = \"{}\"\n",
            servers.smdp_address
        );
        std::fs::write(folder.0.join("agent.toml"), config).unwrap();
        Agent { pcscd, folder }
    }

    fn command(&self, options: &[&str]) -> Command {
        self.with_reader(&self.pcscd.reader(), options)
    }

    fn with_reader(&self, reader: &str, options: &[&str]) -> Command {
        let (name, socket) = self.pcscd.environment();
        let mut command = Command::new(env!("CARGO_BIN_EXE_simurgh-agent"));
        command
            .args(["ipad", "--reader", reader, "--config"])
            .arg(self.folder.0.join("agent.toml"))
            .args(options)
            .env(name, socket);
        command
    }

    /// The local profile assistant on this reader.
    fn lpa(&self, arguments: &[&str]) -> Command {
        let (name, socket) = self.pcscd.environment();
        let mut command = Command::new(env!("CARGO_BIN_EXE_simurgh-agent"));
        command
            .args(["lpa", "--output", "json", "--config"])
            .arg(self.folder.0.join("agent.toml"))
            .args(["--reader", &self.pcscd.reader()])
            .args(arguments)
            .env(name, socket);
        command
    }

    /// One round.
    fn once(&self) -> Output {
        self.command(&["--once"]).output().unwrap()
    }
}

fn succeeded(output: &Output, pcscd: &Pcscd) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{}", pcscd.log());
}

fn subscription(iccid: &str, imsi: &str, rng: &mut SeededRng) -> Subscription {
    let (mut ki, mut opc) = ([0; 16], [0; 16]);
    rng.fill(&mut ki);
    rng.fill(&mut opc);
    Subscription::new(iccid.parse().unwrap(), imsi.parse().unwrap(), ki, opc)
}

/// A card with an enabled bootstrap profile that knows the eIM, and is known
/// there.
fn make_card(servers: &Servers, bootstrap: &Subscription, rng: &mut SeededRng) -> Euicc {
    let factory = &servers.factory;
    let eid = factory.eid(1).unwrap();
    let bootstrap = Bootstrap {
        template: &profile::template(),
        subscription: bootstrap,
        profile_name: "Bootstrap",
        smdp_address: SMDP,
        fallback_allowed: false,
        enabled: true,
    };
    let card = factory.make_card_with_bootstrap(eid, &bootstrap, rng);
    let mut card = card.unwrap();
    let configuration = servers.eim.eim().configuration_data(0).unwrap();
    let token = factory.add_initial_eim(&mut card, configuration, rng);
    let record = EuiccRecord::new(eid, token.unwrap(), 0);
    servers.eim.add_euicc(&record).unwrap();
    card
}

fn confirm(card: &mut Powered<Euicc, SeededRng>, subscription: &Subscription) {
    let mut environment = Environment {
        provider: &SoftwareProvider,
        rng: &mut card.rng,
    };
    Subscriber::new(subscription.clone(), Algorithm::Milenage)
        .confirm(&mut card.card, &mut environment)
        .unwrap();
}

#[test]
fn a_profile_ordered_at_the_smdp_authenticates_on_the_card_in_the_reader() {
    let name = "a_profile_ordered_at_the_smdp_authenticates_on_the_card_in_the_reader";
    let Some(pcscd) = daemon(name) else {
        return;
    };
    let mut rng = SeededRng::new(41);
    let servers = Servers::start(&mut rng);
    let bootstrap = subscription("89999100000000000010", "999010000000001", &mut rng);
    let operational = subscription("89999700000000000010", "999700000000001", &mut rng);
    let card = make_card(&servers, &bootstrap, &mut rng);
    let eid = servers.factory.eid(1).unwrap();
    let card = Powered { card, rng };
    let card = Insertion::new(&pcscd.address(), card).unwrap();
    pcscd.wait_for_card(true).unwrap();
    let agent = Agent::new("chain", &pcscd, &servers);

    let activation_code = servers.order(&operational);
    let download = servers.queue(eid, OperationKind::Download { activation_code });
    succeeded(&agent.once(), &pcscd);
    let state = servers.state(&download);
    assert!(
        matches!(state, OperationState::Confirmed { .. }),
        "{state:?}"
    );

    assert!(agent.folder.0.join("agent.state").is_file());

    // What is installed is not enabled: the card still is the bootstrap's.
    let mut card = card.remove().unwrap();
    confirm(&mut card, &bootstrap);
    pcscd.wait_for_card(false).unwrap();
    let card = Insertion::new(&pcscd.address(), card).unwrap();
    pcscd.wait_for_card(true).unwrap();

    let iccid = operational.iccid;
    let rollback = false;
    let enable = servers.queue(eid, OperationKind::Enable { iccid, rollback });
    succeeded(&agent.once(), &pcscd);
    let state = servers.state(&enable);
    assert!(
        matches!(state, OperationState::Confirmed { .. }),
        "{state:?}"
    );

    let mut card = card.remove().unwrap();
    confirm(&mut card, &operational);
    let profiles = inspect::profiles(&mut card.card, &mut card.rng).unwrap();
    assert_eq!(
        profiles,
        [(bootstrap.iccid, false), (operational.iccid, true)]
    );
    let waiting = inspect::waiting(&mut card.card, &mut card.rng).unwrap();
    assert_eq!(waiting, 0, "nothing is left to deliver");
}

#[test]
fn without_a_card_the_round_fails_and_says_why() {
    let Some(pcscd) = daemon("without_a_card_the_round_fails_and_says_why") else {
        return;
    };
    let servers = Servers::start(&mut SeededRng::new(42));
    let agent = Agent::new("no-card", &pcscd, &servers);
    let output = agent.once();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{said}");
    assert!(said.contains("no card in the reader"), "{said}");

    let output = agent.with_reader("Gamma", &["--once"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{said}");
    assert!(
        said.contains("no reader") && said.contains("Simurgh"),
        "{said}"
    );
}

/// A running agent, ended when dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn it_polls_until_it_is_told_to_end_and_survives_a_card_that_is_pulled() {
    let name = "it_polls_until_it_is_told_to_end_and_survives_a_card_that_is_pulled";
    let Some(pcscd) = daemon(name) else {
        return;
    };
    let mut rng = SeededRng::new(43);
    let servers = Servers::start(&mut rng);
    let bootstrap = subscription("89999100000000000010", "999010000000001", &mut rng);
    let operational = subscription("89999700000000000010", "999700000000001", &mut rng);
    let card = make_card(&servers, &bootstrap, &mut rng);
    let eid = servers.factory.eid(1).unwrap();
    let agent = Agent::new("stays", &pcscd, &servers);

    // It begins without a card, gets one, loses it and gets it back.
    let child = agent
        .command(&["--poll-interval", "1"])
        .stderr(Stdio::null())
        .spawn();
    let mut running = Running(child.unwrap());
    let card = Insertion::new(&pcscd.address(), Powered { card, rng }).unwrap();
    let list = servers.queue(eid, OperationKind::ListProfileInfo);
    servers.wait_until_confirmed(&list);
    // A second agent must not share the first one's memory.
    let second = agent.once();
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(!second.status.success(), "{said}");
    assert!(
        said.contains("another simurgh-agent uses this state file"),
        "{said}"
    );
    let card = card.remove().unwrap();
    pcscd.wait_for_card(false).unwrap();
    let card = Insertion::new(&pcscd.address(), card).unwrap();
    let activation_code = servers.order(&operational);
    let download = servers.queue(eid, OperationKind::Download { activation_code });
    servers.wait_until_confirmed(&download);

    let id = running.0.id().to_string();
    assert!(Command::new("kill").arg(&id).status().unwrap().success());
    let asked = Instant::now();
    let ended = loop {
        if let Some(status) = running.0.try_wait().unwrap() {
            break status;
        }
        assert!(asked.elapsed() < Duration::from_secs(20), "it goes on");
        std::thread::sleep(Duration::from_millis(50));
    };
    assert!(ended.success(), "{ended}");
    drop(card.remove().unwrap());
}

/// What `simurgh-agent lpa` prints as JSON.
fn lpa(agent: &Agent, arguments: &[&str]) -> serde_json::Value {
    let output = agent.lpa(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?} {said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_user_of_a_consumer_card_manages_it_without_an_eim() {
    let name = "the_user_of_a_consumer_card_manages_it_without_an_eim";
    let Some(pcscd) = daemon(name) else {
        return;
    };
    let mut rng = SeededRng::new(44);
    let servers = Servers::start(&mut rng);
    let eid = servers.factory.eid(2).unwrap();
    let mut identity = servers.factory.identity(eid, &mut rng).unwrap();
    identity.kind = euicc::EuiccKind::Consumer;
    let card = Euicc::new(identity.personalisation());
    let operational = subscription("89999700000000000010", "999700000000001", &mut rng);
    let card = Insertion::new(&pcscd.address(), Powered { card, rng }).unwrap();
    pcscd.wait_for_card(true).unwrap();
    let agent = Agent::new("lpa", &pcscd, &servers);

    assert_eq!(lpa(&agent, &["info"])["eid"], eid.to_string());
    assert_eq!(lpa(&agent, &["list"]), serde_json::json!([]));
    let code = servers.order(&operational);
    let iccid = operational.iccid.to_string();
    assert_eq!(lpa(&agent, &["download", &code])["iccid"], iccid.as_str());
    lpa(&agent, &["nickname", &iccid, "Travel"]);
    lpa(&agent, &["enable", &iccid]);
    let listed = lpa(&agent, &["list"]);
    assert_eq!(listed[0]["state"], "enabled");
    assert_eq!(listed[0]["nickname"], "Travel");
    assert!(
        !lpa(&agent, &["notifications", "list"])
            .as_array()
            .unwrap()
            .is_empty()
    );
    lpa(&agent, &["notifications", "send"]);
    assert_eq!(
        lpa(&agent, &["notifications", "list"]),
        serde_json::json!([])
    );
    let refused = agent.lpa(&["delete", &iccid]).output().unwrap();
    assert!(!refused.status.success());
    lpa(&agent, &["disable", &iccid]);
    lpa(&agent, &["delete", &iccid]);
    assert_eq!(lpa(&agent, &["list"]), serde_json::json!([]));
    drop(card.remove().unwrap());
}

/// The agent answers the eIM in the card's place, if it may, and forgets nothing
/// between two starts; a state file that somebody put back is noticed.
#[test]
fn an_eim_manages_a_consumer_card() {
    let Some(pcscd) = daemon("an_eim_manages_a_consumer_card") else {
        return;
    };
    let mut rng = SeededRng::new(45);
    let servers = Servers::start(&mut rng);
    let eid = servers.factory.eid(3).unwrap();
    let mut identity = servers.factory.identity(eid, &mut rng).unwrap();
    identity.kind = euicc::EuiccKind::Consumer;
    let card = Euicc::new(identity.personalisation());
    let operational = subscription("89999700000000000010", "999700000000001", &mut rng);
    let card = Insertion::new(&pcscd.address(), Powered { card, rng }).unwrap();
    pcscd.wait_for_card(true).unwrap();
    let agent = Agent::new("emulation", &pcscd, &servers);
    let record = EuiccRecord {
        emulated: true,
        ..EuiccRecord::new(eid, Some(1), 0)
    };
    servers.eim.add_euicc(&record).unwrap();
    let activation_code = servers.order(&operational);
    let download = servers.queue(eid, OperationKind::Download { activation_code });

    let refused = agent.once();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        !refused.status.success() && said.contains("card.emulate"),
        "{said}"
    );

    let eim = servers.eim.eim().configuration_data(0).unwrap().to_der();
    std::fs::write(agent.folder.0.join("eim.der"), eim).unwrap();
    let file = agent.folder.0.join("agent.toml");
    let config = std::fs::read_to_string(&file).unwrap();
    let card_section = "\n[card]\nemulate = \"when-needed\"\neims = [\"eim.der\"]\n";
    std::fs::write(&file, config + card_section).unwrap();
    succeeded(&agent.once(), &pcscd);
    assert_eq!(servers.state(&download).name(), "confirmed");
    let state = agent.folder.0.join("agent.state");
    let old = std::fs::read(&state).unwrap();

    let iccid = operational.iccid;
    let rollback = false;
    let enable = servers.queue(eid, OperationKind::Enable { iccid, rollback });
    succeeded(&agent.once(), &pcscd);
    assert_eq!(servers.state(&enable).name(), "confirmed");
    std::fs::write(&state, old).unwrap();
    let refused = agent.once();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        !refused.status.success() && said.contains("agent.state.mark"),
        "{said}"
    );
    let mut card = card.remove().unwrap();
    confirm(&mut card, &operational);
}

//! Polls of an eIM that has nothing to do, against the same TLS and HTTP stack
//! answering a constant.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rsp_asn1::Extensions;
use rsp_asn1::ids::Eid;
use rsp_asn1::sgp32::{EsipaMessageFromIpaToEim, GetEimPackageRequest};
use rsp_core::binding::{HttpRequest, HttpResponse, esipa_asn1};
use rsp_core::eim::{EuiccRecord, poll_nothing_pending};
use rsp_core::ipa;
use rsp_core::pki::member;
use rsp_crypto::software::{Sealer, SoftwareProvider};
use rsp_net::Client;
use store::{EimHost, SqliteStore};
use tokio::runtime::{Builder, Runtime};

use super::measure::compare;
use super::relay::Relay;
use super::report::Row;
use super::servers::{self, Running};
use super::setting::{EIM, Randomness, Setting, TemporaryFolder, context};
use crate::Failure;

/// Devices that ask at the same time.
const PARALLEL: usize = 8;

/// eUICCs that the eIM knows; they take turns.
const EUICCS: u64 = 64;

/// How a device is connected when it polls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// On a connection that it kept.
    KeptAlive,
    /// On a new one, with a full handshake.
    New,
    /// On a new one that resumes a TLS session.
    Resumed,
}

impl Kind {
    pub(super) const ALL: [Kind; 3] = [Kind::KeptAlive, Kind::New, Kind::Resumed];

    pub(super) const fn text(self) -> &'static str {
        match self {
            Kind::KeptAlive => "ESipa poll, kept-alive",
            Kind::New => "ESipa poll, new TLS connection",
            Kind::Resumed => "ESipa poll, new TLS connection resumed",
        }
    }

    const fn goal(self) -> f64 {
        match self {
            Kind::KeptAlive => 0.5,
            Kind::New | Kind::Resumed => 0.8,
        }
    }
}

/// Two rows: requests per second, and requests per second of the server's
/// processor time. The clients run on the same machine: they are part of the
/// first on both sides, and of the second on neither.
pub(super) fn measure(setting: &Setting, kind: Kind, seconds: f64) -> Result<[Row; 2], Failure> {
    let folder = TemporaryFolder::new()?;
    let store = SqliteStore::open(&folder.path().join("bench.sqlite"), Sealer::new([1; 32]))?;
    let eim = Arc::new(EimHost::new(setting.eim()?, Arc::new(store))?);
    let polls = register(setting, &eim)?;
    let expected = expected(setting, &eim, &polls)?;
    let load = Load {
        runtime: Builder::new_multi_thread().enable_all().build()?,
        kind,
        server: ipa::Server {
            address: EIM.to_string(),
            trust: Some(setting.eim_trust()?),
            transport: rsp_core::binding::Transport::Https,
        },
        polls,
        expected: expected.clone(),
        certificate: setting
            .member(member::EIM_TLS)?
            .certificate
            .as_bytes()
            .len() as u64,
    };
    let eim = servers::start_eim(setting, &eim)?;
    let constant = servers::start_constant(setting, expected)?;
    load.check_handshakes(&eim)?;

    let (to_eim, to_constant) = (client(kind, eim.address)?, client(kind, constant.address)?);
    let [wall, core] = compare(
        seconds,
        |time| load.run(&eim, &to_eim, time),
        |time| load.run(&constant, &to_constant, time),
    )?;
    let row = |unit: &str, against: &str, compared| {
        let figure = format!("{}: {unit}", kind.text());
        Row::ratio(&figure, against, compared, kind.goal())
    };
    Ok([
        row(
            "requests/s",
            "the bare server answering a constant; clients share the processor with both",
            wall,
        ),
        row(
            "requests per core",
            "the bare server's; requests/s of the server's own processor time",
            core,
        ),
    ])
}

/// Tells the eIM of its eUICCs; gives a poll of each.
fn register(setting: &Setting, eim: &EimHost) -> Result<Vec<HttpRequest>, Failure> {
    let key = setting.member(member::EUM)?.key.public_key();
    let mut polls = Vec::new();
    for number in 1..=EUICCS {
        let eid = setting.factory.eid(number)?;
        let mut record = EuiccRecord::new(eid, Some(1), 0);
        record.public_key = Some(key.to_spki_der());
        eim.add_euicc(&record)?;
        polls.push(poll(eid));
    }
    Ok(polls)
}

/// A poll of a device that has nothing else to say.
pub(super) fn request(eid: Eid) -> GetEimPackageRequest {
    GetEimPackageRequest {
        eid_value: eid,
        notify_state_change: None,
        state_change_cause: None,
        r_plmn: None,
        extensions: Extensions::default(),
    }
}

/// As a device sends it.
pub(super) fn poll(eid: Eid) -> HttpRequest {
    let request = request(eid);
    esipa_asn1::encode_request(&EsipaMessageFromIpaToEim::GetEimPackageRequest(request))
}

/// The one answer to every poll.
fn expected(
    setting: &Setting,
    eim: &EimHost,
    polls: &[HttpRequest],
) -> Result<HttpResponse, Failure> {
    use rsp_asn1::sgp32::EsipaMessageFromEimToIpa::GetEimPackageResponse;
    let mut rng = setting.rng(Randomness::Eim);
    let mut answers = Vec::new();
    for poll in polls {
        answers.push(servers::esipa(eim, poll, &mut context(&mut rng))?);
    }
    answers.dedup();
    let nothing = GetEimPackageResponse(poll_nothing_pending());
    let nothing = esipa_asn1::encode_response(&nothing);
    match <[HttpResponse; 1]>::try_from(answers) {
        Ok([answer]) if answer == nothing => Ok(answer),
        _ => Err("the eIM does not answer every poll with: nothing pending".into()),
    }
}

fn client(kind: Kind, address: SocketAddr) -> Result<Client, Failure> {
    let builder = Client::builder()
        .resolve(EIM, address)
        .keep_alive(kind == Kind::KeptAlive);
    Ok(builder.build(Arc::new(SoftwareProvider))?)
}

/// The devices.
struct Load {
    runtime: Runtime,
    kind: Kind,
    server: ipa::Server,
    polls: Vec<HttpRequest>,
    expected: HttpResponse,
    /// Octets of the server's certificate.
    certificate: u64,
}

impl Load {
    /// Polls for a time; gives polls per second, and per second of the
    /// server's processor time.
    fn run(&self, running: &Running, client: &Client, time: Duration) -> Result<[f64; 2], Failure> {
        let used = running.processor_time()?;
        let started = Instant::now();
        let workers: Vec<_> = (0..PARALLEL)
            .map(|first| {
                self.runtime.spawn(
                    Worker {
                        kind: self.kind,
                        address: running.address,
                        client: client.clone(),
                        server: self.server.clone(),
                        polls: self
                            .polls
                            .iter()
                            .skip(first)
                            .step_by(PARALLEL)
                            .cloned()
                            .collect(),
                        expected: self.expected.clone(),
                        until: started + time,
                    }
                    .run(),
                )
            })
            .collect();
        let mut polls = 0;
        for worker in workers {
            polls += self.runtime.block_on(worker)??;
        }
        let elapsed = started.elapsed();
        let used = running.processor_time()?.saturating_sub(used);
        let polls = f64::from(polls);
        Ok([polls / elapsed.as_secs_f64(), polls / used.as_secs_f64()])
    }

    /// Whether handshakes are what the row says: a resumed one carries no
    /// certificate, so the second connection is cheaper or it is not.
    fn check_handshakes(&self, running: &Running) -> Result<(), Failure> {
        let octets = self.runtime.block_on(async {
            let relay = Relay::start(running.address).await?;
            let kept = client(self.kind, relay.address)?;
            let mut octets = Vec::new();
            for poll in self.polls.iter().take(2) {
                let client = match self.kind {
                    Kind::New => client(self.kind, relay.address)?,
                    Kind::KeptAlive | Kind::Resumed => kept.clone(),
                };
                client.post(&self.server, poll.clone()).await?;
                drop(client);
                octets.push(match self.kind {
                    Kind::KeptAlive => relay.so_far(),
                    Kind::New | Kind::Resumed => relay.finished().await?,
                });
            }
            Ok::<_, Failure>(octets)
        })?;
        let [first, second] = octets.as_slice() else {
            return Err("there are no polls".into());
        };
        let saved = first.down.saturating_sub(second.down);
        let as_named = match self.kind {
            Kind::KeptAlive => second.connections == 0,
            Kind::New => second.connections == 1 && saved < self.certificate,
            Kind::Resumed => second.connections == 1 && saved >= self.certificate,
        };
        match as_named {
            true => Ok(()),
            false => Err(format!(
                "{}: the connections are other ones: {first:?}, {second:?}, certificate {}",
                self.kind.text(),
                self.certificate
            )
            .into()),
        }
    }
}

/// One device at a time, one poll after the other.
struct Worker {
    kind: Kind,
    address: SocketAddr,
    client: Client,
    server: ipa::Server,
    polls: Vec<HttpRequest>,
    expected: HttpResponse,
    until: Instant,
}

impl Worker {
    async fn run(self) -> Result<u32, String> {
        let mut done = 0;
        for poll in self.polls.iter().cycle() {
            let client = match self.kind {
                // A client that has seen no server yet has no session of it.
                Kind::New => client(self.kind, self.address).map_err(|e| e.to_string())?,
                Kind::KeptAlive | Kind::Resumed => self.client.clone(),
            };
            let response = client.post(&self.server, poll.clone()).await;
            let response = response.map_err(|error| error.to_string())?;
            if response != self.expected {
                return Err(format!("a poll was answered with {response:?}"));
            }
            done += 1;
            if Instant::now() >= self.until {
                break;
            }
        }
        Ok(done)
    }
}

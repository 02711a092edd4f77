//! `simurgh-lab conform smds`.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use clap::Args;
use lab::conform::euicc::Authority;
use lab::conform::smds::{Bench, CASES, Root, RootAnswer, Settings};
use lab::conform::{Http, HttpMessage, HttpReply};
use rsp_asn1::ids::Eid;
use rsp_core::pki::{Role, TlsTrust, TrustAnchor};
use rsp_crypto::Rng;
use rsp_crypto::software::SoftwareProvider;
use rsp_net::{ClientAuth, Limits, OperatorTrust, Server, TlsIdentity};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use super::emulated::{Emulated, Requests, identity};
use super::options::{self, Common};
use super::own::Own;
use super::wire::{Subject, Wire, stranger};
use super::{finish, now};
use crate::Failure;
use crate::demo::server::SMDS;

/// The suite for SM-DSs: ES11 in both bindings, the events of ES12, and the
/// cascade of ES15.
///
/// The suite is devices with eUICCs that it makes, SM-DP+ and another SM-DS: it
/// needs the key of the CI under which the SM-DS accepts them, as is published
/// for test systems (SGP.26).
#[derive(Debug, Args)]
#[command(
    after_help = "An alternative SM-DS tells a root SM-DS of events: with --root the suite is that
one, too. Tell the subject that its root is at the name of --root-name; the
suite's certificate there is a CERT.DStls under the CI.

Example:
  simurgh-lab conform smds --url https://ds.example.com --ca ci.pem \\
    --root 0.0.0.0:8443 --root-name bench.example.com:8443"
)]
pub(crate) struct Smds {
    /// The SM-DS (https://HOST:PORT); without it Simurgh's own is started
    #[arg(long, requires = "ca")]
    url: Option<String>,
    /// Its address as devices know it, if not the host of the URL
    #[arg(long, value_name = "HOST", requires = "url")]
    address: Option<String>,
    /// CI of its certificates, of eUICCs and of servers: certificate and private
    /// key in PEM
    #[arg(long, value_name = "FILE", requires = "url")]
    ca: Option<PathBuf>,
    /// Certificate and private key of an SM-DP+ that may register events, in PEM;
    /// without it the suite issues one under the CI
    #[arg(long, value_name = "FILE", requires = "url")]
    smdp: Option<PathBuf>,
    /// The same of an SM-DS (ES15)
    #[arg(long, value_name = "FILE", requires = "url")]
    smds: Option<PathBuf>,
    /// Be the root SM-DS of the subject at this socket
    #[arg(long, value_name = "ADDRESS:PORT", requires = "url")]
    root: Option<SocketAddr>,
    /// The root SM-DS's name, as the subject knows it
    #[arg(
        long,
        value_name = "HOST[:PORT]",
        requires = "root",
        default_value = "localhost"
    )]
    root_name: String,
    /// The EID of the first eUICC that the suite is, for an SM-DS that knows its
    /// eUICCs; the others count on from it, about 60
    #[arg(long, value_name = "32 DIGITS")]
    eid: Option<Eid>,
    /// Where a name is, instead of asking the name service
    #[arg(long, value_name = "NAME=ADDRESS:PORT", value_parser = options::resolved)]
    resolve: Vec<(String, SocketAddr)>,
    #[command(flatten)]
    common: Common,
}

/// The suite's certificates for TLS.
struct Identities {
    smdp: TlsIdentity,
    smds: TlsIdentity,
}

impl Smds {
    pub(crate) fn run(&self) -> Result<bool, Failure> {
        finish(&self.common, "smds", CASES, || self.bench())
    }

    fn bench(&self) -> Result<Bench, Failure> {
        let (http, root, settings) = match &self.url {
            Some(url) => self.foreign(url)?,
            None => self.own()?,
        };
        let mut seed = [0; 8];
        crate::demo::random()?.fill(&mut seed);
        let seed = u64::from_be_bytes(seed);
        let settings = Settings {
            eid: self.eid,
            ..settings
        };
        Ok(Bench::new(http, root, settings, now()?, seed)?)
    }

    fn foreign(&self, url: &str) -> Result<Parts, Failure> {
        let file = self.ca.as_deref().ok_or("--ca is needed with --url")?;
        let authority = options::authority(file)?;
        let given = |file: &Option<PathBuf>, role| match file {
            Some(file) => {
                let text = options::read(file)?;
                Ok::<_, Failure>(TlsIdentity::from_pem(&text, &text)?)
            }
            None => identity(role, "Conformance", Some(&authority)),
        };
        let identities = Identities {
            smdp: given(&self.smdp, smdp_role())?,
            smds: given(&self.smds, smds_role("ds.conformance.example.com"))?,
        };
        let root = match self.root {
            Some(socket) => {
                let played = PlayedRoot::start(socket, &self.root_name, &authority)?;
                Some(Box::new(played) as Box<dyn Root>)
            }
            None => None,
        };
        let wire = self.wire(url, self.resolve.clone(), &authority, identities)?;
        let host = url.trim_start_matches("https://").trim_end_matches('/');
        let address = self.address.clone().unwrap_or_else(|| host.to_string());
        Ok((Box::new(wire), root, settings(address, authority)))
    }

    /// Simurgh's own, as an alternative SM-DS.
    fn own(&self) -> Result<Parts, Failure> {
        // The root's certificate is issued under a CI that is made with the
        // server, which is told of the root when it starts.
        let port = {
            let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            std::net::TcpListener::bind(any)?.local_addr()?.port()
        };
        let own = format!(
            "smds={{ listen = \"127.0.0.1:0\", address = \"{SMDS}\", root = \"localhost:{port}\" }}"
        );
        let own = Own::start_with(self.common.timeout(), &[own])?;
        let authority = own.authority()?;
        let socket = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let root = PlayedRoot::start(socket, "localhost", &authority)?;
        let identities = Identities {
            smdp: identity(smdp_role(), "Conformance", Some(&authority))?,
            smds: identity(
                smds_role("ds.conformance.example.com"),
                "Conformance",
                Some(&authority),
            )?,
        };
        let url = format!("https://{SMDS}");
        let wire = self.wire(&url, own.resolve()?, &authority, identities)?;
        let http = Kept { wire, _own: own };
        Ok((
            Box::new(http),
            Some(Box::new(root)),
            settings(SMDS.to_string(), authority),
        ))
    }

    fn wire(
        &self,
        url: &str,
        resolve: Vec<(String, SocketAddr)>,
        authority: &Authority,
        identities: Identities,
    ) -> Result<Wire, Failure> {
        let anchor = TrustAnchor::new(&authority.certificate, &SoftwareProvider)?;
        Wire::new(Subject {
            url: url.to_string(),
            trust: TlsTrust::RspServer(vec![anchor]),
            resolve,
            timeout: self.common.timeout(),
            operator: Some(identities.smdp),
            smds: Some(identities.smds),
            stranger: Some(stranger()?),
        })
    }
}

/// What a bench is made of.
type Parts = (Box<dyn Http>, Option<Box<dyn Root>>, Settings);

fn settings(address: String, authority: Authority) -> Settings {
    Settings {
        address,
        authority,
        eid: None,
    }
}

fn smdp_role() -> Role {
    Role::DpTls {
        oid: "2.999.10".into(),
        dns_name: "smdp.conformance.example.com".into(),
    }
}

fn smds_role(name: &str) -> Role {
    Role::DsTls {
        oid: "2.999.15".into(),
        dns_name: name.into(),
    }
}

/// A wire to a server that lives as long as it.
struct Kept {
    wire: Wire,
    _own: Own,
}

impl Http for Kept {
    fn send(&mut self, message: &HttpMessage) -> Result<HttpReply, String> {
        self.wire.send(message)
    }
}

/// The root SM-DS that the suite is.
struct PlayedRoot {
    answer: Arc<Mutex<RootAnswer>>,
    requests: Requests,
    /// Its end ends the server.
    _stop: oneshot::Sender<()>,
    _runtime: Runtime,
}

impl PlayedRoot {
    fn start(socket: SocketAddr, name: &str, authority: &Authority) -> Result<Self, Failure> {
        let host = name.split(':').next().unwrap_or(name);
        let identity = identity(smds_role(host), host, Some(authority))?;
        let ci = authority.certificate.as_bytes().to_vec();
        let trust = OperatorTrust::new(&[ci], Arc::new(SoftwareProvider))?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let auth = ClientAuth::Optional(trust);
        let bound = Server::bind(socket, identity, auth, Limits::default());
        let server = runtime.block_on(bound)?;
        let answer = Arc::new(Mutex::new(RootAnswer::Done));
        let said = answer.clone();
        let emulated = Emulated::new(Box::new(move |_| match said.lock() {
            Ok(answer) => answer.reply(),
            Err(_) => HttpReply::default(),
        }));
        let requests = emulated.requests();
        let (stop, stopped) = oneshot::channel::<()>();
        runtime.spawn(server.serve_raw(emulated, async {
            let _ = stopped.await;
        }));
        Ok(PlayedRoot {
            answer,
            requests,
            _stop: stop,
            _runtime: runtime,
        })
    }
}

impl Root for PlayedRoot {
    fn answer(&mut self, answer: RootAnswer) {
        if let Ok(mut said) = self.answer.lock() {
            *said = answer;
        }
    }

    fn requests(&mut self) -> Vec<HttpMessage> {
        let requests = self.requests.lock();
        requests.map_or(Vec::new(), |mut requests| std::mem::take(&mut *requests))
    }
}

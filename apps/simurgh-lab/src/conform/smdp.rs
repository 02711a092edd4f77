//! `simurgh-lab conform smdp`.

use std::net::SocketAddr;
use std::path::PathBuf;

use api::ProfileTypeSettings;
use clap::Args;
use lab::conform::smdp::{Bench, CASES, Settings};
use lab::conform::{Http, HttpMessage, HttpReply};
use rsp_asn1::ids::Eid;
use rsp_core::pki::{TlsTrust, TrustAnchor};
use rsp_crypto::Rng;
use rsp_crypto::software::SoftwareProvider;
use rsp_net::TlsIdentity;

use super::options::{self, Common};
use super::own::{self, Own};
use super::wire::{Subject, Wire, stranger};
use super::{finish, now};
use crate::Failure;
use crate::demo::server::SMDP;

/// The suite for SM-DP+s: ES9+ in both bindings, and the orders of ES2+.
///
/// The suite is operator and LPA, and it makes eUICCs: it needs the key of a CI
/// under which the SM-DP+ accepts them, as is published for test systems
/// (SGP.26). Orders are placed over ES2+ with the operator's certificate, by
/// profile type; about 120 profiles are used up.
#[derive(Debug, Args)]
pub(crate) struct Smdp {
    /// The SM-DP+ (https://HOST:PORT); without it Simurgh's own is started
    #[arg(long)]
    url: Option<String>,
    /// Its address in activation codes, if not the host of the URL
    #[arg(long, value_name = "HOST", requires = "url")]
    address: Option<String>,
    /// CI of its certificates and of eUICCs: certificate and private key in PEM
    #[arg(long, value_name = "FILE", requires = "url")]
    ca: Option<PathBuf>,
    /// The same on brainpoolP256r1, if it has certificates there
    #[arg(long, value_name = "FILE", requires = "url")]
    brainpool_ca: Option<PathBuf>,
    /// The operator's certificate and private key for ES2+, in PEM
    #[arg(long, value_name = "FILE", requires = "url")]
    operator: Option<PathBuf>,
    /// The profile type that is ordered
    #[arg(long, value_name = "NAME", default_value = "conformance")]
    profile_type: String,
    /// A type whose profiles are protected by keys of their own (PPK)
    #[arg(long, value_name = "NAME", requires = "url")]
    protected_type: Option<String>,
    /// A type whose packages stay bound to the key of their first delivery
    #[arg(long, value_name = "NAME", requires = "url")]
    bound_once_type: Option<String>,
    /// A type that no device without 5G may have
    #[arg(long, value_name = "NAME", requires = "url")]
    restricted_type: Option<String>,
    /// ICCID of a profile in stock that nobody has ordered
    #[arg(long, requires = "url")]
    free_iccid: Option<String>,
    /// The EID of the first eUICC that the suite is, for an SM-DP+ that knows its
    /// eUICCs; the others count on from it, about 120
    #[arg(long, value_name = "32 DIGITS")]
    eid: Option<Eid>,
    /// Where a name is, instead of asking the name service
    #[arg(long, value_name = "NAME=ADDRESS:PORT", value_parser = options::resolved)]
    resolve: Vec<(String, SocketAddr)>,
    #[command(flatten)]
    common: Common,
}

impl Smdp {
    pub(crate) fn run(&self) -> Result<bool, Failure> {
        finish(&self.common, "smdp", CASES, || self.bench())
    }

    fn bench(&self) -> Result<Bench, Failure> {
        let (http, settings): (Box<dyn Http>, Settings) = match &self.url {
            Some(url) => self.foreign(url)?,
            None => self.own()?,
        };
        let mut seed = [0; 8];
        crate::demo::random()?.fill(&mut seed);
        let settings = Settings {
            eid: self.eid,
            ..settings
        };
        let seed = u64::from_be_bytes(seed);
        Ok(Bench::new(http, settings, now()?, seed)?)
    }

    fn foreign(&self, url: &str) -> Result<(Box<dyn Http>, Settings), Failure> {
        let file = self.ca.as_deref().ok_or("--ca is needed with --url")?;
        let authority = options::authority(file)?;
        let brainpool = self.brainpool_ca.as_deref().map(options::authority);
        let operator = self.operator.as_deref().map(|file| {
            let text = options::read(file)?;
            Ok::<_, Failure>(TlsIdentity::from_pem(&text, &text)?)
        });
        let anchor = TrustAnchor::new(&authority.certificate, &SoftwareProvider)?;
        let wire = Wire::new(Subject {
            url: url.to_string(),
            trust: TlsTrust::RspServer(vec![anchor]),
            resolve: self.resolve.clone(),
            timeout: self.common.timeout(),
            operator: operator.transpose()?,
            smds: None,
            stranger: Some(stranger()?),
        })?;
        let host = url.trim_start_matches("https://").trim_end_matches('/');
        let settings = Settings {
            address: self.address.clone().unwrap_or_else(|| host.to_string()),
            authority,
            brainpool: brainpool.transpose()?,
            profile_type: self.profile_type.clone(),
            protected_type: self.protected_type.clone(),
            bound_once_type: self.bound_once_type.clone(),
            restricted_type: self.restricted_type.clone(),
            free_iccid: self.free_iccid.clone(),
            eid: None,
        };
        Ok((Box::new(wire), settings))
    }

    fn own(&self) -> Result<(Box<dyn Http>, Settings), Failure> {
        let own = Own::start(self.common.timeout())?;
        own.stock(&self.profile_type, ProfileTypeSettings::default(), 1..200)?;
        own.stock("own-keys", own::own_keys(), 201..240)?;
        let bound_once = ProfileTypeSettings {
            bound_once: true,
            ..ProfileTypeSettings::default()
        };
        own.stock("bound-once", bound_once, 241..250)?;
        let restricted = ProfileTypeSettings {
            requires: vec!["nr5gc".to_string()],
            ..ProfileTypeSettings::default()
        };
        own.stock("restricted", restricted, 251..260)?;
        own.stock("never-ordered", ProfileTypeSettings::default(), 300..301)?;
        let authority = own.authority()?;
        let anchor = TrustAnchor::new(&authority.certificate, &SoftwareProvider)?;
        let wire = Wire::new(Subject {
            url: format!("https://{SMDP}"),
            trust: TlsTrust::RspServer(vec![anchor]),
            resolve: own.resolve()?,
            timeout: self.common.timeout(),
            operator: Some(own.operator()?),
            smds: None,
            stranger: Some(stranger()?),
        })?;
        let settings = Settings {
            address: SMDP.to_string(),
            authority,
            brainpool: Some(own.brainpool()?),
            profile_type: self.profile_type.clone(),
            protected_type: Some("own-keys".to_string()),
            bound_once_type: Some("bound-once".to_string()),
            restricted_type: Some("restricted".to_string()),
            free_iccid: Some(own::iccid(300)),
            eid: None,
        };
        Ok((Box::new(Kept { wire, _own: own }), settings))
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

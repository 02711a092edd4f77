//! Simurgh's own server as a subject: started for one run, with what the suites
//! need in stock.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use api::{NewProfiles, NewSubscription, ProfileTypeSettings, Protection, Secret};
use lab::conform::euicc::Authority;
use lab::conform::{Http, HttpMessage};
use rsp_core::pki::{TlsTrust, member};
use rsp_crypto::Rng;
use rsp_net::TlsIdentity;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::runtime::Runtime;

use super::options;
use super::wire::{Subject, Wire};
use crate::Failure;
use crate::demo::server::{self, DOOR, EIM, SMDP, SMDS, ServerProcess};

/// A running server with everything that its operator has.
pub(crate) struct Own {
    runtime: Runtime,
    process: Option<ServerProcess>,
    timeout: Duration,
}

impl Own {
    pub(crate) fn start(timeout: Duration) -> Result<Own, Failure> {
        Self::start_with(timeout, &[])
    }

    /// With these settings more.
    pub(crate) fn start_with(timeout: Duration, settings: &[String]) -> Result<Own, Failure> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let process = runtime.block_on(ServerProcess::start_on_both_curves(settings))?;
        Ok(Own {
            process: Some(process),
            runtime,
            timeout,
        })
    }

    fn process(&self) -> Result<&ServerProcess, Failure> {
        Ok(self.process.as_ref().ok_or("the server has ended")?)
    }

    /// A file of the folder of keys and certificates.
    fn ca(&self, name: &str) -> Result<PathBuf, Failure> {
        Ok(self.process()?.ca().join(name))
    }

    /// The CI, with its key.
    pub(crate) fn authority(&self) -> Result<Authority, Failure> {
        self.authority_in("")
    }

    /// The CI on brainpoolP256r1, with its key.
    pub(crate) fn brainpool(&self) -> Result<Authority, Failure> {
        self.authority_in("brainpool/")
    }

    fn authority_in(&self, folder: &str) -> Result<Authority, Failure> {
        let file = self.ca(&format!("{folder}{}.pem", member::CI))?;
        let certificate = server::certificate(&file)?;
        let file = self.ca(&format!("{folder}{}.key.pem", member::CI))?;
        let key = options::key(&options::read(&file)?, &file)?;
        Ok(Authority {
            certificate,
            key: Some(key),
        })
    }

    /// The operator's certificate and key.
    pub(crate) fn operator(&self) -> Result<TlsIdentity, Failure> {
        let file = |end: &str| options::read(&self.ca(&format!("{}.{end}", member::OPERATOR))?);
        Ok(TlsIdentity::from_pem(&file("pem")?, &file("key.pem")?)?)
    }

    /// Names and sockets of the servers.
    pub(crate) fn resolve(&self) -> Result<Vec<(String, SocketAddr)>, Failure> {
        let addresses = &self.process()?.addresses;
        let smds = addresses.smds.parse().ok();
        let smds = smds.map(|address| (SMDS.to_string(), address));
        Ok([
            (EIM.to_string(), addresses.eim),
            (SMDP.to_string(), addresses.smdp),
            (DOOR.to_string(), addresses.door),
        ]
        .into_iter()
        .chain(smds)
        .collect())
    }

    /// A call of the API.
    pub(crate) fn call<T: DeserializeOwned>(
        &self,
        method: &'static str,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        let process = self.process()?;
        let authority = self.ca(&format!("{}.pem", member::PRIVATE_CA))?;
        let mut wire = Wire::new(Subject {
            url: format!("https://{DOOR}:{}", process.addresses.door.port()),
            trust: TlsTrust::Certificate(server::certificate(&authority)?),
            resolve: self.resolve()?,
            timeout: self.timeout,
            operator: None,
            smds: None,
            stranger: None,
        })?;
        let reply = wire.send(&HttpMessage {
            method,
            path: format!("{}{path}", api::V1),
            headers: vec![
                (
                    "Authorization".into(),
                    format!("Bearer {}", process.token()?),
                ),
                ("Content-Type".into(), "application/json".into()),
            ],
            body: match method {
                "GET" => Vec::new(),
                _ => serde_json::to_vec(body)?,
            },
            ..HttpMessage::default()
        })?;
        if reply.status >= 300 {
            let problem = String::from_utf8_lossy(&reply.body).into_owned();
            return Err(format!("the API answered {}: {problem}", reply.status).into());
        }
        Ok(serde_json::from_slice(&reply.body)?)
    }

    /// Puts profiles into the stock of the SM-DP+, with numbers of their own.
    pub(crate) fn stock(
        &self,
        profile_type: &str,
        settings: ProfileTypeSettings,
        numbers: std::ops::Range<u32>,
    ) -> Result<(), Failure> {
        let subscriptions: Result<_, Failure> = numbers.map(subscription).collect();
        let new = NewProfiles {
            profile_type: profile_type.to_string(),
            template: None,
            service_provider_name: "Conformance".to_string(),
            profile_name: "Conformance".to_string(),
            settings,
            subscriptions: subscriptions?,
        };
        let _: api::Imported = self.call("POST", "/profiles", &new)?;
        Ok(())
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        if let Some(process) = self.process.take() {
            self.runtime.block_on(process.stop());
        }
    }
}

/// The ICCID with this number in stock.
pub(crate) fn iccid(number: u32) -> String {
    format!("8999970000{number:09}0")
}

/// A subscription of a test network with random keys.
fn subscription(number: u32) -> Result<NewSubscription, Failure> {
    let mut rng = crate::demo::random()?;
    let mut secret = || {
        let mut key = [0; 16];
        rng.fill(&mut key);
        Secret(key.iter().map(|octet| format!("{octet:02X}")).collect())
    };
    Ok(NewSubscription {
        iccid: iccid(number),
        imsi: format!("99970{number:010}"),
        ki: secret(),
        opc: secret(),
        sd_keys: None,
    })
}

/// Settings of a type whose profiles have keys of their own.
pub(crate) fn own_keys() -> ProfileTypeSettings {
    ProfileTypeSettings {
        protection: Protection::ProfileKeys,
        ..ProfileTypeSettings::default()
    }
}

//! `[access]` of the configuration.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use fleet::access::{Place, RelyingClient, RelyingParty, RoleName, SessionLimits, TenantName};
use rsp_core::pki::TlsTrust;
use rsp_crypto::software::SoftwareProvider;
use rsp_net::{Client, ClientAuth, OperatorTrust};
use serde::Deserialize;
use store::Database;
use tokio::sync::watch;
use zeroize::Zeroizing;

use super::{Access, Settings, SignOnSettings, SingleSignOn};
use crate::{Failure, files};

/// How often is forgotten what counts no more.
const TIDY: Duration = Duration::from_secs(10 * 60);

/// `[access]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AccessSettings {
    /// Where browsers find the API: `https://host[:port]`.
    origin: Option<String>,
    /// What authenticator apps call this server.
    issuer: String,
    idle_minutes: u32,
    session_hours: u32,
    /// The CA of machines' client certificates.
    client_ca: Option<PathBuf>,
    single_sign_on: Option<SignOnSection>,
}

/// `[access.single_sign_on]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SignOnSection {
    issuer: String,
    client_id: String,
    client_secret: Option<PathBuf>,
    redirect: String,
    ca: PathBuf,
    #[serde(default)]
    tenant: TenantName,
    role: Option<RoleName>,
}

impl Default for AccessSettings {
    fn default() -> Self {
        AccessSettings {
            origin: None,
            issuer: "Simurgh".to_string(),
            idle_minutes: 30,
            session_hours: 12,
            client_ca: None,
            single_sign_on: None,
        }
    }
}

impl AccessSettings {
    /// Paths are relative to the folder of the configuration.
    pub(crate) fn in_folder(&mut self, folder: &Path) {
        if let Some(ca) = &mut self.client_ca {
            *ca = folder.join(&*ca);
        }
        if let Some(sign_on) = &mut self.single_sign_on {
            sign_on.ca = folder.join(&sign_on.ca);
            if let Some(secret) = &mut sign_on.client_secret {
                *secret = folder.join(&*secret);
            }
        }
    }

    /// Whether machines may show certificates.
    pub(crate) fn client_auth(&self) -> Result<ClientAuth, Failure> {
        let Some(ca) = &self.client_ca else {
            return Ok(ClientAuth::None);
        };
        let authority = files::read_certificate(ca)?.as_bytes().to_vec();
        let trust = OperatorTrust::new(&[authority], Arc::new(SoftwareProvider));
        let trust = trust.map_err(|error| Failure::new(ca.display(), error))?;
        Ok(ClientAuth::Optional(trust))
    }

    /// Who may come in to a database, if what is kept of its tenants may rest in
    /// these places.
    pub(crate) fn start(
        &self,
        database: Arc<dyn Database>,
        places: Vec<Place>,
    ) -> Result<Access, Failure> {
        let settings = Settings {
            sessions: SessionLimits {
                idle: Duration::from_secs(u64::from(self.idle_minutes.max(1)) * 60),
                absolute: Duration::from_secs(u64::from(self.session_hours.max(1)) * 3600),
                ..SessionLimits::default()
            },
            party: self.origin.as_deref().map(party).transpose()?,
            issuer: self.issuer.clone(),
            places,
        };
        let sign_on = self.single_sign_on.as_ref().map(SignOnSection::start);
        let access = Access::new(database, settings, sign_on.transpose()?);
        access.check_residency()?;
        Ok(access)
    }
}

/// The site of an origin.
fn party(origin: &str) -> Result<RelyingParty, Failure> {
    let wrong = || Failure::new("access.origin", "not of the form https://host[:port]");
    let origin = origin.trim_end_matches('/');
    let authority = origin.strip_prefix("https://").ok_or_else(wrong)?;
    let authority: http::uri::Authority = authority.parse().map_err(|_| wrong())?;
    if authority.as_str().contains('@') {
        return Err(wrong());
    }
    Ok(RelyingParty {
        id: authority.host().to_string(),
        origins: vec![origin.to_string()],
    })
}

impl SignOnSection {
    fn start(&self) -> Result<SingleSignOn, Failure> {
        let place = "access.single_sign_on";
        if !self.issuer.starts_with("https://") {
            return Err(Failure::new(
                place,
                "the issuer is reached over https alone",
            ));
        }
        let secret = self.client_secret.as_deref().map(files::read).transpose()?;
        let http = Client::builder()
            .timeout(Duration::from_secs(10))
            .max_body(1 << 20)
            .build(Arc::new(SoftwareProvider));
        Ok(SingleSignOn {
            settings: SignOnSettings {
                issuer: self.issuer.clone(),
                client: RelyingClient {
                    id: self.client_id.clone(),
                    redirect: self.redirect.clone(),
                    scopes: vec!["email".to_string()],
                },
                tenant: self.tenant.clone(),
                role: self.role.clone(),
            },
            secret: secret.map(|secret| Zeroizing::new(secret.trim().to_string())),
            http: http.map_err(|error| Failure::new(place, error))?,
            trust: TlsTrust::Certificate(files::read_certificate(&self.ca)?),
        })
    }
}

/// Forgets what counts no more, now and then, until it is to end.
pub(crate) async fn tidy(access: Access, mut ended: watch::Receiver<bool>) {
    let tidying = async {
        loop {
            tokio::time::sleep(TIDY).await;
            let access = access.clone();
            let tidied = tokio::task::spawn_blocking(move || access.tidy()).await;
            if let Ok(Err(problem)) = tidied {
                tracing::warn!(%problem, "sessions that ended are not forgotten yet");
            }
        }
    };
    tokio::select! {
        () = tidying => {}
        _ = ended.wait_for(|ended| *ended) => {}
    }
}

//! The servers of a world: their keys, and their state in a store that
//! outlives them.

use std::path::PathBuf;
use std::sync::Arc;

use rsp_asn1::Certificate;
use rsp_core::eim::relay::RelaySettings;
use rsp_core::eim::{Eim, LabSettings};
use rsp_core::pki::{Issued, TrustAnchor, member};
use rsp_core::smdp::{DpIdentity, Smdp};
use rsp_core::smds::Smds;
use rsp_core::{Identity, Timestamp};
use rsp_crypto::software::{Sealer, SoftwareKey, SoftwareProvider};
use store::{EimHost, SmdpHost, SmdpStore, SmdsHost, SqliteStore, Store};

use crate::factory::Factory;
use crate::material::Material;
use crate::world::{EIM, WorldError};

/// The key under which the secrets of a world rest.
const KEY: [u8; 32] = [0x5A; 32];

/// Where the servers of a world keep their state.
#[derive(Debug)]
pub(crate) enum Place {
    /// It goes with them.
    Memory,
    /// Files in this folder: they can be started again.
    Folder(PathBuf),
}

/// What the servers are started with.
#[derive(Debug)]
pub(crate) struct Servers {
    issued: Vec<Issued<SoftwareKey>>,
    /// Other CIs that the eIM trusts.
    pub(crate) further_anchors: Vec<TrustAnchor>,
    /// When their certificates are looked at.
    start: Timestamp,
    smdp_host: &'static str,
    place: Place,
}

impl Servers {
    pub(crate) fn new(place: Place, material: Material) -> Self {
        Servers {
            issued: material.issued,
            further_anchors: Vec::new(),
            start: material.start,
            smdp_host: material.smdp_host,
            place,
        }
    }

    /// The CI that everybody trusts.
    pub(crate) fn anchor(&self) -> Result<TrustAnchor, WorldError> {
        let ci = self.certificate(member::CI)?;
        Ok(TrustAnchor::new(&ci, &SoftwareProvider)?)
    }

    /// The factory of cards.
    pub(crate) fn factory(&self) -> Result<Factory, WorldError> {
        let eum = self.member(member::EUM)?;
        let certificate = eum.certificate.clone();
        Ok(Factory::new(self.anchor()?, certificate, eum.key.clone())?)
    }

    /// Starts the eIM on what is in its store.
    pub(crate) fn start_eim(&self) -> Result<EimHost, WorldError> {
        self.eim_on(self.store("eim")?)
    }

    /// Starts the eIM on a store.
    pub(crate) fn eim_on(&self, store: Arc<dyn Store>) -> Result<EimHost, WorldError> {
        let mut anchors = vec![self.anchor()?];
        anchors.extend(self.further_anchors.iter().cloned());
        let eim = Eim {
            eim_id: EIM.try_into().map_err(|_| WorldError::Missing("eimId"))?,
            fqdn: EIM.to_string(),
            signing: self.identity(member::EIM_SIGN)?,
            tls_trust: self.certificate(member::CI)?,
            transports: vec![rsp_core::binding::Transport::Https],
            anchors,
            relay: RelaySettings::default(),
            lab: LabSettings::default(),
        };
        Ok(EimHost::new(eim, store)?)
    }

    /// Starts the SM-DP+ on what is in its store.
    pub(crate) fn start_smdp(&self) -> Result<SmdpHost, WorldError> {
        self.smdp_on(self.store("smdp")?)
    }

    /// Starts the SM-DP+ on a store.
    pub(crate) fn smdp_on(&self, store: Arc<dyn SmdpStore>) -> Result<SmdpHost, WorldError> {
        let smdp = Smdp::new(
            self.smdp_host.to_string(),
            vec![DpIdentity {
                auth: self.identity(member::DP_AUTH)?,
                pb: self.identity(member::DP_PB)?,
            }],
            vec![self.anchor()?],
            self.start,
            &SoftwareProvider,
        )?;
        Ok(SmdpHost::new(smdp, store))
    }

    /// Starts an SM-DS on what is in its store.
    pub(crate) fn start_smds(
        &self,
        host: &str,
        root: Option<&str>,
    ) -> Result<SmdsHost, WorldError> {
        let identities = vec![self.identity(member::DS_AUTH)?];
        let anchors = vec![self.anchor()?];
        let host_name = host.to_string();
        let smds = Smds::new(
            host_name,
            identities,
            anchors,
            self.start,
            &SoftwareProvider,
        )?;
        let smds = match root {
            Some(root) => smds.with_root(root.to_string()),
            None => smds,
        };
        Ok(SmdsHost::new(smds, self.store(host)?))
    }

    fn store(&self, name: &str) -> Result<Arc<SqliteStore>, WorldError> {
        let store = match &self.place {
            Place::Memory => SqliteStore::in_memory()?,
            Place::Folder(folder) => {
                SqliteStore::open(&folder.join(format!("{name}.sqlite")), Sealer::new(KEY))?
            }
        };
        Ok(Arc::new(store))
    }

    pub(crate) fn member(&self, name: &'static str) -> Result<&Issued<SoftwareKey>, WorldError> {
        let mut issued = self.issued.iter();
        let found = issued.find(|issued| issued.member == name);
        found.ok_or(WorldError::Missing(name))
    }

    fn certificate(&self, name: &'static str) -> Result<Certificate, WorldError> {
        Ok(self.member(name)?.certificate.clone())
    }

    fn identity(&self, name: &'static str) -> Result<Identity, WorldError> {
        let issued = self.member(name)?;
        Ok(Identity {
            certificate: issued.certificate.clone(),
            key: Box::new(issued.key.clone()),
        })
    }
}

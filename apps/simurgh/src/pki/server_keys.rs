//! The folder that a server reads: its keys and certificates under each CI.

use std::path::{Path, PathBuf};

use rsp_asn1::Certificate;
use rsp_core::Identity;
use rsp_core::pki::{CrlError, TrustAnchor, member};
use rsp_core::smdp::DpIdentity;
use rsp_crypto::software::{Sealer, SoftwareKey, SoftwareProvider};
use rsp_net::TlsIdentity;

use super::material;
use crate::{Failure, files, key_file, shell};

/// The folder that `simurgh pki init` writes, and the key of what is sealed in
/// it.
#[derive(Clone, Debug)]
pub(crate) struct ServerKeys {
    folder: PathBuf,
    sealer: Sealer,
}

/// A revocation list of the CI, if there is one.
const CRL: &str = "ci.crl";

impl ServerKeys {
    pub(crate) fn new(folder: &Path, sealer: Sealer) -> Self {
        ServerKeys {
            folder: folder.to_path_buf(),
            sealer,
        }
    }

    /// This folder, and the folders in it that belong to further CIs: those
    /// that hold `ci.pem`.
    pub(crate) fn under_each_ci(&self) -> Result<Vec<ServerKeys>, Failure> {
        let failed = |error| Failure::new(format!("cannot read {}", self.folder.display()), error);
        let mut folders = vec![self.folder.clone()];
        for entry in std::fs::read_dir(&self.folder).map_err(failed)? {
            let folder = entry.map_err(failed)?.path();
            if folder.join("ci.pem").is_file() {
                folders.push(folder);
            }
        }
        folders.sort();
        let keys = |folder: PathBuf| ServerKeys::new(&folder, self.sealer.clone());
        Ok(folders.into_iter().map(keys).collect())
    }

    /// CERT.DPauth and CERT.DPpb under this CI, if it issued any.
    pub(crate) fn dp_identity(&self) -> Result<Option<DpIdentity>, Failure> {
        if !self.file(member::DP_AUTH, "pem").exists() {
            return Ok(None);
        }
        Ok(Some(DpIdentity {
            auth: self.identity(member::DP_AUTH)?,
            pb: self.identity(member::DP_PB)?,
        }))
    }

    /// CERT.DSauth under this CI, if it issued one.
    pub(crate) fn ds_identity(&self) -> Result<Option<Identity>, Failure> {
        if !self.file(member::DS_AUTH, "pem").exists() {
            return Ok(None);
        }
        self.identity(member::DS_AUTH).map(Some)
    }

    pub(crate) fn certificate(&self, member: &str) -> Result<Certificate, Failure> {
        files::read_certificate(&self.file(member, "pem"))
    }

    pub(crate) fn identity(&self, member: &str) -> Result<Identity, Failure> {
        let file = self.file(member, "key.pem");
        let pem = key_file::read_private_key(&file, &self.sealer)?;
        let key = SoftwareKey::from_pkcs8_pem(&pem);
        let key = key.map_err(|error| Failure::new(file.display(), error))?;
        Ok(Identity {
            certificate: self.certificate(member)?,
            key: Box::new(key),
        })
    }

    pub(crate) fn tls(&self, member: &str) -> Result<TlsIdentity, Failure> {
        let chain = files::read(&self.file(member, "pem"))?;
        let key = key_file::read_private_key(&self.file(member, "key.pem"), &self.sealer)?;
        TlsIdentity::from_pem(&chain, &key).map_err(|error| Failure::new(member, error))
    }

    /// The CI, with its revocation list if there is one.
    pub(crate) fn anchor(&self) -> Result<TrustAnchor, Failure> {
        let ci = self.file(member::CI, "pem");
        let mut anchor = TrustAnchor::new(&files::read_certificate(&ci)?, &SoftwareProvider)
            .map_err(|error| Failure::new(ci.display(), error))?;
        let list = self.folder.join(CRL);
        if list.exists() {
            let late = anchor
                .set_crl_of_any_age(&material::crl(&list)?, shell::now(), &SoftwareProvider)
                .map_err(|error| not_of_use(&list, error))?;
            if late {
                warn_of_late(&list, &anchor);
            }
        }
        Ok(anchor)
    }

    fn file(&self, member: &str, ending: &str) -> PathBuf {
        self.folder.join(format!("{member}.{ending}"))
    }
}

/// Devices must not stand still because a list is late; but whoever runs the
/// server must know that it cannot tell what was revoked since.
fn warn_of_late(list: &Path, anchor: &TrustAnchor) {
    let due = anchor.crl().and_then(|crl| crl.next_update);
    let due = due.map_or("unknown".to_string(), |due| due.to_string());
    tracing::error!(
        file = %list.display(),
        next_update = due,
        "THE REVOCATION LIST IS OUTDATED: what it names stays refused, what was revoked since is \
         not known. Put the CI's current list in its place and start again"
    );
}

/// A list that says nothing must not look as if it did.
fn not_of_use(list: &Path, error: CrlError) -> Failure {
    let remedy = match &error {
        CrlError::NotYetValid => "check the clock of this machine",
        _ => "put the CI's current list in its place, or remove it",
    };
    Failure::new(list.display(), format!("{error}: {remedy}"))
}

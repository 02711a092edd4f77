//! The parts in which a UICC rests, so that little is written when little
//! changes.

use alloc::vec::Vec;

use rsp_asn1::ids::Iccid;
use serde::{Deserialize, Serialize};

use super::aka::Authentication;
use super::card::{Aid, Element, Uicc};
use super::codes::Codes;
use super::fs::{File, FileId, FileSystem};
use crate::memory::LoadError;
use crate::memory::part::{decode, encode};

/// What installation fixed.
#[derive(Serialize, Deserialize)]
struct Base {
    iccid: Iccid,
    elements: Vec<Element>,
    applets: Vec<Aid>,
    files: usize,
}

impl Uicc {
    /// What never changes.
    pub(crate) fn base(&self) -> Vec<u8> {
        encode(&Base {
            iccid: self.iccid,
            elements: self.elements.clone(),
            applets: self.applets.clone(),
            files: self.fs.len(),
        })
    }

    /// PINs and PUKs.
    pub(crate) fn stored_codes(&self) -> Vec<u8> {
        encode(&self.codes)
    }

    /// Keys and sequence numbers.
    pub(crate) fn stored_authentications(&self) -> Vec<u8> {
        encode(&self.authentications)
    }

    /// Counters of the operator's key sets; `None` if none has counted yet.
    pub(crate) fn stored_ota_counters(&self) -> Option<Vec<u8>> {
        (!self.ota_counters.is_empty()).then(|| encode(&self.ota_counters))
    }

    /// Restores what [`Uicc::stored_ota_counters`] gave.
    pub(crate) fn restore_ota_counters(&mut self, octets: &[u8]) -> Result<(), LoadError> {
        self.ota_counters = decode(octets, "the counters of the operator")?;
        Ok(())
    }

    /// From here on no file has changed.
    pub(crate) fn forget_changed_files(&mut self) {
        self.fs.forget_changed();
    }

    /// The files that may have changed, or all.
    pub(crate) fn changed_files(&self, all: bool) -> Vec<(FileId, Vec<u8>)> {
        let changed = self.fs.changed();
        if !all && changed.is_empty() {
            return Vec::new();
        }
        let files = self.fs.iter();
        let wanted = files.filter(|(id, _)| all || changed.contains(id));
        wanted.map(|(id, file)| (id, encode(file))).collect()
    }

    /// The UICC made of its parts; `file` gives those of the files.
    pub(crate) fn restored<'a>(
        base: &[u8],
        codes: &[u8],
        authentications: &[u8],
        file: impl Fn(FileId) -> Option<&'a [u8]>,
    ) -> Result<Uicc, LoadError> {
        let base: Base = decode(base, "the profile")?;
        let codes: Codes = decode(codes, "the codes")?;
        let authentications: Vec<(FileId, Authentication)> = decode(authentications, "the keys")?;
        let missing = LoadError::Malformed("a file");
        let mut files: Vec<File> = Vec::new();
        for id in 0..base.files {
            let id = FileId::try_from(id).map_err(|_| missing.clone())?;
            let octets = file(id).ok_or_else(|| missing.clone())?;
            files.push(decode(octets, "a file")?);
        }
        let fs = FileSystem::restored(files);
        Ok(Uicc {
            iccid: base.iccid,
            fs: fs.ok_or(LoadError::Malformed("the file system"))?,
            codes,
            authentications,
            elements: base.elements,
            applets: base.applets,
            ota_counters: Vec::new(),
            channels: Vec::new(),
        })
    }
}

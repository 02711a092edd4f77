//! A profile's files as its operator reaches them over the air (ETSI TS 102
//! 226): the card's own commands, with the rights that the profile package
//! gives to an application instead of PINs.

use alloc::vec::Vec;

use rsp_asn1::Asn1;
use rsp_asn1::saip::{ApplicationInstance, ProfileElement};
use serde::{Deserialize, Serialize};

use super::access::{self, Access};
use super::card::{Element, Uicc};
use super::command;
use super::fs::FileId;
use crate::personalisation::Environment;

/// First octets of the elements that concern the operator: securityDomain, rfm,
/// application.
const SECURITY_DOMAIN: u8 = 0xA6;
const RFM: u8 = 0xA7;
const APPLICATION: u8 = 0xA8;

/// ADM1 to ADM5 are the key references from here on (ETSI TS 102 221 9.5.1).
const FIRST_ADM: u8 = 0x0A;
const ADMS: u8 = 5;

/// Octets of an access domain parameter (ETSI TS 102 226 8.2.1.3.2.5).
const FULL_ACCESS: u8 = 0x00;
const APDU_ACCESS: u8 = 0x01;
const UICC_ACCESS: u8 = 0x02;

/// What an access domain parameter allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rights {
    /// Whatever a rule allows to anybody; never stays never.
    Full,
    /// What the PINs allow that the script itself has verified.
    Verified,
    /// What rules allow to everybody or to one of these: bit 0 is ADM1.
    Administrative(u8),
    /// Nothing.
    None,
}

impl Rights {
    /// Reads a parameter; what is not understood allows nothing.
    fn read(parameter: &[u8]) -> Rights {
        match parameter {
            [FULL_ACCESS] => Rights::Full,
            [APDU_ACCESS] => Rights::Verified,
            [UICC_ACCESS, _, adms, _] => Rights::Administrative(*adms),
            _ => Rights::None,
        }
    }

    /// Whether a rule that asks for this key is met; `verified` says whether
    /// its PIN has been.
    pub(super) fn meet(self, reference: u8, verified: bool) -> bool {
        match self {
            Rights::Full => true,
            Rights::Verified => verified,
            Rights::Administrative(adms) => reference
                .checked_sub(FIRST_ADM)
                .is_some_and(|adm| adm < ADMS && adms >> adm & 1 == 1),
            Rights::None => false,
        }
    }
}

/// The rights of a script: in one ADF, and outside all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Domain {
    outside: Rights,
    adf: Option<(FileId, Rights)>,
}

/// Access domain parameters as a package has them.
pub(crate) struct AccessDomain<'a> {
    /// For files that are in no ADF.
    pub(crate) uicc: &'a [u8],
    /// For an ADF: its AID and the parameter.
    pub(crate) adf: Option<(&'a [u8], &'a [u8])>,
}

/// Identifier of the ADF of the active application (ETSI TS 102 221 8.3).
const CURRENT_ADF: u16 = 0x7FFF;

/// Files that a script has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ChangedFiles {
    /// Of the ADF that '7FFF' stands for in paths.
    pub(crate) aid: Option<Vec<u8>>,
    /// From the MF on.
    pub(crate) paths: Vec<Vec<u8>>,
}

/// The highest counter that a key set has accepted (ETSI TS 102 225 5.1.4).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct OtaCounter {
    /// AID of the security domain.
    #[serde(with = "super::hex")]
    domain: Vec<u8>,
    key_version: u8,
    value: u64,
}

impl Uicc {
    /// Security domains and remote file management, in the package's order.
    pub(crate) fn remote_elements(&self) -> Vec<ProfileElement> {
        let remote = |der: &&[u8]| matches!(der.first(), Some(&(SECURITY_DOMAIN | RFM)));
        let elements = self.elements.iter().map(|element| element.0.as_slice());
        let elements = elements.filter(remote);
        elements
            .filter_map(|der| ProfileElement::from_der(der).ok())
            .collect()
    }

    /// Instances of applications, which are known and do not run.
    pub(crate) fn application_instances(&self) -> Vec<ApplicationInstance> {
        let application = |element: &&Element| element.0.first() == Some(&APPLICATION);
        let elements = self.elements.iter().filter(application);
        let instances = elements.filter_map(|element| match ProfileElement::from_der(&element.0) {
            Ok(ProfileElement::Application(pe)) => pe.instance_list,
            _ => None,
        });
        instances.flatten().collect()
    }

    /// The counter of a key set, if it has accepted one.
    pub(crate) fn ota_counter(&self, domain: &[u8], key_version: u8) -> Option<u64> {
        let mut counters = self.ota_counters.iter();
        let found = counters.find(|c| c.domain == domain && c.key_version == key_version);
        found.map(|counter| counter.value)
    }

    /// Sets the counter of a key set.
    pub(crate) fn set_ota_counter(&mut self, domain: &[u8], key_version: u8, value: u64) {
        let mut counters = self.ota_counters.iter_mut();
        match counters.find(|c| c.domain == domain && c.key_version == key_version) {
            Some(counter) => counter.value = value,
            None => self.ota_counters.push(OtaCounter {
                domain: domain.to_vec(),
                key_version,
                value,
            }),
        }
    }

    /// Runs a script with these rights, on a channel that no terminal sees. The
    /// ADF is selected, or the MF without one. PINs that it verifies are
    /// verified for it alone. Gives the files that it has changed as well; `None`
    /// if there is no such ADF.
    pub(crate) fn remotely<R>(
        &mut self,
        access: &AccessDomain<'_>,
        run: impl FnOnce(&mut RemoteFiles<'_>) -> R,
    ) -> Option<(R, ChangedFiles)> {
        let adf = match access.adf {
            Some((aid, parameter)) => {
                let mut files = self.fs.iter();
                let found = files.find(|(id, _)| self.fs.aid(*id) == Some(aid));
                Some((found?.0, Rights::read(parameter)))
            }
            None => None,
        };
        let domain = Domain {
            outside: Rights::read(access.uicc),
            adf,
        };
        let channels = self.channels.len();
        let verified = self.codes.take_verified();
        let changed_before = self.fs.take_changed();
        command::open_remote(self, domain, adf.map(|(id, _)| id));
        let result = run(&mut RemoteFiles(self));
        self.channels.truncate(channels);
        self.codes.set_verified(&verified);
        let changed = self.changed_files_of(adf.map(|(id, _)| id));
        self.fs.add_changed(changed_before);
        Some((result, changed))
    }

    /// The files that have changed, as they are told to a terminal.
    fn changed_files_of(&self, adf: Option<FileId>) -> ChangedFiles {
        let aid = adf.and_then(|adf| self.fs.aid(adf));
        let files = self.fs.changed().iter();
        ChangedFiles {
            aid: aid.map(<[u8]>::to_vec),
            paths: files.map(|id| self.path(*id)).collect(),
        }
    }

    /// The path of a file from the MF, an ADF being the current one.
    fn path(&self, id: FileId) -> Vec<u8> {
        let mut fids: Vec<u16> = Vec::new();
        for at in self.fs.upwards(id) {
            if self.fs.aid(at).is_some() {
                fids.push(CURRENT_ADF);
            } else if let Some(file) = self.fs.get(at) {
                fids.push(file.fid);
            }
        }
        fids.into_iter().rev().flat_map(u16::to_be_bytes).collect()
    }

    /// Whether the rule of a file allows something, seen from the current
    /// directory of a channel.
    pub(super) fn is_allowed(
        &self,
        (dir, domain): (FileId, Option<Domain>),
        id: FileId,
        access: Access,
    ) -> bool {
        let rights = domain.map(|domain| self.rights_to(domain, id));
        let verified = |reference| {
            let verified = self.codes.is_satisfied(&self.fs, dir, reference);
            rights.map_or(verified, |rights| rights.meet(reference, verified))
        };
        rights != Some(Rights::None) && access::is_allowed(&self.fs, id, access, &verified)
    }

    fn rights_to(&self, domain: Domain, id: FileId) -> Rights {
        match (self.fs.application(id), domain.adf) {
            (None, _) => domain.outside,
            (Some(adf), Some((own, rights))) if adf == own => rights,
            (Some(_), _) => Rights::None,
        }
    }
}

/// A profile while a script runs.
pub(crate) struct RemoteFiles<'a>(&'a mut Uicc);

impl RemoteFiles<'_> {
    /// Executes a command and gives data and status word, as
    /// [`Uicc::transmit`].
    pub(crate) fn transmit(&mut self, apdu: &[u8], env: &mut Environment<'_>) -> Vec<u8> {
        command::transmit(self.0, command::REMOTE, apdu, env)
    }
}

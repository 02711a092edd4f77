//! Security domains, remote file management and applications (SAIP 8.6 to
//! 8.8). They are checked and kept: what comes over the air reads the first two,
//! applications do not run.

use rsp_asn1::saip::{Application, ApplicationInstance, KeyObject, Rfm, SecurityDomain};

use super::super::card::Aid;
use super::build::Build;
use super::fault::Fault;

/// Key types of GlobalPlatform (GPCS 11.1.8).
const DES: u8 = 0x80;
const AES: u8 = 0x88;

impl Build {
    /// A security domain with its keys.
    pub(super) fn security_domain(&mut self, pe: &SecurityDomain, der: &[u8]) -> Result<(), Fault> {
        check_instance(&pe.instance)?;
        pe.key_list.iter().flatten().try_for_each(check_key)?;
        self.keep(der);
        Ok(())
    }

    /// Remote file management; an ADF that it names must exist.
    pub(super) fn rfm(&mut self, pe: &Rfm, der: &[u8]) -> Result<(), Fault> {
        check_aid(&pe.instance_aid)?;
        pe.security_domain_aid
            .iter()
            .try_for_each(|aid| check_aid(aid))?;
        if let Some(access) = &pe.adf_rfm_access {
            let aid = Some(access.adf_aid.as_slice());
            if !self.fs.iter().any(|(id, _)| self.fs.aid(id) == aid) {
                return Err(Fault::BAD_VALUES);
            }
        }
        self.keep(der);
        Ok(())
    }

    /// Code and instances, kept without a runtime environment: the instances
    /// are known by their AIDs, and selecting one fails.
    pub(super) fn application(&mut self, pe: &Application, der: &[u8]) -> Result<(), Fault> {
        if let Some(block) = &pe.load_block {
            check_aid(&block.load_package_aid)?;
        }
        for instance in pe.instance_list.iter().flatten() {
            check_instance(instance)?;
            let aid = &instance.instance_aid;
            let taken = self.applets.iter().any(|applet| applet.0 == *aid)
                || self.fs.iter().any(|(id, _)| self.fs.aid(id) == Some(aid));
            if taken {
                return Err(Fault::BAD_VALUES);
            }
            self.applets.push(Aid(aid.clone()));
        }
        self.keep(der);
        Ok(())
    }
}

fn check_instance(instance: &ApplicationInstance) -> Result<(), Fault> {
    check_aid(&instance.application_load_package_aid)?;
    check_aid(&instance.class_aid)?;
    check_aid(&instance.instance_aid)
}

fn check_aid(aid: &[u8]) -> Result<(), Fault> {
    match aid.len() {
        5..=16 => Ok(()),
        _ => Err(Fault::BAD_VALUES),
    }
}

fn check_key(key: &KeyObject) -> Result<(), Fault> {
    for component in &key.key_components {
        let length = component.key_data.0.len();
        let fits = match component.key_type.as_slice() {
            [DES] => matches!(length, 8 | 16 | 24),
            [AES] => matches!(length, 16 | 24 | 32),
            _ => length > 0,
        };
        if !fits {
            return Err(Fault::BAD_VALUES);
        }
    }
    match key.key_components.is_empty() {
        true => Err(Fault::BAD_VALUES),
        false => Ok(()),
    }
}

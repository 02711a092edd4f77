//! Who is meant by a TAR (ETSI TS 101 220 6.3), as the profile package says.

use rsp_asn1::saip::{ApplicationInstance, ProfileElement, Rfm, SecurityDomain};

use crate::uicc::Uicc;

/// The TAR among the octets of an AID of full length.
const TAR_IN_AID: core::ops::Range<usize> = 12..15;
/// TAR of remote application management, if the package names none.
const REMOTE_APPLICATION_MANAGEMENT: [u8; 3] = [0xB2, 0x01, 0x00];

/// An application that takes packets.
pub(super) enum Application {
    /// Remote file management.
    Files(Rfm),
    /// Remote application management: the MNO-SD itself.
    Domain,
}

/// What a TAR leads to.
pub(super) struct Found {
    pub(super) application: Application,
    /// The domain whose keys protect the packets.
    pub(super) domain: SecurityDomain,
    pub(super) minimum_security_level: u8,
}

/// Finds the application with this TAR.
pub(super) fn find(uicc: &Uicc, tar: [u8; 3]) -> Option<Found> {
    let elements = uicc.remote_elements();
    let mut domains = elements.iter().filter_map(|element| match element {
        ProfileElement::SecurityDomain(domain) => Some(domain),
        _ => None,
    });
    let mno_sd = domains.clone().next()?;
    let toolkit = Toolkit::of(&mno_sd.instance);
    if toolkit.has(tar) {
        return Some(Found {
            application: Application::Domain,
            domain: mno_sd.clone(),
            minimum_security_level: toolkit.minimum_security_level,
        });
    }
    let rfm = elements.iter().find_map(|element| match element {
        ProfileElement::Rfm(rfm) if names(rfm, tar) => Some(rfm),
        _ => None,
    })?;
    let domain = match &rfm.security_domain_aid {
        None => mno_sd,
        Some(aid) => domains.find(|domain| domain.instance.instance_aid == *aid)?,
    };
    let [minimum_security_level] = rfm.minimum_security_level;
    Some(Found {
        application: Application::Files(rfm.clone()),
        domain: domain.clone(),
        minimum_security_level,
    })
}

/// Whether the instance has this TAR: by its list or, without one, by its AID.
fn names(rfm: &Rfm, tar: [u8; 3]) -> bool {
    match &rfm.tar_list {
        Some(list) => list.contains(&tar),
        None => rfm.instance_aid.get(TAR_IN_AID) == Some(&tar[..]),
    }
}

/// What the toolkit parameters of the MNO-SD say (ETSI TS 102 226
/// 8.2.1.3.2.2.1).
struct Toolkit<'a> {
    minimum_security_level: u8,
    /// Three octets each.
    tars: &'a [u8],
}

impl<'a> Toolkit<'a> {
    fn of(instance: &'a ApplicationInstance) -> Toolkit<'a> {
        let parameters = instance.application_parameters.as_ref();
        let field = parameters.and_then(|parameters| {
            let field = &parameters.uicc_toolkit_application_specific_parameters_field;
            field.as_deref()
        });
        let toolkit = field.and_then(Toolkit::read);
        toolkit.unwrap_or(Toolkit {
            minimum_security_level: 0,
            tars: &REMOTE_APPLICATION_MANAGEMENT,
        })
    }

    /// Priority, timers, length of menu texts, menu entries of two octets,
    /// channels; then minimum security level and TARs with their lengths.
    fn read(field: &'a [u8]) -> Option<Toolkit<'a>> {
        let [_, _, _, entries, rest @ ..] = field else {
            return None;
        };
        let (_, rest) = rest.split_at_checked(2 * usize::from(*entries))?;
        let (_, rest) = rest.split_first()?;
        let (level, rest) = length_and_value(rest)?;
        let (tars, _) = length_and_value(rest)?;
        let minimum_security_level = match level {
            [0x01, level] => *level,
            _ => 0,
        };
        (!tars.is_empty()).then_some(Toolkit {
            minimum_security_level,
            tars,
        })
    }

    fn has(&self, tar: [u8; 3]) -> bool {
        self.tars.chunks_exact(3).any(|own| own == tar)
    }
}

fn length_and_value(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = octets.split_first()?;
    rest.split_at_checked(usize::from(*length))
}

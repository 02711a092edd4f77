//! From a package that many profiles share to the package of one.

use alloc::vec::Vec;

use rsp_asn1::ids::Iccid;
use rsp_asn1::saip::{
    AkaParameter, AlgoConfiguration, KeyObject, ProfileElement, ProfileHeader, Secret,
    SecurityDomain, TemplateElement, decode_package, encode_package,
};

use super::contents::{image, is_left_out, replace};
use super::describe::{as_header, imsi};
use super::element::{ElementName, member};
use super::{MncLength, ProfileError, Subscription, network_files};

/// `keyType` of AES (GlobalPlatform Card Specification 11.1.8).
const KEY_TYPE_AES: u8 = 0x88;

/// The package with the identities and secrets of `subscription` in it.
///
/// Replaced are the ICCID of the header and of EF.ICCID, EF.IMSI and EF.ACC of
/// every USIM, the algorithm with its keys of every algorithm parameter (and
/// the mandatory service, if it is another algorithm) and, where the
/// subscription has them, the 16 octet AES keys 1 to 3 of the MNO-SD, PIN, PUK
/// and ADM, which also get their tries back, and files for the network with
/// their services. Order and identification of the elements stay, and so do
/// mapped algorithm parameters and identities of ISIM and CSIM. Elements are
/// added only for files that the package has no element for. The result is
/// DER.
///
/// A ready package is given back as it is.
///
/// # Errors
/// If the package is malformed, has no header, EF.ICCID, EF.IMSI, EF.ACC or
/// algorithm parameter to replace, lacks the security domain keys or a code
/// that the subscription brings, cannot hold a file of the order, or is ready
/// for another subscription.
pub fn personalise(package: &[u8], subscription: &Subscription) -> Result<Vec<u8>, ProfileError> {
    let mut elements = decode_package(package)?;
    if subscription.ready {
        check_ready(&elements, subscription)?;
        return Ok(package.to_vec());
    }
    let mut done = Done::default();
    for element in &mut elements {
        personalise_element(element, subscription, &mut done)?;
    }
    done.missing(subscription)?;
    if let (true, Some(header)) = (done.other_algorithm, elements.iter_mut().find_map(header)) {
        let services = &mut header.euicc_mandatory_services;
        subscription.authentication.mandate(services);
    }
    network_files::set(&mut elements, &subscription.files, subscription.mnc_length)?;
    Ok(encode_package(&elements))
}

fn header(element: &mut ProfileElement) -> Option<&mut ProfileHeader> {
    match element {
        ProfileElement::Header(header) => Some(header),
        _ => None,
    }
}

/// A ready package has the identities that were ordered.
fn check_ready(elements: &[ProfileElement], wanted: &Subscription) -> Result<(), ProfileError> {
    let header = elements.iter().find_map(as_header);
    let header = header.ok_or(ProfileError::Missing("header"))?;
    let iccid = Iccid::from_plain(header.iccid);
    match iccid == wanted.iccid && imsi(elements)?.as_ref() == Some(&wanted.imsi) {
        true => Ok(()),
        false => Err(ProfileError::OtherSubscription { iccid }),
    }
}

/// Where the MNC ends in the IMSI of a profile made from `package`: as the
/// subscription says, else as EF.AD says, else after two digits.
///
/// # Errors
/// If the package is malformed.
pub fn mnc_length(package: &[u8], subscription: &Subscription) -> Result<MncLength, ProfileError> {
    if let Some(length) = subscription.mnc_length {
        return Ok(length);
    }
    let elements = decode_package(package)?;
    Ok(ef_ad(&elements).unwrap_or_default())
}

/// What EF.AD of the first USIM says of the MNC.
pub(super) fn ef_ad(elements: &[ProfileElement]) -> Option<MncLength> {
    let file = elements.iter().find_map(|element| match element {
        ProfileElement::Usim(usim) => Some(usim.file(member::AD)),
        ProfileElement::Iot(iot) => Some(iot.file(member::IOT_AD)),
        _ => None,
    });
    MncLength::from_ef_ad(&image(file??).ok()?)
}

/// What has been replaced so far.
#[derive(Debug, Default)]
struct Done {
    header: bool,
    iccid: bool,
    imsi: bool,
    algorithm: bool,
    other_algorithm: bool,
    security_domain: bool,
    sd_keys: bool,
    /// One bit an entry of the codes.
    codes: u8,
}

impl Done {
    /// Refuses a package that is not all the subscription's yet.
    fn missing(&self, subscription: &Subscription) -> Result<(), ProfileError> {
        let needed = [
            (self.header, "header"),
            (self.iccid, "mf with an EF.ICCID"),
            (self.imsi, "usim with an EF.IMSI"),
            (self.algorithm, "akaParameter with an algoParameter"),
            (
                self.sd_keys || subscription.sd_keys.is_none(),
                "securityDomain with AES-128 keys 1 to 3",
            ),
        ];
        let codes = subscription.codes.entries().into_iter().enumerate();
        let codes = codes.map(|(index, (name, _, _, code))| {
            (code.is_none() || self.codes & 1 << index != 0, name)
        });
        match needed.into_iter().chain(codes).find(|(done, _)| !done) {
            Some((_, what)) => Err(ProfileError::Missing(what)),
            None => Ok(()),
        }
    }
}

fn personalise_element(
    element: &mut ProfileElement,
    subscription: &Subscription,
    done: &mut Done,
) -> Result<(), ProfileError> {
    let name = ElementName::of(element);
    let (iccid, imsi) = (subscription.iccid.as_swapped(), subscription.imsi.to_ef());
    let access_class = subscription.access_class();
    match element {
        ProfileElement::Header(header) => {
            header.iccid = subscription.iccid.to_plain();
            done.header = true;
        }
        ProfileElement::Mf(mf) => {
            set_file(mf, name, member::ICCID, "EF.ICCID", iccid)?;
            done.iccid = true;
        }
        ProfileElement::Usim(usim) => {
            set_file(usim, name, member::IMSI, "EF.IMSI", &imsi)?;
            set_file(usim, name, member::ACC, "EF.ACC", &access_class)?;
            done.imsi = true;
        }
        ProfileElement::Iot(iot) => {
            // An IoT Minimal Profile takes EF.ICCID from the header if absent.
            if iot.file(member::ICCID).is_some() {
                set_file(iot, name, member::ICCID, "EF.ICCID", iccid)?;
            }
            set_file(iot, name, member::IOT_IMSI, "EF.IMSI", &imsi)?;
            set_file(iot, name, member::IOT_ACC, "EF.ACC", &access_class)?;
            done.iccid = true;
            done.imsi = true;
        }
        ProfileElement::AkaParameter(aka) => {
            set_algorithm(aka, subscription, done);
        }
        ProfileElement::SecurityDomain(domain) if !done.security_domain => {
            done.security_domain = true;
            if let Some(keys) = &subscription.sd_keys {
                done.sd_keys = set_domain_keys(domain, keys);
            }
        }
        ProfileElement::PinCodes(codes) => done.codes |= subscription.codes.set_pins(codes),
        ProfileElement::PukCodes(codes) => done.codes |= subscription.codes.set_puks(codes),
        _ => {}
    }
    Ok(())
}

/// Fills a file with `value`.
fn set_file(
    element: &mut TemplateElement,
    name: ElementName,
    member: u8,
    file: &'static str,
    value: &[u8],
) -> Result<(), ProfileError> {
    let commands = element
        .file_mut(member)
        .filter(|commands| !is_left_out(commands))
        .ok_or(ProfileError::Missing(file))?;
    replace(commands, value).map_err(|_| ProfileError::FillCommands {
        element: name,
        file,
    })
}

/// Sets algorithm and keys, unless the parameters are another application's.
fn set_algorithm(aka: &mut AkaParameter, subscription: &Subscription, done: &mut Done) {
    if let AlgoConfiguration::AlgoParameter(parameter) = &mut aka.algo_configuration {
        let authentication = &subscription.authentication;
        done.algorithm = true;
        done.other_algorithm |= parameter.algorithm_id != authentication.algorithm();
        authentication.set(parameter);
    }
}

/// Sets the AES-128 keys with the identifiers 1 to 3 in every key version;
/// false unless each of the three was there.
fn set_domain_keys(domain: &mut SecurityDomain, keys: &[[u8; 16]; 3]) -> bool {
    let mut list = domain.key_list.iter_mut().flatten();
    let mut set = [false; 3];
    for object in &mut list {
        let index = usize::from(identifier(object)).wrapping_sub(1);
        let (Some(key), Some(set)) = (keys.get(index), set.get_mut(index)) else {
            continue;
        };
        for component in &mut object.key_components {
            if component.key_type == [KEY_TYPE_AES] && component.key_data.0.len() == key.len() {
                component.key_data = Secret(key.to_vec());
                *set = true;
            }
        }
    }
    set == [true; 3]
}

fn identifier(object: &KeyObject) -> u8 {
    let [identifier] = object.key_identifier;
    identifier
}

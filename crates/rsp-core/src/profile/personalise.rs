//! From a package that many profiles share to the package of one.

use alloc::vec::Vec;

use rsp_asn1::saip::{
    AkaParameter, AlgoConfiguration, AlgoParameter, AlgorithmId, KeyObject, PinCodes,
    PinCodesChoice, ProfileElement, Secret, SecurityDomain, TemplateElement, decode_package,
    encode_package,
};

use super::contents::{is_left_out, replace};
use super::element::{ElementName, member};
use super::{ProfileError, Subscription};

/// `keyType` of AES (GlobalPlatform Card Specification 11.1.8).
const KEY_TYPE_AES: u8 = 0x88;
/// Key reference of ADM1.
const ADM1: i64 = 10;

/// The package with the identities and secrets of `subscription` in it.
///
/// Replaced are the ICCID of the header and of EF.ICCID, EF.IMSI and EF.ACC of
/// every USIM, K and OPc of every algorithm parameter (K alone for the USIM
/// test algorithm) and, where the subscription has them, the 16 octet AES keys
/// 1 to 3 of the MNO-SD and ADM1, which also gets its tries back. Order and
/// identification of the elements stay, and so do mapped algorithm parameters,
/// identities of ISIM and CSIM, PIN and PUK. The result is DER.
///
/// # Errors
/// If the package is malformed, has no header, EF.ICCID, EF.IMSI, EF.ACC or
/// algorithm parameter to replace, lacks the security domain keys or the ADM1
/// that the subscription brings, or has an algorithm other than Milenage and
/// the test algorithm.
pub fn personalise(package: &[u8], subscription: &Subscription) -> Result<Vec<u8>, ProfileError> {
    let mut elements = decode_package(package)?;
    let mut done = Done::default();
    for element in &mut elements {
        personalise_element(element, subscription, &mut done)?;
    }
    done.missing(subscription)?;
    Ok(encode_package(&elements))
}

/// What has been replaced so far.
#[derive(Debug, Default)]
struct Done {
    header: bool,
    iccid: bool,
    imsi: bool,
    algorithm: bool,
    security_domain: bool,
    sd_keys: bool,
    adm1: bool,
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
            (
                self.adm1 || subscription.adm1.is_none(),
                "pinCodes with ADM1",
            ),
        ];
        match needed.into_iter().find(|(done, _)| !done) {
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
            done.algorithm |= set_algorithm(aka, name, subscription)?;
        }
        ProfileElement::SecurityDomain(domain) if !done.security_domain => {
            done.security_domain = true;
            if let Some(keys) = &subscription.sd_keys {
                done.sd_keys = set_domain_keys(domain, keys);
            }
        }
        ProfileElement::PinCodes(codes) => {
            if let Some(adm1) = &subscription.adm1 {
                done.adm1 |= set_adm1(codes, adm1);
            }
        }
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

/// Sets K and OPc; false if the parameters are another application's.
fn set_algorithm(
    aka: &mut AkaParameter,
    element: ElementName,
    subscription: &Subscription,
) -> Result<bool, ProfileError> {
    let AlgoConfiguration::AlgoParameter(parameter) = &mut aka.algo_configuration else {
        return Ok(false);
    };
    let AlgoParameter {
        algorithm_id,
        key,
        opc,
        ..
    } = parameter;
    match *algorithm_id {
        AlgorithmId::MILENAGE => *opc = Secret(subscription.opc.to_vec()),
        AlgorithmId::USIM_TEST_ALGORITHM => {}
        algorithm => return Err(ProfileError::Algorithm { element, algorithm }),
    }
    *key = Secret(subscription.ki.to_vec());
    Ok(true)
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

/// Sets ADM1 and gives a blocked one its tries back; false if there is none.
fn set_adm1(codes: &mut PinCodes, value: &[u8; 8]) -> bool {
    let PinCodesChoice::PinConfig(list) = &mut codes.pin_codes else {
        return false;
    };
    let mut found = false;
    for pin in list.iter_mut().filter(|pin| pin.key_reference == ADM1) {
        pin.pin_value = Secret(value.to_vec());
        let counter = &mut pin.max_num_of_attemps_retry_num_left;
        if *counter & 0x0F == 0 {
            *counter |= *counter >> 4 & 0x0F;
        }
        found = true;
    }
    found
}

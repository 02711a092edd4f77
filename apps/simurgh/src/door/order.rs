//! Operations as they are ordered, checked before anything is queued.

use api::{NewOperation, Problem, Secret};
use rsp_asn1::Asn1;
use rsp_asn1::ids::{Iccid, Plmn};
use rsp_asn1::sgp32::EimId;
use rsp_core::Timestamp;
use rsp_core::eim::{
    ConfirmationCode, EuiccDataQuery, ImmediateEnable, OperationKind, PackageRules, ProfileQuery,
    ProfileSearch, Validity, read_configuration,
};
use rsp_core::ipa::ActivationCode;

use super::functions::{octets, parse};
use super::{eims, invalid};

/// What is ordered: one operation, or a list that can be one package.
pub(super) fn kinds(new: &NewOperation) -> Result<Vec<OperationKind>, Problem> {
    let remedy = "give `operation`, or `operations` that can be one eUICC Package";
    let kinds: Result<Vec<_>, _> = match (&new.operation, new.operations.as_slice()) {
        (Some(one), []) => return Ok(vec![kind(one)?]),
        (None, list) => list.iter().map(kind).collect(),
        (Some(_), _) => return Err(invalid("operation", "given beside a list", remedy)),
    };
    let kinds = kinds?;
    PackageRules::check(&kinds)
        .map_err(|error| invalid("operations", &error.to_string(), remedy))?;
    Ok(kinds)
}

fn kind(kind: &api::OperationKind) -> Result<OperationKind, Problem> {
    let iccid = |digits: &String| parse::<Iccid>("iccid", digits);
    Ok(match kind {
        api::OperationKind::Download { activation_code } => {
            parse::<ActivationCode>("activation_code", &activation_code.0)?;
            OperationKind::Download {
                activation_code: activation_code.0.clone(),
            }
        }
        api::OperationKind::DownloadFromPool { .. } => {
            let remedy = "order it by itself, as `operation`";
            return Err(invalid("operations", "a code is for one download", remedy));
        }
        api::OperationKind::ContactDefaultSmdp => OperationKind::ContactDefaultSmdp,
        api::OperationKind::ContactSmds { smds_address } => OperationKind::ContactSmds {
            smds_address: smds_address.as_deref().map(host).transpose()?,
        },
        api::OperationKind::Enable {
            iccid: digits,
            rollback,
        } => OperationKind::Enable {
            iccid: iccid(digits)?,
            rollback: *rollback,
        },
        api::OperationKind::Disable { iccid: digits } => OperationKind::Disable {
            iccid: iccid(digits)?,
        },
        api::OperationKind::Delete { iccid: digits } => OperationKind::Delete {
            iccid: iccid(digits)?,
        },
        api::OperationKind::SetFallbackAttribute { iccid: digits } => {
            OperationKind::SetFallbackAttribute {
                iccid: iccid(digits)?,
            }
        }
        api::OperationKind::UnsetFallbackAttribute => OperationKind::UnsetFallbackAttribute,
        api::OperationKind::ListProfileInfo { search, tags } => list(search.as_ref(), tags)?,
        api::OperationKind::GetRat => OperationKind::GetRat,
        api::OperationKind::ConfigureImmediateEnable {
            enable,
            smdp_oid,
            smdp_address,
        } => OperationKind::ConfigureImmediateEnable(ImmediateEnable {
            enable: *enable,
            smdp_oid: smdp_oid
                .as_ref()
                .map(|oid| parse("smdp_oid", oid))
                .transpose()?,
            smdp_address: smdp_address.clone(),
        }),
        api::OperationKind::SetDefaultDpAddress { address } => OperationKind::SetDefaultDpAddress {
            address: address.clone(),
        },
        other => kind_of_others(other)?,
    })
}

/// What is about eIMs and about the IPA.
fn kind_of_others(kind: &api::OperationKind) -> Result<OperationKind, Problem> {
    let configuration = |data: &api::EimConfigurationData, new: bool| {
        let der = eims::configuration(data)?;
        let read = read_configuration(&der, new);
        let remedy = "give what `simurgh device eim-configuration` of that eIM prints";
        let data = read.map_err(|error| invalid("configuration", &error.to_string(), remedy))?;
        Ok::<_, Problem>(data.to_der())
    };
    Ok(match kind {
        api::OperationKind::AddEim { configuration: new } => OperationKind::AddEim {
            configuration: configuration(new, true)?,
        },
        api::OperationKind::UpdateEim {
            configuration: update,
        } => OperationKind::UpdateEim {
            configuration: configuration(update, false)?,
        },
        api::OperationKind::DeleteEim { eim_id } => OperationKind::DeleteEim {
            eim_id: self::eim_id(eim_id)?,
        },
        api::OperationKind::ListEim => OperationKind::ListEim,
        api::OperationKind::GetEuiccData {
            tags,
            ci,
            notification,
            package_result,
        } => {
            let query = EuiccDataQuery {
                tags: octets("tags", tags)?,
                ci: ci.as_ref().map(|ci| octets("ci", ci)).transpose()?,
                notification: *notification,
                package_result: *package_result,
            };
            let remedy = "give tags of IpaEuiccData, for example BF22A8A9";
            query
                .check()
                .map_err(|error| invalid("tags", &error.to_string(), remedy))?;
            OperationKind::GetEuiccData(query)
        }
        _ => return Err(super::internal()),
    })
}

pub(super) fn eim_id(text: &str) -> Result<EimId, Problem> {
    let remedy = "give the identifier of an eIM, 1 to 128 characters";
    EimId::try_from(text).map_err(|error| invalid("eim_id", &error.to_string(), remedy))
}

/// The name of a server, which may have a port.
fn host(name: &str) -> Result<String, Problem> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '_');
    if name.is_empty() || name.len() > 255 || !name.chars().all(allowed) {
        let remedy = "give its host name, or leave it out for the root SM-DS of the eUICC";
        return Err(invalid("smds_address", "not the name of a server", remedy));
    }
    Ok(name.to_string())
}

/// How long it is worth sending.
pub(super) fn validity(new: &NewOperation, now: Timestamp) -> Result<Validity, Problem> {
    let Some(asked) = &new.validity else {
        return Ok(Validity::default());
    };
    let until = asked.until.as_deref().map(|until| {
        let remedy = "give a time to come as in RFC 3339, for example 2026-03-01T12:00:00Z";
        match Timestamp::from_rfc3339(until) {
            Some(until) if until > now => Ok(until),
            Some(_) => Err(invalid("validity.until", "it is over already", remedy)),
            None => Err(invalid("validity.until", "not a time", remedy)),
        }
    });
    if asked.contacts == Some(0) {
        let remedy = "give 1 or more, or leave it out";
        return Err(invalid("validity.contacts", "none is left", remedy));
    }
    Ok(Validity {
        until: until.transpose()?,
        contacts: asked.contacts,
        ..Validity::default()
    })
}

/// The networks from one of which it is confirmed.
pub(super) fn networks(new: &NewOperation) -> Result<Vec<String>, Problem> {
    let network = |text: &String| {
        let plmn = parse::<Plmn>("expected_networks", text);
        plmn.map(|plmn| plmn.to_string())
    };
    new.expected_networks.iter().map(network).collect()
}

/// The code that confirms the download that is ordered.
pub(super) fn confirmation_code(
    new: &NewOperation,
    kinds: &[OperationKind],
) -> Result<Option<ConfirmationCode>, Problem> {
    let said = |kind: &OperationKind| match kind {
        OperationKind::Download { activation_code } => activation_code.parse().ok(),
        _ => None,
    };
    let mut codes = kinds.iter().filter_map(said);
    let Some(Secret(code)) = &new.confirmation_code else {
        let needed = codes.any(|code: ActivationCode| code.confirmation_code_required);
        return match needed && !new.force {
            true => Err(invalid(
                "confirmation_code",
                "the activation code says that one is needed",
                "give it, or order with `force` if the device has it from its user",
            )),
            false => Ok(None),
        };
    };
    let from_pool = matches!(
        new.operation,
        Some(api::OperationKind::DownloadFromPool { .. })
    );
    if !from_pool && !kinds.iter().any(OperationKind::downloads) {
        let remedy = "order a download with it, or leave it out";
        return Err(invalid("confirmation_code", "this is no download", remedy));
    }
    if code.is_empty() || code.chars().any(char::is_control) {
        let remedy = "give the code as the operator has it, or leave it out";
        return Err(invalid("confirmation_code", "not a code", remedy));
    }
    Ok(Some(ConfirmationCode(code.clone())))
}

fn list(
    search: Option<&api::ProfileSearch>,
    tags: &Option<String>,
) -> Result<OperationKind, Problem> {
    let search = search
        .map(|search| {
            Ok::<_, Problem>(match search {
                api::ProfileSearch::Iccid(iccid) => ProfileSearch::Iccid(parse("iccid", iccid)?),
                api::ProfileSearch::IsdpAid(aid) => {
                    ProfileSearch::IsdpAid(octets("isdp_aid", aid)?)
                }
                api::ProfileSearch::Class(class) => ProfileSearch::Class(*class),
            })
        })
        .transpose()?;
    let tags = tags.as_ref().map(|tags| octets("tags", tags)).transpose()?;
    Ok(match (search, tags) {
        (None, None) => OperationKind::ListProfileInfo,
        (search, tags) => OperationKind::ListSomeProfileInfo(ProfileQuery { search, tags }),
    })
}

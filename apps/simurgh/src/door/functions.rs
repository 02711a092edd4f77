//! The functions of the API: types in, roles and store, types out.

use std::fmt::Display;
use std::str::FromStr;

use api::{
    EimConfiguration, Imported, NewEuicc, NewOperation, NewProfiles, NewSubscription, Problem,
    Secret,
};
use rsp_asn1::Asn1;
use rsp_asn1::ids::Iccid;
use rsp_asn1::rsp::PROFILE_CLASS_OPERATIONAL;
use rsp_core::eim::{
    EuiccRecord, ListedProfile, MAX_COUNTER_VALUE, Operation, OperationId, OperationKind, Outcome,
};
use rsp_core::profile::{self, Subscription};
use rsp_crypto::{OsRng, Rng};
use store::ProfileStock;

use super::{Functions, internal, invalid, problem, stored};
use crate::shell;

/// counterValue in the configuration of new eUICCs.
const FIRST_COUNTER: i64 = 0;

impl Functions {
    pub(super) fn eim_configuration(&self) -> Result<EimConfiguration, Problem> {
        let data = self.eim.eim().configuration_data(FIRST_COUNTER);
        let data = data.map_err(|_| internal())?;
        Ok(EimConfiguration {
            eim_configuration_data: hex(&data.to_der()),
            counter_value: FIRST_COUNTER,
        })
    }

    pub(super) fn add_euicc(&self, new: &NewEuicc) -> Result<NewEuicc, Problem> {
        let eid = parse("eid", &new.eid)?;
        if !(0..MAX_COUNTER_VALUE).contains(&new.counter_value) {
            let remedy = "give the counterValue of the eIM configuration data";
            return Err(invalid("counter_value", "out of range", remedy));
        }
        if new.association_token.is_some_and(|token| token < 0) {
            let remedy = "give the token that the eUICC answered";
            return Err(invalid("association_token", "negative", remedy));
        }
        let record = EuiccRecord::new(eid, new.association_token, new.counter_value);
        self.eim.store().add_euicc(&record).map_err(stored)?;
        Ok(new.clone())
    }

    pub(super) fn add_profiles(&self, new: &NewProfiles) -> Result<Imported, Problem> {
        let template = match &new.template {
            Some(package) => octets("template", package)?,
            None => profile::template(),
        };
        let subscriptions: Result<Vec<_>, _> = new.subscriptions.iter().map(subscription).collect();
        let subscriptions = subscriptions?;
        // A package that cannot be personalised is refused now, not when a
        // device downloads it; what decides is the package, so one will do.
        if let Some(subscription) = subscriptions.first() {
            profile::personalise(&template, subscription).map_err(|error| {
                invalid("template", &error.to_string(), "give a SAIP package in DER")
            })?;
        }
        let stock = ProfileStock {
            profile_type: &new.profile_type,
            template: &template,
            service_provider_name: &new.service_provider_name,
            profile_name: &new.profile_name,
            profile_class: PROFILE_CLASS_OPERATIONAL,
            subscriptions: &subscriptions,
        };
        self.smdp.store().add_profiles(&stock).map_err(stored)?;
        Ok(Imported {
            imported: subscriptions.len(),
        })
    }

    pub(super) fn add_operation(&self, new: &NewOperation) -> Result<api::Operation, Problem> {
        let eid = parse("eid", &new.eid)?;
        let id = operation_id()?;
        let operation = Operation::queued(id, eid, kind(&new.operation)?);
        self.eim.store().add_operation(&operation).map_err(stored)?;
        tracing::info!(%eid, id = %operation.id, kind = operation.kind.name(), "queued");
        Ok(shown(&operation))
    }

    pub(super) fn operation(&self, id: &str) -> Result<api::Operation, Problem> {
        let found = self.eim.store().operation(&OperationId(id.to_string()));
        let unknown = || {
            let detail = format!("there is no operation {id}");
            problem(404, "not found", &detail, "check the identifier")
        };
        found
            .map_err(stored)?
            .as_ref()
            .map(shown)
            .ok_or_else(unknown)
    }
}

/// Milliseconds and randomness: sorts by age, cannot be guessed.
fn operation_id() -> Result<OperationId, Problem> {
    let mut random = [0; 10];
    OsRng::new().map_err(|_| internal())?.fill(&mut random);
    Ok(OperationId(format!(
        "{:012x}{}",
        shell::now().0,
        hex(&random)
    )))
}

fn kind(kind: &api::OperationKind) -> Result<OperationKind, Problem> {
    let iccid = |digits: &String| parse::<Iccid>("iccid", digits);
    Ok(match kind {
        api::OperationKind::Download { activation_code } => {
            let code =
                parse::<rsp_core::ipa::ActivationCode>("activation_code", &activation_code.0);
            code?;
            OperationKind::Download {
                activation_code: activation_code.0.clone(),
            }
        }
        api::OperationKind::Enable { iccid: digits } => OperationKind::Enable {
            iccid: iccid(digits)?,
            rollback: false,
        },
        api::OperationKind::Disable { iccid: digits } => OperationKind::Disable {
            iccid: iccid(digits)?,
        },
        api::OperationKind::Delete { iccid: digits } => OperationKind::Delete {
            iccid: iccid(digits)?,
        },
        api::OperationKind::ListProfileInfo => OperationKind::ListProfileInfo,
    })
}

fn shown(operation: &Operation) -> api::Operation {
    let outcome = operation.state.outcome();
    api::Operation {
        id: operation.id.to_string(),
        eid: operation.eid.to_string(),
        kind: operation.kind.name().to_string(),
        state: operation.state_name().to_string(),
        reason: operation.state.reason().map(str::to_string),
        iccid: match outcome {
            Some(Outcome::Installed { iccid }) => iccid.map(|iccid| iccid.to_string()),
            _ => None,
        },
        profiles: match outcome {
            Some(Outcome::Profiles { profiles }) => Some(profiles.iter().map(listed).collect()),
            _ => None,
        },
    }
}

fn listed(profile: &ListedProfile) -> api::Profile {
    api::Profile {
        iccid: profile.iccid.map(|iccid| iccid.to_string()),
        enabled: profile.enabled,
        name: profile.name.clone(),
    }
}

fn subscription(new: &NewSubscription) -> Result<Subscription, Problem> {
    let sd_keys = match &new.sd_keys {
        Some([enc, mac, dek]) => Some([
            key("sd_keys", enc)?,
            key("sd_keys", mac)?,
            key("sd_keys", dek)?,
        ]),
        None => None,
    };
    Ok(Subscription {
        sd_keys,
        ..Subscription::new(
            parse("iccid", &new.iccid)?,
            parse("imsi", &new.imsi)?,
            key("ki", &new.ki)?,
            key("opc", &new.opc)?,
        )
    })
}

fn parse<T: FromStr<Err: Display>>(field: &str, text: &str) -> Result<T, Problem> {
    text.parse()
        .map_err(|error: T::Err| invalid(field, &error.to_string(), "correct it"))
}

fn key(field: &str, text: &Secret) -> Result<[u8; 16], Problem> {
    let wrong = |_| invalid(field, "not 16 octets", "give 32 hexadecimal digits");
    octets(field, &text.0)?.try_into().map_err(wrong)
}

fn octets(field: &str, text: &str) -> Result<Vec<u8>, Problem> {
    let pairs = text.as_bytes().chunks(2);
    let octet = |pair: &[u8]| match pair {
        [high, low] => {
            let digit = |c: u8| char::from(c).to_digit(16);
            Some((digit(*high)? << 4 | digit(*low)?) as u8)
        }
        _ => None,
    };
    let octets: Option<Vec<u8>> = pairs.map(octet).collect();
    octets.ok_or_else(|| invalid(field, "not hexadecimal", "give two digits per octet"))
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02X}")).collect()
}

//! The functions of the API: types in, roles and store, types out.

use std::fmt::Display;
use std::str::FromStr;

use api::{EimConfiguration, Imported, NewProfiles, NewSubscription, Problem, Secret};
use rsp_asn1::Asn1;
use rsp_asn1::rsp::PROFILE_CLASS_OPERATIONAL;
use rsp_core::profile::{self, Subscription};
use rsp_core::smdp::ProfileTypeSettings;
use store::ProfileStock;

use super::{Functions, internal, invalid, stored};

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
            settings: ProfileTypeSettings::default(),
            subscriptions: &subscriptions,
        };
        self.smdp.store().add_profiles(&stock).map_err(stored)?;
        Ok(Imported {
            imported: subscriptions.len(),
        })
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

pub(super) fn parse<T: FromStr<Err: Display>>(field: &str, text: &str) -> Result<T, Problem> {
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

pub(super) fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02X}")).collect()
}

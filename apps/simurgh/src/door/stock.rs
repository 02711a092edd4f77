//! `POST /v1/profiles`: profiles for the stock of the SM-DP+.

use api::{Imported, NewProfiles, NewSubscription, Problem, ProfileClass, Secret};
use axum::response::Response;
use fleet::access::Permission;
use rsp_asn1::rsp::{PROFILE_CLASS_OPERATIONAL, PROFILE_CLASS_PROVISIONING, PROFILE_CLASS_TEST};
use rsp_core::profile::{self, MncLength, Subscription};
use rsp_core::smdp::{ProfileTypeSettings, Protection, Technology};
use serde::Deserialize;
use serde::de::value::{Error, StrDeserializer};
use store::ProfileStock;
use utoipa_axum::routes;

use super::answer::created;
use super::authorise::Call;
use super::body::Json;
use super::functions::{octets, parse};
use super::problem::Refusal;
use super::routes::{Guard, Routes};
use super::{Functions, invalid, stored};

pub(super) fn routes() -> Routes {
    Routes::new().with(Guard::OfServer(Permission::ProfilesWrite), routes!(add))
}

/// Add profiles to the stock of the SM-DP+
///
/// All of them, or none. The SM-DP+ is one for all tenants, its stock is the business of
/// who runs the server.
#[utoipa::path(
    post,
    path = "/profiles",
    operation_id = "addProfiles",
    tag = "profiles",
    request_body = NewProfiles,
    responses((status = 201, description = "They are added.", body = Imported)),
)]
async fn add(call: Call, Json(new): Json<NewProfiles>) -> Result<Response, Refusal> {
    call.work(move |functions| created(&functions.add_profiles(&new)?))
        .await
}

impl Functions {
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
            profile_class: match new.settings.profile_class {
                ProfileClass::Test => PROFILE_CLASS_TEST,
                ProfileClass::Provisioning => PROFILE_CLASS_PROVISIONING,
                ProfileClass::Operational => PROFILE_CLASS_OPERATIONAL,
            },
            settings: settings(&new.settings)?,
            subscriptions: &subscriptions,
        };
        self.smdp.store().add_profiles(&stock).map_err(stored)?;
        Ok(Imported {
            imported: subscriptions.len(),
        })
    }
}

fn settings(new: &api::ProfileTypeSettings) -> Result<ProfileTypeSettings, Problem> {
    let requires: Result<Vec<_>, _> = new.requires.iter().map(|name| technology(name)).collect();
    if new.owner.as_ref().is_some_and(String::is_empty) {
        return Err(invalid(
            "owner",
            "empty",
            "name an operator, or leave it out",
        ));
    }
    let mnc_length = new.mnc_length.map(MncLength::try_from).transpose();
    let mnc_length =
        mnc_length.map_err(|error| invalid("mnc_length", error, "give 2 or 3, or nothing"))?;
    Ok(ProfileTypeSettings {
        owner: new.owner.clone(),
        protection: match new.protection {
            api::Protection::SessionKeys => Protection::SessionKeys,
            api::Protection::ProfileKeys => Protection::ProfileKeys,
        },
        bound_once: new.bound_once,
        requires: requires?,
        mnc_length,
        confirmation_code_required: new.confirmation_code_required,
        default_order: new.default_order,
        order_validity_days: at_least_one("order_validity_days", new.order_validity_days)?,
        max_attempts: at_least_one("max_attempts", new.max_attempts)?,
        max_confirmation_failures: at_least_one(
            "max_confirmation_failures",
            new.max_confirmation_failures,
        )?,
    })
}

fn at_least_one(field: &str, limit: Option<u32>) -> Result<Option<u32>, Problem> {
    match limit {
        Some(0) => Err(invalid(
            field,
            "0 lets nobody download",
            "give 1 or more, or nothing",
        )),
        limit => Ok(limit),
    }
}

fn technology(name: &str) -> Result<Technology, Problem> {
    let named: Result<_, Error> = Technology::deserialize(StrDeserializer::new(name));
    named.map_err(|error| invalid("requires", &error.to_string(), "name one of these"))
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

fn key(field: &str, text: &Secret) -> Result<[u8; 16], Problem> {
    let wrong = |_| invalid(field, "not 16 octets", "give 32 hexadecimal digits");
    octets(field, &text.0)?.try_into().map_err(wrong)
}

//! The operator's side of a world: profiles into stock and orders over ES2+.

use std::collections::BTreeMap;

use rsp_core::Context;
use rsp_core::binding::{es2plus_json, json};
use rsp_core::profile::Subscription;
use rsp_core::smdp::ProfileTypeSettings;
use rsp_crypto::software::SoftwareProvider;
use store::{ProfileStock, SmdpHost};

use crate::world::{World, WorldError};

/// Who orders.
const OPERATOR: &str = "operator";

impl World {
    /// Puts a profile into stock and orders it over ES2+; gives the activation
    /// code.
    ///
    /// # Errors
    /// If the SM-DP+ refuses.
    pub fn order(
        &mut self,
        template: &[u8],
        subscription: &Subscription,
    ) -> Result<String, WorldError> {
        self.order_with(template, subscription, ProfileTypeSettings::default())
    }

    /// As [`World::order`], at the SM-DP+ with this host name.
    ///
    /// # Errors
    /// If the SM-DP+ refuses, or there is none.
    pub fn order_at(
        &mut self,
        host: &'static str,
        template: &[u8],
        subscription: &Subscription,
    ) -> Result<String, WorldError> {
        let settings = ProfileTypeSettings::default();
        let stock = stock(template, subscription, settings);
        let smdp = find(&self.smdp, &self.further_smdps, host)?;
        smdp.store().add_profiles(&stock)?;
        self.release(host, subscription)
    }

    /// As [`World::order`], of a type with this name: all profiles of a type
    /// have the same template.
    ///
    /// # Errors
    /// If the SM-DP+ refuses.
    pub fn order_of_type(
        &mut self,
        profile_type: &str,
        template: &[u8],
        subscription: &Subscription,
    ) -> Result<String, WorldError> {
        let mut stock = stock(template, subscription, ProfileTypeSettings::default());
        stock.profile_type = profile_type;
        self.smdp.store().add_profiles(&stock)?;
        let host = self.smdp.smdp().address().to_string();
        self.release(&host, subscription)
    }

    /// As [`World::order`], of a type that is delivered in this way.
    ///
    /// # Errors
    /// If the SM-DP+ refuses.
    pub fn order_with(
        &mut self,
        template: &[u8],
        subscription: &Subscription,
        settings: ProfileTypeSettings,
    ) -> Result<String, WorldError> {
        let stock = stock(template, subscription, settings);
        self.smdp.store().add_profiles(&stock)?;
        let host = self.smdp.smdp().address().to_string();
        self.release(&host, subscription)
    }

    /// As [`World::order`], for the card of this world, which finds the order as
    /// an event at an SM-DS. What the SM-DS is to know is told by
    /// [`World::tell_smdss`].
    ///
    /// # Errors
    /// If the SM-DP+ refuses.
    pub fn order_by_event(
        &mut self,
        template: &[u8],
        subscription: &Subscription,
        smds: &str,
    ) -> Result<(), WorldError> {
        self.order_for_card(template, subscription, None, Some(smds))
    }

    /// As [`World::order`], for the card of this world, which finds the order by
    /// its EID: this SM-DP+ is its default one.
    ///
    /// # Errors
    /// If the SM-DP+ refuses.
    pub fn order_by_eid(
        &mut self,
        template: &[u8],
        subscription: &Subscription,
    ) -> Result<(), WorldError> {
        self.order_for_card(template, subscription, Some(""), None)
    }

    fn order_for_card(
        &mut self,
        template: &[u8],
        subscription: &Subscription,
        matching_id: Option<&str>,
        smds: Option<&str>,
    ) -> Result<(), WorldError> {
        let stock = stock(template, subscription, ProfileTypeSettings::default());
        self.smdp.store().add_profiles(&stock)?;
        let host = self.smdp.smdp().address().to_string();
        let order = es2plus_json::DownloadOrder {
            header: es2plus_json::RequestHeader::default(),
            eid: Some(self.eid),
            iccid: Some(subscription.iccid),
            profile_type: None,
        };
        let ordered = self.es2plus(&host, &order)?;
        let confirm = es2plus_json::ConfirmOrder {
            header: es2plus_json::RequestHeader::default(),
            iccid: ordered.iccid,
            eid: Some(self.eid),
            matching_id: matching_id.map(ToString::to_string),
            confirmation_code: None,
            smds_address: smds.map(ToString::to_string),
            release_flag: true,
        };
        self.es2plus(&host, &confirm)?;
        Ok(())
    }

    /// As [`World::order`], of a profile that needs this confirmation code.
    ///
    /// # Errors
    /// If the SM-DP+ refuses.
    pub fn order_confirmed(
        &mut self,
        template: &[u8],
        subscription: &Subscription,
        confirmation_code: &str,
    ) -> Result<String, WorldError> {
        let stock = stock(template, subscription, ProfileTypeSettings::default());
        self.smdp.store().add_profiles(&stock)?;
        let host = self.smdp.smdp().address().to_string();
        self.release_with(&host, subscription, Some(confirmation_code))
    }

    fn release(&mut self, host: &str, subscription: &Subscription) -> Result<String, WorldError> {
        self.release_with(host, subscription, None)
    }

    fn release_with(
        &mut self,
        host: &str,
        subscription: &Subscription,
        confirmation_code: Option<&str>,
    ) -> Result<String, WorldError> {
        let smdp = find(&self.smdp, &self.further_smdps, host)?;
        let mut cx = Context {
            now: self.now,
            rng: &mut self.rng,
            crypto: &SoftwareProvider,
        };
        release(smdp, subscription, confirmation_code, &mut cx)
    }

    fn es2plus<F: json::Function>(&mut self, host: &str, message: &F) -> Result<F::Ok, WorldError> {
        let smdp = find(&self.smdp, &self.further_smdps, host)?;
        let mut cx = Context {
            now: self.now,
            rng: &mut self.rng,
            crypto: &SoftwareProvider,
        };
        es2plus(smdp, message, &mut cx)
    }
}

/// Puts a profile into stock and orders it over ES2+; gives the activation
/// code.
pub(crate) fn order(
    smdp: &SmdpHost,
    template: &[u8],
    subscription: &Subscription,
    cx: &mut Context<'_>,
) -> Result<String, WorldError> {
    let stock = stock(template, subscription, ProfileTypeSettings::default());
    smdp.store().add_profiles(&stock)?;
    release(smdp, subscription, None, cx)
}

/// Orders a profile that is in stock, over ES2+.
fn release(
    smdp: &SmdpHost,
    subscription: &Subscription,
    confirmation_code: Option<&str>,
    cx: &mut Context<'_>,
) -> Result<String, WorldError> {
    let order = es2plus_json::DownloadOrder {
        header: es2plus_json::RequestHeader::default(),
        eid: None,
        iccid: Some(subscription.iccid),
        profile_type: None,
    };
    let ordered = es2plus(smdp, &order, cx)?;
    let confirm = es2plus_json::ConfirmOrder {
        header: es2plus_json::RequestHeader::default(),
        iccid: ordered.iccid,
        eid: None,
        matching_id: None,
        confirmation_code: confirmation_code.map(ToString::to_string),
        smds_address: None,
        release_flag: true,
    };
    let confirmed = es2plus(smdp, &confirm, cx)?;
    let host = smdp.smdp().address();
    Ok(format!("LPA:1${host}${}", confirmed.matching_id))
}

fn es2plus<F: json::Function>(
    smdp: &SmdpHost,
    message: &F,
    cx: &mut Context<'_>,
) -> Result<F::Ok, WorldError> {
    let request = json::encode_request(message, None)?;
    let response = smdp.es2plus(&request, OPERATOR, cx)?;
    Ok(json::decode_response::<F>(&response)?)
}

fn find<'a>(
    first: &'a SmdpHost,
    further: &'a BTreeMap<&'static str, SmdpHost>,
    host: &str,
) -> Result<&'a SmdpHost, WorldError> {
    match first.smdp().address() == host {
        true => Ok(first),
        false => {
            let smdp = further.get(host);
            smdp.ok_or(WorldError::Missing("SM-DP+ with this name"))
        }
    }
}

fn stock<'a>(
    template: &'a [u8],
    subscription: &'a Subscription,
    settings: ProfileTypeSettings,
) -> ProfileStock<'a> {
    ProfileStock {
        profile_type: "operational",
        template,
        service_provider_name: "Example Mobile",
        profile_name: "Operational",
        profile_class: 2,
        settings,
        subscriptions: std::slice::from_ref(subscription),
    }
}

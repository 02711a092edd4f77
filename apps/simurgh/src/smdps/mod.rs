//! The SM-DP+s at which activation codes are ordered by ES2+: that of this server, and
//! those that the configuration connects it to.

mod connector;
mod ordering;
mod settings;

use std::sync::Arc;
use std::time::Duration;

use fleet::ledger::{CodeOrder, CodeRefusal, Given, OWN, Said, SecretCode, Step, Wanted};
use rsp_core::binding::es2plus_json::{
    CancelOrder, ConfirmOrder, DownloadOrder, FinalProfileStatus, RequestHeader,
};
use rsp_core::binding::{BindingError, json};
use rsp_core::pki::TrustAnchor;
use rsp_core::{Context, smdp::OrderKey};
use rsp_crypto::software::Sealer;
use store::{SmdpHost, StoreError, Tenant};

use crate::Failure;
use crate::config::Config;
use crate::own_smdp::{NoResult, OwnSmdp, requester};

use connector::Connector;
pub(crate) use ordering::{Came, Driver};
pub(crate) use settings::{ConnectorSettings, EXAMPLE};

/// For how long a code is with whoever asks for it, beyond what a call may take.
const LEASE: Duration = Duration::from_secs(10);

/// Who orders for pools, and where nobody is known to have ordered.
const LEDGER: &str = "ledger";

/// The SM-DP+s that are known to a tenant.
pub(crate) struct Smdps {
    own: Own,
    connectors: Vec<Arc<Connector>>,
}

/// That of this server, in this process.
pub(crate) struct Own {
    host: Arc<SmdpHost>,
    tenant: Tenant,
}

impl Own {
    /// Who orders there for the pools of the tenant.
    fn ledger(&self) -> String {
        requester(LEDGER, &self.tenant)
    }

    /// Who places an order.
    fn operator(&self, order: &CodeOrder) -> String {
        let requester = order.requester.clone();
        requester.unwrap_or_else(|| self.ledger())
    }

    /// Whether the tenant may take back what this operator ordered: what its own pools
    /// ordered, and of the tenant of whoever runs the server anything.
    fn may_be(&self, operator: &str) -> bool {
        self.tenant == Tenant::default() || operator == self.ledger()
    }
}

/// One of them.
#[derive(Clone, Copy)]
pub(crate) enum Smdp<'a> {
    /// That of this server, in this process.
    Own(&'a Own),
    /// Somebody else's, by ES2+.
    Other(&'a Connector),
}

/// Why a call has no result.
pub(crate) enum Trouble {
    /// It was executed, and refused.
    Refused(CodeRefusal),
    /// It was not executed.
    NotExecuted(String),
    /// Nobody knows whether it was.
    Lost(String),
}

impl Smdps {
    /// Reads what the connectors of the configuration name.
    ///
    /// # Errors
    /// Section, key and remedy of what is wrong.
    pub(crate) fn new(
        own: Arc<SmdpHost>,
        config: &Config,
        sealer: &Sealer,
        anchors: &[TrustAnchor],
    ) -> Result<Self, Failure> {
        let mut connectors: Vec<Arc<Connector>> = Vec::new();
        for settings in &config.connectors {
            let connector = settings.start(config, sealer, anchors)?;
            let twice = |other: &Arc<Connector>| {
                let same = |address: &str| address.eq_ignore_ascii_case(&connector.address);
                let is_like = other.name == connector.name || same(&other.address);
                other.tenant == connector.tenant && is_like
            };
            if connectors.iter().any(twice) {
                let section = format!("[[connectors]] {}", connector.name);
                let remedy = "another connector has this name or address: remove one of them";
                return Err(Failure::new(section, remedy));
            }
            connectors.push(Arc::new(connector));
        }
        let own = Own {
            host: own,
            tenant: Tenant::default(),
        };
        Ok(Smdps { own, connectors })
    }

    /// Those of a tenant: that of this server, where it orders under a name of its own,
    /// and its own connectors.
    pub(crate) fn of(&self, tenant: &Tenant) -> Self {
        let all = self.connectors.iter();
        let theirs = all.filter(|connector| connector.tenant == *tenant);
        Smdps {
            own: Own {
                host: self.own.host.clone(),
                tenant: tenant.clone(),
            },
            connectors: theirs.cloned().collect(),
        }
    }

    /// The one of this name; the names that there are if there is none.
    pub(crate) fn named(&self, name: &str) -> Result<Smdp<'_>, String> {
        if name == OWN {
            return Ok(Smdp::Own(&self.own));
        }
        let mut all = self.connectors.iter();
        let found = all.find(|connector| connector.name == name);
        found.map(|found| Smdp::Other(found)).ok_or_else(|| {
            let names = self.connectors.iter().map(|other| other.name.as_str());
            let names: Vec<&str> = std::iter::once(OWN).chain(names).collect();
            names.join(", ")
        })
    }

    /// The one whose activation codes name this address.
    pub(crate) fn at(&self, address: &str) -> Option<Smdp<'_>> {
        if self.own.host.smdp().address().eq_ignore_ascii_case(address) {
            return Some(Smdp::Own(&self.own));
        }
        let mut all = self.connectors.iter();
        let found = all.find(|connector| connector.address.eq_ignore_ascii_case(address));
        found.map(|found| Smdp::Other(found))
    }
}

impl Smdp<'_> {
    /// Its name.
    pub(crate) fn name(&self) -> &str {
        match self {
            Smdp::Own(_) => OWN,
            Smdp::Other(connector) => &connector.name,
        }
    }

    /// Whether it knows a repeated call.
    pub(crate) fn knows_repeated(&self) -> bool {
        match self {
            Smdp::Own(_) => true,
            Smdp::Other(connector) => connector.knows_repeated,
        }
    }

    /// For how long a code is with whoever asks: one whose process was killed waits so
    /// long for another.
    pub(crate) fn lease(&self) -> Duration {
        match self {
            Smdp::Own(_) => LEASE,
            Smdp::Other(connector) => connector.timeout.saturating_add(LEASE),
        }
    }

    /// Whether somebody else ordered the code with this MatchingID at the SM-DP+ of this
    /// server, in whose place the tenant must not be.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) fn is_anothers(&self, matching_id: &str) -> Result<bool, StoreError> {
        let Smdp::Own(own) = self else {
            return Ok(false);
        };
        let key = OrderKey::MatchingId(matching_id.to_string());
        let order = own.host.store().find_order(&key)?.map(|order| order.value);
        let operator = order.and_then(|order| order.requester.or(order.owner));
        Ok(operator.is_some_and(|operator| !own.may_be(&operator)))
    }

    /// The order of which this is the code, to be placed anew; `None` if the SM-DP+
    /// knows of none. Another's cannot be looked into: `known` is what the ledger knows.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) fn order_anew(
        &self,
        matching_id: &str,
        known: Option<rsp_asn1::ids::Iccid>,
        call: String,
    ) -> Result<Option<CodeOrder>, StoreError> {
        match self {
            Smdp::Own(own) => {
                let key = OrderKey::MatchingId(matching_id.to_string());
                let order = own.host.store().find_order(&key)?;
                Ok(order.map(|order| CodeOrder {
                    // In the place of whoever ordered it: nobody else may take it back.
                    requester: order.value.requester.or(order.value.owner),
                    ..CodeOrder::again(OWN, order.value.iccid, call)
                }))
            }
            Smdp::Other(connector) => {
                Ok(known.map(|iccid| CodeOrder::again(&connector.name, iccid, call)))
            }
        }
    }

    /// Makes the next call of an order; `old` is the MatchingID of the code that is
    /// taken back.
    pub(crate) fn ask(&self, order: &CodeOrder, old: Option<&str>, cx: &mut Context<'_>) -> Said {
        let header = self.header(order);
        match (&order.step, order.iccid()) {
            (Step::Order, _) => {
                let (iccid, profile_type) = match &order.wanted {
                    Wanted::Type { profile_type } => (None, Some(profile_type.clone())),
                    Wanted::Again { iccid } => (Some(*iccid), None),
                };
                let message = DownloadOrder {
                    header,
                    eid: None,
                    iccid,
                    profile_type,
                };
                let called = self.call(&message, order, cx);
                said(called.map(|answer| Given::Profile(answer.iccid)))
            }
            (Step::Confirm { iccid }, _) => {
                let message = ConfirmOrder {
                    header,
                    iccid: *iccid,
                    eid: None,
                    matching_id: None,
                    confirmation_code: None,
                    smds_address: None,
                    release_flag: true,
                };
                let called = self.call(&message, order, cx);
                said(called.map(|answer| {
                    let address = answer.smdp_address.filter(|address| !address.is_empty());
                    let address = address.unwrap_or_else(|| self.address().to_string());
                    Given::Code(SecretCode(format!(
                        "LPA:1${address}${}",
                        answer.matching_id
                    )))
                }))
            }
            (Step::TakeBack | Step::GiveUp { .. }, Some(iccid)) => {
                let message = CancelOrder {
                    header,
                    iccid,
                    eid: None,
                    matching_id: old.map(str::to_string),
                    final_profile_status_indicator: FinalProfileStatus::Available,
                };
                said(self.call(&message, order, cx).map(|_| Given::Nothing))
            }
            (Step::TakeBack | Step::GiveUp { .. }, None) => {
                Said::NotExecuted("the profile is not known".to_string())
            }
        }
    }

    /// As in its activation codes.
    fn address(&self) -> &str {
        match self {
            Smdp::Own(own) => own.host.smdp().address(),
            Smdp::Other(connector) => &connector.address,
        }
    }

    fn header(&self, order: &CodeOrder) -> RequestHeader {
        let identifier = match self {
            Smdp::Own(own) => own.operator(order),
            Smdp::Other(connector) => connector.identifier.clone(),
        };
        RequestHeader {
            function_requester_identifier: identifier,
            function_call_identifier: order.call.clone(),
        }
    }

    fn call<F: json::Function>(
        &self,
        message: &F,
        order: &CodeOrder,
        cx: &mut Context<'_>,
    ) -> Result<F::Ok, Trouble> {
        match self {
            Smdp::Other(connector) => connector.call(message),
            Smdp::Own(own) => {
                let own = OwnSmdp {
                    host: Arc::clone(&own.host),
                    operator: own.operator(order),
                };
                own.call(message, cx).map_err(trouble)
            }
        }
    }
}

fn said(called: Result<Given, Trouble>) -> Said {
    match called {
        Ok(given) => Said::Done(given),
        Err(Trouble::Refused(refusal)) => Said::Refused(refusal),
        Err(Trouble::NotExecuted(because)) => Said::NotExecuted(because),
        Err(Trouble::Lost(because)) => Said::Lost(because),
    }
}

/// Of the SM-DP+ of this server.
fn trouble(error: NoResult) -> Trouble {
    match error {
        NoResult::Refused(BindingError::Refused(data)) => Trouble::Refused(data.into()),
        NoResult::Refused(error) => Trouble::Refused(CodeRefusal {
            subject_code: None,
            reason_code: None,
            text: error.to_string(),
        }),
        NoResult::Store(error) => Trouble::Lost(error.to_string()),
    }
}

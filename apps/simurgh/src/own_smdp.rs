//! Orders at the SM-DP+ of this server, as operators place them: by ES2+.

use std::sync::Arc;

use rsp_asn1::ids::{Eid, Iccid};
use rsp_core::Context;
use rsp_core::binding::{BindingError, es2plus_json, json};
use store::{SmdpHost, StoreError, Tenant};

/// Who orders something for a tenant: each is one of its own, so that none sees or takes
/// back what another one ordered. For the default one it has no further name.
pub(crate) fn requester(what: &str, tenant: &Tenant) -> String {
    match *tenant == Tenant::default() {
        true => what.to_string(),
        false => format!("{what}/{tenant}"),
    }
}

/// The SM-DP+ of this server, and who orders there.
pub(crate) struct OwnSmdp {
    pub(crate) host: Arc<SmdpHost>,
    /// Types with another owner are not for it.
    pub(crate) operator: String,
}

/// A profile that may be downloaded.
pub(crate) struct Released {
    pub(crate) iccid: Iccid,
    pub(crate) activation_code: String,
}

/// Why a function has no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoResult {
    /// It was not executed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It was refused.
    #[error(transparent)]
    Refused(#[from] BindingError),
}

impl OwnSmdp {
    /// Orders any profile of a type and confirms. A call that is repeated by its name
    /// gives the same.
    ///
    /// # Errors
    /// What the SM-DP+ says.
    pub(crate) fn order(
        &self,
        profile_type: &str,
        eid: Option<Eid>,
        call: &str,
        cx: &mut Context<'_>,
    ) -> Result<Released, NoResult> {
        let header = || es2plus_json::RequestHeader {
            function_requester_identifier: self.operator.to_string(),
            function_call_identifier: call.to_string(),
        };
        let order = es2plus_json::DownloadOrder {
            header: header(),
            eid,
            iccid: None,
            profile_type: Some(profile_type.to_string()),
        };
        let iccid = self.call(&order, cx)?.iccid;
        let confirm = es2plus_json::ConfirmOrder {
            header: header(),
            iccid,
            eid,
            matching_id: None,
            confirmation_code: None,
            smds_address: None,
            release_flag: true,
        };
        let matching_id = self.call(&confirm, cx)?.matching_id;
        let address = self.host.smdp().address();
        Ok(Released {
            iccid,
            activation_code: format!("LPA:1${address}${matching_id}"),
        })
    }

    /// Calls a function of ES2+.
    ///
    /// # Errors
    /// What the SM-DP+ says.
    pub(crate) fn call<F: json::Function>(
        &self,
        message: &F,
        cx: &mut Context<'_>,
    ) -> Result<F::Ok, NoResult> {
        let request = json::encode_request(message, None)?;
        let response = self.host.es2plus(&request, &self.operator, cx)?;
        Ok(json::decode_response::<F>(&response)?)
    }
}

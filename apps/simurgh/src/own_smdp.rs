//! Orders at the SM-DP+ of this server, as operators place them: by ES2+.

use std::sync::Arc;

use rsp_asn1::ids::{Eid, Iccid};
use rsp_core::Context;
use rsp_core::binding::{es2plus_json, json};
use store::SmdpHost;

/// Who orders for pools, and where nobody is known to have ordered.
pub(crate) const LEDGER: &str = "ledger";

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

/// What is ordered.
#[derive(Clone, Copy)]
pub(crate) enum Wanted<'a> {
    /// Any profile of a type.
    Type(&'a str),
    /// This one.
    Profile(Iccid),
}

impl OwnSmdp {
    /// Orders and confirms. A call that is repeated by its name gives the same.
    ///
    /// # Errors
    /// What the SM-DP+ says.
    pub(crate) fn order(
        &self,
        wanted: Wanted<'_>,
        eid: Option<Eid>,
        call: &str,
        cx: &mut Context<'_>,
    ) -> Result<Released, String> {
        let (iccid, profile_type) = match wanted {
            Wanted::Type(profile_type) => (None, Some(profile_type.to_string())),
            Wanted::Profile(iccid) => (Some(iccid), None),
        };
        let order = es2plus_json::DownloadOrder {
            header: self.header(call),
            eid,
            iccid,
            profile_type,
        };
        let iccid = self.call(&order, cx)?.iccid;
        let confirm = es2plus_json::ConfirmOrder {
            header: self.header(call),
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

    /// Takes an order back, if nothing of it was delivered: the profile is in stock
    /// again, and its activation code is no good any more.
    ///
    /// # Errors
    /// What the SM-DP+ says.
    pub(crate) fn take_back(
        &self,
        iccid: Iccid,
        matching_id: String,
        call: &str,
        cx: &mut Context<'_>,
    ) -> Result<(), String> {
        let cancel = es2plus_json::CancelOrder {
            header: self.header(call),
            iccid,
            eid: None,
            matching_id: Some(matching_id),
            final_profile_status_indicator: es2plus_json::FinalProfileStatus::Available,
        };
        self.call(&cancel, cx).map(|_| ())
    }

    fn header(&self, call: &str) -> es2plus_json::RequestHeader {
        es2plus_json::RequestHeader {
            function_requester_identifier: self.operator.to_string(),
            function_call_identifier: call.to_string(),
        }
    }

    fn call<F: json::Function>(&self, message: &F, cx: &mut Context<'_>) -> Result<F::Ok, String> {
        let request = json::encode_request(message, None).map_err(|error| error.to_string())?;
        let response = self.host.es2plus(&request, &self.operator, cx);
        let response = response.map_err(|error| error.to_string())?;
        json::decode_response::<F>(&response).map_err(|error| error.to_string())
    }
}

//! ESipa.GetBoundProfilePackage and ES9+'.GetBoundProfilePackage (SGP.32
//! 5.14.2).

use alloc::vec::Vec;

use rsp_asn1::rsp::{PrepareDownloadResponse, StoreMetadataRequest};
use rsp_asn1::sgp32::{
    EsipaMessageFromEimToIpa, GetBoundProfilePackageErrorEsipa as Code,
    GetBoundProfilePackageOkEsipa, GetBoundProfilePackageRequestEsipa,
    GetBoundProfilePackageResponseEsipa,
};
use rsp_asn1::{Asn1, Tag, Writer};
use rsp_crypto::{PublicKey, Signature};

use super::{Ask, Refused, RelaySession, RelayState, Relayed};
use crate::Context;
use crate::binding::es9plus::Request;
use crate::binding::es9plus_json::GetBoundProfilePackageRequest;
use crate::binding::esipa::Function;
use crate::binding::{HttpResponse, es9plus_client};
use crate::eim::{Eim, EuiccRecord};
use crate::ipa::bound_profile_package;

const FUNCTION: Function = Function::GetBoundProfilePackage;

impl Eim {
    /// Checks that the eUICC is that of the session and asks the SM-DP+.
    ///
    /// # Errors
    /// What the IPA is answered at once.
    pub fn relay_get_bound_profile_package(
        &self,
        session: &RelaySession,
        request: &GetBoundProfilePackageRequestEsipa,
        cx: &Context<'_>,
    ) -> Result<Ask, Refused> {
        let RelayState::GetBoundProfilePackage(offered) = &session.state else {
            return Err(Refused::unknown_transaction(FUNCTION));
        };
        let response = session.whole_prepare_response(&request.prepare_download_response)?;
        if let PrepareDownloadResponse::Ok(ok) = &response
            && !self.lab.accepts_unverified(session.eid)
        {
            let mut signature2 = Writer::new();
            signature2.primitive(Tag::new(0x5F37), &offered.smdp_signature2);
            let signed = [ok.euicc_signed2.as_bytes(), &signature2.into_bytes()];
            if !session.has_signed(&signed, &ok.euicc_signature2, cx) {
                let because = "the eUICC of the session did not sign this";
                return Err(Refused::new(
                    FUNCTION,
                    Code::EUICC_SIGNATURE_INVALID.0,
                    because,
                ));
            }
        }
        let message = Request::GetBoundProfilePackage(GetBoundProfilePackageRequest {
            transaction_id: session.transaction_id.clone(),
            prepare_download_response: response,
        });
        Ask::new(self, &session.smdp_address, session.wire, FUNCTION, message)
    }

    /// Checks that the package brings what was offered, and hands it on.
    ///
    /// # Errors
    /// What the IPA is answered instead.
    pub fn relay_bound(
        &self,
        record: &EuiccRecord,
        session: &RelaySession,
        response: &HttpResponse,
    ) -> Result<Relayed, Refused> {
        let RelayState::GetBoundProfilePackage(offered) = &session.state else {
            return Err(Refused::unknown_transaction(FUNCTION));
        };
        let bound = es9plus_client::bound(session.wire, response);
        let bound = bound.map_err(|error| Refused::of(FUNCTION, error))?;
        if bound.transaction_id != session.transaction_id {
            return Err(Refused::undefined(
                FUNCTION,
                "the answer is of another session",
            ));
        }
        let package = &bound.bound_profile_package;
        let shown = StoreMetadataRequest::from_der(&offered.profile_metadata);
        if shown.is_err() || bound_profile_package::metadata(package) != shown {
            let because = "the package has other metadata than were offered";
            return Err(Refused::new(FUNCTION, Code::METADATA_MISMATCH.0, because));
        }
        let minimize = record.facts.ipa_features().minimize;
        let reply = GetBoundProfilePackageResponseEsipa::Ok(GetBoundProfilePackageOkEsipa {
            transaction_id: (!minimize).then_some(bound.transaction_id),
            bound_profile_package: bound.bound_profile_package,
            extensions: Default::default(),
        });
        Ok(Relayed {
            session: RelaySession {
                state: RelayState::InstallationResult(offered.clone()),
                ..session.clone()
            },
            operations: Vec::new(),
            notes: Vec::new(),
            reply: EsipaMessageFromEimToIpa::GetBoundProfilePackageResponse(reply),
        })
    }
}

impl RelaySession {
    /// Whether the eUICC that the SM-DP+ authenticated made a signature.
    pub(super) fn has_signed(&self, message: &[&[u8]], signature: &[u8], cx: &Context<'_>) -> bool {
        let key = self.euicc_key.as_ref();
        let key = key.and_then(|key| PublicKey::from_spki_der(key).ok());
        let (Some(key), Ok(signature)) = (key, Signature::from_slice(signature)) else {
            return false;
        };
        cx.crypto.verify(&key, message, &signature).is_ok()
    }
}

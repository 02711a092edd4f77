//! An SM-DP+ of somebody else: ES2+ over HTTPS with a client certificate (SGP.22 5.3,
//! 6.5.2).

use std::time::Duration;

use fleet::ledger::CodeRefusal;
use rsp_core::binding::{BindingError, HttpResponse, json};
use rsp_core::ipa;
use rsp_net::{Client, ClientError};
use store::Tenant;
use tokio::runtime::Handle;

use super::Trouble;
use crate::traces;

/// One of `[[connectors]]`.
pub(crate) struct Connector {
    pub(super) name: String,
    /// Whose account at the SM-DP+ it is.
    pub(super) tenant: Tenant,
    /// As in its activation codes.
    pub(super) address: String,
    /// `functionRequesterIdentifier`.
    pub(super) identifier: String,
    pub(super) knows_repeated: bool,
    /// The longest duration of a call.
    pub(super) timeout: Duration,
    /// What the paths of functions follow.
    pub(super) path: String,
    pub(super) client: Client,
    pub(super) server: ipa::Server,
}

impl Connector {
    /// Calls a function; on a thread that may block.
    pub(super) fn call<F: json::Function>(&self, message: &F) -> Result<F::Ok, Trouble> {
        let request = json::encode_request(message, None);
        let mut request = request.map_err(|error| Trouble::NotExecuted(error.to_string()))?;
        request.path = format!("{}{}", self.path, request.path);
        let mut span = traces::call("ES2+", &self.server.address);
        span.rename(|| format!("ES2+ {}", traces::function(F::PATH)));
        let posted = self.client.post_with(&self.server, request, span.header());
        let posted = Handle::current().block_on(posted);
        span.answered(posted.as_ref().ok().map(|response| response.status));
        match posted {
            Ok(response) => read::<F>(response).map_err(|trouble| self.named(trouble)),
            Err(error) => Err(self.named(unanswered(&error))),
        }
    }

    /// Whose trouble it is.
    fn named(&self, trouble: Trouble) -> Trouble {
        let named = |text| format!("{}: {text}", self.name);
        match trouble {
            Trouble::Refused(refusal) => Trouble::Refused(refusal),
            Trouble::NotExecuted(text) => Trouble::NotExecuted(named(text)),
            Trouble::Lost(text) => Trouble::Lost(named(text)),
        }
    }
}

/// Whether a call that was not answered may have arrived.
fn unanswered(error: &ClientError) -> Trouble {
    let text = error.to_string();
    match error {
        // The last message of a client's handshake is that of its certificate: a server
        // that does not take it has read no request.
        ClientError::Tls { .. } => Trouble::NotExecuted(format!(
            "{text}: check `certificate` and `key` of the connector, and that the SM-DP+'s \
             operator knows them"
        )),
        ClientError::Certificate { .. } => {
            Trouble::NotExecuted(format!("{text}: check `es2plus` and `ca` of the connector"))
        }
        ClientError::Address(_)
        | ClientError::NoTrust(_)
        | ClientError::Request(_)
        | ClientError::Resolve { .. }
        | ClientError::Connect { .. } => Trouble::NotExecuted(text),
        _ => Trouble::Lost(text),
    }
}

/// A status but 200 says that nothing was executed (SGP.22 6.3); one of a gateway
/// before the SM-DP+ says nothing about that.
fn read<F: json::Function>(response: HttpResponse) -> Result<F::Ok, Trouble> {
    let status = response.status;
    let body = HttpResponse {
        status: 200,
        ..response
    };
    let error = match json::decode_response::<F>(&body) {
        Ok(answer) if status == 200 => return Ok(answer),
        Ok(_) => format!("HTTP status {status}"),
        Err(BindingError::Refused(data)) => return Err(Trouble::Refused(data.into())),
        Err(BindingError::RefusedWithoutReason) if status == 200 => {
            return Err(Trouble::Refused(CodeRefusal {
                subject_code: None,
                reason_code: None,
                text: "refused without a reason".to_string(),
            }));
        }
        Err(error) if status == 200 => return Err(Trouble::Lost(error.to_string())),
        Err(_) => format!("HTTP status {status}"),
    };
    Err(match status {
        401 | 403 => Trouble::NotExecuted(format!(
            "{error}: check that the SM-DP+'s operator knows `certificate` and `identifier` of \
             the connector"
        )),
        300..=499 => Trouble::NotExecuted(error),
        _ => Trouble::Lost(error),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]
mod tests {
    use rsp_core::binding::es2plus_json::DownloadOrder;

    use super::*;

    fn answered(status: u16, body: &str) -> Trouble {
        let response = HttpResponse {
            status,
            ..HttpResponse::ok("application/json", body.as_bytes().to_vec())
        };
        read::<DownloadOrder>(response).err().unwrap()
    }

    #[test]
    fn what_a_response_says_of_the_execution() {
        const REFUSED: &str = r#"{"header":{"functionExecutionStatus":{"status":"Failed",
            "statusCodeData":{"subjectCode":"8.2.5","reasonCode":"3.7","message":"none left"}}}}"#;
        for status in [200, 401] {
            let Trouble::Refused(refusal) = answered(status, REFUSED) else {
                panic!("{status}");
            };
            assert_eq!(refusal.subject_code.as_deref(), Some("8.2.5"));
            assert_eq!(refusal.reason_code.as_deref(), Some("3.7"));
            assert_eq!(refusal.to_string(), "8.2.5/3.7 none left");
        }
        assert!(matches!(answered(200, "{}"), Trouble::Lost(_)));
        assert!(matches!(answered(204, ""), Trouble::Lost(_)));
        assert!(matches!(answered(504, "late"), Trouble::Lost(_)));
        assert!(matches!(answered(404, ""), Trouble::NotExecuted(_)));
        let Trouble::NotExecuted(said) = answered(403, "") else {
            panic!("403");
        };
        assert!(said.contains("`identifier`"), "{said}");
    }
}

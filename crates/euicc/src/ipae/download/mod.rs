//! Profile download by the card itself (SGP.32 3.2.3.1, 3.2.3.2 with SGP.22
//! 3.0.1, 3.1.2, 3.1.3): what the card as IPA asks the card as eUICC and what it
//! makes of the answers, whichever way the messages take.
//!
//! | file | what |
//! |---|---|
//! | `trigger` | the eIM's order, and which way it is carried out |
//! | `es9plus` | messages to the SM-DP+ |
//! | `relay` | messages that the eIM relays |
//! | `package` | the Bound Profile Package, installed while it comes |
//!
//! A download does not outlast power: an installation that is cut is reported
//! to the SM-DP+ by its notification, and the eIM triggers again. Its result
//! does ([`super::report`]).

pub(super) mod es9plus;
mod package;
pub(super) mod relay;
mod trigger;

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use rsp_asn1::ids::TransactionId;
use rsp_asn1::rsp::{
    AuthenticateServerRequest, AuthenticateServerResponse, CancelSessionReason,
    CancelSessionRequest, CancelSessionResponse, CtxParams1, CtxParamsForCommonAuthentication,
    FinalResult, GetEuiccChallengeRequest, GetEuiccChallengeResponse, PrepareDownloadRequest,
    PrepareDownloadResponse, ServerSigned1, SmdpSigned2, StoreMetadataRequest,
};
use rsp_asn1::sgp32::ProfileDownloadTriggerResultData;
use rsp_asn1::{Asn1, Certificate, Signed};

use super::activation_code::ActivationCode;
use super::connection::{Awaited, Body};
use super::http::Message;
use super::{device_info, report};
use crate::certificate;
use crate::es10::{
    authenticate_server, cancel_session, euicc_challenge, euicc_info, prepare_download,
};
use crate::isdr::Isdr;
use crate::personalisation::Environment;
use package::Package;
pub(super) use trigger::triggered;

/// A download that was triggered.
pub(crate) struct Download {
    /// Identifier of the eIM that wants it.
    eim: String,
    eim_transaction: Option<TransactionId>,
    way: Way,
    step: Step,
}

/// Which way its messages take.
enum Way {
    /// To the SM-DP+.
    Direct(ActivationCode),
    /// Through the eIM, which may keep the code to itself.
    Relayed(Option<ActivationCode>),
}

/// One for each message awaited.
enum Step {
    /// Nothing was sent.
    Wanted,
    /// Of InitiateAuthentication.
    Started,
    /// Of AuthenticateClient; by which code the card has refused the server.
    Offered(TransactionId, Option<i64>),
    /// Of GetBoundProfilePackage; by which code the card has refused the offer.
    Package(Package, Option<i64>),
    /// Of CancelSession; why the session was cancelled.
    Cancelled(String),
}

/// The answer to InitiateAuthentication.
struct Started {
    transaction_id: TransactionId,
    server_signed1: Signed<ServerSigned1>,
    server_signature1: Vec<u8>,
    /// Identifier of the CI to be used, or its first octets.
    ci: Vec<u8>,
    server_certificate: Certificate,
    matching_id: Option<String>,
    ctx_params1: Option<CtxParams1>,
}

/// The answer to AuthenticateClient.
struct Offered {
    metadata: Option<StoreMetadataRequest>,
    smdp_signed2: Signed<SmdpSigned2>,
    smdp_signature2: Vec<u8>,
    smdp_certificate: Certificate,
    hash_cc: Option<[u8; 32]>,
}

/// Why a download ends without a result, and what the session is cancelled
/// with, if it is one that the server does not know to be over.
struct Refused(String, Option<CancelSessionReason>);

impl From<&str> for Refused {
    fn from(why: &str) -> Refused {
        Refused(why.into(), Some(CancelSessionReason::UNDEFINED_REASON))
    }
}

impl Download {
    /// The SM-DP+ that a channel has to be opened to for it.
    pub(super) fn smdp(&self) -> Option<&str> {
        match (&self.way, &self.step) {
            (Way::Direct(code), Step::Wanted) => Some(&code.address),
            _ => None,
        }
    }

    /// Identifier of the eIM that wants it.
    pub(super) fn eim(&self) -> &str {
        &self.eim
    }

    pub(super) fn eim_transaction(&self) -> Option<&TransactionId> {
        self.eim_transaction.as_ref()
    }

    /// Whether the eIM is between the card and the SM-DP+.
    pub(super) fn is_relayed(&self) -> bool {
        matches!(self.way, Way::Relayed(_))
    }

    fn code(&self) -> Option<&ActivationCode> {
        match &self.way {
            Way::Direct(code) => Some(code),
            Way::Relayed(code) => code.as_ref(),
        }
    }

    /// What the response that is awaited is read as.
    pub(super) fn body(&self) -> Body {
        match (&self.way, &self.step) {
            (Way::Direct(_), _) => Body::json(),
            (Way::Relayed(_), Step::Package(..)) => Body::Package(Default::default()),
            (Way::Relayed(_), _) => Body::Plain(Vec::new()),
        }
    }
}

/// What is to be sent next; nothing when the download is over.
type Turn = Option<(Awaited, Message)>;

fn ask(isdr: &mut Isdr, download: Box<Download>, message: Message) -> Turn {
    isdr.ipae.download = Some(download);
    Some((Awaited::Download, message))
}

/// The download ends without a result of the card.
fn fail(isdr: &mut Isdr, download: &Download, why: &str) -> Turn {
    let error = report::undefined_error(why);
    report::owe(
        isdr,
        download,
        ProfileDownloadTriggerResultData::ProfileDownloadError(error),
    );
    None
}

/// The first message (SGP.22 3.0.1 steps 1 to 4).
pub(super) fn begin(isdr: &mut Isdr, env: &mut Environment<'_>) -> Turn {
    let mut download = isdr.ipae.download.take()?;
    let request = GetEuiccChallengeRequest {
        extensions: Default::default(),
    };
    let answer = euicc_challenge::get_euicc_challenge(isdr, &request.to_der(), env);
    let answer = answer.map(|answer| GetEuiccChallengeResponse::from_der(&answer));
    let Ok(Ok(answer)) = answer else {
        return fail(isdr, &download, "the card gives no challenge");
    };
    let (challenge, info1) = (answer.euicc_challenge, euicc_info::euicc_info1(isdr));
    let message = match &download.way {
        Way::Direct(code) => es9plus::initiate(&challenge, &info1.to_der(), &code.address),
        Way::Relayed(code) => {
            let address = code.as_ref().map(|code| code.address.clone());
            relay::initiate(challenge, info1, address, download.eim_transaction.clone())
        }
    };
    download.step = Step::Started;
    ask(isdr, download, message)
}

/// Octets of the package, as they come.
pub(super) fn take(isdr: &mut Isdr, octets: &[u8], env: &mut Environment<'_>) {
    let Some(mut download) = isdr.ipae.download.take() else {
        return;
    };
    let Step::Package(package, None) = &mut download.step else {
        isdr.ipae.download = Some(download);
        return;
    };
    match package.take(isdr, octets, env) {
        Some(result) => {
            let installed = &result.profile_installation_result_data.final_result;
            if matches!(installed, FinalResult::Success(_)) && download.is_relayed() {
                report::immediate_enable(isdr, env);
            }
            let result = ProfileDownloadTriggerResultData::ProfileInstallationResult(result);
            report::owe(isdr, &download, result);
        }
        None => isdr.ipae.download = Some(download),
    }
}

/// A whole response.
pub(super) fn reply(isdr: &mut Isdr, body: &Body, env: &mut Environment<'_>) -> Turn {
    let mut download = isdr.ipae.download.take()?;
    let step = core::mem::replace(&mut download.step, Step::Wanted);
    match step {
        Step::Wanted => None,
        Step::Started => match started(body) {
            Ok(started) => authenticate(isdr, download, started, env),
            Err(Refused(why, _)) => fail(isdr, &download, &why),
        },
        Step::Offered(_, Some(code)) => {
            let why = format!("the card refuses the server: {code}");
            fail(isdr, &download, &why)
        }
        Step::Offered(session, None) => match offered(body) {
            Ok(offered) => prepare(isdr, download, session, offered, env),
            Err(refused) => refuse(isdr, download, session, refused, env),
        },
        Step::Package(_, Some(code)) => {
            let why = format!("the card refuses the offer: {code}");
            fail(isdr, &download, &why)
        }
        Step::Package(package, None) => {
            let refused = package.refused(body);
            refuse(isdr, download, package.session, refused, env)
        }
        Step::Cancelled(why) => fail(isdr, &download, &why),
    }
}

fn started(body: &Body) -> Result<Started, Refused> {
    match body {
        Body::Json(reply) => {
            es9plus::executed(reply)?;
            es9plus::started(reply).ok_or_else(|| "the SM-DP+ answers unreadably".into())
        }
        Body::Plain(body) => relay::started(body),
        Body::Package(_) => Err("an answer to another function".into()),
    }
}

fn offered(body: &Body) -> Result<Offered, Refused> {
    match body {
        Body::Json(reply) => {
            es9plus::executed(reply)?;
            es9plus::offered(reply).ok_or_else(|| "the SM-DP+ answers unreadably".into())
        }
        Body::Plain(body) => relay::offered(body),
        Body::Package(_) => Err("an answer to another function".into()),
    }
}

/// What an IPA looks at before the eUICC does (SGP.22 3.0.1 step 10).
fn is_meant(started: &Started, code: Option<&ActivationCode>) -> Result<(), &'static str> {
    let signed = &started.server_signed1;
    if code.is_some_and(|code| !signed.server_address.eq_ignore_ascii_case(&code.address)) {
        return Err("the SM-DP+ signs another address");
    }
    if signed.transaction_id != started.transaction_id {
        return Err("the SM-DP+ signs another transaction");
    }
    let issuer = certificate::issuer_key_identifier(&started.server_certificate);
    let named = issuer.is_some_and(|issuer| issuer.starts_with(&started.ci));
    match named && !started.ci.is_empty() {
        true => Ok(()),
        false => Err("CERT.DPauth is of another CI"),
    }
}

/// The eUICC authenticates the server, then the server the eUICC (SGP.22 3.0.1
/// steps 9 to 18).
fn authenticate(
    isdr: &mut Isdr,
    mut download: Box<Download>,
    started: Started,
    env: &mut Environment<'_>,
) -> Turn {
    if let Err(why) = is_meant(&started, download.code()) {
        return fail(isdr, &download, why);
    }
    let own = download.code().map(|code| code.matching_id.clone());
    let params = CtxParamsForCommonAuthentication {
        matching_id: started.matching_id.or(own),
        device_info: device_info::of(isdr.ipae.imei.as_ref()),
        extensions: Default::default(),
    };
    let params = CtxParams1::CommonAuthentication(params);
    let session = started.transaction_id;
    let request = AuthenticateServerRequest {
        server_signed1: started.server_signed1,
        server_signature1: started.server_signature1,
        euicc_ci_pk_id_to_be_used: started.ci,
        server_certificate: started.server_certificate,
        ctx_params1: started.ctx_params1.unwrap_or(params),
        extensions: Default::default(),
    };
    let answer = authenticate_server::authenticate_server(isdr, &request.to_der(), env);
    let answer = answer.map(|answer| AuthenticateServerResponse::from_der(&answer));
    let Ok(Ok(answer)) = answer else {
        return fail(isdr, &download, "the card does not authenticate the server");
    };
    let refused = match &answer {
        AuthenticateServerResponse::Error(error) => Some(error.authenticate_error_code.0),
        _ => None,
    };
    let wanted = download.code().and_then(|code| code.oid.as_ref());
    let server = isdr.session.authenticated();
    if refused.is_none() && wanted.is_some() && server.map(|server| &server.oid) != wanted {
        let why = "the SM-DP+ has another OID than the activation code".into();
        return refuse(isdr, download, session, why, env);
    }
    let message = match download.way {
        Way::Direct(_) => es9plus::authenticate(&session, &answer.to_der()),
        Way::Relayed(_) => relay::authenticate(session.clone(), answer),
    };
    download.step = Step::Offered(session, refused);
    ask(isdr, download, message)
}

/// What nobody here can consent to.
fn is_acceptable(offered: &Offered) -> Result<(), Refused> {
    let Some(metadata) = &offered.metadata else {
        return Err("the eIM leaves the metadata out".into());
    };
    if metadata.profile_policy_rules.is_some() {
        let reason = CancelSessionReason::PPR_NOT_ALLOWED;
        return Err(Refused("the profile has policy rules".into(), Some(reason)));
    }
    if offered.smdp_signed2.cc_required_flag && offered.hash_cc.is_none() {
        let why = "a confirmation code is needed".into();
        return Err(Refused(why, Some(CancelSessionReason::POSTPONED)));
    }
    Ok(())
}

/// The eUICC makes its one-time key, the SM-DP+ binds the profile to it (SGP.22
/// 3.1.3).
fn prepare(
    isdr: &mut Isdr,
    mut download: Box<Download>,
    session: TransactionId,
    offered: Offered,
    env: &mut Environment<'_>,
) -> Turn {
    if let Err(refused) = is_acceptable(&offered) {
        return refuse(isdr, download, session, refused, env);
    }
    let request = PrepareDownloadRequest {
        smdp_signed2: offered.smdp_signed2,
        smdp_signature2: offered.smdp_signature2,
        hash_cc: offered.hash_cc,
        smdp_certificate: offered.smdp_certificate,
        extensions: Default::default(),
    };
    let answer = prepare_download::prepare_download(isdr, &request.to_der(), env);
    let answer = answer.map(|answer| PrepareDownloadResponse::from_der(&answer));
    let Ok(Ok(answer)) = answer else {
        let why = "the card does not prepare the download".into();
        return refuse(isdr, download, session, why, env);
    };
    let refused = match &answer {
        PrepareDownloadResponse::Error(error) => Some(error.download_error_code.0),
        _ => None,
    };
    let message = match download.way {
        Way::Direct(_) => es9plus::get_package(&session, &answer.to_der()),
        Way::Relayed(_) => relay::get_package(session.clone(), answer),
    };
    download.step = Step::Package(Package::new(session, offered.metadata), refused);
    ask(isdr, download, message)
}

/// Ends a download that goes no further; the session is cancelled at the eUICC
/// and at the server, if that one does not know it already (SGP.22 3.0.2).
fn refuse(
    isdr: &mut Isdr,
    mut download: Box<Download>,
    session: TransactionId,
    Refused(why, reason): Refused,
    env: &mut Environment<'_>,
) -> Turn {
    let Some(reason) = reason else {
        return fail(isdr, &download, &why);
    };
    let request = CancelSessionRequest {
        transaction_id: session.clone(),
        reason,
        extensions: Default::default(),
    };
    let answer = cancel_session::cancel_session(isdr, &request.to_der(), env);
    let answer = answer.map(|answer| CancelSessionResponse::from_der(&answer));
    let Ok(Ok(answer @ CancelSessionResponse::Ok(_))) = answer else {
        return fail(isdr, &download, &why);
    };
    let message = match download.way {
        Way::Direct(_) => es9plus::cancel(&session, &answer.to_der()),
        Way::Relayed(_) => relay::cancel(session, answer),
    };
    download.step = Step::Cancelled(why);
    ask(isdr, download, message)
}

/// The channel of a download is gone, or there was none.
pub(super) fn broken_off(isdr: &mut Isdr) {
    let Some(download) = isdr.ipae.download.take() else {
        return;
    };
    if let Step::Package(package, None) = &download.step
        && let Some(result) = package.interrupted(isdr)
    {
        let result = ProfileDownloadTriggerResultData::ProfileInstallationResult(result);
        return report::owe(isdr, &download, result);
    }
    let why = match &download.step {
        Step::Wanted => "the SM-DP+ is not reached",
        Step::Cancelled(why) => why,
        _ => "the connection broke off",
    };
    fail(isdr, &download, why);
}

impl From<String> for Refused {
    /// What the server itself has said.
    fn from(why: String) -> Refused {
        Refused(why, None)
    }
}

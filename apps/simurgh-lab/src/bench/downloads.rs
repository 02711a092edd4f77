//! SM-DP+ downloads per second, against the cryptography that one needs.

use std::hint::black_box;
use std::sync::Arc;

use rsp_core::binding::es9plus_json::{
    self, AuthenticateClientOk, AuthenticateClientRequest, GetBoundProfilePackageOk,
    GetBoundProfilePackageRequest, InitiateAuthenticationOk, InitiateAuthenticationRequest,
};
use rsp_core::binding::{HttpRequest, HttpResponse, json};
use rsp_core::eim::{Operation, OperationId, OperationKind};
use rsp_core::ipa::Event;
use rsp_core::smdp::{Delivery, Order, ProfileMaterial, Session, Smdp};
use rsp_crypto::software::SeededRng;
use store::{EimHost, SqliteStore};

use super::device::Device;
use super::download_crypto::DownloadCrypto;
use super::measure::{compare, rate};
use super::report::Row;
use super::servers;
use super::setting::{Randomness, SMDP, Setting, activation_code, context, now};
use crate::Failure;

const GOAL: f64 = 0.6;

/// What the eUICC sends in one download.
pub(super) struct Requests {
    initiate: InitiateAuthenticationRequest,
    pub(super) authenticate: AuthenticateClientRequest,
    pub(super) get: GetBoundProfilePackageRequest,
}

/// What the SM-DP+ answers.
pub(super) struct Replies {
    pub(super) initiate: InitiateAuthenticationOk,
    pub(super) authenticate: AuthenticateClientOk,
    pub(super) get: GetBoundProfilePackageOk,
}

/// The server's part of a download, in memory. A software eUICC has given its
/// answers beforehand: with the same randomness the SM-DP+ gives the same
/// challenges, so that they fit each time.
pub(super) fn measure(setting: &Setting, seconds: f64) -> Result<Row, Failure> {
    let (order, material) = setting.released()?;
    let server = Server {
        smdp: setting.smdp()?,
        order,
        material,
    };
    let rng = setting.rng(Randomness::Smdp);
    let (requests, installed) = record(setting, &server, rng.clone())?;
    let replies = server.download(&requests, &mut rng.clone())?;
    if replies.get != installed {
        return Err("the SM-DP+ does not repeat the package that was installed".into());
    }
    let crypto = DownloadCrypto::of(setting, &requests, &replies)?;

    let [compared] = compare(
        seconds,
        |time| {
            let download = || {
                black_box(server.download(black_box(&requests), &mut rng.clone())?);
                Ok(())
            };
            Ok([rate(time, download)?])
        },
        |time| Ok([rate(time, || crypto.run(&mut rng.clone()))?]),
    )?;
    Ok(Row::ratio(
        "SM-DP+: downloads (the server's part, in memory)",
        &crypto.text(),
        compared,
        GOAL,
    ))
}

/// An SM-DP+ with one order.
struct Server {
    smdp: Smdp,
    order: Order,
    material: ProfileMaterial,
}

impl Server {
    /// From the first request to the bound package.
    fn download(&self, requests: &Requests, rng: &mut SeededRng) -> Result<Replies, Failure> {
        let (session, initiate) = self.initiate(&requests.initiate, rng)?;
        let (session, authenticate) = self.authenticate(&session, &requests.authenticate, rng)?;
        let get = self.get(&session, &requests.get, rng)?;
        Ok(Replies {
            initiate,
            authenticate,
            get,
        })
    }

    fn initiate(
        &self,
        request: &InitiateAuthenticationRequest,
        rng: &mut SeededRng,
    ) -> Result<(Session, InitiateAuthenticationOk), Failure> {
        let step = self
            .smdp
            .initiate_authentication(request, &mut context(rng))?;
        Ok((step.session, step.reply))
    }

    fn authenticate(
        &self,
        session: &Session,
        request: &AuthenticateClientRequest,
        rng: &mut SeededRng,
    ) -> Result<(Session, AuthenticateClientOk), Failure> {
        let Session::AwaitAuthenticateClient(state) = session else {
            return Err(out_of_order());
        };
        let client = state.authenticate(request, &self.smdp, &context(rng))?;
        let found = Some(self.delivery());
        let step = client.offer(found, &self.smdp, &context(rng))?;
        Ok((step.session, step.reply?))
    }

    fn get(
        &self,
        session: &Session,
        request: &GetBoundProfilePackageRequest,
        rng: &mut SeededRng,
    ) -> Result<GetBoundProfilePackageOk, Failure> {
        let Session::AwaitGetBoundProfilePackage(state) = session else {
            return Err(out_of_order());
        };
        let delivery = self.delivery();
        let cx = &mut context(rng);
        let step = state.get_bound_profile_package(request, delivery, &self.smdp, cx)?;
        Ok(step.reply?)
    }

    /// The order, never downloaded before.
    fn delivery(&self) -> Delivery {
        Delivery {
            order: self.order.clone(),
            material: self.material.clone(),
            kept: None,
        }
    }
}

fn out_of_order() -> Failure {
    "a request of ES9+ is out of order".into()
}

/// Lets a device download and install the profile; gives what its eUICC sent
/// and the package that it installed.
fn record(
    setting: &Setting,
    server: &Server,
    rng: SeededRng,
) -> Result<(Requests, GetBoundProfilePackageOk), Failure> {
    let eim = EimHost::new(setting.eim()?, Arc::new(SqliteStore::in_memory()?))?;
    let (mut device, record) = Device::make(setting, eim.eim(), 1)?;
    eim.add_euicc(&record)?;
    let download = OperationKind::Download {
        activation_code: activation_code(),
    };
    let id = OperationId("bench".to_string());
    let operation = Operation::queued(id, device.eid, download, now());
    eim.add_operation(&operation)?;

    let mut recorder = Recorder {
        server,
        rng,
        session: Session::Ended,
        initiate: None,
        authenticate: None,
        get: None,
    };
    let mut eim_rng = setting.rng(Randomness::Eim);
    let events = device.round(|to, request| match to.address.as_str() {
        SMDP => recorder.answer(&request),
        _ => servers::esipa(&eim, &request, &mut context(&mut eim_rng)),
    })?;
    let is_installed = |event: &Event| matches!(event, Event::Installed { .. });
    match (recorder, events.iter().any(is_installed)) {
        (
            Recorder {
                initiate: Some(initiate),
                authenticate: Some(authenticate),
                get: Some((get, package)),
                ..
            },
            true,
        ) => {
            let requests = Requests {
                initiate,
                authenticate,
                get,
            };
            Ok((requests, package))
        }
        _ => Err("the eUICC did not install the profile".into()),
    }
}

/// Answers ES9+ and keeps what was asked.
struct Recorder<'a> {
    server: &'a Server,
    rng: SeededRng,
    session: Session,
    initiate: Option<InitiateAuthenticationRequest>,
    authenticate: Option<AuthenticateClientRequest>,
    get: Option<(GetBoundProfilePackageRequest, GetBoundProfilePackageOk)>,
}

impl Recorder<'_> {
    fn answer(&mut self, request: &HttpRequest) -> Result<HttpResponse, Failure> {
        use es9plus_json::Request;
        let Recorder { server, rng, .. } = self;
        let response = match es9plus_json::decode_request(request)? {
            Request::InitiateAuthentication(request) => {
                let (session, reply) = server.initiate(&request, rng)?;
                self.session = session;
                self.initiate = Some(request);
                json::encode_response(Ok(reply))?
            }
            Request::AuthenticateClient(request) => {
                let (session, reply) = server.authenticate(&self.session, &request, rng)?;
                self.session = session;
                self.authenticate = Some(request);
                json::encode_response(Ok(reply))?
            }
            Request::GetBoundProfilePackage(request) => {
                let reply = server.get(&self.session, &request, rng)?;
                self.get = Some((request, reply.clone()));
                json::encode_response(Ok(reply))?
            }
            Request::HandleNotification(_) => HttpResponse::no_content(),
            Request::CancelSession(_) => return Err("the eUICC cancelled the download".into()),
        };
        Ok(response)
    }
}

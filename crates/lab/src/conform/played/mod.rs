//! An SM-DP+ that a suite plays: one download, as a case wants it, in the JSON
//! of ES9+ for whoever comes directly, and in ESipa for an IPA whose eIM relays.
//! Or an SM-DS, which has events in place of a profile, in the JSON of ES11.

mod es9plus;
mod esipa;

use rsp_asn1::ids::Eid;
use rsp_asn1::rsp::{
    AuthenticateServerRequest, AuthenticateServerResponse, BoundProfilePackage,
    CancelSessionResponse, CtxParams1, PPR1, PendingNotification, PrepareDownloadRequest,
    PrepareDownloadResponse, StoreMetadataRequest,
};
use rsp_asn1::{Asn1, BitString, Certificate};
use rsp_crypto::software::SoftwareProvider;
use rsp_crypto::{Provider, PublicKey};

use super::case::{Check, Stop, fail, some};
use super::der::{Leaf, verify};
use super::euicc::server::{Contents, Ground, Server};

/// What the SM-DP+ does otherwise than it should.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Bend {
    /// Nothing.
    #[default]
    Nothing,
    /// It refuses this function with a pair of codes; an eIM that relays, with
    /// the number.
    Refuse(&'static str, (&'static str, &'static str), i64),
    /// It signs another address.
    Address,
    /// Its certificates have another OID.
    Oid,
    /// The profile has a policy rule.
    Policy,
    /// The package has other metadata than were offered.
    Metadata,
    /// It wants this confirmation code.
    Code(&'static str),
    /// The answer to AuthenticateClient is one to another function.
    WrongFunction,
}

/// What has come to the SM-DP+.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Seen {
    Initiated {
        address: Option<String>,
        /// euiccInfo1, if there was one.
        info1: Option<Vec<u8>>,
    },
    Authenticated {
        matching_id: Option<String>,
    },
    Prepared {
        hash_cc: Option<[u8; 32]>,
    },
    Cancelled {
        reason: i64,
    },
    Notified(Box<PendingNotification>),
}

/// A pair of codes and the number of a refusal.
type Refused = ((&'static str, &'static str), i64);

/// What a function comes to.
type Answer<T> = Result<T, Refused>;

/// The SM-DP+, or SM-DS, and what it has been told.
pub(super) struct Smdp {
    server: Server,
    contents: Contents,
    bend: Bend,
    /// EventIDs, and where they lead, if it is an SM-DS.
    events: Option<Vec<(String, String)>>,
    ci: PublicKey,
    /// The eUICC that has authenticated itself.
    euicc: Option<(Eid, PublicKey)>,
    pub(super) seen: Vec<Seen>,
    /// The first thing that came and was not as it should be.
    pub(super) wrong: Option<String>,
}

/// What an SM-DS would bring.
const NO_PROFILE: &str = "89000000000000000000";

const UNDEFINED: Refused = (("1.2", "4.2"), 127);

impl Smdp {
    /// One at this address, with one profile.
    pub(super) fn new(
        ground: &mut Ground<'_>,
        address: &str,
        iccid: &str,
        bend: Bend,
    ) -> Check<Smdp> {
        let mut server = Server::on(ground)?;
        server.address = match bend {
            Bend::Address => "other.example.org".into(),
            _ => address.into(),
        };
        if bend == Bend::Oid {
            let curve = Leaf::read(&server.auth.0)?.key.curve();
            let role = rsp_core::pki::Role::DpAuth {
                oid: "2.999.11".into(),
            };
            server.auth = ground.certificate(role, curve)?;
        }
        let mut contents = Contents::of(iccid)?;
        for told in contents
            .metadata
            .notification_configuration_info
            .iter_mut()
            .flatten()
        {
            told.notification_address = address.into();
        }
        if bend == Bend::Policy {
            contents.metadata.profile_policy_rules = Some(BitString::of(&[PPR1]));
        }
        Ok(Smdp {
            ci: Leaf::read(&ground.ci.0)?.key,
            server,
            contents,
            bend,
            events: None,
            euicc: None,
            seen: Vec::new(),
            wrong: None,
        })
    }

    /// An SM-DS at this address, which has these events for whoever asks.
    pub(super) fn smds(
        ground: &mut Ground<'_>,
        address: &str,
        events: Vec<(String, String)>,
    ) -> Check<Smdp> {
        let mut smds = Smdp::new(ground, address, NO_PROFILE, Bend::Nothing)?;
        let curve = Leaf::read(&smds.server.auth.0)?.key.curve();
        let role = rsp_core::pki::Role::DsAuth {
            oid: "2.999.15".into(),
        };
        smds.server.auth = ground.certificate(role, curve)?;
        smds.events = Some(events);
        Ok(smds)
    }

    fn may(&self, function: &str) -> Answer<()> {
        match self.bend {
            Bend::Refuse(refused, pair, number) if refused == function => Err((pair, number)),
            _ => Ok(()),
        }
    }

    /// Keeps why something is not as it should be.
    fn judged<T>(&mut self, judged: Check<T>) -> Answer<T> {
        judged.map_err(|stop| {
            let (Stop::Failed(why) | Stop::Skipped(why)) = stop;
            self.wrong.get_or_insert(why);
            UNDEFINED
        })
    }

    fn initiate(
        &mut self,
        challenge: [u8; 16],
        address: Option<String>,
        info1: Option<Vec<u8>>,
    ) -> Answer<AuthenticateServerRequest> {
        self.seen.push(Seen::Initiated { address, info1 });
        self.may("initiateAuthentication")?;
        let request = self.server.authenticate(challenge);
        self.judged(request)
    }

    /// The eUICC's certificates and its signature.
    fn euicc_of(&self, response: &AuthenticateServerResponse) -> Check<(Eid, PublicKey)> {
        let AuthenticateServerResponse::Ok(ok) = response else {
            return fail("the eUICC refuses the server");
        };
        let (eum, own) = (
            Leaf::read(&ok.eum_certificate)?,
            Leaf::read(&ok.euicc_certificate)?,
        );
        eum.is_issued_by("CERT.EUM", &self.ci)?;
        own.is_issued_by("CERT.EUICC", &eum.key)?;
        let signed = [ok.euicc_signed1.as_bytes()];
        verify("euiccSignature1", &own.key, &signed, &ok.euicc_signature1)?;
        let transaction = &ok.euicc_signed1.transaction_id;
        super::case::same("transactionId", transaction, &self.server.transaction_id)?;
        Ok((eid_of(&ok.euicc_certificate)?, own.key))
    }

    /// The metadata, and what PrepareDownload is to be asked.
    fn authenticate(
        &mut self,
        response: &AuthenticateServerResponse,
    ) -> Answer<(StoreMetadataRequest, PrepareDownloadRequest)> {
        let euicc = self.euicc_of(response);
        self.euicc = Some(self.judged(euicc)?);
        let AuthenticateServerResponse::Ok(ok) = response else {
            return Err(UNDEFINED);
        };
        let matching_id = match &ok.euicc_signed1.ctx_params1 {
            CtxParams1::CommonAuthentication(parameters) => parameters.matching_id.clone(),
        };
        self.seen.push(Seen::Authenticated { matching_id });
        self.may("authenticateClient")?;
        let code = match self.bend {
            Bend::Code(_) => Some([0; 32]),
            _ => None,
        };
        let mut request = self.server.prepare(&ok.euicc_signature1, code);
        if let Ok(request) = &mut request {
            // Whoever knows the code sends its hash.
            request.hash_cc = None;
        }
        Ok((self.contents.metadata.clone(), self.judged(request)?))
    }

    fn bind(&mut self, response: &PrepareDownloadResponse) -> Answer<BoundProfilePackage> {
        let PrepareDownloadResponse::Ok(ok) = response else {
            return self.judged(fail("the eUICC refuses the offer"));
        };
        let hash_cc = ok.euicc_signed2.hash_cc;
        self.seen.push(Seen::Prepared { hash_cc });
        self.may("getBoundProfilePackage")?;
        if let Bend::Code(code) = self.bend {
            let inner = SoftwareProvider.sha256(&[code.as_bytes()]);
            let id = self.server.transaction_id.as_bytes();
            let expected = SoftwareProvider.sha256(&[&inner, id]);
            let same = super::case::same("hashCc", hash_cc, Some(expected));
            self.judged(same)?;
        }
        let package = self.package(&ok.euicc_signed2.euicc_otpk);
        self.judged(package)
    }

    fn package(&self, otpk: &[u8]) -> Check<BoundProfilePackage> {
        let (eid, _) = some("the eUICC", self.euicc.as_ref())?;
        let channel = self.server.channel(otpk)?;
        let mut contents = Contents {
            metadata: self.contents.metadata.clone(),
            profile: self.contents.profile.clone(),
        };
        if self.bend == Bend::Metadata {
            contents.metadata.profile_name = "Another".try_into()?;
        }
        self.server.bind(eid.as_bytes(), channel, otpk, &contents)
    }

    fn cancel(&mut self, response: &CancelSessionResponse) -> Answer<()> {
        let reason = match response {
            CancelSessionResponse::Ok(ok) => ok.euicc_cancel_session_signed.reason.0,
            CancelSessionResponse::Error(code) => -code.0,
            // Between IPA and eIM only.
            CancelSessionResponse::CompactOk(ok) => {
                let reason = ok.compact_euicc_cancel_session_signed.reason;
                reason.map_or(-1, |reason| reason.0)
            }
        };
        self.seen.push(Seen::Cancelled { reason });
        self.may("cancelSession")
    }

    fn notify(&mut self, notification: PendingNotification) {
        self.seen.push(Seen::Notified(Box::new(notification)));
    }

    /// Whether an installation result has come.
    pub(super) fn has_result(&self) -> bool {
        let result = |seen: &Seen| {
            matches!(seen, Seen::Notified(notification)
                if matches!(**notification, PendingNotification::ProfileInstallationResult(_)))
        };
        self.seen.iter().any(result)
    }
}

/// The EID in the subject of CERT.EUICC.
fn eid_of(certificate: &Certificate) -> Check<Eid> {
    let digits = |window: &[u8]| window.iter().all(u8::is_ascii_digit);
    let octets = certificate.as_bytes();
    let found = octets.windows(32).find(|window| digits(window));
    let text = String::from_utf8_lossy(some("the EID in CERT.EUICC", found)?).into_owned();
    Ok(text.parse()?)
}

/// A DER object of any kind, from what was received.
fn decoded<T: Asn1>(octets: &[u8]) -> Check<T> {
    Ok(T::from_der(octets)?)
}

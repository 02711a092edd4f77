//! An IPAd with a card and an eIM.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex};

use euicc::{BootstrapProfile, Environment, Euicc};
use rsp_asn1::ids::Eid;
use rsp_asn1::rsp::PROFILE_CLASS_OPERATIONAL;
use rsp_asn1::sgp32::{
    AddInitialEimRequest, AddInitialEimResponse, EimConfigurationData, EimPublicKeyData,
    EuiccPackageResult,
};
use rsp_asn1::{Asn1, Certificate, SubjectPublicKeyInfo, Tag, Tlv, Writer};
use rsp_core::Timestamp;
use rsp_core::pki::{TrustAnchor, key_identifier, member};
use rsp_core::profile::{self, MetadataOrder, MncLength, Subscription};
use rsp_crypto::software::{SeededRng, SoftwareKey, SoftwareProvider};
use rsp_crypto::{Curve, SigningKey};

use super::json;
use crate::Factory;
use crate::conform::case::{Check, Stop, fail, some};
use crate::conform::der::{hex, tlv};
use crate::conform::euicc::Authority;
use crate::conform::euicc::server::Ground;
use crate::conform::played::{Bend, Smdp};
use crate::conform::software_card::hierarchy;
use crate::conform::{Answers, Card, HttpMessage, HttpReply};

/// Profiles of the cases: enabled, and disabled.
pub(super) const P1: &str = "89000000000000001010";
pub(super) const P2: &str = "89000000000000001028";

/// The profile of the SM-DP+.
pub(super) const P3: &str = "89000000000000001036";

/// The eIM of the cases.
pub(super) const EIM: &str = "eimA";

/// A card that the suite and a reader share.
pub type SharedCard = Arc<Mutex<dyn Card + Send>>;

/// What stands between reader and card: it gets each command, and may or may not
/// send it to the card.
pub(super) type CardBend = Box<dyn FnMut(&[u8], &mut ToCard<'_>) -> Vec<u8> + Send>;

/// Sends a command to the card.
pub(super) type ToCard<'a> = dyn FnMut(&[u8]) -> Vec<u8> + 'a;

/// How the IPAd is to behave in a round, where it can behave in more ways than
/// one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// Messages to the eIM in JSON.
    pub json: bool,
    /// The way of downloads.
    pub way: Way,
}

/// The way of a download.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Way {
    /// As the eUICC's configuration of the eIM says.
    #[default]
    Any,
    /// From the SM-DP+.
    Direct,
    /// Through the eIM.
    Indirect,
}

/// The IPAd under test and what surrounds it.
pub trait Ipad {
    /// Where the suite's eIM is, `host:port`, and its TLS certificate.
    fn eim(&self) -> (String, Certificate);

    /// Starts the IPAd with this card in its reader and this eIM, and ends it
    /// when it has done one round or its time is over; gives what it sent. The
    /// eIM's server is also the SM-DP+ of the round.
    ///
    /// # Errors
    /// For people, if it could not be started.
    fn round(
        &mut self,
        card: SharedCard,
        answers: Answers,
        wish: Wish,
    ) -> Result<Vec<HttpMessage>, String>;
}

/// Who makes the suite's cards, and their CI.
pub struct Makers {
    ci: (Certificate, SoftwareKey),
    factory: Factory,
    eid: Eid,
    rng: SeededRng,
}

impl fmt::Debug for Makers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Makers").finish_non_exhaustive()
    }
}

impl Makers {
    /// Makers of cards with this EID, or one of their own.
    ///
    /// # Errors
    /// If keys or certificates cannot be made.
    pub fn new(now: Timestamp, eid: Option<Eid>) -> Result<Makers, Stop> {
        let made = |error: &dyn fmt::Display| Stop::Failed(format!("the suite's card: {error}"));
        let (mut rng, mut keys) = (SeededRng::new(35), SeededRng::new(36));
        let make_key = |curve| SoftwareKey::generate(curve, &mut keys);
        let mut pki = hierarchy(Curve::NistP256, now);
        if let Some(eid) = eid {
            pki.eid_prefix = eid.to_string().chars().take(8).collect();
        }
        let mut issued = pki.issue_all(make_key, &SoftwareProvider, &mut rng)?;
        let mut take = |member| {
            let at = issued.iter().position(|issued| issued.member == member);
            some(member, at.map(|at| issued.swap_remove(at)))
        };
        let (ci, eum) = (take(member::CI)?, take(member::EUM)?);
        let anchor = TrustAnchor::new(&ci.certificate, &SoftwareProvider)?;
        let factory = Factory::new(anchor, eum.certificate, eum.key).map_err(|e| made(&e))?;
        let eid = match eid {
            Some(eid) => eid,
            None => factory.eid(1).map_err(|e| made(&e))?,
        };
        Ok(Makers {
            ci: (ci.certificate, ci.key),
            factory,
            eid,
            rng,
        })
    }

    /// The CI, with its key.
    pub fn authority(&self) -> Authority {
        Authority {
            certificate: self.ci.0.clone(),
            key: Some(self.ci.1.clone()),
        }
    }
}

/// The bench of the suite.
pub struct Bench {
    ipad: Box<dyn Ipad>,
    now: Timestamp,
    makers: Makers,
    pub(super) key: SoftwareKey,
}

impl fmt::Debug for Bench {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bench").finish_non_exhaustive()
    }
}

/// Commands that the card got, in their order.
type Log = Arc<Mutex<Vec<Vec<u8>>>>;

/// A software card that records.
struct Recorded {
    card: Euicc,
    rng: SeededRng,
    log: Log,
    bend: Bent,
}

/// Between card and reader.
type Bent = Arc<Mutex<Option<CardBend>>>;

impl Card for Recorded {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, String> {
        if let Ok(mut log) = self.log.lock() {
            log.push(command.to_vec());
        }
        let mut environment = Environment {
            provider: &SoftwareProvider,
            rng: &mut self.rng,
        };
        let card = &mut self.card;
        let mut to_card = |command: &[u8]| card.transmit(command, &mut environment);
        Ok(match self.bend.lock().as_deref_mut() {
            Ok(Some(bend)) => bend(command, &mut to_card),
            _ => to_card(command),
        })
    }

    fn reset(&mut self) -> Result<(), String> {
        self.card.reset();
        Ok(())
    }

    fn renew(&mut self) -> Result<bool, String> {
        Ok(false)
    }
}

/// A device: its card, and what an eIM needs to know.
pub(super) struct Device {
    pub(super) eid: Eid,
    pub(super) card: SharedCard,
    log: Log,
    bend: Bent,
}

impl Device {
    /// Changes what the card answers from now on.
    pub(super) fn bend(&self, bend: CardBend) {
        if let Ok(mut current) = self.bend.lock() {
            *current = Some(bend);
        }
    }
}

/// What happened in a round.
pub(super) struct Round {
    pub(super) requests: Vec<HttpMessage>,
    pub(super) apdus: Vec<Vec<u8>>,
}

impl Round {
    /// Requests of this function of ES9+.
    pub(super) fn es9plus(&self, function: &str) -> usize {
        let path = format!("/gsma/rsp2/es9plus/{function}");
        let requests = self.requests.iter();
        requests.filter(|request| request.path == path).count()
    }

    /// Bodies of ESipa messages that begin with this tag.
    pub(super) fn sent(&self, tag: &str) -> Vec<&[u8]> {
        let tag = hex(tag);
        let bodies = self.requests.iter().map(|request| request.body.as_slice());
        bodies.filter(|body| body.starts_with(&tag)).collect()
    }

    /// The EimPackageResult of the only ProvideEimPackageResult.
    pub(super) fn result(&self) -> Check<Vec<u8>> {
        let sent = self.sent("BF50");
        let first = some("ProvideEimPackageResult", sent.first())?;
        let mut members = Tlv::parse(first)?.reader();
        let mut member = members.tlv()?;
        if member.tag.get() == 0x5A {
            member = members.tlv()?;
        }
        Ok(member.raw.to_vec())
    }

    /// ES10 commands, put together from their blocks.
    pub(super) fn commands(&self) -> Vec<Vec<u8>> {
        let (mut commands, mut command) = (Vec::new(), Vec::new());
        for apdu in &self.apdus {
            if let [_, 0xE2, p1, block, _, data @ ..] = apdu.as_slice() {
                // One that the card refused half-way is followed by a new one.
                if *block == 0 {
                    command.clear();
                }
                command.extend_from_slice(data);
                if *p1 & 0x80 != 0 {
                    commands.push(std::mem::take(&mut command));
                }
            }
        }
        commands
    }

    /// How many ES10 commands begin with this.
    pub(super) fn count(&self, start: &str) -> usize {
        let start = hex(start);
        let commands = self.commands();
        commands
            .iter()
            .filter(|command| command.starts_with(&start))
            .count()
    }
}

/// What the eIM has to say in a round.
pub(super) struct Script {
    /// What GetEimPackage is answered with, one after the other, then nothing.
    pub(super) packages: VecDeque<Vec<u8>>,
    /// What ProvideEimPackageResult is answered with, if not acknowledgements.
    pub(super) provided: Option<(u16, Vec<u8>)>,
    /// The status of HandleNotification.
    pub(super) notified: u16,
    /// How many requests are answered with 503 first.
    pub(super) down: usize,
    /// No result is answered before the card was sent this command.
    pub(super) deaf_until: Option<&'static str>,
    /// The SM-DP+ at the same address, or behind the eIM.
    pub(super) smdp: Option<Arc<Mutex<Smdp>>>,
    pub(super) wish: Wish,
    log: Log,
}

impl Script {
    pub(super) fn new(packages: impl IntoIterator<Item = Vec<u8>>) -> Script {
        Script {
            packages: packages.into_iter().collect(),
            provided: None,
            notified: 204,
            down: 0,
            deaf_until: None,
            smdp: None,
            wish: Wish::default(),
            log: Log::default(),
        }
    }

    /// Whether results are not taken yet.
    fn is_deaf(&self) -> bool {
        let Some(command) = self.deaf_until else {
            return false;
        };
        let command = hex(command);
        let sent = |apdu: &Vec<u8>| apdu.get(5..).is_some_and(|data| data.starts_with(&command));
        !self.log.lock().is_ok_and(|log| log.iter().any(sent))
    }

    /// What an SM-DP+ answers, here or behind the eIM.
    fn relayed(&mut self, message: &HttpMessage) -> Option<HttpReply> {
        let mut smdp = self.smdp.as_ref()?.lock().ok()?;
        if let Some(reply) = smdp.es9plus(message) {
            return Some(reply);
        }
        smdp.esipa(&message.body).map(|body| reply(200, body))
    }

    fn answer(&mut self, message: &HttpMessage) -> HttpReply {
        if self.down > 0 {
            self.down -= 1;
            return reply(503, Vec::new());
        }
        if let Some(function) = message.path.strip_prefix(json::PATH) {
            return self.answer_in_json(function, message);
        }
        if let Some(reply) = self.relayed(message) {
            return reply;
        }
        match message.body.as_slice() {
            [0xBF, 0x4F, ..] => {
                let next = self.packages.pop_front();
                reply(200, tlv(0xBF4F, &next.unwrap_or_else(|| hex("020101"))))
            }
            [0xBF, 0x50, ..] if self.is_deaf() => reply(0, Vec::new()),
            [0xBF, 0x50, ..] => match &self.provided {
                Some((status, body)) => reply(*status, body.clone()),
                None => reply(200, acknowledged(&message.body)),
            },
            [0xBF, 0x3D, ..] => reply(self.notified, Vec::new()),
            _ => reply(404, Vec::new()),
        }
    }
}

fn reply(status: u16, body: Vec<u8>) -> HttpReply {
    HttpReply::asn1(status, "gsma/rsp/v2.1.0", body)
}

/// The number of the result that a message holds, acknowledged.
pub(super) fn acknowledged(message: &[u8]) -> Vec<u8> {
    let number = || {
        let mut members = Tlv::parse(message).ok()?.reader();
        let mut member = members.tlv().ok()?;
        if member.tag.get() == 0x5A {
            member = members.tlv().ok()?;
        }
        if member.tag == Tag::SEQUENCE {
            member = member.reader().tlv().ok()?;
        }
        match EuiccPackageResult::from_der(member.raw).ok()? {
            EuiccPackageResult::Signed(signed) => {
                Some(signed.euicc_package_result_data_signed.seq_number)
            }
            _ => None,
        }
    };
    let Some(number) = number() else {
        return hex("BF50023000");
    };
    let mut out = Writer::new();
    out.constructed(Tag::new(0xBF50), |out| {
        out.constructed(Tag::new(0xBF53), |out| {
            number.encode_tagged(Tag::new(0x80), out);
        });
    });
    out.into_bytes()
}

impl Bench {
    /// A bench; `now` is the time at which certificates begin.
    ///
    /// # Errors
    /// If the eIM's key cannot be made.
    pub fn new(ipad: Box<dyn Ipad>, makers: Makers, now: Timestamp) -> Result<Bench, Stop> {
        let mut makers = makers;
        Ok(Bench {
            ipad,
            now,
            key: SoftwareKey::generate(Curve::NistP256, &mut makers.rng)?,
            makers,
        })
    }

    /// The address of the suite's server.
    pub(super) fn address(&self) -> String {
        self.ipad.eim().0
    }

    /// An SM-DP+ at the address of the eIM.
    pub(super) fn smdp(&mut self, bend: Bend) -> Check<Arc<Mutex<Smdp>>> {
        let address = self.address();
        let key = SigningKey::public_key(&self.makers.ci.1);
        let mut ground = Ground {
            ci_key_identifier: key_identifier(key, &SoftwareProvider),
            ci: self.makers.ci.clone(),
            now: self.now,
            rng: &mut self.makers.rng,
        };
        let smdp = Smdp::new(&mut ground, &address, P3, bend)?;
        Ok(Arc::new(Mutex::new(smdp)))
    }

    /// What the card knows of the suite's eIM.
    pub(super) fn configuration(&self, id: &str) -> Check<EimConfigurationData> {
        let (fqdn, certificate) = self.ipad.eim();
        let spki = SigningKey::public_key(&self.key).to_spki_der();
        let spki = SubjectPublicKeyInfo::from_bytes(&spki)?;
        Ok(EimConfigurationData {
            eim_id: id.try_into()?,
            eim_fqdn: Some(fqdn),
            eim_id_type: None,
            counter_value: Some(0),
            association_token: None,
            eim_public_key_data: Some(EimPublicKeyData::PublicKey(spki)),
            trusted_public_key_data_tls: Some(EimPublicKeyData::Certificate(certificate)),
            eim_supported_protocol: Some(rsp_asn1::BitString::of(&[0])),
            euicc_ci_pk_id: None,
            indirect_profile_download: None,
            esipa_proprietary_protocol_information: None,
            extensions: Default::default(),
        })
    }

    /// A device whose card has P1 enabled, P2 disabled, and these eIMs.
    pub(super) fn device_with(&mut self, eims: Vec<EimConfigurationData>) -> Check<Device> {
        self.device_after(eims, &[])
    }

    /// The same after more commands of ES10.
    pub(super) fn device_after(
        &mut self,
        eims: Vec<EimConfigurationData>,
        commands: &[Vec<u8>],
    ) -> Check<Device> {
        let made = |error: &dyn fmt::Display| Stop::Failed(format!("the suite's card: {error}"));
        let Makers {
            factory, eid, rng, ..
        } = &mut self.makers;
        let mut card = factory.make_card(*eid, rng).map_err(|e| made(&e))?;
        for (iccid, enabled) in [(P1, true), (P2, false)] {
            install(&mut card, iccid, enabled).map_err(|e| made(&e))?;
        }
        associate(&mut card, eims, rng)?;
        for command in commands {
            let mut environment = Environment {
                provider: &SoftwareProvider,
                rng,
            };
            let done = crate::factory::es10(&mut card, command, &mut environment);
            done.map_err(|e| made(&e))?;
        }
        let (log, bend) = (Log::default(), Bent::default());
        let recorded = Recorded {
            card,
            rng: SeededRng::new(37),
            log: log.clone(),
            bend: bend.clone(),
        };
        Ok(Device {
            eid: *eid,
            card: Arc::new(Mutex::new(recorded)),
            log,
            bend,
        })
    }

    /// A device that knows the suite's eIM.
    pub(super) fn device(&mut self) -> Check<Device> {
        let eim = self.configuration(EIM)?;
        self.device_with(vec![eim])
    }

    /// One round of the IPAd.
    pub(super) fn round(&mut self, device: &Device, mut script: Script) -> Check<Round> {
        if let Ok(mut log) = device.log.lock() {
            log.clear();
        }
        let wish = script.wish;
        script.log = device.log.clone();
        let answers = Box::new(move |message: &HttpMessage| script.answer(message));
        let requests = self.ipad.round(device.card.clone(), answers, wish);
        let requests = requests.map_err(Stop::Failed)?;
        let apdus = device.log.lock().map(|log| log.clone()).unwrap_or_default();
        Ok(Round { requests, apdus })
    }

    /// A package of the eIM for a device, with this list of PSMOs.
    pub(super) fn package(&self, device: &Device, counter: i64, items: &[u8]) -> Check<Vec<u8>> {
        let mut out = Writer::new();
        out.constructed(Tag::SEQUENCE, |out| {
            out.primitive(Tag::new(0x80), EIM.as_bytes());
            out.primitive(Tag::new(0x5A), device.eid.as_bytes());
            counter.encode_tagged(Tag::new(0x81), out);
            out.primitive(Tag::new(0x82), &[0x77, 0x01]);
            out.constructed(Tag::new(0xA0), |out| out.raw(items));
        });
        self.sign(&out.into_bytes())
    }

    /// BF51 with these signed octets.
    pub(super) fn sign(&self, signed: &[u8]) -> Check<Vec<u8>> {
        let signature = self.key.sign(&[signed, &hex("840100")])?;
        let both = [signed.to_vec(), tlv(0x5F37, signature.as_bytes())].concat();
        Ok(tlv(0xBF51, &both))
    }
}

/// AddInitialEim, on a channel of its own.
fn associate(card: &mut Euicc, eims: Vec<EimConfigurationData>, rng: &mut SeededRng) -> Check {
    if eims.is_empty() {
        return Ok(());
    }
    let request = AddInitialEimRequest {
        eim_configuration_data_list: eims,
        extensions: Default::default(),
    };
    let mut environment = Environment {
        provider: &SoftwareProvider,
        rng,
    };
    let answer = crate::factory::es10(card, &request.to_der(), &mut environment);
    let answer = answer.map_err(|error| Stop::Failed(error.to_string()))?;
    match AddInitialEimResponse::from_der(&answer)? {
        AddInitialEimResponse::Ok(_) => Ok(()),
        AddInitialEimResponse::Error(code) => fail(format!("the suite's card: {code}")),
    }
}

/// A profile from the factory.
fn install(card: &mut Euicc, iccid: &str, enabled: bool) -> Result<(), String> {
    let text = |error: &dyn fmt::Display| error.to_string();
    let iccid = iccid.parse().map_err(|e| text(&e))?;
    let imsi = "999990000000001".parse().map_err(|e| text(&e))?;
    let subscription = Subscription::new(iccid, imsi, [1; 16], [2; 16]);
    let package = profile::personalise(&profile::template(), &subscription);
    let metadata = profile::metadata(&MetadataOrder {
        iccid,
        imsi: &subscription.imsi,
        mnc_length: MncLength::Two,
        service_provider_name: "Conformance",
        profile_name: "Profile",
        smdp_address: "smdp.invalid",
        profile_class: PROFILE_CLASS_OPERATIONAL,
    });
    let profile = BootstrapProfile {
        metadata: metadata.map_err(|e| text(&e))?,
        package: &package.map_err(|e| text(&e))?,
        enabled,
    };
    let done = card.install_bootstrap(profile, &SoftwareProvider);
    done.map(drop).map_err(|e| text(&e))
}

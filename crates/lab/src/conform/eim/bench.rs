//! Devices in front of the eIM.

use std::fmt;
use std::time::Duration;

use rsp_asn1::ids::Eid;
use rsp_asn1::sgp32::{GetEimPackageResponse, ProvideEimPackageResultResponse};
use rsp_asn1::{Asn1, Signed};
use rsp_core::Timestamp;
use rsp_core::pki::{Issuer, Name, Role, Template, issue_under, key_identifier};
use rsp_crypto::SigningKey;
use rsp_crypto::software::{SeededRng, SoftwareKey, SoftwareProvider};

use super::device::{Device, Package};
use super::orders::Orders;
use crate::conform::case::{Check, Stop, fail, same, skip};
use crate::conform::der::tlv;
use crate::conform::eids::Eids;
use crate::conform::euicc::Authority;
use crate::conform::{Http, HttpMessage, HttpReply, Played};

/// A profile of the cases.
pub(super) const P1: &str = "89000000000000001010";

/// Most packages that an eIM may have for a device before the awaited one.
const BEFORE: usize = 6;

/// Where devices of the suite listen for what an eIM brings.
pub struct Listener {
    /// The server.
    pub server: Box<dyn Played>,
    /// Its certificate, which the eIM has to be told.
    pub certificate: rsp_asn1::Certificate,
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").finish_non_exhaustive()
    }
}

/// The bench of the suite.
pub struct Bench {
    pub(super) http: Box<dyn Http>,
    pub(super) orders: Box<dyn Orders>,
    pub(super) authority: Authority,
    /// The SM-DP+ behind the eIM.
    pub(super) smdp: Option<Box<dyn Played>>,
    /// The SM-DS behind the eIM.
    pub(super) smds: Option<Box<dyn Played>>,
    /// Where its devices listen.
    pub(super) listener: Option<Listener>,
    pub(super) now: Timestamp,
    pub(super) rng: SeededRng,
    eum: Option<(rsp_asn1::Certificate, SoftwareKey)>,
    eids: Eids,
    made: u32,
}

impl fmt::Debug for Bench {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bench").finish_non_exhaustive()
    }
}

impl Bench {
    /// A bench; the CI is one under which the eIM accepts eUICCs. `seed` makes
    /// its devices unlike those of other runs, `now` is the time at which
    /// certificates begin. The first device has the EID that is given.
    ///
    /// # Errors
    /// If other EIDs cannot be counted from the first.
    pub fn new(
        http: Box<dyn Http>,
        orders: Box<dyn Orders>,
        authority: Authority,
        now: Timestamp,
        seed: u64,
        eid: Option<Eid>,
    ) -> Result<Bench, Stop> {
        Ok(Bench {
            http,
            orders,
            authority,
            smdp: None,
            smds: None,
            listener: None,
            now,
            rng: SeededRng::new(seed),
            eum: None,
            eids: Eids::new(eid, (seed >> 33) * 10_000)?,
            made: 0,
        })
    }

    /// With an SM-DP+ that the eIM can reach.
    #[must_use]
    pub fn with_smdp(mut self, smdp: Box<dyn Played>) -> Bench {
        self.smdp = Some(smdp);
        self
    }

    /// With an SM-DS that the eIM can reach.
    #[must_use]
    pub fn with_smds(mut self, smds: Box<dyn Played>) -> Bench {
        self.smds = Some(smds);
        self
    }

    /// With a server at which its devices listen.
    #[must_use]
    pub fn with_listener(mut self, listener: Listener) -> Bench {
        self.listener = Some(listener);
        self
    }

    /// A new key.
    pub(super) fn key(&mut self) -> Check<SoftwareKey> {
        let curve = crate::conform::der::Leaf::read(&self.authority.certificate)?
            .key
            .curve();
        Ok(SoftwareKey::generate(curve, &mut self.rng)?)
    }

    fn issue(
        &mut self,
        role: Role,
        serial_number: String,
        issuer: (&rsp_asn1::Certificate, &SoftwareKey),
    ) -> Check<(rsp_asn1::Certificate, SoftwareKey)> {
        let key = self.key()?;
        let template = Template {
            role,
            subject: Name {
                country: "ES".into(),
                organization: "Conformance EUM".into(),
                serial_number,
                common_name: "Conformance".into(),
            },
            public_key: SigningKey::public_key(&key),
            serial: &[0x0C, 0x0F],
            not_before: self.now,
            not_after: self.now.after(Duration::from_secs(365 * 86_400)),
        };
        let name = Issuer::of(issuer.0)?;
        let issued = issue_under(&template, &name, issuer.1, &SoftwareProvider)?;
        Ok((issued, key))
    }

    /// A device that nobody told the eIM of.
    pub(super) fn stranger(&mut self, token: Option<i64>) -> Check<Device> {
        let Some(ci_key) = self.authority.key.clone() else {
            return skip("no key of a CI that the eIM trusts is given (--ca with its key)");
        };
        let eum = match self.eum.clone() {
            Some(eum) => eum,
            None => {
                let role = Role::Eum {
                    oid: "2.999.5".into(),
                    eid_prefix: self.eids.prefix().into(),
                };
                let ci = self.authority.certificate.clone();
                self.issue(role, String::new(), (&ci, &ci_key))?
            }
        };
        self.eum = Some(eum.clone());
        let eid = self.eids.nth(self.made)?;
        self.made += 1;
        let issuer = (&eum.0, &eum.1);
        let (certificate, key) = self.issue(Role::Euicc, eid.to_string(), issuer)?;
        Ok(Device {
            eid,
            key,
            certificate,
            eum: eum.0,
            token,
            features: Vec::new(),
            ci: key_identifier(SigningKey::public_key(&ci_key), &SoftwareProvider),
        })
    }

    /// A device that the eIM knows.
    pub(super) fn device(&mut self, token: Option<i64>) -> Check<Device> {
        let device = self.stranger(token)?;
        self.added(device, token)
    }

    fn added(&mut self, device: Device, token: Option<i64>) -> Check<Device> {
        let added = self.orders.add_device(&device.eid.to_string(), token);
        match added {
            Ok(()) => Ok(device),
            Err(why) => fail(format!("the eIM does not take a device: {why}")),
        }
    }

    /// ... whose certificates it has, if it asks for them by itself.
    pub(super) fn certified_device(&mut self, token: Option<i64>) -> Check<Device> {
        let device = self.device(token)?;
        self.until_package(&device)?;
        Ok(device)
    }

    /// ... whose IPA announces these features.
    pub(super) fn device_with(&mut self, features: &[u8]) -> Check<Device> {
        let device = Device {
            features: features.to_vec(),
            ..self.stranger(None)?
        };
        let device = self.added(device, None)?;
        self.until_package(&device)?;
        Ok(device)
    }

    /// An ESipa message in the ASN.1 binding.
    pub(super) fn esipa(&mut self, message: &[u8]) -> Check<HttpReply> {
        let headers = [
            ("Content-Type", "application/x-gsma-rsp-asn1"),
            ("X-Admin-Protocol", "gsma/rsp/v2.1.0"),
            ("User-Agent", "gsma-rsp-ipad"),
        ];
        let message = HttpMessage {
            path: "/gsma/rsp2/asn1".into(),
            headers: headers
                .map(|(name, value)| (name.into(), value.into()))
                .into(),
            body: message.to_vec(),
            ..HttpMessage::default()
        };
        self.http.send(&message).map_err(Stop::Failed)
    }

    /// ... which must be executed.
    pub(super) fn executed(&mut self, message: &[u8]) -> Check<Vec<u8>> {
        let reply = self.esipa(message)?;
        same("the HTTP status", reply.status, 200)?;
        Ok(reply.body)
    }

    /// GetEimPackage with more members after the EID.
    pub(super) fn poll_with(&mut self, device: &Device, more: &[u8]) -> Check<Vec<u8>> {
        let eid = tlv(0x5A, device.eid.as_bytes());
        self.executed(&tlv(0xBF4F, &[eid, more.to_vec()].concat()))
    }

    /// GetEimPackage.
    pub(super) fn poll(&mut self, device: &Device) -> Check<GetEimPackageResponse> {
        Ok(GetEimPackageResponse::from_der(
            &self.poll_with(device, &[])?,
        )?)
    }

    /// GetEimPackage; an eIM that asks for certificates by itself, not for all
    /// that a case orders, gets them and is asked again.
    pub(super) fn poll_beyond_certificates(
        &mut self,
        device: &Device,
    ) -> Check<GetEimPackageResponse> {
        for _ in 0..BEFORE {
            match self.poll(device)? {
                GetEimPackageResponse::IpaEuiccDataRequest(request)
                    if request.tag_list.contains(&0xA6) && !request.tag_list.contains(&0x81) =>
                {
                    self.provided(device, &device.certificates(&request))?;
                }
                other => return Ok(other),
            }
        }
        fail("the eIM asks for certificates again and again")
    }

    /// ProvideEimPackageResult.
    pub(super) fn provided(
        &mut self,
        device: &Device,
        result: &[u8],
    ) -> Check<ProvideEimPackageResultResponse> {
        let eid = tlv(0x5A, device.eid.as_bytes());
        let message = tlv(0xBF50, &[eid, result.to_vec()].concat());
        Ok(ProvideEimPackageResultResponse::from_der(
            &self.executed(&message)?,
        )?)
    }

    /// Polls until there is a package or nothing; requests for data, which an
    /// eIM may make by itself, are answered with the certificates.
    pub(super) fn until_package(&mut self, device: &Device) -> Check<Option<Package>> {
        for _ in 0..BEFORE {
            let octets = self.poll_with(device, &[])?;
            match GetEimPackageResponse::from_der(&octets)? {
                GetEimPackageResponse::EuiccPackageRequest(request) => {
                    return Ok(Some(Package {
                        octets: Signed::as_bytes(&request).to_vec(),
                        request,
                    }));
                }
                GetEimPackageResponse::IpaEuiccDataRequest(request) => {
                    self.provided(device, &device.certificates(&request))?;
                }
                GetEimPackageResponse::EimPackageError(error) if error.0 == 1 => return Ok(None),
                other => return fail(format!("GetEimPackage is answered with {other:?}")),
            }
        }
        fail(format!("{BEFORE} requests for data and no package"))
    }

    /// The package that must be there.
    pub(super) fn package(&mut self, device: &Device) -> Check<Package> {
        match self.until_package(device)? {
            Some(package) => Ok(package),
            None => fail("no package although an order was placed"),
        }
    }
}

//! The order of the elements (SAIP 8.1 to 8.3) and what each of them calls.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use rsp_asn1::ids::Iccid;
use rsp_asn1::saip::{PeHeader, ProfileElement, ProfileHeader, ServicesList};

use super::super::access;
use super::super::aka::Authentication;
use super::super::algorithm::Function;
use super::super::card::{Aid, Element, Uicc};
use super::super::codes::Codes;
use super::super::fs::{Body, FileId, FileSystem, MAX_MEMORY, MF};
use super::super::template::{Template, number};
use super::fault::{self, Fault};

/// Elements of one package.
const MAX_ELEMENTS: usize = 1_000;

/// EF.ICCID.
const EF_ICCID: u16 = 0x2FE2;

/// A card in the making.
#[derive(Default)]
pub(super) struct Build {
    header: Option<Header>,
    pub(super) fs: FileSystem,
    pub(super) codes: Codes,
    pub(super) authentications: Vec<(FileId, Authentication)>,
    elements: Vec<Element>,
    /// AIDs of application instances.
    pub(super) applets: Vec<Aid>,
    /// Identifications seen.
    identifications: BTreeSet<i64>,
    /// The directory that PINs belong to: the one of the last template.
    pub(super) context: FileId,
    /// The application created last.
    pub(super) naa: Option<Naa>,
    /// Templates of which there is one per card, or one per application.
    done: BTreeSet<(FileId, u8)>,
    skipped: Vec<i64>,
    ended: bool,
    /// Octets that the card has left, if that is less than a profile may have.
    memory: Option<usize>,
}

struct Header {
    iccid: Iccid,
    services: ServicesList,
}

/// A network access application.
#[derive(Clone, Copy)]
pub(super) struct Naa {
    pub(super) adf: FileId,
    pub(super) kind: NaaKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NaaKind {
    Usim,
    Isim,
    Csim,
}

impl Build {
    /// Installs one element; `der` are its octets.
    pub(super) fn element(&mut self, element: &ProfileElement, der: &[u8]) -> Result<(), Fault> {
        self.in_order(element)?;
        let header = match element {
            ProfileElement::Header(header) => {
                self.profile_header(header)?;
                // Kept for what it says of the bearer, and only then.
                if header.connectivity_parameters.is_some() {
                    self.keep(der);
                }
                return Ok(());
            }
            ProfileElement::Unknown(_) => super::pe_header(der),
            other => other.header().cloned(),
        };
        let header = header.ok_or(Fault::FORMAT)?;
        self.identify(&header)?;
        self.install(element, &header, der)?;
        match self.memory_used() <= self.memory.unwrap_or(MAX_MEMORY) {
            true => Ok(()),
            false => Err(Fault::MEMORY),
        }
    }

    /// Sets how much memory the card has left.
    pub(super) fn limit_memory(&mut self, octets: usize) {
        self.memory = Some(octets.min(MAX_MEMORY));
    }

    fn install(
        &mut self,
        element: &ProfileElement,
        header: &PeHeader,
        der: &[u8],
    ) -> Result<(), Fault> {
        match element {
            ProfileElement::Mf(pe) => self.template(pe, number::MF)?,
            ProfileElement::Cd(pe) => self.template(pe, number::CD)?,
            ProfileElement::Telecom(pe) => self.template(pe, number::TELECOM)?,
            ProfileElement::Usim(pe) => self.template(pe, number::USIM)?,
            ProfileElement::OptUsim(pe) => self.template(pe, number::OPT_USIM)?,
            ProfileElement::Isim(pe) => self.template(pe, number::ISIM)?,
            ProfileElement::OptIsim(pe) => self.template(pe, number::OPT_ISIM)?,
            ProfileElement::Phonebook(pe) => self.template(pe, number::PHONEBOOK)?,
            ProfileElement::GsmAccess(pe) => self.template(pe, number::GSM_ACCESS)?,
            ProfileElement::Csim(pe) => self.template(pe, number::CSIM)?,
            ProfileElement::OptCsim(pe) => self.template(pe, number::OPT_CSIM)?,
            ProfileElement::Eap(pe) => self.template(pe, number::EAP)?,
            ProfileElement::Df5gs(pe) => self.template(pe, number::DF_5GS)?,
            ProfileElement::DfSaip(pe) => self.template(pe, number::DF_SAIP)?,
            ProfileElement::GenericFileManagement(pe) => self.generic(pe)?,
            ProfileElement::PinCodes(pe) => self.pin_codes(pe)?,
            ProfileElement::PukCodes(pe) => self.puk_codes(pe)?,
            ProfileElement::AkaParameter(pe) => self.aka_parameter(pe)?,
            ProfileElement::CdmaParameter(pe) => self.cdma_parameter(pe, der)?,
            ProfileElement::SecurityDomain(pe) => self.security_domain(pe, der)?,
            ProfileElement::Rfm(pe) => self.rfm(pe, der)?,
            ProfileElement::Application(pe) => self.application(pe, der)?,
            ProfileElement::End(_) => self.end()?,
            // Nothing of these is known here.
            ProfileElement::Header(_)
            | ProfileElement::NonStandard(_)
            | ProfileElement::DfSnpn(_)
            | ProfileElement::Df5gprose(_)
            | ProfileElement::Iot(_)
            | ProfileElement::OptIot(_)
            | ProfileElement::Unknown(_) => self.skip(header)?,
        }
        if matches!(element, ProfileElement::Mf(_)) {
            self.check_iccid()?;
        }
        Ok(())
    }

    /// The card, and the response of success.
    pub(super) fn finish(self) -> Result<(Uicc, Vec<u8>), Fault> {
        let header = self.header.filter(|_| self.ended).ok_or(Fault::FORMAT)?;
        let response = fault::success(&self.skipped);
        let card = Uicc {
            iccid: header.iccid,
            fs: self.fs,
            codes: self.codes,
            authentications: self.authentications,
            applets: self.applets,
            elements: self.elements,
            ota_counters: Vec::new(),
            channels: Vec::new(),
        };
        Ok((card, response))
    }

    /// Keeps an element as it came.
    pub(super) fn keep(&mut self, der: &[u8]) {
        self.elements.push(Element(der.to_vec()));
    }

    /// Notes that the card, or an application, has a template now.
    pub(super) fn once(&mut self, of: FileId, template: u8) -> Result<(), Fault> {
        match self.done.insert((of, template)) {
            true => Ok(()),
            false => Err(Fault::FORMAT),
        }
    }

    /// The last application, if it is of this kind.
    pub(super) fn naa_of(&self, kind: NaaKind) -> Result<FileId, Fault> {
        let naa = self.naa.filter(|naa| naa.kind == kind);
        naa.map(|naa| naa.adf).ok_or(Fault::FORMAT)
    }

    /// What the header asks for.
    pub(super) fn services(&self) -> Option<&ServicesList> {
        self.header.as_ref().map(|header| &header.services)
    }

    fn memory_used(&self) -> usize {
        let elements = self.elements.iter().map(|element| element.0.len());
        self.fs.used() + elements.sum::<usize>()
    }

    /// Header first and once, MF before what needs one, nothing after the end.
    fn in_order(&self, element: &ProfileElement) -> Result<(), Fault> {
        use ProfileElement::{Header, Mf, NonStandard, PukCodes, Unknown};
        let in_order = match element {
            Header(_) => self.header.is_none(),
            Mf(_) => self.header.is_some() && self.fs.len() == 0,
            PukCodes(_) | NonStandard(_) | Unknown(_) => self.header.is_some(),
            _ => self.fs.len() > 0,
        };
        let few = self.identifications.len() < MAX_ELEMENTS;
        match in_order && few && !self.ended {
            true => Ok(()),
            false => Err(Fault::FORMAT),
        }
    }

    fn identify(&mut self, header: &PeHeader) -> Result<(), Fault> {
        let identification = header.identification;
        let valid = (0..=32_767).contains(&identification);
        match valid && self.identifications.insert(identification) {
            true => Ok(()),
            false => Err(Fault::FORMAT),
        }
    }

    fn skip(&mut self, header: &PeHeader) -> Result<(), Fault> {
        if header.mandated.is_some() {
            return Err(Fault::PE_NOT_SUPPORTED);
        }
        self.skipped.push(header.identification);
        Ok(())
    }

    fn profile_header(&mut self, header: &ProfileHeader) -> Result<(), Fault> {
        if !matches!(header.major_version, 2 | 3) {
            return Err(Fault::VERSION);
        }
        supported(&header.euicc_mandatory_services)?;
        let templates = &header.euicc_mandatory_gfste_list;
        if !templates.iter().all(|oid| Template::find(oid).is_some()) {
            return Err(Fault::TEMPLATE);
        }
        // No library or application of the card itself can be asked for.
        if header
            .euicc_mandatory_aids
            .iter()
            .any(|aids| !aids.is_empty())
        {
            return Err(Fault::LIBRARY);
        }
        self.header = Some(Header {
            iccid: Iccid::from_plain(header.iccid),
            services: header.euicc_mandatory_services.clone(),
        });
        Ok(())
    }

    fn check_iccid(&self) -> Result<(), Fault> {
        let file = self.fs.child(MF, EF_ICCID);
        let same = match (file.and_then(|id| self.fs.body(id)), &self.header) {
            (Some(Body::Transparent { octets }), Some(header)) => {
                octets == header.iccid.as_swapped()
            }
            _ => false,
        };
        same.then_some(()).ok_or(Fault::MISMATCH)
    }

    /// What can be checked at the end only.
    fn end(&mut self) -> Result<(), Fault> {
        self.check_services()?;
        self.check_key_references()?;
        self.ended = true;
        Ok(())
    }

    /// Each mandatory service has its element.
    fn check_services(&self) -> Result<(), Fault> {
        let services = self.services().ok_or(Fault::FORMAT)?;
        let has = |template| self.done.iter().any(|(_, number)| *number == template);
        let runs = |is_it: fn(&Function) -> bool| {
            let own = |entry: &Authentication| match entry {
                Authentication::Own(subscription) => is_it(&subscription.function),
                Authentication::Mapped(_) => false,
            };
            self.authentications.iter().any(|(_, entry)| own(entry))
        };
        let aka = has(number::USIM) || has(number::ISIM);
        let identity = services.get_identity.is_some()
            || services.profile_a_x25519.is_some()
            || services.profile_b_p256.is_some();
        let met = (services.usim.is_none() || has(number::USIM))
            && (services.isim.is_none() || has(number::ISIM))
            && (services.csim.is_none() || has(number::CSIM))
            && (services.milenage.is_none() || runs(Function::is_milenage))
            && (services.tuak128.is_none() || runs(|function| function.is_tuak(16)))
            && (services.tuak256.is_none() || runs(|function| function.is_tuak(32)))
            && (services.usim_test_algorithm.is_none() || runs(Function::is_test))
            && (!identity || aka);
        met.then_some(()).ok_or(Fault::PARAMETER)
    }

    /// Every key that a record of EF.ARR asks for exists.
    fn check_key_references(&self) -> Result<(), Fault> {
        for (id, _) in self.fs.iter() {
            let dir = match self.fs.is_directory(id) {
                true => id,
                false => self.fs.parent(id),
            };
            let keys = access::recorded_rule(&self.fs, id).map(access::references);
            let known = |key: &u8| self.codes.find(&self.fs, dir, *key).is_some();
            if !keys.unwrap_or_default().iter().all(known) {
                return Err(Fault::PIN_CODE_MISSING);
            }
        }
        Ok(())
    }
}

/// Refuses services that this card does not have.
fn supported(services: &ServicesList) -> Result<(), Fault> {
    // Java Card applications are kept as data: nothing of them runs.
    if services.multos.is_some() {
        return Err(Fault::RUNTIME);
    }
    let missing = [
        &services.contactless,
        &services.cave,
        &services.gba_usim,
        &services.gba_isim,
        &services.mbms,
        &services.eap,
        &services.cat_tp,
        &services.suci_calculator_api,
        &services.dns_resolution,
        &services.scp11ac,
        &services.scp11c_authorization_mechanism,
        &services.s16mode,
        &services.eaka,
    ];
    match missing.iter().any(|service| service.is_some()) {
        true => Err(Fault::FEATURE),
        false => Ok(()),
    }
}

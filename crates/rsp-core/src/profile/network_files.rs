//! Files of the USIM that an order fills: what the network and its people call
//! the subscription, and which networks it looks for.

use alloc::vec::Vec;

use rsp_asn1::Null;
use rsp_asn1::ids::Plmn;
use rsp_asn1::saip::{
    Fcp, FileCommand, ProfileElement, ProfileHeader, ServicesList, TemplateElement, TemplateFile,
};

use super::catalogue::{Shape, Template, fid};
use super::commands::CommandFile;
use super::contents::{descriptor, image, number, record_length, replace, size};
use super::ef::{
    Apn, FiveGs, PhoneNumber, PlmnWithAct, ProtectionScheme, ServiceProviderName, SuciBy, Supi,
    msisdn_record, plmn_list, plmn_list_with_act, smsp_record,
};
use super::element::{ElementName, kind};
use super::{MncLength, ProfileError, commands, new_element};

/// Contents that an order sets. `None` leaves the package's. The services of
/// EF.UST follow.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NetworkFiles {
    /// EF.SPN.
    pub spn: Option<ServiceProviderName>,
    /// EF.SMSP: address of the short message service centre.
    pub sms_centre: Option<PhoneNumber>,
    /// EF.MSISDN, without a name.
    pub msisdn: Option<PhoneNumber>,
    /// EF.ACL: the access point names that the device may use. An empty list
    /// switches the control off.
    pub apn: Option<Vec<Apn>>,
    /// EF.PLMNwAcT: the user's networks.
    pub user_plmn: Option<Vec<PlmnWithAct>>,
    /// EF.OPLMNwAcT: the operator's networks.
    pub operator_plmn: Option<Vec<PlmnWithAct>>,
    /// EF.HPLMNwAcT: the home network by technologies.
    pub home_plmn: Option<Vec<PlmnWithAct>>,
    /// EF.EHPLMN: networks that are as good as the home network.
    pub equivalent_home_plmn: Option<Vec<Plmn>>,
    /// EF.FPLMN: networks that are not tried.
    pub forbidden_plmn: Option<Vec<Plmn>>,
    /// DF.5GS.
    pub five_g: FiveGs,
}

/// Services of EF.UST (3GPP TS 31.102 4.2.8).
mod service {
    pub(super) const SMSP: usize = 12;
    pub(super) const SPN: usize = 19;
    pub(super) const USER_PLMN: usize = 20;
    pub(super) const MSISDN: usize = 21;
    pub(super) const EST: usize = 34;
    pub(super) const ACL: usize = 35;
    pub(super) const OPERATOR_PLMN: usize = 42;
    pub(super) const HOME_PLMN: usize = 43;
    pub(super) const EHPLMN: usize = 71;
    pub(super) const MOBILITY_5GS: usize = 122;
    pub(super) const SECURITY_5G: usize = 123;
    pub(super) const PRIVACY: usize = 124;
    pub(super) const SUCI_BY_USIM: usize = 125;
    pub(super) const ACCESS_IDENTITIES: usize = 126;
    pub(super) const SUPI_NAI: usize = 130;
}

/// Bit of EF.EST that switches the control of access point names on.
const EST_ACL: u8 = 0x04;
/// Entries that EF.PLMNwAcT and its relatives have at least (TS 31.102).
const PLMN_ENTRIES: usize = 8;

/// One file to write.
struct Wanted {
    /// Kind of the element that has it.
    place: &'static str,
    fid: u16,
    value: Value,
}

enum Value {
    /// The file's octets; the rest of it, if it is larger, becomes 'FF'.
    Octets(Vec<u8>),
    /// The file is exactly these octets.
    Exactly(Vec<u8>),
    /// The first record, made for the length that records have.
    Record(PhoneNumber, fn(&PhoneNumber, usize) -> Option<Vec<u8>>),
}

/// What an order comes to: files, services of EF.UST, bits of EF.EST.
#[derive(Default)]
struct Plan {
    files: Vec<Wanted>,
    services: Vec<(usize, bool)>,
    acl: Option<bool>,
}

impl Plan {
    fn write(&mut self, place: &'static str, fid: u16, service: Option<usize>, value: Value) {
        self.files.push(Wanted { place, fid, value });
        self.services.extend(service.map(|service| (service, true)));
    }

    fn of(files: &NetworkFiles) -> Result<Self, ProfileError> {
        let mut plan = Plan::default();
        if let Some(spn) = &files.spn {
            let ef = spn.to_ef().map_err(ProfileError::Value)?;
            let value = Value::Octets(ef.to_vec());
            plan.write("usim", fid::SPN, Some(service::SPN), value);
        }
        if let Some(centre) = &files.sms_centre {
            let value = Value::Record(centre.clone(), smsp_record);
            plan.write("usim", fid::SMSP, Some(service::SMSP), value);
        }
        if let Some(number) = &files.msisdn {
            let value = Value::Record(number.clone(), msisdn_record);
            plan.write("opt-usim", fid::MSISDN, Some(service::MSISDN), value);
        }
        if let Some(list) = &files.forbidden_plmn {
            plan.write("usim", fid::FPLMN, None, Value::Octets(plmn_list(list)));
        }
        if let Some(apns) = &files.apn {
            let value = Value::Octets(Apn::list(apns));
            plan.write("opt-usim", fid::ACL, Some(service::ACL), value);
            plan.services.push((service::EST, true));
            plan.acl = Some(!apns.is_empty());
        }
        plan.networks(files);
        plan.five_gs(&files.five_g)?;
        Ok(plan)
    }

    fn networks(&mut self, files: &NetworkFiles) {
        for (list, fid, service, entries) in [
            (
                &files.user_plmn,
                fid::PLMN_W_ACT,
                service::USER_PLMN,
                PLMN_ENTRIES,
            ),
            (
                &files.operator_plmn,
                fid::OPLMN_W_ACT,
                service::OPERATOR_PLMN,
                PLMN_ENTRIES,
            ),
            (&files.home_plmn, fid::HPLMN_W_ACT, service::HOME_PLMN, 1),
        ] {
            if let Some(list) = list {
                let value = Value::Exactly(plmn_list_with_act(list, entries));
                self.write("opt-usim", fid, Some(service), value);
            }
        }
        if let Some(list) = &files.equivalent_home_plmn {
            let value = Value::Octets(plmn_list(list));
            self.write("opt-usim", fid::EHPLMN, Some(service::EHPLMN), value);
        }
    }

    fn five_gs(&mut self, five_g: &FiveGs) -> Result<(), ProfileError> {
        if let Some(info) = five_g.suci_calc_info() {
            let by_usim = five_g.suci_by == SuciBy::Usim;
            let (place, fid) = match by_usim {
                true => ("df-saip", fid::SUCI_CALC_INFO_USIM),
                false => ("df-5gs", fid::SUCI_CALC_INFO),
            };
            self.write(
                place,
                fid,
                Some(service::PRIVACY),
                Value::Exactly(info.to_ef()),
            );
            self.services.push((service::SUCI_BY_USIM, by_usim));
        }
        if let Some(indicator) = &five_g.routing_indicator {
            let value = Value::Octets(indicator.to_ef().to_vec());
            self.write("df-5gs", fid::ROUTING_INDICATOR, None, value);
        }
        if let Some(nai) = &five_g.supi_nai {
            let value = Value::Exactly(Supi::to_ef(nai));
            self.write("df-5gs", fid::SUPI_NAI, Some(service::SUPI_NAI), value);
        }
        if let Some(identities) = &five_g.access_identities {
            let mut octets = [0u8; 4];
            for identity in identities {
                let bit = match identity {
                    1 => 0x01,
                    2 => 0x02,
                    _ => return Err(ProfileError::Value(ACCESS_IDENTITY)),
                };
                let [first, ..] = &mut octets;
                *first |= bit;
            }
            let value = Value::Octets(octets.to_vec());
            self.write(
                "df-5gs",
                fid::UAC_AIC,
                Some(service::ACCESS_IDENTITIES),
                value,
            );
        }
        Ok(())
    }
}

const ACCESS_IDENTITY: super::ef::InvalidValue = super::ef::InvalidValue {
    what: "an access identity of EF.UAC_AIC",
    expected: "the value 1 or 2",
};

/// Writes an order's files into every USIM of a package. Elements that they
/// need and the package lacks are added, and the header says so.
pub(super) fn set(
    elements: &mut Vec<ProfileElement>,
    files: &NetworkFiles,
    mnc_length: Option<MncLength>,
) -> Result<(), ProfileError> {
    if *files == NetworkFiles::default() && mnc_length.is_none() {
        return Ok(());
    }
    let mut plan = Plan::of(files)?;
    let usims: Vec<usize> = positions(elements, |kind| kind == "usim");
    if usims.is_empty() {
        return Err(ProfileError::Missing("usim for the files of the order"));
    }
    // From the last one, so that what is added moves nothing that is to come.
    for usim in usims.into_iter().rev() {
        add_elements(elements, usim, &mut plan)?;
        let end = end_of_application(elements, usim);
        for wanted in &plan.files {
            if !write_by_commands(elements, usim, wanted)? {
                write(elements.get_mut(usim..end).unwrap_or_default(), wanted)?;
            }
        }
        let span = elements.get_mut(usim..end).unwrap_or_default();
        set_tables(span, &plan, mnc_length)?;
        if files.five_g.routing_indicator.is_some() {
            check_privacy(span)?;
        }
    }
    if let Some(ProfileElement::Header(header)) = elements.first_mut() {
        mandate(header, &files.five_g);
    }
    Ok(())
}

fn positions(elements: &[ProfileElement], wanted: impl Fn(&str) -> bool) -> Vec<usize> {
    let indexed = elements.iter().enumerate();
    indexed
        .filter(|(_, element)| wanted(kind(element)))
        .map(|(index, _)| index)
        .collect()
}

/// Where the next application begins.
fn end_of_application(elements: &[ProfileElement], start: usize) -> usize {
    let applications = positions(elements, |kind| {
        matches!(kind, "usim" | "isim" | "csim" | "iot")
    });
    let next = applications.into_iter().find(|index| *index > start);
    next.unwrap_or(elements.len())
}

/// Adds the elements that the plan writes to and the application lacks.
fn add_elements(
    elements: &mut Vec<ProfileElement>,
    usim: usize,
    plan: &mut Plan,
) -> Result<(), ProfileError> {
    for place in ["opt-usim", "df-5gs", "df-saip"] {
        let end = end_of_application(elements, usim);
        let span = elements.get(usim..end).unwrap_or_default();
        let wanted = plan.files.iter().any(|wanted| wanted.place == place);
        let there = span.iter().any(|element| kind(element) == place);
        if !wanted || there || commands::create(elements, usim, place) {
            continue;
        }
        // Directly behind the USIM, its codes and its algorithm: what comes
        // later applies to other things.
        let before: &[&str] = match place {
            "opt-usim" => &["usim"],
            "df-5gs" => &[
                "usim",
                "opt-usim",
                "pinCodes",
                "akaParameter",
                "phonebook",
                "gsm-access",
            ],
            _ => &[
                "usim",
                "opt-usim",
                "pinCodes",
                "akaParameter",
                "phonebook",
                "gsm-access",
                "df-5gs",
            ],
        };
        let offset = span
            .iter()
            .take_while(|element| before.contains(&kind(element)));
        let at = usim + offset.count();
        let element = new_element::of_kind(elements, usim, place)?;
        new_element::mandate(elements, &element);
        elements.insert(at, element);
        if place == "df-5gs" {
            plan.services.push((service::MOBILITY_5GS, true));
            plan.services.push((service::SECURITY_5G, true));
        }
    }
    Ok(())
}

/// The element of a kind in an application.
fn element_of<'a>(
    span: &'a mut [ProfileElement],
    place: &str,
) -> Option<(ElementName, &'a mut TemplateElement)> {
    span.iter_mut().find_map(|element| {
        let name = ElementName::of(element);
        match element {
            ProfileElement::Usim(pe)
            | ProfileElement::OptUsim(pe)
            | ProfileElement::Df5gs(pe)
            | ProfileElement::DfSaip(pe)
                if name.kind == place =>
            {
                Some((name, pe))
            }
            _ => None,
        }
    })
}

/// Whether commands create the file's directory: then it is written there.
fn write_by_commands(
    elements: &mut [ProfileElement],
    usim: usize,
    wanted: &Wanted,
) -> Result<bool, ProfileError> {
    let file = CommandFile {
        usim,
        place: wanted.place,
        fid: wanted.fid,
    };
    match &wanted.value {
        Value::Octets(octets) => commands::write(elements, file, octets, false),
        Value::Exactly(octets) => commands::write(elements, file, octets, true),
        Value::Record(..) => Ok(false),
    }
}

fn write(span: &mut [ProfileElement], wanted: &Wanted) -> Result<(), ProfileError> {
    let Some((element, pe)) = element_of(span, wanted.place) else {
        return Ok(());
    };
    let Some((file, row)) = file_of(pe, wanted.place, wanted.fid) else {
        return Ok(());
    };
    let linked = descriptor(file).and_then(|fcp| fcp.link_path.as_ref());
    let problem = |problem| ProfileError::File {
        element,
        file: row.name,
        problem,
    };
    if linked.is_some_and(|path| !path.is_empty()) {
        return Err(problem("is a link to another file"));
    }
    file.retain(|command| !matches!(command, FileCommand::DoNotCreate(_)));
    let outside = |_| ProfileError::FillCommands {
        element,
        file: row.name,
    };
    match &wanted.value {
        Value::Octets(octets) => fill(file, row.shape, octets, false),
        Value::Exactly(octets) => fill(file, row.shape, octets, true),
        Value::Record(number, record) => {
            let default = match row.shape {
                Shape::Linear(_, length) | Shape::Cyclic(_, length) => length,
                _ => 0,
            };
            let length = descriptor(file).and_then(record_length).unwrap_or(default);
            let record = record(number, length);
            let record = record.ok_or_else(|| problem("has records that are too short"))?;
            replace(file, &record).map_err(outside)?;
        }
    }
    Ok(())
}

/// The file of an element, made if the element does not mention it.
fn file_of<'a>(
    pe: &'a mut TemplateElement,
    place: &str,
    fid: u16,
) -> Option<(&'a mut Vec<FileCommand>, &'static super::catalogue::FileRow)> {
    let (member, row) = Template::of_kind(place)?.member(fid)?;
    if pe.file(member).is_none() {
        let at = pe.files.partition_point(|file| file.member < member);
        let file = Vec::new();
        pe.files.insert(at, TemplateFile { member, file });
    }
    pe.file_mut(member).map(|file| (file, row))
}

/// Makes these octets the contents of a transparent file, and the file large
/// enough for them.
fn fill(file: &mut Vec<FileCommand>, shape: Shape, octets: &[u8], exactly: bool) {
    let default = match shape {
        Shape::Transparent(size) => size,
        _ => 0,
    };
    let given = descriptor(file).and_then(|fcp| fcp.ef_file_size.as_deref().map(number));
    let old = given.unwrap_or(default);
    let new = match exactly {
        true => octets.len(),
        false => octets.len().max(old),
    };
    let mut contents = octets.to_vec();
    contents.resize(new, 0xFF);
    let mut fcp = descriptor(file).cloned();
    if new != old {
        fcp.get_or_insert_with(Fcp::empty).ef_file_size = Some(size(new));
    }
    let fcp = fcp.map(FileCommand::FileDescriptor);
    let fill = FileCommand::FillFileContent(contents);
    *file = fcp.into_iter().chain([fill]).collect();
}

/// Sets EF.UST, EF.EST and the length of the MNC in EF.AD.
fn set_tables(
    span: &mut [ProfileElement],
    plan: &Plan,
    mnc_length: Option<MncLength>,
) -> Result<(), ProfileError> {
    if !plan.services.is_empty() {
        change(span, fid::UST, |table| {
            for (service, available) in &plan.services {
                set_service(table, *service, *available);
            }
        })?;
    }
    if let Some(on) = plan.acl {
        change(span, fid::EST, |table| {
            if table.is_empty() {
                table.push(0);
            }
            if let Some(first) = table.first_mut() {
                *first = *first & !EST_ACL | if on { EST_ACL } else { 0 };
            }
        })?;
    }
    if let Some(length) = mnc_length {
        change(span, fid::AD, |contents| {
            contents.resize(contents.len().max(4), 0);
            if let Some(octet) = contents.get_mut(3) {
                *octet = *octet & 0xF0 | u8::from(length);
            }
        })?;
    }
    Ok(())
}

/// Service 1 is the lowest bit of the first octet.
fn set_service(table: &mut Vec<u8>, service: usize, available: bool) {
    let bit = service.saturating_sub(1);
    if table.len() <= bit / 8 {
        table.resize(bit / 8 + 1, 0);
    }
    if let Some(octet) = table.get_mut(bit / 8) {
        match available {
            true => *octet |= 1 << (bit % 8),
            false => *octet &= !(1 << (bit % 8)),
        }
    }
}

/// Whether a table of services has one.
pub(super) fn has_service(table: &[u8], service: usize) -> bool {
    let bit = service.saturating_sub(1);
    table
        .get(bit / 8)
        .is_some_and(|octet| octet & 1 << (bit % 8) != 0)
}

/// Changes a transparent file of the USIM element; nothing is written if
/// nothing changes.
fn change(
    span: &mut [ProfileElement],
    fid: u16,
    change: impl FnOnce(&mut Vec<u8>),
) -> Result<(), ProfileError> {
    let Some((element, pe)) = element_of(span, "usim") else {
        return Ok(());
    };
    let Some((file, row)) = file_of(pe, "usim", fid) else {
        return Ok(());
    };
    let outside = |_| ProfileError::FillCommands {
        element,
        file: row.name,
    };
    let before = image(file).map_err(outside)?;
    let mut contents = before.clone();
    change(&mut contents);
    if contents != before {
        fill(file, row.shape, &contents, false);
    }
    Ok(())
}

/// A routing indicator is read only where the SUPI is concealed.
fn check_privacy(span: &mut [ProfileElement]) -> Result<(), ProfileError> {
    let table = element_of(span, "usim").and_then(|(_, pe)| {
        let (file, _) = file_of(pe, "usim", fid::UST)?;
        image(file).ok()
    });
    match table.is_some_and(|table| has_service(&table, service::PRIVACY)) {
        true => Ok(()),
        false => Err(ProfileError::Missing(
            "service 124 for the routing indicator: give suci_keys or suci_null_scheme",
        )),
    }
}

/// What the eUICC must be able to do for the files of DF.5GS: the SUCI is
/// calculated by the USIM.
fn mandate(header: &mut ProfileHeader, five_g: &FiveGs) {
    if five_g.suci_by != SuciBy::Usim || five_g.suci_calc_info().is_none() {
        return;
    }
    let uses = |scheme| five_g.suci_keys.iter().any(|key| key.scheme() == scheme);
    let services: &mut ServicesList = &mut header.euicc_mandatory_services;
    services.get_identity = Some(Null);
    if uses(ProtectionScheme::ProfileA) {
        services.profile_a_x25519 = Some(Null);
    }
    if uses(ProtectionScheme::ProfileB) {
        services.profile_b_p256 = Some(Null);
    }
}

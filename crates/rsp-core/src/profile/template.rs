//! Our own profile package: a small operational profile with one USIM.

use alloc::vec::Vec;

use rsp_asn1::saip::{
    AdfRfmAccess, AkaParameter, AlgoConfiguration, AlgoParameter, AlgorithmId, ApplicationInstance,
    DEFAULT_ROTATION_CONSTANTS, End, Fcp, File, FileCommand, KeyComponent, KeyObject, PeHeader,
    PinCodes, PinCodesChoice, PinConfiguration, ProfileElement, ProfileHeader, PukCodes,
    PukConfiguration, Rfm, Secret, SecurityDomain, ServicesList, TemplateElement, TemplateFile,
    UiccApplicationParameters, default_xoring_constants, encode_package,
};
use rsp_asn1::{BoundedString, Extensions, InvalidOid, Null, Oid};

use super::contents::size;
use super::element::member;

/// A package to start from: SAIP 2.3, one USIM with Milenage, PIN1 disabled,
/// an MNO-SD that is reached by SCP80, and remote file management of the USIM.
///
/// Identities are those of a test network (MCC 001, MNC of two digits), keys
/// are zero: [`personalise`](super::personalise()) sets them. Placeholders that
/// a subscription may leave are harmless or closed: ADM1 is blocked, PIN and
/// PUK guard nothing secret. The keys of the MNO-SD are not: an operator brings
/// its own (`sd_keys`) with every profile that leaves the laboratory.
pub fn template() -> Vec<u8> {
    // Only constants can fail here, and a test holds them.
    elements()
        .map(|elements| encode_package(&elements))
        .unwrap_or_default()
}

fn elements() -> Result<Vec<ProfileElement>, InvalidOid> {
    Ok(alloc::vec![
        ProfileElement::Header(header()?),
        ProfileElement::Mf(mf()?),
        ProfileElement::PukCodes(puks()),
        ProfileElement::PinCodes(global_pins()),
        ProfileElement::Usim(usim()?),
        ProfileElement::OptUsim(opt_usim()?),
        ProfileElement::PinCodes(local_pins()),
        ProfileElement::AkaParameter(milenage()),
        ProfileElement::SecurityDomain(security_domain()),
        ProfileElement::Rfm(usim_file_management()),
        ProfileElement::End(End {
            header: PeHeader::mandated(10),
            extensions: Extensions::default(),
        }),
    ])
}

/// Temporary identifier of the ADF inside the package.
const ADF_FID: [u8; 2] = [0x7F, 0xD0];
/// AID of the USIM (ETSI TS 101 220: 3GPP, application code 1002).
const USIM_AID: [u8; 12] = [
    0xA0, 0x00, 0x00, 0x00, 0x87, 0x10, 0x02, 0xFF, 0x49, 0xFF, 0xFF, 0x89,
];
/// ICCID 8900000000000000000, in reading order.
const ICCID: [u8; 10] = [0x89, 0, 0, 0, 0, 0, 0, 0, 0, 0x0F];
/// ICCID in the coding of EF.ICCID.
const EF_ICCID: [u8; 10] = [0x98, 0, 0, 0, 0, 0, 0, 0, 0, 0xF0];
/// IMSI 001010000000000 in the coding of EF.IMSI.
const EF_IMSI: [u8; 9] = [0x08, 0x09, 0x10, 0x10, 0, 0, 0, 0, 0];
/// Services of EF.UST (3GPP TS 31.102 4.2.8): short messages, their
/// parameters, SPN, user controlled PLMN selector, MSISDN, data download by
/// short message, the one that is always set, EST, operator and home PLMN
/// selector, EHPLMN, EPS mobility management.
const SERVICES: [usize; 12] = [10, 12, 19, 20, 21, 28, 33, 34, 42, 43, 71, 85];
/// Provider name of EF.SPN.
const SPN: &[u8] = b"Simurgh";

const PIN1: i64 = 0x01;
const ADM1: i64 = 0x0A;
const PIN2: i64 = 0x81;

fn template_oid(number: u8) -> Result<Oid, InvalidOid> {
    Oid::from_bytes(&[0x67, 0x81, 0x0F, 0x01, 0x02, number])
}

fn header() -> Result<ProfileHeader, InvalidOid> {
    Ok(ProfileHeader {
        major_version: 2,
        minor_version: 3,
        profile_type: BoundedString::try_from("Simurgh operational profile").ok(),
        iccid: ICCID,
        pol: None,
        euicc_mandatory_services: services(),
        euicc_mandatory_gfste_list: alloc::vec![
            template_oid(1)?,
            template_oid(4)?,
            template_oid(5)?
        ],
        connectivity_parameters: None,
        euicc_mandatory_aids: None,
        iot_options: None,
        extensions: Extensions::default(),
    })
}

fn services() -> ServicesList {
    ServicesList {
        contactless: None,
        usim: Some(Null),
        isim: None,
        csim: None,
        milenage: Some(Null),
        tuak128: None,
        cave: None,
        gba_usim: None,
        gba_isim: None,
        mbms: None,
        eap: None,
        javacard: None,
        multos: None,
        multiple_usim: None,
        multiple_isim: None,
        multiple_csim: None,
        tuak256: None,
        usim_test_algorithm: None,
        ber_tlv: None,
        df_link: None,
        cat_tp: None,
        get_identity: None,
        profile_a_x25519: None,
        profile_b_p256: None,
        suci_calculator_api: None,
        dns_resolution: None,
        scp11ac: None,
        scp11c_authorization_mechanism: None,
        s16mode: None,
        eaka: None,
        extensions: Extensions::default(),
    }
}

fn mf() -> Result<TemplateElement, InvalidOid> {
    let directory = Fcp {
        pin_status_template_do: Some(alloc::vec![PIN1 as u8, ADM1 as u8]),
        ..Fcp::empty()
    };
    let entry = directory_entry();
    Ok(TemplateElement {
        header: PeHeader::mandated(1),
        template_id: template_oid(1)?,
        files: alloc::vec![
            entry_of(member::MF, described(directory, &[])),
            entry_of(member::PL, filled(&[0xFF, 0xFF])),
            entry_of(member::ICCID, filled(&EF_ICCID)),
            entry_of(member::DIR, records(entry.len(), &[&entry])),
            entry_of(member::MF_ARR, access_rules(&Conditions::of_mf())),
            // 60 mA, and 60 for the time-out of application power.
            entry_of(member::UMPC, filled(&[0x3C, 0x3C, 0, 0, 0])),
        ],
    })
}

/// The record of EF.DIR that names the USIM (ETSI TS 102 221 13.1).
fn directory_entry() -> Vec<u8> {
    let label = b"USIM";
    let mut template = alloc::vec![0x4F, USIM_AID.len() as u8];
    template.extend(USIM_AID);
    template.extend([0x50, label.len() as u8]);
    template.extend(label);
    let mut entry = alloc::vec![0x61, template.len() as u8];
    entry.extend(template);
    entry
}

fn usim() -> Result<TemplateElement, InvalidOid> {
    let adf = Fcp {
        file_id: Some(ADF_FID),
        df_name: Some(USIM_AID.to_vec()),
        pin_status_template_do: Some(alloc::vec![PIN2 as u8, PIN1 as u8, ADM1 as u8]),
        ..Fcp::empty()
    };
    let mut spn = [0xFF; 17];
    let text = [0x01].iter().chain(SPN);
    spn.iter_mut().zip(text).for_each(|(to, from)| *to = *from);
    Ok(TemplateElement {
        header: PeHeader::mandated(4),
        template_id: template_oid(4)?,
        files: alloc::vec![
            entry_of(member::ADF, described(adf, &[])),
            entry_of(member::IMSI, filled(&EF_IMSI)),
            entry_of(member::USIM_ARR, access_rules(&Conditions::of_usim())),
            entry_of(member::UST, filled(&service_table())),
            entry_of(member::FDN, alloc::vec![FileCommand::DoNotCreate(Null)]),
            entry_of(member::SPN, filled(&spn)),
            entry_of(member::EST, filled(&[0])),
            entry_of(member::ACC, filled(&[0x00, 0x01])),
            entry_of(member::AD, filled(&[0, 0, 0, 2])),
            // 112, of no particular service.
            entry_of(member::ECC, filled(&[0x11, 0xF2, 0xFF, 0x00])),
        ],
    })
}

/// EF.UST: service 1 is the lowest bit of the first octet.
fn service_table() -> [u8; 14] {
    let mut table = [0u8; 14];
    for service in SERVICES {
        let bit = service.saturating_sub(1);
        if let Some(octet) = table.get_mut(bit / 8) {
            *octet |= 1 << (bit % 8);
        }
    }
    table
}

fn opt_usim() -> Result<TemplateElement, InvalidOid> {
    let no_plmn = [0xFF, 0xFF, 0xFF, 0x00, 0x00];
    let plmns = no_plmn.repeat(8);
    Ok(TemplateElement {
        header: PeHeader::mandated(5),
        template_id: template_oid(5)?,
        files: alloc::vec![
            entry_of(member::MSISDN, records(24, &[&[0xFF; 24]])),
            entry_of(member::PLMNWACT, transparent(&plmns)),
            entry_of(member::OPLMNWACT, transparent(&plmns)),
            entry_of(member::HPLMNWACT, transparent(&no_plmn)),
            entry_of(member::EHPLMN, transparent(&[0xFF; 15])),
        ],
    })
}

fn puks() -> PukCodes {
    let puk = |key_reference, value: &[u8; 8]| PukConfiguration {
        key_reference,
        puk_value: Secret(value.to_vec()),
        max_num_of_attemps_retry_num_left: 0xAA,
        extensions: Extensions::default(),
    };
    PukCodes {
        header: PeHeader::mandated(2),
        puk_codes: alloc::vec![puk(PIN1, b"00000000"), puk(PIN2, b"00000000")],
        extensions: Extensions::default(),
    }
}

fn global_pins() -> PinCodes {
    let pin1 = pin(PIN1, b"0000\xFF\xFF\xFF\xFF", Some(PIN1), 6, 0x33);
    // Ten tries, none left: closed until a subscription brings a value.
    let adm1 = pin(ADM1, b"00000000", None, 3, 0xA0);
    PinCodes {
        header: PeHeader::mandated(3),
        pin_codes: PinCodesChoice::PinConfig(alloc::vec![pin1, adm1]),
        extensions: Extensions::default(),
    }
}

fn local_pins() -> PinCodes {
    let pin2 = pin(PIN2, b"0000\xFF\xFF\xFF\xFF", Some(PIN2), 3, 0x33);
    PinCodes {
        header: PeHeader::mandated(6),
        pin_codes: PinCodesChoice::PinConfig(alloc::vec![pin2]),
        extensions: Extensions::default(),
    }
}

fn pin(
    key_reference: i64,
    value: &[u8; 8],
    unblocking_pin_reference: Option<i64>,
    pin_attributes: i64,
    tries: i64,
) -> PinConfiguration {
    PinConfiguration {
        key_reference,
        pin_value: Secret(value.to_vec()),
        unblocking_pin_reference,
        pin_attributes,
        max_num_of_attemps_retry_num_left: tries,
        extensions: Extensions::default(),
    }
}

fn milenage() -> AkaParameter {
    let parameter = AlgoParameter {
        algorithm_id: AlgorithmId::MILENAGE,
        algorithm_options: [0],
        key: Secret([0; 16].to_vec()),
        opc: Secret([0; 16].to_vec()),
        rotation_constants: DEFAULT_ROTATION_CONSTANTS,
        xoring_constants: default_xoring_constants(),
        auth_counter_max: None,
        number_of_keccak: 1,
        extensions: Extensions::default(),
    };
    let ahead = [0x00, 0x00, 0x10, 0x00, 0x00, 0x00];
    AkaParameter {
        header: PeHeader::mandated(7),
        algo_configuration: AlgoConfiguration::AlgoParameter(parameter),
        sqn_options: [0x02],
        sqn_delta: ahead,
        sqn_age_limit: ahead,
        sqn_init: None,
        extensions: Extensions::default(),
    }
}

fn security_domain() -> SecurityDomain {
    let key = |identifier, usage| KeyObject {
        key_usage_qualifier: alloc::vec![usage],
        key_access: [0],
        key_identifier: [identifier],
        key_version_number: [0x01],
        key_counter_value: None,
        key_components: alloc::vec![KeyComponent {
            key_type: alloc::vec![0x88],
            key_data: Secret([0; 16].to_vec()),
            mac_length: 8,
            extensions: Extensions::default(),
        }],
        extensions: Extensions::default(),
    };
    SecurityDomain {
        header: PeHeader::mandated(8),
        instance: security_domain_instance(),
        key_list: Some(alloc::vec![key(1, 0x18), key(2, 0x14), key(3, 0x48)]),
        sd_perso_data: None,
        open_perso_data: None,
        cat_tp_parameters: None,
        extensions: Extensions::default(),
    }
}

/// The MNO-SD (GlobalPlatform UICC configuration).
fn security_domain_instance() -> ApplicationInstance {
    // TAR B20100 of remote application management; messages carry a
    // cryptographic checksum, a counter that rises, and are enciphered.
    let toolkit = [1, 0, 0, 0, 0, 2, 1, 0x16, 3, 0xB2, 0x01, 0x00, 0];
    ApplicationInstance {
        application_load_package_aid: alloc::vec![0xA0, 0, 0, 1, 0x51, 0x53, 0x50],
        class_aid: alloc::vec![0xA0, 0, 0, 1, 0x51, 0x53, 0x50, 0x41],
        instance_aid: alloc::vec![0xA0, 0, 0, 1, 0x51, 0, 0, 0],
        extradite_security_domain_aid: None,
        application_privileges: alloc::vec![0x82, 0xDC, 0x00],
        life_cycle_state: [0x0F],
        application_specific_parameters_c9: alloc::vec![
            0x81, 2, 0x80, 0x00, 0x82, 1, 0xF0, 0x87, 1, 0xF0
        ],
        system_specific_parameters: None,
        application_parameters: Some(UiccApplicationParameters {
            uicc_toolkit_application_specific_parameters_field: Some(toolkit.to_vec()),
            uicc_access_application_specific_parameters_field: None,
            uicc_administrative_access_application_specific_parameters_field: None,
            extensions: Extensions::default(),
        }),
        process_data: None,
        control_reference_template: None,
        extensions: Extensions::default(),
    }
}

/// Remote file management of the USIM, TAR B00140, with the security level of
/// the MNO-SD and access to every file.
fn usim_file_management() -> Rfm {
    Rfm {
        header: PeHeader::mandated(9),
        instance_aid: alloc::vec![0xA0, 0, 0, 0x05, 0x59, 0x10, 0x10, 0, 2],
        security_domain_aid: None,
        tar_list: Some(alloc::vec![[0xB0, 0x01, 0x40]]),
        minimum_security_level: [0x16],
        uicc_access_domain: alloc::vec![0],
        uicc_admin_access_domain: alloc::vec![0],
        adf_rfm_access: Some(AdfRfmAccess {
            adf_aid: USIM_AID.to_vec(),
            adf_access_domain: alloc::vec![0],
            adf_admin_access_domain: alloc::vec![0],
            extensions: Extensions::default(),
        }),
        extensions: Extensions::default(),
    }
}

fn entry_of(member: u8, file: File) -> TemplateFile {
    TemplateFile { member, file }
}

/// A file as the template has it, but for its contents.
fn filled(contents: &[u8]) -> File {
    alloc::vec![FileCommand::FillFileContent(contents.to_vec())]
}

fn described(fcp: Fcp, contents: &[u8]) -> File {
    let mut file = alloc::vec![FileCommand::FileDescriptor(fcp)];
    if !contents.is_empty() {
        file.push(FileCommand::FillFileContent(contents.to_vec()));
    }
    file
}

/// A transparent file as large as its contents.
fn transparent(contents: &[u8]) -> File {
    let fcp = Fcp {
        ef_file_size: Some(size(contents.len())),
        ..Fcp::empty()
    };
    described(fcp, contents)
}

/// A linear fixed file with these records, padded with FF.
fn records(length: usize, records: &[&[u8]]) -> File {
    let [.., high, low] = length.to_be_bytes();
    let fcp = Fcp {
        file_descriptor: Some(alloc::vec![0x42, 0x21, high, low]),
        ef_file_size: Some(size(length * records.len())),
        ..Fcp::empty()
    };
    let mut contents = Vec::new();
    for (index, record) in records.iter().enumerate() {
        contents.resize(index * length, 0xFF);
        contents.extend_from_slice(record);
    }
    described(fcp, &contents)
}

/// A condition of an access rule.
#[derive(Clone, Copy)]
enum Condition {
    Always,
    Never,
    Key(i64),
}

/// Who reads and updates the files of a rule; the rest is ADM1's.
struct Access {
    read: Condition,
    update: Condition,
    increase: Option<Condition>,
}

const fn access(read: Condition, update: Condition) -> Access {
    Access {
        read,
        update,
        increase: None,
    }
}

/// The keys that the rules of one EF.ARR name.
struct Conditions {
    /// Local keys are not for an EF.ARR in the MF.
    pin2: i64,
}

impl Conditions {
    fn of_mf() -> Self {
        Conditions { pin2: ADM1 }
    }

    fn of_usim() -> Self {
        Conditions { pin2: PIN2 }
    }

    /// Rules 1 to 13 of the templates. Those that no file of this profile has
    /// by default are the administrator's.
    fn rules(&self) -> [Access; 13] {
        use Condition::{Always, Key, Never};
        let (pin1, pin2, adm) = (Key(PIN1), Key(self.pin2), Key(ADM1));
        [
            access(Always, pin1),
            access(pin1, adm),
            access(adm, adm),
            access(adm, adm),
            access(pin1, pin1),
            access(adm, adm),
            Access {
                increase: Some(pin1),
                ..access(pin1, pin2)
            },
            access(pin1, pin2),
            access(adm, adm),
            access(Always, adm),
            access(Always, Never),
            access(adm, adm),
            access(adm, adm),
        ]
    }
}

/// EF.ARR with the rules 1 to 14 (ETSI TS 102 221 9.2).
fn access_rules(conditions: &Conditions) -> File {
    let mut rules: Vec<Vec<u8>> = conditions.rules().iter().map(file_rule).collect();
    rules.push(directory_rule());
    let length = rules.iter().map(Vec::len).max().unwrap_or_default();
    let rules: Vec<&[u8]> = rules.iter().map(Vec::as_slice).collect();
    records(length, &rules)
}

/// Access mode octets of an EF (ETSI TS 102 221 9.2.4 and ISO 7816-4).
mod mode {
    pub(super) const READ: u8 = 0x01;
    pub(super) const UPDATE: u8 = 0x02;
    /// Deactivate and activate.
    pub(super) const STATE: u8 = 0x18;
    /// Delete itself, activate, deactivate, create DF and EF.
    pub(super) const DIRECTORY: u8 = 0x5E;
    pub(super) const INCREASE: u8 = 0x32;
    pub(super) const RESIZE: u8 = 0xD4;
}

fn file_rule(access: &Access) -> Vec<u8> {
    let mut rule = Vec::new();
    grant(&mut rule, [0x80, 1, mode::READ], access.read);
    grant(&mut rule, [0x80, 1, mode::UPDATE], access.update);
    if let Some(increase) = access.increase {
        grant(&mut rule, [0x84, 1, mode::INCREASE], increase);
    }
    grant(&mut rule, [0x80, 1, mode::STATE], Condition::Key(ADM1));
    rule
}

fn directory_rule() -> Vec<u8> {
    let mut rule = Vec::new();
    grant(&mut rule, [0x80, 1, mode::DIRECTORY], Condition::Key(ADM1));
    grant(&mut rule, [0x84, 1, mode::RESIZE], Condition::Key(ADM1));
    rule
}

/// Appends an access mode and its condition.
fn grant(rule: &mut Vec<u8>, mode: [u8; 3], condition: Condition) {
    rule.extend(mode);
    match condition {
        Condition::Always => rule.extend([0x90, 0]),
        Condition::Never => rule.extend([0x97, 0]),
        Condition::Key(key) => {
            rule.extend([0xA4, 6, 0x83, 1, key as u8, 0x95, 1, 0x08]);
        }
    }
}

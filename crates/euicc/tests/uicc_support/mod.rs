//! A small package of our own, and a terminal that talks to the card.
// Tests choose their data and their length by the environment.
#![allow(clippy::disallowed_methods)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
#![allow(dead_code, unreachable_pub)]

use std::io::Write;
use std::path::PathBuf;

use euicc::Environment;
use euicc::uicc::{InstallError, Installer, Uicc};
use rsp_asn1::saip::*;
use rsp_asn1::{Asn1, Null};
use rsp_crypto::software::{SeededRng, SoftwareProvider};

pub const USIM_AID: &str = "A0000000871002FF49FF0589";
pub const ISIM_AID: &str = "A0000000871004FF49FF0589";

/// Key and OPc of test set 1 of 3GPP TS 35.208.
pub const K: &str = "465B5CE8B199B49FAA5F0A2EE238A6BC";
pub const OPC: &str = "CD63CB71954A9F4E48A5994E37A02BAF";

pub fn hex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2), "{text}");
    let octet = |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(octet).collect()
}

pub fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|octet| format!("{octet:02X}")).collect()
}

/// The folder with test data, or a line in the log of skipped tests.
pub fn test_data(test: &str) -> Option<PathBuf> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared");
    let folder = std::env::var("SIMURGH_TEST_DATA").unwrap_or_else(|_| default.into());
    let folder = PathBuf::from(folder);
    if folder.is_dir() {
        return Some(folder);
    }
    println!("SKIPPED: {test}");
    if let Ok(path) = std::env::var("SIMURGH_SKIP_LOG") {
        let mut options = std::fs::OpenOptions::new();
        let mut log = options.append(true).create(true).open(path).unwrap();
        // One write, so that tests side by side do not mix their lines.
        log.write_all(format!("{test}\n").as_bytes()).unwrap();
    }
    None
}

/// Installs a package that is given whole.
pub fn install(package: &[u8]) -> Result<(Uicc, Vec<u8>), InstallError> {
    let mut installer = Installer::new();
    installer.feed(package, &SoftwareProvider)?;
    installer.finish()
}

pub fn install_elements(elements: &[ProfileElement]) -> Result<(Uicc, Vec<u8>), InstallError> {
    install(&encode_package(elements))
}

/// A command as it is, with random numbers that are always the same.
pub fn transmit(card: &mut Uicc, channel: u8, apdu: &[u8]) -> Vec<u8> {
    let mut env = Environment {
        provider: &SoftwareProvider,
        rng: &mut SeededRng::new(1),
    };
    card.transmit(channel, apdu, &mut env)
}

/// Sends a command and fetches a waiting response; the response in hex, the
/// status word last.
pub fn send(card: &mut Uicc, apdu: &str) -> String {
    send_on(card, 0, apdu)
}

pub fn send_on(card: &mut Uicc, channel: u8, apdu: &str) -> String {
    let response = transmit(card, channel, &hex(apdu));
    match response.as_slice() {
        [0x61, length] => {
            let get = format!("00C00000{length:02X}");
            to_hex(&transmit(card, channel, &hex(&get)))
        }
        _ => to_hex(&response),
    }
}

pub fn select_aid(card: &mut Uicc, aid: &str) -> String {
    send(card, &format!("00A40404{:02X}{aid}", aid.len() / 2))
}

/// AUTHENTICATE in the 3G context.
pub fn authenticate(card: &mut Uicc, rand: &[u8; 16], autn: &[u8; 16]) -> Vec<u8> {
    let apdu = format!("008800812210{}10{}", to_hex(rand), to_hex(autn));
    hex(&send(card, &apdu))
}

/// How a file differs from its template.
pub struct F(pub Fcp, pub Vec<FileCommand>);

impl F {
    pub fn new() -> F {
        F(Fcp::empty(), Vec::new())
    }

    pub fn descriptor(mut self, hex_text: &str) -> F {
        self.0.file_descriptor = Some(hex(hex_text));
        self
    }

    pub fn fid(mut self, fid: u16) -> F {
        self.0.file_id = Some(fid.to_be_bytes());
        self
    }

    pub fn size(mut self, size: u16) -> F {
        let octets: Vec<u8> = size
            .to_be_bytes()
            .into_iter()
            .skip_while(|o| *o == 0)
            .collect();
        self.0.ef_file_size = Some(octets);
        self
    }

    pub fn rule(mut self, hex_text: &str) -> F {
        self.0.security_attributes_referenced = Some(hex(hex_text));
        self
    }

    pub fn pins(mut self, hex_text: &str) -> F {
        self.0.pin_status_template_do = Some(hex(hex_text));
        self
    }

    pub fn aid(mut self, hex_text: &str) -> F {
        self.0.df_name = Some(hex(hex_text));
        self
    }

    pub fn link(mut self, hex_text: &str) -> F {
        self.0.link_path = Some(hex(hex_text));
        self
    }

    pub fn sfi(mut self, sfi: Option<u8>) -> F {
        self.0.short_efid = Some(sfi.map(|sfi| sfi << 3).into_iter().collect());
        self
    }

    pub fn pattern(mut self, fill: Option<&str>, repeat: Option<&str>) -> F {
        self.0.proprietary_ef_info = Some(ProprietaryInfo {
            special_file_information: [0],
            fill_pattern: fill.map(hex),
            repeat_pattern: repeat.map(hex),
            maximum_file_size: None,
            file_details: [1],
            extensions: Default::default(),
        });
        self
    }

    pub fn write(mut self, hex_text: &str) -> F {
        self.1.push(FileCommand::FillFileContent(hex(hex_text)));
        self
    }

    pub fn skip(mut self, octets: i64) -> F {
        self.1.push(FileCommand::FillFileOffset(octets));
        self
    }

    pub fn member(self, member: u8) -> TemplateFile {
        let mut file = vec![FileCommand::FileDescriptor(self.0)];
        file.extend(self.1);
        TemplateFile { member, file }
    }

    /// For generic file management.
    pub fn commands(self) -> Vec<FileManagementCommand> {
        let mut commands = vec![FileManagementCommand::CreateFcp(self.0)];
        commands.extend(self.1.into_iter().map(|command| match command {
            FileCommand::FillFileContent(octets) => FileManagementCommand::FillFileContent(octets),
            FileCommand::FillFileOffset(skip) => FileManagementCommand::FillFileOffset(skip),
            other => panic!("{other:?}"),
        }));
        commands
    }
}

/// Records of an EF.ARR padded to 40 octets; the numbers are those of the
/// templates' rules.
pub fn arr() -> F {
    let adm = "A40683010A950108";
    let pin = "A406830101950108";
    let pin2 = "A406830181950108";
    let records = [
        format!("8001019000800102{pin}800158{adm}"),
        format!("800101{pin}80015A{adm}"),
        format!("80015B{adm}"),
        "8001019000800102970080015A9700".into(),
        format!("800103{pin}800158{adm}"),
        format!("800111{pin}80014A{adm}"),
        format!("800103{pin}800158{adm}840132{pin}"),
        format!("800101{pin}800102{pin2}800158{adm}"),
        format!("800101900080011A{pin}800140{adm}"),
        format!("800101900080015A{adm}"),
        format!("8001019000800118{adm}8001429700"),
        format!("800101{pin}80015A9700"),
        format!("800113{pin}800148{adm}"),
        format!("80015E{adm}"),
    ];
    let octets: String = records
        .iter()
        .map(|record| format!("{record:F<80}"))
        .collect();
    F::new().descriptor("42210028").size(14 * 40).write(&octets)
}

pub fn header(identification: i64) -> PeHeader {
    PeHeader::mandated(identification)
}

fn template(number: &str, identification: i64, files: Vec<TemplateFile>) -> TemplateElement {
    TemplateElement {
        header: header(identification),
        template_id: format!("2.23.143.1.2.{number}").parse().unwrap(),
        files,
    }
}

pub fn no_services() -> ServicesList {
    ServicesList::from_der(&[0x30, 0x00]).unwrap()
}

pub fn profile_header() -> ProfileHeader {
    let oid = |text: &str| format!("2.23.143.1.2.{text}").parse().unwrap();
    ProfileHeader {
        major_version: 2,
        minor_version: 3,
        profile_type: None,
        iccid: hex("8999970000000000027F").try_into().unwrap(),
        pol: None,
        euicc_mandatory_services: ServicesList {
            usim: Some(Null),
            milenage: Some(Null),
            ..no_services()
        },
        euicc_mandatory_gfste_list: vec![oid("1"), oid("4.2"), oid("5"), oid("8")],
        connectivity_parameters: None,
        euicc_mandatory_aids: None,
        iot_options: None,
        extensions: Default::default(),
    }
}

fn mf() -> TemplateElement {
    let dir = format!("61124F0C{USIM_AID}500255534D");
    let files = vec![
        F::new().pins("010A").member(2),
        F::new().write("989979000000000020F7").member(4),
        F::new()
            .descriptor("42210018")
            .size(0x18)
            .write(&dir)
            .member(5),
        arr().member(6),
    ];
    template("1", 1, files)
}

fn usim() -> TemplateElement {
    // Services 2 (FDN), 27 (GSM access), 38 (GSM security context), 68 (GBA).
    let ust = "0200000420000000080000000000000000";
    let files = vec![
        F::new().fid(0x7FD0).aid(USIM_AID).pins("01810A").member(2),
        F::new().write("089999070000000010").member(3),
        arr().member(4),
        F::new().write(ust).member(8),
        F::new().pattern(Some("0153696DFF"), None).member(13),
        F::new().write("00").member(14),
        F::new().write("0002").member(18),
        F::new()
            .descriptor("42210004")
            .size(8)
            .skip(4)
            .write("11F2FF00")
            .member(22),
        TemplateFile {
            member: 23,
            file: vec![FileCommand::DoNotCreate(Null)],
        },
    ];
    template("4.2", 4, files)
}

fn opt_usim() -> TemplateElement {
    let files = vec![
        F::new().descriptor("46210003").size(9).member(4),
        F::new().member(7),
        F::new().pattern(None, Some("62F210")).member(58),
    ];
    template("5", 5, files)
}

fn isim() -> TemplateElement {
    let files = vec![
        F::new().fid(0x7FB0).aid(ISIM_AID).pins("01810A").member(2),
        F::new().size(8).write("8006612E622E6363").member(3),
        F::new().descriptor("42210010").size(0x10).member(4),
        F::new().size(8).member(5),
        F::new().write("00").member(6),
        arr().member(8),
    ];
    template("8", 8, files)
}

fn pin(reference: i64, digits: &str, puk: Option<i64>, attributes: i64) -> PinConfiguration {
    let mut value = digits.as_bytes().to_vec();
    value.resize(8, 0xFF);
    PinConfiguration {
        key_reference: reference,
        pin_value: Secret(value),
        unblocking_pin_reference: puk,
        pin_attributes: attributes,
        max_num_of_attemps_retry_num_left: 0x33,
        extensions: Default::default(),
    }
}

fn pins(identification: i64, pins: Vec<PinConfiguration>) -> ProfileElement {
    ProfileElement::PinCodes(PinCodes {
        header: header(identification),
        pin_codes: PinCodesChoice::PinConfig(pins),
        extensions: Default::default(),
    })
}

fn puks() -> ProfileElement {
    let puk = |reference, digit| PukConfiguration {
        key_reference: reference,
        puk_value: Secret(vec![digit; 8]),
        max_num_of_attemps_retry_num_left: 0xAA,
        extensions: Default::default(),
    };
    ProfileElement::PukCodes(PukCodes {
        header: header(2),
        puk_codes: vec![puk(1, b'1'), puk(129, b'2')],
        extensions: Default::default(),
    })
}

pub fn milenage() -> AlgoParameter {
    AlgoParameter {
        algorithm_id: AlgorithmId::MILENAGE,
        algorithm_options: [0],
        key: Secret(hex(K)),
        opc: Secret(hex(OPC)),
        rotation_constants: DEFAULT_ROTATION_CONSTANTS,
        xoring_constants: default_xoring_constants(),
        auth_counter_max: None,
        number_of_keccak: 1,
        extensions: Default::default(),
    }
}

pub fn aka(identification: i64, algo_configuration: AlgoConfiguration) -> AkaParameter {
    AkaParameter {
        header: header(identification),
        algo_configuration,
        sqn_options: [2],
        sqn_delta: [0, 0, 0x10, 0, 0, 0],
        sqn_age_limit: [0, 0, 0x10, 0, 0, 0],
        sqn_init: None,
        extensions: Default::default(),
    }
}

/// A directory next to the MF's with one file of each kind, and links.
fn generic() -> ProfileElement {
    let path = |text| FileManagementCommand::FilePath(hex(text));
    let df = F::new()
        .descriptor("7821")
        .fid(0x7F66)
        .rule("0E")
        .pins("010A");
    let ef = |fid, descriptor| F::new().fid(fid).descriptor(descriptor);
    let mut commands = vec![path("")];
    commands.extend(df.commands());
    let open = "2F060A";
    let files = [
        ef(0x6F10, "4121")
            .size(300)
            .rule("2F0605")
            .write("0102")
            .skip(2)
            .write("05"),
        ef(0x6F11, "42210004")
            .size(12)
            .rule("2F0605")
            .pattern(Some("00FF"), None),
        ef(0x6F12, "46210003")
            .size(9)
            .rule("2F0607")
            .pattern(None, Some("00")),
        ef(0x6F13, "7921").size(600).rule("2F0605"),
        ef(0x6F14, "4121").size(2).rule("2F0604"),
        ef(0x6F15, "4121").rule(open).link("7FD06F07").sfi(None),
    ];
    commands.extend(files.into_iter().flat_map(F::commands));
    ProfileElement::GenericFileManagement(GenericFileManagement {
        header: header(11),
        file_management_cmd: vec![commands],
        extensions: Default::default(),
    })
}

/// The package: MF, USIM with Milenage, ISIM that shares its parameters, and
/// files by generic file management.
pub fn package() -> Vec<ProfileElement> {
    let mapping = AlgoConfiguration::MappingParameter(MappingParameter {
        mapping_options: [6],
        mapping_source: hex(USIM_AID),
        extensions: Default::default(),
    });
    vec![
        ProfileElement::Header(profile_header()),
        ProfileElement::Mf(mf()),
        puks(),
        pins(
            3,
            vec![pin(1, "1234", Some(1), 7), pin(10, "12345678", None, 3)],
        ),
        ProfileElement::Usim(usim()),
        ProfileElement::OptUsim(opt_usim()),
        pins(6, vec![pin(129, "9999", Some(129), 3)]),
        ProfileElement::AkaParameter(aka(7, AlgoConfiguration::AlgoParameter(milenage()))),
        ProfileElement::Isim(isim()),
        ProfileElement::PinCodes(PinCodes {
            header: header(9),
            pin_codes: PinCodesChoice::FilePath(hex("7FD0")),
            extensions: Default::default(),
        }),
        ProfileElement::AkaParameter(aka(10, mapping)),
        generic(),
        ProfileElement::End(End {
            header: header(12),
            extensions: Default::default(),
        }),
    ]
}

/// The card of [`package`].
pub fn card() -> Uicc {
    install_elements(&package()).unwrap().0
}

/// VERIFY PIN 1.
pub fn verify_pin(card: &mut Uicc) {
    assert_eq!(send(card, "002000010831323334FFFFFFFF"), "9000");
}

//! Rules on what the files of a USIM say, and whether they agree.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use rsp_asn1::Reader;
use rsp_asn1::ids::{Imsi, Plmn};
use rsp_asn1::saip::ProfileElement;

use super::catalogue::{Shape, fid};
use super::check::Findings;
use super::ef::{SuciCalcInfo, plmns, plmns_with_act};
use super::files::{find, in_mf};
use super::network_files::has_service;
use super::tree::Node;
use super::{MncLength, Rule};

/// Checks every USIM of a package, and the list of applications.
pub(super) fn check(elements: &[ProfileElement], nodes: &[Node<'_>], out: &mut Findings) {
    let adfs = nodes.iter().filter(|node| node.name == Some("ADF.USIM"));
    for adf in adfs {
        let usim = Usim {
            adf,
            nodes,
            element: elements.get(adf.element),
        };
        if let Some(table) = usim.image(&[fid::UST]) {
            usim.check_services(&table, out);
            usim.check_enabled(&table, out);
            usim.check_suci(&table, elements, out);
        }
        usim.check_networks(out);
    }
    check_list(elements, nodes, out);
}

struct Usim<'a> {
    adf: &'a Node<'a>,
    nodes: &'a [Node<'a>],
    element: Option<&'a ProfileElement>,
}

/// A service of EF.UST and files that it stands for, with their directory.
type ServiceRow = (usize, &'static [&'static [u16]]);

/// 3GPP TS 31.102 4.2.8, as far as the files' own sections name a service.
const SERVICES: [ServiceRow; 64] = [
    (2, &[&[0x6F3B]]),
    (3, &[&[0x6F4B]]),
    (4, &[&[0x6F49]]),
    (5, &[&[0x6F4C]]),
    (6, &[&[0x6F4D]]),
    (7, &[&[0x6F55]]),
    (8, &[&[0x6F81], &[0x6F83]]),
    (9, &[&[0x6F80], &[0x6F82]]),
    (10, &[&[0x6F3C], &[0x6F43]]),
    (11, &[&[0x6F47]]),
    (12, &[&[0x6F42]]),
    (13, &[&[0x6F37], &[0x6F39], &[0x6F41]]),
    (14, &[&[0x6F4F]]),
    (15, &[&[0x6F45]]),
    (16, &[&[0x6F50]]),
    (17, &[&[0x6F3E]]),
    (18, &[&[0x6F3F]]),
    (19, &[&[0x6F46]]),
    (20, &[&[0x6F60]]),
    (21, &[&[0x6F40]]),
    (24, &[&[0x6FB5]]),
    (25, &[&[0x6FB6]]),
    (27, &[&[0x5F3B, 0x4F20], &[0x5F3B, 0x4F52]]),
    (29, &[&[0x6F48]]),
    (34, &[&[0x6F56]]),
    (35, &[&[0x6F57]]),
    (36, &[&[0x6F2C]]),
    (37, &[&[0x6F32]]),
    (39, &[&[0x5F3B, 0x4F63]]),
    (40, &[&[0x5F3B, 0x4F64]]),
    (42, &[&[0x6F61]]),
    (43, &[&[0x6F62]]),
    (44, &[&[0x6F4E]]),
    (45, &[&[0x6FC5]]),
    (46, &[&[0x6FC6]]),
    (47, &[&[0x6FC7], &[0x6FC9]]),
    (48, &[&[0x6FCA]]),
    (49, &[&[0x6FCB]]),
    (51, &[&[0x6FCD]]),
    (52, &[&[0x6FCE], &[0x6FD0]]),
    (53, &[&[0x6FCF]]),
    (56, &[&[0x6FD3]]),
    (57, &[&[0x6FB1], &[0x6FB2]]),
    (58, &[&[0x6FB3], &[0x6FB4]]),
    (71, &[&[0x6FD9]]),
    (73, &[&[0x6FDB]]),
    (74, &[&[0x6FDC]]),
    (78, &[&[0x6FDE]]),
    (79, &[&[0x6FDF]]),
    (85, &[&[0x6FE3], &[0x6FE4]]),
    (96, &[&[0x6FE8]]),
    (97, &[&[0x6FEC]]),
    (114, &[&[0x6FF7]]),
    (117, &[&[0x6FF9]]),
    (120, &[&[0x6FFC]]),
    (121, &[&[0x6FFD]]),
    (
        122,
        &[
            &[0x5FC0, 0x4F01],
            &[0x5FC0, 0x4F02],
            &[0x5FC0, 0x4F03],
            &[0x5FC0, 0x4F04],
        ],
    ),
    (123, &[&[0x5FC0, 0x4F05]]),
    (126, &[&[0x5FC0, 0x4F06]]),
    (129, &[&[0x5FC0, 0x4F08]]),
    (130, &[&[0x5FC0, 0x4F09]]),
    (132, &[&[0x5FC0, 0x4F0B]]),
    (135, &[&[0x5FC0, 0x4F0C]]),
    (137, &[&[0x5FC0, 0x4F0D]]),
];

impl<'a> Usim<'a> {
    fn file(&self, path: &[u16]) -> Option<&'a Node<'a>> {
        find(self.nodes, &self.adf.path, path)
    }

    fn image(&self, path: &[u16]) -> Option<Vec<u8>> {
        self.file(path)?.image().ok()
    }

    /// Contents, if something is written.
    fn filled(&self, path: &[u16]) -> Option<Vec<u8>> {
        let image = self.image(path)?;
        image.iter().any(|octet| *octet != 0xFF).then_some(image)
    }

    fn add(&self, rule: Rule, problem: impl Into<String>, remedy: &str, out: &mut Findings) {
        out.add(rule, self.element, problem, remedy);
    }

    /// Every service has its files, and files that the package gives have
    /// their service.
    fn check_services(&self, table: &[u8], out: &mut Findings) {
        for (service, files) in &SERVICES {
            let available = has_service(table, *service);
            let missing = files.iter().filter(|path| self.file(path).is_none());
            let missing: Vec<String> = missing.map(|path| hex_path(path)).collect();
            if available && !missing.is_empty() {
                self.add(
                    Rule::ServiceFile,
                    format!(
                        "EF.UST has service {service}, but not its file {}",
                        missing.join(", ")
                    ),
                    "create the file, or take the service out of EF.UST",
                    out,
                );
            }
            let given = files
                .iter()
                .filter_map(|path| self.file(path))
                .find(|n| n.given);
            if let (false, Some(node)) = (available, given) {
                let name = node.name.unwrap_or("a file");
                self.add(
                    Rule::FileService,
                    format!("{name} is there, but not its service {service} in EF.UST"),
                    "set the service, or leave the file out: devices do not look for it",
                    out,
                );
            }
        }
    }

    /// What EF.EST enables, EF.UST has.
    fn check_enabled(&self, table: &[u8], out: &mut Findings) {
        let enabled = self.image(&[fid::EST]);
        let enabled = enabled
            .and_then(|image| image.first().copied())
            .unwrap_or(0);
        for (bit, service, name) in [
            (0x01, 2, "fixed dialling numbers"),
            (0x02, 6, "barred dialling numbers"),
            (0x04, 35, "the list of access point names"),
        ] {
            if enabled & bit != 0 && !has_service(table, service) {
                self.add(
                    Rule::ServiceTable,
                    format!("EF.EST enables {name}, but EF.UST has no service {service}"),
                    "clear the bit of EF.EST, or set the service",
                    out,
                );
            }
        }
        if !has_service(table, 33) {
            self.add(
                Rule::ServiceTable,
                "service 33 of EF.UST is not set",
                "set it: the standard has it always set",
                out,
            );
        }
    }

    /// Services 124 and 125 and the files that they need.
    fn check_suci(&self, table: &[u8], elements: &[ProfileElement], out: &mut Findings) {
        let (privacy, by_usim) = (has_service(table, 124), has_service(table, 125));
        let device = [fid::DF_5GS, fid::SUCI_CALC_INFO];
        let card = [fid::DF_SAIP, fid::SUCI_CALC_INFO_USIM];
        if by_usim && !privacy {
            self.add(
                Rule::ServiceTable,
                "EF.UST has service 125 without 124",
                "set service 124: the USIM calculates the SUCI only where there is one",
                out,
            );
        }
        let path = if by_usim { &card } else { &device };
        if privacy && self.file(path).is_none() {
            self.add(
                Rule::Suci,
                format!(
                    "service 124 is set, but there is no file {}",
                    hex_path(path)
                ),
                "create EF.SUCI_Calc_Info, in DF.5GS for the device or in DF.SAIP for the USIM",
                out,
            );
        }
        if privacy && self.file(&[fid::DF_5GS, fid::ROUTING_INDICATOR]).is_none() {
            self.add(
                Rule::ServiceFile,
                "service 124 is set, but there is no EF.Routing_Indicator",
                "create it in DF.5GS",
                out,
            );
        }
        for path in [&device, &card] {
            if let Some(contents) = self.filled(path) {
                self.check_information(path, &contents, out);
            }
        }
        if by_usim {
            self.check_mandated(elements, out);
        }
    }

    fn check_information(&self, path: &[u16], contents: &[u8], out: &mut Findings) {
        let problem = match SuciCalcInfo::from_ef(contents) {
            Some(info) => info.problem(),
            None => Some("contents that are no list of schemes and keys"),
        };
        if let Some(problem) = problem {
            self.add(
                Rule::Suci,
                format!("EF.SUCI_Calc_Info ({}) has {problem}", hex_path(path)),
                "code it as 3GPP TS 31.102 4.4.11.8 says",
                out,
            );
        }
    }

    /// A USIM that calculates is asked with GET IDENTITY.
    fn check_mandated(&self, elements: &[ProfileElement], out: &mut Findings) {
        let Some(ProfileElement::Header(header)) = elements.first() else {
            return;
        };
        if header.euicc_mandatory_services.get_identity.is_none() {
            self.add(
                Rule::ServiceUndeclared,
                "service 125 is set, but the header does not mandate get-identity",
                "mandate get-identity, and the profiles of ECIES that are used",
                out,
            );
        }
    }

    /// EF.AD, EF.ACC and lists of networks against the IMSI.
    fn check_networks(&self, out: &mut Findings) {
        let imsi = self.image(&[fid::IMSI]);
        let Some(imsi) = imsi.and_then(|image| Imsi::from_ef(&image).ok()) else {
            return;
        };
        let last = imsi.as_str().bytes().last().unwrap_or(b'0') & 15;
        let class = (1u16 << last).to_be_bytes();
        if self.image(&[fid::ACC]).is_some_and(|acc| acc != class) {
            let [high, low] = class;
            self.add(
                Rule::AccessClass,
                format!("EF.ACC is not {high:02X}{low:02X}, the class of the IMSI's last digit"),
                "right where classes are dealt out otherwise; devices of one class are barred \
                 together",
                out,
            );
        }
        let contents = self.image(&[fid::AD]).filter(|image| !image.is_empty());
        let length = match contents {
            // What the template fills in by default.
            None => MncLength::Two,
            Some(contents) => match MncLength::from_ef_ad(&contents) {
                Some(length) => length,
                None => {
                    self.add(
                        Rule::MncLength,
                        "EF.AD does not say whether the MNC has 2 or 3 digits",
                        "set its fourth octet to 02 or 03",
                        out,
                    );
                    return;
                }
            },
        };
        self.check_length(&imsi, length, out);
    }

    fn check_length(&self, imsi: &Imsi, length: MncLength, out: &mut Findings) {
        let mcc: u16 = imsi
            .as_str()
            .get(..3)
            .unwrap_or_default()
            .parse()
            .unwrap_or(0);
        let digits = u8::from(length);
        let usual = match mcc {
            200..300 => MncLength::Two,
            mcc if THREE_DIGITS.contains(&mcc) => MncLength::Three,
            _ => length,
        };
        if usual != length {
            self.add(
                Rule::MncLength,
                format!("EF.AD says that the MNC has {digits} digits, unusual with MCC {mcc}"),
                "set the fourth octet of EF.AD to the length of the MNC",
                out,
            );
        }
        let mut homes: Vec<Plmn> = plmns(&self.image(&[fid::EHPLMN]).unwrap_or_default());
        let with_act = self.image(&[fid::HPLMN_W_ACT]).unwrap_or_default();
        homes.extend(plmns_with_act(&with_act).iter().map(|entry| entry.plmn));
        let own = length.plmn(imsi);
        let other = match length {
            MncLength::Two => MncLength::Three,
            MncLength::Three => MncLength::Two,
        };
        let other = other.plmn(imsi);
        if own.is_some_and(|own| !homes.contains(&own))
            && let Some(home) = homes.iter().find(|home| Some(**home) == other)
        {
            let home = home.to_string();
            self.add(
                Rule::MncLength,
                format!("EF.AD says that the MNC has {digits} digits, the home network is {home}"),
                "let EF.AD, EF.HPLMNwAcT and EF.EHPLMN name the same network",
                out,
            );
        }
    }
}

/// Countries whose networks all have an MNC of three digits (ITU-T E.212).
const THREE_DIGITS: [u16; 24] = [
    302, 310, 311, 312, 313, 314, 315, 316, 334, 338, 342, 344, 346, 348, 352, 354, 356, 358, 360,
    365, 366, 376, 708, 732,
];

fn hex_path(path: &[u16]) -> String {
    let names: Vec<String> = path.iter().map(|fid| format!("{fid:04X}")).collect();
    names.join("/")
}

/// EF.DIR names every ADF: devices find the USIM there.
fn check_list(elements: &[ProfileElement], nodes: &[Node<'_>], out: &mut Findings) {
    let Some(directory) = in_mf(nodes, fid::DIR) else {
        return;
    };
    let (Shape::Linear(_, length), Ok(image)) = (directory.shape, directory.image()) else {
        return;
    };
    let records = image.chunks(length.max(1));
    let listed: Vec<&[u8]> = records.filter_map(application_identifier).collect();
    for node in nodes {
        let aid = node.fcp.and_then(|fcp| fcp.df_name.as_deref());
        let Some(aid) = aid.filter(|_| node.shape == Shape::Application) else {
            continue;
        };
        if !listed.contains(&aid) {
            let name = node.name.unwrap_or("an ADF");
            out.add(
                Rule::ApplicationList,
                elements.get(node.element),
                format!("EF.DIR does not name the AID of {name}"),
                "add a record with its AID: devices look for applications there",
            );
        }
    }
}

/// The AID of a record of EF.DIR.
fn application_identifier(record: &[u8]) -> Option<&[u8]> {
    let template = Reader::new(record).tlv().ok()?;
    if template.tag.get() != 0x61 {
        return None;
    }
    let aid = template.reader().tlv().ok()?;
    (aid.tag.get() == 0x4F).then_some(aid.value)
}

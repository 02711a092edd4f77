//! Orders on packages of the field, and what inspection calls their files.

extern crate std;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use rsp_asn1::saip::{FileManagementCommand, ProfileElement, decode_package, encode_package};

use super::builder_tests::{MILENAGE, order, says, unexpected};
use super::tests::packages;
use super::*;

#[test]
fn orders_fill_packages_of_the_field() {
    for (name, package) in packages("orders_fill_packages_of_the_field") {
        let mut subscription = order(MILENAGE);
        if name.ends_with("minimal-profile.der") {
            // It has no PUK2 and the like, and too few access rules.
            continue;
        }
        // Their security domain has keys of 3DES with the same identifiers.
        let sd_keys = subscription.sd_keys.take();
        assert!(sd_keys.is_some());
        let made = personalise(&package, &subscription);
        let made = made.unwrap_or_else(|error| panic!("{name}: {error}"));
        let expected = [Rule::ServiceUndeclared];
        assert_eq!(unexpected(&made, &expected), [] as [String; 0], "{name}");
        let report = inspect(&made, false).unwrap();
        let kinds = |e: &[ElementReport]| -> Vec<&str> {
            let names = e.iter().map(|e| e.name.kind);
            names.filter(|kind| *kind != "df-5gs").collect()
        };
        let before = inspect(&package, false).unwrap();
        assert_eq!(kinds(&report.elements), kinds(&before.elements), "{name}");
        assert_eq!(report.identity.plmn.as_deref(), Some("310-260"), "{name}");
        assert_eq!(says(&report, "EF.ACL"), "iot.example m2m", "{name}");
    }
}

/// The package of SAIP 2.1 creates DF.5GS by commands.
#[test]
fn files_that_commands_create_are_filled() {
    for (name, package) in packages("files_that_commands_create_are_filled") {
        if !name.contains("SAIP2.1") {
            continue;
        }
        for by_usim in [false, true] {
            let mut subscription = order(MILENAGE);
            subscription.sd_keys = None;
            if by_usim {
                subscription.files.five_g.suci_by = SuciBy::Usim;
            }
            let made = personalise(&package, &subscription).unwrap();
            let report = inspect(&made, false).unwrap();
            let file = |fid: &str| {
                let path = format!("3F00/7FD0/{fid}");
                let mut files = report.files.iter().filter(|file| file.path == path);
                let file = files.next().unwrap();
                assert!(files.next().is_none(), "{path} is there twice");
                file
            };
            let suci = match by_usim {
                false => file("5FC0/4F07"),
                true => file("5FD0/4F01"),
            };
            let says = suci.says.as_deref().unwrap();
            assert!(says.contains("profile-"), "{says}");
            // EF.SUCI_Calc_Info is exactly its contents; the others keep their size.
            let info = subscription.files.five_g.suci_calc_info().unwrap();
            assert_eq!(suci.size, info.to_ef().len());
            assert!(file("5FC0/4F0A").says.is_some());
            assert_eq!(file("5FC0/4F06").size, 4);
            assert_eq!(file("5FC0/4F01").size, 20);
            let expected = [Rule::ServiceUndeclared];
            assert_eq!(unexpected(&made, &expected), [] as [String; 0]);
        }
        // A file that the directory lacks cannot be made up.
        let mut elements = decode_package(&package).unwrap();
        for element in &mut elements {
            if let ProfileElement::GenericFileManagement(gfm) = element {
                for commands in &mut gfm.file_management_cmd {
                    for command in commands {
                        if let FileManagementCommand::CreateFcp(fcp) = command
                            && fcp.file_id == Some([0x4F, 0x0A])
                        {
                            fcp.file_id = Some([0x4F, 0x7A]);
                        }
                    }
                }
            }
        }
        let mut subscription = order(MILENAGE);
        subscription.sd_keys = None;
        let refused = personalise(&encode_package(&elements), &subscription).unwrap_err();
        let said = refused.to_string();
        assert!(said.contains("EF.Routing_Indicator"), "{said}");
    }
}

#[test]
fn every_file_of_the_field_has_a_name() {
    for (name, package) in packages("every_file_of_the_field_has_a_name") {
        let report = inspect(&package, false).unwrap();
        // Packages have directories of their own, and EF.2FFB in the MF.
        let own = ["3F00/2FFB", "3F00/7F26", "3F00/7F66", "3F00/7FD0/7F66"];
        let of_standards = report
            .files
            .iter()
            .filter(|file| !own.iter().any(|prefix| file.path.starts_with(prefix)));
        let unnamed: Vec<&str> = of_standards
            .filter(|file| file.name.is_none())
            .map(|file| file.path.as_str())
            .collect();
        assert!(unnamed.is_empty(), "{name}: {unnamed:?}");
        if name.contains("TS48") {
            let named = |path: &str| report.files.iter().find(|file| file.path == path)?.name;
            // As its EF.PBR says, as DF.TELECOM of GSM and the USIM have it.
            assert_eq!(named("3F00/7F10/5F3A/4F3A"), Some("EF.ADN"), "{name}");
            assert_eq!(named("3F00/7F10/5F3A/4F12"), Some("EF.EXT1"), "{name}");
            assert_eq!(named("3F00/7F10/5F3A/4F4B"), Some("EF.AAS"), "{name}");
            assert_eq!(named("3F00/7F10/6F44"), Some("EF.LND"), "{name}");
            assert_eq!(named("3F00/7FD0/5F50"), Some("DF.HNB"), "{name}");
            assert_eq!(named("3F00/7FD0/5F50/4F81"), Some("EF.ACSGL"), "{name}");
        }
        let offsets = report.elements.iter().map(|e| e.offset + e.size);
        assert_eq!(offsets.max(), Some(package.len()));
    }
}

//! `simurgh profile inspect`.

use std::path::PathBuf;

use clap::Args;
use rsp_core::profile::{self, CodeReport, FileReport, Inspection};

use super::read_package;
use crate::Failure;
use crate::remote::output::{Output, json as print_json};

/// Explain a package.
#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// The package; - is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Show keys, PINs and PUKs
    #[arg(long)]
    show_secrets: bool,
    /// How to write it
    #[arg(long, value_enum, default_value = "table")]
    output: Output,
}

impl Inspect {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let package = read_package(&self.file)?;
        let inspection = profile::inspect(&package, self.show_secrets)
            .map_err(|error| Failure::new(self.file.display(), error))?;
        match self.output {
            Output::Json => print_json(&inspection),
            Output::Table => {
                print_header(&inspection);
                print_secrets(&inspection);
                print_applications(&inspection);
                print_elements(&inspection);
                print_files(&inspection.files);
                print_sizes(&inspection);
                Ok(())
            }
        }
    }
}

/// A line with a name in front.
fn row(name: &str, value: impl std::fmt::Display) {
    outln!("  {name:<22} {value}");
}

/// A line, if there is something to say.
fn optional(name: &str, value: Option<impl std::fmt::Display>) {
    if let Some(value) = value {
        row(name, value);
    }
}

fn print_header(inspection: &Inspection) {
    let (header, identity) = (&inspection.header, &inspection.identity);
    outln!("Profile");
    row("format", format!("SAIP {}", header.version));
    optional("type", header.profile_type.as_deref());
    row("ICCID", header.iccid);
    optional("IMSI", identity.imsi.as_ref());
    let length = identity.mnc_length.map_or_else(
        || "EF.AD does not say where the MNC ends".to_string(),
        |digits| format!("MNC of {digits} digits"),
    );
    optional(
        "network",
        identity
            .plmn
            .as_ref()
            .map(|plmn| format!("{plmn} ({length})")),
    );
    row("mandatory services", header.mandatory_services.join(" "));
    row("mandatory templates", header.mandatory_templates.join(" "));
    if !header.mandatory_aids.is_empty() {
        row("mandatory AIDs", header.mandatory_aids.join(", "));
    }
    optional("policy", header.policy.as_deref());
    let octets = header.connectivity_parameters;
    optional(
        "connectivity",
        octets.map(|octets| format!("{octets} octets")),
    );
    optional("PIX", header.iot_pix.as_deref());
}

fn print_secrets(inspection: &Inspection) {
    outln!("\nAuthentication");
    for algorithm in &inspection.algorithms {
        let bits = algorithm.key_bits.map(|bits| format!("K of {bits} bits"));
        let facts: Vec<String> = bits.into_iter().chain(algorithm.remarks.clone()).collect();
        let name = algorithm.element.to_string();
        row(
            &name,
            format!("{}: {}", algorithm.algorithm, facts.join("; ")),
        );
        optional("  K", algorithm.k.as_deref());
        optional("  OPc or TOPc", algorithm.opc.as_deref());
    }
    outln!("\nCodes");
    for code in &inspection.codes {
        row(&code.name, status(code));
    }
    outln!("\nKeys of security domains");
    for key in &inspection.keys {
        let name = format!("version {:02X}, key {}", key.version, key.identifier);
        let value = key.value.as_ref().map(|value| format!(" {value}"));
        let value = value.unwrap_or_default();
        row(&name, format!("{}, {}{value}", key.kind, key.used_by));
    }
}

fn status(code: &CodeReport) -> String {
    let (all, left) = code.tries;
    let state = match (left, code.enabled) {
        (0, _) => "blocked".to_string(),
        (_, true) => "enabled".to_string(),
        (_, false) => "disabled".to_string(),
    };
    let mut text = format!("{state}, {left} of {all} tries left, in {}", code.element);
    if let Some(puk) = &code.unblocked_by {
        text.push_str(&format!(", unblocked by {puk}"));
    }
    if let Some(value) = &code.value {
        text.push_str(&format!(": {value}"));
    }
    text
}

fn print_applications(inspection: &Inspection) {
    outln!("\nApplications");
    for application in &inspection.applications {
        let facts = format!("{}, {}", application.aid, application.remarks);
        row(application.kind, facts);
    }
}

fn print_elements(inspection: &Inspection) {
    outln!("\nElements");
    outln!(
        "  {:>7} {:>6}  {:<26} what it does",
        "offset",
        "octets",
        "element"
    );
    for element in &inspection.elements {
        let name = element.name.to_string();
        let optional = if element.mandated {
            ""
        } else {
            " (may be skipped)"
        };
        let optional = if element.name.identification.is_some() {
            optional
        } else {
            ""
        };
        let (offset, size) = (element.offset, element.size);
        outln!(
            "  {offset:>7} {size:>6}  {name:<26} {}{optional}",
            element.does
        );
    }
}

fn print_files(files: &[FileReport]) {
    outln!("\nFiles");
    for file in files {
        let fid = file.path.rsplit('/').next().unwrap_or_default();
        let name = format!(
            "{:indent$}{} {fid}",
            "",
            file.name.unwrap_or("(unnamed)"),
            indent = file.depth * 2
        );
        outln!("  {name:<34} {}", described(file));
    }
}

fn described(file: &FileReport) -> String {
    let mut text = match (&file.link, &file.records, &file.aid) {
        (Some(link), ..) => format!("link to {link}"),
        (_, Some((records, length)), _) => {
            format!("{} {records} x {length}", file.structure)
        }
        (_, _, Some(aid)) => format!("{} {aid}", file.structure),
        _ if file.size > 0 => format!("{} {}", file.structure, file.size),
        _ => file.structure.to_string(),
    };
    if !file.given {
        text.push_str(", as the template has it");
    }
    if let Some(says) = &file.says {
        text.push_str(&format!(": {says}"));
    }
    text
}

fn print_sizes(inspection: &Inspection) {
    let sizes = &inspection.sizes;
    outln!("\nSizes");
    row(
        "package",
        format!("{} octets, {} elements", sizes.package, sizes.elements),
    );
    row(
        "files",
        format!("{} octets in {} files", sizes.file_contents, sizes.files),
    );
    if sizes.load_blocks > 0 {
        let [code, data, volatile] = sizes.memory_quota;
        row(
            "load blocks",
            format!(
                "{} octets; they ask for {code} of code, {data} of data, {volatile} of memory",
                sizes.load_blocks
            ),
        );
    }
}

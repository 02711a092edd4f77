//! `simurgh profile`: packages in files, and profiles on devices.

mod build;
mod inspect;
mod lint;

use std::io::Read;
use std::path::Path;

use clap::Subcommand;
use rsp_core::profile::{MAX_PACKAGE_FILE, package_of_file};

use crate::Failure;
use crate::remote::profile::OnDevice;
use crate::remote::stock::Stock;

pub(crate) use build::read_table;

/// What can be done with profiles.
#[derive(Debug, Subcommand)]
pub(crate) enum ProfileCommand {
    /// Make a subscription's package out of a template
    ///
    /// The template is the built-in one (a USIM with Milenage) or any SAIP
    /// package, such as those of GSMA TS.48. Elements that the order needs and
    /// the template lacks are added; services of EF.UST and of the header
    /// follow. `simurgh profile build --example > sub.toml` writes a commented
    /// order.
    Build(build::Build),
    /// Explain a package: what it is, what each element does, its files
    ///
    /// Reads DER, and DER in hexadecimal, base64 or PEM. Keys, PINs and PUKs
    /// are shown only with --show-secrets.
    Inspect(inspect::Inspect),
    /// Check a package against SAIP and the 3GPP file formats
    ///
    /// Errors are what an eUICC would refuse or could not use; warnings work but
    /// are probably not meant; notes are worth knowing. Ends with 1 if there are
    /// errors, with --strict also if there are warnings.
    Lint(lint::Lint),
    /// Put profiles into the stock of the SM-DP+, from where operators order
    ///
    /// The first profiles of a type say how all of it are ordered and
    /// delivered; more of the type must say the same.
    Stock(Box<Stock>),
    #[command(flatten)]
    OnDevice(OnDevice),
}

impl ProfileCommand {
    /// Does it.
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            ProfileCommand::Build(build) => build.run(),
            ProfileCommand::Inspect(inspect) => inspect.run(),
            ProfileCommand::Lint(lint) => lint.run(),
            ProfileCommand::Stock(stock) => stock.run(),
            ProfileCommand::OnDevice(command) => command.run(),
        }
    }
}

/// The package in a file; `-` is standard input.
pub(crate) fn read_package(path: &Path) -> Result<Vec<u8>, Failure> {
    let name = path.display();
    let mut contents = Vec::new();
    // One octet more, so that what is too large is seen to be.
    let limit = MAX_PACKAGE_FILE as u64 + 1;
    let read = match path.to_str() {
        Some("-") => std::io::stdin().take(limit).read_to_end(&mut contents),
        _ => std::fs::File::open(path).and_then(|file| file.take(limit).read_to_end(&mut contents)),
    };
    read.map_err(|error| Failure::new(format!("cannot read {name}"), error))?;
    package_of_file(&contents).map_err(|error| Failure::new(name, error))
}

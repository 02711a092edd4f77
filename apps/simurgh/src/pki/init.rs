//! `simurgh pki init`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};
use rsp_asn1::Certificate;
use rsp_asn1::ids::Eid;
use rsp_core::pki::{Eum, Hierarchy, Issued, member};
use rsp_crypto::software::{Sealer, SoftwareKey, SoftwareProvider};
use rsp_crypto::{Curve, SigningKey};

use crate::{Failure, files, key_file, shell};

/// Names in certificates.
#[derive(Debug, Args)]
pub(crate) struct Names {
    /// Host name of the eIM
    #[arg(long, default_value = "eim.simurgh.test", value_name = "HOST")]
    pub(crate) eim: String,
    /// Host name of the SM-DP+
    #[arg(long, default_value = "smdp.simurgh.test", value_name = "HOST")]
    pub(crate) smdp: String,
    /// Host name of the SM-DS
    #[arg(long, default_value = "smds.simurgh.test", value_name = "HOST")]
    smds: String,
    /// Host name of the API
    #[arg(long, default_value = "localhost", value_name = "HOST")]
    door: String,
    /// Organization in all certificates
    #[arg(long, default_value = "Simurgh Test", value_name = "NAME")]
    organization: String,
    /// First eight digits of the EIDs under the test EUM
    #[arg(long, default_value = "89049032", value_name = "DIGITS", value_parser = eid_prefix)]
    eid_prefix: String,
    /// Curve of the certificates; TLS is always on P-256
    #[arg(long, default_value = "p256")]
    curve: Curves,
}

/// Curves of a hierarchy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Curves {
    /// NIST P-256
    P256,
    /// brainpoolP256r1
    Brainpool,
    /// A CI on each: P-256 in the folder itself, brainpoolP256r1 in `brainpool` below it
    Both,
}

/// Make a test hierarchy.
#[derive(Debug, Args)]
pub(crate) struct PkiInit {
    /// The folder for what a server reads; made if it is missing
    #[arg(long, default_value = "pki", value_name = "FOLDER")]
    dir: PathBuf,
    /// Seal all keys with this key file [default: plain PEM]
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// The folder for the keys of CI, EUM, eUICC, operator [default: `ca` beside the other]
    #[arg(long, value_name = "FOLDER")]
    ca: Option<PathBuf>,
    #[command(flatten)]
    names: Names,
}

impl PkiInit {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let beside = || self.dir.parent().unwrap_or(Path::new(".")).join("ca");
        let ca = self.ca.clone().unwrap_or_else(beside);
        let sealer = self.key_file.as_deref().map(key_file::read).transpose()?;
        let sealer = sealer.as_ref();
        write_hierarchy([&self.dir, &ca], &self.names, [sealer, sealer])?;
        outln!("wrote what a server reads to {}", self.dir.display());
        outln!("wrote the keys of the issuers to {}", ca.display());
        Ok(())
    }
}

/// Validity of what is issued: as long as a device lives.
const VALIDITY: Duration = Duration::from_secs(15 * 365 * 86_400);

/// Folder of the second CI.
const BRAINPOOL: &str = "brainpool";

/// Members whose keys no server reads.
const ISSUERS: [&str; 5] = [
    member::CI,
    member::EUM,
    member::EUICC,
    member::PRIVATE_CA,
    member::OPERATOR,
];

/// Members that are there once, however many CIs there are.
const ONCE: [&str; 6] = [
    member::DP_TLS,
    member::DS_TLS,
    member::EIM_TLS,
    member::PRIVATE_CA,
    member::OPERATOR,
    member::DOOR,
];

/// Writes a hierarchy on the chosen curves: what a server reads, and the keys
/// of issuers, each sealed or in plain PEM.
pub(crate) fn write_hierarchy(
    [server, ca]: [&Path; 2],
    names: &Names,
    sealers: [Option<&Sealer>; 2],
) -> Result<(), Failure> {
    for (folder, sealer) in [server, ca].iter().zip(sealers) {
        if sealer.is_none() {
            warn_of_plain(folder);
        }
    }
    let whole = |_: &str| true;
    let rsp = |member: &str| !ONCE.contains(&member);
    let write = |server: &Path, ca: &Path, issued: &[_], wanted: fn(&str) -> bool| {
        write(server, ca, issued, sealers, wanted)
    };
    match names.curve {
        Curves::P256 => write(server, ca, &issue(names, Curve::NistP256)?, whole),
        Curves::Brainpool => write(server, ca, &issue(names, Curve::BrainpoolP256r1)?, whole),
        Curves::Both => {
            write(server, ca, &issue(names, Curve::NistP256)?, whole)?;
            let brainpool = issue(names, Curve::BrainpoolP256r1)?;
            write(
                &server.join(BRAINPOOL),
                &ca.join(BRAINPOOL),
                &brainpool,
                rsp,
            )
        }
    }
}

fn issue(names: &Names, curve: Curve) -> Result<Vec<Issued<SoftwareKey>>, Failure> {
    let now = shell::now();
    let hierarchy = Hierarchy {
        curve,
        organization: names.organization.clone(),
        smdp_host: names.smdp.clone(),
        smds_host: names.smds.clone(),
        eim_host: host(&names.eim).to_string(),
        door_host: names.door.clone(),
        eid_prefix: names.eid_prefix.clone(),
        not_before: now,
        not_after: now.after(VALIDITY),
    };
    let failed = |error: &dyn std::fmt::Display| Failure::new("cannot issue certificates", error);
    let (mut keys, mut serials) = (shell::random()?, shell::random()?);
    let make_key = |curve| SoftwareKey::generate(curve, &mut keys);
    let mut issued = hierarchy
        .issue_all(make_key, &SoftwareProvider, &mut serials)
        .map_err(|error| failed(&error))?;
    let (certificate, key) = euicc(&issued, curve).map_err(|error| failed(&error))?;
    issued.push(Issued {
        member: member::EUICC,
        certificate,
        key,
    });
    Ok(issued)
}

/// A test eUICC, with the first EID of the EUM.
fn euicc(
    issued: &[Issued<SoftwareKey>],
    curve: Curve,
) -> Result<(Certificate, SoftwareKey), Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::new("the test eUICC", error);
    let eum = issued.iter().find(|issued| issued.member == member::EUM);
    let eum = eum.ok_or_else(|| failed(&"no EUM"))?;
    let issuer = Eum::new(eum.certificate.clone()).map_err(|error| failed(&error))?;
    let eid = Eid::with_check_digits(&format!("{}{:022}", issuer.eid_prefix, 0));
    let eid = eid.map_err(|error| failed(&error))?;
    let mut rng = shell::random()?;
    let key = SoftwareKey::generate(curve, &mut rng).map_err(|error| failed(&error))?;
    let public = SigningKey::public_key(&key).clone();
    let certificate = issuer
        .issue(eid, &public, &eum.key, &SoftwareProvider, &mut rng)
        .map_err(|error| failed(&error))?;
    Ok((certificate, key))
}

fn write(
    server: &Path,
    ca: &Path,
    issued: &[Issued<SoftwareKey>],
    [sealer, ca_sealer]: [Option<&Sealer>; 2],
    wanted: impl Fn(&str) -> bool,
) -> Result<(), Failure> {
    for folder in [server, ca] {
        std::fs::create_dir_all(folder)
            .map_err(|error| Failure::new(format!("cannot make {}", folder.display()), error))?;
    }
    for member in issued.iter().filter(|issued| wanted(issued.member)) {
        let issuer = ISSUERS.contains(&member.member);
        let (folder, sealer) = match issuer {
            true => (ca, ca_sealer),
            false => (server, sealer),
        };
        let file = |folder: &Path, ending| folder.join(format!("{}.{ending}", member.member));
        let key = file(folder, "key.pem");
        match sealer {
            Some(sealer) => key_file::write_sealed(&key, &member.key, sealer)?,
            None => files::write_key(&key, &member.key)?,
        }
        files::write_certificate(&file(folder, "pem"), &member.certificate)?;
        // Whom the server trusts.
        if matches!(member.member, member::CI | member::PRIVATE_CA) {
            files::write_certificate(&file(server, "pem"), &member.certificate)?;
        }
    }
    Ok(())
}

/// Said where it is made: nothing reminds of it later.
pub(super) fn warn_of_plain(path: &Path) {
    eprintln!(
        "warning: private keys in {} are in plain PEM: whoever reads them is who they name",
        path.display()
    );
}

/// A name without its port.
fn host(name: &str) -> &str {
    name.split(':').next().unwrap_or(name)
}

fn eid_prefix(text: &str) -> Result<String, String> {
    let eight = text.len() == 8 && text.bytes().all(|digit| digit.is_ascii_digit());
    match eight {
        true => Ok(text.to_string()),
        false => Err("eight digits".to_string()),
    }
}

//! `cargo xtask setup`: what the build and the suites need from outside.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::process::{self, Failure};
use crate::python;
use crate::sign_on;

/// How far the preparation has to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// Enough to build and run the programs.
    Build,
    /// Enough to run every suite.
    Tests,
}

/// Installs what is missing, or says what to type.
///
/// # Errors
///
/// [`Failure::Failed`] with the command to type, when something is missing and
/// could not be installed.
pub(crate) fn ensure(stage: Stage) -> Result<(), Failure> {
    ensure_system(stage)?;
    match stage {
        Stage::Build => Ok(()),
        Stage::Tests => {
            python::ensure()?;
            sign_on::ensure()
        }
    }
}

/// What Debian and rustup have.
fn ensure_system(stage: Stage) -> Result<(), Failure> {
    let missing = missing(stage);
    if missing.is_empty() {
        return Ok(());
    }
    for need in &missing {
        eprintln!("setup: missing {} ({})", need.name, need.why);
    }
    let packages = names(&missing, |from| match from {
        From::Debian(package) => Some(package),
        From::Rustup(_) | From::PyPi(_) => None,
    });
    let components = names(&missing, |from| match from {
        From::Rustup(component) => Some(component),
        From::Debian(_) | From::PyPi(_) => None,
    });
    let from_pypi = names(&missing, |from| match from {
        From::PyPi(package) => Some(package),
        From::Debian(_) | From::Rustup(_) => None,
    });
    if !packages.is_empty() {
        install_packages(&packages)?;
    }
    if !components.is_empty() {
        install_components(&components)?;
    }
    if !from_pypi.is_empty() {
        install_from_pypi(&from_pypi)?;
    }
    match self::missing(stage).first() {
        None => Ok(()),
        Some(need) => Err(Failure::Failed(format!(
            "setup installed {:?}, yet {} is still missing",
            need.from, need.name
        ))),
    }
}

/// One thing from outside the repository.
struct Need {
    name: &'static str,
    why: &'static str,
    stage: Stage,
    /// Succeeds when the thing is present.
    probe: &'static [&'static str],
    from: From,
}

#[derive(Debug, Clone, Copy)]
enum From {
    /// A Debian package.
    Debian(&'static str),
    /// A component of the Rust toolchain.
    Rustup(&'static str),
    /// A package of PyPI that Debian does not have: in an environment of its own,
    /// `target/python`.
    PyPi(&'static str),
}

const NEEDS: &[Need] = &[
    Need {
        name: "a C compiler",
        why: "links every program, compiles SQLite and the TLS library's C code",
        stage: Stage::Build,
        probe: &["cc", "--version"],
        from: From::Debian("gcc"),
    },
    Need {
        name: "the C library's headers",
        why: "SQLite and the TLS library are compiled from C",
        stage: Stage::Build,
        probe: &["sh", "-c", "echo '#include <stdio.h>' | cc -E - "],
        from: From::Debian("libc6-dev"),
    },
    Need {
        name: "certificate authorities",
        why: "cargo downloads crates over HTTPS",
        stage: Stage::Build,
        probe: &["test", "-s", "/etc/ssl/certs/ca-certificates.crt"],
        from: From::Debian("ca-certificates"),
    },
    Need {
        name: "pkg-config",
        why: "finds the library of the PC/SC service",
        stage: Stage::Build,
        probe: &["pkg-config", "--version"],
        from: From::Debian("pkg-config"),
    },
    Need {
        name: "the PC/SC library",
        why: "the agent reaches cards in readers through it",
        stage: Stage::Build,
        probe: &["pkg-config", "--exists", "libpcsclite"],
        from: From::Debian("libpcsclite-dev"),
    },
    Need {
        name: "a C++ compiler",
        why: "libFuzzer, which searches for inputs that a decoder does not survive",
        stage: Stage::Tests,
        probe: &["sh", "-c", "echo '#include <vector>' | c++ -x c++ -E - "],
        from: From::Debian("g++"),
    },
    Need {
        name: "git",
        why: "version control",
        stage: Stage::Tests,
        probe: &["git", "--version"],
        from: From::Debian("git"),
    },
    Need {
        name: "the openssl command",
        why: "the PKI tests check certificates with it, independently of our code",
        stage: Stage::Tests,
        probe: &["openssl", "version"],
        from: From::Debian("openssl"),
    },
    Need {
        name: "the clients of libcoap",
        why: "programs that are not ours ask the server over CoAP",
        stage: Stage::Tests,
        probe: &[
            "sh",
            "-c",
            "command -v coap-client-openssl && command -v coap-client-gnutls",
        ],
        from: From::Debian("libcoap3-bin"),
    },
    Need {
        name: "an MQTT broker",
        why: "ESipa is tested through a broker that is not ours",
        stage: Stage::Tests,
        probe: &["test", "-x", "/usr/sbin/mosquitto"],
        from: From::Debian("mosquitto"),
    },
    Need {
        name: "an MQTT library for Python",
        why: "a second client of ESipa over MQTT is written from its description",
        stage: Stage::Tests,
        probe: &["/usr/bin/python3", "-c", "import paho.mqtt.client"],
        from: From::Debian("python3-paho-mqtt"),
    },
    Need {
        name: "environments of Python",
        why: "packages of PyPI are installed beside those of the system",
        stage: Stage::Tests,
        probe: &["/usr/bin/python3", "-c", "import ensurepip, venv"],
        from: From::Debian("python3-venv"),
    },
    Need {
        name: "Standard Webhooks for Python",
        why: "webhooks are verified by a library that is not ours",
        stage: Stage::Tests,
        probe: &["target/python/bin/python", "-c", "import standardwebhooks"],
        from: From::PyPi("standardwebhooks==1.1.0"),
    },
    Need {
        name: "OpenTelemetry's messages for Python",
        why: "traces are read by a library that is not ours",
        stage: Stage::Tests,
        probe: &[
            "target/python/bin/python",
            "-c",
            "import opentelemetry.proto.collector.trace.v1.trace_service_pb2",
        ],
        from: From::PyPi("opentelemetry-proto==1.45.2"),
    },
    Need {
        name: "Prometheus's library for Python",
        why: "metrics are read by a parser that is not ours",
        stage: Stage::Tests,
        probe: &["target/python/bin/python", "-c", "import prometheus_client"],
        from: From::PyPi("prometheus-client==0.26.0"),
    },
    Need {
        name: "PostgreSQL",
        why: "the store is tested on it as on SQLite",
        stage: Stage::Tests,
        probe: &["sh", "-c", "test -x /usr/lib/postgresql/*/bin/initdb"],
        from: From::Debian("postgresql"),
    },
    Need {
        name: "oathtool",
        why: "one-time passwords are made by a program that is not ours",
        stage: Stage::Tests,
        probe: &["oathtool", "--version"],
        from: From::Debian("oathtool"),
    },
    Need {
        name: "a FIDO2 library for Python",
        why: "passkeys are made by an authenticator that is not ours",
        stage: Stage::Tests,
        probe: &["/usr/bin/python3", "-c", "import fido2.ctap2"],
        from: From::Debian("python3-fido2"),
    },
    Need {
        name: "node",
        why: "runs the identity provider of the tests",
        stage: Stage::Tests,
        probe: &["node", "--version"],
        from: From::Debian("nodejs"),
    },
    Need {
        name: "npm",
        why: "installs the identity provider of the tests",
        stage: Stage::Tests,
        probe: &["npm", "--version"],
        from: From::Debian("npm"),
    },
    Need {
        name: "curl",
        why: "a program that is not ours asks the server over HTTPS",
        stage: Stage::Tests,
        probe: &["curl", "--version"],
        from: From::Debian("curl"),
    },
    Need {
        name: "a PC/SC daemon",
        why: "the card is tested in a reader",
        stage: Stage::Tests,
        probe: &["test", "-x", "/usr/sbin/pcscd"],
        from: From::Debian("pcscd"),
    },
    Need {
        name: "a virtual card reader",
        why: "the card is tested in a reader",
        stage: Stage::Tests,
        probe: &["test", "-f", "/usr/lib/pcsc/drivers/serial/libifdvpcd.so"],
        from: From::Debian("vsmartcard-vpcd"),
    },
    Need {
        name: "opensc-tool",
        why: "a program that is not ours speaks to the card",
        stage: Stage::Tests,
        probe: &["opensc-tool", "--version"],
        from: From::Debian("opensc"),
    },
    Need {
        name: "rustfmt",
        why: "the formatting check",
        stage: Stage::Tests,
        probe: &["cargo", "fmt", "--version"],
        from: From::Rustup("rustfmt"),
    },
    Need {
        name: "clippy",
        why: "the lint check",
        stage: Stage::Tests,
        probe: &["cargo", "clippy", "--version"],
        from: From::Rustup("clippy"),
    },
];

fn missing(stage: Stage) -> Vec<&'static Need> {
    NEEDS
        .iter()
        .filter(|need| need.stage <= stage && !is_present(need))
        .collect()
}

fn is_present(need: &Need) -> bool {
    need.probe
        .split_first()
        .is_some_and(|(program, arguments)| {
            let mut probe = Command::new(program);
            // Some programs are in the repository's own folder.
            if let Ok(root) = process::root() {
                probe.current_dir(root);
            }
            process::probe(probe.args(arguments))
        })
}

fn names(needs: &[&Need], select: fn(From) -> Option<&'static str>) -> Vec<&'static str> {
    needs.iter().filter_map(|need| select(need.from)).collect()
}

fn install_from_pypi(packages: &[&str]) -> Result<(), Failure> {
    const ENVIRONMENT: &str = "target/python";
    let environment = process::root()?.join(ENVIRONMENT);
    let mut make = Command::new("/usr/bin/python3");
    make.args(["-m", "venv"]).arg(&environment);
    let mut install = Command::new(environment.join("bin/python"));
    install
        .args(["-m", "pip", "install", "--quiet"])
        .args(packages);
    if succeeds_on_stderr(&mut make)? && succeeds_on_stderr(&mut install)? {
        return Ok(());
    }
    Err(Failure::Failed(format!(
        "cannot install from PyPI: {}",
        packages.join(" ")
    )))
}

fn install_packages(packages: &[&str]) -> Result<(), Failure> {
    let by_hand = format!("apt-get install {}", packages.join(" "));
    if !process::probe(Command::new("apt-get").arg("--version")) {
        return Err(Failure::Failed(format!(
            "no apt-get here: install by your system's means what Debian gets with `{by_hand}`"
        )));
    }
    if !process::is_root() {
        return Err(Failure::Failed(format!(
            "type this, then try again:\n\n    sudo {by_hand}\n"
        )));
    }
    // A fresh image has no package lists; an old one may name versions that
    // the mirror no longer has.
    if install_once(packages)? {
        return Ok(());
    }
    if succeeds_on_stderr(apt_get().arg("update"))? && install_once(packages)? {
        return Ok(());
    }
    Err(Failure::Failed(format!("`{by_hand}` failed, see above")))
}

fn install_once(packages: &[&str]) -> Result<bool, Failure> {
    if !Path::new("/var/lib/apt/lists")
        .read_dir()
        .is_ok_and(has_lists)
    {
        return Ok(false);
    }
    let mut command = apt_get();
    command.args(["install", "--yes", "--no-install-recommends"]);
    succeeds_on_stderr(command.args(packages))
}

fn has_lists(entries: std::fs::ReadDir) -> bool {
    entries
        .flatten()
        .any(|entry| entry.file_name().to_string_lossy().contains("Packages"))
}

fn apt_get() -> Command {
    let mut command = Command::new("apt-get");
    command
        .env("DEBIAN_FRONTEND", "noninteractive")
        .arg("--quiet");
    command
}

fn install_components(components: &[&str]) -> Result<(), Failure> {
    let by_hand = format!("rustup component add {}", components.join(" "));
    let installed = process::probe(Command::new("rustup").arg("--version"))
        && succeeds_on_stderr(
            Command::new("rustup")
                .args(["component", "add"])
                .args(components),
        )?;
    if installed {
        return Ok(());
    }
    Err(Failure::Failed(format!(
        "the Rust toolchain lacks {}: `{by_hand}` would add it",
        components.join(" and ")
    )))
}

/// Preparation talks on stderr: stdout belongs to the task that follows.
fn succeeds_on_stderr(command: &mut Command) -> Result<bool, Failure> {
    process::succeeds(command.stdin(Stdio::null()).stdout(std::io::stderr()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_build_needs_less_than_the_tests() {
        let count = |stage| NEEDS.iter().filter(|need| need.stage <= stage).count();
        assert!(count(Stage::Build) < count(Stage::Tests));
        assert_eq!(count(Stage::Tests), NEEDS.len());
    }

    #[test]
    fn an_absent_program_is_missing_and_a_failing_probe_too() {
        let need = |probe| Need {
            name: "thing",
            why: "",
            stage: Stage::Build,
            probe,
            from: From::Debian("thing"),
        };
        assert!(is_present(&need(&["true"])));
        assert!(!is_present(&need(&["false"])));
        assert!(!is_present(&need(&["no-such-program-anywhere"])));
    }
}

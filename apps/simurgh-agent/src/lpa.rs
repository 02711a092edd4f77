//! `simurgh-agent lpa`: the eUICC in the hands of the user of its device, who
//! manages the profiles without an eIM (SGP.22).

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use rsp_asn1::ids::Iccid;
use rsp_asn1::rsp::{
    NOTIFICATION_DELETE, NOTIFICATION_DISABLE, NOTIFICATION_ENABLE, NOTIFICATION_INSTALL,
    NotificationMetadata, ProfileInfo, ProfileState,
};
use rsp_core::ipa::lpa::{Answer, HashCc, Task};
use rsp_core::ipa::{ActivationCode, Ipa};
use rsp_crypto::Provider;
use rsp_crypto::software::SoftwareProvider;
use serde_json::{Value, json};

use crate::config::Config;
use crate::state::StateFile;
use crate::{Failure, host};

/// Manage the profiles of an eUICC in a PC/SC reader without an eIM.
#[derive(Debug, Args)]
pub(crate) struct Lpa {
    /// The configuration, as of `simurgh-agent ipad`
    #[arg(
        long,
        short,
        default_value = "agent.toml",
        env = "SIMURGH_AGENT_CONFIG",
        global = true
    )]
    config: PathBuf,
    /// The reader: its name, a part of it, or its place in the list from 0
    #[arg(long, value_name = "NAME|NUMBER", global = true)]
    reader: Option<String>,
    /// For people, or for programs
    #[arg(long, value_name = "FORM", default_value = "table", global = true)]
    output: Output,
    #[command(subcommand)]
    verb: Verb,
}

/// How answers are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    Table,
    Json,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// The profiles on the eUICC
    List,
    /// EID, versions, addresses
    Info,
    /// Enable a profile; the one that was enabled is disabled
    Enable { iccid: Iccid },
    /// Disable a profile
    Disable { iccid: Iccid },
    /// Delete a profile that is disabled
    Delete { iccid: Iccid },
    /// Give a profile a name; an empty one takes it away
    Nickname { iccid: Iccid, name: String },
    /// Download and install a profile
    Download {
        /// The activation code, for example 'LPA:1$smdp.example.com$MATCHING-ID'
        code: String,
        /// What the operator gave beside the activation code
        #[arg(long, value_name = "CODE")]
        confirmation_code: Option<String>,
    },
    /// Ask an SM-DS what waits for this eUICC; prints activation codes
    Discover {
        /// The SM-DS [default: the root SM-DS that the eUICC names]
        #[arg(long, value_name = "HOST")]
        smds: Option<String>,
    },
    /// What the eUICC has to tell SM-DP+s
    Notifications {
        #[command(subcommand)]
        verb: NotificationVerb,
    },
}

#[derive(Debug, Subcommand)]
enum NotificationVerb {
    /// What waits
    List,
    /// Send all, or one by its number; what is taken is removed
    Send { number: Option<i64> },
    /// Remove one, sent or not
    Remove { number: i64 },
}

impl Lpa {
    pub(crate) fn run(self) -> Result<bool, Failure> {
        let mut config = Config::read(&self.config)?;
        if self.reader.is_some() {
            config.reader = self.reader;
        }
        let task = task(self.verb)?;
        // Not at the same time as the agent that polls eIMs.
        let state = StateFile::lock(config.state.clone())?;
        let ipa = Ipa::local(config.ipa()?, task, host::now());
        let (done, answer) = crate::run_host(&config, ipa, state, true)?;
        let Some(answer) = answer else {
            return Ok(done);
        };
        let text = match self.output {
            Output::Json => format!("{}\n", as_json(&answer)),
            Output::Table => as_text(&answer),
        };
        crate::print(text.as_bytes())?;
        Ok(done)
    }
}

fn task(verb: Verb) -> Result<Task, Failure> {
    Ok(match verb {
        Verb::List => Task::List,
        Verb::Info => Task::Info,
        Verb::Enable { iccid } => Task::Enable(iccid),
        Verb::Disable { iccid } => Task::Disable(iccid),
        Verb::Delete { iccid } => Task::Delete(iccid),
        Verb::Nickname { iccid, name } => Task::Nickname(iccid, name),
        Verb::Download {
            code,
            confirmation_code,
        } => {
            let code: ActivationCode = code.parse().map_err(Failure::of)?;
            Task::Download(code, confirmation_code.as_deref().map(hash_cc))
        }
        Verb::Discover { smds } => Task::Discover(smds),
        Verb::Notifications { verb } => match verb {
            NotificationVerb::List => Task::Notifications,
            NotificationVerb::Send { number } => Task::Send(number),
            NotificationVerb::Remove { number } => Task::Remove(number),
        },
    })
}

/// The code itself is forgotten; its digest goes into that of the transaction.
fn hash_cc(code: &str) -> HashCc {
    let inner = SoftwareProvider.sha256(&[code.as_bytes()]);
    Box::new(move |transaction| SoftwareProvider.sha256(&[&inner, transaction]))
}

fn as_json(answer: &Answer) -> Value {
    match answer {
        Answer::Done => json!({}),
        Answer::Profiles(profiles) => profiles.iter().map(profile).collect(),
        Answer::Info(info) => json!({
            "eid": info.eid.to_string(),
            "svn": version(info.euicc_info2.svn),
            "profileVersion": version(info.euicc_info2.profile_version),
            "firmware": version(info.euicc_info2.euicc_firmware_ver),
            "defaultSmdpAddress": info.default_smdp_address,
            "rootSmdsAddress": info.root_smds_address,
        }),
        Answer::Notifications(waiting) => waiting.iter().map(notification).collect(),
        Answer::Events(codes) => codes.iter().map(activation_code).collect(),
        Answer::Installed(iccid) => json!({ "iccid": iccid.map(|iccid| iccid.to_string()) }),
    }
}

fn profile(info: &ProfileInfo) -> Value {
    let state = info.profile_state.map(|state| match state {
        ProfileState::ENABLED => "enabled",
        _ => "disabled",
    });
    json!({
        "iccid": info.iccid.map(|iccid| iccid.to_string()),
        "state": state,
        "nickname": info.profile_nickname.as_ref().map(|text| text.as_str()),
        "provider": info.service_provider_name.as_ref().map(|text| text.as_str()),
        "name": info.profile_name.as_ref().map(|text| text.as_str()),
        "class": info.profile_class.map(|class| match class {
            0 => "test",
            1 => "provisioning",
            _ => "operational",
        }),
    })
}

fn notification(metadata: &NotificationMetadata) -> Value {
    let events = [
        (NOTIFICATION_INSTALL, "install"),
        (NOTIFICATION_ENABLE, "enable"),
        (NOTIFICATION_DISABLE, "disable"),
        (NOTIFICATION_DELETE, "delete"),
    ];
    let has = |bit: u8| metadata.profile_management_operation.bit(bit);
    let event = events.into_iter().find(|(bit, _)| has(*bit));
    json!({
        "number": metadata.seq_number,
        "event": event.map(|(_, name)| name),
        "address": metadata.notification_address,
        "iccid": metadata.iccid.map(|iccid| iccid.to_string()),
    })
}

/// Printed for the one who asked for it: it is what the next command takes.
fn activation_code(code: &ActivationCode) -> Value {
    Value::String(format!("LPA:1${}${}", code.smdp_address, code.matching_id))
}

fn version([major, minor, revision]: [u8; 3]) -> String {
    format!("{major}.{minor}.{revision}")
}

/// One line each, members in columns; what is not there is a dash.
fn as_text(answer: &Answer) -> String {
    let rows = match as_json(answer) {
        Value::Array(rows) => rows,
        Value::Object(members) => {
            let line = |(name, value): (&String, &Value)| format!("{name}\t{}\n", cell(value));
            return members.iter().map(line).collect();
        }
        other => vec![other],
    };
    let line = |row: &Value| match row {
        Value::Object(members) => {
            let cells: Vec<String> = members.values().map(cell).collect();
            format!("{}\n", cells.join("\t"))
        }
        other => format!("{}\n", cell(other)),
    };
    rows.iter().map(line).collect()
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_string(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

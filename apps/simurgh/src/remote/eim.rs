//! `simurgh eim`: the eIMs that a device's eUICC knows.

use std::path::PathBuf;

use api::{EimConfigurationData, OperationKind};
use clap::{Args, Subcommand};

use super::device::OneDevice;
use super::order::Ordering;
use crate::{Failure, files};

/// What can be done with the eIMs of a device.
///
/// A device is handed over to another eIM in three steps. There,
/// `simurgh eim configuration` writes what the eUICC has to know of it; here,
/// `simurgh eim add` tells the eUICC, and `simurgh operation show` then has the
/// association token that it made, with which the other eIM adds the device
/// (`simurgh device add --association-token`). When the device has polled
/// there, the other eIM has this one deleted: `simurgh eim delete`.
#[derive(Debug, Subcommand)]
pub(crate) enum EimCommand {
    /// Write what eUICCs have to know of this eIM
    Configuration(super::device::Configuration),
    /// List the eIMs that the eUICC knows
    List {
        #[command(flatten)]
        device: OneDevice,
        #[command(flatten)]
        ordering: Ordering,
    },
    /// Tell the eUICC of another eIM
    Add(WithConfiguration),
    /// Change what the eUICC knows of an eIM
    Update(WithConfiguration),
    /// Have the eUICC forget an eIM
    Delete {
        #[command(flatten)]
        device: OneDevice,
        /// Identifier of the eIM; this one only with --force
        #[arg(value_name = "EIM-ID")]
        eim_id: String,
        #[command(flatten)]
        ordering: Ordering,
    },
}

/// A device, and the configuration of an eIM.
#[derive(Debug, Args)]
pub(crate) struct WithConfiguration {
    #[command(flatten)]
    device: OneDevice,
    /// Configuration of the eIM: DER, or JSON as `simurgh eim configuration
    /// --output json` of that eIM prints, or its `configuration` alone
    #[arg(value_name = "FILE")]
    configuration: PathBuf,
    #[command(flatten)]
    ordering: Ordering,
}

impl EimCommand {
    /// Does it.
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            EimCommand::Configuration(command) => command.run(),
            EimCommand::List { device, ordering } => ordering.order(device, OperationKind::ListEim),
            EimCommand::Add(with) => {
                let configuration = read(&with.configuration)?;
                let kind = OperationKind::AddEim { configuration };
                with.ordering.order(with.device, kind)
            }
            EimCommand::Update(with) => {
                let configuration = read(&with.configuration)?;
                let kind = OperationKind::UpdateEim { configuration };
                with.ordering.order(with.device, kind)
            }
            EimCommand::Delete {
                device,
                eim_id,
                ordering,
            } => ordering.order(device, OperationKind::DeleteEim { eim_id }),
        }
    }
}

/// DER begins with a tag, JSON with a brace.
fn read(path: &std::path::Path) -> Result<EimConfigurationData, Failure> {
    let octets = files::read_octets(path)?;
    let text = std::str::from_utf8(&octets).ok().map(str::trim);
    let Some(text) = text.filter(|text| text.starts_with('{')) else {
        let der = octets.iter().map(|octet| format!("{octet:02X}")).collect();
        return Ok(EimConfigurationData {
            der: Some(der),
            ..EimConfigurationData::default()
        });
    };
    let failed = |error| Failure::new(path.display(), error);
    let mut value: serde_json::Value = serde_json::from_str(text).map_err(failed)?;
    let inner = value.get_mut("configuration").map(serde_json::Value::take);
    serde_json::from_value(inner.unwrap_or(value)).map_err(failed)
}

//! `simurgh device describe`: one device of the inventory, from a file.

use std::path::PathBuf;

use api::InventoryDevice;
use api::client;
use clap::Args;

use super::Remote;
use super::output::Shown;
use crate::Failure;

/// Describe one device.
#[derive(Debug, Args)]
pub(crate) struct Describe {
    /// The device in JSON, as `simurgh device export --format ndjson` writes it
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Only if it is still as the state with this ETag
    #[arg(long, value_name = "ETAG")]
    if_match: Option<String>,
    #[command(flatten)]
    remote: Remote,
}

impl Describe {
    pub(super) fn run(self) -> Result<(), Failure> {
        let failed = |error: &dyn std::fmt::Display| Failure::new(self.file.display(), error);
        let text = std::fs::read_to_string(&self.file).map_err(|error| failed(&error))?;
        let device: InventoryDevice =
            serde_json::from_str(&text).map_err(|error| failed(&error))?;
        let api = self.remote.api()?;
        let put = client::put_inventory_device(&device.id, &device);
        let put = put.map(|put| match &self.if_match {
            Some(tag) => put.if_match(tag),
            None => put,
        });
        let put = api.tell(put)?;
        api.output.one(&put)
    }
}

impl Shown for InventoryDevice {
    const TITLES: &'static [&'static str] = &[
        "DEVICE", "SERIAL", "MODEL", "TIER", "SITE", "COUNTRY", "OWNER", "TAGS", "MODEMS", "SIMS",
    ];

    fn cells(&self) -> Vec<String> {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        vec![
            self.id.clone(),
            text(&self.serial),
            text(&self.model),
            text(&self.tier),
            text(&self.site),
            text(&self.country),
            text(&self.owner),
            self.tags.join(" "),
            self.modems.len().to_string(),
            self.sims.len().to_string(),
        ]
    }
}

//! Devices that a factory announced, and whoever chooses their profiles.

use rsp_asn1::ids::Iccid;
use rsp_core::Context;
use rsp_core::eim::{EuiccRecord, ManifestEntry, Note};

use crate::contract::StoreError;
use crate::eim::EimHost;

/// A profile that was chosen for a device.
#[derive(Clone, PartialEq, Eq)]
pub struct ChosenProfile {
    /// Where it waits: a secret until it is used.
    pub activation_code: String,
    /// The profile, if it is known.
    pub expects: Option<Iccid>,
    /// The rule that chose it.
    pub rule: String,
}

impl std::fmt::Debug for ChosenProfile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChosenProfile")
            .field("rule", &self.rule)
            .finish_non_exhaustive()
    }
}

/// Chooses the profile of a device that its factory announced; asked again, it
/// gives the same. An error says why there is none now.
pub type ChooseProfile =
    Box<dyn Fn(&EuiccRecord, &mut Context<'_>) -> Result<ChosenProfile, String> + Send + Sync>;

impl EimHost {
    /// Has somebody choose profiles for devices that a factory announced.
    pub fn choose_profiles(&mut self, choose: ChooseProfile) {
        self.choose = Some(choose);
    }

    /// Adds a device that its factory announces: it is known when it polls.
    ///
    /// # Errors
    /// As [`Store::add_euicc_with`]; then nothing of it is there.
    pub fn announce(
        &self,
        record: EuiccRecord,
        manifest: ManifestEntry,
        cx: &mut Context<'_>,
    ) -> Result<(), StoreError> {
        let (record, first) = EuiccRecord::awaited(record, manifest, cx);
        self.store.add_euicc_with(&record, &[first])?;
        self.index.add(record.eid, self.owner, true);
        Ok(())
    }

    /// A profile for a device that is the one that was announced. If there is
    /// none, the device is asked about at its next poll again.
    pub(crate) fn choose_profile(
        &self,
        record: &EuiccRecord,
        cx: &mut Context<'_>,
    ) -> Result<(), StoreError> {
        let eid = record.eid;
        let Some(choose) = &self.choose else {
            return Ok(());
        };
        let chosen = match choose(record, cx) {
            Ok(chosen) => chosen,
            Err(because) => {
                if let Some(observer) = &self.observer {
                    observer(Some(eid), &Note::NoProfile { because });
                }
                return Ok(());
            }
        };
        let now = cx.now;
        self.change_record(eid, now, |record| {
            let ChosenProfile {
                activation_code,
                expects,
                rule,
            } = chosen.clone();
            Ok(
                match record.profile_chosen(activation_code, expects, rule, cx) {
                    Some((record, download)) => (record, vec![download]),
                    None => (record, Vec::new()),
                },
            )
        })
    }
}

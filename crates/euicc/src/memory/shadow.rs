//! What the journal says already, and what has changed since.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use rsp_asn1::Asn1;

use super::part::{
    Change, Common, Key, Octets, StoredDownload, StoredEim, StoredOneTimeKey, StoredOwed,
    StoredProfile, StoredRollback, StoredSwitch, UiccPart, encode,
};
use crate::isdr::Isdr;
use crate::notification_store::Entry;
use crate::state::{Eim, Profile, Rollback, State};
use crate::switch::Switch;

/// The parts as written: those that may change with their octets, those that
/// never change without. Files are not among them: they say themselves when
/// they change.
#[derive(Default)]
pub(super) struct Shadow(BTreeMap<Key, Option<Vec<u8>>>);

/// A round of looking for changes.
struct Round<'a> {
    before: &'a BTreeMap<Key, Option<Vec<u8>>>,
    now: BTreeMap<Key, Option<Vec<u8>>>,
    changes: Vec<Change>,
}

impl Shadow {
    /// All changes since the last call; afterwards there are none.
    pub(super) fn take_changes(&mut self, isdr: &mut Isdr) -> Vec<Change> {
        let (now, changes) = self.compare(isdr);
        *self = now;
        for profile in &mut isdr.state.profiles {
            profile.uicc.forget_changed_files();
        }
        changes
    }

    /// The parts as they are, and what has changed, in an order that depends on
    /// the state alone.
    pub(super) fn compare(&self, isdr: &Isdr) -> (Shadow, Vec<Change>) {
        let mut round = Round {
            before: &self.0,
            now: BTreeMap::new(),
            changes: Vec::new(),
        };
        round.value(Key::Common, encode(&common(&isdr.state)));
        for eim in &isdr.state.eims {
            round.value(Key::Eim(eim.id().as_str().into()), encode(&stored_eim(eim)));
        }
        for (number, entry) in isdr.state.notifications.entries() {
            round.constant(Key::Entry(*number), || entry_der(entry));
        }
        round.value(Key::OneTimeKeys, encode(&one_time_keys(&isdr.state)));
        if let Some(switch) = &isdr.pending {
            round.value(Key::Switch, encode(&stored_switch(switch)));
        }
        if let Some(download) = isdr.interruptible() {
            let stored = StoredDownload {
                transaction_id: download.transaction_id,
                server_address: download.server_address,
                oid: download.oid,
                signer: Octets(download.signer),
                iccid: download.iccid,
                command: download.command.0,
            };
            round.value(Key::Download, encode(&stored));
        }
        if !isdr.state.owed.is_empty() {
            round.value(Key::Owed, encode(&owed(&isdr.state)));
        }
        for profile in &isdr.state.profiles {
            round.profile(profile);
        }
        let Round { now, changes, .. } = round.gone();
        (Shadow(now), changes)
    }
}

impl Round<'_> {
    /// A part that may change.
    fn value(&mut self, key: Key, octets: Vec<u8>) {
        let same = self.before.get(&key).and_then(Option::as_ref) == Some(&octets);
        if !same {
            let octets = Octets(octets.clone());
            self.changes.push((key.clone(), Some(octets)));
        }
        self.now.insert(key, Some(octets));
    }

    /// A part that does not change while it is there.
    fn constant(&mut self, key: Key, octets: impl FnOnce() -> Vec<u8>) {
        if !self.before.contains_key(&key) {
            self.changes.push((key.clone(), Some(Octets(octets()))));
        }
        self.now.insert(key, None);
    }

    fn profile(&mut self, profile: &Profile) {
        let number = profile.number;
        let key = Key::Profile(number);
        let is_new = !self.before.contains_key(&key);
        self.value(key, encode(&stored_profile(profile)));
        let uicc = &profile.uicc;
        let part = |part| Key::Of(number, part);
        self.constant(part(UiccPart::Base), || uicc.base());
        self.value(part(UiccPart::Codes), uicc.stored_codes());
        self.value(
            part(UiccPart::Authentications),
            uicc.stored_authentications(),
        );
        if let Some(counters) = uicc.stored_ota_counters() {
            self.value(part(UiccPart::OtaCounters), counters);
        }
        for (id, octets) in uicc.changed_files(is_new) {
            let key = part(UiccPart::File(id));
            self.changes.push((key, Some(Octets(octets))));
        }
    }

    /// Adds what is no longer there. Parts of a profile go with it.
    fn gone(mut self) -> Self {
        let gone = self.before.keys().filter(|key| {
            let of_profile = matches!(key, Key::Of(..));
            !of_profile && !self.now.contains_key(key)
        });
        self.changes.extend(gone.map(|key| (key.clone(), None)));
        self
    }
}

fn common(state: &State) -> Common {
    Common {
        next_association_token: state.next_association_token,
        next_notification: state.notifications.next_number(),
        next_profile: state.next_profile,
        default_dp_address: state.default_dp_address.clone(),
        eims: state.eims.iter().map(|e| e.id().as_str().into()).collect(),
        rollback: state.rollback.as_ref().map(stored_rollback),
        mechanisms: state.mechanisms.clone(),
    }
}

fn stored_rollback(rollback: &Rollback) -> StoredRollback {
    StoredRollback {
        to: rollback.to,
        eim_id: rollback.package.eim_id.as_str().into(),
        counter: rollback.package.counter,
        transaction_id: rollback.package.transaction_id.clone(),
        result: rollback.result,
    }
}

fn stored_eim(eim: &Eim) -> StoredEim {
    StoredEim {
        data: Octets(eim.data.to_der()),
        counter: eim.counter,
    }
}

fn entry_der(entry: &Entry) -> Vec<u8> {
    match entry {
        Entry::Notification(notification) => notification.to_der(),
        Entry::PackageResult(result) => result.to_der(),
    }
}

fn one_time_keys(state: &State) -> Vec<StoredOneTimeKey> {
    let stored = state.one_time_keys.iter().map(|key| StoredOneTimeKey {
        owner: key.owner.clone(),
        public: Octets(key.public().to_spki_der()),
        seed: Octets(key.seed.to_vec()),
    });
    stored.collect()
}

fn owed(state: &State) -> Vec<StoredOwed> {
    let stored = state.owed.iter().map(|owed| StoredOwed {
        eim: owed.eim.clone(),
        relayed: owed.relayed,
        result: Octets(owed.result.to_der()),
    });
    stored.collect()
}

fn stored_switch(switch: &Switch) -> StoredSwitch {
    let events = switch
        .events
        .iter()
        .map(|(iccid, event)| (*iccid, event.bit()));
    let notifications = switch.notifications.as_ref().map(|notifications| {
        let der = notifications.iter().map(|n| Octets(n.to_der()));
        der.collect()
    });
    StoredSwitch {
        events: events.collect(),
        notifications,
    }
}

fn stored_profile(profile: &Profile) -> StoredProfile {
    let data = profile.dp_proprietary_data.as_ref();
    StoredProfile {
        aid: Octets(profile.aid.clone()),
        metadata: Octets(profile.metadata.to_der()),
        dp_proprietary_data: data.map(|data| Octets(data.to_der())),
        state: profile.state.0,
        preloaded: profile.preloaded,
        signer: profile.signer.clone().map(Octets),
        nickname: profile.nickname.clone().map(Into::into),
    }
}

//! A card's state from the records of its journal.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use rsp_asn1::Asn1;
use rsp_asn1::rsp::StoreMetadataRequest;
use rsp_asn1::rsp::{BppCommandId, DpProprietaryData, PendingNotification, ProfileState};
use rsp_asn1::sgp32::EuiccPackageResult;
use rsp_crypto::{Provider, PublicKey};

use super::LoadError;
use super::part::{
    Change, Common, Key, Octets, StoredDownload, StoredEim, StoredOneTimeKey, StoredOwed,
    StoredProfile, StoredRollback, StoredSwitch, UiccPart, decode,
};
use crate::association;
use crate::es10::load_bpp::Interruptible;
use crate::ipae::Owed;
use crate::isdr::Isdr;
use crate::notification_store::{Entry, NotificationStore};
use crate::state::{OneTimeKey, PackageId, Profile, ProfileEvent, Rollback};
use crate::switch::Switch;
use crate::uicc::Uicc;

/// First octets of a package result; what begins otherwise is a notification.
const PACKAGE_RESULT: [u8; 2] = [0xBF, 0x51];

/// The parts as the last records left them.
type Parts = BTreeMap<Key, Octets>;

/// Applies the records one after another.
pub(super) fn collect(payloads: &[&[u8]]) -> Result<Parts, LoadError> {
    let mut parts = Parts::new();
    for payload in payloads {
        let changes: Vec<Change> = decode(payload, "a record")?;
        for (key, value) in changes {
            apply(&mut parts, key, value);
        }
    }
    Ok(parts)
}

fn apply(parts: &mut Parts, key: Key, value: Option<Octets>) {
    match (key, value) {
        (key, Some(octets)) => {
            parts.insert(key, octets);
        }
        (Key::Profile(number), None) => {
            parts.remove(&Key::Profile(number));
            parts.retain(|key, _| !matches!(key, Key::Of(of, _) if *of == number));
        }
        (key, None) => {
            parts.remove(&key);
        }
    }
}

/// Puts the parts into a card that is as new.
pub(super) fn restore(
    isdr: &mut Isdr,
    parts: &Parts,
    provider: &dyn Provider,
) -> Result<(), LoadError> {
    let common: Common = part(parts, &Key::Common, "the card")?;
    isdr.state.next_association_token = common.next_association_token;
    isdr.state.next_profile = common.next_profile;
    isdr.state.default_dp_address = common.default_dp_address;
    isdr.state.mechanisms = common.mechanisms;
    isdr.state.rollback = common.rollback.map(rollback).transpose()?;
    isdr.state.eims.clear();
    for id in common.eims {
        let stored: StoredEim = part(parts, &Key::Eim(id), "an eIM")?;
        let eim = association::restored(der(&stored.data, "an eIM")?, stored.counter);
        isdr.state
            .eims
            .push(eim.ok_or(LoadError::Malformed("the key of an eIM"))?);
    }
    isdr.state.notifications =
        NotificationStore::restored(entries(parts)?, common.next_notification);
    isdr.state.one_time_keys = one_time_keys(parts, provider)?;
    isdr.pending = switch(parts)?;
    isdr.interrupted = download(parts)?;
    isdr.state.profiles = profiles(parts)?;
    isdr.state.owed = owed(parts)?;
    Ok(())
}

fn rollback(stored: StoredRollback) -> Result<Rollback, LoadError> {
    let eim_id = stored.eim_id.as_str().try_into();
    Ok(Rollback {
        to: stored.to,
        package: PackageId {
            eim_id: eim_id.map_err(|_| LoadError::Malformed("the right to a rollback"))?,
            counter: stored.counter,
            transaction_id: stored.transaction_id,
        },
        result: stored.result,
    })
}

fn part<'a, T: serde::Deserialize<'a>>(
    parts: &'a Parts,
    key: &Key,
    what: &'static str,
) -> Result<T, LoadError> {
    let octets = parts.get(key).ok_or(LoadError::Malformed(what))?;
    decode(&octets.0, what)
}

fn der<T: Asn1>(octets: &Octets, what: &'static str) -> Result<T, LoadError> {
    T::from_der(&octets.0).map_err(|_| LoadError::Malformed(what))
}

fn entries(parts: &Parts) -> Result<Vec<(i64, Entry)>, LoadError> {
    let mut entries = Vec::new();
    for (key, octets) in parts {
        let Key::Entry(number) = key else {
            continue;
        };
        let entry = match octets.0.starts_with(&PACKAGE_RESULT) {
            true => Entry::PackageResult(der::<EuiccPackageResult>(octets, "a package result")?),
            false => Entry::Notification(der::<PendingNotification>(octets, "a notification")?),
        };
        entries.push((*number, entry));
    }
    Ok(entries)
}

fn one_time_keys(parts: &Parts, provider: &dyn Provider) -> Result<Vec<OneTimeKey>, LoadError> {
    let stored: Vec<StoredOneTimeKey> = part(parts, &Key::OneTimeKeys, "the one-time keys")?;
    let mut keys = Vec::new();
    for key in stored {
        let public = PublicKey::from_spki_der(&key.public.0);
        let public = public.map_err(|_| LoadError::Malformed("a one-time key"))?;
        // One that does not come again is lost: the package is bound anew.
        keys.extend(OneTimeKey::again(key.owner, &public, &key.seed.0, provider));
    }
    Ok(keys)
}

fn switch(parts: &Parts) -> Result<Option<Switch>, LoadError> {
    const WHAT: &str = "the pending switch";
    if !parts.contains_key(&Key::Switch) {
        return Ok(None);
    }
    let stored: StoredSwitch = part(parts, &Key::Switch, WHAT)?;
    let mut events = Vec::new();
    for (iccid, bit) in stored.events {
        let event = ProfileEvent::from_bit(bit).ok_or(LoadError::Malformed(WHAT))?;
        events.push((iccid, event));
    }
    let notifications = stored.notifications.map(|notifications| {
        let read = notifications
            .iter()
            .map(|n| der::<PendingNotification>(n, WHAT));
        read.collect::<Result<Vec<_>, _>>()
    });
    Ok(Some(Switch {
        events,
        notifications: notifications.transpose()?,
    }))
}

fn owed(parts: &Parts) -> Result<Vec<Owed>, LoadError> {
    const WHAT: &str = "the result of a download";
    if !parts.contains_key(&Key::Owed) {
        return Ok(Vec::new());
    }
    let stored: Vec<StoredOwed> = part(parts, &Key::Owed, WHAT)?;
    let owed = stored.into_iter().map(|stored| {
        Ok(Owed {
            eim: stored.eim,
            relayed: stored.relayed,
            result: der(&stored.result, WHAT)?,
        })
    });
    owed.collect()
}

fn download(parts: &Parts) -> Result<Option<Interruptible>, LoadError> {
    if !parts.contains_key(&Key::Download) {
        return Ok(None);
    }
    let stored: StoredDownload = part(parts, &Key::Download, "the interrupted download")?;
    Ok(Some(Interruptible {
        transaction_id: stored.transaction_id,
        server_address: stored.server_address,
        oid: stored.oid,
        signer: stored.signer.0,
        iccid: stored.iccid,
        command: BppCommandId(stored.command),
    }))
}

fn profiles(parts: &Parts) -> Result<Vec<Profile>, LoadError> {
    let mut profiles = Vec::new();
    for key in parts.keys() {
        if let Key::Profile(number) = key {
            profiles.push(profile(parts, *number)?);
        }
    }
    Ok(profiles)
}

fn profile(parts: &Parts, number: u32) -> Result<Profile, LoadError> {
    const WHAT: &str = "a profile";
    let stored: StoredProfile = part(parts, &Key::Profile(number), WHAT)?;
    let of = |part: UiccPart| {
        let octets = parts.get(&Key::Of(number, part));
        octets.map(|octets| octets.0.as_slice())
    };
    let needed = |part| of(part).ok_or(LoadError::Malformed(WHAT));
    let data = stored.dp_proprietary_data.as_ref();
    let nickname = stored.nickname.map(TryInto::try_into).transpose();
    let mut uicc = Uicc::restored(
        needed(UiccPart::Base)?,
        needed(UiccPart::Codes)?,
        needed(UiccPart::Authentications)?,
        |id| of(UiccPart::File(id)),
    )?;
    if let Some(counters) = of(UiccPart::OtaCounters) {
        uicc.restore_ota_counters(counters)?;
    }
    Ok(Profile {
        number,
        aid: stored.aid.0,
        metadata: der::<StoreMetadataRequest>(&stored.metadata, "the metadata of a profile")?,
        dp_proprietary_data: data
            .map(|octets| der::<DpProprietaryData>(octets, WHAT))
            .transpose()?,
        state: ProfileState(stored.state),
        preloaded: stored.preloaded,
        signer: stored.signer.map(|octets| octets.0),
        nickname: nickname.map_err(|_| LoadError::Malformed(WHAT))?,
        uicc,
    })
}

//! The effect of a package on profiles: prepared with its result, done after
//! the host has the result (SGP.32 3.3.1 step 8).

use alloc::string::String;
use alloc::vec::Vec;

use rsp_asn1::ids::Iccid;
use rsp_asn1::rsp::{
    NotificationMetadata, OtherSignedNotification, PendingNotification, ProfileState,
};
use rsp_asn1::{BitString, Signed};

use crate::apdu::Status;
use crate::isdr::Isdr;
use crate::notification_store::Entry;
use crate::state::{Profile, ProfileEvent, State};

/// What happens to profiles, in order, and the notifications of it.
pub(crate) struct Switch {
    pub(crate) events: Vec<(Iccid, ProfileEvent)>,
    /// `None` if they are made when it happens.
    pub(crate) notifications: Option<Vec<PendingNotification>>,
}

impl Switch {
    /// Prepares and signs everything; `first_number` is the sequence number of
    /// the first notification.
    pub(crate) fn prepare(
        isdr: &Isdr,
        events: Vec<(Iccid, ProfileEvent)>,
        first_number: i64,
    ) -> Result<Switch, Status> {
        let mut notifications = Vec::new();
        let mut number = first_number;
        for (iccid, event) in &events {
            let Some(profile) = isdr.state.profile(iccid) else {
                continue;
            };
            for address in profile.addresses_for(event.bit()) {
                notifications.push(notification(isdr, profile, *event, address, number)?);
                number += 1;
            }
        }
        Ok(Switch {
            events,
            notifications: Some(notifications),
        })
    }

    /// Something that happens later than anybody knows: its notifications get
    /// the numbers of then.
    pub(crate) fn later(events: Vec<(Iccid, ProfileEvent)>) -> Switch {
        Switch {
            events,
            notifications: None,
        }
    }

    /// Something that nobody is told of.
    pub(crate) fn silent(events: Vec<(Iccid, ProfileEvent)>) -> Switch {
        Switch {
            events,
            notifications: Some(Vec::new()),
        }
    }

    /// Whether another profile is enabled afterwards, or none.
    pub(crate) fn changes_profile(&self) -> bool {
        let mut events = self.events.iter();
        events.any(|(_, event)| *event != ProfileEvent::Delete)
    }

    /// Does it. If the notifications are made already, nothing else may have
    /// taken a sequence number meanwhile.
    pub(crate) fn apply(self, isdr: &mut Isdr) {
        let notifications = self.notifications.unwrap_or_else(|| {
            let number = isdr.state.notifications.next_number();
            // Without a usable key there is nobody to tell.
            let made = Switch::prepare(isdr, self.events.clone(), number).ok();
            made.and_then(|made| made.notifications).unwrap_or_default()
        });
        let before = isdr.state.enabled().map(|profile| *profile.iccid());
        for (iccid, event) in self.events {
            match event {
                ProfileEvent::Delete => {
                    isdr.state.profiles.retain(|p| *p.iccid() != iccid);
                    isdr.state.mechanisms.forget(&iccid);
                }
                ProfileEvent::Enable => set_state(isdr, &iccid, ProfileState::ENABLED),
                ProfileEvent::Disable => set_state(isdr, &iccid, ProfileState::DISABLED),
            }
        }
        remember_operational(&mut isdr.state, before);
        for notification in notifications {
            isdr.state
                .notifications
                .push(Entry::Notification(notification));
        }
    }
}

/// A test profile leads back to the operational one that it took the place of,
/// over other test profiles (SGP.22 5.7.16).
fn remember_operational(state: &mut State, before: Option<Iccid>) {
    let before_test = match state.enabled() {
        Some(now) if now.is_test() => {
            let before = before.and_then(|iccid| state.profile(&iccid));
            let operational = before.filter(|profile| !profile.is_test());
            let operational = operational.map(|profile| *profile.iccid());
            operational.or(state.mechanisms.before_test)
        }
        _ => None,
    };
    state.mechanisms.before_test = before_test;
}

/// A profile starts and stops as with power.
fn set_state(isdr: &mut Isdr, iccid: &Iccid, state: ProfileState) {
    if let Some(profile) = isdr.state.profile_mut(iccid) {
        profile.state = state;
        profile.uicc.reset();
    }
}

/// OtherSignedNotification (SGP.22 5.7.10), signed under the CI under which
/// the profile came.
fn notification(
    isdr: &Isdr,
    profile: &Profile,
    event: ProfileEvent,
    notification_address: String,
    seq_number: i64,
) -> Result<PendingNotification, Status> {
    let metadata = Signed::new(NotificationMetadata {
        seq_number,
        profile_management_operation: BitString::of(&[event.bit()]),
        notification_address,
        iccid: Some(*profile.iccid()),
        extensions: Default::default(),
    });
    let signer = isdr.signers.chosen(profile.signer.as_ref());
    Ok(PendingNotification::Other(Signed::new(
        OtherSignedNotification {
            euicc_notification_signature: signer.sign(&[metadata.as_bytes()])?,
            tbs_other_notification: metadata,
            euicc_certificate: signer.euicc_certificate.clone(),
            eum_certificate: signer.eum_certificate.clone(),
            extensions: Default::default(),
        },
    )))
}

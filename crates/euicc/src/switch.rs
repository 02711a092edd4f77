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
use crate::state::ProfileEvent;

/// What happens to profiles, in order, and the notifications of it.
pub(crate) struct Switch {
    pub(crate) events: Vec<(Iccid, ProfileEvent)>,
    pub(crate) notifications: Vec<PendingNotification>,
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
            let addresses = isdr
                .state
                .profile(iccid)
                .map(|p| p.addresses_for(event.bit()));
            for address in addresses.unwrap_or_default() {
                notifications.push(notification(isdr, *iccid, *event, address, number)?);
                number += 1;
            }
        }
        Ok(Switch {
            events,
            notifications,
        })
    }

    /// Does it. Nothing else may have taken a sequence number meanwhile.
    pub(crate) fn apply(self, isdr: &mut Isdr) {
        for (iccid, event) in self.events {
            match event {
                ProfileEvent::Delete => {
                    isdr.state.profiles.retain(|p| *p.iccid() != iccid);
                }
                ProfileEvent::Enable => set_state(isdr, &iccid, ProfileState::ENABLED),
                ProfileEvent::Disable => set_state(isdr, &iccid, ProfileState::DISABLED),
            }
        }
        for notification in self.notifications {
            isdr.state
                .notifications
                .push(Entry::Notification(notification));
        }
    }
}

/// A profile starts and stops as with power.
fn set_state(isdr: &mut Isdr, iccid: &Iccid, state: ProfileState) {
    if let Some(profile) = isdr.state.profile_mut(iccid) {
        profile.state = state;
        profile.uicc.reset();
    }
}

/// OtherSignedNotification (SGP.22 5.7.10).
fn notification(
    isdr: &Isdr,
    iccid: Iccid,
    event: ProfileEvent,
    notification_address: String,
    seq_number: i64,
) -> Result<PendingNotification, Status> {
    let metadata = Signed::new(NotificationMetadata {
        seq_number,
        profile_management_operation: BitString::of(&[event.bit()]),
        notification_address,
        iccid: Some(iccid),
        extensions: Default::default(),
    });
    Ok(PendingNotification::Other(Signed::new(
        OtherSignedNotification {
            euicc_notification_signature: isdr.sign(&[metadata.as_bytes()])?,
            tbs_other_notification: metadata,
            euicc_certificate: isdr.ecasd.euicc_certificate.clone(),
            eum_certificate: isdr.ecasd.eum_certificate.clone(),
            extensions: Default::default(),
        },
    )))
}

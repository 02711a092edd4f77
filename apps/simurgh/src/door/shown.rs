//! Operations and what came of them, as the API shows them.

use api::{DeviceInfo, Eta, RatRule};
use rsp_asn1::Asn1;
use rsp_asn1::rsp::DeviceInfo as Info;
use rsp_asn1::sgp32::IpaCapabilities;
use rsp_core::Timestamp;
use rsp_core::eim::{
    EuiccData, EuiccFacts, ListedProfile, Operation, OperationId, OperationKind, OperationState,
    Outcome, Validity,
};
use store::Contact;

use super::eims::{PROTOCOLS, named};
use super::functions::hex;
use super::utc;

/// Names of the bits of `ipaFeatures` (SGP.32 4.1).
const FEATURES: [&str; 6] = [
    "direct_rsp_server_communication",
    "indirect_rsp_server_communication",
    "eim_download_data_handling",
    "eim_ctx_params1_generation",
    "eim_profile_metadata_verification",
    "minimize_esipa_bytes",
];

pub(super) fn operation(operation: &Operation) -> api::Operation {
    let poll = operation.state.poll();
    let id = |id: &OperationId| id.to_string();
    let shown = api::Operation {
        id: operation.id.to_string(),
        eid: operation.eid.to_string(),
        kind: operation.kind.name().to_string(),
        state: operation.state_name().to_string(),
        created: utc(operation.created),
        since: utc(operation.since),
        unverified: operation.unverified,
        emulated: operation.emulated,
        confirmed_by: poll.map(|poll| api::Poll {
            at: utc(poll.at),
            plmn: poll.r_plmn.clone(),
        }),
        reconciles: operation.reconciles.as_ref().map(id),
        checks: operation.checks.as_ref().map(id),
        settled_by: operation.settled_by.as_ref().map(id),
        reason: operation.state.reason().map(str::to_string),
        failure: failure(operation),
        iccid: None,
        profiles: None,
        ordered_with: operation.ordered_with.as_ref().map(id),
        separate: operation.separate,
        force: operation.forced,
        validity: validity(&operation.validity),
        contacts: operation.validity.contacts.map(|_| operation.validity.met),
        expected_networks: operation.expected_networks.clone(),
        seen_in: operation.seen_in.clone(),
        eta: None,
        price: None,
        code: operation.code.as_ref().map(|code| api::CodeRef {
            pool: code.pool.clone(),
            number: code.number,
        }),
        rat: None,
        association_token: None,
        last_eim_deleted: None,
        eims: None,
        euicc_data: None,
    };
    with_outcome(shown, &operation.state)
}

/// Of one that succeeded after all nothing is told.
fn failure(operation: &Operation) -> Option<api::OperationFailure> {
    let waits = matches!(
        operation.state,
        OperationState::Queued | OperationState::Delivered { .. } | OperationState::Failed { .. }
    );
    let tried = operation.tried.as_ref().filter(|_| waits)?;
    let (class, remedy) = rsp_core::eim::retry(&tried.code)?;
    let queued = operation.state == OperationState::Queued;
    Some(api::OperationFailure {
        code: tried.code.clone(),
        class: class.name().to_string(),
        remedy: remedy.to_string(),
        tries: tried.times,
        again: tried.again.filter(|_| queued).map(utc),
    })
}

fn validity(validity: &Validity) -> Option<api::Validity> {
    (!validity.is_unlimited()).then(|| api::Validity {
        until: validity.until.map(utc),
        contacts: validity.contacts,
    })
}

/// When the device of an operation that waits for it is expected.
pub(super) fn eta(operation: &Operation, contact: Option<Contact>, now: Timestamp) -> Option<Eta> {
    let waits = !operation.is_final();
    let contact = contact.filter(|_| waits)?;
    let next = contact.rhythm.next_contact(contact.last, now)?;
    Some(Eta {
        at: utc(next.at),
        late: utc(next.late),
    })
}

/// What undoes an operation, as it is ordered.
pub(super) fn compensation(kind: &OperationKind) -> Option<api::OperationKind> {
    use api::OperationKind as Shown;
    Some(match kind {
        OperationKind::Enable { iccid, rollback } => Shown::Enable {
            iccid: iccid.to_string(),
            rollback: *rollback,
        },
        OperationKind::Delete { iccid } => Shown::Delete {
            iccid: iccid.to_string(),
        },
        OperationKind::SetFallbackAttribute { iccid } => Shown::SetFallbackAttribute {
            iccid: iccid.to_string(),
        },
        OperationKind::UnsetFallbackAttribute => Shown::UnsetFallbackAttribute,
        OperationKind::ConfigureImmediateEnable(setting) => Shown::ConfigureImmediateEnable {
            enable: setting.enable,
            smdp_oid: setting.smdp_oid.as_ref().map(ToString::to_string),
            smdp_address: setting.smdp_address.clone(),
        },
        _ => return None,
    })
}

fn with_outcome(shown: api::Operation, state: &OperationState) -> api::Operation {
    match state.outcome() {
        None | Some(Outcome::Done) => shown,
        Some(Outcome::Installed { iccid }) => api::Operation {
            iccid: iccid.map(|iccid| iccid.to_string()),
            ..shown
        },
        Some(Outcome::Profiles { profiles }) => api::Operation {
            profiles: Some(profiles.iter().map(profile).collect()),
            ..shown
        },
        Some(Outcome::Rat { rules }) => {
            let rule = |rule: &rsp_core::eim::RatRule| RatRule {
                pprs: rule.pprs.clone(),
                operators: rule.operators.clone(),
                consent_required: rule.consent_required,
            };
            api::Operation {
                rat: Some(rules.iter().map(rule).collect()),
                ..shown
            }
        }
        Some(Outcome::EimAdded { association_token }) => api::Operation {
            association_token: *association_token,
            ..shown
        },
        Some(Outcome::EimDeleted { last }) => api::Operation {
            last_eim_deleted: Some(*last),
            ..shown
        },
        Some(Outcome::Eims { eims }) => {
            let eim = |eim: &rsp_core::eim::ListedEim| api::ListedEim {
                eim_id: eim.eim_id.clone(),
                eim_id_type: eim.id_type,
            };
            api::Operation {
                eims: Some(eims.iter().map(eim).collect()),
                ..shown
            }
        }
        Some(Outcome::EuiccData { data }) => api::Operation {
            euicc_data: Some(euicc_data(data)),
            ..shown
        },
    }
}

pub(super) fn profile(profile: &ListedProfile) -> api::Profile {
    api::Profile {
        iccid: profile.iccid.map(|iccid| iccid.to_string()),
        enabled: profile.enabled,
        name: profile.name.clone(),
        isdp_aid: profile.isdp_aid.as_ref().map(|aid| hex(aid)),
        nickname: profile.nickname.clone(),
        service_provider: profile.service_provider.clone(),
        class: profile.class,
        fallback: profile.fallback,
        fallback_allowed: profile.fallback_allowed,
        emergency: profile.emergency,
        ppr1: profile.ppr1,
        ppr2: profile.ppr2,
    }
}

fn euicc_data(data: &EuiccData) -> api::EuiccData {
    let octets = |octets: &Option<Vec<u8>>| octets.as_ref().map(|octets| hex(octets));
    let (ipa_features, ipa_protocols) = capabilities(&data.ipa_capabilities);
    api::EuiccData {
        learnt: None,
        notifications: data.notifications,
        package_results: data.package_results,
        default_smdp_address: data.default_smdp_address.clone(),
        root_smds_address: data.root_smds_address.clone(),
        association_token: data.association_token,
        euicc_info1: octets(&data.euicc_info1),
        euicc_info2: octets(&data.euicc_info2),
        eum_certificate: octets(&data.eum_certificate),
        euicc_certificate: octets(&data.euicc_certificate),
        ipa_features,
        ipa_protocols,
        device: device(&data.device_info),
    }
}

/// What is known of a device.
pub(super) fn facts(facts: &EuiccFacts) -> api::EuiccData {
    let data = EuiccData {
        default_smdp_address: facts.default_smdp_address.clone(),
        root_smds_address: facts.root_smds_address.clone(),
        euicc_info1: facts.euicc_info1.clone(),
        euicc_info2: facts.euicc_info2.clone(),
        ipa_capabilities: facts.ipa_capabilities.clone(),
        device_info: facts.device_info.clone(),
        ..EuiccData::default()
    };
    api::EuiccData {
        learnt: facts.learnt.map(utc),
        ..euicc_data(&data)
    }
}

/// A build of an IPA.
pub(super) fn build(build: &rsp_core::eim::IpaBuild) -> api::IpaBuild {
    let quirks = build.quirks.iter();
    api::IpaBuild {
        user_agent: build.user_agent.clone(),
        admin_protocol: build.admin_protocol.clone(),
        quirks: quirks.map(|quirk| quirk.name().to_string()).collect(),
        v1_0: build.is_v1_0(),
    }
}

type Names = Option<Vec<String>>;

fn capabilities(der: &Option<Vec<u8>>) -> (Names, Names) {
    let read = der
        .as_ref()
        .and_then(|der| IpaCapabilities::from_der(der).ok());
    let Some(capabilities) = read else {
        return (None, None);
    };
    let protocols = capabilities.ipa_supported_protocols.as_ref();
    (
        Some(named(&capabilities.ipa_features, &FEATURES)),
        protocols.map(|bits| named(bits, &PROTOCOLS)),
    )
}

fn device(der: &Option<Vec<u8>>) -> Option<DeviceInfo> {
    let der = der.as_ref()?;
    let info = Info::from_der(der).ok()?;
    // Of the first eight digits two are in each octet, swapped.
    let digits = info.tac.iter().map(|octet| octet.rotate_left(4));
    let imei = info.imei.as_ref();
    let imei = imei.and_then(|imei| rsp_asn1::ids::Imei::from_octets(imei).ok());
    Some(DeviceInfo {
        tac: digits.map(|octet| format!("{octet:02X}")).collect(),
        imei: imei.map(|imei| imei.to_string()),
        der: hex(der),
    })
}

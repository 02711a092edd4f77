//! What an eIM orders of a device that emulates: every PSMO and eCO.

use std::cell::Cell;
use std::rc::Rc;

use lab::{Algorithm, Bootstrap, World};
use rsp_asn1::Asn1;
use rsp_asn1::ids::Iccid;
use rsp_core::eim::{ImmediateEnable, OperationKind, Outcome, ProfileQuery};
use rsp_core::ipa::{DeviceEvent, Event, Input, IpaFeatures};

use crate::{download, enable_of, ordered, profiles, settled, two_profiles};

#[test]
fn profiles_are_listed_disabled_and_deleted() {
    let (mut world, [first, second]) = two_profiles(11);
    let list = ordered(&mut world, OperationKind::ListProfileInfo, "confirmed");
    assert!(list.emulated);
    let Some(Outcome::Profiles { profiles: listed }) = list.state.outcome() else {
        panic!("{list:?}");
    };
    let listed: Vec<_> = listed
        .iter()
        .map(|p| (p.iccid.unwrap(), p.enabled))
        .collect();
    assert_eq!(listed, [(first.iccid, true), (second.iccid, false)]);
    assert!(crate::record(&world).profiles.unwrap().emulated);

    let disable = OperationKind::Disable { iccid: first.iccid };
    ordered(&mut world, disable.clone(), "confirmed");
    let again = ordered(&mut world, disable, "failed");
    let reason = again.state.reason().unwrap();
    assert!(reason.contains("profileNotInEnabledState"), "{reason}");
    let delete = OperationKind::Delete {
        iccid: second.iccid,
    };
    ordered(&mut world, delete.clone(), "confirmed");
    ordered(&mut world, delete, "failed");
    assert_eq!(profiles(&mut world), [(first.iccid, false)]);
    let unknown: Iccid = "89103000000000000035".parse().unwrap();
    ordered(&mut world, enable_of(unknown), "failed");
}

/// In one package: what comes first changes what comes after, and what fails
/// ends it.
#[test]
fn a_list_of_operations_is_done_in_order_up_to_the_first_that_fails() {
    let (mut world, [first, second]) = two_profiles(12);
    let kinds = vec![
        enable_of(second.iccid),
        OperationKind::Delete { iccid: first.iccid },
        OperationKind::ListProfileInfo,
        OperationKind::GetRat,
    ];
    let ids = world.order_list(kinds, true).unwrap();
    world.round().unwrap();
    world.round().unwrap();
    let states: Vec<_> = ids
        .iter()
        .map(|id| world.operation(id).unwrap().state_name())
        .collect();
    assert_eq!(states, ["confirmed", "confirmed", "failed", "failed"]);
    assert_eq!(profiles(&mut world), [(second.iccid, true)]);
}

#[test]
fn settings_and_rules_are_those_of_the_card() {
    let (mut world, _) = two_profiles(13);
    let rat = ordered(&mut world, OperationKind::GetRat, "confirmed");
    assert!(matches!(rat.state.outcome(), Some(Outcome::Rat { .. })));
    for address in ["smdp.second.example.com", ""] {
        let address = address.to_string();
        let kind = OperationKind::SetDefaultDpAddress { address };
        ordered(&mut world, kind, "confirmed");
    }
    let address = "no host name".to_string();
    let kind = OperationKind::SetDefaultDpAddress { address };
    ordered(&mut world, kind, "failed");
    let query = ProfileQuery {
        search: None,
        tags: Some(vec![0x9F, 0x70, 0x9F, 0x26, 0x92]),
    };
    let kind = OperationKind::ListSomeProfileInfo(query);
    let list = ordered(&mut world, kind, "confirmed");
    let Some(Outcome::Profiles { profiles: listed }) = list.state.outcome() else {
        panic!("{list:?}");
    };
    assert!(listed.iter().all(|p| p.iccid.is_none() && p.name.is_some()));
    assert_eq!(listed.iter().filter(|p| p.enabled).count(), 1);
}

/// The Fallback Attribute is for profiles that allow it, as everywhere.
#[test]
fn fallback_is_refused_where_no_profile_allows_it() {
    let (mut world, [first, _]) = two_profiles(14);
    let iccid = first.iccid;
    let set = ordered(
        &mut world,
        OperationKind::SetFallbackAttribute { iccid },
        "failed",
    );
    let reason = set.state.reason().unwrap();
    assert!(reason.contains("fallbackNotAllowed"), "{reason}");
    let unset = ordered(&mut world, OperationKind::UnsetFallbackAttribute, "failed");
    let reason = unset.state.reason().unwrap();
    assert!(reason.contains("noFallbackAttribute"), "{reason}");
    for event in [
        DeviceEvent::ConnectivityLost,
        DeviceEvent::ReturnFromFallback,
        DeviceEvent::EmergencyCall,
        DeviceEvent::EmergencyCallOver,
    ] {
        world.events.clear();
        world.ipa.handle(Input::Device(event), world.now);
        world.round().unwrap();
        let refused = |event: &Event| matches!(event, Event::SwitchRefused { .. });
        assert!(world.events.iter().any(refused), "{:?}", world.events);
    }
}

/// A card that says of a profile that it may be the fallback: the device falls
/// back, and returns; what it would return to is not deleted meanwhile.
#[test]
fn the_device_falls_back_and_returns() {
    let mut world = World::with_consumer_card(19).unwrap();
    let first = world.subscription(9).unwrap();
    let bootstrap = Bootstrap {
        template: &rsp_core::profile::template(),
        subscription: &first,
        profile_name: "Bootstrap",
        smdp_address: "smdp.example.com",
        fallback_allowed: true,
        enabled: true,
    };
    let installed = world.factory.install_bootstrap(&mut world.card, &bootstrap);
    installed.unwrap();
    let (second, id) = download(&mut world, 1);
    settled(&mut world, &id, "confirmed");
    let iccid = first.iccid;
    let set = OperationKind::SetFallbackAttribute { iccid };
    ordered(&mut world, set, "confirmed");
    ordered(&mut world, enable_of(second.iccid), "confirmed");
    let list = ordered(&mut world, OperationKind::ListProfileInfo, "confirmed");
    let Some(Outcome::Profiles { profiles: listed }) = list.state.outcome() else {
        panic!("{list:?}");
    };
    let fallback: Vec<_> = listed.iter().map(|profile| profile.fallback).collect();
    assert_eq!(fallback, [true, false]);

    let device = |world: &mut World, event| {
        world.ipa.handle(Input::Device(event), world.now);
        world.round().unwrap();
        profiles(world)
    };
    let fallen = [(first.iccid, true), (second.iccid, false)];
    let back = [(first.iccid, false), (second.iccid, true)];
    assert_eq!(device(&mut world, DeviceEvent::ConnectivityLost), fallen);
    let delete = OperationKind::Delete {
        iccid: second.iccid,
    };
    let refused = ordered(&mut world, delete, "failed");
    let reason = refused.state.reason().unwrap();
    assert!(reason.contains("returnFallbackProfile"), "{reason}");
    let unset = ordered(&mut world, OperationKind::UnsetFallbackAttribute, "failed");
    let reason = unset.state.reason().unwrap();
    assert!(reason.contains("fallbackProfileEnabled"), "{reason}");
    world.power_cut();
    assert_eq!(device(&mut world, DeviceEvent::ReturnFromFallback), back);
    ordered(
        &mut world,
        OperationKind::UnsetFallbackAttribute,
        "confirmed",
    );
}

#[test]
fn a_profile_may_be_enabled_right_after_its_installation() {
    let (mut world, _) = two_profiles(15);
    world.ipa_config.features = IpaFeatures {
        direct: false,
        indirect: true,
        ..world.ipa_config.features
    };
    world.restart_ipa();
    let allow = ImmediateEnable {
        enable: true,
        smdp_oid: None,
        smdp_address: Some("smdp.example.com".to_string()),
    };
    let kind = OperationKind::ConfigureImmediateEnable(allow);
    ordered(&mut world, kind, "confirmed");
    let (third, id) = download(&mut world, 3);
    settled(&mut world, &id, "confirmed");
    assert!(profiles(&mut world).contains(&(third.iccid, true)));
    world.confirm(&third, Algorithm::Milenage).unwrap();
}

/// A path at which no server answers.
const NOWHERE: &str = "/nowhere";

/// Over the second profile that is enabled nobody can be reached.
fn dead_network(world: &mut World) {
    let switched = Rc::new(Cell::new(false));
    let seen = switched.clone();
    world.fault.answer = Some(Box::new(move |command, answer| {
        if command.get(5..7) == Some(&[0xBF, 0x31]) {
            seen.set(!seen.get());
        }
        Ok(answer)
    }));
    world.fault.request = Some(Box::new(move |request| {
        if switched.get() {
            request.path = NOWHERE.to_string();
        }
    }));
    world.fault.lose = Some(Box::new(|request, _| request.path == NOWHERE));
}

/// IPA-04, in place of the card.
#[test]
fn a_profile_without_network_is_left_again_if_the_eim_allows_it() {
    let (mut world, [first, second]) = two_profiles(16);
    dead_network(&mut world);
    let iccid = second.iccid;
    let rollback = true;
    let enable = OperationKind::Enable { iccid, rollback };
    let enable = ordered(&mut world, enable, "rolled_back");
    assert!(enable.emulated);
    assert!(world.events.contains(&Event::RolledBack));
    world.confirm(&first, Algorithm::Milenage).unwrap();
}

#[test]
fn eims_are_added_listed_changed_and_deleted() {
    let (mut world, _) = two_profiles(17);
    let own = world.eim.eim().configuration_data(0).unwrap();
    let named = |id: &str| {
        let mut data = own.clone();
        data.eim_id = id.try_into().unwrap();
        data.eim_fqdn = None;
        data
    };
    let configuration = named("eim.other").to_der();
    let kind = OperationKind::AddEim { configuration };
    let added = ordered(&mut world, kind.clone(), "confirmed");
    assert_eq!(
        added.state.outcome(),
        Some(&Outcome::EimAdded {
            association_token: Some(2)
        })
    );
    let again = ordered(&mut world, kind, "failed");
    let reason = again.state.reason().unwrap();
    assert!(reason.contains("associatedEimAlreadyExists"), "{reason}");

    let mut change = named("eim.other");
    change.eim_fqdn = Some("eim.other.example.com".to_string());
    (change.association_token, change.eim_public_key_data) = (None, None);
    change.counter_value = Some(5);
    let update = |change: &rsp_asn1::sgp32::EimConfigurationData| OperationKind::UpdateEim {
        configuration: change.to_der(),
    };
    ordered(&mut world, update(&change), "confirmed");
    // Old packages must not be good again: neither without a key, nor with the
    // one that it has.
    change.counter_value = Some(4);
    ordered(&mut world, update(&change), "failed");
    change.eim_public_key_data = own.eim_public_key_data.clone();
    ordered(&mut world, update(&change), "failed");

    let list = ordered(&mut world, OperationKind::ListEim, "confirmed");
    let Some(Outcome::Eims { eims }) = list.state.outcome() else {
        panic!("{list:?}");
    };
    let ids: Vec<_> = eims.iter().map(|eim| eim.eim_id.as_str()).collect();
    assert_eq!(ids, [own.eim_id.as_str(), "eim.other"]);
    let eim_id: rsp_asn1::sgp32::EimId = "eim.other".try_into().unwrap();
    let delete = OperationKind::DeleteEim { eim_id };
    ordered(&mut world, delete.clone(), "confirmed");
    ordered(&mut world, delete, "failed");
}

/// The eIM deletes itself: the device is not given back to it by its own
/// configuration, as packages from before would be good again.
#[test]
fn the_last_eim_that_goes_does_not_come_back() {
    let (mut world, _) = two_profiles(18);
    let eim_id = world.eim.eim().eim_id.clone();
    let gone = ordered(&mut world, OperationKind::DeleteEim { eim_id }, "confirmed");
    assert!(matches!(
        gone.state.outcome(),
        Some(Outcome::EimDeleted { last: true })
    ));
    world.power_cut();
    world.messages.clear();
    world.round().unwrap();
    assert!(!world.messages.contains(&lab::Peer::Eim));
}

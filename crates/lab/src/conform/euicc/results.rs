//! Results and notifications that wait: EUI-33, -34, -48 to -50, -60.

use rsp_asn1::Asn1;
use rsp_asn1::ids::Iccid;
use rsp_asn1::rsp::PendingNotification;
use rsp_asn1::sgp32::{EuiccPackageResult, RetrieveNotificationsListResponse};

use super::bench::{Bench, P1, P2};
use super::eim::on;
use super::server::{ADDRESS, Contents};
use crate::conform::case::{Case, Check, case, ensure, fail, one_of, same};
use crate::conform::der::{hex, tlv, verify};
use rsp_asn1::rsp::NotificationConfigurationInformation;
use rsp_asn1::{BitString, Extensions};

pub(super) const CASES: &[Case<Bench>] = &[
    case("EUI-33", "results wait until they are removed", stored),
    case(
        "EUI-34",
        "sequence numbers are unique and ascend",
        ascending,
    ),
    case("EUI-48", "no power amid a package", no_power_amid),
    case("EUI-49", "no power after the result", no_power_after),
    case("EUI-50", "chains of STORE DATA", chains),
    case("EUI-60", "notifications to two addresses", two_addresses),
];

impl Bench {
    /// The notifications that wait; those of an eUICC's own key are verified.
    pub(super) fn notifications(&mut self) -> Check<Vec<PendingNotification>> {
        let answer = self.es10(&hex("BF2B00"))?;
        let RetrieveNotificationsListResponse::NotificationList(list) =
            RetrieveNotificationsListResponse::from_der(&answer)?
        else {
            return fail("BF2B00 gives no list of notifications");
        };
        if let Some(about) = &self.about {
            for notification in &list {
                if let PendingNotification::Other(other) = notification {
                    let signed = [other.tbs_other_notification.as_bytes()];
                    let signature = &other.euicc_notification_signature;
                    verify("euiccNotificationSignature", &about.key, &signed, signature)?;
                }
            }
        }
        Ok(list)
    }

    /// Events and ICCIDs of the notifications that wait.
    pub(super) fn events(&mut self) -> Check<Vec<(u8, Iccid)>> {
        let list = self.notifications()?;
        let line = |notification: &PendingNotification| {
            let metadata = notification.metadata()?;
            let event = &metadata.profile_management_operation;
            Some(((0..4).find(|bit| event.bit(*bit))?, metadata.iccid?))
        };
        Ok(list.iter().filter_map(line).collect())
    }

    /// Numbers of the results that wait.
    pub(super) fn result_numbers(&mut self) -> Check<Vec<i64>> {
        let answer = self.es10(&hex("BF2B04A0028200"))?;
        let list = match RetrieveNotificationsListResponse::from_der(&answer)? {
            RetrieveNotificationsListResponse::EuiccPackageResultList(list) => list,
            // An empty list has no alternative of its own on some cards.
            RetrieveNotificationsListResponse::NotificationList(list) if list.is_empty() => {
                Vec::new()
            }
            other => return fail(format!("no list of results but {other:?}")),
        };
        let number = |result: &EuiccPackageResult| match result {
            EuiccPackageResult::Signed(result) => {
                Some(result.euicc_package_result_data_signed.seq_number)
            }
            _ => None,
        };
        Ok(list.iter().filter_map(number).collect())
    }

    /// Numbers of everything that waits.
    pub(super) fn waiting(&mut self) -> Check<Vec<i64>> {
        let list = self.notifications()?;
        let mut numbers: Vec<i64> = list.iter().map(PendingNotification::seq_number).collect();
        numbers.extend(self.result_numbers()?);
        Ok(numbers)
    }
}

fn stored(bench: &mut Bench) -> Check {
    let mut eim = bench.with_eim()?;
    let (_, number) = bench.numbered(&mut eim, &tlv(0xA0, &hex("BF2D00")))?;
    ensure(
        bench.result_numbers()?.contains(&number),
        "the result is stored",
    )?;
    same("RemoveNotificationFromList", bench.remove(number)?, 0)?;
    ensure(
        !bench.result_numbers()?.contains(&number),
        "the result is removed",
    )?;
    same("the second removal", bench.remove(number)?, 1)
}

fn ascending(bench: &mut Bench) -> Check {
    let mut eim = bench.ready()?;
    let (_, first) = bench.numbered(&mut eim, &tlv(0xA0, &on(0xA3, P2)?))?;
    bench.power_cycle()?;
    let (_, second) = bench.numbered(&mut eim, &tlv(0xA0, &on(0xA3, P1)?))?;
    bench.power_cycle()?;
    ensure(second > first, "the second result has the greater number")?;
    let mut numbers = bench.waiting()?;
    let all = numbers.len();
    numbers.sort_unstable();
    numbers.dedup();
    same("numbers without repetition", numbers.len(), all)
}

fn no_power_amid(bench: &mut Bench) -> Check {
    let eim = bench.ready()?;
    let eid = *bench.about()?.eid.as_bytes();
    let list = tlv(0xA0, &on(0xA3, P2)?);
    let signed = eim.to_be_signed(&eid, eim.counter + 1, &list);
    let request = eim.sign(&signed, None)?;
    let block = request.chunks(60).next().unwrap_or_default();
    let mut apdu = vec![0x80 | bench.channel, 0xE2, 0x11, 0, block.len() as u8];
    apdu.extend_from_slice(block);
    same("the first block", bench.apdu(&apdu)?.1, 0x9000)?;
    bench.power_cycle()?;
    same("P1 enabled", bench.is_enabled(P1)?, true)?;
    // The counter is as it was: the same package is taken now.
    let found = bench.send_package(&request, None)?.results()?;
    same("the package, sent again", found.as_str(), "830100")
}

fn no_power_after(bench: &mut Bench) -> Check {
    let mut eim = bench.ready()?;
    let eid = *bench.about()?.eid.as_bytes();
    eim.counter += 1;
    let signed = eim.to_be_signed(&eid, eim.counter, &tlv(0xA0, &on(0xA3, P2)?));
    let request = eim.sign(&signed, None)?;
    let (_, status) = bench.store(&request, 255)?;
    same("SW1 of the package", status >> 8, 0x61)?;
    bench.power_cycle()?;
    let numbers = bench.result_numbers()?;
    ensure(!numbers.is_empty(), "the result can be read by BF2B")?;
    same("P2 enabled", bench.is_enabled(P2)?, true)
}

fn chains(bench: &mut Bench) -> Check {
    let mut eim = bench.with_eim()?;
    let eid = *bench.about()?.eid.as_bytes();
    let items = hex("BF2D00").repeat(180);
    eim.counter += 1;
    let signed = eim.to_be_signed(&eid, eim.counter, &tlv(0xA0, &items));
    let long = eim.sign(&signed, None)?;
    ensure(long.len() > 600, "the package has more than 600 octets")?;
    let first = bench.store(&long, 120)?;
    let (data, status) = bench.collect(first)?;
    same("a chain of 120 octets each", status, 0x9000)?;
    bench.read_answer(&data, None)?.results()?;
    // A block that skips a number.
    let class = 0x80 | bench.channel;
    bench.apdu(&[class, 0xE2, 0x11, 0, 2, 0xBF, 0x3E])?;
    let (_, status) = bench.apdu(&[class, 0xE2, 0x91, 5, 4, 0x03, 0x5C, 0x01, 0x5A])?;
    one_of("a wrong block number", &status, &[0x6A86, 0x6985])?;
    let answer = bench.es10(&hex("BF3E035C015A"))?;
    ensure(
        answer.starts_with(&hex("BF3E125A10")),
        "the card goes on afterwards",
    )
}

fn two_addresses(bench: &mut Bench) -> Check {
    let mut eim = bench.with_eim()?;
    let mut contents = Contents::of(P1)?;
    let entry = |event: u8, address: &str| NotificationConfigurationInformation {
        profile_management_operation: BitString::of(&[event]),
        notification_address: address.into(),
        extensions: Extensions::default(),
    };
    let both = |event| [entry(event, ADDRESS), entry(event, "second.example.com")];
    let configured = [1, 2, 3].into_iter().flat_map(both).collect();
    contents.metadata.notification_configuration_info = Some(configured);
    bench.install_with(&contents)?;
    for (tag, event) in [(0xA3, 1), (0xA4, 2), (0xA5, 3)] {
        bench.clear()?;
        bench.psmos(&mut eim, &on(tag, P1)?)?;
        let mut addresses: Vec<String> = Vec::new();
        for notification in bench.notifications()? {
            if let Some(metadata) = notification.metadata() {
                let is_it = metadata.profile_management_operation.bit(event);
                ensure(is_it, &format!("only notifications of event {event}"))?;
                addresses.push(metadata.notification_address.clone());
            }
        }
        addresses.sort();
        let expected = ["second.example.com", ADDRESS];
        same("addresses", addresses, expected.map(String::from).into())?;
    }
    bench.clear()?;
    same("what waits after removal", bench.waiting()?.len(), 0)
}

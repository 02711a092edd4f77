//! eIM Configuration Operations in packages (SGP.32 2.11.1.1.2).

use rsp_asn1::sgp32::*;
use rsp_asn1::{Asn1, BitString, SubjectPublicKeyInfo};
use rsp_crypto::software::SoftwareKey;

use crate::common::{Host, hex, key};
use crate::eims::Eim;
use crate::pki;

/// A card with one eIM, with a token.
fn one_eim() -> (Host, Eim) {
    let mut host = Host::ready();
    let mut eim = Eim::new("eim1");
    eim.token = host.add(&eim, true);
    (host, eim)
}

fn add(eim: &Eim) -> Eco {
    Eco::AddEim(eim.configuration())
}

fn add_with(eim: &Eim, change: impl FnOnce(&mut EimConfigurationData)) -> Eco {
    let mut data = eim.configuration();
    change(&mut data);
    Eco::AddEim(data)
}

fn delete(id: &str) -> Eco {
    Eco::DeleteEim(DeleteEim {
        eim_id: id.try_into().unwrap(),
        extensions: Default::default(),
    })
}

/// updateEim with nothing in it but what `change` puts there.
fn update(id: &str, change: impl FnOnce(&mut EimConfigurationData)) -> Eco {
    let mut data = Eim::new(id).configuration();
    data.eim_fqdn = None;
    data.counter_value = None;
    data.eim_public_key_data = None;
    change(&mut data);
    Eco::UpdateEim(data)
}

fn list() -> Eco {
    Eco::ListEim(EmptyOperation {
        extensions: Default::default(),
    })
}

fn spki(key: &SoftwareKey) -> Option<EimPublicKeyData> {
    let spki = SubjectPublicKeyInfo::from_bytes(&key.public_key().to_spki_der());
    Some(EimPublicKeyData::PublicKey(spki.unwrap()))
}

/// Codes; a new token is 1000 and the token, a list is 2000 and its length.
fn codes(results: &[EuiccResultData]) -> Vec<i64> {
    let code = |result: &EuiccResultData| match result {
        EuiccResultData::AddEimResult(AddEimResult::Code(code)) => code.0,
        EuiccResultData::AddEimResult(AddEimResult::AssociationToken(token)) => 1000 + token,
        EuiccResultData::DeleteEimResult(code) => code.0,
        EuiccResultData::UpdateEimResult(code) => code.0,
        EuiccResultData::ListEimResult(ListEimResult::EimIdList(list)) => 2000 + list.len() as i64,
        EuiccResultData::ProcessingTerminated(code) => 3000 + code.0,
        other => panic!("{other:?}"),
    };
    results.iter().map(code).collect()
}

fn ids(host: &mut Host) -> Vec<String> {
    let eims = host.associations();
    eims.iter()
        .map(|eim| eim.eim_id.as_str().to_string())
        .collect()
}

/// EUI-25: a token is made where it is asked for, told in the result and in
/// GetEimConfigurationData, and belongs to what is signed from then on.
#[test]
fn an_added_eim_gets_the_token_that_it_asks_for() {
    let (mut host, mut eim) = one_eim();
    assert_eq!(eim.token, Some(1));
    let mut second = Eim::new("eim2");
    let wanted = add_with(&second, |data| {
        data.association_token = Some(ASSOCIATION_TOKEN_REQUEST);
    });
    let results = host.run_ecos(&mut eim, &[wanted]);
    assert_eq!(results[0].to_der(), hex("A803840102"));
    assert_eq!(host.associations()[1].association_token, Some(2));
    assert_eq!(host.refusal(&second, &second.clone_package()), -1);
    second.token = Some(2);
    assert_eq!(codes(&host.run_ecos(&mut second, &[list()])), [2002]);
    // None is made for one that does not ask, and the next one is another.
    let third = Eim::new("eim3");
    let fourth = add_with(&Eim::new("eim4"), |data| data.association_token = Some(-1));
    let results = host.run_ecos(&mut second, &[add(&third), fourth]);
    assert_eq!(results[0].to_der(), hex("A803020100"));
    assert_eq!(codes(&results), [0, 1003]);
    assert_eq!(host.associations()[2].association_token, None);
}

/// EUI-26: what an eIM leaves out.
#[test]
fn what_addeim_may_leave_out() {
    let (mut host, mut eim) = one_eim();
    let bare = add_with(&Eim::new("bare"), |data| data.eim_fqdn = None);
    assert_eq!(codes(&host.run_ecos(&mut eim, &[bare])), [0]);
    let added = host.associations().pop().unwrap();
    assert_eq!(added.eim_id_type, Some(EimIdType::EIM_ID_TYPE_PROPRIETARY));
    assert_eq!(added.eim_supported_protocol, Some(BitString::of(&[4])));
    assert_eq!(added.euicc_ci_pk_id, Some(hex(pki::CI_SKI)));
    assert_eq!((added.eim_fqdn, added.association_token), (None, None));
    assert_eq!(added.counter_value, None);
}

/// EUI-27: each refusal of addEim, and that it ends the processing.
#[test]
fn what_addeim_refuses() {
    let (mut host, mut eim) = one_eim();
    let new = Eim::new("new");
    let refusals: [(Eco, i64); 7] = [
        (add(&Eim::new("eim1")), 2),
        (add_with(&new, |d| d.euicc_ci_pk_id = Some(vec![1; 20])), 3),
        (add_with(&new, |d| d.association_token = Some(7)), 5),
        (add_with(&new, |d| d.counter_value = Some(0x80_0000)), 6),
        (add_with(&new, |d| d.eim_public_key_data = None), 7),
        (add_with(&new, |d| d.counter_value = None), 7),
        (
            add_with(&new, |d| {
                d.eim_public_key_data = Some(EimPublicKeyData::PublicKey(not_a_key()));
            }),
            7,
        ),
    ];
    for (refused, code) in refusals {
        let results = host.run_ecos(&mut eim, &[refused, add(&new)]);
        assert_eq!(codes(&results), [code]);
        assert_eq!(ids(&mut host), ["eim1"]);
    }
    // There is room for sixteen.
    let many: Vec<_> = (2..=16)
        .map(|n| add(&Eim::new(&format!("eim{n}"))))
        .collect();
    assert_eq!(codes(&host.run_ecos(&mut eim, &many)), [0; 15]);
    assert_eq!(codes(&host.run_ecos(&mut eim, &[add(&new)])), [1]);
}

/// A key on a curve that nobody here has.
fn not_a_key() -> SubjectPublicKeyInfo {
    let bytes = hex("3010 300906072A8648CE3D0201 0303000405");
    SubjectPublicKeyInfo::from_bytes(&bytes).unwrap()
}

/// EUI-28: another eIM, the own one, one that is not there, and the last.
/// EUI-32: the result of the own deletion is signed with the token that the
/// eIM had, and waits.
#[test]
fn an_eim_may_delete_others_itself_and_the_last() {
    let (mut host, mut eim) = one_eim();
    let mut second = Eim::new("eim2");
    let added = host.run_ecos(&mut eim, &[add(&second), add(&Eim::new("eim3"))]);
    assert_eq!(codes(&added), [0, 0]);
    let results = host.run_ecos(&mut eim, &[delete("eim4"), delete("eim3")]);
    assert_eq!(codes(&results), [1]);
    assert_eq!(codes(&host.run_ecos(&mut eim, &[delete("eim3")])), [0]);
    // The own one, amid other operations.
    let results = host.run_ecos(&mut eim, &[delete("eim1"), list()]);
    assert_eq!(codes(&results), [0, 2001]);
    assert_eq!(ids(&mut host), ["eim2"]);
    let waiting = host.waiting_results();
    let Some(EuiccPackageResult::Signed(last)) = waiting.last() else {
        panic!("{waiting:?}");
    };
    assert_eq!(codes(&eim.verified(last).euicc_result), [0, 2001]);
    let number = last.euicc_package_result_data_signed.seq_number as u8;
    assert_eq!(host.refusal(&eim, &eim.clone_package()), -1);
    // Deliverable, and removed when it was delivered.
    assert_eq!(
        host.es10(&[0xBF, 0x30, 3, 0x80, 1, number]),
        hex("BF3003800100")
    );
    // The last: a success, after which an IPA may associate eIMs again.
    let results = host.run_ecos(&mut second, &[delete("eim2"), list()]);
    assert_eq!(codes(&results), [2, 2000]);
    assert_eq!(host.es10(&hex("BF5500")), hex("BF5502A000"));
    host.card.reset();
    host.open();
    assert_eq!(host.add(&Eim::new("eim5"), true), Some(2));
}

/// EUI-29: another key: what the old one signs proves nothing any more.
#[test]
fn an_eim_changes_its_key() {
    let (mut host, mut eim) = one_eim();
    let new_key = key(pki::CI);
    let change = update("eim1", |data| data.eim_public_key_data = spki(&new_key));
    assert_eq!(codes(&host.run_ecos(&mut eim, &[change])), [0]);
    let old = eim.eco_package(&[list()]);
    assert_eq!(host.refusal(&eim, &old), -1);
    eim.key = new_key;
    assert_eq!(codes(&host.run_ecos(&mut eim, &[list()])), [2001]);
    host.card.reset();
    host.open();
    assert_eq!(codes(&host.run_ecos(&mut eim, &[list()])), [2001]);
}

/// EUI-30: what updateEim refuses: a token, nothing, a lower counter.
#[test]
fn what_updateeim_refuses() {
    let (mut host, mut eim) = one_eim();
    eim.counter = 9;
    assert_eq!(codes(&host.run_ecos(&mut eim, &[list()])), [2001]);
    let before = host.associations();
    for (refused, code) in [
        (update("eim9", |d| d.eim_fqdn = Some("x".into())), 1),
        (update("eim1", |d| d.euicc_ci_pk_id = Some(vec![1; 20])), 3),
        (update("eim1", |d| d.counter_value = Some(9)), 6),
        (update("eim1", |d| d.counter_value = Some(0x80_0000)), 6),
        (update("eim1", |d| d.association_token = Some(-1)), 7),
        (update("eim1", |_| ()), 7),
    ] {
        let and_more = update("eim1", |d| d.eim_fqdn = Some("other.example".into()));
        let results = host.run_ecos(&mut eim, &[refused, and_more]);
        assert_eq!(codes(&results), [code]);
        assert_eq!(host.associations(), before);
    }
}

/// updateEim changes what it names and nothing else.
#[test]
fn updateeim_changes_the_members_that_it_names() {
    let (mut host, mut eim) = one_eim();
    let second = Eim::new("eim2");
    assert_eq!(codes(&host.run_ecos(&mut eim, &[add(&second)])), [0]);
    let before = host.associations();
    let change = update("eim2", |data| {
        data.eim_fqdn = Some("new.example:8443".into());
        data.eim_id_type = Some(EimIdType::EIM_ID_TYPE_FQDN);
        data.indirect_profile_download = Some(rsp_asn1::Null);
        data.eim_supported_protocol = Some(BitString::of(&[EIM_RETRIEVE_HTTPS]));
        // The first octets of an identifier are enough.
        data.euicc_ci_pk_id = Some(hex(&pki::CI_SKI[..8]));
    });
    assert_eq!(codes(&host.run_ecos(&mut eim, &[change])), [0]);
    let after = host.associations();
    assert_eq!(after[0], before[0]);
    let mut expected = before[1].clone();
    expected.eim_fqdn = Some("new.example:8443".into());
    expected.eim_id_type = Some(EimIdType::EIM_ID_TYPE_FQDN);
    expected.indirect_profile_download = Some(rsp_asn1::Null);
    expected.eim_supported_protocol = Some(BitString::of(&[EIM_RETRIEVE_HTTPS]));
    assert_eq!(after[1], expected);
}

/// A counter goes up at will, and down with another key alone. The package
/// that changes an eIM's own counter is not good twice.
#[test]
fn counters_that_updateeim_sets() {
    let (mut host, mut eim) = one_eim();
    eim.counter = 20;
    let set = |to| update("eim1", move |data| data.counter_value = Some(to));
    let package = eim.eco_package(&[set(20)]);
    assert_eq!(host.refusal_or_zero(&eim, &package), 0);
    assert_eq!(host.refusal(&eim, &package), 4);
    assert_eq!(codes(&host.run_ecos(&mut eim, &[set(40)])), [0]);
    let too_low = eim.eco_package(&[list()]);
    assert_eq!(host.refusal(&eim, &too_low), 4);
    eim.counter = 40;
    let new_key = key(pki::CI);
    let anew = update("eim1", |data| {
        data.counter_value = Some(0);
        data.eim_public_key_data = spki(&new_key);
    });
    assert_eq!(codes(&host.run_ecos(&mut eim, &[anew])), [0]);
    eim.key = new_key;
    eim.counter = 0;
    assert_eq!(codes(&host.run_ecos(&mut eim, &[list()])), [2001]);
}

/// EUI-31: all identifiers, with their types.
#[test]
fn the_list_of_eims() {
    let (mut host, mut eim) = one_eim();
    let fqdn = add_with(&Eim::new("eim.example"), |data| {
        data.eim_id_type = Some(EimIdType::EIM_ID_TYPE_FQDN);
    });
    let results = host.run_ecos(&mut eim, &[fqdn, list()]);
    let expected = "AB1FA01D 3009 8004 65696D31 820103 3010 800B 65696D2E6578616D706C65 820102";
    assert_eq!(results[1].to_der(), hex(expected));
    // One that is named by an OID, after a power cut too, and orders by it.
    let mut named = Eim::new("2.999.20");
    named.key = key(pki::CI);
    let oid = add_with(&named, |data| {
        data.eim_id_type = Some(EimIdType::EIM_ID_TYPE_OID);
    });
    assert_eq!(codes(&host.run_ecos(&mut eim, &[oid])), [0]);
    host.card.reset();
    host.open();
    let results = host.run_ecos(&mut named, &[list()]);
    let expected = "AB2EA02C 3009 8004 65696D31 820103 3010 800B 65696D2E6578616D706C65 820102 \
                    300D 8008 322E3939392E3230 820101";
    assert_eq!(results[0].to_der(), hex(expected));
}

/// EUI-51: each eIM counts for itself, and orders what it likes.
#[test]
fn two_eims_count_for_themselves() {
    let (mut host, mut eim) = one_eim();
    let mut second = Eim::new("eim2");
    second.key = key(pki::CI);
    eim.counter = 100;
    assert_eq!(codes(&host.run_ecos(&mut eim, &[add(&second)])), [0]);
    for _ in 0..3 {
        assert_eq!(codes(&host.run_ecos(&mut second, &[list()])), [2002]);
        assert_eq!(codes(&host.run_ecos(&mut eim, &[list()])), [2002]);
    }
    assert_eq!((eim.counter, second.counter), (104, 3));
    // One eIM's key does not sign for the other.
    let mut impostor = Eim::new("eim1");
    impostor.key = key(pki::CI);
    impostor.counter = 200;
    let forged = impostor.eco_package(&[delete("eim1")]);
    assert_eq!(host.refusal(&impostor, &forged), -1);
    // Each is told of by its own results alone.
    let of = |results: &[EuiccPackageResult], id: &str| {
        results
            .iter()
            .filter(|result| result.eim_id() == id)
            .count()
    };
    let waiting = host.waiting_results();
    assert_eq!((of(&waiting, "eim1"), of(&waiting, "eim2")), (4, 3));
}

/// What is no eCO ends the processing, as do PSMOs among them (EUI-15: a
/// package with both lists is not one at all, an empty one is).
#[test]
fn what_is_no_eco() {
    let (mut host, mut eim) = one_eim();
    let mut run = |list: &str| {
        eim.counter += 1;
        let eid = crate::common::eid();
        let signed = eim.signed(eid.as_bytes(), eim.counter, &hex(list));
        let package = eim.sign(&signed);
        match EuiccPackageResult::from_der(&host.es10(&package)).unwrap() {
            EuiccPackageResult::Signed(result) => codes(&eim.verified(&result).euicc_result),
            EuiccPackageResult::ErrorSigned(error) => panic!("{error:?}"),
            EuiccPackageResult::ErrorUnsigned(_) => {
                eim.counter -= 1;
                vec![-1]
            }
        }
    };
    assert_eq!(run("A100"), Vec::<i64>::new());
    assert_eq!(run("A000"), Vec::<i64>::new());
    assert_eq!(run("A102AB00 A002A600"), [-1]);
    assert_eq!(run("A002A600 A102AB00"), [-1]);
    assert_eq!(run("A104AF00AB00"), [3002]);
    assert_eq!(run("A106AB00A800AB00"), [2001, 3002]);
    assert_eq!(run("A102A600"), [3002]);
    assert_eq!(run("A110A30E5A0A980103000000000000100500"), [3002]);
}

impl Eim {
    /// A package with the next counter that is not counted.
    fn clone_package(&self) -> Vec<u8> {
        let mut again = Eim {
            id: self.id.clone(),
            key: self.key.clone(),
            token: self.token,
            counter: self.counter,
        };
        again.eco_package(&[list()])
    }
}

impl Host {
    fn refusal_or_zero(&mut self, eim: &Eim, package: &[u8]) -> i64 {
        match EuiccPackageResult::from_der(&self.es10(package)).unwrap() {
            EuiccPackageResult::Signed(result) => {
                eim.verified(&result);
                0
            }
            other => panic!("{other:?}"),
        }
    }
}

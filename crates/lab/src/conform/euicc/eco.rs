//! eIM configuration operations and the first association: EUI-25 to -32, -45,
//! -46.

use rsp_asn1::sgp32::{
    AddInitialEimResponse, EimConfigurationData, GetEimConfigurationDataResponse,
};
use rsp_asn1::{Asn1, Tag, Writer};

use super::bench::Bench;
use super::eim::Eim;
use crate::conform::case::{Case, Check, case, ensure, fail, one_of, same, skip, some};
use crate::conform::der::{hex, same_octets, shown, tlv};

pub(super) const CASES: &[Case<Bench>] = &[
    case("EUI-25", "addEim that asks for an association token", token),
    case("EUI-26", "addEim: what is not said has defaults", defaults),
    case("EUI-27", "addEim: errors", errors),
    case(
        "EUI-28",
        "deleteEim: another, an unknown, the own and last",
        delete,
    ),
    case("EUI-29", "updateEim with another key", new_key),
    case("EUI-30", "updateEim: errors", update_errors),
    case("EUI-31", "listEim", list),
    case("EUI-32", "the result of deleting oneself", own_end),
    case(
        "EUI-45",
        "AddInitialEim: all or nothing, and only once",
        initial,
    ),
    case("EUI-46", "eUICCMemoryReset of the eIM configuration", reset),
];

/// An eCO on an eIM's configuration: 'A8' addEim, 'AA' updateEim.
fn eco(tag: u32, data: &EimConfigurationData) -> Vec<u8> {
    let mut out = Writer::new();
    data.encode_tagged(Tag::new(tag), &mut out);
    out.into_bytes()
}

/// The eIMs that the card tells of.
fn known(bench: &mut Bench) -> Check<Vec<EimConfigurationData>> {
    let answer = bench.es10(&hex("BF5500"))?;
    Ok(GetEimConfigurationDataResponse::from_der(&answer)?.eim_configuration_data_list)
}

fn named(bench: &mut Bench, id: &str) -> Check<EimConfigurationData> {
    let list = known(bench)?;
    let found = list.into_iter().find(|eim| eim.eim_id.as_str() == id);
    some(&format!("{id} in GetEimConfigurationData"), found)
}

fn token(bench: &mut Bench) -> Check {
    let mut eim = bench.with_eim()?;
    let mut new = Eim::new("eimB", bench)?;
    let mut data = new.configuration()?;
    data.association_token = Some(-1);
    let found = bench.ecos(&mut eim, &eco(0xA8, &data))?;
    let told = named(bench, "eimB")?.association_token;
    let token = some("the token in GetEimConfigurationData", told)?;
    ensure(token > 0, "the token is greater than 0")?;
    let mut expected = Writer::new();
    expected.constructed(Tag::new(0xA8), |out| {
        token.encode_tagged(Tag::new(0x84), out);
    });
    same("the result", shown(&found), shown(&expected.into_bytes()))?;
    new.token = Some(token);
    bench
        .expect(&mut new, "a package of the new eIM", &hex("A600"), "A600")
        .or_else(|_| bench.psmos(&mut new, &hex("BF2D00")).map(drop))
}

fn defaults(bench: &mut Bench) -> Check {
    let mut eim = bench.with_eim()?;
    let mut data = Eim::new("eimB", bench)?.configuration()?;
    data.eim_fqdn = None;
    let found = bench.ecos(&mut eim, &eco(0xA8, &data))?;
    same_octets("the result", &found, "A803020100")?;
    let told = named(bench, "eimB")?;
    same(
        "counterValue, which is never told",
        told.counter_value,
        None,
    )?;
    same("eimIdType", told.eim_id_type.map(|t| t.0), Some(3))?;
    same("token", told.association_token, None)?;
    let protocol = some("eimSupportedProtocol", told.eim_supported_protocol)?;
    ensure(
        protocol.bit(4) && !protocol.bit(0),
        "eimSupportedProtocol is eimProprietary",
    )?;
    let first = &bench.about()?.info2.euicc_ci_pk_id_list_for_signing;
    same("euiccCiPKId", told.euicc_ci_pk_id.as_ref(), first.first())
}

fn errors(bench: &mut Bench) -> Check {
    let mut eim = bench.with_eim()?;
    let new = Eim::new("eimB", bench)?;
    let own = eim.configuration()?;
    let mut refused = |what: &str, change: &dyn Fn(&mut EimConfigurationData), code: &str| {
        let mut data = new.configuration()?;
        change(&mut data);
        let found = bench.ecos(&mut eim, &eco(0xA8, &data))?;
        same_octets(what, &found, &format!("A8030201{code}"))
    };
    refused(
        "an eIM that is there",
        &|data| data.eim_id = own.eim_id.clone(),
        "02",
    )?;
    refused(
        "an unknown CI",
        &|data| data.euicc_ci_pk_id = Some(vec![1; 20]),
        "03",
    )?;
    refused(
        "a given token",
        &|data| data.association_token = Some(7),
        "05",
    )?;
    refused(
        "a great counter",
        &|data| data.counter_value = Some(0x80_0000),
        "06",
    )?;
    refused("no counter", &|data| data.counter_value = None, "07")?;
    refused("no key", &|data| data.eim_public_key_data = None, "07")
}

fn delete(bench: &mut Bench) -> Check {
    let mut eim = bench.with_eim()?;
    let data = Eim::new("eimB", bench)?.configuration()?;
    bench.ecos(&mut eim, &eco(0xA8, &data))?;
    let mut delete = |bench: &mut Bench, what: &str, id: &[u8], expected: &str| {
        let found = bench.ecos(&mut eim, &tlv(0xA9, &tlv(0x80, id)))?;
        same_octets(what, &found, expected)
    };
    delete(bench, "another", b"eimB", "890100")?;
    delete(bench, "an unknown one", b"eimC", "890101")?;
    delete(bench, "the own, which is the last", b"eimA", "890102")?;
    same("eIMs on the card", known(bench)?.len(), 0)
}

fn new_key(bench: &mut Bench) -> Check {
    let mut eim = bench.with_eim()?;
    let other = Eim::new("eimA", bench)?;
    let mut data = other.configuration()?;
    (data.counter_value, data.eim_fqdn) = (None, None);
    let found = bench.ecos(&mut eim, &eco(0xAA, &data))?;
    same_octets("the result", &found, "8A0100")?;
    let eid = *bench.about()?.eid.as_bytes();
    let list = tlv(0xA0, &hex("BF2D00"));
    let signed = eim.to_be_signed(&eid, eim.counter + 1, &list);
    let old = eim.sign(&signed, None)?;
    bench.send_package(&old, None)?.unsigned()?;
    let new = other.sign(&signed, None)?;
    bench.send_package(&new, None)?.results().map(drop)
}

fn update_errors(bench: &mut Bench) -> Check {
    let mut eim = bench.with_eim()?;
    let mut nothing = eim.configuration()?;
    nothing.counter_value = None;
    nothing.eim_fqdn = None;
    nothing.eim_public_key_data = None;
    let found = bench.ecos(&mut eim, &eco(0xAA, &nothing))?;
    same_octets("nothing to update", &found, "8A0107")?;
    let with_token = EimConfigurationData {
        association_token: Some(-1),
        eim_fqdn: Some("other.example.com".into()),
        ..nothing.clone()
    };
    let found = bench.ecos(&mut eim, &eco(0xAA, &with_token))?;
    same_octets("a token", &found, "8A0107")?;
    let lower = EimConfigurationData {
        counter_value: Some(0),
        ..nothing.clone()
    };
    let found = shown(&bench.ecos(&mut eim, &eco(0xAA, &lower))?);
    one_of("a lower counter", &found.as_str(), &["8A0106", "8A0107"])?;
    let unknown = EimConfigurationData {
        eim_id: "eimC".try_into()?,
        eim_fqdn: Some("other.example.com".into()),
        ..nothing
    };
    let found = bench.ecos(&mut eim, &eco(0xAA, &unknown))?;
    same_octets("an unknown eIM", &found, "8A0101")
}

fn list(bench: &mut Bench) -> Check {
    let mut eim = bench.with_eim()?;
    let data = Eim::new("eimB", bench)?.configuration()?;
    bench.ecos(&mut eim, &eco(0xA8, &data))?;
    let found = shown(&bench.ecos(&mut eim, &hex("AB00"))?);
    ensure(
        found.starts_with("AB"),
        &format!("{found}: the result is a list"),
    )?;
    for id in ["800465696D41", "800465696D42"] {
        ensure(found.contains(id), &format!("{found}: the list names {id}"))?;
    }
    Ok(())
}

fn own_end(bench: &mut Bench) -> Check {
    bench.fresh()?;
    let mut eim = bench.associate("eimA", true)?;
    // `ecos` verifies the signature with the eIM's token.
    let found = bench.ecos(&mut eim, &hex("A906800465696D41"))?;
    same_octets("the result", &found, "890102")?;
    same("eIMs on the card", known(bench)?.len(), 0)?;
    ensure(!bench.result_numbers()?.is_empty(), "the result is stored")
}

fn initial(bench: &mut Bench) -> Check {
    bench.fresh()?;
    let good = Eim::new("eimA", bench)?.configuration()?;
    let mut bad = Eim::new("eimB", bench)?.configuration()?;
    bad.eim_public_key_data = None;
    match bench.add_initial(vec![good.clone(), bad])? {
        AddInitialEimResponse::Error(code) => same("the error", code.0, 7)?,
        other => return fail(format!("{other:?} instead of commandError (7)")),
    }
    same("eIMs after a refusal", known(bench)?.len(), 0)?;
    match bench.add_initial(vec![good.clone()])? {
        AddInitialEimResponse::Ok(_) => {}
        other => return fail(format!("AddInitialEim answers {other:?}")),
    }
    match bench.add_initial(vec![good])? {
        AddInitialEimResponse::Error(code) => same("the second time", code.0, 2),
        other => fail(format!("{other:?} although an eIM is there")),
    }
}

fn reset(bench: &mut Bench) -> Check {
    bench.with_eim()?;
    let answer = shown(&bench.es10(&hex("BF640482020204"))?);
    if answer.contains("810102") {
        return skip("eimResetNotSupported");
    }
    ensure(
        answer.contains("810100"),
        &format!("{answer}: resetEimResult is ok"),
    )?;
    bench.power_cycle()?;
    same("eIMs on the card", known(bench)?.len(), 0)?;
    let data = Eim::new("eimB", bench)?.configuration()?;
    match bench.add_initial(vec![data])? {
        AddInitialEimResponse::Ok(_) => Ok(()),
        AddInitialEimResponse::Error(code) => fail(format!("AddInitialEim: {code}")),
    }
}

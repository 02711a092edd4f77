//! What a package must be to be executed: EUI-08 to -15, -51.

use rsp_asn1::Asn1;
use rsp_asn1::sgp32::GetEimConfigurationDataResponse;

use super::bench::Bench;
use super::eim::{Answer, Eim};
use crate::conform::case::{Case, Check, case, ensure, fail, one_of, same};
use crate::conform::der::{hex, tlv};

pub(super) const CASES: &[Case<Bench>] = &[
    case("EUI-08", "an eimId that the eUICC does not know", stranger),
    case("EUI-09", "a wrong signature", forged),
    case("EUI-10", "a wrong association token", wrong_token),
    case("EUI-11", "another eUICC's EID", other_eid),
    case("EUI-12", "the same package twice", replay),
    case("EUI-13", "a gap in the counter", gap),
    case("EUI-14", "the greatest counter, and one above it", greatest),
    case(
        "EUI-15",
        "PSMOs and eCOs in one package; an empty list",
        mixed,
    ),
    case("EUI-51", "two eIMs have counters of their own", two_eims),
];

/// A package that reads the list, with a counter.
fn list(bench: &Bench, eim: &Eim, counter: i64) -> Check<Vec<u8>> {
    let eid = *bench.about()?.eid.as_bytes();
    Ok(eim.to_be_signed(&eid, counter, &tlv(0xA0, &hex("BF2D00"))))
}

fn stranger(bench: &mut Bench) -> Check {
    let eim = bench.with_eim()?;
    let stranger = Eim::new("eimZ", bench)?;
    let request = stranger.sign(&list(bench, &stranger, 1)?, None)?;
    match bench.send_package(&request, None)? {
        Answer::Unsigned(id, token) => {
            one_of("eimId", &id.as_str(), &["eimZ", ""])?;
            same("token", token, None)?;
        }
        other => return fail(format!("{other:?} instead of an unsigned error")),
    }
    // The counter of the other eIM has not moved.
    let request = eim.sign(&list(bench, &eim, 1)?, None)?;
    bench.send_package(&request, None)?.results().map(drop)
}

fn forged(bench: &mut Bench) -> Check {
    let mut eim = bench.with_eim()?;
    let signed = list(bench, &eim, 1)?;
    let good = eim.sign(&signed, None)?;
    eim.key = Eim::new("eimA", bench)?.key;
    let forged = eim.sign(&signed, None)?;
    bench.send_package(&forged, None)?.unsigned()?;
    let mut altered = good.clone();
    if let Some(last) = altered.last_mut() {
        *last ^= 1;
    }
    bench.send_package(&altered, None)?.unsigned()?;
    bench.send_package(&good, None)?.results().map(drop)
}

fn wrong_token(bench: &mut Bench) -> Check {
    bench.fresh()?;
    let eim = bench.associate("eimA", true)?;
    let signed = list(bench, &eim, 1)?;
    let without = eim.sign(&signed, None)?;
    let token = bench.send_package(&without, eim.token)?.unsigned()?;
    same("the token in the error", token, eim.token)?;
    let with = eim.sign(&signed, eim.token)?;
    bench.send_package(&with, eim.token)?.results().map(drop)
}

fn other_eid(bench: &mut Bench) -> Check {
    let eim = bench.with_eim()?;
    let signed = eim.to_be_signed(&[0x89; 16], 1, &tlv(0xA0, &hex("BF2D00")));
    let request = eim.sign(&signed, None)?;
    let code = bench.send_package(&request, None)?.error()?;
    same("the error", code, 3)
}

fn replay(bench: &mut Bench) -> Check {
    let eim = bench.with_eim()?;
    let request = eim.sign(&list(bench, &eim, 1)?, None)?;
    bench.send_package(&request, None)?.results()?;
    let code = bench.send_package(&request, None)?.error()?;
    same("the error", code, 4)
}

fn gap(bench: &mut Bench) -> Check {
    let eim = bench.with_eim()?;
    let request = eim.sign(&list(bench, &eim, 1001)?, None)?;
    bench.send_package(&request, None)?.results()?;
    let before = eim.sign(&list(bench, &eim, 1000)?, None)?;
    let code = bench.send_package(&before, None)?.error()?;
    same("the error of a counter before it", code, 4)
}

fn greatest(bench: &mut Bench) -> Check {
    let eim = bench.with_eim()?;
    let above = eim.sign(&list(bench, &eim, 0x80_0000)?, None)?;
    match bench.send_package(&above, None)? {
        // A card may count further.
        Answer::Results(..) => return Ok(()),
        other => same("the error above the maximum", other.error()?, 6)?,
    }
    let request = eim.sign(&list(bench, &eim, 0x7F_FFFF)?, None)?;
    bench.send_package(&request, None)?.results().map(drop)
}

fn mixed(bench: &mut Bench) -> Check {
    let eim = bench.with_eim()?;
    let eid = *bench.about()?.eid.as_bytes();
    let both = [tlv(0xA0, &hex("BF2D00")), tlv(0xA1, &hex("AB00"))].concat();
    let request = eim.sign(&eim.to_be_signed(&eid, 1, &both), None)?;
    if let Answer::Results(results, _) = bench.send_package(&request, None)? {
        // A reader of the module keeps what it does not know; both lists
        // executed would be wrong in any reading.
        ensure(results.len() < 2, "PSMOs and eCOs are not both executed")?;
    }
    let request = eim.sign(&eim.to_be_signed(&eid, 2, &hex("A000")), None)?;
    // What an empty list comes to is not settled; the card has to survive it.
    bench.send_package(&request, None)?;
    let request = eim.sign(&list(bench, &eim, 3)?, None)?;
    bench.send_package(&request, None)?.results().map(drop)
}

fn two_eims(bench: &mut Bench) -> Check {
    bench.fresh()?;
    let (a, b) = (Eim::new("eimA", bench)?, Eim::new("eimB", bench)?);
    bench.add_initial(vec![a.configuration()?, b.configuration()?])?;
    let known = GetEimConfigurationDataResponse::from_der(&bench.es10(&hex("BF5500"))?)?;
    same(
        "eIMs on the card",
        known.eim_configuration_data_list.len(),
        2,
    )?;
    for (eim, counter) in [(&a, 7), (&b, 1), (&b, 2), (&a, 8)] {
        let request = eim.sign(&list(bench, eim, counter)?, None)?;
        bench.send_package(&request, None)?.results()?;
    }
    let request = b.sign(&list(bench, &b, 2)?, None)?;
    let code = bench.send_package(&request, None)?.error()?;
    same("the error of a replay", code, 4)
}

#[cfg(test)]
mod tests {
    use rsp_asn1::sgp32::EuiccPackageRequest;
    use rsp_asn1::{Tag, Writer};

    use super::super::bench::P1;
    use super::super::eim::on;
    use super::*;

    #[test]
    fn what_the_signer_makes_is_a_request() {
        let mut out = Writer::new();
        out.constructed(Tag::new(0xA0), |out| out.raw(&on(0xA3, P1).unwrap()));
        let mut rng = rsp_crypto::software::SeededRng::new(1);
        let key =
            rsp_crypto::software::SoftwareKey::generate(rsp_crypto::Curve::NistP256, &mut rng);
        let eim = Eim {
            id: "eim".try_into().unwrap(),
            key: key.unwrap(),
            token: None,
            counter: 0,
        };
        let signed = eim.to_be_signed(&[0x89; 16], 5, &out.into_bytes());
        let request = eim.sign(&signed, Some(300)).unwrap();
        let read = EuiccPackageRequest::from_der(&request).unwrap();
        assert_eq!(read.euicc_package_signed.as_bytes(), signed);
        assert_eq!(read.euicc_package_signed.counter_value, 5);
        assert_eq!(read.to_der(), request);
    }
}

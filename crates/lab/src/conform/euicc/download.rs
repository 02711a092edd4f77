//! Servers and packages that are not as they should be: EUI-52 to -59.

use rsp_asn1::Asn1;
use rsp_asn1::ids::TransactionId;
use rsp_asn1::rsp::{BoundProfilePackage, CancelSessionResponse, FinalResult};
use rsp_asn1::saip::{ProfileElement, encode_package};
use rsp_core::pki::Role;
use rsp_crypto::{Curve, SigningKey};

use super::bench::{Bench, P1, P2};
use super::server::{Contents, OID, Server, certificate, segments};
use crate::conform::case::{Case, Check, case, fail, one_of, same};
use crate::conform::der::{hex, same_octets, tlv, verify};

pub(super) const CASES: &[Case<Bench>] = &[
    case("EUI-52", "AuthenticateServer: errors", authenticate),
    case("EUI-53", "PrepareDownload: errors", prepare),
    case("EUI-54", "InitialiseSecureChannel: errors", channel),
    case(
        "EUI-55",
        "protected segments that were changed",
        segments_changed,
    ),
    case(
        "EUI-56",
        "metadata and profile differ in the ICCID",
        other_iccid,
    ),
    case("EUI-57", "an ICCID that is there", known_iccid),
    case(
        "EUI-58",
        "profile elements that cannot be installed",
        elements,
    ),
    case("EUI-59", "CancelSession, for each reason", cancel),
];

fn authenticate(bench: &mut Bench) -> Check {
    bench.fresh()?;
    let server = Server::new(bench)?;
    let curve = SigningKey::public_key(&server.auth.1).curve();
    let refused = |bench: &mut Bench,
                   what: &str,
                   server: &Server,
                   code: &[i64],
                   bend: &dyn Fn(&mut Vec<u8>)| {
        let challenge = bench.challenge()?;
        let mut request = server.authenticate(challenge)?;
        bend(&mut request.server_signature1);
        match bench.authenticate(&request)? {
            Ok(_) => fail(format!("{what} is accepted")),
            Err(found) => one_of(what, &found, code),
        }
    };
    let as_it_is = |_: &mut Vec<u8>| {};
    let mut other = Server::new(bench)?;
    other.auth = certificate(bench, Role::DpPb { oid: OID.into() }, curve)?;
    refused(
        bench,
        "a certificate of another role",
        &other,
        &[1],
        &as_it_is,
    )?;
    let flip = |signature: &mut Vec<u8>| {
        if let Some(last) = signature.last_mut() {
            *last ^= 1;
        }
    };
    refused(bench, "a changed signature", &server, &[2], &flip)?;
    let mut other = Server::new(bench)?;
    let foreign = match curve {
        Curve::NistP256 => Curve::BrainpoolP256r1,
        _ => Curve::NistP256,
    };
    other.auth = certificate(bench, Role::DpAuth { oid: OID.into() }, foreign)?;
    refused(bench, "a key on another curve", &other, &[1, 3], &as_it_is)?;
    let mut other = Server::new(bench)?;
    other.ci_key_identifier = vec![0x55; 20];
    refused(bench, "an unknown CI", &other, &[7], &as_it_is)?;
    bench.challenge()?;
    match bench.authenticate(&server.authenticate([9; 16])?)? {
        Ok(_) => fail("another challenge is accepted"),
        Err(code) => same("another challenge", code, 6),
    }
}

fn prepare(bench: &mut Bench) -> Check {
    bench.fresh()?;
    let server = Server::new(bench)?;
    let curve = SigningKey::public_key(&server.auth.1).curve();
    let signature1 = bench.authenticated(&server)?;
    let code = |bench: &mut Bench, server: &Server, signature1: &[u8]| match bench
        .prepare(&server.prepare(signature1, None)?)?
    {
        Ok(_) => Ok(0),
        Err(code) => Ok::<i64, crate::conform::Stop>(code),
    };
    same(
        "over another euiccSignature1",
        code(bench, &server, &[7; 64])?,
        2,
    )?;
    let signature1 = match bench.authenticated(&server) {
        Ok(signature1) => signature1,
        Err(_) => signature1,
    };
    let mut other = Server::new(bench)?;
    other.transaction_id = TransactionId::from_bytes(&[3; 8])?;
    same(
        "another transactionId",
        code(bench, &other, &signature1)?,
        5,
    )?;
    let mut other = Server::new(bench)?;
    other.transaction_id = server.transaction_id.clone();
    let signature1 = bench.authenticated(&server)?;
    other.pb = certificate(
        bench,
        Role::DpPb {
            oid: "2.999.11".into(),
        },
        curve,
    )?;
    same(
        "a CERT.DPpb of another server",
        code(bench, &other, &signature1)?,
        1,
    )?;
    bench.power_cycle()?;
    same("without a session", code(bench, &server, &signature1)?, 4)
}

/// Loads a package that was changed before or after its making; gives command
/// and reason of the refusal.
fn refusal(
    bench: &mut Bench,
    contents: &Contents,
    bend_channel: &dyn Fn(&mut rsp_asn1::rsp::InitialiseSecureChannelRequest),
    sign_again: bool,
    bend: &dyn Fn(&mut BoundProfilePackage),
) -> Check<(i64, i64)> {
    let server = Server::new(bench)?;
    let euicc_otpk = bench.prepared(&server)?;
    let eid = *bench.about()?.eid.as_bytes();
    let mut channel = server.channel(&euicc_otpk)?;
    bend_channel(&mut channel);
    if sign_again {
        server.sign_channel(&mut channel, &euicc_otpk)?;
    }
    let mut package = server.bind(&eid, channel, &euicc_otpk, contents)?;
    bend(&mut package);
    let result = bench.load(&segments(&package)?)?;
    match &result.profile_installation_result_data.final_result {
        FinalResult::Error(error) => Ok((error.bpp_command_id.0, error.error_reason.0)),
        FinalResult::Success(_) => fail("the package is installed"),
    }
}

fn channel(bench: &mut Bench) -> Check {
    bench.fresh()?;
    let contents = Contents::of(P1)?;
    let mut expect = |what: &str,
                      bend: &dyn Fn(&mut rsp_asn1::rsp::InitialiseSecureChannelRequest),
                      again: bool,
                      reason: i64| {
        let (_, found) = refusal(bench, &contents, bend, again, &|_| {})?;
        same(what, found, reason)
    };
    expect(
        "a wrong smdpSign",
        &|channel| channel.smdp_sign = vec![7; 64],
        false,
        2,
    )?;
    let other = TransactionId::from_bytes(&[3; 8])?;
    expect(
        "another transactionId",
        &|c| c.transaction_id = other.clone(),
        true,
        3,
    )?;
    expect(
        "another key type",
        &|c| c.control_ref_template.key_type = [0x80],
        true,
        4,
    )?;
    expect("another remote operation", &|c| c.remote_op_id = 2, true, 5)?;
    same("P1 in the list", bench.has(P1)?, false)
}

fn segments_changed(bench: &mut Bench) -> Check {
    bench.fresh()?;
    let contents = Contents::of(P1)?;
    let mut expect = |what: &str, bend: &dyn Fn(&mut BoundProfilePackage)| {
        let (_, reason) = refusal(bench, &contents, &|_| {}, false, bend)?;
        one_of(what, &reason, &[7, 8])
    };
    let flip = |segments: &mut Vec<Vec<u8>>, which: usize| {
        if let Some(last) = segments.get_mut(which).and_then(|s| s.last_mut()) {
            *last ^= 1;
        }
    };
    expect("a MAC in A0", &|p| flip(&mut p.first_sequence_of_87.0, 0))?;
    expect("a MAC in A1", &|p| flip(&mut p.sequence_of_88.0, 0))?;
    expect("a MAC in A3", &|p| flip(&mut p.sequence_of_86.0, 1))?;
    expect("segments in another order", &|p| {
        p.sequence_of_86.0.swap(0, 1)
    })?;
    expect("a segment twice", &|p| {
        if let Some(first) = p.sequence_of_86.0.first().cloned() {
            p.sequence_of_86.0.insert(0, first);
        }
    })?;
    same("P1 in the list", bench.has(P1)?, false)?;
    bench.install(P1)
}

fn other_iccid(bench: &mut Bench) -> Check {
    bench.fresh()?;
    let mut contents = Contents::of(P1)?;
    contents.metadata.iccid = P2.parse()?;
    match bench.download(&contents)? {
        FinalResult::Error(error) => same("the reason", error.error_reason.0, 13),
        FinalResult::Success(_) => fail("the profile is installed"),
    }
}

fn known_iccid(bench: &mut Bench) -> Check {
    bench.fresh()?;
    bench.install(P1)?;
    match bench.download(&Contents::of(P1)?)? {
        FinalResult::Error(error) => same("the reason", error.error_reason.0, 9)?,
        FinalResult::Success(_) => return fail("the profile is installed twice"),
    }
    same("profiles", bench.profiles()?.len(), 1)
}

fn elements(bench: &mut Bench) -> Check {
    bench.fresh()?;
    let good = Contents::of(P1)?;
    // An element of a later version that its maker declares mandatory.
    let header = "A0058000 8101 FF".replace(' ', "");
    let unknown = [tlv(0xBF8148, &hex(&header)), good.profile.clone()].concat();
    let without_pins = changed(&good.profile, |element| {
        !matches!(element, ProfileElement::PinCodes(_))
    })?;
    for (what, profile) in [
        ("an unknown mandated element", unknown),
        ("no PIN", without_pins),
    ] {
        let contents = Contents {
            metadata: good.metadata.clone(),
            profile,
        };
        match bench.download(&contents)? {
            FinalResult::Error(error) => same(what, error.error_reason.0, 12)?,
            FinalResult::Success(_) => return fail(format!("{what}: the profile is installed")),
        }
        same("P1 in the list", bench.has(P1)?, false)?;
    }
    Ok(())
}

/// The elements of a package that pass.
fn changed(package: &[u8], keep: impl Fn(&ProfileElement) -> bool) -> Check<Vec<u8>> {
    let mut reader = rsp_asn1::Reader::new(package);
    let mut elements = Vec::new();
    while !reader.is_empty() {
        let element = ProfileElement::from_der(reader.tlv()?.raw)?;
        if keep(&element) {
            elements.push(element);
        }
    }
    Ok(encode_package(&elements))
}

fn cancel(bench: &mut Bench) -> Check {
    bench.fresh()?;
    for reason in [0, 1, 2, 3, 4, 5, 127] {
        let server = Server::new(bench)?;
        bench.authenticated(&server)?;
        let id = tlv(0x80, server.transaction_id.as_bytes());
        let request = tlv(0xBF41, &[id, tlv(0x81, &[reason])].concat());
        let answer = bench.es10(&request)?;
        let CancelSessionResponse::Ok(ok) = CancelSessionResponse::from_der(&answer)? else {
            return fail(format!("reason {reason} is refused"));
        };
        let signed = &ok.euicc_cancel_session_signed;
        let key = bench.about()?.key.clone();
        let signature = &ok.euicc_cancel_session_signature;
        verify(
            "euiccCancelSessionSignature",
            &key,
            &[signed.as_bytes()],
            signature,
        )?;
        same("reason", signed.reason.0, i64::from(reason))?;
        same("smdpOid", signed.smdp_oid.to_string().as_str(), OID)?;
        same(
            "transactionId",
            &signed.transaction_id,
            &server.transaction_id,
        )?;
        let again = bench.es10(&request)?;
        same_octets("a second time", &again, "BF4103810105")?;
    }
    Ok(())
}

//! The way back to the profile before: EUI-35, -36, -61.

use rsp_asn1::Asn1;
use rsp_asn1::sgp32::ProfileRollbackResponse;

use super::bench::{Bench, P1, P2};
use super::eim::{Eim, enable_with_rollback, on};
use crate::conform::case::{Case, Check, case, ensure, same, some};
use crate::conform::der::{hex, tlv};

pub(super) const CASES: &[Case<Bench>] = &[
    case(
        "EUI-35",
        "ProfileRollback after an enable that allows it",
        granted,
    ),
    case(
        "EUI-36",
        "ProfileRollback without, twice, after a package",
        refused,
    ),
    case("EUI-61", "refreshFlag under '80' and under '01'", both_tags),
];

/// P2 enabled with leave to go back to P1.
fn switched(bench: &mut Bench) -> Check<Eim> {
    let mut eim = bench.ready()?;
    let enable = enable_with_rollback(P2)?;
    bench.expect(&mut eim, "enable with rollbackFlag", &enable, "830100")?;
    same("P2 enabled", bench.is_enabled(P2)?, true)?;
    Ok(eim)
}

fn rollback(bench: &mut Bench, request: &str) -> Check<ProfileRollbackResponse> {
    let answer = bench.es10(&hex(request))?;
    let response = ProfileRollbackResponse::from_der(&answer)?;
    bench.power_cycle()?;
    Ok(response)
}

fn granted(bench: &mut Bench) -> Check {
    let eim = switched(bench)?;
    let response = rollback(bench, "BF58038001FF")?;
    same("cmdResult", response.cmd_result.0, 0)?;
    let result = some("the EuiccPackageResult", response.euicc_package_result)?;
    let found = bench.read_answer(&result.to_der(), None)?.results()?;
    same("its results", found.as_str(), "8C0100")?;
    if let rsp_asn1::sgp32::EuiccPackageResult::Signed(signed) = &result {
        let data = &signed.euicc_package_result_data_signed;
        same("its counterValue", data.counter_value, eim.counter)?;
        same("its eimId", data.eim_id.as_str(), "eimA")?;
        let waiting = bench.result_numbers()?;
        ensure(waiting.contains(&data.seq_number), "the result is stored")?;
    }
    same("P1 enabled", bench.is_enabled(P1)?, true)
}

fn refused(bench: &mut Bench) -> Check {
    let mut eim = bench.ready()?;
    let code = |bench: &mut Bench| rollback(bench, "BF58038001FF").map(|found| found.cmd_result.0);
    same("without leave", code(bench)?, 1)?;
    bench.enabled(&mut eim, P2)?;
    same("after an enable without the flag", code(bench)?, 1)?;
    switched(bench)?;
    same("with leave", code(bench)?, 0)?;
    same("a second time", code(bench)?, 1)?;
    let mut eim = switched(bench)?;
    bench.package(&mut eim, &tlv(0xA0, &hex("BF2D00")))?;
    same("after the next package", code(bench)?, 1)?;
    let mut eim = switched(bench)?;
    bench.package(&mut eim, &tlv(0xA0, &on(0xA4, P2)?))?;
    same("after a disable", code(bench)?, 1)
}

fn both_tags(bench: &mut Bench) -> Check {
    switched(bench)?;
    let response = rollback(bench, "BF58038001FF")?;
    same("cmdResult under '80'", response.cmd_result.0, 0)?;
    switched(bench)?;
    let response = rollback(bench, "BF58030101FF")?;
    same("cmdResult under '01'", response.cmd_result.0, 0)
}

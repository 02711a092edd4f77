//! Profile packages (SAIP) as an operator hands them in.

use rsp_asn1::saip::{decode_package, encode_package};
use rsp_core::profile::{self, Subscription};

/// Read and written again, described, checked, personalised.
pub(crate) fn package(data: &[u8]) {
    if let Ok(elements) = decode_package(data) {
        let der = encode_package(&elements);
        let again = decode_package(&der);
        let again = again.unwrap_or_else(|error| panic!("{error} in what we wrote"));
        assert_eq!(again, elements);
        assert_eq!(encode_package(&again), der);
    }
    let _ = profile::describe(data);
    let _ = profile::check(data);
    if let Ok(changed) = profile::personalise(data, &subscription()) {
        let described = profile::describe(&changed).expect("what we personalised is a package");
        assert_eq!(described.iccid, subscription().iccid);
    }
}

fn subscription() -> Subscription {
    Subscription::new(
        "8901001000000000018".parse().expect("an ICCID"),
        "001010000000001".parse().expect("an IMSI"),
        [1; 16],
        [2; 16],
    )
}

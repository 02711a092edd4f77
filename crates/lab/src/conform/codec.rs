//! Section 6 of the catalogue: codec and fuzz level. A black box has no codec
//! that could be asked; the rows are held by tests of the libraries, which are
//! named here and count as skips of this command.

use super::case::{Case, absent};

/// The rows.
pub const CASES: &[Case<()>] = &[
    absent(
        "COD-01",
        "published vectors, decoded and encoded again",
        "held by crates/rsp-asn1/tests/worked_examples.rs",
    ),
    absent(
        "COD-02",
        "every CHOICE, DEFAULT and variant tag",
        "held by crates/rsp-asn1/tests/variants.rs and modules.rs",
    ),
    absent(
        "COD-03",
        "input that is not DER",
        "held by fuzz/tests/corpora.rs",
    ),
    absent(
        "COD-04",
        "signed objects keep their octets",
        "held by crates/rsp-asn1/tests/worked_examples.rs",
    ),
    absent(
        "COD-05",
        "r and s with leading zeros, high s",
        "held by crates/rsp-crypto/tests/known_answers/primitives.rs",
    ),
    absent(
        "COD-06",
        "limits of lengths and numbers",
        "held by crates/rsp-asn1/tests/modules.rs and crates/lab/tests/smdp_bad_input.rs",
    ),
    absent(
        "COD-07",
        "EID and ICCID: check digits, digits, order of nibbles",
        "held by crates/rsp-asn1/src/ids.rs",
    ),
    absent(
        "COD-08",
        "JSON: unknown and missing members, base64",
        "held by crates/lab/tests/smdp_bad_input.rs",
    ),
];

//! Which integer of the ASN.1 bindings is which pair of subject and reason
//! code: those of ESipa (SGP.32 5.14.1 to 5.14.8), and under the same numbers
//! those of ES9+ and ES11 (SGP.22 5.6, 5.8).

use alloc::string::ToString;

use super::StatusCodeData;
use super::esipa::Function;

/// The integer that stands for everything without one of its own.
pub const UNDEFINED_ERROR: i64 = 127;

/// What is sent for it: the function could not be executed.
const UNDEFINED: (&str, &str) = ("1.6", "4.2");

/// An integer and a pair that means it. Where several do, the first is sent.
type Row = (i64, &'static str, &'static str);

const INITIATE_AUTHENTICATION: &[Row] = &[
    (1, "8.8.1", "3.8"),
    (1, "8.9.1", "3.8"),
    (2, "8.8.3", "3.1"),
    (2, "8.9.3", "3.1"),
    (3, "8.8.2", "3.1"),
    (3, "8.8.4", "3.7"),
    (3, "8.9.2", "3.1"),
    (3, "8.9.4", "3.7"),
    (50, "8.8.1", "3.10"),
    (51, "8.8", "3.10"),
    (52, "8.31.2", "3.10"),
];

const AUTHENTICATE_CLIENT: &[Row] = &[
    (1, "8.1.2", "6.1"),
    (2, "8.1.2", "6.3"),
    (3, "8.1.3", "6.1"),
    (4, "8.1.3", "6.3"),
    (5, "8.1", "6.1"),
    (6, "8.2.6", "3.8"),
    (7, "8.1.1", "3.8"),
    (8, "8.2.5", "4.3"),
    (9, "8.11.1", "3.9"),
    (10, "8.10.1", "3.9"),
    (11, "8.1", "4.8"),
    (18, "8.8.5", "4.10"),
    (50, "8.2.8", "1.2"),
    (56, "8.9.5", "3.9"),
];

const GET_BOUND_PROFILE_PACKAGE: &[Row] = &[
    (1, "8.1", "6.1"),
    (2, "8.2.7", "2.2"),
    (3, "8.2.7", "3.8"),
    (4, "8.2.7", "6.4"),
    (5, "8.2", "3.7"),
    (6, "8.8.5", "4.10"),
    (50, "8.2.9", "3.11"),
    (95, "8.10.1", "3.9"),
];

const CANCEL_SESSION: &[Row] = &[(1, "8.10.1", "3.9"), (2, "8.1", "6.1")];

const GET_EIM_PACKAGE: &[Row] = &[
    (1, "8.1.1", "3.7"),
    (2, "8.1.1", "3.9"),
    (3, "8.1.1", "2.1"),
    (4, "8.1.1", "2.2"),
];

const PROVIDE_EIM_PACKAGE_RESULT: &[Row] = &[
    (2, "8.1.1", "3.9"),
    (3, "8.1.1", "2.1"),
    (4, "8.1.1", "2.2"),
];

const fn table(function: Function) -> &'static [Row] {
    match function {
        Function::InitiateAuthentication => INITIATE_AUTHENTICATION,
        Function::AuthenticateClient => AUTHENTICATE_CLIENT,
        Function::GetBoundProfilePackage => GET_BOUND_PROFILE_PACKAGE,
        Function::CancelSession => CANCEL_SESSION,
        Function::GetEimPackage => GET_EIM_PACKAGE,
        Function::ProvideEimPackageResult => PROVIDE_EIM_PACKAGE_RESULT,
        Function::TransferEimPackage | Function::HandleNotification => &[],
    }
}

/// The pair that is sent for an integer.
pub fn pair_of(function: Function, code: i64) -> StatusCodeData {
    let mut rows = table(function).iter();
    let row = rows.find(|(number, ..)| *number == code);
    let (subject, reason) = row.map_or(UNDEFINED, |(_, subject, reason)| (*subject, *reason));
    StatusCodeData {
        subject_code: subject.to_string(),
        reason_code: reason.to_string(),
        subject_identifier: None,
        message: None,
    }
}

/// The integer that a pair means, if it has one in this function.
pub fn code_of(function: Function, data: &StatusCodeData) -> Option<i64> {
    let pair = (data.subject_code.trim(), data.reason_code.trim());
    let mut rows = table(function).iter();
    let row = rows.find(|(_, subject, reason)| (*subject, *reason) == pair);
    row.map(|(number, ..)| *number)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// EIM-52, EIM-62: an integer and the pair that is sent for it mean the
    /// same, and no pair means two.
    #[test]
    fn tables_agree_with_themselves() {
        for function in Function::ALL {
            for (code, subject, reason) in table(function) {
                let sent = pair_of(function, *code);
                assert_eq!(code_of(function, &sent), Some(*code), "{function:?} {code}");
                let same = |row: &&Row| (row.1, row.2) == (*subject, *reason);
                assert_eq!(table(function).iter().filter(same).count(), 1, "{subject}");
            }
            let undefined = pair_of(function, UNDEFINED_ERROR);
            assert_eq!(code_of(function, &undefined), None);
        }
    }
}

//! The items of a package, one after another (SGP.32 3.3.1 step 6).

use alloc::vec::Vec;

use rsp_asn1::sgp32::{EuiccResultData, ProcessingTerminated};
use rsp_asn1::{Asn1, Reader};

/// Octets of all results together.
const MAX_RESULTS: usize = 16 * 1024;

/// Octets that an item may need which changes something: its code, or a token.
const SHORT_RESULT: usize = 32;

/// The result of one item, and whether the next one follows.
pub(super) struct Done {
    pub(super) result: EuiccResultData,
    pub(super) succeeded: bool,
}

impl Done {
    /// The processing ends here, with no code of the item's own.
    pub(super) fn terminated(code: ProcessingTerminated) -> Done {
        Done {
            result: EuiccResultData::ProcessingTerminated(code),
            succeeded: false,
        }
    }

    /// An item that the card does not know.
    pub(super) fn unknown() -> Done {
        Done::terminated(ProcessingTerminated::UNKNOWN_OR_DAMAGED_COMMAND)
    }
}

/// Executes the items in order, up to the first that fails, that cannot be
/// read, or whose result finds no room. An item that changes something has a
/// short result, for which there is room before it begins.
pub(super) fn run<T: Asn1>(
    list: &[u8],
    mut execute: impl FnMut(T) -> Done,
) -> Vec<EuiccResultData> {
    let overflow = || Done::terminated(ProcessingTerminated::RESULT_SIZE_OVERFLOW);
    let mut results = Vec::new();
    let mut size = 0;
    let mut reader = Reader::new(list);
    while !reader.is_empty() {
        let item = reader.tlv().and_then(|tlv| T::decode_tlv(&tlv));
        let mut done = match item {
            Ok(_) if size + SHORT_RESULT > MAX_RESULTS => overflow(),
            Ok(item) => execute(item),
            Err(_) => Done::unknown(),
        };
        size += done.result.to_der().len();
        if size > MAX_RESULTS {
            done = overflow();
        }
        results.push(done.result);
        if !done.succeeded {
            break;
        }
    }
    results
}

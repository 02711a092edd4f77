//! The memory at rest: JSON, with the objects of eUICC and eIM as base64 of
//! their DER. It holds no secrets: no activation code, no key.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{Card, Contents, MAX_DOWNLOADS, MAX_EIMS, MAX_NUMBERS};
use crate::ipa::emulation::MAX_CARDS;

/// The only version that there is yet.
const VERSION: u32 = 1;

/// Octets that are read at most: sixteen results of a card that answers as
/// much as is collected, and some more.
const MAX_OCTETS: usize = 2 << 20;

/// What is looked at first.
#[derive(Deserialize)]
struct Head {
    version: u32,
}

#[derive(Serialize, Deserialize)]
struct Saved<T> {
    version: u32,
    memory: T,
}

/// The bytes to be saved.
pub(super) fn encode(contents: &Contents) -> Vec<u8> {
    let saved = Saved {
        version: VERSION,
        memory: contents,
    };
    // Strings, numbers and lists always have a JSON form.
    serde_json::to_vec(&saved).unwrap_or_default()
}

/// Reads what was saved.
///
/// # Errors
/// Why it cannot be read.
pub(super) fn decode(bytes: &[u8]) -> Result<Contents, String> {
    if bytes.len() > MAX_OCTETS {
        return Err(format!("{} octets are too many", bytes.len()));
    }
    let head: Head = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if head.version != VERSION {
        return Err(format!("version {} is not known", head.version));
    }
    let saved: Saved<Contents> =
        serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let memory = saved.memory;
    if memory.downloads.len() > MAX_DOWNLOADS
        || memory.relayed.len() > MAX_DOWNLOADS
        || memory.executing.len() > MAX_EIMS
        || memory.returnable.len() > MAX_EIMS
        || memory.changes.len() > MAX_EIMS
        || memory.given.len() > MAX_NUMBERS
        || memory.emulated.len() > MAX_CARDS
        || !memory.emulated.iter().all(Card::is_bounded)
    {
        return Err("more entries than are ever kept".to_string());
    }
    Ok(memory)
}

#[cfg(test)]
mod tests {
    use rsp_asn1::Extensions;
    use rsp_asn1::ids::TransactionId;
    use rsp_asn1::sgp32::{
        EimId, ProfileDownloadError, ProfileDownloadErrorReason, ProfileDownloadTriggerResult,
        ProfileDownloadTriggerResultData, StateChangeCause,
    };

    use super::super::Memory;
    use super::*;

    fn filled() -> Memory {
        let (memory, lost) = Memory::load(None);
        assert!(lost.is_none() && memory.unsaved().is_none());
        memory.begin("89049032123451234512345678901235".parse().unwrap());
        let eim = "eim.example".try_into().unwrap();
        let transaction = TransactionId::from_bytes(&[1, 2]).unwrap();
        let session = TransactionId::from_bytes(&[3; 16]).unwrap();
        memory.loading(&eim, Some(&transaction), &session);
        let error = ProfileDownloadTriggerResult {
            eim_transaction_id: None,
            profile_download_trigger_result_data:
                ProfileDownloadTriggerResultData::ProfileDownloadError(ProfileDownloadError {
                    profile_download_error_reason: ProfileDownloadErrorReason::UNDEFINED_ERROR,
                    error_response: Some(b"why".to_vec()),
                    extensions: Extensions::default(),
                }),
            extensions: Extensions::default(),
        };
        memory.owe(&eim, &error);
        memory.execute(&eim, true);
        memory.give(1);
        memory
    }

    /// IPA-45: what one eIM did is told to the others alone, over a power cut,
    /// and once.
    #[test]
    fn every_other_eim_is_told_once() {
        let (memory, _) = Memory::load(None);
        let eims: Vec<EimId> = ["one", "two", "three"]
            .map(|name| name.try_into().unwrap())
            .to_vec();
        memory.keep_eims(eims.clone());
        memory.changed(StateChangeCause::OTHER_EIM, eims.first());
        let (again, _) = Memory::load(memory.unsaved().as_deref());
        again.keep_eims(eims.clone());
        let causes = || -> Vec<_> { eims.iter().map(|eim| again.cause_for(eim)).collect() };
        let other = Some(StateChangeCause::OTHER_EIM);
        assert_eq!(causes(), [None, other, other]);
        again.told(&eims[1], StateChangeCause::OTHER_EIM);
        assert_eq!(causes(), [None, None, other]);
        // What came later counts, and an answer to what came before is none to it.
        again.changed(StateChangeCause::FALLBACK, None);
        again.told(&eims[2], StateChangeCause::OTHER_EIM);
        assert_eq!(causes(), [Some(StateChangeCause::FALLBACK); 3]);
        // An eIM that the eUICC does not know any more is told nothing.
        again.keep_eims(Vec::new());
        assert_eq!(causes(), [None; 3]);
    }

    #[test]
    fn what_is_saved_is_read_again() {
        let memory = filled();
        let bytes = memory.unsaved().unwrap();
        memory.saved();
        assert_eq!(memory.unsaved(), None, "saved once is enough");
        let (again, lost) = Memory::load(Some(&bytes));
        assert_eq!(lost, None);
        assert_eq!(*again.contents.borrow(), *memory.contents.borrow());
        let eim = "eim.example".try_into().unwrap();
        assert_eq!(
            again.sessions(),
            [TransactionId::from_bytes(&[3; 16]).unwrap()]
        );
        assert_eq!(again.owed_to(&eim).len(), 1);
        assert!(again.results_may_wait());
        assert!(again.may_return(&eim));
        assert!(again.is_given(1) && !again.is_given(2));
    }

    #[test]
    fn what_cannot_be_read_leaves_an_empty_memory_and_says_why() {
        let bytes = filled().unsaved().unwrap();
        let text = String::from_utf8(bytes.clone()).unwrap();
        for (bad, why) in [
            (Vec::new(), "EOF"),
            (bytes[..bytes.len() / 2].to_vec(), "EOF"),
            (alloc::vec![b' '; MAX_OCTETS + 1], "too many"),
            (
                text.replace("\"version\":1", "\"version\":2").into_bytes(),
                "version 2",
            ),
            (
                text.replace("\"given\":[1]", "\"given\":\"1\"")
                    .into_bytes(),
                "invalid type",
            ),
            (text.replace("0102", "01020").into_bytes(), "transactionId"),
            (
                text.replace("\"given\":[1]", &format!("\"given\":{:?}", [0; 257]))
                    .into_bytes(),
                "more entries",
            ),
        ] {
            let (memory, lost) = Memory::load(Some(&bad));
            let lost = lost.unwrap();
            assert!(lost.contains(why), "{lost}");
            assert!(memory.sessions().is_empty());
            assert!(memory.results_may_wait(), "the card knows more");
        }
        // Every byte that may be cut off or replaced: an error or another
        // memory, never a panic.
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] = b'"';
            let _ = Memory::load(Some(&changed));
            let _ = Memory::load(Some(&bytes[..at]));
        }
    }

    #[test]
    fn no_list_grows_for_ever() {
        let memory = filled();
        let eim = "eim.example".try_into().unwrap();
        for number in 0..1000u32 {
            let transaction = TransactionId::from_bytes(&number.to_be_bytes()).unwrap();
            memory.loading(&eim, Some(&transaction), &transaction);
            memory.give(i64::from(number));
        }
        let (again, lost) = Memory::load(memory.unsaved().as_deref());
        assert_eq!(lost, None);
        assert!(again.is_given(999) && !again.is_given(0));
        assert_eq!(again.sessions().len(), MAX_DOWNLOADS);
    }
}

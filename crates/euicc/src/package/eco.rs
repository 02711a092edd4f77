//! eIM Configuration Operations (SGP.32 2.11.1.1.2): associations, ordered by
//! an eIM that has one.
//!
//! They run against a copy of the associations. The result is signed as the
//! eIM was associated when it sent the package, also if it has ended its own
//! association with it.

use rsp_asn1::sgp32::{
    AddEimResult, AddEimResultCode, DeleteEimResult, Eco, EimConfigurationData, EimId,
    EuiccResultData, ListEimResult, UpdateEimResult,
};

use super::Outcome;
use super::items::{self, Done};
use crate::association::Associations;
use crate::isdr::Isdr;
use crate::package::received::Received;

/// Executes the operations of a package.
pub(super) fn run(isdr: &Isdr, package: &Received, list: &[u8]) -> Outcome {
    let mut draft = Draft {
        associations: Associations::of(isdr),
        own: &package.eim_id,
        own_counter_is_new: false,
    };
    let results = items::run(list, |item| draft.execute(item));
    let own_counter_is_new = draft.own_counter_is_new;
    Outcome {
        results,
        eims: Some(draft.associations.into_parts()),
        own_counter_is_new,
        ..Outcome::default()
    }
}

struct Draft<'a> {
    associations: Associations<'a>,
    /// The eIM that sent the package.
    own: &'a EimId,
    /// Whether it has begun to count anew, with another key.
    own_counter_is_new: bool,
}

impl Draft<'_> {
    fn execute(&mut self, item: Eco) -> Done {
        match item {
            Eco::AddEim(data) => self.add(data),
            Eco::DeleteEim(item) => {
                let code = self.associations.delete(&item.eim_id);
                let deleted = [DeleteEimResult::OK, DeleteEimResult::LAST_EIM_DELETED];
                Done {
                    result: EuiccResultData::DeleteEimResult(code),
                    succeeded: deleted.contains(&code),
                }
            }
            Eco::UpdateEim(change) => self.update(change),
            Eco::ListEim(_) => {
                let list = ListEimResult::EimIdList(self.associations.list());
                Done {
                    result: EuiccResultData::ListEimResult(list),
                    succeeded: true,
                }
            }
            Eco::Unknown(_) => Done::unknown(),
        }
    }

    fn add(&mut self, data: EimConfigurationData) -> Done {
        let (result, succeeded) = match self.associations.add(data) {
            Ok(Some(token)) => (AddEimResult::AssociationToken(token), true),
            Ok(None) => (AddEimResult::Code(AddEimResultCode::OK), true),
            Err(code) => (AddEimResult::Code(code), false),
        };
        Done {
            result: EuiccResultData::AddEimResult(result),
            succeeded,
        }
    }

    fn update(&mut self, change: EimConfigurationData) -> Done {
        let counts_anew = change.eim_id == *self.own
            && change.eim_public_key_data.is_some()
            && change.counter_value.is_some();
        let code = self.associations.update(change);
        let succeeded = code == UpdateEimResult::OK;
        self.own_counter_is_new |= succeeded && counts_anew;
        Done {
            result: EuiccResultData::UpdateEimResult(code),
            succeeded,
        }
    }
}

//! eIM Configuration Operations (SGP.32 2.11.1.1.2) on what is kept here. They
//! are done all at once, with the counter and the result: a power cut finds
//! them before or after.

use rsp_asn1::sgp32::{
    AddEimResult, AddEimResultCode, DeleteEimResult, Eco, EuiccPackageSigned, EuiccResultData,
    ListEimResult, ProcessingTerminated, UpdateEimResult,
};

use super::associations::Associations;
use super::load_euicc_package::begin;
use super::storage::Card;

/// Item by item, up to the first that fails.
pub(super) fn run_ecos(mut card: Card, package: &EuiccPackageSigned, ecos: &[Eco]) -> Card {
    // The counter first: an eIM with a new key begins to count anew.
    begin(&mut card, package, ecos.len());
    let mut associations = Associations::of(&card);
    for eco in ecos {
        let (result, succeeded) = run(&mut associations, eco);
        card.add_result(result);
        if !succeeded {
            break;
        }
    }
    associations.into_card(&mut card);
    card
}

fn run(associations: &mut Associations, eco: &Eco) -> (EuiccResultData, bool) {
    use EuiccResultData as Data;
    match eco {
        Eco::AddEim(data) => {
            let (result, succeeded) = match associations.add(data.clone()) {
                Ok(Some(token)) => (AddEimResult::AssociationToken(token), true),
                Ok(None) => (AddEimResult::Code(AddEimResultCode::OK), true),
                Err(code) => (AddEimResult::Code(code), false),
            };
            (Data::AddEimResult(result), succeeded)
        }
        Eco::DeleteEim(item) => {
            let code = associations.delete(&item.eim_id);
            let deleted = [DeleteEimResult::OK, DeleteEimResult::LAST_EIM_DELETED];
            (Data::DeleteEimResult(code), deleted.contains(&code))
        }
        Eco::UpdateEim(change) => {
            let code = associations.update(change.clone());
            (Data::UpdateEimResult(code), code == UpdateEimResult::OK)
        }
        Eco::ListEim(_) => {
            let list = ListEimResult::EimIdList(associations.list());
            (Data::ListEimResult(list), true)
        }
        Eco::Unknown(_) => {
            let code = ProcessingTerminated::UNKNOWN_OR_DAMAGED_COMMAND;
            (Data::ProcessingTerminated(code), false)
        }
    }
}

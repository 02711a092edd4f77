//! ES10b.GetRAT (SGP.22 5.7.22) and the rules themselves (SGP.22 2.9.2).

use alloc::vec::Vec;

use rsp_asn1::rsp::{OperatorId, PPR1, PPR2, ProfilePolicyAuthorisationRule, StoreMetadataRequest};
use rsp_asn1::{Tag, Tagged, Writer};

use crate::apdu::Status;
use crate::isdr::Isdr;
use crate::personalisation::Environment;

/// A digit of an operator identifier that stands for any digit.
const WILDCARD: u8 = 0x0E;

/// The Rules Authorisation Table.
pub(crate) fn get_rat(
    isdr: &mut Isdr,
    _command: &[u8],
    _env: &mut Environment<'_>,
) -> Result<Vec<u8>, Status> {
    let rules = &isdr.ecasd.rules_authorisation_table;
    let mut out = Writer::new();
    out.constructed(Tag::new(0xBF43), |out| {
        rules.encode_under(Tag::new(0xA0), out);
    });
    Ok(out.into_bytes())
}

/// Whether every policy rule of a profile is one that its owner may set.
pub(crate) fn rules_allowed(
    rules: &[ProfilePolicyAuthorisationRule],
    metadata: &StoreMetadataRequest,
) -> bool {
    let Some(wanted) = &metadata.profile_policy_rules else {
        return true;
    };
    // Bit 0 (pprUpdateControl) is no rule; bits beyond PPR2 are unknown.
    let bits = wanted.as_bytes().len().saturating_mul(8).min(256);
    let mut set = (1..bits).filter_map(|bit| u8::try_from(bit).ok().filter(|b| wanted.bit(*b)));
    set.all(|bit| {
        let owner = metadata.profile_owner.as_ref();
        matches!(bit, PPR1 | PPR2) && owner.is_some_and(|owner| authorised(rules, bit, owner))
    })
}

fn authorised(rules: &[ProfilePolicyAuthorisationRule], ppr: u8, owner: &OperatorId) -> bool {
    rules.iter().any(|rule| {
        let mut operators = rule.allowed_operators.iter();
        rule.ppr_ids.bit(ppr) && operators.any(|allowed| matches_operator(allowed, owner))
    })
}

fn matches_operator(allowed: &OperatorId, owner: &OperatorId) -> bool {
    let digits = |id: &OperatorId| {
        id.mcc_mnc
            .as_bytes()
            .map(|octet| [octet >> 4, octet & 0x0F])
    };
    let pairs = digits(allowed).into_iter().zip(digits(owner));
    let plmn = pairs
        .flat_map(|(ours, theirs)| ours.into_iter().zip(theirs))
        .all(|(ours, theirs)| ours == WILDCARD || ours == theirs);
    plmn && matches_gid(&allowed.gid1, &owner.gid1) && matches_gid(&allowed.gid2, &owner.gid2)
}

/// An absent group identifier matches only an absent one, an empty one all.
fn matches_gid(allowed: &Option<Vec<u8>>, owner: &Option<Vec<u8>>) -> bool {
    match allowed {
        Some(gid) if gid.is_empty() => true,
        _ => allowed == owner,
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use rsp_asn1::BitString;
    use rsp_asn1::ids::Plmn;

    fn operator(plmn: [u8; 3], gid1: Option<&[u8]>) -> OperatorId {
        OperatorId {
            mcc_mnc: Plmn::from_bytes(plmn),
            gid1: gid1.map(<[u8]>::to_vec),
            gid2: None,
            extensions: Default::default(),
        }
    }

    #[test]
    fn wildcards_and_group_identifiers() {
        let any = operator([0xEE, 0xEE, 0xEE], Some(&[]));
        let one = operator([0x62, 0xF2, 0x10], None);
        let grouped = operator([0x62, 0xF2, 0x10], Some(&[1]));
        assert!(matches_operator(&any, &one) && matches_operator(&any, &grouped));
        assert!(matches_operator(&one, &one) && !matches_operator(&one, &grouped));
        assert!(!matches_operator(&one, &operator([0x62, 0xF2, 0x20], None)));
    }

    #[test]
    fn a_rule_counts_only_for_its_own_bits() {
        let rules = [ProfilePolicyAuthorisationRule {
            ppr_ids: BitString::of(&[PPR1]),
            allowed_operators: vec![operator([0xEE; 3], Some(&[]))],
            ppr_flags: BitString::default(),
            extensions: Default::default(),
        }];
        let owner = operator([0x62, 0xF2, 0x10], None);
        assert!(authorised(&rules, PPR1, &owner));
        assert!(!authorised(&rules, PPR2, &owner));
    }
}

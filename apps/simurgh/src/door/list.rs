//! Lists in pages.

use api::{Page, Problem};

use serde::Deserialize;
use utoipa::IntoParams;

use super::problem::invalid;

/// Entries of a page if nobody says how many, and at most.
const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1000;

/// What is asked of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Listing {
    /// `next` of the page before: entries after it.
    pub(super) after: Option<String>,
    /// At most so many entries; 100 if it is absent.
    #[param(minimum = 1, maximum = 1000, example = 100)]
    limit: Option<usize>,
}

impl Listing {
    /// Entries of a page.
    pub(super) fn limit(&self) -> Result<usize, Problem> {
        limit(self.limit)
    }
}

/// Entries of a page of which so many are asked for.
pub(super) fn limit(asked: Option<usize>) -> Result<usize, Problem> {
    match asked {
        None => Ok(DEFAULT_LIMIT),
        Some(limit) if (1..=MAX_LIMIT).contains(&limit) => Ok(limit),
        Some(_) => {
            let remedy = "give a number from 1 to 1000";
            Err(invalid("limit", "not such a number", remedy))
        }
    }
}

/// A page of the entries, of which there is one more than asked for if there
/// is another page.
pub(super) fn page<T>(mut items: Vec<T>, limit: usize, cursor: impl Fn(&T) -> String) -> Page<T> {
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().map(cursor).filter(|_| more);
    Page { items, next }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits() {
        assert_eq!(limit(None).unwrap(), DEFAULT_LIMIT);
        assert_eq!(limit(Some(1000)).unwrap(), 1000);
        for wrong in [0, 1001, usize::MAX] {
            assert_eq!(limit(Some(wrong)).unwrap_err().status, 422, "{wrong}");
        }
    }

    #[test]
    fn pages() {
        let cursor = |number: &u32| number.to_string();
        let first = page(vec![1, 2, 3], 2, cursor);
        assert_eq!((first.items, first.next), (vec![1, 2], Some("2".into())));
        let last = page(vec![3, 4], 2, cursor);
        assert_eq!((last.items, last.next), (vec![3, 4], None));
    }
}

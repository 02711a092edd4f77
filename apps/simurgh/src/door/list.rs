//! Lists in pages.

use api::{Page, Problem};

use super::invalid;

/// Entries of a page if nobody says how many, and at most.
const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1000;

/// What is asked of a list.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Query {
    pub(super) after: Option<String>,
    pub(super) limit: usize,
    pub(super) eid: Option<String>,
    pub(super) state: Option<String>,
}

impl Query {
    /// Reads the query of a URI. Values are identifiers and numbers: nothing
    /// in them is percent-encoded.
    pub(super) fn read(query: Option<&str>) -> Result<Self, Problem> {
        let mut read = Query {
            after: None,
            limit: DEFAULT_LIMIT,
            eid: None,
            state: None,
        };
        for pair in query.unwrap_or_default().split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let text = || Some(value.to_string());
            match name {
                "" => {}
                "after" => read.after = text(),
                "eid" => read.eid = text(),
                "state" => read.state = text(),
                "limit" => {
                    let limit = value.parse().ok();
                    let limit = limit.filter(|limit| (1..=MAX_LIMIT).contains(limit));
                    let remedy = "give a number from 1 to 1000";
                    read.limit =
                        limit.ok_or_else(|| invalid("limit", "not such a number", remedy))?;
                }
                name => {
                    let remedy = "use after, limit, eid or state";
                    return Err(invalid(name, "not a parameter of lists", remedy));
                }
            }
        }
        Ok(read)
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
    fn queries() {
        let query = Query::read(Some("limit=7&after=89&state=queued")).unwrap();
        assert_eq!((query.limit, query.after.as_deref()), (7, Some("89")));
        assert_eq!(query.state.as_deref(), Some("queued"));
        assert_eq!(Query::read(None).unwrap().limit, DEFAULT_LIMIT);
        for wrong in ["limit=0", "limit=1001", "limit=", "order=eid"] {
            assert_eq!(Query::read(Some(wrong)).unwrap_err().status, 422, "{wrong}");
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

//! `simurgh search`: searches that have a name.

use api::client::{self, ListSearchesQuery};
use api::{NewSearch, SavedSearch};
use clap::Subcommand;

use super::output::Shown;
use super::{Listing, Remote, device};
use crate::Failure;

/// What can be done with saved searches.
#[derive(Debug, Subcommand)]
pub(crate) enum SearchCommand {
    /// Save a query under a name, or another one under the same
    #[command(after_long_help = fleet::query::help())]
    Save {
        /// 1 to 64 characters of A-Z, a-z, 0-9 and . _ : -
        name: String,
        /// The query, for example 'tier = safety_critical and last_contact > 2d'
        query: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// List saved searches
    List {
        #[command(flatten)]
        listing: Listing,
        #[command(flatten)]
        remote: Remote,
    },
    /// List the devices that a saved search finds
    Run {
        /// Its name
        name: String,
        #[command(flatten)]
        listing: Listing,
        #[command(flatten)]
        remote: Remote,
    },
    /// Forget a saved search
    Delete {
        /// Its name
        name: String,
        #[command(flatten)]
        remote: Remote,
    },
}

impl Shown for SavedSearch {
    const TITLES: &'static [&'static str] = &["NAME", "SAVED", "QUERY"];

    fn cells(&self) -> Vec<String> {
        vec![self.name.clone(), self.saved.clone(), self.query.clone()]
    }
}

impl SearchCommand {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            SearchCommand::Save {
                name,
                query,
                remote,
            } => {
                let api = remote.api()?;
                let saved = api.tell(client::put_search(&name, &NewSearch { query }))?;
                api.output.one(&saved)
            }
            SearchCommand::List { listing, remote } => {
                let api = remote.api()?;
                let page = api.ask(client::list_searches(&ListSearchesQuery {
                    after: listing.after,
                    limit: Some(listing.limit.into()),
                }))?;
                api.output.page(&page)
            }
            SearchCommand::Run {
                name,
                listing,
                remote,
            } => device::list(None, Some(name), listing, &remote),
            SearchCommand::Delete { name, remote } => {
                let api = remote.api()?;
                api.ask(client::remove_search(&name))
            }
        }
    }
}

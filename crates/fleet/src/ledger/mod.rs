//! The ledger of activation codes: each is given to one operation at a time, and
//! none is used twice or lost.

mod code;
mod ordering;
mod pool;
mod stock;

pub use code::{CodeRef, CodeState, after};
pub use ordering::{CodeOrder, CodeRefusal, Given, Next, OWN, Said, SecretCode, Step, Wanted};
pub(crate) use pool::version;
pub use pool::{BadPool, Pool, ProfileNeeds, Source};
pub use stock::{Forecast, Stock};

//! The one language in which devices are searched, by whomever.
//!
//! ```
//! use fleet::query::Query;
//!
//! let text = "tier = safety_critical and country in (DE, AT) and last_contact > 2d";
//! let query: Query = text.parse()?;
//! assert_eq!(query.to_string(), text);
//! # Ok::<(), fleet::query::QueryError>(())
//! ```

mod ast;
mod complete;
mod error;
mod eval;
mod explain;
mod field;
mod hint;
mod lexer;
mod literal;
mod parser;
mod record;

pub use ast::{Check, Comparison, Expr, Literal, Pattern, Query, Test, of_seconds, seconds};
pub use complete::complete;
pub use error::QueryError;
pub use eval::Bound;
pub use explain::{EXAMPLES, help, markdown};
pub use field::{Field, FieldType};
pub(crate) use hint::nearest;

#[cfg(any(test, feature = "testing"))]
pub mod random;
#[cfg(test)]
mod tests;
pub use lexer::LONGEST_QUERY;
pub use parser::{DEEPEST, MOST_VALUES};
pub use record::{Record, Value};

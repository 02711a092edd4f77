//! Devices come in and go out as streams: CSV, an array in JSON, or an object in
//! JSON on each line.
//!
//! [`Reader`] takes octets as they come and gives rows; [`Report`] is what people
//! read of them, by line. What [`csv_line`] and JSON of a
//! [`Device`](crate::inventory::Device) write, it reads.

mod columns;
mod csv;
mod error;
mod json;
mod reader;
#[cfg(test)]
mod tests;
mod write;

pub use columns::COLUMNS;
pub use error::{Report, RowError};
pub use reader::{LONGEST_ROW, Reader, Row};
pub use write::{csv_header, csv_line};

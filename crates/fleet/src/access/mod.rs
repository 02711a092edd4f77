//! Who may do what.

mod permission;

pub use permission::{BadPermission, Permission, Permissions};

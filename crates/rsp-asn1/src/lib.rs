//! The wire: ASN.1 types of SGP.32, of SGP.22 as SGP.32 uses it and of the
//! profile package (SAIP), the identifiers, and the TLV layer beneath them.
//!
//! Types carry the names of the modules. What is sent is DER; what is received
//! may be BER. Three promises hold for every type:
//!
//! * a signed object ([`Signed`]) keeps the bytes as received and sends them
//!   again unchanged;
//! * elements that a type does not know ([`Extensions`]) are kept in place;
//! * a decode error names the byte offset and the field path.
//!
//! This room knows no cryptography, clock, randomness or transport.
#![no_std]
#![deny(missing_docs)]

extern crate alloc;

#[macro_use]
mod macros;

mod error;
mod field;
pub mod ids;
mod oid;
mod primitive;
mod raw;
pub mod rsp;
pub mod saip;
pub mod sgp32;
mod tag;
mod tlv;
mod writer;

pub use error::{DecodeError, ErrorKind};
pub use field::{Asn1, Extension, Extensions, Field, NamedInteger, Sequence, Tagged};
pub use oid::{InvalidOid, Oid};
pub use primitive::{BitString, BoundedString, Null};
pub use raw::{Any, Certificate, CertificateList, Signed, SubjectPublicKeyInfo};
pub use tag::Tag;
pub use tlv::{Reader, Tlv};
pub use writer::Writer;

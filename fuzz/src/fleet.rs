//! What people and files say of devices: queries, and rows of imports.

use fleet::import::{Reader, csv_header, csv_line};
use fleet::query::{Query, Record, complete};
use rsp_core::Timestamp;

/// A query: what was read is printed and read again.
pub(crate) fn query(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let _ = complete(&text);
    match text.parse::<Query>() {
        Ok(query) => {
            let printed = query.to_string();
            assert_eq!(printed.parse(), Ok(query.clone()), "{printed}");
            let _ = query.finds(&Record::default(), Timestamp(1));
        }
        Err(error) => assert!(error.at <= text.chars().count()),
    }
}

fn rows(file: &[u8], parts: usize) -> Vec<Option<fleet::inventory::Device>> {
    let mut reader = Reader::default();
    let mut rows = Vec::new();
    for part in file.chunks(parts) {
        reader.push(part);
        rows.extend(std::iter::from_fn(|| reader.next_row()));
    }
    reader.finish();
    rows.extend(std::iter::from_fn(|| reader.next_row()));
    let devices = rows.into_iter().map(|row| row.ok().map(|row| row.device));
    devices.collect()
}

/// A file of devices, in whatever parts it comes; what was read goes out and comes
/// in again.
pub(crate) fn devices(data: &[u8]) {
    let read = rows(data, 1 << 16);
    assert_eq!(read, rows(data, 3));
    let kept = read.iter().flatten().map(|device| device.kept());
    let kept: Vec<_> = kept.map(Some).collect();
    let lines: String = kept.iter().flatten().map(csv_line).collect();
    let again = rows(format!("{}{lines}", csv_header()).as_bytes(), 1 << 16);
    assert_eq!(again, kept);
}

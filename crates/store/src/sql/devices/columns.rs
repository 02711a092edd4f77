//! What of a device is a column.

use fleet::inventory::Device;
use fleet::query::{Field, Record, Value};

use crate::contract::StoreError;
use crate::engine::Column;

/// Between values in one column, and around them. No text has it.
pub(super) const SEPARATOR: char = '\u{1f}';

/// The fields that are columns of their own, in the order of the table.
pub(super) const FIELDS: [Field; 26] = [
    Field::Serial,
    Field::Model,
    Field::Tier,
    Field::Site,
    Field::Country,
    Field::Owner,
    Field::PollInterval,
    Field::FreeMemory,
    Field::Cost,
    Field::Tag,
    Field::Modem,
    Field::ModemFirmware,
    Field::Technology,
    Field::Band,
    Field::Sim,
    Field::State,
    Field::FormFactor,
    Field::Grade,
    Field::Standard,
    Field::Ipa,
    Field::PackageVersion,
    Field::CiKey,
    Field::EuiccFirmware,
    Field::Operator,
    Field::Tariff,
    Field::Residency,
];

/// Their names with commas, `document` at the end.
pub(super) fn names() -> String {
    let names: Vec<_> = FIELDS.iter().map(|field| field.name()).collect();
    format!("{}, document", names.join(", "))
}

/// What stands in them, `document` at the end.
pub(super) fn of(device: &Device) -> Result<Vec<Column>, StoreError> {
    let record = Record::of(device);
    let mut columns: Vec<Column> = FIELDS
        .iter()
        .map(|field| match field.has_many() {
            true => packed(record.values(*field)),
            false => record.values(*field).first().map_or(Column::Null, column),
        })
        .collect();
    columns.push(Column::Text(serde_json::to_string(&device.kept())?));
    Ok(columns)
}

/// A value as it stands in a column.
pub(super) fn column(value: &Value) -> Column {
    match value {
        Value::Text(text) => Column::Text(text.clone()),
        Value::Number(number) => Column::Integer(*number),
        Value::Time(time) => Column::Integer(i64::try_from(time.0).unwrap_or(i64::MAX)),
        Value::Truth(truth) => Column::Integer(i64::from(*truth)),
    }
}

fn packed(values: &[Value]) -> Column {
    let mut text = String::new();
    for value in values {
        if let Value::Text(value) = value {
            text.extend((text.is_empty()).then_some(SEPARATOR));
            text.push_str(value);
            text.push(SEPARATOR);
        }
    }
    match text.is_empty() {
        true => Column::Null,
        false => Column::Text(text),
    }
}

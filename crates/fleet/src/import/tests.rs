//! Files of all three forms.

use super::*;
use crate::inventory::{Device, SimKind};
use crate::query::random::{Random, device};

/// All rows, whatever parts the file comes in.
fn read(file: &str, parts: usize) -> Vec<Result<Row, RowError>> {
    let mut reader = Reader::default();
    let mut rows = Vec::new();
    for part in file.as_bytes().chunks(parts) {
        reader.push(part);
        rows.extend(std::iter::from_fn(|| reader.next_row()));
    }
    reader.finish();
    rows.extend(std::iter::from_fn(|| reader.next_row()));
    rows
}

fn devices(file: &str, parts: usize) -> Vec<Device> {
    let rows = read(file, parts).into_iter();
    rows.map(|row| row.unwrap_or_else(|error| panic!("{error}")).device)
        .collect()
}

fn some_devices() -> Vec<Device> {
    let mut random = Random(3);
    let devices = (0..300).map(|number| device(&mut random, number));
    devices.filter(|device| device.check().is_ok()).collect()
}

#[test]
fn what_goes_out_comes_in_again() {
    let all = some_devices();
    assert!(all.len() > 100);
    let lines: String = all.iter().map(csv_line).collect();
    assert_eq!(devices(&format!("{}{lines}", csv_header()), 7), all);
    let json: Vec<_> = all
        .iter()
        .map(|one| serde_json::to_string(one).unwrap())
        .collect();
    assert_eq!(devices(&json.join("\n"), 1000), all);
    assert_eq!(devices(&format!("[{}]", json.join(",\n")), 11), all);
    let pretty = serde_json::to_string_pretty(&all).unwrap();
    assert_eq!(devices(&pretty, 1), all);
}

const EID: &str = "89044045930000000000001492436014";

#[test]
fn a_table_as_people_write_it() {
    let file = format!(
        "\u{feff}\n EID, Serial ,tags,imei.2,counter_value,sim.2,iccid.2,imsi.2\r\n\
         {EID}, M-1 ,\"pilot; \"\"a\"\",b\",49-015420-323751-8,5,,,\r\n\r\n\
         ,,,,,,,\n{EID},x\n"
    );
    let rows = read(&file, 5);
    assert_eq!(rows.len(), 3);
    let row = rows[0].as_ref().unwrap();
    assert_eq!((row.line, row.device.id.as_str()), (3, EID));
    let tags: Vec<_> = row.device.tags.iter().map(|tag| tag.as_str()).collect();
    assert_eq!(tags, ["\"a\",b", "pilot"]);
    assert_eq!(row.device.modems.len(), 2);
    let sim = &row.device.sims[0];
    assert_eq!(
        (sim.kind, sim.eim.unwrap().counter_value),
        (SimKind::Euicc, 5)
    );
    assert_eq!(rows[1].as_ref().unwrap_err().line, 5);
    assert_eq!(rows[2].as_ref().unwrap().line, 6);
}

#[test]
fn errors_by_line_and_column() {
    let header = "id,eid,country,imei,tier,operator,association_token,poll_interval\n";
    for (row, column, what) in [
        ("a,,UK", Some("country"), "it is no country"),
        ("a,123", Some("eid"), "32 decimal digits"),
        ("a,,,490154203237519", Some("imei"), "check"),
        ("a,,,,critical", Some("tier"), "is no tier"),
        ("a b", Some("id"), "A-Z"),
        ("a,,,,,Telekom", None, "a profile without its ICCID"),
        (&format!("a,{EID},,,,,7"), None, "without its counterValue"),
        ("a,,,,,,,often", Some("poll_interval"), "no span"),
        ("a,,,,,,,1d,x", None, "9 cells, and 8 columns"),
        ("a,\"x", None, "a quote is not closed"),
        (",,DE", None, "neither id nor EID"),
    ] {
        let rows = read(&format!("{header}{row}"), 100);
        let error = rows[0].as_ref().unwrap_err();
        assert_eq!((rows.len(), error.line), (1, 2), "{row}");
        assert_eq!(error.column.as_deref(), column, "{row}");
        assert!(error.what.contains(what), "{row}: {error}");
        assert!(!error.remedy.is_empty());
    }
    for (header, what) in [
        (
            "id,contry",
            "line 1, contry: there is no such column (did you mean country?)",
        ),
        ("id,id", "twice"),
        ("serial", "no column id or eid"),
        ("id,imei.17", "no such number"),
    ] {
        let rows = read(&format!("{header}\na,b\nc,d"), 100);
        assert_eq!(rows.len(), 1, "{header}");
        let error = rows[0].as_ref().unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
    }
}

#[test]
fn errors_in_json() {
    let file = format!(
        "{{\"id\":\"a\"}}\n{{\"id\":\"b\"\n\n{{\"id\":\"c\",\"colour\":1}}\n\
         {{\"sims\":[{{\"kind\":\"euicc\",\"eid\":\"{EID}\"}}]}}\n{{}}\nx"
    );
    let rows = read(&file, 3);
    let lines: Vec<_> = rows
        .iter()
        .map(|row| row.as_ref().map(|row| row.line).map_err(|error| error.line))
        .collect();
    assert_eq!(lines, [Ok(1), Err(2), Err(4), Ok(5), Err(6), Err(7)]);
    assert_eq!(rows[3].as_ref().unwrap().device.id.as_str(), EID);
    let what = &rows[2].as_ref().unwrap_err().what;
    assert!(
        what.contains("colour") && !what.contains("at line"),
        "{what}"
    );
    let array = read("[{\"id\":\"a\"},\n 7,\n {\"id\":\"b\"}, {\"id\":\"c\"", 100);
    let wrong: Vec<_> = array.iter().map(Result::is_err).collect();
    assert_eq!(wrong, [false, true, false, true]);
}

#[test]
fn rows_that_are_too_long() {
    let long = "x".repeat(LONGEST_ROW);
    for file in [
        format!("id,serial\na,{long}\nb,ok"),
        format!("{{\"id\":\"a\",\"serial\":\"{long}\"}}\n{{\"id\":\"b\"}}"),
        format!("[{{\"id\":\"a\",\"serial\":\"{long}\"}},{{\"id\":\"b\"}}]"),
    ] {
        let rows = read(&file, 1000);
        assert_eq!(rows.len(), 2);
        assert!(rows[0].as_ref().unwrap_err().what.contains("65536"));
        assert_eq!(rows[1].as_ref().unwrap().device.id.as_str(), "b");
    }
}

#[test]
fn a_report_names_the_first_thousand() {
    let mut report = Report::default();
    for line in 0..1500 {
        report.add(RowError::new(line, "wrong", "correct it"));
    }
    assert_eq!((report.wrong, report.errors.len()), (1500, 1000));
}

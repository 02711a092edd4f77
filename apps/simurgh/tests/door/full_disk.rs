//! A disk that is full, and one that has space again: a small one in memory, which
//! only the server sees mounted.

use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::asking::{Answer, Asker, eid};
use crate::receiver::skipped;
use crate::support::{Folder, Server, run_in};

/// How long a server may take to notice.
const SOON: Duration = Duration::from_secs(60);

/// The server's database is on a disk of 8 MiB; `None` where nothing may be mounted.
fn on_a_small_disk() -> Option<Server> {
    let mount = "mount -t tmpfs -o size=8m,mode=700 tmpfs";
    let tried = Command::new("unshare")
        .args(["--mount", "sh", "-c", &format!("{mount} /mnt")])
        .output();
    if !tried.is_ok_and(|tried| tried.status.success()) {
        return None;
    }
    let folder = Folder::new("full-disk");
    run_in(&folder.0, &["init", "--plain-ca", "--ports", "0,0,0"]);
    let disk = folder.0.join("disk");
    std::fs::create_dir(&disk).unwrap();
    let program = env!("CARGO_BIN_EXE_simurgh");
    let script = format!("{mount} {} && exec {program} \"$@\"", disk.display());
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", &script, "simurgh"]);
    let database = format!("database={}", disk.join("simurgh.db").display());
    Some(Server::started_by(command, folder, &["--set", &database]))
}

/// A file on the disk, as the server's process sees it.
fn filler(server: &Server) -> PathBuf {
    let disk = server.folder().join("disk/filler");
    let disk = disk.strip_prefix("/").unwrap();
    PathBuf::from(format!("/proc/{}/root", server.id())).join(disk)
}

fn fill(server: &Server) {
    let mut filler = std::fs::File::create(filler(server)).unwrap();
    let octets = [1; 4096];
    while filler.write_all(&octets).is_ok() {}
}

fn add(asker: &Asker, number: u64) -> Answer {
    asker.post(
        "/v1/devices",
        &json!({"eid": eid(number), "counter_value": 0}),
    )
}

/// What /readyz says when it has this status.
fn until(server: &Server, asker: &Asker, status: u16) -> Answer {
    let began = Instant::now();
    loop {
        let ready = asker.get("/readyz");
        if ready.status == status {
            return ready;
        }
        assert!(began.elapsed() < SOON, "{ready:?} {}", server.log());
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn a_full_disk_is_said_and_nothing_acknowledged_is_lost() {
    let Some(server) = on_a_small_disk() else {
        skipped("full_disk", "nothing may be mounted here");
        return;
    };
    let asker = Asker::new(&server);
    assert_eq!(asker.get("/readyz").status, 200);
    fill(&server);
    let mut acknowledged = Vec::new();
    let refused = (1..5000)
        .find_map(|number| {
            let answer = add(&asker, number);
            if answer.status == 201 {
                acknowledged.push(number);
                return None;
            }
            Some(answer)
        })
        .unwrap();
    let problem = refused.problem(503);
    assert!(
        problem["detail"].as_str().unwrap().contains("disk"),
        "{problem}"
    );
    assert!(refused.headers.contains_key("retry-after"), "{refused:?}");

    // The rest of its pages go to the looks.
    let ready = until(&server, &asker, 503);
    let said = ready.json()["checks"][0]["said"].to_string();
    assert!(said.contains("disk"), "{said}");
    // What is there is still read.
    assert_eq!(asker.get("/v1/devices?limit=1").status, 200);

    std::fs::remove_file(filler(&server)).unwrap();
    until(&server, &asker, 200);
    let next = acknowledged.len() as u64 + 1;
    assert_eq!(add(&asker, next).status, 201);
    acknowledged.push(next);
    for number in acknowledged {
        let device = asker.get(&format!("/v1/devices/{}", eid(number)));
        assert_eq!(device.status, 200, "{number}: {device:?}");
    }
}

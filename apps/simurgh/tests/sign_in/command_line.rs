//! `simurgh login` and what users are managed with.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use crate::support::{Server, simurgh};
use crate::{PASSWORD, server};

fn session_file(server: &Server) -> std::path::PathBuf {
    server.folder().join("session")
}

fn command(server: &Server) -> Command {
    let mut command = simurgh();
    command
        .env_remove("SIMURGH_TOKEN")
        .env("SIMURGH_URL", server.url())
        .env("SIMURGH_CA", server.folder().join("pki/private_ca.pem"))
        .env("SIMURGH_SESSION", session_file(server));
    command
}

fn login(server: &Server, lines: &[&str]) -> Output {
    let mut child = command(server)
        .args(["login", "noc"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(lines.join("\n").as_bytes()).unwrap();
    drop(stdin);
    child.wait_with_output().unwrap()
}

#[test]
fn a_user_signs_in_works_and_signs_out() {
    let server = server("access-login");
    let user = server.json(&["user", "add", "noc", "--role", "admin"]);
    let once = user["one_time_password"].as_str().unwrap();
    let refused = login(&server, &["not the password"]);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    let done = login(&server, &[once, PASSWORD, PASSWORD]);
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    let file = session_file(&server);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let run = |arguments: &[&str]| {
        let output = command(&server).args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(run(&["user", "list"]).contains("noc"));
    assert!(run(&["role", "list"]).contains("auditor"));
    let permission = ["--permission", "devices:read"];
    let key = run(&[&["api-key", "add", "mine"][..], &permission].concat());
    assert!(key.contains("sim_default_"), "{key}");
    assert!(run(&["tenant", "list"]).contains("default"));
    run(&["device", "list"]);
    run(&["logout"]);
    assert!(!file.exists());
    let out = command(&server).args(["user", "list"]).output().unwrap();
    assert!(!out.status.success());
}

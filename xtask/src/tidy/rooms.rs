//! Which crate may depend on which.
//!
//! The graph is cargo's own, asked for one crate at a time: only so are the
//! features of that crate alone switched on, and not those that another member
//! of the workspace wants. Development dependencies are free.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::process::{self, Failure};

/// One row of the room table.
#[derive(Debug)]
struct Room {
    name: &'static str,
    /// The crates of this workspace that it may name.
    may: &'static [&'static str],
    /// The foreign crates that must not be reached from it, even through others.
    never: &'static [&'static [&'static str]],
}

const CRYPTOGRAPHY: &[&str] = &[
    "aes",
    "aws-lc-rs",
    "aws-lc-sys",
    "ecdsa",
    "openssl",
    "openssl-sys",
    "p256",
    "ring",
    "sha2",
];
const NETWORK: &[&str] = &[
    "async-std",
    "mio",
    "quinn",
    "rustls",
    "socket2",
    "tokio",
    "tokio-rustls",
];
const HTTP: &[&str] = &["axum", "hyper", "reqwest", "ureq"];
const SQL: &[&str] = &[
    "libsqlite3-sys",
    "postgres",
    "rusqlite",
    "sqlx",
    "tokio-postgres",
];
/// The machine's own clock and randomness.
const AMBIENT: &[&str] = &["getrandom"];
const JSON: &[&str] = &["serde_json"];

const LIBRARIES: &[&str] = &[
    "rsp-asn1",
    "rsp-crypto",
    "rsp-core",
    "euicc",
    "rsp-net",
    "device",
    "fleet",
    "store",
    "api",
];
const LIBRARIES_AND_LAB: &[&str] = &[
    "rsp-asn1",
    "rsp-crypto",
    "rsp-core",
    "euicc",
    "rsp-net",
    "device",
    "fleet",
    "store",
    "api",
    "lab",
];

/// The room table. A crate that has no row may not join the workspace.
const ROOMS: &[Room] = &[
    Room {
        name: "rsp-asn1",
        may: &[],
        never: &[CRYPTOGRAPHY, NETWORK, HTTP, SQL, AMBIENT, JSON],
    },
    Room {
        name: "rsp-crypto",
        may: &["rsp-asn1"],
        never: &[NETWORK, HTTP, SQL, JSON],
    },
    Room {
        name: "rsp-core",
        may: &["rsp-asn1", "rsp-crypto"],
        never: &[CRYPTOGRAPHY, NETWORK, HTTP, SQL, AMBIENT],
    },
    Room {
        name: "euicc",
        may: &["rsp-asn1", "rsp-crypto"],
        never: &[NETWORK, HTTP, SQL],
    },
    Room {
        name: "rsp-net",
        may: &["rsp-asn1", "rsp-crypto", "rsp-core"],
        never: &[SQL],
    },
    Room {
        name: "device",
        may: &["rsp-asn1", "rsp-core"],
        never: &[CRYPTOGRAPHY, NETWORK, HTTP, SQL, AMBIENT],
    },
    Room {
        name: "fleet",
        may: &["rsp-asn1", "rsp-core"],
        never: &[NETWORK, HTTP, SQL, AMBIENT],
    },
    Room {
        name: "store",
        may: &["rsp-asn1", "rsp-crypto", "rsp-core", "fleet"],
        never: &[HTTP],
    },
    Room {
        name: "api",
        may: &[],
        never: &[SQL],
    },
    Room {
        name: "lab",
        may: LIBRARIES,
        never: &[],
    },
    Room {
        name: "simurgh",
        may: LIBRARIES,
        never: &[],
    },
    Room {
        name: "simurgh-agent",
        may: &[
            "rsp-asn1",
            "rsp-crypto",
            "rsp-core",
            "rsp-net",
            "device",
            "api",
        ],
        never: &[SQL],
    },
    Room {
        name: "simurgh-lab",
        may: LIBRARIES_AND_LAB,
        never: &[],
    },
    Room {
        name: "fuzz",
        may: &[
            "rsp-asn1",
            "rsp-crypto",
            "rsp-core",
            "euicc",
            "fleet",
            "api",
        ],
        never: &[NETWORK, HTTP, SQL],
    },
    Room {
        name: "xtask",
        may: &[],
        never: &[],
    },
];

/// Breaches of the room table, and rooms that the architecture page forgets.
///
/// # Errors
///
/// When cargo cannot say what depends on what.
pub(crate) fn check(root: &Path) -> Result<Vec<String>, Failure> {
    let members = members(root)?;
    let mut breaches = Vec::new();
    for member in &members {
        let Some(room) = ROOMS.iter().find(|room| room.name == member) else {
            breaches.push(format!(
                "crate {member} has no row in the room table (xtask)"
            ));
            continue;
        };
        breaches.extend(breaches_of(room, &members, &graph_of(root, member)?));
    }
    if let Ok(page) = std::fs::read_to_string(root.join("ARCHITECTURE.md")) {
        breaches.extend(unnamed(&members, &page));
    }
    Ok(breaches)
}

/// Who names whom: every crate that can be reached, with its direct
/// dependencies.
type Graph = BTreeMap<String, BTreeSet<String>>;

fn members(root: &Path) -> Result<BTreeSet<String>, Failure> {
    let arguments = ["tree", "--workspace", "--depth", "0", "--prefix", "none"];
    let output = process::capture(process::cargo(root).args(arguments))?;
    Ok(output
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect())
}

fn graph_of(root: &Path, member: &str) -> Result<Graph, Failure> {
    let arguments = [
        "tree",
        "--edges",
        "normal,no-proc-macro",
        "--prefix",
        "depth",
        "--package",
    ];
    let output = process::capture(process::cargo(root).args(arguments).arg(member))?;
    Ok(parse_tree(&output))
}

/// Reads `cargo tree --prefix depth`: `0root v1`, `1child v1`, `2grandchild v1 (*)`.
fn parse_tree(output: &str) -> Graph {
    let mut graph = Graph::new();
    let mut above: Vec<String> = Vec::new();
    for line in output.lines() {
        let digits = line.chars().take_while(char::is_ascii_digit).count();
        let (depth, rest) = line.split_at(digits);
        let (Ok(depth), Some(name)) = (depth.parse::<usize>(), rest.split_whitespace().next())
        else {
            continue;
        };
        above.truncate(depth);
        if let Some(parent) = above.last() {
            graph
                .entry(parent.clone())
                .or_default()
                .insert(name.to_owned());
        }
        graph.entry(name.to_owned()).or_default();
        above.push(name.to_owned());
    }
    graph
}

fn breaches_of(room: &Room, members: &BTreeSet<String>, graph: &Graph) -> Vec<String> {
    let direct = graph.get(room.name).into_iter().flatten();
    let unwelcome = direct
        .filter(|name| members.contains(*name) && !room.may.contains(&name.as_str()))
        .map(|name| format!("{} may not depend on {name}", room.name));
    let banned = room.never.iter().flat_map(|list| list.iter());
    let reached = banned
        .filter(|name| graph.contains_key(**name))
        .map(|name| {
            format!(
                "{} must never know {name} ({})",
                room.name,
                named_by(name, graph)
            )
        });
    unwelcome.chain(reached).collect()
}

fn named_by(name: &str, graph: &Graph) -> String {
    let parents: Vec<&str> = graph
        .iter()
        .filter(|(_, children)| children.contains(name))
        .map(|(parent, _)| parent.as_str())
        .collect();
    format!("named by {}", parents.join(", "))
}

fn unnamed(members: &BTreeSet<String>, page: &str) -> Vec<String> {
    let words: BTreeSet<&str> = page
        .split(|c: char| !(c.is_alphanumeric() || c == '-' || c == '_'))
        .collect();
    members
        .iter()
        .filter(|member| !words.contains(member.as_str()))
        .map(|member| format!("ARCHITECTURE.md does not name the crate {member}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: &str = "\
0rsp-core v0.1.0 (/somewhere/crates/rsp-core)
1rsp-asn1 v0.1.0 (/somewhere/crates/rsp-asn1)
2thiserror v2.0.1
1store v0.1.0 (/somewhere/crates/store)
2rsp-asn1 v0.1.0 (/somewhere/crates/rsp-asn1) (*)
2rusqlite v0.37.0
";

    fn room(name: &str) -> &'static Room {
        ROOMS.iter().find(|room| room.name == name).unwrap()
    }

    #[test]
    fn a_tree_becomes_a_graph() {
        let graph = parse_tree(TREE);
        let children: Vec<&str> = graph["rsp-core"].iter().map(String::as_str).collect();
        assert_eq!(children, ["rsp-asn1", "store"]);
        assert!(graph["store"].contains("rusqlite"));
        assert!(graph["rusqlite"].is_empty());
    }

    #[test]
    fn an_unwelcome_room_and_what_it_drags_in_are_named() {
        let members = ["rsp-core", "rsp-asn1", "store"].map(str::to_owned).into();
        let breaches = breaches_of(room("rsp-core"), &members, &parse_tree(TREE));
        assert_eq!(
            breaches,
            [
                "rsp-core may not depend on store",
                "rsp-core must never know rusqlite (named by store)",
            ]
        );
    }

    #[test]
    fn a_room_within_its_rights_is_silent() {
        let members = ["simurgh", "rsp-core"].map(str::to_owned).into();
        let graph = parse_tree("0simurgh v0.1.0\n1rsp-core v0.1.0\n1tokio v1.0.0\n");
        assert!(breaches_of(room("simurgh"), &members, &graph).is_empty());
    }

    #[test]
    fn the_table_names_only_rooms_and_no_room_twice() {
        let names: BTreeSet<&str> = ROOMS.iter().map(|room| room.name).collect();
        assert_eq!(names.len(), ROOMS.len());
        for room in ROOMS {
            assert!(room.may.iter().all(|name| names.contains(name)), "{room:?}");
            assert!(!room.may.contains(&room.name), "{room:?}");
        }
    }

    #[test]
    fn the_architecture_page_names_every_crate() {
        let members = ["api", "rsp-net"].map(str::to_owned).into();
        assert!(unnamed(&members, "`crates/api` and `rsp-net`.").is_empty());
        assert_eq!(unnamed(&members, "rapid rsp-network").len(), 2);
    }
}

//! The rooms without I/O are built without std: then they cannot open a file
//! or ask the clock even if they wanted to.

use super::tree::File;

const WITHOUT_STD: &[&str] = &["rsp-asn1", "rsp-crypto", "rsp-core", "euicc"];

/// Rooms that lack `#![no_std]`.
pub(crate) fn check(files: &[File]) -> Vec<String> {
    let mut breaches = Vec::new();
    for room in WITHOUT_STD {
        let path = format!("crates/{room}/src/lib.rs");
        let Some(file) = files.iter().find(|file| file.path == path) else {
            continue;
        };
        if !file
            .text
            .lines()
            .any(|line| line.trim_end() == "#![no_std]")
        {
            breaches.push(format!("{path} lacks #![no_std]"));
        }
    }
    breaches
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breaches(path: &str, text: &str) -> usize {
        check(&[File {
            path: path.to_owned(),
            text: text.to_owned(),
        }])
        .len()
    }

    #[test]
    fn only_the_attribute_itself_counts() {
        let lib = "crates/rsp-core/src/lib.rs";
        assert_eq!(breaches(lib, "//! Rules.\n#![no_std]\n"), 0);
        assert_eq!(breaches(lib, "//! Rules, #![no_std]\n"), 1);
        assert_eq!(breaches("crates/store/src/lib.rs", ""), 0);
    }
}

//! What takes long says how far it is.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// How often it is said.
const PAUSE: Duration = Duration::from_millis(300);

/// How far it is, on a terminal or as lines.
pub(crate) struct Progress {
    shown: bool,
    on_terminal: bool,
    last: Option<Instant>,
    said: String,
}

impl Progress {
    /// `shown` says whether anybody wants to know.
    pub(crate) fn new(shown: bool) -> Self {
        Progress {
            shown,
            on_terminal: std::io::stderr().is_terminal(),
            last: None,
            said: String::new(),
        }
    }

    /// `done` of as many, of anything.
    pub(crate) fn say(&mut self, what: &str, done: u64, of: u64) {
        let soon = self.last.is_some_and(|last| last.elapsed() < PAUSE);
        if !self.shown || (soon && done < of) {
            return;
        }
        self.last = Some(Instant::now());
        let percent = (done * 100).checked_div(of).unwrap_or(100).min(100);
        let filled = usize::try_from(percent / 4).unwrap_or(25);
        let bar: String = "#".repeat(filled) + &".".repeat(25 - filled.min(25));
        let line = format!("{percent:3} % {what}");
        match self.on_terminal {
            true => eprint!("\r[{bar}] {line}\x1b[K"),
            false if line != self.said => eprintln!("{line}"),
            false => {}
        }
        self.said = line;
    }

    /// Nothing more is said.
    pub(crate) fn end(&self) {
        if self.shown && self.on_terminal {
            eprintln!();
        }
    }
}

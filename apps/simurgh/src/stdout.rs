//! Standard output, which others may close: `simurgh … | head` is no failure.

use std::fmt;
use std::io::{ErrorKind, Write};

/// What a shell says of a program that wrote into a closed pipe.
const CLOSED: i32 = 128 + 13;

/// As `print!`, but ends the program quietly if nobody reads any more.
macro_rules! out {
    ($($argument:tt)*) => {
        $crate::stdout::write(format_args!($($argument)*))
    };
}

/// As `println!`, but ends the program quietly if nobody reads any more.
macro_rules! outln {
    () => {
        $crate::stdout::write(format_args!("\n"))
    };
    ($($argument:tt)*) => {
        $crate::stdout::write(format_args!("{}\n", format_args!($($argument)*)))
    };
}

/// Writes to standard output.
pub(crate) fn write(text: fmt::Arguments<'_>) {
    checked(std::io::stdout().lock().write_fmt(text));
}

/// Writes octets to standard output.
pub(crate) fn write_all(octets: &[u8]) {
    checked(std::io::stdout().lock().write_all(octets));
}

/// Writes what is still held back.
pub(crate) fn flush() {
    checked(std::io::stdout().lock().flush());
}

/// Ends the program if something cannot be written.
fn checked(written: std::io::Result<()>) {
    match written {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(CLOSED),
        Err(error) => {
            eprintln!("simurgh: cannot write to standard output: {error}");
            std::process::exit(1);
        }
    }
}

//! Writes a resolved configuration as commented TOML, for people to check.

use std::fmt::{Display, Write as _};
use std::time::Duration;

/// What is written instead of a secret.
pub(super) const MASK: &str = "********";

/// The text being written. Writing to it cannot fail.
#[derive(Default)]
pub(super) struct Page(String);

impl Page {
    /// Begins the table `header`, such as `[cache]` or `[[users]]`.
    pub(super) fn table(&mut self, header: &str) {
        if !self.0.is_empty() {
            self.0.push('\n');
        }
        self.line(header);
    }

    /// Writes a comment.
    pub(super) fn comment(&mut self, text: impl Display) {
        self.line(format_args!("# {text}"));
    }

    /// Writes a number or a switch.
    pub(super) fn plain(&mut self, key: &str, value: impl Display) {
        self.line(format_args!("{key} = {value}"));
    }

    /// Writes a text.
    pub(super) fn text(&mut self, key: &str, value: impl Display) {
        self.line(format_args!("{key} = {}", quoted(&value.to_string())));
    }

    /// Writes a duration.
    pub(super) fn duration(&mut self, key: &str, value: Duration) {
        self.text(key, humantime::format_duration(value));
    }

    /// Writes a number of bytes, in the largest unit that says it exactly.
    pub(super) fn size(&mut self, key: &str, bytes: u64) {
        let unit = (bytes.trailing_zeros() / 10).min(4);
        let name = ["B", "KiB", "MiB", "GiB", "TiB"][unit as usize];
        self.text(key, format_args!("{}{name}", bytes >> (10 * unit)));
    }

    /// Writes that `key` is set, without its value.
    pub(super) fn secret(&mut self, key: &str) {
        self.text(key, MASK);
    }

    /// The text written.
    pub(super) fn finish(self) -> String {
        self.0
    }

    fn line(&mut self, text: impl Display) {
        let _ = writeln!(self.0, "{text}");
    }
}

/// `text` as a TOML basic string.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

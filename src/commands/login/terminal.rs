//! What is said to the person who signs in, drawn for them, and asked.

use std::fmt;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use anyhow::anyhow;

use super::drawing::{Drawing, Style};
use crate::config::Screen;

/// Where the person is.
pub(super) struct Terminal {
    style: Style,
    colours: bool,
    /// Columns and rows.
    window: Option<(usize, usize)>,
    /// Whether somebody can be asked.
    pub(super) is_interactive: bool,
}

impl Terminal {
    /// That of this process; with `ascii`, it is not trusted to know other characters.
    pub(super) fn new(ascii: bool) -> Self {
        let screen = Screen::from_process();
        let shows = io::stdout().is_terminal();
        let size = terminal_size::terminal_size_of(io::stdout());
        Self {
            style: if ascii || !screen.unicode { Style::Ascii } else { Style::HalfBlocks },
            colours: shows && screen.colours,
            window: size.map(|(width, height)| (width.0.into(), height.0.into())),
            is_interactive: shows && io::stdin().is_terminal(),
        }
    }

    /// Says a sentence or two, in lines that end between words.
    pub(super) fn say(&self, text: impl fmt::Display) -> anyhow::Result<()> {
        let width = self.window.map_or(usize::MAX, |(width, _)| width);
        writeln!(io::stdout(), "{}", wrapped(&text.to_string(), width)).map_err(|error| mute(&error))
    }

    /// Draws a QR code, and says so if it cannot be seen whole.
    pub(super) fn draw(&self, drawing: &Drawing) -> anyhow::Result<()> {
        let fitted = drawing.text(self.style, self.colours, self.window);
        io::stdout().write_all(fitted.text.as_bytes()).map_err(|error| mute(&error))?;
        if let (false, Some((width, height))) = (fitted.fits, self.window) {
            self.say(format_args!(
                "The window has {width} columns and {height} lines, and the QR code takes {} and {}: make the window \
                 larger or its letters smaller, or write a picture with --png FILE.",
                fitted.columns, fitted.rows
            ))?;
        }
        Ok(())
    }

    /// Asks a question; `default` is what Enter alone means. An end of input means no.
    #[expect(clippy::unused_self, reason = "nobody else speaks to the person")]
    pub(super) fn ask(&self, question: &str, default: bool) -> anyhow::Result<bool> {
        let mut out = io::stdout();
        let answers = if default { "Y/n" } else { "y/N" };
        write!(out, "{question} [{answers}] ").and_then(|()| out.flush()).map_err(|error| mute(&error))?;
        let mut line = String::new();
        if io::stdin().lock().read_line(&mut line)? == 0 {
            return Ok(false);
        }
        Ok(match line.trim().to_ascii_lowercase().as_str() {
            "" => default,
            answer => matches!(answer, "y" | "yes"),
        })
    }
}

/// A sign-in that nobody can follow has failed, whatever output that is cut off means to other commands.
fn mute(error: &io::Error) -> anyhow::Error {
    anyhow!("nothing can be shown: {error}")
}

/// `text` with some of its blanks made line breaks, so that no line is longer than `width` unless a word is.
fn wrapped(text: &str, width: usize) -> String {
    let mut lines = String::new();
    let mut column = 0;
    for word in text.split(' ') {
        let length = word.chars().count();
        if column > 0 {
            let breaks = column + 1 + length > width;
            lines.push(if breaks { '\n' } else { ' ' });
            column = if breaks { 0 } else { column + 1 };
        }
        lines.push_str(word);
        column += length;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_between_words() {
        assert_eq!(wrapped("aa bb cc", 5), "aa bb\ncc");
        assert_eq!(wrapped("aa bbbbbbb c", 4), "aa\nbbbbbbb\nc");
        assert_eq!(wrapped("aa bb", usize::MAX), "aa bb");
        assert_eq!(wrapped("", 5), "");
    }
}

//! `dav115 hash-password`: the hash of a password, from the terminal or a pipe.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::process::ExitCode;

use anyhow::bail;

use crate::server;

/// Reads a password and prints its hash.
pub(super) fn run() -> anyhow::Result<ExitCode> {
    let password = if io::stdin().is_terminal() {
        let first = rpassword::prompt_password("Password: ")?;
        if first != rpassword::prompt_password("Again: ")? {
            bail!("the two passwords differ; nothing was made");
        }
        first
    } else {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line)?;
        line.trim_end_matches(['\r', '\n']).to_owned()
    };
    if password.is_empty() {
        bail!("the password is empty; type one, or send one line to standard input");
    }
    writeln!(io::stdout(), "{}", server::hash_password(&password)?)?;
    Ok(ExitCode::SUCCESS)
}

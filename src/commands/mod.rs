//! What each command of the command line does: one file for each, and here what several need.
//!
//! Knows every layer. Called by `main` alone.

mod check;
mod hash_password;
mod healthcheck;
mod login;
mod serve;

use std::io;
use std::process::ExitCode;

use clap::CommandFactory as _;

pub(crate) use serve::{listen, stop_signal};

use crate::cli::{Cli, Command, ConfigFile};
use crate::config::{Config, Overrides, Sources};
use crate::demo;

/// Runs a command to its end.
pub async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve(serve) => serve::run(&serve).await,
        Command::Demo(demo) => demo::run(&demo).await,
        Command::Login(login) => login::run(&login).await,
        Command::Check(check) => check::run(&check).await,
        Command::HashPassword => hash_password::run(),
        Command::Healthcheck(check) => healthcheck::run(&check).await,
        Command::Completions(completions) => {
            clap_complete::generate(completions.shell, &mut Cli::command(), "dav115", &mut io::stdout());
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn load(file: &ConfigFile, overrides: Overrides) -> anyhow::Result<Config> {
    Ok(Config::load(&Sources::from_process(file.path.clone(), overrides)?)?)
}

/// A size for people.
fn readable(bytes: u64) -> String {
    let (unit, shift) = if bytes >> 40 > 0 { ("TiB", 40) } else { ("GiB", 30) };
    format!("{}.{} {unit}", bytes >> shift, (bytes % (1 << shift) * 10) >> shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_shown_with_one_decimal() {
        assert_eq!(readable(0), "0.0 GiB");
        assert_eq!(readable((3 << 30) + (1 << 29)), "3.5 GiB");
        assert_eq!(readable(15_356 << 30), "14.9 TiB");
    }
}

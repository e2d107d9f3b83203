//! The program: reads the command line, runs the command, reports a failure.

use std::io;
use std::process::ExitCode;

use clap::Parser as _;
use dav115::{cli::Cli, commands};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("dav115: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(commands::run(cli.command));
    // What is still under way, such as a listing that nobody waits for any more, must not delay the end.
    runtime.shutdown_background();
    outcome.unwrap_or_else(|error| {
        // Whoever read the output has seen enough.
        if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
            return ExitCode::SUCCESS;
        }
        eprintln!("dav115: {error:#}");
        ExitCode::FAILURE
    })
}

//! Where log lines go and what they look like.

use anyhow::Context as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt};

use crate::config::{Log, LogFormat};

/// What `log.level` lets through.
///
/// **Errors**: if it is no filter.
pub(crate) fn filter(log: &Log) -> anyhow::Result<Targets> {
    log.level.parse().with_context(|| {
        format!(
            "log.level: expected error, warn, info, debug, trace or a filter by module, found {:?}",
            log.level
        )
    })
}

/// Sends log lines to standard error. To be called once.
///
/// **Errors**: if `log.level` is no filter.
pub(crate) fn start(log: &Log) -> anyhow::Result<()> {
    let filter = filter(log)?;
    let lines = fmt::layer().with_writer(std::io::stderr);
    let lines = match log.format {
        LogFormat::Text => lines.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    tracing_subscriber::registry().with(filter).with(lines).init();
    Ok(())
}

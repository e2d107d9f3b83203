//! Where log lines go and what they look like.

use anyhow::Context as _;
use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat};

/// What `log.level` lets through.
///
/// **Errors**: if it is no filter.
pub(crate) fn filter(log: &Log) -> anyhow::Result<EnvFilter> {
    EnvFilter::try_new(&log.level).with_context(|| {
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
    let lines = tracing_subscriber::fmt().with_env_filter(filter(log)?).with_writer(std::io::stderr);
    match log.format {
        LogFormat::Text => lines.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).init(),
        LogFormat::Json => lines.json().flatten_event(true).init(),
    }
    Ok(())
}

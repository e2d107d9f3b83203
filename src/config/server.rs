//! `[server]` and `[log]`: where to listen, and what to write about it.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use ipnet::IpNet;

use super::describe::{Page, quoted};
use super::parse::{choice, duration, duration_or_zero, networks, served_path, socket_address, text, whole};
use super::table::{Read, Table};

/// Where and how to serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// The path everything is served below: `/`, or `/dav` without a final slash.
    pub prefix: String,
    /// Reverse proxies that are believed when they say whom a request is from.
    pub trusted_proxies: Vec<IpNet>,
    /// How long a client may take to send the header of a request.
    pub request_header_timeout: Duration,
    /// How long running requests may take to end after a stop signal.
    pub shutdown_grace: Duration,
    /// Connections served at once.
    pub max_connections: usize,
    /// Where properties that clients set are kept; `None` if they need not outlive the gateway, which no file can say.
    pub properties_file: Option<PathBuf>,
}

impl Server {
    pub(super) fn read(table: &mut Table<'_>) -> Read<Self> {
        let listen = table.required("listen", socket_address);
        let prefix = table.required("prefix", served_path);
        let trusted_proxies = table.optional("trusted_proxies", networks);
        let request_header_timeout = table.required("request_header_timeout", duration);
        let shutdown_grace = table.required("shutdown_grace", duration_or_zero);
        let max_connections = table.required("max_connections", whole(1..=1_000_000));
        let properties_file = table.required("properties_file", text);
        Ok(Self {
            listen: listen?,
            prefix: prefix?,
            trusted_proxies: trusted_proxies?.unwrap_or_default(),
            request_header_timeout: request_header_timeout?,
            shutdown_grace: shutdown_grace?,
            max_connections: max_connections?,
            properties_file: Some(table.resolve("properties_file", &properties_file?)),
        })
    }

    pub(super) fn describe(&self, page: &mut Page) {
        page.table("[server]");
        page.text("listen", self.listen);
        page.text("prefix", &self.prefix);
        let proxies = self.trusted_proxies.iter().map(|network| quoted(&network.to_string()));
        page.plain("trusted_proxies", format_args!("[{}]", proxies.collect::<Vec<_>>().join(", ")));
        page.duration("request_header_timeout", self.request_header_timeout);
        page.duration("shutdown_grace", self.shutdown_grace);
        page.plain("max_connections", self.max_connections);
        match &self.properties_file {
            Some(file) => page.text("properties_file", file.display()),
            None => page.comment("no properties_file: they end with the gateway"),
        }
    }
}

/// What to write to the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// A level, or a filter with levels of single modules.
    pub level: String,
    /// The form of a line.
    pub format: LogFormat,
}

impl Log {
    pub(super) fn read(table: &mut Table<'_>) -> Read<Self> {
        let level = table.required("level", text);
        let format = table.required("format", choice(LogFormat::ALL.map(|format| (format.as_str(), format))));
        Ok(Self { level: level?, format: format? })
    }

    pub(super) fn describe(&self, page: &mut Page) {
        page.table("[log]");
        page.text("level", &self.level);
        page.text("format", self.format.as_str());
    }
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

impl LogFormat {
    /// Every form.
    pub const ALL: [Self; 2] = [Self::Text, Self::Json];

    /// The name used by the key and the flag.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for LogFormat {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|format| format.as_str() == text).ok_or(UnknownName)
    }
}

/// The text is not one of the names to choose from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not one of the names to choose from")]
pub struct UnknownName;

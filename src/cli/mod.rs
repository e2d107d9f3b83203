//! The command line: what can be typed, and the types it becomes. Does nothing itself.

mod login;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

pub use login::Login;

use crate::config::{LogFormat, Overrides, download_policy_names, parse_download_policy};
use crate::model::DownloadPolicy;

const EXAMPLES: &str = "\
Examples:
  dav115 demo                                  Try the gateway without an account
  dav115 hash-password                         Make a password_hash for dav115.toml
  dav115 login --account main                  Sign in to 115 by QR code
  dav115 check --config dav115.toml            See what a configuration comes to
  dav115 serve --config dav115.toml            Serve
  DAV115__SERVER__LISTEN=[::]:80 dav115 serve  Set any key by the environment";

const SERVE_EXAMPLES: &str = "\
Settings are taken from flags, else from the environment (DAV115__SECTION__KEY), else from the file, else the default.

Examples:
  dav115 serve
  dav115 serve --config /etc/dav115.toml --listen 127.0.0.1:8115
  dav115 serve --log-format json --log-level info,dav115::pan115=debug";

const DEMO_EXAMPLES: &str = "\
Examples:
  dav115 demo
  dav115 demo --listen 127.0.0.1:9000 --download proxy";

const CHECK_EXAMPLES: &str = "\
Asks 115 once about each account, and once about each root_id. The exit status is 0 if all is well, else 1.

Examples:
  dav115 check
  dav115 check --config /etc/dav115.toml";

const HASH_EXAMPLES: &str = "\
Examples:
  dav115 hash-password
  printf '%s' \"$PASSWORD\" | dav115 hash-password > password_hash.txt";

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  dav115 completions bash > /etc/bash_completion.d/dav115
  dav115 completions fish > ~/.config/fish/completions/dav115.fish";

/// A WebDAV gateway for the 115 cloud drive.
#[derive(Debug, Parser)]
#[command(name = "dav115", version, about, after_help = EXAMPLES, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the configured mounts until a stop signal
    #[command(after_help = SERVE_EXAMPLES)]
    Serve(Serve),
    /// Serve an invented drive, to try the gateway without an account
    #[command(after_help = DEMO_EXAMPLES)]
    Demo(Demo),
    /// Sign in to 115 by QR code, and put the cookie where the account has it
    #[command(after_help = login::EXAMPLES)]
    Login(Login),
    /// Check the configuration and print what it comes to, secrets masked
    #[command(after_help = CHECK_EXAMPLES)]
    Check(Check),
    /// Read a password from the terminal or standard input and print its hash
    #[command(after_help = HASH_EXAMPLES)]
    HashPassword,
    /// Ask a running gateway whether it is well: exit status 0 if so, else 1
    Healthcheck(Healthcheck),
    /// Print a completion script for a shell
    #[command(after_help = COMPLETIONS_EXAMPLES)]
    Completions(Completions),
}

/// Which file to read.
#[derive(Args, Clone, Debug)]
pub struct ConfigFile {
    /// The configuration file [default: the one DAV115_CONFIG names, else ./dav115.toml, else /config/dav115.toml]
    #[expect(clippy::doc_markdown, reason = "this is help text, not Markdown")]
    #[arg(long = "config", value_name = "FILE")]
    pub path: Option<PathBuf>,
}

/// `dav115 serve`.
#[derive(Args, Clone, Debug)]
pub struct Serve {
    /// Which file to read.
    #[command(flatten)]
    pub config: ConfigFile,

    /// The address and port to listen on, instead of server.listen
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<SocketAddr>,

    /// The form of log lines, instead of log.format
    #[arg(long, value_name = "FORMAT", help_heading = "Logging", value_parser = log_format())]
    pub log_format: Option<LogFormat>,

    /// error, warn, info, debug, trace or a filter by module, instead of log.level
    #[arg(long, value_name = "LEVEL", help_heading = "Logging")]
    pub log_level: Option<String>,
}

impl Serve {
    /// The flags that are settings.
    pub fn overrides(&self) -> Overrides {
        Overrides { listen: self.listen, log_format: self.log_format, log_level: self.log_level.clone() }
    }
}

/// `dav115 demo`.
#[derive(Args, Clone, Debug)]
pub struct Demo {
    /// The address and port to listen on
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8115")]
    pub listen: SocketAddr,

    /// The invented tree of files to serve: demo, demo-small, nasty (names of all sorts), flat:20000 or 200x500
    #[arg(long, value_name = "NAME", default_value = "demo")]
    pub tree: String,

    /// How clients get content [default: redirect on this machine alone, else proxy]
    #[arg(long, value_name = "POLICY", value_parser = download_policy())]
    pub download: Option<DownloadPolicy>,
}

/// `dav115 check`.
#[derive(Args, Clone, Debug)]
pub struct Check {
    /// Which file to read.
    #[command(flatten)]
    pub config: ConfigFile,
}

/// `dav115 healthcheck`.
#[derive(Args, Clone, Debug)]
pub struct Healthcheck {
    /// Which file to read, for the address.
    #[command(flatten)]
    pub config: ConfigFile,

    /// The address of the health page [default: that of the configured server.listen]
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
}

/// `dav115 completions`.
#[derive(Args, Clone, Debug)]
pub struct Completions {
    /// The shell
    pub shell: Shell,
}

fn log_format() -> impl TypedValueParser<Value = LogFormat> {
    PossibleValuesParser::new(LogFormat::ALL.map(LogFormat::as_str)).try_map(|name| name.parse::<LogFormat>())
}

fn download_policy() -> impl TypedValueParser<Value = DownloadPolicy> {
    // The demo has no download proxy to send clients to.
    let names = download_policy_names().into_iter().filter(|name| *name != "proxy_url");
    PossibleValuesParser::new(names).try_map(|name| parse_download_policy(&name))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Command {
        Cli::try_parse_from(line.split(' ')).unwrap().command
    }

    fn refusal(line: &str) -> String {
        Cli::try_parse_from(line.split(' ')).unwrap_err().to_string()
    }

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn flags_of_serve_become_overrides() {
        let Command::Serve(serve) =
            parse("dav115 serve --config a.toml --listen 127.0.0.1:80 --log-format json --log-level warn")
        else {
            panic!("not serve");
        };
        assert_eq!(serve.config.path, Some(PathBuf::from("a.toml")));
        let overrides = Overrides {
            listen: Some(SocketAddr::from(([127, 0, 0, 1], 80))),
            log_format: Some(LogFormat::Json),
            log_level: Some("warn".to_owned()),
        };
        assert_eq!(serve.overrides(), overrides);
    }

    #[test]
    fn serve_needs_no_flags() {
        let Command::Serve(serve) = parse("dav115 serve") else { panic!("not serve") };
        assert_eq!(serve.overrides(), Overrides::default());
    }

    #[test]
    fn the_demo_listens_on_loopback_unless_told_otherwise() {
        let Command::Demo(demo) = parse("dav115 demo") else { panic!("not demo") };
        assert!(demo.listen.ip().is_loopback());
        assert_eq!((demo.tree.as_str(), demo.download), ("demo", None));
        let Command::Demo(demo) = parse("dav115 demo --download redirect!") else { panic!("not demo") };
        assert_eq!(demo.download, Some(DownloadPolicy::RedirectForced));
    }

    #[test]
    fn wrong_choices_are_refused_with_the_right_ones() {
        assert!(refusal("dav115 demo --download prxy").contains("redirect, redirect!, proxy]"));
        assert!(refusal("dav115 serve --log-format xml").contains("text, json"));
        assert!(refusal("dav115 serve --listen here").contains("invalid socket address"));
    }

    #[test]
    fn the_other_commands_parse() {
        assert!(matches!(parse("dav115 hash-password"), Command::HashPassword));
        assert!(matches!(parse("dav115 check"), Command::Check(Check { config: ConfigFile { path: None } })));
        assert!(matches!(
            parse("dav115 completions zsh"),
            Command::Completions(Completions { shell: Shell::Zsh })
        ));
        let Command::Healthcheck(check) = parse("dav115 healthcheck --url http://localhost/healthz") else {
            panic!("not healthcheck");
        };
        assert_eq!(check.url.as_deref(), Some("http://localhost/healthz"));
    }

    #[test]
    fn help_shows_examples() {
        let help = Cli::command().render_help().to_string();
        assert!(help.contains("Examples:\n  dav115 demo"), "{help}");
    }
}

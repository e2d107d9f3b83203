//! `dav115 login`: what can be typed.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use super::ConfigFile;
use crate::model::{LoginApp, Secret};

pub(super) const EXAMPLES: &str = "\
Scan the QR code with the 115 app on your phone, and confirm there. The cookie goes into the cookie_file of the account.
115 keeps one login for each app: whatever is signed in as the same app with the same 115 user is logged out.
So choose an app that you do not use elsewhere.

Examples:
  dav115 login --account main
  dav115 login --account main --app tv --png qr.png
  dav115 login --output cookie.txt";

/// The apps whose logins 115 has closed.
const CLOSED: [&str; 3] = ["windows", "mac", "linux"];

/// `dav115 login`.
#[derive(Args, Clone, Debug)]
pub struct Login {
    /// The account of the configuration to sign in; it must have a cookie_file
    #[expect(clippy::doc_markdown, reason = "this is help text, not Markdown")]
    #[arg(long, value_name = "NAME", required_unless_present = "output")]
    pub account: Option<String>,

    /// The 115 app to sign in as
    #[arg(long, value_name = "APP", default_value = LoginApp::default().name(), value_parser = app())]
    pub app: LoginApp,

    /// Write the QR code to this PNG picture instead of drawing it
    #[arg(long, value_name = "FILE", conflicts_with = "token")]
    pub png: Option<PathBuf>,

    /// Draw the QR code with ASCII characters alone; it is twice as tall
    #[arg(long, conflicts_with_all = ["png", "token"])]
    pub ascii: bool,

    /// Show no QR code, but use one that was scanned and confirmed already: by its UID, which follows dg- in its text
    #[arg(long, value_name = "UID", value_parser = token)]
    pub token: Option<Secret>,

    /// Put the cookie into this file, without an account of the configuration
    #[arg(long, value_name = "FILE", conflicts_with = "account")]
    pub output: Option<PathBuf>,

    /// Store the cookie even if it is of another 115 user than the one before
    #[arg(long)]
    pub other_user: bool,

    /// Which file to read.
    #[command(flatten)]
    pub config: ConfigFile,
}

fn app() -> impl TypedValueParser<Value = LoginApp> {
    let names = LoginApp::ALL.map(|app| PossibleValue::new(app.name()));
    // Known, so that the refusal can say why.
    let closed = CLOSED.map(|name| PossibleValue::new(name).hide(true));
    PossibleValuesParser::new(names.into_iter().chain(closed)).try_map(|name| {
        LoginApp::ALL.into_iter().find(|app| app.name() == name).ok_or_else(|| {
            let names = LoginApp::ALL.map(LoginApp::name).join(", ");
            format!(
                "115 has taken this client down and answers “登录失败，系统已下架” (login failed, the system was taken \
                 down); choose one of {names}"
            )
        })
    })
}

fn token(text: &str) -> Result<Secret, &'static str> {
    if text.trim().is_empty() { Err("the UID is empty") } else { Ok(Secret::new(text)) }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::super::{Cli, Command};
    use super::*;

    fn parse(line: &str) -> Login {
        match Cli::try_parse_from(line.split(' ')).unwrap().command {
            Command::Login(login) => login,
            other => panic!("{other:?}"),
        }
    }

    fn refusal(line: &str) -> String {
        Cli::try_parse_from(line.split(' ')).unwrap_err().to_string()
    }

    #[test]
    fn every_app_can_be_chosen_and_alipaymini_is_if_none_is() {
        assert_eq!(parse("dav115 login --account a").app, LoginApp::AlipayMini);
        for app in LoginApp::ALL {
            assert_eq!(parse(&format!("dav115 login --account a --app {}", app.name())).app, app);
        }
    }

    #[test]
    fn closed_apps_are_refused_with_115s_reason_and_unknown_ones_with_the_known() {
        for closed in CLOSED {
            let refusal = refusal(&format!("dav115 login --account a --app {closed}"));
            assert!(refusal.contains("系统已下架") && refusal.contains("alipaymini"), "{refusal}");
        }
        let unknown = refusal("dav115 login --account a --app phone");
        assert!(unknown.contains("alipaymini") && !unknown.contains("windows"), "{unknown}");
    }

    #[test]
    fn there_is_one_place_for_the_cookie_and_one_way_to_show_the_code() {
        assert!(refusal("dav115 login").contains("--account"));
        for both in
            ["--account a --output b", "--account a --png b --token c", "--account a --ascii --token c"]
        {
            assert!(refusal(&format!("dav115 login {both}")).contains("cannot be used with"), "{both}");
        }
        assert_eq!(parse("dav115 login --output b").output, Some(PathBuf::from("b")));
    }

    #[test]
    fn a_token_is_not_shown() {
        assert!(!format!("{:?}", parse("dav115 login --account a --token secret")).contains("secret"));
    }
}

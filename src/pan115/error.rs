//! What 115's error codes mean: the only table of them.

use std::time::{Duration, SystemTime};

use crate::transport::TransportErrorKind;

/// A failed call.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{endpoint}: {message}")]
pub struct Pan115Error {
    /// Which call.
    pub endpoint: &'static str,
    /// What sort of failure.
    pub kind: ErrorKind,
    /// 115's code, or 0.
    pub code: i64,
    /// What happened, for a person; quotes what 115 said.
    pub message: String,
    /// With `OtherOrder`: the sort key the folder wants, and whether ascending.
    pub wanted_order: Option<(String, bool)>,
}

impl Pan115Error {
    /// A failure that 115 has no code for.
    pub(super) fn new(endpoint: &'static str, kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { endpoint, kind, code: 0, message: message.into(), wanted_order: None }
    }
}

/// The sort of failure: what the caller can do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The file or folder does not exist (any more).
    NotFound,
    /// The share is no more, or the QR code no longer good, for ever.
    Gone,
    /// 115 does not hand this out.
    Denied,
    /// Something of that name is there already.
    Exists,
    /// 115 does not take the name.
    BadName,
    /// The account has no space left.
    NoSpace,
    /// The file is longer than the account may upload.
    TooLarge,
    /// The parameters were wrong; a fault of the gateway.
    BadRequest,
    /// 115 asks for fewer calls.
    Throttled {
        /// When to come back, if it says so.
        after: Option<Duration>,
    },
    /// The firewall's page, or the gateway keeping away because of it.
    Blocked {
        /// Until when, once that has been decided.
        until: Option<SystemTime>,
    },
    /// Another operation of the account is under way.
    Busy,
    /// The cookie is no longer good.
    SignedOut,
    /// The folder's remembered order must be used.
    OtherOrder,
    /// The link was refused by the download server.
    LinkRefused,
    /// No answer.
    Transport(TransportErrorKind),
    /// A file without a download link, for no stated reason.
    NoLink,
    /// 115's servers failed.
    Server,
    /// The answer makes no sense.
    Corrupt,
    /// A code nobody has described.
    Unknown,
}

/// What a code means.
///
/// **Source**: protocol notes, reading part, §1.7, §3.14, §4.2, §5.3, §5.7, §6.3; writing part, §5.1 and §7.
/// 50038 with an empty message passes by itself there, so it is told apart by `message`.
pub(super) fn meaning(code: i64, message: &str) -> ErrorKind {
    match code {
        10014 | 20009 | 20013 | 20018 | 31003 | 50001 | 50003 | 50015 | 70005 | 70008 | 90008 | 430_004
        | 231_011 | 800_001 => ErrorKind::NotFound,
        4_100_000 | 4_100_009 | 4_100_010 | 4_100_018 | 4_100_026 | 4_100_033 | QR_EXPIRED => ErrorKind::Gone,
        50038 if message.is_empty() => ErrorKind::Busy,
        50038 | 50028 | 50029 | 51011 | 4_100_008 | 4_100_012 | 4_100_030 | 4_200_045
        // Too many entries at once or in one folder, a folder into itself, a wrong security key.
        | 2 | 91002 | 91004 | 990_023 | 20022 | 800_006 | 800_007 | 320_001 => ErrorKind::Denied,
        20004 => ErrorKind::Exists,
        20001..=20003 | 20020 | 20021 => ErrorKind::BadName,
        91005 | 300_001 => ErrorKind::NoSpace,
        990_003 => ErrorKind::Server,
        1001 | 990_002 | 200_900 | 40_100_000 | 980_006 => ErrorKind::BadRequest,
        590_075 => ErrorKind::Throttled { after: None },
        770_004 | 406 => ErrorKind::Throttled { after: Some(Duration::from_secs(60)) },
        990_005 | 990_009 | 990_019 => ErrorKind::Busy,
        ADDRESS_BLOCKED => ErrorKind::Blocked { until: None },
        99 | 911 | 990_001 | 40_101_017 | 40_101_032 | 40_101_033 | 40_101_035 | 40_101_037 | 40_101_038 => {
            ErrorKind::SignedOut
        }
        20_130_827 => ErrorKind::OtherOrder,
        _ => ErrorKind::Unknown,
    }
}

/// The code of a block of the address the calls come from, until midnight in China.
pub(super) const ADDRESS_BLOCKED: i64 = 40_101_004;

/// The code of a QR code whose time is over.
const QR_EXPIRED: i64 = 40_199_002;

/// What to do about a cookie of the slot `app` that is no longer good, after 115's own words; `account` is whose it is.
///
/// **Source**: protocol notes, reading part, §1.2 (slots), §1.3 (closed ones), §1.7 (codes).
pub(super) fn sign_in_advice(code: i64, app: Option<&str>, account: &str) -> String {
    let login = format!("`dav115 login --account {account}`");
    match code {
        911 => {
            "115 wants the account verified; open 115 in a browser, solve its captcha, then send dav115 SIGHUP or restart it"
                .to_owned()
        }
        40_101_033 | 40_101_035 | 40_101_038 => {
            format!("another login took this cookie's place; sign in as an app you do not use elsewhere by {login}")
        }
        40_101_037 => format!("this session was ended from another device; sign in again by {login}"),
        _ if matches!(app, Some("P1" | "P2" | "P3")) => {
            format!(
                "115 has closed the logins of its apps windows, mac and linux; sign in as another app by {login}"
            )
        }
        _ => format!("the cookie has expired; sign in again by {login}"),
    }
}

/// The text of 115 for a message without one, or a short form of one that is too long to show.
pub(super) fn quoted(message: &str) -> String {
    let message = message.trim();
    if message.is_empty() {
        return "without a reason".to_owned();
    }
    let short: String = message.chars().filter(|c| !c.is_control()).take(200).collect();
    format!("“{short}”")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_their_meaning() {
        assert_eq!(meaning(990_001, ""), ErrorKind::SignedOut);
        assert_eq!(meaning(50038, ""), ErrorKind::Busy);
        assert_eq!(meaning(50038, "违规"), ErrorKind::Denied);
        assert_eq!(meaning(231_011, ""), ErrorKind::NotFound);
        assert_eq!(meaning(20004, ""), ErrorKind::Exists);
        assert_eq!(meaning(20003, ""), ErrorKind::BadName);
        assert_eq!(meaning(91005, ""), ErrorKind::NoSpace);
        assert_eq!(meaning(990_019, ""), ErrorKind::Busy);
        assert_eq!(meaning(123_456, ""), ErrorKind::Unknown);
    }

    #[test]
    fn a_closed_app_is_named_unless_115_says_more() {
        assert!(sign_in_advice(990_001, Some("P1"), "main").contains("closed the logins"));
        assert!(sign_in_advice(990_001, Some("R2"), "main").contains("has expired"));
        assert!(sign_in_advice(40_101_037, Some("P1"), "main").contains("another device"));
        for code in [990_001, 40_101_035, 40_101_037] {
            assert!(
                sign_in_advice(code, None, "main").ends_with("by `dav115 login --account main`"),
                "{code}"
            );
        }
    }

    #[test]
    fn quoted_text_is_short_and_free_of_control_characters() {
        assert_eq!(quoted("a\r\nb"), "“ab”");
        assert_eq!(quoted(" "), "without a reason");
        assert!(quoted(&"长".repeat(500)).chars().count() < 210);
    }
}

//! Scripted faults: rules of the form "the third call of `files` is answered with a 405".

use std::time::Duration;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

/// What goes wrong with a call.
///
/// In JSON a fault is its name in snake case, alone or as the key of its value; durations are milliseconds:
/// `"waf405"`, `{"delay": 500}`, `{"json": {"errno": 990009, "message": "…"}}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Fault {
    // === Blocks and refusals, each in its own wording ===
    /// The firewall's 405 page, for this call.
    Waf405,
    /// The firewall's 405 page, for this call and for all of the same cookie and host for this long; struck by it, a
    /// share call takes with it all share calls of its address instead.
    Waf405For(#[serde(with = "millis")] Duration),
    /// The older interception page with status 418.
    Blocked418,
    /// A 403 page.
    Forbidden403,
    /// 429 with `X-RateLimit-Reset`.
    TooMany429,
    /// "Too frequent", errno 590075.
    Busy590075,
    /// "Access limit reached", code 770004.
    Limit770004,
    /// "Another operation is still running", errno 990009.
    Running990009,
    /// Logged out, in the host's own wording.
    LoggedOut,
    /// A refusal with this code, in the words that belong to it where they are known.
    Refusal(i64),
    /// Any other refusal.
    Json {
        /// The error code.
        errno: i64,
        /// The message.
        message: String,
    },

    // === Broken answers ===
    /// An HTML page with this status.
    Html(u16),
    /// This status with a short JSON body.
    Status(u16),
    /// JSON cut in the middle, with a matching length.
    Garbage,
    /// Success without a body.
    EmptyBody,
    /// `data` of a wrong type.
    WrongType,

    // === Broken transport ===
    /// The call takes this much longer.
    Delay(#[serde(with = "millis")] Duration),
    /// The connection closes without an answer.
    Reset,
    /// The connection breaks after this many bytes of the body.
    CutAfter(u64),
    /// `Content-Length` exceeds the bytes delivered by this many.
    ContentLengthLonger(u64),
    /// `Content-Length` and the bytes on the wire fall short of the body by this many.
    ContentLengthShorter(u64),
    /// The headers come at once, the body only after this long.
    SlowStart(#[serde(with = "millis")] Duration),

    // === Download bodies ===
    /// A range request is answered with 200 and everything.
    IgnoreRange,
    /// `Content-Range` names a range one byte further on.
    WrongContentRange,
    /// The file has other bytes, another size and another `ETag` than before.
    ChangedContent,
    /// The CDN's "no cookie value" refusal.
    NoCookieValue,

    // === Download links ===
    /// `url` is `false`.
    UrlFalse,
    /// `data` of a successful answer is empty.
    EmptyData,
    /// The link is `https:///`.
    EmptyHost,
    /// The size is negative and there is no link.
    NegativeSize,
    /// 50038 without a message, which is transient.
    TransientViolation,

    // === Uploads ===
    /// `initupload` answers with this status, code and message.
    Init {
        /// The status, such as 6.
        status: u8,
        /// The code, such as 700.
        code: i64,
        /// The message.
        message: String,
    },
    /// The object store refuses with this status and code, such as 403 and `SecurityTokenExpired`.
    Oss {
        /// The status.
        status: u16,
        /// The code.
        code: String,
    },
    /// The object store stores the object but cannot reach 115: 203 and no file.
    CallbackFailed,
    /// The connection breaks after the object store has read this many bytes of the body; nothing is stored.
    CutUpload(u64),
    /// The call is carried out, and then the connection closes without an answer.
    Unanswered,
    /// The call is carried out, and its answer comes this much later.
    AnswerLate(#[serde(with = "millis")] Duration),
}

/// When a fault strikes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FaultRule {
    /// The endpoint it applies to, as the ledger names it; `*` for every one.
    pub endpoint: String,
    /// Which matching call it strikes first, counted from 1 when the rule is set; 0 for every call.
    pub nth: u32,
    /// How many calls in a row it strikes; without it one, or all of them if `nth` is 0.
    pub times: Option<u32>,
    /// Only calls at or beyond this offset match: of the listing, of the range of a download, or the number of the
    /// part of an upload.
    pub offset_at_least: Option<u64>,
    /// What goes wrong.
    pub fault: Fault,
}

impl Default for FaultRule {
    fn default() -> Self {
        Self { endpoint: "*".to_owned(), nth: 1, times: None, offset_at_least: None, fault: Fault::Waf405 }
    }
}

impl FaultRule {
    /// A rule that strikes every call of an endpoint.
    pub fn every(endpoint: &str, fault: Fault) -> Self {
        Self { endpoint: endpoint.to_owned(), nth: 0, fault, ..Self::default() }
    }

    /// A rule that strikes the `nth` call of an endpoint, counted from 1.
    pub fn nth(endpoint: &str, nth: u32, fault: Fault) -> Self {
        Self { endpoint: endpoint.to_owned(), nth, fault, ..Self::default() }
    }

    fn matches(&self, endpoint: &str, offset: u64) -> bool {
        (self.endpoint == "*" || self.endpoint == endpoint)
            && self.offset_at_least.is_none_or(|least| offset >= least)
    }

    /// Whether the `count`th matching call is struck.
    fn strikes(&self, count: u64) -> bool {
        let first = u64::from(self.nth.max(1));
        let unlimited = self.nth == 0 && self.times.is_none();
        count >= first && (unlimited || count - first < u64::from(self.times.unwrap_or(1)))
    }
}

/// The rules now in force, with the number of calls each has matched.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    rules: Mutex<Vec<(FaultRule, u64)>>,
}

impl Faults {
    pub(crate) fn add(&self, rule: FaultRule) {
        self.rules.lock().push((rule, 0));
    }

    pub(crate) fn clear(&self) {
        self.rules.lock().clear();
    }

    pub(crate) fn rules(&self) -> Vec<FaultRule> {
        self.rules.lock().iter().map(|(rule, _)| rule.clone()).collect()
    }

    /// Counts a call and returns what strikes it, in the order the rules were set.
    pub(crate) fn strike(&self, endpoint: &str, offset: u64) -> Vec<Fault> {
        let mut struck = Vec::new();
        for (rule, count) in self.rules.lock().iter_mut() {
            if rule.matches(endpoint, offset) {
                *count += 1;
                if rule.strikes(*count) {
                    struck.push(rule.fault.clone());
                }
            }
        }
        struck
    }
}

/// Durations as whole milliseconds.
mod millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn struck(rule: FaultRule, offsets: &[u64]) -> Vec<bool> {
        let faults = Faults::default();
        faults.add(rule);
        offsets.iter().map(|offset| !faults.strike("files", *offset).is_empty()).collect()
    }

    #[test]
    fn rules_strike_when_they_should() {
        let rule = |nth, times, offset_at_least| FaultRule {
            endpoint: "files".to_owned(),
            nth,
            times,
            offset_at_least,
            fault: Fault::Reset,
        };
        assert_eq!(struck(rule(3, None, None), &[0; 5]), [false, false, true, false, false]);
        assert_eq!(struck(rule(2, Some(2), None), &[0; 5]), [false, true, true, false, false]);
        assert_eq!(struck(rule(0, None, None), &[0; 3]), [true; 3]);
        assert_eq!(struck(rule(0, Some(2), None), &[0; 3]), [true, true, false]);
        assert_eq!(struck(rule(1, None, Some(1150)), &[0, 1150, 2300]), [false, true, false]);
        assert_eq!(struck(FaultRule { endpoint: "cdn".to_owned(), ..rule(0, None, None) }, &[0]), [false]);
    }

    #[test]
    fn faults_are_written_in_json() {
        let rule: FaultRule =
            serde_json::from_str(r#"{"endpoint":"cdn","nth":0,"fault":{"delay":250}}"#).unwrap();
        assert_eq!(rule, FaultRule::every("cdn", Fault::Delay(Duration::from_millis(250))));
        let fault = Fault::Json { errno: 990_009, message: "later".to_owned() };
        assert_eq!(serde_json::from_str::<Fault>(&serde_json::to_string(&fault).unwrap()).unwrap(), fault);
        assert_eq!(serde_json::from_str::<Fault>("\"waf405\"").unwrap(), Fault::Waf405);
    }
}

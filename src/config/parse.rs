//! Reads single values: numbers, durations, choices, addresses.
//!
//! The environment only has texts, so numbers and switches are accepted as texts as well.

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::Duration;

use ::config::{Value, ValueKind};
use bytesize::ByteSize;
use ipnet::IpNet;
use url::Url;

/// The longest duration accepted, so that adding one to a point in time cannot overflow.
const MAX_DURATION: Duration = Duration::from_secs(3650 * 24 * 60 * 60);

/// Why a value cannot be used.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) expected: String,
    /// What was there; `None` lets the reader show the value.
    pub(super) found: Option<String>,
    pub(super) remedy: Option<String>,
}

impl Refusal {
    pub(super) fn new(expected: impl Into<String>) -> Self {
        Self { expected: expected.into(), found: None, remedy: None }
    }

    /// Says `found` instead of showing the value.
    pub(super) fn found(self, found: impl Into<String>) -> Self {
        Self { found: Some(found.into()), ..self }
    }

    /// Says what to do.
    pub(super) fn remedy(self, remedy: impl Into<String>) -> Self {
        Self { remedy: Some(remedy.into()), ..self }
    }

    /// Says what `found` gives, unless something was said already.
    pub(super) fn unless_found(self, found: impl FnOnce() -> String) -> Self {
        Self { found: Some(self.found.unwrap_or_else(found)), ..self }
    }
}

/// The value in the words of an error message.
pub(super) fn describe(value: &Value) -> String {
    match &value.kind {
        ValueKind::Nil => "nothing".to_owned(),
        ValueKind::String(text) => format!("{text:?}"),
        ValueKind::Table(_) => "a table".to_owned(),
        ValueKind::Array(_) => "a list".to_owned(),
        plain => plain.to_string(),
    }
}

/// A text that is not empty.
pub(super) fn text(value: &Value) -> Result<String, Refusal> {
    text_of(value, "a text in quotes").map(ToOwned::to_owned)
}

/// The text of `value`, or a refusal that says what was `expected`.
pub(super) fn text_of<'v>(value: &'v Value, expected: &str) -> Result<&'v str, Refusal> {
    match &value.kind {
        ValueKind::String(text) if !text.is_empty() => Ok(text),
        _ => Err(Refusal::new(expected)),
    }
}

/// `true` or `false`.
pub(super) fn switch(value: &Value) -> Result<bool, Refusal> {
    match &value.kind {
        ValueKind::Boolean(on) => Ok(*on),
        ValueKind::String(text) => text.parse().map_err(|_| Refusal::new("true or false")),
        _ => Err(Refusal::new("true or false")),
    }
}

/// A whole number within `range`.
pub(super) fn whole<T: TryFrom<u64>>(range: RangeInclusive<u64>) -> impl Fn(&Value) -> Result<T, Refusal> {
    move |value| {
        let number = match &value.kind {
            ValueKind::I64(number) => u64::try_from(*number).ok(),
            ValueKind::String(text) => text.parse().ok(),
            _ => None,
        };
        let number =
            number.filter(|number| range.contains(number)).and_then(|number| T::try_from(number).ok());
        number
            .ok_or_else(|| Refusal::new(format!("a whole number from {} to {}", range.start(), range.end())))
    }
}

/// A number within `range`.
pub(super) fn number(range: RangeInclusive<f64>) -> impl Fn(&Value) -> Result<f64, Refusal> {
    move |value| {
        let number = match &value.kind {
            ValueKind::Float(number) => Some(*number),
            ValueKind::I64(number) => number.to_string().parse().ok(),
            ValueKind::String(text) => text.parse().ok(),
            _ => None,
        };
        let number = number.filter(|number| range.contains(number));
        number.ok_or_else(|| Refusal::new(format!("a number from {} to {}", range.start(), range.end())))
    }
}

/// A number of bytes above zero.
pub(super) fn size(value: &Value) -> Result<u64, Refusal> {
    let expected = r#"a size above zero such as "64MiB" or "20GiB""#;
    let size = text_of(value, expected)?.parse().ok().map(|ByteSize(bytes)| bytes);
    size.filter(|&bytes| bytes > 0).ok_or_else(|| Refusal::new(expected))
}

/// A duration, which may be zero.
pub(super) fn duration_or_zero(value: &Value) -> Result<Duration, Refusal> {
    let expected = r#"a duration such as "90s", "5m" or "1h 30m", at most 10 years"#;
    let duration = humantime::parse_duration(text_of(value, expected)?).ok();
    duration.filter(|duration| *duration <= MAX_DURATION).ok_or_else(|| Refusal::new(expected))
}

/// A duration above zero.
pub(super) fn duration(value: &Value) -> Result<Duration, Refusal> {
    let expected = r#"a duration above zero such as "90s", "5m" or "1h 30m", at most 10 years"#;
    let duration = duration_or_zero(value).ok();
    duration.filter(|duration| !duration.is_zero()).ok_or_else(|| Refusal::new(expected))
}

/// One of the `choices`, by name.
pub(super) fn choice<T: Copy, const N: usize>(
    choices: [(&str, T); N],
) -> impl Fn(&Value) -> Result<T, Refusal> {
    move |value| {
        let expected = || one_of(&choices.map(|(name, _)| name));
        let chosen = match &value.kind {
            ValueKind::String(text) => choices.iter().find(|(name, _)| name == text),
            _ => None,
        };
        chosen.map(|(_, chosen)| *chosen).ok_or_else(|| Refusal::new(expected()))
    }
}

/// An address with a port.
pub(super) fn socket_address(value: &Value) -> Result<SocketAddr, Refusal> {
    let expected = r#"an address and port such as "127.0.0.1:8115" or "[::]:8115""#;
    text_of(value, expected)?.parse().map_err(|_| Refusal::new(expected))
}

/// Addresses and networks: a list, or a text with commas between them.
pub(super) fn networks(value: &Value) -> Result<Vec<IpNet>, Refusal> {
    let expected = r#"a list of addresses and networks such as ["127.0.0.1", "172.16.0.0/12", "fd00::/8"]"#;
    let network = |text: &str| {
        let text = text.trim();
        let address = || text.parse().map(|address: IpAddr| address.to_canonical().into()).ok();
        let network: Option<IpNet> = text.parse().ok().or_else(address);
        network.ok_or_else(|| Refusal::new(expected).found(format!("{text:?}")))
    };
    match &value.kind {
        ValueKind::String(texts) => texts.split(',').map(network).collect(),
        ValueKind::Array(items) => items.iter().map(|item| network(text_of(item, expected)?)).collect(),
        _ => Err(Refusal::new(expected)),
    }
}

/// An http or https address, without a final slash.
pub(super) fn web_address(value: &Value) -> Result<String, Refusal> {
    let expected = "an http or https URL without user name, query and fragment";
    let text = text_of(value, expected)?;
    let url =
        Url::parse(text).map_err(|error| Refusal::new(expected).found(format!("{text:?} ({error})")))?;
    if url.password().is_some() {
        return Err(Refusal::new(expected).found("a URL with a password (not shown)"));
    }
    let is_plain = url.username().is_empty() && url.query().is_none() && url.fragment().is_none();
    if !matches!(url.scheme(), "http" | "https") || !is_plain {
        return Err(Refusal::new(expected));
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// An absolute path of the served tree: `/`, or segments each headed by a slash.
pub(super) fn served_path(value: &Value) -> Result<String, Refusal> {
    let expected = r#"a path such as "/" or "/films", without "..", "%", backslashes and empty segments"#;
    let text = text_of(value, expected)?;
    let inner = text.strip_prefix('/').unwrap_or(text);
    let inner = inner.strip_suffix('/').unwrap_or(inner);
    let is_good = |segment: &str| {
        !matches!(segment, "" | "." | "..")
            && !segment.contains(|c: char| matches!(c, '%' | '\\' | '?' | '#') || c.is_control())
    };
    if inner.is_empty() && text == "/" || inner.split('/').all(is_good) {
        Ok(format!("/{inner}"))
    } else {
        Err(Refusal::new(expected))
    }
}

/// The names, quoted: `"a", "b" or "c"`.
pub(super) fn one_of(names: &[&str]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("{name:?}")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}

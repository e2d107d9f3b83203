//! 115's loose JSON: a value may come as a number today and as a string tomorrow.
//!
//! Source: protocol notes, reading part, §0.2: "decode every scalar as string or number".

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A scalar of whatever JSON type. Anything that is not a scalar counts as absent, because `data` and others change type on errors.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Scalar<'a> {
    /// Absent, null, an array or an object.
    #[default]
    None,
    /// A boolean.
    Bool(bool),
    /// A whole number.
    Int(i128),
    /// Any other number.
    Float(f64),
    /// A string; borrowed from the answer unless it holds escapes, because a page holds ten thousand of them.
    Text(Cow<'a, str>),
}

impl Scalar<'_> {
    /// As an unsigned number; a fraction is cut off (115 sends sizes as floats at times).
    pub(super) fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Int(number) => u64::try_from(*number).ok(),
            Self::Float(number) => whole(*number),
            Self::Text(text) => {
                let text = text.trim();
                text.parse().ok().or_else(|| text.parse().ok().and_then(whole))
            }
            Self::None | Self::Bool(_) => None,
        }
    }

    /// As a signed number.
    pub(super) fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Int(number) => i64::try_from(*number).ok(),
            Self::Text(text) => text.trim().parse().ok(),
            Self::Bool(flag) => Some(i64::from(*flag)),
            Self::None | Self::Float(_) => None,
        }
    }

    /// As text, if it is a string that is not empty.
    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    /// As a yes or no: `true`, `1`, `"1"` and `"true"` are yes.
    pub(super) fn is_true(&self) -> bool {
        match self {
            Self::Bool(flag) => *flag,
            Self::Int(number) => *number != 0,
            Self::Text(text) => matches!(text.trim(), "1" | "true"),
            Self::None | Self::Float(_) => false,
        }
    }

    /// Whether nothing usable was sent.
    pub(super) fn is_none(&self) -> bool {
        *self == Self::None
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cut is wanted and the range has been checked"
)]
fn whole(number: f64) -> Option<u64> {
    (0.0..18e18).contains(&number).then_some(number as u64)
}

impl<'de: 'a, 'a> Deserialize<'de> for Scalar<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Int(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Int(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Float(number))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Scalar<'de>, E> {
        Ok(Scalar::None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Scalar<'de>, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar<'de>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::None)
    }
}

/// A name as it was before 115 replaced what it cannot store by `[`, U+0002, the decimal code point, `]`.
pub(super) fn unescape_name(name: &str) -> Cow<'_, str> {
    const OPEN: &str = "[\u{2}";
    if !name.contains(OPEN) {
        return name.into();
    }
    let mut plain = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(at) = rest.find(OPEN) {
        plain.push_str(&rest[..at]);
        let reference = &rest[at + OPEN.len()..];
        let decoded = reference
            .split_once(']')
            .and_then(|(digits, after)| Some((char::from_u32(digits.parse().ok()?)?, after)));
        if let Some((c, after)) = decoded {
            plain.push(c);
            rest = after;
        } else {
            plain.push_str(OPEN);
            rest = reference;
        }
    }
    plain.push_str(rest);
    plain.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scalar(json: &str) -> Scalar<'_> {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_number_may_come_in_every_type() {
        for json in ["1073741824", "\"1073741824\"", "1073741824.0", "\" 1073741824 \"", "\"1073741824.5\""] {
            assert_eq!(scalar(json).as_u64(), Some(1_073_741_824), "{json}");
        }
        assert_eq!(scalar("2580033742990999218").as_u64(), Some(2_580_033_742_990_999_218));
        for json in ["null", "[]", "{}", "\"\"", "-1", "[[1],{\"a\":2}]", "\"x\""] {
            assert_eq!(scalar(json).as_u64(), None, "{json}");
        }
        assert_eq!(scalar("\"990001\"").as_i64(), Some(990_001));
    }

    #[test]
    fn yes_may_come_in_every_type() {
        for json in ["true", "1", "\"1\"", "\"true\""] {
            assert!(scalar(json).is_true(), "{json}");
        }
        for json in ["false", "0", "\"0\"", "null", "[]", "\"\""] {
            assert!(!scalar(json).is_true(), "{json}");
        }
    }

    #[test]
    fn character_references_are_undone_and_look_alikes_left_alone() {
        assert_eq!(unescape_name("a[\u{2}128074]b[\u{2}128512]"), "a👊b😀");
        assert_eq!(unescape_name("[1] [x]"), "[1] [x]");
        assert_eq!(unescape_name("[\u{2}]x[\u{2}999999999]y[\u{2}12"), "[\u{2}]x[\u{2}999999999]y[\u{2}12");
    }
}

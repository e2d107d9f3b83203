//! What the environment says of the terminal. No settings: nothing of it is a key of the configuration.

use std::ffi::OsStr;

/// What the terminal can be expected to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Screen {
    /// Whether it knows more characters than ASCII.
    pub unicode: bool,
    /// Whether it knows colours, and the user wants them.
    pub colours: bool,
}

impl Screen {
    /// By `LC_ALL`, `LC_CTYPE`, `LANG`, `TERM` and `NO_COLOR` of this process.
    pub fn from_process() -> Self {
        Self::by(|name| std::env::var_os(name).as_deref().and_then(OsStr::to_str).map(ToOwned::to_owned))
    }

    fn by(variable: impl Fn(&str) -> Option<String>) -> Self {
        let given = |name: &str| variable(name).filter(|text| !text.is_empty());
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(given);
        Self {
            // Containers set none at all, and terminals are UTF-8 nowadays.
            unicode: locale.is_none_or(|locale| {
                let locale = locale.to_ascii_lowercase();
                locale.contains("utf-8") || locale.contains("utf8")
            }),
            colours: given("NO_COLOR").is_none() && given("TERM").is_none_or(|terminal| terminal != "dumb"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn screen(variables: &[(&str, &str)]) -> Screen {
        let find = |name: &str| variables.iter().find(|(known, _)| *known == name);
        Screen::by(|name| find(name).map(|(_, text)| (*text).to_owned()))
    }

    #[test]
    fn the_first_locale_that_is_set_counts() {
        for (variables, unicode) in [
            (&[][..], true),
            (&[("LANG", "zh_CN.UTF-8")], true),
            (&[("LANG", "C.utf8"), ("LC_ALL", "")], true),
            (&[("LANG", "zh_CN.UTF-8"), ("LC_ALL", "C")], false),
            (&[("LANG", "zh_CN.GBK")], false),
            (&[("LANG", "POSIX"), ("LC_CTYPE", "en_US.UTF-8")], true),
        ] {
            assert_eq!(screen(variables).unicode, unicode, "{variables:?}");
        }
    }

    #[test]
    fn colours_can_be_unwanted_or_unknown() {
        assert!(screen(&[("TERM", "xterm"), ("NO_COLOR", "")]).colours);
        assert!(!screen(&[("TERM", "dumb")]).colours && !screen(&[("NO_COLOR", "1")]).colours);
    }
}

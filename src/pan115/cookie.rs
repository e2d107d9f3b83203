//! The cookie of a 115 account.

use crate::model::Secret;

/// The cookies 115 wants, in the form it gets them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cookie {
    header: Secret,
    /// The number of the user it signs in.
    user: String,
    /// Which app slot it belongs to, such as `R2`; see the protocol notes, reading part, §1.2.
    app: String,
}

/// What is wrong with a pasted cookie.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CookieError {
    /// A part is not there.
    #[error("the cookie has no {0}; paste all of UID, CID and SEID (and KID, if there is one)")]
    Missing(&'static str),
    /// The UID has another form.
    #[error("the UID of the cookie does not look like 123456789_R2_1764000000; paste it whole")]
    BadUid,
    /// It would break the header.
    #[error("the {0} of the cookie holds characters a cookie cannot hold; paste it again")]
    BadCharacter(&'static str),
}

impl Cookie {
    /// Reads what a person pasted: any order and case of the names, other cookies between them,
    /// blanks, line breaks, quotes and a trailing `;`, with or without `Cookie:` in front.
    ///
    /// **Source**: protocol notes, reading part, §1.1. 115 answers a cookie without CID with an empty folder,
    /// so a missing part must be found here.
    pub fn parse(pasted: &str) -> Result<Self, CookieError> {
        let pasted = pasted.trim().trim_matches(['"', '\'']);
        let pasted = match pasted.split_at_checked(7) {
            Some((head, rest)) if head.eq_ignore_ascii_case("cookie:") => rest,
            _ => pasted,
        };
        let find = |name: &str| {
            pasted.split([';', '\n', '\r']).find_map(|part| {
                let (key, value) = part.split_once('=')?;
                let value = value.trim().trim_matches('"');
                (key.trim().eq_ignore_ascii_case(name) && !value.is_empty()).then(|| value.to_owned())
            })
        };
        let mut header = String::new();
        for (name, required) in [("UID", true), ("CID", true), ("SEID", true), ("KID", false)] {
            let value = match find(name) {
                Some(value) => value,
                None if required => return Err(CookieError::Missing(name)),
                None => continue,
            };
            if !value.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b',' | b'\\')) {
                return Err(CookieError::BadCharacter(name));
            }
            if !header.is_empty() {
                header.push_str("; ");
            }
            header.push_str(name);
            header.push('=');
            header.push_str(&value);
        }
        let uid = find("UID").unwrap_or_default();
        let mut parts = uid.split('_');
        let user = parts.next().unwrap_or_default();
        let app = parts.next().unwrap_or_default();
        if user.is_empty() || !user.bytes().all(|b| b.is_ascii_digit()) || app.is_empty() {
            return Err(CookieError::BadUid);
        }
        Ok(Self { header: Secret::new(header), user: user.to_owned(), app: app.to_owned() })
    }

    /// The `Cookie` header.
    pub fn header(&self) -> &Secret {
        &self.header
    }

    /// The number of the user it signs in.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The app slot, such as `R2`.
    pub fn app(&self) -> &str {
        &self.app
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = "UID=123456789_R2_1764000000; CID=0123; SEID=abcd; KID=ffff";

    #[test]
    fn pasted_forms_are_understood() {
        for pasted in [
            PLAIN,
            "UID=123456789_R2_1764000000;CID=0123;SEID=abcd;KID=ffff;",
            "Cookie: acw_tc=x; KID=ffff; SEID=abcd ;CID=0123; UID=123456789_R2_1764000000 ; ",
            "uid=123456789_R2_1764000000\ncid=0123\nseid=abcd\nkid=ffff\n",
            "\"UID=123456789_R2_1764000000; CID=0123; SEID=abcd; KID=ffff\"",
        ] {
            let cookie = Cookie::parse(pasted).unwrap();
            assert_eq!((cookie.header().expose(), cookie.app()), (PLAIN, "R2"), "{pasted:?}");
            assert_eq!(cookie.user(), "123456789");
        }
    }

    #[test]
    fn kid_is_optional_and_the_others_are_not() {
        assert!(Cookie::parse("UID=1_R2_1; CID=c; SEID=s").is_ok());
        assert_eq!(Cookie::parse("UID=1_R2_1; SEID=s"), Err(CookieError::Missing("CID")));
        assert_eq!(Cookie::parse("UID=1_R2_1; CID=c; SEID="), Err(CookieError::Missing("SEID")));
        assert_eq!(Cookie::parse(""), Err(CookieError::Missing("UID")));
        assert_eq!(Cookie::parse("UID=abc; CID=c; SEID=s"), Err(CookieError::BadUid));
        assert_eq!(Cookie::parse("UID=1_R2_1; CID=c c; SEID=s"), Err(CookieError::BadCharacter("CID")));
    }
}

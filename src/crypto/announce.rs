//! The two texts by which 115 checks who announces an upload, and of what.
//!
//! **Source**: protocol notes, writing part, §2.3.2.

use super::digest::{md5_hex, sha1_hex};

const TOKEN_SALT: &str = "Qclm8MGWUv59TnrR0XPg";

/// What both are made of.
#[derive(Clone, Copy)]
pub struct Announced<'a> {
    /// The number of the user.
    pub user: &'a str,
    /// The hash of the file, 40 upper-case digits.
    pub file: &'a str,
    /// Its length in bytes.
    pub size: u64,
    /// The folder it goes to, such as `U_1_0`.
    pub target: &'a str,
    /// The key of 115's question, or nothing.
    pub sign_key: &'a str,
    /// The answer to it, or nothing.
    pub sign_value: &'a str,
    /// Seconds since 1970.
    pub time: u64,
    /// Of the client.
    pub version: &'a str,
}

impl Announced<'_> {
    /// The field `sig`, which proves that `user_key` is known.
    pub fn signature(&self, user_key: &str) -> String {
        let inner = sha1_hex(&format!("{}{}{}0", self.user, self.file, self.target));
        sha1_hex(&format!("{user_key}{inner}000000")).to_ascii_uppercase()
    }

    /// The field `token`, which a client of 115 knows how to make.
    pub fn token(&self) -> String {
        let Self { user, file, size, sign_key, sign_value, time, version, .. } = self;
        md5_hex(&format!(
            "{TOKEN_SALT}{file}{size}{sign_key}{sign_value}{user}{time}{}{version}",
            md5_hex(user)
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Vectors of the protocol notes, writing part, Appendix B.
    #[test]
    fn signature_and_token_are_the_known_ones() {
        let first = Announced {
            user: "123456789",
            file: "4536FC09EC125D8873F729A7B38810ACC98B519C",
            size: 200_000,
            target: "U_1_0",
            sign_key: "",
            sign_value: "",
            time: 1_700_000_000,
            version: "36.2.28",
        };
        let key = "0123456789ABCDEF0123456789ABCDEF01234567";
        assert_eq!(first.signature(key), "A8665DC4F4E0C68684E4DFCB0906FD3373C0FAC1");
        assert_eq!(first.token(), "64948461a8f11bb3f0cacae00874673b");
        let second = Announced {
            sign_key: "A1B2C3D4E5F60718293A4B5C6D7E8F9012345678",
            sign_value: "516846CD40BD1FE431119C3B0A0F362957992EE8",
            ..first
        };
        assert_eq!(second.token(), "8f3cd461d371922e566c5d9dae436575");
        let other_style = Announced { time: 1_700_000_000_123, version: "27.0.5.7", ..first };
        assert_eq!(other_style.token(), "8074d2c111765fb9a38831dbcc1f4038");
    }
}

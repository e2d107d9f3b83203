//! `[upstream]`: something else in the place of 115, for tests and mirrors, and what 115 is told of the program.

use ::config::Value;

use super::describe::Page;
use super::parse::{Refusal, text_of, web_address, whole};
use super::table::{Read, Table};

/// The most hexadecimal digits of a modulus: 1024 bits.
const MAX_MODULUS_DIGITS: usize = 256;

/// Two coordinates of 28 bytes.
const POINT_DIGITS: usize = 112;

/// What stands in the place of 115.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Upstream {
    /// When set, a request for `https://HOST/path` goes to `{base_url}/HOST/path`. Without a final slash.
    pub base_url: Option<String>,
    /// The key of download calls; `None` means 115's own.
    pub m115_public_key: Option<PublicKey>,
    /// The key of announced uploads: X and Y of a point of the curve P-224 as 112 lower-case hexadecimal digits;
    /// `None` means 115's own. Whether it is on the curve is for others to see.
    pub ec_public_key: Option<String>,
    /// The version of 115's own client that uploads are announced as, such as `36.2.28`;
    /// `None` means the one this program was made with. 115 refuses those that it thinks too old.
    pub client_version: Option<String>,
}

/// An RSA public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// The modulus: 1 to 256 lower-case hexadecimal digits, the first of which is not zero.
    pub modulus_hex: String,
    /// The exponent: odd and at least 3.
    pub exponent: u32,
}

impl Upstream {
    pub(super) fn read(table: &mut Table<'_>) -> Read<Self> {
        let base_url = table.optional("base_url", web_address);
        let m115_public_key = table.optional_section("m115_public_key", PublicKey::read);
        let ec_public_key = table.optional("ec_public_key", point);
        let client_version = table.optional("client_version", version);
        Ok(Self {
            base_url: base_url?,
            m115_public_key: m115_public_key?,
            ec_public_key: ec_public_key?,
            client_version: client_version?,
        })
    }

    pub(super) fn describe(&self, page: &mut Page) {
        page.table("[upstream]");
        match &self.base_url {
            Some(url) => page.text("base_url", url),
            None => page.comment("no base_url: 115 itself"),
        }
        match &self.m115_public_key {
            Some(PublicKey { modulus_hex, exponent }) => page.plain(
                "m115_public_key",
                format_args!(r#"{{ modulus = "{modulus_hex}", exponent = {exponent} }}"#),
            ),
            None => page.comment("no m115_public_key: 115's own"),
        }
        match &self.ec_public_key {
            Some(digits) => page.text("ec_public_key", digits),
            None => page.comment("no ec_public_key: 115's own"),
        }
        match &self.client_version {
            Some(version) => page.text("client_version", version),
            None => page.comment("no client_version: the one this program was made with"),
        }
    }
}

impl PublicKey {
    fn read(table: &mut Table<'_>) -> Read<Self> {
        let modulus_hex = table.required("modulus", modulus);
        let exponent = table.required("exponent", exponent);
        Ok(Self { modulus_hex: modulus_hex?, exponent: exponent? })
    }
}

fn modulus(value: &Value) -> Result<String, Refusal> {
    let expected = || Refusal::new(format!("1 to {MAX_MODULUS_DIGITS} hexadecimal digits"));
    let text = text_of(value, "").map_err(|_| expected())?;
    let digits = text.trim_start_matches('0').to_ascii_lowercase();
    if (1..=MAX_MODULUS_DIGITS).contains(&digits.len())
        && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
    {
        Ok(digits)
    } else {
        Err(expected().found(format!("a text of {} characters", text.chars().count())))
    }
}

fn point(value: &Value) -> Result<String, Refusal> {
    let expected = || Refusal::new(format!("{POINT_DIGITS} hexadecimal digits, X and then Y"));
    let text = text_of(value, "").map_err(|_| expected())?;
    if text.len() == POINT_DIGITS && text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        Ok(text.to_ascii_lowercase())
    } else {
        Err(expected().found(format!("a text of {} characters", text.chars().count())))
    }
}

fn version(value: &Value) -> Result<String, Refusal> {
    let expected = || Refusal::new("a version in quotes, such as 36.2.28");
    let text = text_of(value, "").map_err(|_| expected())?;
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|digit| digit.is_ascii_digit());
    if text.split('.').all(is_number) { Ok(text.to_owned()) } else { Err(expected()) }
}

fn exponent(value: &Value) -> Result<u32, Refusal> {
    match whole(3..=u64::from(u32::MAX))(value) {
        Ok(exponent) if exponent % 2 == 1 => Ok(exponent),
        _ => Err(Refusal::new("an odd number such as 65537")),
    }
}

//! The form inside an `initupload` call, and what the service looks at before it reads it
//! (protocol notes, writing part, §2.3.1 to §2.3.3).

use md5::{Digest as _, Md5};
use sha1::Sha1;

use crate::num::hex;
use crate::upload::UploadBehaviours;

/// What tokens begin with.
const TOKEN_SALT: &str = "Qclm8MGWUv59TnrR0XPg";

/// A form as it was sent.
#[derive(Debug)]
pub(super) struct Form {
    fields: Vec<(String, String)>,
    pub(super) size: u64,
}

impl Form {
    /// Reads a decrypted body.
    pub(super) fn read(text: &str) -> Self {
        let fields: Vec<(String, String)> =
            url::form_urlencoded::parse(text.as_bytes()).into_owned().collect();
        let mut form = Self { fields, size: 0 };
        form.size = form.size_text().parse().unwrap_or(u64::MAX);
        form
    }

    /// The value of a field; empty without one.
    pub(super) fn field(&self, name: &str) -> &str {
        self.fields.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
    }

    /// The size as it is written; clients that leave out what is 0 leave out that of an empty file.
    fn size_text(&self) -> &str {
        match self.field("filesize") {
            "" => "0",
            text => text,
        }
    }

    /// What the ledger shows of it: nothing that is secret.
    pub(super) fn shown(&self) -> String {
        let shown = ["filename", "filesize", "fileid", "target", "sign_key", "sign_val"];
        let pairs =
            shown.into_iter().map(|name| (name, self.field(name))).filter(|(_, value)| !value.is_empty());
        pairs.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
    }

    /// Whether the values that say what is uploaded can be right.
    pub(super) fn is_sound(&self) -> bool {
        let hash = self.field("fileid");
        let digits = hash.bytes().all(|byte| byte.is_ascii_digit() || (b'A'..=b'F').contains(&byte));
        self.size < u64::MAX && hash.len() == 40 && digits && !self.field("filename").is_empty()
    }

    /// Whether the signature is right.
    pub(super) fn is_signed(&self, userkey: &str) -> bool {
        let target = self.field("target");
        let inner = format!("{}{}{target}0", self.field("userid"), self.field("fileid"));
        let outer = format!("{userkey}{}000000", hex(&Sha1::digest(inner)));
        self.field("sig") == hex(&Sha1::digest(outer)).to_uppercase()
    }

    /// Whether the token is right.
    pub(super) fn has_token(&self) -> bool {
        let field = |name| self.field(name);
        let text = format!(
            "{TOKEN_SALT}{}{}{}{}{}{}{}{}",
            field("fileid"),
            self.size_text(),
            field("sign_key"),
            field("sign_val"),
            field("userid"),
            field("t"),
            hex(&Md5::digest(field("userid"))),
            field("appversion"),
        );
        field("token") == hex(&Md5::digest(text))
    }

    /// Whether the form is written as the service wants it. `near` judges a time in seconds, `sealed` is the time that
    /// came with the key.
    pub(super) fn is_well_formed(
        &self,
        switches: &UploadBehaviours,
        userkey: &str,
        sealed: u32,
        near: impl Fn(u64) -> bool,
    ) -> bool {
        let Ok(time) = self.field("t").parse::<u64>() else { return false };
        let in_time = if switches.time_in_seconds {
            near(time) && u32::try_from(time) == Ok(sealed)
        } else {
            near(time) || near(time / 1000)
        };
        let sorted = !switches.sorted_form || self.fields.is_sorted_by(|one, next| one.0 <= next.0);
        // A file may be called 0.
        let bare = |name: &str, value: &str| value.is_empty() || (value == "0" && name != "filename");
        let filled = !switches.no_empty_values || !self.fields.iter().any(|(name, value)| bare(name, value));
        let keyed = match self.field("userkey") {
            "" => !switches.userkey_required,
            key => key == userkey,
        };
        in_time && sorted && filled && keyed
    }

    /// Whether the client is recent, and the same in its User-Agent.
    pub(super) fn is_recent(&self, agent: &str, minimum: &str) -> bool {
        let version = self.field("appversion");
        let numbers =
            |text: &str| text.split('.').map(|part| part.parse().ok()).collect::<Option<Vec<u64>>>();
        let named = agent
            .split_whitespace()
            .filter_map(|product| product.split_once('/'))
            .any(|(_, number)| number == version);
        named && numbers(version).is_some_and(|version| Some(version) >= numbers(minimum))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USERKEY: &str = "0123456789ABCDEF0123456789ABCDEF01234567";
    const FIRST: &str = "appversion=36.2.28&fileid=4536FC09EC125D8873F729A7B38810ACC98B519C&filename=%E6%B5%8B%E8%AF%95+a%26b.txt&filesize=200000&sig=A8665DC4F4E0C68684E4DFCB0906FD3373C0FAC1&t=1700000000&target=U_1_0&token=64948461a8f11bb3f0cacae00874673b&topupload=true&userid=123456789&userkey=0123456789ABCDEF0123456789ABCDEF01234567";
    const SECOND: &str = "appversion=36.2.28&fileid=4536FC09EC125D8873F729A7B38810ACC98B519C&filename=%E6%B5%8B%E8%AF%95+a%26b.txt&filesize=200000&sig=A8665DC4F4E0C68684E4DFCB0906FD3373C0FAC1&sign_key=A1B2C3D4E5F60718293A4B5C6D7E8F9012345678&sign_val=516846CD40BD1FE431119C3B0A0F362957992EE8&t=1700000000&target=U_1_0&token=8f3cd461d371922e566c5d9dae436575&topupload=true&userid=123456789&userkey=0123456789ABCDEF0123456789ABCDEF01234567";

    fn well_formed(text: &str, switches: &UploadBehaviours) -> bool {
        let near = |time: u64| time.abs_diff(1_700_000_000) < 10;
        Form::read(text).is_well_formed(switches, USERKEY, 1_700_000_000, near)
    }

    #[test]
    fn the_known_forms_are_right() {
        for text in [FIRST, SECOND] {
            let form = Form::read(text);
            assert!(form.is_sound() && form.is_signed(USERKEY) && form.has_token());
            assert_eq!((form.field("filename"), form.size), ("测试 a&b.txt", 200_000));
            assert!(well_formed(text, &UploadBehaviours::default()));
            assert!(!form.is_signed("0000000000000000000000000000000000000000"));
            assert!(!Form::read(&text.replace("filesize=200000", "filesize=200001")).has_token());
            assert!(!form.shown().contains(USERKEY));
        }
        let older = "appversion=27.0.5.7&fileid=4536FC09EC125D8873F729A7B38810ACC98B519C&filesize=200000\
                     &t=1700000000123&token=8074d2c111765fb9a38831dbcc1f4038&userid=123456789";
        assert!(Form::read(older).has_token());
    }

    #[test]
    fn each_condition_can_be_let_go() {
        let strict = UploadBehaviours::default();
        let late = FIRST.replace("t=1700000000&", "t=1700000001&");
        let millis = FIRST.replace("t=1700000000&", "t=1700000000123&");
        let unsorted = format!("zeal=1&{FIRST}");
        let empty = FIRST.replace("&filename", "&filenam=&filename");
        let zero = format!("appid=0&{FIRST}");
        let keyless = FIRST.replace("&userkey=0123456789ABCDEF0123456789ABCDEF01234567", "");
        for (texts, lax) in [
            (vec![&late, &millis], UploadBehaviours { time_in_seconds: false, ..strict.clone() }),
            (vec![&unsorted], UploadBehaviours { sorted_form: false, ..strict.clone() }),
            (vec![&empty, &zero], UploadBehaviours { no_empty_values: false, ..strict.clone() }),
            (vec![&keyless], UploadBehaviours { userkey_required: false, ..strict.clone() }),
        ] {
            for text in texts {
                assert!(!well_formed(text, &strict) && well_formed(text, &lax), "{text}");
            }
        }
        let naught = FIRST.replace("filename=%E6%B5%8B%E8%AF%95+a%26b.txt", "filename=0");
        assert!(well_formed(&naught, &strict));
        assert!(
            !well_formed(&FIRST.replace("userkey=0", "userkey=1"), &strict),
            "a wrong key is never right"
        );
    }

    #[test]
    fn versions_have_to_agree_and_be_recent() {
        let agent = "Mozilla/5.0 115disk/36.2.28 115Browser/36.2.28 115wangpan_android/36.2.28";
        let form = Form::read(FIRST);
        assert!(form.is_recent(agent, "36.0.0") && form.is_recent(agent, "36.2.28"));
        assert!(!form.is_recent(agent, "36.3") && !form.is_recent("115disk/36.2.2", "36.0.0"));
        assert!(!form.is_recent("", "36.0.0"));
    }
}

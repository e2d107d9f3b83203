//! A client's side of uploads: the cipher of `initupload.php` and the signatures of the object store.

use std::time::SystemTime;

use aes::Aes128;
use aes::cipher::generic_array::GenericArray;
use aes::cipher::{BlockDecryptMut as _, BlockEncryptMut as _, KeyIvInit as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use p224::elliptic_curve::sec1::ToEncodedPoint as _;
use serde_json::Value;
use sha1::Sha1;

use super::client::{Answer, exchange, get, get_with, post};
use crate::num::{hex, unhex};
use crate::oss::hmac_base64;
use crate::{Content, Sim};

pub(super) const AGENT: &str = "Mozilla/5.0 115disk/36.2.28 115Browser/36.2.28 115wangpan_android/36.2.28";
pub(super) const BUCKET: &str = "/fhnfile.oss-cn-shenzhen.aliyuncs.com";

/// How a client fills up its last block.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Padding {
    Zeros,
    Unaligned,
    Pkcs7,
}

/// A client that uploads.
pub(super) struct Uploader<'sim> {
    pub(super) sim: &'sim Sim,
    userid: String,
    pub(super) userkey: String,
    /// The key pair that never changes, instead of one of its own.
    pub(super) fixed_key: bool,
    pub(super) padding: Padding,
    pub(super) agent: &'static str,
    grant: Value,
}

pub(super) type Fields = Vec<(String, String)>;

pub(super) fn unix() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

impl<'sim> Uploader<'sim> {
    pub(super) async fn new(sim: &'sim Sim) -> Self {
        let info = get(sim, "/proapi.115.com/app/uploadinfo").await.json();
        let mut uploader = Self {
            sim,
            userid: info["user_id"].to_string(),
            userkey: info["userkey"].as_str().unwrap().to_owned(),
            fixed_key: false,
            padding: Padding::Pkcs7,
            agent: AGENT,
            grant: Value::Null,
        };
        uploader.renew().await;
        uploader
    }

    /// Takes new credentials for the object store.
    pub(super) async fn renew(&mut self) {
        self.grant = get_with(self.sim, "/uplb.115.com/3.0/gettoken.php", &[]).await.json();
    }

    /// The fields of a form, in order and without its two signatures.
    pub(super) fn fields(&self, name: &str, content: &Content) -> Fields {
        let mut fields = vec![
            ("appversion", "36.2.28".to_owned()),
            ("fileid", content.hashed().sha1_hex()),
            ("filename", name.to_owned()),
            ("filesize", content.size().to_string()),
            ("t", unix().to_string()),
            ("target", "U_1_0".to_owned()),
            ("userid", self.userid.clone()),
            ("userkey", self.userkey.clone()),
        ];
        fields.retain(|(_, value)| !value.is_empty() && value != "0");
        fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// The fields with both signatures, in the order of their names.
    pub(super) fn signed(&self, mut fields: Fields) -> Fields {
        let field = |name: &str| get_field(&fields, name);
        let size = if field("filesize").is_empty() { "0".to_owned() } else { field("filesize") };
        let inner = format!("{}{}{}0", field("userid"), field("fileid"), field("target"));
        let outer = format!("{}{}000000", self.userkey, hex(&Sha1::digest(inner)));
        let token = [
            "Qclm8MGWUv59TnrR0XPg".to_owned(),
            field("fileid"),
            size,
            field("sign_key"),
            field("sign_val"),
            field("userid"),
            field("t"),
            hex(&Md5::digest(field("userid"))),
            field("appversion"),
        ];
        fields.push(("sig".to_owned(), hex(&Sha1::digest(outer)).to_uppercase()));
        fields.push(("token".to_owned(), hex(&Md5::digest(token.concat()))));
        fields.sort();
        fields
    }

    /// Sends a form as it is and returns the answer as it came, with the key to open it.
    pub(super) async fn send(&self, fields: &Fields) -> (Option<Answer>, [[u8; 16]; 2]) {
        let (public, key) = self.agree();
        let time = get_field(fields, "t").parse::<u64>().unwrap_or_default();
        let token = utf8_encode(&token(&public, u32::try_from(time % (1 << 32)).unwrap()));
        let text = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let mut body = text.into_bytes();
        let missing = 16 - body.len() % 16;
        match self.padding {
            Padding::Zeros => body.resize(body.len().next_multiple_of(16), 0),
            Padding::Unaligned if missing == 16 => {}
            Padding::Unaligned | Padding::Pkcs7 => {
                body.resize(body.len() + missing, u8::try_from(missing).unwrap());
            }
        }
        let mut cipher = cbc::Encryptor::<Aes128>::new(&key[0].into(), &key[1].into());
        for block in body.chunks_exact_mut(16) {
            cipher.encrypt_block_mut(GenericArray::from_mut_slice(block));
        }
        let target = format!("/uplb.115.com/4.0/initupload.php?k_ec={token}");
        let headers = [("User-Agent", self.agent), ("Content-Type", "application/x-www-form-urlencoded")];
        (exchange(self.sim, "POST", &target, &headers, body).await, key)
    }

    /// Sends a form as it is and opens the answer.
    pub(super) async fn init_with(&self, fields: &Fields) -> Value {
        let (answer, key) = self.send(fields).await;
        let answer = answer.unwrap();
        assert!(answer.status == 200 && answer.whole());
        open(&answer.body, key).unwrap_or_else(|| answer.json())
    }

    /// Begins an upload and proves what is asked for.
    pub(super) async fn init(&self, name: &str, content: &Content) -> Value {
        let mut fields = self.fields(name, content);
        loop {
            let answer = self.init_with(&self.signed(fields.clone())).await;
            if answer["status"] != 7 {
                return answer;
            }
            prove(&mut fields, &answer, content);
        }
    }

    /// A signed call to the object store.
    pub(super) async fn oss(
        &self,
        method: &str,
        (object, query): (&str, &str),
        more: &[(&str, &str)],
        body: impl AsRef<[u8]>,
    ) -> Option<Answer> {
        let date = httpdate::fmt_http_date(SystemTime::now());
        let grant = |name: &str| self.grant[name].as_str().unwrap();
        let mut headers = vec![("x-oss-security-token", grant("SecurityToken"))];
        headers.extend(more);
        headers.sort_unstable();
        let find = |name: &str| more.iter().find(|(key, _)| *key == name).map_or("", |(_, value)| value);
        let mut text = format!("{method}\n{}\n{}\n{date}\n", find("content-md5"), find("content-type"));
        for (name, value) in headers.iter().filter(|(name, _)| name.starts_with("x-oss-")) {
            text.extend([*name, ":", *value, "\n"]);
        }
        let mut signed: Vec<&str> =
            query.split('&').filter(|pair| !pair.starts_with("part-") && !pair.starts_with("max-")).collect();
        signed.sort_unstable();
        let signed = signed.join("&");
        text.extend(["/fhnfile/", object, if signed.is_empty() { "" } else { "?" }, signed.as_str()]);
        let permission =
            format!("OSS {}:{}", grant("AccessKeyId"), hmac_base64(grant("AccessKeySecret"), &text));
        headers.extend([("Date", date.as_str()), ("Authorization", permission.as_str())]);
        let target = if query.is_empty() {
            format!("{BUCKET}/{object}")
        } else {
            format!("{BUCKET}/{object}?{query}")
        };
        exchange(self.sim, method, &target, &headers, body).await
    }

    /// Puts a whole object with the callback of a begun upload.
    pub(super) async fn put(&self, begun: &Value, content: &Content) -> Answer {
        let (callback, vars) = callback(begun);
        let headers = [("x-oss-callback", callback.as_str()), ("x-oss-callback-var", &vars)];
        let object = begun["object"].as_str().unwrap_or_else(|| panic!("{begun}"));
        self.oss("PUT", (object, ""), &headers, content.read(0..u64::MAX)).await.unwrap()
    }

    /// Uploads a file whole.
    pub(super) async fn upload(&self, name: &str, content: &Content) -> Value {
        let begun = self.init(name, content).await;
        self.put(&begun, content).await.json()
    }

    /// Begins an upload in parts and returns its id.
    pub(super) async fn initiate(&self, object: &str, query: &str) -> String {
        let answer = self.oss("POST", (object, query), &[], "").await.unwrap();
        let text = answer.text();
        let (_, id) = text.split_once("<UploadId>").unwrap_or_else(|| panic!("{text}"));
        id.split('<').next().unwrap().to_owned()
    }

    /// Puts a part and returns its `ETag` with its quotes.
    pub(super) async fn part(&self, object: &str, id: &str, number: u64, bytes: &[u8]) -> Answer {
        let query = format!("partNumber={number}&uploadId={id}");
        self.oss("PUT", (object, &query), &[], bytes).await.unwrap()
    }

    /// Ends an upload in parts.
    pub(super) async fn complete(&self, begun: &Value, id: &str, parts: &[(u64, &str)]) -> Option<Answer> {
        let (callback, vars) = callback(begun);
        let headers = [
            ("content-type", "text/xml"),
            ("x-oss-callback", callback.as_str()),
            ("x-oss-callback-var", &vars),
        ];
        let query = format!("uploadId={id}");
        self.oss("POST", (begun["object"].as_str().unwrap(), &query), &headers, completion(parts)).await
    }

    fn agree(&self) -> (Vec<u8>, [[u8; 16]; 2]) {
        let pair = |key: &[u8], iv: &[u8]| [key.try_into().unwrap(), iv.try_into().unwrap()];
        if self.fixed_key {
            let known = |text| unhex(text).unwrap();
            let key =
                pair(&known("fb1a19d652f5aaf7bc651d0f69bf422f"), &known("69bf422f49960550a0ad44ec3446cb4c"));
            return (known("1d030e80a178dceececda377de128d8ed9ddcf55ae61ed46ea121a1cfc81"), key);
        }
        let private = p224::SecretKey::from_slice(&rand::random::<[u8; 28]>()).unwrap();
        let server = [vec![4], unhex(&self.sim.ec_public_key()).unwrap()].concat();
        let server = p224::PublicKey::from_sec1_bytes(&server).unwrap();
        let shared = p224::ecdh::diffie_hellman(private.to_nonzero_scalar(), server.as_affine());
        let shared = shared.raw_secret_bytes().to_vec();
        let public = private.public_key().to_encoded_point(true);
        ([&[29], public.as_bytes()].concat(), pair(&shared[..16], &shared[12..]))
    }
}

/// The two texts of a callback in base64.
pub(super) fn callback(begun: &Value) -> (String, String) {
    let text =
        |name: &str| STANDARD.encode(begun["callback"][name].as_str().unwrap_or_else(|| panic!("{begun}")));
    (text("callback"), text("callback_var"))
}

pub(super) fn completion(parts: &[(u64, &str)]) -> String {
    let parts = parts
        .iter()
        .map(|(number, tag)| format!("<Part><PartNumber>{number}</PartNumber><ETag>{tag}</ETag></Part>"));
    format!("<CompleteMultipartUpload>{}</CompleteMultipartUpload>", parts.collect::<String>())
}

/// Adds the proof that was asked for.
pub(super) fn prove(fields: &mut Fields, asked: &Value, content: &Content) {
    let (first, last) = asked["sign_check"].as_str().unwrap().split_once('-').unwrap();
    let range = first.parse::<u64>().unwrap()..last.parse::<u64>().unwrap() + 1;
    fields.retain(|(name, _)| !name.starts_with("sign_"));
    fields.push(("sign_key".to_owned(), asked["sign_key"].as_str().unwrap().to_owned()));
    fields.push(("sign_val".to_owned(), hex(&Sha1::digest(content.read(range))).to_uppercase()));
}

pub(super) fn get_field(fields: &Fields, name: &str) -> String {
    fields.iter().find(|(key, _)| key == name).map_or_else(String::new, |(_, value)| value.clone())
}

pub(super) fn set_field(fields: &mut Fields, name: &str, value: &str) {
    fields.retain(|(key, _)| key != name);
    fields.push((name.to_owned(), value.to_owned()));
}

fn utf8_encode(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn token(public: &[u8], time: u32) -> String {
    let masks: [u8; 2] = rand::random();
    let halves = [
        [&public[..15], &[0], &115_u32.to_le_bytes(), &time.to_le_bytes()].concat(),
        [&public[15..], &[0], &1_u32.to_le_bytes()].concat(),
    ];
    let mut bytes: Vec<u8> = Vec::new();
    for (half, mask) in halves.iter().zip(masks) {
        bytes.extend(half.iter().map(|byte| byte ^ mask));
    }
    let sum = crc32fast::hash(&[b"^j>WD3Kr?J2gLFjD4W2y@", bytes.as_slice()].concat());
    bytes.extend(sum.to_le_bytes());
    STANDARD.encode(bytes)
}

/// Opens an answer; `None` when it is not sealed.
pub(super) fn open(body: &[u8], key: [[u8; 16]; 2]) -> Option<Value> {
    let (sealed, trailer) = body.split_at(body.len().checked_sub(12)?);
    let sum = crc32fast::hash(&[b"^j>WD3Kr?J2gLFjD4W2y@", &trailer[..8]].concat());
    if sum.to_le_bytes() != trailer[8..] || sealed.len() % 16 != 0 {
        return None;
    }
    let length: [u8; 4] = std::array::from_fn(|at| trailer[at] ^ trailer[7]);
    let mut plain = sealed.to_vec();
    let mut cipher = cbc::Decryptor::<Aes128>::new(&key[0].into(), &key[1].into());
    for block in plain.chunks_exact_mut(16) {
        cipher.decrypt_block_mut(GenericArray::from_mut_slice(block));
    }
    let (mut text, mut at) = (Vec::new(), 0);
    while text.len() < usize::try_from(u32::from_le_bytes(length)).unwrap() {
        let end = at + 2 + usize::from(u16::from_le_bytes([plain[at], plain[at + 1]]));
        let block = &plain[at + 2..end];
        let (mut count, mut head) = (usize::from(block[0] >> 4), 1);
        while count >= 15 && (head == 1 || block[head - 1] == 255) {
            count += usize::from(block[head]);
            head += 1;
        }
        assert_eq!(block.len(), head + count, "one run of literals");
        text.extend_from_slice(&block[head..]);
        at = end;
    }
    serde_json::from_slice(&text).ok()
}

/// The content of a file as the download network hands it out.
pub(super) async fn downloaded(sim: &Sim, id: u64) -> Vec<u8> {
    let link = super::client::link(sim, id, Some("test")).await;
    get_with(sim, &link, &[("User-Agent", "test")]).await.body
}

/// A plain form call on `uplb`.
pub(super) async fn uplb(sim: &Sim, path: &str, fields: &[(&str, &str)]) -> Value {
    post(sim, &format!("/uplb.115.com/3.0/{path}"), None, fields).await.json()
}

//! The announcement of an upload: 115 knows the content, wants proof, or takes the bytes.

use std::ops::Range;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use parking_lot::Mutex;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use super::UploadInfo;
use crate::crypto::announce::Announced;
use crate::crypto::ec115::Agreement;
use crate::model::{Challenge, Meter, Proof, UploadSession, UploadTarget, visible_name};
use crate::pan115::call::{Call, Reply};
use crate::pan115::envelope::Failure;
use crate::pan115::error::{meaning, quoted};
use crate::pan115::history::may_be_done;
use crate::pan115::manner::{Lost, Manner};
use crate::pan115::storage::Finished;
use crate::pan115::wire::Scalar;
use crate::pan115::{Client, ErrorKind, Host, Pan115Error};
use crate::transport::{Backoff, Step, retry};

const LABEL: &str = "initupload";

/// A refused token, when the token is right, means too many announcements.
/// **Source**: protocol notes, writing part, §2.3.3.
const REST: Duration = Duration::from_secs(60);

const BACKOFF: Backoff = Backoff { first: Duration::from_millis(500), max: Duration::from_secs(8) };
/// Attempts after one whose answer was lost, each after a look whether it was done.
const LOSSES: u32 = 2;

/// What 115 says to an announced upload.
#[derive(Debug)]
pub enum Announcement {
    /// The file is there, with this pick code.
    Known(String),
    /// The file is there, made in the way that is left for empty ones.
    Made(Finished),
    /// It wants the hash of some bytes.
    Prove(Challenge),
    /// It takes the bytes; how they are cut is not its concern.
    Send(UploadSession),
}

#[derive(Deserialize)]
struct ReplyWire<'a> {
    #[serde(default, borrow)]
    status: Scalar<'a>,
    #[serde(default, borrow)]
    statuscode: Scalar<'a>,
    #[serde(default, borrow)]
    statusmsg: Scalar<'a>,
    #[serde(default, borrow)]
    pickcode: Scalar<'a>,
    #[serde(default, borrow)]
    sign_key: Scalar<'a>,
    #[serde(default, borrow)]
    sign_check: Scalar<'a>,
    #[serde(default, borrow)]
    bucket: Scalar<'a>,
    #[serde(default, borrow)]
    object: Scalar<'a>,
    #[serde(default)]
    callback: CallbackWire,
}

/// An announcement that was taken.
enum Taken {
    /// Just now.
    Now(Reply),
    /// By an attempt whose answer was lost, and what came of it.
    Before(Finished),
}

#[derive(Default, Deserialize)]
#[serde(untagged)]
enum CallbackWire {
    Given {
        callback: String,
        callback_var: String,
    },
    #[default]
    Missing,
    #[expect(dead_code, reason = "an empty list stands for none")]
    Other(serde_json::Value),
}

impl Client {
    /// Announces a file, and again with the `proof` that was asked for.
    ///
    /// **Shape**: form enciphered with ec115, query `k_ec`; the answer in its container, or plain if it is a failure.
    /// **Cost**: one call; the first time, one more; and one for an empty file that 115 takes no announcement of.
    /// If an answer is lost, the folder is listed before it is announced again, which would make a second file.
    /// **Errors**: `TooLarge`; `NoSpace`; `BadRequest` for what 115 cannot have, as it may be with empty files;
    /// `Throttled` if there were too many; `Denied` if the proof was wrong, or this program is too old for 115.
    /// **Source**: protocol notes, writing part, §2.3.
    pub async fn announce(
        &self,
        meter: &Meter,
        target: &UploadTarget,
        proof: Option<&Proof>,
    ) -> Result<Announcement, Pan115Error> {
        let info = self.upload_info(meter).await?;
        if target.size > info.size_limit {
            let message = format!(
                "115 lets the account upload files of up to {} bytes, and this one has {}",
                info.size_limit, target.size
            );
            return Err(Pan115Error::new(LABEL, ErrorKind::TooLarge, message));
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let token = self.agreement.token(now);
        let version = &self.uploader.version;
        // 115 refuses a client whose User-Agent tells another version than its form.
        let agent =
            format!("Mozilla/5.0 115disk/{version} 115Browser/{version} 115wangpan_android/{version}");
        let call = Call {
            label: LABEL,
            host: Host::Upload,
            path: format!("/4.0/initupload.php?k_ec={}", utf8_percent_encode(&token, NON_ALPHANUMERIC)),
            form: None,
            agent: &agent,
            headers: Vec::new(),
        };
        let sealed = self.agreement.seal(form(&info, target, proof, version, now).as_bytes());
        let read = |body: &Bytes| open(&self.agreement, body);
        let encoded = Some(sealed.into());
        let manner = Manner { encoded, lost: Lost::Final, read: Some(&read), ..Manner::CHANGE };
        let (call, manner, is_lost) = (&call, &manner, &Mutex::new(false));
        let announced = retry(LOSSES, BACKOFF, |_| async move {
            // 115 may have had the content, and then the file is there.
            if *is_lost.lock() {
                match self.made_of(meter, target).await {
                    Ok(Some(finished)) => return Step::Done(Taken::Before(finished)),
                    Ok(None) => {}
                    Err(error) => return Step::Fail(error),
                }
            }
            match self.call_in(meter, call, manner).await {
                Ok(reply) => Step::Done(Taken::Now(reply)),
                Err(error) if may_be_done(&error) => {
                    *is_lost.lock() = true;
                    Step::Again(error, None)
                }
                Err(error) => Step::Fail(error),
            }
        });
        let reply = match announced.await {
            Ok(Taken::Before(finished)) => return Ok(Announcement::Made(finished)),
            Ok(Taken::Now(reply)) => reply,
            // It is not known whether 115 takes an announcement of nothing.
            Err(error) if error.kind == ErrorKind::BadRequest && target.size == 0 => {
                return self.upload_nothing(meter, target).await.map(Announcement::Made);
            }
            Err(error) => return Err(error),
        };
        let wire: ReplyWire<'_> =
            serde_json::from_slice(&reply.body).map_err(|_| corrupt("cannot be read"))?;
        wire.into_announcement(target)
    }

    /// The file that has come of an announcement whose answer was lost, if one has.
    ///
    /// One of that name and content that was there before does as well: nobody can tell them apart.
    ///
    /// **Cost**: a listing of its folder.
    async fn made_of(&self, meter: &Meter, target: &UploadTarget) -> Result<Option<Finished>, Pan115Error> {
        let name = visible_name(&target.name);
        let nodes = self.list(meter, target.parent).await?;
        let made = nodes.into_iter().find(|node| {
            !node.is_folder()
                && *node.name == *name
                && node.size == target.size
                && node.sha1 == Some(target.sha1)
        });
        Ok(made.map(|node| Finished { id: node.id, pick_code: node.pick_code }))
    }
}

/// Keys in alphabetical order and nothing empty or zero, which 115 insists on.
fn form(info: &UploadInfo, target: &UploadTarget, proof: Option<&Proof>, version: &str, now: u64) -> String {
    let folder = format!("U_1_{}", target.parent);
    let (file, value) =
        (target.sha1.to_string(), proof.map(|proof| proof.sha1.to_string()).unwrap_or_default());
    let announced = Announced {
        user: &info.user,
        file: &file,
        size: target.size,
        target: &folder,
        sign_key: proof.map_or("", |proof| &proof.key),
        sign_value: &value,
        time: now,
        version,
    };
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.append_pair("appversion", version)
        .append_pair("fileid", &file)
        .append_pair("filename", &target.name);
    if target.size > 0 {
        form.append_pair("filesize", &target.size.to_string());
    }
    form.append_pair("sig", &announced.signature(info.user_key.expose()));
    if proof.is_some() {
        form.append_pair("sign_key", announced.sign_key).append_pair("sign_val", announced.sign_value);
    }
    form.append_pair("t", &now.to_string())
        .append_pair("target", &folder)
        .append_pair("token", &announced.token())
        .append_pair("topupload", "true")
        .append_pair("userid", &info.user)
        .append_pair("userkey", info.user_key.expose());
    form.finish()
}

/// Opens the container, if it is one, and looks whether the announcement was taken.
fn open(agreement: &Agreement, body: &Bytes) -> Result<Bytes, Failure> {
    let fail = |kind, code, message: String| Err(Failure { kind, code, message, wanted_order: None });
    let plain = match agreement.open(body) {
        Ok(plain) => plain.into(),
        // Some failures come as they are.
        Err(error) if body.trim_ascii_start().first() != Some(&b'{') => {
            let message = format!("115's answer to an announced upload cannot be opened: {error}");
            return fail(ErrorKind::Corrupt, 0, message);
        }
        Err(_) => body.clone(),
    };
    let Ok(wire) = serde_json::from_slice::<ReplyWire<'_>>(&plain) else {
        return fail(ErrorKind::Corrupt, 0, "115's answer to an announced upload is not JSON".to_owned());
    };
    let (code, said) = (wire.statuscode.as_i64().unwrap_or(0), wire.statusmsg.as_text().unwrap_or_default());
    match wire.status.as_u64() {
        Some(1 | 2 | 7) => Ok(plain),
        // Two refusals of a proof; if they ask a new question, that can be answered.
        Some(6 | 8) if wire.sign_check.as_text().is_some() => Ok(plain),
        Some(6 | 8) => fail(
            ErrorKind::Denied,
            code,
            "115 does not believe that the file has this content: it must have changed meanwhile".to_owned(),
        ),
        Some(4) => match code {
            400 => fail(ErrorKind::Denied, code, said.to_owned()),
            402 => fail(ErrorKind::BadRequest, code, said.to_owned()),
            403 => fail(
                ErrorKind::Denied,
                code,
                format!(
                    "115 takes this program for one that is too old to upload: {}; update dav115, \
                     or set upstream.client_version to that of 115's newest client",
                    quoted(said)
                ),
            ),
            _ if said.contains("token invalid") => {
                fail(ErrorKind::Throttled { after: Some(REST) }, code, said.to_owned())
            }
            _ => fail(meaning(code, said), code, said.to_owned()),
        },
        // An answer in the usual envelope, such as one about the cookie.
        None => crate::pan115::envelope::check(&plain).and_then(|()| {
            fail(ErrorKind::Corrupt, 0, "115's answer to an announced upload has no status".to_owned())
        }),
        Some(status) => fail(
            ErrorKind::Unknown,
            code,
            format!("status {status} to an announced upload: {}", quoted(said)),
        ),
    }
}

impl ReplyWire<'_> {
    fn into_announcement(self, target: &UploadTarget) -> Result<Announcement, Pan115Error> {
        let text = |scalar: &Scalar<'_>, what: &str| {
            scalar.as_text().map(str::to_owned).ok_or_else(|| corrupt(&format!("does not say {what}")))
        };
        match self.status.as_u64() {
            Some(2) => Ok(Announcement::Known(text(&self.pickcode, "the pick code")?)),
            Some(1) => {
                let CallbackWire::Given { callback, callback_var } = self.callback else {
                    return Err(corrupt("does not say what to do at the end"));
                };
                let session = UploadSession {
                    bucket: text(&self.bucket, "where to send the file")?,
                    object: text(&self.object, "where to send the file")?,
                    callback,
                    callback_var,
                    pick_code: text(&self.pickcode, "the pick code")?,
                    multipart: None,
                    part_size: 0,
                };
                Ok(Announcement::Send(session))
            }
            _ => {
                let range = self.sign_check.as_text().and_then(|text| range(text, target.size));
                Ok(Announcement::Prove(Challenge {
                    key: text(&self.sign_key, "which question it asks")?.into(),
                    range: range.ok_or_else(|| corrupt("asks for bytes that the file has not"))?,
                }))
            }
        }
    }
}

/// `2392148-2392298`, both of which are meant, as a half-open range within a file of `size` bytes.
fn range(text: &str, size: u64) -> Option<Range<u64>> {
    let (first, last) = text.split_once('-')?;
    let (first, last): (u64, u64) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (first <= last && last < size).then_some(first..last + 1)
}

fn corrupt(what: &str) -> Pan115Error {
    Pan115Error::new(LABEL, ErrorKind::Corrupt, format!("115's answer to an announced upload {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{FileId, Secret};

    fn target(size: u64) -> UploadTarget {
        let sha1 = "4536FC09EC125D8873F729A7B38810ACC98B519C".parse().unwrap();
        UploadTarget { parent: FileId::ROOT, name: "测试 a&b.txt".into(), size, sha1 }
    }

    fn info() -> UploadInfo {
        let user_key = Secret::new("0123456789ABCDEF0123456789ABCDEF01234567");
        UploadInfo { user: "123456789".to_owned(), user_key, size_limit: 1 << 40 }
    }

    /// Vectors of the protocol notes, writing part, Appendix B.
    #[test]
    fn the_form_is_the_known_one() {
        let first = "appversion=36.2.28&fileid=4536FC09EC125D8873F729A7B38810ACC98B519C&filename=%E6%B5%8B%E8%AF%95+a%26b.txt&filesize=200000&sig=A8665DC4F4E0C68684E4DFCB0906FD3373C0FAC1&t=1700000000&target=U_1_0&token=64948461a8f11bb3f0cacae00874673b&topupload=true&userid=123456789&userkey=0123456789ABCDEF0123456789ABCDEF01234567";
        assert_eq!(form(&info(), &target(200_000), None, "36.2.28", 1_700_000_000), first);
        let second = "appversion=36.2.28&fileid=4536FC09EC125D8873F729A7B38810ACC98B519C&filename=%E6%B5%8B%E8%AF%95+a%26b.txt&filesize=200000&sig=A8665DC4F4E0C68684E4DFCB0906FD3373C0FAC1&sign_key=A1B2C3D4E5F60718293A4B5C6D7E8F9012345678&sign_val=516846CD40BD1FE431119C3B0A0F362957992EE8&t=1700000000&target=U_1_0&token=8f3cd461d371922e566c5d9dae436575&topupload=true&userid=123456789&userkey=0123456789ABCDEF0123456789ABCDEF01234567";
        let proof = Proof {
            key: "A1B2C3D4E5F60718293A4B5C6D7E8F9012345678".into(),
            sha1: "516846CD40BD1FE431119C3B0A0F362957992EE8".parse().unwrap(),
        };
        assert_eq!(form(&info(), &target(200_000), Some(&proof), "36.2.28", 1_700_000_000), second);
        assert!(!form(&info(), &target(0), None, "36.2.28", 1).contains("filesize"));
    }

    #[track_caller]
    fn announcement(json: &str) -> Result<Announcement, ErrorKind> {
        let opened = open(&Agreement::well_known(), &Bytes::copy_from_slice(json.as_bytes()));
        let body = opened.map_err(|failure| failure.kind)?;
        let wire: ReplyWire<'_> = serde_json::from_slice(&body).unwrap();
        wire.into_announcement(&target(200_000)).map_err(|error| error.kind)
    }

    #[test]
    fn what_115_says_is_understood() {
        let known = announcement(r#"{"status":2,"statuscode":0,"pickcode":"ec1","fileid":0}"#);
        assert!(matches!(known, Ok(Announcement::Known(code)) if code == "ec1"));
        let prove =
            announcement(r#"{"status":"7","statuscode":701,"sign_key":"A1","sign_check":"0-199999"}"#);
        assert!(matches!(prove, Ok(Announcement::Prove(Challenge { range, .. })) if range == (0..200_000)));
        let again = announcement(r#"{"status":8,"statuscode":702,"sign_key":"A1","sign_check":"5-5"}"#);
        assert!(matches!(again, Ok(Announcement::Prove(Challenge { range, .. })) if range == (5..6)));
        let send = announcement(
            r#"{"status":1,"pickcode":"ec1","bucket":"b","object":"o","callback":{"callback":"{\"a\":\"http:\\/\\/x\"}","callback_var":"v"}}"#,
        );
        let Ok(Announcement::Send(session)) = send else { panic!("{send:?}") };
        assert_eq!(session.callback, r#"{"a":"http:\/\/x"}"#);
    }

    #[test]
    fn refusals_and_nonsense_are_told_apart() {
        let throttled = ErrorKind::Throttled { after: Some(REST) };
        for (json, kind) in [
            (r#"{"status":4,"statuscode":402,"statusmsg":"userid/filesize invalid"}"#, ErrorKind::BadRequest),
            (r#"{"status":4,"statuscode":403,"statusmsg":"请升级到最新版本"}"#, ErrorKind::Denied),
            (r#"{"status":4,"statuscode":401,"statusmsg":"token invalid"}"#, throttled),
            (r#"{"status":4,"statuscode":91005,"statusmsg":"空间不足"}"#, ErrorKind::NoSpace),
            (r#"{"status":6,"statuscode":700,"statusmsg":""}"#, ErrorKind::Denied),
            (r#"{"status":9,"statuscode":1}"#, ErrorKind::Unknown),
            (r#"{"state":false,"errno":990001,"error":"登录超时"}"#, ErrorKind::SignedOut),
            (r#"{"state":true}"#, ErrorKind::Corrupt),
            ("nonsense", ErrorKind::Corrupt),
            (r#"{"status":2,"pickcode":""}"#, ErrorKind::Corrupt),
            (r#"{"status":1,"pickcode":"e","bucket":"b","object":"o","callback":[]}"#, ErrorKind::Corrupt),
            (r#"{"status":7,"sign_key":"A","sign_check":"0-200000"}"#, ErrorKind::Corrupt),
            (r#"{"status":7,"sign_key":"A","sign_check":"9-3"}"#, ErrorKind::Corrupt),
        ] {
            assert_eq!(announcement(json).err(), Some(kind), "{json}");
        }
    }
}

//! `uplb 3.0/sampleinitupload.php`: begins an upload by a form, without a hash
//! (protocol notes, writing part, §2.5).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::super::Turn;
use super::super::refusal::{logged_out, refuse};
use crate::clock::utc_seconds;
use crate::m115::random_hex;
use crate::oss::{BUCKET, ENDPOINT, hmac_base64};
use crate::tree::SimNode;
use crate::upload::{Drive, Session, folder_of, reserve};

/// How long the permission lives, in seconds.
const LIFETIME_SECS: u64 = 3600;

/// The largest file the permission is for.
const LARGEST: u64 = 5 << 30;

/// Begins an upload by a form.
pub(super) fn init(turn: &Turn<'_>) -> Value {
    let Turn { shared, call, .. } = *turn;
    let Some(drive) = Drive::of_call(shared, call.param("userid"), call) else { return logged_out(call) };
    let (name, target) = (call.param("filename"), call.param("target"));
    if name.is_empty() {
        return refuse(call, 990_002, "参数错误。");
    }
    let node = {
        let mut tree = drive.tree();
        let folder = folder_of(target);
        if !folder.and_then(|id| tree.node(id)).is_some_and(SimNode::is_folder) {
            return refuse(call, 10_014, "云端目录不存在，请恢复后重新上传");
        }
        reserve(&mut tree).0
    };
    let user = drive.user();
    let expires = shared.clock.unix() + LIFETIME_SECS;
    let grant = shared.uploads.tokens.issue("LTAI5t", expires);
    let (object, word) = (random_hex(20), random_hex(16));
    let callback = callback(user, target, name, &word);
    let policy = format!(
        "{{\"expiration\":\"{}\",\"conditions\":[[\"content-length-range\",0,{LARGEST}]]}}",
        utc_seconds(expires)
    );
    let policy = STANDARD.encode(policy);
    let answer = json!({
        "object": object, "accessid": grant.id, "host": format!("https://{BUCKET}.{ENDPOINT}"), "policy": policy,
        "signature": hmac_base64(&grant.secret, &policy), "expire": expires, "callback": STANDARD.encode(&callback),
    });
    let session = Session {
        user,
        name: shortened(name),
        target: target.to_owned(),
        object,
        expected: None,
        callback,
        callback_var: String::new(),
        node,
        answer: None,
    };
    shared.uploads.begin(&word, session);
    answer
}

fn callback(user: u64, target: &str, name: &str, word: &str) -> String {
    let name: String = url::form_urlencoded::byte_serialize(STANDARD.encode(name).as_bytes()).collect();
    format!(
        "{{\"callbackUrl\":\"http://uplb.115.com/3.0/samplecompleteupload.php\",\"callbackBody\":\"sha1=${{sha1}}\
         &filename=${{object}}&filesize=${{size}}&mimeType=${{mimeType}}&height=${{imageInfo.height}}\
         &width=${{imageInfo.width}}&userid={user}&target={target}&userfn={name}&bucket={BUCKET}\
         &userip=203.0.113.5&userport=40000&source=4&cb_token={word}\",\
         \"callbackBodyType\":\"application/x-www-form-urlencoded\"}}"
    )
}

/// A name of more than 255 bytes is cut: of one with an ending the stem, which then ends with two dots.
fn shortened(name: &str) -> String {
    const BYTES: usize = 255;
    let cut = |text: &str, bytes: usize| {
        let ends = text.char_indices().map(|(at, character)| at + character.len_utf8());
        text[..ends.take_while(|end| *end <= bytes).last().unwrap_or_default()].to_owned()
    };
    match name.rsplit_once('.') {
        _ if name.len() <= BYTES => name.to_owned(),
        Some((stem, ending)) if !stem.is_empty() && ending.len() + 4 <= BYTES => {
            format!("{}...{ending}", cut(stem, BYTES - 3 - ending.len()))
        }
        _ => cut(name, BYTES),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_cut() {
        assert_eq!(shortened("a.txt"), "a.txt");
        let long = shortened(&format!("{}.txt", "影".repeat(100)));
        assert!(long.ends_with("影...txt") && long.len() <= 255 && long.len() > 250, "{long}");
        assert_eq!(shortened(&"a".repeat(300)).len(), 255);
    }
}

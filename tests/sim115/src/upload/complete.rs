//! The end of an upload: what 115 does when the object store calls back
//! (protocol notes, writing part, §2.5 and §2.6.6).

use serde_json::{Value, json};

use super::{Drive, Session, folder_of, place};
use crate::api::kind_number;
use crate::behaviours::Behaviours;
use crate::content::Content;
use crate::state::Shared;
use crate::stored::Stored;
use crate::tree::SimNode;

/// The kind of films.
const FILM: u64 = 4;

/// What the object store calls back with.
pub(crate) struct Arrival<'call> {
    /// The fields of the body, filled in.
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) content: &'call Stored,
    /// The two texts as the client sent them.
    pub(crate) callback: &'call str,
    pub(crate) callback_var: &'call str,
}

impl Arrival<'_> {
    fn field(&self, name: &str) -> &str {
        self.fields.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
    }
}

/// A refusal, which comes with status 200.
pub(crate) fn refused(code: i64, message: &str) -> Value {
    json!({"state": false, "message": message, "code": code, "data": []})
}

/// `completeupload.php`: puts the file into its folder, once.
pub(crate) fn complete(shared: &Shared, behaviours: &Behaviours, arrival: &Arrival<'_>) -> Value {
    let Some(session) = shared.uploads.session(arrival.field("pick_code")) else {
        return refused(10_002, "校验失败，pick_code不存在");
    };
    if (arrival.callback, arrival.callback_var) != (&session.callback, &session.callback_var) {
        return refused(10_002, "校验失败，callback不一致");
    }
    let (size, sha1) = session.expected.clone().unwrap_or_default();
    // The hash the object store reports; without `sequential` and without contexts it has none.
    let told = (arrival.field("size"), arrival.field("sha1").to_uppercase());
    let is = |name: &str, value: &str| arrival.field(name) == value;
    let fits = told == (&size.to_string(), sha1)
        && is("object", &session.object)
        && is("user_id", &session.user.to_string())
        && is("target", &session.target);
    if !fits {
        return refused(10_002, "校验失败，文件不一致");
    }
    finish(shared, behaviours, arrival, session, |node| {
        json!({
            "pick_code": node.pick_code(), "file_size": node.size(), "file_id": node.id.to_string(),
            "thumb_url": "", "sha1": node.sha1(), "aid": 1, "file_name": node.name,
            "cid": node.parent.to_string(), "is_video": u8::from(is_film(node)),
        })
    })
}

/// `samplecompleteupload.php`: the same after a form upload.
pub(crate) fn complete_sample(shared: &Shared, behaviours: &Behaviours, arrival: &Arrival<'_>) -> Value {
    let Some(session) = shared.uploads.session(arrival.field("cb_token")) else {
        return refused(10_002, "校验失败，cb_token不存在");
    };
    let fits = session.expected.is_none()
        && arrival.callback == session.callback
        && arrival.field("filename") == session.object;
    if !fits {
        return refused(10_002, "校验失败，callback不一致");
    }
    let now = shared.clock.unix();
    finish(shared, behaviours, arrival, session, |node| {
        json!({
            "aid": 1, "area_id": 1, "cid": node.parent.to_string(), "file_name": node.name, "file_ptime": now,
            "file_status": 1, "file_id": node.id.to_string(), "file_size": node.size().to_string(),
            "pick_code": node.pick_code(), "sha1": node.sha1(), "sp": 0, "file_type": 103, "object_id": "",
            "user_id": arrival.field("userid"), "is_video": u8::from(is_film(node)), "thumb_url": "",
        })
    })
}

/// Puts the file into its folder unless that was done before, and describes it.
fn finish(
    shared: &Shared,
    behaviours: &Behaviours,
    arrival: &Arrival<'_>,
    mut session: Session,
    describe: impl FnOnce(&SimNode) -> Value,
) -> Value {
    let mut sessions = shared.uploads.sessions.lock();
    let mark = if session.callback_var.is_empty() { "cb_token" } else { "pick_code" };
    let mark = arrival.field(mark);
    // Asked again under the lock: of two ends of one upload, one makes the file.
    if let Some(answer) = sessions.get(mark).and_then(|session| session.answer.clone()) {
        return answer;
    }
    let Some(drive) = Drive::of(shared, session.user) else {
        return refused(990_001, "登录超时，请重新登录。");
    };
    if !drive.has_room(arrival.content.size(), behaviours) {
        return refused(91_005, "您的空间不足，上传失败");
    }
    let mut tree = drive.tree();
    let content = Content::Stored(arrival.content.clone());
    let at = (session.node, folder_of(&session.target).unwrap_or(u64::MAX));
    if !place(shared, &mut tree, at, &session.name, content, &behaviours.upload) {
        return refused(10_014, "云端目录不存在，请恢复后重新上传");
    }
    let data = tree.node(session.node).map(describe);
    let answer = json!({"state": true, "message": "", "code": 0, "data": data});
    session.answer = Some(answer.clone());
    sessions.insert(mark.to_owned(), session);
    answer
}

fn is_film(node: &SimNode) -> bool {
    kind_number(&node.name) == FILM
}

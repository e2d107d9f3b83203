//! Links to files of a share, in each of the ways there are (protocol notes, reading part, §5.6): encrypted (S1), plain
//! (S2), plain and for files that are not too large (S3), and without a login (S4).

use serde_json::{Value, json};

use super::super::download::address;
use super::super::refusal::{logged_out, refuse};
use super::super::{Answer, Endpoint, Turn, jitter};
use super::{Named, refused};
use crate::cdn::{Terms, mint};
use crate::faults::Fault;
use crate::m115::random_key;
use crate::num::mix;
use crate::share::Share;
use crate::tree::{ROOT, SimNode};

/// A link to one file.
pub(super) fn downurl(turn: &Turn<'_>, named: &Named) -> Answer {
    let Turn { call, behaviours, .. } = *turn;
    let mut shares = turn.shared.shares.lock();
    let share = match named.usable(&mut shares, turn) {
        Ok(share) => &*share,
        Err(code) => return refused(call, code).into(),
    };
    let without_login =
        matches!(turn.endpoint, Endpoint::ShareSkipLoginDownurl | Endpoint::ShareSkipLoginDownurlApp);
    if without_login && !share.skip_login {
        return logged_out(call).into();
    }
    let node = match granted(turn, share, &named.file_id) {
        Ok(node) => node,
        Err(refusal) => return refusal.into(),
    };
    let (mut inner, set_cookie) = entry(turn, share.owner, node);
    let data = match &named.key {
        _ if turn.faults.contains(&Fault::EmptyData) => json!(""),
        None => inner,
        Some(key) => {
            if behaviours.type_jitter {
                jitter::jitter(&mut inner, mix(0x117e_a7ed, turn.number));
            }
            json!(turn.shared.key.seal_response(key, &random_key(), inner.to_string().as_bytes()))
        }
    };
    Answer { value: json!({"state": true, "error": "", "errno": 0, "data": data}), set_cookie }
}

/// The node of an id inside the share, if it may be downloaded.
fn granted<'share>(turn: &Turn<'_>, share: &'share Share, id: &str) -> Result<&'share SimNode, Value> {
    let Turn { call, behaviours, .. } = *turn;
    if id.is_empty() {
        return Err(refuse(call, 50_001, "缺少参数file_id"));
    }
    let id = id.parse().ok().filter(|id| *id != ROOT);
    let Some(node) = id.and_then(|id| share.tree.node(id)) else {
        let deleted = id.is_some_and(|id| share.tree.was_deleted(id));
        return Err(if deleted {
            refuse(call, behaviours.deleted_code, "文件不存在或已被删除")
        } else {
            refuse(call, 50_003, "文件不存在")
        });
    };
    if node.violating {
        return Err(refuse(call, 50_038, "文件包含违规内容，无法下载"));
    }
    if turn.endpoint == Endpoint::ShareDownurlWeb && node.size() > behaviours.download_limit_bytes {
        return Err(refuse(call, 50_028, "文件过大，请使用电脑端下载"));
    }
    Ok(node)
}

/// What the answer says about one file, and the cookie that goes with its link.
fn entry(turn: &Turn<'_>, owner: u64, node: &SimNode) -> (Value, Option<String>) {
    let Turn { shared, call, behaviours, faults, .. } = *turn;
    let negative = faults.contains(&Fault::NegativeSize);
    let size = if negative { "-1".to_owned() } else { node.size().to_string() };
    let (url, cookie) = if node.is_folder() || negative || faults.contains(&Fault::UrlFalse) {
        (json!(false), None)
    } else {
        let agent = call.user_agent();
        let terms = if turn.endpoint == Endpoint::ShareDownurlWeb {
            Terms::of_download(behaviours)
        } else {
            Terms::of_downurl(behaviours, &agent)
        };
        // What is had without a login is on the account of the sharer.
        let user = if turn.endpoint.needs_login() { turn.user.id } else { owner };
        let minted = mint(shared, user, node, &agent, terms, behaviours);
        (json!({"url": address(&minted, faults), "client": 0, "desc": null, "isp": null}), minted.set_cookie)
    };
    let entry =
        json!({"fid": node.id.to_string(), "fn": node.name, "fs": size, "sha1": node.sha1(), "url": url});
    (entry, cookie)
}

/// `webapi share/is_skip_login`: whether the sharer lets files be downloaded without a login.
pub(super) fn is_skip_login(turn: &Turn<'_>, named: &Named) -> Value {
    let mut shares = turn.shared.shares.lock();
    match named.usable(&mut shares, turn) {
        Ok(share) => {
            let allowed = u8::from(share.skip_login);
            json!({"state": true, "error": "", "errno": 0, "data": {"is_skip_login": allowed}})
        }
        Err(code) => refused(turn.call, code),
    }
}

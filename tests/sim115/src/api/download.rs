//! Download links: `proapi app/chrome/downurl` (D1) and `webapi files/download` (D4)
//! (protocol notes, reading part, §4.1 and §4.2).

use serde_json::{Map, Value, json};

use super::jitter;
use super::refusal::refuse;
use super::{Answer, Turn};
use crate::behaviours::Behaviours;
use crate::call::Call;
use crate::cdn::{Minted, Terms, mint};
use crate::faults::Fault;
use crate::m115::random_key;
use crate::num::mix;
use crate::tree::{PickCode, SimNode};

/// `POST proapi app/chrome/downurl`: links for one or several pick codes, encrypted both ways.
pub(super) fn downurl(turn: &Turn<'_>) -> Answer {
    let Turn { shared, user, call, behaviours, faults, number, .. } = *turn;
    let Some((key, request)) = shared.key.open_request(call.param("data")) else {
        return refuse(call, 990_002, "参数错误。").into();
    };
    let Ok(request) = serde_json::from_slice::<Value>(&request) else {
        return refuse(call, 990_002, "参数错误。").into();
    };
    let codes = request["pickcode"].as_str().unwrap_or_default();
    shared.ledger.annotate(number, format!("pickcode={codes}"));
    if codes.is_empty() {
        return refuse(call, 50_001, "缺少参数pickcode").into();
    }
    let mut links = Map::new();
    let mut set_cookie = None;
    let mut refusal = None;
    let tree = user.tree.lock();
    for code in codes.split(',') {
        match granted(&tree.by_pick_code(code), call, behaviours) {
            Ok(node) => {
                let (link, cookie) = entry(turn, node);
                set_cookie = set_cookie.or(cookie);
                links.insert(node.id.to_string(), link);
            }
            Err(error) => refusal = Some(error),
        }
    }
    drop(tree);
    if let (true, Some(refusal)) = (links.is_empty(), refusal) {
        return refusal.into();
    }
    let data = if faults.contains(&Fault::EmptyData) {
        json!("")
    } else {
        let mut links = Value::Object(links);
        if behaviours.type_jitter {
            jitter::jitter(&mut links, mix(0x117e_a7ed, number));
        }
        json!(shared.key.seal_response(&key, &random_key(), links.to_string().as_bytes()))
    };
    Answer { value: json!({"state": true, "msg": "", "errno": 0, "data": data}), set_cookie }
}

/// The node a pick code stands for, if it may be downloaded.
fn granted<'tree>(
    found: &PickCode<'tree>,
    call: &Call,
    behaviours: &Behaviours,
) -> Result<&'tree SimNode, Value> {
    match found {
        PickCode::Found(node) if node.violating => Err(refuse(call, 50_038, "文件包含违规内容，无法下载")),
        PickCode::Found(node) => Ok(node),
        PickCode::Deleted => Err(refuse(call, behaviours.deleted_code, "文件不存在或已被删除")),
        PickCode::Unknown => Err(refuse(call, 50_003, "文件不存在")),
    }
}

/// One entry of the answer's map, and the cookie that goes with its link.
fn entry(turn: &Turn<'_>, node: &SimNode) -> (Value, Option<String>) {
    let Turn { shared, user, call, behaviours, faults, .. } = *turn;
    let mut size = json!(node.size().to_string());
    let (url, cookie) = if node.is_folder() || faults.contains(&Fault::UrlFalse) {
        (json!(false), None)
    } else if faults.contains(&Fault::NegativeSize) {
        size = json!("-1");
        (json!(false), None)
    } else {
        let agent = call.user_agent();
        let minted = mint(shared, user.id, node, &agent, Terms::of_downurl(behaviours, &agent), behaviours);
        let url = address(&minted, faults);
        (
            json!({"url": url, "client": 1, "desc": null, "oss_id": format!("fhnfile/{}", node.sha1())}),
            minted.set_cookie,
        )
    };
    let entry = json!({
        "file_name": node.name, "file_size": size, "pick_code": node.pick_code(), "sha1": node.sha1(), "url": url,
    });
    (entry, cookie)
}

/// The link, or what a fault makes of it.
pub(super) fn address(minted: &Minted, faults: &[Fault]) -> String {
    if faults.contains(&Fault::EmptyHost) { "https:///".to_owned() } else { minted.url.clone() }
}

/// `GET webapi files/download`: one link in plain text, for files that are not too large; works for violating ones.
pub(super) fn download(turn: &Turn<'_>) -> Answer {
    let Turn { shared, user, call, behaviours, faults, .. } = *turn;
    let code = call.param("pickcode");
    if code.is_empty() {
        return refuse(call, 50_001, "缺少参数pickcode").into();
    }
    let tree = user.tree.lock();
    let node = match tree.by_pick_code(code) {
        PickCode::Found(node) if !node.is_folder() => node,
        PickCode::Found(_) | PickCode::Unknown => return refuse(call, 50_003, "文件不存在").into(),
        PickCode::Deleted => return refuse(call, behaviours.deleted_code, "文件不存在或已被删除").into(),
    };
    if node.size() > behaviours.download_limit_bytes {
        return refuse(call, 50_028, "文件过大，请使用电脑端下载").into();
    }
    let minted = mint(shared, user.id, node, &call.user_agent(), Terms::of_download(behaviours), behaviours);
    let url = if faults.contains(&Fault::UrlFalse) { json!(false) } else { json!(address(&minted, faults)) };
    let value = json!({
        "state": true, "errno": 0, "error": "", "msg": "", "file_id": node.id.to_string(), "file_name": node.name,
        "file_size": node.size().to_string(), "pickcode": code, "file_url": url,
        "is_115chrome": 0, "is_vip": 1, "user_id": user.id,
    });
    Answer { value, set_cookie: minted.set_cookie }
}

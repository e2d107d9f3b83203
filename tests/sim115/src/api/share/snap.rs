//! `webapi share/snap` and `proapi {app}/2.0/share/snap`: one folder of a share (protocol notes, reading part, §5.2).

use serde_json::{Value, json};

use super::super::{Endpoint, Turn};
use super::{Named, code_of_state, is_own, item, refused};
use crate::behaviours::{BadShare, Behaviours, ShareStateForm};
use crate::num::{index, long};
use crate::share::{NORMAL, Share};
use crate::tree::{Order, ROOT, SimNode, SortKey};

/// The page size when a call names none.
const DEFAULT_LIMIT: u64 = 32;

/// The state of a share that is still being audited, which its owner can list already.
const AUDITING: u8 = 0;

/// Lists a folder of a share.
pub(super) fn snap(turn: &Turn<'_>, named: &Named) -> Value {
    let Turn { call, behaviours, .. } = *turn;
    let mut shares = turn.shared.shares.lock();
    let share = match named.opened(&mut shares, turn) {
        Ok(share) => share,
        Err(code) => return refused(call, code),
    };
    let own = is_own(share, turn);
    let state = share.state_at(turn.shared.clock.unix());
    let listable = state == NORMAL || (own && state == AUDITING);
    if !listable {
        return match behaviours.share_bad_state {
            BadShare::Empty => envelope(share, state, named, 0, &[], behaviours),
            BadShare::Refused => refused(call, code_of_state(state)),
        };
    }
    let asked = match call.param("cid") {
        "" => Some(ROOT),
        text => text.parse().ok(),
    };
    let folder = match asked.filter(|id| share.tree.node(*id).is_some_and(SimNode::is_folder)) {
        Some(folder) => folder,
        None if behaviours.share_unknown_cid_lists_root => ROOT,
        None => return super::refuse(call, 20_018, "目录不存在或已删除"),
    };
    let order = Order {
        key: SortKey::parse(call.param("o")).unwrap_or(SortKey::Name),
        ascending: call.number("asc", 1) != 0,
        mixed: call.number("fc_mix", 0) != 0,
        pinned_first: false,
    };
    let rows = share.tree.listed(folder, order, false);
    let count = long(rows.len());
    // Beyond its reach the client-application API gives nothing, although it counts everything.
    let bounded = turn.endpoint == Endpoint::ShareSnapApp && !own;
    let reach = if bounded { count.min(behaviours.share_snap_app_limit) } else { count };
    let limit = match call.number("limit", DEFAULT_LIMIT) {
        0 => DEFAULT_LIMIT,
        limit => limit.min(behaviours.share_snap_limit),
    };
    let start = call.number("offset", 0);
    let mut end = start.saturating_add(limit).min(reach);
    if end < reach && behaviours.short_page_items > 0 {
        end = end.saturating_sub(behaviours.short_page_items).max(start + 1);
    }
    let page: &[u64] = rows.get(index(start)..index(end)).unwrap_or_default();
    let list: Vec<Value> =
        page.iter().filter_map(|id| share.tree.node(*id)).map(|node| item::entry(share, node)).collect();
    envelope(share, state, named, count.saturating_add_signed(behaviours.count_lie), &list, behaviours)
}

fn envelope(
    share: &Share,
    state: u8,
    named: &Named,
    count: u64,
    list: &[Value],
    behaviours: &Behaviours,
) -> Value {
    let tops = share.tree.children(ROOT);
    let mut info = json!({
        "snap_id": "987654321", "file_size": share.tree.total_bytes().to_string(), "share_title": share.shown_title(),
        "forbid_reason": "", "create_time": share.created.to_string(), "receive_code": named.receive_code,
        "receive_count": share.receive_count.to_string(), "expire_time": share.expires,
        "file_category": u8::from(tops.iter().all(|node| !node.is_folder())), "auto_renewal": "0",
        "auto_fill_recvcode": "1", "can_report": 1, "can_notice": 0, "have_vio_file": u8::from(share.tree.has_violating()),
    });
    let mut data = json!({
        "userinfo": {"user_id": share.owner.to_string(), "user_name": "someone", "face": "https://example.com/face.png"},
        "count": count, "list": list,
        "user_appeal": {"can_appeal": 0, "can_share_appeal": 0, "popup_appeal_page": 0, "can_global_appeal": 0},
    });
    let written = match behaviours.share_state_form {
        ShareStateForm::Number | ShareStateForm::InfoOnly => Some(json!(state)),
        ShareStateForm::Text => Some(json!(state.to_string())),
        ShareStateForm::Absent => None,
    };
    if let Some(state) = written {
        if behaviours.share_state_form != ShareStateForm::InfoOnly {
            data["share_state"] = state.clone();
        }
        info["share_state"] = state;
    }
    data["shareinfo"] = info;
    json!({"state": true, "error": "", "errno": 0, "data": data})
}

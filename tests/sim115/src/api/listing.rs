//! `webapi files` and `aps natsort/files.php` (protocol notes, reading part, §3.1 to §3.7), and `files/order`.

use std::sync::Arc;

use serde_json::{Value, json};

use super::refusal::refuse;
use super::{Endpoint, item};
use crate::behaviours::{Behaviours, OrderMemory};
use crate::call::Call;
use crate::content::Content;
use crate::num::{index, long};
use crate::state::Shared;
use crate::tree::{Order, Overlay, ROOT, SimNode, SortKey, TreeState, View, extension};
use crate::user::User;

/// The page size when a call names none.
const DEFAULT_LIMIT: u64 = 115;

/// What is listed: where, which part, and of what kind.
#[derive(Debug)]
struct Ask {
    folder: u64,
    offset: u64,
    limit: u64,
    show_folders: bool,
    only_folders: bool,
    /// Files at any depth instead of the folder's own entries.
    deep: bool,
    kind: u64,
    suffix: String,
    min_size: u64,
    max_size: u64,
}

impl Ask {
    fn read(call: &Call, limit_max: u64) -> Self {
        let kind = call.number("type", 0);
        let suffix = call.param("suffix").trim_start_matches('.').to_lowercase();
        let show_folders = call.number("show_dir", call.number("showdir", 1)) != 0;
        let filtered = kind > 0 || !suffix.is_empty();
        // Left open, `cur` means this folder only, but a filter without it descends.
        let descends = call.number("cur", u64::from(!filtered)) == 0;
        let limit = match call.number("limit", DEFAULT_LIMIT) {
            0 => DEFAULT_LIMIT,
            limit => limit.min(limit_max),
        };
        Self {
            folder: call.number("cid", ROOT),
            offset: call.number("offset", 0),
            limit,
            show_folders,
            only_folders: show_folders && call.number("nf", 0) == 1,
            deep: descends && (filtered || !show_folders),
            kind,
            suffix,
            min_size: call.number("min_size", 0),
            max_size: call.number("max_size", 0),
        }
    }

    /// Whether every entry is wanted, so that no entry needs to be looked at.
    fn takes_all(&self) -> bool {
        self.show_folders
            && !self.only_folders
            && self.kind == 0
            && self.suffix.is_empty()
            && self.min_size == 0
            && self.max_size == 0
    }

    fn takes(&self, node: &SimNode) -> bool {
        if node.is_folder() {
            return self.show_folders && self.kind == 0 && self.suffix.is_empty();
        }
        let kind_fits = match self.kind {
            0 | 99 => true,
            12 => matches!(item::kind_number(&node.name), 1 | 2 | 4),
            15 => matches!(item::kind_number(&node.name), 2 | 4),
            kind => item::kind_number(&node.name) == kind,
        };
        !self.only_folders
            && (self.suffix.is_empty() || extension(&node.name) == self.suffix)
            && (kind_fits || !self.suffix.is_empty())
            && node.size() >= self.min_size
            && (self.max_size == 0 || node.size() <= self.max_size)
    }
}

/// The order a listing is given in, or the refusal to give it in the one asked for.
fn order(call: &Call, remembered: Order, memory: OrderMemory) -> Result<Order, Value> {
    let custom = call.number("custom_order", 0);
    let asked = SortKey::parse(call.param("o")).map(|key| Order {
        key,
        ascending: call.number("asc", 1) != 0,
        mixed: custom == 2 || call.number("fc_mix", 0) != 0,
        pinned_first: remembered.pinned_first,
    });
    let (heeds_custom, refuses) = match memory {
        OrderMemory::Silent => (true, false),
        OrderMemory::Refuse => (true, true),
        OrderMemory::AlwaysSilent => (false, false),
        OrderMemory::AlwaysRefuse => (false, true),
    };
    match asked {
        Some(asked) if heeds_custom && custom > 0 => Ok(asked),
        Some(asked) if refuses && (asked.key, asked.ascending) != (remembered.key, remembered.ascending) => {
            let mut refusal = refuse(call, 20_130_827, "不支持该排序方式");
            refusal["order"] = json!(remembered.key.name());
            refusal["is_asc"] = json!(u8::from(remembered.ascending));
            Err(refusal)
        }
        _ => Ok(remembered),
    }
}

/// The order a folder remembers.
fn remembered(tree: &TreeState, folder: u64, behaviours: &Behaviours) -> Order {
    let first = Order {
        key: SortKey::parse(&behaviours.remembered_key).unwrap_or(SortKey::Name),
        ascending: behaviours.remembered_ascending,
        mixed: false,
        pinned_first: behaviours.pinned_first,
    };
    Order { pinned_first: behaviours.pinned_first, ..tree.remembered(folder).unwrap_or(first) }
}

/// Lists a folder.
pub(super) fn list(
    shared: &Shared,
    user: &User,
    call: &Call,
    endpoint: Endpoint,
    behaviours: &Behaviours,
) -> Value {
    let natsort = endpoint == Endpoint::Natsort;
    let mut ask = Ask::read(call, if natsort { behaviours.natsort_limit } else { behaviours.files_limit });
    let mut tree = user.tree.lock();
    if !tree.node(ask.folder).is_some_and(SimNode::is_folder) && !tree.lingers(ask.folder) {
        if !behaviours.unknown_cid_lists_root {
            return refuse(call, 20_018, "目录不存在或已删除");
        }
        ask.folder = ROOT;
    }
    let memory = remembered(&tree, ask.folder, behaviours);
    let order = if natsort {
        let wraps = ask.offset >= behaviours.natsort_limit;
        if wraps {
            ask.offset = 0;
        }
        let mixed = wraps || call.number("fc_mix", 0) != 0;
        Order { key: SortKey::Name, ascending: call.number("asc", 1) != 0, mixed, ..memory }
    } else {
        match order(call, memory, behaviours.order_memory) {
            Ok(order) => order,
            Err(refusal) => return refusal,
        }
    };
    let view = tree.view(ask.folder, order, ask.deep, ask.offset == 0);
    let all = wanted(&tree, &ask, &view.shown);
    let rows = shared.uploads.shown(&all, shared.clock.unix()).map_or_else(|| Arc::clone(&all), Into::into);
    let missed = all.len() - rows.len();
    let reach = if natsort { behaviours.natsort_limit } else { u64::MAX };
    let asked_end = ask.offset.saturating_add(ask.limit).min(reach);
    let mut end = asked_end.min(long(rows.len()));
    if end < long(rows.len()) && behaviours.short_page_items > 0 {
        end = end.saturating_sub(behaviours.short_page_items).max(ask.offset + 1);
    }
    let page: &[u64] = rows.get(index(ask.offset)..index(end)).unwrap_or_default();
    let data: Vec<Value> = page
        .iter()
        .filter_map(|id| view.shown.node(&tree, *id))
        .map(|node| item::entry(user.id, node))
        .collect();
    let mut answer = envelope(&tree, call, &ask, order, &view, &data, behaviours);
    if call.number("record_open_time", 1) != 0 {
        tree.set_opened(ask.folder);
    }
    answer["uid"] = json!(user.id.to_string());
    // Counts are never ahead of the rows: a file that is not listed yet is not counted either.
    for name in ["count", "file_count"] {
        if let (Some(count), true) = (answer[name].as_u64(), missed > 0) {
            answer[name] = json!(count.saturating_sub(long(missed)));
        }
    }
    drop(tree);
    if end < long(rows.len()) {
        disturb_folder(shared, user, ask.folder, rows.first().copied());
    }
    answer
}

/// The ids of everything the call could page through, in order.
fn wanted(tree: &TreeState, ask: &Ask, overlay: &Overlay) -> Arc<[u64]> {
    if ask.takes_all() {
        return Arc::clone(&overlay.rows);
    }
    let takes = |id: &u64| overlay.node(tree, *id).is_some_and(|node| ask.takes(node));
    overlay.rows.iter().copied().filter(takes).collect()
}

fn envelope(
    tree: &TreeState,
    call: &Call,
    ask: &Ask,
    order: Order,
    view: &View,
    data: &[Value],
    behaviours: &Behaviours,
) -> Value {
    let counted = view.counted.as_ref();
    let rows = long(wanted(tree, ask, counted.unwrap_or(&view.shown)).len());
    let children = counted.map_or_else(|| tree.children(ask.folder), |counted| counted.nodes(tree));
    let folders = children.iter().filter(|node| node.is_folder()).count();
    let system = if order.mixed { 0 } else { children.iter().filter(|node| node.system).count() };
    let mut answer = json!({
        "data": data, "count": rows.saturating_add_signed(behaviours.count_lie), "data_source": "DB",
        "sys_count": system, "page_size": ask.limit, "aid": "1", "cid": ask.folder.to_string(),
        "is_asc": u8::from(order.ascending), "star": 0, "is_share": 0, "type": ask.kind, "is_q": 0, "r_all": 0,
        "stdir": call.number("stdir", 0), "cur": u8::from(!ask.deep), "min_size": ask.min_size,
        "max_size": ask.max_size, "record_open_time": call.number("record_open_time", 1).to_string(),
        "path": item::path(&tree.listed_lineage(ask.folder)), "fields": "", "order": order.key.name(),
        "fc_mix": u8::from(order.mixed), "natsort": call.number("natsort", 0),
        "offset": ask.offset, "limit": ask.limit, "suffix": ask.suffix, "state": true, "error": "", "errNo": 0,
    });
    if counted.is_some() && behaviours.writes.lag_says_cached {
        answer["use_cache"] = json!(true);
    }
    if call.number("count_folders", call.number("countfolders", 0)) == 1 {
        answer["file_count"] = json!(children.len() - folders);
        answer["folder_count"] = json!(folders);
    }
    answer
}

/// Lets files appear in or vanish from a folder after a page of it, as the switches demand.
fn disturb_folder(shared: &Shared, user: &User, folder: u64, first: Option<u64>) {
    let (appearing, vanishing) = {
        let mut behaviours = shared.behaviours.lock();
        let left = (behaviours.files_appearing, behaviours.files_vanishing);
        behaviours.files_appearing = left.0.saturating_sub(1);
        behaviours.files_vanishing = left.1.saturating_sub(1);
        left
    };
    if appearing == 0 && vanishing == 0 {
        return;
    }
    let mut tree = user.tree.lock();
    // Another call may have deleted the folder since its page was made.
    if appearing > 0 && tree.node(folder).is_some_and(SimNode::is_folder) {
        let content = Content::Bytes("appeared while listing\n".into());
        tree.add_file(folder, &format!("appeared-{appearing}.txt"), content);
    }
    if let (true, Some(first)) = (vanishing > 0, first) {
        tree.delete(first);
    }
}

/// The listing of a call whose cookie lacks `CID`: success, and nothing in it.
pub(super) fn empty(call: &Call) -> Value {
    json!({
        "data": [], "count": 0, "sys_count": 0, "aid": "1", "cid": call.param("cid"),
        "offset": call.number("offset", 0), "limit": call.number("limit", DEFAULT_LIMIT),
        "path": [], "order": "user_ptime", "is_asc": 1, "state": true, "error": "", "errNo": 0,
    })
}

/// `POST webapi files/order`: sets the order a folder remembers.
pub(super) fn set_order(user: &User, call: &Call, behaviours: &Behaviours) -> Value {
    let folder = call.number("file_id", ROOT);
    let mut tree = user.tree.lock();
    let Some(key) = SortKey::parse(call.param("user_order")) else {
        return refuse(call, 990_002, "参数错误。");
    };
    if !tree.node(folder).is_some_and(SimNode::is_folder) {
        return refuse(call, 20_018, "目录不存在或已删除");
    }
    let order = Order {
        key,
        ascending: call.number("user_asc", 1) != 0,
        mixed: call.number("fc_mix", 0) != 0,
        pinned_first: behaviours.pinned_first,
    };
    tree.remember(folder, order);
    json!({"state": true, "error": "", "errno": 0})
}

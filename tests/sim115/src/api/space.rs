//! `files/index_info`: the space of the account and its devices (protocol notes, reading part, §3.9).

use serde_json::{Value, json};

use super::lookup::formatted;
use crate::behaviours::Behaviours;
use crate::state::Shared;
use crate::user::User;

/// Answers the call that clients use to see whether they are logged in.
pub(super) fn index_info(shared: &Shared, user: &User, behaviours: &Behaviours) -> Value {
    let total = user.space_bytes(behaviours);
    let taken = user.tree.lock().total_bytes().min(total);
    let size = |bytes: u64| json!({"size": bytes, "size_format": formatted(bytes)});
    let now = shared.clock.unix();
    json!({
        "state": true, "error": "", "errno": 0,
        "data": {
            "space_info": {
                "all_total": size(total), "all_remain": size(total - taken), "all_use": size(taken),
            },
            "login_devices_info": {
                "last": {
                    "ip": "203.0.113.5", "device": "simulated", "device_id": "", "network": "", "os": "", "city": "",
                    "utime": now,
                },
                "list": [{
                    "is_current": 1, "ssoent": "R2", "utime": now, "device": "simulated", "name": "simulated",
                    "icon": "", "desc": "", "ip": "203.0.113.5", "city": "", "is_unusual": 0,
                }],
            },
            "imei_info": false,
        },
    })
}

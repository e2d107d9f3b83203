//! The switches that make the simulated service behave as 115 does, or as badly as it can.
//!
//! The defaults are the service on a good day. Every field can be changed while the server runs, by
//! [`crate::Sim::behave`] or through the control API, where the names below are the JSON keys.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::faults::Fault;
use crate::upload::UploadBehaviours;
use crate::user::FIRST_ID;
use crate::writes::Writes;

/// All switches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches, not a state")]
pub struct Behaviours {
    /// Numbers come as strings and strings as numbers, sizes of the space report as floats, differently in each answer.
    pub type_jitter: bool,
    /// `data` of a refusal is in turn `[]`, `{}`, `""`, `null` and `false`.
    pub wrong_type_on_error: bool,
    /// An unknown folder id lists the root with success; when off it is an error.
    pub unknown_cid_lists_root: bool,
    /// What a folder's remembered order does to a listing.
    pub order_memory: OrderMemory,
    /// The order a folder remembers until one is set for it: a value of the parameter `o`.
    pub remembered_key: String,
    /// Whether that order ascends.
    pub remembered_ascending: bool,
    /// The largest page of `webapi files`.
    pub files_limit: u64,
    /// The largest page of `aps natsort`, and the row after which it wraps to its beginning.
    pub natsort_limit: u64,
    /// Added to every `count` of a listing.
    pub count_lie: i64,
    /// How many items each page falls short of what was asked, although more follow.
    pub short_page_items: u64,
    /// How many files still appear in a folder while it is being paged, one after each page that is not the last.
    pub files_appearing: u32,
    /// How many files still vanish from a folder while it is being paged: the first file of the listing each time.
    pub files_vanishing: u32,
    /// Pinned nodes come before all others.
    pub pinned_first: bool,
    /// Slashes in JSON texts are escaped, as PHP does.
    pub escaped_slashes: bool,
    /// What an empty User-Agent at link time leads to.
    pub empty_agent: EmptyAgent,
    /// What a link asked for with a User-Agent is bound to.
    pub link_binding: Binding,
    /// What a link of `webapi files/download` is bound to.
    pub download_binding: Binding,
    /// How often one link may be open at once (`c`); 0 is without limit.
    pub link_connections: u32,
    /// How many bodies the account may have open in total (`uc`); 0 is without limit.
    pub user_connections: u32,
    /// How long the CDN waits for a body to close before it refuses one too many, in milliseconds.
    ///
    /// A peer's disconnect reaches a server late; without this grace a client that closes one body and opens another
    /// at once would be refused at random.
    pub open_grace_ms: u64,
    /// How long a link lives, in seconds of simulated time.
    pub link_lifetime_secs: u64,
    /// The code that answers for deleted files: 70005, 231011 or 50015.
    pub deleted_code: i64,
    /// The largest file `webapi files/download` hands out, in bytes.
    pub download_limit_bytes: u64,
    /// Seconds of simulated time for which webapi and aps still take a kicked cookie.
    pub kicked_grace_secs: u64,
    /// How many calls within the window make the firewall block; 0 is never.
    pub waf_calls: u32,
    /// The firewall's window in seconds of simulated time.
    pub waf_window_secs: u64,
    /// How long a block lasts in seconds of simulated time.
    pub waf_block_secs: u64,
    /// What is counted and blocked together.
    pub waf_scope: WafScope,
    /// A call without the cookie `UID` is blocked at once.
    pub waf_blocks_cookieless: bool,
    /// What a blocked call is answered with.
    pub waf_answer: Fault,
    /// What becomes of the code of a share's state.
    pub share_state_form: ShareStateForm,
    /// What a listing of a share that cannot be used is answered with.
    pub share_bad_state: BadShare,
    /// `data` of a refused share call.
    pub share_refused_data: RefusedData,
    /// The largest page of `webapi share/snap`.
    pub share_snap_limit: u64,
    /// How many entries of a folder the client-application listing of another user's share gives at most.
    pub share_snap_app_limit: u64,
    /// An unknown folder of a share lists the share's root with success; when off it is an error.
    pub share_unknown_cid_lists_root: bool,
    /// The endpoints that refuse any User-Agent but one of 115's own clients with 50029, as the ledger names them.
    pub share_gated: BTreeSet<String>,
    /// The endpoints that want the share's page as `Referer` and refuse any other with 990002, as the ledger names them.
    pub share_referred: BTreeSet<String>,
    /// How many files `share/downlist` lists and `share/receive` takes at once; beyond it is 4100030.
    pub share_files_limit: u64,
    /// How many share calls of one address within the firewall's window block all its share calls; 0 is never.
    pub share_waf_calls: u32,
    /// The calls that write names.
    pub writes: Writes,
    /// Seconds a QR code lives.
    pub login_qr_lifetime_secs: u64,
    /// Milliseconds the status call of a QR code is held when nothing changes.
    pub login_hold_ms: u64,
    /// What it says then.
    pub login_quiet_status: QuietStatus,
    /// A QR code that has expired is a refusal, not a status.
    pub login_expiry_refused: bool,
    /// The applications whose logins are closed.
    pub login_dead_apps: BTreeSet<String>,
    /// A QR code of one application's endpoint can be redeemed for that application and the mini programs only.
    pub login_mixing_refused: bool,
    /// The answer to a sign-in always holds `KID`; when off it does at times.
    pub login_kid: bool,
    /// The user whose phone confirms.
    pub login_user_id: u64,
    /// The space of the account in bytes.
    pub space_bytes: u64,
    /// Milliseconds each call of an endpoint takes; the key `*` stands for all others.
    pub latency_ms: BTreeMap<String, u64>,
    /// Bytes per second of each download body; 0 is without limit.
    pub cdn_bytes_per_sec: u64,
    /// The switches of uploads.
    pub upload: UploadBehaviours,
}

impl Default for Behaviours {
    fn default() -> Self {
        Self {
            type_jitter: false,
            wrong_type_on_error: false,
            unknown_cid_lists_root: true,
            order_memory: OrderMemory::default(),
            remembered_key: "file_name".to_owned(),
            remembered_ascending: true,
            files_limit: 1150,
            natsort_limit: 1200,
            count_lie: 0,
            short_page_items: 0,
            files_appearing: 0,
            files_vanishing: 0,
            pinned_first: true,
            escaped_slashes: true,
            empty_agent: EmptyAgent::default(),
            link_binding: Binding::Agent,
            download_binding: Binding::AgentAndCookie,
            link_connections: 2,
            user_connections: 10,
            open_grace_ms: 50,
            link_lifetime_secs: 3600,
            deleted_code: 70_005,
            download_limit_bytes: 200 << 20,
            kicked_grace_secs: 60,
            waf_calls: 0,
            waf_window_secs: 60,
            waf_block_secs: 20 * 60,
            waf_scope: WafScope::default(),
            waf_blocks_cookieless: false,
            waf_answer: Fault::Waf405,
            share_state_form: ShareStateForm::default(),
            share_bad_state: BadShare::default(),
            share_refused_data: RefusedData::default(),
            share_snap_limit: 10_000,
            share_snap_app_limit: 1000,
            share_unknown_cid_lists_root: false,
            share_gated: BTreeSet::from(["share_downurl".to_owned()]),
            share_referred: BTreeSet::new(),
            share_files_limit: 10_000,
            share_waf_calls: 0,
            writes: Writes::default(),
            login_qr_lifetime_secs: 300,
            login_hold_ms: 30_000,
            login_quiet_status: QuietStatus::default(),
            login_expiry_refused: false,
            login_dead_apps: ["windows", "mac", "linux"].map(str::to_owned).into(),
            login_mixing_refused: false,
            login_kid: true,
            login_user_id: FIRST_ID,
            space_bytes: 15 << 40,
            latency_ms: BTreeMap::new(),
            cdn_bytes_per_sec: 0,
            upload: UploadBehaviours::default(),
        }
    }
}

/// What a folder's remembered order does to a listing (protocol notes, reading part, §3.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderMemory {
    /// Without `custom_order` the remembered order is used silently; with it, the one asked for.
    #[default]
    Silent,
    /// Without `custom_order` another order than the remembered one is refused with 20130827.
    Refuse,
    /// The remembered order is used silently, whatever `custom_order` says.
    AlwaysSilent,
    /// Another order than the remembered one is refused with 20130827, whatever `custom_order` says.
    AlwaysRefuse,
}

/// What a download link is bound to (`f` of protocol notes, reading part, §4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Binding {
    /// Nothing: `f` is empty.
    Free,
    /// The User-Agent that asked for it: `f=1`.
    Agent,
    /// That User-Agent and the cookie set with the link: `f=3`.
    AgentAndCookie,
}

/// What an empty User-Agent at link time leads to; the sources disagree (protocol notes, reading part, §4.4 and §11).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmptyAgent {
    /// A link that serves every client: `f` is empty.
    #[default]
    Granted,
    /// A link bound to the empty User-Agent: `f=1`.
    Refused,
    /// A link bound to the empty User-Agent and a cookie: `f=3`.
    RefusedWithCookie,
    /// A link that looks free (`f` empty) but that the CDN refuses with "no cookie value".
    CdnRejects,
}

/// What the firewall counts and blocks together; it always keeps cookies apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WafScope {
    /// Each host by itself, so that aps goes on while webapi is blocked.
    #[default]
    Host,
    /// All hosts together.
    Cookie,
}

/// How a share's state is written; it has changed over the years (protocol notes, reading part, §5.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShareStateForm {
    /// As a number, in both places.
    #[default]
    Number,
    /// As a text, in both places.
    Text,
    /// As a number in `shareinfo` only.
    InfoOnly,
    /// Nowhere.
    Absent,
}

/// What the listing of a share that cannot be used is answered with (protocol notes, reading part, §5.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BadShare {
    /// Success and an empty list; only the state tells.
    #[default]
    Empty,
    /// A refusal with the code that belongs to the state.
    Refused,
}

/// What the status of a QR code is answered with when nothing has changed (protocol notes, reading part, §2.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuietStatus {
    /// `data` is `{}`.
    #[default]
    Empty,
    /// `data` is `[]`.
    List,
    /// `data.status` is 0.
    Waiting,
}

/// `data` of a refused share call (protocol notes, reading part, §5.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusedData {
    /// `[]`.
    #[default]
    List,
    /// `{}`.
    Object,
    /// There is none.
    Absent,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_the_switches_is_enough() {
        let read: Behaviours =
            serde_json::from_str(r#"{"type_jitter":true,"empty_agent":"cdn_rejects"}"#).unwrap();
        assert_eq!(
            read,
            Behaviours { type_jitter: true, empty_agent: EmptyAgent::CdnRejects, ..Behaviours::default() }
        );
        assert!(serde_json::from_str::<Behaviours>(r#"{"type_jiter":true}"#).is_err());
        let written = serde_json::to_string(&Behaviours::default()).unwrap();
        assert_eq!(serde_json::from_str::<Behaviours>(&written).unwrap(), Behaviours::default());
    }
}

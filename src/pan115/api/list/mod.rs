//! One page of a folder.

use std::borrow::Cow;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Deserialize;

use super::entry;
use crate::model::{FileId, Meter, Node, PickCode, visible_name};
use crate::pan115::call::Call;
use crate::pan115::wire::Scalar;
use crate::pan115::{Client, ErrorKind, Host, Pan115Error};

const LABEL: &str = "files";

/// The largest page 115 gives.
/// **Source**: protocol notes, reading part, §3.1.
pub(in crate::pan115) const PAGE_SIZE: u64 = 1150;

/// Where the listing by name ends and begins anew.
/// **Source**: protocol notes, reading part, §3.1 (L2).
pub(in crate::pan115) const APS_MAX: u64 = 1200;

/// The order of a listing. 115 may answer in another one than was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::pan115) struct Order {
    pub(in crate::pan115) key: Cow<'static, str>,
    pub(in crate::pan115) ascending: bool,
}

impl Order {
    /// By creation, oldest first: what is added meanwhile comes at the end, so pages stay where they are.
    pub(in crate::pan115) const STABLE: Self = Self { key: Cow::Borrowed("user_ptime"), ascending: true };
}

/// A page as it came.
#[derive(Debug)]
pub(in crate::pan115) struct Page {
    pub(in crate::pan115) nodes: Vec<Node>,
    /// Entries of the whole folder, as 115 counts them.
    pub(in crate::pan115) count: u64,
    /// Files plus folders, if it states them: a second count.
    pub(in crate::pan115) second_count: Option<u64>,
    /// The largest number of entries it would have sent.
    pub(in crate::pan115) limit: u64,
    pub(in crate::pan115) offset: u64,
    pub(in crate::pan115) order: Option<Order>,
}

#[derive(Deserialize)]
struct PageWire<'a> {
    #[serde(borrow)]
    data: Vec<ItemWire<'a>>,
    #[serde(default, borrow)]
    count: Scalar<'a>,
    #[serde(default, borrow)]
    file_count: Scalar<'a>,
    #[serde(default, borrow)]
    folder_count: Scalar<'a>,
    #[serde(default, borrow)]
    cid: Scalar<'a>,
    #[serde(default, borrow)]
    offset: Scalar<'a>,
    #[serde(default, borrow)]
    limit: Scalar<'a>,
    #[serde(default, borrow)]
    order: Scalar<'a>,
    #[serde(default, borrow)]
    is_asc: Scalar<'a>,
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
pub(super) struct ItemWire<'a> {
    #[serde(borrow)]
    fid: Scalar<'a>,
    #[serde(borrow)]
    cid: Scalar<'a>,
    #[serde(borrow)]
    fc: Scalar<'a>,
    #[serde(borrow)]
    n: Scalar<'a>,
    #[serde(borrow)]
    s: Scalar<'a>,
    #[serde(borrow)]
    sha: Scalar<'a>,
    #[serde(borrow)]
    pc: Scalar<'a>,
    #[serde(borrow)]
    te: Scalar<'a>,
    #[serde(borrow)]
    tu: Scalar<'a>,
    #[serde(borrow)]
    tp: Scalar<'a>,
    #[serde(borrow)]
    t: Scalar<'a>,
    #[serde(borrow)]
    c: Scalar<'a>,
}

impl Client {
    /// One page of `folder`, in `order`, beginning with the entry number `offset`.
    ///
    /// `host` is [`Host::Web`], or [`Host::Aps`] for a folder that 115 only lists by name;
    /// the latter serves no more than [`APS_MAX`] entries and then begins anew.
    ///
    /// **Shape**: the web form; see the protocol notes for all fields.
    /// **Cost**: one call.
    /// **Errors**: `NotFound` if 115 lists the root instead, as it does for a folder that does not exist.
    /// **Source**: protocol notes, reading part, §3.2, §3.3 and §3.5.
    pub(in crate::pan115) async fn page(
        &self,
        meter: &Meter,
        host: Host,
        folder: FileId,
        offset: u64,
        order: &Order,
    ) -> Result<Page, Pan115Error> {
        let (label, endpoint) =
            if host == Host::Aps { ("natsort", "/natsort/files.php") } else { (LABEL, "/files") };
        let path = format!(
            "{endpoint}?aid=1&cid={folder}&offset={offset}&limit={PAGE_SIZE}&show_dir=1&cur=1&o={}&asc={}\
             &custom_order=1&fc_mix=0&snap=0&natsort=0&record_open_time=0&count_folders=1&format=json",
            order.key,
            u8::from(order.ascending)
        );
        let call = Call { label, host, path, form: None, agent: self.user_agent(), headers: Vec::new() };
        let reply = self.call(meter, &call).await?;
        read(folder, &reply.body)
    }
}

fn read(folder: FileId, body: &[u8]) -> Result<Page, Pan115Error> {
    let wire: PageWire<'_> =
        serde_json::from_slice(body).map_err(|error| corrupt(&format!("cannot be read: {error}")))?;
    match (wire.cid.as_u64(), folder) {
        (Some(listed), _) if listed == folder.0 => wire.into_page(),
        (None, _) => Err(corrupt("does not say which folder it lists")),
        (Some(_), FileId::ROOT) => Err(corrupt("lists another folder than the root")),
        (Some(_), _) => Err(gone(folder)),
    }
}

/// The entries of one page of `folder`, read from the body of 115's answer as [`Client::list`] reads it.
///
/// By itself for whoever has such an answer at hand, such as the benchmark of reading them.
///
/// **Errors**: `NotFound` if it lists another folder; `Corrupt` if it cannot be read.
pub fn read_page(folder: FileId, body: &[u8]) -> Result<Vec<Node>, Pan115Error> {
    read(folder, body).map(|page| page.nodes)
}

pub(in crate::pan115) fn corrupt(what: &str) -> Pan115Error {
    let message = format!("115's answer to a listing {what}");
    Pan115Error { endpoint: LABEL, kind: ErrorKind::Corrupt, code: 0, message, wanted_order: None }
}

fn gone(folder: FileId) -> Pan115Error {
    let message = format!("115 has no folder with the id {folder} (any more)");
    Pan115Error { endpoint: LABEL, kind: ErrorKind::NotFound, code: 0, message, wanted_order: None }
}

impl PageWire<'_> {
    fn into_page(self) -> Result<Page, Pan115Error> {
        let number = |scalar: &Scalar<'_>, what: &str| {
            scalar.as_u64().ok_or_else(|| corrupt(&format!("does not say its {what}")))
        };
        let second_count =
            self.file_count.as_u64().zip(self.folder_count.as_u64()).map(|(files, folders)| files + folders);
        Ok(Page {
            count: number(&self.count, "count")?,
            second_count,
            limit: self.limit.as_u64().unwrap_or(PAGE_SIZE),
            offset: number(&self.offset, "offset")?,
            // It goes back into a query string, so it must look like a key.
            order: self
                .order
                .as_text()
                .filter(|key| is_key(key))
                .map(|key| Order { key: Cow::Owned(key.to_owned()), ascending: self.is_asc.is_true() }),
            nodes: self.data.into_iter().map(ItemWire::into_node).collect::<Result<_, _>>()?,
        })
    }
}

/// Whether `key` looks like a sort key of 115, such as `user_ptime`.
pub(in crate::pan115) fn is_key(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}

impl ItemWire<'_> {
    pub(super) fn into_node(self) -> Result<Node, Pan115Error> {
        let kind = entry::kind(&self.fc, &self.fid);
        let id = entry::id(kind, &self.fid, &self.cid);
        let id = id.ok_or_else(|| corrupt("holds an entry without id"))?;
        let name = entry::name(&self.n).ok_or_else(|| corrupt("holds an entry without name"))?;
        let modified = [&self.te, &self.tu].into_iter().find_map(unix_time).or_else(|| local_time(&self.t));
        let created = unix_time(&self.tp).or(modified).unwrap_or(UNIX_EPOCH);
        Ok(Node {
            id,
            kind,
            name: visible_name(&name).into(),
            size: entry::size(kind, &self.s).ok_or_else(|| corrupt("holds a file without size"))?,
            sha1: self.sha.as_text().and_then(|sha1| sha1.parse().ok()),
            pick_code: self.pc.as_text().and_then(PickCode::new).unwrap_or(PickCode::NONE),
            modified: modified.unwrap_or(created),
            created,
            censored: self.c.as_u64() == Some(1),
        })
    }
}

fn unix_time(scalar: &Scalar<'_>) -> Option<SystemTime> {
    let seconds = scalar.as_u64().filter(|&seconds| seconds > 0)?;
    UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

/// Field `t`: unix seconds, or for files `"2024-06-20 15:32"` in China's time, which has no summer time.
fn local_time(scalar: &Scalar<'_>) -> Option<SystemTime> {
    const CHINA_AHEAD: Duration = Duration::from_secs(8 * 3600);
    if let Some(time) = unix_time(scalar) {
        return Some(time);
    }
    let text = scalar.as_text()?;
    let utc = humantime::parse_rfc3339_weak(&format!("{text}:00Z")).ok()?;
    utc.checked_sub(CHINA_AHEAD)
}

#[cfg(test)]
mod tests;

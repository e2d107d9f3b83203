//! One page of a folder of a share.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Deserialize;

use super::fault::{self, explain, of_state};
use super::{query, referer};
use crate::model::{FileId, Kind, Meter, Node, PickCode, ShareLink, visible_name};
use crate::pan115::api::entry;
use crate::pan115::api::list::{PAGE_SIZE, Page};
use crate::pan115::call::Call;
use crate::pan115::wire::{Scalar, unescape_name};
use crate::pan115::{Client, ErrorKind, Host, Pan115Error};

pub(super) const LABEL: &str = "share_snap";

#[derive(Deserialize)]
struct OuterWire<'a> {
    #[serde(borrow)]
    data: SnapWire<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SnapWire<'a> {
    #[serde(borrow)]
    shareinfo: InfoWire<'a>,
    #[serde(borrow)]
    count: Scalar<'a>,
    #[serde(borrow)]
    list: Option<Vec<ItemWire<'a>>>,
    #[serde(borrow)]
    share_state: Scalar<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct InfoWire<'a> {
    #[serde(borrow)]
    share_title: Scalar<'a>,
    #[serde(borrow)]
    share_state: Scalar<'a>,
    #[serde(borrow)]
    forbid_reason: Scalar<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ItemWire<'a> {
    #[serde(borrow)]
    fid: Scalar<'a>,
    #[serde(borrow)]
    cid: Scalar<'a>,
    #[serde(borrow)]
    pid: Scalar<'a>,
    #[serde(borrow)]
    fc: Scalar<'a>,
    #[serde(borrow)]
    n: Scalar<'a>,
    #[serde(borrow)]
    s: Scalar<'a>,
    #[serde(borrow)]
    sha: Scalar<'a>,
    #[serde(borrow)]
    t: Scalar<'a>,
    #[serde(borrow)]
    c: Scalar<'a>,
}

/// What a share says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShareInfo {
    /// Its title, if it has one.
    pub title: Option<String>,
    /// Entries at its top.
    pub entries: u64,
}

impl Client {
    /// Whether `share` can be used, and what it is called.
    ///
    /// **Cost**: one call, without a login.
    /// **Errors**: as [`Client::share_list`].
    pub async fn share_info(&self, meter: &Meter, share: &ShareLink) -> Result<ShareInfo, Pan115Error> {
        let body = self.snap(meter, share, FileId::ROOT, 0, 1).await?;
        let snap = read(share, &body)?;
        let title = snap.shareinfo.share_title.as_text().map(|title| unescape_name(title).into_owned());
        Ok(ShareInfo { title, entries: snap.count.as_u64().unwrap_or_default() })
    }

    /// One page of `folder` of `share`, beginning with the entry number `offset`.
    ///
    /// **Shape**: with the share's page as `Referer`; `{"data":{"shareinfo":{…},"count":2,"list":[…],"share_state":1}}`; see the protocol notes for all fields.
    /// **Cost**: one call, without a login; it counts against the address.
    /// **Source**: protocol notes, reading part, §5.2.
    pub(in crate::pan115) async fn share_page(
        &self,
        meter: &Meter,
        share: &ShareLink,
        folder: FileId,
        offset: u64,
    ) -> Result<Page, Pan115Error> {
        let body = self.snap(meter, share, folder, offset, PAGE_SIZE).await?;
        read(share, &body)?.into_page(share, folder, offset)
    }

    async fn snap(
        &self,
        meter: &Meter,
        share: &ShareLink,
        folder: FileId,
        offset: u64,
        limit: u64,
    ) -> Result<bytes::Bytes, Pan115Error> {
        let path = format!(
            "/share/snap?{}&cid={folder}&offset={offset}&limit={limit}&o=user_ptime&asc=1&format=json",
            query(share)
        );
        let headers = referer(share).into_iter().collect();
        let agent = self.user_agent();
        let call = Call { label: LABEL, host: Host::Web, path, form: None, agent, headers };
        let reply = self.call(meter, &call).await.map_err(|error| explain(share, error))?;
        Ok(reply.body)
    }
}

fn corrupt(share: &ShareLink, what: &str) -> Pan115Error {
    let what = format!("cannot be listed: 115's answer {what}");
    fault::error(share, ErrorKind::Corrupt, 0, &what)
}

/// The answer, if the share is in a state to be used, which 115 may say in either place, as a number or a text, or not at all.
fn read<'a>(share: &ShareLink, body: &'a [u8]) -> Result<SnapWire<'a>, Pan115Error> {
    let outer: OuterWire<'a> =
        serde_json::from_slice(body).map_err(|_| corrupt(share, "has not the form of a listing"))?;
    let (snap, info) = (&outer.data, &outer.data.shareinfo);
    let reason = info.forbid_reason.as_text().unwrap_or_default();
    let states = [info.share_state.as_i64(), snap.share_state.as_i64()];
    if let Some(error) = states.into_iter().flatten().find_map(|state| of_state(share, state, reason)) {
        return Err(error);
    }
    let is_empty = snap.list.as_ref().is_none_or(Vec::is_empty) && snap.count.as_u64().unwrap_or(0) == 0;
    if states == [None, None] && is_empty {
        // So does a share that is no more. It must not pass for an empty one.
        return Err(corrupt(share, "holds nothing and does not say whether the share is still good"));
    }
    Ok(outer.data)
}

impl SnapWire<'_> {
    fn into_page(self, share: &ShareLink, folder: FileId, offset: u64) -> Result<Page, Pan115Error> {
        let count = self.count.as_u64().ok_or_else(|| corrupt(share, "does not say its count"))?;
        let list = self.list.ok_or_else(|| corrupt(share, "holds no list"))?;
        // For a folder it does not know, 115 may list the top instead.
        if folder != FileId::ROOT && list.iter().any(ItemWire::lies_at_the_top) {
            let what = format!("has no folder with the id {folder} (any more)");
            return Err(fault::error(share, ErrorKind::NotFound, 0, &what));
        }
        let nodes = list.into_iter().map(|item| item.into_node(share)).collect::<Result<_, _>>()?;
        // There is but one count, and no word of place and order.
        Ok(Page { nodes, count, second_count: Some(count), limit: PAGE_SIZE, offset, order: None })
    }
}

impl ItemWire<'_> {
    fn lies_at_the_top(&self) -> bool {
        let parent = match entry::kind(&self.fc, &self.fid) {
            Kind::Folder => &self.pid,
            Kind::File => &self.cid,
        };
        parent.as_u64() == Some(0)
    }

    fn into_node(self, share: &ShareLink) -> Result<Node, Pan115Error> {
        let kind = entry::kind(&self.fc, &self.fid);
        let id = entry::id(kind, &self.fid, &self.cid);
        let id = id.ok_or_else(|| corrupt(share, "holds an entry without id"))?;
        let name = entry::name(&self.n).ok_or_else(|| corrupt(share, "holds an entry without name"))?;
        let time = self.t.as_u64().and_then(|seconds| UNIX_EPOCH.checked_add(Duration::from_secs(seconds)));
        let time: SystemTime = time.unwrap_or(UNIX_EPOCH);
        Ok(Node {
            id,
            kind,
            name: visible_name(&name).into(),
            size: entry::size(kind, &self.s).ok_or_else(|| corrupt(share, "holds a file without size"))?,
            sha1: self.sha.as_text().and_then(|sha1| sha1.parse().ok()),
            // Shares have no pick codes; their files are asked for by their ids.
            pick_code: PickCode::new(&id.to_string()).unwrap_or(PickCode::NONE),
            modified: time,
            created: time,
            censored: self.c.as_u64() == Some(1),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share() -> ShareLink {
        ShareLink::new("sw3abc12xyz", Some("a1b2")).unwrap()
    }

    /// The page in an answer whose shareinfo and rest of the data are as given.
    fn page(info: &str, rest: &str, folder: u64) -> Result<Page, Pan115Error> {
        let body = format!(r#"{{"state":true,"errno":0,"data":{{"shareinfo":{{{info}}},{rest}}}}}"#);
        read(&share(), body.as_bytes())?.into_page(&share(), FileId(folder), 0)
    }

    const LIST: &str = r#""count":"2","list":[
        {"cid":"2580033742990999100","pid":"0","n":"Movies","t":"1718900000","s":9,"fc":0},
        {"fid":"2580033742990999218","cid":0,"n":"a film.mkv","s":"1073741824","fc":1,"t":1718868720,"c":0,
         "sha":"DA39A3EE5E6B4B0D3255BFEF95601890AFD80709"}]"#;

    #[test]
    fn entries_are_read_with_the_id_that_is_theirs() {
        let page = page(r#""share_state":"1""#, LIST, 0).unwrap();
        let [folder, file] = &*page.nodes else { panic!("{:?}", page.nodes) };
        assert!(folder.is_folder() && folder.id == FileId(2_580_033_742_990_999_100) && folder.size == 0);
        assert_eq!(file.id, FileId(2_580_033_742_990_999_218));
        assert_eq!((file.size, file.pick_code.as_str()), (1 << 30, "2580033742990999218"));
        assert_eq!(file.modified, UNIX_EPOCH + Duration::from_secs(1_718_868_720));
        assert_eq!((page.count, page.second_count), (2, Some(2)));
    }

    #[test]
    fn a_bad_state_is_seen_wherever_it_stands_and_whatever_its_type() {
        let kind = |info: &str, rest: &str| page(info, rest, 0).map(|_| ()).unwrap_err().kind;
        for (info, rest) in [
            (r#""share_state":7"#, r#""count":0,"list":[]"#),
            (r#""share_state":"7""#, r#""count":0,"list":[],"share_state":"7""#),
            ("", r#""count":0,"list":[],"share_state":7"#),
            (r#""share_state":1"#, r#""list":null,"share_state":7"#),
        ] {
            assert_eq!(kind(info, rest), ErrorKind::Gone, "{info} {rest}");
        }
        assert_eq!(kind("", r#""count":0,"list":[]"#), ErrorKind::Corrupt);
        assert_eq!(kind(r#""share_state":1"#, r#""count":3"#), ErrorKind::Corrupt);
        assert!(page(r#""share_state":1"#, r#""count":0,"list":[]"#, 0).unwrap().nodes.is_empty());
        assert_eq!(page("", LIST, 0).unwrap().nodes.len(), 2);
    }

    #[test]
    fn the_top_in_place_of_a_folder_means_that_the_folder_is_gone() {
        assert_eq!(page(r#""share_state":1"#, LIST, 5).unwrap_err().kind, ErrorKind::NotFound);
    }
}

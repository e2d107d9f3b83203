//! A new folder.

use serde::Deserialize;

use crate::model::{FileId, Meter};
use crate::pan115::call::Call;
use crate::pan115::manner::{Lost, Manner};
use crate::pan115::wire::Scalar;
use crate::pan115::{Client, ErrorKind, Host, Pan115Error};

const LABEL: &str = "add";

#[derive(Default, Deserialize)]
#[serde(default)]
struct ReplyWire<'a> {
    #[serde(borrow)]
    file_id: Scalar<'a>,
    #[serde(borrow)]
    cid: Scalar<'a>,
}

#[derive(Deserialize)]
struct NestedWire<'a> {
    #[serde(borrow)]
    data: DataWire<'a>,
}

#[derive(Deserialize)]
struct DataWire<'a> {
    #[serde(default, borrow)]
    file_id: Scalar<'a>,
    #[serde(default, borrow)]
    category_id: Scalar<'a>,
}

impl Client {
    /// Makes a folder called `name` in `parent`. `None` if it is there but 115 did not say its id,
    /// as when an answer was lost.
    ///
    /// With `is_being_freed`, the name may be that of a folder that is on its way into the recycle bin;
    /// then it is waited for.
    ///
    /// **Shape**: form `pid`, `cname`; the id comes in `file_id`, `cid`, `data.file_id` or `data.category_id`.
    /// **Cost**: one call.
    /// **Errors**: `Exists` if a folder of that name is there; `BadName`; `NotFound` if `parent` is gone.
    /// **Source**: protocol notes, writing part, §1.1.
    pub async fn create_folder(
        &self,
        meter: &Meter,
        parent: FileId,
        name: &str,
        is_being_freed: bool,
    ) -> Result<Option<FileId>, Pan115Error> {
        let form = [("pid", parent.to_string()), ("cname", name.to_owned())];
        let call = Call {
            label: LABEL,
            host: Host::Web,
            path: "/files/add".to_owned(),
            form: Some(&form),
            agent: self.user_agent(),
            headers: Vec::new(),
        };
        // The name was free when this was asked for, so what is found by a repeat is the folder of the first attempt,
        // unless it may be one that is about to go.
        let manner = Manner {
            lost: if is_being_freed { Lost::Final } else { Lost::RepeatUntil(ErrorKind::Exists) },
            passes: is_being_freed.then_some(ErrorKind::Exists),
            ..Manner::CHANGE
        };
        let reply = self.call_in(meter, &call, &manner).await?;
        Ok(if reply.was_done_before { None } else { id(&reply.body) })
    }
}

fn id(body: &[u8]) -> Option<FileId> {
    let wire: ReplyWire<'_> = serde_json::from_slice(body).unwrap_or_default();
    let nested: Option<NestedWire<'_>> = serde_json::from_slice(body).ok();
    let nested = nested.map(|wire| [wire.data.file_id, wire.data.category_id]);
    let ids = [wire.file_id, wire.cid].into_iter().chain(nested.into_iter().flatten());
    ids.filter_map(|id| id.as_u64()).find(|&id| id != 0).map(FileId)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_found_wherever_it_is() {
        for body in [
            r#"{"state":true,"aid":1,"cid":"302","cname":"media","file_id":"302"}"#,
            r#"{"state":true,"cid":302}"#,
            r#"{"state":true,"data":{"file_id":"302"}}"#,
            r#"{"state":true,"data":{"category_id":302},"cid":0}"#,
        ] {
            assert_eq!(id(body.as_bytes()), Some(FileId(302)), "{body}");
        }
        assert_eq!(id(br#"{"state":true,"data":[]}"#), None);
    }
}

//! One file or folder by itself.

use serde::Deserialize;

use super::list::ItemWire;
use crate::model::{FileId, Meter, Node};
use crate::pan115::call::Call;
use crate::pan115::wire::Scalar;
use crate::pan115::{Client, ErrorKind, Host, Pan115Error};

const LABEL: &str = "get_info";

/// What a look-up found.
#[derive(Debug)]
pub struct Found {
    /// The file or folder.
    pub node: Node,
    /// The folder it is in, if 115 says so.
    pub parent: Option<FileId>,
}

/// What to look for.
#[derive(Clone, Copy, Debug)]
pub enum Wanted<'a> {
    /// What has this id.
    Id(FileId),
    /// The file with this pick code, or that will have it.
    PickCode(&'a str),
}

#[derive(Deserialize)]
struct NodesWire<'a> {
    #[serde(borrow)]
    data: Vec<ItemWire<'a>>,
}

#[derive(Deserialize)]
struct PlacesWire<'a> {
    #[serde(borrow)]
    data: Vec<PlaceWire<'a>>,
}

#[derive(Deserialize)]
struct PlaceWire<'a> {
    #[serde(default, borrow)]
    fid: Scalar<'a>,
    /// Of a file, the folder it is in; of a folder, itself.
    #[serde(default, borrow)]
    cid: Scalar<'a>,
    #[serde(default, borrow)]
    pid: Scalar<'a>,
}

impl Client {
    /// Looks one file or folder up.
    ///
    /// **Shape**: `data` holds one entry of the web form.
    /// **Cost**: one call.
    /// **Errors**: `NotFound` if it is not there, or in the recycle bin.
    /// **Source**: protocol notes, reading part, §3.8.
    pub async fn info(&self, meter: &Meter, wanted: Wanted<'_>) -> Result<Found, Pan115Error> {
        let query = match wanted {
            Wanted::Id(id) => format!("file_id={id}"),
            Wanted::PickCode(code) if code.bytes().all(|b| b.is_ascii_alphanumeric()) => {
                format!("pick_code={code}")
            }
            Wanted::PickCode(_) => return Err(corrupt("is asked for by a pick code that is none")),
        };
        let call = Call {
            label: LABEL,
            host: Host::Web,
            path: format!("/files/get_info?{query}"),
            form: None,
            agent: self.user_agent(),
            headers: Vec::new(),
        };
        let reply = self.call(meter, &call).await?;
        read(&reply.body)
    }
}

fn read(body: &[u8]) -> Result<Found, Pan115Error> {
    let nodes: NodesWire<'_> = serde_json::from_slice(body).map_err(|_| corrupt("cannot be read"))?;
    let places: PlacesWire<'_> = serde_json::from_slice(body).map_err(|_| corrupt("cannot be read"))?;
    match nodes.data.into_iter().zip(&places.data).next() {
        Some((item, place)) => {
            let is_file = !place.fid.is_none();
            let parent = if is_file { &place.cid } else { &place.pid };
            Ok(Found { node: item.into_node()?, parent: parent.as_u64().map(FileId) })
        }
        None => Err(Pan115Error::new(LABEL, ErrorKind::NotFound, "115 has nothing of that id (any more)")),
    }
}

fn corrupt(what: &str) -> Pan115Error {
    Pan115Error::new(LABEL, ErrorKind::Corrupt, format!("115's answer about a file {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_a_file_and_of_a_folder_are_told() {
        let file = br#"{"state":true,"data":[{"fid":"12","cid":"7","n":"a.txt","s":3,"pc":"abc"}]}"#;
        let found = read(file).unwrap();
        assert_eq!((found.node.id, found.parent), (FileId(12), Some(FileId(7))));
        let folder = br#"{"state":true,"data":[{"cid":12,"pid":"0","n":"a","fc":0}]}"#;
        let found = read(folder).unwrap();
        assert_eq!((found.node.id, found.parent), (FileId(12), Some(FileId::ROOT)));
        assert!(found.node.is_folder());
    }

    #[test]
    fn nothing_found_is_no_success() {
        assert_eq!(read(br#"{"state":true,"data":[]}"#).unwrap_err().kind, ErrorKind::NotFound);
        assert_eq!(read(br#"{"state":true,"data":{}}"#).unwrap_err().kind, ErrorKind::Corrupt);
    }
}

//! Another folder.

use std::time::Duration;

use serde_json::{Map, json};

use super::form;
use crate::model::{FileId, Meter};
use crate::pan115::api::info::{Found, Wanted};
use crate::pan115::call::Call;
use crate::pan115::manner::Manner;
use crate::pan115::{Client, ErrorKind, Host, Pan115Error};
use crate::transport::{Backoff, Step, retry};

/// Within about a minute a folder has arrived, or it is said that it has not.
const BACKOFF: Backoff = Backoff { first: Duration::from_millis(500), max: Duration::from_secs(8) };
const LOOKS: u32 = 10;

impl Client {
    /// Moves a file or folder into the folder `to`.
    ///
    /// 115's own way with a file whose name is taken in `to` is to destroy the file that is there, past the recycle bin.
    /// So each call says that both are to be kept; then 115 may give the moved one another name.
    ///
    /// **Shape**: form `fid[0]`, `pid`, `conflict_policy` = `{"ID":{"action":"keep_both"}}`.
    /// **Cost**: one call; one more if 115 refuses without a reason, to see whether it is there already.
    /// **Errors**: `NotFound`; `Denied` for a folder that is to go into itself.
    /// **Source**: protocol notes, writing part, §1.3.
    pub async fn relocate(&self, meter: &Meter, id: FileId, to: FileId) -> Result<(), Pan115Error> {
        let policy = Map::from_iter([(id.to_string(), json!({ "action": "keep_both" }))]);
        let policy = serde_json::Value::Object(policy).to_string();
        let call = Call {
            label: "move",
            host: Host::Web,
            path: "/files/move".to_owned(),
            form: None,
            agent: self.user_agent(),
            headers: Vec::new(),
        };
        let fields = [("pid", &*to.to_string()), ("conflict_policy", &policy)];
        let manner = Manner { encoded: Some(form("fid", &[id], &fields)), ..Manner::CHANGE };
        match self.call_in(meter, &call, &manner).await {
            Ok(_) => Ok(()),
            // A repeat of a move that was done may be refused so, because it changes nothing.
            Err(error) if error.kind == ErrorKind::Unknown => match self.info(meter, Wanted::Id(id)).await {
                Ok(found) if found.parent == Some(to) => Ok(()),
                _ => Err(error),
            },
            Err(error) => Err(error),
        }
    }

    /// Waits until what has been moved into the folder `to` is there, and tells what it is called there.
    ///
    /// 115 answers a move of a folder before it has made it, and may give it another name when it does.
    ///
    /// **Cost**: one call, and more if it takes its time.
    /// **Errors**: `NotFound`; `Busy` if it does not arrive.
    /// **Source**: protocol notes, writing part, §1.3.
    pub async fn arrived(&self, meter: &Meter, id: FileId, to: FileId) -> Result<Found, Pan115Error> {
        retry(LOOKS, BACKOFF, |_| async {
            match self.info(meter, Wanted::Id(id)).await {
                Ok(found) if found.parent == Some(to) => Step::Done(found),
                Ok(_) => Step::Again(
                    Pan115Error::new(
                        "move",
                        ErrorKind::Busy,
                        "115 has taken a move in hand, but it is not to be seen",
                    ),
                    None,
                ),
                Err(error) => Step::Fail(error),
            }
        })
        .await
    }
}

//! A second one.

use std::time::Duration;

use super::form;
use crate::model::{FileId, Meter, Node};
use crate::pan115::call::Call;
use crate::pan115::manner::{Lost, Manner};
use crate::pan115::{Client, ErrorKind, Host, Pan115Error};
use crate::transport::{Backoff, Step, retry};

/// Within about a minute a copy shows itself, or nothing has come of it.
const BACKOFF: Backoff = Backoff { first: Duration::from_secs(1), max: Duration::from_secs(8) };
const LOOKS: u32 = 10;

impl Client {
    /// Begins to copy a file or folder into the folder `to`, under the name it has.
    ///
    /// 115 does not say the id of the copy, and makes that of a folder after it has answered.
    ///
    /// **Shape**: form `fid[0]`, `pid`.
    /// **Cost**: one call. It is not repeated if its answer is lost: that could make two copies.
    /// **Errors**: `NotFound`; `NoSpace`; `Denied` for a folder into itself, or one of too many entries;
    /// one of `Transport`, `Server` and `Corrupt` if it is not known whether it was done.
    /// **Source**: protocol notes, writing part, §1.4.
    pub async fn copy(&self, meter: &Meter, id: FileId, to: FileId) -> Result<(), Pan115Error> {
        let call = Call {
            label: "copy",
            host: Host::Web,
            path: "/files/copy".to_owned(),
            form: None,
            agent: self.user_agent(),
            headers: Vec::new(),
        };
        let encoded = Some(form("fid", &[id], &[("pid", &to.to_string())]));
        let manner = Manner { encoded, lost: Lost::Final, ..Manner::CHANGE };
        self.call_in(meter, &call, &manner).await.map(|_| ())
    }

    /// Waits until the copy that was begun into `folder`, which is empty otherwise, is to be seen there.
    /// It may not be complete; 115 moves it only when it is.
    ///
    /// **Cost**: one call, and more if it takes its time.
    /// **Errors**: `Busy` if it does not show; `Corrupt` if there is more than it.
    pub async fn copy_in(&self, meter: &Meter, folder: FileId) -> Result<Node, Pan115Error> {
        retry(LOOKS, BACKOFF, |_| async {
            let mut nodes = match self.list(meter, folder).await {
                Ok(nodes) => nodes,
                Err(error) => return Step::Fail(error),
            };
            match (nodes.pop(), nodes.is_empty()) {
                (Some(node), true) => Step::Done(node),
                (None, _) => Step::Again(
                    Pan115Error::new(
                        "copy",
                        ErrorKind::Busy,
                        "115 has taken a copy in hand, but none is to be seen",
                    ),
                    None,
                ),
                (Some(_), false) => Step::Fail(Pan115Error::new(
                    "copy",
                    ErrorKind::Corrupt,
                    "where one copy was made there are several things",
                )),
            }
        })
        .await
    }
}

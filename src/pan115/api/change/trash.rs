//! Into the recycle bin.

use super::form;
use crate::model::{FileId, Meter};
use crate::pan115::call::Call;
use crate::pan115::manner::{Lost, Manner};
use crate::pan115::{Client, ErrorKind, Host, Pan115Error};

impl Client {
    /// Puts files and folders, which are in `parent`, into the recycle bin.
    ///
    /// With files alone it is done when the answer comes; a folder may take longer, and 115 refuses further changes meanwhile.
    ///
    /// **Shape**: form `fid[0]…`, `pid`, `ignore_warn=1`, without which 115 may want a confirmation.
    /// **Cost**: one call.
    /// **Errors**: `NotFound` if one of them is gone: then none was put there.
    /// **Source**: protocol notes, writing part, §1.5.
    pub async fn trash(&self, meter: &Meter, ids: &[FileId], parent: FileId) -> Result<(), Pan115Error> {
        let call = Call {
            label: "rb_delete",
            host: Host::Web,
            path: "/rb/delete".to_owned(),
            form: None,
            agent: self.user_agent(),
            headers: Vec::new(),
        };
        let encoded = Some(form("fid", ids, &[("pid", &parent.to_string()), ("ignore_warn", "1")]));
        let manner = Manner { encoded, lost: Lost::RepeatUntil(ErrorKind::NotFound), ..Manner::CHANGE };
        self.call_in(meter, &call, &manner).await.map(|_| ())
    }
}

//! Copying a file of a share into the account's own drive.

use super::fault::explain;
use super::receive_code;
use crate::model::{FileId, Meter, Node, ShareLink};
use crate::pan115::call::Call;
use crate::pan115::manner::{Lost, Manner};
use crate::pan115::{Client, Host, Pan115Error};

const LABEL: &str = "share_receive";
/// A second copy would lie beside the first.
const MANNER: Manner<'_> = Manner { lost: Lost::Never, ..Manner::QUESTION };

/// What 115 says to a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receipt {
    /// It is made, and listed in a moment.
    Received,
    /// It was made before, wherever it may be by now.
    ReceivedBefore,
    /// The account has no space left.
    NoSpace,
    /// The folder to copy into does not exist.
    NoFolder,
}

impl Client {
    /// Copies `file` of `share` into the account's own `folder`. What it is called there is for a listing to tell.
    ///
    /// **Shape**: form `share_code`, `receive_code`, `file_id` and `cid`; the answer holds no id of the copy.
    /// **Cost**: one call. It is not repeated whatever becomes of it: the copy may be made although the answer is lost,
    /// and a second one would lie beside it.
    /// **Errors**: those of the share; `Denied` for what cannot be received; `Busy` while 115 is at work on another copy.
    /// **Source**: protocol notes, reading part, §5.3 and §5.7, and writing part, §5.1 and §7.
    pub async fn share_receive(
        &self,
        meter: &Meter,
        share: &ShareLink,
        file: &Node,
        folder: FileId,
    ) -> Result<Receipt, Pan115Error> {
        let form = [
            ("share_code", share.code.clone()),
            ("receive_code", receive_code(share).to_owned()),
            ("file_id", file.pick_code.as_str().to_owned()),
            ("cid", folder.to_string()),
        ];
        let path = "/share/receive".to_owned();
        let agent = self.user_agent();
        let call =
            Call { label: LABEL, host: Host::Web, path, form: Some(&form), agent, headers: Vec::new() };
        match self.call_in(meter, &call, &MANNER).await {
            Ok(_) => Ok(Receipt::Received),
            Err(error) => match error.code {
                4_200_045 => Ok(Receipt::ReceivedBefore),
                91_005 => Ok(Receipt::NoSpace),
                20_018 => Ok(Receipt::NoFolder),
                _ => Err(explain(share, error)),
            },
        }
    }
}

//! Out of the recycle bin, for good.

use serde::Deserialize;

use super::form;
use crate::model::{FileId, Meter};
use crate::pan115::call::Call;
use crate::pan115::manner::Manner;
use crate::pan115::wire::Scalar;
use crate::pan115::{Client, ErrorKind, Host, Pan115Error};

const LABEL: &str = "rb_clean";

#[derive(Deserialize)]
struct BinWire<'a> {
    #[serde(default, borrow)]
    rb_pass: Scalar<'a>,
}

impl Client {
    /// Deletes from the recycle bin what has these ids, and nothing else.
    ///
    /// 115 takes a call that names nothing for one that means everything, and is said to have emptied a whole bin
    /// after a call with a wrong security key. So without ids no call is made, and none while the bin has a key.
    ///
    /// **Shape**: form `rid[0]…`; before that, `rb_pass` of a page of the bin.
    /// **Cost**: two calls.
    /// **Errors**: `Denied` if the bin has a security key.
    /// **Source**: protocol notes, writing part, §1.6.
    pub async fn purge(&self, meter: &Meter, ids: &[FileId]) -> Result<(), Pan115Error> {
        if ids.is_empty() {
            return Ok(());
        }
        let call = |label, path: &str| Call {
            label,
            host: Host::Web,
            path: path.to_owned(),
            form: None,
            agent: self.user_agent(),
            headers: Vec::new(),
        };
        let bin = call("rb_list", "/rb?aid=7&cid=0&limit=1&offset=0&format=json");
        let bin = self.call(meter, &bin).await?;
        if is_locked(&bin.body) {
            return Err(Pan115Error::new(
                LABEL,
                ErrorKind::Denied,
                "the recycle bin of the account has a security key, so nothing is deleted from it; \
                 switch the key off in 115's settings, or empty the bin there",
            ));
        }
        let manner = Manner { encoded: Some(form("rid", ids, &[])), ..Manner::CHANGE };
        self.call_in(meter, &call(LABEL, "/rb/clean"), &manner).await.map(|_| ())
    }
}

/// Whatever does not clearly say that there is no key counts as one.
fn is_locked(body: &[u8]) -> bool {
    let wire: Option<BinWire<'_>> = serde_json::from_slice(body).ok();
    wire.and_then(|wire| wire.rb_pass.as_i64()) != Some(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bin_is_open_only_if_115_says_so() {
        for body in [r#"{"state":true,"rb_pass":0,"data":[]}"#, r#"{"state":true,"rb_pass":"0"}"#] {
            assert!(!is_locked(body.as_bytes()), "{body}");
        }
        for body in [r#"{"state":true,"rb_pass":1}"#, r#"{"state":true}"#, "[]"] {
            assert!(is_locked(body.as_bytes()), "{body}");
        }
    }
}

//! Calls about uploads: who may upload what, the announcement, the keys of the object storage.

mod init;
mod keys;
mod sample;

use serde::Deserialize;
use tokio::sync::Mutex;

use crate::model::{Meter, Secret};
use crate::pan115::call::Call;
use crate::pan115::wire::Scalar;
use crate::pan115::{Client, ErrorKind, Host, Pan115Error};

pub use init::Announcement;
pub(in crate::pan115) use keys::{StorageKeys, StoragePlace};

const LABEL: &str = "uploadinfo";

/// What an account is told once about its uploads.
pub(in crate::pan115) struct Uploader {
    /// Of the client that 115 is to take this for.
    version: String,
    /// Not held across calls of others: whoever comes meanwhile waits for the same answer.
    known: Mutex<Option<UploadInfo>>,
}

/// 115 refuses versions that are too old; this one it is known to take.
/// **Source**: protocol notes, writing part, §2.3.3.
const VERSION: &str = "36.2.28";

impl Default for Uploader {
    fn default() -> Self {
        Self::of_version(VERSION)
    }
}

impl Uploader {
    pub(in crate::pan115) fn of_version(version: &str) -> Self {
        Self { version: version.to_owned(), known: Mutex::default() }
    }
}

/// Who uploads, and within which limits.
#[derive(Clone)]
struct UploadInfo {
    user: String,
    user_key: Secret,
    size_limit: u64,
}

#[derive(Deserialize)]
struct ReplyWire<'a> {
    #[serde(default, borrow)]
    userkey: Scalar<'a>,
    #[serde(default, borrow)]
    size_limit: Scalar<'a>,
    #[serde(default, borrow)]
    upload_allowed: Scalar<'a>,
    #[serde(default, borrow)]
    upload_allowed_msg: Scalar<'a>,
}

impl Client {
    /// The longest file the account may upload, in bytes.
    ///
    /// **Cost**: one call, the first time.
    /// **Errors**: `Denied` if it may upload nothing.
    pub async fn upload_limit(&self, meter: &Meter) -> Result<u64, Pan115Error> {
        Ok(self.upload_info(meter).await?.size_limit)
    }

    /// **Shape**: `{"user_id":1,"userkey":"…","size_limit":123480309760,"upload_allowed":true}`.
    /// **Source**: protocol notes, writing part, §2.1.
    async fn upload_info(&self, meter: &Meter) -> Result<UploadInfo, Pan115Error> {
        let mut known = self.uploader.known.lock().await;
        // The call below says why there is no user.
        let user = self.session.user().await.unwrap_or_default();
        if let Some(info) = known.as_ref().filter(|info| info.user == user) {
            return Ok(info.clone());
        }
        let call = Call {
            label: LABEL,
            host: Host::Web,
            path: "/files/uploadinfo".to_owned(),
            form: None,
            agent: self.user_agent(),
            headers: Vec::new(),
        };
        let reply = self.call(meter, &call).await?;
        let info = read(&reply.body, user)?;
        *known = Some(info.clone());
        Ok(info)
    }
}

fn read(body: &[u8], user: String) -> Result<UploadInfo, Pan115Error> {
    let corrupt = |what| Pan115Error::new(LABEL, ErrorKind::Corrupt, format!("115 did not say {what}"));
    let wire: ReplyWire<'_> = serde_json::from_slice(body).map_err(|_| corrupt("who may upload"))?;
    if !wire.upload_allowed.is_none() && !wire.upload_allowed.is_true() {
        let said = crate::pan115::error::quoted(wire.upload_allowed_msg.as_text().unwrap_or_default());
        let message = format!("115 lets the account upload nothing and says {said}");
        return Err(Pan115Error::new(LABEL, ErrorKind::Denied, message));
    }
    let user_key = wire.userkey.as_text().ok_or_else(|| corrupt("with which key to upload"))?;
    let size_limit = wire.size_limit.as_u64().ok_or_else(|| corrupt("how long a file may be"))?;
    Ok(UploadInfo { user, user_key: Secret::new(user_key), size_limit })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_that_may_upload_nothing_is_told_so() {
        let good = r#"{"state":true,"userkey":"AB","size_limit":"123480309760","upload_allowed":true}"#;
        let info = read(good.as_bytes(), "1".to_owned()).unwrap();
        assert_eq!((info.size_limit, info.user_key.expose()), (115 << 30, "AB"));
        let refused = good.replace("true}", "false,\"upload_allowed_msg\":\"空间\"}");
        let error = read(refused.as_bytes(), "1".to_owned()).err().unwrap();
        assert!(error.kind == ErrorKind::Denied && error.message.contains("空间"));
        let error = read(br#"{"state":true}"#, "1".to_owned()).err().unwrap();
        assert_eq!(error.kind, ErrorKind::Corrupt);
    }
}

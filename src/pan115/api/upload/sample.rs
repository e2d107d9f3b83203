//! The upload of an empty file in the way that needs no announcement, in case 115 takes no announcement of it.

use bytes::Bytes;
use serde::Deserialize;
use url::Url;

use crate::model::{Meter, UploadTarget};
use crate::pan115::call::Call;
use crate::pan115::envelope;
use crate::pan115::manner::Manner;
use crate::pan115::storage::{Finished, Multipart};
use crate::pan115::wire::Scalar;
use crate::pan115::{Client, ErrorKind, Host, Pan115Error};

const LABEL: &str = "sampleinitupload";

#[derive(Deserialize)]
struct ReplyWire<'a> {
    #[serde(default, borrow)]
    object: Scalar<'a>,
    #[serde(default, borrow)]
    accessid: Scalar<'a>,
    #[serde(default, borrow)]
    host: Scalar<'a>,
    #[serde(default, borrow)]
    policy: Scalar<'a>,
    #[serde(default, borrow)]
    signature: Scalar<'a>,
    #[serde(default, borrow)]
    callback: Scalar<'a>,
}

impl Client {
    /// Makes an empty file.
    ///
    /// **Shape**: form `userid`, `filename`, `filesize`, `target`; the answer holds the fields of a form for the object storage,
    /// whose answer is 115's own.
    /// **Cost**: one call, and one request to the object storage.
    /// **Source**: protocol notes, writing part, §2.5.
    pub async fn upload_nothing(
        &self,
        meter: &Meter,
        target: &UploadTarget,
    ) -> Result<Finished, Pan115Error> {
        let info = self.upload_info(meter).await?;
        let form = [
            ("userid", info.user),
            ("filename", target.name.to_string()),
            ("filesize", "0".to_owned()),
            ("target", format!("U_1_{}", target.parent)),
        ];
        let call = Call {
            label: LABEL,
            host: Host::Upload,
            path: "/3.0/sampleinitupload.php".to_owned(),
            form: Some(&form),
            agent: self.user_agent(),
            headers: Vec::new(),
        };
        // It has no envelope if it is a success.
        let read = |body: &Bytes| match fields(body, target) {
            Some(_) => Ok(body.clone()),
            None => envelope::check(body).map(|()| body.clone()),
        };
        let manner = Manner { read: Some(&read), ..Manner::CHANGE };
        let reply = self.call_in(meter, &call, &manner).await?;
        let (domain, form) = fields(&reply.body, target).ok_or_else(|| {
            Pan115Error::new(LABEL, ErrorKind::Corrupt, "115 did not say where to send an empty file")
        })?;
        self.post_form(&domain, &form, target).await
    }
}

/// The domain to send to, and what.
fn fields(body: &[u8], target: &UploadTarget) -> Option<(String, Multipart)> {
    let wire: ReplyWire<'_> = serde_json::from_slice(body).ok()?;
    let host = Url::parse(wire.host.as_text()?).ok()?;
    let mut form = Multipart::new();
    for (name, value) in [
        ("name", &*target.name),
        ("key", wire.object.as_text()?),
        ("policy", wire.policy.as_text()?),
        ("OSSAccessKeyId", wire.accessid.as_text()?),
        ("success_action_status", "200"),
        ("callback", wire.callback.as_text()?),
        ("signature", wire.signature.as_text()?),
    ] {
        form.field(name, value)?;
    }
    Some((host.domain()?.to_owned(), form))
}

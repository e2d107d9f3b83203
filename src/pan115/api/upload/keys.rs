//! Where the object storage is, and the keys it is used with.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use serde::Deserialize;

use crate::model::{Meter, Secret};
use crate::pan115::call::Call;
use crate::pan115::envelope::{self, Failure};
use crate::pan115::error::quoted;
use crate::pan115::manner::Manner;
use crate::pan115::wire::Scalar;
use crate::pan115::{Client, ErrorKind, Host, Pan115Error};

const LABEL: &str = "gettoken";
const PLACE_LABEL: &str = "getuploadinfo";

/// How long keys are good for if 115 does not say.
/// **Source**: protocol notes, writing part, §2.2.
const LIFE: Duration = Duration::from_secs(50 * 60);

/// Keys of the object storage, for about an hour.
#[derive(Clone)]
pub(in crate::pan115) struct StorageKeys {
    pub(in crate::pan115) id: Secret,
    pub(in crate::pan115) secret: Secret,
    pub(in crate::pan115) token: Secret,
    pub(in crate::pan115) expires: SystemTime,
}

/// The domain of the object storage, below which each bucket has one of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::pan115) struct StoragePlace(pub(in crate::pan115) String);

#[derive(Deserialize)]
struct KeysWire<'a> {
    #[serde(default, borrow, rename = "StatusCode")]
    status: Scalar<'a>,
    #[serde(default, borrow, rename = "AccessKeyId")]
    id: Scalar<'a>,
    #[serde(default, borrow, rename = "AccessKeySecret")]
    secret: Scalar<'a>,
    #[serde(default, borrow, rename = "SecurityToken")]
    token: Scalar<'a>,
    #[serde(default, borrow, rename = "Expiration", alias = "expiration")]
    expiration: Scalar<'a>,
    #[serde(default, borrow, rename = "ErrorMessage")]
    message: Scalar<'a>,
}

#[derive(Deserialize)]
struct PlaceWire<'a> {
    #[serde(default, borrow)]
    endpoint: Scalar<'a>,
}

impl Client {
    /// New keys of the object storage.
    ///
    /// **Shape**: `{"StatusCode":"200","AccessKeyId":"…","AccessKeySecret":"…","SecurityToken":"…","Expiration":"…Z"}`.
    /// **Cost**: one call.
    /// **Source**: protocol notes, writing part, §2.2.
    pub(in crate::pan115) async fn new_storage_keys(
        &self,
        meter: &Meter,
    ) -> Result<StorageKeys, Pan115Error> {
        let body = self.ask_uploader(meter, LABEL, "/3.0/gettoken.php", &read_keys).await?;
        keys(&body)
            .ok_or_else(|| Pan115Error::new(LABEL, ErrorKind::Corrupt, "115 gave no keys for its storage"))
    }

    /// Where the object storage is.
    ///
    /// **Shape**: `{"endpoint":"http://oss-cn-shenzhen.aliyuncs.com"}`, with or without the scheme.
    /// **Cost**: one call.
    /// **Source**: protocol notes, writing part, §2.2.
    pub(in crate::pan115) async fn storage_place(&self, meter: &Meter) -> Result<StoragePlace, Pan115Error> {
        let body = self.ask_uploader(meter, PLACE_LABEL, "/3.0/getuploadinfo.php", &read_place).await?;
        place(&body).ok_or_else(|| {
            Pan115Error::new(PLACE_LABEL, ErrorKind::Corrupt, "115 did not say where its storage is")
        })
    }

    async fn ask_uploader(
        &self,
        meter: &Meter,
        label: &'static str,
        path: &str,
        read: &(dyn Fn(&Bytes) -> Result<Bytes, Failure> + Sync),
    ) -> Result<Bytes, Pan115Error> {
        let call = Call {
            label,
            host: Host::Upload,
            path: path.to_owned(),
            form: None,
            agent: self.user_agent(),
            headers: Vec::new(),
        };
        let manner = Manner { read: Some(read), ..Manner::QUESTION };
        Ok(self.call_in(meter, &call, &manner).await?.body)
    }
}

fn read_keys(body: &Bytes) -> Result<Bytes, Failure> {
    let wire: Option<KeysWire<'_>> = serde_json::from_slice(body).ok();
    match wire {
        Some(wire) if wire.status.as_u64() == Some(200) && keys(body).is_some() => Ok(body.clone()),
        Some(wire) if !wire.status.is_none() => Err(Failure {
            kind: ErrorKind::Server,
            code: wire.status.as_i64().unwrap_or(0),
            message: format!(
                "115 gives no keys for its storage and says {}",
                quoted(wire.message.as_text().unwrap_or_default())
            ),
            wanted_order: None,
        }),
        _ => Err(not_this(body)),
    }
}

fn read_place(body: &Bytes) -> Result<Bytes, Failure> {
    if place(body).is_some() { Ok(body.clone()) } else { Err(not_this(body)) }
}

/// What else it may be: a failure in the usual envelope, or nonsense.
fn not_this(body: &[u8]) -> Failure {
    envelope::check(body).err().unwrap_or(Failure {
        kind: ErrorKind::Corrupt,
        code: 0,
        message: "115 sent something else than was asked for".to_owned(),
        wanted_order: None,
    })
}

fn keys(body: &[u8]) -> Option<StorageKeys> {
    let wire: KeysWire<'_> = serde_json::from_slice(body).ok()?;
    let secret = |scalar: &Scalar<'_>| scalar.as_text().map(Secret::new);
    let stated = wire.expiration.as_text().and_then(|text| humantime::parse_rfc3339(text).ok());
    Some(StorageKeys {
        id: secret(&wire.id)?,
        secret: secret(&wire.secret)?,
        token: secret(&wire.token)?,
        expires: stated.unwrap_or_else(|| SystemTime::now() + LIFE),
    })
}

fn place(body: &[u8]) -> Option<StoragePlace> {
    let wire: PlaceWire<'_> = serde_json::from_slice(body).ok()?;
    let text = wire.endpoint.as_text()?;
    let domain = text.split_once("://").map_or(text, |(_, domain)| domain).trim_end_matches('/');
    let is_domain = !domain.is_empty()
        && domain.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'))
        && !domain.starts_with('.');
    is_domain.then(|| StoragePlace(domain.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_taken_only_if_115_says_that_they_are_good() {
        let good = r#"{"StatusCode":"200","AccessKeyId":"a","AccessKeySecret":"b","SecurityToken":"c","Expiration":"2026-11-24T10:00:00Z"}"#;
        let body = read_keys(&good.as_bytes().to_vec().into()).unwrap();
        assert_eq!(keys(&body).unwrap().expires, humantime::parse_rfc3339("2026-11-24T10:00:00Z").unwrap());
        let refused = r#"{"StatusCode":"403","ErrorCode":"x","ErrorMessage":"no"}"#;
        assert_eq!(read_keys(&refused.as_bytes().to_vec().into()).unwrap_err().kind, ErrorKind::Server);
        let signed_out = r#"{"state":false,"errno":99,"error":"请重新登录"}"#;
        assert_eq!(read_keys(&signed_out.as_bytes().to_vec().into()).unwrap_err().kind, ErrorKind::SignedOut);
        assert_eq!(read_keys(&b"{}".to_vec().into()).unwrap_err().kind, ErrorKind::Corrupt);
    }

    #[test]
    fn the_place_is_a_domain_however_it_is_written() {
        for text in ["http://oss.example.com", "https://oss.example.com/", "oss.example.com"] {
            let body = format!(r#"{{"endpoint":"{text}","bucket":"b"}}"#);
            assert_eq!(place(body.as_bytes()), Some(StoragePlace("oss.example.com".to_owned())));
        }
        for text in ["", "http://", "a/b", "user@host", ".x"] {
            assert_eq!(place(format!(r#"{{"endpoint":"{text}"}}"#).as_bytes()), None, "{text}");
        }
    }
}

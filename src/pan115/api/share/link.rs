//! Download links of files in a share, in each of the ways 115 has.

use std::time::{SystemTime, UNIX_EPOCH};

use http::HeaderValue;
use http::header::ACCEPT;
use serde::Deserialize;

use super::fault::explain;
use super::{query, receive_code};
use crate::crypto::m115;
use crate::model::{Link, LinkBinding, Meter, Node, Secret, ShareLink};
use crate::pan115::api::download::{UrlWire, link_cookie, terms, usable_url};
use crate::pan115::call::Call;
use crate::pan115::wire::Scalar;
use crate::pan115::{Client, ErrorKind, Host, Pan115Error};

/// The largest file the web host gives a link to.
/// **Source**: protocol notes, reading part, §5.5.
const WEB_MAX_BYTES: u64 = 200 << 20;

/// A way to a link. They are in the order to try them in: the plain and unlimited one first.
///
/// **Source**: protocol notes, reading part, §5.5 and §5.6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShareWay {
    /// The client application for Windows: plain, for files of any size.
    Windows,
    /// Encrypted; only for the User-Agent of a 115 client.
    Encrypted,
    /// The web: plain, for files of up to 200 MB.
    Web,
    /// Without a login, if the sharer allows it and has quota for it.
    WithoutLogin,
}

impl ShareWay {
    /// Every way.
    pub const ALL: [Self; 4] = [Self::Windows, Self::Encrypted, Self::Web, Self::WithoutLogin];

    /// Whether an account must be signed in.
    pub fn needs_login(self) -> bool {
        self != Self::WithoutLogin
    }

    /// Whether it leads to a file of `size` bytes.
    pub fn takes(self, size: u64) -> bool {
        self != Self::Web || size <= WEB_MAX_BYTES
    }

    fn label(self) -> &'static str {
        match self {
            Self::Windows => "share_downurl_windows",
            Self::Encrypted => "share_downurl",
            Self::Web => "share_downurl_web",
            Self::WithoutLogin => "share_skip_login_downurl",
        }
    }
}

#[derive(Deserialize)]
struct OuterWire<'a> {
    #[serde(borrow)]
    data: FileWire<'a>,
}

#[derive(Deserialize)]
struct SealedWire<'a> {
    #[serde(default, borrow)]
    data: Scalar<'a>,
}

#[derive(Deserialize)]
struct FileWire<'a> {
    #[serde(default, borrow)]
    fid: Scalar<'a>,
    /// An object, or `false` for what cannot be downloaded.
    #[serde(default)]
    url: UrlWire,
}

impl Client {
    /// Asks in one way for a link to `file` of `share`. The link is bound to this client's own `User-Agent`.
    ///
    /// **Shape**: `share_code`, `receive_code` and `file_id` as query, form or m115 of an object (then with an `Accept` of JSON);
    /// the answer's `data` is `{"fid":"…","url":{"url":"https://…"}}`, for the encrypted way m115 of it.
    /// **Cost**: one call.
    /// **Errors**: `Denied` if the way is closed to this client or file; `NoLink` if the answer holds none;
    /// `SignedOut` if a login is wanted.
    pub async fn share_link(
        &self,
        meter: &Meter,
        way: ShareWay,
        share: &ShareLink,
        file: &Node,
    ) -> Result<Link, Pan115Error> {
        let id = file.pick_code.as_str();
        let agent = self.user_agent();
        let (key, mut form) = (m115::random_key(), Vec::new());
        let (host, path) = match way {
            ShareWay::Windows => {
                (Host::App, format!("/os_windows/2.0/share/downurl?{}&file_id={id}", query(share)))
            }
            ShareWay::Web => (Host::Web, format!("/share/downurl?{}&file_id={id}&dl=1", query(share))),
            ShareWay::Encrypted => {
                let plain = serde_json::json!({
                    "share_code": share.code, "receive_code": receive_code(share), "file_id": id,
                });
                form.push(("data", m115::encode(&self.public_key, &key, plain.to_string().as_bytes())));
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
                (Host::App, format!("/app/share/downurl?t={now}"))
            }
            ShareWay::WithoutLogin => {
                form.push(("share_code", share.code.clone()));
                form.push(("receive_code", receive_code(share).to_owned()));
                form.push(("file_id", id.to_owned()));
                (Host::Web, "/share/skip_login_downurl".to_owned())
            }
        };
        let form = (!form.is_empty()).then_some(form);
        let accept = (ACCEPT, HeaderValue::from_static("application/json"));
        let headers = Vec::from_iter((way == ShareWay::Encrypted).then_some(accept));
        let call = Call { label: way.label(), host, path, form: form.as_deref(), agent, headers };
        let reply = self.call(meter, &call).await.map_err(|error| explain(share, error))?;
        let url = if way == ShareWay::Encrypted {
            let sealed: SealedWire<'_> =
                serde_json::from_slice(&reply.body).map_err(|_| corrupt(way, "has no data"))?;
            let Some(sealed) = sealed.data.as_text() else { return Err(no_link(way)) };
            let plain = m115::decode(&self.public_key, &key, sealed)
                .map_err(|error| corrupt(way, &format!("cannot be decrypted: {error}")))?;
            pick_url(way, serde_json::from_slice(&plain).ok(), id)?
        } else {
            let outer: Option<OuterWire<'_>> = serde_json::from_slice(&reply.body).ok();
            pick_url(way, outer.map(|outer| outer.data), id)?
        };
        Ok(Link {
            terms: terms(&url),
            url: Secret::new(url),
            binding: LinkBinding::to_agent(agent),
            cookie: link_cookie(&reply.headers),
        })
    }
}

fn pick_url(way: ShareWay, file: Option<FileWire<'_>>, id: &str) -> Result<String, Pan115Error> {
    let file = file.ok_or_else(|| corrupt(way, "has not the form of a link"))?;
    let stated = file.fid.as_u64().map(|fid| fid.to_string());
    if stated.is_some_and(|stated| stated != id) {
        return Err(corrupt(way, "is about another file"));
    }
    let UrlWire::Given { url } = file.url else { return Err(no_link(way)) };
    if usable_url(&url) { Ok(url) } else { Err(corrupt(way, "holds a link without a host")) }
}

fn fail(way: ShareWay, kind: ErrorKind, message: String) -> Pan115Error {
    Pan115Error { endpoint: way.label(), kind, code: 0, message, wanted_order: None }
}

fn corrupt(way: ShareWay, what: &str) -> Pan115Error {
    fail(way, ErrorKind::Corrupt, format!("the answer to a download link of a share {what}"))
}

fn no_link(way: ShareWay) -> Pan115Error {
    let message = "115 gives no download link for this file of the share at present, and no reason";
    fail(way, ErrorKind::NoLink, message.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_taken_only_if_it_is_one_to_the_file_asked_for() {
        let pick = |json: &'static str| pick_url(ShareWay::Windows, serde_json::from_str(json).ok(), "258");
        let good = r#"{"fid":"258","fs":9,"url":{"url":"https://host/x?f=1","client":0}}"#;
        assert_eq!(pick(good).unwrap(), "https://host/x?f=1");
        for (json, kind) in [
            (r#"{"fid":259,"url":{"url":"https://host/x"}}"#, ErrorKind::Corrupt),
            (r#"{"fid":258,"url":false}"#, ErrorKind::NoLink),
            (r#"{"fid":258,"url":{"url":"https:///"}}"#, ErrorKind::Corrupt),
            ("[1]", ErrorKind::Corrupt),
            (r#""""#, ErrorKind::Corrupt),
        ] {
            assert_eq!(pick(json).unwrap_err().kind, kind, "{json}");
        }
    }
}

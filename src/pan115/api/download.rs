//! Download links of an account's own files.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::HeaderMap;
use http::header::SET_COOKIE;
use serde::Deserialize;
use url::Url;

use crate::crypto::m115;
use crate::model::{HeaderDemand, Link, LinkBinding, LinkTerms, Meter, PickCode, Secret};
use crate::pan115::call::Call;
use crate::pan115::wire::Scalar;
use crate::pan115::{Client, ErrorKind, Host, Pan115Error};

const LABEL: &str = "downurl";

#[derive(Deserialize)]
struct OuterWire<'a> {
    #[serde(default, borrow)]
    data: Scalar<'a>,
}

/// One file of the decrypted answer, which is a map by file id.
#[derive(Deserialize)]
struct FileWire<'a> {
    #[serde(default, borrow)]
    pick_code: Scalar<'a>,
    /// An object, or `false` for what cannot be downloaded.
    #[serde(default)]
    url: UrlWire,
}

#[derive(Default, Deserialize)]
#[serde(untagged)]
pub(super) enum UrlWire {
    Given {
        url: String,
    },
    #[default]
    Refused,
    #[expect(dead_code, reason = "whatever else 115 puts here is read as a refusal")]
    Other(serde_json::Value),
}

impl Client {
    /// Asks for a link to the file with `pick_code`, with the `User-Agent` of `binding`.
    ///
    /// **Shape**: form `data` = m115 of `{"pickcode":"…"}`; the answer's `data` is m115 of
    /// `{"FILE_ID":{"pick_code":"…","url":{"url":"https://…"}}}`.
    /// **Cost**: one call.
    /// **Errors**: `NoLink` if the answer holds none; `NotFound` if the file was deleted; `Denied` for censored content.
    /// **Source**: protocol notes, reading part, §4.1 (D1) and §4.2.
    pub async fn download_link(
        &self,
        meter: &Meter,
        pick_code: &PickCode,
        binding: &LinkBinding,
    ) -> Result<Link, Pan115Error> {
        let key = m115::random_key();
        let plain = serde_json::json!({ "pickcode": pick_code.as_str() }).to_string();
        let form = [("data", m115::encode(&self.public_key, &key, plain.as_bytes()))];
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let call = Call {
            label: LABEL,
            host: Host::App,
            path: format!("/app/chrome/downurl?t={now}"),
            form: Some(&form),
            agent: binding.agent(),
            headers: Vec::new(),
        };
        let reply = self.call(meter, &call).await?;
        let outer: OuterWire<'_> = serde_json::from_slice(&reply.body).map_err(|_| corrupt("has no data"))?;
        let Some(encrypted) = outer.data.as_text() else { return Err(no_link()) };
        let plain = m115::decode(&self.public_key, &key, encrypted)
            .map_err(|error| corrupt(&format!("cannot be decrypted: {error}")))?;
        Ok(Link { cookie: link_cookie(&reply.headers), ..read_link(&plain, pick_code, binding)? })
    }
}

/// The link to the file with `pick_code` and its terms, read from a decrypted answer as [`Client::download_link`] reads it.
///
/// By itself for whoever has such an answer at hand, such as the benchmark of reading them.
///
/// **Errors**: `NoLink` if it holds none; `Corrupt` if it cannot be read.
pub fn read_link(plain: &[u8], pick_code: &PickCode, binding: &LinkBinding) -> Result<Link, Pan115Error> {
    let url = pick_url(plain, pick_code)?;
    Ok(Link { terms: terms(&url), url: Secret::new(url), binding: binding.clone(), cookie: None })
}

fn corrupt(what: &str) -> Pan115Error {
    let message = format!("the answer to a download link {what}");
    Pan115Error { endpoint: LABEL, kind: ErrorKind::Corrupt, code: 0, message, wanted_order: None }
}

/// 115 does not say that the file is gone, only that it gives no link; so nobody may conclude the former.
fn no_link() -> Pan115Error {
    Pan115Error {
        endpoint: LABEL,
        kind: ErrorKind::NoLink,
        code: 0,
        message: "115 gives no download link for this file at present, and no reason".to_owned(),
        wanted_order: None,
    }
}

/// The URL of the file in the decrypted answer.
fn pick_url(plain: &[u8], pick_code: &PickCode) -> Result<String, Pan115Error> {
    let files: HashMap<String, FileWire<'_>> = match serde_json::from_slice(plain) {
        Ok(files) => files,
        // An empty array stands for an empty map.
        Err(_) if plain.trim_ascii() == b"[]" => HashMap::new(),
        Err(_) => return Err(corrupt("is not a map of files")),
    };
    let is_alone = files.len() == 1;
    let file = files
        .into_values()
        .find(|file| is_alone || file.pick_code.as_text() == Some(pick_code.as_str()))
        .ok_or_else(no_link)?;
    let UrlWire::Given { url } = file.url else { return Err(no_link()) };
    if usable_url(&url) { Ok(url) } else { Err(corrupt("holds a link without a host")) }
}

/// Whether a link leads anywhere: `https:///` has been seen.
pub(super) fn usable_url(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        && !url.contains(":///")
}

/// What a link says of itself in its query string.
///
/// **Source**: protocol notes, reading part, §4.4. An `f` that is not known is taken for the strictest.
pub(super) fn terms(url: &str) -> LinkTerms {
    let (mut expires, mut max_open, mut demand) = (None, None, HeaderDemand::SameAgent);
    if let Ok(url) = Url::parse(url) {
        for (key, value) in url.query_pairs() {
            match (&*key, &*value) {
                ("t", seconds) => {
                    expires =
                        seconds.parse().ok().and_then(|s| UNIX_EPOCH.checked_add(Duration::from_secs(s)));
                }
                ("c", count) => max_open = count.parse().ok().filter(|&count| count > 0),
                ("f", "") => demand = HeaderDemand::None,
                ("f", "1") => demand = HeaderDemand::SameAgent,
                ("f", _) => demand = HeaderDemand::SameAgentAndCookie,
                _ => {}
            }
        }
    }
    LinkTerms { expires, max_open, demand }
}

/// All cookies the answer sets, as one `Cookie` header. The account's own cookie is never sent to a download server.
pub(super) fn link_cookie(headers: &HeaderMap) -> Option<Secret> {
    let cookies: Vec<&str> = headers
        .get_all(SET_COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok()?.split(';').next())
        .map(str::trim)
        .filter(|pair| pair.contains('='))
        .collect();
    (!cookies.is_empty()).then(|| Secret::new(cookies.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://cdnfhnfile.115cdn.net/0123/a%20film.mkv?t=1764003600&u=1&c=2&f=&k=01&v=1";

    fn code() -> PickCode {
        PickCode::new("a82z4bk5m30arhgqn").unwrap()
    }

    #[test]
    fn a_link_states_its_terms() {
        let unbound = LinkTerms {
            expires: Some(UNIX_EPOCH + Duration::from_secs(1_764_003_600)),
            max_open: Some(2),
            demand: HeaderDemand::None,
        };
        assert_eq!(terms(URL), unbound);
        assert_eq!(terms(&URL.replace("f=&", "f=1&")).demand, HeaderDemand::SameAgent);
        assert_eq!(terms(&URL.replace("f=&", "f=3&")).demand, HeaderDemand::SameAgentAndCookie);
        assert_eq!(terms(&URL.replace("f=&", "f=7&")).demand, HeaderDemand::SameAgentAndCookie);
        assert_eq!(terms(&URL.replace("f=&", "")).demand, HeaderDemand::SameAgent);
        assert_eq!(terms(&URL.replace("c=2", "c=0")).max_open, None);
        assert_eq!(terms(&URL.replace("t=1764003600", "t=x")).expires, None);
    }

    #[test]
    fn the_url_is_taken_from_every_known_form_of_the_answer() {
        let answer = format!(
            r#"{{"258":{{"file_size":"9","pick_code":"a82z4bk5m30arhgqn","url":{{"url":"{URL}","client":1,"desc":null}}}}}}"#
        );
        assert_eq!(pick_url(answer.as_bytes(), &code()).unwrap(), URL);
        let several = format!(
            r#"{{"1":{{"pick_code":"x","url":{{"url":"https://wrong/"}}}},"2":{{"pick_code":"a82z4bk5m30arhgqn","url":{{"url":"{URL}"}}}}}}"#
        );
        assert_eq!(pick_url(several.as_bytes(), &code()).unwrap(), URL);
    }

    #[test]
    fn an_answer_without_a_link_is_an_error() {
        for (answer, kind) in [
            (r#"{"258":{"file_size":"-1","url":false}}"#, ErrorKind::NoLink),
            (r#"{"258":{"url":[]}}"#, ErrorKind::NoLink),
            (r#"{"258":{}}"#, ErrorKind::NoLink),
            ("{}", ErrorKind::NoLink),
            ("[]", ErrorKind::NoLink),
            (r#"{"258":{"url":{"url":"https:///"}}}"#, ErrorKind::Corrupt),
            (r#"{"258":{"url":{"url":"ftp://host/x"}}}"#, ErrorKind::Corrupt),
            ("nonsense", ErrorKind::Corrupt),
        ] {
            assert_eq!(pick_url(answer.as_bytes(), &code()).unwrap_err().kind, kind, "{answer}");
        }
    }

    #[test]
    fn cookies_of_the_answer_go_to_the_download_server() {
        let mut headers = HeaderMap::new();
        assert!(link_cookie(&headers).is_none());
        headers.append(SET_COOKIE, "aa=bb; path=/; domain=.115cdn.net".parse().unwrap());
        headers.append(SET_COOKIE, "cc=dd".parse().unwrap());
        assert_eq!(link_cookie(&headers).unwrap().expose(), "aa=bb; cc=dd");
    }
}

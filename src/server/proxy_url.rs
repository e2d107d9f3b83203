//! Addresses at a download proxy, signed so that the proxy can tell ours from made-up ones.
//!
//! Knows the scheme that AList's and OpenList's download proxies check; does not know links.
//! Called by `download`.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use crate::model::Secret;
use crate::vfs::VPath;

/// A download proxy that speaks AList's protocol.
#[derive(Clone, Debug)]
pub struct DownloadProxy {
    /// Where clients reach it: scheme, host and perhaps a path, with or without a slash at the end.
    pub url: String,
    /// What it shows when it asks for a link, and the key of the signatures.
    pub token: Secret,
    /// How long an address is accepted by the proxy; zero for ever.
    pub link_life: Duration,
}

impl DownloadProxy {
    /// The address of the file at `path`. `None` if the clock is off or the token cannot be a key.
    ///
    /// **Source**: the documentation of AList and of OpenList on their download proxies, "develop your own":
    /// `{url}{path}?sign={sign}`, checked against the proxies' published code.
    pub(super) fn address(&self, path: &VPath, now: SystemTime) -> Option<Secret> {
        let expire = if self.link_life.is_zero() {
            0
        } else {
            (now + self.link_life).duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs()
        };
        let sign = sign(self.token.expose(), path.as_str(), expire)?;
        Some(Secret::new(format!("{}{}?sign={sign}", self.url.trim_end_matches('/'), path.to_uri())))
    }
}

/// Holds nothing that would have to be escaped in a query: the proxies compare it as it stands there.
fn sign(token: &str, path: &str, expire: u64) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(token.as_bytes()).ok()?;
    mac.update(format!("{path}:{expire}").as_bytes());
    Some(format!("{}:{expire}", URL_SAFE.encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(url: &str, link_life: Duration) -> String {
        let proxy = DownloadProxy { url: url.to_owned(), token: Secret::new("token-for-tests"), link_life };
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_699_996_400);
        proxy.address(&VPath::parse("/电影/a b.mkv").unwrap(), now).unwrap().expose().to_owned()
    }

    // The signatures were made with
    // `printf '%s' '/电影/a b.mkv:0' | openssl dgst -sha256 -hmac token-for-tests -binary | base64 | tr '+/' '-_'`.
    #[test]
    fn addresses_are_signed_as_the_proxies_expect() {
        assert_eq!(
            address("https://proxy.example/", Duration::ZERO),
            "https://proxy.example/%E7%94%B5%E5%BD%B1/a%20b.mkv?sign=ygUQrZmH3XaSa4pNq9u1xAHTzXCyFnIx9ovhbB7eGRk=:0"
        );
        assert_eq!(
            address("https://proxy.example", Duration::from_secs(3600)),
            "https://proxy.example/%E7%94%B5%E5%BD%B1/a%20b.mkv?sign=HHQLvjrsjIYkeWNXRmdy1A8OETlo_INQAcPZRGdWRxM=:1700000000"
        );
    }
}

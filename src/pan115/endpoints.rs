//! Where 115's hosts are: the real ones, or all of them behind one base URL.

/// Which host serves a call. Pace and breaker are kept per account and host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// `webapi.115.com`: listings and account; guarded hardest.
    Web,
    /// `aps.115.com`: listings sorted by name.
    Aps,
    /// `proapi.115.com`: download links.
    App,
    /// `uplb.115.com`: beginnings of uploads and keys of the object storage.
    Upload,
    /// `qrcodeapi.115.com`: QR codes to sign in by.
    QrCode,
    /// `passportapi.115.com`: signing in.
    Passport,
}

impl Host {
    /// Every host.
    pub const ALL: [Self; 6] = [Self::Web, Self::Aps, Self::App, Self::Upload, Self::QrCode, Self::Passport];

    /// Its domain.
    pub fn domain(self) -> &'static str {
        match self {
            Self::Web => "webapi.115.com",
            Self::Aps => "aps.115.com",
            Self::App => "proapi.115.com",
            Self::Upload => "uplb.115.com",
            Self::QrCode => "qrcodeapi.115.com",
            Self::Passport => "passportapi.115.com",
        }
    }
}

/// Turns a host and path into a URL.
#[derive(Clone, Debug, Default)]
pub struct Endpoints {
    base: Option<String>,
}

impl Endpoints {
    /// With `base`, `https://HOST/path` becomes `{base}/HOST/path`; without, it stays.
    pub fn new(base: Option<&str>) -> Self {
        Self { base: base.map(|base| base.trim_end_matches('/').to_owned()) }
    }

    /// The URL of `path_and_query` (with its leading slash) at `host`.
    pub(super) fn url(&self, host: Host, path_and_query: &str) -> String {
        self.url_at(host.domain(), path_and_query)
    }

    /// The same at any domain, such as that of the object storage.
    pub(super) fn url_at(&self, domain: &str, path_and_query: &str) -> String {
        match &self.base {
            Some(base) => format!("{base}/{domain}{path_and_query}"),
            None => format!("https://{domain}{path_and_query}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_takes_the_place_of_every_host() {
        assert_eq!(Endpoints::new(None).url(Host::Web, "/files?cid=0"), "https://webapi.115.com/files?cid=0");
        let simulated = Endpoints::new(Some("http://127.0.0.1:9115/"));
        assert_eq!(simulated.url(Host::App, "/x"), "http://127.0.0.1:9115/proapi.115.com/x");
    }
}

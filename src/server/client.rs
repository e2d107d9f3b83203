//! Clients and their quirks.
//!
//! Knows User-Agents; the layers below see only the plain facts.
//! Called by `router` and `download`.

use http::{HeaderMap, header};

use crate::model::{ClientTraits, LinkBinding};

/// A client like most: it follows a redirect and has no quirk.
const ORDINARY: ClientTraits = ClientTraits {
    follows_redirect: true,
    quota_hangs: false,
    windows_names: false,
    decomposes_names: false,
};
/// One that fails on a redirect to another host.
const STAYS: ClientTraits = ClientTraits { follows_redirect: false, ..ORDINARY };
const WINDOWS: ClientTraits = ClientTraits { windows_names: true, ..STAYS };
const MACOS: ClientTraits = ClientTraits { quota_hangs: true, decomposes_names: true, ..STAYS };

/// The beginning of a word of a User-Agent, in lower case, and what it tells. The first row that fits counts.
///
/// A client gets a row if users report that it fails on redirects, or if it is a file manager or file system of which nobody reports the contrary:
/// streaming to it costs bandwidth, a redirect it does not follow costs the file.
const TABLE: [(&str, ClientTraits); 24] = [
    // Explorer and everything else on Windows that uses its service. A 30x on PROPFIND is known to be mishandled; GET is untested.
    // It opens no folder that holds `?`, `:` or a trailing dot (copyparty's README).
    ("microsoft-webdav-miniredir", WINDOWS),
    ("davclnt", WINDOWS),
    // Finder and its mount dialog. It browses but does not copy from a gateway that redirects (ChirmyRam-OneDrive-Repository#26).
    // From macOS 15.4 it hangs for 90 s when quota is reported (cryptomator/webdav-nio-adapter#107).
    ("webdavfs", MACOS),
    ("webdavlib", MACOS),
    // Input/output error on a redirect (alist#2499, docker-webdav-client#20).
    ("davfs2", STAYS),
    // Does not even follow a redirect to the same host with a slash added (davx5-ose#1564).
    ("gvfs", STAYS),
    // Dolphin: no report either way.
    ("kio", STAYS),
    ("kioslave", STAYS),
    // "Resource moved", and stops (115drive-webdav#25).
    ("winscp", STAYS),
    // The library below davfs2, WinSCP and cadaver leaves redirects to its caller.
    ("neon", STAYS),
    ("cadaver", STAYS),
    // Lists, but does not copy until content is streamed (OpenList#414).
    ("raidrive", STAYS),
    // File managers: no report either way.
    ("cyberduck", STAYS),
    ("mountainduck", STAYS),
    ("mountain duck", STAYS),
    ("netdrive", STAYS),
    // File Station and Cloud Sync browse but do not copy (ChirmyRam-OneDrive-Repository#26).
    ("synology", STAYS),
    ("dsm", STAYS),
    ("cloudsync", STAYS),
    ("cloud sync", STAYS),
    // Plays nothing behind a redirect (alist-web#233, #251).
    ("iina", STAYS),
    // Lists but does not play with 115 and a redirect (alist#8089).
    ("potplayer", STAYS),
    // Takes its password along to the other host, which answers 400 (RetroArch#18875).
    ("retroarch", STAYS),
    // Calendar and contacts with a file mount; fails on redirects (davx5-ose#1564).
    ("davx5", STAYS),
];
// Without a row, on purpose: browsers, curl, rclone, Infuse, Kodi, nPlayer, SenPlayer and VLC follow. So does OkHttp,
// which many Android players use; it drops the password on another host, and the reports of Nova and DataBackup are of fixed versions.

/// What is known of the client that sent `headers`.
pub(super) fn traits(headers: &HeaderMap) -> ClientTraits {
    let agent = agent(headers);
    if agent.is_empty() {
        // The download server answers an empty User-Agent with 403 (OpenList#2348).
        return STAYS;
    }
    let rows =
        word_starts(agent).filter_map(|rest| TABLE.iter().position(|(word, _)| starts_with(rest, word)));
    rows.min().map_or(ORDINARY, |row| TABLE[row].1)
}

/// Whose link the client that sent `headers` can use.
pub(super) fn binding(headers: &HeaderMap) -> LinkBinding {
    LinkBinding::to_agent(agent(headers))
}

/// The User-Agent; empty if there is none or it is not ASCII.
pub(super) fn agent(headers: &HeaderMap) -> &str {
    headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// What follows each beginning of a word of `text`: `kio` is not at one in `tokio`.
fn word_starts(text: &str) -> impl Iterator<Item = &[u8]> {
    let bytes = text.as_bytes();
    (0..bytes.len())
        .filter(|&at| {
            bytes[at].is_ascii_alphanumeric() && (at == 0 || !bytes[at - 1].is_ascii_alphanumeric())
        })
        .map(|at| &bytes[at..])
}

fn starts_with(text: &[u8], lower_case: &str) -> bool {
    text.get(..lower_case.len()).is_some_and(|start| start.eq_ignore_ascii_case(lower_case.as_bytes()))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[track_caller]
    fn check(agent: &'static str, expected: ClientTraits) {
        let headers = HeaderMap::from_iter([(header::USER_AGENT, HeaderValue::from_static(agent))]);
        assert_eq!(traits(&headers), expected, "{agent}");
    }

    #[test]
    fn clients_that_fail_on_redirects_are_known() {
        check("Microsoft-WebDAV-MiniRedir/10.0.19045", WINDOWS);
        check("DavClnt", WINDOWS);
        check("WebDAVFS/3.0.0 (03008000) Darwin/23.1.0 (arm64)", MACOS);
        check("WebDAVLib/1.3", MACOS);
        check("davfs2/1.6.1 neon/0.32.5", STAYS);
        check("gvfs/1.50.3", STAYS);
        check("Mozilla/5.0 (X11; Linux x86_64) KIO/5.103 dolphin/22.12.3", STAYS);
        check("WinSCP/6.1 neon/0.32.4", STAYS);
        check("RaiDrive/2023.9", STAYS);
    }

    #[test]
    fn the_others_follow() {
        check("rclone/v1.68.0", ORDINARY);
        check("Infuse-Direct/8.0.5", ORDINARY);
        check("Kodi/20.2 (Linux; Android 11) App_Bitness/64", ORDINARY);
        check("VLC/3.0.20 LibVLC/3.0.20", ORDINARY);
        check("curl/8.5.0", ORDINARY);
        check("okhttp/4.12.0", ORDINARY);
        check("some-tokio-client/1.0", ORDINARY);
        check("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36", ORDINARY);
    }

    #[test]
    fn a_client_without_a_name_is_streamed_to() {
        check("", STAYS);
        assert_eq!(traits(&HeaderMap::new()), STAYS);
        assert_eq!(binding(&HeaderMap::new()), LinkBinding::Unbound);
    }
}

//! Which clients are sent to 115, and which are streamed to.

use dav115::model::DownloadPolicy::{self, Proxy, Redirect, RedirectForced};
use http::StatusCode;
use sim115::Tree;

use crate::harness::Gateway;

const HELLO: &str = "hello from the simulated drive\n";

/// Every client that is known, or thought, to fail on a redirect to another host.
const STAYING: [&str; 26] = [
    "Microsoft-WebDAV-MiniRedir/10.0.22631",
    "DavClnt",
    "WebDAVFS/3.0.0 (03008000) Darwin/23.1.0 (arm64)",
    "WebDAVLib/1.3",
    "davfs2/1.6.1 neon/0.32.5",
    "gvfs/1.54.2",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/605.1.15 (KHTML, like Gecko) KIO/6.4 dolphin/24.05",
    "kioslave5/5.103",
    "kioslave/4.14",
    "WinSCP/6.3.4 neon/0.33.0",
    "neon/0.32.5",
    "cadaver/0.24 neon/0.32.5",
    "RaiDrive/2023.9.250",
    "Cyberduck/9.0.2.42108 (Mac OS X/14.5) (aarch64)",
    "MountainDuck/4.15.0 (Windows 11/10.0)",
    "Mountain Duck/4.15.0",
    "NetDrive/3.17",
    "Synology DSM/7.2",
    "DSM/7.2 FileStation",
    "CloudSync/2.7",
    "Cloud Sync/2.7",
    "IINA/1.3.5",
    "PotPlayer/24.6",
    "RetroArch 1.19",
    "DAVx5/4.4.1-ose",
    // Its header is missing or empty.
    "",
];

const FOLLOWING: [&str; 8] = [
    "rclone/v1.68.0",
    "curl/8.5.0",
    "Infuse-Direct/8.0.5",
    "Kodi/21.0 (Linux; Android 13)",
    "VLC/3.0.20 LibVLC/3.0.20",
    "SenPlayer/5.0",
    "okhttp/4.12.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0",
];

async fn check(policy: DownloadPolicy, agents: &[&str], redirected: bool) {
    let gateway = Gateway::start(Tree::DemoSmall, policy).await;
    for agent in agents {
        let answer = gateway.get("/hello.txt", &[("user-agent", agent)]).await;
        if redirected {
            assert_eq!(answer.status, StatusCode::FOUND, "{agent}: {}", answer.text());
            assert!(answer.body.is_empty());
            assert_eq!(answer.header("cache-control"), Some("no-store"));
        } else {
            assert_eq!((answer.status, answer.text()), (StatusCode::OK, HELLO), "{agent}");
            assert!(answer.header("location").is_none(), "{agent}");
        }
    }
}

#[tokio::test]
async fn clients_that_stay_are_streamed_to_and_the_others_redirected() {
    check(Redirect, &STAYING, false).await;
    check(Redirect, &FOLLOWING, true).await;
}

#[tokio::test]
async fn a_forced_redirect_redirects_all_and_a_proxy_none() {
    for agents in [&STAYING[..], &FOLLOWING] {
        check(RedirectForced, agents, true).await;
        check(Proxy, agents, false).await;
    }
}

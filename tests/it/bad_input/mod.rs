//! Hostile and broken requests: a precise 4xx, no panic, no growth.
//!
//! They go to a gateway in a process of its own, because the worst of them have been known to end one.
//! Each row that stands for a finding in `dav-server` says so; `davserver_edges` pins the finding itself.

mod writing;

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The demo in a process of its own.
struct Process {
    child: Child,
    address: SocketAddr,
    authorization: String,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What came back, as far as it matters.
#[derive(Debug)]
struct Reply {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Process {
    fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_dav115"))
            .args(["demo", "--listen", "127.0.0.1:0", "--tree", "demo-small", "--download", "proxy"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut field = |name: &str| {
            lines.find_map(|line| line.strip_prefix(name).map(|value| value.trim().to_owned())).unwrap()
        };
        let url = field("Address:");
        let credentials = format!("{}:{}", field("User:"), field("Password:"));
        let address = url.trim_start_matches("http://").trim_end_matches('/').parse().unwrap();
        Self { child, address, authorization: format!("Basic {}", STANDARD.encode(credentials)) }
    }

    /// Sends `request`, in which `\n` stands for the line end of HTTP, with a password and a host added to its head.
    async fn send(&self, request: impl AsRef<[u8]>) -> Reply {
        let request = request.as_ref();
        let line_end = request.iter().position(|&b| b == b'\n').unwrap();
        let head =
            format!("\r\nHost: test\r\nAuthorization: {}\r\nConnection: close\r\n", self.authorization);
        let (line, rest) = (&request[..line_end], &request[line_end + 1..]);
        let (fields, body) = match rest.windows(2).position(|pair| pair == b"\n\n") {
            Some(end) => (&rest[..=end], &rest[end + 2..]),
            None => (rest, &b""[..]),
        };
        let mut bytes = [line, head.as_bytes()].concat();
        for field in fields.split(|&b| b == b'\n').filter(|field| !field.is_empty()) {
            bytes.extend_from_slice(field);
            bytes.extend_from_slice(b"\r\n");
        }
        if !body.is_empty() {
            bytes.extend_from_slice(format!("Content-Length: {}\r\n", body.len()).as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(body);
        self.exchange(&bytes).await
    }

    async fn exchange(&self, bytes: &[u8]) -> Reply {
        let (mut read, mut write) = TcpStream::connect(self.address).await.unwrap().into_split();
        let mut answer = Vec::new();
        // Both at once: a refusal may come before all has been sent, and must still be readable.
        let _ = tokio::join!(write.write_all(bytes), read.read_to_end(&mut answer));
        let end = answer.windows(4).position(|w| w == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no answer, but {:?}", String::from_utf8_lossy(&answer)));
        let head = String::from_utf8(answer[..end].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Reply { status, head: head.to_ascii_lowercase(), body: answer[end + 4..].to_vec() }
    }

    async fn check(&self, request: impl AsRef<[u8]>, status: u16) -> Reply {
        let request = request.as_ref();
        let reply = self.send(request).await;
        let shown = String::from_utf8_lossy(&request[..request.len().min(120)]).into_owned();
        assert_eq!(reply.status, status, "{shown:?}: {}", String::from_utf8_lossy(&reply.body));
        reply
    }

    /// A PROPFIND of the top with `body`.
    async fn propfind(&self, body: &str, status: u16) -> Reply {
        self.check(format!("PROPFIND / HTTP/1.1\nDepth: 0\n\n{body}"), status).await
    }

    fn resident_mebibytes(&self) -> u64 {
        let statm = std::fs::read_to_string(format!("/proc/{}/statm", self.child.id())).unwrap();
        let pages: u64 = statm.split(' ').nth(1).unwrap().parse().unwrap();
        (pages * 4096) >> 20
    }

    async fn is_well(&self) {
        self.check("GET /hello.txt HTTP/1.1\n", 200).await;
    }
}

fn document(inner: &str) -> String {
    format!(r#"<?xml version="1.0"?><D:propfind xmlns:D="DAV:">{inner}</D:propfind>"#)
}

#[tokio::test]
async fn paths_that_are_tricks_are_refused() {
    let gateway = Process::start();
    for path in [
        "/a/../b",
        "/..",
        "/a/%2e%2e/b",
        "/%2E%2e/etc/passwd",
        "/%2e/a",
        "/a%00b",
        "/a%0d%0ax: y",
        "/a%7f",
        "/a%5c..%5cb",
        "/a%2fb",
        "/a%zz",
        "/a%",
        "/a%4",
        "/%ff%fe",
        "/%c0%af",
        "/%ed%a0%80",
    ] {
        for method in ["GET", "HEAD", "PROPFIND"] {
            gateway.check(format!("{method} {path} HTTP/1.1\n"), 400).await;
        }
    }
    gateway.check("GET /a\\b HTTP/1.1\n", 400).await;
    gateway.check(b"GET /\xff\xfe HTTP/1.1\n", 400).await;
    gateway.check(format!("GET /{} HTTP/1.1\n", "a".repeat(8191)), 404).await;
    gateway.check(format!("GET /{} HTTP/1.1\n", "a".repeat(8192)), 414).await;
    gateway.check(format!("GET /{} HTTP/1.1\n", "%61".repeat(8191)), 404).await;
    gateway.is_well().await;
}

/// A finding in `dav-server`: about 2,100 nested elements overflow the stack of a worker and end the process.
#[tokio::test]
async fn deep_and_wide_xml_is_refused_and_the_process_lives() {
    let gateway = Process::start();
    for depth in [33, 2_100, 4_000] {
        let nested = format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
        gateway.propfind(&document(&nested), 400).await;
        gateway.propfind(&document(&"<a>".repeat(depth)), 400).await;
    }
    gateway.propfind(&document(&format!("<D:prop>{}</D:prop>", "<a/>".repeat(10_000))), 400).await;
    gateway.is_well().await;
}

#[tokio::test]
async fn xml_that_is_no_propfind_is_refused() {
    let gateway = Process::start();
    let entities = r#"<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>"#;
    let external = r#"<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>"#;
    for body in [
        "nonsense",
        "<",
        "<a>",
        "<a></b>",
        r#"<D:propfind xmlns:D="DAV:"><D:prop>"#,
        r#"<D:propfind xmlns:D="DAV:"/>"#,
        "<D:propfind><D:allprop/></D:propfind>",
        &format!(r#"{entities}<D:propfind xmlns:D="DAV:"><D:prop><D:x>&b;</D:x></D:prop></D:propfind>"#),
        &format!(r#"{external}<D:propfind xmlns:D="DAV:"><D:prop>&a;</D:prop></D:propfind>"#),
        &document("<D:allprop/><D:propname/>"),
        &document("<D:prop><D:x>&undefined;</D:x></D:prop>"),
    ] {
        let reply = gateway.send(format!("PROPFIND / HTTP/1.1\nDepth: 0\n\n{body}")).await;
        assert!((400..500).contains(&reply.status), "{body}: {}", reply.status);
        assert!(!String::from_utf8_lossy(&reply.body).contains("root:"), "{body}");
    }
    gateway.propfind(&document(&" ".repeat(70_000)), 413).await;
    gateway.is_well().await;
}

/// A finding in `dav-server`: a 61 KB body of repeated names makes an answer of 44 MB.
#[tokio::test]
async fn repeated_properties_are_answered_once() {
    let gateway = Process::start();
    let repeated = |n: usize| document(&format!("<D:prop>{}</D:prop>", "<D:getetag/>".repeat(n)));
    let reply = gateway.check(format!("PROPFIND / HTTP/1.1\nDepth: 1\n\n{}", repeated(200)), 207).await;
    let text = String::from_utf8(reply.body).unwrap();
    let entries: Vec<&str> = text.split("<D:response>").skip(1).collect();
    assert!(entries.len() > 5);
    for entry in entries {
        assert_eq!(entry.matches("<D:getetag").count(), 1, "{entry}");
    }
    gateway.check(format!("PROPFIND / HTTP/1.1\nDepth: 1\n\n{}", repeated(5_000)), 400).await;
}

/// A finding in `dav-server`: the header `X-Litmus` lets any client list the whole tree at once.
#[tokio::test]
async fn infinity_is_refused_whatever_the_headers_say() {
    let gateway = Process::start();
    for extra in ["", "X-Litmus: props: 1\n", "X-Litmus-Second: x\n"] {
        let reply = gateway.check(format!("PROPFIND / HTTP/1.1\nDepth: infinity\n{extra}"), 403).await;
        assert!(String::from_utf8_lossy(&reply.body).contains("propfind-finite-depth"));
    }
    for depth in ["2", "-1", "0,1", "one", "01"] {
        gateway.check(format!("PROPFIND / HTTP/1.1\nDepth: {depth}\n"), 400).await;
    }
}

/// A finding in `dav-server`: 20,000 ranges of a 1 KB file make an answer of 22 MB, and the largest number overflows.
#[tokio::test]
async fn absurd_ranges_never_cost_more_than_the_file() {
    let gateway = Process::start();
    let whole = gateway.check("GET /hello.txt HTTP/1.1\n", 200).await.body;
    let get = |range: &str| format!("GET /hello.txt HTTP/1.1\nRange: {range}\n");
    for (range, status) in [
        ("bytes=0-18446744073709551615", 206),
        ("bytes=18446744073709551615-", 416),
        ("bytes=99999999999999999999999-", 416),
        ("bytes=-18446744073709551615", 206),
        ("bytes=-0", 416),
        ("bytes=5-2", 200),
        ("bytes=abc", 200),
        ("items=0-1", 200),
        ("bytes=", 200),
        ("bytes=0-1,0-1,0-1,0-1,0-1,0-1,0-1,0-1,0-1", 200),
    ] {
        let reply = gateway.send(get(range)).await;
        // A number beyond 64 bits may count as no number; either way the answer is bounded.
        assert!(
            reply.status == status || (range.len() > 28 && reply.status == 200),
            "{range}: {}",
            reply.status
        );
        assert!(reply.body.len() <= whole.len().max(200), "{range}: {} bytes", reply.body.len());
        if reply.status == 416 {
            assert!(
                reply.head.contains(&format!("content-range: bytes */{}", whole.len())),
                "{}",
                reply.head
            );
        }
    }
    let many = format!("bytes={}", vec!["0-"; 20_000].join(","));
    assert_eq!(gateway.check(get(&many), 200).await.body, whole);
    gateway.is_well().await;
}

#[tokio::test]
async fn heads_that_are_too_large_or_broken_are_refused_and_nothing_grows() {
    let gateway = Process::start();
    gateway.is_well().await;
    let before = gateway.resident_mebibytes();
    for _ in 0..40 {
        gateway.check(format!("GET / HTTP/1.1\nX-Filler: {}\n", "x".repeat(1 << 20)), 431).await;
        gateway.check(format!("GET / HTTP/1.1\n{}", "X-Filler: y\n".repeat(5_000)), 431).await;
        gateway.propfind(&document(&"x".repeat(60_000)), 400).await;
    }
    for broken in [
        &b"GET / HTTP/1.1\r\nBad Header: x\r\n\r\n"[..],
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"PROPFIND / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"PROPFIND / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
    ] {
        let reply = gateway.exchange(broken).await;
        assert!(
            (400..500).contains(&reply.status),
            "{:?}: {}",
            String::from_utf8_lossy(broken),
            reply.status
        );
    }
    let grown = gateway.resident_mebibytes().saturating_sub(before);
    assert!(grown < 16, "the process grew by {grown} MiB");
    gateway.is_well().await;
}

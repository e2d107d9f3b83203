//! A folder as a page, for people with a browser.
//!
//! Knows HTML; does not know where the entries come from.
//! Called by `download`.
//!
//! The page holds no word of any language, no script and nothing from elsewhere.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::SystemTime;

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, header};

use super::State;
use super::status::Failure;
use crate::model::{Meter, Node};
use crate::vfs::{At, Folder, Resource, VPath};

const STYLE: &str = "\
:root{color-scheme:light dark}\
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1rem}\
h1{font-size:1.1rem;font-weight:600;overflow-wrap:anywhere}\
h1 a+a::before{content:'/';color:GrayText;padding:0 .3em}\
a{color:inherit;text-decoration:none}a:hover,a:focus{text-decoration:underline}\
table{width:100%;border-collapse:collapse}\
tr{border-top:1px solid color-mix(in srgb,GrayText 30%,transparent)}\
tr:hover{background:color-mix(in srgb,GrayText 12%,transparent)}\
td{padding:.35rem .5rem;vertical-align:top}\
td:first-child{width:100%;overflow-wrap:anywhere}\
td a{white-space:break-spaces}\
td:nth-child(n+2){text-align:right;white-space:nowrap;color:GrayText;font-variant-numeric:tabular-nums}\
footer{color:GrayText;padding:.75rem .5rem}\
@media(max-width:36rem){td:nth-child(3){display:none}}";

/// The answer to a HEAD. Without a length, since nothing is listed for it.
pub(super) fn head() -> Response {
    dressed(
        Body::from_stream(futures_util::stream::empty::<Result<bytes::Bytes, std::convert::Infallible>>()),
    )
}

/// The answer to a GET.
///
/// **Cost**: as of `Vfs::list_found`.
pub(super) async fn page(
    state: &State,
    meter: &Meter,
    at: &At,
    found: Resource,
) -> Result<Response, Failure> {
    let folder = state.parts.vfs.list_found(meter, at, found).await?;
    Ok(dressed(Body::from(render(&state.prefix.to_uri(), at.path(), &folder))))
}

fn dressed(body: Body) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// The page. Addresses are absolute, so it does not matter whether the folder was asked for with a slash at its end.
fn render(prefix: &str, path: &VPath, folder: &Folder) -> String {
    let nodes = sorted(folder);
    let mut html = String::with_capacity(2048 + nodes.len() * 256);
    let title = escape(path.name().unwrap_or("/"));
    let _ = write!(
        html,
        "<!doctype html>\n<html lang=\"und\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <title>{title}</title><style>{STYLE}</style></head>\n<body><h1>"
    );
    let parent = breadcrumbs(&mut html, prefix, path);
    html.push_str("</h1>\n<table>\n");
    if let Some(parent) = parent {
        let _ =
            writeln!(html, "<tr><td>📁 <a href=\"{parent}\" rel=\"up\">..</a></td><td></td><td></td></tr>");
    }
    let here = if path.is_root() { prefix.to_owned() } else { format!("{prefix}{}", path.to_uri()) };
    for node in &nodes {
        row(&mut html, &here, node);
    }
    let folders = nodes.iter().filter(|node| node.is_folder()).count();
    let files = nodes.len() - folders;
    let bytes = nodes.iter().fold(0u64, |bytes, node| bytes.saturating_add(node.size));
    let _ = write!(
        html,
        "</table>\n<footer>📁 {folders} · 📄 {files} · {}</footer></body></html>\n",
        human_size(bytes)
    );
    html
}

/// Writes a link to every folder on the way, and returns the address of the parent.
fn breadcrumbs(html: &mut String, prefix: &str, path: &VPath) -> Option<String> {
    let mut address = format!("{prefix}/");
    let mut parent = None;
    let _ = write!(html, "<a href=\"{address}\">⌂</a>");
    for name in path.segments() {
        let child = format!("{address}{}/", VPath::escape_name(name));
        let _ = write!(html, "<a href=\"{child}\">{}</a>", escape(name));
        parent = Some(std::mem::replace(&mut address, child));
    }
    parent
}

fn row(html: &mut String, here: &str, node: &Node) {
    let name = escape(&node.name);
    let address = VPath::escape_name(&node.name);
    let (icon, slash) = if node.is_folder() { ("📁", "/") } else { ("📄", "") };
    let size = if node.is_folder() { Cow::Borrowed("") } else { Cow::Owned(human_size(node.size)) };
    let _ = writeln!(
        html,
        "<tr><td>{icon} <a href=\"{here}/{address}{slash}\">{name}{slash}</a></td><td>{size}</td><td>{}</td></tr>",
        date(node.modified)
    );
}

/// Folders first, then by name as people sort: without regard to case.
fn sorted(folder: &Folder) -> Vec<&Node> {
    let mut nodes: Vec<&Node> = folder.shown().collect();
    nodes.sort_by_cached_key(|node| (!node.is_folder(), node.name.to_lowercase(), node.id));
    nodes
}

fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"', '\'']) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    Cow::Owned(escaped)
}

/// Three digits or so, with a binary unit.
fn human_size(bytes: u64) -> String {
    const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let mut unit = 0;
    let mut scaled = u128::from(bytes) * 10;
    while scaled >= 10_240 && unit + 1 < UNITS.len() {
        scaled /= 1024;
        unit += 1;
    }
    match (unit, scaled) {
        (0, _) => format!("{bytes} B"),
        (_, ..100) => format!("{}.{} {}", scaled / 10, scaled % 10, UNITS[unit]),
        _ => format!("{} {}", scaled / 10, UNITS[unit]),
    }
}

/// `2023-11-14 22:13` in UTC, taken from the HTTP date `Tue, 14 Nov 2023 22:13:20 GMT`.
fn date(time: SystemTime) -> String {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let date = httpdate::fmt_http_date(super::download::presentable(time));
    let month = MONTHS.find(&date[8..11]).unwrap_or(0) / 3 + 1;
    format!("{}-{month:02}-{} {}", &date[12..16], &date[5..7], &date[17..22])
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::model::{FileId, Kind, Listing};
    use crate::vfs::NodeRef;

    fn folder(children: &[(&str, Kind, u64)]) -> Folder {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let node = |(id, &(name, kind, size)): (u64, &(&str, Kind, u64))| Node {
            id: FileId(id),
            kind,
            size,
            ..Node::virtual_folder(name, time)
        };
        Folder::whole(
            NodeRef::Own(Arc::new(Node::virtual_folder("x", time))),
            Arc::new(Listing::new((1..).zip(children).map(node).collect())),
        )
    }

    #[test]
    fn names_can_be_anything() {
        let names = ["<script>alert(1)</script>", "a\"b'c&d", "100% #1?.mkv", "电影 🎬.mkv"];
        let children = names.map(|name| (name, Kind::File, 1));
        let html = render("/dav", &VPath::parse("/<b>/é").unwrap(), &folder(&children));
        assert!(!html.contains("<script") && !html.contains("<b>"));
        assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
        assert!(html.contains(">a&quot;b&#39;c&amp;d</a>"));
        assert!(html.contains("href=\"/dav/%3Cb%3E/%C3%A9/100%25%20%231%3F.mkv\""));
        assert!(html.contains("href=\"/dav/%3Cb%3E/%C3%A9/a%22b%27c%26d\""));
        assert!(html.contains("电影 🎬.mkv</a>"));
        assert!(html.contains("<a href=\"/dav/%3Cb%3E/\" rel=\"up\">"));
        assert!(html.contains("<title>é</title>"));
    }

    #[test]
    fn folders_come_first_and_case_plays_no_part() {
        let html = render(
            "",
            &VPath::root(),
            &folder(&[("b.txt", Kind::File, 1), ("A.txt", Kind::File, 2048), ("z", Kind::Folder, 0)]),
        );
        let at = |text: &str| html.find(text).unwrap_or_else(|| panic!("{text} is missing"));
        assert!(at("href=\"/z/\"") < at("href=\"/A.txt\"") && at("href=\"/A.txt\"") < at("href=\"/b.txt\""));
        assert!(html.contains("<td>2.0 KiB</td><td>2023-11-14 22:13</td>"));
        assert!(html.contains("📁 1 · 📄 2 · 2.0 KiB"));
        assert!(!html.contains("rel=\"up\""));
    }

    #[test]
    fn sizes_are_short() {
        for (bytes, expected) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (10_239, "9.9 KiB"),
            (10_240, "10 KiB"),
            (1 << 30, "1.0 GiB"),
            (u64::MAX, "15 EiB"),
        ] {
            assert_eq!(human_size(bytes), expected, "{bytes}");
        }
    }
}

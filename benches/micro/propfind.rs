//! A whole PROPFIND with the listing in the cache, from the request to the last byte of the answer.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use dav115::cache::DriveKey;
use dav115::dav::{self, Dav};
use dav115::drive::MemoryDrive;
use dav115::model::{ClientTraits, FileId, Meter, Sha1};
use dav115::vfs::{self, Mount, VPath, Vfs, View};
use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use http::{HeaderMap, HeaderValue, Method};
use http_body_util::BodyExt as _;
use tokio::runtime::Runtime;
use tokio_util::task::TaskTracker;

use crate::name;

/// What rclone asks for.
const NAMED: &str = r#"<?xml version="1.0" encoding="utf-8"?><d:propfind xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns" xmlns:nc="http://nextcloud.org/ns"><d:prop><d:displayname/><d:getlastmodified/><d:getcontentlength/><d:resourcetype/><d:getcontenttype/><oc:checksums/></d:prop></d:propfind>"#;

#[divan::bench(args = [1_000, 10_000])]
fn all_properties(bencher: Bencher<'_, '_>, entries: usize) {
    bench(bencher, entries, "");
}

#[divan::bench(args = [1_000, 10_000])]
fn named_properties(bencher: Bencher<'_, '_>, entries: usize) {
    bench(bencher, entries, NAMED);
}

fn bench(bencher: Bencher<'_, '_>, entries: usize, body: &'static str) {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_time().build() else { return };
    let dav = dav(entries);
    bencher.counter(ItemsCount::new(entries)).bench_local(|| ask(&runtime, &dav, black_box(body)));
}

/// The bytes of the answer.
fn ask(runtime: &Runtime, dav: &Dav, body: &'static str) -> u64 {
    let headers =
        HeaderMap::from_iter([(http::HeaderName::from_static("depth"), HeaderValue::from_static("1"))]);
    let (at, meter) = (View::whole().at(VPath::root()), Meter::default());
    let Ok(method) = Method::from_bytes(b"PROPFIND") else { return 0 };
    runtime.block_on(async {
        let traits = ClientTraits {
            follows_redirect: true,
            quota_hangs: false,
            windows_names: false,
            decomposes_names: false,
        };
        let body = Bytes::from_static(body.as_bytes());
        let request =
            dav::Request { method: &method, at: &at, headers: &headers, body, traits, meter: &meter };
        let Ok(response) = dav.handle(request).await else { return 0 };
        let (mut body, mut length) = (response.into_body(), 0);
        while let Some(Ok(frame)) = body.frame().await {
            length += frame.data_ref().map_or(0, |data| data.len() as u64);
        }
        length
    })
}

fn dav(entries: usize) -> Dav {
    let drive = MemoryDrive::new();
    for number in 0..entries {
        drive.add_file(FileId::ROOT, &name(number), "", Some(Sha1([7; 20])));
    }
    let day = Duration::from_secs(86_400);
    let options = vfs::Options { listing_ttl: day, listing_entries: 1_000_000, ..vfs::Options::default() };
    let mount = Mount::whole(VPath::root(), Arc::new(drive), DriveKey(0));
    let vfs = Vfs::new(vec![mount], &options, &TaskTracker::new(), SystemTime::UNIX_EPOCH);
    Dav::new(
        Arc::new(vfs),
        Arc::default(),
        Arc::default(),
        dav::Options { prefix: String::new(), report_quota: true },
    )
}

//! Tests of the front door, and what the other tests here build on.

mod locks;
mod properties;

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use http::{HeaderMap, Method, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use tokio_util::task::TaskTracker;

use super::{ALLOW, Body, Dav, Error, Incoming, Locks, Options, Properties, Request, WriteRequest};
use crate::cache::DriveKey;
use crate::drive::{DriveError, DriveErrorKind, MemoryDrive};
use crate::model::{ClientTraits, Meter};
use crate::vfs::{self, Mount, VPath, Vfs, View};

pub(super) const PLAIN: ClientTraits = ClientTraits {
    follows_redirect: true,
    quota_hangs: false,
    windows_names: false,
    decomposes_names: false,
};

/// A gateway over one drive in memory.
pub(super) struct Fixture {
    pub(super) drive: Arc<MemoryDrive>,
    pub(super) vfs: Arc<Vfs>,
    pub(super) meter: Meter,
    pub(super) traits: ClientTraits,
    pub(super) options: Options,
    pub(super) locks: Arc<Locks>,
    pub(super) properties: Arc<Properties>,
}

impl Fixture {
    /// The drive is shown at `mount`.
    pub(super) fn at(mount: &str) -> Self {
        Self::at_each(&[mount])
    }

    /// The drive is shown at each of `mounts`.
    pub(super) fn at_each(mounts: &[&str]) -> Self {
        let drive = Arc::new(MemoryDrive::new());
        let options = vfs::Options { listing_entries: 1_000_000, ..vfs::Options::default() };
        let mount = |path: &&str| {
            Mount::whole(VPath::parse(path).unwrap(), Arc::<MemoryDrive>::clone(&drive), DriveKey(0))
        };
        let mounts = mounts.iter().map(mount).collect();
        let started = UNIX_EPOCH + Duration::from_secs(1_600_000_000);
        Self {
            drive,
            vfs: Arc::new(Vfs::new(mounts, &options, &TaskTracker::new(), started)),
            meter: Meter::default(),
            traits: PLAIN,
            options: Options { prefix: String::new(), report_quota: true },
            locks: Arc::default(),
            properties: Arc::default(),
        }
    }

    pub(super) fn dav(&self) -> Dav {
        let (locks, properties) = (Arc::clone(&self.locks), Arc::clone(&self.properties));
        Dav::new(Arc::clone(&self.vfs), locks, properties, self.options.clone())
    }

    pub(super) async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&'static str, &str)],
        body: impl Into<Bytes>,
    ) -> Result<Response<Body>, Error> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let dav = self.dav();
        let request = Request {
            method: &Method::from_bytes(method.as_bytes()).unwrap(),
            at: &View::whole().at(VPath::parse(path).unwrap()),
            headers: &map,
            body: body.into(),
            traits: self.traits,
            meter: &self.meter,
        };
        dav.handle(request).await
    }

    /// A PROPFIND that must be answered; the answer's XML.
    pub(super) async fn propfind(&self, path: &str, depth: &str, body: impl Into<Bytes>) -> String {
        let response = self.ask("PROPFIND", path, &[("depth", depth)], body).await.unwrap();
        assert_eq!(response.status(), StatusCode::MULTI_STATUS);
        String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
    }

    /// A request that changes something, by a user of `view`.
    pub(super) async fn change(
        &self,
        (user, view): (&str, &View),
        method: &str,
        path: &str,
        headers: &[(&'static str, &str)],
        body: &str,
    ) -> Result<Response<Body>, Error> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let body = Full::new(Bytes::from(body.to_owned())).map_err(|never| match never {}).boxed_unsync();
        let request = WriteRequest {
            method: &Method::from_bytes(method.as_bytes()).unwrap(),
            at: &view.at(VPath::parse(path).unwrap()),
            headers: map,
            body: Incoming::new(body),
            traits: self.traits,
            meter: &self.meter,
            user,
            hosts: &[],
        };
        self.dav().change(request).await
    }

    pub(super) fn fail(&self) {
        let until = UNIX_EPOCH + Duration::from_secs(1);
        self.drive
            .fail_with(Some(DriveError::new(DriveErrorKind::Blocked { until }, "115 <blocks> the account")));
    }
}

/// The status and condition a request was refused with.
#[track_caller]
pub(super) fn refusal(outcome: Result<Response<Body>, Error>) -> (u16, Option<&'static str>) {
    match outcome {
        Err(Error::Refused { status, condition, reason }) => {
            assert!(!reason.is_empty());
            (status.as_u16(), condition)
        }
        Err(Error::Vfs(error)) => panic!("not refused: {error}"),
        Ok(response) => panic!("not refused: {}", response.status()),
    }
}

#[tokio::test]
async fn options_is_answered_alike_everywhere_without_a_call() {
    let fixture = Fixture::at("/");
    fixture.fail();
    for path in ["/", "/nowhere"] {
        let response = fixture.ask("OPTIONS", path, &[], "").await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let header = |name: &str| response.headers()[name].to_str().unwrap();
        assert_eq!(header("dav"), "1, 2");
        assert_eq!(header("ms-author-via"), "DAV");
        assert_eq!(header("allow"), ALLOW);
        assert_eq!(header("content-length"), "0");
    }
    assert_eq!(fixture.meter.calls(), 0);
}

#[tokio::test]
async fn some_methods_are_not_allowed_and_others_are_not_known() {
    let fixture = Fixture::at("/");
    for method in ["PATCH", "POST", "TRACE"] {
        assert_eq!(refusal(fixture.ask(method, "/", &[], "").await), (405, None), "{method}");
    }
    for method in ["REPORT", "SEARCH", "BREW", "propfind"] {
        assert_eq!(refusal(fixture.ask(method, "/", &[], "").await), (501, None), "{method}");
    }
    assert_eq!(fixture.meter.calls(), 0);
}

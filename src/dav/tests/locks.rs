//! Locks as PROPFIND tells them.

use super::*;
use crate::model::FileId;
use crate::vfs::{Access, Rule};

const LOCKS: &str =
    r#"<D:propfind xmlns:D="DAV:"><D:prop><D:supportedlock/><D:lockdiscovery/></D:prop></D:propfind>"#;

/// `/m` holds `kids` with `film`, and `other`.
fn fixture() -> Fixture {
    let fixture = Fixture::at("/m");
    let kids = fixture.drive.add_folder(FileId::ROOT, "kids");
    fixture.drive.add_file(kids, "film", "1", None);
    fixture.drive.add_file(FileId::ROOT, "other", "2", None);
    fixture
}

impl Fixture {
    async fn lock(
        &self,
        who: (&str, &View),
        path: &str,
        scope: &str,
        headers: &[(&'static str, &str)],
    ) -> String {
        let body = format!(
            r#"<l:lockinfo xmlns:l="DAV:" xmlns:D="urn:y" xmlns="urn:x"><l:lockscope><l:{scope}/></l:lockscope><l:locktype><l:write/></l:locktype><l:owner>a&amp;<b c="d"><D:e/></b></l:owner></l:lockinfo>"#
        );
        let response = self.change(who, "LOCK", path, headers, &body).await.unwrap();
        assert!(response.status().is_success());
        response.headers()["lock-token"].to_str().unwrap().trim_matches(['<', '>']).to_owned()
    }

    /// What a user of `view` is told, by href.
    async fn told(&self, view: &View, path: &str, depth: &str) -> Vec<(String, String)> {
        let request = Request {
            method: &Method::from_bytes(b"PROPFIND").unwrap(),
            at: &view.at(VPath::parse(path).unwrap()),
            headers: &HeaderMap::from_iter([("depth".parse().unwrap(), depth.parse().unwrap())]),
            body: Bytes::from_static(LOCKS.as_bytes()),
            traits: self.traits,
            meter: &self.meter,
        };
        let body = self.dav().handle(request).await.unwrap().into_body().collect().await.unwrap().to_bytes();
        let xml = String::from_utf8(body.to_vec()).unwrap();
        xmltree::Element::parse(xml.as_bytes()).unwrap();
        let parts =
            xml.split("<D:response><D:href>").skip(1).map(|part| part.split_once("</D:href>").unwrap());
        parts.map(|(href, rest)| (href.to_owned(), rest.to_owned())).collect()
    }
}

fn active(scope: &str, depth: &str, seconds: u64, token: &str, root: &str) -> String {
    format!(
        "<D:activelock><D:locktype><D:write/></D:locktype><D:lockscope><D:{scope}/></D:lockscope><D:depth>{depth}</D:depth>\
         <D:owner>a&amp;<b xmlns=\"urn:x\" c=\"d\"><e xmlns=\"urn:y\"></e></b></D:owner><D:timeout>Second-{seconds}</D:timeout>\
         <D:locktoken><D:href>{token}</D:href></D:locktoken><D:lockroot><D:href>{root}</D:href></D:lockroot></D:activelock>"
    )
}

#[tokio::test(start_paused = true)]
async fn a_lock_is_told_of_all_it_holds_for_as_each_user_calls_it() {
    let mut fixture = fixture();
    fixture.options.prefix = "/my%20dav".into();
    let (all, kids) = (View::whole(), View::new(VPath::parse("/m/kids").unwrap(), None));
    let deep = fixture.lock(("anna", &all), "/m/kids", "exclusive", &[("timeout", "Second-300")]).await;
    let flat =
        fixture.lock(("anna", &all), "/m/other", "shared", &[("depth", "0"), ("timeout", "Second-90")]).await;
    tokio::time::advance(Duration::from_secs(50)).await;
    let told = fixture.told(&all, "/m", "1").await;
    let is = |index: usize, href: &str, lock: &str| {
        let (found, rest) = &told[index];
        let rest = rest.split_once("</D:supportedlock>").unwrap().1;
        let expected = if lock.is_empty() {
            "<D:lockdiscovery/>".to_owned()
        } else {
            format!("<D:lockdiscovery>{lock}</D:lockdiscovery>")
        };
        assert_eq!((found.as_str(), rest.split_once("</D:prop>").unwrap().0), (href, expected.as_str()));
    };
    is(0, "/my%20dav/m/", "");
    is(1, "/my%20dav/m/kids/", &active("exclusive", "infinity", 250, &deep, "/my%20dav/m/kids/"));
    is(2, "/my%20dav/m/other", &active("shared", "0", 40, &flat, "/my%20dav/m/other"));
    // What is below a deep lock is under it; whoever begins there calls it by another name.
    let told = fixture.told(&all, "/m/kids/film", "0").await;
    assert!(
        told[0].1.contains(&active("exclusive", "infinity", 250, &deep, "/my%20dav/m/kids/")),
        "{told:?}"
    );
    for (href, rest) in fixture.told(&kids, "/", "1").await {
        let lock = active("exclusive", "infinity", 250, &deep, "/my%20dav/");
        assert!(href.starts_with("/my%20dav/") && rest.contains(&lock), "{href} {rest}");
    }
    let own = fixture.lock(("anna", &all), "/m", "shared", &[("depth", "0")]).await;
    assert!(fixture.told(&all, "/m/other", "0").await.iter().all(|(_, rest)| !rest.contains(&own)));
    tokio::time::advance(Duration::from_secs(41)).await;
    assert!(fixture.told(&all, "/m/other", "0").await[0].1.contains("<D:lockdiscovery/>"));
    tokio::time::advance(Duration::from_secs(1000)).await;
    assert!(fixture.told(&all, "/m", "1").await.iter().all(|(_, rest)| rest.contains("<D:lockdiscovery/>")));
    assert!(fixture.locks.is_empty());
}

#[tokio::test]
async fn locks_are_offered_only_where_something_can_be_changed() {
    let fixture = Fixture::at_each(&["/m/a", "/n"]);
    let folder = fixture.drive.add_folder(FileId::ROOT, "f");
    fixture.drive.add_file(folder, "x", "1", None);
    let path = |text: &str| VPath::parse(text).unwrap();
    let rules = [("/", Access::Read), ("/n/f", Access::Write)];
    let rules = rules.map(|(text, access)| Rule { path: path(text), access });
    let (all, some) = (View::whole(), View::new(VPath::root(), Some(&rules)));
    let offered = async |view: &View, path: &str, depth: &str| {
        let told = fixture.told(view, path, depth).await;
        let told = told.into_iter().map(|(href, rest)| (href, rest.matches("<D:lockentry>").count()));
        told.filter(|(_, kinds)| *kinds == 2).map(|(href, _)| href).collect::<Vec<_>>()
    };
    assert_eq!(offered(&all, "/", "1").await, ["/n/"]);
    assert_eq!(offered(&all, "/m", "1").await, ["/m/a/"]);
    assert_eq!(offered(&all, "/n", "1").await, ["/n/", "/n/f/"]);
    assert_eq!(offered(&some, "/m/a", "1").await, Vec::<String>::new());
    assert_eq!(offered(&some, "/n", "1").await, ["/n/", "/n/f/"]);
    assert_eq!(offered(&some, "/n/f", "1").await, ["/n/f/", "/n/f/x"]);
    let body = r#"<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:shared/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>"#;
    for (view, path) in [(&all, "/m"), (&some, "/m/a/f")] {
        assert_eq!(refusal(fixture.change(("", view), "LOCK", path, &[], body).await).0, 403, "{path}");
    }
}

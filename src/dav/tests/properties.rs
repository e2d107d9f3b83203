//! PROPPATCH, and where properties go when the tree changes.

use tempfile::TempDir;

use super::*;
use crate::model::FileId;
use crate::vfs::{Access, Rule, VfsErrorKind};

const NS: &str = "urn:x";

/// `/m` holds the folder `a` with the file `x`, and the file `b`.
fn fixture() -> Fixture {
    let fixture = Fixture::at("/m");
    let folder = fixture.drive.add_folder(FileId::ROOT, "a");
    fixture.drive.add_file(folder, "x", "1", None);
    fixture.drive.add_file(FileId::ROOT, "b", "2", None);
    fixture
}

fn update(inner: &str) -> String {
    format!(
        r#"<D:propertyupdate xmlns:D="DAV:" xmlns:w="urn:schemas-microsoft-com:" xmlns="{NS}">{inner}</D:propertyupdate>"#
    )
}

fn set(inner: &str) -> String {
    format!("<D:set><D:prop>{inner}</D:prop></D:set>")
}

fn remove(inner: &str) -> String {
    format!("<D:remove><D:prop>{inner}</D:prop></D:remove>")
}

impl Fixture {
    /// A PROPPATCH that must be answered; the answer's XML.
    async fn patch(&self, path: &str, inner: &str) -> String {
        let response =
            self.change(("", &View::whole()), "PROPPATCH", path, &[], &update(inner)).await.unwrap();
        assert_eq!(response.status(), StatusCode::MULTI_STATUS);
        let length: usize = response.headers()["content-length"].to_str().unwrap().parse().unwrap();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body.len(), length);
        String::from_utf8(body.to_vec()).unwrap()
    }

    async fn named(&self, path: &str, names: &str) -> String {
        let body =
            format!(r#"<D:propfind xmlns:D="DAV:" xmlns="{NS}"><D:prop>{names}</D:prop></D:propfind>"#);
        self.propfind(path, "0", body).await
    }

    /// The text of the property `p`, if it is set.
    async fn p(&self, path: &str) -> Option<String> {
        let xml = self.named(path, "<p/>").await;
        if xml.contains("404 Not Found") {
            return None;
        }
        let (_, rest) = xml.split_once("<p xmlns:").unwrap();
        Some(rest.split_once('>').unwrap().1.split_once("</p>").unwrap().0.to_owned())
    }

    async fn run(&self, method: &str, path: &str, headers: &[(&'static str, &str)]) -> u16 {
        self.change(("", &View::whole()), method, path, headers, "").await.unwrap().status().as_u16()
    }
}

fn propstat(names: &str, status: &str) -> String {
    format!("<D:propstat><D:prop>{names}</D:prop><D:status>HTTP/1.1 {status}</D:status>")
}

#[tokio::test]
async fn a_property_comes_back_as_it_was_set_wherever_it_is_asked_for() {
    let mut fixture = fixture();
    fixture.options.prefix = "/dav".into();
    let value = r#"<p xml:lang="de" D:at="a &amp; &quot;b&quot;">1 &lt; 2 <i xmlns="">&#x10000;<D:j/></i><![CDATA[<&]]><!-- c --></p>"#;
    let xml = fixture.patch("/m/a", &set(&format!("{value}<none xmlns=\"\"/>"))).await;
    let done = propstat("<x:p xmlns:x=\"urn:x\"/><none/>", "200 OK");
    assert!(xml.contains("<D:href>/dav/m/a/</D:href>") && xml.contains(&done), "{xml}");
    let back = "1 &lt; 2 <i xmlns=\"\">\u{10000}<D:j></D:j></i>&lt;&amp;</p><none xmlns:D=\"DAV:\"";
    let all = r#"<propfind xmlns="DAV:"><allprop/></propfind>"#;
    let include = r#"<propfind xmlns="DAV:"><allprop/><include><p xmlns="urn:x"/><q xmlns="urn:x"/></include></propfind>"#;
    for (path, depth, body) in [("/m/a", "0", all), ("/m", "1", all), ("/m/a", "1", include)] {
        let xml = fixture.propfind(path, depth, body).await;
        assert_eq!(xml.matches(back).count(), 1, "{xml}");
        let element = xmltree::Element::parse(xml.as_bytes()).unwrap();
        assert_eq!(element.name, "multistatus");
        let opening = xml.split_once("<p ").unwrap().1.split_once('>').unwrap().0;
        for part in
            ["xmlns:D=\"DAV:\"", "xmlns=\"urn:x\"", "xml:lang=\"de\"", "D:at=\"a &amp; &quot;b&quot;\""]
        {
            assert!(opening.contains(part), "{opening}");
        }
    }
    let xml = fixture.named("/m/a", "<p/><q/><D:getetag/>").await;
    assert!(xml.contains("</p></D:prop><D:status>HTTP/1.1 200 OK"), "{xml}");
    assert!(xml.contains(&propstat("<D:getetag/><x:q xmlns:x=\"urn:x\"/>", "404 Not Found")), "{xml}");
    let xml = fixture.propfind("/m", "1", r#"<propfind xmlns="DAV:"><propname/></propfind>"#).await;
    assert_eq!(xml.matches("<x:p xmlns:x=\"urn:x\"/><none/></D:prop>").count(), 1, "{xml}");
    assert!(!fixture.named("/m/b", "<p/>").await.contains("200 OK"));
}

#[tokio::test]
async fn changes_are_made_in_the_order_of_the_request() {
    let fixture = fixture();
    fixture.patch("/m/b", &(set("<p>1</p>") + &set("<p>2</p>"))).await;
    assert_eq!(fixture.p("/m/b").await.as_deref(), Some("2"));
    fixture.patch("/m/b", &(remove("<p/>") + &set("<p>3</p>"))).await;
    assert_eq!(fixture.p("/m/b").await.as_deref(), Some("3"));
    let xml = fixture.patch("/m/b", &(set("<p>4</p>") + &remove("<p/><never-set/>"))).await;
    assert!(
        xml.contains(&propstat("<x:p xmlns:x=\"urn:x\"/><x:never-set xmlns:x=\"urn:x\"/>", "200 OK")),
        "{xml}"
    );
    assert_eq!(fixture.p("/m/b").await, None);
}

#[tokio::test]
async fn what_the_gateway_computes_cannot_be_set_and_nothing_else_is_then() {
    let fixture = fixture();
    let windows = "<w:Win32FileAttributes>00000020</w:Win32FileAttributes>";
    let xml = fixture
        .patch(
            "/m/b",
            &(set(&format!("<p>1</p><D:getetag>x</D:getetag>{windows}")) + &remove("<D:displayname/>")),
        )
        .await;
    let refused = propstat("<D:getetag/><D:displayname/>", "403 Forbidden");
    assert!(xml.contains(&(refused + "<D:error><D:cannot-modify-protected-property/></D:error>")), "{xml}");
    let others = "<x:p xmlns:x=\"urn:x\"/><x:Win32FileAttributes xmlns:x=\"urn:schemas-microsoft-com:\"/>";
    assert!(xml.contains(&propstat(others, "424 Failed Dependency")), "{xml}");
    assert_eq!(fixture.p("/m/b").await, None);
    let large = format!("<big>{}</big>", "x".repeat(20_000));
    let xml = fixture.patch("/m/b", &set(&format!("<p>1</p>{large}"))).await;
    assert!(xml.contains(&propstat("<x:p xmlns:x=\"urn:x\"/>", "424 Failed Dependency")), "{xml}");
    assert!(xml.contains(&propstat("<x:big xmlns:x=\"urn:x\"/>", "507 Insufficient Storage")), "{xml}");
    assert!(xml.contains("16384 bytes that are kept") && fixture.p("/m/b").await.is_none());
}

#[tokio::test]
async fn what_many_properties_repeat_is_not_kept_for_each_beyond_the_limit() {
    let fixture = fixture();
    let declared = (0..60).map(|n| format!(" xmlns:n{n}=\"urn:{}\"", "y".repeat(800)));
    let declared = declared.collect::<Vec<_>>().concat();
    let names = (0..200).map(|n| format!("<p{n}/>")).collect::<Vec<_>>().concat();
    let body = update(&set(&names)).replacen(" xmlns=", &format!("{declared} xmlns="), 1);
    let outcome = fixture.change(("", &View::whole()), "PROPPATCH", "/m/b", &[], &body).await.unwrap();
    let xml = outcome.into_body().collect().await.unwrap().to_bytes();
    let xml = String::from_utf8(xml.to_vec()).unwrap();
    assert!(xml.contains(&propstat("<x:p0 xmlns:x=\"urn:x\"/>", "507 Insufficient Storage")), "{xml}");
    assert!(fixture.properties.is_empty());
}

#[tokio::test]
async fn what_windows_sets_after_an_upload_is_taken_and_not_kept() {
    let fixture = fixture();
    let names = ["Win32CreationTime", "Win32LastAccessTime", "Win32LastModifiedTime", "Win32FileAttributes"];
    let all = names.map(|name| format!("<w:{name}>Tue, 14 Nov 2023 22:13:21 GMT</w:{name}>")).concat();
    let xml = fixture.patch("/m/b", &set(&all)).await;
    assert!(xml.contains("200 OK") && xml.matches("<D:propstat>").count() == 1, "{xml}");
    assert!(fixture.properties.is_empty());
    fixture.patch("/m/b", &set(&format!("{all}<p>1</p>"))).await;
    assert_eq!(fixture.p("/m/b").await.as_deref(), Some("1"));
    let body = r#"<propfind xmlns="DAV:"><propname/></propfind>"#;
    assert!(!fixture.propfind("/m/b", "0", body).await.contains("Win32"));
}

#[tokio::test]
async fn a_body_that_changes_nothing_or_is_no_propertyupdate_is_refused() {
    let fixture = fixture();
    let unbound = set(r#"<p a:b="1"/>"#);
    let twice = set(r#"<p xmlns:a="urn:a" xmlns:b="urn:a" a:c="1" b:c="2"/>"#);
    let bodies = [
        String::new(),
        "<a/>".to_owned(),
        update(""),
        update(&set("")),
        update("<set/>"),
        update(&unbound),
        update(&twice),
    ];
    for body in bodies {
        let outcome = fixture.change(("", &View::whole()), "PROPPATCH", "/m/b", &[], &body).await;
        assert_eq!(refusal(outcome), (400, None), "{body}");
    }
    assert!(fixture.properties.is_empty());
}

#[tokio::test]
async fn properties_follow_what_is_moved_copied_and_removed() {
    let fixture = fixture();
    for (path, value) in [("/m/a", "folder"), ("/m/a/x", "file"), ("/m/b", "other")] {
        fixture.patch(path, &set(&format!("<p>{value}</p>"))).await;
    }
    let p = async |path: &str| fixture.p(path).await;
    assert_eq!(fixture.run("COPY", "/m/a", &[("destination", "/m/flat"), ("depth", "0")]).await, 201);
    assert_eq!(p("/m/flat").await.as_deref(), Some("folder"));
    assert_eq!(fixture.run("COPY", "/m/a", &[("destination", "/m/c")]).await, 201);
    assert_eq!((p("/m/c/x").await.as_deref(), p("/m/a/x").await.as_deref()), (Some("file"), Some("file")));
    assert_eq!(fixture.run("MOVE", "/m/c", &[("destination", "/m/d")]).await, 201);
    assert_eq!((p("/m/d").await.as_deref(), p("/m/d/x").await.as_deref()), (Some("folder"), Some("file")));
    // What is overwritten takes its own with it.
    assert_eq!(fixture.run("PUT", "/m/plain", &[]).await, 201);
    assert_eq!(fixture.run("COPY", "/m/plain", &[("destination", "/m/b")]).await, 204);
    assert_eq!(p("/m/b").await, None);
    assert_eq!(fixture.run("MOVE", "/m/d/x", &[("destination", "/m/b")]).await, 204);
    assert_eq!(p("/m/b").await.as_deref(), Some("file"));
    // New content is the same file.
    let whole = View::whole();
    assert!(fixture.change(("", &whole), "PUT", "/m/b", &[], "new").await.unwrap().status().is_success());
    assert_eq!(p("/m/b").await.as_deref(), Some("file"));
    assert_eq!(fixture.run("DELETE", "/m/a", &[]).await, 204);
    assert_eq!(fixture.run("MKCOL", "/m/a", &[]).await, 201);
    assert_eq!(p("/m/a").await, None);
    // What has failed changes nothing.
    assert_eq!(
        refusal(
            fixture
                .change(("", &whole), "MOVE", "/m/b", &[("destination", "/m/flat"), ("overwrite", "F")], "")
                .await
        )
        .0,
        412
    );
    assert_eq!(p("/m/b").await.as_deref(), Some("file"));
}

#[tokio::test]
async fn properties_outlive_a_restart_and_what_cannot_be_written_is_refused() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("properties");
    let mut fixture = fixture();
    fixture.properties = Arc::new(Properties::open(file.clone()));
    fixture.patch("/m/b", &set("<p>kept</p>")).await;
    fixture.properties = Arc::new(Properties::open(file));
    assert_eq!(fixture.p("/m/b").await.as_deref(), Some("kept"));
    std::fs::remove_dir_all(folder.path()).unwrap();
    std::fs::write(folder.path(), "").unwrap();
    let outcome =
        fixture.change(("", &View::whole()), "PROPPATCH", "/m/b", &[], &update(&set("<p>lost</p>"))).await;
    match outcome {
        Err(Error::Vfs(error)) => {
            assert!(
                matches!(&error.kind, VfsErrorKind::NoRoom(reason) if reason.contains("properties_file"))
            );
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(fixture.p("/m/b").await.as_deref(), Some("kept"));
    std::fs::remove_file(folder.path()).unwrap();
}

#[tokio::test]
async fn properties_are_set_only_where_something_may_be_changed() {
    let fixture = fixture();
    let path = |text: &str| VPath::parse(text).unwrap();
    let rules = [("/", Access::Read), ("/m/a", Access::Write)];
    let rules = rules.map(|(text, access)| Rule { path: path(text), access });
    let reader = View::new(VPath::root(), Some(&rules));
    let body = update(&set("<p/>"));
    let refused =
        async |view: &View, path: &str| match fixture.change(("", view), "PROPPATCH", path, &[], &body).await
        {
            Err(Error::Vfs(error)) => matches!(error.kind, VfsErrorKind::Refused(_)),
            _ => false,
        };
    assert!(refused(&reader, "/m/b").await && refused(&reader, "/m").await);
    assert!(refused(&View::whole(), "/").await, "a folder of the gateway's own");
    assert!(!refused(&reader, "/m/a/x").await && !refused(&View::whole(), "/m").await);
    assert_eq!(refusal(fixture.change(("", &reader), "PROPPATCH", "/m/nowhere", &[], &body).await).0, 404);
    let xml = fixture.named("/m/b", "<p/>").await;
    assert!(xml.contains("404 Not Found"), "{xml}");
}

#[tokio::test]
async fn a_lock_keeps_properties_as_they_are_for_others() {
    let fixture = fixture();
    let body = r#"<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>"#;
    let whole = View::whole();
    let locked = fixture.change(("anna", &whole), "LOCK", "/m/a", &[], body).await.unwrap();
    let token = locked.headers()["lock-token"].to_str().unwrap().to_owned();
    let body = update(&set("<p>1</p>"));
    assert_eq!(refusal(fixture.change(("ben", &whole), "PROPPATCH", "/m/a/x", &[], &body).await).0, 423);
    assert_eq!(fixture.p("/m/a/x").await, None);
    let shown = format!("({token})");
    let done =
        fixture.change(("anna", &whole), "PROPPATCH", "/m/a/x", &[("if", &shown)], &body).await.unwrap();
    assert_eq!(done.status().as_u16(), 207);
    assert_eq!(fixture.p("/m/a/x").await.as_deref(), Some("1"));
}

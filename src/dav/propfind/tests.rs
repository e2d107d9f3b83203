//! Answers byte for byte, refusals, and failures that must stay failures.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use http_body::Body as _;
use http_body_util::BodyExt as _;

use crate::dav::Error;
use crate::dav::tests::{Fixture, refusal};
use crate::model::FileId;
use crate::vfs::VfsErrorKind;

const SHA1: &str = "da39a3ee5e6b4b0d3255bfef95601890afd80709";
const HEAD: &str = r#"<?xml version="1.0" encoding="utf-8"?><D:multistatus xmlns:D="DAV:">"#;

/// `/m` holds the file `a&b.txt` with a hash and the folder `电影`, which holds `x.mkv` without one.
fn fixture() -> Fixture {
    let fixture = Fixture::at("/m");
    fixture.drive.add_file(FileId::ROOT, "a&b.txt", "hello", SHA1.parse().ok());
    let folder = fixture.drive.add_folder(FileId::ROOT, "电影");
    fixture.drive.add_file(folder, "x.mkv", "xx", None);
    fixture
}

pub(super) fn prop(names: &str) -> String {
    format!(
        r#"<D:propfind xmlns:D="DAV:" xmlns:oc="http://owncloud.org/ns"><D:prop>{names}</D:prop></D:propfind>"#
    )
}

/// In the properties, `{locks}` stands for the kinds of lock there are.
fn response(href: &str, propstats: &[(&str, &str)]) -> String {
    use std::fmt::Write as _;
    let entry = |scope: &str| {
        format!(
            "<D:lockentry><D:lockscope><D:{scope}/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockentry>"
        )
    };
    let locks = format!("<D:supportedlock>{}{}</D:supportedlock>", entry("exclusive"), entry("shared"));
    let mut xml = format!("<D:response><D:href>{href}</D:href>");
    for (status, props) in propstats {
        let props = props.replace("{locks}", &locks);
        let _ = write!(
            xml,
            "<D:propstat><D:prop>{props}</D:prop><D:status>HTTP/1.1 {status}</D:status></D:propstat>"
        );
    }
    xml + "</D:response>"
}

fn answer(responses: &[String]) -> String {
    format!("{HEAD}{}</D:multistatus>", responses.concat())
}

#[tokio::test]
async fn an_empty_body_asks_for_all_properties_of_a_file() {
    let fixture = fixture();
    let expected = answer(&[response(
        "/m/a%26b.txt",
        &[(
            "200 OK",
            "<D:creationdate>2023-11-14T22:13:21Z</D:creationdate>\
             <D:displayname>a&amp;b.txt</D:displayname>\
             <D:getcontentlength>5</D:getcontentlength>\
             <D:getcontenttype>text/plain; charset=utf-8</D:getcontenttype>\
             <D:getetag>\"DA39A3EE5E6B4B0D3255BFEF95601890AFD80709\"</D:getetag>\
             <D:getlastmodified>Tue, 14 Nov 2023 22:13:21 GMT</D:getlastmodified>\
             <D:resourcetype/>{locks}<D:lockdiscovery/>",
        )],
    )]);
    assert_eq!(fixture.propfind("/m/a&b.txt", "0", "").await, expected);
    let allprop = r#"<?xml version="1.0"?><propfind xmlns="DAV:"><allprop/></propfind>"#;
    assert_eq!(fixture.propfind("/m/a&b.txt", "1", allprop).await, expected);
    assert_eq!(fixture.meter.calls(), 1);
}

#[tokio::test]
async fn a_folder_and_its_children_have_trailing_slashes_where_they_are_folders() {
    let fixture = fixture();
    let folder = |name: &str, second: u32| {
        format!(
            "<D:creationdate>2023-11-14T22:13:{second}Z</D:creationdate>\
             <D:displayname>{name}</D:displayname>\
             <D:getcontenttype>httpd/unix-directory</D:getcontenttype>\
             <D:getlastmodified>Tue, 14 Nov 2023 22:13:{second} GMT</D:getlastmodified>\
             <D:resourcetype><D:collection/></D:resourcetype>{{locks}}<D:lockdiscovery/>"
        )
    };
    let own = response("/m/%E7%94%B5%E5%BD%B1/", &[("200 OK", &folder("电影", 22))]);
    assert_eq!(fixture.propfind("/m/电影", "0", "").await, answer(std::slice::from_ref(&own)));
    assert_eq!(fixture.meter.calls(), 1);
    let child = response(
        "/m/%E7%94%B5%E5%BD%B1/x.mkv",
        &[(
            "200 OK",
            "<D:creationdate>2023-11-14T22:13:23Z</D:creationdate>\
             <D:displayname>x.mkv</D:displayname>\
             <D:getcontentlength>2</D:getcontentlength>\
             <D:getcontenttype>video/x-matroska</D:getcontenttype>\
             <D:getetag>\"3-2-1700000003\"</D:getetag>\
             <D:getlastmodified>Tue, 14 Nov 2023 22:13:23 GMT</D:getlastmodified>\
             <D:resourcetype/>{locks}<D:lockdiscovery/>",
        )],
    );
    assert_eq!(fixture.propfind("/m/电影", "1", "").await, answer(&[own, child]));
    assert_eq!(fixture.meter.calls(), 2);
}

#[tokio::test]
async fn the_prefix_stands_before_every_href_and_the_top_has_no_name() {
    let mut fixture = fixture();
    fixture.options.prefix = "/dav".into();
    let xml = fixture.propfind("/", "1", prop("<D:displayname/>")).await;
    let expected = [
        response("/dav/", &[("404 Not Found", "<D:displayname/>")]),
        response("/dav/m/", &[("200 OK", "<D:displayname>m</D:displayname>")]),
    ];
    assert_eq!(xml, answer(&expected));
    assert_eq!(fixture.meter.calls(), 0);
}

#[tokio::test]
async fn what_a_node_does_not_have_is_said_to_be_missing_once() {
    let names = r#"<D:getcontentlength/><x xmlns="urn:&quot;>&lt;y/>"/><D:getetag/><plain xmlns=""/><D:getetag/>
        <D:bogus>junk<D:getlastmodified/></D:bogus><x xmlns="urn:&quot;>&lt;y/>"/><D:resourcetype a="b"/>"#;
    let xml = fixture().propfind("/m/电影", "0", prop(names)).await;
    let missing =
        r#"<D:getcontentlength/><D:getetag/><x:x xmlns:x="urn:&quot;&gt;&lt;y/&gt;"/><plain/><D:bogus/>"#;
    let found = "<D:resourcetype><D:collection/></D:resourcetype>";
    let expected = response("/m/%E7%94%B5%E5%BD%B1/", &[("200 OK", found), ("404 Not Found", missing)]);
    assert_eq!(xml, answer(&[expected]));
    let nothing = fixture().propfind("/m/电影", "0", prop("<D:getetag/>")).await;
    assert_eq!(nothing, answer(&[response("/m/%E7%94%B5%E5%BD%B1/", &[("404 Not Found", "<D:getetag/>")])]));
    let empty = fixture().propfind("/m/电影", "0", prop("")).await;
    assert_eq!(empty, answer(&[response("/m/%E7%94%B5%E5%BD%B1/", &[("200 OK", "")])]));
}

#[tokio::test]
async fn propname_tells_names_alone() {
    let fixture = fixture();
    let body = r#"<D:propfind xmlns:D="DAV:"><D:propname/></D:propfind>"#;
    let xml = fixture.propfind("/m/a&b.txt", "0", body).await;
    let names = "<D:creationdate/><D:displayname/><D:getcontentlength/><D:getcontenttype/><D:getetag/>\
                 <D:getlastmodified/><D:resourcetype/><D:supportedlock/><D:lockdiscovery/><oc:checksums/>";
    assert!(xml.contains(&format!("<D:prop>{names}</D:prop>")), "{xml}");
    assert!(xml.contains(r#"xmlns:oc="http://owncloud.org/ns""#));
    let xml = fixture.propfind("/m", "0", body).await;
    assert!(
        !xml.contains("getcontentlength") && !xml.contains("checksums") && !xml.contains("quota"),
        "{xml}"
    );
}

#[tokio::test]
async fn checksums_come_when_named_and_with_include() {
    let fixture = fixture();
    let checksums = format!("<oc:checksums><oc:checksum>SHA1:{SHA1}</oc:checksum></oc:checksums>");
    let xml = fixture.propfind("/m/a&b.txt", "0", prop("<oc:checksums/>")).await;
    assert!(xml.contains(&checksums) && xml.contains(r#" xmlns:oc="http://owncloud.org/ns""#), "{xml}");
    let include = r#"<propfind xmlns="DAV:"><include><checksums xmlns="http://owncloud.org/ns"/><getetag/><nope/></include><allprop/></propfind>"#;
    let xml = fixture.propfind("/m/a&b.txt", "0", include).await;
    assert!(xml.contains(&checksums) && xml.contains("<D:creationdate>"), "{xml}");
    assert!(xml.contains("<D:prop><D:nope/></D:prop><D:status>HTTP/1.1 404 Not Found"), "{xml}");
    assert_eq!(xml.matches("<D:getetag>").count(), 1);
    let xml = fixture.propfind("/m/电影/x.mkv", "0", prop("<oc:checksums/>")).await;
    assert!(xml.contains("<D:prop><oc:checksums/></D:prop><D:status>HTTP/1.1 404 Not Found"), "{xml}");
}

const QUOTA: &str = "<D:quota-available-bytes/><D:quota-used-bytes/>";

#[tokio::test]
async fn quota_is_told_of_folders_when_named() {
    let fixture = fixture();
    let values = "<D:quota-available-bytes>1099511627776</D:quota-available-bytes><D:quota-used-bytes>7</D:quota-used-bytes>";
    let xml = fixture.propfind("/m", "1", prop(QUOTA)).await;
    let expected = [
        response("/m/", &[("200 OK", values)]),
        response("/m/a%26b.txt", &[("404 Not Found", QUOTA)]),
        response("/m/%E7%94%B5%E5%BD%B1/", &[("200 OK", values)]),
    ];
    assert_eq!(xml, answer(&expected));
    assert_eq!(fixture.meter.calls(), 2);
    let all = fixture.propfind("/m", "0", "").await;
    assert!(!all.contains("quota"), "{all}");
    // rclone asks at the top only.
    let top = fixture.propfind("/", "0", prop(QUOTA)).await;
    assert_eq!(top, answer(&[response("/", &[("200 OK", values)])]));
    let two = Fixture::at_each(&["/m/a", "/m/b"]);
    let top = two.propfind("/", "0", prop(QUOTA)).await;
    assert_eq!(top, answer(&[response("/", &[("404 Not Found", QUOTA)])]));
    assert_eq!(two.meter.calls(), 0);
}

#[tokio::test]
async fn quota_is_missing_where_it_is_switched_off_or_hangs_the_client() {
    let missing = answer(&[response("/m/", &[("404 Not Found", QUOTA)])]);
    let mut off = fixture();
    off.options.report_quota = false;
    let mut finder = fixture();
    finder.traits.quota_hangs = true;
    for fixture in [off, finder] {
        assert_eq!(fixture.propfind("/m", "0", prop(QUOTA)).await, missing);
        assert_eq!(fixture.meter.calls(), 0);
    }
}

#[tokio::test]
async fn a_quota_that_cannot_be_had_spoils_nothing_else() {
    let fixture = fixture();
    fixture.propfind("/m", "1", "").await;
    fixture.fail();
    let xml = fixture.propfind("/m", "0", prop(&format!("{QUOTA}<D:resourcetype/><D:nope/>"))).await;
    let found = "<D:prop><D:resourcetype><D:collection/></D:resourcetype></D:prop><D:status>HTTP/1.1 200 OK";
    let failed = format!(
        "<D:propstat><D:prop>{QUOTA}</D:prop><D:status>HTTP/1.1 503 Service Unavailable</D:status>\
         <D:responsedescription>cannot get the space of /m: 115 &lt;blocks&gt; the account</D:responsedescription></D:propstat>"
    );
    assert!(xml.contains(found) && xml.contains("<D:nope/>") && xml.contains(&failed), "{xml}");
}

#[tokio::test]
async fn characters_xml_cannot_hold_do_not_spoil_the_listing() {
    let fixture = Fixture::at("/");
    fixture.drive.add_file(FileId::ROOT, "a\u{ffff}\u{fffe}\u{1}<&", "", None);
    let xml = fixture.propfind("/", "1", prop("<D:displayname/>")).await;
    assert!(xml.contains("<D:displayname>a\u{fffd}\u{fffd}\u{2401}&lt;&amp;</D:displayname>"), "{xml}");
}

#[tokio::test]
async fn depth_is_0_or_1_and_a_missing_one_is_1() {
    let fixture = fixture();
    let ask = async |headers: &[(&'static str, &str)]| fixture.ask("PROPFIND", "/m", headers, "").await;
    for infinity in ["infinity", "Infinity", "INFINITY"] {
        for headers in [&[("depth", infinity)][..], &[("depth", infinity), ("x-litmus", "1")]] {
            assert_eq!(refusal(ask(headers).await), (403, Some("propfind-finite-depth")));
        }
    }
    for bad in ["2", "", "1,noroot", "0,1", "-1"] {
        assert_eq!(refusal(ask(&[("depth", bad)]).await), (400, None), "{bad:?}");
    }
    assert_eq!(refusal(ask(&[("depth", "0"), ("depth", "1")]).await), (400, None));
    assert_eq!(fixture.meter.calls(), 0);
    let body = ask(&[]).await.unwrap().into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, fixture.propfind("/m", "1", "").await);
    assert_eq!(body, fixture.propfind("/m", " 1 ", "").await);
}

#[tokio::test]
async fn an_answer_says_what_it_is() {
    let response = fixture().ask("PROPFIND", "/m", &[], "").await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/xml; charset=utf-8");
    assert_eq!(response.headers()["cache-control"], "no-store");
    let length: usize = response.headers()["content-length"].to_str().unwrap().parse().unwrap();
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes().len(), length);
}

#[tokio::test]
async fn a_large_folder_comes_in_frames_with_a_rest_between_them() {
    let fixture = Fixture::at("/");
    for index in 0..3000 {
        fixture.drive.add_file(FileId::ROOT, &format!("file {index}.mkv"), "", None);
    }
    let response = fixture.ask("PROPFIND", "/", &[("depth", "1")], "").await.unwrap();
    assert!(!response.headers().contains_key("content-length"));
    let mut body = response.into_body();
    let (mut xml, mut frames, mut rests) = (Vec::new(), 0, 0);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        match Pin::new(&mut body).poll_frame(&mut context) {
            Poll::Pending => rests += 1,
            Poll::Ready(None) => break,
            Poll::Ready(Some(frame)) => {
                let data = frame.unwrap().into_data().unwrap();
                assert!(data.len() < 34 * 1024);
                frames += 1;
                xml.extend_from_slice(&data);
            }
        }
    }
    let xml = String::from_utf8(xml).unwrap();
    assert!(frames > 10);
    assert_eq!(rests, frames);
    assert_eq!(xml.matches("<D:response>").count(), 3001);
    assert!(xml.ends_with("</D:response></D:multistatus>"));
}

#[tokio::test]
async fn nothing_there_is_not_found() {
    let fixture = fixture();
    for path in ["/nowhere", "/m/nowhere", "/m/a&b.txt/below"] {
        for depth in ["0", "1"] {
            let error = fixture.ask("PROPFIND", path, &[("depth", depth)], "").await.unwrap_err();
            assert!(matches!(error, Error::Vfs(error) if matches!(error.kind, VfsErrorKind::NotFound)));
        }
    }
}

#[tokio::test]
async fn looking_for_system_files_costs_nothing() {
    let fixture = fixture();
    let error = fixture.ask("PROPFIND", "/m/电影/.DS_Store", &[("depth", "0")], "").await.unwrap_err();
    assert!(matches!(error, Error::Vfs(error) if matches!(error.kind, VfsErrorKind::NotFound)));
    assert_eq!(fixture.meter.calls(), 0);
}

#[tokio::test]
async fn a_folder_with_the_name_of_a_system_file_can_be_listed_from_cold() {
    let fixture = fixture();
    let folder = fixture.drive.add_folder(FileId::ROOT, ".trash");
    fixture.drive.add_file(folder, "kept.txt", "x", None);
    let xml = fixture.propfind("/m/.trash", "1", "").await;
    assert!(xml.contains("<D:href>/m/.trash/kept.txt</D:href>"), "{xml}");
}

#[tokio::test]
async fn a_drive_that_fails_is_never_an_empty_folder() {
    let fixture = fixture();
    fixture.fail();
    let is_drive_error = |outcome: Result<_, Error>| matches!(outcome, Err(Error::Vfs(error)) if matches!(error.kind, VfsErrorKind::Drive(_)));
    // The mount itself is known without a call, its children are not.
    assert!(is_drive_error(fixture.ask("PROPFIND", "/m", &[("depth", "1")], "").await));
    assert!(is_drive_error(fixture.ask("PROPFIND", "/m/电影", &[("depth", "0")], "").await));
    // Failing after the first listing: the folder is found in the cache, its children are not.
    fixture.drive.fail_with(None);
    fixture.propfind("/m", "1", "").await;
    fixture.fail();
    fixture.propfind("/m/电影", "0", "").await;
    assert!(is_drive_error(fixture.ask("PROPFIND", "/m/电影", &[("depth", "1")], "").await));
    assert!(is_drive_error(fixture.ask("PROPFIND", "/m/电影", &[], "").await));
}

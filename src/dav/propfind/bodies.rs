//! Bodies that are no propfind, and bodies meant to do harm.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::properties::Property;
use super::request::{Query, Wish};
use crate::dav::Error;
use crate::dav::tests::Fixture;
use crate::dav::xml::{Name, is_nc_name};
use crate::model::FileId;

#[track_caller]
fn check_refused(body: impl Into<Bytes>, expected: u16) {
    let body = body.into();
    match Query::parse(&body) {
        Err(Error::Refused { status, condition: None, .. }) => {
            assert_eq!(status.as_u16(), expected, "{body:?}");
        }
        outcome => panic!("{body:?}: {outcome:?}"),
    }
}

#[track_caller]
fn check(body: &str, wish: Wish, named: &[Property], unknown: &[(Option<&str>, &str)]) {
    let unknown = unknown
        .iter()
        .map(|(namespace, local)| Name { namespace: namespace.map(Into::into), local: (*local).into() })
        .collect();
    let query = Query::parse(&Bytes::from(body.to_owned())).unwrap();
    assert_eq!(query, Query { wish, named: named.to_vec(), unknown }, "{body}");
}

#[test]
fn namespaces_are_followed_wherever_they_are_declared() {
    let named = [Property::Etag, Property::Checksums];
    check(
        r#"<propfind xmlns="DAV:"><prop><getetag/><checksums xmlns="http://owncloud.org/ns"/></prop></propfind>"#,
        Wish::Some,
        &named,
        &[],
    );
    check(
        r#"<a:propfind xmlns:a="DAV:"><b:prop xmlns:b="DAV:"><c:getetag xmlns:c="DAV:"/><D:checksums xmlns:D="http://owncloud.org/ns"/></b:prop></a:propfind>"#,
        Wish::Some,
        &named,
        &[],
    );
    // A prefix that means something else inside, and a default namespace that is switched off.
    check(
        r#"<D:propfind xmlns:D="DAV:"><D:prop><D:getetag xmlns:D="urn:x"/><getetag/><D:getetag/></D:prop></D:propfind>"#,
        Wish::Some,
        &[Property::Etag],
        &[(Some("urn:x"), "getetag"), (None, "getetag")],
    );
    // Entities in a namespace name are its characters.
    check(
        r#"<propfind xmlns="&#68;AV:"><prop><a xmlns="x&amp;&lt;y"/></prop></propfind>"#,
        Wish::Some,
        &[],
        &[(Some("x&<y"), "a")],
    );
}

#[test]
fn what_is_not_understood_is_ignored() {
    check(
        "\u{FEFF}<?xml version='1.0' encoding='UTF-8'?><!-- c --><propfind xmlns=\"DAV:\" x='y'>\
         <e:new xmlns:e='urn:e'><prop><getetag/></prop></e:new><allprop>text<deep/></allprop>&amp;<![CDATA[x]]><?pi x?></propfind>\n",
        Wish::All,
        &[],
        &[],
    );
    check(r#"<propfind xmlns="DAV:"><propname/><prop xmlns="urn:x"/></propfind>"#, Wish::Names, &[], &[]);
}

#[test]
fn a_body_that_is_no_propfind_is_refused() {
    for body in [
        "hello",
        " ",
        "{}",
        "<propfind/>",
        r#"<propfind xmlns="urn:x"><allprop/></propfind>"#,
        r#"<propertyupdate xmlns="DAV:"/>"#,
        r#"<propfind xmlns="DAV:"/>"#,
        r#"<propfind xmlns="DAV:"><allprop xmlns=""/></propfind>"#,
        r#"<propfind xmlns="DAV:"><allprop/><prop/></propfind>"#,
        r#"<propfind xmlns="DAV:"><prop/><prop/></propfind>"#,
        r#"<propfind xmlns="DAV:"><propname/><allprop/></propfind>"#,
        r#"<propfind xmlns="DAV:"><include/></propfind>"#,
        r#"<propfind xmlns="DAV:"><prop/><include/></propfind>"#,
    ] {
        check_refused(body, 400);
    }
}

#[test]
fn ill_formed_xml_is_refused_wherever_the_fault_is() {
    for body in [
        r#"<propfind xmlns="DAV:"><allprop/>"#,
        r#"<propfind xmlns="DAV:"><allprop></propfind>"#,
        r#"<propfind xmlns="DAV:"><allprop/></propfind></propfind>"#,
        r#"<propfind xmlns="DAV:"><allprop/></propfind><more/>"#,
        r#"<propfind xmlns="DAV:"><allprop/></propfind>more"#,
        r#"<propfind xmlns="DAV:"><allprop/></propfind>&amp;"#,
        r#"more<propfind xmlns="DAV:"><allprop/></propfind>"#,
        r#" <?xml version="1.0"?><propfind xmlns="DAV:"><allprop/></propfind>"#,
        r#"<propfind xmlns="DAV:"><allprop/><![CDATA[x</propfind>"#,
        r#"<propfind xmlns="DAV:"><allprop/><!-- a -- b --></propfind>"#,
        r#"<propfind xmlns="DAV:"><allprop/>&nbsp;</propfind>"#,
        r#"<propfind xmlns="DAV:"><allprop/>&#0;</propfind>"#,
        r#"<propfind xmlns="DAV:" a="1" a="2"><allprop/></propfind>"#,
        r#"<propfind xmlns="DAV:" a=1><allprop/></propfind>"#,
        r#"<propfind xmlns="DAV:" a="<"><allprop/></propfind>"#,
        r#"<propfind xmlns="DAV:" a="&x;"><allprop/></propfind>"#,
        r#"<D:propfind xmlns:D="DAV:"><D:prop><bar:foo xmlns:bar=""/></D:prop></D:propfind>"#,
        r#"<D:propfind xmlns:D="DAV:"><D:prop><bar:foo/></D:prop></D:propfind>"#,
        r#"<propfind xmlns="DAV:"><prop><1a/></prop></propfind>"#,
        r#"<propfind xmlns="DAV:" xmlns:a="urn:a"><prop><a:b:c/></prop></propfind>"#,
        "<propfind xmlns=\"DAV:\"><prop><a\u{0}/></prop></propfind>",
        "<propfind xmlns=\"DAV:\"><allprop/>\u{1}</propfind>",
        "<propfind xmlns=\"DAV:\"><prop><a\"onload=\"x\"/></prop></propfind>",
    ] {
        // A NUL among the first bytes is taken for UTF-16; none of these has one there.
        check_refused(body, 400);
    }
    check_refused(&b"<propfind xmlns=\"DAV:\"><allprop/>\xFF</propfind>"[..], 400);
}

#[test]
fn other_encodings_are_refused_by_name() {
    let text = r#"<propfind xmlns="DAV:"><allprop/></propfind>"#;
    let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    check_refused([&b"\xFF\xFE"[..], &little].concat(), 415);
    check_refused([&b"\xFE\xFF"[..], &big].concat(), 415);
    check_refused(little, 415);
    check_refused(big, 415);
    check_refused(format!(r#"<?xml version="1.0" encoding="GBK"?>{text}"#), 415);
}

#[test]
fn nothing_deep_large_or_expanding_is_read() {
    check_refused(format!("{}{}", "<a>".repeat(2100), "</a>".repeat(2100)), 400);
    let nested = format!("{}{}", "<a>".repeat(2100), "</a>".repeat(2100));
    check_refused(format!(r#"<propfind xmlns="DAV:"><prop>{nested}</prop></propfind>"#), 400);
    let laughs = r#"<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol1 "&lol;&lol;&lol;&lol;&lol;&lol;&lol;">]>
        <propfind xmlns="DAV:"><prop>&lol1;</prop></propfind>"#;
    check_refused(laughs, 400);
    check_refused(
        r#"<?xml version="1.0"?><!DOCTYPE p SYSTEM "file:///etc/passwd"><propfind xmlns="DAV:"/>"#,
        400,
    );
    let repeats = "<getetag/>".repeat(6200);
    check_refused(format!(r#"<propfind xmlns="DAV:"><prop>{repeats}</prop></propfind>"#), 400);
    let attributes = (0..6000).fold(String::new(), |all, index| all + &format!(" a{index}=\"\""));
    check_refused(format!(r#"<propfind xmlns="DAV:"{attributes}><allprop/></propfind>"#), 400);
}

#[tokio::test]
async fn repeated_properties_are_answered_once() {
    let fixture = Fixture::at("/");
    for index in 0..100 {
        fixture.drive.add_file(FileId::ROOT, &format!("{index}"), "", None);
    }
    let names = "<getetag/><supportedlock/><a xmlns='urn:a'/>".repeat(84);
    let xml = fixture
        .propfind("/", "1", format!(r#"<propfind xmlns="DAV:"><prop>{names}</prop></propfind>"#))
        .await;
    assert_eq!(xml.matches("<D:getetag>").count(), 100);
    assert!(xml.len() < 100 * 700, "{}", xml.len());
}

proptest! {
    #[test]
    fn any_bytes_are_a_query_or_an_error(body in any::<Vec<u8>>()) {
        let _ = Query::parse(&Bytes::from(body));
    }

    /// Pieces of markup in any order come nearer to the parser's corners than bytes do.
    #[test]
    fn any_markup_is_a_query_or_an_error(pieces in vec(select(PIECES.to_vec()), 0..24)) {
        let body = format!("<propfind xmlns=\"DAV:\">{}", pieces.concat());
        if let Ok(query) = Query::parse(&Bytes::from(body)) {
            prop_assert!(query.unknown.iter().all(|name| is_nc_name(&name.local)));
        }
    }
}

const PIECES: [&str; 24] = [
    "<prop>",
    "</prop>",
    "<prop/>",
    "<allprop/>",
    "<propname/>",
    "<include>",
    "</include>",
    "</propfind>",
    "<a/>",
    "<getetag/>",
    "<getetag>",
    "</getetag>",
    "<x:a xmlns:x=\"urn:x\">",
    "</x:a>",
    "<a xmlns=\"\"/>",
    "<",
    ">",
    "&amp;",
    "&#x41;",
    "<!-- c -->",
    "<![CDATA[x]]>",
    "<?pi?>",
    "<?xml version=\"1.0\"?>",
    "text",
];

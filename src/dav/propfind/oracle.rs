//! `dav_server`'s own PROPFIND, over the adapter, as a second opinion.
//!
//! Both answer the same random question about the same random tree, and both answers become sets of facts.
//! Where they are known to differ, one side's facts are adjusted by a rule with a reason; nothing else may differ.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use dav_server::DavHandler;
use dav_server::davpath::DavPath;
use dav_server::ls::DavLockSystem as _;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use percent_encoding::percent_decode_str;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};
use xmltree::{Element, XMLNode};

use crate::dav::locks::ViewedLocks;
use crate::dav::properties::{Change, Dead};
use crate::dav::tests::{Fixture, PLAIN};
use crate::dav::xml::Name;
use crate::dav::{DavFs, RequestCtx};
use crate::model::{FileId, Sha1};
use crate::vfs::{VPath, View};

const DAV: &str = "DAV:";
const WIN32: &str = "urn:schemas-microsoft-com:";

/// One property of one resource, as an answer states it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Fact {
    /// Decoded, because the two escape differently.
    href: String,
    namespace: String,
    name: String,
    status: String,
    value: String,
}

impl Fact {
    fn is(&self, namespace: &str, name: &str) -> bool {
        self.namespace == namespace && self.name == name
    }

    fn is_quota(&self) -> bool {
        self.namespace == DAV && self.name.starts_with("quota-")
    }
}

#[derive(Clone, Debug)]
enum Question {
    AllProp,
    PropName,
    Prop(Vec<&'static str>),
}

impl Question {
    fn body(&self) -> String {
        let inner = match self {
            Self::AllProp => "<D:allprop/>".to_owned(),
            Self::PropName => "<D:propname/>".to_owned(),
            Self::Prop(elements) => format!("<D:prop>{}</D:prop>", elements.concat()),
        };
        format!(r#"<D:propfind xmlns:D="DAV:">{inner}</D:propfind>"#)
    }
}

/// A node of the tree: below which folder, its name, and for a file its content and whether its hash is known.
type Plan = (Index, String, Option<(Vec<u8>, bool)>);

/// What is kept of a node: which, and whether it is a property or a lock, and that shared, and deep.
type Kept = (Index, bool, bool, bool);

fn plans() -> impl Strategy<Value = Vec<Plan>> {
    let name = prop_oneof![
        "[a-c]{1,2}(\\.(mkv|txt|HTML|zzz))?",
        "[ -~电影é😀\u{301}\u{fffe}／]{1,6}",
        select(vec!["..", "a.", " ", "%41", "a+b&c", "<&>\"'", "#1?.srt"]).prop_map(str::to_owned),
    ];
    vec((any::<Index>(), name, option::of((vec(any::<u8>(), 0..4), any::<bool>()))), 0..12)
}

fn questions() -> impl Strategy<Value = Question> {
    let elements = vec![
        "<D:creationdate/>",
        "<D:displayname/>",
        "<D:getcontentlanguage/>",
        "<D:getcontentlength/>",
        "<D:getcontenttype/>",
        "<D:getetag/>",
        "<D:getlastmodified/>",
        "<D:resourcetype/>",
        "<D:supportedlock/>",
        "<D:lockdiscovery/>",
        "<D:quota-available-bytes/>",
        "<D:quota-used-bytes/>",
        "<D:current-user-principal/>",
        r#"<oc:checksums xmlns:oc="http://owncloud.org/ns"/>"#,
        r#"<oc:fileid xmlns:oc="http://owncloud.org/ns"/>"#,
        r#"<Z:Win32CreationTime xmlns:Z="urn:schemas-microsoft-com:"/>"#,
        r#"<Z:Win32FileAttributes xmlns:Z="urn:schemas-microsoft-com:"/>"#,
        r#"<A:executable xmlns:A="http://apache.org/dav/props/"/>"#,
        r#"<x xmlns="urn:x"/>"#,
        r#"<x xmlns=""/>"#,
    ];
    let count = elements.len();
    prop_oneof![
        Just(Question::AllProp),
        Just(Question::PropName),
        subsequence(elements, 1..=count).prop_shuffle().prop_map(Question::Prop),
    ]
}

/// The fixture and the path of every node in it.
fn plant(mount: &str, plans: Vec<Plan>) -> Fixture {
    let fixture = Fixture::at(mount);
    let mut folders = vec![FileId::ROOT];
    for (index, (below, name, content)) in plans.into_iter().enumerate() {
        let parent = *below.get(&folders);
        match content {
            None => folders.push(fixture.drive.add_folder(parent, &name)),
            Some((content, hashed)) => {
                let sha1 = hashed.then(|| Sha1([u8::try_from(index).unwrap_or(0); 20]));
                fixture.drive.add_file(parent, &name, content, sha1);
            }
        }
    }
    fixture
}

async fn paths(fixture: &Fixture) -> Vec<VPath> {
    let mut paths = vec![VPath::root()];
    let mut next = 0;
    while let Some(path) = paths.get(next).cloned() {
        next += 1;
        if let Ok(folder) = fixture.vfs.list(&fixture.meter, &View::whole().at(path.clone())).await {
            paths.extend(folder.listing.nodes().iter().map(|node| path.join(&node.name).unwrap()));
        }
    }
    paths
}

fn locks(fixture: &Fixture) -> ViewedLocks {
    ViewedLocks { locks: Arc::clone(&fixture.locks), view: View::whole() }
}

/// Locks what `Kept` says, as far as the locks do not keep each other out, and sets a property of each.
async fn keep(fixture: &Fixture, paths: &[VPath], kept: Vec<Kept>) {
    for (index, shared, deep, is_lock) in kept {
        let path = index.get(paths);
        if is_lock {
            let path = DavPath::new(&path.to_uri().to_string()).unwrap();
            let life = Some(Duration::from_secs(300));
            let _ = locks(fixture).lock(&path, Some("anna"), None, life, shared, deep).await;
        } else {
            let name = Name { namespace: Some("urn:x".into()), local: "x".into() };
            let xml = r#"<b:x xmlns:b="urn:x" xmlns="urn:y">1<y b:z="&amp;"/> &lt;</b:x>"#.into();
            let set = vec![Change::Set(Dead { name, xml })];
            fixture.properties.change(View::whole().at(path.clone()).key(), set).await.unwrap();
        }
    }
}

async fn ours(fixture: &Fixture, path: &VPath, depth: &str, body: &str) -> BTreeSet<Fact> {
    facts(fixture.propfind(path.as_str(), depth, body.to_owned()).await.as_bytes())
}

async fn theirs(fixture: &Fixture, path: &VPath, depth: &str, body: &str) -> BTreeSet<Fact> {
    let fs = DavFs::new(Arc::clone(&fixture.vfs), Arc::clone(&fixture.properties));
    let handler: DavHandler<RequestCtx> =
        DavHandler::builder().filesystem(Box::new(fs)).locksystem(Box::new(locks(fixture))).build_handler();
    let request = Request::builder()
        .method("PROPFIND")
        .uri(path.to_uri().to_string())
        .header("depth", depth)
        .body(Full::new(Bytes::from(body.to_owned())))
        .unwrap();
    let ctx = RequestCtx::new(path.clone(), View::whole(), PLAIN, fixture.meter.clone());
    let response = handler.handle_guarded(request, "user".to_owned(), ctx).await;
    assert_eq!(response.status(), StatusCode::MULTI_STATUS);
    facts(&response.into_body().collect().await.unwrap().to_bytes())
}

fn facts(xml: &[u8]) -> BTreeSet<Fact> {
    let root = Element::parse(xml).unwrap();
    let mut facts = BTreeSet::new();
    for response in elements(&root) {
        assert_eq!(response.name, "response");
        let href = text(response.get_child("href").unwrap());
        let href = percent_decode_str(&href).decode_utf8().unwrap().into_owned();
        // That the resource is in the answer at all is a fact too.
        facts.insert(Fact {
            href: href.clone(),
            namespace: String::new(),
            name: String::new(),
            status: String::new(),
            value: String::new(),
        });
        for propstat in elements(response).filter(|child| child.name == "propstat") {
            let status = text(propstat.get_child("status").unwrap());
            for property in elements(propstat.get_child("prop").unwrap()) {
                facts.insert(Fact {
                    href: href.clone(),
                    namespace: property.namespace.clone().unwrap_or_default(),
                    name: property.name.clone(),
                    status: status.clone(),
                    value: value(property),
                });
            }
        }
    }
    facts
}

fn elements(parent: &Element) -> impl Iterator<Item = &Element> {
    parent.children.iter().filter_map(XMLNode::as_element)
}

fn text(element: &Element) -> String {
    element.get_text().unwrap_or_default().trim().to_owned()
}

/// Text and child elements, without regard to prefixes.
fn value(property: &Element) -> String {
    let mut children: Vec<String> =
        elements(property).map(|child| format!("<{}>{}", child.name, value(child))).collect();
    if property.name == "activelock" {
        // Their order means nothing.
        children.sort();
    }
    let mut text = text(property);
    if property.name == "href" {
        text = percent_decode_str(&text).decode_utf8().unwrap().into_owned();
    }
    text + &children.concat()
}

/// What `dav_server` says, put as we would.
fn adjust_theirs(mut fact: Fact) -> Option<Fact> {
    // It leaves out the quotes, and then does not accept what it gave.
    if fact.is(DAV, "getetag") && !fact.value.is_empty() {
        fact.value = format!("\"{}\"", fact.value);
    }
    if fact.is(DAV, "lockdiscovery") {
        // RFC 4918, §15.1 has it in lower case.
        fact.value = fact.value.replace("<depth>Infinity", "<depth>infinity");
    }
    // It knows who asks and what Windows stores. We let Windows store nothing, so there is nothing to report.
    if fact.is(DAV, "current-user-principal") || fact.namespace == WIN32 {
        return None;
    }
    // It answers wrongly everywhere but at the top (see ours, too).
    if fact.is_quota() && fact.href != "/" {
        return None;
    }
    Some(fact)
}

/// What we say, as far as `dav_server` would say it as well.
fn adjust_ours(mut fact: Fact, question: &Question) -> Option<Fact> {
    // It never says that something is missing.
    if fact.status == "HTTP/1.1 404 Not Found" {
        return None;
    }
    if fact.is(DAV, "getcontenttype") {
        // It does not state the encoding of text.
        fact.value = fact.value.replace("; charset=utf-8", "");
    }
    if fact.is_quota() && fact.href != "/" {
        return None;
    }
    // It takes these for dead properties, which the adapter tells it only by name.
    let dead = fact.is(DAV, "displayname") || fact.name == "checksums" || fact.is("urn:x", "x");
    if dead && !matches!(question, Question::Prop(_)) {
        return None;
    }
    Some(fact)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn we_say_what_dav_server_says(
        plans in plans(),
        question in questions(),
        kept in vec(any::<Kept>(), 0..4),
        mount in select(vec!["/", "/m/电影"]),
        target in any::<Index>(),
        depth in select(vec!["0", "1"]),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let (ours, theirs) = runtime.block_on(async {
            let fixture = plant(mount, plans);
            let paths = paths(&fixture).await;
            keep(&fixture, &paths, kept).await;
            let path = target.get(&paths).clone();
            let body = question.body();
            (ours(&fixture, &path, depth, &body).await, theirs(&fixture, &path, depth, &body).await)
        });
        // It offers locks on folders of the gateway's own as well, where there is nothing to write.
        let is_offer = |fact: &Fact| fact.is(DAV, "supportedlock") && !fact.href.starts_with(mount);
        let mut ours: BTreeSet<Fact> = ours.into_iter().filter_map(|fact| adjust_ours(fact, &question)).collect();
        let mut theirs: BTreeSet<Fact> = theirs.into_iter().filter_map(adjust_theirs).collect();
        ours.retain(|fact| !is_offer(fact));
        theirs.retain(|fact| !is_offer(fact));
        if matches!(question, Question::PropName) {
            // Unlike us it asks 115 in order to tell the name alone.
            theirs.retain(|fact| !fact.is_quota());
            // And it tells of locks more than the names.
            let bare = |fact: Fact| match &*fact.name {
                "supportedlock" | "lockdiscovery" => Fact { value: String::new(), ..fact },
                _ => fact,
            };
            theirs = theirs.into_iter().map(bare).collect();
        }
        prop_assert_eq!(ours, theirs);
    }
}

//! A reader of 207 answers that shares nothing with the writer.

use std::time::SystemTime;

use percent_encoding::percent_decode_str;
use xmltree::{Element, ParserConfig, XMLNode};

/// What an answer says of one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resource {
    /// As it stands there, still escaped.
    pub(crate) href: String,
    pub(crate) is_folder: bool,
    pub(crate) display_name: Option<String>,
    pub(crate) size: Option<u64>,
    pub(crate) modified: Option<SystemTime>,
    /// Without the word `SHA1:` in front.
    pub(crate) sha1: Option<String>,
}

impl Resource {
    /// The last name of the href, unescaped.
    pub(crate) fn name(&self) -> String {
        let last = self.href.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        percent_decode_str(last).decode_utf8().unwrap().into_owned()
    }
}

/// Everything in an answer, in its order.
pub(crate) fn resources(xml: &str) -> Vec<Resource> {
    // A name may be nothing but blanks.
    let config = ParserConfig::new().whitespace_to_characters(true);
    let root = Element::parse_with_config(xml.as_bytes(), config);
    let root = root.unwrap_or_else(|error| panic!("{error} in {xml}"));
    assert_eq!((root.name.as_str(), root.namespace.as_deref()), ("multistatus", Some("DAV:")));
    children(&root).map(resource).collect()
}

fn resource(response: &Element) -> Resource {
    let found = |name: &str| {
        children(response)
            .filter(|child| child.name == "propstat")
            .filter(|propstat| text(propstat, "status").is_some_and(|status| status.contains(" 200 ")))
            .filter_map(|propstat| propstat.get_child("prop"))
            .find_map(|prop| prop.get_child(name))
    };
    let text_of = |name: &str| found(name).and_then(Element::get_text).map(std::borrow::Cow::into_owned);
    Resource {
        href: text(response, "href").expect("a response without href"),
        is_folder: found("resourcetype").is_some_and(|kind| kind.get_child("collection").is_some()),
        display_name: text_of("displayname"),
        size: text_of("getcontentlength").map(|size| size.parse().unwrap()),
        modified: text_of("getlastmodified").map(|date| httpdate::parse_http_date(&date).unwrap()),
        sha1: found("checksums").and_then(|checksums| text(checksums, "checksum")).map(|sum| {
            sum.strip_prefix("SHA1:").unwrap_or_else(|| panic!("an unknown checksum: {sum}")).to_owned()
        }),
    }
}

fn children(element: &Element) -> impl Iterator<Item = &Element> {
    element.children.iter().filter_map(XMLNode::as_element)
}

fn text(element: &Element, child: &str) -> Option<String> {
    element.get_child(child)?.get_text().map(std::borrow::Cow::into_owned)
}

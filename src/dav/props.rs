//! The properties `dav_server` does not know, in the form it takes them: one XML element each.
//!
//! Only on demand: it asks for all of them for every entry, and puts what it gets into every answer.

use dav_server::fs::DavProp;

use super::xml::{DAV, OWNCLOUD, escape};
use crate::model::Node;

/// The element of `property` of the node called `name`, if it has it.
pub(super) fn element(node: &Node, name: Option<&str>, property: &DavProp) -> Option<String> {
    match (property.namespace.as_deref()?, property.name.as_str()) {
        (OWNCLOUD, "checksums") => Some(format!(
            r#"<oc:checksums xmlns:oc="{OWNCLOUD}"><oc:checksum>SHA1:{}</oc:checksum></oc:checksums>"#,
            node.sha1?.to_string().to_ascii_lowercase()
        )),
        (DAV, "displayname") => {
            let mut xml = format!(r#"<D:displayname xmlns:D="{DAV}">"#);
            escape(&mut xml, name?);
            xml.push_str("</D:displayname>");
            Some(xml)
        }
        _ => None,
    }
}

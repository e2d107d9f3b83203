//! WebDAV's XML vocabulary: namespaces, names, and the one way to escape text.
//!
//! Knows XML 1.0's rules. Does not know properties.
//! Called by everything here that reads or writes XML.

use xmltree::{Element, XMLNode};

/// The namespace of RFC 4918.
pub(super) const DAV: &str = "DAV:";
/// The namespace in which ownCloud, Nextcloud and rclone speak of checksums.
pub(super) const OWNCLOUD: &str = "http://owncloud.org/ns";

/// The expanded name of an element.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Name {
    /// Its namespace; `None` if it is in none.
    pub(super) namespace: Option<Box<str>>,
    /// Its name without prefix. Always an `NCName`.
    pub(super) local: Box<str>,
}

impl Name {
    /// Whether this is the name `local` in RFC 4918's namespace.
    pub(super) fn is_dav(&self, local: &str) -> bool {
        self.namespace.as_deref() == Some(DAV) && &*self.local == local
    }

    /// Appends the empty element of this name, below a root that binds `D` to `DAV:` and declares no default namespace.
    pub(super) fn push_empty_element(&self, buffer: &mut String) {
        match self.namespace.as_deref() {
            None => {
                buffer.push('<');
                buffer.push_str(&self.local);
            }
            Some(DAV) => {
                buffer.push_str("<D:");
                buffer.push_str(&self.local);
            }
            Some(namespace) => {
                buffer.push_str("<x:");
                buffer.push_str(&self.local);
                buffer.push_str(" xmlns:x=\"");
                escape(buffer, namespace);
                buffer.push('"');
            }
        }
        buffer.push_str("/>");
    }
}

/// Appends `text` so that it is character data or the value of an attribute.
///
/// A character XML 1.0 cannot hold, even escaped, becomes U+FFFD:
/// one such name must not make the listing of its folder unreadable.
pub(super) fn escape(buffer: &mut String, text: &str) {
    // Nearly every name passes here. 0xEF begins U+FFFE and U+FFFF, among others.
    if !text.bytes().any(|byte| matches!(byte, 0..=0x1F | b'&' | b'<' | b'>' | b'"' | 0xEF)) {
        buffer.push_str(text);
        return;
    }
    let mut done = 0;
    for (at, c) in text.char_indices() {
        let twin = match c {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            '"' => "&quot;",
            '\t' => "&#9;",
            '\n' => "&#10;",
            '\r' => "&#13;",
            c if !is_xml_char(c) => "\u{FFFD}",
            _ => continue,
        };
        buffer.push_str(&text[done..at]);
        buffer.push_str(twin);
        done = at + c.len_utf8();
    }
    buffer.push_str(&text[done..]);
}

/// Appends the content of `element`, whatever prefixes it was written with, below a root that declares no default namespace.
pub(super) fn push_content(buffer: &mut String, element: &Element) {
    push_nodes(buffer, element, "");
}

/// `default` is the default namespace in force.
fn push_nodes(buffer: &mut String, element: &Element, default: &str) {
    for node in &element.children {
        match node {
            XMLNode::Text(text) | XMLNode::CData(text) => escape(buffer, text),
            XMLNode::Element(child) => {
                let namespace = child.namespace.as_deref().unwrap_or_default();
                buffer.push('<');
                buffer.push_str(&child.name);
                if namespace != default {
                    buffer.push_str(" xmlns=\"");
                    escape(buffer, namespace);
                    buffer.push('"');
                }
                for (name, value) in child.attributes.iter().filter(|(name, _)| is_nc_name(name)) {
                    buffer.push(' ');
                    buffer.push_str(name);
                    buffer.push_str("=\"");
                    escape(buffer, value);
                    buffer.push('"');
                }
                buffer.push('>');
                push_nodes(buffer, child, namespace);
                buffer.push_str("</");
                buffer.push_str(&child.name);
                buffer.push('>');
            }
            XMLNode::Comment(_) | XMLNode::ProcessingInstruction(..) => {}
        }
    }
}

/// Whether a document may hold `c`. Source: XML 1.0, production 2.
pub(super) fn is_xml_char(c: char) -> bool {
    !matches!(c, '\0'..='\u{8}' | '\u{B}' | '\u{C}' | '\u{E}'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}')
}

/// Whether `name` can be a name without prefix. Source: XML 1.0 (fifth edition), productions 4 to 5, less the colon.
pub(super) fn is_nc_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(starts_name) && chars.all(continues_name)
}

fn starts_name(c: char) -> bool {
    matches!(c,
        'A'..='Z' | 'a'..='z' | '_' | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}'
        | '\u{370}'..='\u{37D}' | '\u{37F}'..='\u{1FFF}' | '\u{200C}' | '\u{200D}' | '\u{2070}'..='\u{218F}'
        | '\u{2C00}'..='\u{2FEF}' | '\u{3001}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}'
        | '\u{FDF0}'..='\u{FFFD}' | '\u{10000}'..='\u{EFFFF}')
}

fn continues_name(c: char) -> bool {
    starts_name(c)
        || matches!(c, '-' | '.' | '0'..='9' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}' | '\u{2040}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_and_what_xml_cannot_hold_is_replaced() {
        let mut text = String::from("=");
        escape(&mut text, "a<b>&\"c\"\t\r\n\0\u{1f}\u{fffe}\u{ffff}电影😀");
        assert_eq!(text, "=a&lt;b&gt;&amp;&quot;c&quot;&#9;&#13;&#10;\u{fffd}\u{fffd}\u{fffd}\u{fffd}电影😀");
    }

    #[test]
    fn names_are_told_from_markup() {
        for name in ["a", "_a-1.b", "电影", "quota-used-bytes"] {
            assert!(is_nc_name(name), "{name}");
        }
        for name in ["", "1a", "-a", "a:b", "a b", "a>b", "a\"", "a&b", "a/", "\u{300}a"] {
            assert!(!is_nc_name(name), "{name}");
        }
    }

    #[test]
    fn a_name_is_written_in_its_namespace() {
        let mut text = String::new();
        for namespace in [None, Some(DAV), Some("urn:\"<&'")] {
            Name { namespace: namespace.map(Into::into), local: "p".into() }.push_empty_element(&mut text);
        }
        assert_eq!(text, "<p/><D:p/><x:p xmlns:x=\"urn:&quot;&lt;&amp;'\"/>");
    }
}

//! Elements of a document as texts that stand for themselves.
//!
//! A property is set in one document and comes back in many others, in which other prefixes are bound.
//! So its text declares all namespaces that were in force where it stood, and the language. Comments are left out.
//! Called by `document`.

use quick_xml::escape::unescape;
use quick_xml::events::BytesStart;
use quick_xml::name::{NamespaceResolver, PrefixDeclaration, ResolveResult};

use super::Error;
use super::document::malformed;
use super::xml::escape;

const LANGUAGE: &str = "xml:lang";

/// Keeps one element of its level at a time.
pub(super) struct Recorder {
    level: usize,
    /// What is longer is of no use, and what comes after this many bytes is left out.
    limit: usize,
    xml: String,
    /// The languages stated above the level, each with the depth of its element.
    languages: Vec<(usize, String)>,
}

impl Recorder {
    /// For elements that are `level` deep; the root is 1 deep.
    pub(super) fn new(level: usize, limit: usize) -> Self {
        Self { level, limit, xml: String::new(), languages: Vec::new() }
    }

    /// The element that has just ended.
    pub(super) fn take(&mut self) -> String {
        std::mem::take(&mut self.xml)
    }

    /// An element begins, whose own declarations `resolver` knows already.
    ///
    /// **Errors**: 400 if an attribute has a prefix that is bound to nothing, or occurs twice under different prefixes.
    pub(super) fn start(
        &mut self,
        depth: usize,
        start: &BytesStart<'_>,
        resolver: &NamespaceResolver,
    ) -> Result<(), Error> {
        if depth < self.level {
            if let Some((_, value)) = attributes(start)?.into_iter().find(|(name, _)| name == LANGUAGE) {
                self.languages.push((depth, value));
            }
            return Ok(());
        }
        check_names(start, resolver)?;
        let is_top = depth == self.level;
        if is_top {
            self.xml.clear();
        }
        if self.is_full() {
            return Ok(());
        }
        self.xml.push('<');
        self.xml.push_str(start.name().as_ref());
        let attributes = attributes(start)?;
        if is_top {
            for (prefix, namespace) in resolver.bindings() {
                let namespace = unescape(namespace.as_ref()).map_err(|error| malformed(&error))?;
                match prefix {
                    PrefixDeclaration::Default if namespace.is_empty() => {}
                    PrefixDeclaration::Default => self.attribute("xmlns", &namespace),
                    PrefixDeclaration::Named(prefix) => {
                        self.attribute(&format!("xmlns:{prefix}"), &namespace);
                    }
                }
            }
            let stated = attributes.iter().any(|(name, _)| name == LANGUAGE);
            if let Some((_, language)) = self.languages.last().cloned().filter(|_| !stated) {
                self.attribute(LANGUAGE, &language);
            }
        }
        for (name, value) in &attributes {
            let declares = name == "xmlns" || name.starts_with("xmlns:");
            if !(is_top && declares) {
                self.attribute(name, value);
            }
        }
        self.xml.push('>');
        Ok(())
    }

    /// The element called `name` ends.
    pub(super) fn end(&mut self, depth: usize, name: &str) {
        if depth >= self.level {
            if !self.is_full() {
                self.xml.push_str("</");
                self.xml.push_str(name);
                self.xml.push('>');
            }
        } else {
            self.languages.pop_if(|(at, _)| *at == depth);
        }
    }

    /// Characters inside an element that is `depth` deep.
    pub(super) fn text(&mut self, depth: usize, text: &str) {
        if depth >= self.level && !self.is_full() {
            escape(&mut self.xml, text);
        }
    }

    /// Whether what is kept is too long already, so that nothing needs to be added.
    fn is_full(&self) -> bool {
        self.xml.len() > self.limit
    }

    fn attribute(&mut self, name: &str, value: &str) {
        if self.is_full() {
            return;
        }
        self.xml.push(' ');
        self.xml.push_str(name);
        self.xml.push_str("=\"");
        escape(&mut self.xml, value);
        self.xml.push('"');
    }
}

/// Names as written, and values with their references resolved and line breaks as XML 1.0 wants them read, §3.3.3.
fn attributes(start: &BytesStart<'_>) -> Result<Vec<(String, String)>, Error> {
    let read = start.attributes().map(|attribute| {
        let attribute = attribute.map_err(|error| malformed(&error))?;
        let value = attribute.value.replace("\r\n", " ").replace(['\t', '\r', '\n'], " ");
        let value = unescape(&value).map_err(|error| malformed(&error))?.into_owned();
        let name: &str = attribute.key.as_ref();
        Ok((name.to_owned(), value))
    });
    read.collect()
}

/// Some parsers take a document for broken that others read, if prefixes of attributes are misused. It goes to all of them.
fn check_names(start: &BytesStart<'_>, resolver: &NamespaceResolver) -> Result<(), Error> {
    let mut seen = Vec::new();
    for attribute in start.attributes() {
        let key = attribute.map_err(|error| malformed(&error))?.key;
        if key.as_namespace_binding().is_some() {
            continue;
        }
        let (namespace, local) = resolver.resolve_attribute(key);
        let namespace = match namespace {
            ResolveResult::Unbound => None,
            ResolveResult::Bound(namespace) => {
                Some(unescape(namespace.into_inner()).map_err(|error| malformed(&error))?.into_owned())
            }
            ResolveResult::Unknown(prefix) => {
                return Err(Error::bad_request(format!("the prefix {prefix:?} is bound to no namespace")));
            }
        };
        let name = (namespace, local.as_ref().to_owned());
        if seen.contains(&name) {
            let key: &str = key.as_ref();
            return Err(Error::bad_request(format!("the attribute {key:?} occurs twice in an element")));
        }
        seen.push(name);
    }
    Ok(())
}

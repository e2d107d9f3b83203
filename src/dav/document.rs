//! A reader of small XML documents from strangers, with hard limits.
//!
//! Streams: neither depth nor size of a document costs more than its own bytes.
//! There are no document types and no entities but XML's own five, so nothing can expand.
//! Called by `propfind` and `proppatch` to read their requests and by `guard` to check what others will read.

use bytes::Bytes;
use http::StatusCode;
use quick_xml::NsReader;
use quick_xml::escape::unescape;
use quick_xml::events::{BytesDecl, BytesRef, BytesStart, Event};
use quick_xml::name::{PrefixDeclaration, ResolveResult};

use super::Error;
use super::recorder::Recorder;
use super::xml::{Name, is_nc_name, is_xml_char};

/// Deepest nesting. WebDAV itself needs about five levels.
const MAX_DEPTH: usize = 32;
/// Most elements. The longest list of properties a known client asks for has about thirty.
const MAX_ELEMENTS: usize = 256;
/// Most attributes of one element: finding duplicates takes quadratic time.
const MAX_ATTRIBUTES: usize = 64;

/// One step through a document.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// An element begins.
    Start(Name),
    /// The element that began last and has not ended ends.
    End,
}

/// A document, as far as it has been read.
pub(super) struct Document<'a> {
    reader: NsReader<&'a [u8]>,
    depth: usize,
    elements: usize,
    /// Something other than the XML declaration has been read.
    begun: bool,
    recorder: Option<Recorder>,
}

impl<'a> Document<'a> {
    /// Begins to read `body`.
    ///
    /// **Errors**: 415 if it is in another encoding than UTF-8, 400 if it cannot be XML at all.
    pub(super) fn open(body: &'a Bytes) -> Result<Self, Error> {
        if body.starts_with(b"\xFE\xFF")
            || body.starts_with(b"\xFF\xFE")
            || body.iter().take(4).any(|b| *b == 0)
        {
            return Err(unsupported("the body is UTF-16 or UTF-32; send it in UTF-8"));
        }
        let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
        let text = std::str::from_utf8(body).map_err(|_| Error::bad_request("the body is not UTF-8"))?;
        if !text.chars().all(is_xml_char) {
            return Err(Error::bad_request("the body holds a character that XML does not allow"));
        }
        let mut reader = NsReader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        reader.config_mut().check_comments = true;
        Ok(Self { reader, depth: 0, elements: 0, begun: false, recorder: None })
    }

    /// The same document, of which the elements `level` levels deep are kept as texts, see [`Document::recorded`].
    #[must_use]
    pub(super) fn recording(self, level: usize, limit: usize) -> Self {
        Self { recorder: Some(Recorder::new(level, limit)), ..self }
    }

    /// The last element of the recorded level that has ended, with all its content, as a text that stands for itself:
    /// it declares every namespace it needs and states its language.
    /// A text that is longer than the limit is no such thing, but only as much of one as shows that it is too long.
    pub(super) fn recorded(&mut self) -> String {
        self.recorder.as_mut().map(Recorder::take).unwrap_or_default()
    }

    /// The next step; `None` at the end of a well-formed document.
    ///
    /// **Errors**: 400 if it is not well-formed or exceeds a limit, 415 if it declares another encoding than UTF-8.
    pub(super) fn step(&mut self) -> Result<Option<Step>, Error> {
        loop {
            let event = self.reader.read_event().map_err(|error| malformed(&error))?;
            let first = !std::mem::replace(&mut self.begun, true);
            match event {
                Event::Start(start) => return self.start(&start).map(Some),
                // Not produced, because empty elements are expanded.
                Event::Empty(_) => return Err(Error::bad_request("the body is not well-formed XML")),
                Event::End(end) => {
                    if let Some(recorder) = &mut self.recorder {
                        recorder.end(self.depth, end.name().as_ref());
                    }
                    self.depth -= 1;
                    return Ok(Some(Step::End));
                }
                Event::Text(text) if self.depth == 0 => {
                    if !text.chars().all(|c| matches!(c, ' ' | '\t' | '\r' | '\n')) {
                        return Err(Error::bad_request("the body holds text outside its root element"));
                    }
                }
                Event::GeneralRef(reference) => self.reference(&reference)?,
                Event::CData(_) if self.depth == 0 => {
                    return Err(Error::bad_request("the body holds text outside its root element"));
                }
                Event::Text(text) => self.content(&text.xml10_content()),
                Event::CData(text) => self.content(&text.xml10_content()),
                Event::Comment(_) | Event::PI(_) => {}
                Event::Decl(declaration) if first => check_encoding(&declaration)?,
                Event::Decl(_) => {
                    return Err(Error::bad_request(
                        "the XML declaration is not at the beginning of the body",
                    ));
                }
                Event::DocType(_) => {
                    return Err(Error::bad_request(
                        "the body holds a document type declaration, which is not accepted",
                    ));
                }
                Event::Eof if self.depth > 0 => {
                    return Err(Error::bad_request("the body ends in the middle of an element"));
                }
                Event::Eof if self.elements == 0 => {
                    return Err(Error::bad_request("the body is not an XML document"));
                }
                Event::Eof => return Ok(None),
            }
        }
    }

    /// Reads to the end of the current element.
    pub(super) fn skip(&mut self) -> Result<(), Error> {
        let mut open = 1;
        while open > 0 {
            match self.step()? {
                Some(Step::Start(_)) => open += 1,
                Some(Step::End) | None => open -= 1,
            }
        }
        Ok(())
    }

    fn content(&mut self, text: &str) {
        if let Some(recorder) = &mut self.recorder {
            recorder.text(self.depth, text);
        }
    }

    fn start(&mut self, start: &BytesStart<'_>) -> Result<Step, Error> {
        if self.depth == 0 && self.elements > 0 {
            return Err(Error::bad_request("the body has more than one root element"));
        }
        self.depth += 1;
        self.elements += 1;
        if self.depth > MAX_DEPTH {
            return Err(Error::bad_request(format!("the body nests more than {MAX_DEPTH} elements")));
        }
        if self.elements > MAX_ELEMENTS {
            return Err(Error::bad_request(format!("the body has more than {MAX_ELEMENTS} elements")));
        }
        check_attributes(start)?;
        if let Some(recorder) = &mut self.recorder {
            recorder.start(self.depth, start, self.reader.resolver())?;
        }
        let (namespace, local) = self.reader.resolver().resolve_element(start.name());
        let namespace = match namespace {
            ResolveResult::Unbound => None,
            ResolveResult::Bound(namespace) => {
                Some(unescape(namespace.as_ref()).map_err(|error| malformed(&error))?.into())
            }
            ResolveResult::Unknown(prefix) => {
                return Err(Error::bad_request(format!("the prefix {prefix:?} is bound to no namespace")));
            }
        };
        let local: &str = local.as_ref();
        if !is_nc_name(local) {
            return Err(Error::bad_request(format!("{local:?} is not the name of an element")));
        }
        Ok(Step::Start(Name { namespace, local: local.into() }))
    }

    fn reference(&mut self, reference: &BytesRef<'_>) -> Result<(), Error> {
        let meant = match reference.resolve_char_ref() {
            Ok(Some(c)) => Some(c).filter(|&c| is_xml_char(c)),
            Ok(None) => match reference.borrow().into_inner().as_ref() {
                "amp" => Some('&'),
                "lt" => Some('<'),
                "gt" => Some('>'),
                "quot" => Some('"'),
                "apos" => Some('\''),
                _ => None,
            },
            Err(_) => None,
        };
        match meant {
            Some(c) if self.depth > 0 => {
                self.content(c.encode_utf8(&mut [0; 4]));
                Ok(())
            }
            _ => Err(Error::bad_request("the body refers to an entity that XML itself does not define")),
        }
    }
}

/// Attributes mean nothing in WebDAV's requests, but wrong ones make a document ill-formed, and quick-xml does not look at them.
fn check_attributes(start: &BytesStart<'_>) -> Result<(), Error> {
    for (index, attribute) in start.attributes().enumerate() {
        if index == MAX_ATTRIBUTES {
            return Err(Error::bad_request(format!("an element has more than {MAX_ATTRIBUTES} attributes")));
        }
        let attribute = attribute.map_err(|error| malformed(&error))?;
        let key: &str = attribute.key.as_ref();
        if !key.split(':').all(is_nc_name) || key.matches(':').count() > 1 {
            return Err(Error::bad_request(format!("{key:?} is not the name of an attribute")));
        }
        let value = unescape(&attribute.value).map_err(|error| malformed(&error))?;
        if attribute.value.contains('<') || !value.chars().all(is_xml_char) {
            return Err(Error::bad_request(format!(
                "the value of the attribute {key:?} is not allowed in XML"
            )));
        }
        if let Some(PrefixDeclaration::Named(prefix)) = attribute.key.as_namespace_binding()
            && value.is_empty()
        {
            return Err(Error::bad_request(format!("the prefix {prefix:?} is bound to an empty namespace")));
        }
    }
    Ok(())
}

fn check_encoding(declaration: &BytesDecl<'_>) -> Result<(), Error> {
    match declaration.encoding() {
        None => Ok(()),
        Some(Ok(encoding))
            if ["utf-8", "utf8", "us-ascii"].iter().any(|known| encoding.eq_ignore_ascii_case(known)) =>
        {
            Ok(())
        }
        Some(Ok(encoding)) => {
            Err(unsupported(format!("the body declares the encoding {:?}; send it in UTF-8", &*encoding)))
        }
        Some(Err(error)) => Err(malformed(&error)),
    }
}

pub(super) fn malformed(error: &dyn std::error::Error) -> Error {
    Error::bad_request(format!("the body is not well-formed XML: {error}"))
}

fn unsupported(reason: impl Into<String>) -> Error {
    Error::refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, reason)
}

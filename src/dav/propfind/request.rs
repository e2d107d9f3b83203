//! What a PROPFIND asks for.
//!
//! Knows the `Depth` header and the `propfind` element of RFC 4918, §14.20.
//! Does not know the tree. Called by `propfind`.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use super::properties::Property;
use crate::dav::Error;
use crate::dav::document::{Document, Step};
use crate::dav::xml::Name;

/// How far down the answer goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    /// The target alone.
    Zero,
    /// The target and its children.
    One,
}

impl Depth {
    /// Reads the header.
    ///
    /// A missing one counts as 1. RFC 4918 says infinity, which is refused;
    /// but the scripts that leave it out want the children, and get a useful answer this way.
    ///
    /// **Errors**: 403 with `propfind-finite-depth` for infinity, 400 for anything that is no depth.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Error> {
        let mut values = headers.get_all("depth").iter();
        let Some(value) = values.next() else { return Ok(Self::One) };
        let value = value.as_bytes().trim_ascii();
        if values.next().is_some() {
            return Err(Error::bad_request("the request has more than one Depth header"));
        }
        match value {
            b"0" => Ok(Self::Zero),
            b"1" => Ok(Self::One),
            _ if value.eq_ignore_ascii_case(b"infinity") => Err(Error::Refused {
                status: StatusCode::FORBIDDEN,
                reason: "PROPFIND with Depth: infinity is not served; ask folder by folder with Depth: 1"
                    .into(),
                condition: Some("propfind-finite-depth"),
            }),
            _ => Err(Error::bad_request("the Depth header is none of 0, 1 and infinity")),
        }
    }
}

/// Whether names or values are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// The names of all properties (`propname`).
    Names,
    /// The values of all properties, and of some by name (`allprop`, `include`).
    All,
    /// The values of some by name (`prop`).
    Some,
}

/// The body of the request. No property occurs twice in it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Query {
    pub(super) wish: Wish,
    /// Properties named, in the order of the request; none that `wish` covers anyway.
    pub(super) named: Vec<Property>,
    /// Properties named that are not computed: what clients have set, or nothing.
    pub(super) unknown: Vec<Name>,
}

impl Query {
    /// Reads `body`. An empty one asks for all properties.
    ///
    /// **Errors**: 400 if it is not a `propfind` element as RFC 4918 has it; what [`Document`] says of bad XML.
    pub(super) fn parse(body: &Bytes) -> Result<Self, Error> {
        let mut query = Self { wish: Wish::All, named: Vec::new(), unknown: Vec::new() };
        if body.is_empty() {
            return Ok(query);
        }
        let mut document = Document::open(body)?;
        match document.step()? {
            Some(Step::Start(root)) if root.is_dav("propfind") => {}
            _ => {
                return Err(Error::bad_request(
                    "the root element of the body is not propfind in the namespace DAV:",
                ));
            }
        }
        let mut wish = None;
        let mut include = false;
        while let Some(Step::Start(child)) = document.step()? {
            let found = match &*child.local {
                "allprop" if child.is_dav("allprop") => Wish::All,
                "propname" if child.is_dav("propname") => Wish::Names,
                "prop" if child.is_dav("prop") => Wish::Some,
                "include" if child.is_dav("include") => {
                    include = true;
                    query.read_names(&mut document)?;
                    continue;
                }
                // RFC 4918, §17: what is not understood counts as not there.
                _ => {
                    document.skip()?;
                    continue;
                }
            };
            if wish.replace(found).is_some() {
                return Err(Error::bad_request(
                    "the propfind element holds more than one of allprop, propname and prop",
                ));
            }
            match found {
                Wish::Some => query.read_names(&mut document)?,
                Wish::All | Wish::Names => document.skip()?,
            }
        }
        // Until the document has ended it may still turn out to be ill-formed.
        document.step()?;
        query.wish = wish.ok_or_else(|| {
            Error::bad_request("the propfind element holds none of allprop, propname and prop")
        })?;
        if include && query.wish != Wish::All {
            return Err(Error::bad_request("the propfind element holds include without allprop"));
        }
        if query.wish == Wish::All {
            query.named.retain(|property| !Property::ALL.contains(property));
        }
        Ok(query)
    }

    /// Takes the names of all children of the current element, to its end.
    fn read_names(&mut self, document: &mut Document<'_>) -> Result<(), Error> {
        while let Some(Step::Start(name)) = document.step()? {
            document.skip()?;
            match Property::by_name(&name) {
                Some(property) if self.named.contains(&property) => {}
                Some(property) => self.named.push(property),
                None if self.unknown.contains(&name) => {}
                None => self.unknown.push(name),
            }
        }
        Ok(())
    }
}

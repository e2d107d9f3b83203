//! The properties a node has, their names and their values.
//!
//! Knows nodes and XML. Does not know requests, paths or the order of an answer.
//! Called by `request`, which recognises names, and `writer`, which writes values.

use std::fmt::Write as _;
use std::sync::Arc;

use crate::dav::entity::{content_type, etag, http_date, push_rfc3339};
use crate::dav::properties::Dead;
use crate::dav::xml::{DAV, Name, OWNCLOUD, escape};
use crate::model::Node;
use crate::vfs::Quota;

/// A property that is computed. Those that are stored are [`Dead`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Property {
    CreationDate,
    DisplayName,
    ContentLength,
    ContentType,
    Etag,
    LastModified,
    ResourceType,
    SupportedLock,
    LockDiscovery,
    QuotaAvailable,
    QuotaUsed,
    Checksums,
}

/// Both kinds of lock there are.
const SUPPORTED_LOCK: &str = "<D:supportedlock>\
    <D:lockentry><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockentry>\
    <D:lockentry><D:lockscope><D:shared/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockentry>\
    </D:supportedlock>";

/// What is known of the account's space, once per request.
#[derive(Clone, Debug)]
pub(super) enum Space {
    /// Nothing: it was not asked for, is not reported to this client, or there is no account here.
    Unknown,
    /// How much there is.
    Known(Arc<Quota>),
    /// The account could not be asked, for this reason.
    Failed(String),
}

/// A node under the name its href ends with.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) node: &'a Node,
    /// The top of the tree has none.
    pub(super) name: Option<&'a str>,
    /// What clients have set.
    pub(super) dead: &'a [Dead],
    /// The content of `lockdiscovery`, as XML.
    pub(super) locks: &'a str,
    /// Whether the user can lock it.
    pub(super) can_lock: bool,
}

/// What became of the wish for a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It has been written.
    Written,
    /// This node has no such property.
    Missing,
    /// It exists but cannot be had now.
    Unavailable,
}

impl Property {
    /// What `allprop` means.
    ///
    /// Quota is left out as RFC 4331 advises, because it may cost a call;
    /// checksums because few clients know them and they make large listings larger.
    pub(super) const ALL: [Self; 9] = [
        Self::CreationDate,
        Self::DisplayName,
        Self::ContentLength,
        Self::ContentType,
        Self::Etag,
        Self::LastModified,
        Self::ResourceType,
        Self::SupportedLock,
        Self::LockDiscovery,
    ];

    /// What `propname` tells of. Quota is left out: whether there is one cannot be told without asking 115.
    pub(super) fn named() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().chain([Self::Checksums])
    }

    /// The property called `name`.
    pub(super) fn by_name(name: &Name) -> Option<Self> {
        match (name.namespace.as_deref()?, &*name.local) {
            (DAV, "creationdate") => Some(Self::CreationDate),
            (DAV, "displayname") => Some(Self::DisplayName),
            (DAV, "getcontentlength") => Some(Self::ContentLength),
            (DAV, "getcontenttype") => Some(Self::ContentType),
            (DAV, "getetag") => Some(Self::Etag),
            (DAV, "getlastmodified") => Some(Self::LastModified),
            (DAV, "resourcetype") => Some(Self::ResourceType),
            (DAV, "supportedlock") => Some(Self::SupportedLock),
            (DAV, "lockdiscovery") => Some(Self::LockDiscovery),
            (DAV, "quota-available-bytes") => Some(Self::QuotaAvailable),
            (DAV, "quota-used-bytes") => Some(Self::QuotaUsed),
            (OWNCLOUD, "checksums") => Some(Self::Checksums),
            _ => None,
        }
    }

    /// Whether it needs the account's space.
    pub(super) fn is_quota(self) -> bool {
        matches!(self, Self::QuotaAvailable | Self::QuotaUsed)
    }

    /// Its empty element, with the prefixes the writer binds on the root.
    pub(super) fn empty_element(self) -> &'static str {
        match self {
            Self::CreationDate => "<D:creationdate/>",
            Self::DisplayName => "<D:displayname/>",
            Self::ContentLength => "<D:getcontentlength/>",
            Self::ContentType => "<D:getcontenttype/>",
            Self::Etag => "<D:getetag/>",
            Self::LastModified => "<D:getlastmodified/>",
            Self::ResourceType => "<D:resourcetype/>",
            Self::SupportedLock => "<D:supportedlock/>",
            Self::LockDiscovery => "<D:lockdiscovery/>",
            Self::QuotaAvailable => "<D:quota-available-bytes/>",
            Self::QuotaUsed => "<D:quota-used-bytes/>",
            Self::Checksums => "<oc:checksums/>",
        }
    }

    /// Whether `subject` has it; for quota, as far as can be told from the node alone.
    pub(super) fn is_of(self, subject: Subject<'_>) -> bool {
        match self {
            Self::DisplayName => subject.name.is_some(),
            // A folder has no tag: 115 does not change its date when something deep in it changes,
            // and a client that takes the tag for a promise would skip the folder.
            Self::ContentLength | Self::Etag => !subject.node.is_folder(),
            Self::QuotaAvailable | Self::QuotaUsed => subject.node.is_folder(),
            Self::Checksums => subject.node.sha1.is_some(),
            Self::CreationDate
            | Self::ContentType
            | Self::LastModified
            | Self::ResourceType
            | Self::SupportedLock
            | Self::LockDiscovery => true,
        }
    }

    /// Appends its element with its value, if `subject` has it.
    pub(super) fn push(self, buffer: &mut String, subject: Subject<'_>, space: &Space) -> Outcome {
        if !self.is_of(subject) {
            return Outcome::Missing;
        }
        let node = subject.node;
        match self {
            Self::CreationDate => {
                buffer.push_str("<D:creationdate>");
                push_rfc3339(buffer, node.created);
                buffer.push_str("</D:creationdate>");
            }
            Self::DisplayName => {
                buffer.push_str("<D:displayname>");
                escape(buffer, subject.name.unwrap_or_default());
                buffer.push_str("</D:displayname>");
            }
            Self::ContentLength => {
                let _ = write!(buffer, "<D:getcontentlength>{}</D:getcontentlength>", node.size);
            }
            Self::ContentType => push_content_type(buffer, subject),
            Self::Etag => push_etag(buffer, node),
            Self::LastModified => {
                let _ = write!(buffer, "<D:getlastmodified>{}</D:getlastmodified>", http_date(node.modified));
            }
            Self::ResourceType if node.is_folder() => {
                buffer.push_str("<D:resourcetype><D:collection/></D:resourcetype>");
            }
            Self::SupportedLock if subject.can_lock => buffer.push_str(SUPPORTED_LOCK),
            Self::LockDiscovery if !subject.locks.is_empty() => {
                buffer.push_str("<D:lockdiscovery>");
                buffer.push_str(subject.locks);
                buffer.push_str("</D:lockdiscovery>");
            }
            Self::ResourceType | Self::SupportedLock | Self::LockDiscovery => {
                buffer.push_str(self.empty_element());
            }
            Self::QuotaAvailable | Self::QuotaUsed => return self.push_quota(buffer, space),
            Self::Checksums => push_checksums(buffer, node),
        }
        Outcome::Written
    }

    fn push_quota(self, buffer: &mut String, space: &Space) -> Outcome {
        let quota = match space {
            Space::Known(quota) => quota,
            Space::Unknown => return Outcome::Missing,
            Space::Failed(_) => return Outcome::Unavailable,
        };
        let _ = if self == Self::QuotaUsed {
            write!(buffer, "<D:quota-used-bytes>{}</D:quota-used-bytes>", quota.used)
        } else {
            write!(buffer, "<D:quota-available-bytes>{}</D:quota-available-bytes>", quota.available)
        };
        Outcome::Written
    }
}

/// Folders get what Apache gives them, which is what clients have been tested against.
fn push_content_type(buffer: &mut String, subject: Subject<'_>) {
    buffer.push_str("<D:getcontenttype>");
    if subject.node.is_folder() {
        buffer.push_str("httpd/unix-directory");
    } else {
        buffer.push_str(&content_type(&subject.node.name));
    }
    buffer.push_str("</D:getcontenttype>");
}

/// With its quotes, so that it is byte for byte what the `ETag` header of GET says and what `If-Match` wants back.
fn push_etag(buffer: &mut String, node: &Node) {
    buffer.push_str("<D:getetag>");
    match node.sha1 {
        Some(sha1) => {
            let _ = write!(buffer, "\"{sha1}\"");
        }
        None => buffer.push_str(&etag(node)),
    }
    buffer.push_str("</D:getetag>");
}

/// **Source**: rclone, backend/webdav, which lower-cases the text and looks for the beginning `sha1:`.
fn push_checksums(buffer: &mut String, node: &Node) {
    let Some(sha1) = node.sha1 else { return };
    buffer.push_str("<oc:checksums><oc:checksum>SHA1:");
    for byte in sha1.0 {
        for digit in [byte >> 4, byte & 15] {
            buffer.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
        }
    }
    buffer.push_str("</oc:checksum></oc:checksums>");
}

//! The file that dead properties are in: its form, and how it is read and replaced.
//!
//! **Shape**: the line `dav115 properties 1`; for each property a line of four percent-encoded fields, separated by spaces:
//! key of the path, namespace (empty for none), local name, element; last the line `end` with the number of properties.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use super::{Dead, DeadSet};
use crate::dav::guard::check_xml;
use crate::dav::xml::{Name, is_nc_name};

const FIRST_LINE: &str = "dav115 properties 1";
/// What would end a field or a line, and what says that something is encoded.
const ENCODED: &AsciiSet = &CONTROLS.add(b' ').add(b'%');

/// The file, and as what it was last seen.
#[derive(Debug)]
pub(super) struct Stored {
    path: PathBuf,
    /// Nothing if it is not there.
    seen: Option<Seen>,
    /// Why it cannot be used, if so.
    broken: Option<String>,
}

/// What tells a file from one that another gateway has put in its place.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    length: u64,
    /// Seconds and nanoseconds.
    changed: (i64, i64),
}

impl Seen {
    fn of(data: &Metadata) -> Self {
        Self { length: data.len(), changed: (data.mtime(), data.mtime_nsec()) }
    }
}

impl Stored {
    /// The file at `path` and what is in it. One that cannot be read, or is not one of these, is put aside, never overwritten.
    pub(super) fn open(path: PathBuf) -> (Self, BTreeMap<String, DeadSet>) {
        // Replacing a link by a file would not be what was meant.
        let path = fs::canonicalize(&path).unwrap_or(path);
        let mut stored = Self { path, seen: None, broken: None };
        let read =
            fs::read(&stored.path).map(|bytes| String::from_utf8(bytes).ok().and_then(|text| parse(&text)));
        let damage = match read {
            Ok(Some(by_key)) => {
                stored.seen = look(&stored.path).ok().flatten();
                return (stored, by_key);
            }
            Err(error) if error.kind() == ErrorKind::NotFound => return (stored, BTreeMap::new()),
            Ok(None) => "it is torn, or not one that dav115 has written".to_owned(),
            Err(error) => error.to_string(),
        };
        let shown = stored.path.display();
        match put_aside(&stored.path) {
            Ok(aside) => tracing::error!(
                "the properties in {shown} cannot be read: {damage}; the file is now {}, and the gateway begins without properties",
                aside.display()
            ),
            Err(error) => {
                let reason = format!(
                    "the properties in {shown} cannot be read: {damage}; nor can the file be put aside: {error}; \
                     move it away or set server.properties_file to another place, and start the gateway again"
                );
                tracing::error!("{reason}");
                stored.broken = Some(reason);
            }
        }
        (stored, BTreeMap::new())
    }

    /// Puts `by_key` in the place of what was in the file, so that at any time the file is whole.
    ///
    /// **Errors**: why not, for a person; the log has it as well, and the file is as it was.
    pub(super) fn write(&mut self, by_key: &BTreeMap<String, DeadSet>) -> Result<(), String> {
        if let Some(reason) = &self.broken {
            return Err(reason.clone());
        }
        self.replace(&text(by_key)).map_err(|error| {
            let reason = format!(
                "the gateway cannot keep properties in {}: {error}; make that possible, or set server.properties_file to another place",
                self.path.display()
            );
            tracing::error!("{reason}");
            reason
        })
    }

    fn replace(&mut self, text: &str) -> io::Result<()> {
        let folder = match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
            _ => PathBuf::from("."),
        };
        fs::create_dir_all(&folder)?;
        let found = look(&self.path)?;
        // One that is gone has nothing to lose: systems clear what is old out of such places.
        if found.is_some() && found != self.seen {
            return Err(io::Error::other(
                "something else has changed it, perhaps a second gateway; each needs a file of its own, and a new start reads it again",
            ));
        }
        let fresh = beside(&self.path, "new");
        match fs::remove_file(&fresh) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        // Readable by the owner alone: properties are what people have written.
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&fresh, &self.path)?;
        self.seen = look(&self.path).ok().flatten();
        // The new name has to last as well as the content, as far as the file system knows how.
        let _ = File::open(&folder).and_then(|folder| folder.sync_all());
        Ok(())
    }
}

fn look(path: &Path) -> io::Result<Option<Seen>> {
    match fs::symlink_metadata(path) {
        Ok(data) => Ok(Some(Seen::of(&data))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// `path` with `.extension` after it.
fn beside(path: &Path, extension: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{extension}"));
    path.with_file_name(name)
}

/// Gives the file at `path` a name that no other has.
fn put_aside(path: &Path) -> io::Result<PathBuf> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let aside = beside(path, &format!("unreadable-{now}"));
    fs::rename(path, &aside)?;
    Ok(aside)
}

fn text(by_key: &BTreeMap<String, DeadSet>) -> String {
    let mut text = format!("{FIRST_LINE}\n");
    let mut count = 0;
    for (key, set) in by_key {
        for Dead { name, xml } in set.iter() {
            let namespace = name.namespace.as_deref().unwrap_or_default();
            let fields = [key, namespace, &name.local, xml].map(|field| utf8_percent_encode(field, ENCODED));
            let _ = writeln!(text, "{} {} {} {}", fields[0], fields[1], fields[2], fields[3]);
            count += 1;
        }
    }
    let _ = writeln!(text, "end {count}");
    text
}

/// `None` if `text` is anything but a whole file.
fn parse(text: &str) -> Option<BTreeMap<String, DeadSet>> {
    let (properties, end) =
        text.strip_prefix(FIRST_LINE)?.strip_prefix('\n')?.strip_suffix('\n')?.rsplit_once("end ")?;
    let mut by_key: BTreeMap<String, Vec<Dead>> = BTreeMap::new();
    let mut count = 0usize;
    for line in properties.lines() {
        let mut fields = line.split(' ').map(|field| percent_decode_str(field).decode_utf8().ok());
        let (key, namespace) = (fields.next()??, fields.next()??);
        let (local, xml) = (fields.next()??, fields.next()??);
        // It goes into answers as it is, so one that is no XML would make them unreadable.
        let is_xml = !xml.is_empty() && check_xml(&Bytes::copy_from_slice(xml.as_bytes())).is_ok();
        let is_key = key.is_empty() || key.starts_with('/');
        if fields.next().is_some() || !is_xml || !is_nc_name(&local) || !is_key {
            return None;
        }
        let namespace = Some(namespace).filter(|namespace| !namespace.is_empty()).map(Into::into);
        let name = Name { namespace, local: local.into() };
        by_key.entry(key.into_owned()).or_default().push(Dead { name, xml: xml.into() });
        count += 1;
    }
    let is_whole = end.parse() == Ok(count) && (properties.is_empty() || properties.ends_with('\n'));
    is_whole.then(|| by_key.into_iter().map(|(key, set)| (key, Arc::new(set))).collect())
}

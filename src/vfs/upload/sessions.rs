//! Uploads that broke off, so that the next try need not send again what has arrived.
//!
//! Kept in the spool directory, one small file each, for a restart of the gateway.
//! The body itself comes again from the client, which has not been told that it is stored.

use std::collections::HashMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;
use tokio::task::spawn_blocking;

use crate::model::{Sha1, UploadSession, UploadTarget};
use crate::vfs::VPath;

/// 115 may forget a session after some time that nobody has stated; then the file is announced anew.
const LIFE: Duration = Duration::from_secs(24 * 3600);
const EXTENSION: &str = "upload";
/// What the name of a file begins with until it is written. After a crash there may be one.
const UNWRITTEN: &str = ".unwritten-";

pub(in crate::vfs) struct Sessions {
    directory: PathBuf,
    known: Mutex<HashMap<String, UploadSession>>,
}

impl Sessions {
    /// Those that are kept in `directory`.
    pub(in crate::vfs) fn new(directory: &Path) -> Self {
        Self { directory: directory.to_owned(), known: Mutex::new(read_all(directory)) }
    }

    /// The session of an upload of `file` that has begun, if there is one.
    pub(super) fn begun(&self, mount: &VPath, file: &UploadTarget) -> Option<UploadSession> {
        self.known.lock().get(&name(mount, file)).cloned()
    }

    pub(super) async fn keep(&self, mount: &VPath, file: &UploadTarget, session: &UploadSession) {
        if session.multipart.is_none() {
            // It goes up in one piece.
            return;
        }
        let name = name(mount, file);
        self.known.lock().insert(name.clone(), session.clone());
        let (directory, text) = (self.directory.clone(), write(session));
        let written = spawn_blocking(move || save(&directory, &name, &text)).await;
        if !matches!(written, Ok(Ok(()))) {
            tracing::debug!("an upload cannot be gone on with after a restart: {written:?}");
        }
    }

    pub(super) async fn forget(&self, mount: &VPath, file: &UploadTarget) {
        let name = name(mount, file);
        if self.known.lock().remove(&name).is_some() {
            let path = self.directory.join(name).with_extension(EXTENSION);
            let _ = tokio::fs::remove_file(path).await;
        }
    }
}

/// Two uploads of the same content under the same name in the same folder are the same.
fn name(mount: &VPath, file: &UploadTarget) -> String {
    let UploadTarget { parent, name, size, sha1 } = file;
    // Either may hold anything, and accounts have a folder of the same id: their root.
    let place = format!("{mount}/{name}");
    let hash: [u8; 20] = <sha1::Sha1 as sha1::Digest>::digest(place.as_bytes()).into();
    format!("{sha1}-{size}-{parent}-{}", Sha1(hash))
}

fn save(directory: &Path, name: &str, text: &str) -> std::io::Result<()> {
    std::fs::create_dir_all(directory)?;
    // Readable by the owner alone, whatever the umask.
    let mut file = tempfile::Builder::new().prefix(UNWRITTEN).tempfile_in(directory)?;
    file.write_all(text.as_bytes())?;
    file.persist(directory.join(name).with_extension(EXTENSION))?;
    Ok(())
}

fn read_all(directory: &Path) -> HashMap<String, UploadSession> {
    let mut known = HashMap::new();
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if entry.file_name().to_string_lossy().starts_with(UNWRITTEN) {
            let _ = std::fs::remove_file(&path);
            continue;
        }
        if path.extension().is_none_or(|extension| extension != EXTENSION) {
            continue;
        }
        let age = entry.metadata().and_then(|data| data.modified()).ok();
        let is_young = age.is_some_and(|at| SystemTime::now().duration_since(at).is_ok_and(|age| age < LIFE));
        let session = std::fs::read_to_string(&path).ok().and_then(|text| read(&text));
        match (session, path.file_stem().and_then(|stem| stem.to_str())) {
            (Some(session), Some(stem)) if is_young => {
                known.insert(stem.to_owned(), session);
            }
            _ => {
                let _ = std::fs::remove_file(&path);
            }
        }
    }
    known
}

/// One line for each field. None of them can hold a line break: JSON escapes it, and the others are identifiers.
fn write(session: &UploadSession) -> String {
    let UploadSession { bucket, object, callback, callback_var, pick_code, multipart, part_size } = session;
    let multipart = multipart.as_deref().unwrap_or_default();
    [bucket, object, callback, callback_var, pick_code, multipart, &part_size.to_string()].join("\n")
}

fn read(text: &str) -> Option<UploadSession> {
    let mut lines = text.split('\n').map(str::to_owned);
    let session = UploadSession {
        bucket: lines.next()?,
        object: lines.next()?,
        callback: lines.next()?,
        callback_var: lines.next()?,
        pick_code: lines.next()?,
        multipart: lines.next().filter(|id| !id.is_empty()),
        part_size: lines.next()?.parse().ok().filter(|&size| size > 0)?,
    };
    (lines.next().is_none() && session.multipart.is_some()).then_some(session)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::FileId;

    #[tokio::test]
    async fn a_session_outlives_a_restart_until_it_is_forgotten() {
        let directory = tempfile::tempdir().unwrap();
        let file =
            UploadTarget { parent: FileId(7), name: "a/b \"c\".mkv".into(), size: 9, sha1: Sha1([1; 20]) };
        let session = UploadSession {
            bucket: "fhnfile".into(),
            object: "6a3d".into(),
            callback: r#"{"callbackUrl":"http:\/\/uplb.115.com"}"#.into(),
            callback_var: r#"{"x:pick_code":"abc"}"#.into(),
            pick_code: "abc".into(),
            multipart: Some("0004B9894A22E5B1".into()),
            part_size: 1 << 20,
        };
        let mount = &VPath::parse("/115").unwrap();
        Sessions::new(directory.path()).keep(mount, &file, &session).await;
        let sessions = Sessions::new(directory.path());
        assert_eq!(sessions.begun(mount, &file), Some(session));
        assert_eq!(sessions.begun(mount, &UploadTarget { name: "other".into(), ..file.clone() }), None);
        sessions.forget(mount, &file).await;
        assert_eq!(Sessions::new(directory.path()).begun(mount, &file), None);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_a_crash_has_left_half_written_is_removed() {
        let directory = tempfile::tempdir().unwrap();
        let unwritten = tempfile::Builder::new().prefix(UNWRITTEN).tempfile_in(directory.path()).unwrap();
        let (_, left) = unwritten.keep().unwrap();
        std::fs::write(directory.path().join("of somebody else"), "").unwrap();
        Sessions::new(directory.path());
        assert!(!left.exists());
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_torn_file_is_no_session() {
        assert_eq!(read("fhnfile\nobject\n{}"), None);
        assert_eq!(read(""), None);
    }
}

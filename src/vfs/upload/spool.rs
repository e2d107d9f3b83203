//! Bodies on their way to 115, kept on disk until their hash is known.
//!
//! 115 wants the hash of a file before its first byte. The files have no name, so nothing is left of them after a crash.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Bytes, BytesMut};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use sha1::{Digest as _, Sha1 as Hasher};
use tokio::task::spawn_blocking;

use crate::drive::UploadSource;
use crate::model::Sha1;
use crate::vfs::VfsErrorKind;

/// Written to disk at once.
const CHUNK: usize = 1 << 20;

/// The directory and what may be in it.
pub(in crate::vfs) struct Spool {
    directory: PathBuf,
    limit: u64,
    used: Arc<AtomicU64>,
}

impl Spool {
    /// In `directory`, for at most `limit` bytes of all bodies together.
    pub(in crate::vfs) fn new(directory: PathBuf, limit: u64) -> Self {
        Self { directory, limit, used: Arc::default() }
    }

    /// Room for a body, of `declared` bytes if that is known.
    pub(super) async fn open(&self, declared: Option<u64>) -> Result<Spooled, VfsErrorKind> {
        let room = Room { used: Arc::clone(&self.used), limit: self.limit, bytes: 0 };
        let mut spooled = Spooled {
            file: Arc::new(
                create(self.directory.clone()).await.map_err(|error| no_room(&self.directory, &error))?,
            ),
            directory: self.directory.clone(),
            pending: BytesMut::new(),
            written: 0,
            hasher: Hasher::new(),
            room,
        };
        spooled.room.take(declared.unwrap_or(0))?;
        Ok(spooled)
    }
}

async fn create(directory: PathBuf) -> io::Result<File> {
    let create = move || {
        std::fs::create_dir_all(&directory)?;
        tempfile::tempfile_in(&directory)
    };
    spawn_blocking(create).await.unwrap_or_else(|_| Err(io::ErrorKind::Interrupted.into()))
}

fn no_room(directory: &Path, error: &io::Error) -> VfsErrorKind {
    let reason = format!(
        "the gateway cannot keep the body in {}: {error}; make room there, or set upload.spool_dir to another place",
        directory.display()
    );
    tracing::error!("{reason}");
    VfsErrorKind::NoRoom(reason.into())
}

/// A share of the room, given back when dropped.
struct Room {
    used: Arc<AtomicU64>,
    limit: u64,
    bytes: u64,
}

impl Room {
    /// Makes it at least `bytes`.
    fn take(&mut self, bytes: u64) -> Result<(), VfsErrorKind> {
        let more = bytes.saturating_sub(self.bytes);
        let fits = |used: u64| used.checked_add(more).filter(|&sum| sum <= self.limit);
        if self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_err() {
            return Err(VfsErrorKind::NoRoom(
                format!(
                    "the bodies of all uploads that are under way would need more than the {} MiB of upload.spool_limit; wait for the others to end, or raise it",
                    self.limit >> 20
                )
                .into(),
            ));
        }
        self.bytes += more;
        Ok(())
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// A body, or as much of it as has come.
pub(super) struct Spooled {
    file: Arc<File>,
    directory: PathBuf,
    pending: BytesMut,
    written: u64,
    hasher: Hasher,
    room: Room,
}

impl Spooled {
    /// Bytes that have come.
    pub(super) fn len(&self) -> u64 {
        self.written + self.pending.len() as u64
    }

    pub(super) async fn append(&mut self, bytes: &Bytes) -> Result<(), VfsErrorKind> {
        self.room.take(self.len() + bytes.len() as u64)?;
        self.hasher.update(bytes);
        self.pending.extend_from_slice(bytes);
        if self.pending.len() >= CHUNK { self.write_out().await } else { Ok(()) }
    }

    /// Makes all that has come fit to be read.
    pub(super) async fn write_out(&mut self) -> Result<(), VfsErrorKind> {
        let (file, chunk, at) = (Arc::clone(&self.file), self.pending.split().freeze(), self.written);
        self.written += chunk.len() as u64;
        let write = move || file.write_all_at(&chunk, at);
        let outcome = spawn_blocking(write).await.unwrap_or_else(|_| Err(io::ErrorKind::Interrupted.into()));
        outcome.map_err(|error| no_room(&self.directory, &error))
    }

    /// The hash of all that has come, which is on disk now.
    pub(super) async fn finish(&mut self) -> Result<Sha1, VfsErrorKind> {
        self.write_out().await?;
        Ok(Sha1(self.hasher.clone().finalize().into()))
    }
}

impl UploadSource for Spooled {
    fn read(&mut self, range: Range<u64>) -> BoxFuture<'_, io::Result<Bytes>> {
        let file = Arc::clone(&self.file);
        async move {
            let read = move || {
                let length = usize::try_from(range.end - range.start).map_err(io::Error::other)?;
                let mut bytes = vec![0; length];
                file.read_exact_at(&mut bytes, range.start)?;
                Ok(Bytes::from(bytes))
            };
            spawn_blocking(read).await.unwrap_or_else(|_| Err(io::ErrorKind::Interrupted.into()))
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_appended_is_hashed_and_read_back() {
        let directory = tempfile::tempdir().unwrap();
        let spool = Spool::new(directory.path().join("spool"), 10 << 20);
        let mut body = spool.open(None).await.unwrap();
        // Appendix B of the protocol notes, writing part.
        let content: Vec<u8> = (0..200_000u32).map(|i| (i * 7 % 256).to_le_bytes()[0]).collect();
        for part in content.chunks(70_000) {
            body.append(&Bytes::copy_from_slice(part)).await.unwrap();
        }
        assert_eq!(body.finish().await.unwrap().to_string(), "4536FC09EC125D8873F729A7B38810ACC98B519C");
        let proof = super::super::commit::hash_of(&mut body, 131_072..131_200).await.unwrap();
        assert_eq!(proof.to_string(), "516846CD40BD1FE431119C3B0A0F362957992EE8");
        assert_eq!(body.read(5..10).await.unwrap(), content[5..10]);
        assert_eq!(
            std::fs::read_dir(directory.path().join("spool")).unwrap().count(),
            0,
            "files have no name"
        );
    }

    #[tokio::test]
    async fn all_bodies_together_stay_below_the_limit() {
        let directory = tempfile::tempdir().unwrap();
        let spool = Spool::new(directory.path().to_owned(), 100);
        let mut first = spool.open(Some(60)).await.unwrap();
        assert!(matches!(spool.open(Some(50)).await, Err(VfsErrorKind::NoRoom(_))));
        first.append(&Bytes::from(vec![0; 60])).await.unwrap();
        assert!(first.append(&Bytes::from(vec![0; 41])).await.is_err());
        drop(first);
        assert!(spool.open(Some(100)).await.is_ok());
    }
}

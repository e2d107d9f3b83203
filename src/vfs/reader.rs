//! Reading a file through the gateway: renew the link before the first byte, resume or give up after it.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::ready;
use futures_util::stream::{BoxStream, StreamExt as _, once, try_unfold};

use super::resolve::Located;
use super::{At, Op, Vfs, VfsError, VfsErrorKind};
use crate::drive::{Body, DriveError, DriveErrorKind};
use crate::model::{Link, Meter};

/// How often in a row a body is reopened without much having come.
const MAX_FRUITLESS_RESUMES: u32 = 3;
/// How many bytes of one body are much: a server that cuts every kilobyte is not asked thousands of times.
const FRUITFUL: u64 = 64 << 10;

/// A file that can be read through the gateway.
#[derive(Clone)]
pub struct Source {
    file: Located,
    at: At,
    link: Option<Arc<Link>>,
    /// What the download server said of the content when it was opened first.
    seen: Option<Seen>,
}

/// The validator of a content, if the download server stated one.
#[derive(Clone, PartialEq, Eq)]
struct Seen(Option<Arc<str>>);

/// The bytes of one range.
pub struct Content {
    /// Exactly the asked bytes, or an error in their midst. Dropping it closes the connection at once.
    pub stream: BoxStream<'static, Result<Bytes, VfsError>>,
    /// Opens further ranges of the same content, and of no other.
    pub source: Source,
}

impl Source {
    pub(super) fn new(file: Located, at: At) -> Self {
        Self { file, at, link: None, seen: None }
    }

    /// Uses `link` first, since it has been paid for.
    pub(super) fn starting_with(self, link: Arc<Link>) -> Self {
        Self { link: Some(link), ..self }
    }

    /// Refuses another content than was opened first.
    fn check_content(&mut self, body: &Body) -> Result<(), DriveError> {
        let seen = Seen(body.validator.clone());
        if self.seen.get_or_insert_with(|| seen.clone()) == &seen {
            return Ok(());
        }
        Err(DriveError::new(
            DriveErrorKind::Corrupt,
            "the file changed while it was being read; read it again from the start",
        ))
    }

    /// The length of the file as the download server has it, if it says.
    async fn length(&self) -> Option<u64> {
        let link = self.link.as_ref()?;
        // Not the first byte: some page sent with a 200 would pass for the whole file.
        self.file.mount.drive.open(link, 1..2).await.ok().map(|body| body.total)
    }

    fn fail(&self, error: DriveError) -> VfsError {
        VfsError { op: Op::Read, path: self.at.path().clone(), kind: VfsErrorKind::Drive(error) }
    }
}

/// What is in the gateway alone needs no link.
fn held(content: &Bytes, range: Range<u64>) -> Body {
    let within = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(content.len());
    let part = content.slice(within(range.start)..within(range.end));
    Body { total: content.len() as u64, validator: None, stream: once(ready(Ok(part))).boxed() }
}

impl Vfs {
    /// Opens `range` of `source`. When it returns, the download server has agreed to send these bytes.
    ///
    /// A link that was refused is renewed once.
    ///
    /// **Cost**: one call if no link is in the cache, one more if it is refused.
    /// **Errors**: as of `Drive::link` and `Drive::open`; `Corrupt` if the file has another length than its listing says.
    pub async fn open(
        self: &Arc<Self>,
        meter: &Meter,
        mut source: Source,
        range: Range<u64>,
    ) -> Result<Content, VfsError> {
        let body = self.open_body(meter, &mut source, range.clone()).await.map_err(|e| source.fail(e))?;
        let again = source.clone();
        let first = Position {
            vfs: Arc::clone(self),
            meter: meter.clone(),
            source,
            body,
            left: range,
            came: 0,
            fruitless: 0,
        };
        Ok(Content { stream: try_unfold(first, Position::next).boxed(), source: again })
    }

    async fn open_body(
        &self,
        meter: &Meter,
        source: &mut Source,
        range: Range<u64>,
    ) -> Result<Body, DriveError> {
        if let Some(content) = self.memory.locals.content(source.file.node.id) {
            return Ok(held(&content, range));
        }
        let first = if let Some(link) = source.link.take() {
            link
        } else {
            let mut file = source.file.clone();
            let link = self.link_at(meter, &source.at, &mut file, None).await?;
            source.file.check_successor(&file)?;
            source.file = file;
            link
        };
        let file = &source.file;
        let drive = Arc::clone(&file.mount.drive);
        let opened = match drive.open(&first, range.clone()).await {
            Err(refused) if refused.kind == DriveErrorKind::LinkRefused => {
                let renewed = self.renew_link(meter, file, &first).await?;
                let body = drive.open(&renewed, range).await;
                if body.is_ok() {
                    self.note_refusal(file, &first);
                }
                source.link = Some(renewed);
                body.map_err(unavailable)
            }
            outcome => {
                source.link = Some(first);
                outcome
            }
        };
        let size = source.file.node.size;
        let total = match &opened {
            Ok(body) => body.total,
            // A file that is shorter by now has not all of the bytes asked for; a part of it tells its length.
            Err(error) if error.kind == DriveErrorKind::Corrupt => source.length().await.unwrap_or(size),
            Err(_) => size,
        };
        if total == size {
            let body = opened?;
            source.check_content(&body)?;
            return Ok(body);
        }
        if let Some(parent) = source.file.parent {
            self.forget_listing(&source.file.mount, parent).await;
        }
        Err(DriveError::new(
            DriveErrorKind::Corrupt,
            format!(
                "the download server has {total} bytes of a file that 115 lists with {size}; its listing was out of date and has been forgotten; try again"
            ),
        ))
    }
}

/// A refused link that was just made is no longer a matter of the link.
fn unavailable(error: DriveError) -> DriveError {
    match error.kind {
        DriveErrorKind::LinkRefused => {
            DriveError::new(DriveErrorKind::Unavailable, Arc::clone(&error.reason))
        }
        _ => error,
    }
}

/// A body being read, with what is needed to go on when it breaks.
struct Position {
    vfs: Arc<Vfs>,
    meter: Meter,
    source: Source,
    body: Body,
    left: Range<u64>,
    /// Bytes since it was last opened.
    came: u64,
    fruitless: u32,
}

impl Position {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, VfsError> {
        loop {
            let broken = match self.body.stream.next().await {
                Some(Ok(bytes)) => {
                    self.left.start += bytes.len() as u64;
                    self.came += bytes.len() as u64;
                    if self.came >= FRUITFUL {
                        self.fruitless = 0;
                    }
                    return Ok(Some((bytes, self)));
                }
                None if self.left.is_empty() => return Ok(None),
                None => DriveError::new(
                    DriveErrorKind::Unavailable,
                    "the download server ended the body too early",
                ),
                Some(Err(error)) => error,
            };
            self.fruitless += 1;
            if self.fruitless > MAX_FRUITLESS_RESUMES {
                return Err(self.source.fail(broken));
            }
            tracing::debug!(path = %self.source.at.path(), offset = self.left.start, "resuming a broken download");
            self.resume().await?;
        }
    }

    async fn resume(&mut self) -> Result<(), VfsError> {
        let reopened = self.vfs.open_body(&self.meter, &mut self.source, self.left.clone()).await;
        self.body = reopened.map_err(|error| self.source.fail(error))?;
        self.came = 0;
        Ok(())
    }
}

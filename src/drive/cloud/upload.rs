//! What comes from outside: announced, sent in one piece or in parts, and gone on with after a loss.

use std::ops::Range;

use bytes::Bytes;
use futures_util::FutureExt as _;

use super::CloudDrive;
use super::change::new_node;
use crate::drive::{DriveError, DriveErrorKind, UploadSource};
use crate::model::{
    Kind, Meter, Node, PickCode, Proof, SessionState, UploadSession, UploadStep, UploadTarget, visible_name,
};
use crate::pan115::{Announcement, Client, Finished, Part, Wanted, pick};

/// Longest file that is sent in one piece, and the size of parts.
///
/// Large enough that a part takes longer than the way there and back; small enough to be held in memory,
/// and to be sent again on a slow line.
const PART: u64 = 10 << 20;

/// The object storage takes no more parts.
/// **Source**: protocol notes, writing part, §2.6.3.
const MAX_PARTS: u64 = 10_000;

impl CloudDrive {
    /// The client that gets the keys an upload is sent with. They are not of an account, so any that may make calls will do.
    async fn uploader(&self) -> &Client {
        for client in &self.writing {
            let may_call = matches!(client.health().session, SessionState::SignedIn | SessionState::Unknown);
            if may_call && self.check_user(client).await.is_ok() {
                return client;
            }
        }
        // It knows best why not.
        &self.main
    }

    pub(super) async fn announce(
        &self,
        meter: &Meter,
        target: &UploadTarget,
        proof: Option<&Proof>,
    ) -> Result<UploadStep, DriveError> {
        let announced =
            self.ask_from(0, &self.writing, |client| client.announce(meter, target, proof).boxed());
        Ok(match announced.await? {
            Announcement::Prove(challenge) => UploadStep::Prove(challenge),
            Announcement::Send(session) => {
                UploadStep::Send(Box::new(UploadSession { part_size: part_size(target.size), ..session }))
            }
            Announcement::Made(finished) => UploadStep::Known(Box::new(file(target, finished))),
            Announcement::Known(code) => {
                let pick_code = PickCode::new(&code).unwrap_or(PickCode::NONE);
                let id = match pick::file_id(&code) {
                    Some(id) => id,
                    None => self.look(meter, Wanted::PickCode(&code)).await?.node.id,
                };
                let finished = Finished { id, pick_code };
                UploadStep::Known(Box::new(file(target, finished)))
            }
        })
    }

    pub(super) async fn prepare(
        &self,
        meter: &Meter,
        target: &UploadTarget,
        session: &mut UploadSession,
    ) -> Result<(), DriveError> {
        if session.multipart.is_none() && target.size > session.part_size {
            session.multipart = Some(self.uploader().await.begin_parts(meter, session).await?);
        }
        Ok(())
    }

    pub(super) async fn send(
        &self,
        meter: &Meter,
        target: &UploadTarget,
        session: &UploadSession,
        source: &mut dyn UploadSource,
    ) -> Result<Node, DriveError> {
        let finished = if session.multipart.is_none() && target.size <= session.part_size {
            let content = read(source, 0..target.size).await?;
            self.uploader().await.put_object(meter, target, session, &content).await?
        } else {
            self.send_parts(meter, target, session, source).await?
        };
        Ok(file(target, finished))
    }

    async fn send_parts(
        &self,
        meter: &Meter,
        target: &UploadTarget,
        session: &UploadSession,
        source: &mut dyn UploadSource,
    ) -> Result<Finished, DriveError> {
        let client = self.uploader().await;
        let (mut id, mut there) = (session.multipart.clone(), Vec::new());
        if let Some(begun) = &id {
            match client.parts(meter, session, begun).await? {
                Some(parts) => there = parts,
                // It was put together before, or lay about for too long.
                None => match client.upload_outcome(meter, target, session).await? {
                    Some(finished) => return Ok(finished),
                    None => id = None,
                },
            }
        }
        let id = match id {
            Some(id) => id,
            None => client.begin_parts(meter, session).await?,
        };
        let ranges: Vec<_> = cut(target.size, session.part_size).collect();
        let mut parts = good_parts(there, &ranges);
        for (number, range) in (1..).zip(ranges).skip(parts.len()) {
            let content = read(source, range).await?;
            parts.push(client.put_part(meter, session, &id, number, &content).await?);
        }
        Ok(client.complete(meter, target, session, &id, &parts).await?)
    }

    pub(super) async fn give_up(&self, meter: &Meter, session: &UploadSession) -> Result<(), DriveError> {
        match &session.multipart {
            Some(id) => Ok(self.uploader().await.abort_parts(meter, session, id).await?),
            None => Ok(()),
        }
    }
}

fn part_size(size: u64) -> u64 {
    // Whole MiB, so that the storage's own blocks are not cut.
    PART.max(size.div_ceil(MAX_PARTS).next_multiple_of(1 << 20))
}

/// The ranges of all parts. An empty file has one, which is empty too.
fn cut(size: u64, part_size: u64) -> impl Iterator<Item = Range<u64>> {
    let part_size = part_size.max(1);
    let count = size.div_ceil(part_size).max(1);
    (0..count).map(move |n| n * part_size..size.min((n + 1) * part_size))
}

/// Those parts from the first one on that are there and whole. Parts come one after another, so behind a gap there is nothing.
fn good_parts(there: Vec<Part>, ranges: &[Range<u64>]) -> Vec<Part> {
    let wanted = (1..).zip(ranges).map(|(number, range)| (number, range.end - range.start));
    there
        .into_iter()
        .zip(wanted)
        .take_while(|(part, wanted)| (part.number, part.size) == *wanted)
        .map(|(part, _)| part)
        .collect()
}

async fn read(source: &mut dyn UploadSource, range: Range<u64>) -> Result<Bytes, DriveError> {
    if range.is_empty() {
        return Ok(Bytes::new());
    }
    let length = range.end - range.start;
    let content = source.read(range).await.map_err(|error| {
        DriveError::new(DriveErrorKind::Aborted, format!("what was to be uploaded broke off: {error}"))
            .caused_by(error)
    })?;
    if content.len() as u64 == length {
        return Ok(content);
    }
    Err(DriveError::new(DriveErrorKind::Aborted, "what was to be uploaded has another length than was said"))
}

fn file(target: &UploadTarget, finished: Finished) -> Node {
    Node {
        size: target.size,
        sha1: Some(target.sha1),
        pick_code: finished.pick_code,
        ..new_node(finished.id, Kind::File, &visible_name(&target.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_cut_into_no_more_parts_than_the_storage_takes() {
        assert_eq!(part_size(0), PART);
        assert_eq!(part_size(PART * MAX_PARTS), PART);
        for size in [1, PART * MAX_PARTS + 1, 115 << 30, 1 << 42] {
            assert!(cut(size, part_size(size)).count() as u64 <= MAX_PARTS, "{size}");
        }
        assert_eq!(cut(25, 10).collect::<Vec<_>>(), [0..10, 10..20, 20..25]);
        assert_eq!(cut(20, 10).collect::<Vec<_>>(), [0..10, 10..20]);
        assert!(cut(0, 10).eq(std::iter::once(0..0)));
    }

    #[test]
    fn parts_count_up_to_the_first_that_is_missing_or_not_whole() {
        let ranges: Vec<_> = cut(25, 10).collect();
        let good = |sizes: &[(u32, u64)]| {
            let there = sizes.iter().map(|&(number, size)| Part { number, etag: String::new(), size });
            good_parts(there.collect(), &ranges).len()
        };
        assert_eq!(good(&[]), 0);
        assert_eq!(good(&[(1, 10), (2, 10), (3, 5)]), 3);
        assert_eq!(good(&[(1, 10), (2, 9), (3, 5)]), 1);
        assert_eq!(good(&[(2, 10)]), 0);
        assert_eq!(good(&[(1, 10), (3, 5)]), 1);
        assert_eq!(good(&[(1, 10), (2, 10), (3, 10)]), 2);
    }
}

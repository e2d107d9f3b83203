//! Folders and names: one call where 115 can do it, several where it cannot, and nothing by halves.

use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::time::Instant;

use super::CloudDrive;
use crate::drive::{Drive as _, DriveError, DriveErrorKind};
use crate::model::{FileId, Kind, Meter, Node, PickCode, UploadTarget, stored_name, visible_name};
use crate::pan115::{Client, Found, Pan115Error, Wanted};

/// For so long after it has answered, 115 may be at work on the deletion or the move of a folder.
///
/// **Source**: protocol notes, writing part, §1.3 and §1.5, which tell that it takes time, and not how much.
const LEAVING: Duration = Duration::from_secs(60);

/// The usual reason for which no folder can be made.
///
/// **Source**: protocol notes, writing part, §1.1.
const TOO_DEEP: &str = "it takes no more than 25 folders inside each other";

impl CloudDrive {
    /// Makes a call that changes folders, when it is this account's turn.
    pub(super) async fn change<'a, T>(
        &'a self,
        call: impl Fn(&'a Client) -> BoxFuture<'a, Result<T, Pan115Error>>,
    ) -> Result<T, DriveError> {
        let _turn = self.main.take_turn().await?;
        self.ask_from(0, &self.writing, call).await
    }

    /// Takes note that something has been sent from `folder` to the recycle bin.
    pub(super) fn note_leaving(&self, folder: FileId) {
        let mut leaving = self.leaving.lock();
        leaving.retain(|(other, since)| *other != folder && since.elapsed() < LEAVING);
        leaving.push((folder, Instant::now()));
    }

    /// Whether names in `folder` may still be taken by what has been sent to the recycle bin.
    fn is_being_left(&self, folder: FileId) -> bool {
        self.leaving.lock().iter().any(|(other, since)| *other == folder && since.elapsed() < LEAVING)
    }

    /// Takes note that a folder has been sent on its way to another one.
    pub(super) fn note_arriving(&self, node: FileId) {
        let mut arriving = self.arriving.lock();
        arriving.retain(|(other, since)| *other != node && since.elapsed() < LEAVING);
        arriving.push((node, Instant::now()));
    }

    /// Waits until `node` is in the folder `to`, if it is on its way there, and returns it as it is called there.
    ///
    /// 115 names it when it arrives, so a name that is given before would not last.
    pub(super) async fn arrival(&self, meter: &Meter, node: &Node, to: FileId) -> Result<Node, DriveError> {
        if !self.arriving.lock().iter().any(|(id, since)| *id == node.id && since.elapsed() < LEAVING) {
            return Ok(node.clone());
        }
        let found =
            self.ask_from(0, &self.writing, |client| client.arrived(meter, node.id, to).boxed()).await?;
        self.arriving.lock().retain(|(id, _)| *id != node.id);
        Ok(Node { name: found.node.name, ..node.clone() })
    }

    /// Looks one file or folder up.
    pub(super) async fn look(&self, meter: &Meter, wanted: Wanted<'_>) -> Result<Found, DriveError> {
        self.ask_from(0, &self.writing, |client| client.info(meter, wanted).boxed()).await
    }

    pub(super) async fn make_folder(
        &self,
        meter: &Meter,
        parent: FileId,
        name: &str,
    ) -> Result<Node, DriveError> {
        let shown = visible_name(name);
        let freed = self.is_being_left(parent);
        let made = self.change(|client| client.create_folder(meter, parent, name, freed).boxed()).await;
        let id = made.map_err(|error| match error.kind {
            // 115 says no more than that it is an invalid operation.
            DriveErrorKind::Denied => with_rest(&error, TOO_DEEP),
            _ => error,
        })?;
        if let Some(id) = id {
            return Ok(new_node(id, Kind::Folder, &shown));
        }
        let listing = self.list(meter, parent).await?;
        let same = |node: &&Node| node.is_folder() && *node.name == *shown;
        listing.nodes().iter().find(same).cloned().ok_or_else(|| {
            let reason = format!("115 made the folder {shown}, but it is not to be seen; look again");
            DriveError::new(DriveErrorKind::Unavailable, reason)
        })
    }

    pub(super) async fn give_name(
        &self,
        meter: &Meter,
        node: &Node,
        parent: FileId,
        name: &str,
    ) -> Result<Node, DriveError> {
        let node = &self.arrival(meter, node, parent).await?;
        let old = stored_name(&node.name).unwrap_or_else(|| (&*node.name).into());
        if !node.is_folder() && !keeps_extension(&old, name) {
            return self.make_anew(meter, node, parent, name).await;
        }
        let given = self.change(|client| client.rename(meter, node.id, name).boxed()).await?;
        if given == name {
            return Ok(Node { name: visible_name(name).into(), ..node.clone() });
        }
        let undone = self.change(|client| client.rename(meter, node.id, &old).boxed()).await;
        let rest = match undone {
            Ok(again) if again == old => "so it has its old name again".to_owned(),
            Ok(again) => format!("and now it is called {again:?}"),
            Err(error) => format!("and that could not be undone: {error}"),
        };
        let reason = format!("115 does not take the name {name:?}: it made {given:?} of it, {rest}");
        Err(DriveError::new(DriveErrorKind::BadName, reason))
    }

    /// Makes a file of the same content under another name beside `node`, and puts `node` into the recycle bin.
    async fn make_anew(
        &self,
        meter: &Meter,
        node: &Node,
        parent: FileId,
        name: &str,
    ) -> Result<Node, DriveError> {
        let target = self.target(meter, node, parent, name).await?;
        let Some(new) = self.take_over(meter, node, &target).await? else {
            let reason = format!(
                "115 does not change what a file name ends with, and will not take the content of {} \
                 for known under the name {name:?}; upload the file under that name instead",
                node.name
            );
            return Err(DriveError::new(DriveErrorKind::BadName, reason));
        };
        let Err(error) = self.trash(meter, &[node.id], parent).await else {
            return Ok(new);
        };
        // What a failure leaves open is found out, or else both could end up in the recycle bin.
        match self.look(meter, Wanted::Id(node.id)).await {
            Err(gone) if gone.kind == DriveErrorKind::NotFound && error.kind != DriveErrorKind::NotFound => {
                Ok(new)
            }
            Err(unknown) if unknown.kind != DriveErrorKind::NotFound => Err(with_rest(
                &error,
                &format!("{name:?} has been made, and whether {} is still there is not known", node.name),
            )),
            _ => match self.trash(meter, &[new.id], parent).await {
                Ok(()) => Err(error),
                Err(left) => Err(with_rest(&error, &format!("{name:?} has been made and is left: {left}"))),
            },
        }
    }

    /// The announcement of a file with the content of `node`.
    pub(super) async fn target(
        &self,
        meter: &Meter,
        node: &Node,
        parent: FileId,
        name: &str,
    ) -> Result<UploadTarget, DriveError> {
        let sha1 = match node.sha1 {
            Some(sha1) => Some(sha1),
            None => self.look(meter, Wanted::Id(node.id)).await?.node.sha1,
        };
        let sha1 = sha1.ok_or_else(|| {
            DriveError::new(DriveErrorKind::Denied, format!("115 knows no hash of {}", node.name))
        })?;
        Ok(UploadTarget { parent, name: name.into(), size: node.size, sha1 })
    }
}

/// What a name ends with, behind its last dot. 115 does not change that of a file.
fn extension(name: &str) -> Option<&str> {
    name.rsplit_once('.').map(|(_, extension)| extension)
}

/// Whether 115 gives the file `old` the name `new` as it stands.
///
/// It wants something before the last dot and behind it, and cuts off a dot with nothing behind it.
/// **Source**: protocol notes, writing part, §1.2.
fn keeps_extension(old: &str, new: &str) -> bool {
    match new.rsplit_once('.') {
        Some((stem, end)) => !stem.is_empty() && !end.is_empty() && extension(old) == Some(end),
        None => extension(old).is_none(),
    }
}

/// A failure, with what it leaves behind.
pub(super) fn with_rest(error: &DriveError, rest: &str) -> DriveError {
    DriveError::new(error.kind, format!("{error}; {rest}")).caused_by(error.clone())
}

/// Something that has just been made.
pub(super) fn new_node(id: FileId, kind: Kind, shown: &str) -> Node {
    let now = std::time::SystemTime::now();
    Node {
        id,
        kind,
        name: shown.into(),
        size: 0,
        sha1: None,
        pick_code: PickCode::NONE,
        modified: now,
        created: now,
        censored: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_name_is_what_stands_behind_its_last_dot() {
        assert_eq!(extension("a.b.mkv"), Some("mkv"));
        assert_eq!(extension(".bashrc"), Some("bashrc"));
        assert_eq!(extension("a."), Some(""));
        assert_eq!(extension("a"), None);
    }

    #[test]
    fn a_name_is_kept_as_it_stands_if_something_stands_on_both_sides_of_its_last_dot() {
        for (old, new, kept) in [
            ("a.txt", "b.c.txt", true),
            ("a", "b", true),
            (".a", "b.a", true),
            ("a.txt", "a.TXT", false),
            ("a.txt", "a", false),
            ("a", "v1.0", false),
            ("a.", "b.", false),
            ("b.a", ".a", false),
        ] {
            assert_eq!(keeps_extension(old, new), kept, "{old} {new}");
        }
    }
}

//! Writing to the drive in memory, as 115 takes it: namesakes stand side by side, and content is known by its hash.

use std::collections::HashSet;

use bytes::Bytes;

use super::{MemoryDrive, State};
use crate::drive::{DriveError, DriveErrorKind, UploadSource};
use crate::model::{
    Challenge, FileId, Node, Proof, Sha1, UploadSession, UploadStep, UploadTarget, visible_name,
};

/// What the drive asks of uploads, and what it has.
#[derive(Default)]
pub(super) struct Uploads {
    /// Content of every hash that was ever here.
    pub(super) known: std::collections::HashMap<Sha1, Bytes>,
    /// Files that are in the recycle bin.
    pub(super) bin: HashSet<FileId>,
    /// Bytes that went up.
    pub(super) received: u64,
    /// No proof is ever enough.
    pub(super) doubts: bool,
}

fn gone(id: FileId) -> DriveError {
    DriveError::new(DriveErrorKind::NotFound, format!("there is nothing with the id {id}"))
}

impl State {
    fn take(&mut self, parent: FileId, id: FileId) -> Result<Node, DriveError> {
        let children = self.children.get_mut(&parent).ok_or_else(|| gone(parent))?;
        let index = children.iter().position(|node| node.id == id).ok_or_else(|| gone(id))?;
        Ok(children.remove(index))
    }

    fn copy_tree(&mut self, node: &Node, to: FileId, name: &str) -> Node {
        self.last_id += 1;
        let id = FileId(self.last_id);
        let copy = Node { id, name: visible_name(name).into(), ..node.clone() };
        if node.is_folder() {
            self.children.entry(id).or_default();
            for child in self.children.get(&node.id).cloned().unwrap_or_default() {
                let name = child.name.clone();
                self.copy_tree(&child, id, &name);
            }
        } else if let Some(content) = self.contents.get(&node.id).cloned() {
            self.contents.insert(id, content);
        }
        self.children.entry(to).or_default().push(copy.clone());
        copy
    }
}

impl MemoryDrive {
    /// Lets the drive know `content`, as if it were somewhere at 115.
    pub fn learn(&self, sha1: Sha1, content: impl Into<Bytes>) {
        self.state.lock().uploads.known.insert(sha1, content.into());
    }

    /// Lets the drive ask for one proof after another.
    pub fn doubt(&self) {
        self.state.lock().uploads.doubts = true;
    }

    /// Bytes of uploads that went up so far.
    pub fn received(&self) -> u64 {
        self.state.lock().uploads.received
    }

    /// Whether the node `id` is in the recycle bin.
    pub fn is_in_bin(&self, id: FileId) -> bool {
        self.state.lock().uploads.bin.contains(&id)
    }

    pub(super) fn make_folder(&self, parent: FileId, name: &str) -> Result<Node, DriveError> {
        let visible = visible_name(name);
        let is_same = |node: &Node| node.is_folder() && *node.name == *visible;
        let exists = self.state.lock().children.get(&parent).is_some_and(|all| all.iter().any(is_same));
        if exists {
            return Err(DriveError::new(DriveErrorKind::Exists, "a folder of this name is there"));
        }
        let id = self.add_folder(parent, name);
        self.node(parent, id)
    }

    pub(super) fn node(&self, parent: FileId, id: FileId) -> Result<Node, DriveError> {
        let state = self.state.lock();
        let children = state.children.get(&parent).into_iter().flatten();
        children.into_iter().find(|node| node.id == id).cloned().ok_or_else(|| gone(id))
    }

    pub(super) fn give_name(&self, id: FileId, parent: FileId, name: &str) -> Result<Node, DriveError> {
        let mut state = self.state.lock();
        let node = Node { name: visible_name(name).into(), ..state.take(parent, id)? };
        state.children.entry(parent).or_default().push(node.clone());
        Ok(node)
    }

    pub(super) fn give_place(&self, id: FileId, from: FileId, to: FileId) -> Result<(), DriveError> {
        let mut state = self.state.lock();
        let mut node = state.take(from, id)?;
        let children = state.children.entry(to).or_default();
        if children.iter().any(|other| other.name == node.name) {
            // As 115 does with folders, and with files that are told to be kept.
            node.name = format!("{}(1)", node.name).into();
        }
        children.push(node);
        Ok(())
    }

    pub(super) fn make_copy(&self, node: &Node, to: FileId, name: &str) -> Node {
        self.state.lock().copy_tree(node, to, name)
    }

    pub(super) fn throw_away(&self, nodes: &[FileId], parent: FileId) -> Result<(), DriveError> {
        let mut state = self.state.lock();
        for &id in nodes {
            state.take(parent, id)?;
            state.uploads.bin.insert(id);
        }
        Ok(())
    }

    /// Content of more than ten bytes has to be proven by its third and fourth.
    pub(super) fn announce(
        &self,
        target: &UploadTarget,
        proof: Option<&Proof>,
    ) -> Result<UploadStep, DriveError> {
        if self.state.lock().uploads.bin.contains(&target.parent) {
            return Err(DriveError::new(DriveErrorKind::NotFound, "the folder is in the recycle bin"));
        }
        let known = self.state.lock().uploads.known.get(&target.sha1).cloned();
        let Some(content) = known.filter(|content| content.len() as u64 == target.size) else {
            return Ok(UploadStep::Send(Box::new(UploadSession {
                bucket: "memory".into(),
                object: target.sha1.to_string(),
                callback: String::new(),
                callback_var: String::new(),
                pick_code: String::new(),
                multipart: None,
                part_size: 4,
            })));
        };
        if content.len() > 10 && (proof.is_none() || self.state.lock().uploads.doubts) {
            return Ok(UploadStep::Prove(Challenge { key: "third".into(), range: 2..4 }));
        }
        if proof.is_some_and(|proof| proof.key != "third".into() || proof.sha1 != hash(&content[2..4])) {
            return Err(DriveError::new(DriveErrorKind::Denied, "the proof is wrong"));
        }
        let id = self.add_file(target.parent, &target.name, content, Some(target.sha1));
        Ok(UploadStep::Known(Box::new(self.node(target.parent, id)?)))
    }

    pub(super) async fn receive(
        &self,
        target: &UploadTarget,
        session: &UploadSession,
        source: &mut dyn UploadSource,
    ) -> Result<Node, DriveError> {
        let mut content = Vec::new();
        let mut at = 0;
        while at < target.size {
            let next = target.size.min(at + session.part_size);
            let part = source
                .read(at..next)
                .await
                .map_err(|error| DriveError::new(DriveErrorKind::Aborted, error.to_string()))?;
            self.state.lock().uploads.received += part.len() as u64;
            content.extend_from_slice(&part);
            at = next;
        }
        if hash(&content) != target.sha1 {
            return Err(DriveError::new(DriveErrorKind::Corrupt, "the content is not what was announced"));
        }
        self.learn(target.sha1, content.clone());
        let id = self.add_file(target.parent, &target.name, content, Some(target.sha1));
        self.node(target.parent, id)
    }
}

fn hash(content: &[u8]) -> Sha1 {
    Sha1(<sha1::Sha1 as sha1::Digest>::digest(content).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namesakes_stand_side_by_side_but_not_folders() {
        let drive = MemoryDrive::new();
        let one = drive.make_folder(FileId::ROOT, "a").unwrap();
        assert_eq!(drive.make_folder(FileId::ROOT, "a").err().map(|e| e.kind), Some(DriveErrorKind::Exists));
        let inner = drive.make_folder(one.id, "a").unwrap();
        drive.give_place(inner.id, one.id, FileId::ROOT).unwrap();
        assert_eq!(&*drive.node(FileId::ROOT, inner.id).unwrap().name, "a(1)");
        assert!(one.is_folder());
        drive.throw_away(&[one.id], FileId::ROOT).unwrap();
        assert!(drive.is_in_bin(one.id) && drive.node(FileId::ROOT, one.id).is_err());
    }
}

//! Where uploads land and which contents are known: the users, their trees, and the trees of shares.

use std::sync::Arc;

use parking_lot::MutexGuard;

use super::UploadBehaviours;
use crate::behaviours::Behaviours;
use crate::call::Call;
use crate::content::Content;
use crate::state::Shared;
use crate::tree::{ROOT, SimNode, TreeState};
use crate::user::User;

/// The drive of a user, and what the user signs uploads with.
pub(crate) struct Drive(Arc<User>);

impl Drive {
    /// The drive of a user.
    pub(crate) fn of(shared: &Shared, user: u64) -> Option<Self> {
        shared.users.all().into_iter().find(|known| known.id == user).map(Self)
    }

    /// The drive of the user a call is of: the one it names, or else the one whose cookie it carries.
    pub(crate) fn of_call(shared: &Shared, named: &str, call: &Call) -> Option<Self> {
        if named.is_empty() {
            return shared.users.of_cookie(&call.cookies()).map(Self);
        }
        Self::of(shared, named.parse().ok()?)
    }

    /// The user's id.
    pub(crate) fn user(&self) -> u64 {
        self.0.id
    }

    /// The key the user signs uploads with.
    pub(crate) fn userkey(&self) -> &str {
        &self.0.userkey
    }

    /// The files and folders, for as long as the guard is held.
    pub(crate) fn tree(&self) -> MutexGuard<'_, TreeState> {
        self.0.tree.lock()
    }

    /// Whether there is room for so many bytes more; not to be asked while the guard of the tree is held.
    pub(crate) fn has_room(&self, bytes: u64, behaviours: &Behaviours) -> bool {
        self.tree().total_bytes().saturating_add(bytes) <= self.0.space_bytes(behaviours)
    }
}

/// The content of this size and hash, if it lies anywhere: in a tree, among what was deleted, in a share, or in nobody's
/// tree.
pub(crate) fn known(shared: &Shared, size: u64, sha1: &str) -> Option<Content> {
    let fits = |content: &Content| content.size() == size && content.sha1_hex() == sha1;
    if let Some(content) = shared.uploads.all_known().into_iter().find(fits) {
        return Some(content);
    }
    let of_user = |user: &Arc<User>| user.tree.lock().content_of(size, sha1);
    if let Some(content) = shared.users.all().iter().find_map(of_user) {
        return Some(content);
    }
    shared.shares.lock().all().iter().find_map(|(_, share)| share.tree.content_of(size, sha1))
}

/// The folder a target such as `U_1_0` names; `None` when it is no such target.
pub(crate) fn folder_of(target: &str) -> Option<u64> {
    let (area, folder) = target.strip_prefix("U_")?.split_once('_')?;
    match area {
        "1" => folder.parse().ok(),
        // Written in older notes; it is the root, whatever follows.
        "0" => Some(ROOT),
        _ => None,
    }
}

/// Sets an id aside for a file, and tells the pick code it will have.
pub(crate) fn reserve(tree: &mut TreeState) -> (u64, String) {
    let id = tree.reserve();
    (id, tree.pick_code_of(id))
}

/// Puts a file into a folder under an id set aside for it; `false` when the folder is gone.
pub(crate) fn place(
    shared: &Shared,
    tree: &mut TreeState,
    (node, folder): (u64, u64),
    name: &str,
    content: Content,
    switches: &UploadBehaviours,
) -> bool {
    if !tree.node(folder).is_some_and(SimNode::is_folder) {
        return false;
    }
    tree.add_reserved(node, folder, name, content);
    shared.uploads.arrived(node, shared.clock.unix(), switches);
    true
}

//! Where uploads land and which contents are known: the users, their trees, and the trees of shares.

use parking_lot::{Mutex, MutexGuard};
use sha1::{Digest as _, Sha1};

use super::UploadBehaviours;
use crate::account::{USER_ID, cookie_value};
use crate::behaviours::Behaviours;
use crate::call::Call;
use crate::content::Content;
use crate::num::hex;
use crate::pickcode;
use crate::state::Shared;
use crate::tree::{ROOT, SimNode, TreeState};

/// The drive of a user, and what the user signs uploads with.
pub(crate) struct Drive<'sim> {
    user: u64,
    tree: &'sim Mutex<TreeState>,
}

impl<'sim> Drive<'sim> {
    /// The drive of a user.
    pub(crate) fn of(shared: &'sim Shared, user: u64) -> Option<Self> {
        (user == USER_ID).then_some(Self { user, tree: &shared.tree })
    }

    /// The drive of the user a call is of: the one it names, or else the one whose cookie it carries.
    pub(crate) fn of_call(shared: &'sim Shared, named: &str, call: &Call) -> Option<Self> {
        let cookies = call.cookies();
        let by_cookie = || cookie_value(&cookies, "UID")?.split('_').next();
        let user = if named.is_empty() { by_cookie()? } else { named };
        Self::of(shared, user.parse().ok()?)
    }

    /// The user's id.
    pub(crate) fn user(&self) -> u64 {
        self.user
    }

    /// The key the user signs uploads with.
    pub(crate) fn userkey(&self) -> String {
        hex(&Sha1::digest(format!("userkey of {}", self.user))).to_uppercase()
    }

    /// The files and folders, for as long as the guard is held.
    pub(crate) fn tree(&self) -> MutexGuard<'_, TreeState> {
        self.tree.lock()
    }

    /// Whether there is room for so many bytes more; not to be asked while the guard of the tree is held.
    pub(crate) fn has_room(&self, bytes: u64, behaviours: &Behaviours) -> bool {
        self.tree().total_bytes().saturating_add(bytes) <= behaviours.space_bytes
    }
}

/// The content of this size and hash, if it lies anywhere: in a tree, among what was deleted, in a share, or in nobody's
/// tree.
pub(crate) fn known(shared: &Shared, size: u64, sha1: &str) -> Option<Content> {
    let fits = |content: &Content| content.size() == size && content.sha1_hex() == sha1;
    if let Some(content) = shared.uploads.all_known().into_iter().find(fits) {
        return Some(content);
    }
    if let Some(content) = shared.tree.lock().content_of(size, sha1) {
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
    (id, pickcode::encode(id, false, id))
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

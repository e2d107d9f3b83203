//! Files that only their owner may read, replaced whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, fchown};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use tempfile::NamedTempFile;

/// As many as the kernel follows.
const MOST_LINKS: usize = 40;

/// Whose a file is after it was replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// Whose it was, or whose the folder is if there was none, as far as that can be chosen.
    Kept,
    /// It was another user's, who cannot read it any more.
    Changed,
}

/// Makes sure that [`replace`] will not fail for reasons that can be known beforehand.
///
/// **Errors**: the folder does not exist or cannot be written into, or the path is a folder's.
pub(super) fn check_replaceable(path: &Path) -> anyhow::Result<()> {
    let path = target(path)?;
    if path.is_dir() {
        return Err(anyhow!(
            "{} is a folder; name a file (Docker makes a folder of a mounted file that does not exist)",
            path.display()
        ));
    }
    beside(&path)?;
    Ok(())
}

/// Puts `content` where `path` leads, with mode 0600. The owner stays who it was, if that can be.
///
/// At any moment there is the old file or the new one, whole. If the new one cannot take the old one's place, it stays
/// beside it, and the error says where.
pub(super) fn replace(path: &Path, content: &[u8]) -> anyhow::Result<Owner> {
    let path = target(path)?;
    let mut file = beside(&path)?;
    let written = file.write_all(content).and_then(|()| file.as_file().sync_all());
    written.with_context(|| format!("cannot write beside {}", path.display()))?;
    let owner = keep_owner(&path, file.as_file());
    match file.persist(&path) {
        Ok(_) => {
            // Some file systems do not know this for folders, and the file is in its place in any case.
            let _ = File::open(folder(&path)).and_then(|folder| folder.sync_all());
            Ok(owner)
        }
        Err(failed) => {
            let error = failed.error;
            let kept = failed.file.keep().map(|(_, kept)| kept);
            let kept = kept.with_context(|| format!("cannot replace {}: {error}", path.display()))?;
            Err(anyhow!(
                "cannot replace {}: {error}; what belongs there is whole in {}, so move it by hand (a file that is \
                 mounted into a container by itself cannot be replaced: mount its folder)",
                path.display(),
                kept.display()
            ))
        }
    }
}

/// An empty file with mode 0600 in the folder of `path`, which goes away unless it is given another name.
fn beside(path: &Path) -> anyhow::Result<NamedTempFile> {
    let folder = folder(path);
    tempfile::Builder::new().prefix(".dav115-").tempfile_in(folder).map_err(|error| {
        let advice = match error.kind() {
            io::ErrorKind::NotFound => "; create the folder, or correct the path",
            io::ErrorKind::PermissionDenied => {
                "; run this as a user who may write there, or let this one (chown or chmod)"
            }
            io::ErrorKind::ReadOnlyFilesystem => "; in a container, mount the folder without `:ro`",
            _ => "",
        };
        // What follows names a file that nobody has heard of.
        let text = error.to_string();
        let reason = text.split(" at path ").next().unwrap_or_default();
        anyhow!("cannot write into the folder {}: {reason}{advice}", folder.display())
    })
}

/// Where `path` leads, through links that may lead to nothing yet.
fn target(path: &Path) -> anyhow::Result<PathBuf> {
    let mut target = path.to_owned();
    for _ in 0..MOST_LINKS {
        match fs::read_link(&target) {
            Ok(next) => target = folder(&target).join(next),
            Err(_) => return Ok(target),
        }
    }
    Err(anyhow!("{} leads in a circle", path.display()))
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Lets the gateway read the file when somebody else, such as root, signs in.
fn keep_owner(path: &Path, file: &File) -> Owner {
    let before = fs::metadata(path);
    let was_there = before.is_ok();
    let (Ok(wanted), Ok(made)) = (before.or_else(|_| fs::metadata(folder(path))), file.metadata()) else {
        return Owner::Kept;
    };
    let is_same = (wanted.uid(), wanted.gid()) == (made.uid(), made.gid());
    // Only root may give files away.
    if is_same || fchown(file, Some(wanted.uid()), Some(wanted.gid())).is_ok() {
        return Owner::Kept;
    }
    if was_there && wanted.uid() != made.uid() { Owner::Changed } else { Owner::Kept }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_replaced_with_mode_0600_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cookie.txt");
        for content in ["old", "new and longer"] {
            check_replaceable(&path).unwrap();
            replace(&path, content.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        }
        replace(&path, b"x").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(names(folder.path()), ["cookie.txt"]);
    }

    #[test]
    fn links_stay_links_even_those_that_lead_to_nothing_yet() {
        let folder = tempfile::tempdir().unwrap();
        let (real, first, second) =
            (folder.path().join("real"), folder.path().join("first"), folder.path().join("second"));
        symlink("second", &first).unwrap();
        symlink(&real, &second).unwrap();
        for content in ["one", "two"] {
            replace(&first, content.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&real).unwrap(), content);
        }
        assert!(first.is_symlink() && second.is_symlink() && !real.is_symlink());
        symlink("circle", folder.path().join("circle")).unwrap();
        assert!(check_replaceable(&folder.path().join("circle")).unwrap_err().to_string().contains("circle"));
    }

    #[test]
    fn what_cannot_work_is_told_beforehand() {
        let folder = tempfile::tempdir().unwrap();
        let nowhere = check_replaceable(&folder.path().join("no/cookie.txt")).unwrap_err().to_string();
        assert!(nowhere.contains("create the folder") && !nowhere.contains(".dav115-"), "{nowhere}");
        assert!(check_replaceable(folder.path()).unwrap_err().to_string().contains("is a folder"));
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn a_file_that_cannot_take_its_place_is_kept_and_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("busy");
        fs::create_dir(&path).unwrap();
        fs::write(path.join("x"), "x").unwrap();
        let error = replace(&path, b"content").unwrap_err().to_string();
        let kept = names(folder.path()).into_iter().find(|name| name.starts_with(".dav115-")).unwrap();
        assert!(error.contains(&kept), "{error}");
        assert_eq!(fs::read_to_string(folder.path().join(kept)).unwrap(), "content");
    }
}

//! Names that systems look for everywhere and hardly ever find.

/// Whether a system looks for `name` in every folder on its own account, without a person having asked.
///
/// If the folder is not in the cache, "is it there?" is answered with no and without a call:
/// a probe must not make 115 list a folder. `GET` and listings still tell the truth.
/// Source: what Finder, Explorer, Kodi and GNOME ask for, as collected from their users' reports.
pub(super) fn is_probe_name(name: &str) -> bool {
    const NAMES: [&str; 25] = [
        ".ds_store",
        ".localized",
        ".metadata_never_index",
        ".metadata_never_index_unless_rootfs",
        ".metadata_direct_scope_only",
        ".spotlight-v100",
        ".trashes",
        ".trash",
        ".fseventsd",
        ".documentrevisions-v100",
        ".temporaryitems",
        ".vol",
        ".hidden",
        ".nomedia",
        ".directory",
        ".xdg-volume-info",
        ".ql_disablethumbnails",
        ".ql_disablecache",
        "backups.backupdb",
        "mach_kernel",
        "desktop.ini",
        "thumbs.db",
        "autorun.inf",
        "ehthumbs.db",
        "system volume information",
    ];
    name.starts_with("._") || NAMES.iter().any(|probe| probe.eq_ignore_ascii_case(name))
}

/// Whether systems write a file called `name` everywhere on their own account, and nobody misses it.
///
/// Source: what Finder and Explorer leave, as collected from their users' reports.
pub(super) fn is_junk_name(name: &str) -> bool {
    const NAMES: [&str; 3] = [".ds_store", "thumbs.db", "desktop.ini"];
    name.starts_with("._") || NAMES.iter().any(|junk| junk.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes_are_told_from_content() {
        for probe in ["._film.mkv", ".DS_Store", "Thumbs.db", "DESKTOP.INI", ".nomedia"] {
            assert!(is_probe_name(probe), "{probe}");
        }
        assert!(is_junk_name("._film.mkv") && is_junk_name("Thumbs.db") && !is_junk_name(".nomedia"));
        // A real picture in many media folders, so it is looked up like any other file.
        for content in ["folder.jpg", "film.mkv", ".profile", "_.txt"] {
            assert!(!is_probe_name(content), "{content}");
        }
    }
}

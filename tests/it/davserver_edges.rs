//! What we rely on in `dav-server`, pinned.

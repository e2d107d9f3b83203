//! WebDAV: what the methods mean. The only importer of `dav_server`.

//! `[upload]`: where files wait on their way to 115.

use std::path::PathBuf;

use super::describe::Page;
use super::parse::{size, text};
use super::table::{Read, Table};

/// Where files wait on their way to 115.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// A directory for the bodies that are being received; made if it is not there.
    pub spool_dir: PathBuf,
    /// Bytes of all of them together.
    pub spool_limit: u64,
}

impl Upload {
    pub(super) fn read(table: &mut Table<'_>) -> Read<Self> {
        let spool_dir = table.required("spool_dir", text);
        let spool_limit = table.required("spool_limit", size);
        Ok(Self { spool_dir: spool_dir?.into(), spool_limit: spool_limit? })
    }

    pub(super) fn describe(&self, page: &mut Page) {
        page.table("[upload]");
        page.text("spool_dir", self.spool_dir.display());
        page.size("spool_limit", self.spool_limit);
    }
}

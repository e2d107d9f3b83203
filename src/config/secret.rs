//! Secrets, given in place or by a file. No message shows one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ::config::{Value, ValueKind};

use super::parse::Refusal;
use super::table::{Read, Table};
use crate::model::Secret;

/// A secret and how it was given.
pub(super) enum Given {
    /// In place, by `key`.
    Inline(Secret),
    /// By `key_file`.
    File {
        /// The file.
        path: PathBuf,
        /// What it holds now, without the newline at its end.
        content: Secret,
    },
}

/// What it means that a file is missing or empty.
#[derive(Clone, Copy)]
pub(super) enum Absent<'a> {
    /// A problem; and what to do about it, if that is known better than from the file alone.
    Refused {
        /// What to do.
        remedy: Option<&'a str>,
    },
    /// Nothing: it is yet to be made.
    Fine,
}

impl Given {
    /// The one of the two keys it was given by.
    pub(super) fn key<'k>(&self, key: &'k str, file_key: &'k str) -> &'k str {
        match self {
            Self::Inline(_) => key,
            Self::File { .. } => file_key,
        }
    }

    /// The secret, however it was given.
    pub(super) fn into_secret(self) -> Secret {
        match self {
            Self::Inline(secret) | Self::File { content: secret, .. } => secret,
        }
    }
}

/// Reads the secret `key` or the file named by `file_key`, exactly one of which must be there.
pub(super) fn required(table: &mut Table<'_>, key: &'static str, file_key: &'static str) -> Read<Given> {
    required_unless(table, key, file_key, Absent::Refused { remedy: None })
}

/// The same, with another word on a file that is absent.
pub(super) fn required_unless(
    table: &mut Table<'_>,
    key: &'static str,
    file_key: &'static str,
    absent: Absent<'_>,
) -> Read<Given> {
    match given(table, key, file_key, absent)? {
        Some(given) => Ok(given),
        None => Err(table.refuse(key, Refusal::new(format!("{key} or {file_key}")).found("neither"))),
    }
}

/// Reads the secret `key` or the file named by `file_key`, at most one of which may be there.
pub(super) fn optional(
    table: &mut Table<'_>,
    key: &'static str,
    file_key: &'static str,
) -> Read<Option<Given>> {
    given(table, key, file_key, Absent::Refused { remedy: None })
}

fn given(
    table: &mut Table<'_>,
    key: &'static str,
    file_key: &'static str,
    absent: Absent<'_>,
) -> Read<Option<Given>> {
    let inline = table.optional(key, inline);
    let path = table.optional(file_key, path);
    match (inline?, path?) {
        (None, None) => Ok(None),
        (Some(secret), None) => Ok(Some(Given::Inline(secret))),
        (None, Some(text)) => {
            let path = table.resolve(file_key, &text);
            let content = read(&path, &text, absent).map_err(|refusal| table.refuse(file_key, refusal))?;
            Ok(Some(Given::File { path, content }))
        }
        (Some(_), Some(_)) => {
            let refusal = Refusal::new(format!("only one of {key} and {file_key}"));
            Err(table.refuse(key, refusal.found("both").remedy("remove one of them")))
        }
    }
}

/// What to do when a file cannot be read.
pub(super) fn read_remedy(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::NotFound => {
            "create the file or correct its path; in a container, check that it is mounted"
        }
        io::ErrorKind::PermissionDenied => {
            "let the user this program runs as read it (chown or chmod), and enter the folders above it"
        }
        io::ErrorKind::IsADirectory => {
            "name a file; Docker makes a folder of a mounted file that does not exist on the host"
        }
        io::ErrorKind::InvalidData => "save it as UTF-8 text",
        _ => "check the file and the disk it is on",
    }
}

fn inline(value: &Value) -> Result<Secret, Refusal> {
    let expected = "a text in quotes that is not empty";
    match &value.kind {
        ValueKind::String(text) if text.trim().is_empty() => {
            Err(Refusal::new(expected).found("an empty text"))
        }
        ValueKind::String(text) => Ok(Secret::new(text)),
        _ => Err(Refusal::new(expected).found("something else (not shown)")),
    }
}

fn path(value: &Value) -> Result<String, Refusal> {
    match &value.kind {
        ValueKind::String(text) if !text.is_empty() => Ok(text.clone()),
        _ => Err(Refusal::new("the path of a file")),
    }
}

fn read(path: &Path, text: &str, absent: Absent<'_>) -> Result<Secret, Refusal> {
    let is_path = !text.contains(['=', ';', '$', '\n']);
    let content = match (fs::read_to_string(path), absent) {
        (Err(error), Absent::Fine) if is_path && error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        (content, _) => content,
    };
    let content = content.map_err(|error| {
        // The secret itself may have been given where its path belongs.
        if !is_path {
            return Refusal::new("the path of a file")
                .found("a text that is the path of no readable file (not shown)")
                .remedy("a secret itself goes in the key without _file");
        }
        let found = format!("that {} cannot be read: {error}", path.display());
        let remedy = match (error.kind(), absent) {
            (io::ErrorKind::NotFound, Absent::Refused { remedy: Some(remedy) }) => {
                format!("{remedy}; in a container, check that its folder is mounted")
            }
            (kind, _) => read_remedy(kind).to_owned(),
        };
        Refusal::new("a readable file").found(found).remedy(remedy)
    })?;
    let content = content.trim_end_matches(['\r', '\n']);
    if let (true, Absent::Refused { remedy }) = (content.trim().is_empty(), absent) {
        let refusal = Refusal::new("a file that holds the secret");
        let refusal = refusal.found(format!("that {} is empty", path.display()));
        return Err(remedy.into_iter().fold(refusal, Refusal::remedy));
    }
    Ok(Secret::new(content))
}

//! `[[mounts]]`: what is shown where.

use ::config::{Value, ValueKind};

use super::describe::Page;
use super::parse::{Refusal, choice, one_of, served_path, switch, text};
use super::server::UnknownName;
use super::shares::{self, Given, NamedShare};
use super::table::{Read, Table};
use super::users::Names;
use crate::model::{DownloadPolicy, FileId, Junk, ShareLink};

/// The name of each policy.
const POLICIES: [(&str, DownloadPolicy); 4] = [
    ("redirect", DownloadPolicy::Redirect),
    ("redirect!", DownloadPolicy::RedirectForced),
    ("proxy", DownloadPolicy::Proxy),
    ("proxy_url", DownloadPolicy::ProxyUrl),
];
/// The name of each way with junk.
const JUNK: [(&str, Junk); 3] = [("swallow", Junk::Swallow), ("keep", Junk::Keep), ("refuse", Junk::Refuse)];
/// The name of each kind.
const KINDS: [(&str, KindName); 3] =
    [("cloud", KindName::Cloud), ("share", KindName::Share), ("shares", KindName::Shares)];

#[derive(Clone, Copy, PartialEq, Eq)]
enum KindName {
    Cloud,
    Share,
    Shares,
}

/// What is mounted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MountKind {
    /// The files of the account.
    Cloud,
    /// Someone's share.
    Share(ShareLink),
    /// Several shares, each in a folder.
    Shares(Vec<NamedShare>),
}

/// A folder of an account or a share, shown at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// Where it is shown, below [`Server::prefix`](super::Server::prefix): `/`, or `/films` without a final slash.
    /// No mount's path lies inside another's.
    pub path: String,
    /// What is shown.
    pub kind: MountKind,
    /// The name of the account, which exists. Shares can be listed without one.
    pub account: Option<String>,
    /// The folder shown.
    pub root: FileId,
    /// The folder of the account that files of a share are saved to if they cannot be had otherwise.
    /// Only with a share and an account.
    pub save_to: Option<FileId>,
    /// How clients get content.
    pub download: DownloadPolicy,
    /// Nothing in it may be changed.
    pub read_only: bool,
    /// What is removed stays in 115's recycle bin.
    pub trash: bool,
    /// What becomes of files that systems leave everywhere.
    pub junk: Junk,
    /// Only what 115 already has may be uploaded.
    pub upload_hash_only: bool,
}

impl Mount {
    /// All files of an account, to be read and written.
    pub fn of_account(path: &str, account: &str) -> Self {
        Self {
            path: path.to_owned(),
            kind: MountKind::Cloud,
            account: Some(account.to_owned()),
            root: FileId::ROOT,
            save_to: None,
            download: DownloadPolicy::Redirect,
            read_only: false,
            trash: true,
            junk: Junk::Swallow,
            upload_hash_only: false,
        }
    }

    /// Reads all mounts, given the names of all accounts, if known, and whether the download proxy is set.
    pub(super) fn read_all(
        root: &mut Table<'_>,
        accounts: Option<&Names>,
        has_proxy: bool,
    ) -> Read<Vec<Self>> {
        let accounts = accounts.map(Names::all);
        let mut paths = Vec::new();
        let read = |table: &mut Table<'_>| Self::read(table, &mut paths, accounts.as_deref(), has_proxy);
        root.list("mounts", read)?.into_iter().collect()
    }

    fn read(
        table: &mut Table<'_>,
        paths: &mut Vec<(String, String)>,
        accounts: Option<&[&str]>,
        has_proxy: bool,
    ) -> Read<Self> {
        let path = table.required("path", served_path).and_then(|path| apart(table, path, paths));
        let kind = table.optional("kind", choice(KINDS)).map(|kind| kind.unwrap_or(KindName::Cloud));
        let shares = Given::read(table);
        // A kind that cannot be read has been reported, and what belongs to it need not be missed as well.
        let (kind, account) = match kind {
            Ok(KindName::Cloud) => {
                (shares.none(table).map(|()| MountKind::Cloud), account(table, accounts).map(Some))
            }
            Ok(KindName::Share) => {
                (shares.one(table).map(MountKind::Share), optional_account(table, accounts))
            }
            Ok(KindName::Shares) => {
                (shares.several(table).map(MountKind::Shares), optional_account(table, accounts))
            }
            Err(reported) => (Err(reported), optional_account(table, accounts)),
        };
        let root = table.optional("root_id", file_id).map(|root| root.unwrap_or(FileId::ROOT));
        let root = root.and_then(|root| match &kind {
            Ok(MountKind::Shares(_)) if root != FileId::ROOT => {
                let refusal = Refusal::new("\"0\", since the folders shown are those of the shares");
                Err(table.refuse("root_id", refusal.remedy("kind = \"share\" shows a folder of one share")))
            }
            _ => Ok(root),
        });
        let save_to = save_to(table, kind.as_ref().ok(), account.as_ref().ok());
        let download = download(table, has_proxy);
        let read_only = table.optional("read_only", switch).map(Option::unwrap_or_default);
        let trash = table.optional("trash", switch).map(|trash| trash.unwrap_or(true));
        let junk = table.optional("junk", choice(JUNK)).map(|junk| junk.unwrap_or(Junk::Swallow));
        let hash_only = table.optional("upload_hash_only", switch).map(Option::unwrap_or_default);
        Ok(Self {
            path: path?,
            kind: kind?,
            account: account?,
            root: root?,
            save_to: save_to?,
            download: download?,
            read_only: read_only?,
            trash: trash?,
            junk: junk?,
            upload_hash_only: hash_only?,
        })
    }

    pub(super) fn describe(&self, page: &mut Page) {
        page.table("[[mounts]]");
        page.text("path", &self.path);
        match &self.kind {
            MountKind::Cloud => page.text("kind", "cloud"),
            MountKind::Share(share) => {
                page.text("kind", "share");
                shares::describe_one(share, page);
            }
            MountKind::Shares(named) => {
                page.text("kind", "shares");
                shares::describe_several(named, page);
            }
        }
        if let Some(account) = &self.account {
            page.text("account", account);
        }
        page.text("root_id", self.root);
        if let Some(folder) = self.save_to {
            page.text("save_to", folder);
        }
        page.text("download", policy_name(self.download));
        if let MountKind::Cloud = self.kind {
            page.plain("read_only", self.read_only);
            page.plain("trash", self.trash);
            page.text(
                "junk",
                JUNK.into_iter().find(|(_, junk)| *junk == self.junk).map_or("", |(name, _)| name),
            );
            page.plain("upload_hash_only", self.upload_hash_only);
        }
    }
}

/// The policy of this name.
///
/// # Errors
/// There is none of this name.
pub fn parse_download_policy(name: &str) -> Result<DownloadPolicy, UnknownName> {
    POLICIES.into_iter().find(|(known, _)| *known == name).map(|(_, policy)| policy).ok_or(UnknownName)
}

/// The names [`parse_download_policy`] knows.
pub fn download_policy_names() -> [&'static str; 4] {
    POLICIES.map(|(name, _)| name)
}

fn policy_name(policy: DownloadPolicy) -> &'static str {
    match policy {
        DownloadPolicy::Redirect => "redirect",
        DownloadPolicy::RedirectForced => "redirect!",
        DownloadPolicy::Proxy => "proxy",
        DownloadPolicy::ProxyUrl => "proxy_url",
    }
}

/// Makes sure that `path` and the paths before it do not lie inside each other.
fn apart(table: &Table<'_>, path: String, paths: &mut Vec<(String, String)>) -> Read<String> {
    let overlapping = paths.iter().find(|(other, _)| contains(other, &path) || contains(&path, other));
    if let Some((other, key)) = overlapping {
        let (line, other_line) = (table.line(&table.key("path")), table.line(key));
        let refusal = Refusal::new(format!("a path apart from that of {key}{other_line}, {other:?}"))
            .found(format!("{path:?}{line}"))
            .remedy("one mount may not lie inside another");
        return Err(table.refuse("path", refusal));
    }
    paths.push((path.clone(), table.key("path")));
    Ok(path)
}

fn contains(outer: &str, inner: &str) -> bool {
    outer == "/" || inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The account named, or the only one there is. Not checked when not all `accounts` are known.
fn account(table: &mut Table<'_>, accounts: Option<&[&str]>) -> Read<String> {
    let given = table.optional("account", text)?;
    let Some(accounts) = accounts else { return Ok(given.unwrap_or_default()) };
    let refusal = Refusal::new(format!("the name of an account, {}", one_of(accounts)));
    let refusal = match (given, accounts) {
        (Some(name), _) if accounts.contains(&name.as_str()) => return Ok(name),
        (None, [only]) => return Ok((*only).to_owned()),
        (_, []) => Refusal::new("an account").remedy("add an [[accounts]] entry with name and cookie"),
        (Some(_), _) => refusal,
        (None, _) => refusal.remedy("it may only be left out when there is one account"),
    };
    Err(table.refuse("account", refusal))
}

/// The account named, or the only one there is, or none.
fn optional_account(table: &mut Table<'_>, accounts: Option<&[&str]>) -> Read<Option<String>> {
    let given = table.optional("account", text)?;
    match (given, accounts) {
        (Some(name), Some(accounts)) if !accounts.contains(&name.as_str()) => {
            let refusal = Refusal::new(format!("the name of an account, {}", one_of(accounts)));
            Err(table
                .refuse("account", refusal.remedy("or leave it out: shares are listed without an account")))
        }
        (None, Some([only])) => Ok(Some((*only).to_owned())),
        (given, _) => Ok(given),
    }
}

fn file_id(value: &Value) -> Result<FileId, Refusal> {
    let id = match &value.kind {
        ValueKind::I64(id) => u64::try_from(*id).ok(),
        ValueKind::String(digits) if digits.is_empty() => Some(0),
        ValueKind::String(digits) => digits.parse().ok(),
        _ => None,
    };
    id.map(FileId).ok_or_else(|| Refusal::new(r#"the id of a folder in digits, or "0" for everything"#))
}

/// The folder to save to. `kind` and `account` are those of the mount, if they could be read.
fn save_to(
    table: &mut Table<'_>,
    kind: Option<&MountKind>,
    account: Option<&Option<String>>,
) -> Read<Option<FileId>> {
    let Some(folder) = table.optional("save_to", file_id)? else { return Ok(None) };
    let refusal = if kind == Some(&MountKind::Cloud) {
        let refusal = Refusal::new("kind = \"share\" or \"shares\" with this key");
        refusal.found("kind = \"cloud\"").remedy("only files of shares are saved")
    } else if account == Some(&None) {
        let refusal = Refusal::new("an account to save to").found("none");
        refusal.remedy("name one of the accounts in account")
    } else if folder == FileId::ROOT {
        let refusal = Refusal::new("the id of a folder made for this").found("\"0\", which is everything");
        refusal.remedy("make a folder at 115 and give its id")
    } else {
        return Ok(Some(folder));
    };
    Err(table.refuse("save_to", refusal))
}

fn download(table: &mut Table<'_>, has_proxy: bool) -> Read<DownloadPolicy> {
    let policy = table.optional("download", choice(POLICIES))?.unwrap_or(DownloadPolicy::Redirect);
    if policy == DownloadPolicy::ProxyUrl && !has_proxy {
        let refusal = Refusal::new("download.proxy_url and download.proxy_token to be set for this")
            .remedy(r#"set both, or use "redirect" or "proxy""#);
        return Err(table.refuse("download", refusal));
    }
    Ok(policy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_policy_is_read_by_the_name_it_is_written_with() {
        for (name, policy) in POLICIES {
            assert_eq!(parse_download_policy(name), Ok(policy));
            assert_eq!(policy_name(policy), name);
        }
        assert_eq!(parse_download_policy("redirected"), Err(UnknownName));
    }
}

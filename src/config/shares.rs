//! The keys of a mount that shows one share or several.

use std::fs;
use std::path::Path;

use ::config::{Value, ValueKind};

use super::describe::Page;
use super::parse::{Refusal, text, text_of};
use super::secret::read_remedy;
use super::table::{Read, Table};
use crate::model::{Secret, ShareLink};

/// What a link looks like, for messages.
const EXPECTED: &str = "the link of a share, such as https://115cdn.com/s/sw…?password=…";

/// A share, with the name its folder is to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedShare {
    /// Where it is.
    pub link: ShareLink,
    /// The name of its folder; without one, the share's title.
    pub name: Option<String>,
}

/// The keys of both kinds as they were given. All are asked for whatever the kind, so that all are known.
pub(super) struct Given {
    link: Read<Option<ShareLink>>,
    share_code: Read<Option<String>>,
    receive_code: Read<Option<Secret>>,
    links: Read<Option<Vec<NamedShare>>>,
    links_file: Read<Option<Vec<NamedShare>>>,
}

impl Given {
    pub(super) fn read(table: &mut Table<'_>) -> Self {
        let link = table.optional("link", link);
        let share_code = table.optional("share_code", text);
        let receive_code = table.optional("receive_code", receive_code);
        let links = table.optional("links", links);
        let path = table.optional("links_file", text);
        let links_file = path.and_then(|path| {
            let Some(path) = path else { return Ok(None) };
            let read = read_file(&table.resolve("links_file", &path));
            read.map(Some).map_err(|refusal| table.refuse("links_file", refusal))
        });
        Self { link, share_code, receive_code, links, links_file }
    }

    /// The one share, given by `link` or by its two codes.
    pub(super) fn one(self, table: &Table<'_>) -> Read<ShareLink> {
        self.links.and(self.links_file).and_then(|stray| match stray {
            None => Ok(()),
            Some(_) => Err(table.refuse("links_file", Refusal::new("kind = \"shares\" for several links"))),
        })?;
        let (link, code, receive) = (self.link?, self.share_code?, self.receive_code?);
        match (link, code) {
            (Some(link), None) => Ok(ShareLink { receive_code: receive.or(link.receive_code), ..link }),
            (None, Some(code)) => {
                let link = ShareLink::new(&code, receive.as_ref().map(Secret::expose));
                let refusal = || Refusal::new("a share code and a receive code of letters and digits");
                link.ok_or_else(|| table.refuse("share_code", refusal()))
            }
            (None, None) => {
                let refusal = Refusal::new("link, or share_code and receive_code").found("neither");
                Err(table.refuse("link", refusal))
            }
            (Some(_), Some(_)) => {
                let refusal = Refusal::new("only one of link and share_code").found("both");
                Err(table.refuse("share_code", refusal.remedy("remove one of them")))
            }
        }
    }

    /// All shares, given by `links` or `links_file`.
    pub(super) fn several(self, table: &Table<'_>) -> Read<Vec<NamedShare>> {
        let single = [self.link?.map(|_| "link"), self.share_code?.map(|_| "share_code")];
        self.receive_code?;
        if let Some(key) = single.into_iter().flatten().next() {
            return Err(
                table.refuse(key, Refusal::new("links or links_file").found("the key of a single share"))
            );
        }
        match (self.links?, self.links_file?) {
            (Some(links), None) | (None, Some(links)) => Ok(links),
            (None, None) => Err(table.refuse("links", Refusal::new("links or links_file").found("neither"))),
            (Some(_), Some(_)) => {
                let refusal = Refusal::new("only one of links and links_file").found("both");
                Err(table.refuse("links", refusal.remedy("remove one of them")))
            }
        }
    }

    /// Nothing: the mount shows no share.
    pub(super) fn none(self, table: &Table<'_>) -> Read<()> {
        let given = [
            self.link?.map(|_| "link"),
            self.share_code?.map(|_| "share_code"),
            self.receive_code?.map(|_| "receive_code"),
            self.links?.map(|_| "links"),
            self.links_file?.map(|_| "links_file"),
        ];
        match given.into_iter().flatten().next() {
            None => Ok(()),
            Some(key) => {
                let refusal = Refusal::new("kind = \"share\" or \"shares\" with this key");
                Err(table.refuse(key, refusal.found("kind = \"cloud\"").remedy("set the kind")))
            }
        }
    }
}

pub(super) fn describe_one(share: &ShareLink, page: &mut Page) {
    page.text("share_code", &share.code);
    if share.receive_code.is_some() {
        page.secret("receive_code");
    }
}

pub(super) fn describe_several(shares: &[NamedShare], page: &mut Page) {
    for share in shares {
        let name = share.name.as_deref().unwrap_or("(named by its title)");
        page.comment(format_args!("share {}: {name}", share.link.code));
    }
}

/// A link holds the receive code, so it is not shown.
fn hidden(expected: impl Into<String>) -> Refusal {
    Refusal::new(expected).found("a text without one (not shown)")
}

fn link(value: &Value) -> Result<ShareLink, Refusal> {
    ShareLink::find(text_of(value, EXPECTED)?).map(|(link, _)| link).ok_or_else(|| hidden(EXPECTED))
}

fn receive_code(value: &Value) -> Result<Secret, Refusal> {
    let text = match &value.kind {
        ValueKind::I64(digits) => digits.to_string(),
        ValueKind::String(text) => text.clone(),
        _ => String::new(),
    };
    let is_code = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let refusal = || {
        Refusal::new("a receive code of letters and digits, in quotes").found("something else (not shown)")
    };
    is_code.then(|| Secret::new(text)).ok_or_else(refusal)
}

fn links(value: &Value) -> Result<Vec<NamedShare>, Refusal> {
    let expected = "a list of links, each with an optional name behind it";
    let lines: Vec<&str> = match &value.kind {
        ValueKind::String(text) => text.lines().collect(),
        ValueKind::Array(items) => {
            items.iter().map(|item| text_of(item, expected)).collect::<Result<_, _>>()?
        }
        _ => return Err(Refusal::new(expected)),
    };
    parse_lines(lines.into_iter())
}

fn read_file(path: &Path) -> Result<Vec<NamedShare>, Refusal> {
    let text = fs::read_to_string(path).map_err(|error| {
        let found = format!("that {} cannot be read: {error}", path.display());
        Refusal::new("a readable file").found(found).remedy(read_remedy(error.kind()))
    })?;
    parse_lines(text.lines())
}

/// One link a line, with an optional name; empty lines and those that begin with `# ` are left out.
fn parse_lines<'t>(lines: impl Iterator<Item = &'t str>) -> Result<Vec<NamedShare>, Refusal> {
    let mut shares: Vec<NamedShare> = Vec::new();
    for (number, line) in (1..).zip(lines) {
        let line = line.trim_start_matches('\u{feff}').trim();
        if line.is_empty() || line == "#" || line.starts_with("# ") {
            continue;
        }
        let refusal = || hidden(format!("{EXPECTED}, in line {number}"));
        let (share, name) = ShareLink::find(line).ok_or_else(refusal)?;
        // Naming the same share twice would show it twice.
        if shares.iter().all(|other| other.link.code != share.code) {
            shares.push(NamedShare { link: share, name: Some(name).filter(|name| !name.is_empty()) });
        }
    }
    if shares.is_empty() { Err(Refusal::new("at least one link").found("none")) } else { Ok(shares) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_links_may_name_its_shares() {
        let text = "# my shares\n\nhttps://115cdn.com/s/swaaa111aaa?password=a1b2 电影\nswbbb222bbb-c3d4\n\
                    https://115.com/s/swaaa111aaa?password=a1b2";
        let shares = parse_lines(text.lines()).unwrap();
        let seen: Vec<_> = shares.iter().map(|share| (&*share.link.code, share.name.as_deref())).collect();
        assert_eq!(seen, [("swaaa111aaa", Some("电影")), ("swbbb222bbb", None)]);
        assert!(parse_lines("".lines()).is_err());
        let refusal = parse_lines("swbbb222bbb-c3d4\nnonsense a1b2".lines()).unwrap_err();
        assert!(refusal.expected.contains("line 2") && !refusal.found.unwrap().contains("a1b2"));
    }
}

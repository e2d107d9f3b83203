//! `users[].access`, `users[].home` and `[anonymous]`: who sees what of the tree.

use ::config::Value;

use super::describe::{Page, quoted};
use super::mounts::Mount;
use super::parse::{Refusal, choice, one_of, text_of};
use super::table::{Read, Table};
use super::users::User;

/// The name of each mode.
const MODES: [(&str, Mode); 3] = [("hide", Mode::Hide), ("read", Mode::Read), ("write", Mode::Write)];
/// Nobody changes anything without a name.
const ANONYMOUS_MODES: [(&str, Mode); 2] = [("hide", Mode::Hide), ("read", Mode::Read)];

/// What is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Nothing: it is not shown.
    Hide,
    /// See and read.
    Read,
    /// Change as well, once the gateway can.
    Write,
}

/// What is allowed at a path and below. Of several that cover a path the longest counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// A path of the whole tree, below [`Server::prefix`](super::Server::prefix): `/`, or `/films` without a final slash.
    pub path: String,
    /// What is allowed.
    pub mode: Mode,
}

/// What may be read without a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anonymous {
    /// At least one rule lets something be read.
    pub access: Vec<Access>,
}

impl Anonymous {
    /// Reads the table, if it is there; it needs users, since without them everyone may read everything.
    pub(super) fn read(root: &mut Table<'_>, has_users: bool) -> Read<Option<Self>> {
        let anonymous = root.optional_section("anonymous", |table| {
            let access = read_rules(table, &ANONYMOUS_MODES, "/")?;
            access.map(|access| Self { access }).ok_or_else(|| table.refuse("access", shows_nothing()))
        })?;
        if anonymous.is_some() && !has_users {
            let refusal = Refusal::new("[[users]] beside [anonymous]")
                .found("no users, so that everyone may read everything")
                .remedy("add a user, or leave [anonymous] out");
            return Err(root.refuse("anonymous", refusal));
        }
        Ok(anonymous)
    }

    pub(super) fn describe(&self, page: &mut Page) {
        page.table("[anonymous]");
        describe_rules(&self.access, page);
    }
}

/// Reads the home and the rules of a user; without rules the user may do everything.
pub(super) fn read_user(table: &mut Table<'_>) -> Read<(String, Option<Vec<Access>>)> {
    let home = table.optional("home", tree_path).map(|home| home.unwrap_or_else(|| "/".to_owned()));
    let access = read_rules(table, &MODES, home.as_deref().unwrap_or("/"));
    Ok((home?, access?))
}

/// Makes sure that every home and every rule lies in a mount or above one: elsewhere there is never anything,
/// so its path is a slip, and a slip in a rule that hides shows what should be hidden.
pub(super) fn check_mounted(
    root: &Table<'_>,
    mounts: &[Mount],
    users: &[User],
    anonymous: Option<&Anonymous>,
) -> Read<()> {
    let check = |key: String, path: &str| {
        let is_mounted = |mount: &Mount| covers(&mount.path, path) || covers(path, &mount.path);
        if mounts.iter().any(is_mounted) {
            return Ok(());
        }
        let paths: Vec<_> = mounts.iter().map(|mount| mount.path.as_str()).collect();
        let refusal = Refusal::new(format!("a path in a mount or above one; mounted is {}", one_of(&paths)));
        Err(root.refuse(&key, refusal.found(format!("{path:?}"))))
    };
    let check_rules = |key: &str, rules: &[Access]| {
        let mut rules = rules.iter().enumerate();
        rules.try_for_each(|(index, rule)| check(format!("{key}[{index}].path"), &rule.path))
    };
    for (index, user) in users.iter().enumerate() {
        check(format!("users[{index}].home"), &user.home)?;
        check_rules(&format!("users[{index}].access"), user.access.as_deref().unwrap_or_default())?;
    }
    check_rules("anonymous.access", anonymous.map_or(&[], |anonymous| &anonymous.access))
}

/// Writes `access`.
pub(super) fn describe_rules(rules: &[Access], page: &mut Page) {
    let name = |mode| MODES.iter().find(|(_, known)| *known == mode).map_or("", |(name, _)| name);
    let rule =
        |rule: &Access| format!("{{ path = {}, mode = {} }}", quoted(&rule.path), quoted(name(rule.mode)));
    page.plain("access", format_args!("[{}]", rules.iter().map(rule).collect::<Vec<_>>().join(", ")));
}

/// Reads `access`, if it is there, for someone whose `/` is `home`.
fn read_rules<const N: usize>(
    table: &mut Table<'_>,
    modes: &[(&str, Mode); N],
    home: &str,
) -> Read<Option<Vec<Access>>> {
    let is_given = table.optional("access", |_| Ok(()))?.is_some();
    let mut rules: Vec<Access> = Vec::new();
    let mut is_whole = true;
    for rule in table.list("access", |table| read_rule(table, modes, home))? {
        match rule {
            Ok(rule) if rules.iter().any(|other| other.path == rule.path) => {
                let refusal =
                    Refusal::new("one rule for each path").found(format!("two for {:?}", rule.path));
                return Err(table.refuse("access", refusal));
            }
            Ok(rule) => rules.push(rule),
            Err(_) => is_whole = false,
        }
    }
    if !is_given {
        return Ok(None);
    }
    // The longest rule above the home decides for it, and one below may still let something be read.
    let above = rules.iter().filter(|rule| covers(&rule.path, home)).max_by_key(|rule| rule.path.len());
    let below = rules.iter().filter(|rule| covers(home, &rule.path));
    if is_whole && above.into_iter().chain(below).all(|rule| rule.mode == Mode::Hide) {
        return Err(table.refuse("access", shows_nothing()));
    }
    Ok(Some(rules))
}

fn read_rule<const N: usize>(table: &mut Table<'_>, modes: &[(&str, Mode); N], home: &str) -> Read<Access> {
    let path = table.required("path", tree_path);
    let mode = table.required("mode", choice(*modes));
    let rule = Access { path: path?, mode: mode? };
    if !covers(home, &rule.path) && !covers(&rule.path, home) {
        let refusal = Refusal::new(format!("a path at, below or above the home, {home:?}"))
            .remedy("paths of rules begin at the top of the whole tree, not at the home");
        return Err(table.refuse("path", refusal));
    }
    Ok(rule)
}

fn shows_nothing() -> Refusal {
    Refusal::new("at least one rule that lets something be read")
        .found("none")
        .remedy(r#"what no rule covers is hidden; for all the rest add { path = "/", mode = "read" }"#)
}

/// Whether `inner` is `outer` or below it.
pub(super) fn covers(outer: &str, inner: &str) -> bool {
    outer == "/" || inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// An absolute path of the served tree, with names as they are shown: they may hold more than the path of a mount.
fn tree_path(value: &Value) -> Result<String, Refusal> {
    let expected = r#"a path such as "/" or "/films", with names as they are shown, without "..", backslashes and empty segments"#;
    let text = text_of(value, expected)?;
    let inner = text.strip_prefix('/').ok_or_else(|| Refusal::new(expected))?;
    let inner = inner.strip_suffix('/').unwrap_or(inner);
    let is_good = |segment: &str| {
        !matches!(segment, "" | "." | "..") && !segment.contains(|c: char| c == '\\' || c.is_ascii_control())
    };
    if text == "/" || inner.split('/').all(is_good) {
        Ok(format!("/{inner}"))
    } else {
        Err(Refusal::new(expected))
    }
}

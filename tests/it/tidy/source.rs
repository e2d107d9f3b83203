//! The files under test, and which of their code is test code.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::lex::{Kind, Token, lex};

/// A Rust file.
pub(super) struct Source {
    /// From the root of the repository, with slashes.
    pub(super) path: String,
    pub(super) text: String,
    /// Everything, comments included.
    pub(super) tokens: Vec<Token>,
    /// Neither comments nor what only tests are compiled with. Empty outside `src`, and for a module of tests.
    pub(super) code: Vec<Token>,
}

impl Source {
    pub(super) fn new(path: &str, text: &str) -> Self {
        let tokens = lex(text);
        let code = if path.starts_with("src/") { split_tests(&tokens).0 } else { Vec::new() };
        Self { path: path.to_owned(), text: text.to_owned(), tokens, code }
    }

    /// The tokens that are no comments, of tests as well.
    pub(super) fn uncommented(&self) -> Vec<Token> {
        uncommented(&self.tokens)
    }

    /// The path of the module in the crate: `["vfs", "path"]`, or nothing for `lib.rs`.
    pub(super) fn module(&self) -> Vec<String> {
        let inner = self.path.strip_prefix("src/").unwrap_or(&self.path);
        let stem = inner.strip_suffix(".rs").unwrap_or(inner);
        let mut module: Vec<String> = stem.split('/').map(str::to_owned).collect();
        if matches!(module.last().map(String::as_str), Some("mod" | "lib" | "main")) {
            module.pop();
        }
        module
    }

    /// The module directly below the crate that this file is of; `lib` and `main` for these two.
    pub(super) fn top(&self) -> String {
        let name = self.path.strip_prefix("src/").and_then(|inner| inner.split(['/', '.']).next());
        name.unwrap_or_default().to_owned()
    }
}

/// All Rust files of the repository, with `code` empty in the modules that only tests are compiled with.
pub(super) fn load(root: &Path) -> Vec<Source> {
    let mut sources = Vec::new();
    walk(root, &mut |path, bytes| {
        let rust = path.strip_suffix(".rs").is_some();
        let ours = ["src/", "tests/", "benches/"].iter().any(|folder| path.starts_with(folder));
        if rust && ours {
            sources.push(Source::new(path, &String::from_utf8_lossy(bytes)));
        }
    });
    forget_test_modules(&mut sources);
    sources
}

/// Calls `visit` with the path and the content of every file that belongs to the repository.
pub(super) fn walk(root: &Path, visit: &mut dyn FnMut(&str, &[u8])) {
    walk_below(root, "", visit);
}

fn walk_below(folder: &Path, prefix: &str, visit: &mut dyn FnMut(&str, &[u8])) {
    let names: BTreeSet<String> = match fs::read_dir(folder) {
        Ok(entries) => {
            entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
        }
        Err(error) => panic!("cannot list {}: {error}", folder.display()),
    };
    for name in names {
        let hidden = name.starts_with('.') && !matches!(name.as_str(), ".ci" | ".github" | ".cargo");
        if hidden || name == "target" {
            continue;
        }
        let (entry, path) = (folder.join(&name), format!("{prefix}{name}"));
        if entry.is_symlink() {
            continue;
        }
        if entry.is_dir() {
            walk_below(&entry, &format!("{path}/"), visit);
        } else if let Ok(bytes) = fs::read(&entry) {
            visit(&path, &bytes);
        }
    }
}

/// Empties the code of the files that a `#[cfg(test)] mod name;` takes in, and of those below them.
fn forget_test_modules(sources: &mut [Source]) {
    let mut modules = BTreeSet::new();
    for source in sources.iter().filter(|source| source.path.starts_with("src/")) {
        for name in split_tests(&source.tokens).1 {
            let mut module = source.module();
            module.push(name);
            modules.insert(module);
        }
    }
    for source in sources.iter_mut().filter(|source| source.path.starts_with("src/")) {
        let module = source.module();
        if (1..=module.len()).any(|length| modules.contains(&module[..length])) {
            source.code.clear();
        }
    }
}

fn uncommented(tokens: &[Token]) -> Vec<Token> {
    tokens.iter().filter(|token| !matches!(token.kind, Kind::Comment(_))).cloned().collect()
}

/// The code without what `cfg(test)` guards, and the names of the modules in other files that it guards.
fn split_tests(tokens: &[Token]) -> (Vec<Token>, Vec<String>) {
    let tokens = uncommented(tokens);
    let (mut code, mut modules) = (Vec::new(), Vec::new());
    let mut at = 0;
    while at < tokens.len() {
        match attribute(&tokens, at) {
            Some(end) if at == 0 && tokens[1].is_sign('!') && is_for_tests(&tokens[..end]) => {
                return (Vec::new(), modules);
            }
            Some(end) if !tokens[at + 1].is_sign('!') && is_for_tests(&tokens[at..end]) => {
                let start = item_start(&tokens, end);
                at = item_end(&tokens, start);
                let item = &tokens[start..at];
                let name = item.iter().skip_while(|token| !token.is_word("mod")).nth(1);
                if let (Some(name), true) =
                    (name, item.last().is_some_and(|token| token.is_sign(';')) && keyword(item) == "mod")
                {
                    modules.extend(name.word().map(str::to_owned));
                }
            }
            Some(end) => {
                code.extend_from_slice(&tokens[at..end]);
                at = end;
            }
            None => {
                code.push(tokens[at].clone());
                at += 1;
            }
        }
    }
    (code, modules)
}

/// The end of the attribute that begins at `at`, if one does.
pub(super) fn attribute(tokens: &[Token], at: usize) -> Option<usize> {
    if !tokens.get(at)?.is_sign('#') {
        return None;
    }
    let open = at + 1 + usize::from(tokens.get(at + 1)?.is_sign('!'));
    tokens.get(open)?.is_sign('[').then(|| group_end(tokens, open))
}

/// `cfg(test)`, or `cfg(all(…, test, …))`; what `any` or `not` are part of may be compiled without tests.
fn is_for_tests(attribute: &[Token]) -> bool {
    let words: Vec<&str> = attribute.iter().filter_map(Token::word).collect();
    let certain = !words.contains(&"any") && !words.contains(&"not");
    words.first() == Some(&"cfg") && words.contains(&"test") && certain
}

/// Behind further attributes.
fn item_start(tokens: &[Token], mut at: usize) -> usize {
    while let Some(end) = attribute(tokens, at) {
        at = end;
    }
    at
}

fn keyword(item: &[Token]) -> &str {
    let mut at = 0;
    if item.first().is_some_and(|token| token.is_word("pub")) {
        at = 1;
        if item.get(1).is_some_and(|token| token.is_sign('(')) {
            at = group_end(item, 1);
        }
    }
    item.get(at).and_then(Token::word).unwrap_or_default()
}

/// Behind the item, field, arm or statement that begins at `start`.
fn item_end(tokens: &[Token], start: usize) -> usize {
    let keyword = keyword(&tokens[start..]);
    let has_block = matches!(
        keyword,
        "fn" | "mod" | "struct" | "enum" | "union" | "impl" | "trait" | "async" | "unsafe" | "extern"
    ) || keyword == "macro_rules";
    let has_no_comma = has_block || matches!(keyword, "use" | "static" | "type" | "let" | "const");
    let constant_function = tokens[start..].iter().take(6).any(|token| token.is_word("fn"));
    let has_block = has_block || !has_no_comma || (keyword == "const" && constant_function);
    let mut at = start;
    while let Some(token) = tokens.get(at) {
        match token.kind {
            Kind::Sign('{') if has_block => {
                let end = group_end(tokens, at);
                let comma = !has_no_comma && tokens.get(end).is_some_and(|next| next.is_sign(','));
                return end + usize::from(comma);
            }
            Kind::Sign('(' | '[' | '{') => at = group_end(tokens, at),
            Kind::Sign(';') => return at + 1,
            Kind::Sign(',') if !has_no_comma => return at + 1,
            Kind::Sign(')' | ']' | '}') => return at,
            _ => at += 1,
        }
    }
    at
}

/// Behind the bracket that closes the one at `open`.
pub(super) fn group_end(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.kind {
            Kind::Sign('(' | '[' | '{') => depth += 1,
            Kind::Sign(')' | ']' | '}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    tokens.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words of the code that is left.
    #[track_caller]
    fn check(source: &str, words: &str, modules: &[&str]) {
        let (code, found) = split_tests(&lex(source));
        let left: Vec<&str> = code.iter().filter_map(Token::word).collect();
        assert_eq!(
            (left.join(" ").as_str(), found),
            (words, modules.iter().map(|&m| m.to_owned()).collect())
        );
    }

    #[test]
    fn what_only_tests_are_compiled_with_is_left_out() {
        check("a #[cfg(test)] mod tests { fn f() { \"}\" } } b", "a b", &[]);
        check(
            "a #[cfg(test)] pub(crate) mod tests; #[cfg(test)] #[path] mod more; b",
            "a b",
            &["tests", "more"],
        );
        check(
            "#[cfg(test)] use x::{y, z}; b #[cfg(all(unix, test))] fn f(a: [u8; 2]) -> u8 { 1 } c",
            "b c",
            &[],
        );
        check("#[cfg(test)] const A: [u8; 2] = [1; 2]; b #[cfg(test)] const fn f() {} c", "b c", &[]);
        check("struct S { #[cfg(test)] a: Vec<(u8, u8)>, b: u8 }", "struct S b u8", &[]);
        check("match x { #[cfg(test)] A => { y } B => z, #[cfg(test)] C => c }", "match x B z", &[]);
        check("//! Tests.\n#![cfg(test)] b", "", &[]);
    }

    #[test]
    fn what_may_be_compiled_without_tests_stays() {
        check("mod a { #![cfg(test)] } b", "mod a cfg test b", &[]);
        check("#[cfg(not(test))] a", "cfg not test a", &[]);
        check(
            "#[cfg(any(test, unix))] a; #[cfg_attr(test, b)] c",
            "cfg any test unix a cfg_attr test b c",
            &[],
        );
        check("mod tests { a } // #[cfg(test)]\n b \"#[cfg(test)]\" c", "mod tests a b c", &[]);
    }

    #[test]
    fn a_module_of_tests_takes_its_submodules_along() {
        let mut sources = [
            Source::new("src/config/mod.rs", "#[cfg(test)] mod tests; a"),
            Source::new("src/config/tests/mod.rs", "mod more; b"),
            Source::new("src/config/tests/more.rs", "c"),
            Source::new("src/config/testsuite.rs", "d"),
            Source::new("src/vfs/tests.rs", "e"),
        ];
        forget_test_modules(&mut sources);
        assert_eq!(sources.each_ref().map(|source| source.code.len()), [1, 0, 0, 1, 1]);
    }

    #[test]
    fn files_are_told_their_modules() {
        let of = |path: &str| (Source::new(path, "").top(), Source::new(path, "").module().join("::"));
        assert_eq!(of("src/vfs/mod.rs"), ("vfs".into(), "vfs".into()));
        assert_eq!(of("src/pan115/api/list/mod.rs"), ("pan115".into(), "pan115::api::list".into()));
        assert_eq!(of("src/app.rs"), ("app".into(), "app".into()));
        assert_eq!(of("src/main.rs"), ("main".into(), String::new()));
    }
}

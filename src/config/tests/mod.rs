//! Whole configurations: what they come to, and what is said of wrong ones.

mod example;
mod precedence;
mod refusals;
mod secrets;
mod unknown;

use std::path::PathBuf;

use tempfile::TempDir;

use super::{Config, Overrides, Sources};

/// One account, shown at the root.
const MINIMAL: &str = r#"
[[accounts]]
name = "main"
cookie = "UID=1; CID=2; SEID=3"

[[mounts]]
path = "/"
"#;

/// A folder with a `dav115.toml` and the sources that name it.
struct Given {
    folder: TempDir,
    sources: Sources,
}

impl Given {
    /// A folder whose `dav115.toml` is `text`.
    fn file(text: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("dav115.toml");
        std::fs::write(&path, text).unwrap();
        Self { folder, sources: Sources { file: Some(path), ..Sources::default() } }
    }

    /// The minimal file and `text` after it.
    fn minimal_and(text: &str) -> Self {
        Self::file(&format!("{MINIMAL}{text}"))
    }

    /// No file.
    fn nothing() -> Self {
        Self { folder: TempDir::new().unwrap(), sources: Sources::default() }
    }

    fn variable(mut self, name: &str, text: &str) -> Self {
        self.sources.environment.push((name.to_owned(), text.to_owned()));
        self
    }

    fn flags(mut self, overrides: Overrides) -> Self {
        self.sources.overrides = overrides;
        self
    }

    /// Puts a file beside `dav115.toml`.
    fn beside(self, name: &str, text: &str) -> Self {
        std::fs::write(self.path(name), text).unwrap();
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    #[track_caller]
    fn load(&self) -> Config {
        Config::load(&self.sources).unwrap_or_else(|errors| panic!("{errors}"))
    }

    /// The problems, without the path of the folder.
    #[track_caller]
    fn problems(&self) -> Vec<String> {
        let folder = format!("{}/", self.folder.path().display());
        let errors = Config::load(&self.sources).expect_err("the configuration should be refused");
        errors.0.iter().map(|problem| problem.to_string().replace(&folder, "")).collect()
    }

    /// Asserts that `expected` is all there is to say.
    #[track_caller]
    fn is_refused(&self, expected: &[&str]) {
        assert_eq!(self.problems(), expected);
    }
}

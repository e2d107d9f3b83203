//! Where settings come from, and how the later ones are laid over the earlier.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use ::config::{FileFormat, Format, Map, Source, Value};

use super::error::{ConfigError, ConfigErrors};
use super::secret::read_remedy;
use super::server::LogFormat;

const DEFAULTS: &str = include_str!("../../config/default.toml");
/// Names the file to read when no flag does.
const FILE_VARIABLE: &str = "DAV115_CONFIG";
/// Variables that begin with this are keys.
const KEY_PREFIX: &str = "DAV115__";
/// Where a file is looked for when nothing names one.
const USUAL_FILES: [&str; 2] = ["dav115.toml", "/config/dav115.toml"];
/// How the origin of a value given by the environment begins.
const VARIABLE_ORIGIN: &str = "environment variable ";
/// A larger index in a variable is a typing error, and would allocate that many entries.
const MAX_INDEX: usize = 999;

/// Everything a configuration is made of, apart from the embedded defaults.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The TOML file.
    pub file: Option<PathBuf>,
    /// Environment variables; those that do not begin with `DAV115__` are ignored.
    pub environment: Vec<(String, String)>,
    /// Flags of the command line.
    pub overrides: Overrides,
}

/// Settings given as flags.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `--listen`, for `server.listen`.
    pub listen: Option<SocketAddr>,
    /// `--log-format`, for `log.format`.
    pub log_format: Option<LogFormat>,
    /// `--log-level`, for `log.level`.
    pub log_level: Option<String>,
}

impl Sources {
    /// Gathers the environment of this process and looks for the file.
    ///
    /// The file is `file`, else the one `DAV115_CONFIG` names, else `./dav115.toml` or `/config/dav115.toml` if it exists.
    ///
    /// # Errors
    /// A variable that begins with `DAV115__` is not Unicode text.
    pub fn from_process(file: Option<PathBuf>, overrides: Overrides) -> Result<Self, ConfigErrors> {
        let named = || std::env::var_os(FILE_VARIABLE).filter(|name| !name.is_empty()).map(PathBuf::from);
        let file = file.or_else(named).or_else(usual_file);
        let environment = unicode_variables(std::env::vars_os())?;
        Ok(Self { file, environment, overrides })
    }

    /// What is named when a problem belongs to no single value.
    pub(super) fn fallback_origin(&self) -> String {
        match &self.file {
            Some(file) => file.display().to_string(),
            None => "the environment (there is no configuration file)".to_owned(),
        }
    }

    /// All values, the later sources laid over the earlier, each value with its origin.
    pub(super) fn merge(&self) -> Result<Map<String, Value>, ConfigErrors> {
        let mut layers = vec![parse("the built-in defaults", DEFAULTS)?];
        let mut problems = Vec::new();
        if let Some(file) = &self.file {
            match read(file) {
                Ok(layer) => layers.push(layer),
                Err(problem) => problems.push(problem),
            }
        }
        for (name, text) in self.variables() {
            match variable(name, text) {
                Ok(layer) => layers.push(layer),
                Err(problem) => problems.push(problem),
            }
        }
        layers.extend(self.overrides.layers());
        if !problems.is_empty() {
            return Err(ConfigErrors(problems));
        }
        let merged = ::config::Config::builder().add_source(layers).build();
        merged.and_then(|merged| merged.collect()).map_err(|error| {
            ConfigErrors::from(ConfigError {
                origin: self.fallback_origin(),
                key: None,
                expected: "values that can be laid over each other".to_owned(),
                found: error.to_string(),
                remedy: None,
            })
        })
    }

    /// The variables that are keys and not empty, by name, so that the order of the environment does not matter.
    fn variables(&self) -> BTreeMap<&str, &str> {
        let pairs = self.environment.iter().map(|(name, text)| (name.as_str(), text.as_str()));
        pairs.filter(|(name, text)| name.starts_with(KEY_PREFIX) && !text.is_empty()).collect()
    }
}

impl Overrides {
    fn layers(&self) -> Vec<Layer> {
        let flags = [
            ("--listen", "server.listen", self.listen.map(|address| address.to_string())),
            ("--log-format", "log.format", self.log_format.map(|format| format.as_str().to_owned())),
            ("--log-level", "log.level", self.log_level.clone()),
        ];
        let given = flags.into_iter().filter_map(|(flag, key, text)| Some((flag, key, text?)));
        given.map(|(flag, key, text)| Layer::single(&format!("flag {flag}"), key, text)).collect()
    }
}

/// The name a key has in the environment: `accounts[0].name` is `DAV115__ACCOUNTS__0__NAME`.
pub(super) fn variable_name(key: &str) -> String {
    let words: Vec<_> = key.split(['.', '[', ']']).filter(|word| !word.is_empty()).collect();
    format!("{KEY_PREFIX}{}", words.join("__").to_uppercase())
}

/// Whether a value of this origin was given by the environment.
pub(super) fn is_variable(origin: &str) -> bool {
    origin.starts_with(VARIABLE_ORIGIN)
}

/// Values of one origin, by key or path (`accounts[0].name`).
#[derive(Clone, Debug)]
struct Layer(Map<String, Value>);

impl Layer {
    fn single(origin: &str, key: &str, text: String) -> Self {
        Self(Map::from_iter([(key.to_owned(), Value::new(Some(&origin.to_owned()), text))]))
    }
}

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ::config::ConfigError> {
        Ok(self.0.clone())
    }
}

fn read(file: &Path) -> Result<Layer, ConfigError> {
    let origin = file.display().to_string();
    match fs::read_to_string(file) {
        Ok(text) => parse(&origin, &text),
        Err(error) => Err(ConfigError {
            origin,
            key: None,
            expected: "a readable configuration file".to_owned(),
            found: error.to_string(),
            remedy: Some(read_remedy(error.kind()).to_owned()),
        }),
    }
}

fn parse(origin: &str, text: &str) -> Result<Layer, ConfigError> {
    FileFormat::Toml.parse(Some(&origin.to_owned()), text).map(Layer).map_err(|error| ConfigError {
        origin: origin.to_owned(),
        key: None,
        expected: "TOML".to_owned(),
        found: without_excerpt(&error.to_string()),
        remedy: None,
    })
}

/// A syntax error without the lines it quotes, which may hold a secret.
fn without_excerpt(message: &str) -> String {
    let is_quoted = |line: &str| {
        line.trim_start().trim_start_matches(|c: char| c.is_ascii_digit()).trim_start().starts_with('|')
    };
    message.lines().filter(|line| !is_quoted(line)).collect::<Vec<_>>().join(": ")
}

/// The layer of `DAV115__ACCOUNTS__0__NAME=text`: `text` at `accounts[0].name`.
///
/// A name that makes no sense becomes a key nobody knows, and is refused as such.
fn variable(name: &str, text: &str) -> Result<Layer, ConfigError> {
    let origin = format!("{VARIABLE_ORIGIN}{name}");
    let mut path = String::new();
    for word in name.trim_start_matches(KEY_PREFIX).split("__") {
        let is_index = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
        if is_index && word.parse().map_or(true, |index: usize| index > MAX_INDEX) {
            return Err(ConfigError {
                origin,
                key: None,
                expected: format!("a number from 0 to {MAX_INDEX} for the place in the list"),
                found: word.to_owned(),
                remedy: Some("count entries from 0, without gaps".to_owned()),
            });
        }
        if is_index {
            path.extend(["[", word, "]"]);
        } else {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(&word.to_lowercase());
        }
    }
    Ok(Layer::single(&origin, &path, text.to_owned()))
}

fn usual_file() -> Option<PathBuf> {
    // A file that cannot be looked at counts as there: the start then says why it cannot be read.
    let is_there =
        |path: &&str| !matches!(fs::metadata(path), Err(error) if error.kind() == io::ErrorKind::NotFound);
    USUAL_FILES.iter().find(|path| is_there(path)).map(PathBuf::from)
}

fn unicode_variables(
    variables: impl Iterator<Item = (OsString, OsString)>,
) -> Result<Vec<(String, String)>, ConfigErrors> {
    let mut pairs = Vec::new();
    let mut problems = Vec::new();
    for (name, text) in variables {
        let Ok(name) = name.into_string() else { continue };
        if !name.starts_with(KEY_PREFIX) {
            continue;
        }
        match text.into_string() {
            Ok(text) => pairs.push((name, text)),
            Err(_) => problems.push(ConfigError {
                origin: format!("{VARIABLE_ORIGIN}{name}"),
                key: None,
                expected: "Unicode text".to_owned(),
                found: "other bytes".to_owned(),
                remedy: None,
            }),
        }
    }
    if problems.is_empty() { Ok(pairs) } else { Err(ConfigErrors(problems)) }
}

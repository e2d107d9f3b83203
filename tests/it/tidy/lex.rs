//! Rust source as a row of words, texts and signs: enough to see what a file mentions, without a parser.

/// What a token is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An identifier or a keyword; a raw identifier comes without its `r#`.
    Word(String),
    /// What stands between the quotes of a string literal of any sort, escapes as written.
    Text(String),
    /// A comment of any sort, with its slashes.
    Comment(String),
    /// `::`
    Sep,
    /// Any other sign.
    Sign(char),
    /// A number, a character or a lifetime.
    Other,
}

/// A token and where it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) line: usize,
    pub(super) kind: Kind,
}

impl Token {
    pub(super) fn word(&self) -> Option<&str> {
        match &self.kind {
            Kind::Word(word) => Some(word),
            _ => None,
        }
    }

    pub(super) fn is_word(&self, word: &str) -> bool {
        self.word() == Some(word)
    }

    pub(super) fn is_sign(&self, sign: char) -> bool {
        self.kind == Kind::Sign(sign)
    }
}

/// The tokens of `source`, comments among them.
pub(super) fn lex(source: &str) -> Vec<Token> {
    let mut lexer = Lexer { chars: source.chars().collect(), at: 0, line: 1 };
    let mut tokens = Vec::new();
    while let Some(next) = lexer.peek(0) {
        let line = lexer.line;
        if next.is_whitespace() {
            lexer.bump();
        } else {
            tokens.push(Token { line, kind: lexer.token(next) });
        }
    }
    tokens
}

struct Lexer {
    chars: Vec<char>,
    at: usize,
    line: usize,
}

impl Lexer {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn bump(&mut self) -> Option<char> {
        let next = self.peek(0)?;
        self.at += 1;
        self.line += usize::from(next == '\n');
        Some(next)
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> String {
        let start = self.at;
        while self.peek(0).is_some_and(&wanted) {
            self.bump();
        }
        self.since(start)
    }

    fn since(&self, start: usize) -> String {
        self.chars[start..self.at].iter().collect()
    }

    fn token(&mut self, next: char) -> Kind {
        match (next, self.peek(1)) {
            ('/', Some('/')) => Kind::Comment(self.take_while(|c| c != '\n')),
            ('/', Some('*')) => self.block_comment(),
            (':', Some(':')) => {
                self.at += 2;
                Kind::Sep
            }
            ('"', _) => self.text(),
            ('\'', _) => self.quote(),
            _ if next.is_ascii_digit() => {
                self.take_while(is_word_char);
                Kind::Other
            }
            _ if is_word_char(next) => self.word(),
            _ => {
                self.bump();
                Kind::Sign(next)
            }
        }
    }

    fn block_comment(&mut self) -> Kind {
        let start = self.at;
        let mut depth = 0;
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some('/'), Some('*')) => {
                    depth += 1;
                    self.at += 2;
                }
                (Some('*'), Some('/')) => {
                    depth -= 1;
                    self.at += 2;
                }
                (Some(_), _) => {
                    self.bump();
                }
                (None, _) => break,
            }
            if depth == 0 {
                break;
            }
        }
        Kind::Comment(self.since(start))
    }

    /// A word, or the literal that it is the prefix of: `b"…"`, `r#"…"#`, `cr"…"`.
    fn word(&mut self) -> Kind {
        let word = self.take_while(is_word_char);
        let raw = matches!(word.as_str(), "r" | "br" | "cr");
        if raw {
            let hashes = self.chars[self.at..].iter().take_while(|&&c| c == '#').count();
            if self.peek(hashes) == Some('"') {
                self.at += hashes;
                return self.raw_text(hashes);
            }
            if hashes == 1 && word == "r" && self.peek(1).is_some_and(is_word_char) {
                self.at += 1;
                return Kind::Word(self.take_while(is_word_char));
            }
        }
        match (word.as_str(), self.peek(0)) {
            ("b" | "c", Some('"')) => self.text(),
            ("b", Some('\'')) => self.quote(),
            _ => Kind::Word(word),
        }
    }

    fn text(&mut self) -> Kind {
        self.bump();
        let start = self.at;
        while let Some(next) = self.peek(0).filter(|&c| c != '"') {
            self.bump();
            if next == '\\' {
                self.bump();
            }
        }
        let text = self.since(start);
        self.bump();
        Kind::Text(text)
    }

    fn raw_text(&mut self, hashes: usize) -> Kind {
        self.bump();
        let start = self.at;
        let ends = |lexer: &Self| {
            lexer.peek(0) == Some('"') && (1..=hashes).all(|ahead| lexer.peek(ahead) == Some('#'))
        };
        while self.peek(0).is_some() && !ends(self) {
            self.bump();
        }
        let text = self.since(start);
        self.at = (self.at + 1 + hashes).min(self.chars.len());
        Kind::Text(text)
    }

    /// A character or a lifetime.
    fn quote(&mut self) -> Kind {
        self.bump();
        if self.peek(0) == Some('\\') {
            self.at += 2;
            self.take_while(|c| c != '\'');
            self.bump();
        } else if self.peek(1) == Some('\'') {
            self.bump();
            self.bump();
        } else {
            self.take_while(is_word_char);
        }
        Kind::Other
    }
}

pub(super) fn is_word_char(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words as they are, texts in quotes, comments in brackets, `~` for what is none of these.
    #[track_caller]
    fn check(source: &str, expected: &str) {
        let shown: Vec<String> = lex(source)
            .into_iter()
            .map(|token| match token.kind {
                Kind::Word(word) => word,
                Kind::Text(text) => format!("\"{text}\""),
                Kind::Comment(comment) => format!("[{comment}]"),
                Kind::Sep => "::".to_owned(),
                Kind::Sign(sign) => sign.to_string(),
                Kind::Other => "~".to_owned(),
            })
            .collect();
        assert_eq!(shown.join(" "), expected, "{source}");
    }

    #[test]
    fn comments_nest_and_do_not_begin_in_texts() {
        check("a // b \"c\nd", "a [// b \"c] d");
        check("a /* b /* c */ \" */ d", "a [/* b /* c */ \" */] d");
        check(r#""/* no" x "// no" y"#, r#""/* no" x "// no" y"#);
        check("//! crate::dav\n/// `http`\nx", "[//! crate::dav] [/// `http`] x");
        check("/* open", "[/* open]");
    }

    #[test]
    fn texts_end_where_they_end() {
        check(r#"x("a\"b", "\\") y"#, r#"x ( "a\"b" , "\\" ) y"#);
        check("r\"\\\" a r#\"b\"c\"# d br##\"\"#\"## e", "\"\\\" a \"b\"c\" d \"\"#\" e");
        check(r#"b"x" c"y" bb "z""#, r#""x" "y" bb "z""#);
        check("\"open", "\"open\"");
    }

    #[test]
    fn characters_are_told_from_lifetimes() {
        check("'\"' a '\\'' b '\\u{1f600}' c '\\\\' d", "~ a ~ b ~ c ~ d");
        check("&'a str, 'outer: loop {} b'\"' b'\\''", "& ~ str , ~ : loop { } ~ ~");
        check("'/' '/' x '啊' y", "~ ~ x ~ y");
    }

    #[test]
    fn words_numbers_and_paths_are_told_apart() {
        check("r#type::r x.y 0x1f 1..2 3.5e3f32", "type :: r x . y ~ ~ . . ~ ~ . ~");
        check("::config::File", ":: config :: File");
    }

    #[test]
    fn lines_are_counted_through_everything() {
        let lines: Vec<usize> =
            lex("a\n\"b\n\\\n\" c\n/*\n*/ d r\"\n\" e").iter().map(|token| token.line).collect();
        assert_eq!(lines, [1, 2, 4, 5, 6, 6, 7]);
    }
}

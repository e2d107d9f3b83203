//! The cookie of an account and what is known of its validity.

use std::path::PathBuf;
use std::time::SystemTime;

use parking_lot::Mutex;

use super::cookie::Cookie;
use crate::model::{Secret, SessionState};

/// Where the cookie comes from.
#[derive(Clone, Debug)]
pub enum Credential {
    /// The configuration holds it.
    Cookie(Secret),
    /// A file holds it; it is read again whenever it changes.
    CookieFile(PathBuf),
    /// Nobody signs in: no cookie is sent.
    Nobody,
}

/// A session: the cookie, and whether 115 took it last time.
///
/// While it is signed out no call is made; only another cookie changes that, or a word of the owner.
/// Signing in again by itself would make 115's block worse.
#[derive(Debug)]
pub(super) struct Session {
    credential: Credential,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// The name of the account.
    account: String,
    cookie: Option<Cookie>,
    /// Of the cookie file when it was read.
    stamp: Option<(SystemTime, u64)>,
    /// Why there is nothing to send, whatever 115 said of the cookie that was read before.
    /// Apart from `session`, so that a file put right again ends this, and only another cookie ends a refusal by 115.
    unusable: Option<String>,
    session: SessionState,
    last_error: Option<(SystemTime, String)>,
}

impl Session {
    /// A session of the account called `account`.
    pub(super) fn new(account: &str, credential: Credential) -> Self {
        let state = State {
            account: account.to_owned(),
            cookie: None,
            stamp: None,
            unusable: None,
            session: SessionState::Unknown,
            last_error: None,
        };
        let session = Self { credential, state: Mutex::new(state) };
        if let Credential::Cookie(text) = &session.credential {
            session.state.lock().accept(text.expose());
        }
        session
    }

    /// Whether nobody is to be signed in.
    pub(super) fn is_nobody(&self) -> bool {
        matches!(self.credential, Credential::Nobody)
    }

    /// The `Cookie` header for the next call, or why there is none; empty if none is to be sent.
    pub(super) async fn cookie(&self) -> Result<Secret, String> {
        if self.is_nobody() {
            return Ok(Secret::new(""));
        }
        if let Credential::CookieFile(path) = &self.credential {
            self.refresh(path).await;
        }
        let state = self.state.lock();
        match (state.seen(), &state.cookie) {
            (SessionState::SignedOut { reason }, _) => Err(reason),
            (_, Some(cookie)) => Ok(cookie.header().clone()),
            (_, None) => Err("the account has no cookie".to_owned()),
        }
    }

    /// The number of the user whose cookie there is to send, if there is one.
    pub(super) async fn user(&self) -> Option<String> {
        self.cookie().await.ok()?;
        self.state.lock().cookie.as_ref().map(|cookie| cookie.user().to_owned())
    }

    /// Reads the cookie file if it is not the one that was read last.
    async fn refresh(&self, path: &PathBuf) {
        let stamp = tokio::fs::metadata(path).await.and_then(|meta| Ok((meta.modified()?, meta.len())));
        let stamp = match stamp {
            Ok(stamp) => stamp,
            Err(error) => {
                let mut state = self.state.lock();
                // A file that is being replaced may be gone for a moment; the cookie in use stays good.
                if state.cookie.is_none() {
                    state.unusable = Some(format!("cannot read the cookie file {}: {error}", path.display()));
                }
                return;
            }
        };
        if self.state.lock().stamp == Some(stamp) {
            return;
        }
        let text = tokio::fs::read_to_string(path).await;
        let mut state = self.state.lock();
        match text {
            Ok(text) => {
                state.stamp = Some(stamp);
                state.accept(&text);
            }
            Err(error) => {
                // The old file may come back as it was, its date included.
                state.stamp = None;
                state.unusable = Some(format!("cannot read the cookie file {}: {error}", path.display()));
            }
        }
    }

    /// 115 took the cookie.
    pub(super) fn note_success(&self) {
        let mut state = self.state.lock();
        if !matches!(state.session, SessionState::SignedOut { .. }) {
            state.session = SessionState::SignedIn;
        }
    }

    /// 115 refused the cookie in `used`. A cookie that was replaced meanwhile is not blamed.
    pub(super) fn note_signed_out(&self, used: &Secret, reason: String) {
        let mut state = self.state.lock();
        if state.cookie.as_ref().is_some_and(|cookie| cookie.header() == used) {
            state.session = SessionState::SignedOut { reason };
        }
    }

    /// Doubts what 115 said of the cookie, so that it is asked again.
    pub(super) fn look_again(&self) {
        let mut state = self.state.lock();
        if matches!(state.session, SessionState::SignedOut { .. }) {
            state.session = SessionState::Unknown;
        }
    }

    /// The app slot of the cookie, if there is one.
    pub(super) fn app(&self) -> Option<String> {
        self.state.lock().cookie.as_ref().map(|cookie| cookie.app().to_owned())
    }

    /// 115 cannot be reached.
    pub(super) fn note_unreachable(&self, reason: String) {
        let mut state = self.state.lock();
        if !matches!(state.session, SessionState::SignedOut { .. }) {
            state.session = SessionState::Unreachable { reason };
        }
    }

    /// Keeps the last failure for the operator.
    pub(super) fn note_error(&self, error: String) {
        self.state.lock().last_error = Some((SystemTime::now(), error));
    }

    /// What is known.
    pub(super) fn health(&self) -> (SessionState, Option<(SystemTime, String)>) {
        let state = self.state.lock();
        (state.seen(), state.last_error.clone())
    }
}

impl State {
    fn accept(&mut self, text: &str) {
        match Cookie::parse(text) {
            Ok(cookie) => {
                self.unusable = None;
                if self.cookie.as_ref() != Some(&cookie) {
                    self.cookie = Some(cookie);
                    self.session = SessionState::Unknown;
                }
            }
            // The cookie before stays, so that it is known again should it come back.
            Err(error) => self.unusable = Some(error.to_string()),
        }
    }

    /// The session as others see it: without a cookie to send it is signed out.
    fn seen(&self) -> SessionState {
        match &self.unusable {
            Some(reason) => {
                let account = &self.account;
                let reason = format!("{reason}; or sign in by `dav115 login --account {account}`");
                SessionState::SignedOut { reason }
            }
            None => self.session.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "UID=1_R2_1; CID=c; SEID=s";

    #[tokio::test]
    async fn a_cookie_that_was_refused_is_not_used_again() {
        let session = Session::new("main", Credential::Cookie(Secret::new(GOOD)));
        let cookie = session.cookie().await.unwrap();
        session.note_signed_out(&Secret::new("UID=other"), "not this one".into());
        assert!(session.cookie().await.is_ok());
        session.note_signed_out(&cookie, "expired".into());
        session.note_success();
        assert_eq!(session.cookie().await, Err("expired".to_owned()));
    }

    #[tokio::test]
    async fn a_replaced_cookie_file_is_taken_up_without_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cookie.txt");
        let session = Session::new("main", Credential::CookieFile(path.clone()));
        let missing = session.cookie().await.unwrap_err();
        assert!(missing.contains("cannot read the cookie file") && missing.contains("cookie.txt"));

        std::fs::write(&path, "UID=1_R2_1; SEID=s").unwrap();
        assert!(session.cookie().await.unwrap_err().contains("no CID"));

        std::fs::write(&path, GOOD).unwrap();
        let cookie = session.cookie().await.unwrap();
        session.note_signed_out(&cookie, "expired".into());
        assert!(session.cookie().await.is_err());

        std::fs::write(&path, format!("{GOOD}; KID=new")).unwrap();
        assert!(session.cookie().await.unwrap().expose().ends_with("KID=new"));
        std::fs::remove_file(&path).unwrap();
        assert!(session.cookie().await.is_ok());
    }

    /// What cannot be read as text, and what can but is no cookie.
    const BAD: [&[u8]; 2] = [b"\xff\xfe\xff", b"nonsense"];

    #[tokio::test]
    async fn a_file_that_is_put_right_again_is_good_even_with_the_same_cookie() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cookie.txt");
        std::fs::write(&path, GOOD).unwrap();
        let good = std::fs::metadata(&path).unwrap().modified().unwrap();
        let session = Session::new("main", Credential::CookieFile(path.clone()));
        session.cookie().await.unwrap();
        session.note_success();
        for bad in BAD {
            std::fs::write(&path, bad).unwrap();
            assert!(session.cookie().await.is_err());
            assert!(matches!(session.health().0, SessionState::SignedOut { .. }));
            std::fs::write(&path, GOOD).unwrap();
            // As a copy that keeps the date leaves it.
            std::fs::File::options().write(true).open(&path).unwrap().set_modified(good).unwrap();
            assert!(session.cookie().await.is_ok());
            assert_eq!(session.health().0, SessionState::SignedIn);
        }
    }

    #[tokio::test]
    async fn a_file_that_was_bad_for_a_while_does_not_make_a_refused_cookie_good() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cookie.txt");
        std::fs::write(&path, GOOD).unwrap();
        let session = Session::new("main", Credential::CookieFile(path.clone()));
        let cookie = session.cookie().await.unwrap();
        session.note_signed_out(&cookie, "expired".into());
        for bad in BAD {
            std::fs::write(&path, bad).unwrap();
            assert_ne!(session.cookie().await.unwrap_err(), "expired");
            std::fs::write(&path, GOOD).unwrap();
            assert_eq!(session.cookie().await, Err("expired".to_owned()));
        }
        std::fs::write(&path, format!("{GOOD}; KID=new")).unwrap();
        assert!(session.cookie().await.is_ok());
    }
}

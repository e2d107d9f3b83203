//! The logins of one user: the cookies, and what becomes of them.
//!
//! Protocol notes, reading part, §1.1 (format), §1.5 (kicking) and §1.7 (what a dead cookie looks like).

use parking_lot::Mutex;

use crate::m115::random_hex;

/// The application code in the cookie: the mini-program login the notes recommend.
const APPLICATION: &str = "R2";

/// The cookie now valid, and its state.
#[derive(Debug)]
pub(crate) struct Account {
    user: u64,
    session: Mutex<Session>,
    /// Logins of other applications, which live next to it.
    others: Mutex<Vec<Session>>,
}

#[derive(Debug, Clone)]
struct Session {
    uid: String,
    cid: String,
    seid: String,
    kid: String,
    state: SessionState,
}

#[derive(Debug, Clone, Copy)]
enum SessionState {
    Live,
    Expired,
    KickedAt(u64),
}

/// Whether a call is logged in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Login {
    /// The cookie is good.
    In,
    /// `CID` is missing: listings come back empty with success, all else is refused.
    WithoutCid,
    /// The cookie is missing, wrong, expired or kicked.
    Out,
}

impl Session {
    fn fresh(user: u64, application: &str, now: u64) -> Self {
        Self {
            uid: format!("{user}_{application}_{now}"),
            cid: random_hex(16),
            seid: random_hex(60),
            kid: random_hex(16),
            state: SessionState::Live,
        }
    }

    fn judge(&self, header: &str, now: u64, lingering: u64) -> Login {
        let alive = match self.state {
            SessionState::Live => true,
            SessionState::Expired => false,
            SessionState::KickedAt(then) => now < then + lingering,
        };
        if !alive || cookie_value(header, "SEID") != Some(&self.seid) {
            return Login::Out;
        }
        match cookie_value(header, "CID") {
            Some(cid) if cid == self.cid => Login::In,
            Some(_) => Login::Out,
            None => Login::WithoutCid,
        }
    }

    fn kick(&mut self, now: u64) {
        if matches!(self.state, SessionState::Live) {
            self.state = SessionState::KickedAt(now);
        }
    }

    fn text(&self) -> String {
        format!("UID={}; CID={}; SEID={}; KID={}", self.uid, self.cid, self.seid, self.kid)
    }
}

impl Account {
    /// The account of a user, logged in at `now` (unix seconds).
    pub(crate) fn new(user: u64, now: u64) -> Self {
        let session = Mutex::new(Session::fresh(user, APPLICATION, now));
        Self { user, session, others: Mutex::default() }
    }

    /// The cookie, whatever its state.
    pub(crate) fn cookie(&self) -> String {
        self.session.lock().text()
    }

    /// Ends the cookie's life.
    pub(crate) fn expire(&self) {
        self.session.lock().state = SessionState::Expired;
    }

    /// Another login of the same application ends the cookie: at once on proapi, a while later elsewhere.
    pub(crate) fn kick(&self, now: u64) {
        self.session.lock().state = SessionState::KickedAt(now);
    }

    /// A new login; the old cookie is wrong from now on.
    pub(crate) fn renew(&self, now: u64) -> String {
        let mut session = self.session.lock();
        *session = Session::fresh(self.user, APPLICATION, now);
        session.text()
    }

    /// A login of another application: a cookie of its own, which ends no other.
    pub(crate) fn sign_in(&self, application: &str, now: u64) -> String {
        let session = Session::fresh(self.user, application, now);
        let cookie = session.text();
        self.others.lock().push(session);
        cookie
    }

    /// A login of whichever user: the older ones of the same user and application are kicked (§1.5).
    pub(crate) fn sign_in_anew(&self, user: u64, application: &str, now: u64) -> String {
        let session = Session::fresh(user, application, now);
        let slot = format!("{user}_{application}_");
        let mut others = self.others.lock();
        let mut main = self.session.lock();
        for older in others.iter_mut().chain([&mut *main]).filter(|older| older.uid.starts_with(&slot)) {
            older.kick(now);
        }
        let cookie = session.text();
        others.push(session);
        cookie
    }

    /// Judges the `Cookie` header of a call. `lingering` is how long this host still takes a kicked cookie.
    pub(crate) fn judge(&self, header: &str, now: u64, lingering: u64) -> Login {
        let mut sessions = self.others.lock().clone();
        sessions.push(self.session.lock().clone());
        let uid = cookie_value(header, "UID");
        // Two logins within a second have the same `UID`.
        let judgements = sessions.iter().filter(|session| uid == Some(&session.uid));
        let mut judgements = judgements.map(|session| session.judge(header, now, lingering));
        judgements.find(|login| *login != Login::Out).unwrap_or(Login::Out)
    }
}

/// The value of one cookie of a `Cookie` header.
pub(crate) fn cookie_value<'header>(header: &'header str, name: &str) -> Option<&'header str> {
    header.split(';').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        (key.trim().eq_ignore_ascii_case(name) && !value.trim().is_empty()).then(|| value.trim())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn without(cookie: &str, name: &str) -> String {
        cookie.split("; ").filter(|pair| !pair.starts_with(name)).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn every_part_of_the_cookie_matters_but_kid() {
        let account = Account::new(7, 100);
        let cookie = account.cookie();
        let judge = |header: &str| account.judge(header, 100, 0);
        assert_eq!(judge(&cookie), Login::In);
        assert_eq!(judge(&format!("other=1;{cookie};")), Login::In);
        assert_eq!(judge(&without(&cookie, "KID")), Login::In);
        assert_eq!(judge(&without(&cookie, "CID")), Login::WithoutCid);
        assert_eq!(judge(&without(&cookie, "SEID")), Login::Out);
        assert_eq!(judge(&without(&cookie, "UID")), Login::Out);
        assert_eq!(judge(""), Login::Out);
        assert_eq!(judge(&cookie.replace("CID=", "CID=0")), Login::Out);
    }

    #[test]
    fn dead_cookies_are_told_by_their_age() {
        let account = Account::new(7, 100);
        let old = account.cookie();
        account.kick(200);
        assert_eq!(account.judge(&old, 200, 0), Login::Out);
        assert_eq!(account.judge(&old, 259, 60), Login::In);
        assert_eq!(account.judge(&old, 260, 60), Login::Out);
        let new = account.renew(300);
        assert_eq!(account.judge(&new, 300, 0), Login::In);
        assert_eq!(account.judge(&old, 300, 60), Login::Out);
        account.expire();
        assert_eq!(account.judge(&new, 300, 60), Login::Out);
    }
}

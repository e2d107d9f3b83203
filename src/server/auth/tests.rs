//! Passwords, verdicts and the throttle, without a socket.

use argon2::password_hash::SaltString;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, Version};
use futures_util::future::join_all;

use super::password::Passwords;
use super::*;
use crate::model::Secret;

const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

/// A hash that is verified in no time.
fn cheap_hash(password: &str) -> Secret {
    let salt = SaltString::from_b64("c2FsdHNhbHQ").unwrap();
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(8, 1, 1, None).unwrap());
    Secret::new(argon2.hash_password(password.as_bytes(), &salt).unwrap().to_string())
}

fn authenticator() -> Arc<Authenticator> {
    let user = |name: &str, password| User {
        name: name.to_owned(),
        password_hash: cheap_hash(password),
        view: View::whole(),
    };
    let users = vec![user("anna", "geheim"), user("李", "密码:1")];
    Arc::new(Authenticator::new(users, None, TaskTracker::new()).unwrap())
}

fn shown(name: &str, password: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.typed_insert(Authorization::basic(name, password));
    headers
}

#[tokio::test]
async fn the_right_password_lets_in_and_nothing_else_does() {
    let gate = authenticator();
    for (name, password, expected) in [
        ("anna", "geheim", Ok("anna")),
        ("李", "密码:1", Ok("李")),
        ("anna", "Geheim", Err(Refusal::Wrong)),
        ("anna", "", Err(Refusal::Wrong)),
        ("Anna", "geheim", Err(Refusal::Wrong)),
        ("anna", "密码:1", Err(Refusal::Wrong)),
        ("", "geheim", Err(Refusal::Wrong)),
    ] {
        let outcome = gate.check(&shown(name, password), PEER).await;
        assert_eq!(
            outcome.as_ref().map(|user| &**user),
            expected.as_ref().map(|user| *user),
            "{name}:{password}"
        );
    }
    for header in ["Bearer abc", "Basic", "Basic !!!", "Basic YW5uYQ=="] {
        let headers = HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_static(header))]);
        assert_eq!(gate.check(&headers, PEER).await, Err(Refusal::Missing), "{header}");
    }
}

#[tokio::test]
async fn ten_thousand_requests_hash_once() {
    let gate = authenticator();
    for _ in 0..10_000 {
        assert!(gate.check(&shown("anna", "geheim"), PEER).await.is_ok());
    }
    assert_eq!(gate.passwords.hashed(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_requests_at_once_hash_once_and_count_no_failure() {
    let gate = authenticator();
    let headers = shown("anna", "geheim");
    let outcomes = join_all((0..50).map(|_| gate.check(&headers, PEER))).await;
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!(gate.passwords.hashed(), 1);
    assert_eq!(gate.throttle.pause(PEER), None);
}

#[tokio::test]
async fn an_unknown_name_is_hashed_like_a_known_one() {
    let gate = authenticator();
    let _ = gate.check(&shown("nobody", "x"), PEER).await;
    assert_eq!(gate.passwords.hashed(), 1);
}

#[tokio::test]
async fn guessing_is_paused_but_who_has_come_in_stays_in() {
    let gate = authenticator();
    assert!(gate.check(&shown("anna", "geheim"), PEER).await.is_ok());
    for attempt in 0..5 {
        let outcome = gate.check(&shown("anna", &format!("guess {attempt}")), PEER).await;
        assert_eq!(outcome, Err(Refusal::Wrong));
    }
    let hashed = gate.passwords.hashed();
    let outcome = gate.check(&shown("李", "密码:1"), PEER).await;
    assert!(matches!(outcome, Err(Refusal::Throttled(pause)) if pause <= Duration::from_secs(1)));
    assert_eq!(gate.passwords.hashed(), hashed);
    assert!(gate.check(&shown("anna", "geheim"), PEER).await.is_ok());
    let elsewhere = IpAddr::from([192, 0, 2, 2]);
    assert!(gate.check(&shown("李", "密码:1"), elsewhere).await.is_ok());
}

#[tokio::test]
async fn an_outdated_password_is_hashed_once_and_keeps_nobody_else_out() {
    let gate = authenticator();
    for _ in 0..100 {
        assert_eq!(gate.check(&shown("anna", "old"), PEER).await, Err(Refusal::Wrong));
    }
    assert_eq!(gate.passwords.hashed(), 1);
    assert!(gate.check(&shown("anna", "geheim"), PEER).await.is_ok());
}

#[tokio::test]
async fn guesses_sent_all_at_once_do_not_slip_through_together() {
    let gate = authenticator();
    let guesses: Vec<_> = (0..50).map(|attempt| shown("anna", &format!("guess {attempt}"))).collect();
    join_all(guesses.iter().map(|guess| gate.check(guess, PEER))).await;
    assert_eq!(gate.passwords.hashed(), 5);
}

#[tokio::test]
async fn who_hangs_up_before_the_password_is_checked_is_not_locked_out() {
    let gate = authenticator();
    let headers = shown("anna", "geheim");
    for _ in 0..20 {
        // Polled once, which is enough to begin, and dropped.
        let _ = tokio::time::timeout(Duration::ZERO, gate.check(&headers, PEER)).await;
    }
    assert!(gate.check(&headers, PEER).await.is_ok());
    assert_eq!(gate.passwords.hashed(), 1);
    assert!(gate.check(&shown("李", "密码:1"), PEER).await.is_ok());
    assert_eq!(gate.throttle.pause(PEER), None);
}

#[tokio::test]
async fn guesses_of_those_who_hang_up_count() {
    let gate = authenticator();
    for attempt in 0..50 {
        let headers = shown("anna", &format!("guess {attempt}"));
        let _ = tokio::time::timeout(Duration::ZERO, gate.check(&headers, PEER)).await;
    }
    gate.tracker.close();
    gate.tracker.wait().await;
    assert_eq!(gate.passwords.hashed(), 5);
    assert!(gate.throttle.pause(PEER).is_some());
}

#[tokio::test(start_paused = true)]
async fn pauses_grow_to_a_lockout_which_ends_and_which_a_right_password_ends_too() {
    let throttle = Throttle::default();
    for pause in [0, 0, 0, 0, 1, 2, 4, 8, 16] {
        throttle.count_failure(PEER);
        let pause = Duration::from_secs(pause);
        assert_eq!(throttle.pause(PEER).unwrap_or_default(), pause);
        tokio::time::advance(pause).await;
        assert_eq!(throttle.pause(PEER), None);
    }
    throttle.count_failure(PEER);
    assert_eq!(throttle.pause(PEER), Some(Duration::from_secs(300)));
    tokio::time::advance(Duration::from_secs(299)).await;
    assert_eq!(throttle.pause(PEER), Some(Duration::from_secs(1)));
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(throttle.pause(PEER), None);
    throttle.count_failure(PEER);
    assert_eq!(throttle.pause(PEER), None, "old failures are forgotten");
    for _ in 0..9 {
        throttle.count_failure(PEER);
    }
    throttle.forget(PEER);
    assert_eq!(throttle.pause(PEER), None);
}

#[tokio::test(start_paused = true)]
async fn the_throttle_is_bounded_and_takes_an_ipv6_network_for_one_peer() {
    let throttle = Throttle::default();
    for peer in 0..10_000u32 {
        throttle.count_failure(IpAddr::from(peer.to_be_bytes()));
    }
    for host in 0..10u16 {
        throttle.count_failure(IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, host]));
    }
    assert!(throttle.pause("2001:db8:0:1::ffff".parse().unwrap()).is_some());
    assert_eq!(throttle.pause("2001:db8:0:2::1".parse().unwrap()), None);
}

#[tokio::test(start_paused = true)]
async fn a_verdict_holds_for_a_while_and_guessing_does_not_push_out_the_right_ones() {
    let verdicts = Verdicts::new();
    let right = verdicts.key("anna", "geheim");
    verdicts.get_or_reach(right, || async { Ok::<_, ()>(Some("anna".into())) }).await.unwrap();
    for attempt in 0..3000 {
        let wrong = verdicts.key("anna", &format!("{attempt}"));
        verdicts.get_or_reach(wrong, || async { Ok::<_, ()>(None) }).await.unwrap();
    }
    let wrong = verdicts.key("anna", "2999");
    for _ in 0..3 {
        assert!(verdicts.known(&right).is_some());
        tokio::time::advance(Duration::from_secs(200)).await;
    }
    assert!(verdicts.known(&right).is_some() && verdicts.known(&wrong).is_none());
    tokio::time::advance(Duration::from_secs(300)).await;
    assert!(verdicts.known(&right).is_none());
    assert_ne!(verdicts.key("a", "bc"), verdicts.key("ab", "c"));
    assert_ne!(verdicts.key("a", "b"), Verdicts::new().key("a", "b"));
}

#[tokio::test]
async fn a_password_can_be_hashed_and_verified() {
    let password_hash = hash_password("geheim").unwrap();
    assert!(password_hash.starts_with("$argon2id$"));
    assert_ne!(password_hash, hash_password("geheim").unwrap());
    let users = vec![User {
        name: "anna".to_owned(),
        password_hash: Secret::new(password_hash),
        view: View::whole(),
    }];
    let passwords = Passwords::new(users, TaskTracker::new()).unwrap();
    assert_eq!(passwords.verify("anna", "geheim").await, Some(Some("anna".into())));
    assert_eq!(passwords.verify("anna", "other").await, Some(None));
}

#[test]
fn a_hash_that_can_never_be_verified_is_refused_with_the_name_of_its_user() {
    for hash in
        ["", "geheim", "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ", "$pbkdf2-sha256$i=1$c2FsdHNhbHQ$c2FsdHNhbHQ"]
    {
        let users =
            vec![User { name: "anna".to_owned(), password_hash: Secret::new(hash), view: View::whole() }];
        let Err(error) = Passwords::new(users, TaskTracker::new()) else { panic!("{hash} was accepted") };
        assert!(error.to_string().contains("anna"), "{error}");
    }
}

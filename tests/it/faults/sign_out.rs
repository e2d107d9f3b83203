//! Each way of losing the session, by each kind of request: what exactly a client, a monitor and a download proxy are told.

use std::time::SystemTime;

use dav115::config::{Config, Credential};
use dav115::model::Secret;
use serde_json::Value;
use sim115::{Fault, FaultRule};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::Way::{self, Head, Propfind, Proxy, Redirect};
use super::{run_each, sim, warm_up};
use crate::harness::{Answer, Gateway};

const TOKEN: &str = "shown by the download proxy";

/// How a session ends.
#[derive(Clone, Copy, Debug)]
enum End {
    /// By age.
    Expired,
    /// A cookie of an app whose logins 115 has closed.
    DeadSlot,
    /// By this code and these words of 115.
    Code(i64, &'static str),
}

/// What 115 says, and what to do about it. Links come from another host than listings, which says it in other words.
struct Row {
    end: End,
    of_listings: &'static str,
    of_links: &'static str,
    advice: &'static str,
}

const ROWS: [Row; 5] = [
    Row {
        end: End::Expired,
        of_listings: "登录超时，请重新登录。",
        of_links: "请重新登录",
        advice: "the cookie has expired; sign in again by `dav115 login --account main`",
    },
    Row {
        end: End::DeadSlot,
        of_listings: "登录超时，请重新登录。",
        of_links: "请重新登录",
        advice: "115 has closed the logins of its apps windows, mac and linux; sign in as another app \
                 by `dav115 login --account main`",
    },
    Row {
        end: End::Code(40_101_035, "您的账号在其他设备登录"),
        of_listings: "您的账号在其他设备登录",
        of_links: "您的账号在其他设备登录",
        advice: "another login took this cookie's place; sign in as an app you do not use elsewhere by \
                 `dav115 login --account main`",
    },
    Row {
        end: End::Code(40_101_037, "已退出登录"),
        of_listings: "已退出登录",
        of_links: "已退出登录",
        advice: "this session was ended from another device; sign in again by `dav115 login --account main`",
    },
    Row {
        end: End::Code(911, "请验证账号"),
        of_listings: "请验证账号",
        of_links: "请验证账号",
        advice: "115 wants the account verified; open 115 in a browser, solve its captcha, then send dav115 SIGHUP or \
                 restart it",
    },
];

/// A gateway with a download proxy, signed in and with nothing listed.
async fn gateway(end: End) -> Gateway {
    let sim = sim().await;
    let cookie = if matches!(end, End::DeadSlot) { sim.sign_in("P3") } else { sim.cookie() };
    Gateway::over(sim, |config: &mut Config| {
        config.accounts[0].credential = Credential::Cookie(Secret::new(cookie));
        config.download.proxy_url = Some("http://proxy.example".to_owned());
        config.download.proxy_token = Some(Secret::new(TOKEN));
    })
    .await
}

fn end_session(gateway: &Gateway, end: End) {
    match end {
        End::Expired => gateway.sim.expire_cookie(),
        End::DeadSlot => gateway.sim.fault(FaultRule::every("*", Fault::LoggedOut)),
        End::Code(errno, message) => {
            gateway.sim.fault(FaultRule::every("*", Fault::Json { errno, message: message.to_owned() }));
        }
    }
}

/// What `POST /api/fs/link` answers: the status of HTTP, and the JSON.
async fn ask_for_link(gateway: &Gateway) -> (u16, Value) {
    let body = r#"{"path":"/film.bin"}"#;
    let head = "POST /api/fs/link HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: ";
    let request = format!("{head}{TOKEN}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap())
}

/// What `/readyz` answers: the status of HTTP, and the account.
async fn readiness(gateway: &Gateway) -> (u16, Value) {
    let answer = gateway.get("/readyz", &[]).await;
    let mut report: Value = serde_json::from_str(answer.text()).unwrap();
    assert_eq!(report["ready"], false);
    (answer.status.as_u16(), report["accounts"][0].take())
}

#[track_caller]
fn assert_answer(way: Way, answer: &Answer, retry_after: std::ops::RangeInclusive<u64>, text: &str) {
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(retry_after.contains(&answer.retry_after().unwrap()), "{:?}", answer.retry_after());
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    // An answer to HEAD has no body.
    let expected = if way == Head { String::new() } else { format!("{text}\n") };
    assert_eq!(answer.text(), expected);
}

/// What a request that fails was about to do.
fn doing(way: Way, is_listed: bool) -> &'static str {
    match (way, is_listed) {
        (Propfind, _) => "cannot list /",
        (_, false) => "cannot look up /film.bin",
        (_, true) => "cannot read /film.bin",
    }
}

/// By one kind of request, with all listed before or with nothing, and then twice more.
async fn check_request(row: &'static Row, way: Way, is_listed: bool) {
    let gateway = gateway(row.end).await;
    if is_listed {
        warm_up(&gateway).await;
    }
    end_session(&gateway, row.end);
    let said = if is_listed { row.of_links } else { row.of_listings };
    let reason = format!("115 says “{said}”; {}", row.advice);
    let text = format!("{}: the account main is signed out: {reason}", doing(way, is_listed));
    for cost in [&[if is_listed { ("downurl", 1) } else { ("files", 1) }][..], &[], &[]] {
        assert_answer(way, &way.go(&gateway).await, 60..=60, &text);
        gateway.assert_calls(cost);
    }
    let (status, account) = readiness(&gateway).await;
    assert_eq!(status, 503);
    assert_eq!((&account["state"], &account["reason"]), (&"signed_out".into(), &reason.into()));
    gateway.assert_calls(&[]);
}

/// By the question of a download proxy, which looks at the JSON alone.
async fn check_link_api(row: &'static Row, is_listed: bool) {
    let gateway = gateway(row.end).await;
    if is_listed {
        warm_up(&gateway).await;
    }
    end_session(&gateway, row.end);
    let said = if is_listed { row.of_links } else { row.of_listings };
    let account = "the account main is signed out";
    let text = format!("cannot read /film.bin: {account}: 115 says “{said}”; {}", row.advice);
    let expected = serde_json::json!({ "code": 503, "message": text, "data": null });
    for cost in [&[if is_listed { ("downurl", 1) } else { ("files", 1) }][..], &[]] {
        assert_eq!(ask_for_link(&gateway).await, (200, expected.clone()));
        gateway.assert_calls(cost);
    }
}

#[tokio::test]
async fn every_end_of_a_session_is_told_to_every_request_with_what_to_do() {
    let mut rows = Vec::new();
    for row in &ROWS {
        for (way, is_listed) in [
            (Propfind, false),
            (Head, false),
            (Redirect, false),
            (Proxy, false),
            (Redirect, true),
            (Proxy, true),
        ] {
            rows.push((
                format!("{:?} by {way:?}, listed: {is_listed}", row.end),
                check_request(row, way, is_listed),
            ));
        }
    }
    run_each(rows).await;
    let proxies = ROWS.iter().flat_map(|row| [false, true].map(|is_listed| (row, is_listed)));
    let named = proxies.map(|(row, is_listed)| {
        (format!("{:?} by a download proxy, listed: {is_listed}", row.end), check_link_api(row, is_listed))
    });
    run_each(named.collect()).await;
}

/// 115 takes no sign-in from the address until midnight in China. The cookie may be good, so nobody is told to get another.
#[tokio::test]
async fn a_blocked_address_is_told_to_every_request_with_the_time_it_ends() {
    const SAID: &str =
        "115 takes no sign-in from this address before midnight in China, and says “IP登录异常”";
    let day = 24 * 3600;
    for (way, is_listed) in
        [(Propfind, false), (Head, false), (Redirect, false), (Proxy, false), (Redirect, true), (Proxy, true)]
    {
        let gateway = gateway(End::Expired).await;
        if is_listed {
            warm_up(&gateway).await;
        }
        end_session(&gateway, End::Code(40_101_004, "IP登录异常"));
        for cost in [&[if is_listed { ("downurl", 1) } else { ("files", 1) }][..], &[]] {
            let answer = way.go(&gateway).await;
            let text = answer.text().trim_end().to_owned();
            assert_answer(way, &answer, 1..=day + 1, &text);
            if way != Head {
                let opening = format!("{}: 115 is throttling the account main until ", doing(way, is_listed));
                let until = text.strip_prefix(&opening).unwrap_or_else(|| panic!("{text}"));
                let (until, rest) = until.split_once(", in ").unwrap();
                let (seconds, said) = rest.split_once("s: ").unwrap();
                assert_eq!(said, SAID);
                let until = humantime::parse_rfc3339(until).unwrap();
                let left = until.duration_since(SystemTime::now()).unwrap_or_default().as_secs();
                let seconds: u64 = seconds.parse().unwrap();
                assert!(left <= seconds + 2 && left + 10 >= seconds, "{text}");
            }
            gateway.assert_calls(cost);
        }
        let (status, account) = readiness(&gateway).await;
        assert_eq!((status, &account["state"], &account["reason"]), (503, &"blocked".into(), &SAID.into()));
        let (status, answer) = ask_for_link(&gateway).await;
        assert_eq!((status, &answer["code"], &answer["data"]), (200, &503.into(), &Value::Null));
        assert!(answer["message"].as_str().unwrap().ends_with(SAID), "{answer}");
        gateway.assert_calls(&[]);
    }
}

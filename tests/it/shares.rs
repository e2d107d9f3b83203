//! Shares as mounts: what clients see of them, in which way their files are had, and what each costs.

use dav115::config::{Access, Config, Mode, MountKind, NamedShare};
use dav115::model::{FileId, ShareLink};
use http::StatusCode;
use sim115::{BadShare, RefusedData, ShareSpec, ShareStateForm, Sim, Tree, content as content_of};

use crate::harness::{Answer, Gateway, simulator};

pub(crate) const CODE: &str = "sw3abc12xyz";
pub(crate) const LINK: &str = "https://115cdn.com/s/sw3abc12xyz?password=a1b2";

pub(crate) fn link(text: &str) -> ShareLink {
    ShareLink::find(text).unwrap().0
}

pub(crate) async fn sharing(tree: Tree) -> Sim {
    let sim = simulator(Tree::DemoSmall).await;
    sim.add_share(&ShareSpec::new(CODE, "a1b2", tree));
    sim
}

/// A gateway that shows the share alone, with an account to download by.
pub(crate) async fn over(sim: Sim, change: impl FnOnce(&mut Config)) -> Gateway {
    Gateway::over(sim, |config| {
        config.mounts[0].kind = MountKind::Share(link(LINK));
        change(config);
    })
    .await
}

pub(crate) async fn share(tree: Tree) -> Gateway {
    over(sharing(tree).await, |_| {}).await
}

fn without_account(config: &mut Config) {
    config.accounts.clear();
    config.mounts[0].account = None;
}

pub(crate) async fn list(gateway: &Gateway, path: &str) -> Answer {
    gateway.propfind(path, "1").await
}

/// The bytes of the file at `path` of the simulated share.
pub(crate) fn content(gateway: &Gateway, path: &str) -> Vec<u8> {
    gateway.sim.share(CODE, |share| {
        let names: Vec<_> = path.split('/').filter(|name| !name.is_empty()).collect();
        let id = share.tree.find(&names).unwrap();
        let content = content_of(share.tree.node(id).unwrap());
        content.read(0..content.size()).to_vec()
    })
}

// === Listings ===

#[tokio::test]
async fn a_count_that_is_too_high_ends_with_the_empty_page_and_one_that_hides_a_failure_is_an_error() {
    let gateway = share(Tree::Flat(20)).await;
    gateway.sim.behave(|behaviours| behaviours.count_lie = 1);
    let listing = list(&gateway, "/flat").await;
    assert_eq!(listing.text().matches("<D:response>").count(), 21);
    let gateway = share(Tree::Flat(20)).await;
    gateway.sim.behave(|behaviours| behaviours.count_lie = 5000);
    assert_eq!(list(&gateway, "/flat").await.status, StatusCode::BAD_GATEWAY);
}

#[tokio::test]
async fn the_state_may_come_in_any_form() {
    for form in
        [ShareStateForm::Number, ShareStateForm::Text, ShareStateForm::InfoOnly, ShareStateForm::Absent]
    {
        for jitter in [false, true] {
            let gateway = share(Tree::Demo).await;
            gateway.sim.behave(|behaviours| {
                behaviours.share_state_form = form;
                behaviours.type_jitter = jitter;
            });
            assert_eq!(list(&gateway, "/").await.status, StatusCode::MULTI_STATUS, "{form:?}");
            assert_eq!(list(&gateway, "/deep").await.status, StatusCode::MULTI_STATUS, "{form:?}");
        }
    }
}

#[tokio::test]
async fn a_folder_inside_a_share_can_be_shown_and_one_that_is_gone_is_not_the_top() {
    let sim = sharing(Tree::Demo).await;
    let deep = sim.share(CODE, |share| share.tree.find(&["deep"]).unwrap());
    let gateway = over(sim, |config| config.mounts[0].root = FileId(deep)).await;
    assert!(list(&gateway, "/").await.text().contains("level%201"));
    gateway.assert_calls(&[("share_snap", 1)]);
    for lists_root in [true, false] {
        let gateway = over(sharing(Tree::Demo).await, |config| config.mounts[0].root = FileId(77)).await;
        gateway.sim.behave(|behaviours| behaviours.share_unknown_cid_lists_root = lists_root);
        let answer = list(&gateway, "/").await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(answer.text().contains("root_id"), "{}", answer.text());
    }
}

#[tokio::test]
async fn listings_of_a_share_come_from_its_page_and_nothing_else_does() {
    let sim = sharing(Tree::Demo).await;
    sim.behave(|behaviours| behaviours.share_referred.insert("share_snap".to_owned()));
    let gateway = over(sim, |_| {}).await;
    assert_eq!(list(&gateway, "/deep").await.status, StatusCode::MULTI_STATUS);
    assert_eq!(gateway.get("/hello.txt", &[]).await.status, StatusCode::OK);
    for call in gateway.sim.ledger() {
        let is_listing = call.endpoint == "share_snap";
        let expected = if is_listing { "https://115cdn.com/s/sw3abc12xyz?password=a1b2&" } else { "" };
        assert_eq!(call.referer, expected, "{}", call.endpoint);
    }
}

// === Shares that cannot be used ===

#[tokio::test]
async fn every_bad_state_is_told_in_words_and_is_never_an_empty_folder() {
    let dead =
        [(2, "rejected"), (3, "rejected"), (4, "cancelled"), (5, "deleted"), (6, "rejected"), (7, "expired")];
    let dead = dead.into_iter().chain([(9, "could not be generated"), (11, "rejected")]);
    let waiting = [(0, "audited"), (8, "generated")];
    let all = dead.map(|pair| (pair, 410)).chain(waiting.map(|pair| (pair, 503)));
    for ((state, words), status) in all {
        for form in [ShareStateForm::Number, ShareStateForm::Text, ShareStateForm::InfoOnly] {
            let gateway = share(Tree::Demo).await;
            gateway.sim.share(CODE, |share| share.state = state);
            gateway.sim.behave(|behaviours| behaviours.share_state_form = form);
            let answer = list(&gateway, "/").await;
            assert_eq!(answer.status, status, "{state}: {}", answer.text());
            assert!(answer.text().contains(words) && answer.text().contains(CODE), "{}", answer.text());
            assert!(!answer.text().contains("a1b2"), "{}", answer.text());
            assert_eq!(answer.retry_after().is_some(), status == 503);
            gateway.assert_calls(&[("share_snap", 1)]);
            let ready = gateway.get("/readyz", &[]).await;
            assert_eq!(ready.status, StatusCode::OK);
            assert!(ready.text().contains(words), "{}", ready.text());
        }
    }
}

#[tokio::test]
async fn a_bad_share_whose_state_is_not_told_is_no_empty_folder_either() {
    let gateway = share(Tree::Demo).await;
    gateway.sim.share(CODE, |share| share.state = 7);
    gateway.sim.behave(|behaviours| behaviours.share_state_form = ShareStateForm::Absent);
    assert_eq!(list(&gateway, "/").await.status, StatusCode::BAD_GATEWAY);
}

#[tokio::test]
async fn every_refusal_is_told_in_words() {
    for (code, status, words) in [
        (4_100_000, 410, "was closed"),
        (4_100_008, 403, "receive code"),
        (4_100_009, 410, "no longer valid"),
        (4_100_010, 410, "cancelled"),
        (4_100_012, 403, "wants a receive code"),
        (4_100_018, 410, "no longer valid"),
        (4_100_026, 410, "does not exist"),
        (4_100_033, 410, "violating"),
        (990_002, 403, "share code"),
    ] {
        for data in [RefusedData::List, RefusedData::Object, RefusedData::Absent] {
            let gateway = share(Tree::Demo).await;
            gateway.sim.share(CODE, |share| share.refusal = Some(code));
            gateway.sim.behave(|behaviours| behaviours.share_refused_data = data);
            let answer = list(&gateway, "/").await;
            assert_eq!(answer.status, status, "{code}: {}", answer.text());
            assert!(answer.text().contains(words) && answer.text().contains(CODE), "{}", answer.text());
            gateway.assert_calls(&[("share_snap", 1)]);
        }
    }
}

#[tokio::test]
async fn a_share_that_expires_while_it_is_shown_says_so_for_its_files() {
    let gateway = share(Tree::Demo).await;
    list(&gateway, "/").await;
    gateway.sim.share(CODE, |share| share.state = 7);
    gateway.sim.behave(|behaviours| behaviours.share_bad_state = BadShare::Refused);
    gateway.take_calls();
    let answer = gateway.get("/hello.txt", &[]).await;
    assert_eq!(answer.status, StatusCode::GONE, "{}", answer.text());
    gateway.assert_calls(&[("share_downurl_windows", 1)]);
}

#[tokio::test]
async fn a_block_of_the_address_stops_share_calls_and_leaves_the_account_alone() {
    let gateway = Gateway::over(sharing(Tree::Demo).await, |config| {
        config.mounts[0].path = "/own".to_owned();
        let mut shared = config.mounts[0].clone();
        shared.path = "/shared".to_owned();
        shared.kind = MountKind::Share(link(LINK));
        config.mounts.push(shared);
    })
    .await;
    gateway.sim.behave(|behaviours| behaviours.share_waf_calls = 1);
    list(&gateway, "/shared").await;
    let answer = list(&gateway, "/shared/deep").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.retry_after().is_some_and(|seconds| seconds > 300));
    gateway.take_calls();
    assert_eq!(list(&gateway, "/shared/deep").await.status, StatusCode::SERVICE_UNAVAILABLE);
    gateway.assert_calls(&[]);
    assert_eq!(list(&gateway, "/own").await.status, StatusCode::MULTI_STATUS);
}

#[tokio::test]
async fn nothing_can_be_written_to_a_share() {
    let gateway = share(Tree::Demo).await;
    for method in ["PUT", "DELETE", "MKCOL", "MOVE", "COPY"] {
        let path = if method == "MKCOL" { "/new" } else { "/hello.txt" };
        let elsewhere = [("destination", gateway.url("/new.txt"))];
        let headers = elsewhere.each_ref().map(|(name, value)| (*name, value.as_str()));
        let answer = gateway.send(method.parse().unwrap(), path, &headers, "").await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{method}");
        assert!(answer.text().contains("share"), "{method}: {}", answer.text());
    }
    gateway.assert_calls(&[]);
    assert_eq!(gateway.get("/hello.txt", &[]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_write_to_what_is_hidden_is_answered_as_one_to_what_is_not_there() {
    for (hidden, hidden_path, other_path, status) in [
        ("/shared", "/shared/hello.txt", "/nothing", 403),
        ("/shared/deep", "/shared/deep/x", "/shared/nothing", 403),
    ] {
        let gateway = over(sharing(Tree::Demo).await, |config| {
            let access = |path: &str, mode| Access { path: path.to_owned(), mode };
            "/shared".clone_into(&mut config.mounts[0].path);
            config.users[0].access = Some(vec![access("/", Mode::Read), access(hidden, Mode::Hide)]);
        })
        .await;
        for path in [hidden_path, other_path] {
            let answer = gateway.send(http::Method::PUT, path, &[], "x").await;
            assert_eq!(answer.status, status, "{path} with {hidden} hidden");
        }
    }
}

// === Content ===

#[tokio::test]
async fn without_an_account_files_come_where_the_sharer_allows_it_and_else_it_is_said_why_not() {
    let gateway = over(sharing(Tree::Demo).await, without_account).await;
    let answer = gateway.get("/hello.txt", &[]).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.text().contains("name an account"), "{}", answer.text());
    gateway.assert_calls(&[("share_snap", 1), ("share_skip_login_downurl", 1)]);
    assert_eq!(gateway.get("/hello.txt", &[]).await.status, StatusCode::FORBIDDEN);
    gateway.assert_calls(&[]);

    let gateway = over(sharing(Tree::Demo).await, without_account).await;
    gateway.sim.share(CODE, |share| share.skip_login = true);
    let bytes = content(&gateway, "/hello.txt");
    assert_eq!(gateway.get("/hello.txt", &[]).await.body, bytes);
    gateway.assert_calls(&[("share_snap", 1), ("share_skip_login_downurl", 1), ("download server", 1)]);
    assert_eq!(gateway.get("/readyz", &[]).await.status, StatusCode::OK);
}

// === Several shares ===

#[tokio::test]
async fn several_shares_are_folders_and_a_dead_one_is_no_matter_of_the_others() {
    let sim = sharing(Tree::Demo).await;
    sim.share(CODE, |share| "Films".clone_into(&mut share.title));
    for (code, state) in [("swbbb222bbb", 1), ("swccc333ccc", 7), ("swddd444ddd", 1)] {
        sim.add_share(&ShareSpec::new(code, "a1b2", Tree::DemoSmall).in_state(state));
        sim.share(code, |share| "Films".clone_into(&mut share.title));
    }
    let named = |code: &str, name: Option<&str>| NamedShare {
        link: link(&format!("{code}-a1b2")),
        name: name.map(str::to_owned),
    };
    let gateway = Gateway::over(sim, |config| {
        config.mounts[0].kind = MountKind::Shares(vec![
            named(CODE, None),
            named("swbbb222bbb", None),
            named("swccc333ccc", None),
            named("swddd444ddd", Some("名字")),
        ]);
    })
    .await;
    let top = list(&gateway, "/").await;
    for path in ["/Films/", "/Films%20%5bswbbb222bbb%5d/", "/swccc333ccc/", "/%E5%90%8D%E5%AD%97/"] {
        let shown = top.text().to_lowercase().contains(&format!("<d:href>{}</d:href>", path.to_lowercase()));
        assert!(shown, "{path}: {}", top.text());
    }
    // One call for each title that is not known, once.
    gateway.assert_calls(&[("share_snap", 3)]);
    let dead = list(&gateway, "/swccc333ccc").await;
    assert_eq!(dead.status, StatusCode::GONE);
    assert!(dead.text().contains("expired"), "{}", dead.text());
    gateway.assert_calls(&[("share_snap", 1)]);
    assert_eq!(list(&gateway, "/Films/deep/level%201").await.status, StatusCode::MULTI_STATUS);
    gateway.assert_calls(&[("share_snap", 3)]);
    let bytes = content(&gateway, "/hello.txt");
    assert_eq!(gateway.get("/Films/hello.txt", &[]).await.body, bytes);
    assert!(gateway.get("/readyz", &[]).await.text().contains("expired"));
}

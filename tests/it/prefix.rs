//! A gateway below a path that has to be escaped in every `href`.

use http::StatusCode;
use sim115::Tree;

use crate::harness::{Gateway, STAYING_AGENT};
use crate::multistatus::resources;

const ESCAPED: &str = "/%E6%88%91%E7%9A%84%20%E7%9B%98";

#[tokio::test]
async fn a_prefix_that_needs_escaping_is_escaped_everywhere() {
    let gateway = Gateway::with(Tree::Grid { folders: 2, files: 1 }, |config| {
        "/我的 盘".clone_into(&mut config.server.prefix);
    })
    .await;
    let mut files = 0;
    let top = gateway.propfind(&format!("{ESCAPED}/"), "1").await;
    assert_eq!(top.status, StatusCode::MULTI_STATUS);
    for folder in resources(top.text()) {
        assert!(folder.href.is_ascii() && folder.href.starts_with(ESCAPED), "{}", folder.href);
        let inside = gateway.propfind(&folder.href, "1").await;
        assert_eq!(inside.status, StatusCode::MULTI_STATUS, "{}", folder.href);
        for file in resources(inside.text()).iter().filter(|resource| !resource.is_folder) {
            let content = gateway.get(&file.href, &[("user-agent", STAYING_AGENT)]).await;
            assert_eq!((content.status, Some(content.body.len() as u64)), (StatusCode::OK, file.size));
            files += 1;
        }
    }
    assert_eq!(files, 2);
    let index = gateway.get(&format!("{ESCAPED}/"), &[("accept", "text/html")]).await;
    assert!(index.text().contains(&format!("href=\"{ESCAPED}/folder-0000/\"")), "{}", index.text());
    let address = gateway.get("/", &[]).await;
    assert_eq!(address.header("location"), Some(format!("{ESCAPED}/").as_str()));
}

//! Names as Windows is shown them, there and back.

use futures_util::TryStreamExt as _;

use super::tests::prop;
use crate::dav::tests::Fixture;
use crate::model::{FileId, LinkBinding};
use crate::vfs::{ReadIntent, ReadPlan, VPath, View};

#[tokio::test]
async fn names_windows_forbids_are_folded_for_it_alone() {
    let mut fixture = Fixture::at("/");
    let parent = fixture.drive.add_folder(FileId::ROOT, "what?");
    fixture.drive.add_file(parent, "a: b.", "", None);
    let names = prop("<D:displayname/>");
    let plain = fixture.propfind("/what?", "1", names.clone()).await;
    assert!(
        plain.contains("<D:href>/what%3F/a%3A%20b.</D:href>") && plain.contains(">a: b.</D:displayname>"),
        "{plain}"
    );
    fixture.traits.windows_names = true;
    let folded = fixture.propfind("/what？", "1", names).await;
    let href = "<D:href>/what%EF%BC%9F/a%EF%BC%9A%20b%EF%BC%8E</D:href>";
    assert!(folded.contains(href) && folded.contains(">a： b．</D:displayname>"), "{folded}");
    assert!(
        folded.contains("<D:href>/what%EF%BC%9F/</D:href>") && folded.contains(">what？</D:displayname>"),
        "{folded}"
    );
}

/// Lists `path` for Windows and reads every file through the href it is shown under; goes down into every folder.
/// Returns how many files there were.
async fn read_all_as_windows(fixture: &Fixture, path: &str) -> usize {
    let xml = fixture.propfind(path, "1", prop("<D:getcontentlength/>")).await;
    let mut files = 0;
    for response in xml.split("<D:response>").skip(2) {
        let text = |from: &str, to: &str| Some(response.split_once(from)?.1.split_once(to)?.0);
        let href = text("<D:href>", "</D:href>").unwrap();
        let child = VPath::from_uri(href).unwrap();
        let Some(length) = text("<D:getcontentlength>", "</D:getcontentlength>") else {
            files += Box::pin(read_all_as_windows(fixture, child.as_str())).await;
            continue;
        };
        let alone = fixture.propfind(child.as_str(), "0", prop("<D:getcontentlength/>")).await;
        assert!(alone.contains(response.trim_end_matches("</D:multistatus>")), "{alone}");
        let intent = ReadIntent { agent: LinkBinding::Unbound, follows_redirect: false };
        let at = View::whole().at(child.clone());
        let found = fixture.vfs.stat(&fixture.meter, &at).await.unwrap();
        let plan = fixture.vfs.read_plan(&fixture.meter, &at, found, &intent).await;
        let Ok(ReadPlan::Proxy(source)) = plan else { panic!("{child} cannot be read") };
        let range = 0..length.parse().unwrap();
        let content = fixture.vfs.open(&fixture.meter, source, range).await.unwrap();
        let bytes = content.stream.try_collect::<Vec<_>>().await.unwrap().concat();
        assert_eq!(bytes.len().to_string(), length, "{child}");
        files += 1;
    }
    files
}

#[tokio::test]
async fn windows_finds_everything_it_is_shown_whatever_twins_the_names_hold() {
    let mut fixture = Fixture::at("/");
    fixture.traits.windows_names = true;
    let names = [
        "Re： 从零开始?.txt",
        "a:b.txt",
        "a：b.txt",
        "a：b.txt",
        "cafe\u{301}：",
        "caf\u{e9}:",
        "e\u{301}\u{e9}?",
        "blank ",
    ];
    let chapter = fixture.drive.add_folder(FileId::ROOT, "第一章：开始.");
    for folder in [FileId::ROOT, chapter] {
        for (index, name) in names.into_iter().enumerate() {
            // Its length tells each from the others.
            fixture.drive.add_file(folder, name, vec![b'x'; index + 1], None);
        }
    }
    assert_eq!(read_all_as_windows(&fixture, "/").await, 2 * names.len());
    let xml = fixture.propfind("/", "1", prop("<D:displayname/>")).await;
    for shown in ["第一章：开始．", "Re： 从零开始？.txt", "a：b.txt", "a：b [3].txt", "a：b [5].txt"]
    {
        assert!(xml.contains(&format!("<D:displayname>{shown}</D:displayname>")), "{shown} in {xml}");
    }
}

//! One page of a listing, in all the types 115 sends.

use super::*;
use crate::model::Kind;

fn page(items: &str) -> Result<Page, Pan115Error> {
    let body = format!(
        r#"{{"data":[{items}],"count":"2","cid":0,"offset":"0","limit":1150,"order":"user_ptime","is_asc":"1","state":true}}"#
    );
    serde_json::from_str::<PageWire<'_>>(&body).unwrap().into_page()
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// The example of the protocol notes, reading part, §3.3.
const FOLDER: &str = r#"{"cid":"2580033742990999100","aid":"1","pid":"0","n":"Movies","m":0,"cc":"","sh":"0","pc":"fa8pzh2k5mb0a84gqn","t":"1718900000","te":"1718900000","tu":"1718900000","tp":"1700000000","to":"1763000000","e":"","p":0,"ns":"Movies","u":"","fc":0,"hdf":0,"fl":[]}"#;
const FILE: &str = r#"{"fid":"2580033742990999218","uid":123456789,"aid":1,"cid":"0","n":"a film.mkv","s":1073741824,"sta":1,"pt":"0","pc":"a82z4bk5m30arhgqn","p":0,"m":0,"t":"2024-06-20 15:32","te":"1718868720","tp":"1718868700","tu":"1718868720","to":0,"d":1,"c":0,"sh":0,"e":"","ico":"mkv","class":"","sha":"DA39A3EE5E6B4B0D3255BFEF95601890AFD80709","q":0,"fl":[],"play_long":5400.5}"#;

#[test]
fn files_and_folders_are_read() {
    let page = page(&format!("{FOLDER},{FILE}")).unwrap();
    let [folder, file] = &page.nodes[..] else { panic!("{page:?}") };
    assert_eq!(
        (folder.id, folder.kind, &*folder.name),
        (FileId(2_580_033_742_990_999_100), Kind::Folder, "Movies")
    );
    assert_eq!(
        (seconds(folder.modified), seconds(folder.created), folder.size),
        (1_718_900_000, 1_700_000_000, 0)
    );
    assert_eq!((file.id, file.kind, file.size), (FileId(2_580_033_742_990_999_218), Kind::File, 1 << 30));
    assert_eq!(file.sha1.unwrap().to_string(), "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709");
    assert_eq!((file.pick_code.as_str(), seconds(file.modified)), ("a82z4bk5m30arhgqn", 1_718_868_720));
    assert_eq!((page.count, page.offset, page.order), (2, 0, Some(Order::STABLE)));
}

#[test]
fn types_may_be_any() {
    let file = FILE
        .replace(r#""s":1073741824"#, r#""s":"1073741824""#)
        .replace(r#""fid":"2580033742990999218""#, r#""fid":2580033742990999218"#)
        .replace(r#""te":"1718868720""#, r#""te":1718868720"#)
        .replace(r#""c":0"#, r#""c":"1""#);
    let node = &page(&file).unwrap().nodes[0];
    assert_eq!((node.size, seconds(node.modified), node.censored), (1 << 30, 1_718_868_720, true));
    let fields = format!("{},\"fc\":\"1\"}}", &FILE[..FILE.len() - 1]);
    assert_eq!(page(&fields).unwrap().nodes[0].kind, Kind::File);
}

#[test]
fn without_unix_times_the_local_time_counts() {
    let file = FILE.replace(r#""te":"1718868720","#, "").replace(r#""tu":"1718868720","#, r#""tu":"0","#);
    assert_eq!(seconds(page(&file).unwrap().nodes[0].modified), 1_718_868_720);
}

#[test]
fn names_are_decoded_and_fit_into_a_path() {
    let named = |name: &str| {
        let file = FILE.replace("\"a film.mkv\"", &serde_json::to_string(name).unwrap());
        page(&file).unwrap().nodes.remove(0).name
    };
    assert_eq!(&*named("[\u{2}128074]a/b"), "👊a／b");
    assert_eq!(&*named(" 长 "), " 长 ");
    assert_eq!(&*named(".."), "．．");
}

#[test]
fn an_entry_that_cannot_be_addressed_spoils_the_page() {
    for (field, wrong) in [
        (r#""fid":"2580033742990999218""#, r#""fid":"x","fc":1"#),
        (r#""n":"a film.mkv""#, r#""n":null"#),
        (r#""s":1073741824"#, r#""s":null"#),
    ] {
        assert_eq!(page(&FILE.replace(field, wrong)).unwrap_err().kind, ErrorKind::Corrupt, "{wrong}");
    }
}

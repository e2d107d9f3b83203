//! Listings: reading a page of one, making one, finding a name in one.

use std::fmt::Write as _;
use std::time::SystemTime;

use dav115::model::{FileId, Kind, Listing, Node};
use dav115::pan115::read_page;
use divan::{Bencher, black_box};

use crate::name;

/// The largest page 115 gives, with every field it gives.
#[divan::bench]
fn read_page_of_1150(bencher: Bencher<'_, '_>) {
    let body = page(1150);
    bencher
        .counter(divan::counter::ItemsCount::new(1150_u32))
        .bench(|| read_page(FileId::ROOT, black_box(body.as_bytes())).map_or(0, |nodes| nodes.len()));
}

fn page(count: usize) -> String {
    let mut body = String::from(r#"{"data":["#);
    for number in 0..count {
        let comma = if number == 0 { "" } else { "," };
        let name = name(number);
        let _ = write!(
            body,
            r#"{comma}{{"fid":"{id}","uid":123456789,"aid":1,"cid":"0","n":"{name}","s":1073741824,"sta":1,"pt":"0","pc":"a82z4bk5m30arhgqn","p":0,"m":0,"t":"2024-06-20 15:32","te":"1718868720","tp":"1718868700","tu":"1718868720","to":0,"d":1,"c":0,"sh":0,"e":"","ico":"mkv","class":"","sha":"DA39A3EE5E6B4B0D3255BFEF95601890AFD80709","q":0,"fl":[],"play_long":5400.5}}"#,
            id = 2_580_033_742_990_000_000 + number,
        );
    }
    let _ = write!(
        body,
        r#"],"count":"{count}","cid":0,"offset":"0","limit":1150,"order":"user_ptime","is_asc":"1","state":true}}"#
    );
    body
}

/// `count` files, of which those with numbers from `unique` on have the names of earlier ones.
fn nodes(count: usize, unique: usize) -> Vec<Node> {
    let file = |number: usize| Node {
        id: FileId(2_580_033_742_990_000_000 + number as u64),
        kind: Kind::File,
        ..Node::virtual_folder(&name(number % unique), SystemTime::UNIX_EPOCH)
    };
    (0..count).map(file).collect()
}

#[divan::bench]
fn make_of_20000(bencher: Bencher<'_, '_>) {
    bencher.with_inputs(|| nodes(20_000, 20_000)).bench_values(Listing::new);
}

/// Each name twice, so that half of them must be changed.
#[divan::bench]
fn make_of_20000_with_namesakes(bencher: Bencher<'_, '_>) {
    bencher.with_inputs(|| nodes(20_000, 10_000)).bench_values(Listing::new);
}

#[divan::bench]
fn find_in_20000(bencher: Bencher<'_, '_>) {
    let listing = Listing::new(nodes(20_000, 20_000));
    let names: Vec<String> = (0..20_000).step_by(7).map(name).collect();
    let mut next = names.iter().cycle();
    bencher.bench_local(|| {
        let name = next.next().map_or("", String::as_str);
        listing.position(black_box(name)).is_some()
    });
}

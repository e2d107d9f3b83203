//! Reading a decrypted answer to a download call.

use dav115::model::{LinkBinding, PickCode};
use dav115::pan115::read_link;
use divan::{Bencher, black_box};

const ANSWER: &str = r#"{"2580033742990999218":{"file_name":"a film.mkv","file_size":"1073741824","pick_code":"a82z4bk5m30arhgqn","url":{"url":"https:\/\/cdnfhnfile.115cdn.net\/0123456789abcdef0123456789abcdef01234567\/a%20film.mkv?t=1764003600&u=123456789&s=524288000&d=vip-123456789-a82z4bk5m30arhgqn-1-0&c=2&f=&k=0123456789abcdef0123456789abcdef&us=5242880000&uc=10&v=1","client":1,"desc":null,"isp":null,"oss_id":"fhnfile\/0123456789abcdef0123456789abcdef01234567"}}}"#;

#[divan::bench]
fn read(bencher: Bencher<'_, '_>) {
    let code = PickCode::new("a82z4bk5m30arhgqn").unwrap_or(PickCode::NONE);
    bencher
        .bench(|| read_link(black_box(ANSWER.as_bytes()), black_box(&code), &LinkBinding::Unbound).is_ok());
}

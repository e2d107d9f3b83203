//! What single steps cost, without a network: `cargo bench`, or `cargo bench -- propfind` for some of them.
//!
//! The scripts in `tests/bench` measure the whole gateway beside other servers.

mod link;
mod listing;
mod m115;
mod propfind;

fn main() {
    divan::main();
}

/// Names of about 40 bytes, a quarter of them Chinese, as a folder of episodes has them.
fn name(number: usize) -> String {
    if number % 4 == 3 {
        format!("电视剧.第一季.第{number:05}集.1080p.mkv")
    } else {
        format!("Some.Series.S01E{number:05}.1080p.WEB-DL.mkv")
    }
}

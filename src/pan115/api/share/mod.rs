//! Calls about shares, which other users' links lead to.

pub(in crate::pan115) mod fault;
mod link;
mod receive;
pub(in crate::pan115) mod snap;

pub use link::ShareWay;
pub use receive::Receipt;

use http::header::REFERER;
use http::{HeaderName, HeaderValue};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::model::{Secret, ShareLink};

/// The query that names a share.
fn query(share: &ShareLink) -> String {
    // Both are letters and digits; escaped all the same, since a link may have been typed.
    let escape = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
    format!("share_code={}&receive_code={}", escape(&share.code), escape(receive_code(share)))
}

/// The share's page as `Referer`, as 115's web client sends it with listings. It holds the receive code.
///
/// **Source**: protocol notes, reading part, §5.2 and Appendix A4.
fn referer(share: &ShareLink) -> Option<(HeaderName, HeaderValue)> {
    let escape = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
    let (code, password) = (escape(&share.code), escape(receive_code(share)));
    let page = format!("https://115cdn.com/s/{code}?password={password}&");
    let mut value = HeaderValue::from_str(&page).ok()?;
    value.set_sensitive(true);
    Some((REFERER, value))
}

fn receive_code(share: &ShareLink) -> &str {
    share.receive_code.as_ref().map_or("", Secret::expose)
}

//! Who a request is from, if it came through a reverse proxy.
//!
//! Knows the headers `X-Forwarded-For` and `Forwarded` and which proxies are believed.
//! Called by `serve`, once for each request, so that the log and the count of wrong passwords mean the same client.

use std::net::IpAddr;

use http::{HeaderMap, HeaderName, header};
use ipnet::IpNet;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The client at the far end of `peer`, as far as the proxies in `trusted` tell.
///
/// Each proxy adds the address it was called from at the right end. So the list is read from there, and only as far as it was
/// written by proxies that are trusted: what stands further left may be the client's invention.
/// A proxy that writes one of the two headers may hand on the other as the client sent it.
/// Where both are there and disagree, nobody can tell which one is true, and neither is believed.
pub(super) fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    if !is_trusted(peer, trusted) {
        return peer;
    }
    let told = |name, read: fn(&str) -> Option<IpAddr>| {
        headers.contains_key(&name).then(|| far_end(peer, headers, &name, read, trusted))
    };
    match (told(X_FORWARDED_FOR, address), told(header::FORWARDED, forwarded_for)) {
        (Some(one), Some(other)) if one != other => peer,
        (Some(told), _) | (None, Some(told)) => told,
        (None, None) => peer,
    }
}

fn far_end(
    peer: IpAddr,
    headers: &HeaderMap,
    name: &HeaderName,
    read: fn(&str) -> Option<IpAddr>,
    trusted: &[IpNet],
) -> IpAddr {
    let mut nearest = peer;
    for value in headers.get_all(name).iter().rev() {
        // Split from the right and without regard to quotes: no address holds a comma,
        // and a quote the client has left open must not swallow what the proxy added.
        for hop in value.as_bytes().rsplit(|&byte| byte == b',') {
            let Some(address) = str::from_utf8(hop).ok().and_then(|hop| read(hop.trim())) else {
                return nearest;
            };
            nearest = address;
            if !is_trusted(address, trusted) {
                return nearest;
            }
        }
    }
    nearest
}

fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|network| network.contains(&address))
}

/// **Shape**: `for="[2001:db8::1]:4711";proto=https;by=203.0.113.43` (RFC 7239, section 4).
fn forwarded_for(hop: &str) -> Option<IpAddr> {
    let node = hop.split(';').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then(|| value.trim())
    })?;
    address(node.trim_matches('"'))
}

/// An address, with or without brackets and port. `unknown` and made-up names are none.
fn address(node: &str) -> Option<IpAddr> {
    let bare = match node.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?.0,
        None => match node.split_once(':') {
            Some((host, port)) if !port.contains(':') => host,
            _ => node,
        },
    };
    bare.parse().ok().map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(peer: &str, headers: &[(&'static str, &'static str)], expected: &str) {
        let trusted = ["127.0.0.1/32", "10.0.0.0/8", "fd00::/8"].map(|network| network.parse().unwrap());
        let mut map = HeaderMap::new();
        for &(name, value) in headers {
            map.append(name, value.parse().unwrap());
        }
        let found = client(peer.parse().unwrap(), &map, &trusted);
        assert_eq!(found, expected.parse::<IpAddr>().unwrap(), "{peer} {headers:?}");
    }

    #[test]
    fn a_client_is_who_the_nearest_trusted_proxies_say() {
        const XFF: &str = "x-forwarded-for";
        check("192.0.2.7", &[(XFF, "198.51.100.1")], "192.0.2.7");
        check("10.0.0.1", &[], "10.0.0.1");
        check("10.0.0.1", &[(XFF, "198.51.100.1")], "198.51.100.1");
        check("10.0.0.1", &[(XFF, "1.1.1.1, 198.51.100.1")], "198.51.100.1");
        check("10.0.0.1", &[(XFF, "1.1.1.1,198.51.100.1 , 10.2.3.4,127.0.0.1")], "198.51.100.1");
        check("10.0.0.1", &[(XFF, "1.1.1.1"), (XFF, "198.51.100.1, 10.2.3.4")], "198.51.100.1");
        check("10.0.0.1", &[(XFF, "10.9.9.9")], "10.9.9.9");
        check("10.0.0.1", &[(XFF, "198.51.100.1, unknown, 10.2.3.4")], "10.2.3.4");
        check("10.0.0.1", &[(XFF, "")], "10.0.0.1");
        check("10.0.0.1", &[(XFF, "198.51.100.1:4711")], "198.51.100.1");
        check("fd00::1", &[(XFF, "2001:db8::9")], "2001:db8::9");
        check("10.0.0.1", &[(XFF, "::ffff:198.51.100.1")], "198.51.100.1");
    }

    #[test]
    fn the_standard_header_is_read_the_same_way() {
        const FORWARDED: &str = "forwarded";
        check("10.0.0.1", &[(FORWARDED, "for=1.1.1.1, For=198.51.100.1;proto=https")], "198.51.100.1");
        check("10.0.0.1", &[(FORWARDED, "proto=http;for=\"[2001:db8::9]:4711\"")], "2001:db8::9");
        check("10.0.0.1", &[(FORWARDED, "for=\"x, for=198.51.100.1")], "198.51.100.1");
        check("10.0.0.1", &[(FORWARDED, "for=_hidden")], "10.0.0.1");
        check("10.0.0.1", &[(FORWARDED, "proto=https")], "10.0.0.1");
    }

    #[test]
    fn two_headers_that_disagree_are_not_believed() {
        let both = |forwarded| [("x-forwarded-for", "198.51.100.1"), ("forwarded", forwarded)];
        check("10.0.0.1", &both("for=203.0.113.9"), "10.0.0.1");
        check("10.0.0.1", &both("for=198.51.100.1"), "198.51.100.1");
    }
}

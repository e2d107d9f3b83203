//! A plain HTTP client over one connection per request, and a client's side of m115, for the tests of this crate.
//!
//! The client is written out on sockets because the tests look at what libraries hide: a missing and an empty
//! User-Agent, a body shorter than its length, a connection that breaks.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use num_bigint::BigUint;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::{Options, Sim, Tree};

/// A response as it came over the wire.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    head: String,
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// The value of a header; empty without one.
    pub(super) fn header(&self, name: &str) -> &str {
        self.head
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map_or("", |(_, value)| value.trim())
    }

    #[track_caller]
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Whether the body has the length its header claims.
    pub(super) fn whole(&self) -> bool {
        self.header("content-length") == self.body.len().to_string()
    }
}

pub(super) async fn start(tree: Tree) -> Sim {
    Sim::start(Options { tree, ..Options::default() }).await.unwrap()
}

/// Opens a connection and sends a request; `target` may be an absolute URL of this simulator.
pub(super) async fn send(
    sim: &Sim,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: impl AsRef<[u8]>,
) -> TcpStream {
    let body = body.as_ref();
    let base = sim.base_url();
    let target = target.strip_prefix(base.as_str()).unwrap_or(target);
    let mut stream = TcpStream::connect(sim.address()).await.unwrap();
    let mut text = format!("{method} {target} HTTP/1.1\r\nConnection: close\r\n");
    if !headers.iter().any(|(name, _)| matches!(*name, "Content-Length" | "Transfer-Encoding")) {
        text.extend(["Content-Length: ", &body.len().to_string(), "\r\n"]);
    }
    if !headers.iter().any(|(name, _)| *name == "Host") {
        text.push_str("Host: 127.0.0.1\r\n");
    }
    for (name, value) in headers {
        text.extend([name, ": ", value, "\r\n"]);
    }
    text.push_str("\r\n");
    stream.write_all(text.as_bytes()).await.unwrap();
    // A server that breaks the connection off may not take all of it.
    let _ = stream.write_all(body).await;
    stream
}

/// Sends a request and reads everything that comes back; `None` when nothing does.
pub(super) async fn exchange(
    sim: &Sim,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: impl AsRef<[u8]>,
) -> Option<Answer> {
    let mut stream = send(sim, method, target, headers, body).await;
    let mut raw = Vec::new();
    // A broken connection ends the reading with an error; what came before it counts.
    let _ = stream.read_to_end(&mut raw).await;
    let split = raw.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&raw[..split]).into_owned();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Some(Answer { status, head, body: raw[split + 4..].to_vec() })
}

/// A GET with headers.
pub(super) async fn get_with(sim: &Sim, target: &str, headers: &[(&str, &str)]) -> Answer {
    exchange(sim, "GET", target, headers, "").await.expect("an answer")
}

/// A GET with the account's cookie and a User-Agent.
pub(super) async fn get(sim: &Sim, target: &str) -> Answer {
    get_with(sim, target, &[("Cookie", &sim.cookie()), ("User-Agent", "test")]).await
}

/// A form POST with the account's cookie.
pub(super) async fn post(sim: &Sim, target: &str, agent: Option<&str>, fields: &[(&str, &str)]) -> Answer {
    let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let cookie = sim.cookie();
    let mut headers =
        vec![("Cookie", cookie.as_str()), ("Content-Type", "application/x-www-form-urlencoded")];
    headers.extend(agent.map(|agent| ("User-Agent", agent)));
    exchange(sim, "POST", target, &headers, &form).await.expect("an answer")
}

/// What a client sends as `data`: key bytes of zero, padding of twos, as one real client does.
pub(super) fn seal(sim: &Sim, json: &str) -> String {
    let modulus = BigUint::parse_bytes(sim.modulus_hex().as_bytes(), 16).unwrap();
    let mut text = json.as_bytes().to_vec();
    mask(&mut text, &[0x8d, 0xa5, 0xa5, 0x8d]);
    text.reverse();
    mask(&mut text, &[0x78, 0x06, 0xad, 0x4c, 0x33, 0x86, 0x5d, 0x18, 0x4c, 0x01, 0x3f, 0x46]);
    let plain = [vec![0; 16], text].concat();
    let mut sealed = Vec::new();
    for piece in plain.chunks(117) {
        let block = [vec![0, 2], vec![2; 125 - piece.len()], vec![0], piece.to_vec()].concat();
        let number =
            BigUint::from_bytes_be(&block).modpow(&BigUint::from(sim.exponent()), &modulus).to_bytes_be();
        sealed.extend(vec![0; 128 - number.len()]);
        sealed.extend(number);
    }
    STANDARD.encode(sealed)
}

/// Opens an answer to what [`seal`] sent.
pub(super) fn open(sim: &Sim, data: &str) -> Value {
    let modulus = BigUint::parse_bytes(sim.modulus_hex().as_bytes(), 16).unwrap();
    let mut plain = Vec::new();
    for block in STANDARD.decode(data).unwrap().chunks(128) {
        let opened =
            BigUint::from_bytes_be(block).modpow(&BigUint::from(sim.exponent()), &modulus).to_bytes_be();
        let start = opened.iter().skip(1).position(|byte| *byte == 0).unwrap() + 2;
        plain.extend_from_slice(&opened[start..]);
    }
    let table = "f0e569aebfdcbf8a1a45e8be7da673b8de8fe7c445da86c49b648b146ab4f1aa3801359e26692c86006b4fa5363462a6\
                 2a966818f24afdbd6b978f4d8f8913b76c8e93ed0e0d483ed72f88d8fefe7e8650954fd1eb832634db667b9c7e9d7a81\
                 32eab633de3aa95934663baaba816048b9d5819cf86c8477ff5478265fbee81e369f34805c452c9b76d51b8fccc3b8f5";
    let at = |place: usize| u8::from_str_radix(&table[2 * place..2 * place + 2], 16).unwrap();
    let key: Vec<u8> =
        (0..12).map(|place| plain[place].wrapping_add(at(12 * place)) ^ at(12 * (11 - place))).collect();
    let mut text = plain[16..].to_vec();
    mask(&mut text, &key);
    text.reverse();
    mask(&mut text, &[0x8d, 0xa5, 0xa5, 0x8d]);
    serde_json::from_slice(&text).unwrap()
}

fn mask(text: &mut [u8], key: &[u8]) {
    let head = text.len() % 4;
    for (place, byte) in text.iter_mut().enumerate() {
        let turn = if place < head { place } else { place - head };
        *byte ^= key[turn % key.len()];
    }
}

/// Asks for the link of one file by D1 and returns the whole answer.
pub(super) async fn downurl(sim: &Sim, id: u64, agent: Option<&str>) -> Answer {
    let code = sim.tree(|tree| tree.node(id).unwrap().pick_code());
    let data = seal(sim, &format!("{{\"pickcode\":\"{code}\"}}"));
    post(sim, "/proapi.115.com/app/chrome/downurl?t=1", agent, &[("data", &data)]).await
}

/// The link of one file.
pub(super) async fn link(sim: &Sim, id: u64, agent: Option<&str>) -> String {
    let answer = downurl(sim, id, agent).await.json();
    let inner = open(sim, answer["data"].as_str().unwrap_or_else(|| panic!("{answer}")));
    inner[id.to_string()]["url"]["url"].as_str().unwrap().to_owned()
}

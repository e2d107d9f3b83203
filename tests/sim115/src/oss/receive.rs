//! Bodies on their way into the object store: counted, slowed down, broken off, and hashed.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use md5::{Digest as _, Md5};
use tokio::time::sleep;

use crate::faults::Fault;
use crate::num::{hex, index, long};
use crate::service::Hangup;
use crate::state::Shared;
use crate::stored::Blob;

/// The body of a call.
pub(super) struct Intake<'call> {
    shared: &'call Shared,
    number: u64,
    body: Incoming,
    received: u64,
    rate: u64,
    cut: Option<u64>,
}

/// What is known of bytes once they are stored.
#[derive(Debug, Clone)]
pub(super) struct Sums {
    pub(super) size: u64,
    pub(super) md5: [u8; 16],
    pub(super) crc64: u64,
}

impl Sums {
    /// The `ETag` without its quotes.
    pub(super) fn tag(&self) -> String {
        hex(&self.md5).to_uppercase()
    }
}

impl<'call> Intake<'call> {
    pub(super) fn new(
        shared: &'call Shared,
        number: u64,
        body: Incoming,
        rate: u64,
        faults: &[Fault],
    ) -> Self {
        let cut = faults.iter().find_map(|fault| match fault {
            Fault::CutUpload(bytes) => Some(*bytes),
            _ => None,
        });
        Self { shared, number, body, received: 0, rate, cut }
    }

    /// The next bytes; `None` at the end, and an error when the connection breaks or is to break.
    async fn next(&mut self) -> Result<Option<Bytes>, Hangup> {
        while let Some(frame) = self.body.frame().await {
            let Ok(data) = frame.map_err(|_| Hangup)?.into_data() else { continue };
            let left = self.cut.map_or(data.len(), |cut| index(cut - self.received).min(data.len()));
            let data = data.slice(..left);
            self.received += long(left);
            self.shared.ledger.received(self.number, long(left));
            if self.cut.is_some_and(|cut| self.received >= cut) {
                return Err(Hangup);
            }
            if let Some(micros) = (long(left) * 1_000_000).checked_div(self.rate) {
                sleep(Duration::from_micros(micros)).await;
            }
            return Ok(Some(data));
        }
        if self.cut.is_some() { Err(Hangup) } else { Ok(None) }
    }

    /// Reads to the end and keeps nothing, so that the client gets to read its answer.
    pub(super) async fn drain(mut self) -> Result<(), Hangup> {
        while self.next().await?.is_some() {}
        Ok(())
    }

    /// Reads a body that is a text; of one longer than `most` bytes the rest is lost.
    pub(super) async fn text(mut self, most: usize) -> Result<String, Hangup> {
        let mut text = Vec::new();
        while let Some(bytes) = self.next().await? {
            text.extend_from_slice(&bytes[..bytes.len().min(most - text.len())]);
        }
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// Reads a body into a blob, from `at` on.
    pub(super) async fn store(mut self, blob: &Blob, at: u64) -> Result<Sums, Hangup> {
        let (mut md5, mut crc64, mut size) = (Md5::new(), crc64fast::Digest::new(), 0);
        while let Some(bytes) = self.next().await? {
            blob.write(at + size, &bytes);
            md5.update(&bytes);
            crc64.write(&bytes);
            size += long(bytes.len());
        }
        Ok(Sums { size, md5: md5.finalize().into(), crc64: crc64.sum64() })
    }
}

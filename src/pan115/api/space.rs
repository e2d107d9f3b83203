//! Space of the account; also the harmless way to see whether a cookie works.

use serde::Deserialize;

use crate::model::Meter;
use crate::pan115::call::Call;
use crate::pan115::wire::Scalar;
use crate::pan115::{Client, ErrorKind, Host, Pan115Error};

const LABEL: &str = "index_info";

/// Space of an account, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// Bytes in use.
    pub used: u64,
    /// Bytes left.
    pub left: u64,
}

#[derive(Deserialize)]
struct ReplyWire<'a> {
    #[serde(borrow)]
    data: DataWire<'a>,
}

#[derive(Deserialize)]
struct DataWire<'a> {
    #[serde(borrow)]
    space_info: SpaceWire<'a>,
}

#[derive(Deserialize)]
struct SpaceWire<'a> {
    #[serde(borrow)]
    all_remain: SizeWire<'a>,
    #[serde(borrow)]
    all_use: SizeWire<'a>,
}

#[derive(Deserialize)]
struct SizeWire<'a> {
    #[serde(borrow)]
    size: Scalar<'a>,
}

impl Client {
    /// Asks for the space of the account.
    ///
    /// Never `check/sso`: that signs out other sessions of the same app.
    ///
    /// **Shape**: `data.space_info.{all_remain,all_use}.size`, numbers that may be fractions.
    /// **Cost**: one call.
    /// **Source**: protocol notes, reading part, §1.6 and §3.9.
    pub async fn space(&self, meter: &Meter) -> Result<Space, Pan115Error> {
        let call = Call {
            label: LABEL,
            host: Host::Web,
            path: "/files/index_info?count_space_nums=0".to_owned(),
            form: None,
            agent: self.user_agent(),
            headers: Vec::new(),
        };
        let reply = self.call(meter, &call).await?;
        parse(&reply.body).ok_or_else(|| Pan115Error {
            endpoint: LABEL,
            kind: ErrorKind::Corrupt,
            code: 0,
            message: "115 did not say how much space the account has".to_owned(),
            wanted_order: None,
        })
    }
}

fn parse(body: &[u8]) -> Option<Space> {
    let SpaceWire { all_remain, all_use } =
        serde_json::from_slice::<ReplyWire<'_>>(body).ok()?.data.space_info;
    Some(Space { used: all_use.size.as_u64()?, left: all_remain.size.as_u64()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_may_be_fractions_or_strings() {
        let body = r#"{"state":true,"data":{"space_info":{"all_total":{"size":3},
            "all_remain":{"size":5497558138880.5,"size_format":"5TB"},"all_use":{"size":"10995116277759"}}}}"#;
        assert_eq!(parse(body.as_bytes()), Some(Space { used: 10_995_116_277_759, left: 5_497_558_138_880 }));
        assert_eq!(parse(br#"{"state":true,"data":[]}"#), None);
    }
}

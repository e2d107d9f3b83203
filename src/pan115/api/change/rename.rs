//! Another name.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::Deserialize;

use super::form;
use crate::model::{FileId, Meter};
use crate::pan115::call::Call;
use crate::pan115::manner::Manner;
use crate::pan115::wire::{Scalar, unescape_name};
use crate::pan115::{Client, ErrorKind, Host, Pan115Error};

const LABEL: &str = "batch_rename";

/// What 115 says to a rename that changes nothing, without a code.
/// **Source**: protocol notes, writing part, §1.2.
const UNCHANGED: &str = "更新的数据为空";

#[derive(Deserialize)]
struct ReplyWire<'a> {
    #[serde(borrow)]
    data: HashMap<Cow<'a, str>, Scalar<'a>>,
}

impl Client {
    /// Renames, and returns the name it really has got: 115 keeps the extension of a file, and may cut a name.
    ///
    /// **Shape**: form `files_new_name[ID]`; `data` maps ids to names, and holds none for an id that does not exist.
    /// **Cost**: one call.
    /// **Errors**: `NotFound`; `BadName` for a name that 115 refuses.
    /// **Source**: protocol notes, writing part, §1.2.
    pub async fn rename(&self, meter: &Meter, id: FileId, name: &str) -> Result<String, Pan115Error> {
        let call = Call {
            label: LABEL,
            host: Host::Web,
            path: "/files/batch_rename".to_owned(),
            form: None,
            agent: self.user_agent(),
            headers: Vec::new(),
        };
        let manner = Manner {
            encoded: Some(form("fid", &[], &[(&format!("files_new_name[{id}]"), name)])),
            ..Manner::CHANGE
        };
        match self.call_in(meter, &call, &manner).await {
            Ok(reply) => {
                let given = given(&reply.body, id)?;
                // Some of 115's answers write names as web pages do.
                let is_same = quick_xml::escape::unescape(&given).is_ok_and(|plain| plain == name);
                Ok(if is_same { name.to_owned() } else { given })
            }
            Err(error) if error.code == 0 && error.message.contains(UNCHANGED) => Ok(name.to_owned()),
            Err(error) => Err(error),
        }
    }
}

fn given(body: &[u8], id: FileId) -> Result<String, Pan115Error> {
    let data = match serde_json::from_slice::<ReplyWire<'_>>(body) {
        Ok(wire) => wire.data,
        // An empty list stands for an empty map.
        Err(_) => HashMap::new(),
    };
    match data.get(&*id.to_string()) {
        Some(Scalar::Text(name)) => Ok(unescape_name(name).into_owned()),
        Some(Scalar::Int(number)) => Ok(number.to_string()),
        Some(_) | None => Err(Pan115Error::new(
            LABEL,
            ErrorKind::NotFound,
            "115 renamed nothing: it is not there (any more)",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_name_that_115_states_counts() {
        let name = |body: &str| given(body.as_bytes(), FileId(34));
        assert_eq!(name(r#"{"state":true,"data":{"34":"v1.mkv"}}"#).unwrap(), "v1.mkv");
        assert_eq!(name(r#"{"state":true,"data":{"34":"\u4e2d\" [\u0002128512]"}}"#).unwrap(), "中\" 😀");
        assert_eq!(name(r#"{"state":true,"data":{"34":7}}"#).unwrap(), "7");
        for body in
            [r#"{"state":true,"data":{"35":"x"}}"#, r#"{"state":true,"data":[]}"#, r#"{"state":true}"#]
        {
            assert_eq!(name(body).unwrap_err().kind, ErrorKind::NotFound, "{body}");
        }
    }
}

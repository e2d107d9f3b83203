//! Refusals in the words of the object store (protocol notes, writing part, §2.6.5).

use http::StatusCode;

use super::xml::escaped;
use crate::m115::random_hex;
use crate::reply::{Reply, reply};

/// A refusal.
#[derive(Debug)]
pub(super) struct Refusal {
    status: u16,
    code: &'static str,
    message: String,
}

impl Refusal {
    pub(super) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    pub(super) fn no_such_upload() -> Self {
        let message = "The specified upload does not exist. The upload ID may be invalid, or the upload may have \
                       been aborted or completed.";
        Self::new(404, "NoSuchUpload", message)
    }

    pub(super) fn invalid_argument(message: impl Into<String>) -> Self {
        Self::new(400, "InvalidArgument", message)
    }

    pub(super) fn reply(&self) -> Reply {
        written(self.status, self.code, &self.message)
    }
}

/// The refusal with a status and a code.
pub(crate) fn refusal(status: u16, code: &str) -> Reply {
    written(status, code, "The request was refused.")
}

fn written(status: u16, code: &str, message: &str) -> Reply {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>\n  <Code>{}</Code>\n  <Message>{}</Message>\n  \
         <RequestId>{}</RequestId>\n  <HostId>{}.{}</HostId>\n</Error>\n",
        escaped(code),
        escaped(message),
        random_hex(12).to_uppercase(),
        super::BUCKET,
        super::ENDPOINT,
    );
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    reply(status, "application/xml", body)
}

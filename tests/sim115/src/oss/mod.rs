//! The object store that uploads go to: one bucket, which takes objects whole, in parts, or from a form, and calls 115
//! back when one is complete (protocol notes, writing part, §2.6).
//!
//! It hands no object out: what 115 takes over is read through the download network.

mod callback;
mod error;
mod form_post;
mod hash_context;
mod multipart;
mod object;
mod parts;
mod receive;
mod signature;
mod tokens;
mod xml;

use http::Method;
use hyper::body::Incoming;

pub(crate) use error::refusal;
pub(crate) use multipart::Store;
pub(crate) use signature::{BUCKET, ENDPOINT, hmac_base64};
pub(crate) use tokens::Tokens;

use crate::behaviours::Behaviours;
use crate::call::{Call, decoded};
use crate::faults::Fault;
use crate::reply::{Reply, of_fault};
use crate::service::Hangup;
use crate::state::Shared;
use error::Refusal;
use receive::Intake;

/// What a call to the object store asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OssCall {
    Put,
    Initiate,
    Part,
    ListParts,
    Complete,
    Abort,
    Form,
    Unknown,
}

impl OssCall {
    /// What a call asks for.
    pub(crate) fn of(call: &Call) -> Self {
        let of_upload = call.has("uploadId");
        match call.method {
            Method::PUT if of_upload && call.has("partNumber") => Self::Part,
            Method::PUT if !of_upload => Self::Put,
            Method::POST if call.has("uploads") => Self::Initiate,
            Method::POST if of_upload => Self::Complete,
            Method::POST if call.path.trim_matches('/').is_empty() => Self::Form,
            Method::GET if of_upload => Self::ListParts,
            Method::DELETE if of_upload => Self::Abort,
            _ => Self::Unknown,
        }
    }

    /// The name the ledger, faults and latencies know it by.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Put => "oss_put",
            Self::Initiate => "oss_initiate",
            Self::Part => "oss_part",
            Self::ListParts => "oss_list_parts",
            Self::Complete => "oss_complete",
            Self::Abort => "oss_abort",
            Self::Form => "oss_form",
            Self::Unknown => "oss_unknown",
        }
    }
}

/// One call to the object store with all its answer depends on.
struct Visit<'call> {
    shared: &'call Shared,
    call: &'call Call,
    behaviours: &'call Behaviours,
    faults: &'call [Fault],
    /// The object it is about, decoded.
    object: String,
}

/// Answers a call to the object store. `number` is its number in the ledger.
pub(crate) async fn answer(
    shared: &Shared,
    (call, asked): (&Call, OssCall),
    behaviours: &Behaviours,
    faults: &[Fault],
    number: u64,
    body: Incoming,
) -> Result<Reply, Hangup> {
    let intake = Intake::new(shared, number, body, behaviours.upload.oss_bytes_per_sec, faults);
    let visit =
        Visit { shared, call, behaviours, faults, object: decoded(call.path.trim_start_matches('/')) };
    if let Some(reply) = faults.iter().find_map(|fault| of_fault(fault, call)) {
        intake.drain().await?;
        return Ok(reply);
    }
    // A form carries its permission within.
    let allowed = match asked {
        OssCall::Form => visit.bucket(),
        _ => visit.bucket().and_then(|()| signature::authorize(shared, call, &visit.object)),
    };
    if let Err(refusal) = allowed {
        intake.drain().await?;
        return Ok(refusal.reply());
    }
    let answered = match asked {
        OssCall::Put => object::put(&visit, intake).await?,
        OssCall::Initiate => multipart::initiate(&visit, intake).await?,
        OssCall::Part => parts::put(&visit, intake).await?,
        OssCall::ListParts => parts::list(&visit, intake).await?,
        OssCall::Complete => multipart::complete(&visit, intake).await?,
        OssCall::Abort => multipart::abort(&visit, intake).await?,
        OssCall::Form => form_post::post(&visit, intake).await?,
        OssCall::Unknown => {
            intake.drain().await?;
            Err(Refusal::new(405, "MethodNotAllowed", "The specified method is not allowed."))
        }
    };
    Ok(answered.unwrap_or_else(|refusal| refusal.reply()))
}

/// An answer, or a refusal in the words of the object store.
type Answered = Result<Reply, Refusal>;

impl Visit<'_> {
    /// Whether the call is for the one bucket there is.
    fn bucket(&self) -> Result<(), Refusal> {
        match self.call.host_name.split_once('.') {
            Some((BUCKET, _)) => Ok(()),
            Some((bucket, _)) if bucket.starts_with("oss-") => Err(Refusal::new(
                403,
                "SecondLevelDomainForbidden",
                "Please use virtual hosted style to access.",
            )),
            _ => Err(Refusal::new(404, "NoSuchBucket", "The specified bucket does not exist.")),
        }
    }
}

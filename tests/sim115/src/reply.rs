//! Ready-made responses: JSON as the service writes it, and the pages of its blocks
//! (protocol notes, reading part, §6.3).

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use serde_json::{Value, json};

use crate::body::{Shaping, SimBody};
use crate::call::{Call, Host};
use crate::faults::Fault;
use crate::m115::random_hex;
use crate::oss;

/// A response of the simulator.
pub(crate) type Reply = Response<SimBody>;

/// A response with a body of a media type.
pub(crate) fn reply(status: StatusCode, media_type: &'static str, body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(SimBody::bytes(body.into()));
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    reply
}

/// A response with a JSON body.
pub(crate) fn json_reply(status: StatusCode, value: &Value) -> Reply {
    json_text(status, value.to_string())
}

/// A response with JSON already written.
pub(crate) fn json_text(status: StatusCode, text: String) -> Reply {
    reply(status, "application/json; charset=utf-8", text)
}

/// A response with an HTML body.
pub(crate) fn html(status: StatusCode, text: impl Into<Bytes>) -> Reply {
    reply(status, "text/html; charset=utf-8", text)
}

/// The answer to a request for no host of the service.
pub(crate) fn no_such_host() -> Reply {
    reply(
        StatusCode::MISDIRECTED_REQUEST,
        "text/plain; charset=utf-8",
        "Name a host of the service in the first path segment or in the Host header.\n",
    )
}

/// A refusal of the CDN.
pub(crate) fn cdn_refusal(status: StatusCode, message: &str) -> Reply {
    let body = json!({
        "status": status.as_u16(),
        "message": message,
        "request_id": random_hex(12).to_uppercase(),
    });
    json_reply(status, &body)
}

/// The page of Alibaba's web application firewall.
fn waf_page() -> String {
    "<!doctypehtml><html lang=\"zh-cn\"><head><meta charset=\"utf-8\"><meta name=\"data-spm\" content=\"a3c0e\">\
     <title>405</title><link rel=\"icon\" href=\"https://errors.aliyun.com/images/favicon.ico\"></head>\
     <body data-spm=\"7663354\"><div class=\"main\"><p>很抱歉，由于您访问的URL有可能对网站造成安全威胁，您的访问被阻断。</p>\
     <p>Sorry, your request has been blocked as it may cause potential threats to the server's security.</p></div>\
     <script src=\"https://errors.aliyun.com/error.js\"></script></body></html>"
        .to_owned()
}

/// The response a fault stands for by itself, whatever was asked; `None` for faults that only alter the answer.
pub(crate) fn of_fault(fault: &Fault, call: &Call) -> Option<Reply> {
    let ok = StatusCode::OK;
    Some(match fault {
        Fault::Waf405 | Fault::Waf405For(_) => html(StatusCode::METHOD_NOT_ALLOWED, waf_page()),
        Fault::Blocked418 => html(
            StatusCode::IM_A_TEAPOT,
            "<!DOCTYPE html><html><head><meta charset=\"utf-8\"><title>访问拦截</title></head><body>访问被拦截！</body></html>",
        ),
        Fault::Forbidden403 => html(
            StatusCode::FORBIDDEN,
            "<html><head><title>403 Forbidden</title></head><body><center><h1>403 Forbidden</h1></center></body></html>",
        ),
        Fault::TooMany429 => {
            let body = json!({"state": false, "code": 429, "message": "Too Many Requests"});
            let mut reply = json_reply(StatusCode::TOO_MANY_REQUESTS, &body);
            let name = HeaderName::from_static("x-ratelimit-reset");
            reply.headers_mut().insert(name, HeaderValue::from_static("60"));
            reply
        }
        Fault::Busy590075 => {
            json_reply(ok, &json!({"state": false, "error": "操作太频繁，请稍候再试", "errno": 590_075}))
        }
        Fault::Limit770004 => {
            let body = json!({"state": false, "code": 770_004, "message": "已达到当前访问上限，请稍后再试"});
            json_reply(ok, &body)
        }
        Fault::Running990009 => {
            let body = json!({"state": false, "error": "删除[Movies]操作尚未执行完成，请稍后再试！", "errno": 990_009});
            json_reply(ok, &body)
        }
        Fault::Html(status) => html(
            status_of(*status),
            format!("<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>"),
        ),
        Fault::Status(status) if call.host == Host::Oss => oss::refusal(*status, "InternalError"),
        Fault::Oss { status, code } => oss::refusal(*status, code),
        Fault::Status(status) if call.host == Host::Cdn => cdn_refusal(status_of(*status), "request refused"),
        Fault::Status(status) => {
            json_reply(status_of(*status), &json!({"state": false, "error": "", "errno": i64::from(*status)}))
        }
        Fault::NoCookieValue => cdn_refusal(StatusCode::FORBIDDEN, "no cookie value"),
        Fault::EmptyBody => json_text(ok, String::new()),
        _ => return None,
    })
}

fn status_of(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Applies the faults of transport to a finished response.
pub(crate) fn shape(reply: Reply, faults: &[Fault], rate: u64, head_only: bool) -> Reply {
    let mut shaping = Shaping { rate: (rate > 0).then_some(rate), ..Shaping::default() };
    let length = reply.body().remaining();
    for fault in faults {
        match fault {
            Fault::CutAfter(bytes) => shaping.cut_after = Some(*bytes),
            Fault::SlowStart(delay) => shaping.start_delay = Some(*delay),
            Fault::ContentLengthLonger(bytes) => shaping.wrong_length = Some(length + bytes),
            Fault::ContentLengthShorter(bytes) => shaping.wrong_length = Some(length.saturating_sub(*bytes)),
            _ => {}
        }
    }
    let (mut head, body) = reply.into_parts();
    if !head_only {
        let claimed = shaping.wrong_length.unwrap_or(length);
        head.headers.insert(CONTENT_LENGTH, HeaderValue::from(claimed));
    }
    Response::from_parts(head, body.shaped(shaping))
}

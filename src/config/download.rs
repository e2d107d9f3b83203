//! `[download]` and `[quota]`: how content and the free space reach clients.

use std::time::Duration;

use ::config::Value;

use super::describe::Page;
use super::parse::{Refusal, duration, duration_or_zero, switch, text_of, web_address};
use super::secret::{self, Given};
use super::table::{Read, Table};
use crate::model::Secret;

/// How content reaches clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Download {
    /// Where clients reach the download proxy, without a final slash.
    pub proxy_url: Option<String>,
    /// The token shared with the download proxy.
    pub proxy_token: Option<Secret>,
    /// How long a signed address stays valid; zero means without end.
    pub link_expiration: Duration,
    /// The User-Agent of calls to 115 and of streamed downloads: printable ASCII.
    pub user_agent: String,
    /// Whether links that any client may use are asked for first.
    pub unbound_links: bool,
}

impl Download {
    pub(super) fn read(table: &mut Table<'_>) -> Read<Self> {
        let proxy_url = table.optional("proxy_url", web_address);
        let proxy_token = secret::optional(table, "proxy_token", "proxy_token_file");
        let link_expiration = table.required("link_expiration", duration_or_zero);
        let user_agent = table.required("user_agent", user_agent);
        let unbound_links = table.required("unbound_links", switch);
        Ok(Self {
            proxy_url: proxy_url?,
            proxy_token: proxy_token?.map(Given::into_secret),
            link_expiration: link_expiration?,
            user_agent: user_agent?,
            unbound_links: unbound_links?,
        })
    }

    /// Whether all is set that a mount with `download = "proxy_url"` needs.
    pub(super) fn has_proxy(&self) -> bool {
        self.proxy_url.is_some() && self.proxy_token.is_some()
    }

    pub(super) fn describe(&self, page: &mut Page) {
        page.table("[download]");
        match &self.proxy_url {
            Some(url) => page.text("proxy_url", url),
            None => page.comment("no proxy_url"),
        }
        match &self.proxy_token {
            Some(_) => page.secret("proxy_token"),
            None => page.comment("no proxy_token"),
        }
        page.duration("link_expiration", self.link_expiration);
        page.text("user_agent", &self.user_agent);
        page.plain("unbound_links", self.unbound_links);
    }
}

/// What clients are told of used and free space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Whether they are told at all.
    pub report: bool,
    /// How long the numbers are used before they are asked for again.
    pub ttl: Duration,
}

impl Quota {
    pub(super) fn read(table: &mut Table<'_>) -> Read<Self> {
        let report = table.required("report", switch);
        let ttl = table.required("ttl", duration);
        Ok(Self { report: report?, ttl: ttl? })
    }

    pub(super) fn describe(&self, page: &mut Page) {
        page.table("[quota]");
        page.plain("report", self.report);
        page.duration("ttl", self.ttl);
    }
}

fn user_agent(value: &Value) -> Result<String, Refusal> {
    let expected = "a User-Agent of printable ASCII characters";
    let text = text_of(value, expected)?;
    let is_printable = text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    if is_printable && text.trim() == text { Ok(text.to_owned()) } else { Err(Refusal::new(expected)) }
}

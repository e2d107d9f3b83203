//! The signature of a request to the object storage, in its first version.
//!
//! **Source**: protocol notes, writing part, §2.6.1.

use crate::crypto::digest::hmac_sha1_base64;

/// What is signed of a request.
pub(super) struct Signed<'a> {
    pub(super) method: &'a str,
    pub(super) md5: &'a str,
    pub(super) content_type: &'a str,
    pub(super) date: &'a str,
    /// Those that begin with `x-oss-`, in lower case.
    pub(super) headers: &'a [(&'static str, String)],
    pub(super) bucket: &'a str,
    pub(super) object: &'a str,
    /// Only those that count for the signature.
    pub(super) query: &'a [(&'static str, Option<String>)],
}

impl Signed<'_> {
    fn text(&self) -> String {
        let mut headers: Vec<_> = self.headers.iter().collect();
        headers.sort_unstable();
        let headers: Vec<String> = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        let headers = headers.concat();
        let mut query: Vec<_> = self.query.iter().collect();
        query.sort_unstable();
        let query: Vec<String> = query
            .iter()
            .map(|(name, value)| match value {
                Some(value) => format!("{name}={value}"),
                None => (*name).to_owned(),
            })
            .collect();
        let mark = if query.is_empty() { "" } else { "?" };
        format!(
            "{}\n{}\n{}\n{}\n{headers}/{}/{}{mark}{}",
            self.method,
            self.md5,
            self.content_type,
            self.date,
            self.bucket,
            self.object,
            query.join("&")
        )
    }

    /// The signature, for the header `Authorization`.
    pub(super) fn signature(&self, secret: &str) -> String {
        hmac_sha1_base64(secret, &self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: (&str, &str) = ("x-oss-security-token", "TOKEN");
    const CALLBACK: [(&str, &str); 3] = [("x-oss-callback-var", "Y3Y="), TOKEN, ("x-oss-callback", "Y2I=")];

    #[track_caller]
    fn check(
        method: &str,
        content_type: &str,
        headers: &[(&'static str, &str)],
        query: &[(&'static str, Option<&str>)],
        expected: &str,
    ) {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let query: Vec<_> = query.iter().map(|(name, value)| (*name, value.map(str::to_owned))).collect();
        let signed = Signed {
            method,
            md5: "",
            content_type,
            date: "Fri, 24 Nov 2023 00:00:00 GMT",
            headers: &headers,
            bucket: "fhnfile",
            object: "OBJ",
            query: &query,
        };
        assert_eq!(signed.signature("secretkey"), expected, "{}", signed.text());
    }

    /// Vectors of the protocol notes, writing part, Appendix C.
    #[test]
    fn signatures_are_the_known_ones() {
        check("PUT", "", &CALLBACK, &[], "gwaGGrK90oNnxQG6n6YZJBJkCrk=");
        check(
            "POST",
            "",
            &[TOKEN],
            &[("uploads", Some("1")), ("sequential", Some("1"))],
            "3gRVNBhdJtU7gz+98q27eab3HQQ=",
        );
        check(
            "POST",
            "",
            &[TOKEN],
            &[("uploads", None), ("sequential", None)],
            "ybrgjJknKSeX9JU+CIqEsm+U8LQ=",
        );
        let part = [("uploadId", Some("UP1")), ("partNumber", Some("1"))];
        check("PUT", "", &[TOKEN], &part, "DJpe8qrL2lpAkg3nx/epZnir8to=");
        check("POST", "text/xml", &CALLBACK, &[("uploadId", Some("UP1"))], "YLMkl2/VzG9CQOLG+JTh1rbu2s4=");
        check("GET", "", &[TOKEN], &[("uploadId", Some("UP1"))], "D63E+/elOIJDZ0a7jcv2BtNlazk=");
    }
}

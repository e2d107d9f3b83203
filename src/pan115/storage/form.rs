//! A form with an empty file at its end, as a browser would send it.

use bytes::Bytes;
use http::Method;
use http::header::CONTENT_TYPE;

use super::{Finished, LABEL, PATIENCE, answer, sort};
use crate::model::UploadTarget;
use crate::pan115::{Client, ErrorKind, Pan115Error};

/// A `multipart/form-data` body that is being written.
pub(in crate::pan115) struct Multipart {
    boundary: String,
    body: String,
}

impl Multipart {
    pub(in crate::pan115) fn new() -> Self {
        Self { boundary: format!("dav115-{:032x}", rand::random::<u128>()), body: String::new() }
    }

    /// Adds a field. `None` if its value would end the form.
    pub(in crate::pan115) fn field(&mut self, name: &str, value: &str) -> Option<()> {
        if value.contains(&self.boundary) {
            return None;
        }
        let boundary = &self.boundary;
        let head = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
        self.body.extend([&*head, value, "\r\n"]);
        Some(())
    }

    fn finish(&self) -> Bytes {
        let boundary = &self.boundary;
        format!(
            "{}--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"file\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n\r\n--{boundary}--\r\n",
            self.body
        )
        .into()
    }
}

impl Client {
    /// Sends `form`, with an empty file, to `domain`. It is not repeated: that could make two files.
    pub(in crate::pan115) async fn post_form(
        &self,
        domain: &str,
        form: &Multipart,
        target: &UploadTarget,
    ) -> Result<Finished, Pan115Error> {
        let request = http::Request::builder()
            .method(Method::POST)
            .uri(self.endpoints.url_at(domain, "/"))
            .header(CONTENT_TYPE, format!("multipart/form-data; boundary={}", form.boundary))
            .body(form.finish())
            .map_err(|_| Pan115Error::new(LABEL, ErrorKind::Corrupt, "115's storage has no such place"))?;
        let answer = self.http.store(request, PATIENCE).await.map_err(|error| {
            let message = format!("cannot reach 115's storage: {error} ({})", error.detail);
            Pan115Error::new(LABEL, ErrorKind::Transport(error.kind), message)
        })?;
        sort(&answer).map_err(|fault| fault.error)?;
        answer::finished(&answer.body, target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_comes_last_and_is_empty() {
        let mut form = Multipart::new();
        form.field("key", "a b").unwrap();
        let body = form.finish();
        let body = std::str::from_utf8(&body).unwrap();
        let parts: Vec<&str> = body.split(&format!("--{}", form.boundary)).collect();
        assert!(parts[1].ends_with("name=\"key\"\r\n\r\na b\r\n"));
        assert!(parts[2].contains("name=\"file\"") && parts[2].ends_with("\r\n\r\n\r\n"));
        assert_eq!(parts[3], "--\r\n");
        let boundary = form.boundary.clone();
        assert_eq!(form.field("key", &boundary), None);
    }
}

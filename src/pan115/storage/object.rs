//! The steps of an upload to the object storage, each of which may be taken again.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Method;
use http::header::ETAG;

use super::{Ask, BACKOFF, Fault, Finished, LABEL, Part, RETRIES, Reason, answer, is_plain};
use crate::model::{Meter, UploadSession, UploadTarget};
use crate::pan115::api::info::Wanted;
use crate::pan115::{Client, ErrorKind, Pan115Error};
use crate::transport::{Answer, Step, retry};

impl Client {
    /// Sends the whole file at once, and makes it a file of 115.
    ///
    /// **Cost**: one request to the storage. If its answer is lost, 115 is asked whether there is a file before it is sent again.
    /// **Source**: protocol notes, writing part, §2.6.2.
    pub async fn put_object(
        &self,
        meter: &Meter,
        target: &UploadTarget,
        session: &UploadSession,
        content: &Bytes,
    ) -> Result<Finished, Pan115Error> {
        self.finish(meter, target, session, || Ask {
            headers: callback(session),
            body: content.clone(),
            ..Ask::new(Method::PUT, session)
        })
        .await
    }

    /// Begins an upload in parts, and returns its id.
    ///
    /// Without `sequential` the storage would not know the hash of the whole in the end, and 115 would refuse it.
    ///
    /// **Cost**: one request to the storage.
    /// **Source**: protocol notes, writing part, §2.6.3.
    pub async fn begin_parts(&self, meter: &Meter, session: &UploadSession) -> Result<String, Pan115Error> {
        let query = vec![("sequential", None), ("uploads", None), ("x-oss-enable-sha1", None)];
        let ask = Ask { query, ..Ask::new(Method::POST, session) };
        let answer = self.ask_again(meter, &ask).await.map_err(|fault| fault.error)?;
        let id = answer::text(&answer.body, "UploadId").filter(|id| is_plain(id, "-_."));
        id.ok_or_else(|| corrupt("did not say which upload it has begun"))
    }

    /// Which parts of the multipart upload `id` are there, or `None` if the storage does not know it (any more).
    ///
    /// **Cost**: one request to the storage for each 1000 parts.
    /// **Source**: protocol notes, writing part, §2.6.4.
    pub async fn parts(
        &self,
        meter: &Meter,
        session: &UploadSession,
        id: &str,
    ) -> Result<Option<Vec<Part>>, Pan115Error> {
        let mut parts = Vec::new();
        let mut marker = 0;
        loop {
            let ask = Ask {
                query: upload_id(id)?,
                unsigned: format!("max-parts=1000&part-number-marker={marker}"),
                ..Ask::new(Method::GET, session)
            };
            let answer = match self.ask_again(meter, &ask).await {
                Ok(answer) => answer,
                Err(fault) if fault.reason == Reason::NoSuchUpload => return Ok(None),
                Err(fault) => return Err(fault.error),
            };
            let (page, next) =
                answer::parts(&answer.body).ok_or_else(|| corrupt("gave a list of parts that is none"))?;
            parts.extend(page);
            match next {
                Some(next) if next > marker => marker = next,
                Some(_) => return Err(corrupt("gives the same list of parts again and again")),
                None => return Ok(Some(parts)),
            }
        }
    }

    /// Sends one part.
    ///
    /// **Cost**: one request to the storage. If its answer is lost, the storage is asked what it has before it is sent again.
    pub async fn put_part(
        &self,
        meter: &Meter,
        session: &UploadSession,
        id: &str,
        number: u32,
        content: &Bytes,
    ) -> Result<Part, Pan115Error> {
        let mut query = upload_id(id)?;
        query.push(("partNumber", Some(number.to_string())));
        let ask = Ask { query, body: content.clone(), ..Ask::new(Method::PUT, session) };
        let size = content.len() as u64;
        let (ask, is_lost) = (&ask, &parking_lot::Mutex::new(false));
        retry(RETRIES, BACKOFF, |_| async move {
            if std::mem::take(&mut *is_lost.lock()) {
                match self.parts(meter, session, id).await {
                    Ok(parts) => {
                        let same = |part: &Part| part.number == number && part.size == size;
                        if let Some(part) = parts.into_iter().flatten().find(same) {
                            return Step::Done(part);
                        }
                    }
                    Err(error) => return Step::Fail(error),
                }
            }
            match self.ask_storage(meter, ask).await {
                Ok(answer) => match answer.headers.get(ETAG).and_then(|etag| etag.to_str().ok()) {
                    Some(etag) => Step::Done(Part { number, etag: etag.to_owned(), size }),
                    None => Step::Fail(corrupt("did not say what it calls a part")),
                },
                Err(fault) => {
                    *is_lost.lock() = fault.reason == Reason::Lost;
                    fault.into_step()
                }
            }
        })
        .await
    }

    /// Puts the parts together, and makes the whole a file of 115.
    ///
    /// **Cost**: one request to the storage. If its answer is lost, 115 is asked whether there is a file before it is sent again.
    /// **Source**: protocol notes, writing part, §2.6.3.
    pub async fn complete(
        &self,
        meter: &Meter,
        target: &UploadTarget,
        session: &UploadSession,
        id: &str,
        parts: &[Part],
    ) -> Result<Finished, Pan115Error> {
        let query = upload_id(id)?;
        let entries = parts.iter().map(|Part { number, etag, .. }| {
            let etag = quick_xml::escape::escape(etag.as_str());
            format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>")
        });
        let entries: Vec<String> = entries.collect();
        let list = format!("<CompleteMultipartUpload>{}</CompleteMultipartUpload>", entries.concat());
        let list = Bytes::from(list);
        self.finish(meter, target, session, || Ask {
            query: query.clone(),
            headers: callback(session),
            content_type: "text/xml",
            body: list.clone(),
            ..Ask::new(Method::POST, session)
        })
        .await
    }

    /// Gives up a multipart upload. One that is not there (any more) is given up already.
    ///
    /// **Cost**: one request to the storage.
    pub async fn abort_parts(
        &self,
        meter: &Meter,
        session: &UploadSession,
        id: &str,
    ) -> Result<(), Pan115Error> {
        let ask = Ask { query: upload_id(id)?, ..Ask::new(Method::DELETE, session) };
        match self.ask_again(meter, &ask).await {
            Err(fault) if fault.reason != Reason::NoSuchUpload => Err(fault.error),
            _ => Ok(()),
        }
    }

    /// The file that has come of `session`, if one has.
    ///
    /// **Cost**: one call.
    pub async fn upload_outcome(
        &self,
        meter: &Meter,
        target: &UploadTarget,
        session: &UploadSession,
    ) -> Result<Option<Finished>, Pan115Error> {
        match self.info(meter, Wanted::PickCode(&session.pick_code)).await {
            Ok(found) if found.node.sha1 == Some(target.sha1) && found.node.size == target.size => {
                Ok(Some(Finished { id: found.node.id, pick_code: found.node.pick_code }))
            }
            Ok(_) => Ok(None),
            Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A request that changes nothing when it is repeated.
    async fn ask_again(&self, meter: &Meter, ask: &Ask<'_>) -> Result<Answer, Fault> {
        // The sort of the last failure has to survive the retries.
        let last = &parking_lot::Mutex::new(Reason::Refused);
        let outcome = retry(RETRIES, BACKOFF, |_| async move {
            match self.ask_storage(meter, ask).await {
                Ok(answer) => Step::Done(answer),
                Err(fault) => {
                    *last.lock() = fault.reason;
                    fault.into_step()
                }
            }
        });
        outcome.await.map_err(|error| Fault { reason: *last.lock(), error })
    }

    /// A request that makes a file, if it gets there. Whether it did is found out before it is repeated.
    async fn finish<'a>(
        &self,
        meter: &Meter,
        target: &UploadTarget,
        session: &UploadSession,
        ask: impl Fn() -> Ask<'a> + Send + Sync,
    ) -> Result<Finished, Pan115Error> {
        let (ask, is_lost) = (&ask, &parking_lot::Mutex::new(false));
        retry(RETRIES, BACKOFF, |_| async move {
            if std::mem::take(&mut *is_lost.lock()) {
                match self.upload_outcome(meter, target, session).await {
                    Ok(Some(finished)) => return Step::Done(finished),
                    Ok(None) => {}
                    Err(error) => return Step::Fail(error),
                }
            }
            let fault = match self.ask_storage(meter, &ask()).await {
                Ok(answer) => return settled(answer::finished(&answer.body, target)),
                Err(fault) => fault,
            };
            match fault.reason {
                // Perhaps an attempt before this one has come to its end.
                Reason::NoSuchUpload | Reason::NotCalledBack => {
                    match self.upload_outcome(meter, target, session).await {
                        Ok(Some(finished)) => Step::Done(finished),
                        Ok(None) => Step::Fail(fault.error),
                        Err(error) => Step::Fail(error),
                    }
                }
                reason => {
                    *is_lost.lock() = reason == Reason::Lost;
                    fault.into_step()
                }
            }
        })
        .await
    }
}

fn settled<T>(outcome: Result<T, Pan115Error>) -> Step<T, Pan115Error> {
    match outcome {
        Ok(value) => Step::Done(value),
        Err(error) => Step::Fail(error),
    }
}

/// What the storage is to tell 115 at the end, byte for byte as 115 gave it.
fn callback(session: &UploadSession) -> Vec<(&'static str, String)> {
    vec![
        ("x-oss-callback", STANDARD.encode(&session.callback)),
        ("x-oss-callback-var", STANDARD.encode(&session.callback_var)),
    ]
}

fn upload_id(id: &str) -> Result<Vec<(&'static str, Option<String>)>, Pan115Error> {
    // One that was written down may have been damaged since.
    if is_plain(id, "-_.") {
        Ok(vec![("uploadId", Some(id.to_owned()))])
    } else {
        Err(corrupt("cannot be asked about an upload without a good id"))
    }
}

fn corrupt(what: &str) -> Pan115Error {
    Pan115Error::new(LABEL, ErrorKind::Corrupt, format!("115's storage {what}"))
}

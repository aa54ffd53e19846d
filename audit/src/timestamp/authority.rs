//! A timestamp authority, asked over HTTP (RFC 3161, 3.4).

use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Url};

use super::{TimestampError, TimestampRequest};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Above any honest answer: a token with its chain of certificates.
const MAX_ANSWER: usize = 64 << 10;

/// Where timestamps are to be had.
#[derive(Debug, Clone)]
pub struct Authority {
    url: Url,
    client: Client,
}

/// Why there is no timestamp. Ask again later; if it stays so, the setting is wrong.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// It cannot be reached, or is too slow.
    #[error("the timestamp authority {url} cannot be reached: {reason}")]
    Unreachable {
        /// Which.
        url: Url,
        /// What the network says.
        reason: String,
    },
    /// It answers, but not with a timestamp of what it was sent.
    #[error("the timestamp authority {url} does not answer as RFC 3161 says: {reason}")]
    Answer {
        /// Which.
        url: Url,
        /// What is wrong with the answer.
        reason: String,
    },
}

impl Authority {
    /// The authority at `url`, asked through `client`.
    #[must_use]
    pub fn new(url: Url, client: Client) -> Self {
        Self { url, client }
    }

    /// A `TimeStampResp` over `bytes`: of these bytes, signed, and the answer to our request.
    /// Whether the signer is to be trusted is for those who verify it.
    ///
    /// # Errors
    /// [`AuthorityError`].
    pub async fn stamp(&self, bytes: &[u8]) -> Result<Vec<u8>, AuthorityError> {
        let request = TimestampRequest::new(bytes);
        let asked = tokio::time::timeout(PATIENCE, self.ask(request.to_der())).await;
        let answer = asked.unwrap_or_else(|_| {
            let reason = format!("no answer within {} s", PATIENCE.as_secs());
            Err(self.unreachable(reason))
        })?;
        request
            .check(&answer)
            .map_err(|e: TimestampError| self.wrong(e.to_string()))?;
        Ok(answer)
    }

    async fn ask(&self, request: Vec<u8>) -> Result<Vec<u8>, AuthorityError> {
        let asked = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/timestamp-query")
            .body(request);
        let mut answer = asked
            .send()
            .await
            .map_err(|e| self.unreachable(reason(&e)))?;
        if !answer.status().is_success() {
            return Err(self.wrong(format!("status {}", answer.status())));
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer
            .chunk()
            .await
            .map_err(|e| self.unreachable(reason(&e)))?
        {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_ANSWER {
                return Err(self.wrong(format!("more than {MAX_ANSWER} bytes")));
            }
        }
        Ok(body)
    }

    fn unreachable(&self, reason: String) -> AuthorityError {
        let url = self.url.clone();
        AuthorityError::Unreachable { url, reason }
    }

    fn wrong(&self, reason: String) -> AuthorityError {
        let url = self.url.clone();
        AuthorityError::Answer { url, reason }
    }
}

/// An error with its causes: the library's own text leaves out what happened.
pub(crate) fn reason(error: &reqwest::Error) -> String {
    use std::error::Error;
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        told = format!("{told}: {next}");
        cause = next.source();
    }
    told
}

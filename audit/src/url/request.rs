//! One request, and what to do when it fails.

use std::io::Read;
use std::thread::sleep;
use std::time::Duration;

use reqwest::blocking::{Client, RequestBuilder, Response};
use reqwest::header::RETRY_AFTER;
use reqwest::{StatusCode, Url, redirect};
use sealrock_ledger::verify::SourceError;

use crate::directory::refused;

/// Waits between the attempts of a request that fails for a reason which may pass.
const WAITS: [Duration; 5] = [
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(3),
    Duration::from_secs(5),
];

/// What a server answered, its body unpacked and whole.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Vec<u8>,
}

pub(super) fn client() -> reqwest::Result<Client> {
    Client::builder()
        .user_agent(concat!("sealrock/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(Duration::from_secs(10))
        .timeout(Duration::from_mins(5))
        .redirect(redirect::Policy::limited(3))
        .build()
}

/// The file at `url`, of at most `most` bytes.
pub(super) fn get(
    client: &Client,
    url: &Url,
    token: Option<&str>,
    most: u64,
) -> Result<Answer, SourceError> {
    let request = || {
        let request = client.get(url.clone());
        match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    };
    send(url, &request, most)
}

/// Sends a request that may be sent again.
pub(super) fn send(
    url: &Url,
    request: &dyn Fn() -> RequestBuilder,
    most: u64,
) -> Result<Answer, SourceError> {
    let mut waits = WAITS.iter();
    loop {
        let failure = match request().send() {
            Ok(response) if !may_pass(&response) => match answer(response, most) {
                Ok(Some(answer)) => return Ok(answer),
                Ok(None) => {
                    let reason = format!("the server sends more than {most} bytes");
                    return Err(refused(url.as_str(), &reason));
                }
                Err(error) => error.to_string(),
            },
            Ok(response) => format!("the server says {}", response.status()),
            Err(error) => reason(&error),
        };
        match waits.next() {
            Some(wait) => sleep(*wait),
            None => return Err(refused(url.as_str(), &failure)),
        }
    }
}

/// Whether it may be answered otherwise within the waits.
fn may_pass(response: &Response) -> bool {
    let status = response.status();
    let told = response.headers().get(RETRY_AFTER);
    let told = told.and_then(|told| told.to_str().ok()?.parse().ok());
    let waited: Duration = WAITS.iter().sum();
    let soon = told.is_none_or(|seconds| Duration::from_secs(seconds) <= waited);
    status.is_server_error()
        || status == StatusCode::REQUEST_TIMEOUT
        || (status == StatusCode::TOO_MANY_REQUESTS && soon)
}

/// `None` if the body is larger than that, however small it was packed.
fn answer(response: Response, most: u64) -> std::io::Result<Option<Answer>> {
    let status = response.status();
    let mut body = Vec::new();
    response.take(most + 1).read_to_end(&mut body)?;
    Ok((body.len() as u64 <= most).then_some(Answer { status, body }))
}

/// An error with what it came from; the outermost says only which URL.
pub(super) fn reason(error: &reqwest::Error) -> String {
    let mut causes: Vec<String> = Vec::new();
    let mut next: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    causes.pop().unwrap_or_else(|| error.to_string())
}

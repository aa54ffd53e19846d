//! One question to one witness: C2SP tlog-witness, `add-checkpoint`.

use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Response, StatusCode, Url};
use sealrock_ledger::{AddCheckpoint, Origin, latest_cosigned};
use sha2::{Digest, Sha256};

use crate::timestamp::reason;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// Above any honest answer.
const MAX_ANSWER: usize = 64 << 10;

/// A witness, to be asked.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    name: String,
    url: Url,
    http: reqwest::Client,
}

/// A checkpoint to cosign.
pub(crate) type Question = AddCheckpoint;

/// Why there is no cosignature.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskError {
    /// It does not answer, or not now: ask again later.
    #[error("it cannot be asked now: {0}")]
    Away(String),
    /// It does not know this ledger or this key: a person must arrange it with its operator.
    #[error(
        "it does not take this ledger's checkpoints ({0}): give its operator the ledger's origin \
         and key, which its `policy` file holds"
    )]
    Unknown(String),
    /// It has cosigned another tree size than the question begins with.
    #[error("it has cosigned {0} entries")]
    Has(u64),
    /// It says that this checkpoint does not continue the one that it cosigned.
    #[error("it refuses the checkpoint as no continuation of the one that it cosigned: {0}")]
    Refuses(String),
}

impl Client {
    pub(crate) fn new(name: &str, url: &Url, http: reqwest::Client) -> Self {
        let mut url = url.clone();
        if !url.path().ends_with('/') {
            let folder = format!("{}/", url.path());
            url.set_path(&folder);
        }
        Self {
            name: name.to_owned(),
            url,
            http,
        }
    }

    /// What it is called in the policy.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The signature lines that it answers; whether they are good is not checked here.
    pub(crate) async fn ask(&self, question: &Question) -> Result<String, AskError> {
        let asked = self.post("add-checkpoint", question.to_string());
        let (status, kind, body) = within(asked).await?;
        let told = || {
            format!(
                "{status}: {}",
                body.trim().chars().take(200).collect::<String>()
            )
        };
        match status {
            StatusCode::OK => Ok(body),
            StatusCode::CONFLICT if kind.starts_with("text/x.tlog.size") => {
                let size = latest_cosigned(&body).map_err(|e| AskError::Away(e.to_string()))?;
                Err(AskError::Has(size))
            }
            StatusCode::UNPROCESSABLE_ENTITY => Err(AskError::Refuses(told())),
            StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => Err(AskError::Unknown(told())),
            _ => Err(AskError::Away(told())),
        }
    }

    /// The newest checkpoint of a ledger that it has cosigned, where it shows that.
    pub(crate) async fn shown(&self, ledger: &Origin) -> Option<String> {
        let path = format!(
            "{}/checkpoint",
            hex::encode(Sha256::digest(ledger.as_str()))
        );
        let (status, _, body) = within(self.get(&path)).await.ok()?;
        (status == StatusCode::OK).then_some(body)
    }

    async fn post(&self, path: &str, body: String) -> Result<Answer, AskError> {
        let request = self.http.post(self.at(path)?).body(body);
        read(request.header(CONTENT_TYPE, "text/plain; charset=utf-8")).await
    }

    async fn get(&self, path: &str) -> Result<Answer, AskError> {
        read(self.http.get(self.at(path)?)).await
    }

    fn at(&self, path: &str) -> Result<Url, AskError> {
        self.url
            .join(path)
            .map_err(|e| AskError::Away(e.to_string()))
    }
}

/// Status, media type and text.
type Answer = (StatusCode, String, String);

async fn within(asked: impl Future<Output = Result<Answer, AskError>>) -> Result<Answer, AskError> {
    tokio::time::timeout(PATIENCE, asked)
        .await
        .unwrap_or_else(|_| {
            let seconds = PATIENCE.as_secs();
            Err(AskError::Away(format!("no answer within {seconds} s")))
        })
}

async fn read(request: reqwest::RequestBuilder) -> Result<Answer, AskError> {
    let away = |e: reqwest::Error| AskError::Away(reason(&e));
    let mut answer = request.send().await.map_err(away)?;
    let (status, kind) = (answer.status(), media(&answer));
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(away)? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_ANSWER {
            return Err(AskError::Away(format!("more than {MAX_ANSWER} bytes")));
        }
    }
    let body = String::from_utf8(body).map_err(|e| AskError::Away(e.to_string()))?;
    Ok((status, kind, body))
}

fn media(answer: &Response) -> String {
    let kind = answer.headers().get(CONTENT_TYPE);
    kind.and_then(|kind| kind.to_str().ok())
        .unwrap_or_default()
        .to_owned()
}

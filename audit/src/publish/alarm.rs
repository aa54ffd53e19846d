//! A witness contradicts this database.

use std::path::{Path, PathBuf};

use chrono::{SecondsFormat, Utc};
use sealrock_eventstore::LedgerInfo;
use sealrock_ledger::LogVerifier;
use serde_json::json;

use super::{Inner, PublishError};
use crate::witness::{Client, Question};

/// What was asked and what the witness said to it.
pub(super) struct Contradiction<'a> {
    pub(super) ledger: &'a LedgerInfo,
    pub(super) client: &'a Client,
    pub(super) question: &'a Question,
    pub(super) reason: String,
}

/// Keeps what the witness says, beside what it was asked: where it shows the checkpoint that it
/// cosigned, that is signed by the ledger's own key, so the file proves what it says.
pub(super) async fn raise(publisher: &Inner, found: Contradiction<'_>) -> PublishError {
    let Contradiction {
        ledger,
        client,
        question,
        reason,
    } = found;
    let shown = client.shown(&ledger.origin).await;
    let reason = match &shown {
        Some(note) if is_signed(publisher, ledger, note).await => {
            stop_signing(publisher, ledger, client.name(), note, reason).await
        }
        _ => reason,
    };
    let now = Utc::now();
    let evidence = json!({
        "ledger": ledger.origin,
        "witness": client.name(),
        "at": now.to_rfc3339_opts(SecondsFormat::Micros, true),
        "reason": reason,
        "asked": question.to_string(),
        "cosigned": shown,
    });
    let name = format!("{}-{}.json", ledger.name, now.format("%Y%m%dT%H%M%S%3fZ"));
    let path = publisher.publishing.evidence.join(name);
    if let Err(error) = keep(&path, &format!("{evidence:#}\n")).await {
        // It goes into the log then, which is kept too.
        tracing::error!(%evidence, %error, path = %path.display(), "evidence cannot be written");
    }
    PublishError::Contradicted {
        ledger: ledger.name.to_string(),
        witness: client.name().to_owned(),
        reason,
        evidence: path,
    }
}

/// Whether a note is a checkpoint by the ledger's own keys.
async fn is_signed(publisher: &Inner, ledger: &LedgerInfo, note: &str) -> bool {
    let keys = publisher.store.keys(ledger.id).await.unwrap_or_default();
    LogVerifier::of(&keys).is_ok_and(|verifier| verifier.verify(note.as_bytes()).is_ok())
}

/// A signed checkpoint that is not stored here is proof, whoever shows it: then nothing more is
/// signed either. What a witness merely says stops publishing, and no more than that.
async fn stop_signing(
    publisher: &Inner,
    ledger: &LedgerInfo,
    witness: &str,
    note: &str,
    reason: String,
) -> String {
    let place = format!("witness {witness}");
    let held = publisher.store.require_not_behind(ledger, &place, note);
    match held.await {
        Ok(()) => reason,
        Err(error) => format!("{reason}; {error}"),
    }
}

async fn keep(path: &Path, text: &str) -> std::io::Result<()> {
    use tokio::io::AsyncWriteExt;
    let folder: PathBuf = path.parent().map(Path::to_owned).unwrap_or_default();
    tokio::fs::create_dir_all(&folder).await?;
    let mut file = tokio::fs::File::create_new(path).await?;
    file.write_all(text.as_bytes()).await?;
    file.sync_all().await
}

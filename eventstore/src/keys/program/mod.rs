//! Programs that sign, so that a key need not lie where Sealrock runs.

use std::collections::HashMap;
use std::fmt::Display;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use sealrock_ledger::{LogSigner, Origin, SignError, verify_statement};

use super::{KeyError, Signer};

/// How long a program may take for one line. The head row is locked meanwhile.
const PATIENCE: Duration = Duration::from_secs(5);

/// One program for one ledger, once it runs. Whoever starts it holds the lock meanwhile.
type Slot = Arc<Mutex<Option<Arc<ProgramSigner>>>>;

/// The configured programs, and those that run: one process for each program and ledger.
pub(super) struct Programs {
    commands: Vec<String>,
    patience: Duration,
    /// Locked for a look only: a program that starts slowly keeps nobody from another ledger.
    running: Mutex<HashMap<(String, Origin), Slot>>,
}

impl Programs {
    pub(super) fn new(commands: Vec<String>) -> Self {
        Self {
            commands,
            patience: PATIENCE,
            running: Mutex::default(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }

    /// Each program as a signer of this ledger; started where it does not run.
    pub(super) fn of(&self, origin: &Origin) -> impl Iterator<Item = Result<Signer, KeyError>> {
        let commands = self.commands.iter();
        commands.map(move |command| Ok(Signer::asked(self.started(command, origin)?)))
    }

    fn started(&self, command: &str, origin: &Origin) -> Result<Arc<ProgramSigner>, KeyError> {
        let of = (command.to_owned(), origin.clone());
        let slot = Arc::clone(lock(&self.running).entry(of).or_default());
        let mut running = lock(&slot);
        if let Some(signer) = running.as_ref() {
            return Ok(Arc::clone(signer));
        }
        let signer = Arc::new(ProgramSigner::start(command, origin, self.patience)?);
        *running = Some(Arc::clone(&signer));
        Ok(signer)
    }
}

/// A program that signs with a key of its own. It is run as `<command> <origin>`, writes its vkey on
/// a line, and then for each line of base64 text that it is given one line of the base64 signature.
///
/// One that ends, or does not answer in time, is started again when it is next needed.
struct ProgramSigner {
    command: String,
    origin: Origin,
    vkey: String,
    patience: Duration,
    conversation: Mutex<Option<Conversation>>,
}

impl ProgramSigner {
    fn start(command: &str, origin: &Origin, patience: Duration) -> Result<Self, KeyError> {
        let failed = |reason: String| KeyError::Program {
            program: command.to_owned(),
            reason,
        };
        let mut begun = Conversation::begin(command, origin).map_err(failed)?;
        let vkey = begun.line(patience).map_err(failed)?;
        // That it is a key at all, and this ledger's.
        sealrock_ledger::LogVerifier::new(&vkey)
            .map_err(|e| failed(format!("printed {vkey:?}, which is no vkey ({e})")))
            .and_then(|verifier| {
                let of = verifier.origin();
                let other = || failed(format!("printed a key of {of}, not of {origin}"));
                (of == *origin).then_some(()).ok_or_else(other)
            })?;
        Ok(Self {
            command: command.to_owned(),
            origin: origin.clone(),
            vkey,
            patience,
            conversation: Mutex::new(Some(begun)),
        })
    }

    /// Begins anew where the program ended or was ended.
    fn conversation(&self) -> Result<Conversation, String> {
        if let Some(running) = lock(&self.conversation).take() {
            return Ok(running);
        }
        let mut begun = Conversation::begin(&self.command, &self.origin)?;
        let vkey = begun.line(self.patience)?;
        if vkey == self.vkey {
            Ok(begun)
        } else {
            Err(format!("now has the key {vkey} instead of {}", self.vkey))
        }
    }

    fn ask(&self, text: &[u8]) -> Result<[u8; 64], String> {
        let mut conversation = self.conversation()?;
        conversation.say(&BASE64_STANDARD.encode(text))?;
        let answer = conversation.line(self.patience)?;
        let signature = BASE64_STANDARD.decode(&answer).ok();
        let signature = signature.and_then(|bytes| <[u8; 64]>::try_from(bytes).ok());
        let signature =
            signature.ok_or_else(|| format!("answered {answer:?}, which is no signature"))?;
        // A program whose answers do not verify is not asked again: it may be one line behind.
        verify_statement(&self.vkey, text, &signature)
            .map_err(|e| format!("answered with a wrong signature ({e}), which was not used"))?;
        *lock(&self.conversation) = Some(conversation);
        Ok(signature)
    }
}

impl LogSigner for ProgramSigner {
    fn vkey(&self) -> &str {
        &self.vkey
    }

    fn sign_text(&self, text: &[u8]) -> Result<[u8; 64], SignError> {
        self.ask(text).map_err(|reason| {
            let error = KeyError::Program {
                program: self.command.clone(),
                reason,
            };
            SignError::Unavailable {
                vkey: self.vkey.clone(),
                reason: error.to_string(),
            }
        })
    }
}

/// A running program. It ends with this value.
struct Conversation {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Conversation {
    fn begin(command: &str, origin: &Origin) -> Result<Self, String> {
        let mut words = command.split_whitespace();
        let program = words.next().ok_or("is empty")?;
        let mut child = Command::new(program)
            .args(words)
            .arg(origin.as_str())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Ctrl-C in a terminal is for Sealrock, which still has to sign what it has taken.
            .process_group(0)
            .spawn()
            .map_err(|e| format!("cannot be started: {e}"))?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().ok_or("has no standard output")?;
        let (send, lines) = channel();
        // Ends when the program closes its output, or nobody reads any more.
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if send.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Self {
            child,
            stdin,
            lines,
        })
    }

    fn say(&mut self, line: &str) -> Result<(), String> {
        let ended = |e: &dyn Display| format!("takes no more lines: {e}");
        let stdin = self.stdin.as_mut().ok_or_else(|| ended(&"closed"))?;
        stdin
            .write_all(format!("{line}\n").as_bytes())
            .and_then(|()| stdin.flush())
            .map_err(|e| ended(&e))
    }

    fn line(&mut self, patience: Duration) -> Result<String, String> {
        match self.lines.recv_timeout(patience) {
            Ok(line) => Ok(line.trim().to_owned()),
            Err(RecvTimeoutError::Timeout) => Err(format!(
                "did not answer within {} s and was ended",
                patience.as_secs_f32()
            )),
            Err(RecvTimeoutError::Disconnected) => Err(self.end()),
        }
    }

    /// How it ended. Its output closes a moment before it is gone.
    fn end(&mut self) -> String {
        for _ in 0..100 {
            if let Ok(Some(status)) = self.child.try_wait() {
                return format!("ended ({status})");
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        "closed its output and was ended".to_owned()
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        // It may be gone already; either way nothing of it may stay.
        drop(self.stdin.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lock<T>(of: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
pub(super) mod tests;

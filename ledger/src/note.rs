//! C2SP signed notes: a text and the signatures of any number of keys.

use std::fmt;

use signed_note::Signature;

use crate::checkpoint::CheckpointError;
use crate::vkey::VerifierKey;

/// Far above any note with 100 cosignatures.
const MAX_BYTES: usize = 100_000;
const MAX_SIGNATURES: usize = 100;

/// A note, its signatures not verified. Each note has one text form.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Note {
    /// The text, each of its lines ended by a newline.
    pub(crate) text: String,
    pub(crate) signatures: Vec<Signature>,
}

impl Note {
    pub(crate) fn parse(note: &[u8]) -> Result<Self, CheckpointError> {
        let malformed = |reason: &str| CheckpointError::Malformed(reason.to_owned());
        if note.len() > MAX_BYTES {
            return Err(malformed(&format!(
                "{} bytes are more than {MAX_BYTES}",
                note.len()
            )));
        }
        let note = std::str::from_utf8(note).map_err(|e| malformed(&e.to_string()))?;
        if note.contains(|c: char| c < ' ' && c != '\n') {
            return Err(malformed("it holds a control character"));
        }
        let (text, lines) = note
            .rsplit_once("\n\n")
            .ok_or_else(|| malformed("no empty line parts its text from signatures"))?;
        Ok(Self {
            text: format!("{text}\n"),
            signatures: signature_lines(lines)?,
        })
    }

    /// The checkpoint that its text is.
    pub(crate) fn checkpoint(&self) -> Result<tlog_tiles::Checkpoint, CheckpointError> {
        tlog_tiles::Checkpoint::from_bytes(self.text.as_bytes())
            .map_err(|e| CheckpointError::Malformed(e.to_string()))
    }

    /// Whether the note holds a signature of this key, one that verifies over what `message` makes
    /// of its text.
    ///
    /// A signature under the key's name and id that does not verify spoils the note, as C2SP asks.
    pub(crate) fn signed_by<'n>(
        &'n self,
        key: &VerifierKey,
        verifies: impl Fn(&'n [u8]) -> bool,
    ) -> Result<Option<&'n Signature>, CheckpointError> {
        let mut found = None;
        for line in self.signatures.iter().filter(|line| is_of(line, key)) {
            if !verifies(line.signature()) {
                return Err(CheckpointError::Signature(format!(
                    "the one of {}+{:08x} is wrong",
                    key.name, key.id
                )));
            }
            found = Some(line);
        }
        Ok(found)
    }
}

/// Whether a signature line claims to be by this key.
pub(crate) fn is_of(line: &Signature, key: &VerifierKey) -> bool {
    line.name() == key.name && line.id() == key.id
}

/// Reads one or more signature lines.
pub(crate) fn signature_lines(lines: &str) -> Result<Vec<Signature>, CheckpointError> {
    let malformed = |line: &str| CheckpointError::Malformed(format!("no signature line: {line:?}"));
    let lines = lines.strip_suffix('\n').ok_or_else(|| malformed(lines))?;
    let signatures: Vec<Signature> = lines
        .split('\n')
        .map(|line| Signature::from_bytes(line.as_bytes()).map_err(|_| malformed(line)))
        .collect::<Result<_, _>>()?;
    if signatures.len() > MAX_SIGNATURES {
        return Err(CheckpointError::Malformed(format!(
            "{} signatures are more than {MAX_SIGNATURES}",
            signatures.len()
        )));
    }
    Ok(signatures)
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        for signature in &self.signatures {
            f.write_str(&String::from_utf8_lossy(&signature.to_bytes()))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vkey::KeyType;

    /// From c2sp.org/signed-note, "Example".
    const NOTE: &str = "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";
    const VKEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";

    fn example() -> VerifierKey {
        VerifierKey::parse(VKEY, KeyType::Log).expect("the specification's")
    }

    #[test]
    fn the_note_of_the_specification_verifies() {
        let note = Note::parse(NOTE.as_bytes()).expect("a note");
        assert_eq!(note.to_string(), NOTE);
        let (key, text) = (example(), note.text.as_bytes());
        let signed = note.signed_by(&key, |signature| key.made(signature, text));
        assert!(signed.expect("a right signature").is_some());
        let wrong = note.signed_by(&key, |signature| key.made(signature, b"another text"));
        assert!(matches!(wrong, Err(CheckpointError::Signature(_))));
    }

    #[test]
    fn the_text_may_hold_empty_lines() {
        let note = NOTE.replace("example message.\n", "\n\nexample message.\n");
        assert_eq!(
            Note::parse(note.as_bytes()).expect("a note").text,
            "This is an \n\nexample message.\n"
        );
    }

    /// The refusals that golang.org/x/mod/sumdb/note tests.
    #[test]
    fn what_is_no_note_is_refused() {
        for bad in [
            String::new(),
            "\n".into(),
            NOTE.replace("\n\n", "\n"),
            NOTE.trim_end().to_owned(),
            format!("{NOTE}\n"),
            format!("{NOTE}more\n"),
            NOTE.replace('—', "-"),
            NOTE.replace("— ", "—"),
            NOTE.replace("foo Uw2Q", "fooUw2Q"),
            NOTE.replace("foo Uw2Q", "foo  Uw2Q"),
            NOTE.replace("/foo", "/f+o"),
            NOTE.replace("This", "Th\tis"),
            NOTE.replace("aQM=", "aQN="),
            NOTE.replace("aQM=", "aQM"),
            "text\n\n— example.com/foo Uw2QOg==\n".into(),
            format!("text\n\n{}", "— a Uw2QOkn8srV1yJGh\n".repeat(101)),
            format!("{}\n\n— a Uw2QOkn8srV1yJGh\n", "a".repeat(MAX_BYTES)),
        ] {
            assert!(Note::parse(bad.as_bytes()).is_err(), "{bad:?}");
        }
        assert!(Note::parse(b"\xff\n\n\xe2\x80\x94 a Uw2QOkn8srV1yJGh\n").is_err());
    }
}

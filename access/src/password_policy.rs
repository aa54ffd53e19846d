//! Which passwords will do.

use zxcvbn::{Score, zxcvbn};

use crate::Password;

const SHORTEST: usize = 12;
/// Long enough for any phrase, short enough that hashing it costs nothing.
const LONGEST: usize = 1024;

/// A new password that will not do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordRefused {
    /// Too short or too long.
    #[error("a password needs 12 to 1024 characters; a phrase of four words is a good one")]
    Length,
    /// The same as before.
    #[error("the new password must differ from the old one")]
    Unchanged,
    /// Somebody would guess it: why, and what would be better.
    #[error("this password is too easy to guess. {0}")]
    Guessable(String),
}

impl Password {
    /// Whether it will do as a new password of somebody of whom these words are known: names, which
    /// whoever guesses tries first. Takes some milliseconds.
    pub(crate) fn will_do(&self, known: &[&str]) -> Result<(), PasswordRefused> {
        let text = self.reveal();
        if !(SHORTEST..=LONGEST).contains(&text.chars().count()) {
            return Err(PasswordRefused::Length);
        }
        let words: Vec<String> = known.iter().flat_map(|name| words(name)).collect();
        let words: Vec<&str> = words
            .iter()
            .map(String::as_str)
            .chain(["sealrock"])
            .collect();
        let guessed = zxcvbn(text, &words);
        if guessed.score() >= Score::Three {
            return Ok(());
        }
        let said = guessed.feedback().map(|feedback| {
            let warning = feedback.warning().map(|warning| warning.to_string());
            let better = feedback.suggestions().iter().map(ToString::to_string);
            warning
                .into_iter()
                .chain(better)
                .collect::<Vec<_>>()
                .join(" ")
        });
        let said = said.filter(|said| !said.is_empty());
        let default = "Add another word or two; uncommon ones are better.";
        Err(PasswordRefused::Guessable(
            said.unwrap_or_else(|| default.to_owned()),
        ))
    }
}

/// A name as it is, its parts, and both without what parts them: of a mail address also the name
/// before the `@`.
fn words(name: &str) -> Vec<String> {
    const BETWEEN: [char; 5] = ['.', '_', '@', '+', '-'];
    let local = name.split('@').next().unwrap_or(name);
    let joined = [name, local].map(|text| text.replace(BETWEEN, ""));
    let parts = name.split(BETWEEN).map(str::to_owned);
    let all = parts.chain(joined).chain([name.to_owned()]);
    all.filter(|word| word.len() > 2).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> Option<PasswordRefused> {
        let known = ["ada.lovelace@northsea.example", "northsea"];
        Password::new(text).will_do(&known).err()
    }

    #[test]
    fn a_phrase_of_uncommon_words_will_do_and_what_is_short_or_endless_will_not() {
        assert_eq!(refused("correct horse battery"), None);
        assert_eq!(refused("quilt marzipan otter"), None);
        assert_eq!(refused("k9#Vt2!mQz7&"), None);
        assert_eq!(refused("k9#Vt2!mQz7"), Some(PasswordRefused::Length));
        assert_eq!(refused(&"x".repeat(1025)), Some(PasswordRefused::Length));
        assert_eq!(refused(&Password::random().reveal().repeat(42)), None);
    }

    #[test]
    fn what_is_guessed_first_is_refused_with_a_reason_and_a_way_out() {
        for weak in [
            "password1234",
            "qwertyuiop12",
            "aaaaaaaaaaaaaaaa",
            "123456789012",
            "adalovelace1",
            "northsea2026",
            "sealrock1234",
            "Ada.Lovelace@northsea.example",
        ] {
            let refused = refused(weak);
            let Some(PasswordRefused::Guessable(said)) = refused else {
                panic!("{weak}: {refused:?}");
            };
            assert!(said.len() > 20, "{weak}: {said}");
            assert!(!said.contains(weak), "{said}");
        }
    }
}

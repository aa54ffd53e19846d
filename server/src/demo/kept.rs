//! What the demonstration keeps for its next start: secrets, in files for the owner only.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::{Map, Value};

/// Secrets by name.
pub struct Kept {
    path: PathBuf,
    secrets: Map<String, Value>,
}

impl Kept {
    /// What an earlier start left in this file of the data folder; empty at the first start.
    ///
    /// # Errors
    /// If the file is there and cannot be read as what was written.
    pub fn read(data: &Path, file: &str) -> anyhow::Result<Self> {
        let path = data.join(file);
        let secrets = match std::fs::read(&path) {
            Ok(kept) => serde_json::from_slice(&kept)
                .with_context(|| format!("{} is damaged: delete it", path.display()))?,
            Err(_) => Map::new(),
        };
        Ok(Self { path, secrets })
    }

    /// What is kept under this name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.secrets.get(name)
    }

    /// Keeps a secret, at once.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn keep(&mut self, name: String, secret: Value) -> anyhow::Result<()> {
        use std::io::Write;
        use std::os::unix::fs::OpenOptionsExt;
        self.secrets.insert(name, secret);
        let mut options = std::fs::OpenOptions::new();
        // Beside it and then in its place: whoever is killed here leaves one or the other.
        let beside = self.path.with_extension("new");
        let mut file = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&beside)?;
        file.write_all(&serde_json::to_vec_pretty(&self.secrets)?)?;
        file.sync_all()?;
        std::fs::rename(&beside, &self.path)?;
        Ok(())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed set-up is a failed test")]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_is_kept_is_there_at_the_next_start_and_for_the_owner_only() {
        let data = tempfile::tempdir().unwrap();
        let mut kept = Kept::read(data.path(), "kept.json").unwrap();
        assert_eq!(kept.get("a"), None);
        kept.keep("a".to_owned(), "1".into()).unwrap();
        kept.keep("b".to_owned(), "2".into()).unwrap();
        let again = Kept::read(data.path(), "kept.json").unwrap();
        assert_eq!(again.get("a"), Some(&Value::from("1")));
        let mode = data
            .path()
            .join("kept.json")
            .metadata()
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::write(data.path().join("kept.json"), "{").unwrap();
        assert!(Kept::read(data.path(), "kept.json").is_err());
    }
}

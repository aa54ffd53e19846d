//! Signed notes that others keep.

use std::path::Path;

use crate::error::AppendError;
use crate::history::Witnessed;

/// The checkpoint of an export's directory, or in a file.
pub(crate) fn copy_of(path: &Path) -> Result<Witnessed, AppendError> {
    let file = if path.is_dir() {
        path.join("checkpoint")
    } else {
        path.to_owned()
    };
    let place = file.display().to_string();
    match std::fs::read_to_string(&file) {
        Ok(note) => Ok(Witnessed { place, note }),
        Err(e) => Err(AppendError::Invalid(format!(
            "the copy {place} cannot be read ({e}): name an export's directory or a file with a \
             signed checkpoint"
        ))),
    }
}

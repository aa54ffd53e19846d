//! Every place where a commit can break, and what must be true afterwards.

use super::Writer;
use super::persist::Step;
use crate::error::AppendError;

/// Breaks the commit once, at this step.
pub(super) struct Fault(pub(super) std::cell::Cell<Option<Step>>);

impl Writer {
    pub(super) fn fault(&self, step: Step) -> Result<(), AppendError> {
        match &self.fault {
            Some(Fault(at)) if at.get() == Some(step) => {
                at.set(None);
                Err(AppendError::Unavailable("a fault of the test".into()))
            }
            _ => Ok(()),
        }
    }
}

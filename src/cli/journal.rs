//! The journal, read without a supervisor.

use super::{CliError, Session};
use tmuxagent_store::{Reader, StoreError};

/// Opens the database that this configuration names.
pub(super) fn reader(session: &Session) -> Result<Reader, CliError> {
    let database = session.load()?.paths.database;
    if !database.exists() {
        return Err(CliError::NotFound {
            text: format!("there is no database {}", database.display()),
            hint: "a supervisor makes it when it first runs: `tmuxagent` starts one, `tmuxagent demo` shows it at work"
                .to_owned(),
            candidates: Vec::new(),
        });
    }
    Reader::open(&database)
        .map_err(|error| CliError::user(format!("the database can't be read: {error}"), "see `tmuxagent db check`"))
}

/// What went wrong while it was read.
pub(super) fn unreadable(error: &StoreError) -> CliError {
    CliError::user(format!("the journal can't be read: {error}"), "see `tmuxagent db check`")
}

mod cursors;
mod forged;
mod questions;
mod recorded;

use crate::{Recogniser, Screen, bundled};
use std::path::PathBuf;
use std::sync::LazyLock;

fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/agents")
}

/// A recorded screen, such as `codex-0.171.0/question`.
pub(crate) fn text(name: &str) -> String {
    let path = fixtures().join(format!("{name}.txt"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

static KNOWN: LazyLock<Vec<Recogniser>> = LazyLock::new(bundled);

fn recogniser(agent: &str) -> &'static Recogniser {
    KNOWN.iter().find(|known| known.agent == agent).expect("a bundled recogniser")
}

/// What a recorded screen shows, read by the recogniser that its folder names.
fn seen(name: &str) -> crate::Seen {
    let agent = name.split(['-', '/']).next().expect("an agent");
    crate::recognise(recogniser(agent), &Screen::of(&text(name)))
}

//! What is wrong with a file that people write, in the reader's language.
//!
//! The readers of policies, configuration, workspaces and key maps say it in English, once, so that `--json` has one
//! wording for scripts. What people read goes through [`diagnosis`].

use super::Lang;
use super::sentence::translated;

/// A finding or its way out in a language; what the table does not know stays as it is.
#[must_use]
pub fn diagnosis(lang: Lang, text: &str) -> String {
    match lang {
        Lang::En => text.to_owned(),
        Lang::Zh => translated(FINDINGS, text),
    }
}

/// Special ones before general ones; `{}` is a hole, `{0}` names the first one.
const FINDINGS: &[(&str, &str)] = &[("unknown key `{}`", "未知的键 `{0}`")];

//! Questions about files, as a script for the plain shell of a pane's host.

use super::state::PaneRow;
use std::collections::BTreeMap;
use tmuxagent_model::shell::shown;
use tmuxagent_model::{Millis, PollSpec, ShellCall, ShellText};

/// How long looking for a file may take.
const LOOK: Millis = Millis::from_secs(30);
/// The variable that holds the path.
const PATH: &str = "ta_file";

/// Asks whether a file is there. The path is data: it is in a variable of that shell.
pub fn is_there(pane: &PaneRow, path: &str) -> PollSpec {
    let word = word_of(path);
    ask(pane, path, &format!("[ -e {word} ] || exit 75"), "-e")
}

/// What `stat` tells of a file, by GNU's words and by those of the BSDs: inode, size, times of its content and of itself.
const STATE: &str = "stat -Lc '%i %s %y %z' -- \"$f\" 2>/dev/null || stat -Lf '%i %z %Fm %Fc' \"$f\"";
/// The second in which it was last written.
const WRITTEN: &str = "stat -Lc %Y -- \"$f\" 2>/dev/null || stat -Lf %m \"$f\"";
/// What is said of a file that is not there.
const GONE: &str = "none";

/// Asks how a file is: `none`, or how many seconds ago it was written, by the clock of its host, and its state. It is never
/// "yes": whether it has changed is for whoever knows how it was.
pub fn how_it_is(pane: &PaneRow, path: &str) -> PollSpec {
    let word = word_of(path);
    let text = format!(
        "f={word}; [ -e \"$f\" ] || {{ echo {GONE}; exit 75; }}; \
         w=$({WRITTEN}) && s=$({STATE}) && echo \"$(($(date +%s) - w)) $s\" && exit 75; exit 1"
    );
    ask(pane, path, &text, "-N")
}

/// What became of a file since it was last looked at.
pub struct Change {
    /// How it is now.
    pub mark: String,
    /// It has changed, or appeared.
    pub is_new: bool,
    /// The same for people.
    pub words: &'static str,
}

/// Compares how a file was with what is told of it. At the first look one counts that was written within `since`.
pub fn change(before: Option<&str>, told: &str, since: Option<Millis>) -> Change {
    let (age, state) = told.split_once(' ').unwrap_or(("", told));
    let (mark, there) = (state.to_owned(), state != GONE);
    // Seconds are cut off at both ends.
    let young = age.parse::<u64>().ok().zip(since).is_some_and(|(age, since)| age <= since.0 / 1000);
    let (is_new, words) = match before {
        _ if !there => (false, "it is not there"),
        Some(GONE) => (true, "it has appeared"),
        Some(before) if before != mark => (true, "it has changed"),
        Some(_) => (false, "it is as it was"),
        None if young => (true, "it has changed"),
        None => (false, "it is as it was"),
    };
    Change { mark, is_new, words }
}

fn ask(pane: &PaneRow, path: &str, text: &str, sign: &str) -> PollSpec {
    let rest = home_of(path).unwrap_or(path);
    let values = BTreeMap::from([(PATH.to_owned(), rest.to_owned())]);
    let shown = format!("[ {sign} {} ]", shown(path));
    let script = ShellText { text: text.to_owned(), values, shown };
    let call = ShellCall {
        pane: pane.info.key.clone(),
        script,
        folder: pane.info.facts.path.clone(),
        timeout: LOOK,
        again: false,
    };
    PollSpec::Command { call }
}

/// The part of a path behind the `~` that stands for the home folder.
fn home_of(path: &str) -> Option<&str> {
    path.strip_prefix('~').filter(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The path as a word of the script.
fn word_of(path: &str) -> String {
    let home = if home_of(path).is_some() { "$HOME" } else { "" };
    format!("\"{home}${PATH}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_changes_when_it_is_another_or_was_just_written() {
        let told = |before, now, since: Option<u64>| {
            let change = change(before, now, since.map(Millis));
            (change.is_new, change.mark)
        };
        assert_eq!(told(None, "none", Some(5000)), (false, "none".to_owned()));
        assert_eq!(told(Some("none"), "100 7 10 a b", None), (true, "7 10 a b".to_owned()));
        assert_eq!(told(Some("7 10 a b"), "101 7 10 a b", None), (false, "7 10 a b".to_owned()));
        assert_eq!(told(Some("7 10 a b"), "0 8 10 c d", None), (true, "8 10 c d".to_owned()));
        assert!(told(None, "3 7 10 a b", Some(5000)).0 && !told(None, "3 7 10 a b", None).0);
        assert!(!told(None, "9 7 10 a b", Some(5000)).0);
    }

    #[test]
    fn a_path_is_data_for_the_shell() {
        assert_eq!(word_of("a b"), "\"$ta_file\"");
        assert_eq!(word_of("~/x"), "\"$HOME$ta_file\"");
        assert_eq!(word_of("~mei/x"), "\"$ta_file\"");
    }
}

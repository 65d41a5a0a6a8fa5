//! Whether a trail is as it was written.

use super::chain::{self, HEAD, Line, Link};
use super::trail::files;
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verified {
    /// Lines that follow from one another.
    pub lines: u64,
    /// The number of the first one: above 1 where older files were taken away.
    pub first: u64,
    /// Those of them that are signed.
    pub heads: u64,
    /// Lines behind the last signed one.
    pub unsigned: u64,
    /// The newest line, as `N:DIGEST`: whoever keeps it elsewhere finds out later that the trail was cut or written anew.
    pub head: String,
    /// The public keys of signed lines, base64.
    pub keys: BTreeSet<String>,
    /// Where it is not as it was written.
    pub broken: Option<Break>,
}

/// A place that does not follow from what is before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Break {
    /// The file.
    pub file: PathBuf,
    /// Its line, from 1.
    pub line: u64,
    /// What is wrong.
    pub why: &'static str,
}

/// Follows the chain through all files. `kept` is a head from elsewhere that must be in it.
///
/// # Errors
/// When files can't be read.
pub fn verify(folder: &Path, kept: Option<&str>) -> io::Result<Verified> {
    let mut found = Verified::default();
    let (mut last, mut met) = (None, kept.is_none());
    for path in files(folder)? {
        let bytes = std::fs::read(&path)?;
        let text = String::from_utf8_lossy(&bytes);
        for (line, at) in text.lines().zip(1_u64..) {
            let whole = text.len() > offset_behind(&text, line);
            match follow(last.as_ref(), line, whole) {
                Ok(link) => {
                    count(&mut found, line, &link);
                    met = met || kept == Some(found.head.as_str());
                    last = Some(link);
                }
                Err(why) => {
                    found.broken = Some(Break { file: path, line: at, why });
                    return Ok(found);
                }
            }
        }
    }
    if !met {
        let file = folder.to_owned();
        found.broken = Some(Break { file, line: 0, why: "the head that was kept elsewhere is not in it" });
    }
    Ok(found)
}

/// Where a line of a text ends.
fn offset_behind(text: &str, line: &str) -> usize {
    (line.as_ptr() as usize - text.as_ptr() as usize) + line.len()
}

/// The line as the end of the chain, or why it does not follow.
fn follow(last: Option<&Link>, text: &str, whole: bool) -> Result<Link, &'static str> {
    if !whole {
        return Err("the last line is not whole");
    }
    let line: Line = serde_json::from_str(text).map_err(|_| "the line is none of a trail")?;
    if let Some(last) = last {
        if line.n != last.n + 1 {
            return Err("lines are missing, or were put in, before it");
        }
        if line.prev != last.digest {
            return Err("the line before it was changed");
        }
    } else if line.n == 1 && !line.prev.is_empty() {
        return Err("the first line is not the first");
    }
    if line.kind == HEAD && !chain::vouches(&line) {
        return Err("its signature does not hold");
    }
    Ok(Link { n: line.n, digest: chain::digest(text) })
}

fn count(found: &mut Verified, text: &str, link: &Link) {
    found.lines += 1;
    found.unsigned += 1;
    if found.first == 0 {
        found.first = link.n;
    }
    found.head = format!("{}:{}", link.n, link.digest);
    let signed = serde_json::from_str::<Line>(text).ok().filter(|line| line.kind == HEAD);
    if let Some(line) = signed {
        found.heads += 1;
        found.unsigned = 0;
        found.keys.insert(line.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Entry, Position, Trail, folder_of};
    use serde_json::json;
    use std::os::unix::fs::PermissionsExt as _;
    use tmuxagent_model::Timestamp;

    fn entry(seq: u64) -> Entry {
        let at = Timestamp(1_700_000_000_000 + i64::try_from(seq).unwrap());
        Entry { at, kind: "typed", seq, what: json!({ "note": { "text": format!("make {seq}") } }) }
    }

    /// A trail of so many lines and a head, and its one file.
    fn written(lines: u64) -> (tempfile::TempDir, PathBuf) {
        let state = tempfile::tempdir().unwrap();
        let mut trail = Trail::open(state.path()).unwrap();
        (1..=lines).for_each(|seq| trail.add(&entry(seq)).unwrap());
        trail.sign(Timestamp(1_700_000_001_000)).unwrap();
        let file = files(&folder_of(state.path())).unwrap().remove(0);
        (state, file)
    }

    fn why(state: &Path, kept: Option<&str>) -> Option<&'static str> {
        verify(&folder_of(state), kept).unwrap().broken.map(|found| found.why)
    }

    #[test]
    fn a_trail_goes_on_over_starts_and_tells_up_to_where() {
        let (state, file) = written(3);
        let mut again = Trail::open(state.path()).unwrap();
        assert_eq!(again.journal(), Position { at: entry(3).at, seq: 3 });
        (4..100).for_each(|seq| again.add(&entry(seq)).unwrap());
        let mut told = entry(7);
        (told.kind, told.seq) = ("notification", 7);
        again.add(&told).unwrap();
        assert_eq!((again.journal().seq, again.messages().seq), (99, 7));
        let found = verify(&folder_of(state.path()), None).unwrap();
        assert_eq!((found.lines, found.first, found.heads, found.keys.len()), (102, 1, 2, 1));
        assert_eq!((found.unsigned, found.broken), (33, None), "a head comes after so many lines by itself");
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!([mode(&file), mode(&state.path().join("audit-key"))], [0o600; 2]);
    }

    #[test]
    fn whatever_is_changed_shows() {
        let change = |change: &dyn Fn(&mut Vec<String>)| {
            let (state, file) = written(5);
            let mut lines: Vec<String> = std::fs::read_to_string(&file).unwrap().lines().map(str::to_owned).collect();
            change(&mut lines);
            std::fs::write(&file, lines.join("\n") + "\n").unwrap();
            why(state.path(), None)
        };
        assert_eq!(change(&|_| ()), None);
        assert_eq!(
            change(&|lines| lines[1] = lines[1].replace("make 2", "make 9")),
            Some("the line before it was changed")
        );
        let missing = Some("lines are missing, or were put in, before it");
        assert_eq!(change(&|lines| drop(lines.remove(2))), missing);
        assert_eq!(change(&|lines| lines.swap(1, 2)), missing);
        assert_eq!(change(&|lines| lines.insert(2, lines[1].clone())), missing);
        // Written anew from a place on, its head is still another one's.
        assert_eq!(
            change(&|lines| lines[5] = lines[5].replace("\"signature\":\"", "\"signature\":\"A")),
            Some("its signature does not hold")
        );
        assert_eq!(change(&|lines| lines[0] = "{}".into()), Some("the line is none of a trail"));
    }

    #[test]
    fn a_trail_that_was_cut_is_found_by_a_head_that_was_kept() {
        let (state, file) = written(5);
        let kept = verify(&folder_of(state.path()), None).unwrap().head;
        assert_eq!(why(state.path(), Some(&kept)), None);
        let text = std::fs::read_to_string(&file).unwrap();
        let cut: Vec<&str> = text.lines().take(3).collect();
        std::fs::write(&file, cut.join("\n") + "\n").unwrap();
        assert_eq!(why(state.path(), None), None, "by itself it is whole");
        assert_eq!(why(state.path(), Some(&kept)), Some("the head that was kept elsewhere is not in it"));
    }

    #[test]
    fn a_line_that_was_not_written_whole_is_no_forgery_after_the_next_start() {
        let (state, file) = written(2);
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, format!("{text}{{\"n\":4,\"pr")).unwrap();
        assert_eq!(why(state.path(), None), Some("the last line is not whole"));
        Trail::open(state.path()).unwrap().add(&entry(3)).unwrap();
        assert_eq!(why(state.path(), None), None);
    }

    #[test]
    fn a_long_file_is_followed_by_one_that_goes_on() {
        let state = tempfile::tempdir().unwrap();
        let mut trail = Trail::open(state.path()).unwrap();
        for seq in 1..=70 {
            let long = Entry { what: json!("x".repeat(200_000)), ..entry(seq) };
            trail.add(&long).unwrap();
        }
        let all = files(&folder_of(state.path())).unwrap();
        assert_eq!(all.len(), 2);
        assert_eq!(why(state.path(), None), None);
        // An older file that was taken away is told by the first number.
        std::fs::remove_file(&all[0]).unwrap();
        let found = verify(&folder_of(state.path()), None).unwrap();
        assert_eq!((found.first, found.broken), (66, None));
        assert_eq!(Trail::open(state.path()).unwrap().journal().seq, 70);
    }
}

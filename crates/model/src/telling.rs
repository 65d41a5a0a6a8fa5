//! Which of many last lines are shown: those that tell a cause, with what stands around them, and the very last ones.
//!
//! What a tool prints below the cause grows with the tool: the output of jobs that still ran, counters, frames of its
//! runtime, where a log lies. A choice for people who read it, and never a reason for a decision.

use std::collections::BTreeSet;

/// Stands where lines are left out between two that are shown.
pub const GAP: &str = "…";
/// So many of the very last lines are shown whatever they say, where there is room for more than the cause.
const TAIL: usize = 2;
/// In fewer rows the cause alone is told.
const FEW: usize = 7;
/// The lines around a cause in the order in which they are taken, counted from it.
const AROUND: [isize; 4] = [1, 2, -1, 3];

/// How much a line says about why something failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Weight {
    /// In the form in which a tool reports what is wrong.
    Cause,
    /// By a word in it alone.
    Hint,
    Nothing,
}

/// The last lines of an attempt, at most so many. Where something failed, tests that passed are no cause. Where there are more, frames of a runtime, what is told once more and what
/// a tool prints below every result go first; then those are taken that tell a cause, each with the lines around it.
#[must_use]
pub fn telling(mut lines: Vec<String>, most: usize) -> Vec<String> {
    if lines.iter().any(|line| weight(line) == Weight::Cause) {
        lines.retain(|line| !passes(line.trim()));
    }
    if lines.len() > most {
        lines.retain(|line| !is_remains(line));
        drop_told_again(&mut lines);
    }
    if lines.len() > most {
        lines.retain(|line| !is_filler(line));
    }
    if lines.len() <= most {
        return lines;
    }
    let mut shown = BTreeSet::new();
    for row in ranked(&lines, most) {
        if shown.insert(row) && height(&shown) > most {
            shown.remove(&row);
        }
    }
    with_gaps(&lines, &shown)
}

/// Those of the lines of a question that fit into so many rows, by the same choice, with [`GAP`] where some are left out
/// between them; and how many are not among them.
#[must_use]
pub fn fitting(lines: &[String], most: usize) -> (Vec<String>, usize) {
    if lines.len() <= most {
        return (lines.to_vec(), 0);
    }
    let shown = rows_that_fit(lines, most);
    let said = lines.iter().filter(|line| *line != GAP).count();
    (with_gaps(lines, &shown), said.saturating_sub(shown.len()))
}

/// The same where nothing below them tells how many are left out: [`GAP`] stands also before the first and behind the last
/// one, beside the rows.
#[must_use]
pub fn shortened(lines: &[String], most: usize) -> Vec<String> {
    if lines.len() <= most {
        return lines.to_vec();
    }
    let shown = rows_that_fit(lines, most);
    let (Some(first), Some(last)) = (shown.first(), shown.last()) else { return Vec::new() };
    let mut out = with_gaps(lines, &shown);
    if *first > 0 {
        out.insert(0, GAP.to_owned());
    }
    if last + 1 < lines.len() {
        out.push(GAP.to_owned());
    }
    out
}

/// The last ones that fit into so many rows, and how many stand before them: of a dialog, which ends with what it asks.
#[must_use]
pub fn last_that_fit(lines: &[String], most: usize) -> (Vec<String>, usize) {
    let before = lines.len().saturating_sub(most);
    (lines.iter().skip(before).cloned().collect(), before)
}

/// The rows that tell most, as many as fit with the signs between them.
fn rows_that_fit(lines: &[String], most: usize) -> BTreeSet<usize> {
    let mut rows: Vec<(usize, String)> =
        lines.iter().enumerate().filter(|(_, line)| *line != GAP).map(|(row, line)| (row, line.clone())).collect();
    for says_nothing in [is_remains, is_filler] {
        if rows.len() > most && rows.iter().any(|(_, line)| !says_nothing(line)) {
            rows.retain(|(_, line)| !says_nothing(line));
        }
    }
    let (rows, texts): (Vec<usize>, Vec<String>) = rows.into_iter().unzip();
    let mut shown = BTreeSet::new();
    for row in ranked(&texts, most).into_iter().filter_map(|at| rows.get(at)) {
        if shown.insert(*row) && height(&shown) > most {
            shown.remove(row);
        }
    }
    shown
}

/// These rows, with a sign between those that do not follow each other.
fn with_gaps(lines: &[String], shown: &BTreeSet<usize>) -> Vec<String> {
    let mut out = Vec::with_capacity(shown.len());
    let mut next = None;
    for row in shown {
        if next.is_some_and(|next| next != *row) {
            out.push(GAP.to_owned());
        }
        out.extend(lines.get(*row).cloned());
        next = Some(row + 1);
    }
    out
}

/// The very last lines, at most so many. Where there are more, frames of a runtime go first.
#[must_use]
pub fn ending(mut lines: Vec<String>, most: usize) -> Vec<String> {
    if lines.len() > most {
        lines.retain(|line| !is_inner_frame(line));
    }
    lines.drain(..lines.len().saturating_sub(most));
    lines
}

/// The one line that tells most of a cause, of those that tell any. Where it only names the test, what is wrong there stands
/// behind it.
#[must_use]
pub fn cause_of(lines: &[String]) -> Option<String> {
    let of_weight = |wanted: Weight| {
        lines
            .iter()
            .position(|line| weight(line) == wanted && !is_remains(line) && !line.trim_end().ends_with(" tests:"))
    };
    let row = of_weight(Weight::Cause).or_else(|| of_weight(Weight::Hint))?;
    let (line, below) = lines.get(row..)?.split_first()?;
    let told = without_time(line.trim());
    if panics_below(told)
        && let Some(reason) = reason_of_panic(below)
    {
        return Some(reason);
    }
    let reason = if names_test(told) { reason(line, below) } else { None };
    Some(reason.map_or_else(|| told.to_owned(), |reason| format!("{told}: {reason}")))
}

/// Whether a line tells where Rust code panicked, and not why: `thread 'main' panicked at src/main.rs:2:5:`.
fn panics_below(text: &str) -> bool {
    text.starts_with("thread '") && text.contains("panicked at ") && text.ends_with(':')
}

/// The message below the place of a panic, with the values that it compares.
fn reason_of_panic(below: &[String]) -> Option<String> {
    let (message, rest) = below.split_first()?;
    let message = message.trim();
    if message.is_empty() || is_remains(message) || is_filler(message) {
        return None;
    }
    let value = |line: &&String| ["left: ", "right: "].iter().any(|side| line.trim().starts_with(side));
    let values: Vec<&str> = rest.iter().take(2).take_while(value).map(|line| line.trim()).collect();
    Some(if values.is_empty() { message.to_owned() } else { format!("{message} ({})", values.join(", ")) })
}

/// What is wrong in a test that a line names, of the lines below it.
fn reason(name: &str, below: &[String]) -> Option<String> {
    let row = reason_row(name, below)?;
    let line = below.get(row)?.trim().replace(" [ERR_ASSERTION]", "");
    // The values that it compares stand below it.
    let rest = below.iter().skip(row + 1).take_while(|line| !names_test(line.trim()));
    let values = rest.into_iter().find(|line| says(line)).filter(|_| line.ends_with(':'));
    Some(values.map_or_else(|| line.clone(), |values| format!("{line} {}", values.trim())))
}

fn says(line: &str) -> bool {
    !is_remains(line) && !is_filler(line)
}

/// Which of the lines below a test's name tells that.
fn reason_row(name: &str, below: &[String]) -> Option<usize> {
    let below: Vec<&String> = below.iter().take_while(|line| !names_test(line.trim())).collect();
    let is_below = |line: &&String| says(line) && indent(line) > indent(name);
    let tells = |line: &&String| says(line) && weight(line) == Weight::Cause;
    let hints = |line: &&String| is_below(line) && weight(line) == Weight::Hint;
    let row = below.iter().position(tells).or_else(|| below.iter().position(hints));
    row.or_else(|| below.iter().position(is_below))
}

/// Whether a line names a test that failed, and not why.
fn names_test(text: &str) -> bool {
    ["not ok", "✖ ", "✗ ", "✕ ", "✘ ", "× ", "● ", "--- FAIL", "FAIL: "].iter().any(|begin| text.starts_with(begin))
}

/// A test's name without how long it took, which is another time in each run.
fn without_time(text: &str) -> &str {
    let Some((name, time)) = text.rsplit_once(" (") else { return text };
    let number = time.strip_suffix("ms)").or_else(|| time.strip_suffix("s)"));
    let is_time = number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'));
    if is_time { name } else { text }
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// A message that a tool prints again in its summary is told once: where it stands last.
fn drop_told_again(lines: &mut Vec<String>) {
    let mut row = 0;
    while row < lines.len() {
        let same = told_again(lines, row);
        if same > 1 {
            lines.drain(row..row + same);
        } else {
            row += 1;
        }
    }
}

/// How many lines from this one on, which tells a cause, stand in the same order once more below them.
fn told_again(lines: &[String], row: usize) -> usize {
    let Some((first, below)) = lines.get(row..).and_then(<[String]>::split_first) else { return 0 };
    if weight(first) != Weight::Cause {
        return 0;
    }
    let again = (1..=below.len()).filter(|at| below.get(at - 1) == Some(first));
    let same = |at: usize| {
        let pairs = lines.iter().skip(row).take(at).zip(lines.iter().skip(row + at));
        pairs.take_while(|(one, other)| one == other).count()
    };
    again.map(same).max().unwrap_or(0)
}

/// How many rows these lines take, with the signs between those that do not follow each other.
fn height(shown: &BTreeSet<usize>) -> usize {
    let gaps = shown.iter().zip(shown.iter().skip(1)).filter(|(row, next)| **row + 1 < **next).count();
    shown.len() + gaps
}

/// The rows in the order in which they are taken; some stand in it more than once.
fn ranked(lines: &[String], most: usize) -> Vec<usize> {
    let weights: Vec<Weight> = lines.iter().map(|line| weight(line)).collect();
    let tail = if most < FEW { 0 } else { TAIL };
    let mut ranked: Vec<usize> = (lines.len().saturating_sub(tail)..lines.len()).collect();
    for wanted in [Weight::Cause, Weight::Hint] {
        let of_weight = weights.iter().enumerate().filter(|(_, weight)| **weight == wanted);
        let mut rows: Vec<usize> = of_weight.map(|(row, _)| row).collect();
        // The others often follow from the first one, and with the last one a tool sums up.
        if rows.len() > 2
            && let Some(last) = rows.pop()
        {
            rows.insert(1, last);
        }
        for row in rows {
            ranked.push(row);
            // In few lines what is wrong in a test stands before what is printed around its name.
            let why = lines.get(row..).filter(|_| most < FEW).and_then(<[String]>::split_first);
            let why = why.filter(|(line, _)| names_test(line.trim())).and_then(|(line, below)| reason_row(line, below));
            ranked.extend(
                why.into_iter().flat_map(|why| [row + 1 + why, row + 2 + why]).filter(|row| *row < lines.len()),
            );
            let around = AROUND.iter().filter_map(|step| row.checked_add_signed(*step));
            ranked.extend(around.filter(|row| *row < lines.len()));
        }
    }
    ranked.extend((0..lines.len()).rev());
    ranked
}

fn weight(line: &str) -> Weight {
    let text = line.trim();
    if passes(text) || sums_up(text) {
        Weight::Nothing
    } else if tells_cause(text) {
        Weight::Cause
    } else if has_word(text) {
        Weight::Hint
    } else {
        Weight::Nothing
    }
}

/// A test that passed, whatever its name says.
fn passes(text: &str) -> bool {
    ["ok ", "✔", "✓", "√", "PASS"].iter().any(|begin| text.starts_with(begin)) || text.ends_with("... ok")
}

/// That something failed, and not what.
fn sums_up(text: &str) -> bool {
    const BEGINNINGS: [&str; 5] = [
        "error: could not compile",
        "error: aborting due to",
        "error: test failed, to rerun",
        "test result:",
        "Some errors have detailed",
    ];
    BEGINNINGS.iter().any(|begin| text.starts_with(begin)) || text.ends_with(" tests:")
}

/// Whether a line has a form in which compilers, test runners and build tools report what is wrong.
fn tells_cause(text: &str) -> bool {
    const BEGINNINGS: [&str; 20] = [
        "not ok",
        "✖ ",
        "✗ ",
        "✕ ",
        "✘ ",
        "× ",
        "● ",
        "FAIL ",
        "FAIL: ",
        "FAILED ",
        "--- FAIL",
        "E   ",
        "error:",
        "error[",
        "ERROR: ",
        "fatal:",
        "fatal error",
        "panic:",
        "npm ERR!",
        "npm error",
    ];
    const PARTS: [&str; 14] = [
        ": error:",
        ": error ",
        " error TS",
        ": fatal error:",
        "panicked at",
        ": *** [",
        ": *** No rule",
        "Assertion `",
        "assertion `",
        "Segmentation fault",
        "undefined reference to",
        ": command not found",
        "No such file or directory",
        "Permission denied",
    ];
    let begins = BEGINNINGS.iter().any(|begin| text.starts_with(begin));
    begins || PARTS.iter().any(|part| text.contains(part)) || throws(text)
}

/// `TypeError: x is not a function`, `AssertionError [ERR_ASSERTION]: …`, `java.lang.IllegalStateException: …`.
fn throws(text: &str) -> bool {
    let name = text.split([':', ' ']).next().unwrap_or_default();
    let rest = text.get(name.len()..).unwrap_or_default();
    let named = name.ends_with("Error") || name.ends_with("Exception");
    named && (rest.is_empty() || rest.starts_with(": ") || rest.starts_with(" ["))
}

/// Whether a word in it says that something is wrong, and not that nothing is: `0 failed`.
fn has_word(text: &str) -> bool {
    const WORDS: [&str; 16] = [
        "error",
        "errors",
        "fail",
        "failed",
        "failing",
        "failure",
        "failures",
        "fatal",
        "exception",
        "cannot",
        "denied",
        "undefined",
        "unexpected",
        "expected",
        "actual",
        "received",
    ];
    let text = text.to_lowercase();
    let mut before = "";
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        if WORDS.contains(&word) && !matches!(before, "0" | "no" | "without" | "zero") {
            return true;
        }
        before = word;
    }
    false
}

/// What a tool prints around every result: counters, the frame of a report, where a log lies.
fn is_filler(line: &str) -> bool {
    const COUNTED: [&str; 8] =
        ["tests ", "suites ", "pass ", "fail ", "cancelled ", "skipped ", "todo ", "duration_ms "];
    const BEGINNINGS: [&str; 7] = [
        "TAP version ",
        "duration_ms",
        "stack backtrace:",
        "note: Some details are omitted",
        "note: run with `RUST_BACKTRACE",
        "For more information about this error",
        "node:internal/",
    ];
    const PARTS: [&str; 5] = [
        " (node:",
        "*** Waiting for unfinished jobs",
        ": Entering directory",
        ": Leaving directory",
        "A complete log of this run can be found in",
    ];
    let text = line.trim();
    if let Some(said) = text.strip_prefix("npm ERR!").or_else(|| text.strip_prefix("npm error")) {
        return is_filler_of_npm(said.trim());
    }
    let counter = text.strip_prefix("# ").or_else(|| text.strip_prefix("ℹ "));
    let counts = counter.is_some_and(|counter| COUNTED.iter().any(|word| counter.starts_with(word)));
    let planned = text.strip_prefix("1..").is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()));
    counts
        || planned
        || text == "..."
        || is_ruler(text)
        || BEGINNINGS.iter().any(|begin| text.starts_with(begin))
        || PARTS.iter().any(|part| text.contains(part))
}

/// A line that only draws a line.
fn is_ruler(text: &str) -> bool {
    text.len() > 2 && text.chars().all(|c| "-=_*#─━═".contains(c))
}

/// What npm adds below the output of any script that failed.
fn is_filler_of_npm(said: &str) -> bool {
    const BEGINNINGS: [&str; 11] = [
        "A complete log",
        "Lifecycle script",
        "Test failed.",
        "code ELIFECYCLE",
        "errno 1",
        "path ",
        "workspace ",
        "location ",
        "command ",
        "Exit status",
        "This is probably not a problem with npm",
    ];
    matches!(said, "" | "code 1") || said.ends_with(".log") || BEGINNINGS.iter().any(|begin| said.starts_with(begin))
}

/// What is left of an error that a runtime shows with its fields and the way to it: frames of its own, lone brackets, and the
/// fields that only repeat what the message says.
fn is_remains(line: &str) -> bool {
    const FIELDS: [&str; 6] =
        ["generatedMessage:", "failureType:", "code: 'ERR_", "operator: '", "name: 'AssertionError'", "error: |-"];
    let text = line.trim();
    let bracket = !text.is_empty() && text.chars().all(|c| "{}[](),;".contains(c));
    bracket || FIELDS.iter().any(|begin| text.starts_with(begin)) || is_inner_frame(line)
}

/// A row of a stack trace (JavaScript, Rust) that names no place of the project's own: `at Test.run (node:internal/…:7:9)`.
fn is_inner_frame(line: &str) -> bool {
    let Some(frame) = line.trim_start().strip_prefix("at ") else { return is_inner_call(line.trim()) };
    let place = frame.rsplit_once('(').map_or(frame, |(_, place)| place);
    let is_inner = |place: &str| ["async ", "internal/", "node:"].iter().any(|begin| place.starts_with(begin));
    const FOREIGN: [&str; 3] = ["/node_modules/", "/rustlib/src/rust/", "/.cargo/registry/src/"];
    let foreign = FOREIGN.iter().any(|part| place.contains(part)) || place.starts_with("/rustc/");
    is_inner(frame) || is_inner(place) || foreign
}

/// A numbered row of a Rust stack trace that names no function of the project's own: `12: std::panicking::catch_unwind`.
fn is_inner_call(text: &str) -> bool {
    const BEGINNINGS: [&str; 15] = [
        "__rust",
        "rust_begin_unwind",
        "core::",
        "<core::",
        "std::",
        "<std::",
        "alloc::",
        "<alloc::",
        "test::",
        "main",
        "_start",
        "__libc_start",
        "start_thread",
        "clone",
        "__clone",
    ];
    let Some((number, called)) = text.split_once(": ") else { return false };
    let numbered = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    numbered && BEGINNINGS.iter().any(|begin| called.starts_with(begin))
}

#[cfg(test)]
#[path = "telling_tests.rs"]
mod tests;

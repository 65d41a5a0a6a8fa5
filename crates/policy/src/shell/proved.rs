//! Programs of which their documentation says which arguments are data, with every option under which that holds.
//!
//! A row is a promise: with these options and no others, no argument, variable or input of free text is run, calculated or
//! taken for an option. An option that is not in its row makes the place unproved.

use super::conditions::is_plain_printf;
use super::proof::begins_plainly;
use super::words::{VALUE, Word};

/// What is known of one program.
pub(super) struct Row {
    /// Its name, and the words that say what it is to do, as `git commit`.
    call: &'static [&'static str],
    /// Options that take nothing. Letters may be written together.
    pub flags: &'static [&'static str],
    /// Options whose word is data, whatever it is.
    pub texts: &'static [&'static str],
    /// Options whose word has to be its author's.
    pub words: &'static [&'static str],
    /// Words of its author's may stand free.
    pub literals: bool,
    /// Free words are data where they can't be taken for options.
    pub operands: bool,
    /// The same behind `--`, however they begin.
    pub dashes: bool,
    /// It starts other programs (hooks, helpers), which inherit its environment and come from its folder.
    pub starts_others: bool,
    /// A rule of its own in place of all this.
    pub special: Option<Special>,
}

type Special = fn(&[Word], &dyn Fn(&Word) -> bool) -> bool;

const NONE: Row = Row {
    call: &[],
    flags: &[],
    texts: &[],
    words: &[],
    literals: true,
    operands: false,
    dashes: false,
    starts_others: false,
    special: None,
};
/// Reads files whose names are free, and its input.
const FILES: Row = Row { operands: true, dashes: true, ..NONE };

/// Sends a title and a body.
const CREATES: Row = Row { flags: GH_FLAGS, texts: GH_TEXTS, words: GH_WORDS, starts_others: true, ..NONE };
/// Sends a body.
const COMMENTS: Row = Row { texts: &["-b", "--body"], words: &["-R", "--repo"], starts_others: true, ..NONE };

const ROWS: &[Row] = &[
    // Prints its words, whatever they are.
    Row { call: &["echo"], special: Some(|_, _| true), ..NONE },
    // Nothing is made of their words.
    Row { call: &["true"], special: Some(|_, _| true), ..NONE },
    Row { call: &["false"], special: Some(|_, _| true), ..NONE },
    Row { call: &[":"], special: Some(|_, _| true), ..NONE },
    // Calculates only for formats such as `%d`, `%*s`; `-v` names a variable.
    Row { call: &["printf"], special: Some(|words, _| is_plain_printf(words)), ..NONE },
    // With two or three words and these operators POSIX defines it as a comparison of texts.
    Row { call: &["test"], special: Some(compares), ..NONE },
    Row {
        call: &["["],
        special: Some(|words, free| {
            words.split_last().is_some_and(|(last, words)| last.literal() == Some("]") && compares(words, free))
        }),
        ..NONE
    },
    // Names of files to read, list or make; none of these options runs or writes anything else.
    Row { call: &["cat"], flags: &["-n", "-b", "-s", "-A", "-E", "-T", "-v", "-u"], ..FILES },
    Row { call: &["ls"], flags: &["-l", "-a", "-A", "-h", "-1", "-t", "-r", "-R", "-d", "-S", "-F"], ..FILES },
    Row { call: &["mkdir"], flags: &["-p", "-v"], ..FILES },
    Row { call: &["touch"], ..FILES },
    Row { call: &["stat"], ..FILES },
    Row { call: &["wc"], flags: &["-l", "-w", "-c", "-m"], ..FILES },
    Row { call: &["head"], flags: &["-q", "-v"], words: &["-n", "-c"], ..FILES },
    Row { call: &["tail"], flags: &["-q", "-v", "-f", "-F"], words: &["-n", "-c"], ..FILES },
    Row { call: &["base64"], flags: &["-d", "--decode"], words: &["-w"], ..FILES },
    Row { call: &["sha256sum"], ..FILES },
    Row { call: &["md5sum"], ..FILES },
    Row { call: &["sort"], flags: &["-r", "-n", "-u", "-h", "-V", "-f", "-b"], words: &["-k", "-t"], ..FILES },
    Row { call: &["cut"], words: &["-d", "-f", "-c", "-b"], ..FILES },
    // The second free word of these would be a file to write, or their words are signs of their own.
    Row { call: &["uniq"], flags: &["-c", "-d", "-u", "-i"], literals: false, ..NONE },
    Row { call: &["tr"], flags: &["-d", "-s", "-c"], ..NONE },
    Row { call: &["tee"], flags: &["-a"], ..NONE },
    // A pattern finds, and does no more; files are only read.
    Row {
        call: &["grep"],
        flags: GREP,
        texts: &["-e", "--regexp"],
        words: GREP_WORDS,
        operands: true,
        dashes: true,
        ..NONE
    },
    Row {
        call: &["egrep"],
        flags: GREP,
        texts: &["-e", "--regexp"],
        words: GREP_WORDS,
        operands: true,
        dashes: true,
        ..NONE
    },
    Row {
        call: &["fgrep"],
        flags: GREP,
        texts: &["-e", "--regexp"],
        words: GREP_WORDS,
        operands: true,
        dashes: true,
        ..NONE
    },
    Row { call: &["jq"], special: Some(is_plain_jq), ..NONE },
    // Messages for people.
    Row { call: &["logger"], flags: &["-i", "-s"], words: &["-t", "-p"], operands: true, dashes: true, ..NONE },
    Row { call: &["notify-send"], words: &["-u", "-t", "-i", "-a"], operands: true, dashes: true, ..NONE },
    Row {
        call: &["tmuxagent", "notify", "send"],
        flags: &["--markdown"],
        words: &["--channel", "--urgency"],
        operands: true,
        dashes: true,
        ..NONE
    },
    Row {
        call: &["tmux", "display-message"],
        flags: &["-p"],
        words: &["-t", "-d", "-c"],
        operands: true,
        dashes: true,
        ..NONE
    },
    Row { call: &["tmux", "rename-window"], words: &["-t"], operands: true, dashes: true, ..NONE },
    Row { call: &["tmux", "rename-session"], words: &["-t"], operands: true, dashes: true, ..NONE },
    // A message is a message; hooks get it by a file.
    Row {
        call: &["git", "commit"],
        flags: &["-a", "-q", "-s", "-n", "--all", "--quiet", "--signoff", "--allow-empty", "--no-verify", "--amend"],
        texts: &["-m", "--message"],
        starts_others: true,
        ..NONE
    },
    Row {
        call: &["git", "tag"],
        flags: &["-a", "-s", "-f", "--annotate", "--sign", "--force"],
        texts: &["-m", "--message"],
        dashes: true,
        starts_others: true,
        ..NONE
    },
    Row { call: &["git", "add"], flags: &["-A", "-u", "-v", "--all"], dashes: true, starts_others: true, ..NONE },
    Row { call: &["git", "push"], flags: &["-q", "--tags", "--quiet"], starts_others: true, ..NONE },
    // Titles and bodies are sent as they are.
    Row { call: &["gh", "issue", "create"], ..CREATES },
    Row { call: &["gh", "issue", "comment"], ..COMMENTS },
    Row { call: &["gh", "pr", "create"], ..CREATES },
    Row { call: &["gh", "pr", "comment"], ..COMMENTS },
    Row {
        call: &["gh", "release", "create"],
        flags: &["-d", "--draft", "-p", "--prerelease"],
        texts: &["-t", "--title", "-n", "--notes"],
        words: &["-R", "--repo", "--target"],
        starts_others: true,
        ..NONE
    },
    // `--data-raw` reads no file; the others take `NAME=` first and then a text.
    Row { call: &["curl"], special: Some(is_plain_curl), ..NONE },
];

const GREP: &[&str] =
    &["-q", "-i", "-v", "-c", "-n", "-o", "-E", "-F", "-w", "-x", "-l", "-r", "-R", "-H", "-h", "-s", "-a"];
const GREP_WORDS: &[&str] = &["-m", "-A", "-B", "-C"];
const GH_FLAGS: &[&str] = &["-d", "--draft", "-f", "--fill"];
const GH_TEXTS: &[&str] = &["-t", "--title", "-b", "--body"];
const GH_WORDS: &[&str] =
    &["-R", "--repo", "-l", "--label", "-a", "--assignee", "-B", "--base", "-H", "--head", "-r", "--reviewer"];

/// The row of a program with these arguments, and those behind the words that name it.
pub(super) fn row<'a>(name: &str, arguments: &'a [Word]) -> Option<(&'static Row, &'a [Word])> {
    ROWS.iter().filter(|row| row.call.first() == Some(&name)).find_map(|row| {
        let verbs = row.call.get(1..).unwrap_or_default();
        let (called, rest) = arguments.split_at_checked(verbs.len())?;
        let same = called.iter().zip(verbs).all(|(word, verb)| word.literal() == Some(verb));
        same.then_some((row, rest))
    })
}

/// Programs and words of the shell that make nothing of their environment and input, with words of their author's.
pub(super) fn is_quiet(name: &str) -> bool {
    const QUIET: &[&str] =
        &["pwd", "sleep", "date", "wait", "exit", "return", "break", "continue", "shift", "rm", "test", "["];
    QUIET.contains(&name)
}

/// `test` whose operator is its author's, and which compares texts.
fn compares(words: &[Word], free: &dyn Fn(&Word) -> bool) -> bool {
    let one = |word: &Word| !free(word) || !word.splits;
    let is = |word: &Word, signs: &[&str]| word.literal().is_some_and(|sign| signs.contains(&sign));
    match words {
        [sign, text] => is(sign, &["-n", "-z"]) && one(text),
        [left, sign, right] => is(sign, &["=", "!="]) && one(left) && one(right),
        _ => false,
    }
}

/// `jq` with a program of its author's, which can start nothing; `--arg NAME TEXT` gives it a text.
fn is_plain_jq(arguments: &[Word], free: &dyn Fn(&Word) -> bool) -> bool {
    const FLAGS: &[&str] = &["-r", "-e", "-c", "-n", "-s", "-S", "-M", "-R", "-j", "-rn", "-nr", "-rc", "-er"];
    let mut words = arguments.iter();
    let mut programs = 0;
    while let Some(word) = words.next() {
        let Some(text) = word.literal() else { return false };
        if text == "--arg" {
            let (name, value) = (words.next(), words.next());
            if name.and_then(Word::literal).is_none() || value.is_none_or(|word| free(word) && word.splits) {
                return false;
            }
        } else if text.starts_with('-') {
            if !FLAGS.contains(&text) {
                return false;
            }
        } else {
            programs += 1;
        }
    }
    programs > 0
}

/// `curl` to an address of its author's.
fn is_plain_curl(arguments: &[Word], free: &dyn Fn(&Word) -> bool) -> bool {
    const FLAGS: &[&str] = &[
        "-s",
        "-S",
        "-f",
        "-L",
        "-G",
        "-i",
        "-v",
        "-sS",
        "-fsS",
        "-sf",
        "-fs",
        "-fsSL",
        "--silent",
        "--show-error",
        "--fail",
        "--location",
        "--get",
    ];
    const WORDS: &[&str] =
        &["-X", "-H", "-u", "-m", "-A", "--request", "--header", "--user", "--max-time", "--retry", "--url"];
    const NAMED: &[&str] = &["--data-urlencode", "--form-string"];
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        if !free(word) && word.expands() && begins_plainly(word) && !word.splits {
            continue;
        }
        let Some(text) = word.literal() else { return false };
        let next =
            |words: &mut std::slice::Iter<'_, Word>, fits: &dyn Fn(&Word) -> bool| words.next().is_some_and(fits);
        let fits = match text {
            _ if !text.starts_with('-') || FLAGS.contains(&text) => true,
            _ if WORDS.contains(&text) => next(&mut words, &|word| !free(word) && !word.splits),
            "--data-raw" => next(&mut words, &|word| !free(word) || !word.splits),
            _ if NAMED.contains(&text) => next(&mut words, &|word| !free(word) || is_named(word)),
            _ => false,
        };
        if !fits {
            return false;
        }
    }
    true
}

/// `NAME=TEXT`, its name its author's: `@file` and `NAME@file` would be read.
fn is_named(word: &Word) -> bool {
    let name = word.text.split_once('=').map_or("", |(name, _)| name);
    let plain =
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !name.contains(VALUE);
    plain && begins_plainly(word) && !word.splits
}

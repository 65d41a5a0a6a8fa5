//! Free text in commands: the places of which it can be proved that nothing more than data is made of it.
//!
//! **Invariant:** what is not proved is refused. A command is proved by a row of `proved` with every option known, or as a
//! script of the project's own. A text that keeps values (in variables, files, the folder of the shell, functions) is
//! proved only as a whole: each of its commands, with all that the shell puts in taken for free text.

use super::builtins::{Builtin, builtin};
use super::direct::direct;
use super::files::{base, copied, is_code, may_be};
use super::folders::{Folder, is_inside};
use super::heads::head;
use super::lexer::parse;
use super::own::{is_own, is_own_file, is_own_in};
use super::proved::{Row, is_quiet, row};
use super::rules::Reason;
use super::variables::steers;
use super::words::{Hole, Item, Parsed, Simple, Word, is_name};

/// The deepest nesting of `sh -c` within `sh -c`.
const DEEPEST: usize = 4;

/// The holes that are not proved to be data, each with whether nothing is known of the program. All holes of the items are
/// free text.
pub(super) fn unproved(items: &[Item]) -> Vec<(Hole, Reason)> {
    let holes = || items.iter().filter_map(|item| if let Item::Hole(hole) = item { Some(*hole) } else { None });
    if holes().next().is_none() {
        return Vec::new();
    }
    // What can't be followed was told already.
    let Ok(parsed) = parse(items) else { return Vec::new() };
    let text = Text::of(&parsed, false, false, 0);
    let mut found = Vec::new();
    for (command, fed) in text.commands() {
        let Err(reason) = text.proves(command, fed) else { continue };
        let own: Vec<Hole> = command.all_words().flat_map(Word::all_holes).collect();
        // Where none stands in it, one has reached it.
        let reached = if own.is_empty() { holes().collect() } else { own };
        found.extend(reached.into_iter().map(|hole| (hole, reason)));
    }
    if text.is_refused() {
        found.extend(holes().map(|hole| (hole, Reason::Unproved)));
    }
    // Values that no command holds stand in patterns of `case`, which are compared.
    found
}

/// The values that are arguments of one program each, in a text in which nothing keeps them.
pub(super) fn direct_arguments(items: &[Item]) -> Vec<Hole> {
    let Ok(parsed) = parse(items) else { return Vec::new() };
    let text = Text::of(&parsed, false, false, 0);
    direct(&parsed, text.whole)
}

/// A text, and what its commands have to be proved against.
struct Text<'a> {
    parsed: &'a Parsed,
    /// Everything that a shell puts in is free text, and each command may find some in its environment and input.
    whole: bool,
    /// It is code of `sh -c`, whose files nobody follows.
    within: bool,
    /// The shell may be in a folder that a value names, where a script is no one's own.
    moved: bool,
    depth: usize,
    /// The names of the files that are written, also by the text around it.
    written: Vec<String>,
}

impl<'a> Text<'a> {
    fn of(parsed: &'a Parsed, within: bool, moved: bool, depth: usize) -> Self {
        let files = |command: &'a Simple| command.targets.iter().map(String::as_str).chain(copied(command));
        let written = parsed.commands.iter().flat_map(files).map(|file| base(file).to_owned()).collect();
        let mut text = Self { parsed, whole: within, within, moved, depth, written };
        let keeps = text.commands().iter().any(|(command, fed)| text.keeps(command, *fed));
        text.whole |= moved || keeps || parsed.feeds || !parsed.functions.is_empty();
        let moves =
            |command: &Simple| head(command).name == Some("cd") && command.words.iter().any(|word| text.is_free(word));
        let moves = parsed.commands.iter().any(moves);
        text.moved |= moves;
        text.whole |= moves;
        text
    }

    /// The commands in their order, each with whether free text may come by its input.
    fn commands(&self) -> Vec<(&'a Simple, bool)> {
        let mut seen = false;
        let commands = self.parsed.commands.iter();
        commands
            .map(|command| {
                let given = command.redirections.iter().any(|word| self.is_free(word)) && !command.subject;
                let fed = self.whole || given || command.piped && seen;
                seen |= command.all_words().any(|word| self.is_free(word));
                (command, fed)
            })
            .collect()
    }

    fn is_free(&self, word: &Word) -> bool {
        word.has_value() || self.whole && word.expands()
    }

    /// Whether free text is there for other commands behind it.
    fn keeps(&self, command: &Simple, fed: bool) -> bool {
        let name = head(command).name;
        let given = command.words.iter().any(Word::has_value);
        let variables = command.assignments.iter().any(Word::has_value)
            && (command.words.is_empty() || name.is_none_or(|name| builtin(name).is_some() || name == "exec"));
        let sets = name.is_none_or(|name| matches!(builtin(name), Some(Builtin::Keeps | Builtin::Reads)));
        let files = (given || fed || command.words.is_empty()) && !command.files.is_empty();
        let copies = fed && command.words.iter().any(|word| matches!(word.program(), Some("tee" | "sponge" | "dd")));
        let compound = command.words.is_empty() && command.redirections.iter().any(Word::has_value) && !command.subject;
        let reads = fed && name.is_some_and(|name| builtin(name) == Some(Builtin::Reads));
        variables || sets && given || files || copies || compound || reads
    }

    /// Whether something in it is beyond any proof.
    fn is_refused(&self) -> bool {
        self.parsed.processes || self.whole && (self.parsed.calculates || self.parsed.unusual)
    }

    fn proves(&self, command: &Simple, fed: bool) -> Result<(), Reason> {
        let free = |word: &Word| self.is_free(word);
        if !self.whole && !fed && !command.all_words().any(free) {
            return self.is_left_alone(command);
        }
        if command.named.iter().any(free) {
            return Err(Reason::Unproved);
        }
        if command.files.iter().any(|file| self.within || is_code(file)) {
            return Err(Reason::Unproved);
        }
        if command.assignments.iter().any(|word| !sets_text(word)) {
            return Err(Reason::Unproved);
        }
        if command.words.is_empty() {
            return Ok(());
        }
        let environment = command.assignments.iter().any(free);
        self.proves_words(&command.words, environment, &command.folders)
    }

    /// A command that no free text reaches: it may be anything but what changes the meaning of others.
    fn is_left_alone(&self, command: &Simple) -> Result<(), Reason> {
        const CHANGE: &[&str] =
            &["alias", "abbr", "eval", "enable", "hash", "emulate", "autoload", "zmodload", "unalias"];
        let changes = command.words.iter().filter_map(Word::literal).any(|word| CHANGE.contains(&word));
        if changes { Err(Reason::Unproved) } else { Ok(()) }
    }

    /// A program and its arguments; `environment`: free text stands in a variable that it is given.
    fn proves_words(&self, words: &[Word], environment: bool, folders: &[Folder]) -> Result<(), Reason> {
        let Some((first, arguments)) = words.split_first() else { return Ok(()) };
        if self.is_free(first) || first.splits && first.text != "[" && first.text != "[[" {
            return Err(Reason::Unproved);
        }
        let Some(path) = first.literal() else { return Err(Reason::Unproved) };
        if self.parsed.functions.iter().any(|function| function == path) {
            return Ok(());
        }
        if is_own(path) {
            return if self.is_kept(path, folders) { Ok(()) } else { Err(Reason::Unproved) };
        }
        let name = match path.strip_prefix("/usr/bin/").or_else(|| path.strip_prefix("/bin/")).unwrap_or(path) {
            name if name.contains('/') => return Err(Reason::Unknown),
            name => name,
        };
        if let Some(behind) = self.unwrapped(name, arguments)? {
            let given = name == "env" && arguments.iter().any(|word| self.is_free(word) && word.assigned().is_some());
            return self.proves_words(behind, environment || given, folders);
        }
        match name {
            "sh" | "bash" | "dash" | "ksh" | "zsh" if arguments.first().and_then(Word::literal) == Some("-c") => {
                self.proves_code(arguments, folders)
            }
            "sh" | "bash" | "dash" | "ksh" | "zsh" | "python3" | "python" | "node" | "ruby" | "perl" => {
                let file = arguments.first().and_then(Word::literal);
                let own = file.is_some_and(|file| is_own(file) || is_own_file(file));
                if own && file.is_some_and(|file| self.is_kept(file, folders)) { Ok(()) } else { Err(Reason::Unproved) }
            }
            "cd" => self.proves_cd(arguments),
            "for" => self.proves_for(arguments),
            "set" => {
                let dashes = arguments.first().and_then(Word::literal) == Some("--");
                if dashes || !arguments.iter().any(|word| self.is_free(word)) { Ok(()) } else { Err(Reason::Unproved) }
            }
            "export" | "readonly" => {
                let plain = |word: &Word| word.literal().is_some_and(is_name) || sets_text(word) && !word.splits;
                if arguments.iter().all(plain) { Ok(()) } else { Err(Reason::Unproved) }
            }
            "read" => proves_read(arguments),
            "tmux" => match arguments {
                [server, named, arguments @ ..] if is_one_of(server, &["-L", "-S"]) && named.literal().is_some() => {
                    self.proves_tmux(arguments, environment)
                }
                _ => self.proves_tmux(arguments, environment),
            },
            "[[" => self.proves_condition(arguments),
            _ => self.proves_row(name, arguments, environment),
        }
    }

    /// Whether a script of the project's own is still what its author wrote: nothing in the text writes a file of its name, and
    /// it lies in the project wherever the shell may have gone.
    fn is_kept(&self, path: &str, folders: &[Folder]) -> bool {
        let own = folders.iter().all(|folder| is_own_in(folder, path));
        own && !self.moved && !self.written.iter().any(|written| may_be(written, base(path)))
    }

    /// A name or message of tmux's is read as a format. `#` is doubled in a value that stands in it, and in nothing else.
    fn proves_tmux(&self, arguments: &[Word], environment: bool) -> Result<(), Reason> {
        let shown = arguments.iter().any(|word| self.is_free(word));
        let format = |word: &Word| word.text.contains('#') || word.expands();
        let fits = if shown {
            !self.whole && arguments.last().is_some_and(|last| !format(last))
        } else {
            !arguments.iter().any(format)
        };
        if !environment && fits && names_in_tmux(arguments) {
            self.proves_row("tmux", arguments, false)
        } else {
            Err(Reason::Unproved)
        }
    }

    fn proves_row(&self, name: &str, arguments: &[Word], environment: bool) -> Result<(), Reason> {
        let free = |word: &Word| self.is_free(word);
        if is_quiet(name) && !arguments.iter().any(free) {
            return Ok(());
        }
        let Some((row, rest)) = row(name, arguments) else { return Err(Reason::Unknown) };
        // What it starts inherits its environment: hooks, helpers; some look into its folder for them.
        if (environment || self.moved) && row.starts_others {
            return Err(Reason::Unproved);
        }
        if name == "tee"
            && arguments.iter().any(|word| self.within && !word.text.starts_with('-') || is_code(&word.text))
        {
            return Err(Reason::Unproved);
        }
        if row.proves(rest, &free) { Ok(()) } else { Err(Reason::Unproved) }
    }

    /// What stands behind `sudo`, `env` and the like, in the forms that say exactly where it begins.
    fn unwrapped<'w>(&self, name: &str, arguments: &'w [Word]) -> Result<Option<&'w [Word]>, Reason> {
        let text = |at: usize| arguments.get(at).and_then(Word::literal).unwrap_or_default();
        let number = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
        let begins = match name {
            "sudo" if text(0) == "-n" => 1,
            "sudo" if text(0) == "-u" => 2,
            "nice" if text(0) == "-n" => 2,
            "timeout" if number(text(0)) => 1,
            "env" => {
                let assigns = |word: &&Word| word.assigned().is_some() && !word.text.contains('[');
                let assigned = arguments.iter().take_while(assigns);
                if !assigned.clone().all(|word| sets_text(word) && !word.splits) {
                    return Err(Reason::Unproved);
                }
                assigned.count()
            }
            "sudo" | "nice" | "nohup" | "time" | "command" => 0,
            _ => return Ok(None),
        };
        let before = arguments.iter().take(begins).any(|word| self.is_free(word));
        if before && name != "env" {
            return Err(Reason::Unproved);
        }
        match arguments.get(begins) {
            Some(first) if !first.text.starts_with(['-', '+']) && !self.is_free(first) => Ok(arguments.get(begins..)),
            _ => Err(Reason::Unproved),
        }
    }

    /// `-c CODE NAME ARGUMENTS`: the code is proved with all that it is given taken for free text.
    fn proves_code(&self, arguments: &[Word], folders: &[Folder]) -> Result<(), Reason> {
        let code = arguments.get(1).and_then(Word::literal);
        let Some(code) = code.filter(|code| !code.starts_with(['-', '+']) && self.depth < DEEPEST) else {
            return Err(Reason::Unproved);
        };
        let items: Vec<Item> = code.chars().map(Item::Char).collect();
        let parsed = parse(&items).map_err(|_| Reason::Unproved)?;
        let moved = self.moved || !folders.iter().all(is_inside);
        let mut text = Text::of(&parsed, true, moved, self.depth + 1);
        text.written.extend(self.written.iter().cloned());
        if text.is_refused() {
            return Err(Reason::Unproved);
        }
        text.commands().into_iter().try_for_each(|(command, fed)| text.proves(command, fed))
    }

    /// `cd -- FOLDER`.
    fn proves_cd(&self, arguments: &[Word]) -> Result<(), Reason> {
        match arguments {
            [word] if !self.is_free(word) || begins_plainly(word) && !word.splits => Ok(()),
            [dashes, _] if dashes.literal() == Some("--") => Ok(()),
            [] => Ok(()),
            _ => Err(Reason::Unproved),
        }
    }

    /// `for NAME in WORDS`, `for NAME`.
    fn proves_for(&self, arguments: &[Word]) -> Result<(), Reason> {
        let named = |word: &Word| word.literal().is_some_and(|name| is_name(name) && !steers(name));
        match arguments {
            [name] if named(name) => Ok(()),
            [name, within, ..] if named(name) && within.literal() == Some("in") => Ok(()),
            _ => Err(Reason::Unproved),
        }
    }

    /// `[[ -n TEXT ]]`, `[[ TEXT = TEXT ]]`: what is compared stands in quotes, so that it is no pattern.
    fn proves_condition(&self, arguments: &[Word]) -> Result<(), Reason> {
        let one = |word: &Word| !self.is_free(word) || !word.splits;
        let is = |word: &Word, signs: &[&str]| word.literal().is_some_and(|sign| signs.contains(&sign));
        let plain = match arguments {
            [sign, text, _] => is(sign, &["-n", "-z"]) && one(text),
            [left, sign, right, _] => is(sign, &["=", "==", "!="]) && one(left) && one(right),
            _ => false,
        };
        if plain { Ok(()) } else { Err(Reason::Unproved) }
    }
}

/// `read -r NAMES`.
fn proves_read(arguments: &[Word]) -> Result<(), Reason> {
    let known = |word: &Word| word.literal().is_some_and(|text| text == "-r" || is_name(text) && !steers(text));
    if arguments.iter().all(known) { Ok(()) } else { Err(Reason::Unproved) }
}

/// An assignment of a text to a variable that steers nothing.
fn sets_text(word: &Word) -> bool {
    word.assigned().is_some_and(|name| !steers(name) || word.literal().is_some_and(|text| text == "IFS="))
        && !word.text.split('=').next().is_some_and(|left| left.contains('['))
}

fn is_one_of(word: &Word, texts: &[&str]) -> bool {
    word.literal().is_some_and(|text| texts.contains(&text))
}

/// Whether a word begins with a letter of its author's that makes no option of it, nor several words.
pub(super) fn begins_plainly(word: &Word) -> bool {
    word.text.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/'))
}

/// One operand for tmux, the last word: behind one that ends with `;` another command would begin.
fn names_in_tmux(arguments: &[Word]) -> bool {
    super::programs::names_in_tmux(arguments)
        && arguments.split_last().is_some_and(|(_, before)| !before.iter().any(Word::has_value))
}

impl Row {
    /// Whether a program with these arguments takes all free text in them as data.
    pub(super) fn proves(&self, arguments: &[Word], free: &dyn Fn(&Word) -> bool) -> bool {
        if let Some(special) = self.special {
            return special(arguments, free);
        }
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            if free(word) {
                let attached = word.text.split_once('=').is_some_and(|(option, _)| self.texts.contains(&option));
                let operand = self.operands && begins_plainly(word);
                if word.splits || !attached && !operand {
                    return false;
                }
                continue;
            }
            let Some(text) = word.literal() else {
                // The shell puts in what is its author's.
                if self.literals && begins_plainly(word) && !word.splits {
                    continue;
                }
                return false;
            };
            if text == "--" {
                return self.dashes || !words.any(free);
            }
            if !text.starts_with('-') || text == "-" {
                if !self.literals {
                    return false;
                }
                continue;
            }
            match self.option(text) {
                Some(Takes::Nothing) => {}
                Some(Takes::Literal) if words.next().is_some_and(|word| !free(word) && !word.splits) => {}
                Some(Takes::Text) if words.next().is_some_and(|word| !free(word) || !word.splits) => {}
                Some(Takes::Literal | Takes::Text) | None => return false,
            }
        }
        true
    }

    /// What an option of its author's takes; `None` where it is not known.
    fn option(&self, text: &str) -> Option<Takes> {
        if self.flags.contains(&text) {
            return Some(Takes::Nothing);
        }
        if self.texts.contains(&text) {
            return Some(Takes::Text);
        }
        if self.words.contains(&text) {
            return Some(Takes::Literal);
        }
        if let Some((name, _)) = text.split_once('=') {
            let known = name.starts_with("--") && (self.texts.contains(&name) || self.words.contains(&name));
            return known.then_some(Takes::Nothing);
        }
        // Several letters: flags, the last of which may take what follows, in this word or the next.
        let mut letters = text.strip_prefix('-').filter(|letters| !letters.starts_with('-'))?.chars();
        while let Some(letter) = letters.next() {
            let one = format!("-{letter}");
            if self.flags.contains(&one.as_str()) {
                continue;
            }
            let ends = letters.as_str().is_empty();
            return match (self.texts.contains(&one.as_str()), self.words.contains(&one.as_str())) {
                (true, _) => Some(if ends { Takes::Text } else { Takes::Nothing }),
                (_, true) => Some(if ends { Takes::Literal } else { Takes::Nothing }),
                (false, false) => None,
            };
        }
        Some(Takes::Nothing)
    }
}

/// What stands behind an option.
enum Takes {
    Nothing,
    Literal,
    Text,
}

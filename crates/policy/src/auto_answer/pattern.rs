//! Patterns of simple commands: `cargo test *`, `git status`, `ls src/*`.

use crate::shell::{
    Reach, Reading, STAR, calculates, certain_words, depth, is_known_option, reach, runs_behind, steers,
};
use regex::Regex;

/// One simple command, word by word.
#[derive(Debug, Clone)]
pub struct CommandPattern {
    /// As its author wrote it.
    pub source: String,
    words: Vec<PatternWord>,
    /// It ends with a `*` of its own: any further words.
    open: bool,
}

#[derive(Debug, Clone)]
enum PatternWord {
    Exact(String),
    /// `*` stands for any letters but `/`.
    Glob {
        text: String,
        regex: Regex,
    },
}

impl PatternWord {
    fn of(text: String) -> Result<Self, String> {
        if !text.contains(STAR) {
            return Ok(Self::Exact(text));
        }
        let parts: Vec<String> = text.split(STAR).map(regex::escape).collect();
        let regex = crate::pattern::compile(&format!("^{}$", parts.join("[^/]*")))?;
        Ok(Self::Glob { text, regex })
    }

    fn matches(&self, word: &str) -> bool {
        match self {
            Self::Exact(text) => text == word,
            // No star makes an option of an operand, nor leads out of a folder.
            Self::Glob { text, regex } => {
                let option = word.starts_with('-') && !text.starts_with('-');
                let leaves = word.split('/').any(|part| part == "..");
                !option && !leaves && regex.is_match(word)
            }
        }
    }

    fn exact(&self) -> Option<&str> {
        match self {
            Self::Exact(text) => Some(text),
            Self::Glob { .. } => None,
        }
    }

    /// Whether it matches all that the other one matches.
    fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Exact(a), Self::Exact(b)) => a == b,
            (Self::Glob { text: a, .. }, Self::Glob { text: b, .. }) => a == b,
            (glob, Self::Exact(b)) => glob.matches(b),
            (Self::Exact(_), Self::Glob { .. }) => false,
        }
    }
}

/// What a pattern gives away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Width {
    /// What it names.
    Named,
    /// Any program, or any text to a shell or language.
    Everything,
    /// A program that runs another one, which it names.
    Wrapped,
    /// Every subcommand of a program.
    Subcommands,
}

impl CommandPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// Why it is none.
    pub fn read(source: &str) -> Result<Self, String> {
        let mut words = certain_words(source, Reading::Pattern)?;
        let open = words.last().is_some_and(|word| *word == STAR.to_string());
        if open {
            words.pop();
        }
        let words = words.into_iter().map(PatternWord::of).collect::<Result<Vec<_>, _>>()?;
        if words.is_empty() && !open {
            return Err("the text is empty".to_owned());
        }
        Ok(Self { source: source.to_owned(), words, open })
    }

    /// A pattern of these words; `open`: and of any further ones.
    pub(super) fn beginning(words: &[String], open: bool) -> Self {
        let mut source: Vec<String> = words.iter().map(|word| quoted(word)).collect();
        source.extend(open.then(|| "*".to_owned()));
        let words = words.iter().cloned().map(PatternWord::Exact).collect();
        Self { source: source.join(" "), words, open }
    }

    /// Whether a simple command is what the pattern names, and no word that it does not name is known to make the program
    /// run or write something.
    #[must_use]
    pub fn matches(&self, command: &[String]) -> bool {
        self.fits(command) && self.unnamed_steer(command).is_none()
    }

    pub(super) fn fits(&self, command: &[String]) -> bool {
        let enough = if self.open { command.len() >= self.words.len() } else { command.len() == self.words.len() };
        enough && self.words.iter().zip(command).all(|(pattern, word)| pattern.matches(word))
    }

    /// A word that only a `*` matches, and that says what the program does, or may: of its options only those are taken that
    /// are known to make it do nothing else. Programs take long options cut short and short ones with their value, so no list
    /// of the bad ones is ever whole.
    pub(super) fn unnamed_steer<'c>(&self, command: &'c [String]) -> Option<&'c str> {
        let program = match command {
            // `python -m pytest`: the options are those of the module.
            [_, option, module, ..] if option == "-m" => module,
            _ => command.first()?,
        };
        let verbs = depth(program);
        let unnamed = |at: usize| self.words.get(at).is_none_or(|word| word.exact().is_none());
        command.iter().enumerate().skip(1).filter(|(at, _)| unnamed(*at)).find_map(|(at, word)| {
            // An option before the subcommand may say where that comes from.
            let is_option = word.starts_with(['-', '+']) && word != "--";
            let unknown = is_option && (at <= verbs || !is_known_option(program, word));
            (unknown || steers(program, word)).then_some(word.as_str())
        })
    }

    /// Whether a command is one that the pattern denies. A program is found by its name, in whatever folder.
    #[must_use]
    pub fn is_found_in(&self, command: &[String]) -> bool {
        let base = |word: &str| word.rsplit('/').next().unwrap_or(word).to_owned();
        let Some((program, rest)) = command.split_first() else { return false };
        let bare: Vec<String> = std::iter::once(base(program)).chain(rest.iter().cloned()).collect();
        self.fits(command) || self.fits(&bare)
    }

    /// Whether it matches all that the other one matches.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        let lengths = if self.open {
            other.words.len() >= self.words.len()
        } else {
            !other.open && self.words.len() == other.words.len()
        };
        lengths && self.words.iter().zip(&other.words).all(|(mine, theirs)| mine.covers(theirs))
    }

    /// The program that it names; none where that is not certain.
    pub(crate) fn program(&self) -> Option<&str> {
        self.words.first()?.exact()
    }

    /// How much it gives away.
    pub(crate) fn width(&self) -> Width {
        let Some(program) = self.program() else { return Width::Everything };
        let word = |at: usize| self.words.get(at).and_then(PatternWord::exact);
        let is_exact = !self.open && self.words.iter().all(|word| word.exact().is_some());
        // Without an operand it reads its input.
        let named = is_exact && self.words.iter().skip(1).any(|word| !word.exact().unwrap_or("-").starts_with('-'));
        let script = match word(1) {
            Some("-m") => word(2).is_some(),
            first => first.is_some_and(|first| !first.starts_with('-')),
        };
        // An operand such as `a[$(id)]` is calculated by the shell.
        if calculates(program) && !is_exact {
            return Width::Everything;
        }
        let runs = self.open && self.words.len() == 2 && word(1).is_some_and(|verb| runs_behind(program, verb));
        match reach(program) {
            Reach::Interprets if !named && !script => Width::Everything,
            Reach::Reads | Reach::Runs if !named => Width::Everything,
            _ if runs => Width::Everything,
            Reach::Runs => Width::Wrapped,
            Reach::Subcommands if self.open && self.words.len() == 1 => Width::Subcommands,
            Reach::Goals if self.open => Width::Subcommands,
            Reach::Interprets | Reach::Reads | Reach::Subcommands | Reach::Goals | Reach::Own => Width::Named,
        }
    }
}

/// A word as a pattern has it.
pub(super) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:,+@".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

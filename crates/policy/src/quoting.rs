//! Values from panes inside shell commands: quoted for the shell, wherever in the command they stand.
//!
//! **Invariant:** a value never ends the word it stands in, never starts another command, and brings no control
//! character into a pane. (POSIX.1-2024, Shell Command Language 2.2 Quoting; fish manual, Quotes; csh(1), Quotation.)

/// The shell that will read a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shell {
    /// sh, bash, zsh, ksh, dash and all that read their quotes.
    #[default]
    Posix,
    /// fish: a backslash escapes within single quotes.
    Fish,
    /// csh and tcsh: `!` needs a backslash even within single quotes.
    Csh,
    /// A shell with quotes of its own (nushell, PowerShell, xonsh, elvish): values are reduced to plain characters.
    Other,
}

impl Shell {
    /// The shell by the name of its program, as `#{pane_current_command}` tells it.
    #[must_use]
    pub fn of(program: &str) -> Self {
        match program.trim_start_matches('-').rsplit('/').next().unwrap_or_default() {
            "fish" => Self::Fish,
            "csh" | "tcsh" => Self::Csh,
            "nu" | "pwsh" | "powershell" | "xonsh" | "elvish" | "cmd.exe" | "pwsh.exe" | "powershell.exe" => {
                Self::Other
            }
            _ => Self::Posix,
        }
    }
}

/// Where in a command a value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Context {
    /// Outside quotes.
    Bare,
    /// Within `'…'`.
    Single,
    /// Within `"…"`.
    Double,
}

/// `value` as one piece of a word in that place.
pub(super) fn quote(value: &str, shell: Shell, context: Context) -> String {
    let inside = match shell {
        Shell::Posix => value.replace('\'', r"'\''"),
        Shell::Fish => value.replace('\\', r"\\").replace('\'', r"\'"),
        // Within its own quotes csh reads backslashes in ways that can't be followed from outside.
        Shell::Csh if context != Context::Bare => return plain(value),
        Shell::Csh => value.replace('\'', r"'\''").replace('!', r"\!").replace('\n', " "),
        Shell::Other => {
            return if context == Context::Bare { format!("'{}'", plain(value)) } else { plain(value) };
        }
    };
    match context {
        Context::Bare => format!("'{inside}'"),
        // Already within single quotes: only what would end them is escaped.
        Context::Single => inside,
        // Leave the double quotes, where `$` and `!` act, and come back.
        Context::Double => format!("\"'{inside}'\""),
    }
}

/// `value` with everything that any shell could act on replaced.
pub(super) fn plain(value: &str) -> String {
    value.chars().map(|c| if c.is_alphanumeric() || "._/@%+=:,-".contains(c) { c } else { '_' }).collect()
}

/// Follows a command as a shell reads it, to know the context of each place in it.
#[derive(Debug, Clone)]
pub(super) struct Scanner {
    shell: Shell,
    /// Innermost last; never empty.
    levels: Vec<Level>,
    escaped: bool,
    dollar: bool,
    comment: bool,
    word_start: bool,
    heredoc: bool,
    last: char,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Bare,
    Single,
    /// `$'…'`, where a backslash escapes.
    Ansi,
    Double,
    /// `$(…)` and `(…)`: read like a command of its own.
    Parens,
    /// `((…))` and `$((…))`: what stands there is calculated, and a value may name a command within.
    Sum,
    /// `${…}`.
    Braces,
    Backticks,
}

impl Scanner {
    pub fn new(shell: Shell) -> Self {
        Self {
            shell,
            levels: vec![Level::Bare],
            escaped: false,
            dollar: false,
            comment: false,
            word_start: true,
            heredoc: false,
            last: '\n',
        }
    }

    fn level(&self) -> Level {
        self.levels.last().copied().unwrap_or(Level::Bare)
    }

    /// Where the next character stands; the error says why a value can't be quoted there.
    pub fn context(&self) -> Result<Context, &'static str> {
        if self.comment {
            return Err("in a comment");
        }
        if self.heredoc {
            return Err("after `<<`, in a here-document");
        }
        if self.escaped {
            return Err("after a backslash");
        }
        if self.dollar {
            return Err("after `$`");
        }
        if self.levels.contains(&Level::Backticks) {
            return Err("within backticks");
        }
        if self.levels.contains(&Level::Braces) {
            return Err("within `${…}`");
        }
        if self.levels.contains(&Level::Sum) {
            return Err("within `((…))`");
        }
        match self.level() {
            Level::Bare | Level::Parens => Ok(Context::Bare),
            Level::Single => Ok(Context::Single),
            Level::Double => Ok(Context::Double),
            Level::Ansi => Err("within `$'…'`"),
            Level::Sum | Level::Braces | Level::Backticks => Err("there"),
        }
    }

    /// Reads on over text that the policy's author wrote.
    pub fn read(&mut self, text: &str) {
        for c in text.chars() {
            self.step(c);
            self.last = c;
        }
    }

    /// A value was put in: it is part of a word.
    pub fn skip_value(&mut self) {
        (self.word_start, self.dollar, self.last) = (false, false, 'v');
    }

    fn step(&mut self, c: char) {
        if self.comment {
            self.comment = c != '\n';
            self.word_start = true;
            return;
        }
        if self.escaped {
            (self.escaped, self.word_start) = (false, false);
            return;
        }
        let dollar = std::mem::take(&mut self.dollar);
        match self.level() {
            Level::Single => match c {
                '\\' if self.shell == Shell::Fish => self.escaped = true,
                '\'' => self.leave(),
                _ => {}
            },
            Level::Ansi => match c {
                '\\' => self.escaped = true,
                '\'' => self.leave(),
                _ => {}
            },
            Level::Double => self.step_double(c, dollar),
            Level::Bare | Level::Parens | Level::Sum | Level::Braces | Level::Backticks => self.step_bare(c, dollar),
        }
    }

    fn leave(&mut self) {
        if self.levels.len() > 1 {
            self.levels.pop();
        }
    }

    fn step_double(&mut self, c: char, dollar: bool) {
        match c {
            '\\' => self.escaped = true,
            '"' => self.leave(),
            '(' if dollar => self.levels.push(Level::Parens),
            '{' if dollar => self.levels.push(Level::Braces),
            '`' => self.backtick(),
            '$' => self.dollar = true,
            _ => {}
        }
    }

    fn step_bare(&mut self, c: char, dollar: bool) {
        let word_start = std::mem::replace(&mut self.word_start, c.is_whitespace() || ";&|(".contains(c));
        match c {
            '\\' => self.escaped = true,
            '\'' if dollar && self.shell == Shell::Posix => self.levels.push(Level::Ansi),
            '\'' => self.levels.push(Level::Single),
            '"' => self.levels.push(Level::Double),
            '{' if dollar => self.levels.push(Level::Braces),
            '}' if self.level() == Level::Braces => self.leave(),
            '(' if self.last == '(' && self.level() == Level::Parens => self.levels.push(Level::Sum),
            '(' => self.levels.push(Level::Parens),
            ')' if matches!(self.level(), Level::Parens | Level::Sum) => self.leave(),
            '`' => self.backtick(),
            '$' => self.dollar = true,
            '#' if word_start => self.comment = true,
            // `<<<` is a here-string, an ordinary word follows it.
            '<' if self.last == '<' => self.heredoc = !self.heredoc,
            _ => {}
        }
    }

    fn backtick(&mut self) {
        if self.level() == Level::Backticks { self.leave() } else { self.levels.push(Level::Backticks) }
    }
}

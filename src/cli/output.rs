//! What a command prints: text for people, aligned and coloured, or JSON for scripts.

use super::error::{CliError, exit};
use serde::Serialize;
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use tmuxagent_text::redact::Redactor;
use tmuxagent_text::{Lang, clean, clean_block, is_hidden, json as harmless_json, message};
use tmuxagent_tui::view::{Commands, Fold};
use tmuxagent_yaml::Diagnostic;
use unicode_width::UnicodeWidthStr;

/// When colours are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The standard output of one command.
#[derive(Debug, Clone)]
pub struct Output {
    /// The language of texts.
    pub lang: Lang,
    /// JSON instead of text.
    pub json: bool,
    /// Columns that text may take.
    pub width: u16,
    color: bool,
}

/// A colour by what it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// As it is.
    Plain,
    /// Less important.
    Dim,
    /// A heading.
    Bold,
    /// Well.
    Good,
    /// Somebody should look.
    Warn,
    /// Wrong.
    Bad,
    /// Waits for a human.
    Ask,
}

impl Output {
    /// For this process's standard output.
    #[must_use]
    pub fn new(lang: Lang, json: bool, choice: ColorChoice) -> Self {
        let color = match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => {
                let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
                io::stdout().is_terminal() && !set("NO_COLOR") && std::env::var("TERM").as_deref() != Ok("dumb")
            }
        };
        Self { lang, json, width: columns(), color: color && !json }
    }

    /// Whether colours are used.
    #[must_use]
    pub const fn is_coloured(&self) -> bool {
        self.color
    }

    /// A text in its colour.
    #[must_use]
    pub fn paint(&self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Plain => return text.to_owned(),
            Tone::Dim => "2",
            Tone::Bold => "1",
            Tone::Good => "32",
            Tone::Warn => "33",
            Tone::Bad => "31",
            Tone::Ask => "35",
        };
        if self.color { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// Says something beside the answer, on standard error.
    pub fn warn(&self, text: &str) {
        warn_in(self.lang, text);
    }

    /// A text of the program in the reader's language.
    #[must_use]
    pub fn words(&self, text: &str) -> String {
        message(self.lang, text)
    }

    /// Prints a text of the program, in the reader's language.
    ///
    /// # Errors
    /// When standard output can't be written.
    pub fn say(&self, text: &str) -> Result<(), CliError> {
        self.line(&self.words(text))
    }

    /// Prints one line, in as many as the terminal needs, those that follow behind an indent. Whatever it is made of,
    /// nothing of it acts on the terminal but the colours of [`Self::paint`].
    ///
    /// # Errors
    /// When standard output can't be written.
    pub fn line(&self, text: &str) -> Result<(), CliError> {
        let indent = |line: &str| line.len() - line.trim_start_matches(' ').len();
        self.raw(
            &inert(text, self.color)
                .split('\n')
                .map(|line| self.laid("", indent(line) + 2, line, Commands::Whole))
                .collect::<String>(),
        )
    }

    /// Prints a text behind a heading; its further lines stand below its first one.
    ///
    /// # Errors
    /// When standard output can't be written.
    pub fn item(&self, head: &str, text: &str) -> Result<(), CliError> {
        self.behind(head, text, Commands::Whole)
    }

    /// The same where others' words stand in the text: a command in it is broken where no line can hold it.
    ///
    /// # Errors
    /// When standard output can't be written.
    pub fn told(&self, head: &str, text: &str) -> Result<(), CliError> {
        self.behind(head, text, Commands::WhereTheyFit)
    }

    fn behind(&self, head: &str, text: &str, commands: Commands) -> Result<(), CliError> {
        let (head, text) = (inert(head, self.color), inert(text, self.color));
        let wide = uncoloured(&head).width();
        if wide * 2 <= usize::from(self.width) {
            return self.raw(&self.laid(&head, wide, &text, commands));
        }
        // There is no room behind it.
        let laid = format!("{}{}", self.laid("", 2, head.trim_end(), commands), self.laid("    ", 4, &text, commands));
        self.raw(&laid)
    }

    /// The same for what somebody else wrote, or what is typed: it is broken also between backticks.
    ///
    /// # Errors
    /// When standard output can't be written.
    pub fn quoted(&self, head: &str, tone: Tone, text: &str) -> Result<(), CliError> {
        let (mut head, text) = (inert(head, self.color), inert(text, false));
        let mut indent = uncoloured(&head).width();
        if indent * 2 > usize::from(self.width) {
            // There is no room behind it.
            self.raw(&self.laid("", 2, head.trim_end(), Commands::Whole))?;
            (head, indent) = (" ".repeat(4), 4);
        }
        let room = usize::from(self.width).saturating_sub(indent).max(10);
        for line in (Fold { first: room, rest: room, commands: Commands::Unknown }).lines(&text) {
            self.raw(&format!("{head}{}\n", self.paint(tone, &line)))?;
            head = " ".repeat(indent);
        }
        Ok(())
    }

    /// Prints one line as long as it is: a path or a command that somebody copies, or a script reads.
    ///
    /// # Errors
    /// When standard output can't be written.
    pub fn verbatim(&self, text: &str) -> Result<(), CliError> {
        self.raw(&format!("{}\n", inert(text, self.color)))
    }

    /// A text in lines, the first behind `head`, the others behind `indent` columns.
    fn laid(&self, head: &str, indent: usize, text: &str, commands: Commands) -> String {
        let room = |taken: usize| usize::from(self.width).saturating_sub(taken).max(10);
        let fold = Fold { first: room(uncoloured(head).width()), rest: room(indent), commands };
        let mut laid = String::new();
        for (n, line) in fold.lines(text).iter().enumerate() {
            // Writing to a string can't fail.
            let _ = match n {
                0 => writeln!(laid, "{head}{line}"),
                _ => writeln!(laid, "{:indent$}{line}", ""),
            };
        }
        laid
    }

    /// Prints text as it is.
    ///
    /// # Errors
    /// When standard output can't be written.
    pub fn raw(&self, text: &str) -> Result<(), CliError> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(text.as_bytes())?;
        Ok(stdout.flush()?)
    }

    /// Prints a value as JSON over several lines.
    ///
    /// # Errors
    /// When standard output can't be written.
    pub fn json(&self, value: &impl Serialize) -> Result<(), CliError> {
        let text = serde_json::to_string_pretty(value).map_err(CliError::internal)?;
        self.raw(&format!("{}\n", inert(&harmless_json(&text), false)))
    }

    /// Prints a value as one line of JSON.
    ///
    /// # Errors
    /// When standard output can't be written.
    pub fn json_line(&self, value: &impl Serialize) -> Result<(), CliError> {
        let text = serde_json::to_string(value).map_err(CliError::internal)?;
        self.raw(&format!("{}\n", inert(&harmless_json(&text), false)))
    }

    /// Prints a text in as many lines as it needs, each behind that indent. Nothing is cut; what is too long for a line is
    /// broken, also between backticks: it may be what somebody else wrote.
    ///
    /// # Errors
    /// When standard output can't be written.
    pub fn wrapped(&self, indent: &str, tone: Tone, text: &str) -> Result<(), CliError> {
        let room = usize::from(self.width).saturating_sub(indent.width()).max(20);
        let lines = Fold { first: room, rest: room, commands: Commands::Unknown }.lines(&inert(text, false));
        lines.iter().try_for_each(|line| self.verbatim(&format!("{indent}{}", self.paint(tone, line))))
    }
}

/// Says something beside the answer, on standard error, in that language.
pub(super) fn warn_in(lang: Lang, text: &str) {
    use std::io::Write as _;
    let word = lang.pick("warning", "警告");
    // A closed standard error leaves nobody to tell.
    let _ = writeln!(std::io::stderr(), "{word}{}{}", lang.colon(), clean_block(&message(lang, text)).join("\n"));
}

/// A text without the colours of [`Output::paint`].
fn uncoloured(text: &str) -> String {
    COLOURS.iter().fold(text.to_owned(), |text, code| text.replace(code, ""))
}

/// A text whose control characters are visible signs and whose hidden characters are gone; colours stay where they are used.
fn inert(text: &str, color: bool) -> String {
    let acts = |c: char| c != '\n' && (c.is_control() || is_hidden(c));
    if !text.contains(acts) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(acts) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let painted = COLOURS.iter().find(|code| color && from.starts_with(**code));
        let taken = painted.map_or_else(|| from.chars().next().map_or(1, char::len_utf8), |code| code.len());
        let (one, after) = from.split_at(taken);
        if painted.is_some() {
            out.push_str(one)
        } else {
            out.push_str(&clean(one))
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// What [`Output::paint`] writes.
const COLOURS: [&str; 7] =
    ["\u{1b}[0m", "\u{1b}[1m", "\u{1b}[2m", "\u{1b}[31m", "\u{1b}[32m", "\u{1b}[33m", "\u{1b}[35m"];

/// A path on one line, as people may see it.
pub fn shown(path: &Path) -> String {
    clean(&path.display().to_string())
}

/// A text of several lines that does nothing to a terminal and tells no secret.
#[must_use]
pub fn harmless(text: &str, redactor: &Redactor) -> String {
    redactor.redact(&clean_block(text).join("\n"))
}

fn redact_all(value: &mut serde_json::Value, redactor: &Redactor) {
    match value {
        serde_json::Value::String(text) => *text = redactor.redact(text),
        serde_json::Value::Array(items) => items.iter_mut().for_each(|item| redact_all(item, redactor)),
        serde_json::Value::Object(entries) => entries.values_mut().for_each(|item| redact_all(item, redactor)),
        _ => {}
    }
}

/// Lines of JSON on their way out, each as [`Output::json`] prints it.
pub struct JsonLines<W: Write> {
    out: W,
    line: Vec<u8>,
}

impl<W: Write> JsonLines<W> {
    /// On their way into that.
    pub const fn new(out: W) -> Self {
        Self { out, line: Vec::new() }
    }

    fn pass(&mut self, upto: usize) -> io::Result<()> {
        let line: Vec<u8> = self.line.drain(..upto).collect();
        self.out.write_all(harmless_json(&String::from_utf8_lossy(&line)).as_bytes())
    }
}

impl<W: Write> Write for JsonLines<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.line.extend_from_slice(bytes);
        if let Some(end) = self.line.iter().rposition(|byte| *byte == b'\n') {
            self.pass(end + 1)?;
        }
        Ok(bytes.len())
    }

    /// To be called at the end of a line.
    fn flush(&mut self) -> io::Result<()> {
        self.pass(self.line.len())?;
        self.out.flush()
    }
}

/// The columns of whoever reads: `COLUMNS`, else those of the terminal, else 80. Nothing is cut where that is narrow.
pub(super) fn columns() -> u16 {
    let named = std::env::var("COLUMNS").ok().and_then(|text| text.trim().parse().ok()).filter(|columns| *columns > 0);
    let of_terminal = || {
        let size = if io::stdout().is_terminal() { crossterm::terminal::size().ok() } else { None };
        size.map(|(columns, _)| columns).filter(|columns| *columns > 0)
    };
    named.or_else(of_terminal).unwrap_or(80)
}

/// Prints an error with its hints on standard error, and for `--json` as an object on standard output.
pub fn report(error: &CliError, json: bool, lang: Lang, redactor: &Redactor) -> u8 {
    let code = error.code();
    if matches!(error, CliError::Pipe) {
        return code;
    }
    // Findings in a text begin with their own `error:` or `warning:`.
    let findings = match error {
        CliError::User(problem) => &problem.diagnostics.problems[..],
        _ => &[],
    };
    let text = match error {
        CliError::User(problem) if !findings.is_empty() => problem.diagnostics.show(lang),
        CliError::Uncertain { doubt, .. } => tmuxagent_text::doubt(lang, doubt),
        // The chain of causes is for whoever mends the program.
        CliError::Internal(_) => error.text(),
        // The supervisor's own findings stand in lines of their own.
        CliError::Answer { .. } | CliError::Refused { .. } => message(lang, &error.text()),
        _ => in_one_line(&message(lang, &error.text())),
    };
    let listed = matches!(error, CliError::NotFound { .. });
    let hint = |hint: &String| if listed { message(lang, hint) } else { in_one_line(&message(lang, hint)) };
    let hints: Vec<String> = error.hints().iter().map(hint).collect();
    // Whatever an error quotes, an argument or a file, may act on a terminal or be a secret. JSON escapes the former.
    let mut message = String::new();
    let prefix = match (findings.is_empty(), code) {
        (false, _) => "",
        (true, exit::INTERNAL) => lang.pick("internal error: ", "内部错误："),
        // It is no failure, or not yet.
        (true, exit::UNCERTAIN) => "",
        (true, _) => lang.pick("error: ", "错误："),
    };
    let _ = writeln!(message, "{prefix}{}", harmless(&text, redactor));
    for hint in &hints {
        let _ = writeln!(message, "{}{hint}", lang.pick("hint: ", "提示："), hint = harmless(hint, redactor));
    }
    if io::stderr().is_terminal() {
        let room = usize::from(columns()).max(20);
        let fold = Fold { first: room, rest: room, commands: Commands::Whole };
        message = message.lines().flat_map(|line| fold.lines(line)).map(|line| line + "\n").collect();
    }
    // Nothing is left to be done where standard error is closed too.
    let _ = io::stderr().lock().write_all(message.as_bytes());
    if json {
        report_object(&ErrorObject { code, text: &text, hints: &hints, problems: findings }, redactor);
    }
    code
}

/// A sentence that quotes a path or an argument: a line break in it is shown, and makes no line of its own.
fn in_one_line(text: &str) -> String {
    text.trim_end().replace('\n', "\\n")
}

/// An error as scripts read it.
#[derive(Debug, Serialize)]
pub struct ErrorObject<'e> {
    /// The exit code.
    pub code: u8,
    /// What is wrong.
    pub text: &'e str,
    /// The ways out.
    pub hints: &'e [String],
    /// What was found in a text.
    pub problems: &'e [Diagnostic],
}

/// Prints an error as an object on standard output.
pub fn report_object(error: &ErrorObject<'_>, redactor: &Redactor) {
    let mut value = serde_json::json!({ "error": error });
    redact_all(&mut value, redactor);
    // Nothing is left to be done where standard output is closed too.
    let _ = writeln!(io::stdout().lock(), "{}", harmless_json(&format!("{value:#}")));
}

//! Reads a command as a POSIX shell does, as far as it is sure of it. What it does not know for certain it refuses.
//!
//! **Invariant:** a command is followed to its end or not at all; a guess is never made.

use super::documents::Document;
use super::words::{EXPANSION, Hole, Item, Parsed, Place, Simple, VALUE, Word, is_name};

/// Why a command can't be followed.
pub(super) type Unsure = &'static str;

/// The deepest nesting of commands within commands.
const DEEPEST: usize = 24;

/// Reads a command with its places for values.
///
/// # Errors
/// When it can't be followed to its end; the error says at what.
pub(super) fn parse(items: &[Item]) -> Result<Parsed, Unsure> {
    let holes = items.iter().filter(|item| matches!(item, Item::Hole(_))).count();
    let out = Parsed { places: vec![Ok(Place::Bare); holes], ..Parsed::default() };
    let mut lexer = Lexer { items, at: 0, depth: 0, brackets: 0, out, documents: Vec::new() };
    lexer.list(End::Text)?;
    super::folders::settle(&mut lexer.out);
    Ok(lexer.out)
}

/// What ends a list of commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The end of the text.
    Text,
    /// `)`.
    Paren,
    /// `;;`, or `esac` where a command would begin.
    Branch,
}

pub(super) struct Lexer<'a> {
    pub(super) items: &'a [Item],
    pub(super) at: usize,
    depth: usize,
    /// How many `( … )` are open: what they do ends with them.
    brackets: usize,
    pub(super) out: Parsed,
    pub(super) documents: Vec<Document>,
}

/// Words that are followed by a command.
pub(super) const OPENERS: &[&str] = &[
    "if", "then", "else", "elif", "fi", "do", "done", "while", "until", "!", "{", "}", "esac", // fish
    "and", "or", "not", "begin",
];

impl Lexer<'_> {
    pub(super) fn peek(&self) -> Option<Item> {
        self.items.get(self.at).copied()
    }

    pub(super) fn char_at(&self, ahead: usize) -> Option<char> {
        match self.items.get(self.at + ahead) {
            Some(Item::Char(c)) => Some(*c),
            Some(Item::Hole(_)) | None => None,
        }
    }

    pub(super) fn hole_at(&self, ahead: usize) -> Option<Item> {
        self.items.get(self.at + ahead).copied().filter(|item| matches!(item, Item::Hole(_)))
    }

    pub(super) fn next_is(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(ahead, c)| self.char_at(ahead) == Some(c))
    }

    pub(super) fn refuse(&mut self, hole: Hole, why: &'static str) {
        if let Some(place) = self.out.places.get_mut(hole) {
            *place = Err(why);
        }
    }

    pub(super) fn place(&mut self, hole: Hole, at: Place) {
        if let Some(place) = self.out.places.get_mut(hole) {
            *place = Ok(at);
        }
    }

    /// Reads commands up to their end.
    fn list(&mut self, end: End) -> Result<(), Unsure> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err("so many commands within commands");
        }
        let mut command = Simple::default();
        loop {
            let Some(item) = self.peek() else {
                self.finish(&mut command, false);
                let whole = end == End::Text && self.documents.is_empty();
                self.depth -= 1;
                return if whole { Ok(()) } else { Err("a bracket, `case` or here-document that is not closed") };
            };
            let Item::Char(c) = item else {
                self.word_into(&mut command)?;
                continue;
            };
            match c {
                ' ' | '\t' => self.at += 1,
                '\\' if self.char_at(1) == Some('\n') => self.at += 2,
                '\n' => {
                    self.at += 1;
                    let open = self.finish(&mut command, false);
                    self.read_documents(open)?;
                }
                '#' => self.comment(),
                ';' if end == End::Branch && (self.next_is(";;") || self.next_is(";&")) => {
                    self.finish(&mut command, false);
                    self.depth -= 1;
                    return Ok(());
                }
                ';' if self.next_is(";;") || self.next_is(";&") => return Err("a `;;` outside of `case`"),
                ';' => self.separate(&mut command, 1, false),
                '&' if self.next_is("&&") => self.separate(&mut command, 2, false),
                '&' if self.next_is("&>") => self.redirection(&mut command)?,
                '&' => self.separate(&mut command, 1, false),
                '|' if self.next_is("||") => self.separate(&mut command, 2, false),
                '|' if self.next_is("|&") => self.separate(&mut command, 2, true),
                '|' => self.separate(&mut command, 1, true),
                '(' => self.parenthesis(&mut command)?,
                ')' if end == End::Paren => {
                    self.finish(&mut command, false);
                    self.at += 1;
                    self.depth -= 1;
                    return Ok(());
                }
                ')' => return Err("a `)` without its `(`"),
                '<' | '>' if !self.next_is("<(") && !self.next_is(">(") => self.redirection(&mut command)?,
                _ => {
                    if self.word_into(&mut command)? && end == End::Branch {
                        self.finish(&mut command, false);
                        self.depth -= 1;
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Ends a command; gives its number where it has one.
    fn finish(&mut self, command: &mut Simple, pipes: bool) -> Option<usize> {
        let ended = std::mem::replace(command, Simple { piped: pipes, ..Simple::default() });
        if ended.is_empty() {
            // What a pipe feeds may begin on the next line or behind a word such as `while`.
            command.piped |= ended.piped;
            return None;
        }
        self.out.commands.push(Simple { bracketed: self.brackets > 0, ..ended });
        Some(self.out.commands.len() - 1)
    }

    fn separate(&mut self, command: &mut Simple, letters: usize, pipes: bool) {
        self.at += letters;
        let ended = self.finish(command, pipes);
        self.adopt_documents(ended);
    }

    fn comment(&mut self) {
        while let Some(item) = self.peek() {
            match item {
                Item::Char('\n') => return,
                Item::Char(_) => {}
                Item::Hole(hole) => self.refuse(hole, "in a comment"),
            }
            self.at += 1;
        }
    }

    /// `( … )`, `(( … ))` or the brackets of a function.
    fn parenthesis(&mut self, command: &mut Simple) -> Result<(), Unsure> {
        if command.is_empty() {
            if self.next_is("((") {
                self.at += 2;
                return self.arithmetic();
            }
            self.at += 1;
            self.out.feeds |= command.piped;
            self.brackets += 1;
            let read = self.list(End::Paren);
            self.brackets -= 1;
            return read;
        }
        let named = command.words.len() == 1 && command.words.iter().all(|word| word.literal().is_some());
        if named && self.next_is("()") && command.assignments.is_empty() && command.redirections.is_empty() {
            self.at += 2;
            let name = command.words.first().map(|word| word.text.clone());
            self.out.functions.extend(name);
            *command = Simple::default();
            return Ok(());
        }
        Err("a `(` within a word")
    }

    /// Reads one word into the command; tells whether it was the `esac` that ends a branch.
    fn word_into(&mut self, command: &mut Simple) -> Result<bool, Unsure> {
        // `2>file`: the number belongs to the redirection.
        let digits = (0..).take_while(|ahead| self.char_at(*ahead).is_some_and(|c| c.is_ascii_digit())).count();
        if digits > 0 && matches!(self.char_at(digits), Some('<' | '>')) {
            self.at += digits;
            self.redirection(command)?;
            return Ok(false);
        }
        let start = self.at;
        let word = if command.words.is_empty() { self.word_or_assignment()? } else { self.word()? };
        if self.at == start {
            return Err("a letter that begins no word");
        }
        let bare = word.literal().filter(|_| !word.quoted);
        if command.words.is_empty() {
            // The subscript of an assignment may hold blanks.
            if word.subscript && word.text != "[" && word.text != "[[" {
                return Err("a `[` that is not closed in its word");
            }
            if bare == Some("esac") && command.is_empty() {
                return Ok(true);
            }
            self.out.feeds |= command.piped && bare.is_some_and(|text| text == "case" || OPENERS.contains(&text));
            if bare.is_some_and(|text| OPENERS.contains(&text)) && command.assignments.is_empty() {
                return Ok(false);
            }
            match bare {
                Some("case") => return self.case().map(|()| false),
                Some("[[") => {
                    command.words.push(word);
                    return self.test(command).map(|()| false);
                }
                Some("coproc" | "select" | "repeat" | "foreach" | "switch" | "always" | "function") => {
                    return Err("a word such as `select` or `function`, which not every shell knows");
                }
                _ => {}
            }
            if word.assigned().is_some() {
                command.assignments.push(word);
                return Ok(false);
            }
        }
        let closed = command.words.first().is_some_and(|first| first.text == "[[" && !first.quoted);
        if closed || command.doubtful {
            return Err("a word behind `]]` or behind `&>file`, which begins another command in some shells");
        }
        command.words.push(word);
        Ok(false)
    }

    /// What stands behind `case`: its word, `in`, patterns and their commands, `esac`.
    fn case(&mut self) -> Result<(), Unsure> {
        if self.depth > 1 {
            return Err("`case` within another command");
        }
        self.blanks(false);
        let subject = self.word()?;
        self.blanks(true);
        if self.word()?.text != "in" || subject.text.is_empty() {
            return Err("a `case` without `in`");
        }
        self.out.commands.push(Simple { redirections: vec![subject], subject: true, ..Simple::default() });
        loop {
            self.blanks(true);
            if self.char_at(0) == Some('(') {
                self.at += 1;
            }
            loop {
                self.blanks(false);
                let start = self.at;
                self.no_comment()?;
                let pattern = self.word()?;
                if pattern.text == "esac" && !pattern.quoted {
                    return Ok(());
                }
                if self.at == start {
                    return Err("a `case` with an empty pattern");
                }
                self.blanks(false);
                match self.char_at(0) {
                    Some('|') => self.at += 1,
                    Some(')') => break,
                    _ => return Err("a pattern of `case` without its `)`"),
                }
            }
            self.at += 1;
            self.list(End::Branch)?;
            let signs = [";;&", ";;", ";&"].into_iter().find(|sign| self.next_is(sign));
            match signs {
                Some(sign) => self.at += sign.len(),
                // It was `esac`.
                None => return Ok(()),
            }
        }
    }

    fn no_comment(&self) -> Result<(), Unsure> {
        if self.char_at(0) == Some('#') { Err("a comment within `case` or `[[`") } else { Ok(()) }
    }

    fn blanks(&mut self, lines: bool) {
        loop {
            match self.char_at(0) {
                Some(' ' | '\t') => self.at += 1,
                Some('\n') if lines => self.at += 1,
                Some('\\') if self.char_at(1) == Some('\n') => self.at += 2,
                _ => return,
            }
        }
    }

    /// `[[ … ]]`: one command, whose operators are words.
    fn test(&mut self, command: &mut Simple) -> Result<(), Unsure> {
        loop {
            // Elsewhere a line break ends the command in some shells.
            let joins = command.words.last().is_some_and(|word| matches!(word.text.as_str(), "&&" | "||"));
            self.blanks(joins);
            self.no_comment()?;
            let Some(item) = self.peek() else { return Err("a `[[` without `]]`") };
            let sign = ["&&", "||", "(", ")", "<", ">"].into_iter().find(|sign| self.next_is(sign));
            if let (Item::Char(_), Some(sign)) = (item, sign) {
                self.at += sign.len();
                command.words.push(Word { text: sign.to_owned(), ..Word::default() });
                continue;
            }
            let start = self.at;
            let word = self.word()?;
            if self.at == start {
                return Err("a sign within `[[ … ]]`");
            }
            let ends = word.text == "]]" && !word.quoted;
            command.words.push(word);
            if ends {
                return Ok(());
            }
        }
    }

    fn redirection(&mut self, command: &mut Simple) -> Result<(), Unsure> {
        let sign = ["&>>", "&>", "<<<", "<<-", "<<", "<&", "<>", ">>", ">&", ">|", "<", ">"]
            .into_iter()
            .find(|sign| self.next_is(sign))
            .unwrap_or(">");
        self.at += sign.len();
        self.blanks(false);
        let start = self.at;
        let word = self.word()?;
        if self.at == start {
            return Err("a `<` or `>` without a word behind it");
        }
        command.input |= sign.starts_with('<');
        if sign.contains('>') {
            command.targets.push(word.text.clone());
            let number = !word.text.is_empty() && word.text.chars().all(|c| c.is_ascii_digit());
            let descriptor = sign == ">&" && (number || word.text == "-");
            if !descriptor && !matches!(word.text.as_str(), "/dev/null" | "/dev/stdout" | "/dev/stderr") {
                command.files.push(word.text.clone());
            }
        }
        if !matches!(sign, "<<" | "<<-") {
            if sign != "<<<" {
                command.named.push(word.clone());
            }
            command.redirections.push(word);
            command.doubtful |= sign.starts_with('&');
            return Ok(());
        }
        if self.depth > 1 {
            return Err("a here-document within another command");
        }
        let Some(text) = word.literal().filter(|text| is_name(text)) else {
            return Err("a here-document whose end is no plain word");
        };
        // Which command it belongs to is known when that ends.
        let (word, quoted, tabs) = (text.to_owned(), word.quoted, sign == "<<-");
        self.documents.push(Document { word, quoted, tabs, command: usize::MAX });
        if self.documents.len() > 1 {
            return Err("two here-documents on one line");
        }
        command.redirections.push(Word::default());
        Ok(())
    }

    /// Reads the commands within `$(…)` and `<(…)`; the values in them belong to the word too.
    pub(super) fn inner(&mut self, word: &mut Word) -> Result<(), Unsure> {
        self.out.captures = true;
        let first = self.out.commands.len();
        self.list(End::Paren)?;
        self.out.commands.iter_mut().skip(first).for_each(|command| command.captured = true);
        let commands = self.out.commands.iter().skip(first);
        let inner: Vec<Hole> = commands.flat_map(Simple::all_words).flat_map(Word::all_holes).collect();
        if word.subscript {
            inner.iter().for_each(|hole| self.refuse(*hole, "within `[…]`"));
        }
        word.inner.extend(inner);
        word.text.push(EXPANSION);
        Ok(())
    }

    /// Reads the commands within backticks, which end at that place.
    pub(super) fn inner_until(&mut self, end: usize, word: &mut Word) -> Result<(), Unsure> {
        let Some(items) = self.items.get(self.at..end) else { return Err("backticks that are not closed") };
        if items.iter().any(|item| matches!(item, Item::Char('\\' | '<'))) {
            return Err("backticks with a backslash or a `<` in them");
        }
        for item in items {
            if let Item::Hole(hole) = item {
                self.refuse(*hole, "within backticks");
            }
        }
        let parsed = parse_inner(items, self.depth, self.brackets)?;
        self.out.captures = true;
        self.out.numbers.extend(parsed.numbers);
        self.out.commands.extend(parsed.commands.into_iter().map(|command| Simple { captured: true, ..command }));
        self.out.functions.extend(parsed.functions);
        self.out.calculates |= parsed.calculates;
        self.out.unusual |= parsed.unusual;
        self.out.processes |= parsed.processes;
        self.out.feeds |= parsed.feeds;
        self.at = end + 1;
        word.text.push(EXPANSION);
        Ok(())
    }

    pub(super) fn hole(&mut self, hole: Hole, place: Place, word: &mut Word) {
        self.at += 1;
        word.holes.push(hole);
        // In an interactive shell `!` takes what follows from the history.
        if word.text.ends_with('!') {
            self.refuse(hole, "after `!`");
        } else if word.subscript {
            self.refuse(hole, "within `[…]`");
        } else {
            self.place(hole, place);
        }
        word.text.push(VALUE);
    }
}

/// Reads what stands within backticks, whose values are refused already.
fn parse_inner(items: &[Item], depth: usize, brackets: usize) -> Result<Parsed, Unsure> {
    let mut lexer = Lexer { items, at: 0, depth, brackets, out: Parsed::default(), documents: Vec::new() };
    lexer.list(End::Text)?;
    Ok(lexer.out)
}

//! Words: quotes, escapes, `$`, and what is calculated.

use super::lexer::{Lexer, Unsure};
use super::words::{EXPANSION, Item, Place, Word, is_name};

impl Lexer<'_> {
    /// Reads one word; empty where none begins here.
    pub(super) fn word(&mut self) -> Result<Word, Unsure> {
        self.word_of(false)
    }

    /// The same where it may be an assignment before a command: only there `NAME=( … )` is a list of words. Elsewhere zsh
    /// reads what stands in the brackets as qualifiers of file names, quoted or not, and calculates and runs some of it.
    pub(super) fn word_or_assignment(&mut self) -> Result<Word, Unsure> {
        self.word_of(true)
    }

    fn word_of(&mut self, assignment: bool) -> Result<Word, Unsure> {
        let mut word = Word::default();
        while let Some(item) = self.peek() {
            let Item::Char(c) = item else {
                if let Item::Hole(hole) = item {
                    self.hole(hole, Place::Bare, &mut word);
                }
                continue;
            };
            match c {
                ' ' | '\t' | '\n' | ';' | '&' | '|' | ')' => break,
                '<' | '>' if self.char_at(1) == Some('(') => {
                    self.at += 2;
                    self.out.processes = true;
                    self.inner(&mut word)?;
                }
                '<' | '>' => break,
                '(' if assignment && !word.quoted && word.text.ends_with('=') && word.assigned().is_some() => {
                    self.array(&mut word)?;
                }
                '(' => break,
                '\\' => self.escape(&mut word),
                '\'' => self.single(&mut word)?,
                '"' => self.double(&mut word)?,
                '`' => self.backticks(&mut word, false)?,
                '$' => self.dollar(&mut word, Place::Bare)?,
                _ => {
                    word.splits |= matches!(c, '{' | '*' | '?' | '[');
                    match c {
                        '[' => word.subscript = true,
                        ']' => word.subscript = false,
                        _ => {}
                    }
                    self.push(c, &mut word);
                }
            }
        }
        Ok(word)
    }

    fn push(&mut self, c: char, word: &mut Word) {
        word.text.push(c);
        self.at += 1;
    }

    /// `NAME=( … )`.
    fn array(&mut self, word: &mut Word) -> Result<(), Unsure> {
        self.at += 1;
        loop {
            match self.char_at(0) {
                Some(' ' | '\t' | '\n') => self.at += 1,
                Some(')') => {
                    self.at += 1;
                    return Ok(());
                }
                Some('#' | ';' | '&' | '|' | '<' | '>' | '(') => return Err("a sign in a list of words"),
                _ if self.peek().is_none() => return Err("a list of words that is not closed"),
                _ => {
                    let element = self.word()?;
                    if element.subscript {
                        return Err("a `[` that is not closed in its word");
                    }
                    word.text.push(' ');
                    word.text.push_str(&element.text);
                    word.holes.extend(element.holes);
                    word.inner.extend(element.inner);
                }
            }
        }
    }

    /// A backslash and what it takes away the meaning of.
    pub(super) fn escape(&mut self, word: &mut Word) {
        self.at += 1;
        match self.peek() {
            Some(Item::Char('\n')) => self.at += 1,
            Some(Item::Char(c)) => {
                word.quoted = true;
                self.push(c, word);
            }
            Some(Item::Hole(hole)) => {
                self.refuse(hole, "after a backslash");
                self.at += 1;
            }
            None => {}
        }
    }

    fn single(&mut self, word: &mut Word) -> Result<(), Unsure> {
        self.at += 1;
        word.quoted = true;
        loop {
            match self.peek() {
                Some(Item::Char('\'')) => {
                    self.at += 1;
                    return Ok(());
                }
                Some(Item::Char(c)) => self.push(c, word),
                Some(Item::Hole(hole)) => {
                    self.refuse(hole, "within single quotes");
                    self.at += 1;
                }
                None => return Err("a quote that is not closed"),
            }
        }
    }

    /// `$'…'`, where a backslash escapes in some shells.
    fn ansi(&mut self, word: &mut Word) -> Result<(), Unsure> {
        self.at += 2;
        word.quoted = true;
        loop {
            match self.peek() {
                Some(Item::Char('\'')) => {
                    self.at += 1;
                    return Ok(());
                }
                // Where the quotes end depends on the shell.
                Some(Item::Char('\\')) if matches!(self.char_at(1), Some('\'' | '\\')) => {
                    return Err("`$'…'` with an escaped quote or backslash");
                }
                Some(Item::Char(c)) => self.push(c, word),
                Some(Item::Hole(hole)) => {
                    self.refuse(hole, "within `$'…'`");
                    self.at += 1;
                }
                None => return Err("a quote that is not closed"),
            }
        }
    }

    fn double(&mut self, word: &mut Word) -> Result<(), Unsure> {
        self.at += 1;
        word.quoted = true;
        loop {
            let Some(item) = self.peek() else { return Err("a quote that is not closed") };
            match item {
                Item::Hole(hole) => self.hole(hole, Place::Quotes, word),
                Item::Char('"') => {
                    self.at += 1;
                    return Ok(());
                }
                Item::Char('\\') => self.escape(word),
                Item::Char('`') => self.backticks(word, true)?,
                Item::Char('$') => self.dollar(word, Place::Quotes)?,
                Item::Char(c) => self.push(c, word),
            }
        }
    }

    fn backticks(&mut self, word: &mut Word, quoted: bool) -> Result<(), Unsure> {
        word.splits |= !quoted;
        self.at += 1;
        let ahead = (0..).map_while(|ahead| self.item(ahead)).position(|item| item == Item::Char('`'));
        let Some(ahead) = ahead else { return Err("backticks that are not closed") };
        let quotes = (0..ahead).any(|ahead| matches!(self.char_at(ahead), Some('"' | '\'')));
        if quoted && quotes {
            return Err("quotes within backticks within quotes");
        }
        self.inner_until(self.at + ahead, word)
    }

    fn item(&self, ahead: usize) -> Option<Item> {
        self.char_at(ahead).map(Item::Char).or_else(|| self.hole_at(ahead))
    }

    /// `$` and what belongs to it.
    pub(super) fn dollar(&mut self, word: &mut Word, place: Place) -> Result<(), Unsure> {
        self.out.calculates |= word.subscript;
        let before = word.text.len();
        let read = self.expansion(word, place);
        word.splits |= place == Place::Bare && word.text[before..].contains(EXPANSION);
        read
    }

    fn expansion(&mut self, word: &mut Word, place: Place) -> Result<(), Unsure> {
        match self.char_at(1) {
            Some('(') if self.char_at(2) == Some('(') => {
                self.at += 3;
                word.text.push(EXPANSION);
                self.arithmetic()
            }
            Some('(') => {
                self.at += 2;
                self.inner(word)
            }
            Some('{') => {
                word.text.push(EXPANSION);
                let name = (2..).map_while(|ahead| self.char_at(ahead)).take_while(|c| *c != '}').collect::<String>();
                word.splits |= name.starts_with('@');
                self.out.unusual |= !is_usual(&name);
                self.braces()
            }
            Some('[') => Err("`$[…]`; `$((…))` is the form that every shell knows"),
            Some('\'') if place == Place::Bare => self.ansi(word),
            Some(c) if c.is_ascii_alphanumeric() || c == '_' => {
                self.at += 1;
                let letter = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
                let name: String = (0..).map_while(|ahead| self.char_at(ahead)).take_while(letter).collect();
                self.at += name.len();
                if is_of_values(&name) {
                    return Err("`$_` or `$TA_…`, which may hold a value");
                }
                self.subscript(place)?;
                word.text.push(EXPANSION);
                Ok(())
            }
            Some(sign @ ('?' | '$' | '!' | '#' | '*' | '@' | '-')) => {
                word.splits |= sign == '@';
                self.at += 2;
                self.subscript(place)?;
                // `$#x` is a length in zsh, before which signs may stand again.
                if sign == '#' && self.char_at(0).is_some_and(|c| matches!(c, '~' | '^' | '=' | '+' | '#' | '$')) {
                    return Err(SIGNS);
                }
                word.text.push(EXPANSION);
                Ok(())
            }
            Some(c) if !c.is_whitespace() && !matches!(c, '"' | '\'' | '`' | ')' | ';' | '|' | '&' | '<' | '>') => {
                Err(SIGNS)
            }
            _ => {
                self.push('$', word);
                if let Some(Item::Hole(hole)) = self.peek() {
                    self.refuse(hole, "after `$`");
                    self.at += 1;
                }
                Ok(())
            }
        }
    }

    /// What stands behind `$name`, and is a part of it in zsh: a subscript, which is calculated, or the letters behind a
    /// colon, some of which calculate too.
    fn subscript(&mut self, place: Place) -> Result<(), Unsure> {
        if self.char_at(0) == Some('[') && place != Place::HereDocument {
            return Err("`$name[`, which some shells take for a subscript; write `${name}[`");
        }
        let letter = self.char_at(1).is_some_and(|c| c.is_ascii_alphabetic() || c == '&');
        self.out.unusual |= self.char_at(0) == Some(':') && letter;
        Ok(())
    }

    /// `${…}`, as long as it holds names, signs and plain text.
    fn braces(&mut self) -> Result<(), Unsure> {
        self.at += 2;
        // `${!x}` and `${(e)x}` read what they hold once more.
        if matches!(self.char_at(0), Some('!' | '(')) {
            return Err("`${!…}` or `${(…)…}`");
        }
        let letter = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
        let name = (0..).map_while(|ahead| self.char_at(ahead)).skip_while(|c| !letter(c)).take_while(letter);
        if is_of_values(&name.collect::<String>()) {
            return Err("`$_` or `$TA_…`, which may hold a value");
        }
        // An index or a length in it may give a name a number.
        let inside = (0..).map_while(|ahead| self.char_at(ahead)).take_while(|c| *c != '}').collect::<String>();
        if inside.contains(['[', ':']) {
            self.calculates_with(&inside);
        }
        loop {
            let Some(item) = self.peek() else { return Err("a `${` that is not closed") };
            self.at += 1;
            let next = self.char_at(0);
            match item {
                Item::Char('}') => return Ok(()),
                Item::Hole(hole) => self.refuse(hole, "within `${…}`"),
                Item::Char('[') => self.out.calculates = true,
                // What stands behind a colon is calculated, unless it says what is taken when nothing is there.
                Item::Char(':') => self.out.calculates |= !matches!(next, Some('-' | '=' | '?' | '+')),
                // `${x@P}` reads it as a prompt.
                Item::Char('@') if next.is_some_and(char::is_alphabetic) => return Err("`${…@…}`"),
                Item::Char(c) if c.is_alphanumeric() || " _]#%/.,+=?*-@~^".contains(c) => {}
                Item::Char(_) => return Err("quotes or commands within `${…}`"),
            }
        }
    }

    /// Notes the names in a formula.
    fn calculates_with(&mut self, formula: &str) {
        let names = formula.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        self.out.numbers.extend(names.filter(|name| is_name(name)).map(str::to_owned));
        // What the shell puts in may be the name that is given a number.
        if formula.contains('$') && (formula.contains('=') || formula.contains("++") || formula.contains("--")) {
            self.out.numbers.push("*".to_owned());
        }
    }

    /// What stands within `((…))`, from behind the two brackets to behind the last two.
    pub(super) fn arithmetic(&mut self) -> Result<(), Unsure> {
        let mut open = 0_usize;
        let inside = (0..).map_while(|ahead| self.char_at(ahead)).take_while(|c| *c != ';').collect::<String>();
        self.calculates_with(inside.split("))").next().unwrap_or_default());
        loop {
            let Some(item) = self.peek() else { return Err("a `((` that is not closed") };
            self.at += 1;
            match item {
                Item::Hole(hole) => self.refuse(hole, "within `((…))`"),
                Item::Char(')') if open == 0 => {
                    if self.char_at(0) != Some(')') {
                        return Err("a `((` that may be two brackets of commands");
                    }
                    self.at += 1;
                    return Ok(());
                }
                Item::Char(')') => open -= 1,
                Item::Char('(') => open += 1,
                Item::Char(c) if c.is_ascii_alphabetic() || matches!(c, '_' | '$') => self.out.calculates = true,
                Item::Char(c) if c.is_ascii_digit() || " \n\t+-*/%<>=!&|^~?:,".contains(c) => {}
                Item::Char(_) => return Err("a sign within `((…))` that may end it"),
            }
        }
    }
}

/// Before a name these say in zsh that what it holds is read once more, as a pattern or as words.
const SIGNS: Unsure =
    "`$` before a sign, which some shells take for a part of a name; write `${name}` or quote the `$`";

/// Whether what stands within `${…}` is a name, perhaps with a plain word behind `-`, `:-`, `+`, `:+`, `#` or `%`: no shell
/// makes more of these than a text. `${~x}` and `${x:$n}` are run by some.
fn is_usual(inside: &str) -> bool {
    let rest = if inside.starts_with(['@', '*']) {
        &inside[1..]
    } else {
        inside.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_')
    };
    let operator = ["", ":-", "-", ":+", "+", "##", "#", "%%", "%"].into_iter().find(|sign| match *sign {
        "" => rest.is_empty(),
        sign => rest.starts_with(sign),
    });
    let Some(operator) = operator.filter(|_| rest.len() < inside.len()) else { return false };
    rest[operator.len()..].chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))
}

/// Whether a variable of that name may hold a value without its author's doing: the last argument of a command, and
/// those in which values reach the shell.
fn is_of_values(name: &str) -> bool {
    name == "_" || name.starts_with("TA_") || name.starts_with("TAT_")
}

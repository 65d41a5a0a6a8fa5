//! A screen: its rows without what is invisible, and how each begins to look.

/// How the first visible character of a row is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Look {
    /// Faint (SGR 2).
    pub dim: bool,
    /// The colour of the text, by its number of the 256; none where it is the terminal's own.
    pub colour: Option<u8>,
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Row {
    /// Its text; spaces at the end are gone, no-break spaces are spaces.
    pub text: String,
    /// How it begins to look; `None` where colours were not captured.
    pub look: Option<Look>,
    /// Something stands in it that cannot be seen, or that looks like a blank and is none.
    pub veiled: bool,
}

/// What a pane shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Screen {
    /// From the top; empty rows at the end are gone.
    pub rows: Vec<Row>,
    /// Column and row of the cursor, from 0, where it is known.
    pub cursor: Option<(usize, usize)>,
}

impl Screen {
    /// Reads what `capture-pane -p` prints, with or without colours (`-e`).
    #[must_use]
    pub fn of(text: &str) -> Self {
        let styled = text.contains('\u{1b}');
        let mut look = Look::default();
        let mut rows: Vec<Row> = text.lines().map(|line| row(line, styled, &mut look)).collect();
        while rows.last().is_some_and(|row| row.text.is_empty()) {
            rows.pop();
        }
        Self { rows, cursor: None }
    }

    /// The same with a cursor.
    #[must_use]
    pub fn with_cursor(mut self, column: usize, row: usize) -> Self {
        self.cursor = Some((column, row));
        self
    }
}

/// Reads one row; the look goes on into the next one, as tmux writes it.
fn row(line: &str, styled: bool, look: &mut Look) -> Row {
    let mut text = String::new();
    let (mut first, mut veiled) = (None, false);
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        if c == '\u{1b}' {
            rest = escape(rest, look);
            continue;
        }
        if c.is_control() {
            continue;
        }
        if !c.is_whitespace() {
            first.get_or_insert(*look);
        }
        veiled |= is_veiled(c);
        text.push(if c == '\u{a0}' { ' ' } else { c });
    }
    text.truncate(text.trim_end().len());
    Row { text, look: styled.then(|| first.unwrap_or_default()), veiled }
}

/// Whether a character is invisible or one of the blanks that a reader takes for a space: spaces but U+0020 and U+3000, which
/// is two cells wide, and characters that Unicode calls default-ignorable. Not the variation selectors behind signs.
const fn is_veiled(c: char) -> bool {
    matches!(c,
        '\u{a0}' | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{1680}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{2000}'..='\u{200f}' | '\u{2028}'..='\u{202f}' | '\u{205f}'..='\u{206f}'
        | '\u{2800}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}')
}

/// Takes one escape sequence off; a `CSI … m` changes the look.
fn escape<'t>(rest: &'t str, look: &mut Look) -> &'t str {
    let Some(body) = rest.strip_prefix('[') else {
        // What capture-pane writes beside colours: a hyperlink (OSC 8), ended by ST or BEL; a character set (`ESC ( B`).
        if let Some(body) = rest.strip_prefix(']') {
            let end = body.find(['\u{7}', '\u{1b}']).unwrap_or(body.len());
            return body[end..].trim_start_matches(['\u{7}', '\u{1b}']).trim_start_matches('\\');
        }
        let skipped = usize::from(rest.starts_with(['(', ')'])) + 1;
        return rest.char_indices().nth(skipped).map_or("", |(at, _)| &rest[at..]);
    };
    let end = body.find(|c: char| ('\u{40}'..='\u{7e}').contains(&c)).unwrap_or(body.len());
    if body[end..].starts_with('m') {
        colours(&body[..end], look);
    }
    body.get(end + 1..).unwrap_or_default()
}

/// Select Graphic Rendition (ECMA-48 8.3.117), as far as a look knows it.
fn colours(parameters: &str, look: &mut Look) {
    let numbers: Vec<u16> = parameters.split([';', ':']).map(|part| part.parse().unwrap_or(0)).collect();
    let mut at = 0;
    while let Some(&number) = numbers.get(at) {
        at += 1;
        match number {
            0 => *look = Look::default(),
            2 => look.dim = true,
            22 => look.dim = false,
            30..=37 => look.colour = u8::try_from(number - 30).ok(),
            90..=97 => look.colour = u8::try_from(number - 82).ok(),
            39 => look.colour = None,
            38 | 48 => {
                let indexed = numbers.get(at) == Some(&5);
                if indexed && number == 38 {
                    look.colour = numbers.get(at + 1).and_then(|&colour| u8::try_from(colour).ok());
                }
                at += if indexed { 2 } else { 4 };
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_and_links_leave_the_text() {
        let screen = Screen::of(
            "\u{1b}[2m  Worked for 6s\u{1b}[0m\n\u{1b}]8;;http://x\u{1b}\\a\u{1b}]8;;\u{1b}\\\u{1b}(Bb\u{a0} \n\n",
        );
        assert_eq!(screen.rows.iter().map(|row| &*row.text).collect::<Vec<_>>(), ["  Worked for 6s", "ab"]);
        assert!(screen.rows[0].look.is_some_and(|look| look.dim));
        assert!(screen.rows[1].look.is_some_and(|look| !look.dim));
        let coloured = Screen::of("\u{1b}[38;5;220m●\u{1b}[39m x\n\u{1b}[38;2;1;2;3;2mx");
        assert_eq!(coloured.rows[0].look.and_then(|look| look.colour), Some(220));
        assert!(coloured.rows[1].look.is_some_and(|look| look.dim));
        assert_eq!(Screen::of("plain").rows[0].look, None);
        assert_eq!(Screen::of("\u{1b}[").rows.len(), 0, "half a sequence is nothing");
    }
}

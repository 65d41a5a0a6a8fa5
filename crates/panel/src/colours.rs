//! The colours of a pane's rows, as words for the page's style. Pure.
//!
//! A row comes as `capture-pane -e` prints it: text with Select Graphic Rendition (ECMA-48, 8.3.117). What goes out is text
//! and words of ours alone, so that nothing a pane prints becomes markup or a style.

use serde::Serialize;
use tmuxagent_text::redact::Redactor;

/// A piece of a row that looks alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Span {
    /// What stands there.
    pub(crate) text: String,
    /// Words, parted by blanks: `bold`, `dim`, `italic`, `underline`, `strike`, `hidden`; `f-N` and `b-N` for the colour of
    /// the text and behind it, by its number of the 256; `f-paper` and `b-ink` where they are swapped.
    pub(crate) style: String,
}

/// How text looks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Look {
    bold: bool,
    dim: bool,
    italic: bool,
    underline: bool,
    swapped: bool,
    hidden: bool,
    strike: bool,
    text: Option<u8>,
    behind: Option<u8>,
}

impl Look {
    fn words(&self) -> String {
        let flags = [
            (self.bold, "bold"),
            (self.dim, "dim"),
            (self.italic, "italic"),
            (self.underline, "underline"),
            (self.strike, "strike"),
            (self.hidden, "hidden"),
        ];
        let mut words: Vec<String> = flags.iter().filter(|(on, _)| *on).map(|(_, word)| (*word).to_owned()).collect();
        let numbered = |side: &str, colour: u8| format!("{side}-{colour}");
        let (front, back) = match self.swapped {
            false => (self.text.map(|colour| numbered("f", colour)), self.behind.map(|colour| numbered("b", colour))),
            true => (
                Some(self.behind.map_or_else(|| "f-paper".to_owned(), |colour| numbered("f", colour))),
                Some(self.text.map_or_else(|| "b-ink".to_owned(), |colour| numbered("b", colour))),
            ),
        };
        words.extend(front.into_iter().chain(back));
        words.join(" ")
    }

    /// Takes in the parameters of one `CSI … m`.
    fn change(&mut self, parameters: &str) {
        // `4:3` is one parameter with a part of its own; of colours both ways of writing are common.
        let mut given = parameters.split(';');
        while let Some(one) = given.next() {
            let mut parts = one.split(':').map(number);
            let first = parts.next().unwrap_or_default();
            match first {
                38 | 48 => {
                    let own: Vec<u16> = parts.collect();
                    let colour = if own.is_empty() { later(&mut given) } else { colon(&own) };
                    *(if first == 38 { &mut self.text } else { &mut self.behind }) = colour;
                }
                4 => self.underline = parts.next() != Some(0),
                other => self.plain(other),
            }
        }
    }

    fn plain(&mut self, number: u16) {
        let colour = |from: u16, base: u16| u8::try_from(number - from + base).ok();
        match number {
            0 => *self = Self::default(),
            1 => self.bold = true,
            2 => self.dim = true,
            3 => self.italic = true,
            7 => self.swapped = true,
            8 => self.hidden = true,
            9 => self.strike = true,
            21 => self.underline = true,
            22 => (self.bold, self.dim) = (false, false),
            23 => self.italic = false,
            24 => self.underline = false,
            27 => self.swapped = false,
            28 => self.hidden = false,
            29 => self.strike = false,
            30..=37 => self.text = colour(30, 0),
            39 => self.text = None,
            40..=47 => self.behind = colour(40, 0),
            49 => self.behind = None,
            90..=97 => self.text = colour(90, 8),
            100..=107 => self.behind = colour(100, 8),
            _ => {}
        }
    }
}

fn number(text: &str) -> u16 {
    text.parse().unwrap_or_default()
}

/// A colour of the kind `38;5;N` or `38;2;R;G;B`, whose rest comes as parameters of its own.
fn later<'t>(given: &mut impl Iterator<Item = &'t str>) -> Option<u8> {
    match number(given.next()?) {
        5 => u8::try_from(number(given.next()?)).ok(),
        2 => Some(nearest([number(given.next()?), number(given.next()?), number(given.next()?)])),
        _ => None,
    }
}

/// A colour of the kind `38:5:N`, `38:2:R:G:B` or `38:2::R:G:B`.
fn colon(own: &[u16]) -> Option<u8> {
    match own {
        [5, colour, ..] => u8::try_from(*colour).ok(),
        [2, red, green, blue] | [2, _, red, green, blue, ..] => Some(nearest([*red, *green, *blue])),
        _ => None,
    }
}

/// The one of the 256 colours that is near: a cube with six levels of each part.
fn nearest(parts: [u16; 3]) -> u8 {
    let level = |part: u16| match part {
        0..48 => 0,
        48..115 => 1,
        _ => (part.min(255) - 35) / 40,
    };
    let [red, green, blue] = parts.map(level);
    u8::try_from(16 + 36 * red + 6 * green + blue).unwrap_or(15)
}

/// Reads rows with their colours. The look goes on into the next row, as tmux writes it; empty rows at the end are gone.
#[must_use]
pub(crate) fn spans(rows: &[String]) -> Vec<Vec<Span>> {
    let mut look = Look::default();
    let mut all: Vec<Vec<Span>> = rows.iter().map(|row| one_row(row, &mut look)).collect();
    while all.last().is_some_and(Vec::is_empty) {
        all.pop();
    }
    all
}

fn one_row(row: &str, look: &mut Look) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    let (mut style, mut rest) = (look.words(), row);
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        if c == '\u{1b}' {
            rest = escape(rest, look);
            style = look.words();
            continue;
        }
        if c.is_control() {
            continue;
        }
        let c = if c == '\u{a0}' { ' ' } else { c };
        match spans.last_mut().filter(|span| span.style == style) {
            Some(span) => span.text.push(c),
            None => spans.push(Span { text: c.into(), style: style.clone() }),
        }
    }
    trimmed(spans)
}

/// Without the blanks at its end.
fn trimmed(mut spans: Vec<Span>) -> Vec<Span> {
    while let Some(last) = spans.last_mut() {
        last.text.truncate(last.text.trim_end().len());
        if !last.text.is_empty() {
            break;
        }
        spans.pop();
    }
    spans
}

/// Takes one escape sequence off; a `CSI … m` changes the look.
fn escape<'t>(rest: &'t str, look: &mut Look) -> &'t str {
    if let Some(body) = rest.strip_prefix('[') {
        let end = body.find(|c: char| ('\u{40}'..='\u{7e}').contains(&c)).unwrap_or(body.len());
        if body[end..].starts_with('m') {
            look.change(&body[..end]);
        }
        return body.get(end + 1..).unwrap_or_default();
    }
    if let Some(body) = rest.strip_prefix(']') {
        // A link (OSC 8), ended by BEL or ST: its address is nobody's to follow here.
        let end = body.find(['\u{7}', '\u{1b}']).unwrap_or(body.len());
        return body[end..].trim_start_matches(['\u{7}', '\u{1b}']).trim_start_matches('\\');
    }
    let skipped = usize::from(rest.starts_with(['(', ')'])) + 1;
    rest.char_indices().nth(skipped).map_or("", |(at, _)| &rest[at..])
}

/// What may be told of rows: their text without secrets, and their pieces. Where something was taken out of a row it has no
/// colours, since a secret may stand in several pieces, and in several rows.
#[must_use]
pub(crate) fn told(rows: &[String], redactor: &Redactor) -> (Vec<String>, Vec<Vec<Span>>) {
    let coloured = spans(rows);
    let plain: Vec<String> =
        coloured.iter().map(|row| row.iter().map(|span| span.text.as_str()).collect::<String>()).collect();
    let text = redactor.redact(&plain.join("\n"));
    let told: Vec<String> = text.split('\n').map(|row| row.trim_end().to_owned()).collect();
    let shorter = plain.len().min(told.len());
    let above = plain.iter().zip(&told).take_while(|(was, is)| was == is).count();
    let below =
        plain.iter().rev().zip(told.iter().rev()).take_while(|(was, is)| was == is).count().min(shorter - above);
    let pieces = told.iter().enumerate().map(|(at, row)| {
        let from_end = told.len() - at;
        let found = match () {
            () if at < above => coloured.get(at),
            () if from_end <= below => coloured.get(plain.len() - from_end),
            () => None,
        };
        found.cloned().unwrap_or_else(|| trimmed(vec![Span { text: row.clone(), style: String::new() }]))
    });
    let pieces = pieces.collect();
    (told, pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(row: &str) -> Vec<(String, String)> {
        spans(&[row.to_owned()]).remove(0).into_iter().map(|span| (span.text, span.style)).collect()
    }

    fn pairs(wanted: &[(&str, &str)]) -> Vec<(String, String)> {
        wanted.iter().map(|(text, style)| ((*text).to_owned(), (*style).to_owned())).collect()
    }

    #[test]
    fn a_row_is_pieces_that_look_alike() {
        assert_eq!(
            of("\u{1b}[1;31mfail\u{1b}[0m ok \u{1b}[38;5;220mgold\u{1b}[39;48;2;0;0;255m blue"),
            pairs(&[("fail", "bold f-1"), (" ok ", ""), ("gold", "f-220"), (" blue", "b-21")])
        );
        assert_eq!(
            of("\u{1b}[7mbar\u{1b}[27m \u{1b}[4:3mw\u{1b}[4:0m."),
            pairs(&[("bar", "f-paper b-ink"), (" ", ""), ("w", "underline"), (".", "")])
        );
        assert_eq!(of("\u{1b}[38:2::255:0:0mred\u{1b}[97mwhite"), pairs(&[("red", "f-196"), ("white", "f-15")]));
        assert_eq!(of("\u{1b}[8mkey\u{1b}[28m x"), pairs(&[("key", "hidden"), (" x", "")]));
    }

    #[test]
    fn what_is_no_colour_leaves_nothing() {
        assert_eq!(of("\u{1b}]8;;http://x\u{1b}\\a\u{1b}]8;;\u{1b}\\\u{1b}(Bb\u{a0}c\u{7}"), pairs(&[("ab c", "")]));
        assert_eq!(of("\u{1b}[2Ja\u{1b}[31"), pairs(&[("a", "")]));
        assert_eq!(of("\u{1b}[38;5m\u{1b}[38;9mx"), pairs(&[("x", "")]), "a colour cut in two is none");
        assert_eq!(spans(&["a".into(), "  ".into(), "\u{1b}[41m  \u{1b}[0m".into()]).len(), 1);
    }

    #[test]
    fn a_look_goes_on_into_the_next_row() {
        let rows = spans(&["\u{1b}[32mgreen".to_owned(), "too".to_owned()]);
        assert_eq!(rows[1][0].style, "f-2");
    }

    #[test]
    fn a_row_with_something_taken_out_has_no_colours() {
        let redactor = Redactor::knowing(["river-stone-41x".to_owned()]);
        let rows = ["\u{1b}[31ma", "\u{1b}[32mkey river-\u{1b}[33mstone-41x", "\u{1b}[34mb"].map(str::to_owned);
        let (plain, pieces) = told(&rows, &redactor);
        assert!(!plain.join(" ").contains("stone-41x"), "{plain:?}");
        let styles: Vec<&str> = pieces.iter().map(|row| row[0].style.as_str()).collect();
        assert_eq!((pieces.len(), styles), (3, vec!["f-1", "", "f-4"]));
        let whole: Vec<String> = pieces.iter().map(|row| row.iter().map(|span| &*span.text).collect()).collect();
        assert_eq!(whole, plain);
    }
}

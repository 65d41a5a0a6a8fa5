//! The live screen of a pane: rows of `capture-pane -e`, untrusted, as styled text.
//!
//! Only SGR survives, and only what is understood is passed on; every other escape sequence goes, control characters
//! become visible signs, characters without width or that turn the writing direction go.

use super::theme::Colours;
use ansi_to_tui::IntoText;
use ratatui::style::{Color, Style};
use ratatui::text::{Line, Text};
use std::fmt::Write as _;
use tmuxagent_text::clean;

/// The most rows and bytes of a row that are read.
const MAX_ROWS: usize = 500;
const MAX_ROW_BYTES: usize = 16 * 1024;

/// The rows as text in the pane's colours, as many as the terminal shows. Style runs on from row to row, as
/// `capture-pane -e` writes it.
#[must_use]
pub fn styled(rows: &[String], colours: Colours) -> Text<'static> {
    let plain: Vec<String> = rows.iter().take(MAX_ROWS).map(|row| only_sgr(row)).collect();
    let Ok(mut text) = plain.join("\n").into_text() else {
        return Text::from(rows.iter().take(MAX_ROWS).map(|row| Line::from(clean(row))).collect::<Vec<_>>());
    };
    for line in &mut text.lines {
        for span in &mut line.spans {
            span.style = fitted(span.style, colours);
        }
    }
    text
}

/// The row without anything but text and SGR sequences in a plain form.
#[must_use]
pub fn only_sgr(row: &str) -> String {
    let mut end = row.len().min(MAX_ROW_BYTES);
    while !row.is_char_boundary(end) {
        end -= 1;
    }
    let mut rest = &row[..end];
    let mut out = String::with_capacity(rest.len());
    while let Some(at) = rest.find(['\u{1b}', '\u{9b}', '\u{9d}', '\u{90}']) {
        out.push_str(&clean(&rest[..at]));
        let (sequence, after) = split_escape(&rest[at..]);
        if let Escape::Sgr(parameters) = sequence {
            write_sgr(&mut out, parameters);
        }
        rest = after;
    }
    out.push_str(&clean(rest));
    out
}

enum Escape<'a> {
    Sgr(&'a str),
    Other,
}

/// Splits one escape sequence off the front (ECMA-48 §5.4, §5.6; strings end with ST, BEL or the row).
fn split_escape(text: &str) -> (Escape<'_>, &str) {
    let mut chars = text.chars();
    let introducer = match chars.next() {
        Some('\u{9b}') => '[',
        Some('\u{9d}' | '\u{90}') => ']',
        _ => match chars.next() {
            Some(c) => c,
            None => return (Escape::Other, ""),
        },
    };
    let body = chars.as_str();
    match introducer {
        '[' => match body.find(|c: char| !matches!(c, '\u{20}'..='\u{3f}')) {
            Some(end) => {
                let last = body[end..].chars().next();
                let parameters = &body[..end];
                let legal = parameters.bytes().all(|b| matches!(b, b'0'..=b'9' | b';' | b':'));
                match last {
                    Some('m') if legal => (Escape::Sgr(parameters), &body[end + 1..]),
                    Some('@'..='~') => (Escape::Other, &body[end + 1..]),
                    // Cut short by another sequence or by text outside ASCII: that belongs to what follows.
                    _ => (Escape::Other, &body[end..]),
                }
            }
            None => (Escape::Other, ""),
        },
        ']' | 'P' | 'X' | '^' | '_' => {
            let end = body.find(['\u{7}', '\u{9c}', '\u{1b}']);
            let rest = end.map_or("", |end| {
                let tail = &body[end..];
                tail.strip_prefix("\u{1b}\\").or_else(|| tail.strip_prefix(['\u{7}', '\u{9c}'])).unwrap_or(tail)
            });
            (Escape::Other, rest)
        }
        // Two or three characters, such as `ESC ( B`.
        '\u{20}'..='\u{2f}' => {
            (Escape::Other, body.trim_start_matches(|c| matches!(c, '\u{20}'..='\u{2f}')).get(1..).unwrap_or_default())
        }
        // Another sequence begins here.
        '\u{1b}' | '\u{9b}' | '\u{9d}' | '\u{90}' => (Escape::Other, &text[1..]),
        _ => (Escape::Other, body),
    }
}

/// Writes the understood attributes, one sequence each (what a parser downstream can't misread).
fn write_sgr(out: &mut String, parameters: &str) {
    let mut fields = parameters.split(';').peekable();
    while let Some(field) = fields.next() {
        let mut parts = field.split(':').map(number);
        let code = parts.next().unwrap_or(0);
        match code {
            38 | 48 | 58 => {
                let colour: Vec<u16> = if field.contains(':') {
                    parts.collect()
                } else {
                    let mut next = || fields.next().map_or(0, number);
                    match next() {
                        2 => vec![2, next(), next(), next()],
                        5 => vec![5, next()],
                        _ => Vec::new(),
                    }
                };
                write_colour(out, code, &colour);
            }
            // `4:0` is no underline, `4:3` a curly one.
            4 if parts.next() == Some(0) => out.push_str("\u{1b}[24m"),
            // Blinking and hidden text are not for a control room: one distracts, the other hides.
            0..=4 | 7 | 9 | 22..=24 | 27 | 29..=37 | 39..=47 | 49 | 90..=97 | 100..=107 => {
                let _ = write!(out, "\u{1b}[{code}m");
            }
            21 => out.push_str("\u{1b}[4m"),
            _ => {}
        }
    }
}

/// A parameter: nothing is 0, what is no number is no known code.
fn number(text: &str) -> u16 {
    if text.is_empty() { 0 } else { text.parse().unwrap_or(u16::MAX) }
}

fn write_colour(out: &mut String, code: u16, colour: &[u16]) {
    let byte = |value: u16| value.min(255);
    if code == 58 {
        return;
    }
    let _ = match *colour {
        [5, index, ..] => write!(out, "\u{1b}[{code};5;{}m", byte(index)),
        // The form with a colour space: `38:2::r:g:b`.
        [2, _, r, g, b] => write!(out, "\u{1b}[{code};2;{};{};{}m", byte(r), byte(g), byte(b)),
        [2, r, g, b] => write!(out, "\u{1b}[{code};2;{};{};{}m", byte(r), byte(g), byte(b)),
        _ => Ok(()),
    };
}

/// The style with the colours that the terminal has.
fn fitted(style: Style, colours: Colours) -> Style {
    match colours {
        Colours::Many => style,
        Colours::Sixteen => Style { fg: style.fg.map(sixteen), bg: style.bg.map(sixteen), ..style },
        Colours::None => Style { fg: None, bg: None, underline_color: None, ..style },
    }
}

/// The colour of a number of the 256, from 16 on: a cube of 6×6×6, then 24 greys (xterm).
pub(crate) fn indexed(number: u8) -> (u8, u8, u8) {
    if let 16..=231 = number {
        let level = |n: u8| if n == 0 { 0 } else { 55 + 40 * n };
        let n = number - 16;
        return (level(n / 36), level(n / 6 % 6), level(n % 6));
    }
    let grey = 8 + 10 * number.saturating_sub(232);
    (grey, grey, grey)
}

/// The nearest of the sixteen colours.
fn sixteen(colour: Color) -> Color {
    let (r, g, b) = match colour {
        Color::Indexed(number @ 0..=15) => return ANSI[usize::from(number)],
        Color::Indexed(number) => indexed(number),
        Color::Rgb(r, g, b) => (r, g, b),
        other => return other,
    };
    let distance = |&(_, (x, y, z)): &(usize, (u8, u8, u8))| {
        let d = |a: u8, b: u8| i32::from(a) - i32::from(b);
        d(r, x).pow(2) + d(g, y).pow(2) + d(b, z).pow(2)
    };
    VALUES.into_iter().enumerate().min_by_key(distance).map_or(Color::Reset, |(at, _)| ANSI[at])
}

pub(crate) const ANSI: [Color; 16] = [
    Color::Black,
    Color::Red,
    Color::Green,
    Color::Yellow,
    Color::Blue,
    Color::Magenta,
    Color::Cyan,
    Color::Gray,
    Color::DarkGray,
    Color::LightRed,
    Color::LightGreen,
    Color::LightYellow,
    Color::LightBlue,
    Color::LightMagenta,
    Color::LightCyan,
    Color::White,
];

/// The colours of [`ANSI`] as xterm shows them.
pub(crate) const VALUES: [(u8, u8, u8); 16] = [
    (0, 0, 0),
    (205, 0, 0),
    (0, 205, 0),
    (205, 205, 0),
    (0, 0, 238),
    (205, 0, 205),
    (0, 205, 205),
    (229, 229, 229),
    (127, 127, 127),
    (255, 0, 0),
    (0, 255, 0),
    (255, 255, 0),
    (92, 92, 255),
    (255, 0, 255),
    (0, 255, 255),
    (255, 255, 255),
];

#[cfg(test)]
mod tests;
